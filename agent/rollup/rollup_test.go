package rollup

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

func at(clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-11-23 "+clock, Site)
	if err != nil {
		panic(err)
	}
	return t
}

func TestMinuteFigure(t *testing.T) {
	r := New(Options{Minutes: 1})
	for i, text := range []string{"1.10", "1.2", "1.3", "-0.4", "1.25", "1.26"} {
		r.Add(Value{"dust", "a34004", text, "", "N", at("10:00:00").Add(time.Duration(i) * 10 * time.Second), 10 * time.Second})
	}
	if got := r.Close(at("10:00:59")); len(got) != 0 {
		t.Fatalf("closed %v before the minute ended", got)
	}
	got := r.Close(at("10:01:00"))
	if len(got) != 1 || len(got[0].Figures) != 1 {
		t.Fatalf("Close = %+v, want one window with one figure", got)
	}
	// (1.10 + 1.2 + 1.3 - 0.4 + 1.25 + 1.26) / 6 = 5.71 / 6 = 0.951666..., and a34004 is N3.3
	want := Figure{Point: "a34004", Avg: "0.952", Min: "-0.4", Max: "1.3", N: 6, Flag: "N"}
	if got[0].Figures[0] != want {
		t.Errorf("figure = %+v, want %+v", got[0].Figures[0], want)
	}
	if got[0].Kind != Minute || !got[0].Start.Equal(at("10:00:00")) {
		t.Errorf("window %s from %v, want min from 10:00:00", got[0].Kind, got[0].Start)
	}
}

func TestThreeQuarters(t *testing.T) {
	for _, c := range []struct {
		normal int
		flag   string
		cause  string
	}{{12, "N", ""}, {9, "N", ""}, {8, "D", "few"}, {0, "D", "few"}} {
		r := New(Options{Minutes: 1})
		for i := range 12 {
			v := Value{"gas", "a21026", "5.0", "", "N", at("10:00:00").Add(time.Duration(i) * 5 * time.Second), 5 * time.Second}
			if i >= c.normal {
				v.Text, v.Flag = "", "B"
			}
			r.Add(v)
		}
		f := r.Close(at("10:01:00"))[0].Figures[0]
		if f.Flag != c.flag || f.Cause != c.cause || f.N != c.normal {
			t.Errorf("%d of 12 normal: flag %s cause %q n %d, want %s %q", c.normal, f.Flag, f.Cause, f.N, c.flag, c.cause)
		}
	}
}

func TestHourAndDay(t *testing.T) {
	r := New(Options{Minutes: 10})
	for i := range 24 * 6 {
		r.Add(Value{"s", "x", fmt.Sprint(40 + i%6), "", "N", at("00:00:00").Add(time.Duration(i) * 10 * time.Minute), 10 * time.Minute})
	}
	kinds := map[string]int{}
	var day Window
	for _, w := range r.Close(at("00:00:00").Add(24 * time.Hour)) {
		kinds[w.Kind]++
		if w.Kind == Day {
			day = w
		}
	}
	if kinds[Minute] != 144 || kinds[Hour] != 24 || kinds[Day] != 1 {
		t.Fatalf("windows %v, want 144 minutes, 24 hours, 1 day", kinds)
	}
	if f := day.Figures[0]; f.Avg != "42" || f.N != 144 { // 42.5, half to even
		t.Errorf("day = %+v, want avg 42 of 144", f)
	}
}

func TestLateValueIsInNoFigure(t *testing.T) {
	r := New(Options{Minutes: 1})
	r.Close(at("10:05:00"))
	r.Add(Value{"s", "LA", "50", "", "N", at("10:04:59"), time.Second})
	if r.Late() != 1 {
		t.Errorf("Late = %d, want 1", r.Late())
	}
	r.Add(Value{"s", "LA", "50", "", "N", at("10:05:00"), time.Second})
	if r.Late() != 1 {
		t.Errorf("a value of the open minute was taken for late")
	}
}

// A clock that is set back by days makes a closed minute a new one.
func TestClosedMinuteOpensAgain(t *testing.T) {
	r := New(Options{Minutes: 10})
	for range 2 {
		r.Add(Value{"gas", "a21026", "5", "", "N", at("12:00:00"), time.Minute})
		var n int
		for _, w := range r.Close(at("12:00:00").Add(72 * time.Hour)) {
			if w.Kind == Minute {
				n += w.Figures[0].N
			}
		}
		if n != 1 {
			t.Errorf("the minutes hold %d values, want 1", n)
		}
	}
}

func TestMeanRounding(t *testing.T) {
	for _, c := range []struct {
		sum  string
		n    int64
		want string
	}{
		{"0.5", 2, "0.2"},
		{"0.7", 2, "0.4"},
		{"-0.5", 2, "-0.2"},
		{"-0.7", 2, "-0.4"},
		{"1.0", 3, "0.3"},
		{"2.0", 3, "0.7"},
		{"-2.0", 3, "-0.7"},
		{"0.00", 7, "0.00"},
		{"1234567890123456.01", 1, "1234567890123456.01"},
	} {
		d, ok := parseDecimal(c.sum)
		var sum total
		sum.add(d)
		if got := sum.mean(c.n, 0); !ok || got != c.want {
			t.Errorf("%s / %d = %s, want %s", c.sum, c.n, got, c.want)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-0.1", "1e5", ".5", "5.", "--1", "99999999999999999999.999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := parseDecimal(s)
		if !ok {
			return
		}
		again, ok := parseDecimal(d.String())
		if !ok || again.less(d) || d.less(again) {
			t.Fatalf("%q read as %s, read again as %s", s, d, again)
		}
	})
}

// A total is exact beyond what one word holds, and over numbers of any length.
func TestTotalIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var sum total
		want := new(big.Rat)
		n := 1 + r.IntN(40)
		scale := 0
		for range n {
			d := decimal{r.Int64N(1e18) - 5e17, r.IntN(5)}
			scale = max(scale, d.scale)
			sum.add(d)
			x, _ := new(big.Rat).SetString(d.String())
			want.Add(want, x)
		}
		if got := sum.mean(1, 0); got != want.FloatString(scale) {
			t.Fatalf("sum %s, want %s", got, want.FloatString(scale))
		}
	}
}

// Numbers of different scales compare as they are, also beyond what a word holds.
func TestLess(t *testing.T) {
	texts := []string{"-999999999999999999", "-1.5", "-1.49", "-0.000000000001", "0", "0.10", "0.11", "1", "1.000000000001", "999999.999999999999", "999999999999999999"}
	for i, a := range texts {
		for j, b := range texts {
			x, okX := parseDecimal(a)
			y, okY := parseDecimal(b)
			if !okX || !okY || x.less(y) != (i < j) {
				t.Errorf("%s < %s is %v (read: %v, %v), want %v", a, b, x.less(y), okX, okY, i < j)
			}
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	r, noon := New(Options{Minutes: 10}), at("12:00:00")
	b.ReportAllocs()
	texts := []string{"12.5", "12.57", "12.612", "12", "13.1"}
	for i := 0; b.Loop(); i++ {
		r.Add(Value{"gas", "a21026", texts[i%len(texts)], "", "N", noon, time.Second})
	}
}
