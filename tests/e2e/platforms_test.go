package e2e

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// wants is what becomes of each command, where the site allows all kinds but the clock:
// what is served, with its ExeRtn, or noted (N). All others are refused by QnRtn 2.
// 100 has no data of that span, or of that kind, at this site; the minute interval of a
// site is not the platforms' (3).
var wants = map[string]string{
	"1000": "1", "1011": "1", "1014": "1", "1061": "1", "1062": "1", "1063": "1", "1064": "3", "1072": "1",
	"2011": "1", "2012": "N", "2013": "100", "2021": "1", "2022": "N", "2031": "100", "2041": "100", "2051": "1",
	"2052": "100", "2061": "100", "2062": "100", "3019": "1", "3020": "100",
}

// Each command of each edition is answered as the standard has it, over a line that drops,
// doubles, delays and cuts: served or refused, and never left alone. What nobody knows is
// refused by 8, a wrong password by 3, a wrong MN by 4, in 2005 all but the password by 2.
func TestPlatformCommands(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	write(t, r.path("sm4"), firstKey+"\n")
	type one struct {
		edition int
		gov     *gov.Platform
		link    *gov.Link
	}
	var all []one
	for _, edition := range []int{2005, 2017, 2025} {
		o := gov.Options{Edition: edition, ST: "22", OverTime: time.Second, ReCount: 30, ExecTime: 2 * time.Second}
		more := []string{ozone, `commands: {allow: [read, history, timing, stop, password, key], identities: ["a05024=010000A8900016F000169DC1"]}`}
		if edition == 2025 {
			o.Key = firstKey
			more = append(more, keyLine+r.path("sm4"))
		}
		p, l, address := linked(t, o)
		all = append(all, one{edition, p, l})
		r.platform(fmt.Sprintf("town%d", edition), address, edition, more...)
	}
	r.startAgent()
	for _, o := range all {
		await(t, 2*time.Minute, "real-time data and a minute come", func() bool {
			return o.gov.Has("CN=2011", "a05024-Rtd=") && len(o.gov.Records("2051")) > 0
		})
		o.link.Set(bad)
	}
	var group sync.WaitGroup
	for _, o := range all {
		group.Go(func() { commands(t, o.gov, o.link, o.edition) })
	}
	group.Wait()
	for _, o := range all {
		for _, w := range o.gov.Wrong() {
			t.Errorf("%d: %s", o.edition, w)
		}
		if c := o.gov.Counts(); c.Differs > 0 || c.Bad > 0 {
			t.Errorf("%d: %+v", o.edition, c)
		}
		t.Logf("%d: %d cuts, %d doubled frames, %+v", o.edition, o.link.Cuts(), o.link.Doubled(), o.gov.Counts())
	}
	r.agent.stop(10 * time.Second)
	for _, secret := range []string{password, newPassword, firstKey, secondKey} {
		if strings.Contains(r.agent.logged(), secret) {
			t.Errorf("the secret %q is in the agent's log", secret)
		}
	}
}

// bad is a line that drops frames, alone and with their connection, doubles and cuts.
var bad = gov.Trouble{Twice: 10, Lost: 2, CutAfter: 2, Swallowed: 2, Delay: 20 * time.Millisecond, Seed: 12}

// commands sends all of an edition: those that are served, then those that are not, and
// last those that change by whom one is known, over a good line: where their result is lost,
// data come meanwhile that the platform cannot read.
func commands(t *testing.T, p *gov.Platform, line *gov.Link, edition int) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	began := time.Now()
	var all []gov.Command
	for _, c := range gov.Commands() {
		if c.In(strconv.Itoa(edition)) {
			all = append(all, c)
		}
	}
	rank := func(c gov.Command) int {
		switch {
		case c.CN == "1014" || c.CN == "1072":
			return 2
		case wants[c.CN] == "":
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b gov.Command) int { return rank(a) - rank(b) })
	minute := p.Records("2051")[0].DataTime
	var got []string
	for _, c := range all {
		if rank(c) == 2 {
			line.Set(gov.Trouble{})
		}
		ask := gov.Ask{CN: c.CN, Area: c.Fill(strconv.Itoa(edition), "a05024", gov.Stamp(began), minute, gov.Stamp(began))}
		r := again(ctx, p, ask, wants[c.CN] != "")
		said := fmt.Sprintf("q%d", r.QnRtn)
		switch {
		case r.Noted:
			said = "N"
		case r.QnRtn == 1 || r.QnRtn == 0 && r.ExeRtn > 0: // its 9011 was lost
			said = strconv.Itoa(r.ExeRtn)
		}
		if want := cmp.Or(wants[c.CN], "q2"); said != want {
			t.Errorf("%d %s %s: %v, want %s", edition, c.CN, c.About, r, want)
		}
		if c.Pattern == gov.Read && said == "1" && len(r.Data) == 0 {
			t.Errorf("%d %s %s: %v, executed and without data", edition, c.CN, c.About, r)
		}
		got = append(got, c.CN+":"+said)
	}
	refused := map[int]int{2005: 2}
	for _, w := range []struct {
		gov.Ask
		want int
	}{
		{gov.Ask{CN: "3999"}, cmp.Or(refused[edition], 8)},
		{gov.Ask{CN: "1061", PW: "999999"}, 3},
		{gov.Ask{CN: "1061", MN: "010000A8900016F000169DC1", Via: mn}, cmp.Or(refused[edition], 4)},
	} {
		if r := again(ctx, p, w.Ask, false); r.QnRtn != w.want {
			t.Errorf("%d %+v: %v; want QnRtn %d", edition, w.Ask, r, w.want)
		}
	}
	t.Logf("%d: %d commands in %v: %s", edition, len(all), time.Since(began).Round(time.Second), strings.Join(got, " "))
}

// again asks until all is there: a result and the data of a single read have no answer, and
// can be lost. What is sent again with its QN is no second request. What is to be served
// and comes too fast for the agent (QnRtn 2) waits a little.
func again(ctx context.Context, p *gov.Platform, ask gov.Ask, served bool) gov.Result {
	reads := slices.ContainsFunc(gov.Commands(), func(c gov.Command) bool { return c.CN == ask.CN && c.Pattern == gov.Read })
	for try := 0; ; try++ {
		r, err := p.Ask(ctx, ask)
		fast := err == nil && served && r.QnRtn == 2
		whole := err == nil && (!reads || r.ExeRtn != 1 || len(r.Data) > 0)
		if try == 8 || ctx.Err() != nil || whole && !fast {
			return r
		}
		if ask.QN = r.QN; fast || ask.CN[0] == '2' { // data that were answered do not come a second time
			ask.QN = ""
		}
		if fast {
			time.Sleep(3 * time.Second)
		}
	}
}

// Eight platforms of one gateway: one dead, one a black hole, one slow, one with another
// key (HJ 212-2025). The others have the minute before the next one is over, unmarked. How long it
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
	write(t, r.path("sm4"), firstKey+"\n")
	keyed, address := newGov(t, gov.Options{Edition: 2025, Key: secondKey})
	r.platform("keyed", address, 2025, keyLine+r.path("sm4"))
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
	if c := keyed.Counts(); c.Bad == 0 || c.Records > 0 {
		t.Errorf("with another key: %+v", c)
	}
}
