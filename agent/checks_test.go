package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"envgate/buffer"
	"envgate/config"
	"envgate/drivers"
	"envgate/envelope"
)

// checkedSite has devices a and b, and checks as site files have them.
func checkedSite(t *testing.T, checks ...string) *config.Site {
	t.Helper()
	file := "gateway: {id: gw-test}\nkey: k\nstorage: {path: l}\nlines:\n  - name: l\n    url: tcp://h:1\n    devices:\n"
	for i, name := range []string{"a", "b"} {
		file += fmt.Sprintf("      - {name: %s, unit: %d, template: boling-dust}\n", name, i+1)
	}
	if len(checks) > 0 {
		file += "checks:\n"
	}
	for _, c := range checks {
		file += "  - {device: " + c + "}\n"
	}
	site, err := config.Parse("site.yaml", []byte(file))
	if err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
	return site
}

// reads is what a device read at a second: "12.5", or "12.5 D" with a flag; "-" is B.
func reads(device string, second int, values ...string) polled {
	s := drivers.Sample{Source: device, Device: device, Time: time.Unix(1_700_000_000+int64(second), 0)}
	for i, v := range values {
		value, flag, _ := strings.Cut(v, " ")
		r := drivers.Reading{Point: string(rune('x' + i)), Value: value, Flag: "N"}
		if flag != "" {
			r.Flag = flag
		}
		if value == "-" {
			r.Value, r.Flag, r.Cause = "", "B", drivers.CauseNoAnswer
		}
		s.Readings = append(s.Readings, r)
	}
	return polled{Sample: s, every: time.Second}
}

func checksOf(site *config.Site) (marks, limits *pointChecks) {
	c := newClock()
	c.now = func() time.Time { return time.Unix(1_700_000_000, 0) }
	c.mono = func() time.Duration { return 1000 * time.Hour }
	return makeChecks(c, site.Checks, []string{"a", "b"})
}

// judgedBy runs samples through the checks, one batch each, and writes what became of
// device a's first point, as flag/cause where it is not N, and the events, as +name or
// -name with their value.
func judgedBy(site *config.Site, samples ...polled) string {
	marks, limits := checksOf(site)
	var out []string
	for _, s := range samples {
		said := []string{}
		batch := []polled{s}
		for _, k := range []*pointChecks{marks, limits} {
			passed, events := k.pass(batch)
			batch = passed
			for _, e := range events {
				sign := "-"
				if e.Type == envelope.EventAlarmOn {
					sign = "+"
				}
				said = append(said, sign+e.Why+"("+e.New+")")
			}
		}
		if batch[0].Device == "b" {
			continue
		}
		r := batch[0].Readings[0]
		word := r.Flag
		if r.Cause != "" {
			word += "/" + string(r.Cause)
		}
		out = append(out, strings.Join(append([]string{word}, said...), ""))
	}
	return strings.Join(out, " ")
}

