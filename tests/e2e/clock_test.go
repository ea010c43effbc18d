package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

// fakeClock has the next agent run by a clock that the returned function sets: by how
// much it is wrong, and whether the kernel says sync or unsync. The program is built for
// it (agent/clock_testclock.go) and put in the place of the one that is shipped.
func (r *rig) fakeClock() (program string, set func(wrong time.Duration, kernel string)) {
	r.t.Helper()
	program = r.path("envgate-testclock")
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2,testclock", "-o", program, "./agent")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("build: %v\n%s", err, b)
	}
	r.t.Setenv("ENVGATE_TEST_CLOCK", r.path("clock"))
	return program, func(wrong time.Duration, kernel string) {
		r.t.Helper()
		write(r.t, r.path("clock.new"), fmt.Sprintf("%s %s\n", wrong, kernel))
		if err := os.Rename(r.path("clock.new"), r.path("clock")); err != nil {
			r.t.Fatal(err)
		}
	}
}

// A gateway without a battery clock, on a network without NTP, starts in 1970 with a
// program that is older than the broker's certificate. It reaches the broker over TLS,
// gets its time from a receipt, and what it sealed before is placed.
func TestFrom1970(t *testing.T) {
	r := newRig(t)
	program, set := r.fakeClock()
	month := time.Now().Add(-30 * 24 * time.Hour)
	if err := os.Chtimes(program, month, month); err != nil {
		t.Fatal(err)
	}
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	r.startBroker(everything)
	r.uplink = "    receipt_timeout: 5s\n"
	r.writeSite()
	began := time.Now()
	set(-time.Since(time.Unix(20, 0)).Truncate(time.Second), "unsync")
	r.agent = start(t, r.path("agent.log"), program, "run", "-c", r.path("site.yaml"))
	time.Sleep(2*sealing + time.Second) // no centre: it reads and seals with what it has
	r.startCentre()

	steps := func() (out []timed) {
		for _, e := range r.timed() {
			if e.Type == "clock.step" {
				out = append(out, e)
			}
		}
		return out
	}
	await(t, 60*time.Second, "a receipt sets the clock", func() bool { return len(steps()) == 1 })
	if s := steps()[0]; s.Who != "receipt of city" || !strings.HasPrefix(s.Time, time.Now().UTC().Format("2006-")) {
		t.Errorf("first step: %+v", s)
	}
	told := time.Now()
	await(t, 60*time.Second, "values by the new clock, and those from before it", func() bool {
		n := map[string]int{}
		for _, e := range r.timed() {
			if e.Value != nil && e.Stream == "live" {
				n[e.Clock]++
			}
		}
		return n["holdover"] > 0 && n["unsync"] >= 5
	})
	unsync := 0
	for _, e := range r.timed() {
		if e.Value == nil || e.Stream != "live" {
			continue
		}
		when := e.Time
		if e.Clock == "unsync" {
			unsync++
			if !strings.HasPrefix(e.Time, "1970-01-01") {
				t.Errorf("stamped %s while the clock was in 1970", e.Time)
			}
			when = e.Placed
		}
		at, err := time.Parse(time.RFC3339Nano, when)
		if err != nil || at.Before(began.Add(-3*time.Second)) || at.After(time.Now().Add(3*time.Second)) || e.Clock == "unsync" && at.After(told.Add(3*time.Second)) {
			t.Errorf("a value of %s (clock %s) is placed at %q; it was read after %s", e.Time, e.Clock, when, began)
		}
	}
	if unsync < 5 {
		t.Errorf("%d values from before the first receipt, want 5 at least", unsync)
	}
	for _, e := range r.timed() {
		if e.Stream == "stat" && strings.HasPrefix(e.Time, "1970") && e.Clock == "" {
			t.Errorf("figure %+v is said to be by a clock that is set", e)
		}
	}

	set(0, "sync") // NTP comes, and the offset goes
	time.Sleep(sealing + time.Second)
	set(time.Hour, "unsync") // somebody sets the clock, and NTP sets it back
	await(t, 30*time.Second, "an hour on is told", func() bool { return strings.Contains(fmt.Sprint(steps()), "+3600.") })
	set(0, "sync")
	await(t, 30*time.Second, "and back", func() bool { return strings.Contains(fmt.Sprint(steps()), "-3600.") })
	r.hush()
	r.settled()
	r.verified()

	// Each number that the instrument sent is there, at its time once that is placed.
	a := sim.NewAudit(r.instruments...)
	for _, e := range r.timed() {
		if e.Stream != "live" || e.Point == "" {
			continue
		}
		row := sim.Row{Instrument: strings.SplitN(e.Source, "/", 2)[0], Point: e.Point, Epoch: e.Epoch, Index: e.Index, Flag: e.Flag}
		if e.Value != nil {
			row.Value = *e.Value
		}
		row.Time, _ = time.Parse(time.RFC3339Nano, cmp.Or(e.Placed, e.Time))
		a.Add(row)
	}
	report := a.Report()
	if err := report.Err(); err != nil {
		t.Errorf("audit: %v", err)
	}
	t.Logf("%d sent, %d received, %d from before the first receipt, %d unaccounted", report.Sent(), report.Received(), unsync, report.Unaccounted())
}

type timed struct {
	Stream, Epoch, Type, Source, Point, Flag, Time, Clock, Placed, Who, Why string
	Index                                                                   uint64
	Value                                                                   *string
}

func (r *rig) timed() (all []timed) {
	r.t.Helper()
	out, _ := exec.Command(centre, "export", "--ndjson", r.path("centre.db")).Output()
	for line := range strings.Lines(string(out)) {
		var e timed
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			r.t.Fatalf("export line %q: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}
