package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/agent/rollup"
	"envgate/buffer"
	"envgate/drivers"
	"envgate/envelope"
)

type flowRun struct {
	*flow
	stop func()
}

// newTestFlow makes a writer on a log in dir.
func newTestFlow(t *testing.T, dir string, key *envelope.Key) *flow {
	t.Helper()
	return &flow{
		in: newInbox(), clock: newClock(), every: 50 * time.Millisecond, opened: make(chan *buffer.Log, 1),
		documents: documents{config: []byte(`{"c":1}`), catalogue: []byte(`{"k":1}`), keys: "[]", templates: []document{{"t", "name: t"}}},
		logger:    slog.New(slog.DiscardHandler), rotate: make(chan ending, 1), reason: "test",
		cursors: []cursor{{"city", streams}}, retry: openRetry,
		press: &press{
			gateway: "gw-test", boot: "b0", firmware: "test", seal: envelope.NewSealer(key), ratio: map[string]float64{},
		},
		open: func() (*buffer.Log, error) { return openTestLog(dir) },
	}
}

func openTestLog(dir string) (*buffer.Log, error) {
	return buffer.Open(filepath.Join(dir, "log.db"), buffer.Options{MaxBytes: 64 << 20, Streams: []buffer.StreamOptions{
		{Name: live, MaxAge: time.Hour, Share: 0.7}, {Name: stat, MaxAge: time.Hour, Share: 0.25}, {Name: event, MaxAge: time.Hour, Share: 0.05},
	}})
}

// startFlow runs one until stop.
func startFlow(t *testing.T, dir string, key *envelope.Key, change ...func(*flow)) flowRun {
	t.Helper()
	f := newTestFlow(t, dir, key)
	for _, c := range change {
		c(f)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if f.log != nil {
			if err := f.log.Close(); err != nil {
				t.Errorf("close log: %v", err)
			}
		}
	}
	t.Cleanup(stop)
	return flowRun{f, stop}
}

func samplesOf(source string, from, n int) []drivers.Sample {
	var out []drivers.Sample
	for i := range n {
		out = append(out, drivers.Sample{Source: source, Device: source, Time: time.Now(), Readings: []drivers.Reading{
			{Point: "LA", Value: fmt.Sprint(from + i), Unit: "dB", Flag: "N"},
		}})
	}
	return out
}

// contents reads a log back: every block verified and chained, values by source and
// index, events in order.
func contents(t *testing.T, dir string, key *envelope.Key) (values map[string]string, events []envelope.Event) {
	t.Helper()
	log, err := openTestLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	values = map[string]string{}
	for _, stream := range streams {
		chain := envelope.NewChain("gw-test", stream, log.Epoch())
		_, last := log.Bounds(stream)
		for after := uint64(0); after < last; {
			first, blocks, err := log.Read(stream, after, 10)
			if err != nil || len(blocks) == 0 {
				t.Fatalf("read %s after %d of %d: %d blocks, %v", stream, after, last, len(blocks), err)
			}
			for _, m := range blocks {
				b, hash, err := envelope.OpenBlock(m, envelope.NewKeySet(key.Public()))
				if err == nil {
					err = chain.Next(b, hash)
				}
				if err != nil {
					t.Fatalf("%s after %d: %v", stream, after, err)
				}
				events = append(events, b.Events...)
				if stream != live {
					continue
				}
				for _, g := range b.Groups {
					for i, v := range g.Columns[0].Values {
						id := fmt.Sprintf("%s %d", g.Source, g.Index+uint64(i))
						if _, twice := values[id]; twice {
							t.Errorf("%s is there twice", id)
						}
						values[id] = v
					}
				}
			}
			after = first + uint64(len(blocks)) - 1
		}
	}
	return values, events
}

func kinds(events []envelope.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, e.Type)
	}
	return strings.Join(out, " ")
}

func TestFlowStopsAndGoesOn(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	for run := range 3 {
		f := startFlow(t, dir, key)
		f.in.add(time.Second, samplesOf("noise", run*10, 10)...)
		f.stop()
	}
	values, events := contents(t, dir, key)
	for i := range 30 {
		if got := values[fmt.Sprint("noise ", i)]; got != fmt.Sprint(i) {
			t.Errorf("noise %d = %q, want %d", i, got, i)
		}
	}
	want := "epoch start template config birth stop start stop start stop"
	if got := kinds(events); got != want {
		t.Errorf("events %s\nwant   %s", got, want)
	}
	if e := events[6]; e.Why != "stopped: test" || e.Old == "" {
		t.Errorf("second start %+v: want the reason and time of the last stop", e)
	}
}

func TestFlowSaysThatItWasKilled(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := startFlow(t, dir, key, func(f *flow) {
		first := true
		f.append = func(b buffer.Batch) error {
			if !first {
				return errors.New("dead") // nothing after the first commit gets to the disk, the stop event least of all
			}
			first = false
			return f.log.Append(b)
		}
	})
	<-f.opened
	f.stop()
	startFlow(t, dir, key).stop()
	_, events := contents(t, dir, key)
	for _, e := range events[5:] {
		if e.Type == envelope.EventStart && e.Why == "killed" {
			return
		}
	}
	t.Errorf("events %s: none says that the run before was killed", kinds(events))
}

