package e2e

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"envgate/tests/platform/gov"
	"envgate/tests/sim"
)

// linked is a platform of the government behind a line that can go bad.
func linked(t *testing.T, o gov.Options) (p *gov.Platform, l *gov.Link, address string) {
	t.Helper()
	p, direct := newGov(t, o)
	l, address, err := gov.OpenLink("127.0.0.1:0", direct)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return p, l, address
}

// platform adds a platform to the site file; more are further lines of it.
func (r *rig) platform(name, address string, edition int, more ...string) {
	if r.more == "" {
		r.more = "platforms:\n"
		write(r.t, r.path("pw"), password+"\n")
	}
	r.more += fmt.Sprintf("  - {name: %s, address: %q, edition: %d, st: \"22\", password_file: %s, mn: %s%s}\n",
		name, address, edition, r.path("pw"), mn, strings.Join(append([]string{""}, more...), ", "))
}

// Each command of each edition is answered as the standard has it, over a line that
// doubles, delays and cuts: served or refused, and never left alone. What nobody knows is
// refused by 8, a wrong password by 3, a wrong MN by 4.
func TestPlatformCommands(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	type one struct {
		edition int
		gov     *gov.Platform
		link    *gov.Link
	}
	var all []one
	for _, edition := range []int{2017, 2025} {
		p, l, address := linked(t, gov.Options{Edition: edition, ST: "22", OverTime: 2 * time.Second, ReCount: 30, ExecTime: 20 * time.Second})
		all = append(all, one{edition, p, l})
		r.platform(fmt.Sprintf("town%d", edition), address, edition)
	}
	r.startAgent()
	for _, o := range all {
		await(t, 60*time.Second, "real-time data come", func() bool { return o.gov.Has("CN=2011", "a05024-Rtd=") })
		o.link.Set(gov.Trouble{Twice: 10, Lost: 3, CutAfter: 3, Delay: 20 * time.Millisecond, Seed: 12})
	}
	for _, o := range all {
		commands(t, o.gov, o.edition)
		for _, w := range o.gov.Wrong() {
			t.Errorf("%d: %s", o.edition, w)
		}
		if c := o.gov.Counts(); c.Differs > 0 || c.Bad > 0 {
			t.Errorf("%d: %+v", o.edition, c)
		}
		t.Logf("%d: %d cuts, %d doubled frames, %+v", o.edition, o.link.Cuts(), o.link.Doubled(), o.gov.Counts())
	}
	r.agent.stop(10 * time.Second)
	if strings.Contains(r.agent.logged(), password) {
		t.Error("the password is in the agent's log")
	}
}

// commands sends all of an edition. Those that change by whom one is known go last.
func commands(t *testing.T, p *gov.Platform, edition int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	now := time.Now()
	var served, refused []string
	for _, c := range gov.Commands() {
		if !c.In(strconv.Itoa(edition)) || c.CN == "1002" || c.CN == "1014" || c.CN == "1072" {
			continue // they change by whom the gateway is known, or need keys
		}
		ask := gov.Ask{CN: c.CN, Area: c.Fill(strconv.Itoa(edition), "a05024", gov.Stamp(now), gov.Stamp(now.Add(-time.Hour)), gov.Stamp(now))}
		r, err := p.Ask(ctx, ask)
		// A result has no answer and can be lost with its connection: then it is asked anew.
		for try := 0; try < 5 && err != nil && ctx.Err() == nil; try++ {
			r, err = p.Ask(ctx, ask)
		}
		switch {
		case err != nil:
			t.Errorf("%d %s %s: %v, %v", edition, c.CN, c.About, r, err)
		case c.Pattern == gov.Note && !r.Noted:
			t.Errorf("%d %s %s: %v, want a 9013", edition, c.CN, c.About, r)
		case c.Pattern == gov.Note || r.QnRtn > 1:
			refused = append(refused, fmt.Sprintf("%s:%d", c.CN, r.QnRtn))
		case r.ExeRtn == 1 && c.Pattern == gov.Read && len(r.Data) == 0:
			t.Errorf("%d %s %s: %v, executed and without data", edition, c.CN, c.About, r)
		default:
			served = append(served, fmt.Sprintf("%s:%d", c.CN, r.ExeRtn))
		}
	}
	for _, w := range []struct {
		gov.Ask
		want int
	}{
		{gov.Ask{CN: "3999"}, 8},
		{gov.Ask{CN: "1061", PW: "654321"}, 3},
		{gov.Ask{CN: "1061", MN: "010000A8900016F000169DC1", Via: mn}, 4},
	} {
		if r, err := p.Ask(ctx, w.Ask); err != nil || r.QnRtn != w.want {
			t.Errorf("%d %+v: %v, %v; want QnRtn %d", edition, w.Ask, r, err, w.want)
		}
	}
	t.Logf("%d: served (CN:ExeRtn) %v, refused or noted (CN:QnRtn) %v", edition, served, refused)
}

// Eight platforms of one gateway: one dead, one a black hole, one slow, one with another
// password. The others have the minute before the next one is over, unmarked. How long it
// took is printed; nothing is measured (tests/platform does that in a time of its own).
func TestEightPlatforms(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	r.platform("dead", dead.Addr().String(), 2017)
	_, hole, address := linked(t, gov.Options{})
	hole.Hold(true)
	r.platform("hole", address, 2017)
	_, slow, address := linked(t, gov.Options{})
	slow.Set(gov.Trouble{Delay: 5 * time.Second, Rate: 40})
	r.platform("slow", address, 2017)
	strict, err := gov.New(gov.Options{MN: mn, PW: "654321"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(strict.Close)
	if address, err = strict.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	r.platform("strict", address, 2017)
	good := map[string]*gov.Platform{}
	for name, o := range map[string]gov.Options{
		"one": {}, "two": {Edition: 2025}, "three": {Habits: gov.Habits{LowerCase: true, Late: 200 * time.Millisecond}}, "four": {Habits: gov.Habits{WrongQN: 1}},
	} {
		good[name], address = newGov(t, o)
		r.platform(name, address, max(o.Edition, 2017))
	}
	r.startAgent()
	for name, p := range good {
		await(t, 2*time.Minute, name+" has a minute", func() bool { return len(p.Records("2051")) > 0 })
	}
	r.agent.stop(10 * time.Second)
	for name, p := range good {
		for _, m := range p.Records("2051") {
			start, err := time.ParseInLocation("20060102150405", m.DataTime, time.FixedZone("", 8*60*60))
			after := m.At.Sub(start.Add(time.Minute))
			if err != nil || after > time.Minute || m.RF || m.Differs > 0 {
				t.Errorf("%s: minute %s came %v after its end (%v): %+v", name, m.DataTime, after, err, m)
			}
			t.Logf("%s: minute %s came %v after its end", name, m.DataTime, after.Round(time.Millisecond))
		}
		for _, w := range p.Wrong() {
			t.Errorf("%s: %s", name, w)
		}
	}
	if c := strict.Counts(); c.Denied == 0 || c.Records > 0 {
		t.Errorf("with another password: %+v", c)
	}
}
