package rollup

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

func x(s string) Exact {
	e := ParseExact(s)
	if !e.Ok() {
		panic("no number: " + s)
	}
	return e
}

// must is the number of a formula that can be computed.
func must(e Exact, ok bool) Exact {
	if !ok {
		panic("not computable")
	}
	return e
}

func TestFormulas(t *testing.T) {
	state := func(ts, ba, ps string) Exact { return must(StandardState(x(ts), x(ba), x(ps))) }
	dry := func(xsw string) Exact { return must(DryBasis(x(xsw))) }
	reference := func(o2, ref string) Exact { return must(ReferenceOxygen(x(o2), x(ref))) }
	for _, c := range []struct {
		name     string
		got      Exact
		decimals int
		want     string
	}{
		// 136.5 °C is one and a half times 273 K, at the standard pressure.
		{"standard state by temperature", x("100").Mul(state("136.5", "101.325", "0")), 3, "150.000"},
		// 120 °C, 100.0 kPa, static −0.5 kPa: 35 × 101.325/99.5 × 393/273 = 51.3088...
		{"standard state", x("35").Mul(state("120", "100.0", "-0.5")), 4, "51.3088"},
		{"dry basis", x("90").Mul(dry("10")), 2, "100.00"},
		{"dry oxygen", x("6.30").Mul(dry("10.0")), 2, "7.00"},
		// 64.06/22.4 = 2.8598...: the usual 2.86 mg/m3 a ppm SO2.
		{"ppm SO2", x("100").Mul(FromPPM(x("64.06"))), 2, "285.98"},
		{"ppm NO", x("100").Mul(FromPPM(x("30.006"))), 2, "133.96"},
		{"NOx of masses", x("60").Mul(NOx(true, false)).Add(x("10").Mul(NOx(false, false))), 3, "102.000"},
		{"NOx of ppm", x("90").Add(x("10")).Mul(NOx(true, true)), 3, "205.357"},
		// A coal-fired power plant, 6 %, at 9 %: 15/12 of what is measured.
		{"converted, coal power", x("28").Mul(reference("9.0", "6")), 3, "35.000"},
		{"converted, gas boiler", x("50").Mul(reference("3.5", "3.5")), 3, "50.000"},
		{"converted, cement kiln", x("10").Mul(reference("15.5", "10")), 3, "20.000"},
		{"velocity", Velocity(x("0.95"), x("12.0")), 2, "11.40"},
		// 10 m2, 15 m/s, 136.5 °C, 10 % water: 150 / 1.5 × 0.9.
		{"flow", must(Flow(x("10"), x("15"), x("136.5"), x("101.325"), x("0"), x("10"))), 3, "90.000"},
		// 35 mg/m3 in 90 m3/s for an hour: 35 × 90 × 3600 / 10^6 kg.
		{"emission, hour", Emission(x("35"), x("90"), 3600), 6, "11.340000"},
		{"volume", Volume(x("12.5"), 5), 6, "0.062500"},
		{"load", Load(x("45"), x("60")), 6, "2.700000"},
		// Erratum: 45 m3 in an hour are 12.5 L/s, and 0.0125 by the formula as printed.
		{"mean flow, hour", MeanFlow(x("45"), 3600), 3, "12.500"},
		// 1 m3 of 100 mg/L and 3 m3 of 20 mg/L: 0.16 kg in 4 m3.
		{"weighted mean", WeightedMean(Load(x("1"), x("100")).Add(Load(x("3"), x("20"))), x("4")), 2, "40.00"},
		{"totaliser", Counted(x("1041.3"), x("1042.8"), x("1000000")), 1, "1.5"},
		{"totaliser runs over", Counted(x("999999.2"), x("0.7"), x("1000000")), 1, "1.5"},
		{"m3/h", FromHours(x("45")), 3, "12.500"},
		// The usual 1.963, 1.882, 2.620 ug/m3 a ppb, and 1.146 mg/m3 a ppm.
		{"O3", AmbientFromPPB(x("48.00")), 3, "1.963"},
		{"NO2", AmbientFromPPB(x("46.01")), 3, "1.882"},
		{"SO2", AmbientFromPPB(x("64.06")), 3, "2.620"},
		{"CO", AmbientFromPPB(x("28.01")), 3, "1.146"},
	} {
		if got := c.got.Text(c.decimals); got != c.want {
			t.Errorf("%s = %s, want %s", c.name, got, c.want)
		}
	}
}

func TestNotComputable(t *testing.T) {
	for name, ok := range map[string]bool{
		"nothing but water":  func() bool { _, ok := DryBasis(x("100")); return ok }(),
		"as much as in air":  func() bool { _, ok := ReferenceOxygen(x("21.0"), x("6")); return ok }(),
		"more than in air":   func() bool { _, ok := ReferenceOxygen(x("21.3"), x("6")); return ok }(),
		"no pressure":        func() bool { _, ok := StandardState(x("20"), x("100"), x("-100")); return ok }(),
		"absolute zero":      func() bool { _, ok := StandardState(x("-273"), x("100"), x("0")); return ok }(),
		"flow of water":      func() bool { _, ok := Flow(one, one, x("20"), x("100"), x("0"), x("101")); return ok }(),
		"five hours of 8":    func() bool { _, ok := EightHours([8]Exact{one, one, one, one, one}); return ok }(),
		"IAQI below nothing": func() bool { _, ok := SubIndex("a34004", Day, x("-1")); return ok }(),
	} {
		if ok {
			t.Errorf("%s: computable", name)
		}
	}
	if _, ok := ReferenceOxygen(x("20.99"), x("6")); !ok {
		t.Error("O2 of 20.99 %: not computable")
	}
}

