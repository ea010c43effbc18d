package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/envelope"
)

// A gateway that starts in 1970 and is told the time by a receipt: what it sealed before
// is placed by the signed step, of its own run alone, and what is not known is not said.
func TestPlacing(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	clock := func(state string, wall time.Time, b *envelope.Block) {
		b.Clock.State, b.T0 = state, wall.UnixMilli()
	}
	live := func(state string, wall time.Time) {
		d.take(p.seal(envelope.StreamLive, func(b *envelope.Block) {
			clock(state, wall, b)
			b.Groups = []envelope.Group{{
				Source: "dust", Times: []int64{0}, Index: p.index,
				Columns: []envelope.Column{{Point: "a34004", Kind: envelope.ColumnLive, Values: []string{wall.UTC().Format("2006") + state}}},
			}}
			p.index++
		}))
	}
	event := func(state string, wall time.Time, e ...envelope.Event) {
		d.take(p.seal(envelope.StreamEvent, func(b *envelope.Block) {
			clock(state, wall, b)
			b.Events = e
		}))
	}
	step := func(from, to time.Time, who string) envelope.Event {
		return envelope.Event{Type: envelope.EventClockStep, Old: siteTime(from.UnixMilli()), New: siteTime(to.UnixMilli()), Who: who}
	}
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	true0 := start.Add(-time.Hour)

	live("unsync", at(10)) // placed by both steps
	event("stepped", at(3620), step(at(20), at(3620), ""))
	live("stepped", at(3630)) // by the second alone
	event("stepped", true0.Add(40*time.Second), step(at(3640), true0.Add(40*time.Second), "receipt of city"))
	live("holdover", true0.Add(50*time.Second)) // needs none
	event("stepped", true0.Add(time.Hour), step(true0.Add(60*time.Second), true0.Add(time.Hour), ""))
	live("stepped", true0.Add(time.Hour)) // and nobody knows what became of that
	p.boot, p.mono = "boot2", 0
	live("unsync", at(12)) // another run: not placed
	d.store.Close()

	want := []struct{ time, placed, clock string }{
		{"1970-01-01T08:00:10", "2026-03-01T07:00:10", "unsync"},
		{"1970-01-01T09:00:30", "2026-03-01T07:00:30", "stepped"},
		{"2026-03-01T07:00:50", "", "holdover"},
		{"2026-03-01T08:00:00", "", "stepped"},
		{"1970-01-01T08:00:12", "", "unsync"},
	}
	_, out, errs := cli(t, "export", d.path, "--ndjson", "--stream", "live")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(want) || errs != "" {
		t.Fatalf("%d lines, want %d: %s%s", len(lines), len(want), out, errs)
	}
	for i, w := range want {
		var got struct{ Time, Placed, Clock string }
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(got.Time, w.time) || !strings.HasPrefix(got.Placed, w.placed) || (got.Placed == "") != (w.placed == "") || got.Clock != w.clock {
			t.Errorf("line %d: %+v, want %+v", i+1, got, w)
		}
	}
	_, out, _ = cli(t, "export", d.path, "--csv", "--from", "2026-03-01", "--to", "2026-03-01T07:00:40")
	if n := strings.Count(out, "\r\n"); n != 3 || !strings.Contains(out, ",unsync,2026-03-01T07:00:10.000+08:00\r\n") {
		t.Errorf("selected by the placed time:\n%s", out)
	}
	if _, out, _ = cli(t, "export", filepath.Clean(d.path), "--csv", "--stream", "event"); !strings.Contains(out, "clock,placed\r\n") {
		t.Errorf("events have no clock:\n%s", out)
	}
}
