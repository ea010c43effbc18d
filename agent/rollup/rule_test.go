package rollup

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// run gives a rollup of one source a value of each point at each step of a time, and
// returns the figures of the kind by point, of all periods one after the other.
func run(o Options, kind string, every time.Duration, steps int, value func(i int, point string) (text, flag string), points ...string) map[string][]Figure {
	r := New(o)
	start := at("00:00:00")
	for i := range steps {
		for _, p := range points {
			if text, flag := value(i, p); flag != "" {
				r.Add(Value{"s", p, text, "", flag, start.Add(time.Duration(i) * every), every})
			}
		}
	}
	out := map[string][]Figure{}
	for _, w := range r.Close(start.Add(72 * time.Hour)) {
		if w.Kind == kind {
			for _, f := range w.Figures {
				out[f.Point] = append(out[f.Point], f)
			}
		}
	}
	return out
}

func rulesOf(m map[string]Rule) func(string, string) Rule {
	return func(_, point string) Rule { return m[point] }
}

func text(f Figure) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %d %s %s", f.Avg, f.Cou, f.N, f.Flag, f.Cause))
}

// Hours are made of the minute figures as they were given out.
func TestHourOfRoundedMinutes(t *testing.T) {
	// Three values a minute period: 0.1 0.1 0.2 is 0.133..., which is 0.1, and 0.1 0.2 0.2
	// is 0.2. An hour of 30 of each is 0.15, half to even 0.2, and of the samples 0.15 too;
	// of 60 of the first it is 0.1, and of the samples 0.133.
	o := Options{Minutes: 1, Decimals: map[string]int{"x": 1}}
	got := run(o, Hour, 20*time.Second, 180, func(i int, _ string) (string, string) {
		return []string{"0.1", "0.1", "0.2"}[i%3], "N"
	}, "x")
	if got := text(got["x"][0]); got != "0.1  180 N" {
		t.Errorf("hour %q", got)
	}
}

