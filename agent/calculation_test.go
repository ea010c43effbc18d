package main

import (
	"strings"
	"testing"
	"time"

	"envgate/agent/rollup"
	"envgate/config"
	"envgate/drivers"
	"envgate/envelope"
)

// calcSite is a site with the instruments of a stack and others; calculations follow.
const calcSite = `gateway: {id: gw-test}
key: /k
storage: {path: /l}
lines:
  - name: a
    url: tcp://10.0.0.5:502
    devices:
      - {name: cems-1, template: cems-float-block, unit: 1}
      - {name: weather-1, template: vaisala-wxt530, unit: 2}
      - {name: noise-1, template: sonbest-sm7901b, unit: 3, interval: 1s}
      - {name: o3-1, template: teledyne-t400, unit: 4}
      - {name: tuf, template: tuf-2000, unit: 5}
      - {name: ph-1, template: supmea-ph8001, unit: 6}
      - name: gas-1
        unit: 7
        registers:
          - {point: no, en: NO, address: 0, type: uint16, unit: ppm}
          - {point: no2, en: NO2, address: 1, type: uint16, unit: ppm}
calculations:
`

const calcStack = `  - name: outlet-1
    medium: stack
    device: cems-1
    state: wet-actual
    area: 10
    reference_oxygen: coal-power
    inputs:
      ambient: {value: 1013.25, unit: hPa}
`

func calcOf(t testing.TB, calculations string) *calculator {
	t.Helper()
	s, err := config.Parse("site.yaml", []byte(calcSite+calculations))
	if err != nil {
		t.Fatal(err)
	}
	return newCalculator(s)
}

var calcTime = time.Date(2026, 11, 24, 10, 0, 0, 0, rollup.Site)

// polledOf is a sample of point, value, point, value; a flag may follow a value after a space.
func polledOf(device string, at time.Duration, pairs ...string) polled {
	p := polled{Sample: drivers.Sample{Source: device, Device: device, Time: calcTime.Add(at)}, every: 5 * time.Second}
	for i := 0; i < len(pairs); i += 2 {
		value, flag, ok := strings.Cut(pairs[i+1], " ")
		if !ok {
			flag = "N"
		}
		p.Readings = append(p.Readings, drivers.Reading{Point: pairs[i], Value: value, Flag: flag})
	}
	return p
}

