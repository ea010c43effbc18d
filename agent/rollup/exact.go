package rollup

import (
	"math/big"
	"strings"
)

// Exact is a rational number without a rounding error. Formulas are reckoned in it and
// rounded once, at their end, so that the digits are the same on every processor. The
// zero value is no number: only Ok may be asked of it.
//
// Numerator and denominator are not brought to lowest terms. A formula has a dozen
// factors, and two multiplications are cheaper than a common divisor.
type Exact struct{ f *fraction }

type fraction struct{ n, d big.Int } // d > 0

// ParseExact reads a decimal of an instrument: an optional minus, digits, and at most one
// point. It is not Ok for anything else, and for more than 40 digits.
func ParseExact(s string) Exact {
	if d, ok := parseDecimal(s); ok {
		return Ratio(d.digits, powers[d.scale])
	}
	whole, part, point := strings.Cut(s, ".") // a number near 0 of 32 bits has many decimals
	digits := strings.TrimPrefix(whole, "-")
	if digits == "" || point && part == "" || len(s) > 40 || strings.Trim(digits+part, "0123456789") != "" {
		return Exact{}
	}
	x := new(fraction)
	x.n.SetString(whole+part, 10)
	x.d.Set(pow10(len(part)))
	return Exact{x}
}

// The small ones below are not inlined: they are called in many places, and their
// multiplications cost more than the call.

// Ratio is n/d. d is positive.
//
//go:noinline
func Ratio(n, d int64) Exact {
	x := new(fraction)
	x.n.SetInt64(n)
	x.d.SetInt64(d)
	return Exact{x}
}

// Ok says whether x is a number.
func (x Exact) Ok() bool { return x.f != nil }

// Sign is -1, 0 or 1.
//
//go:noinline
func (x Exact) Sign() int { return x.f.n.Sign() }

// Mul is x × y.
//
//go:noinline
func (x Exact) Mul(y Exact) Exact {
	z := new(fraction)
	z.n.Mul(&x.f.n, &y.f.n)
	z.d.Mul(&x.f.d, &y.f.d)
	return Exact{z}
}

// Quo is x / y. It panics where y is 0, which formulas look for before.
//
//go:noinline
func (x Exact) Quo(y Exact) Exact {
	if y.f.n.Sign() == 0 {
		panic("rollup: division by zero")
	}
	z := new(fraction)
	z.n.Mul(&x.f.n, &y.f.d)
	z.d.Mul(&x.f.d, &y.f.n)
	if z.d.Sign() < 0 {
		z.n.Neg(&z.n)
		z.d.Neg(&z.d)
	}
	return Exact{z}
}

// Add is x + y.
//
//go:noinline
func (x Exact) Add(y Exact) Exact {
	z := new(fraction)
	var more big.Int
	z.n.Add(z.n.Mul(&x.f.n, &y.f.d), more.Mul(&y.f.n, &x.f.d))
	z.d.Mul(&x.f.d, &y.f.d)
	return Exact{z}
}

// Sub is x − y.
//
//go:noinline
func (x Exact) Sub(y Exact) Exact { return x.Add(y.Mul(Ratio(-1, 1))) }

// Text is x with so many decimals, rounded half to even (GB/T 8170-2008, 3.2).
func (x Exact) Text(decimals int) string {
	var num, q, r big.Int
	num.Mul(&x.f.n, powOf(decimals))
	q.QuoRem(&num, &x.f.d, &r)
	if c := r.Lsh(r.Abs(&r), 1).Cmp(&x.f.d); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(&q, big.NewInt(int64(num.Sign())))
	}
	return format(q.Sign() < 0, strings.TrimPrefix(q.String(), "-"), decimals)
}

// Ceil is the least whole number that is not below x.
func (x Exact) Ceil() int {
	var q, r big.Int
	q.QuoRem(&x.f.n, &x.f.d, &r)
	n := int(q.Int64())
	if r.Sign() > 0 {
		n++
	}
	return n
}

func powOf(n int) *big.Int {
	if n <= maxScale {
		return big.NewInt(powers[n])
	}
	return pow10(n)
}

var (
	one     = Ratio(1, 1)
	hundred = Ratio(100, 1)
)
