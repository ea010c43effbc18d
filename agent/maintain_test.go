package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"envgate/config"
	"envgate/envelope"
)

func contextUntil(ctx context.Context, stop <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// modeFlags are the flags that readings of a device get which are of so many minutes ago.
func modeFlags(m *modes, device string, ago ...int) string {
	wall := m.clock.wall()
	var batch []polled
	for _, minutes := range ago {
		s := reads(device, 0, "1")
		s.Time = wall.Add(-time.Duration(minutes) * time.Minute)
		batch = append(batch, s)
	}
	batch, _ = m.pass(batch)
	out := ""
	for _, s := range batch {
		out += s.Readings[0].Flag
	}
	return out
}

func twoDevices() *config.Site {
	return &config.Site{
		Lines:       []config.Line{{Devices: []config.Device{{Name: "a"}, {Name: "b"}}}},
		Maintenance: config.Maintenance{Longest: 24 * time.Hour},
	}
}

func testModes(tell func(envelope.Event)) (m *modes, pass func(boot, wall time.Duration)) {
	c := newClock()
	mono, now := 100*time.Hour, time.Unix(1_700_000_000, 0)
	c.mono = func() time.Duration { return mono }
	c.now = func() time.Time { return now }
	return newModes(c, twoDevices(), tell), func(boot, wall time.Duration) { mono, now = mono+boot, now.Add(wall) }
}

// A mode marks what was read in its time, no more and no less, whatever comes late.
func TestModeMarksItsTime(t *testing.T) {
	var said []string
	m, wait := testModes(func(e envelope.Event) {
		said = append(said, fmt.Sprintf("%s %s by %s: %s", e.Type, e.Subject, e.Who, e.Why))
	})
	if err := m.begin("a", "M", "li", "filter", 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	wait(10*time.Minute, 10*time.Minute)
	if got := modeFlags(m, "a", 11, 10, 5, 0); got != "NMMM" {
		t.Errorf("readings of 11, 10, 5 and 0 minutes ago are %s, want NMMM", got)
	}
	if got := modeFlags(m, "b", 5); got != "N" {
		t.Errorf("the other device has %s", got)
	}
	if err := m.end("a", "wang"); err != nil {
		t.Fatal(err)
	}
	wait(30*time.Second, 30*time.Second)
	if err := m.begin("a", "C", "li", "span", time.Hour); err != nil {
		t.Fatal(err)
	}
	wait(30*time.Second, 30*time.Second)
	if got := modeFlags(m, "a", 2, 1, 0); got != "MNC" {
		t.Errorf("readings of 2, 1 and 0 minutes ago are %s, want MNC", got)
	}
	wait(59*time.Minute+29*time.Second, time.Hour)
	if _, events := m.pass(nil); len(events) != 0 {
		t.Errorf("over too soon: %v", events)
	}
	wait(time.Second, 0)
	_, events := m.pass(nil)
	if len(events) != 1 || events[0].Type != envelope.EventMaintenanceEnd || events[0].Who != "" || !strings.HasPrefix(events[0].Old, "C since ") {
		t.Errorf("at its end it says %+v", events)
	}
	if got := modeFlags(m, "a", 0); got != "N" {
		t.Errorf("after it readings are %s", got)
	}
	wait(2*time.Minute, 0)
	m.pass(nil)
	if len(m.list) != 0 {
		t.Errorf("%d modes are kept for ever", len(m.list))
	}
	want := "[maintenance.begin a by li: filter maintenance.end a by wang: ended by hand maintenance.begin a by li: span]"
	if got := fmt.Sprint(said); got != want {
		t.Errorf("it said %s\nwant %s", got, want)
	}
}

func TestModeFlags(t *testing.T) {
	for flag, want := range map[string]string{"N": "C", "D": "C", "T": "C", "B": "B", "F": "F", "S": "S", "M": "M", "C": "C"} {
		s := reads("a", 0, "1 "+flag)
		s.maintained("C")
		if got := s.Readings[0]; got.Flag != want || (got.Flag != flag) != (got.Cause == causeMaintenance) {
			t.Errorf("%s becomes %s %s, want %s", flag, got.Flag, got.Cause, want)
		}
	}
}

func TestModeRefuses(t *testing.T) {
	m, _ := testModes(nil)
	for name, err := range map[string]error{
		"no reason":      m.begin("a", "M", "li", "", time.Hour),
		"too long":       m.begin("a", "M", "li", "w", 24*time.Hour+1),
		"too short":      m.begin("a", "M", "li", "w", time.Minute-1),
		"in none":        m.end("a", "li"),
		"less than none": m.begin("a", "M", "li", "w", -time.Hour),
	} {
		if err == nil || hintFor(err) == "" {
			t.Errorf("%s: error %v, hint %q", name, err, hintFor(err))
		}
	}
}

// A clock that is set makes no mode longer, nor shorter.
func TestModeAndASetClock(t *testing.T) {
	for _, set := range []time.Duration{-50 * 365 * 24 * time.Hour, 50 * 365 * 24 * time.Hour} {
		m, wait := testModes(nil)
		m.begin("a", "M", "li", "w", time.Hour)
		wait(30*time.Minute, set)
		if got := modeFlags(m, "a", 0); got != "M" {
			t.Errorf("set by %s: %s after half of it", set, got)
		}
		wait(30*time.Minute, 0)
		if got := modeFlags(m, "a", 0); got != "N" {
			t.Errorf("set by %s: %s after it", set, got)
		}
	}
}

// Over a restart of the agent the boot clock goes on; over one of the system the wall
// clock says how long it was, but never less than nothing.
func TestModeOverARestart(t *testing.T) {
	for _, tt := range []struct {
		name       string
		sameBoot   bool
		boot, wall time.Duration // that pass
		left       time.Duration
	}{
		{"of the agent", true, 30 * time.Minute, 30 * time.Minute, 30 * time.Minute},
		{"of the agent, clock set back", true, 30 * time.Minute, -1000 * time.Hour, 30 * time.Minute},
		{"of the agent, too long", true, 2 * time.Hour, 2 * time.Hour, 0},
		{"of the system", false, -99 * time.Hour, 20 * time.Minute, 40 * time.Minute},
		{"of the system, in 1970", false, -99 * time.Hour, -50 * 365 * 24 * time.Hour, time.Hour},
		{"of the system, too long", false, -99 * time.Hour, 2 * time.Hour, 0},
	} {
		m, wait := testModes(nil)
		m.begin("a", "M", "li", "w", time.Hour)
		m.begin("gone", "M", "li", "w", time.Hour)
		kept, mono := m.kept()
		next := newModes(m.clock, twoDevices(), nil)
		wait(tt.boot, tt.wall)
		next.recall(kept, mono, tt.sameBoot, tt.wall)
		list := next.status()
		_, said := next.pass(nil)
		switch {
		case tt.left == 0 && (len(list) != 0 || len(said) != 2):
			t.Errorf("%s: in force %v, said %v", tt.name, list, said)
		case tt.left > 0 && (len(list) != 1 || list[0].Left != int64(tt.left/time.Second) || list[0].Who != "li" || len(said) != 1):
			t.Errorf("%s: in force %v, said %v, want %s left", tt.name, list, said, tt.left)
		}
		// What was set since the start goes before.
		again := newModes(m.clock, twoDevices(), nil)
		again.begin("a", "C", "wang", "w", time.Minute)
		again.recall(kept, mono, tt.sameBoot, tt.wall)
		if list := again.status(); len(list) != 1 || list[0].Flag != "C" {
			t.Errorf("%s: after a new one: %v", tt.name, list)
		}
	}
}

// A mode begins before the log is open and is in it afterwards, events and flags; it goes
// on in the next run and ends by itself.
func TestModeInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, key := t.TempDir(), testKey(t)
		read := func(f *flow) {
			s := reads("a", 0, "1").Sample
			s.Time = time.Now()
			f.in.add(time.Second, s)
		}
		f, m := checkedFlow(t, dir, key, checkedSite(t))
		boot, mono := f.clock.boot, f.clock.mono
		if err := m.begin("a", "M", "li", "filter", time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		read(f)
		runFlow(t, f, func() {
			time.Sleep(time.Second)
			if e := storedEvents(f.log, envelope.EventMaintenanceBegin); len(e) != 1 || e[0].Who != "li" || e[0].Why != "filter" || !strings.HasPrefix(e[0].New, "M until ") {
				t.Errorf("begin is told as %+v", e)
			}
		})
		time.Sleep(10 * time.Minute)
		f, m = checkedFlow(t, dir, key, checkedSite(t))
		f.clock.boot, f.clock.mono = boot, mono
		runFlow(t, f, func() {
			time.Sleep(time.Second)
			if s := m.status(); len(s) != 1 || s[0].Left != 3600-600-3 && s[0].Left != 3600-600-2 {
				t.Errorf("in the next run: %+v", s)
			}
			read(f)
			time.Sleep(time.Hour)
			read(f)
			if e := storedEvents(f.log, envelope.EventMaintenanceEnd); len(e) != 1 || e[0].Who != "" {
				t.Errorf("the end is told as %+v", e)
			}
		})
		var flags []string
		log, err := openTestLog(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		_, last := log.Bounds(live)
		for seq := range last {
			_, blocks, _ := log.Read(live, seq, 1)
			b, err := envelope.PeekBlock(blocks[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range b.Groups {
				for i := range g.Times {
					word := "N"
					if c := g.Columns[0]; c.Flags != nil {
						word = c.Flags[i] + "/" + c.Causes[i]
					}
					flags = append(flags, word)
				}
			}
		}
		if got := strings.Join(flags, " "); got != "M/maintenance M/maintenance N" {
			t.Errorf("readings are %s", got)
		}
	})
}

// The command speaks to the agent through its socket; who did it is the kernel's word.
func TestMaintainCommand(t *testing.T) {
	site := &config.Site{Lines: []config.Line{{Name: "lan", Devices: []config.Device{{Name: "dust-1"}, {Name: "gas"}}}}}
	site.Gateway.ID, site.Storage.Path, site.Maintenance.Longest = "gw-test", t.TempDir()+"/log.db", 24*time.Hour
	a := newAgent(site, false, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	if err := a.startLocal(ctx, nil, &all); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
	ask := func(q *request) ([]modeStatus, error) { return askModes(site, q) }
	for _, tt := range []struct {
		q    *request
		want string // of the error
	}{
		{&request{Do: "maintain", Device: "dust", Flag: "M", For: time.Hour, Why: "w"}, `no such device: the running agent has no "dust"`},
		{&request{Do: "maintain", Device: "dust-1 gas", Flag: "M", For: time.Hour, Why: "w"}, "no such device"},
		{&request{Do: "maintain", Device: "gas", Flag: "N", For: time.Hour, Why: "w"}, "want flag M or C"},
		{&request{Do: "maintain", Device: "gas", Flag: "M", For: 25 * time.Hour, Why: "w"}, "want 1m0s to 24h0m0s"},
		{&request{Do: "maintain", Device: "gas", Flag: "M", For: time.Hour, Why: strings.Repeat("w", 201)}, "200 bytes in UTF-8 at most"},
		{&request{Do: "maintain-end", Device: "gas"}, "gas is in no maintenance"},
	} {
		_, err := ask(tt.q)
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: error %v, want %q", tt.q, err, tt.want)
		}
	}
	list, err := ask(&request{Do: "maintain", Device: "gas", Flag: "C", For: 2 * time.Hour, Why: "量程校准", Sudo: "li"})
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	who := userName(os.Getuid())
	if os.Getuid() == 0 {
		who = "li (as " + who + ")"
	}
	if m := list[0]; m.Who != who || m.Flag != "C" || m.Why != "量程校准" || m.Left < 7190 {
		t.Errorf("in force is %+v, want by %s", m, who)
	}
	for zh, want := range map[bool]string{false: "gas     C calibration", true: "C 校准"} {
		var b strings.Builder
		writeModes(&b, list, &request{}, zh)
		if !strings.Contains(b.String(), want) {
			t.Errorf("it shows\n%s", b.String())
		}
	}
	events, _ := a.in.takeEvents()
	if len(events) != 1 || events[0].Who != who || events[0].Subject != "gas" {
		t.Errorf("events are %+v", events)
	}
	if list, err = ask(&request{Do: "maintain-end", Device: "gas"}); err != nil || len(list) != 0 {
		t.Errorf("after the end: %v, %v", list, err)
	}
}