// A batch that could not be stored is stored later byte for byte, and what came
// meanwhile follows it.
func TestFlowParksWhatTheDiskRefuses(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	refuse := make(chan int, 1)
	var refused []buffer.Record
	f := startFlow(t, dir, key, func(f *flow) {
		failing := 0
		f.append = func(b buffer.Batch) error {
			select {
			case failing = <-refuse:
			default:
			}
			if failing > 0 && len(b.Records) > 0 {
				failing--
				for i, r := range b.Records {
					if i < len(refused) && string(refused[i].Data) != string(r.Data) {
						t.Errorf("%s %d was sealed twice", r.Stream, r.Seq)
					}
				}
				refused = b.Records
				return fmt.Errorf("append: %w", buffer.ErrFull)
			}
			return f.log.Append(b)
		}
	})
	<-f.opened
	refuse <- 4
	for i := range 20 {
		f.in.add(time.Second, samplesOf("noise", i, 1)...)
		time.Sleep(20 * time.Millisecond)
	}
	f.stop()
	if refused == nil {
		t.Fatal("nothing was refused: the test tested nothing")
	}
	values, events := contents(t, dir, key)
	for i := range 20 {
		if got := values[fmt.Sprint("noise ", i)]; got != fmt.Sprint(i) {
			t.Errorf("noise %d = %q", i, got)
		}
	}
	if !strings.Contains(kinds(events), envelope.EventLogFull) {
		t.Errorf("events %s: none says that the log could not be written", kinds(events))
	}
}

func TestFlowWaitsForItsLog(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	tries := 0
	f := startFlow(t, dir, key, func(fl *flow) {
		fl.retry = 10 * time.Millisecond
		open := fl.open
		fl.open = func() (*buffer.Log, error) {
			if tries++; tries < 4 {
				return nil, buffer.ErrLocked
			}
			return open()
		}
	})
	f.in.add(time.Second, samplesOf("noise", 0, 5)...)
	<-f.opened
	f.stop()
	if values, _ := contents(t, dir, key); len(values) != 5 {
		t.Errorf("%d values, want the 5 that came before the log was open", len(values))
	}
}

func TestFlowNewEpochNamesTheOld(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := startFlow(t, dir, key)
	<-f.opened
	old := f.log.Epoch()
	f.in.add(time.Second, samplesOf("noise", 0, 5)...)
	f.rotate <- ending{old, "a receipt is past the head"}
	for f.log.Epoch() == old {
		time.Sleep(5 * time.Millisecond)
	}
	f.in.add(time.Second, samplesOf("noise", 5, 5)...)
	f.stop()
	_, events := contents(t, dir, key)
	if e := events[0]; e.Type != envelope.EventEpoch || !strings.Contains(e.New, old) || e.Why != "a receipt is past the head" {
		t.Errorf("first event of the new epoch is %+v, want one that names %s and why", e, old)
	}
}

func TestFlowRefusesAnotherMachinesLog(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	startFlow(t, dir, key, func(f *flow) { f.machine = "aaaa" }).stop()
	f := startFlow(t, dir, key, func(f *flow) { f.machine = "aaaa" })
	f.stop()

	other := newTestFlow(t, dir, key)
	other.machine = "bbbb"
	err := other.Run(t.Context())
	if !errors.Is(err, errForeignLog) {
		t.Fatalf("Run on another machine's log: %v, want errForeignLog", err)
	}
	other.log.Close()

	startFlow(t, dir, key, func(f *flow) { f.machine, f.adopt = "bbbb", true }).stop()
	_, events := contents(t, dir, key)
	if e := events[0]; e.Type != envelope.EventEpoch || !strings.Contains(e.Why, "aaaa") {
		t.Errorf("first event after taking over is %+v, want an epoch that names machine aaaa", e)
	}
}

// Whatever made it seal now, the next time is at most one interval away (promise P3),
// and at the even pace where nothing came between.
func TestNextSeal(t *testing.T) {
	const every = 5 * time.Second
	due := time.Now()
	for _, c := range []struct{ late, want time.Duration }{
		{-every, 0},
		{-time.Millisecond, every - time.Millisecond},
		{0, every},
		{time.Second, every},
		{every, every},
		{every + 1, 2*every + 1},
		{time.Hour, time.Hour + every},
	} {
		now := due.Add(c.late)
		next := nextSeal(now, due, every)
		if got := next.Sub(due); got != c.want || next.Sub(now) > every {
			t.Errorf("sealed %s after it was due: next at %s, want %s", c.late, got, c.want)
		}
	}
}

func TestFlowSealsFigures(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	// One minute that ends at once: the site's clock is moved there.
	now := time.Now()
	shift := now.Truncate(time.Minute).Add(59 * time.Second).Sub(now)
	f := startFlow(t, dir, key, func(f *flow) {
		f.rollup = rollup.New(rollup.Options{Minutes: 1})
		f.clock.now = func() time.Time { return time.Now().Add(shift) }
	})
	<-f.opened
	s := samplesOf("noise", 50, 1)
	s[0].Time = now // by the system's clock, as all samples
	f.in.add(time.Minute, s...)
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, last := f.log.Bounds(stat); last > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no figures 20 s after the minute's end")
		}
		time.Sleep(50 * time.Millisecond)
	}
	first, blocks, err := f.log.Read(stat, 0, 1)
	if err != nil || first != 1 {
		t.Fatal(first, err)
	}
	b, _, err := envelope.OpenBlock(blocks[0], envelope.NewKeySet(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range b.Groups { // one of an hour may stand beside it
		if g.Kind == "min" && g.Source == "noise" && g.Columns[0].Values[0] == "50.0" {
			return
		}
	}
	t.Errorf("figures %+v, want the minute of noise with average 50.0", b.Groups)
}
