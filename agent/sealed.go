package main

import (
	"context"
	"errors"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

var errUnsealed = errors.New("the log did not take it in time")

// sealed hands an event in, and waits until it is on the disk: what must be written down
// before it is done. An epoch that begins meanwhile takes it too. Where ctx ends, the
// event may still be sealed later.
func (a *agent) sealed(ctx context.Context, log *buffer.Log, e envelope.Event) error {
	epoch := log.Epoch()
	_, after := log.Bounds(event)
	e.At = time.Now().UnixMilli()
	a.in.event(e)
	for {
		changed := log.Changed()
		if now := log.Epoch(); now != epoch {
			epoch, after = now, 0
		}
		first, blocks, err := log.Read(event, after, sealRead)
		if err != nil && !errors.Is(err, buffer.ErrSuspect) {
			return err
		}
		for _, b := range blocks {
			for _, one := range blockEvents(b) {
				if one.At = e.At; one == e { // a block has other times
					return nil
				}
			}
		}
		if len(blocks) > 0 {
			after = first + uint64(len(blocks)) - 1
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