func TestChecksJudge(t *testing.T) {
	series := func(every int, values ...string) (out []polled) {
		for i, v := range values {
			out = append(out, reads("a", i*every, v))
		}
		return out
	}
	twins := func(pairs ...string) (out []polled) {
		for i, p := range pairs {
			a, b, _ := strings.Cut(p, "|")
			if b != "" {
				out = append(out, reads("b", i, b))
			}
			out = append(out, reads("a", i, a))
		}
		return out
	}
	for _, tt := range []struct {
		name    string
		check   string
		samples []polled
		want    string
	}{
		{"high, at the limit it is not over", "limit: {high: 10}", series(1, "10", "10.1", "10.0", "11"), "N N+high(10.1) N-high(10.0) N+high(11)"},
		{"low", "limit: {low: 6}", series(1, "6", "5.99", "-1", "7"), "N N+low(5.99) N N-low(7)"},
		{"warnings first", "limit: {high: 10, warn_high: 8, warn_low: 2, low: 1}", series(1, "9", "11", "0"), "N+warn_high(9) N+high(11) N-warn_high(0)+warn_low(0)-high(0)+low(0)"},
		{"after a delay, not after a peak", "limit: {high: 10, after: 3s}", series(1, "11", "11", "9", "11", "11", "11", "11", "9"), "N N N N N N N+high(11) N-high(9)"},
		{"back by so much", "limit: {high: 10, back: 2}", series(1, "11", "9", "8.1", "8", "9"), "N+high(11) N N N-high(8) N"},
		{"a limit's own flag", "limit: {high: 10, warn_high: 5, flag: T}", series(1, "6", "11", "6"), "N+warn_high(6) T/high+high(11) N-high(6)"},
		{"a reading that is not N says nothing", "limit: {high: 10}", series(1, "11", "- ", "1 M", "99 D", "11", "9"), "N+high(11) B/no-answer M D N N-high(9)"},
		{"a text says nothing", "limit: {high: 10}", series(1, "inf", "NaN", "on", "1e3"), "N N N N+high(1e3)"},
		{"range", "range: {low: 0, high: 5, flag: D}", series(1, "0", "-0.1", "5", "5.1", "3"), "N D/range+range(-0.1) N-range(5) D/range+range(5.1) N-range(3)"},
		{"range without flag", "range: {high: 5, flag: none}", series(1, "6"), "N+range(6)"},
		{"rate: the way back from a spike is none", "rate: {most: 60, flag: D}", series(1, "10", "11", "20", "12", "13"), "N N D/rate+rate(20) N-rate(12) N"},
		{"rate: a real step is taken in time", "rate: {most: 60, flag: D}", series(1, "10", "13", "13", "13"), "N D/rate+rate(13) D/rate N-rate(13)"},
		{"rate: 0.1 + 0.2 is no more than 0.3", "rate: {most: 6, flag: D}", series(1, "0.1", "0.2", "0.3", "0.4", "0.30"), "N N N N N"},
		{"rate: over a silence", "rate: {most: 60, flag: D}", series(60, "10", "-", "130", "191"), "N B/no-answer N D/rate+rate(191)"},
		{"stuck", "stuck: {for: 1m, flag: D}", series(30, "5.0", "5.0", "5.0", "5.0", "5.1", "5.1"), "N N N D/stuck+stuck(5.0) N-stuck(5.1) N"},
		{"stuck: a silence does not move it", "stuck: {for: 1m, flag: D}", series(30, "5", "-", "-", "5"), "N B/no-answer B/no-answer D/stuck+stuck(5)"},
		{"stuck: a value that may stand", "stuck: {for: 1m, except: 0, flag: D}", series(60, "0", "0.0", "0.0", "0.0", "1", "1", "1"), "N N N N N N D/stuck+stuck(1)"},
		{"twin by value", "twin: {device: b, point: x, most: 2, flag: D}", twins("10|12", "10|12.1", "10|8", "10|7.9"), "N D/twin+twin(10) N-twin(10) D/twin+twin(10)"},
		{"twin by percent of the other", "twin: {device: b, point: x, percent: 10, flag: D}", twins("110|100", "110.1|100", "-10|-100"), "N D/twin+twin(110.1) D/twin"},
		{"twin: the larger counts", "twin: {device: b, point: x, most: 5, percent: 10, flag: D}", twins("14|10", "110|100", "16|10"), "N N D/twin+twin(16)"},
		{"twin for a time", "twin: {device: b, point: x, most: 1, for: 2s, flag: D}", twins("1|9", "1|9", "1|9", "1|1"), "N N D/twin+twin(1) N-twin(1)"},
		{"twin: a bad one is none, and the time begins anew", "twin: {device: b, point: x, most: 1, for: 8s, flag: D}", append(twins("1|9", "1|9 M"), reads("a", 12, "1"), reads("b", 13, "9"), reads("a", 13, "1")), "N N N N"},
		{"sum", "sum: {parts: [{device: a, point: y}, {device: a, point: z}], tolerance: 1, flag: D}", []polled{
			reads("a", 0, "0.3", "0.1", "0.2"), reads("a", 1, "10", "6", "5"), reads("a", 2, "10", "6", "5.01"), reads("a", 3, "10", "6 M", "99"),
		}, "N N D/sum+sum(10) D/sum"},
		{"of two checks the first that finds something", "range: {high: 5, flag: T}, rate: {most: 60, flag: D}, limit: {high: 3}", series(1, "1", "9", "2", "4"), "N T/range+range(9) N-range(2) D/rate+rate(4)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := judgedBy(checkedSite(t, "a, point: x, "+tt.check), tt.samples...); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The last of "sum" above is 3 s old at most: an input that is old is none.
func TestOldInputIsNone(t *testing.T) {
	const c = "a, point: x, twin: {device: b, point: x, most: 1}"
	for _, tt := range []struct {
		second int
		want   string
	}{{10, "D/twin+twin(1)"}, {11, "N"}} {
		if got := judgedBy(checkedSite(t, c), reads("b", 0, "9"), reads("a", tt.second, "1")); got != tt.want {
			t.Errorf("after %d s: %s, want %s", tt.second, got, tt.want)
		}
	}
}

func TestConvertedLimit(t *testing.T) {
	site := checkedSite(t, "a, point: x, limit: {high: 10, converted: true}")
	high, none := reads("a", 0, "1"), reads("a", 1, "99")
	high.zs = []string{"11"}
	if got, want := judgedBy(site, high, none), "N+high(11) N"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Checks of calculations, and those that look at one, judge after the calculations.
func TestChecksOfCalculationsComeLater(t *testing.T) {
	a, q := config.Subject{Device: "a", Point: "x"}, config.Subject{Device: "q", Point: "x"}
	for _, tt := range []struct {
		of    config.Subject
		rule  config.Rule
		early bool
	}{
		{a, config.Rule{Kind: "range"}, true},
		{q, config.Rule{Kind: "range"}, false},
		{a, config.Rule{Kind: "twin", Others: []config.Subject{q}}, false},
		{a, config.Rule{Kind: "sum", Others: []config.Subject{a, q}}, false},
		{a, config.Rule{Kind: "limit", Numbers: map[string]float64{"high": 1}}, false},
	} {
		site := checkedSite(t)
		site.Checks = []config.Check{{Subject: tt.of, Rules: []config.Rule{tt.rule}}}
		marks, limits := checksOf(site)
		if early, late := len(marks.of) == 1, len(limits.of) == 1; early != tt.early || late == tt.early {
			t.Errorf("%s of %s: early %t, late %t", tt.rule.Kind, tt.of, early, late)
		}
	}
}

// A clock that is set makes nothing last longer.
func TestChecksAndASetClock(t *testing.T) {
	site := checkedSite(t, "a, point: x, stuck: {for: 1m}, rate: {most: 1}, limit: {high: 0, after: 1m}")
	marks, limits := checksOf(site)
	wall := marks.clock.now()
	marks.clock.now = func() time.Time { return wall }
	for _, step := range []time.Duration{0, 56 * 365 * 24 * time.Hour, -time.Hour} {
		wall = wall.Add(step)
		s := reads("a", 0, "5")
		s.Time = wall
		batch, one := marks.pass([]polled{s})
		batch, two := limits.pass(batch)
		if r := batch[0].Readings[0]; r.Flag != "N" || len(one)+len(two) != 0 {
			t.Errorf("set by %s: %+v, %v, %v", step, r, one, two)
		}
	}
}

// A value that chatters has a few events, and then one a minute that counts the others.
func TestChatterIsBounded(t *testing.T) {
	marks, limits := checksOf(checkedSite(t, "a, point: x, limit: {high: 10}"))
	changes, events := 0, 0
	for second := range 3600 {
		batch, _ := marks.pass([]polled{reads("a", second, fmt.Sprint(9+2*(second%2)))})
		_, said := limits.pass(batch)
		for _, e := range said {
			events++
			n := 1
			fmt.Sscanf(e.Why, "high, %d changes", &n)
			changes += n
		}
	}
	if events > alarmBurst+60 || events < 60 {
		t.Errorf("%d events in an hour, want %d to %d", events, 60, alarmBurst+60)
	}
	if changes < 3599-70 || changes > 3599 {
		t.Errorf("%d changes are counted, want nearly 3599", changes)
	}
}

// Whatever values and flags come: no stage makes a reading N that was not, nor changes a
// value, nor touches what whoever read it still holds.
func TestFlagsNeverGetBetter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	site := checkedSite(t, "a, point: x, limit: {high: 8, flag: T}, range: {low: 0}, rate: {most: 100}, stuck: {for: 1m},"+
		" twin: {device: b, point: x, most: 3}, sum: {parts: [{device: b, point: x}], flag: M}")
	m := newModes(newClock(), twoDevices(), nil)
	marks, limits := checksOf(site)
	for second := range 5000 {
		if r.IntN(50) == 0 {
			m.begin("a", []string{"M", "C"}[r.IntN(2)], "w", "y", time.Hour)
		} else if r.IntN(50) == 0 {
			m.end("a", "w")
		}
		m.list = m.list[max(0, len(m.list)-10):]
		flag := []string{"N", "N", "N", "N", "D", "B", "F", "S", "C", "M", "T", "Sr"}[r.IntN(12)]
		s := reads([]string{"a", "b"}[r.IntN(2)], second, fmt.Sprintf("%d %s", r.IntN(14)-2, flag))
		s.Time = time.Now() // of the mode
		before := slices.Clone(s.Readings)
		held := s.Readings
		batch := []polled{s}
		for _, k := range []stage{m, marks, limits} {
			batch, _ = k.pass(batch)
		}
		got := batch[0].Readings[0]
		switch {
		case !slices.Equal(held, before):
			t.Fatalf("the reader's own %v became %v", before, held)
		case flag != "N" && got.Flag == "N", got.Value != before[0].Value:
			t.Fatalf("%v became %v", before[0], got)
		case strings.Contains("BFSSrMC", flag) && got.Flag != flag:
			t.Fatalf("%s became %s", flag, got.Flag)
		case got.Flag != flag && got.Cause == "":
			t.Fatalf("%v has no cause", got)
		}
	}
}

// checkedFlow is a writer on a log in dir for a site, sealing once a minute, whose clock
// runs as the test's does.
func checkedFlow(t *testing.T, dir string, key *envelope.Key, site *config.Site) (*flow, *modes) {
	f := newTestFlow(t, dir, key)
	began := time.Now().Add(-time.Hour)
	f.clock.mono = func() time.Duration { return time.Since(began) }
	f.clock.kernel = func() (bool, int64) { return true, 1 }
	f.every = time.Minute
	f.documents.config = site.Canonical()
	f.in.eager = len(site.Checks) > 0
	m := newModes(f.clock, site, f.in.event)
	f.watch(site, m)
	return f, m
}

// run has a writer run for as long as do takes, in fake time.
func runFlow(t *testing.T, f *flow, do func()) {
	t.Helper()
	ended := make(chan error, 1)
	stop := make(chan struct{})
	ctx := t.Context()
	go func() {
		c, cancel := contextUntil(ctx, stop)
		defer cancel()
		ended <- f.Run(c)
	}()
	<-f.opened
	do()
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := f.log.Close(); err != nil {
		t.Fatal(err)
	}
}

// storedEvents are those of some types in an open log.
func storedEvents(log *buffer.Log, types ...string) (out []envelope.Event) {
	_, last := log.Bounds(event)
	for seq := uint64(0); seq < last; seq++ {
		_, blocks, err := log.Read(event, seq, 1)
		if err != nil {
			return nil
		}
		for _, e := range blockEvents(blocks[0]) {
			if slices.Contains(types, e.Type) {
				out = append(out, e)
			}
		}
	}
	return out
}

// An alarm does not wait for the sealing: it is in the log within a second of the sample,
// with samples before and after it sealed in their order.
func TestAlarmIsSealedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, key := t.TempDir(), testKey(t)
		site := checkedSite(t, "a, point: x, limit: {high: 10}")
		f, _ := checkedFlow(t, dir, key, site)
		runFlow(t, f, func() {
			say := func(v int) {
				s := reads("a", 0, fmt.Sprint(v)).Sample
				s.Time = time.Now()
				f.in.add(time.Second, s)
			}
			for v := range 5 {
				say(v)
				time.Sleep(time.Second)
			}
			for _, v := range []int{11, 5, 12} {
				before := len(storedEvents(f.log, envelope.EventAlarmOn, envelope.EventAlarmOff))
				say(v)
				time.Sleep(time.Second)
				if n := len(storedEvents(f.log, envelope.EventAlarmOn, envelope.EventAlarmOff)); n != before+1 {
					t.Errorf("value %d: %d events are sealed within a second, want one more than %d", v, n, before)
				}
			}
			if _, last := f.log.Bounds(live); last != 0 {
				t.Errorf("%d live blocks before the sealing interval is over", last)
			}
		})
		values, _ := contents(t, dir, key)
		for i, want := range []string{"0", "1", "2", "3", "4", "11", "5", "12"} {
			if got := values[fmt.Sprintf("a %d", i)]; got != want {
				t.Errorf("value %d is %s, want %s", i, got, want)
			}
		}
		if len(values) != 8 {
			t.Errorf("%d values, want 8", len(values))
		}
	})
}

