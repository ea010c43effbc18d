package drivers

import (
	"cmp"
	"errors"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// A decimal is a whole number over 10^places, exactly. Values are money to the
// person who is fined for them: 536 × 0.1 is 53.6 and not 53.6000000000000014.
//
// The whole number is small for all that is measured in practice; big is there
// so that nothing is ever wrong.
type decimal struct {
	small  int64
	big    *big.Int // goes before small, if there
	places int      // decimals; below zero for zeros before the point
}

// maxPlaces bounds the exponents that a template may write.
const maxPlaces = 30

func newDecimal(v int64) decimal { return decimal{small: v} }

func newDecimalUint(v uint64) decimal {
	if v > math.MaxInt64 {
		return decimal{big: new(big.Int).SetUint64(v)}
	}
	return decimal{small: int64(v)}
}

// newDecimalFloat is the shortest decimal that reads back as f in a float of
// that many bits. f is finite.
func newDecimalFloat(f float64, bits int) decimal {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, bits) // -1.2345e-06, 17 digits at most
	d := decimal{}
	afterPoint := false
	for i, c := range text {
		switch {
		case c == '.':
			afterPoint = true
		case c == 'e':
			exp, _ := strconv.Atoi(string(text[i+1:]))
			d.places -= exp
			if text[0] == '-' {
				d.small = -d.small
			}
			return d
		case c != '-':
			d.small = 10*d.small + int64(c-'0')
			if afterPoint {
				d.places++
			}
		}
	}
	return d
}

// parseDecimal reads a decimal such as 0.10, -5 or 1e-3, and keeps its digits.
func parseDecimal(s string) (decimal, error) {
	bad := errors.New("want a decimal, such as 0.1 or -5")
	if len(s) > 2*maxPlaces {
		return decimal{}, bad
	}
	places := 0
	digits, exp, hasExp := strings.Cut(strings.ToLower(s), "e")
	if hasExp {
		e, err := strconv.Atoi(exp)
		if err != nil || e < -maxPlaces || e > maxPlaces {
			return decimal{}, bad
		}
		places = -e
	}
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	sign := ""
	if whole != "" && (whole[0] == '-' || whole[0] == '+') {
		sign, whole = whole[:1], whole[1:]
	}
	if whole == "" || hasPoint && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return decimal{}, bad
	}
	n, _ := new(big.Int).SetString(sign+whole+fraction, 10)
	return decimalOf(n, places+len(fraction)), nil
}

func allDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// decimalOf takes n over.
func decimalOf(n *big.Int, places int) decimal {
	if n.IsInt64() {
		return decimal{small: n.Int64(), places: places}
	}
	return decimal{big: n, places: places}
}

// n is the whole number, not to be changed.
func (d decimal) n() *big.Int {
	if d.big != nil {
		return d.big
	}
	return big.NewInt(d.small)
}

// powers are those of ten that an int64 holds.
var powers = func() (p [19]int64) {
	p[0] = 1
	for i := range p[1:] {
		p[i+1] = 10 * p[i]
	}
	return p
}()

func bigPower(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// at writes d with more places.
func (d decimal) at(places int) decimal {
	k := places - d.places
	if k == 0 || d.big == nil && d.small == 0 {
		d.places = places
		return d
	}
	factor := decimal{}
	if k < len(powers) {
		factor.small = powers[k]
	} else {
		factor.big = bigPower(k)
	}
	d = d.mul(factor)
	d.places = places
	return d
}

func (d decimal) sign() int {
	if d.big != nil {
		return d.big.Sign()
	}
	return cmp.Compare(d.small, 0)
}

// cmp compares d and e by their worth: 1.0 is 1.
func (d decimal) cmp(e decimal) int {
	places := max(d.places, e.places)
	d, e = d.at(places), e.at(places)
	if d.big == nil && e.big == nil {
		return cmp.Compare(d.small, e.small)
	}
	return d.n().Cmp(e.n())
}

func (d decimal) mul(e decimal) decimal {
	places := d.places + e.places
	if d.big == nil && e.big == nil {
		hi, lo := bits.Mul64(magnitude(d.small), magnitude(e.small))
		if hi == 0 && lo <= math.MaxInt64 {
			return decimal{small: d.small * e.small, places: places}
		}
	}
	return decimalOf(new(big.Int).Mul(d.n(), e.n()), places)
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// add has as many decimals as the longer of the two.
func (d decimal) add(e decimal) decimal {
	places := max(d.places, e.places)
	d, e = d.at(places), e.at(places)
	if d.big == nil && e.big == nil {
		sum := d.small + e.small
		if (sum > d.small) == (e.small > 0) { // no overflow; nothing added is for the long way
			return decimal{small: sum, places: places}
		}
	}
	return decimalOf(new(big.Int).Add(d.n(), e.n()), places)
}

// round gives d that many decimals, 0 or more: zeros are added, and halves go
// to the even digit.
func (d decimal) round(places int) decimal {
	k := d.places - places
	if k <= 0 {
		return d.at(places)
	}
	if d.big == nil && k < len(powers) {
		unit := powers[k]
		q, r := d.small/unit, d.small%unit
		if twice := 2 * magnitude(r); twice > uint64(unit) || twice == uint64(unit) && q%2 != 0 {
			q += int64(d.sign())
		}
		return decimal{small: q, places: places}
	}
	return decimalOf(quotient(d.n(), bigPower(k)), places)
}

// over divides d by e, which is above zero, and rounds to that many decimals,
// 0 or more; halves go to the even digit.
func (d decimal) over(e decimal, places int) decimal {
	n, unit := new(big.Int).Set(d.n()), new(big.Int).Set(e.n())
	if k := places + e.places - d.places; k >= 0 {
		n.Mul(n, bigPower(k))
	} else {
		unit.Mul(unit, bigPower(-k))
	}
	return decimalOf(quotient(n, unit), places)
}

// quotient is n / unit, rounded; halves go to the even number.
func quotient(n, unit *big.Int) *big.Int {
	sign := int64(n.Sign())
	q, r := new(big.Int).QuoRem(n, unit, new(big.Int))
	if c := r.Abs(r).Lsh(r, 1).Cmp(unit); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(sign))
	}
	return q
}

// whole returns d as the low 64 bits of a whole number, and whether it is one
// that 64 bits hold.
func (d decimal) whole() (uint64, bool) {
	w := d.round(0)
	switch {
	case w.cmp(d) != 0:
		return 0, false
	case w.big == nil:
		return uint64(w.small), true
	}
	return w.big.Uint64(), w.big.IsUint64()
}

// String writes d in full, with all its decimals and no exponent. Zero has no
// sign.
func (d decimal) String() string {
	if d.places < 0 {
		d = d.at(0)
	}
	var buf [24]byte
	digits := buf[:0]
	if d.big != nil {
		digits = d.big.Append(digits, 10)
	} else {
		digits = strconv.AppendInt(digits, d.small, 10)
	}
	if d.places == 0 {
		return string(digits)
	}
	out := make([]byte, 0, 24)
	if digits[0] == '-' {
		out, digits = append(out, '-'), digits[1:]
	}
	point := len(digits) - d.places
	if point <= 0 {
		out = append(out, '0', '.')
		for range -point {
			out = append(out, '0')
		}
		return string(append(out, digits...))
	}
	out = append(append(out, digits[:point]...), '.')
	return string(append(out, digits[point:]...))
}
