package main

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// Bounds of one transaction. More of what arrives meanwhile waits in the queue,
// and beyond that at the broker.
const (
	maxBatch      = 256
	maxBatchBytes = 4 << 20
	queueLength   = 1024
)

// An expirer is a store that can delete rows which are kept for some time only.
type expirer interface {
	expire(ctx context.Context, readings, rejects time.Time) (more bool, err error)
}

// A receiver takes arrivals, accounts for them, and says so: to the broker once
// a message is on the disk, and to the gateway by receipts. Until then nobody
// was promised anything, and a crash loses nothing.
type receiver struct {
	in        <-chan arrival
	connected <-chan struct{} // the broker is (again) there
	register  *atomic.Pointer[register]
	prefix    string
	ledger    *ledger
	receipts  *receipts
	log       *slog.Logger

	liveRows    time.Duration
	keepRejects time.Duration
	swept       time.Time
	retry       time.Duration // first wait after the store failed; 0 = 1 s
}

// run works until ctx ends. What is in the queue then is still stored and
// receipted. The caller sees to it that nothing more is put in.
func (r *receiver) run(ctx context.Context) error {
	store := context.WithoutCancel(ctx) // a commit under way is ended, not cut
	if err := r.load(store); err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for {
		select {
		case a := <-r.in:
			if !r.work(ctx, store, r.collect(a)) {
				return nil
			}
		case <-r.connected:
			r.receipts.again()
		case <-tick.C:
			r.sweep(store, time.Now())
		case <-due.C:
		case <-ctx.Done():
			return r.finish(ctx, store)
		}
		if next := r.receipts.give(time.Now(), false); next > 0 {
			due.Reset(next)
		}
	}
}

// finish stores what is in the queue and gives the last receipts.
func (r *receiver) finish(ctx, store context.Context) error {
	for {
		select {
		case a := <-r.in:
			if !r.work(ctx, store, r.collect(a)) {
				return nil
			}
		default:
			r.receipts.give(time.Now(), true)
			return nil
		}
	}
}

// collect takes what is waiting, without waiting for more.
func (r *receiver) collect(first arrival) []arrival {
	all, bytes := []arrival{first}, len(first.message)
	for len(all) < maxBatch && bytes < maxBatchBytes {
		select {
		case a := <-r.in:
			all = append(all, a)
			bytes += len(a.message)
		default:
			return all
		}
	}
	return all
}

// work judges and stores arrivals, and acknowledges them. Where the store fails,
// it tries again until ctx ends, and then reports false: they stay with the
// broker and the gateway.
func (r *receiver) work(ctx, store context.Context, all []arrival) bool {
	verdicts := judgeAll(r.register.Load(), r.prefix, all)
	var failed time.Time
	for wait := cmp.Or(r.retry, time.Second); ; wait = min(2*wait, 30*time.Second) {
		touched, err := r.account(store, verdicts)
		if err == nil {
			if !failed.IsZero() {
				r.log.Info("store works again", "after", time.Since(failed).Round(time.Second))
			}
			r.receipts.changed(touched)
			break
		}
		if failed.IsZero() {
			failed = time.Now()
			r.log.Error("store failed, nothing is acknowledged meanwhile", "err", err)
		}
		if !pause(ctx, wait) {
			r.log.Warn("stopped while the store fails", "blocks", len(all), "err", err)
			return false
		}
	}
	for _, a := range all {
		if a.ack != nil {
			a.ack()
		}
	}
	return true
}

// account takes and commits the verdicts. After an error memory may be ahead of
// the store, or behind it: the account is loaded before the next one.
func (r *receiver) account(store context.Context, verdicts []*verdict) ([]*chain, error) {
	if r.ledger.batch == nil {
		if err := r.load(store); err != nil {
			return nil, err
		}
	}
	for _, v := range verdicts {
		if err := r.ledger.take(store, v); err != nil {
			r.ledger.batch = nil
			return nil, err
		}
	}
	touched, err := r.ledger.commit(store, time.Now())
	if err != nil {
		r.ledger.batch = nil
	}
	return touched, err
}

// load takes the account from the store.
func (r *receiver) load(store context.Context) error {
	if err := r.ledger.load(store); err != nil {
		r.ledger.batch = nil
		return err
	}
	chains := make([]*chain, 0, len(r.ledger.chains))
	for _, c := range r.ledger.chains {
		chains = append(chains, c)
	}
	slices.SortFunc(chains, func(a, b *chain) int {
		if a.updated != b.updated {
			return cmpSeq(uint64(a.updated), uint64(b.updated))
		}
		return cmpSeq(uint64(a.row), uint64(b.row))
	})
	r.receipts.follow(chains)
	return nil
}

// sweep deletes what was kept for some time only, a little at a time.
func (r *receiver) sweep(ctx context.Context, now time.Time) {
	e, ok := r.ledger.store.(expirer)
	if !ok || now.Sub(r.swept) < time.Minute {
		return
	}
	more, err := e.expire(ctx, now.Add(-r.liveRows), now.Add(-r.keepRejects))
	if err != nil {
		r.log.Error("old rows not deleted", "err", err)
	}
	if !more {
		r.swept = now
	}
}

// pause waits, and reports false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
