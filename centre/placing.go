package main

import (
	"context"
	"fmt"
	"sort"
	"time"

	"envgate/envelope"
)

// Placing samples in time. A gateway without a battery clock starts in 1970, and seals
// what it reads with the time that it has, and with the time since its start, which is
// right. When it is told the time it says so in a signed event, clock.step, with the time
// before and after. So what was sealed before, in the same run of its system, can be moved
// by the same amount: by the sum of the steps up to the moment at which its clock was
// right.

// A turn is a signed block of a gateway's events that moves its clock, or shows that it
// is right.
type turn struct {
	mono int64 // ms since the start of the system
	by   int64 // ms, the sum of the steps in it
	good bool
}

// A placer knows the turns of each gateway's runs. It is nil for an export that goes on
// with what arrives, which cannot know what a clock will turn out to be.
type placer map[[2]string][]turn // by gateway and boot, in the order of time

func trusted(state string) bool {
	return state == envelope.ClockSync || state == envelope.ClockHoldover
}

// placer reads the turns of those runs in which a clock was not right.
func (s *sqlStore) placer(ctx context.Context, gateway string) (placer, error) {
	p := make(placer)
	seen := make(map[[2]int64]*turn) // by chain and number
	var order []*turn
	var keys [][2]string
	err := s.each(ctx, `SELECT b.chain, b.seq, c.gateway, b.boot, b.mono, b.clock FROM block b JOIN chain c ON c.chain = b.chain
		WHERE c.stream = $1 AND ($2 = '' OR c.gateway = $2)
		AND b.boot IN (SELECT boot FROM block WHERE clock NOT IN ($3, $4))`, func(scan func(...any) error) error {
		var id [2]int64
		var key [2]string
		var state string
		t := new(turn)
		if err := scan(&id[0], &id[1], &key[0], &key[1], &t.mono, &state); err != nil {
			return err
		}
		t.good = trusted(state)
		seen[id], order, keys = t, append(order, t), append(keys, key)
		return nil
	}, envelope.StreamEvent, gateway, envelope.ClockSync, envelope.ClockHoldover)
	if err != nil {
		return nil, fmt.Errorf("clocks: %w", err)
	}
	err = s.each(ctx, `SELECT chain, seq, old, new, who FROM event WHERE type = $1`, func(scan func(...any) error) error {
		var id [2]int64
		var before, after, who string
		if err := scan(&id[0], &id[1], &before, &after, &who); err != nil {
			return err
		}
		t := seen[id]
		from, err1 := time.Parse(time.RFC3339Nano, before)
		to, err2 := time.Parse(time.RFC3339Nano, after)
		if t == nil || err1 != nil || err2 != nil {
			return nil
		}
		t.by += to.UnixMilli() - from.UnixMilli()
		t.good = t.good || who != "" // a source set it, and not somebody
		return nil
	}, envelope.EventClockStep)
	if err != nil {
		return nil, fmt.Errorf("steps of clocks: %w", err)
	}
	for i, t := range order {
		p[keys[i]] = append(p[keys[i]], *t)
	}
	for _, turns := range p {
		sort.Slice(turns, func(i, j int) bool { return turns[i].mono < turns[j].mono })
	}
	return p, nil
}

// place says when a time of a block really was, if its clock was not right then and that
// can be known.
func (p placer) place(gateway string, b *envelope.Block, ms int64) (placed int64, ok bool) {
	if p == nil || trusted(b.Clock.State) {
		return 0, false
	}
	for _, t := range p[[2]string{gateway, b.Boot}] {
		if t.mono <= b.Clock.MonoMs { // what was sealed with a step has the time after it
			continue
		}
		if ms += t.by; t.good {
			return ms, true
		}
	}
	return 0, false
}

// marks are the columns that say what a time is worth: the clock's state, and when it
// really was; and the time by which it is selected.
func (p placer) marks(gateway string, b *envelope.Block, ms int64) (clock, placed string, when int64) {
	if at, ok := p.place(gateway, b, ms); ok {
		return b.Clock.State, siteTime(at), at
	}
	return b.Clock.State, "", ms
}
