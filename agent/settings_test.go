package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"envgate/buffer"
	"envgate/drivers"
	"envgate/envelope"
)

// found is a survey's report, of pairs of names and values in ppb.
func found(device string, pairs ...string) surveyed {
	r := surveyed{device: device, at: time.Now()}
	for i := 0; i < len(pairs); i += 2 {
		r.settings = append(r.settings, drivers.Setting{
			ParameterSpec: &drivers.ParameterSpec{Parameter: pairs[i], Unit: "ppb"}, Value: pairs[i+1],
		})
	}
	return r
}

// parameterEvents are those about what is set, shortly.
func parameterEvents(events []envelope.Event) string {
	var out []string
	for _, e := range events {
		switch e.Type {
		case envelope.EventParameter:
			out = append(out, fmt.Sprintf("%s %s>%s", e.Subject, e.Old, e.New))
		case envelope.EventParameters:
			out = append(out, fmt.Sprintf("%s (%s)", e.Subject, e.Why))
		}
	}
	return strings.Join(out, ", ")
}

func TestSettingsAreCompared(t *testing.T) {
	f := beginFlow(t, t.TempDir(), testKey(t))
	ofNO := found("gas", "span", "450.0")
	ofNO.settings[0].Of = "no"
	for _, tt := range []struct {
		name string
		r    surveyed
		want string
	}{
		{"nothing could be read", found("gas", "span", "", "zero", ""), ""},
		{"first sight", found("gas", "span", "400", "zero", ""), "gas (first sight)"},
		{"the same", found("gas", "span", "400", "zero", ""), ""},
		{"a failed read is no difference", found("gas", "span", "", "zero", ""), ""},
		{"one that could not be read before", found("gas", "span", "400", "zero", "0"), "gas/zero >0 ppb, gas (changed)"},
		{"two at once", found("gas", "span", "450", "zero", "1"), "gas/span 400 ppb>450 ppb, gas/zero 0 ppb>1 ppb, gas (changed)"},
		{"the instrument's own digits", found("gas", "span", "450.0", "zero", "1"), "gas/span 450 ppb>450.0 ppb, gas (changed)"},
		{"another device", found("dust", "span", "400"), "dust (first sight)"},
		{"no longer in the template", found("gas", "span", "450.0"), "gas (changed)"},
		{"of another point in the template", ofNO, "gas (changed)"},
	} {
		if got := parameterEvents(f.settled(envelope.Clock{}, f.clock.shift(), []surveyed{tt.r})); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What is known survives a restart, a kill, a new epoch, an eviction and a device that
// left the site; nothing is told twice.
func TestSettingsSurvive(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key)
	f.in.report(found("gas", "span", "400"))
	f.in.report(found("dust", "span", "7"))
	f.commit(false, true)
	closeFlow(t, f) // without a last word, as after a kill

	broken := false
	f = beginFlow(t, dir, key, func(f *flow) {
		f.devices = []string{"gas"}
		f.append = func(b buffer.Batch) error {
			if broken {
				broken = false
				return fmt.Errorf("append: %w", buffer.ErrDamaged)
			}
			return f.log.Append(b)
		}
	})
	if len(f.state.Known) != 1 {
		t.Errorf("known of %v, want gas", f.state.Known)
	}
	f.in.report(found("gas", "span", "400"))
	f.commit(false, true)
	broken = true
	f.in.event(envelope.Event{Type: "line.down", At: time.Now().UnixMilli(), Subject: "bus"})
	f.commit(false, true) // a new epoch
	f.in.report(found("gas", "span", "401"))
	f.commit(false, true)
	closeFlow(t, f)
	if _, events := contents(t, dir, key); parameterEvents(events) != "gas (as known before), gas/span 400 ppb>401 ppb, gas (changed)" {
		t.Errorf("in the new epoch: %s", parameterEvents(events))
	}
	f = beginFlow(t, dir, key)
	f.in.report(found("gas", "span", "402"))
	f.commit(false, true)
	closeFlow(t, f)
	if _, events := contents(t, dir, key); !strings.HasSuffix(parameterEvents(events), "gas/span 401 ppb>402 ppb, gas (changed)") {
		t.Errorf("after it: %s", parameterEvents(events))
	}
}

// A set whose block is evicted is told again, once.
func TestSettingsAreToldAgain(t *testing.T) {
	f := beginFlow(t, t.TempDir(), testKey(t))
	f.in.report(found("gas", "span", "400"))
	f.commit(false, true)
	_, last := f.log.Bounds(event)
	k := f.state.Known["gas"]
	if k.Seq != last {
		t.Fatalf("known in block %d, want %d", k.Seq, last)
	}
	if got := parameterEvents(f.restated(time.Now(), 0, last+1)); got != "gas (as known before)" {
		t.Errorf("told again: %q", got)
	}
	if got := f.restated(time.Now(), 1, last); len(got) != 0 {
		t.Errorf("told without need: %v", got)
	}
	for range 200 {
		f.in.event(envelope.Event{Type: "line.down", At: time.Now().UnixMilli(), Subject: "bus", Why: strings.Repeat("x", 60000)})
		f.commit(false, true)
	}
	if err := f.log.Append(buffer.Batch{Evict: []buffer.Eviction{{Stream: event, From: 1, To: last}}}); err != nil && !errors.Is(err, buffer.ErrRange) {
		t.Fatal(err)
	}
	f.commit(true, true)
	first, _ := f.log.Bounds(event)
	if k := f.state.Known["gas"]; first <= last || k.Seq <= last {
		t.Errorf("the log begins with %d, the set is in %d, before in %d", first, k.Seq, last)
	}
	if got := f.restated(time.Now(), 1, first); len(got) != 0 {
		t.Errorf("told twice: %v", got)
	}
}

// The set is told again by the commit that evicts its block, and not by the one after it:
// a power cut may be between them.
func TestSettingsAreNeverOutOfTheLog(t *testing.T) {
	f := beginFlow(t, t.TempDir(), testKey(t), func(f *flow) {
		dir := t.TempDir()
		f.open = func() (*buffer.Log, error) { return openSmall(dir) }
	})
	f.in.report(found("gas", "span", "400"))
	f.commit(false, true)
	for range 100 {
		noise := make([]byte, 15000)
		rand.Read(noise)
		f.in.event(envelope.Event{Type: "line.down", At: time.Now().UnixMilli(), Subject: "bus", Why: hex.EncodeToString(noise)})
		f.commit(false, true)
		if first, _ := f.log.Bounds(event); f.state.Known["gas"].Seq < first {
			t.Fatalf("the log begins with %d, and the set was in %d", first, f.state.Known["gas"].Seq)
		}
	}
	if first, _ := f.log.Bounds(event); first < 10 {
		t.Fatalf("nothing was evicted: the log begins with %d", first)
	}
}

// What is known of very many devices is left out of the state before that is too large
// for the log, which would take nothing more then.
func TestKnownIsBounded(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key)
	for i := range 2000 {
		f.state.Known[fmt.Sprintf("device-%d", i)] = known{Seq: 1, Clock: &ticking{At: time.Now().Unix()}}
	}
	f.in.add(time.Second, samplesOf("gas", 0, 1)...)
	if f.commit(true, true); f.parked != nil {
		t.Error("the log does not take the state")
	}
	closeFlow(t, f)
	if f = beginFlow(t, dir, key); f.turning != "" || f.parked != nil {
		t.Errorf("the next run: turning %q", f.turning)
	}
}