func TestParseExact(t *testing.T) {
	for text, want := range map[string]string{
		"-0.0000012345678901234": "-0.0000012345678901234", "123456789012345678901.5": "123456789012345678901.5000000000000000000",
		"-12.50": "-12.5000000000000000000",
	} {
		if got := x(text).Text(19); got != want {
			t.Errorf("%s is %s", text, got)
		}
	}
	for _, text := range []string{"", "-", ".", "1.", ".5", "+1", "1e3", "0x10", "1_000", "--1", "1.-5", "٣", "0.0000000000000000000000000000000000000000001"} {
		if e := ParseExact(text); e.Ok() {
			t.Errorf("%q is %s", text, e.Text(3))
		}
	}
}

// TestRounding holds half to even, where the plain way would be wrong.
func TestRounding(t *testing.T) {
	for _, c := range []struct {
		in       string
		decimals int
		want     string
	}{
		{"0.125", 2, "0.12"},
		{"0.135", 2, "0.14"},
		{"-0.125", 2, "-0.12"},
		{"-0.135", 2, "-0.14"},
		{"2.5", 0, "2"},
		{"3.5", 0, "4"},
		{"-0.004", 2, "0.00"},
		{"12", 3, "12.000"},
		{"0.0005", 3, "0.000"},
		{"0.00051", 3, "0.001"},
	} {
		if got := x(c.in).Text(c.decimals); got != c.want {
			t.Errorf("%s with %d decimals = %s, want %s", c.in, c.decimals, got, c.want)
		}
	}
}

// TestExact holds the arithmetic against the library's own, which is slower.
func TestExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a, b := Ratio(r.Int64N(2e6)-1e6, r.Int64N(1e4)+1), Ratio(r.Int64N(2e6)-1e6, r.Int64N(1e4)+1)
		p, q := rat(a), rat(b)
		check := func(op string, got Exact, want *big.Rat) {
			if rat(got).Cmp(want) != 0 || got.f.d.Sign() <= 0 {
				t.Fatalf("%v %s %v = %v, want %v", p, op, q, rat(got), want)
			}
		}
		check("+", a.Add(b), new(big.Rat).Add(p, q))
		check("-", a.Sub(b), new(big.Rat).Sub(p, q))
		check("*", a.Mul(b), new(big.Rat).Mul(p, q))
		if b.Sign() != 0 {
			check("/", a.Quo(b), new(big.Rat).Quo(p, q))
		}
	}
}

func rat(e Exact) *big.Rat { return new(big.Rat).SetFrac(&e.f.n, &e.f.d) }

func TestEightHours(t *testing.T) {
	var day [24]Exact
	for h := range day {
		if h != 3 && h != 13 {
			day[h] = Ratio(int64(10*h), 1)
		}
	}
	// The last eight are the highest: 160 to 230.
	if got := must(EightHoursMax(day)).Text(1); got != "195.0" {
		t.Errorf("day's maximum %s, want 195.0", got)
	}
	// Of hours 0 to 7 one is not valid: (0+10+20+40+50+60+70)/7.
	if got := must(EightHours([8]Exact(day[:8]))).Text(2); got != "35.71" {
		t.Errorf("mean that ends at 8:00 is %s, want 35.71", got)
	}
	if _, ok := EightHoursMax([24]Exact{}); ok {
		t.Error("a maximum of nothing")
	}
}

func TestSubIndex(t *testing.T) {
	for _, c := range []struct {
		code, kind, value string
		want              int
		ok                bool
	}{
		{"a34004", Day, "100", 132, true}, // 50/40 × 25 + 100 = 131.25
		{"a34004", Day, "35", 50, true},
		{"a34004", Day, "35.1", 51, true},
		{"a34004", Day, "0", 0, true},
		{"a34004", Day, "612", 500, true},
		{"a34002", Day, "168", 109, true}, // 50/100 × 18 + 100
		{"a05024", EightHour, "187", 125, true},
		{"a05024", EightHour, "801", 500, false}, // by the hour then
		{"a05024", Hour, "200", 100, true},
		{"a21026", Hour, "900", 500, false}, // by the day then
		{"a21005", Hour, "7.5", 75, true},
		{"a21004", Day, "81", 101, true},
		{"a21003", Hour, "5", 0, false},
	} {
		if got, ok := SubIndex(c.code, c.kind, x(c.value)); got != c.want || ok != c.ok {
			t.Errorf("SubIndex(%s, %s, %s) = %d, %t, want %d, %t", c.code, c.kind, c.value, got, ok, c.want, c.ok)
		}
	}
	for _, row := range AirIndices {
		for i := 1; i < len(row.Limits); i++ {
			if row.Limits[i] <= row.Limits[i-1] {
				t.Errorf("%s by %s: %d does not rise", row.Code, row.Kind, row.Limits[i])
			}
		}
	}
}

// BenchmarkConverted is one value of a flue gas: parsed, brought to standard state and dry
// basis, converted, rounded twice.
func BenchmarkConverted(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		k := must(StandardState(x("121.5"), x("100.8"), x("-0.42"))).Mul(must(DryBasis(x("8.53"))))
		c := x("23.47").Mul(k)
		zs := c.Mul(must(ReferenceOxygen(x("8.71").Mul(must(DryBasis(x("8.53")))), x("6"))))
		_, _ = c.Text(3), zs.Text(3)
	}
}
