package sim

import "errors"

// Say puts bytes on the line that nobody asked for, as a unit that babbles does.
// An unplugged bus says nothing. It waits while nobody reads what was said before.
func (b *Bus) Say(p []byte) {
	b.mu.Lock()
	s := b.live
	b.mu.Unlock()
	if s != nil {
		s.m.write(p)
	}
}

// Hold makes the adapter take no more bytes, as one that hangs does: whoever writes
// to it waits until Release, or until the bus is unplugged.
func (b *Bus) Hold() error { return b.hold(true) }

// Release ends Hold.
func (b *Bus) Release() error { return b.hold(false) }

func (b *Bus) hold(on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == nil {
		return nil
	}
	h, ok := b.live.l.(interface{ hold(on bool) error })
	if !ok {
		return errors.New("this system's ports cannot be held")
	}
	return h.hold(on)
}

// collide is what a line carries when another unit speaks at the same time: of both
// frames some bytes, in turn.
func collide(frame []byte) []byte {
	out := make([]byte, 0, 2*len(frame))
	for i, c := range frame {
		if i%3 > 0 {
			out = append(out, c)
		}
		out = append(out, ^c)
	}
	return out
}
