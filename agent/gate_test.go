package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"envgate/drivers/modbus"
)

// slowBus answers each unit after its own time, one question after the other. Unit 9 is
// not there.
type slowBus struct {
	turn chan struct{} // no mutex: in a bubble nobody may wait for one
	asks atomic.Int64
}

func newSlowBus() *slowBus { return &slowBus{turn: make(chan struct{}, 1)} }

func (b *slowBus) Read(ctx context.Context, r modbus.Read) ([]byte, error) {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	b.asks.Add(1)
	time.Sleep(time.Duration(r.Unit) * 10 * time.Millisecond)
	if r.Unit == 9 {
		return nil, modbus.ErrNoAnswer
	}
	return make([]byte, 2*r.Quantity), ctx.Err()
}

// However many guests there are, a poll of several questions waits for one of theirs.
func TestGuestsCostAPollOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := newSlowBus()
		g := newGate(bus, 50*time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		var guests sync.WaitGroup
		for range 4 {
			guests.Go(func() {
				for ctx.Err() == nil {
					g.guest(ctx, modbus.Read{Unit: 5, Quantity: 1})
				}
			})
		}
		for range 20 {
			time.Sleep(73 * time.Millisecond)
			began := time.Now()
			for range 6 {
				g.Read(ctx, modbus.Read{Unit: 1, Quantity: 1})
			}
			if took := time.Since(began); took > 60*time.Millisecond+50*time.Millisecond {
				t.Errorf("6 questions of 10 ms took %v beside guests' of 50 ms", took)
			}
		}
		before := bus.asks.Load()
		time.Sleep(time.Second)
		if n := bus.asks.Load() - before; n < 8 || n > 11 {
			t.Errorf("guests asked %d times 50 ms in a second of an idle line, want about 9: half of it is the polls'", n)
		}
		cancel()
		guests.Wait()
	})
}

// On a line that is never idle a guest has its turn all the same.
func TestGuestOnAFullLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(newSlowBus(), 0)
		ctx, cancel := context.WithCancel(t.Context())
		var polls sync.WaitGroup
		defer polls.Wait()
		defer cancel()
		polls.Go(func() {
			for ctx.Err() == nil {
				g.Read(ctx, modbus.Read{Unit: 1, Quantity: 1})
			}
		})
		time.Sleep(5 * time.Millisecond)
		began := time.Now()
		if _, _, err := g.guest(ctx, modbus.Read{Unit: 2, Quantity: 1}); err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited < guestPatience || waited > guestPatience+time.Second {
			t.Errorf("the guest waited %v, want about %v", waited, guestPatience)
		}
	})
}

func TestGuestIsToldThatTheLineIsCrowded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(newSlowBus(), 0)
		g.turn <- struct{}{} // somebody who never ends
		if _, _, err := g.guest(t.Context(), modbus.Read{Unit: 1, Quantity: 1}); !errors.Is(err, errCrowded) {
			t.Errorf("error %v, want errCrowded", err)
		}
	})
}
