package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"envgate/agent/rollup"
	"envgate/buffer"
	"envgate/config"
	"envgate/drivers"
)

const primeCalc = `  - name: outfall-1
    medium: water
    inputs:
      flow: {device: tuf, point: w00000, unit: m3/h}
      w01001: {device: ph-1, point: w01001}
`

// primeRun polls a flow each half minute and a slow analyser each hour for some hours,
// and returns what was computed, by time.
func primeRun(t *testing.T, kill bool, pauses, steps map[time.Duration]time.Duration) []string {
	t.Helper()
	site, err := config.Parse("site.yaml", []byte(calcSite+primeCalc))
	if err != nil {
		t.Fatal(err)
	}
	const every = 30 * time.Second
	dir, key := t.TempDir(), testKey(t)
	k := &fakeClock{wall: evening, mono: time.Hour, synced: true}
	begin := func() *flow {
		return beginFlow(t, dir, key, func(f *flow) {
			k.into(f.clock)
			f.clock.stamps, f.clock.floor = f.clock.now, evening.Add(-24*time.Hour)
			f.open = func() (*buffer.Log, error) { return openQuickLog(dir) }
			f.polls = map[string]time.Duration{"tuf": every, "ph-1": time.Hour}
			f.stages = append(f.stages, newCalculator(site))
		})
	}
	f := begin()
	for at := time.Duration(0); at < 6*time.Hour; at += every {
		if pause := pauses[at]; pause > 0 {
			if kill {
				closeFlow(t, f)
			}
			k.pass(pause)
			at += pause
			if kill {
				f = begin()
			}
		}
		k.wall = k.wall.Add(steps[at])
		say := func(device, point, value string, taken time.Time, every time.Duration) {
			f.in.add(every, drivers.Sample{
				Source: device, Device: device, Time: taken, Readings: []drivers.Reading{{Point: point, Value: value, Flag: "N"}},
			})
		}
		if at%time.Hour == 7*time.Minute { // the newest is overtaken by one that is late
			say("ph-1", "w01001", fmt.Sprintf("7.%d", at/time.Hour), k.wall, time.Hour)
			say("ph-1", "w01001", "8.8", k.wall.Add(-5*time.Minute), time.Hour)
		}
		say("tuf", "w00000", fmt.Sprint(40+int(at/every)%10), k.wall, every)
		f.commit(true, true)
		k.pass(every)
	}
	closeFlow(t, f)
	log, err := openQuickLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var out []string
	_, err = log.History(live, time.Time{}, time.Time{}, func(_ uint64, m []byte) error {
		b := blockOf(t, m)
		for _, g := range b.Groups {
			for i, at := range g.Times {
				line := time.UnixMilli(b.T0 + at).In(rollup.Site).Format("15:04:05")
				for _, c := range g.Columns {
					line += " " + c.Point + "=" + c.Values[i]
					if c.Causes != nil {
						line += "," + c.Causes[i]
					}
				}
				if g.Source == "outfall-1" {
					out = append(out, line)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A program that is killed computes of a slow input what one that ran on does: its value
// serves for three hours, and no longer.
func TestCalculationsSurviveRestarts(t *testing.T) {
	const m = time.Minute
	for name, c := range map[string]struct {
		pauses, steps map[time.Duration]time.Duration
	}{
		"for a moment": {pauses: map[time.Duration]time.Duration{20 * m: 30 * time.Second, 21 * m: 30 * time.Second, 68 * m: m}},
		"for long":     {pauses: map[time.Duration]time.Duration{100 * m: 140 * m}},
		"too long":     {pauses: map[time.Duration]time.Duration{100 * m: 170 * m, 280 * m: m}},
		"set back":     {map[time.Duration]time.Duration{200 * m: m}, map[time.Duration]time.Duration{195 * m: -30 * m}},
		"set forward":  {map[time.Duration]time.Duration{200 * m: m}, map[time.Duration]time.Duration{195 * m: 30 * m}},
	} {
		t.Run(name, func(t *testing.T) {
			want := primeRun(t, false, c.pauses, c.steps)
			if len(want) < 300 || !strings.Contains(want[300], "w01001=7.") {
				t.Fatalf("%d samples: %v", len(want), want[:min(len(want), 3)])
			}
			if spoilt := slices.ContainsFunc(want[20:], func(s string) bool { return strings.HasSuffix(s, "no-input") }); spoilt != (name == "too long") {
				t.Errorf("an input is missing: %v", spoilt)
			}
			got := primeRun(t, true, c.pauses, c.steps)
			if len(got) != len(want) {
				t.Errorf("%d samples, want %d", len(got), len(want))
			}
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("%s\nuninterrupted: %s", got[i], want[i])
				}
			}
		})
	}
}

// The figures of a door are whether it was open at the end, and no mean of 0 and 1.
func TestStatesHaveNoMean(t *testing.T) {
	site, err := config.Parse("site.yaml", []byte(`gateway: {id: gw-test}
key: /k
storage: {path: /l}
lines:
  - name: a
    url: tcp://10.0.0.5:502
    devices:
      - name: cabinet
        unit: 1
        registers:
          - {point: door, en: door, address: 0, type: uint16, bits: "0", when_0: closed, when_1: open}
          - {point: level, en: level, address: 1, type: uint16, unit: mm}
`))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := makeLines(site)
	defer closeLines(lines)
	if err != nil {
		t.Fatal(err)
	}
	r := newRollup(site, makeDocuments(site, testKey(t), lines).states)
	source := lines[0].devices[0].device.Points()[0].Source
	for i, value := range []string{"1", "0", "0", "0", "1"} {
		for _, p := range []string{"door", "level"} {
			r.Add(rollup.Value{Source: source, Point: p, Text: value, Flag: "N", At: calcTime.Add(time.Duration(i) * time.Second), Interval: 3 * time.Minute})
		}
	}
	got := map[string]string{}
	for _, w := range r.Close(calcTime.Add(24 * time.Hour)) {
		for _, x := range w.Figures {
			got[w.Kind+" "+x.Point] = x.Avg
		}
	}
	for id, want := range map[string]string{"min door": "1", "hour door": "1", "min level": "0", "hour level": "0"} {
		if got[id] != want {
			t.Errorf("%s is %q, want %q", id, got[id], want)
		}
	}
}