// The flags of periods, by both rules.
func TestFlags(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		kind string
		flag func(i int) string // of a value a minute
		n    int
		want string
	}{
		{"share, enough", Options{Minutes: 4}, Minute, func(i int) string { return []string{"N", "N", "C", "N"}[i] }, 4, "N "},
		{"share, few", Options{Minutes: 4}, Minute, func(i int) string { return []string{"N", "N", "C", "M"}[i] }, 4, "D few"},
		{"share, most", Options{Minutes: 4, Most: true}, Minute, func(i int) string { return []string{"N", "C", "M", "M"}[i] }, 4, "M few"},
		{"share, the first of most", Options{Minutes: 4, Most: true}, Minute, func(i int) string { return []string{"N", "C", "M", "N"}[i] }, 4, "C few"},
		{"most, none", Options{Minutes: 4, Most: true}, Minute, func(i int) string { return "N" }, 2, "D few"},
		{"any, one", Options{Minutes: 4, Any: true}, Minute, func(i int) string { return []string{"N", "N", "B", "N"}[i] }, 4, "D abnormal"},
		{"any, most", Options{Minutes: 4, Any: true, Most: true}, Minute, func(i int) string { return []string{"N", "N", "B", "N"}[i] }, 4, "B abnormal"},
		{"any, few", Options{Minutes: 4, Any: true}, Minute, func(int) string { return "N" }, 2, "D few"},
		{"hour of 45", Options{Minutes: 1}, Hour, func(i int) string { return "N" }, 45, "N "},
		{"hour of 44", Options{Minutes: 1}, Hour, func(i int) string { return "N" }, 44, "D few"},
		{"hour of 5 of 10 minutes", Options{Minutes: 10}, Hour, func(i int) string { return "N" }, 50, "N "},
		{"hour of 30", Options{Minutes: 1, HourMinutes: 30}, Hour, func(i int) string { return "N" }, 30, "N "},
		{"hour, any", Options{Minutes: 1, Any: true}, Hour, func(i int) string {
			if i == 7 {
				return "M"
			}
			return "N"
		}, 60, "D abnormal"},
		{"hour, any, none missing is bad", Options{Minutes: 1, Any: true}, Hour, func(i int) string { return "N" }, 50, "N "},
		{"day of 20", Options{Minutes: 1}, Day, func(i int) string { return "N" }, 20 * 60, "N "},
		{"day of 19", Options{Minutes: 1}, Day, func(i int) string { return "N" }, 19*60 + 44, "D few"},
		{"day of 18", Options{Minutes: 1, DayHours: 18}, Day, func(i int) string { return "N" }, 18 * 60, "N "},
	} {
		f := run(c.o, c.kind, time.Minute, c.n, func(i int, _ string) (string, string) { return "5", c.flag(i) }, "x")["x"][0]
		if got := f.Flag + " " + f.Cause; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Values of other flags count where the site says so; the flag of the figure is still
// that of too few good ones.
func TestCountFlags(t *testing.T) {
	f := run(Options{Minutes: 4, CountFlags: []string{"N", "M"}}, Minute, time.Minute, 4, func(i int, _ string) (string, string) {
		return fmt.Sprint(i), []string{"N", "M", "C", "M"}[i]
	}, "x")["x"][0]
	if got := text(f); got != "1  3 D few" { // (0+1+3)/3 = 1.33
		t.Errorf("figure %q", got)
	}
}

// A point that is asked each half hour has hours of its samples, two a good hour.
func TestSlowPoint(t *testing.T) {
	for n, want := range map[int]string{2: "1.5  2 N", 1: "1.0  1 D few"} {
		got := run(Options{Minutes: 10}, Hour, 30*time.Minute, n, func(i int, _ string) (string, string) { return fmt.Sprintf("%d.0", i+1), "N" }, "x")
		if got := text(got["x"][0]); got != want {
			t.Errorf("hour of %d: %q, want %q", n, got, want)
		}
	}
}

func TestCou(t *testing.T) {
	rules := rulesOf(map[string]Rule{
		"q": {Cou: FlowRate}, "c": {Cou: LoadGas, With: "q"},
		"l": {Cou: FlowWater, Valid: ByAny}, "w": {Cou: LoadWater, Mean: FlowWeighted, With: "l"},
	})
	value := func(i int, point string) (string, string) {
		return map[string][]string{"q": {"2.0", "2.5"}, "c": {"50.0", "51.0"}, "l": {"1.5", "3"}, "w": {"30.0", "60.0"}}[point][i%2], "N"
	}
	for _, c := range []struct{ kind, point, want string }{
		// 2.25 m3/s, half to even 2.2, times 600 s
		{Minute, "q", "2.2 1320.000000 60 N"},
		{Minute, "c", "50.5 0.066660 60 N"}, // 50.5 mg/m3 × 2.2 m3/s × 600 s × 1e-6
		{Hour, "c", "50.5 0.399960 360 N"},  // with 3600 s
		{Day, "q", "2.2 190080.000000 8640 N"},
		{Minute, "l", "2.2 1.350000 60 N"},  // 30 × 10 s × (1.5 + 3) L/s
		{Minute, "w", "50.0 0.067500 60 N"}, // (1.5×30 + 3×60) / 4.5; × 300 s / 1e6
		{Day, "w", "50.0 9.720000 8640 N"},  // the sums of all
		{Hour, "l", "2.2 8.100000 360 N"},   // N1 decimals of the values: 2.25 to 2.2
	} {
		r := run(Options{Minutes: 10, Rules: rules, Decimals: map[string]int{"c": 1}}, c.kind, 10*time.Second, 8640, value, "q", "c", "l", "w")
		if got := text(r[c.point][0]); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.kind, c.point, got, c.want)
		}
	}
}

// A totaliser counts from its reading at the start of a period to the one at the start of
// the next, over its roll-over; where it fell back otherwise, the rate counts.
func TestTotaliser(t *testing.T) {
	for name, c := range map[string]struct {
		modulus string
		read    func(i int) int
		want    string // of the second and third minute
	}{
		"straight":        {"", func(i int) int { return 7 * i }, "42.000000 42.000000"},
		"roll-over":       {"100", func(i int) int { return (7*i + 40) % 100 }, "42.000000 42.000000"},
		"no roll-over":    {"", func(i int) int { return (7*i + 40) % 100 }, "0.600000 42.000000"},
		"does not move":   {"100", func(i int) int { return 3 }, "0.000000 0.000000"},
		"back by a reset": {"10", func(i int) int { return 500 - i/12*400 }, "0.600000 0.000000"},
	} {
		rules := rulesOf(map[string]Rule{"q": {Cou: FlowWater, Total: "sum", Modulus: c.modulus}, "sum": {Mean: Last}})
		for _, order := range [][]string{{"q", "sum"}, {"sum", "q"}} {
			got := run(Options{Minutes: 1, Rules: rules}, Minute, 10*time.Second, 24, func(i int, point string) (string, string) {
				if point == "q" {
					return "10", "N"
				}
				return fmt.Sprint(c.read(i)), "N"
			}, order...)["q"]
			if got := got[1].Cou + " " + got[2].Cou; got != c.want {
				t.Errorf("%s, %v: %s, want %s", name, order, got, c.want)
			}
		}
	}
}

