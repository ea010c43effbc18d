package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"envgate/envelope"
)

// A limit by command counts at once, is told with old and new, and holds over restarts
// until the site file's own limit is another. What makes no sense is refused, and changes
// nothing.
func TestLimitByCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, key := t.TempDir(), testKey(t)
		const file = "a, point: x, limit: {low: 1, warn_high: 8, high: 10, after: 0s}"
		at := time.Now()
		before := 0 // events
		type order struct{ subject, value, answer string }
		for i, tt := range []struct {
			check  string
			orders []order
			values []string
			told   string // limit.changed and alarms of this start
			held   string
		}{
			{
				file,
				[]order{
					{"a/x/high", "20", "10 ok"},
					{"a/x/high", "15.0", "20 ok"},
					{"a/x/warn_high", "15", "8 refused a/x/warn_high to 15: high 15 is not above warn_high 15"},
					{"a/x/low", "99", "1 refused a/x/low to 99: warn_high 8 is not above low 99"},
					{"a/x/high", "inf", `refused value "inf": want a number in the point's unit`},
					{"a/x/high", "0x9", `refused value "0x9": want a number`},
					{"a/x/high", "1e3", `refused value "1e3": want a number`},
					{"a/x/high", "", `refused value "": want a number`},
					{"a/x/warn_low", "2", `refused no limit "a/x/warn_low": want device/point/which, the site file has warn_high high low`},
					{"a/y/high", "2", `refused no limit "a/y/high": want device/point/which, the site file has no limit of this point`},
					{"gas", "2", `refused no limit "gas"`},
					{"a/x/high", "15", "15 ok"}, // says nothing
				},
				[]string{"14", "16"},
				"a/x/high 10>20 command, a/x/high 20>15 command, alarm.on a/x 8 warn_high, alarm.on a/x 15 high",
				"a/x/high 15 10",
			},
			{file, nil, []string{"14", "16"}, "alarm.off a/x 15 high, alarm.on a/x 15 high", "a/x/high 15 10"},
			{"a, point: x, limit: {low: 2, warn_high: 8, high: 10}", nil, nil, "a/x limit: low 1>limit: low 2 site file", "a/x/high 15 10"},
			{"a, point: x, limit: {low: 2, warn_high: 8, high: 12}", nil, []string{"13"}, "a/x limit: low 2>limit: low 2 site file, a/x/high 15>12 site file", ""},
			{file, []order{{"a/x/warn_high", "3", "8 ok"}, {"a/x/low", "0.5", "1 ok"}}, nil, "a/x limit: low 2>limit: low 1 site file, a/x/warn_high 8>3 command, a/x/low 1>0.5 command", "a/x/warn_high 3 8, a/x/low 0.5 1"},
			{ // the site file's low is above what was ordered of the warning
				"a, point: x, limit: {low: 4, warn_high: 8, high: 10}", nil, nil,
				"a/x limit: low 1>limit: low 4 site file, a/x/warn_high 3>8 site file, a/x/low 0.5>4 site file", "",
			},
			{ // the site file's own value takes it back
				file,
				[]order{{"a/x/high", "9", "10 ok"}, {"a/x/high", "10", "9 ok"}},
				nil,
				"a/x limit: low 4>limit: low 1 site file, a/x/high 10>9 command, a/x/high 9>10 command", "",
			},
			{"b, point: x, limit: {high: 10}", nil, nil, "b/x >limit: high 10 site file, a/x limit: low 1> site file", ""},
		} {
			f, _ := checkedFlow(t, dir, key, checkedSite(t, tt.check))
			a := &agent{in: f.in, clock: f.clock, logger: slog.New(slog.DiscardHandler)}
			runFlow(t, f, func() {
				o := &executor{a: a, flow: f, log: f.log}
				a.does = map[string]deed{"limit": f.checks[1].command}
				for n, c := range tt.orders {
					at = at.Add(time.Second)
					id := fmt.Sprint(i, "-", n)
					o.execute(context.Background(), &envelope.Command{
						Gateway: "gw-test", ID: id, At: at.UnixMilli(), Until: at.Add(time.Hour).UnixMilli(),
						Do: "limit", Subject: c.subject, Value: c.value, Why: "permit", Who: "li",
					})
					time.Sleep(3 * time.Second)
					for _, e := range eventsOf(t, f.log, envelope.EventCommandDone) {
						if got := strings.TrimSpace(strings.TrimSpace(e.Old+" "+e.New) + " " + e.Why); e.Subject == id && !strings.HasPrefix(got, c.answer) {
							t.Errorf("%s to %q: %s, want %s", c.subject, c.value, got, c.answer)
						}
					}
				}
				for _, v := range tt.values {
					f.in.add(time.Second, reads("a", int(time.Now().Unix()-1_700_000_000), v).Sample)
					time.Sleep(2 * time.Second)
				}
				var got []string
				all := storedEvents(f.log, envelope.EventAlarmOn, envelope.EventAlarmOff, envelope.EventLimitChanged)
				for _, e := range all[before:] {
					if e.Type != envelope.EventLimitChanged {
						got = append(got, e.Type+" "+e.Subject+" "+e.Old+" "+e.Why)
						continue
					}
					old, _, _ := strings.Cut(e.Old, ",")
					is, _, _ := strings.Cut(e.New, ",")
					got = append(got, e.Subject+" "+old+">"+is+" "+e.Why)
				}
				before = len(all)
				if s := strings.Join(got, ", "); s != tt.told {
					t.Errorf("start %d: told\n%s, want\n%s", i+1, s, tt.told)
				}
			})
			var s siteStatus
			s.watched(f.checks)
			var is []string
			for _, l := range s.Limits {
				is = append(is, l.Limit+" "+l.Value+" "+l.File)
			}
			if got := strings.Join(is, ", "); got != tt.held {
				t.Errorf("start %d: by command are %q, want %q", i+1, got, tt.held)
			}
			time.Sleep(time.Second)
		}
	})
}