func TestReportsAreBounded(t *testing.T) {
	b := newInbox()
	for i := range inboxReports + 3 {
		b.report(found(fmt.Sprint(i)))
	}
	if events, _ := b.pressed(); !events {
		t.Error("a survey does not wake the writer")
	}
	reports := b.takeReports()
	if _, unheard := b.takeEvents(); len(reports) != inboxReports || reports[0].device != "3" || unheard != 3 {
		t.Errorf("%d reports from %s, %d unheard", len(reports), reports[0].device, unheard)
	}
}

func TestClockOfAnInstrument(t *testing.T) {
	type step struct {
		after time.Duration // since the last survey
		off   time.Duration
		state string // of our clock; sync if empty
		want  string
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"right", []step{{0, time.Second, "", ""}, {time.Hour, -2 * time.Second, "", ""}, {time.Hour, 30 * time.Second, "", ""}}},
		{"off at first sight, and said once", []step{
			{0, 37 * time.Second, "", ">37s"},
			{time.Hour, 38 * time.Second, "", ""},
			{time.Hour, 40 * time.Second, "", ""},
		}},
		{"36 s are borne", []step{{0, -36 * time.Second, "", ""}, {time.Hour, -36 * time.Second, "", ""}}},
		{"drifts by more than 1 %", []step{{0, 0, "", ""}, {time.Hour, 36 * time.Second, "", ""}, {time.Hour, 73 * time.Second, "", "36s>1m13s"}}},
		{"1 % of a shorter time", []step{{0, 0, "", ""}, {20 * time.Minute, 12 * time.Second, "", ""}, {20 * time.Minute, 25 * time.Second, "", "12s>25s"}}},
		{"whole seconds are no drift", []step{{0, 0, "", ""}, {time.Minute, 5 * time.Second, "", ""}}},
		{"creeps", []step{
			{0, 0, "", ""},
			{time.Hour, 20 * time.Second, "", ""},
			{time.Hour, 40 * time.Second, "", "20s>40s"},
			{time.Hour, 60 * time.Second, "", ""},
			{time.Hour, 80 * time.Second, "", "1m0s>1m20s"},
		}},
		{"is set", []step{{0, -8 * time.Hour, "", ">-8h0m0s"}, {time.Hour, 0, "", "-8h0m0s>0s"}, {time.Hour, 0, "", ""}}},
		{"a jump after a day without answers", []step{{0, 0, "", ""}, {24 * time.Hour, 100 * time.Second, "", "0s>1m40s"}}},
		{"our own clock is not set", []step{
			{0, 40 * time.Second, "unsync", ""},
			{time.Hour, 40 * time.Second, "stepped", ""},
			{time.Hour, 40 * time.Second, "holdover", ">40s"},
			{time.Hour, 400 * time.Second, "unsync", ""},
			{time.Hour, 40 * time.Second, "sync", ""},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := beginFlow(t, t.TempDir(), testKey(t))
			at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			for i, s := range tt.steps {
				at = at.Add(s.after)
				if s.state == "" {
					s.state = "sync"
				}
				got := ""
				for _, e := range f.ticks(envelope.Clock{State: s.state}, surveyed{device: "gas", at: at, clock: &drivers.ClockReading{Off: s.off, At: at}}) {
					if e.Type != envelope.EventDeviceClock || e.Subject != "gas" || e.Why == "" || e.At != at.UnixMilli() {
						t.Errorf("event %+v", e)
					}
					got += e.Old + ">" + e.New
				}
				if got != s.want {
					t.Errorf("survey %d, off by %s: %q, want %q", i, s.off, got, s.want)
				}
			}
		})
	}
}

