package faults

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"envgate/tests/rig"
	"envgate/tests/sim"
)

// An outageOf is a time without a link in which the agent is killed now and then.
type outageOf struct {
	length time.Duration
	kills  []float64 // each one's moment within a sealing interval, from 0 to 1
}

// outageFigures is what came of one: readings that a perfect poller would have read in the
// outage, and those of them that are at the centre.
type outageFigures struct {
	kills            int
	perfect, arrived int
	down             time.Duration // from each kill until the agent was started again
}

func (f outageFigures) percent() float64 { return 100 * float64(f.arrived) / float64(f.perfect) }

// outagePoints and outageUnits are the load, at a reading a second.
const (
	outageUnits  = 4
	outagePoints = 5
)

// outage makes one, with the account at its end.
func (r *netRig) outage(o outageOf) outageFigures {
	r.t.Helper()
	r.network(outageUnits, outagePoints)
	r.run()
	r.ok(r.Link.Refuse())
	began := time.Now()
	f := outageFigures{kills: len(o.kills)}
	part := (o.length / time.Duration(len(o.kills))).Truncate(r.Sealing)
	for i, moment := range o.kills {
		// In the middle of its part of the outage.
		at := time.Duration(i)*part + (part / 2).Truncate(r.Sealing) + time.Duration(moment*float64(r.Sealing))
		time.Sleep(time.Until(began.Add(at)))
		r.KillAgent()
		r.ok(r.StartAgent())
		f.down += time.Since(r.Kills[i])
	}
	time.Sleep(time.Until(began.Add(o.length)))
	r.ok(r.Link.Accept())
	ended := time.Now()
	r.await(60*time.Second, "a block of after the outage is at the centre", func() bool {
		chains, _, err := r.Gaps()
		for _, c := range chains {
			if c.Stream == "live" && c.Newest.After(ended) {
				return err == nil
			}
		}
		return false
	})
	time.Sleep(r.Sealing)
	r.finish()

	r.ok(r.Export("live", func(row rig.Row) error {
		if row.Value != nil && !row.Time.Before(began) && row.Time.Before(ended) {
			f.arrived++
		}
		return nil
	}))
	f.perfect = int(ended.Sub(began).Seconds()) * outageUnits * outagePoints
	r.t.Logf("outage of %s with %d kills: %d of %d readings arrived, %.1f %%", ended.Sub(began).Round(time.Second), len(o.kills), f.arrived, f.perfect, f.percent())
	return f
}

// After a kill at most the sealing interval is missing, and the time until the agent
// polls again.
func shortOutage(r *netRig) {
	const startUp = 1500 * time.Millisecond // until the first poll, on a busy machine
	f := r.outage(outageOf{length: 20 * time.Second, kills: []float64{0.9}})
	most := r.Sealing + rig.CommitTime + f.down + startUp
	lost := time.Duration(f.perfect-f.arrived) * time.Second / (outageUnits * outagePoints)
	if lost > most {
		r.t.Errorf("readings of %s are missing after one kill, want %s at most", lost, most)
	}
}

// TestOutageFigures measures what an outage of two minutes costs, with the default
// sealing interval. A kill costs up to the whole interval; so several gateways have it at
// once, with kills spread evenly over the interval, and the figure is that of all.
func TestOutageFigures(t *testing.T) {
	netLong(t)
	envgate, centre := netPrograms(t)
	const gateways = 5
	figures := make(chan outageFigures, 2*gateways)
	tests := map[string]func(*testing.T){}
	least := map[int]float64{1: 97, 3: 92} // percent, by kills
	for kills := range least {
		for g := range gateways {
			var moments []float64
			moment := 0.0
			for k := range kills {
				// A start begins a sealing interval: what counts is how long after the
				// last kill the next one comes. Over the gateways that is spread evenly.
				moment = math.Mod(moment+(float64((g+2*k)%gateways)+0.5)/gateways, 1)
				moments = append(moments, moment)
			}
			tests[fmt.Sprintf("%d kills gateway %d", kills, g+1)] = func(t *testing.T) {
				r := newNetRig(t, envgate, centre)
				r.Sealing = 5 * time.Second
				figures <- r.outage(outageOf{length: 120 * time.Second, kills: moments})
			}
		}
	}
	together(t, tests)
	close(figures)
	all := map[int]outageFigures{}
	for f := range figures {
		sum := all[f.kills]
		sum.perfect, sum.arrived = sum.perfect+f.perfect, sum.arrived+f.arrived
		all[f.kills] = sum
	}
	for kills, want := range least {
		f := all[kills]
		t.Logf("outage of 120 s, kills: %d: %.1f %% of what a perfect poller would have read arrived, wanted %.0f %% (%d of %d readings, %d gateways)",
			kills, f.percent(), want, f.arrived, f.perfect, gateways)
		if !(f.percent() >= want) {
			t.Errorf("%d kills: %.1f %% arrived, want %.0f %%", kills, f.percent(), want)
		}
	}
}

// TestEvictionAtCentre fills a small log while the link is away. What goes undelivered
// is found at the centre as a signed event, and all that is missing there is what it says.
func TestEvictionAtCentre(t *testing.T) {
	netLong(t)
	envgate, centre := netPrograms(t)
	r := newNetRig(t, envgate, centre)
	r.Budget = "8MB"
	var in []*sim.Instrument
	for u := range 40 {
		in = append(in, rig.Noisy("unit"+strconv.Itoa(u), 60))
	}
	_, err := r.Network("net", evictionEvery, in...)
	r.ok(err)
	r.run()
	r.ok(r.Link.Refuse())
	r.await(6*time.Minute, "the agent says that blocks go", r.says("undelivered blocks go for want of room"))
	time.Sleep(5 * time.Second)
	r.ok(r.Link.Accept())
	r.event("log.evicted", "live")
	r.Hush()
	r.ok(r.Settle(3 * time.Minute))
	r.ok(r.Agent.Stop(12 * time.Second))
	r.await(30*time.Second, "the last words are at the centre", r.Whole)
	r.ok(r.Center.Stop(10 * time.Second))
	r.ok(r.Verify())
	chains, gaps, err := r.Gaps()
	r.ok(err)
	gone := false
	for _, c := range chains {
		gone = gone || c.Stream == "live" && c.Gone != "none"
	}
	if !gone {
		t.Errorf("centre gaps shows no eviction:\n%s", gaps)
	}
	t.Logf("\n%s", gaps)
}

// evictionEvery is the shortest interval of a device.
const evictionEvery = 200 * time.Millisecond
