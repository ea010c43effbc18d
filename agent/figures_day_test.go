package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"envgate/agent/rollup"
	"envgate/config"
	"envgate/drivers"
)

// figuresFolder holds the second calculation: see docs/figures.md.
const figuresFolder = "../tests/figures"

// The figures of a simulated day are equal, digit by digit, to those of a calculation in
// another language that was written from the standards' formulas.
func TestFiguresOfADay(t *testing.T) {
	folder := t.TempDir()
	pythonOf(t, filepath.Join(figuresFolder, "day.py"), folder)
	halves := []<-chan map[figureKey]string{ // the stack is half of the work
		figuresLater(t, folder, "stack"), figuresLater(t, folder, "outlet,cod,station,mast,street"),
	}

	day := newDay(t, folder)
	day.run(readingsOf(t, filepath.Join(folder, "samples.csv")))
	ours := day.figures()

	want := map[figureKey]string{}
	for _, half := range halves {
		maps.Copy(want, <-half)
	}
	if len(want) < 30_000 {
		t.Errorf("the script has %d figures, want 30000 or more", len(want))
	}
	compareFigures(t, ours, want)
}

// figuresLater starts the script for some sources, and gives what it made when it is done.
func figuresLater(t *testing.T, folder, sources string) <-chan map[figureKey]string {
	out := make(chan map[figureKey]string, 1)
	script := exec.CommandContext(t.Context(), "python3", filepath.Join(figuresFolder, "figures.py"), "--of", sources,
		filepath.Join(folder, "samples.csv"), filepath.Join(folder, "settings.json"))
	var trouble bytes.Buffer
	script.Stderr = &trouble
	var running sync.WaitGroup
	running.Go(func() {
		b, err := script.Output()
		if err != nil {
			t.Errorf("figures.py --of %s: %v\n%s", sources, err, trouble.String())
		}
		out <- figuresOf(t, b)
	})
	t.Cleanup(running.Wait)
	return out
}

// pythonOf runs a script.
func pythonOf(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("python3", args...)
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3 %s: %v\n%s(make need installs what tests want)", strings.Join(args, " "), err, trouble.String())
	}
	return out
}

// settingsOfDay are those of settings.json that the calculation here needs too.
type settingsOfDay struct {
	Minute      int
	HourMinutes int `json:"hour_minutes"`
	DayHours    int `json:"day_hours"`
	Sources     map[string]struct {
		Rule    string
		Points  map[string]struct{ Mean, Cou, Flow, Speed, Total, Modulus string }
		Noise   *struct{ Point string }
		Ozone8h string
	}
	Happenings []struct {
		What     string
		At, By   int64
		From, To int64

		done bool
	}
}

// calculationsOfDay are the calculations of settings.json, as a site file would have them.
func calculationsOfDay() []config.Calculation {
	of := func(role, device, point, unit string) config.CalcInput {
		return config.CalcInput{Role: role, Device: device, Point: point, Unit: unit}
	}
	gas := func(code, unit, mass string) config.CalcInput {
		return config.CalcInput{Role: code, Device: "gas", Point: code, Unit: unit, State: "wet-actual", MolarMass: mass}
	}
	air := func(code, unit, mass string) config.CalcInput {
		return config.CalcInput{Role: code, Device: "air", Point: code, Unit: unit, MolarMass: mass}
	}
	oxygen := of(config.RoleOxygen, "gas", "a19001", "%")
	oxygen.State = "wet-actual"
	return []config.Calculation{
		{Name: "stack", Medium: config.Stack, Area: "4.91", Kv: "0.84", ReferenceOxygen: "6", Inputs: []config.CalcInput{
			oxygen,
			of(config.RoleTemperature, "flue", "a01012", "degC"),
			of(config.RolePressure, "flue", "a01013", "kPa"),
			{Role: config.RoleAmbient, Value: "100.8", Unit: "kPa"},
			of(config.RoleMoisture, "flue", "a01014", "%"),
			of(config.RoleVelocity, "flue", "a01011", "m/s"),
			gas("a21003", "ppm", "30.006"), gas("a21004", "ppm", "46.005"), gas("a21026", "ppm", "64.06"), gas("a34013", "mg/m3", ""),
		}},
		{Name: "outlet", Medium: config.Water, Mean: "flow-weighted", Modulus: "1000000", Inputs: []config.CalcInput{
			of(config.RoleFlow, "well", "w00000", "m3/h"), of(config.RoleTotal, "well", "total", "m3"),
			of("w01001", "well", "w01001", ""), of("w01018", "cod", "w01018", "mg/L"), of("w21003", "well", "w21003", "mg/L"),
		}},
		{Name: "station", Medium: config.Air, Inputs: []config.CalcInput{
			air("a05024", "ppb", "48.00"), air("a21004", "ppb", "46.01"), air("a21005", "ppm", "28.01"), air("a34004", "ug/m3", ""),
		}},
		{Name: "mast", Medium: config.Wind, Inputs: []config.CalcInput{
			of(config.RoleDirection, "air", "a01008", "deg"), of(config.RoleVelocity, "air", "a01007", "m/s"),
		}},
		{Name: "street", Medium: config.Noise, Inputs: []config.CalcInput{of(config.RoleLevel, "noise", "LA", "dB")}},
	}
}

