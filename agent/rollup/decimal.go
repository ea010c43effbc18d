package rollup

import (
	"math/big"
	"strings"
)

// decimal is an exact decimal number: digits * 10^-scale.
type decimal struct {
	digits big.Int
	scale  int
}

// maxScale bounds the digits after the point, so that one odd value cannot make
// every later sum long.
const maxScale = 12

// parseDecimal reads an optional sign, digits, and at most one point. It is not ok
// for anything else, exponents and more than maxScale decimals among it.
func parseDecimal(s string) (d decimal, ok bool) {
	t := strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(t, ".")
	if whole == "" || point && fraction == "" || len(fraction) > maxScale || len(t) > 40 {
		return decimal{}, false
	}
	for _, r := range whole + fraction {
		if r < '0' || r > '9' {
			return decimal{}, false
		}
	}
	d.digits.SetString(whole+fraction, 10)
	if len(t) != len(s) {
		d.digits.Neg(&d.digits)
	}
	d.scale = len(fraction)
	return d, true
}

// widen brings d to scale, which is not less than its own.
func (d *decimal) widen(scale int) {
	if scale > d.scale {
		d.digits.Mul(&d.digits, pow10(scale-d.scale))
		d.scale = scale
	}
}

// add adds e to d.
func (d *decimal) add(e decimal) {
	scale := max(d.scale, e.scale)
	d.widen(scale)
	e.digits = *new(big.Int).Set(&e.digits)
	e.widen(scale)
	d.digits.Add(&d.digits, &e.digits)
}

// less says whether d < e.
func (d decimal) less(e decimal) bool {
	scale := max(d.scale, e.scale)
	a := new(big.Int).Mul(&d.digits, pow10(scale-d.scale))
	b := new(big.Int).Mul(&e.digits, pow10(scale-e.scale))
	return a.Cmp(b) < 0
}

// mean returns d/n with d's own number of decimals, rounded half to even.
func (d decimal) mean(n int64) string {
	q, r := new(big.Int).QuoRem(&d.digits, big.NewInt(n), new(big.Int))
	switch twice := new(big.Int).Abs(r); twice.Lsh(twice, 1).Cmp(big.NewInt(n)) {
	case 1:
		q.Add(q, big.NewInt(int64(d.digits.Sign())))
	case 0:
		if q.Bit(0) == 1 {
			q.Add(q, big.NewInt(int64(d.digits.Sign())))
		}
	}
	return format(q, d.scale)
}

func (d decimal) String() string { return format(&d.digits, d.scale) }

func format(digits *big.Int, scale int) string {
	s := new(big.Int).Abs(digits).String()
	if scale > 0 {
		if len(s) <= scale {
			s = strings.Repeat("0", scale-len(s)+1) + s
		}
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if digits.Sign() < 0 {
		return "-" + s
	}
	return s
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
