package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// batch is a batch of blocks and what they were made of, so that an epoch which ends
// before the blocks are stored takes their numbers with it, and not the readings.
type batch struct {
	buffer.Batch
	events        []envelope.Event // but for those about the epoch itself
	rows, windows []row
	gone          []evicted // what the batch evicts undelivered, and tells of
}

func (b *batch) empty() bool { return len(b.events) == 0 && len(b.rows) == 0 && len(b.windows) == 0 }

// pending is what the writer still owes the log.
type pending struct {
	parked  *batch // sealed and not yet stored: goes first, as it is
	turning string // why a new epoch has to begin; empty: it need not
	again   batch  // sealed in an epoch that is over: goes into the next batch
}

const (
	roomRounds = 8  // evictions in commits of their own for one batch
	maxGone    = 32 // evictions that wait to be told
)

// store writes a batch, with the state that belongs to it. A batch that cannot be
// written is parked: its sequence numbers are spent, so it is tried again byte for
// byte before anything else is sealed.
func (f *flow) store(b batch, now time.Time) {
	for _, r := range b.Records {
		if r.Stream == event {
			f.note(r)
		}
	}
	f.state.Heads, f.state.Index, f.state.Last = f.press.heads, f.press.index, now.UnixMilli()
	f.state.Config, f.state.Catalogue, f.state.Boot = f.press.config, f.press.catalogue, f.clock.boot
	f.state.Clock = f.clock.keep(now, f.state.Clock.Good)
	f.state.Meters, f.state.Order = f.tallies(), f.ordered.Load()
	f.keepChecks()
	b.State = f.state.text()
	f.parked = &b
	f.unpark()
}

// ready says whether the way into the log is free, after doing what can be done for it.
func (f *flow) ready() bool {
	f.unpark()
	if f.turning != "" {
		f.turn()
	}
	return f.turning == "" && f.parked == nil
}

// unpark stores the parked batch. A log that is broken, or holds something else than
// what was sealed, which must not be signed over, makes a new epoch due.
func (f *flow) unpark() {
	if f.parked == nil {
		return
	}
	err := f.append(f.parked.Batch)
	for round := 0; errors.Is(err, buffer.ErrFull) && round < roomRounds && f.makeRoom(); round++ {
		err = f.append(f.parked.Batch)
	}
	if err == nil {
		f.parked, f.stored = nil, time.Now()
		f.recovered()
		return
	}
	f.failed(err)
	if errors.Is(err, buffer.ErrSeq) || errors.Is(err, buffer.ErrDamaged) {
		f.turning = err.Error()
	}
}

// makeRoom deletes what may go in a commit of its own, since the room of an eviction
// is for the commit after it, and says whether it did. What goes undelivered is noted
// in the state by the same commit, and told by the parked batch or the one after it.
//
// Where an eviction ends, up to five blocks are written anew. If there is no room for that,
// one that ends elsewhere may have it.
func (f *flow) makeRoom() bool {
	told := len(f.parked.Evict) > 0
	evict := f.parked.Evict
	if !told {
		evict = f.log.Due(f.clock.wall())
	}
	for whole := true; len(evict) > 0; whole = false {
		err := f.evictAlone(evict, told, whole)
		if err == nil {
			return true
		}
		if !errors.Is(err, buffer.ErrFull) {
			return false
		}
		evict = fewer(evict)
	}
	return false
}

// fewer is an eviction of half as much, empty where that is nothing.
func fewer(evict []buffer.Eviction) []buffer.Eviction {
	e := evict[0]
	if e.From == e.To {
		return nil
	}
	e.To -= (e.To - e.From + 1) / 2
	return []buffer.Eviction{e}
}

// evictAlone deletes in a commit of its own. Of what the parked batch tells (told), and
// deletes again if this is not all of it (whole), nothing need be told by others, but
// after a kill. What was set in devices, and goes with the blocks, is held in the state
// until it is told anew: a kill in between must not lose it.
func (f *flow) evictAlone(evict []buffer.Eviction, told, whole bool) error {
	var s state // as it is in the log
	if err := json.Unmarshal(f.log.State(), &s); err != nil {
		return err
	}
	gone := f.undelivered(evict)
	if s.Gone = append(s.Gone, gone...); len(s.Gone) > maxGone {
		return errGone
	}
	f.hold(s.Known, evict)
	if !told {
		f.hold(f.state.Known, evict)
	}
	if err := f.append(buffer.Batch{Evict: evict, State: s.text()}); err != nil {
		return err
	}
	switch {
	case !told:
		f.state.Gone = append(f.state.Gone, gone...)
		f.parked.State = f.state.text()
	case whole:
		f.parked.Evict, f.parked.gone = nil, nil
	}
	return nil
}

var errGone = errors.New("too many evictions wait to be told")

// turn sets the log aside and begins a new epoch: for a disk that lied, or an image
// that was put back. What was sealed and not stored is sealed anew in it. If the log
// cannot be set aside now, nothing more is sealed until it can.
func (f *flow) turn() {
	if p := f.parked; p != nil {
		f.again.events = append(f.again.events, p.events...)
		f.again.rows = append(f.again.rows, p.rows...)
		f.again.windows = append(f.again.windows, p.windows...)
		f.parked = nil
		f.bound()
	}
	if err := f.log.Rotate(f.turning); err != nil {
		f.failed(fmt.Errorf("new epoch: %w", err))
		return
	}
	f.logger.Error("new epoch", "err", f.turning)
	f.turning = ""
	f.resume(state{})
}

// bound keeps what waits for a new epoch as small as an inbox may be, for a disk that
// ruins one log after the other.
func (f *flow) bound() {
	a := &f.again
	if over := len(a.events) - inboxEvents; over > 0 {
		a.events = a.events[over:]
		f.unheard += over
	}
	for held := count(a.rows); held > f.in.limit; a.rows = a.rows[1:] {
		held -= len(a.rows[0].cells)
		f.lost += len(a.rows[0].cells)
	}
	for held := count(a.windows); held > f.in.limit; a.windows = a.windows[1:] {
		held -= len(a.windows[0].cells)
		f.lost += len(a.windows[0].cells)
	}
}
