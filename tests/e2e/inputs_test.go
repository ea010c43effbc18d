package e2e

import (
	"fmt"
	"maps"
	"os/exec"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

// A module with a current in each range of NAMUR NE 43 and a door: the centre has the
// values and the flags, each change of the door, and nothing of the clamps that are free.
func TestInputs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	module := sim.IOModule("io", 3.5, 3.7, 4, 12, 20, 20.7, 21.5, 12)
	template := "io-module\n        inputs:\n"
	for i := range 7 {
		template += fmt.Sprintf("          ai%d: {point: cod%d, signal: 4-20mA, range: [0, 500], unit: mg/L}\n", i+1, i+1)
	}
	template += "          di3: {point: door, zh: 站房门, en: cabinet door, when_0: closed, when_1: open}\n"
	server := r.network("io", 200*time.Millisecond, map[*sim.Instrument]string{module: template})
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()
	r.arrived()

	out, err := exec.Command(envgate, "read", "-c", r.path("site.yaml"), "io").CombinedOutput()
	for _, want := range []string{"cod1 - mg/L D signal-low", "cod4 250.00 mg/L N", "door 0 closed 1 N", "cabinet door 站房门"} {
		if !strings.Contains(strings.Join(strings.Fields(string(out)), " "), want) {
			t.Errorf("read does not show %q: %v\n%s", want, err, out)
		}
	}
	changed := func(n int) []exported {
		var events []exported
		await(t, 30*time.Second, fmt.Sprintf("%d events of the door", n), func() bool {
			events = r.events("state.changed")
			return len(events) >= n
		})
		return events
	}
	changed(1)
	module.SetBit(2, true)
	changed(2)
	server.Unplug()
	changed(3)
	module.SetBit(2, false)
	if err := server.Replug(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{">closed", "closed>open", "open>unknown", "unknown>closed"} {
		e := changed(4)[i]
		if got := e.Old + ">" + e.New; got != want || e.Subject != "io/door" {
			t.Errorf("event %d is %s of %s, want %s", i+1, got, e.Subject, want)
		}
	}

	got := map[string]string{}
	doors := map[string]bool{}
	await(t, 30*time.Second, "the centre has the door shut and open", func() bool {
		for _, e := range r.export() {
			switch {
			case e.Stream != "live" || e.Flag == "B": // no answer while it was unplugged
			case e.Point == "door":
				doors[*e.Value] = true
			case e.Value == nil:
				got[e.Point] = e.Flag + " " + e.Cause
			default:
				got[e.Point] = *e.Value + " " + e.Flag + " " + e.Cause
			}
		}
		return doors["0"] && doors["1"]
	})
	want := map[string]string{
		"cod1": "D signal-low",
		"cod2": "-9.38 T range", // -9.375
		"cod3": "0.00 N ",
		"cod4": "250.00 N ",
		"cod5": "500.00 N ",
		"cod6": "521.88 T range", // 521.875
		"cod7": "D signal-high",
	}
	if !maps.Equal(got, want) {
		t.Errorf("the centre has\n%v\nwant\n%v", got, want)
	}
	r.verified()
}
