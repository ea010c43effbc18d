package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"envgate/agent/rollup"
	"envgate/buffer"
	"envgate/envelope"
)

// beginFlow opens the log of a writer that the test turns by hand.
func beginFlow(t *testing.T, dir string, key *envelope.Key, change ...func(*flow)) *flow {
	t.Helper()
	f := newTestFlow(t, dir, key)
	for _, c := range change {
		c(f)
	}
	if err := f.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.log.Close() })
	return f
}

func closeFlow(t *testing.T, f *flow) {
	t.Helper()
	if err := f.log.Close(); err != nil {
		t.Fatal(err)
	}
}

// openSmall is a log that a few large batches fill.
func openSmall(dir string) (*buffer.Log, error) {
	return buffer.Open(filepath.Join(dir, "log.db"), buffer.Options{MaxBytes: buffer.MinBytes, NoSync: true, Streams: []buffer.StreamOptions{
		{Name: live, Share: 0.7}, {Name: stat, Share: 0.2}, {Name: event, Share: 0.1},
	}})
}

// addNoise adds samples that have a block each.
func addNoise(f *flow, samples int) {
	for i := range samples {
		raw := make([]byte, 1100)
		rand.Read(raw)
		s := samplesOf("gas", i, 1)[0]
		s.Raw = raw
		f.in.add(time.Second, s)
	}
}

// fillFlow fills a small log until it evicts, and then gives it a batch for which there
// is no room though nothing is due.
func fillFlow(f *flow) {
	add := func(samples int) {
		addNoise(f, samples)
		f.commit(true, true)
	}
	for i := 0; i < 100 && len(f.log.Due(time.Now())) == 0; i++ {
		add(60)
	}
	for i := 0; i < 100 && len(f.log.Due(time.Now())) > 0; i++ {
		add(10)
	}
	add(320)
}

// told are the seqs of live blocks that events say were evicted, and how often.
func told(t *testing.T, events []envelope.Event, log *buffer.Log) map[uint64]int {
	t.Helper()
	seqs := map[uint64]int{}
	first, _ := log.Bounds(live)
	for _, e := range events {
		var g evicted
		if e.Type != envelope.EventLogEvicted || json.Unmarshal([]byte(e.New), &g) != nil || g.Stream != live {
			continue
		}
		if g.Readings == 0 || g.T0 == 0 || g.T1 < g.T0 {
			t.Errorf("eviction %+v says not what went", g)
		}
		if g.To == first-1 && g.Hash != parsed(t, log, live, first).Prev {
			t.Errorf("eviction %+v: hash is not that of its last block", g)
		}
		for seq := g.From; seq <= g.To; seq++ {
			seqs[seq]++
		}
	}
	for seq := uint64(1); seq < first; seq++ {
		if seqs[seq] != 1 {
			t.Fatalf("eviction of live %d was told %d times, want once; the log begins at %d", seq, seqs[seq], first)
		}
	}
	return seqs
}

func parsed(t *testing.T, log *buffer.Log, stream string, seq uint64) *envelope.Block {
	t.Helper()
	_, blocks, err := log.Read(stream, seq-1, 1)
	if err != nil || len(blocks) != 1 {
		t.Fatal(len(blocks), err)
	}
	return blockOf(t, blocks[0])
}

