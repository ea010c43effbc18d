package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"envgate/agent/rollup"
	"envgate/buffer"
	"envgate/drivers"
	"envgate/envelope"
)

// A restarts is a run of some hours, with times at which nothing happens for a while,
// and steps of the clock.
type restarts struct {
	from  time.Time
	hours int
	pause map[time.Duration]time.Duration // since from; how long
	steps map[time.Duration]time.Duration // since from, by the boot clock; by how much
	kill  bool                            // at each pause
	stop  bool                            // in order, in place of a kill
	twice bool                            // killed again right after the start that follows
}

func openQuickLog(dir string) (*buffer.Log, error) {
	return buffer.Open(filepath.Join(dir, "log.db"), buffer.Options{MaxBytes: 64 << 20, NoSync: true, Streams: []buffer.StreamOptions{
		{Name: live, MaxAge: 100 * time.Hour, Share: 0.7}, {Name: stat, MaxAge: 100 * time.Hour, Share: 0.25}, {Name: event, MaxAge: 100 * time.Hour, Share: 0.05},
	}})
}

// figures runs it, and returns all figures by period and point.
func (r restarts) figures(t *testing.T) map[string]string {
	t.Helper()
	dir, key := t.TempDir(), testKey(t)
	k := &fakeClock{wall: r.from, mono: time.Hour, synced: true}
	rules := map[string]rollup.Rule{
		"LA": {Mean: rollup.Energy, Noise: true}, "a01008": rollup.DefaultRule("", "a01008"),
		"w00000": {Cou: rollup.FlowWater, Total: "sum", Modulus: "1000", Valid: rollup.ByAny}, "sum": {Mean: rollup.Last},
		"w01018": {Mean: rollup.FlowWeighted, With: "w00000", Cou: rollup.LoadWater},
	}
	const every = 30 * time.Second
	begin := func() *flow {
		return beginFlow(t, dir, key, func(f *flow) {
			k.into(f.clock)
			f.clock.stamps = f.clock.now
			f.clock.floor = r.from.Add(-24 * time.Hour)
			f.open = func() (*buffer.Log, error) { return openQuickLog(dir) }
			f.rollup = rollup.New(rollup.Options{Minutes: 10, Most: true, DayHours: 1, Rules: func(_, p string) rollup.Rule { return rules[p] }})
			f.polls = map[string]time.Duration{"gas": every, "noise": every, "slow": 20 * time.Minute, "water": every}
			f.lookBack = rollup.Day
		})
	}
	f := begin()
	for i := 0; i < r.hours*int(time.Hour/every); i++ {
		at := time.Duration(i) * every
		if pause := r.pause[at]; pause > 0 {
			if r.stop {
				f.last()
			}
			if r.kill || r.stop {
				closeFlow(t, f)
			}
			k.pass(pause)
			i += int(pause / every)
			if r.kill || r.stop {
				f = begin()
			}
			if r.twice {
				closeFlow(t, f)
				f = begin()
			}
		}
		k.wall = k.wall.Add(r.steps[at])
		f.in.samples = append(f.in.samples, samplesAt(i, k.wall, every)...)
		f.commit(true, true)
		k.pass(every)
	}
	closeFlow(t, f)
	out := map[string]string{}
	log, err := openQuickLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	_, err = log.History(stat, time.Time{}, time.Time{}, func(_ uint64, m []byte) error {
		for _, w := range windowsOf(blockOf(t, m)) {
			for _, x := range w.Figures {
				id := fmt.Sprintf("%s %s %s %s", w.Kind, w.Source, w.Start.In(siteZone).Format("02 15:04"), x.Point)
				if out[id] != "" && len(r.steps) == 0 {
					t.Errorf("%s is there twice", id)
				}
				out[id] += fmt.Sprintf("%+v", x)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// samplesAt are the i-th samples of all sources.
func samplesAt(i int, at time.Time, every time.Duration) []polled {
	reading := func(point, value string) drivers.Reading {
		return drivers.Reading{Point: point, Value: value, Flag: "N"}
	}
	gas := reading("a21026", fmt.Sprintf("%d.%02d", 10+i%7, i*37%100))
	if i%11 == 3 || i/33%9 == 4 {
		gas.Flag = []string{"D", "C", "M"}[i%3]
	}
	out := []polled{
		{Sample: drivers.Sample{Source: "gas", Time: at, Readings: []drivers.Reading{
			gas, reading("a01008", fmt.Sprint(i*17%360)), reading("a01007", fmt.Sprintf("%d.%d", i%4, i%10)),
		}}, every: every, zs: []string{fmt.Sprintf("%d.%d", 12+i%5, i%10), "", ""}},
		{Sample: drivers.Sample{Source: "noise", Time: at, Readings: []drivers.Reading{reading("LA", fmt.Sprintf("%d.%d", 40+i*13%40, i%10))}}, every: every},
		{Sample: drivers.Sample{Source: "water/2", Time: at, Readings: []drivers.Reading{
			reading("sum", fmt.Sprint(i*3%1000)), reading("w00000", fmt.Sprintf("%d.%d", 3+i%3, i%10)), reading("w01018", fmt.Sprintf("%d.%d", 30+i%23, i%7)),
		}}, every: every},
	}
	if i%40 == 0 {
		out = append(out, polled{Sample: drivers.Sample{Source: "slow", Time: at, Readings: []drivers.Reading{reading("x", fmt.Sprint(i))}}, every: 20 * time.Minute})
	}
	return out
}

// same compares the figures of two runs digit by digit.
func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	wrong := 0
	for _, id := range slices.Sorted(func(yield func(string) bool) {
		for id := range want {
			if !yield(id) {
				return
			}
		}
		for id := range got {
			if _, both := want[id]; !both && !yield(id) {
				return
			}
		}
	}) {
		if got[id] != want[id] {
			if wrong++; wrong <= 10 {
				t.Errorf("%s:\n got %s\nwant %s", id, got[id], want[id])
			}
		}
	}
	if wrong > 10 {
		t.Errorf("and %d more of %d", wrong-10, len(want))
	}
}

var evening = time.Date(2026, 11, 23, 20, 0, 0, 0, siteZone)

// A program that is killed or stopped within a minute period, an hour and a day, for a
// moment or over the ends of periods, makes the figures of one that ran on.
func TestFiguresSurviveRestarts(t *testing.T) {
	const m = time.Minute
	for name, pause := range map[string]map[time.Duration]time.Duration{
		"in the minute":         {3 * m: 10 * time.Second, 27*m + 30*time.Second: 10 * time.Second, 28 * m: 10 * time.Second},
		"at ends":               {10 * m: 10 * time.Second, 60 * m: 10 * time.Second, 240 * m: 10 * time.Second, 310*m + 30*time.Second: 10 * time.Second},
		"over a minute's end":   {38 * m: 5 * m},
		"over an hour's end":    {55 * m: 25 * m},
		"over a day's end":      {235 * m: 95 * m},
		"for hours, and again":  {33 * m: 100 * m, 134 * m: 10 * time.Second},
		"once in each hour":     {5 * m: m, 66 * m: m, 127 * m: m, 188 * m: m, 249 * m: m},
		"long after the period": {17 * m: 300 * m},
	} {
		t.Run(name, func(t *testing.T) {
			r := restarts{from: evening, hours: 6, pause: pause}
			want := r.figures(t)
			if len(want) < 20 || !strings.Contains(fmt.Sprint(want), "L95") {
				t.Fatalf("only %d figures", len(want))
			}
			r.kill = true
			same(t, r.figures(t), want)
			r.twice = true
			same(t, r.figures(t), want)
			r.kill, r.stop = false, true
			same(t, r.figures(t), want)
		})
	}
}

// So it is after the clock was set back over periods that were sealed, or forward.
func TestFiguresSurviveRestartsAfterSteps(t *testing.T) {
	const m = time.Minute
	for name, steps := range map[string]map[time.Duration]time.Duration{
		"back":              {95 * m: -40 * m},
		"forward":           {95 * m: 40 * m},
		"back and forward":  {95 * m: -20 * m, 122 * m: 20 * m},
		"a little":          {95 * m: 30 * time.Second},
		"back in a quarter": {92 * m: -3 * m},
	} {
		t.Run(name, func(t *testing.T) {
			r := restarts{from: evening, hours: 5, steps: steps, pause: map[time.Duration]time.Duration{98 * m: 10 * time.Second, 119 * m: 10 * time.Second, 125 * m: 10 * time.Second}}
			want := r.figures(t)
			r.kill = true
			same(t, r.figures(t), want)
		})
	}
}

// Where more was sealed than a start may read, the open periods say so, and those of
// hours that are over count for the day all the same.
func TestRefigureIsBounded(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key, func(f *flow) { f.open = func() (*buffer.Log, error) { return openQuickLog(dir) } })
	for i := range 40 {
		f.in.samples = append(f.in.samples, samplesAt(i, time.Now(), time.Second)...)
		f.commit(true, true)
	}
	r := &refigure{log: f.log, rollup: rollup.New(rollup.Options{Minutes: 10}), until: time.Now().Add(time.Minute)}
	n := 0
	count := func(*envelope.Block, time.Time) bool { n++; return true }
	if whole := r.each(live, time.Unix(0, 0), time.Time{}, 39, count); whole || n != 0 {
		t.Errorf("of 40 blocks 39 may be read: %d were, whole %v", n, whole)
	}
	if whole := r.each(live, time.Unix(0, 0), time.Time{}, 40, count); !whole || n != 40 {
		t.Errorf("of 40 blocks 40 may be read: %d were, whole %v", n, whole)
	}
	r.until = time.Now()
	if r.each(live, time.Unix(0, 0), time.Time{}, 0, count) {
		t.Error("there was no time, and all was read")
	}
}