// A dayRun takes a day's samples through the stages and the rollup as the agent does,
// times being arguments, and is started again where the gateway was off.
type dayRun struct {
	settings settingsOfDay
	site     *config.Site
	stage    *calculator
	rollup   *rollup.Rollup
	now      time.Time // by the clock of the site
	back     time.Time // what the clock said after it was set back
	log      []came
	logBack  int               // of log, and of sealed: what is of before the clock was set back
	sealed   [][]rollup.Window // by the closing
	sealBack int
}

func newDay(t *testing.T, folder string) *dayRun {
	t.Helper()
	d := &dayRun{site: &config.Site{Calculations: calculationsOfDay()}}
	b, err := os.ReadFile(filepath.Join(folder, "settings.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &d.settings); err != nil {
		t.Fatal(err)
	}
	d.start()
	return d
}

func (d *dayRun) start() {
	d.stage = newCalculator(d.site)
	d.rollup = rollup.New(rollup.Options{
		Minutes: d.settings.Minute, HourMinutes: d.settings.HourMinutes, DayHours: d.settings.DayHours, Rules: d.rule,
	})
}

// rule is that of settings.json.
func (d *dayRun) rule(source, point string) rollup.Rule {
	s := d.settings.Sources[source]
	p := s.Points[point]
	rule := rollup.Rule{
		With: cmp.Or(p.Flow, p.Speed), Total: p.Total, Modulus: p.Modulus,
		Noise: s.Noise != nil && s.Noise.Point == point,
		Mean: map[string]rollup.Mean{
			"flow-weighted": rollup.FlowWeighted, "vector": rollup.Vector, "energy": rollup.Energy, "last": rollup.Last,
		}[p.Mean],
		Cou: map[string]rollup.Cou{
			"flow-rate": rollup.FlowRate, "load-gas": rollup.LoadGas, "flow-water": rollup.FlowWater, "load-water": rollup.LoadWater,
		}[p.Cou],
	}
	if s.Rule == "any" {
		rule.Valid = rollup.ByAny
	}
	return rule
}

// came is a sample and when it came.
type came struct {
	polled
	at time.Time
}

func (d *dayRun) run(readings []came) {
	for _, r := range readings {
		d.happen(r.at)
		d.clock(r.at)
		samples, _ := d.stage.pass([]polled{r.polled})
		for _, s := range samples {
			d.log = append(d.log, came{s, r.at})
			d.values(s, d.rollup.Add)
		}
	}
	d.close(d.now.Add(48 * time.Hour)) // the last day too
}

// values gives a sample's values to a rollup.
func (d *dayRun) values(s polled, to func(rollup.Value)) {
	for i, r := range s.Readings {
		v := rollup.Value{Source: s.Source, Point: r.Point, Text: r.Value, Flag: r.Flag, At: s.Time, Interval: s.every}
		if s.zs != nil && s.zs[i] != noZs {
			v.Zs = s.zs[i]
		}
		to(v)
	}
}

// clock goes on to what the clock says now.
func (d *dayRun) clock(now time.Time) {
	minute := now.Truncate(time.Minute)
	if minute.After(d.now.Truncate(time.Minute)) {
		d.close(now)
	}
	d.now = now
}

func (d *dayRun) close(now time.Time) { d.sealed = append(d.sealed, d.rollup.Close(now)) }

// happen does what happened before a sample came.
func (d *dayRun) happen(next time.Time) {
	for i := range d.settings.Happenings {
		h := &d.settings.Happenings[i]
		if h.done {
			continue
		}
		switch at, from := time.UnixMilli(h.At), time.UnixMilli(h.From); {
		case h.What == "clock" && (h.By > 0 && !next.Before(at.Add(time.Duration(h.By)*time.Millisecond)) || h.By < 0 && next.Before(d.now)):
			h.done = true
			d.clock(at.Add(-time.Millisecond))
			by := time.Duration(h.By) * time.Millisecond
			d.rollup.Step(by)
			d.now = at.Add(by)
			if h.By < 0 {
				d.back, d.logBack, d.sealBack = d.now, len(d.log), len(d.sealed)
			}
			d.close(d.now)
		case h.What == "restart" && !next.Before(time.UnixMilli(h.To)) && (d.back.IsZero() || !from.Before(d.back)) && d.now.Before(time.UnixMilli(h.To)) && next.After(d.now):
			h.done = true
			d.restart()
		}
	}
}

// prime tells a new stage what the log knows of its inputs: see calculator.prime.
func (d *dayRun) prime() {
	polls := map[string]time.Duration{}
	for _, s := range d.log {
		polls[s.Device] = s.every
	}
	for i := len(d.log) - 1; i >= 0; i-- {
		s := d.log[i]
		if d.stage.primed(polls, d.now, s.at) {
			return
		}
		for _, r := range s.Readings {
			d.stage.recall(s.Device, r.Point, r.Value, r.Flag, s.Time, s.every)
		}
	}
}

// restart makes the stage and the rollup anew, which then are told what the log knows:
// see refigure.
func (d *dayRun) restart() {
	d.start()
	d.prime()
	last := d.now
	d.rollup.Restart(last)
	day, hour := periodStart(last, 24*time.Hour), periodStart(last, time.Hour)
	for i, windows := range d.sealed {
		if i == d.sealBack && i > 0 {
			d.rollup.Reopen()
		}
		for _, w := range merged(slices.Clone(windows)) {
			if !w.Start.Before(day) {
				d.rollup.Take(w)
			}
		}
	}
	minute := d.rollup.Since()
	again := func(from, to time.Time) {
		for i, s := range d.log {
			if !s.Time.Before(from) && s.Time.Before(to) {
				d.values(s.polled, func(v rollup.Value) { d.rollup.Recount(v, i < d.logBack) })
			}
		}
	}
	again(minute, last.Add(time.Hour))
	again(hour, minute)
	again(day, hour)
	for _, h := range d.settings.Happenings {
		if h.What == "clock" && h.done {
			d.rollup.Stepped(time.UnixMilli(h.At-1), time.Duration(h.By)*time.Millisecond)
		}
	}
	d.rollup.Restarted(last, last)
}

// figureKey names a figure. turn is 1 and more where its period came again.
type figureKey struct {
	source, kind string
	start        int64
	turn         int
	point        string
}

func (k figureKey) String() string {
	again := ""
	if k.turn > 0 {
		again = " again"
	}
	return fmt.Sprintf("%-4s %s%s %s %s", k.kind, time.UnixMilli(k.start).In(rollup.Site).Format("02 15:04"), again, k.source, k.point)
}

func (d *dayRun) figures() map[figureKey]string {
	out := map[figureKey]string{}
	turns := map[figureKey]int{}
	for _, w := range slices.Concat(d.sealed...) {
		if _, ok := d.settings.Sources[w.Source]; !ok {
			continue
		}
		k := figureKey{source: w.Source, kind: w.Kind, start: w.Start.UnixMilli()}
		turn := turns[k]
		turns[k]++
		for _, f := range w.Figures {
			k.point, k.turn = f.Point, turn
			out[k] = strings.Join([]string{
				f.Avg, f.Min, f.Max, f.ZsAvg, f.ZsMin, f.ZsMax, f.Cou, strconv.Itoa(f.N), f.Flag, f.Cause,
			}, " | ")
		}
	}
	for source, s := range d.settings.Sources {
		if s.Ozone8h != "" {
			d.eightHours(source, s.Ozone8h, out)
		}
	}
	return out
}

// eightHours adds the means of ozone over eight hours, and the greatest of a day.
func (d *dayRun) eightHours(source, point string, out map[figureKey]string) {
	hours := map[int64]rollup.Exact{}
	for _, w := range slices.Concat(d.sealed...) {
		for _, f := range w.Figures {
			if w.Source == source && w.Kind == rollup.Hour && f.Point == point && f.Flag == "N" {
				hours[w.Start.UnixMilli()/3600_000] = rollup.ParseExact(f.Avg)
			}
		}
	}
	text := func(x rollup.Exact, n int) string {
		return fmt.Sprintf("%s |  |  |  |  |  |  | %d | N | ", x.Text(3), n)
	}
	first := slices.Min(slices.Collect(maps.Keys(hours)))
	day := periodStart(time.UnixMilli(first*3600_000), 24*time.Hour).UnixMilli() / 3600_000
	means := 0
	for h := day; h < day+24; h++ {
		var eight [8]rollup.Exact
		n := 0
		for i := range eight {
			if eight[i] = hours[h-7+int64(i)]; eight[i].Ok() {
				n++
			}
		}
		if mean, ok := rollup.EightHours(eight); ok {
			out[figureKey{source, rollup.EightHour, h * 3600_000, 0, point}] = text(mean, n)
			if h >= day+7 {
				means++
			}
		}
	}
	var all [24]rollup.Exact
	for i := range all {
		all[i] = hours[day+int64(i)]
	}
	if most, ok := rollup.EightHoursMax(all); ok {
		out[figureKey{source, "8hmax", day * 3600_000, 0, point}] = text(most, means)
	}
}

// The indices of ambient air are those of the script, below, at and above each limit.
func TestIndicesTwice(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(pythonOf(t, filepath.Join(figuresFolder, "figures.py"), "--indices"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows { // code, kind, concentration, index
		got, want := "", r[3]
		if n, ok := rollup.SubIndex(r[0], r[1], rollup.ParseExact(r[2])); ok {
			got = strconv.Itoa(n)
		}
		if got != want {
			t.Errorf("%s %s %s: index %q, the script says %q", r[0], r[1], r[2], got, want)
		}
	}
	if len(rows) < 200 {
		t.Errorf("%d rows, want 200 or more", len(rows))
	}
}

// readingsOf are the samples of a file, in the order in which they came.
func readingsOf(t *testing.T, file string) (out []came) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	ms := func(s string) time.Time {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.UnixMilli(n)
	}
	for _, r := range rows[1:] { // source,point,time,interval,text,zs,flag,arrival
		at, arrival := ms(r[2]), ms(r[7])
		if n := len(out); n == 0 || out[n-1].Source != r[0] || !out[n-1].Time.Equal(at) || !out[n-1].at.Equal(arrival) {
			out = append(out, came{polled{
				Sample: drivers.Sample{Source: r[0], Device: r[0], Time: at},
				every:  ms(r[3]).Sub(time.UnixMilli(0)),
			}, arrival})
		}
		s := &out[len(out)-1]
		s.Readings = append(s.Readings, drivers.Reading{Point: r[1], Value: r[4], Flag: r[6]})
	}
	return out
}

// figuresOf are the rows of the script: source,kind,start,turn,point and the rest.
func figuresOf(t *testing.T, b []byte) map[figureKey]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Error(err)
	}
	out := map[figureKey]string{}
	for _, r := range rows[min(1, len(rows)):] {
		start, _ := strconv.ParseInt(r[2], 10, 64)
		turn, _ := strconv.Atoi(r[3])
		out[figureKey{r[0], r[1], start, turn, r[4]}] = strings.Join(r[5:], " | ")
	}
	return out
}