// A limit by command goes on in an epoch that begins while the agent runs.
func TestLimitByCommandInANewEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, key := t.TempDir(), testKey(t)
		site := checkedSite(t, "a, point: x, limit: {high: 10}")
		f, _ := checkedFlow(t, dir, key, site)
		runFlow(t, f, func() {
			if old, err := f.checks[1].command("a/x/high", "20"); old != "10" || err != nil {
				t.Fatal(old, err)
			}
			f.in.event(envelope.Event{Type: envelope.EventState})
			time.Sleep(2 * time.Second)
			f.rotate <- ending{f.log.Epoch(), "test"}
			time.Sleep(2 * time.Second)
		})
		f, _ = checkedFlow(t, dir, key, site)
		runFlow(t, f, func() {
			if old, err := f.checks[1].command("a/x/high", "30"); old != "20" || err != nil {
				t.Errorf("was %s, %v, want 20", old, err)
			}
		})
	})
}

// More limits by command than the state should carry at each commit are refused.
func TestLimitsByCommandAreBounded(t *testing.T) {
	var checks []string
	for i := range heldMost + 1 {
		checks = append(checks, fmt.Sprintf("a, point: x%d, limit: {high: 10}", i))
	}
	_, limits := checksOf(checkedSite(t, checks...))
	for i := range heldMost {
		if _, err := limits.command(fmt.Sprintf("a/x%d/high", i), "11"); err != nil {
			t.Fatal(err)
		}
	}
	last := fmt.Sprintf("a/x%d/high", heldMost)
	if _, err := limits.command(last, "11"); err == nil || !strings.Contains(err.Error(), "64 limits are by command already") {
		t.Errorf("one too many: %v", err)
	}
	if _, err := limits.command("a/x0/high", "12"); err != nil {
		t.Errorf("one that is by command already: %v", err)
	}
}

// The state goes to the disk with every commit: checks must not make it longer, and a site
// at rest has one of some hundred bytes.
func TestStateIsSmall(t *testing.T) {
	size := func(checks ...string) (n int) {
		synctest.Test(t, func(t *testing.T) {
			f, _ := checkedFlow(t, t.TempDir(), testKey(t), checkedSite(t, checks...))
			f.machine = strings.Repeat("m", 32) // as real ones are long
			f.clock.boot = "01234567-89ab-cdef-0123-456789abcdef"
			runFlow(t, f, func() {
				f.in.add(time.Second, reads("a", int(time.Now().Unix()-1_700_000_000), "5").Sample)
				time.Sleep(2 * time.Minute)
				n = len(f.log.State())
			})
		})
		return n
	}
	var checks []string
	for i := range 12 {
		checks = append(checks, fmt.Sprintf("a, point: x%d, limit: {warn_high: 28, high: 35, after: 1m, back: 1}, range: {low: -5, high: 500}, rate: {most: 100}, stuck: {for: 30m}", i))
	}
	without, with := size(), size(checks...)
	t.Logf("the state has %d bytes without checks, %d with 12", without, with)
	if without > 600 || with-without > 60 {
		t.Errorf("the state has %d bytes without checks, %d with 12; want 600 at most, and no more than 60 for checks", without, with)
	}
}

// The status says which alarms are on, since when and with which value.
func TestStatusOfAlarms(t *testing.T) {
	marks, limits := checksOf(checkedSite(t, "a, point: x, limit: {high: 10, warn_high: 8}, range: {high: 99, flag: none}", "b, point: x, limit: {low: 5}"))
	limits.recallAlarms([]string{"b/x/low"})
	for i, v := range []string{"9", "11", "12"} {
		batch, _ := marks.pass([]polled{reads("a", i, v)})
		limits.pass(batch)
	}
	if _, err := limits.command("b/x/low", "4"); err != nil {
		t.Fatal(err)
	}
	var s siteStatus
	s.watched([2]*pointChecks{marks, limits})
	b, err := json.Marshal(map[string]any{"alarms": s.Alarms, "limits": s.Limits})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s.writeWatched(&out)
	for _, want := range []string{
		`{"subject":"a/x","check":"high","limit":"10","value":"12","since":"` + time.Unix(1_700_000_001, 0).Format(time.RFC3339),
		`{"subject":"b/x","check":"low","limit":"4"}`,
		`"limits":[{"limit":"b/x/low","value":"4","site_file":"5"}]`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	for _, want := range []string{
		"a/x: alarm high since 2023-11-", ", value 12 (10)\n", "b/x: alarm low since before the agent's start",
		"b/x/low: 4 by command of the data centre, 5 in the site file\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if s.AlarmsOn != 3 {
		t.Errorf("%d alarms are on, want 3", s.AlarmsOn)
	}
}