func blockOf(t *testing.T, message []byte) *envelope.Block {
	t.Helper()
	payload, err := envelope.Peek(message)
	if err != nil {
		t.Fatal(err)
	}
	b, err := envelope.ParsePayload(payload)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A batch for which there is no room gets it by evictions before it; each of them is
// told, and told once.
func TestFlowMakesRoom(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	full := 0
	var events []envelope.Event
	f := beginFlow(t, dir, key, func(f *flow) {
		f.open = func() (*buffer.Log, error) { return openSmall(dir) }
		f.append = func(b buffer.Batch) error {
			if full == 0 && len(b.Evict) > 0 && len(b.Records) > 0 { // one with evictions of its own
				full++
				return buffer.ErrFull
			}
			err := f.log.Append(b)
			if errors.Is(err, buffer.ErrFull) {
				full++
				return err
			}
			for _, r := range b.Records {
				events = append(events, blockOf(t, r.Data).Events...)
			}
			return err
		}
	})
	fillFlow(f)
	if f.parked != nil {
		t.Fatal("a batch waits for room: the log is full for ever")
	}
	if full < 2 || len(f.state.Gone) == 0 {
		t.Fatalf("%d appends refused, %d evictions to be told: the test tested nothing", full, len(f.state.Gone))
	}
	var s state
	if err := json.Unmarshal(f.log.State(), &s); err != nil || len(s.Gone) != len(f.state.Gone) {
		t.Errorf("the log notes %d evictions to be told, %v; want %d", len(s.Gone), err, len(f.state.Gone))
	}
	f.commit(true, true)
	first, _ := f.log.Bounds(live)
	if seqs := told(t, events, f.log); first == 1 || len(seqs) != int(first-1) {
		t.Errorf("%d evictions told, the log begins at %d", len(seqs), first)
	}
}

// What was evicted for a batch that never reached the disk is told by the next start.
func TestFlowTellsEvictionsAfterAKill(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	dead := false
	f := beginFlow(t, dir, key, func(f *flow) {
		f.open = func() (*buffer.Log, error) { return openSmall(dir) }
		f.append = func(b buffer.Batch) error {
			if dead {
				return buffer.ErrSuspect
			}
			err := f.log.Append(b)
			dead = err == nil && len(b.Evict) > 0 && len(b.Records) == 0
			return err
		}
	})
	fillFlow(f)
	if !dead {
		t.Fatal("nothing was evicted in a commit of its own: the test tested nothing")
	}
	closeFlow(t, f)

	f = beginFlow(t, dir, key, func(f *flow) { f.open = func() (*buffer.Log, error) { return openSmall(dir) } })
	f.commit(true, true)
	var events []envelope.Event
	first, last := f.log.Bounds(event)
	for seq := first; seq <= last; seq++ {
		events = append(events, parsed(t, f.log, event, seq).Events...)
	}
	if told(t, events, f.log); !strings.Contains(kinds(events), envelope.EventLogEvicted) {
		t.Error("no eviction is told")
	}
	if len(f.state.Gone) > 0 {
		t.Errorf("%d evictions still to be told", len(f.state.Gone))
	}
}

// Readings that were sealed for a log that turned out to be broken are sealed again
// for the one after it.
func TestFlowSealsAnewInANewEpoch(t *testing.T) {
	for _, refusal := range []error{buffer.ErrDamaged, buffer.ErrSeq} {
		t.Run(refusal.Error(), func(t *testing.T) {
			dir, key := t.TempDir(), testKey(t)
			broken := false
			f := beginFlow(t, dir, key, func(f *flow) {
				f.append = func(b buffer.Batch) error {
					if broken {
						broken = false
						return fmt.Errorf("append: %w", refusal)
					}
					return f.log.Append(b)
				}
			})
			old := f.log.Epoch()
			broken = true
			f.in.add(time.Second, samplesOf("noise", 0, 5)...)
			f.in.event(envelope.Event{Type: "line.down", At: time.Now().UnixMilli(), Subject: "bus"})
			f.commit(true, true)
			f.in.add(time.Second, samplesOf("noise", 5, 5)...)
			f.commit(true, true)
			if f.log.Epoch() == old {
				t.Fatal("the epoch is the old one")
			}
			closeFlow(t, f)
			values, events := contents(t, dir, key)
			for i := range 10 {
				if got := values[fmt.Sprint("noise ", i)]; got != fmt.Sprint(i) {
					t.Errorf("noise %d = %q, want %d", i, got, i)
				}
			}
			if got, want := kinds(events), "epoch start template config birth line.down log.full"; got != want {
				t.Errorf("events %s\nwant   %s", got, want)
			}
			if e := events[1]; e.Old == "" || e.Why != "runs on in a new epoch" {
				t.Errorf("start event %+v, want the last sealed time, and no first start", e)
			}
		})
	}
}

// While the old log cannot be set aside nothing is sealed, and nothing is lost.
func TestFlowWaitsForItsNewEpoch(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key)
	old := f.log.Epoch()
	inTheWay := filepath.Join(dir, "log.db.new")
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	f.turning = "a receipt is past the head"
	for i := range 3 {
		f.in.add(time.Second, samplesOf("noise", i, 1)...)
		f.commit(true, true)
	}
	if f.log.Epoch() != old {
		t.Fatal("the log was set aside: the test tested nothing")
	}
	if _, last := f.log.Bounds(live); last != 0 {
		t.Errorf("%d blocks went into an epoch that should have ended", last)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	f.commit(true, true)
	closeFlow(t, f)
	values, events := contents(t, dir, key)
	for i := range 3 {
		if got := values[fmt.Sprint("noise ", i)]; got != fmt.Sprint(i) {
			t.Errorf("noise %d = %q, want %d", i, got, i)
		}
	}
	if e := events[0]; e.Type != envelope.EventEpoch || !strings.Contains(e.New, old) {
		t.Errorf("first event %+v, want one that names epoch %s", e, old)
	}
}

// A log whose state cannot be read, on a disk that takes no new one, is no reason to
// end.
func TestFlowBearsAnUnreadableState(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	closeFlow(t, beginFlow(t, dir, key))
	log, err := openTestLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Append(buffer.Batch{State: []byte("rubbish")}); err != nil {
		t.Fatal(err)
	}
	log.Close()
	inTheWay := filepath.Join(dir, "log.db.new")
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	f := beginFlow(t, dir, key)
	f.in.add(time.Second, samplesOf("noise", 0, 1)...)
	f.commit(true, true)
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	f.commit(true, true)
	closeFlow(t, f)
	values, events := contents(t, dir, key)
	if values["noise 0"] != "0" {
		t.Errorf("values %v, want that of noise", values)
	}
	if e := events[1]; !strings.HasPrefix(e.Why, "unknown") {
		t.Errorf("start event %+v, want that the last stop is not known", e)
	}
}

// A state that does not fit the blocks beside it is not gone on from: the next seq
// would be another one's, or signed twice.
func TestFlowRefusesAStateThatDoesNotFit(t *testing.T) {
	for name, wrong := range map[string]func(envelope.Head) envelope.Head{
		"number": func(h envelope.Head) envelope.Head { return envelope.Head{Seq: 1, Hash: h.Hash} },
		"hash":   func(h envelope.Head) envelope.Head { return envelope.Head{Seq: h.Seq, Hash: "x" + h.Hash[1:]} },
	} {
		t.Run(name, func(t *testing.T) {
			dir, key := t.TempDir(), testKey(t)
			f := beginFlow(t, dir, key)
			f.in.event(f.event(epoch0, envelope.Event{Type: envelope.EventFault, Subject: "test"}))
			f.commit(true, true)
			s := f.state
			s.Heads = map[string]envelope.Head{event: wrong(f.press.heads[event])}
			old := f.log.Epoch()
			if err := f.log.Append(buffer.Batch{State: mustJSON(s)}); err != nil {
				t.Fatal(err)
			}
			closeFlow(t, f)
			f = beginFlow(t, dir, key)
			if f.log.Epoch() == old || f.press.heads[event].Seq == 0 {
				t.Errorf("epoch %s goes on behind event %d", old, f.press.heads[event].Seq)
			}
		})
	}
}

// A disk that fails in the moment of the stop is asked again.
func TestFlowStopsOnADiskThatFails(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key)
	fails := 3
	f.append = func(b buffer.Batch) error {
		if fails--; fails >= 0 {
			return fmt.Errorf("append: %w", buffer.ErrSuspect)
		}
		return f.log.Append(b)
	}
	f.in.add(time.Second, samplesOf("noise", 1, 1)...)
	f.last()
	closeFlow(t, f)
	values, events := contents(t, dir, key)
	if values["noise 0"] != "1" || !strings.Contains(kinds(events), envelope.EventStop) {
		t.Errorf("values %v, events %s: the last reading and the stop are not there", values, kinds(events))
	}
}

