package e2e

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"
	"time"

	"envgate/tests/sim"
)

// A technician sets an instrument to calibration beside the running agent, the agent is
// started anew meanwhile, and he ends it: the centre has the readings with flag C, who
// and why, and an alarm of a value over its limit long before the next sealing.
func TestMaintain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	module := sim.IOModule("io", 12, 12)
	r.network("io", 200*time.Millisecond, map[*sim.Instrument]string{module: "io-module\n        inputs:\n" +
		"          ai1: {point: cod, signal: 4-20mA, range: [0, 500], unit: mg/L}\n"})
	r.more = "sealing: {interval: 8s}\nmaintenance: {longest: 3h}\nchecks:\n  - {device: io, point: cod, limit: {high: 100, warn_high: 90}, range: {low: 0, high: 400}}\n"
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()
	await(t, 30*time.Second, "the centre has the alarm", func() bool { return len(r.events("alarm.on")) == 2 })
	for _, e := range r.events("alarm.on") {
		if e.Subject != "io/cod" || e.New != "250.00" || !(e.Why == "high" && e.Old == "100" || e.Why == "warn_high" && e.Old == "90") {
			t.Errorf("alarm is %+v", e)
		}
	}
	site := []string{"-c", r.path("site.yaml")}
	maintain := func(args ...string) []string { return slices.Concat([]string{"maintain", "-lang", "en"}, site, args) }
	r.shows([]string{"check", "-c", r.path("site.yaml")}, `check io/cod: range: low 0, high 400, flag D; limit: warn_high 90, high 100, after 0s, flag none`)
	r.shows(maintain(), `no device is in maintenance`)
	for _, tt := range []struct {
		args     []string
		patterns []string
	}{
		{maintain("io"), []string{`needs -for`}},
		{maintain("io", "--for", "4h", "--why", "span"), []string{`error: for 4h0m0s: want 1m0s to 3h0m0s`, `hint: .*maintenance\.longest in the site file`}},
		{maintain("i", "--for", "1h", "--why", "span"), []string{`error: no such device`, `hint: it has io`}},
		{maintain("io", "--end"), []string{`error: io is in no maintenance`, `hint: `}},
	} {
		out, err := r.command(tt.args...)
		if err == nil {
			t.Errorf("%v goes well", tt.args)
		}
		r.has(tt.args, out, tt.patterns...)
	}
	r.shows(maintain("io", "--for", "2h", "--why", "量程校准 span gas", "--calibration"), `DEVICE +FLAG`, `io +C calibration .* 1h59m\d+s +\S.* 量程校准 span gas`)
	marked := func() (n int) {
		for _, e := range r.export() {
			if e.Stream == "live" && e.Point == "cod" && e.Flag == "C" && e.Cause == "maintenance" {
				n++
			}
		}
		return n
	}
	await(t, 30*time.Second, "readings have flag C", func() bool { return marked() > 0 })

	r.agent.stop(10 * time.Second)
	before := marked()
	r.startAgent()
	await(t, 30*time.Second, "readings have flag C after a restart", func() bool { return marked() > before+1 })
	r.shows([]string{"status", "-c", r.path("site.yaml")}, `io: C until .*: 量程校准 span gas`)
	var status struct {
		Maintenance []struct {
			Device, Flag, Who, Why string
			Left                   int `json:"left_s"`
		}
	}
	out, err := r.command("status", "-json", "-c", r.path("site.yaml"))
	if err != nil || json.Unmarshal([]byte(out), &status) != nil || len(status.Maintenance) != 1 || status.Maintenance[0].Left > 7200 {
		t.Errorf("status -json: %v, %+v", err, status)
	}
	r.shows(slices.Concat([]string{"maintain", "-lang", "zh"}, site, []string{"io", "--end"}), `已结束`, `没有设备处于维护或校准状态`)
	await(t, 30*time.Second, "the end is at the centre", func() bool { return len(r.events("maintenance.end")) == 1 })
	begin, end := r.events("maintenance.begin"), r.events("maintenance.end")
	if len(begin) != 1 || begin[0].Subject != "io" || begin[0].Why != "量程校准 span gas" || !regexp.MustCompile(`^C until 2`).MatchString(begin[0].New) {
		t.Errorf("begin is told as %+v", begin)
	}
	if !regexp.MustCompile(`^C since 2`).MatchString(end[0].Old) || end[0].Why != "ended by hand" {
		t.Errorf("the end is told as %+v", end)
	}
	last := func() string {
		flag := ""
		for _, e := range r.export() {
			if e.Stream == "live" && e.Point == "cod" {
				flag = e.Flag
			}
		}
		return flag
	}
	await(t, 30*time.Second, "readings count again", func() bool { return last() == "N" })
	if n := len(r.events("alarm.on")); n != 2 {
		t.Errorf("%d alarms after a restart, want the 2 of before", n)
	}
	r.verified()
}
