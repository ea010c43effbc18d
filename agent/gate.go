package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
)

// A gate lets questions of guests, who are technicians and other programs, onto a line
// between those of the polls: one guest at a time, in the gaps that the polls leave, and
// then the line is the polls' for as long as the guest had it. So a poll waits for one
// guest's question at most, and guests get half of the line at most.
type gate struct {
	drivers.Bus
	late time.Duration // of the line: what a question without an answer costs besides

	turn chan struct{} // has room for the one guest

	health lineHealth // guests' questions are not in it

	mu     sync.Mutex
	asking bool      // the polls have a question under way; guarded by mu
	asked  time.Time // when their last one ended; guarded by mu
	rest   time.Time // no guest before; guarded by mu
}

const (
	// guestGap is how long the line must have been idle: the questions of one poll
	// follow each other faster.
	guestGap = 3 * time.Millisecond
	// guestPatience is after how long a guest goes in between all the same, on a line
	// that is never idle.
	guestPatience = 2 * time.Second
	// guestQueue is how long a guest waits for its turn, before it is told so.
	guestQueue = 30 * time.Second
)

var errCrowded = errors.New("the line is busy with other technicians' or programs' questions")

func newGate(bus drivers.Bus, late time.Duration) *gate {
	return &gate{Bus: bus, late: late, turn: make(chan struct{}, 1)}
}

// Read puts a question of the polls, which wait for nobody.
func (g *gate) Read(ctx context.Context, r modbus.Read) ([]byte, error) {
	g.note(true)
	defer g.note(false)
	began := time.Now()
	b, err := g.Bus.Read(ctx, r)
	g.health.question(began, err)
	return b, err
}

func (g *gate) note(asking bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asking, g.asked = asking, time.Now()
}

// guest puts a guest's question, when there is room for it. took is the time on the line.
func (g *gate) guest(ctx context.Context, r modbus.Read) (b []byte, took time.Duration, err error) {
	crowded := time.NewTimer(guestQueue)
	defer crowded.Stop()
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-crowded.C:
		return nil, 0, fmt.Errorf("%w: no turn in %s", errCrowded, guestQueue)
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	if err := g.await(ctx); err != nil {
		return nil, 0, err
	}
	began := time.Now()
	b, err = g.Bus.Read(ctx, r)
	took = time.Since(began)
	rest := took
	if errors.Is(err, modbus.ErrNoAnswer) {
		rest += g.late
	}
	g.mu.Lock()
	g.rest = time.Now().Add(rest)
	g.mu.Unlock()
	return b, took, err
}

// await waits until the line is idle, or for as long as a guest must be patient.
func (g *gate) await(ctx context.Context) error {
	look := time.NewTicker(guestGap)
	defer look.Stop()
	for began := time.Now(); ; {
		now := time.Now()
		g.mu.Lock()
		open := !now.Before(g.rest) && (!g.asking && now.Sub(g.asked) >= guestGap || now.Sub(began) >= guestPatience)
		g.mu.Unlock()
		if open {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