// A log that is found damaged by the very last batch takes nothing along: the batch is in
// the new epoch, and the next start knows of the stop.
func TestFlowStopsOnALogThatIsDamaged(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key)
	broken := true
	f.append = func(b buffer.Batch) error {
		if broken {
			broken = false
			return fmt.Errorf("append: %w", buffer.ErrDamaged)
		}
		return f.log.Append(b)
	}
	f.in.add(time.Second, samplesOf("noise", 1, 1)...)
	f.reason = "terminated"
	f.last()
	if f.state.Stopped == "" {
		t.Error("the state knows of no stop")
	}
	closeFlow(t, f)
	values, events := contents(t, dir, key)
	if values["noise 0"] != "1" || !strings.Contains(kinds(events), envelope.EventStop) {
		t.Errorf("values %v, events %s: the last reading and the stop are not there", values, kinds(events))
	}
}

func TestFlowTellsAPowerCutFromAKill(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	for _, c := range []struct{ boot, why string }{
		{"b0", "first start"}, {"b0", "killed"}, {"b1", "power cut or restart of the system"},
	} {
		f := beginFlow(t, dir, key, func(f *flow) { f.clock.boot = c.boot })
		b := parsed(t, f.log, event, f.press.heads[event].Seq)
		if c.why == "first start" {
			b = parsed(t, f.log, event, 1)
		}
		if e := b.Events[len(b.Events)-1]; e.Type != envelope.EventStart || e.Why != c.why {
			t.Errorf("start %+v, want %s", e, c.why)
		}
		closeFlow(t, f)
	}
}