// What is told to be on is not told again after a restart, and its end is told. Limits
// that were changed meanwhile are told with old and new.
func TestAlarmsAndLimitsOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, key := t.TempDir(), testKey(t)
		const limit = "a, point: x, limit: {high: 10}"
		kinds := []string{envelope.EventAlarmOn, envelope.EventAlarmOff, envelope.EventLimitChanged}
		for i, tt := range []struct {
			checks []string
			values []string
			want   string
		}{
			{[]string{limit}, []string{"11"}, "alarm.on a/x 10 11"},
			{[]string{limit}, []string{"12", "9"}, "alarm.off a/x 10 9"},
			{
				[]string{"a, point: x, limit: {high: 20, flag: T}", "b, point: x, range: {low: 0}"},
				nil,
				"limit.changed a/x limit: high 10, after 0s, flag none>limit: high 20, after 0s, flag T, limit.changed b/x >range: low 0, flag D",
			},
			{nil, nil, "limit.changed b/x range: low 0, flag D>"},
			{nil, nil, ""},
		} {
			f, _ := checkedFlow(t, dir, key, checkedSite(t, tt.checks...))
			var before int
			runFlow(t, f, func() {
				for _, v := range tt.values {
					f.in.add(time.Second, reads("a", int(time.Now().Unix()-1_700_000_000), v).Sample)
					time.Sleep(time.Second)
				}
				var got []string
				all := storedEvents(f.log, kinds...)
				for _, e := range all {
					sign := " "
					if e.Type == envelope.EventLimitChanged {
						sign = ">"
					}
					got = append(got, e.Type+" "+e.Subject+" "+e.Old+sign+e.New)
				}
				if s := strings.Join(got, ", "); !strings.HasSuffix(s, tt.want) || tt.want == "" && len(all) != 6 {
					t.Errorf("start %d: %s, want at the end %s", i+1, s, tt.want)
				}
				before = len(all)
			})
			if want := []int{1, 2, 4, 6, 6}[i]; before != want {
				t.Errorf("start %d: %d events in all, want %d", i+1, before, want)
			}
		}
	})
}