// calculated runs the stage and writes down the samples that it added, a line for each:
// source, and for each point value, converted value after a slash, flag and cause.
func calculated(c *calculator, samples ...polled) string {
	out, _ := c.pass(samples)
	var lines []string
	for _, s := range out[len(samples):] {
		line := s.Source
		for i, r := range s.Readings {
			line += " " + r.Point + "=" + r.Value
			if s.zs != nil && s.zs[i] != "" {
				line += "/" + s.zs[i]
			}
			if r.Flag != "N" {
				line += "," + r.Flag + "," + string(r.Cause)
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// cems is a sample of a stack whose state makes plain numbers: 136.5 °C is 1.5 × 273 K, and
// 10 % of it are water.
func cems(at time.Duration, change ...string) polled {
	p := polledOf("cems-1", at, "a21026", "60.0", "a21002", "120", "a34013", "6", "a19001", "8.1",
		"a01012", "136.5", "a01013", "0", "a01011", "12", "a01014", "10")
	for i := 0; i < len(change); i += 2 {
		for k := range p.Readings {
			if p.Readings[k].Point == change[i] {
				p.Readings[k] = polledOf("", 0, change[i], change[i+1]).Readings[0]
			}
		}
	}
	return p
}

func TestStackCalculation(t *testing.T) {
	rest := " a19001=9.000 a01011=12 a00000=72.000" // 10 m2 × 12 m/s / 1.5 × 0.9
	for _, c := range []struct {
		name   string
		change []string
		want   string
	}{
		{"all well", nil, "outlet-1 a21002=200.000/250.000 a21026=100.000/125.000 a34013=10.000/12.500" + rest},
		{"pollutant flagged", []string{"a21026", "60.0 M"}, "outlet-1 a21002=200.000/250.000 a21026=100.000/125.000,M,input a34013=10.000/12.500" + rest},
		{"pollutant without value", []string{"a34013", " D"}, "outlet-1 a21002=200.000/250.000 a21026=100.000/125.000 a34013=/-,D,input" + rest},
		{"oxygen in calibration", []string{"a19001", "8.1 C"}, "outlet-1 a21002=200.000/250.000,C,input a21026=100.000/125.000,C,input a34013=10.000/12.500,C,input a19001=9.000,C,input a01011=12 a00000=72.000"},
		{"oxygen of air", []string{"a19001", "18.9"}, "outlet-1 a21002=200.000/- a21026=100.000/- a34013=10.000/- a19001=21.000 a01011=12 a00000=72.000"},
		{"only water", []string{"a01014", "100"}, "outlet-1 a21002=/-,D,not-computable a21026=/-,D,not-computable a34013=/-,D,not-computable a19001=,D,not-computable a01011=12 a00000=0.000"},
		{"two flags", []string{"a21026", "60.0 T", "a01012", "136.5 S"}, "outlet-1 a21002=200.000/250.000,S,input a21026=100.000/125.000,T,input a34013=10.000/12.500,S,input a19001=9.000 a01011=12 a00000=72.000,S,input"},
		{"no number", []string{"a01013", "x"}, "outlet-1 a21002=/-,D,no-input a21026=/-,D,no-input a34013=/-,D,no-input a19001=9.000 a01011=12 a00000=,D,no-input"},
	} {
		if got := calculated(calcOf(t, calcStack), cems(0, c.change...)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// TestCalculationInputs holds which value of another device is taken.
func TestCalculationInputs(t *testing.T) {
	c := func() *calculator {
		return calcOf(t, strings.Replace(calcStack, "ambient: {value: 1013.25, unit: hPa}", "ambient: {device: weather-1, point: a01006}", 1))
	}
	so2 := func(text string) string {
		var out []string
		for f := range strings.FieldsSeq(text) {
			if v, ok := strings.CutPrefix(f, "a21026="); ok {
				out = append(out, v)
			}
		}
		return strings.Join(out, " ")
	}
	air := func(at time.Duration, hPa string) polled { return polledOf("weather-1", at, "a01006", hPa) }
	for _, x := range []struct {
		name    string
		samples []polled
		want    string
	}{
		{"none yet", []polled{cems(0)}, "/-,D,no-input"},
		{"of another line, a little later in the batch", []polled{cems(5 * time.Second), air(4*time.Second, "1013.25")}, "100.000/125.000"},
		{"after the sample", []polled{cems(0), air(time.Millisecond, "1013.25")}, "/-,D,no-input"},
		{"the newest before", []polled{air(0, "2026.5"), air(3*time.Second, "1013.25"), air(6*time.Second, "2026.5"), cems(5 * time.Second)}, "100.000/125.000"},
		{"just serves", []polled{air(0, "1013.25"), cems(15 * time.Second)}, "100.000/125.000"},
		{"too old", []polled{air(0, "1013.25"), cems(15*time.Second + 1)}, "/-,D,no-input"},
		{"the clock was set back", []polled{air(time.Hour, "2026.5"), air(0, "1013.25"), cems(time.Second)}, "100.000/125.000"},
	} {
		if got := so2(calculated(c(), x.samples...)); got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
	}
	// In two sealings.
	one := c()
	calculated(one, air(0, "1013.25"), air(5*time.Second, "2026.5"))
	if got := so2(calculated(one, cems(4*time.Second))); got != "100.000/125.000" {
		t.Errorf("late sample: %s", got)
	}
}

func TestNOxCalculation(t *testing.T) {
	got := calculated(calcOf(t, `  - name: outlet-2
    medium: stack
    inputs:
      a21003: {device: gas-1, point: "no", state: dry-standard}
      a21004: {device: gas-1, point: no2, state: dry-standard}
`), polledOf("gas-1", 0, "no", "90", "no2", "10"))
	// 90 × 30.006/22.4, 10 × 46.005/22.4, 100 × 46/22.4.
	if want := "outlet-2 a21003=120.560 a21004=20.538 a21002=205.357"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOtherCalculations(t *testing.T) {
	c := calcOf(t, `  - {name: air-1, medium: air, device: o3-1}
  - {name: noise-a, medium: noise, device: noise-1}
  - {name: wind-1, medium: wind, device: weather-1}
  - name: outfall-1
    medium: water
    device: tuf
    inputs:
      total: {point: total}
      w01001: {device: ph-1, point: w01001}
`)
	got := calculated(c,
		polledOf("o3-1", 0, "a05024", "50"), polledOf("noise-1", 1, "LA", "61.3"),
		polledOf("weather-1", 2, "a01008", "350", "a01007", "3.20", "a01001", "11"),
		polledOf("ph-1", 3, "w01001", "7.10", "w01010", "12"), polledOf("tuf", 4, "w00000", "45", "total", "1041"))
	want := `air-1 a05024=98.160
noise-a LA=61.3
wind-1 a01008=350 a01007=3.20
outfall-1 w00000=12.500 total=1041 w01001=7.10`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestCalculationSealed sends ten minutes of a stack through stage, seal and figures into
// a log, and reads the blocks.
func TestCalculationSealed(t *testing.T) {
	site, err := config.Parse("site.yaml", []byte(calcSite+calcStack))
	if err != nil {
		t.Fatal(err)
	}
	key, err := envelope.NewKey("gw-test")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	start := time.Now().Truncate(10 * time.Minute).Add(-20 * time.Minute)
	f := startFlow(t, dir, key, func(f *flow) {
		f.stages = append(f.stages, newCalculator(site))
		f.rollup = newRollup(site, nil)
	})
	for i := range 120 {
		s := cems(0).Sample
		if i == 7 {
			s = cems(0, "a19001", "18.9").Sample
		}
		s.Time = start.Add(time.Duration(i) * 5 * time.Second)
		f.in.add(5*time.Second, s)
	}
	for range 100 { // until it is sealed
		if time.Sleep(20 * time.Millisecond); f.in.waiting() == 0 {
			break
		}
	}
	time.Sleep(200 * time.Millisecond)
	f.stop()

	log, err := openTestLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var converted, lost int
	figures := map[string]string{}
	for _, stream := range []string{live, stat} {
		_, last := log.Bounds(stream)
		for seq := uint64(0); seq < last; seq++ {
			_, blocks, err := log.Read(stream, seq, 1)
			if err != nil || len(blocks) != 1 {
				t.Fatalf("%s %d: %d blocks, %v", stream, seq+1, len(blocks), err)
			}
			b, _, err := envelope.OpenBlock(blocks[0], envelope.NewKeySet(key.Public()))
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range b.Groups {
				if g.Source != "outlet-1" {
					continue
				}
				for _, col := range g.Columns {
					for _, v := range col.Values {
						switch {
						case g.Kind != envelope.GroupLive:
							figures[g.Kind+" "+col.Point+" "+col.Kind] = v
						case col.Kind != envelope.ColumnZs || col.Point != "a21026":
						case v == "125.000":
							converted++
						case v == "":
							lost++
						default:
							t.Errorf("converted value %q", v)
						}
					}
				}
			}
		}
	}
	if converted != 119 || lost != 1 {
		t.Errorf("%d converted values and %d that could not be, want 119 and 1", converted, lost)
	}
	for what, want := range map[string]string{
		"min a21026 avg": "100.000", "min a21026 n": "120", "min a19001 max": "21.000", "min a00000 avg": "72.000", "min a34013 min": "10.000",
	} {
		if figures[what] != want {
			t.Errorf("%s is %q, want %q", what, figures[what], want)
		}
	}
}

func TestCalculationCatalogue(t *testing.T) {
	site, err := config.Parse("site.yaml", []byte(calcSite+calcStack))
	if err != nil {
		t.Fatal(err)
	}
	sources := calculationSources(site)
	if len(sources) != 1 || sources[0].Source != "outlet-1" || sources[0].Medium != "stack" || sources[0].IntervalMs != 5000 || len(sources[0].Points) != 6 {
		t.Fatalf("sources are %+v", sources)
	}
	if p := sources[0].Points[1]; p.Point != "a21026" || p.Unit != "mg/m3" || p.Decimals != 3 || p.English == "" {
		t.Errorf("point is %+v", p)
	}
	var out strings.Builder
	printCalculations(&out, site)
	for _, want := range []string{
		"outlet-1     ambient      fixed 1013.25  hPa", "outlet-1     a21026       cems-1 a21026  mg/m3  wet-actual",
		"C × 101.325/(Ba+Ps) × (273+ts)/273 / (1−Xsw/100); zs × (21−6)/(21−O2)",
		"10 × 1 × Vp × 273/(273+ts) × (Ba+Ps)/101.325 × (1−Xsw/100)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("check says\n%s\nwant %q", out.String(), want)
		}
	}
}

// BenchmarkCalculation is one poll of a typical stack, 12 factors: it makes 7 values, 4 of
// them with a converted one.
func BenchmarkCalculation(b *testing.B) {
	c := calcOf(b, calcStack+"      a21005: {device: gas-1, point: \"no\", state: dry-standard}\n")
	samples := []polled{cems(0), polledOf("gas-1", 0, "no", "31")}
	b.ReportAllocs()
	for b.Loop() {
		for i := range samples {
			samples[i].Time = samples[i].Time.Add(5 * time.Second)
		}
		if out, _ := c.pass(samples[:2:2]); len(out) != 4 {
			b.Fatalf("%d samples", len(out))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/7, "ns/value")
}