// compareFigures says where two calculations differ, the first ones of each point.
func compareFigures(t *testing.T, ours, theirs map[figureKey]string) {
	t.Helper()
	const shown = 4 // of one point and kind of period
	var keys []figureKey
	for k := range ours {
		keys = append(keys, k)
	}
	for k := range theirs {
		if _, ok := ours[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b figureKey) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.point, b.point), cmp.Compare(len(a.kind), len(b.kind)), cmp.Compare(a.kind, b.kind),
			cmp.Compare(a.start, b.start), cmp.Compare(a.turn, b.turn))
	})
	type group struct{ source, point, kind string }
	wrong := map[group]int{}
	for _, k := range keys {
		a, b := cmp.Or(ours[k], "none"), cmp.Or(theirs[k], "none")
		if strings.HasSuffix(b, "restart") { // made of a part of the day
			_, a, _ = strings.Cut(a, "|")
			_, b, _ = strings.Cut(b, "|")
		}
		if a == b {
			continue
		}
		g := group{k.source, k.point, k.kind}
		if wrong[g]++; wrong[g] <= shown {
			t.Errorf("%s\n  agent  %s\n  script %s", k, a, b)
		}
	}
	for g, n := range wrong {
		if n > shown {
			t.Errorf("%s %s: %d %s figures differ in all", g.source, g.point, n, g.kind)
		}
	}
	t.Logf("%d figures compared (avg | min | max | zsavg | zsmin | zsmax | cou | n | flag | cause)", len(keys))
}
