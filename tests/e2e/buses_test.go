package e2e

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

// alone adds a serial bus with one instrument of numbered values, and returns both.
func (r *rig) alone(name string, every time.Duration) (*sim.Bus, *sim.Unit) {
	r.t.Helper()
	bus := r.serial(name, every, map[*sim.Instrument]string{sim.Block(name, 20): ""})
	return bus, r.units[name]
}

// heard waits until an instrument was asked so many times more, and its answer sent whole.
func (r *rig) heard(name string, more uint64) {
	r.t.Helper()
	in := r.units[name].Instrument()
	before := in.Sent()
	await(r.t, 90*time.Second, name+" is asked", func() bool { return in.Sent() >= before+more })
}

// down and up wait until the agent has said of a line that it is.
func (r *rig) down(line string, times int) { r.t.Helper(); r.state(line, "down", times) }
func (r *rig) up(line string, times int)   { r.t.Helper(); r.state(line, "up", times) }

func (r *rig) state(line, is string, times int) {
	r.t.Helper()
	await(r.t, 90*time.Second, "line "+line+" is "+is, func() bool {
		n := 0
		for l := range strings.Lines(r.agent.logged()) {
			if strings.Contains(l, `msg="line `+is+`" line=`+line+" ") {
				n++
			}
		}
		return n >= times
	})
}

// everyTick holds the rows of an instrument against the ticks of its interval: from the
// first to the last before until, each has a reading with all its values. It returns how
// many they are.
func (r *rig) everyTick(name string, every time.Duration, until time.Time) int {
	r.t.Helper()
	rows := map[int64]int{} // values by tick
	first, last := int64(0), int64(0)
	for _, e := range r.export() {
		if e.Stream != "live" || strings.SplitN(e.Source, "/", 2)[0] != name || e.Point == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, e.Time)
		if err != nil {
			r.t.Fatal(err)
		}
		if !at.Before(until.Truncate(every)) {
			continue
		}
		tick := at.UnixNano() / int64(every)
		if first == 0 || tick < first {
			first = tick
		}
		last = max(last, tick)
		if e.Value != nil {
			rows[tick]++
		} else {
			r.t.Logf("%s %s at %s: %s %s", name, e.Point, e.Time, e.Flag, e.Cause)
		}
	}
	points := len(r.units[name].Instrument().Channels())
	for tick := first; tick <= last; tick++ {
		if rows[tick] != points {
			r.t.Errorf("%s has %d values at %s, want %d", name, rows[tick], time.Unix(0, tick*int64(every)).Format("15:04:05.0"), points)
		}
	}
	return int(last - first + 1)
}

// Every way in which a serial bus goes wrong, each on a bus of its own, and all at once.
// Two healthy lines beside them have a reading at every tick; what was said on the bad
// ones in time arrives or is missing with a reason, and nothing is made up.
func TestBadBusesStayAlone(t *testing.T) {
	t.Parallel()
	const every = time.Second
	r := newRig(t)
	r.alone("healthy", every)
	r.network("net", every, map[*sim.Instrument]string{sim.Block("ozone", 20): ""})
	pulled, _ := r.alone("pulled", every)
	hung, _ := r.alone("hung", every)
	babbling, _ := r.alone("babbling", every)
	_, colliding := r.alone("colliding", every)
	_, echoing := r.alone("echoing", every)
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()
	r.arrived()
	began := r.units["healthy"].Instrument().Sent()

	// Some bytes of noise, a frame of a unit that nobody asks, and silence too short for
	// the line to count as quiet.
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		said := append(bytes.Repeat([]byte{0x55, 0xFE}, 8), 9, 3, 2, 0, 1, 0x98, 0x45)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(15 * time.Millisecond):
				babbling.Say(said[n%8:])
			}
		}
	}()
	colliding.SetFault(sim.Fault{Collide: true, Every: 2})
	echoing.SetFault(sim.Fault{Echo: true})
	if err := hung.Hold(); err != nil {
		t.Fatal(err)
	}
	pulled.Unplug()
	r.down("pulled", 1)
	r.down("hung", 1)
	if err := pulled.Replug(); err != nil {
		t.Fatal(err)
	}
	r.up("pulled", 1)
	if err := hung.Release(); err != nil {
		t.Fatal(err)
	}
	r.up("hung", 1)
	// Pulled while it hangs, it comes back as another node.
	if err := hung.Hold(); err != nil {
		t.Fatal(err)
	}
	r.down("hung", 2)
	hung.Unplug()
	if err := hung.Replug(); err != nil {
		t.Fatal(err)
	}
	r.up("hung", 2)
	for _, name := range []string{"pulled", "hung", "babbling", "colliding"} {
		r.heard(name, 3)
	}
	close(stop)
	<-stopped
	ticks := r.units["healthy"].Instrument().Sent() - began

	hushed := time.Now()
	r.hush()
	r.settled()
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	r.audit()
	for _, name := range []string{"healthy", "ozone"} {
		if n := r.everyTick(name, every, hushed); n < int(ticks) {
			t.Errorf("%s has rows of %d ticks, want %d at least", name, n, ticks)
		}
	}
	if n := echoing.Instrument().Counts()[sim.Echo]; n == 0 {
		t.Error("no echo was said")
	}
	if n := colliding.Instrument().Counts()[sim.WrongCRC]; n == 0 {
		t.Error("no answers collided")
	}
}