// Every stream of an uplink asks for a new epoch; one is enough.
func TestFlowTurnsOnce(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := startFlow(t, dir, key)
	<-f.opened
	old := f.log.Epoch()
	for range 3 {
		f.rotate <- ending{old, "a receipt is past the head"}
	}
	f.stop()
	asides, err := filepath.Glob(filepath.Join(dir, "log.db.aside-*"))
	if err != nil || len(asides) != 1 {
		t.Errorf("logs set aside: %v, %v; want 1", asides, err)
	}
}

// The start after a log was set aside still names the last sealed time.
func TestFlowKnowsTheLastSealingOfAFormerLog(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := startFlow(t, dir, key)
	<-f.opened
	f.stop()
	log, err := openTestLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Rotate("bad page"); err != nil {
		t.Fatal(err)
	}
	log.Close()
	startFlow(t, dir, key).stop()
	_, events := contents(t, dir, key)
	if e := events[1]; e.Type != envelope.EventStart || e.Old == "" || e.Why != "stopped: test" {
		t.Errorf("start %+v, want the time and reason of the last stop", e)
	}
}

// A template that changed under an unchanged site file is sealed, as the catalogue
// names its hash.
func TestFlowSealsAChangedTemplate(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	closeFlow(t, beginFlow(t, dir, key))
	closeFlow(t, beginFlow(t, dir, key, func(f *flow) {
		f.documents.templates = []document{{"t", "name: t2"}}
		f.documents.catalogue = []byte(`{"k":2}`)
	}))
	_, events := contents(t, dir, key)
	if got, want := kinds(events[5:]), "start template birth"; got != want {
		t.Errorf("events of the second start %s, want %s", got, want)
	}
}