func TestWind(t *testing.T) {
	for _, c := range []struct {
		name  string
		dir   []string
		speed []string
		want  string
	}{
		{"over north", []string{"350", "10"}, []string{"2", "2"}, "0"},
		{"by speed", []string{"0", "90"}, []string{"1", "3"}, "72"}, // atan 3 = 71.57
		{"without speed", []string{"0", "90"}, nil, "45"},
		{"calm", []string{"0", "90"}, []string{"0", "0"}, ""},
		{"against each other", []string{"90", "270"}, []string{"2", "2"}, ""},
		{"just below north", []string{"359.7", "359.7"}, []string{"1", "1"}, "359.7"},
	} {
		orders := [][]string{{"a01008", "a01007"}, {"a01007", "a01008"}}
		if c.speed == nil {
			orders = [][]string{{"a01008"}}
		}
		for _, order := range orders {
			for _, kind := range []string{Minute, Hour} {
				got := run(Options{Minutes: 10}, kind, time.Minute, 60, func(i int, p string) (string, string) {
					if p == "a01008" {
						return c.dir[i%2], "N"
					}
					return c.speed[i%2], "N"
				}, order...)["a01008"][0]
				if got.Avg != c.want || got.Flag != "N" || got.Min != "" {
					t.Errorf("%s, %s: %+v, want %q", c.name, kind, got, c.want)
				}
			}
		}
	}
}

// Levels: a day of 60 dB with nights of 50 dB, and within each period the classes of a
// ramp.
func TestNoise(t *testing.T) {
	o := Options{Minutes: 10, Rules: rulesOf(map[string]Rule{"LA": {Mean: Energy, Noise: true}})}
	day := run(o, Day, 10*time.Second, 8640, func(i int, _ string) (string, string) {
		if hour := i / 360; hour < 6 || hour >= 22 {
			return "50.0", "N"
		}
		return "60.04", "N"
	}, "LA")
	for point, want := range map[string]string{
		"LA": "58.5", "Leq": "58.5", // 58.45: 10 lg((16·10^6 + 8·10^5)/24), each of what was given out
		"Ld": "60.0", "Ln": "50.0", "Ldn": "60.0", // 10 lg((16·10^6 + 8·10^6)/24)
		"L5": "60.0", "L50": "60.0", "L90": "50.0", "L95": "50.0", "LMx": "60.04", "LMn": "50.0",
	} {
		if got := day[point]; len(got) != 1 || got[0].Avg != want || got[0].Flag != "N" || got[0].N != 8640 {
			t.Errorf("%s: %+v, want %s", point, got, want)
		}
	}
	minute := run(o, Minute, 6*time.Second, 100, func(i int, _ string) (string, string) { return fmt.Sprint(101 + i), "N" }, "LA")
	for point, want := range map[string]string{"L5": "196.0", "L10": "191.0", "L50": "151.0", "L90": "111.0", "L95": "106.0"} {
		if got := minute[point]; len(got) != 1 || got[0].Avg != want {
			t.Errorf("%s of 101 to 200: %+v, want %s", point, got, want)
		}
	}
	if _, there := minute["Ld"]; there {
		t.Error("a minute has an Ld")
	}
}

// A level falls into the class that is nearest, half to even.
func TestNoiseClass(t *testing.T) {
	for text, want := range map[string]string{
		"50": "50.0", "50.05": "50.0", "50.15": "50.2", "50.051": "50.1", "50.149": "50.1", "-3": "0.0", "250.5": "200.0",
	} {
		var n noise
		d, _ := parseDecimal(text)
		n.count(d)
		if got := n.exceeded(50); got != want {
			t.Errorf("%s dB is counted as %s, want %s", text, got, want)
		}
	}
}

// Converted values have figures of their own, with their own digits.
func TestZs(t *testing.T) {
	r := New(Options{Minutes: 1, Decimals: map[string]int{"x": 1}})
	for i, zs := range []string{"10.5", "", "11.25", "x"} {
		r.Add(Value{"s", "x", "5", zs, "N", at("10:00:00").Add(time.Duration(i) * 15 * time.Second), 15 * time.Second})
	}
	f := r.Close(at("10:01:00"))[0].Figures[0]
	if f.ZsAvg != "10.88" || f.ZsMin != "10.5" || f.ZsMax != "11.25" || f.Avg != "5.0" {
		t.Errorf("figure %+v", f)
	}
}

// A step of the clock spoils what it is a quarter of, and no more.
func TestStep(t *testing.T) {
	r := New(Options{Minutes: 10})
	var got []string
	for i := range 61 {
		for _, w := range r.Close(at("10:00:00").Add(time.Duration(i) * time.Minute)) {
			got = append(got, w.Kind+w.Figures[0].Flag+w.Figures[0].Cause)
		}
		if i == 25 {
			r.Step(150 * time.Second)
		}
		r.Add(Value{"s", "x", "5", "", "N", at("10:00:00").Add(time.Duration(i) * time.Minute), time.Minute})
	}
	if got, want := strings.Join(got, " "), "minN minN minDclock minN minN hourN minN"; got != want {
		t.Errorf("windows %s, want %s", got, want)
	}
}
