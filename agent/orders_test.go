package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// A command is sealed before it is done, done once however often it comes, and answered;
// a restart does not do it again.
func TestOrders(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	var done []string
	sealed := 0 // commands on the disk when one is done
	life := func(give func(o *executor)) {
		f := startFlow(t, dir, key)
		log := <-f.opened
		a := &agent{in: f.in, clock: f.clock, logger: slog.New(slog.DiscardHandler)}
		a.does = map[string]deed{"limit": func(subject, value string) (string, error) {
			sealed = len(eventsOf(t, log, envelope.EventCommand))
			done = append(done, subject+"="+value)
			if value == "no" {
				return "35", errors.New("no number")
			}
			return "35", nil
		}}
		give(&executor{a: a, flow: f.flow, log: log})
		f.stop()
	}
	now := time.Now()
	c := func(id string, at time.Duration, do, value string) *envelope.Command {
		return &envelope.Command{
			Gateway: "gw-test", ID: id, At: now.Add(at).UnixMilli(), Until: now.Add(at + time.Minute).UnixMilli(),
			Do: do, Subject: "gas/a21026/high", Value: value, Why: "permit", Who: "li",
		}
	}
	life(func(o *executor) {
		ctx := context.Background()
		o.execute(ctx, c("a", 0, "limit", "50"))
		if sealed != 1 {
			t.Errorf("%d commands were on the disk when one was done, want 1", sealed)
		}
		o.execute(ctx, c("a", 0, "limit", "50"))             // again
		o.execute(ctx, c("b", -time.Second, "limit", "20"))  // one from before
		o.execute(ctx, c("d", 3*time.Second, "limit", "no")) // not to be done
		o.execute(ctx, c("e", 4*time.Second, "burn", ""))    // unknown
		late := c("f", 5*time.Second, "limit", "60")
		late.Until = now.Add(-time.Hour).UnixMilli()
		o.execute(ctx, late)
		o.execute(ctx, c("h", 48*time.Hour, "limit", "80")) // of a centre whose clock is wrong
	})
	life(func(o *executor) {
		o.execute(context.Background(), c("d", 3*time.Second, "limit", "no"))
		o.execute(context.Background(), c("g", 6*time.Second, "limit", "70"))
	})
	if got := strings.Join(done, " "); got != "gas/a21026/high=50 gas/a21026/high=no gas/a21026/high=70" {
		t.Errorf("done: %s", got)
	}
	log, err := openTestLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var got []string
	for _, e := range eventsOf(t, log, envelope.EventCommandDone) {
		got = append(got, strings.TrimSpace(e.Subject+" "+e.New+" "+e.Why))
	}
	want := "a ok|b refused command is of a time|d refused no number|e refused no such command: burn|f refused command has expired: at |h refused command is of a time|d refused command is of a time|g ok"
	for i, w := range strings.Split(want, "|") {
		if i >= len(got) || !strings.HasPrefix(got[i], w) {
			t.Fatalf("answers %q, want %q", got, want)
		}
	}
	if len(got) != 8 {
		t.Errorf("answers %q, want eight", got)
	}
}

// eventsOf are all events of a type in a log, in their order.
func eventsOf(t *testing.T, log *buffer.Log, kind string) (out []envelope.Event) {
	t.Helper()
	first, last := log.Bounds(event)
	for seq := first; seq <= last; seq++ {
		for _, e := range parsed(t, log, event, seq).Events {
			if e.Type == kind {
				out = append(out, e)
			}
		}
	}
	return out
}