func TestFlowSealsTheBirthAgain(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key)
	f.in.add(time.Second, samplesOf("noise", 0, 1)...)
	f.commit(true, true)
	f.state.Birth = 0 // as if it had been evicted
	f.commit(true, true)
	b := birth(f.log)
	if b == nil || f.state.Birth == 0 {
		t.Fatalf("birth is block %d, %d bytes; want a new one", f.state.Birth, len(b))
	}
	if h := blockOf(t, b).Heads[live]; h != f.press.heads[live] || h.Seq != 1 {
		t.Errorf("birth names head %+v of live, want %+v", h, f.press.heads[live])
	}
	f.commit(true, true)
	closeFlow(t, f)
	_, events := contents(t, dir, key)
	if got, want := kinds(events), "epoch start template config birth template config birth"; got != want {
		t.Errorf("events %s\nwant   %s", got, want)
	}
}

// Samples from before a step carry its mark, even when an event was sealed between.
func TestStepMarksTheSamplesBeforeIt(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	wall, mono := time.Unix(1000, 0), time.Hour
	f := beginFlow(t, dir, key, func(f *flow) {
		f.clock.now = func() time.Time { return wall }
		f.clock.mono = func() time.Duration { return mono }
		f.clock.kernel = func() (bool, int64) { return wall.Year() > 2000, 1 }
	})
	for range 2 {
		f.in.add(time.Second, samplesOf("noise", 0, 1)...)
		wall = epoch0
		f.in.event(envelope.Event{Type: "line.down", At: wall.UnixMilli(), Subject: "bus"})
		f.commit(false, true)
		f.commit(false, true)
		f.commit(true, false)
	}
	var states []string
	_, blocks, err := f.log.Read(live, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range blocks {
		b, _, err := envelope.OpenBlock(m, envelope.NewKeySet(key.Public()))
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, b.Clock.State)
	}
	if got := strings.Join(states, " "); got != "stepped sync" {
		t.Errorf("clock of the live blocks: %s, want stepped sync", got)
	}
}

// A step that comes while the log is being opened is said.
func TestStepBeforeTheLogOpens(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	wall := time.Unix(1000, 0)
	f := beginFlow(t, dir, key, func(f *flow) {
		f.clock.now = func() time.Time { return wall }
		f.clock.mono = func() time.Duration { return time.Hour }
		open := f.open
		f.open = func() (*buffer.Log, error) {
			wall = epoch0
			return open()
		}
	})
	closeFlow(t, f)
	_, events := contents(t, dir, key)
	if got, want := kinds(events), "epoch clock.step start template config birth"; got != want {
		t.Errorf("events %s\nwant   %s", got, want)
	}
}

// Figures are due one grace after their period, also when a commit falls between.
func TestFiguresAreDueAfterTheirGrace(t *testing.T) {
	f := newTestFlow(t, t.TempDir(), testKey(t))
	f.rollup = rollup.New(rollup.Options{Minutes: 1})
	for _, c := range []struct{ into, want time.Duration }{
		{59 * time.Second, time.Second + statGrace},
		{0, statGrace},
		{200 * time.Millisecond, statGrace - 200*time.Millisecond},
		{statGrace, time.Minute},
		{2 * statGrace, time.Minute - statGrace},
	} {
		f.clock.now = func() time.Time { return epoch0.Add(c.into) }
		if got := time.Until(f.nextFigures()); (got - c.want).Abs() > 50*time.Millisecond {
			t.Errorf("%s into a minute figures are due in %s, want %s", c.into, got, c.want)
		}
	}
}

// A live block is due every few minutes even when nothing was read, so that a cut tail
// shows.
func TestFlowSealsAnEmptyBlock(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key)
	f.commit(true, true)
	if _, last := f.log.Bounds(live); last != 0 {
		t.Errorf("%d live blocks, and nothing was read", last)
	}
	f.lastLive = f.lastLive.Add(-livePulse - time.Second)
	f.commit(true, true)
	f.commit(true, true)
	if _, last := f.log.Bounds(live); last != 1 {
		t.Errorf("%d live blocks after a pulse, want an empty one", last)
	}
}

