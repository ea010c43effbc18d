package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"envgate/agent/platform"
	"envgate/config"
	"envgate/envelope"
)

// commandedSite has one platform, city, that has set an interval and a password.
func commandedSite(t *testing.T) *config.Site {
	t.Helper()
	site := &config.Site{Platforms: []config.Platform{{Name: "city", Factors: []config.FactorMap{{Device: "d", Point: "a34004", Code: "a34005"}}}}}
	site.Storage.Path = filepath.Join(t.TempDir(), "log.db")
	k, err := platform.OpenKeeper(keptPath(site))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Change("city", func(k *platform.Kept) { k.RtdInterval, k.PW = 60, "abc123" }); err != nil {
		t.Fatal(err)
	}
	return site
}

// What a platform has set lies in a file that only the agent's user can read; one that
// is damaged is set aside.
func TestKeptFile(t *testing.T) {
	site := commandedSite(t)
	path := keptPath(site)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v: want mode 0600", info, err)
	}
	if err := os.WriteFile(path, []byte(`{"city":`), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newAgent(site, false, slog.New(slog.DiscardHandler))
	if kept := a.kept().Of("city"); kept.String() != "" {
		t.Errorf("kept is %v, want nothing", kept)
	}
	if events, _ := a.in.takeEvents(); len(events) != 1 || !strings.Contains(events[0].New, "is damaged") {
		t.Errorf("events are %+v, want a fault", events)
	}
	if b, err := os.ReadFile(path + ".bad"); err != nil || string(b) != `{"city":` {
		t.Errorf("set aside: %q, %v", b, err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

// A reset while no agent runs is told of at the next start.
func TestResetOffline(t *testing.T) {
	site := commandedSite(t)
	if _, err := resetLive(site, "city"); err == nil {
		t.Fatal("an agent answered")
	}
	was, err := resetFile(site, "city")
	if want := "real-time data each 60 s; password changed"; err != nil || was != want {
		t.Errorf("reset: %q, %v; want %q", was, err, want)
	}
	a := newAgent(site, false, slog.New(slog.DiscardHandler))
	for i, want := range []int{1, 0} {
		c := a.commandsOf(site.Platforms[0], nil)
		events, _ := a.in.takeEvents()
		if c.Kept.String() != "" || len(events) != want {
			t.Errorf("start %d: kept %v, events %+v, want %d", i, c.Kept, events, want)
		}
		for _, e := range events {
			if e.Subject != "reset" || e.Old != was {
				t.Errorf("event %+v", e)
			}
		}
	}
}

// A reset through the running agent: the platform is made anew.
func TestResetLive(t *testing.T) {
	a := newAgent(commandedSite(t), false, slog.New(slog.DiscardHandler))
	f := startFlow(t, t.TempDir(), testKey(t), func(f *flow) { f.in = a.in })
	log := <-f.opened
	a.board.setLog(log)
	k := a.kept()
	stopped := false
	a.orders.stop = map[string]context.CancelFunc{"city": func() { stopped = true }}
	if _, err := a.resetPlatform(t.Context(), "town"); err == nil || hintFor(err) != "the site file has: city" {
		t.Errorf("reset of a platform that is none: %v", err)
	}
	was, err := a.resetPlatform(t.Context(), "city")
	if err != nil || was != "real-time data each 60 s; password changed" || !stopped || k.Of("city").String() != "" {
		t.Errorf("reset: %q, %v, stopped %v, kept %v", was, err, stopped, k.Of("city"))
	}
	_, last := log.Bounds(event)
	_, blocks, err := log.Read(event, last-1, 1)
	if err != nil || len(blocks) != 1 {
		t.Fatal(err)
	}
	if e := blockEvents(blocks[0]); len(e) == 0 || e[len(e)-1].Subject != "reset" || e[len(e)-1].Old != was {
		t.Errorf("the log's last events are %+v, want the reset", e)
	}
}

// An event that the log does not take in time is given up, and one that is there is not
// waited for.
func TestSealed(t *testing.T) {
	a := newAgent(commandedSite(t), false, slog.New(slog.DiscardHandler))
	f := startFlow(t, t.TempDir(), testKey(t), func(f *flow) { f.in = a.in })
	log := <-f.opened
	e := envelope.Event{Type: envelope.EventCommand, Subject: "1062", Who: "city", Why: "QN 1"}
	if err := a.sealed(t.Context(), log, e); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	a.in = newInbox() // that nobody empties
	cancel(errUnsealed)
	if err := a.sealed(ctx, log, e); !errors.Is(err, errUnsealed) {
		t.Errorf("error %v, want %v", err, errUnsealed)
	}
}

// What is set in instruments answers CN 3020, the site file CN 3019.
func TestInfo(t *testing.T) {
	site := commandedSite(t)
	p := site.Platforms[0]
	p.Commands.Identities = []string{"a34005=A1"}
	p.Commands.Registration = []string{"SJ1", "", "", ""}
	a := newAgent(site, false, slog.New(slog.DiscardHandler))
	a.orders.setIn("d", set{"slope-2": {Value: "1.25", Of: "a34004"}, "span": {Value: "9", Of: "a34004"}})
	a.orders.setIn("e", set{"range-high": {Value: "500", Of: "a34004"}})
	for _, test := range []struct{ pol, info, want string }{
		{"a34005", "SN", "A1"},
		{"a34004", "SN", ""},
		{"a34005", "i13008", "1.25"},
		{"a34005", "i13001", ""}, // of another device
		{"a34004", "i13001", "500"},
		{"", "i23005", "SJ1"},
		{"", "i22001", ""},
		{"a34005", "i99999", ""},
	} {
		if got, ok := a.info(p, test.pol, test.info); got != test.want || ok != (test.want != "") {
			t.Errorf("info of %q %s is %q, %v; want %q", test.pol, test.info, got, ok, test.want)
		}
	}
}

// The status says what a platform has set.
func TestStatusOfCommands(t *testing.T) {
	s := siteStatus{Running: true, Platforms: []platformStatus{{
		Platform: "city", State: "up", Set: "real-time data each 60 s",
		Commands: &commandsStatus{Done: 3, Denied: 1, Histories: 1, HistoryRecords: 12},
	}}}
	var b bytes.Buffer
	s.writeUplinks(&b)
	for _, want := range []string{
		"  city: set by the platform: real-time data each 60 s\n",
		"  city: commands: 3 done, 0 failed, 1 not allowed, 0 too many\n",
		"  city: history: 12 records handed out, now at -\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("status is\n%s\nwant %q in it", b.String(), want)
		}
	}
}
