package main

import (
	"context"
	"errors"

	"envgate/buffer"
	"envgate/envelope"
)

// sealed hands an event in, and waits until it is on the disk: what must be written down
// before it is done. Another event of the same type, subject and new value passes for it.
func (a *agent) sealed(ctx context.Context, log *buffer.Log, e envelope.Event) error {
	epoch := log.Epoch()
	_, after := log.Bounds(event)
	a.in.event(e)
	for {
		changed := log.Changed()
		first, blocks, err := log.Read(event, after, 16)
		if err != nil && !errors.Is(err, buffer.ErrSuspect) {
			return err
		}
		for i, message := range blocks {
			if b, _, err := openMessage(message, nil); err == nil {
				for _, x := range b.Events {
					if x.Type == e.Type && x.Subject == e.Subject && x.New == e.New {
						return nil
					}
				}
			}
			after = first + uint64(i)
		}
		if len(blocks) > 0 {
			continue
		}
		if log.Epoch() != epoch {
			return buffer.ErrRotated
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