// What there was no room for is said with its number, once.
func TestFlowSaysWhatWasThrownAway(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key)
	f.in.limit = 10
	f.in.add(time.Second, samplesOf("noise", 0, 13)...)
	for range inboxEvents + 7 {
		f.in.event(envelope.Event{Type: "line.up", At: time.Now().UnixMilli()})
	}
	f.commit(true, true)
	f.commit(true, true)
	closeFlow(t, f)
	_, events := contents(t, dir, key)
	var said []string
	for _, e := range events {
		if e.Type == envelope.EventLost {
			said = append(said, e.New+" "+e.Subject)
		}
	}
	if got, want := strings.Join(said, ", "), "7 events, 3 readings"; got != want {
		t.Errorf("lost: %q, want %q", got, want)
	}
}

// A disk that ruins one log after the other does not fill the memory.
func TestFlowBoundsWhatWaitsForANewEpoch(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	f := beginFlow(t, dir, key, func(f *flow) {
		f.append = func(b buffer.Batch) error {
			if f.state.Last != 0 && len(b.Records) > 0 && b.Records[len(b.Records)-1].Stream == live {
				return buffer.ErrDamaged
			}
			return f.log.Append(b)
		}
	})
	f.in.limit = 10
	for i := range 4 {
		f.in.add(time.Second, samplesOf("noise", 8*i, 8)...)
		f.commit(true, true)
	}
	if n := count(f.again.rows); n != 10 {
		t.Errorf("%d readings wait, want 10", n)
	}
	if f.lost == 0 {
		t.Error("the others are not counted as lost")
	}
}

// The commits of a writer under synctest, and how long after its cause each came.
func pacedFlow(t *testing.T, every time.Duration, batches chan<- buffer.Batch) *flow {
	f := newTestFlow(t, t.TempDir(), testKey(t))
	f.every = every
	f.append = func(b buffer.Batch) error {
		err := f.log.Append(b)
		if err == nil && len(b.Records) > 0 {
			batches <- b
		}
		return err
	}
	return f
}

// Events are on the disk within 250 ms, but a contact that chatters costs one commit a
// second.
func TestEventsAreQuickAndPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batches := make(chan buffer.Batch, 1000)
		f := pacedFlow(t, time.Hour, batches)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		<-f.opened
		<-batches
		time.Sleep(10 * time.Second)
		began := time.Now()
		f.in.event(envelope.Event{Type: "alarm", At: began.UnixMilli()})
		<-batches
		if took := time.Since(began); took > 250*time.Millisecond {
			t.Errorf("an event was on the disk after %s, want 250ms", took)
		}
		for range 60 * 20 {
			time.Sleep(50 * time.Millisecond)
			f.in.event(envelope.Event{Type: "alarm", At: time.Now().UnixMilli()})
		}
		if n := len(batches); n < 50 || n > 60+eventBurst+1 {
			t.Errorf("%d commits in a minute of chatter, want about 60", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		f.log.Close()
	})
}

// An inbox that is half full does not wait for the sealing interval.
func TestAFullInboxHurries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batches := make(chan buffer.Batch, 1000)
		f := pacedFlow(t, time.Hour, batches)
		f.in.limit = 100
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		<-f.opened
		<-batches
		time.Sleep(10 * time.Second)
		for range 10 {
			f.in.add(time.Second, samplesOf("noise", 0, 60)...)
			time.Sleep(1100 * time.Millisecond)
		}
		if n := len(batches); n != 10 {
			t.Errorf("%d commits, want one for each half inbox", n)
		}
		cancel()
		<-done
		f.log.Close()
	})
}
