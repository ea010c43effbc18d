package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"envgate/tests/sim"
)

// The agent for other processors polls, seals and publishes: under an emulator, which
// stands for the gateways that have them.
func TestOtherProcessors(t *testing.T) {
	for _, c := range []struct {
		name, emulator string
		env            []string
	}{
		{"armv7", "qemu-arm-static", []string{"GOARCH=arm", "GOARM=7"}},
		{"mipsle", "qemu-mipsel-static", []string{"GOARCH=mipsle", "GOMIPS=softfloat"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			emulator := need(t, c.emulator, "qemu-user-static")
			program := filepath.Join(t.TempDir(), "envgate")
			if err := build(program, "./agent", c.env...); err != nil {
				t.Fatal(err)
			}
			r := newRig(t)
			r.network("net", time.Second, map[*sim.Instrument]string{
				sim.TeledyneT400("ozone"): "teledyne-t400", sim.SonbestSM7901B("noise"): "sonbest-sm7901b",
			})
			r.startBroker(everything)
			r.startCentre()
			r.writeSite()
			r.agent = start(t, r.path("agent.log"), emulator, program, "run", "-c", r.path("site.yaml"))
			r.arrived()
			time.Sleep(sealing)
			r.hush()
			r.settled()
			r.agent.stop(15 * time.Second)
			r.centre.stop(10 * time.Second)
			r.audit()
			r.verified()
		})
	}
}