// A survey from before our own clock was set says nothing of the instrument's: it waited
// for the log to open, and meanwhile the time came.
func TestClockBeforeAStep(t *testing.T) {
	wall, mono := time.Unix(1000, 0), time.Hour
	f := beginFlow(t, t.TempDir(), testKey(t), func(f *flow) {
		f.clock.now = func() time.Time { return wall }
		f.clock.mono = func() time.Duration { return mono }
		f.clock.kernel = func() (bool, int64) { return true, 1 }
		f.in.report(surveyed{device: "gas", at: wall, clock: &drivers.ClockReading{Off: 50 * 365 * 24 * time.Hour, At: wall}})
		open := f.open
		f.open = func() (*buffer.Log, error) {
			wall = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			return open()
		}
	})
	if f.commit(true, true); f.state.Known["gas"].Clock != nil {
		t.Errorf("known of the clock: %+v", f.state.Known["gas"].Clock)
	}
	f.in.report(surveyed{device: "gas", at: wall, clock: &drivers.ClockReading{Off: time.Second, At: wall}})
	if f.commit(true, true); f.state.Known["gas"].Clock == nil {
		t.Error("the next survey is not taken")
	}
}

// What was said of a clock survives a restart.
func TestClockSurvives(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	synced := func(f *flow) { f.clock.kernel = func() (bool, int64) { return true, 1 } }
	for range 2 {
		f := beginFlow(t, dir, key, synced)
		f.in.report(surveyed{device: "gas", at: time.Now(), clock: &drivers.ClockReading{Off: time.Minute, At: time.Now()}})
		f.in.add(time.Second, samplesOf("gas", 0, 1)...)
		f.commit(true, true)
		closeFlow(t, f)
	}
	_, events := contents(t, dir, key)
	n := 0
	for _, e := range events {
		if e.Type == envelope.EventDeviceClock {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d events of the clock, want 1", n)
	}
}