// A site whose alarms do not fit the state goes on, and keeps what cannot be known again.
func TestStateWithTooManyAlarms(t *testing.T) {
	s := state{Modes: []mode{{Device: "a", Why: "w"}}, Held: []held{{"a/x/high", "2", "1"}}}
	for i := range 1000 {
		s.Alarms = append(s.Alarms, fmt.Sprint("a/", i, strings.Repeat("x", 100)))
	}
	text := s.text()
	var old state
	if len(text) > buffer.MaxState {
		t.Fatalf("the state has %d bytes", len(text))
	}
	if err := json.Unmarshal(text, &old); err != nil || len(old.Modes) != 1 || len(old.Held) != 1 {
		t.Fatalf("modes are %v, limits %v, %v", old.Modes, old.Held, err)
	}
}

// What has passed and not been sealed when the clock is set is stamped by the new clock,
// as what still waits in the inbox.
func TestSetClockMovesWhatHasPassed(t *testing.T) {
	f := newTestFlow(t, t.TempDir(), testKey(t))
	var set time.Duration
	f.clock.now = func() time.Time { return time.Now().Round(0).Add(set) }
	f.clock.stamps = time.Now
	add := func() time.Time {
		s := reads("a", 0, "1").Sample
		s.Time = time.Now()
		f.in.add(time.Second, s)
		return s.Time
	}
	first := add()
	f.take(f.clock.shift())
	f.heard = append(f.heard, envelope.Event{At: first.UnixMilli()})
	second := add()
	set = time.Hour
	f.take(f.clock.shift())
	f.take(f.clock.shift()) // once is enough
	for i, was := range []time.Time{first, second} {
		if d := f.passed[i].Time.Sub(was.Round(0)) - set; d.Abs() > stepLimit {
			t.Errorf("sample %d is %s off", i, d)
		}
	}
	if d := f.heard[0].At - first.UnixMilli() - set.Milliseconds(); d < -500 || d > 500 {
		t.Errorf("the event is %d ms off", d)
	}
	if f.held != 2 || len(f.takePassed()) != 2 || f.held != 0 {
		t.Error("what is held is counted wrong")
	}
}
