package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"envgate/envelope"
)

// A shaky store fails when it is told to, before or after the commit.
type shaky struct {
	*sqlStore
	mu     sync.Mutex
	before int // commits to fail that are not done
	after  int // commits to fail that are done all the same
	tried  int
}

var errShaky = errors.New("disk full")

func (s *shaky) Commit(ctx context.Context, b *batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried++
	if s.before > 0 {
		s.before--
		return errShaky
	}
	err := s.sqlStore.Commit(ctx, b)
	if s.after > 0 {
		s.after--
		return errors.Join(err, errShaky)
	}
	return err
}

// A bench is a receiver without a broker.
type bench struct {
	in    chan arrival
	acked atomic.Int64
	recv  *receiver
	mail  *mailbox
	done  chan error
	stop  context.CancelFunc
}

func newBench(t *testing.T, d *desk, s store) *bench {
	t.Helper()
	r, m := newReceipts(t)
	b := &bench{in: make(chan arrival, queueLength), mail: m, done: make(chan error, 1)}
	var reg atomic.Pointer[register]
	reg.Store(d.reg)
	b.recv = &receiver{
		in: b.in, connected: make(chan struct{}), register: &reg, prefix: "envgate", log: quiet, receipts: r,
		ledger:      &ledger{store: s, keep: limit{16, 256 << 10}, log: quiet},
		keepRejects: 30 * day,
	}
	return b
}

func (b *bench) start(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b.stop = cancel
	go func() { b.done <- b.recv.run(ctx) }()
}

func (b *bench) put(blocks ...sealed) {
	for _, s := range blocks {
		b.in <- arrival{topic: s.topic, message: s.message, at: time.Now(), ack: func() { b.acked.Add(1) }}
	}
}

// finish stops the receiver, which stores what waits, and returns the newest
// receipt.
func (b *bench) finish(t *testing.T) *envelope.Receipt {
	t.Helper()
	b.stop()
	if err := <-b.done; err != nil {
		t.Fatal(err)
	}
	if len(b.mail.got) == 0 {
		return nil
	}
	return b.mail.got[len(b.mail.got)-1]
}

// A stop stores and receipts what came before it.
func TestReceiverStop(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	b := newBench(t, d, d.store)
	b.put(p.lives(600)...)
	b.start(t)
	r := b.finish(t)
	if r == nil || r.UpTo != 600 || b.acked.Load() != 600 {
		t.Errorf("receipt %+v, %d acknowledged, want 600 of both", r, b.acked.Load())
	}
}

// Nothing is acknowledged and no receipt given before the commit: a centre that
// is killed in between has promised nothing, and the next one takes all again.
func TestKilledBeforeCommit(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	s := &shaky{sqlStore: d.store, before: 1 << 30}
	b := newBench(t, d, s)
	all := p.lives(5)
	b.put(all...)
	b.start(t)
	for {
		s.mu.Lock()
		n := s.tried
		s.mu.Unlock()
		if n > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	r := b.finish(t)
	if r != nil || b.acked.Load() != 0 {
		t.Fatalf("receipt %+v and %d acknowledged, want neither: nothing was stored", r, b.acked.Load())
	}
	// The next centre, on the same database: the broker gives all again.
	b = newBench(t, d, d.store)
	b.put(all...)
	b.start(t)
	if r := b.finish(t); r == nil || r.UpTo != 5 || b.acked.Load() != 5 {
		t.Errorf("receipt %+v, %d acknowledged, want 5 of both", r, b.acked.Load())
	}
	if n := d.tallies()[kindDuplicate]; n != 0 {
		t.Errorf("%d duplicates, want none", n)
	}
}

// A commit that failed is tried again, and the account is the store's: also
// where the commit was done and only its answer was lost.
func TestStoreFailsForAWhile(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after int
		duplicates    int64
	}{
		{"not done", 2, 0, 0},
		{"done, answer lost", 0, 1, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlant(t, "gw-1")
			d := newDesk(t, p)
			s := &shaky{sqlStore: d.store, before: tt.before, after: tt.after}
			b := newBench(t, d, s)
			b.recv.retry = time.Millisecond
			all := p.lives(6)
			b.put(all[1:4]...)
			b.put(all[5], p.seal(envelope.StreamStat, nil), p.seal(envelope.StreamStat, func(b *envelope.Block) {
				b.Prev = envelope.Hash(nil)
			}))
			b.start(t)
			waitFor(t, func() bool { return b.acked.Load() == 6 })
			b.put(all[0], all[4])
			b.finish(t)
			r := b.mail.newest(envelope.StreamLive)
			if r == nil || r.UpTo != 6 || len(r.Have) != 0 {
				t.Errorf("receipt %+v, want up to 6", r)
			}
			if got := d.tallies(); got[kindBlock] != 8 || got[kindDuplicate] != tt.duplicates || got[kindBreak] != 1 {
				t.Errorf("tallies %v, want 8 blocks, %d duplicates, 1 break", got, tt.duplicates)
			}
			if got := kindsOf(t, d); len(got) != 1 {
				t.Errorf("anomalies kept %v, want the break", got)
			}
		})
	}
}

// newest is the newest receipt of a stream.
func (m *mailbox) newest(stream string) *envelope.Receipt {
	for i := len(m.got) - 1; i >= 0; i-- {
		if m.got[i].Stream == stream {
			return m.got[i]
		}
	}
	return nil
}

// waitFor polls a condition that comes true by itself.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not come about in 30 s")
		}
	}
}
