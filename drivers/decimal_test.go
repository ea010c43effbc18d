package drivers

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestParseDecimal(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"0", "0"},
		{"-0", "0"},
		{"0.10", "0.10"},
		{"-0.05", "-0.05"},
		{"+5", "5"},
		{"00.5", "0.5"},
		{"1e-3", "0.001"},
		{"1.50E2", "150"},
		{"1.505E2", "150.5"},
		{"1e30", "1" + "000000000000000000000000000000"},
		{"12345678901234567890.5", "12345678901234567890.5"},
	} {
		d, err := parseDecimal(tt.in)
		if err != nil || d.String() != tt.want {
			t.Errorf("parseDecimal(%q) = %s, %v; want %s", tt.in, d, err, tt.want)
		}
	}
	for _, in := range []string{"", "-", ".", ".5", "5.", "1,5", "0x10", "1e", "1e31", "1e-31", "1e5.5", "--1", "+-1", "1 ", "1_0", "٣", "nan", "-.inf", "1.-5", "1e99999999999999999999"} {
		if d, err := parseDecimal(in); err == nil {
			t.Errorf("parseDecimal(%q) = %s, want an error", in, d)
		}
	}
}

// ratOf is d's worth by other means.
func ratOf(t *testing.T, d decimal) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		t.Fatalf("decimal %+v reads %q", d, d)
	}
	return r
}

// Against big.Rat, with numbers about every edge of an int64.
func TestDecimalArithmetic(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	edges := []int64{0, 1, -1, 5, -5, 25, 35, 1 << 31, 999_999_999, math.MaxInt64, math.MinInt64, math.MaxInt64 / 10, math.MinInt64/10 - 1}
	pick := func() decimal {
		d := newDecimal(edges[rng.IntN(len(edges))] + rng.Int64N(3) - 1)
		if rng.IntN(8) == 0 {
			d = newDecimalUint(rng.Uint64())
		}
		d.places = rng.IntN(24) - 4
		return d
	}
	ten := func(n int) *big.Rat {
		r := new(big.Rat).SetInt(bigPower(max(n, -n)))
		if n < 0 {
			r.Inv(r)
		}
		return r
	}
	for range 5_000 {
		a, b := pick(), pick()
		x, y := ratOf(t, a), ratOf(t, b)
		if exact := new(big.Rat).Mul(new(big.Rat).SetInt(a.n()), ten(-a.places)); exact.Cmp(x) != 0 {
			t.Fatalf("%+v reads %s, is %s", a, a, exact.FloatString(30))
		}
		if got, want := ratOf(t, a.mul(b)), new(big.Rat).Mul(x, y); got.Cmp(want) != 0 {
			t.Fatalf("%s × %s = %s, want %s", a, b, a.mul(b), want.FloatString(40))
		}
		sum := a.add(b)
		if got, want := ratOf(t, sum), new(big.Rat).Add(x, y); got.Cmp(want) != 0 || sum.places != max(a.places, b.places) {
			t.Fatalf("%s + %s = %s, want %s", a, b, sum, want.FloatString(30))
		}
		if got, want := a.cmp(b), x.Cmp(y); got != want {
			t.Fatalf("%s compared with %s is %d, want %d", a, b, got, want)
		}
		places := rng.IntN(6)
		rounded := a.round(places)
		r := ratOf(t, rounded)
		off := new(big.Rat).Mul(new(big.Rat).Abs(new(big.Rat).Sub(r, x)), ten(places))
		switch half := off.Cmp(big.NewRat(1, 2)); {
		case rounded.places != places, half > 0, half == 0 && rounded.n().Bit(0) == 1:
			t.Fatalf("%s to %d decimals is %s", a, places, rounded)
		}
	}
}

// Halves, in an int64 and beyond it.
func TestDecimalHalves(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"0.5", "0"},
		{"1.5", "2"},
		{"2.5", "2"},
		{"-0.5", "0"},
		{"-1.5", "-2"},
		{"2.50000000000000000001", "3"},
		{"12345678901234567890.5", "12345678901234567890"},
		{"12345678901234567891.5", "12345678901234567892"},
		{"-12345678901234567891.5", "-12345678901234567892"},
		{"12345678901234567890.51", "12345678901234567891"},
	} {
		d, err := parseDecimal(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.round(0).String(); got != tt.want {
			t.Errorf("%s rounded is %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestDecimalWhole(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want uint64
		ok   bool
	}{
		{"0", 0, true},
		{"32767", 32767, true},
		{"32767.0", 32767, true},
		{"-1", math.MaxUint64, true},
		{"-9223372036854775808", 1 << 63, true},
		{"18446744073709551615", math.MaxUint64, true},
		{"18446744073709551616", 0, false},
		{"-9223372036854775809", 0, false},
		{"0.5", 0, false},
		{"-0.1", 0, false},
	} {
		d, err := parseDecimal(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := d.whole(); ok != tt.ok || ok && got != tt.want {
			t.Errorf("whole of %s is %d, %t; want %d, %t", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

// Against strconv, over floats of all sizes.
func TestDecimalFloat(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 1_000 {
		f := math.Float32frombits(rng.Uint32())
		if !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) {
			want := strconv.FormatFloat(float64(f), 'f', -1, 32)
			if got := newDecimalFloat(float64(f), 32).String(); got != want {
				t.Fatalf("decimal of float32 %g is %s, want %s", f, got, want)
			}
		}
		g := math.Float64frombits(rng.Uint64())
		if !math.IsNaN(g) && !math.IsInf(g, 0) {
			want := strconv.FormatFloat(g, 'f', -1, 64)
			if got := newDecimalFloat(g, 64).String(); got != want {
				t.Fatalf("decimal of float64 %g is %s, want %s", g, got, want)
			}
		}
	}
}
