package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

// An old image of the log is put back: the centre's receipts are past its head, so the
// agent begins a new epoch that says why and names the old one; what it reads from
// then on arrives, and the centre has noted the contradiction.
func TestOldImagePutBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()
	r.arrived()
	r.agent.stop(10 * time.Second)
	image, err := os.ReadFile(r.path("log.db"))
	if err != nil {
		t.Fatal(err)
	}
	old := r.events("epoch")[0].Epoch

	r.startAgent()
	before := len(r.export())
	await(t, 60*time.Second, "more has arrived", func() bool { return len(r.export()) > before+20 })
	r.agent.stop(10 * time.Second)
	if err := os.WriteFile(r.path("log.db"), image, 0o600); err != nil {
		t.Fatal(err)
	}

	r.startAgent()
	var newest exported
	await(t, 60*time.Second, "a new epoch arrives", func() bool {
		for _, e := range r.events("epoch") {
			if e.Epoch != old {
				newest = e
			}
		}
		return newest.Epoch != ""
	})
	if !strings.Contains(newest.Why, "past the head") || !strings.Contains(newest.New, old) {
		t.Errorf("the new epoch says %+v: want why, and the old epoch's name", newest)
	}
	await(t, 30*time.Second, "readings of the new epoch arrive", func() bool {
		for _, e := range r.export() {
			if e.Epoch == newest.Epoch && e.Value != nil && e.Stream == "live" {
				return true
			}
		}
		return false
	})
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	if g := r.gaps(); !strings.Contains(g, "ANOMALY") {
		t.Errorf("the centre notes nothing of a log that went back:\n%s", g)
	} else {
		t.Log("\n" + g)
	}
}
