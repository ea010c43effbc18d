package e2e

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"envgate/tests/sim"
)

// The data centre sets a limit by a signed command: the alarm is there at the new limit,
// it holds over a restart, and a new value in the site file takes its place.
func TestLimitByCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	module := sim.IOModule("io", 12, 12) // 250 mg/L
	r.network("io", 200*time.Millisecond, map[*sim.Instrument]string{module: "io-module\n        inputs:\n" +
		"          ai1: {point: cod, signal: 4-20mA, range: [0, 500], unit: mg/L}\n"})
	checks := func(high string) string {
		return "sealing: {interval: 5s}\nchecks:\n  - {device: io, point: cod, limit: {warn_high: 260, high: " + high + "}}\n"
	}
	r.more = checks("300")
	r.startBroker(everything + "pattern read envgate/%u/cmd\n")
	r.startCentre()
	r.startAgent()
	await(t, 30*time.Second, "readings arrive", func() bool { return len(r.export()) > 5 })
	order := func(subject, value string) string {
		b, _ := exec.Command(centre, "command", "-c", r.path("centre.yaml"), "--why", "permit 2026-7", "--who", "li", gateway, "limit", subject, value).CombinedOutput()
		return string(b)
	}
	r.has(nil, order("io/cod/high", "200"), `refused`, `io/cod/high to 200: high 200 is not above warn_high 260`)
	r.has(nil, order("io/cod/low", "200"), `refused`, `no limit "io/cod/low": .* the site file has warn_high high`)
	r.has(nil, order("io/cod/warn_high", "much"), `refused`, `value "much": want a number in the point's unit`)
	if n := len(r.events("alarm.on")); n != 0 {
		t.Fatalf("%d alarms before there is a reason", n)
	}
	r.has(nil, order("io/cod/warn_high", "150"), `done, .*before: 260`)
	r.has(nil, order("io/cod/high", "200.5"), `done, .*before: 300`)
	await(t, 30*time.Second, "the centre has both alarms", func() bool { return len(r.events("alarm.on")) == 2 })
	for i, e := range r.events("alarm.on") {
		if want := []string{"150 warn_high", "200.5 high"}[i]; e.Subject != "io/cod" || e.Old+" "+e.Why != want || e.New != "250.00" {
			t.Errorf("alarm is %+v, want %s", e, want)
		}
	}
	changed := func() (all []string) {
		for _, e := range r.events("limit.changed") {
			all = append(all, e.Subject+" "+e.Old+">"+e.New+" "+e.Why)
		}
		return all
	}
	if c := changed(); len(c) != 2 || c[1] != "io/cod/high 300>200.5 command" {
		t.Errorf("told are %q", c)
	}
	status := []string{"status", "-c", r.path("site.yaml")}
	t.Log(r.shows(status, `io/cod: alarm high since 20.*, value 250\.00 \(200\.5\)`, `io/cod/high: 200\.5 by command of the data centre, 300 in the site file`))

	r.agent.stop(10 * time.Second)
	r.startAgent()
	var s struct {
		Alarms []struct{ Subject, Check, Limit, Value, Since string }
		Limits []struct{ Limit, Value string }
	}
	await(t, 30*time.Second, "the limit holds after a restart", func() bool {
		out, err := r.command("status", "-json", "-c", r.path("site.yaml"))
		return err == nil && json.Unmarshal([]byte(out), &s) == nil && len(s.Limits) == 2 && len(s.Alarms) == 2 && s.Alarms[0].Value == "250.00"
	})
	if a := s.Alarms[1]; a.Check != "high" || a.Limit != "200.5" || a.Since != "" {
		t.Errorf("alarm after a restart: %+v", a)
	}

	r.agent.stop(10 * time.Second)
	r.more = checks("310")
	r.startAgent()
	await(t, 30*time.Second, "the site file counts again", func() bool {
		c := changed()
		return len(c) == 4 && regexp.MustCompile(`io/cod limit: .*high 300.*>limit: .*high 310`).MatchString(c[2]) && c[3] == "io/cod/high 200.5>310 site file"
	})
	await(t, 30*time.Second, "the alarm is over", func() bool { return len(r.events("alarm.off")) == 1 })
	if n := len(r.events("alarm.on")); n != 2 {
		t.Errorf("%d alarms, want the 2 of before", n)
	}
	r.verified()
}
