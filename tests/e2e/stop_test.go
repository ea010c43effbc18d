package e2e

import (
	"net"
	"syscall"
	"testing"
	"time"

	"envgate/tests/sim"
)

// With a broker that takes connections and says nothing, a port that is unplugged and
// an instrument that is silent, all at once, the agent stops in under 10 s, and what
// it sealed before is all there at the next start.
func TestStopWithEverythingBroken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, _, _ := r.six(time.Second)
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()
	r.arrived()

	port := r.broker.port
	r.broker.stop(10 * time.Second)
	hole := blackHole(t, port)
	if err := a.Unplug(); err != nil {
		t.Fatal(err)
	}
	r.units["weather"].SetFault(sim.Fault{Silent: true})
	time.Sleep(12 * time.Second) // the agent meets all three

	if took := r.agent.stop(10 * time.Second); took < 10*time.Second {
		t.Logf("stopped after %s", took.Round(time.Millisecond))
	}
	if code := r.agent.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d after a clean stop, want 0; its log ends:\n%s", code, r.agent.tail())
	}
	hole.Close()

	r.broker.start()
	if err := a.Replug(); err != nil {
		t.Fatal(err)
	}
	r.units["weather"].SetFault(sim.Fault{})
	r.startAgent()
	await(t, 60*time.Second, "the second start has arrived", func() bool { return len(r.events("start")) == 2 })
	time.Sleep(2 * sealing)
	r.hush()
	r.settled()
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	r.audit()
	r.verified()
	if e := r.events("start"); len(e) != 2 || e[1].Why != "stopped: signal terminated" {
		t.Errorf("start events %+v: the second must name the stop", e)
	}
}

// A second signal ends the program at once.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	r.units["ozone"].SetFault(sim.Fault{Silent: true})
	hole := blackHole(t, 0)
	r.broker = &mosquitto{port: hole.Addr().(*net.TCPAddr).Port}
	r.startAgent()
	time.Sleep(3 * time.Second)
	r.agent.signal(syscall.SIGTERM)
	time.Sleep(100 * time.Millisecond)
	r.agent.signal(syscall.SIGTERM)
	select {
	case <-r.agent.done:
	case <-time.After(2 * time.Second):
		t.Error("still there 2 s after the second signal")
	}
}

// blackHole takes connections and never says a word.
func blackHole(t *testing.T, port int) net.Listener {
	t.Helper()
	var l net.Listener
	await(t, 10*time.Second, "the port is free", func() (ok bool) {
		var err error
		l, err = net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		return err == nil
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close() // at the end
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l
}
