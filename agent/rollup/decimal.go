package rollup

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// decimal is an exact decimal number: digits × 10^-scale.
type decimal struct {
	digits int64
	scale  int
}

// Bounds of a decimal: an instrument's number has far fewer digits.
const (
	maxScale  = 12
	maxDigits = 18
)

// parseDecimal reads an optional minus, digits, and at most one point. It is not ok
// for anything else, among it exponents, and numbers beyond the bounds.
func parseDecimal(s string) (d decimal, ok bool) {
	t := strings.TrimPrefix(s, "-")
	if t == "" || t[0] == '.' || t[len(t)-1] == '.' || len(t) > maxDigits+1 {
		return decimal{}, false
	}
	point := -1
	for i := range len(t) {
		switch c := t[i]; {
		case c >= '0' && c <= '9':
			d.digits = 10*d.digits + int64(c-'0')
		case c == '.' && point < 0:
			point = i
		default:
			return decimal{}, false
		}
	}
	if point >= 0 {
		d.scale = len(t) - 1 - point
	}
	if d.scale > maxScale || len(t)-min(1, point+1) > maxDigits {
		return decimal{}, false
	}
	if len(t) != len(s) {
		d.digits = -d.digits
	}
	return d, true
}

// less says whether d < e.
func (d decimal) less(e decimal) bool {
	if d.scale == e.scale {
		return d.digits < e.digits
	}
	scale := max(d.scale, e.scale)
	a, aOK := d.widen(scale)
	b, bOK := e.widen(scale)
	if aOK && bOK {
		return a < b
	}
	return d.widened(scale).Cmp(e.widened(scale)) < 0
}

// widen is d's digits at a scale that is not less than its own, if a word holds them.
func (d decimal) widen(scale int) (digits int64, ok bool) {
	if scale-d.scale > maxDigits {
		return 0, d.digits == 0
	}
	k := powers[scale-d.scale]
	digits = d.digits * k
	return digits, digits/k == d.digits && (d.digits < 0) == (digits < 0)
}

// powers are those of ten that a word holds.
var powers = func() (p [maxDigits + 1]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

// widened is the same without that bound.
func (d decimal) widened(scale int) *big.Int {
	return new(big.Int).Mul(big.NewInt(d.digits), pow10(scale-d.scale))
}

func (d decimal) float() float64 { return float64(d.digits) / float64(powers[d.scale]) }

func (d decimal) String() string {
	return format(d.digits < 0, strings.TrimPrefix(strconv.FormatInt(d.digits, 10), "-"), d.scale)
}

// total is an exact sum of decimals. What is small stays in one word; what that word
// cannot hold is carried.
type total struct {
	small int64
	carry *big.Int // nil: nothing
	scale int
}

func (t *total) add(d decimal) {
	if d.scale > t.scale {
		small, ok := decimal{t.small, t.scale}.widen(d.scale)
		if !ok || t.carry != nil {
			t.spill()
			t.carry.Mul(t.carry, pow10(d.scale-t.scale))
			small = 0
		}
		t.small, t.scale = small, d.scale
	}
	digits, ok := d.widen(t.scale)
	if !ok {
		t.spill()
		t.carry.Add(t.carry, d.widened(t.scale))
		return
	}
	if digits > 0 && t.small > math.MaxInt64-digits || digits < 0 && t.small < math.MinInt64-digits {
		t.spill()
	}
	t.small += digits
}

// spill empties small into carry.
func (t *total) spill() {
	if t.carry == nil {
		t.carry = new(big.Int)
	}
	t.carry.Add(t.carry, big.NewInt(t.small))
	t.small = 0
}

// addProduct adds a × b.
func (t *total) addProduct(a, b decimal) {
	product := a.digits * b.digits
	if a.digits == 0 || product/a.digits == b.digits {
		t.add(decimal{product, a.scale + b.scale})
		return
	}
	t.add(decimal{0, a.scale + b.scale}) // the scale
	t.spill()
	wide := new(big.Int).Mul(big.NewInt(a.digits), big.NewInt(b.digits))
	t.carry.Add(t.carry, wide.Mul(wide, pow10(t.scale-a.scale-b.scale)))
}

// sum is t times 10^scale.
func (t total) sum() *big.Int {
	sum := big.NewInt(t.small)
	if t.carry != nil {
		sum.Add(sum, t.carry)
	}
	return sum
}

// mean returns the sum over n, with as many decimals as the longest number in it, and so
// many at least, rounded half to even.
func (t total) mean(n int64, decimals int) string {
	den := pow10(t.scale)
	return quotient(t.sum(), den.Mul(den, big.NewInt(n)), max(t.scale, decimals))
}

// over returns t / u with so many decimals. It is not ok where u is not above 0.
func (t total) over(u total, decimals int) (text string, ok bool) {
	num, den := t.sum(), u.sum()
	if den.Sign() <= 0 {
		return "", false
	}
	return quotient(num.Mul(num, pow10(u.scale)), den.Mul(den, pow10(t.scale)), decimals), true
}

// quotient returns num / den, den above 0, with so many decimals, rounded half to even.
func quotient(num, den *big.Int, decimals int) string {
	num = new(big.Int).Mul(num, pow10(decimals))
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	twice := new(big.Int).Abs(r)
	if c := twice.Lsh(twice, 1).Cmp(den); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(int64(num.Sign())))
	}
	return format(q.Sign() < 0, new(big.Int).Abs(q).String(), decimals)
}

// format puts the point into digits.
func format(minus bool, digits string, scale int) string {
	if scale > 0 {
		if len(digits) <= scale {
			digits = strings.Repeat("0", scale-len(digits)+1) + digits
		}
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if minus {
		return "-" + digits
	}
	return digits
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
