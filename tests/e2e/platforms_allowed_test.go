package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"envgate/tests/platform/gov"
	"envgate/tests/sim"
)

// What the site file says here of a platform, beyond what stands in rig.platform.
const (
	allowAll  = "commands: {allow: [read, history, timing, stop, password, key]}"
	keyLine   = "key_file: "     // of the path of a file with the 16 characters of an SM4 key
	beatLine  = "heartbeat: 30s" // CN 9015
	firstKey  = "Qm8vXc2ZrT5yLp0K"
	secondKey = "Zk3w9QpL7xVb2TnR"

	newPassword = "654321"

	// ozone has the factor under a code that 2005 has none of.
	ozone = "factors: [{device: ozone, point: a05024}]"
)

// asks sends a request, and again where its result was lost, and wants its end.
func asks(t *testing.T, p *gov.Platform, cn, area string, exeRtn int) gov.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r := again(ctx, p, gov.Ask{CN: cn, Area: area}, true)
	if r.ExeRtn != exeRtn {
		t.Errorf("%s %s: %v; want ExeRtn %d", cn, area, r, exeRtn)
	}
	return r
}

// reads is the value that a request reads.
func reads(t *testing.T, p *gov.Platform, cn, name string) string {
	t.Helper()
	r := asks(t, p, cn, "", 1)
	if len(r.Data) != 1 {
		t.Errorf("%s: %d data, want 1", cn, len(r.Data))
		return ""
	}
	return r.Data[0].Get(name)
}

// What a platform is allowed is done, and is still so after a start anew: intervals,
// password, stop and start of real-time data, and the records of a span, which are the
// same as those that came by themselves. The line drops, doubles and cuts.
func TestPlatformCommandsServed(t *testing.T) {
	t.Parallel()
	for _, edition := range []int{2005, 2017, 2025} {
		t.Run(fmt.Sprint(edition), func(t *testing.T) {
			t.Parallel()
			served(t, edition)
		})
	}
}

func served(t *testing.T, edition int) {
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	p, line, address := linked(t, gov.Options{Edition: edition, ST: "22", OverTime: time.Second, ReCount: 30, ExecTime: 2 * time.Second})
	r.platform("town", address, edition, ozone, allowAll)
	r.startAgent()
	await(t, 2*time.Minute, "a minute comes", func() bool { return len(p.Records("2051")) > 0 })
	line.Set(bad)

	if got := reads(t, p, "1061", "RtdInterval"); got != "30" {
		t.Errorf("RtdInterval is %q", got)
	}
	if edition != 2005 {
		if got := reads(t, p, "1063", "MinInterval"); got != "1" {
			t.Errorf("MinInterval is %q", got)
		}
	}
	at, err := time.ParseInLocation("20060102150405", reads(t, p, "1011", "SystemTime"), time.FixedZone("", 8*60*60))
	if off := time.Since(at); err != nil || off < -time.Minute || off > time.Minute {
		t.Errorf("SystemTime is %v, %v", at, err)
	}
	minute := p.Records("2051")[0].DataTime
	if h := asks(t, p, "2051", "BeginTime="+minute+";EndTime="+minute, 1); len(h.Data) != 1 || h.Data[0].Get("DataTime") != minute {
		t.Errorf("the minute %s is read as %v", minute, h.Data)
	}
	asks(t, p, "2051", "BeginTime=20200101000000;EndTime=20200101235959", 100)

	if r := again(t.Context(), p, gov.Ask{CN: "2012"}, true); !r.Noted {
		t.Errorf("2012: %v", r)
	}
	asks(t, p, "1062", "RtdInterval=60", 1)
	name := "NewPW="
	if edition == 2005 {
		name = "PW="
	}
	asks(t, p, "1072", name+newPassword, 1)
	time.Sleep(time.Second) // what was on its way
	n := len(p.Records("2011"))
	await(t, 2*time.Minute, "a minute comes under the new password", func() bool { return p.Has("CN=2051", "PW="+newPassword) })
	if more := len(p.Records("2011")) - n; more > 0 {
		t.Errorf("%d real-time records came after the stop", more)
	}
	asks(t, p, "2011", "", 1)
	await(t, 45*time.Second, "real-time data come again", func() bool { return len(p.Records("2011")) > n })
	conns := p.Counts().Conns
	r.agent.stop(10 * time.Second)
	r.startAgent()
	await(t, time.Minute, "it connects again", func() bool { return p.Counts().Conns > conns })
	if got := reads(t, p, "1061", "RtdInterval"); got != "60" {
		t.Errorf("after a start anew RtdInterval is %q", got)
	}
	r.agent.stop(10 * time.Second)
	// It may deny some under the new password, before the result of the 1072 comes.
	if c := p.Counts(); c.Differs > 0 || c.Bad > 0 {
		t.Errorf("%+v", c)
	}
	for _, w := range p.Wrong() {
		t.Error(w)
	}
}

// An encrypted platform beside one that has another key: the first gets all, and takes a
// new key by 1014, the second can read nothing and holds up nobody. Heartbeats come.
func TestPlatformEncrypted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	write(t, r.path("sm4"), firstKey+"\n")
	p, address := newGov(t, gov.Options{Edition: 2025, ST: "22", Key: firstKey, OverTime: 3 * time.Second})
	r.platform("town", address, 2025, keyLine+r.path("sm4"), beatLine, allowAll)
	other, address := newGov(t, gov.Options{Edition: 2025, ST: "22", Key: secondKey})
	r.platform("other", address, 2025, keyLine+r.path("sm4"))
	plain, address := newGov(t, gov.Options{})
	r.platform("plain", address, 2017)
	r.startAgent()
	await(t, 2*time.Minute, "minutes come", func() bool { return len(p.Records("2051")) > 0 && len(plain.Records("2051")) > 0 })
	asks(t, p, "1014", "SKCreateTime="+gov.Stamp(time.Now())+"000,NewSK="+secondKey, 1)
	n := len(p.Records("2051"))
	await(t, 2*time.Minute, "a minute comes under the new key, and a heartbeat", func() bool { return len(p.Records("2051")) > n && p.Counts().Notices > 0 })
	r.agent.stop(10 * time.Second)
	for _, w := range p.Wrong() {
		t.Error(w)
	}
	if c := other.Counts(); c.Bad == 0 || c.Records > 0 {
		t.Errorf("with another key: %+v", c)
	}
}

// A gateway of 2025 that has no MN registers, takes the one that it is given, sends under
// it, and has it after a start anew.
func TestPlatformRegistration(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	write(t, r.path("pw"), password+"\n")
	p, err := gov.New(gov.Options{Edition: 2025, ST: "22", PW: password, Assign: mn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	address, err := p.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.more = fmt.Sprintf(`platforms:
  - {name: town, address: %q, edition: 2025, st: "22", password_file: %s, commands: {registration: [SJ1, C1, M1, M2]}}
`, address, r.path("pw"))
	r.startAgent()
	await(t, time.Minute, "data come under the new MN", func() bool { return p.Has("CN=2011", "MN="+mn) })
	r.agent.stop(10 * time.Second)
	n := p.Counts().Notices
	r.startAgent()
	await(t, time.Minute, "it connects again", func() bool { return p.Counts().Conns > 1 && len(p.Records("2011")) > 1 })
	r.agent.stop(10 * time.Second)
	if more := p.Counts().Notices - n; more > 0 {
		t.Errorf("it registered %d times again", more)
	}
	for _, w := range p.Wrong() {
		t.Error(w)
	}
}
