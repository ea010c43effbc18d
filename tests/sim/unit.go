package sim

import (
	"io"
	"sync"
	"time"
)

// A Unit is an instrument at its address on a bus.
type Unit struct {
	in *Instrument

	mu     sync.Mutex
	fault  Fault
	since  int           // questions since the fault was set
	latest time.Duration // from a question to the end of its answer
}

// Instrument is what stands at the address.
func (u *Unit) Instrument() *Instrument { return u.in }

// SetFault makes the unit ill, or with the zero Fault well again. It holds
// from the next question on; an answer on its way is not changed.
func (u *Unit) SetFault(f Fault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fault, u.since = f, 0
}

// Latest is the longest time that the unit took from hearing a question to the end
// of its answer. With [Fault.Late] it tells how much later than that the answers
// really were, on a machine that has much else to do.
func (u *Unit) Latest() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.latest
}

// took notes how long an answer took.
func (u *Unit) took(d time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.latest = max(u.latest, d)
}

// take returns the fault for one question and counts it.
func (u *Unit) take() Fault {
	u.mu.Lock()
	defer u.mu.Unlock()
	f := u.fault
	if u.since++; f.Every > 1 && u.since%f.Every != 0 {
		return Fault{}
	}
	if u.fault.Times > 0 {
		if u.fault.Times--; u.fault.Times == 0 {
			u.fault = Fault{}
		}
	}
	return f
}

// A framing puts PDUs into frames.
type framing struct {
	wrap  func(pdu []byte) []byte
	spoil func(frame []byte) // makes the check fail
}

// hear answers one question, in its own time. question is the whole frame, for
// echoes; ready is when the unit begins to speak, if it is well.
func (u *Unit) hear(pdu, question []byte, fr framing, m *mouth, ready time.Time) {
	f := u.take()
	heard := time.Now()
	answer, marks, refused := u.in.serve(pdu, heard)
	if f.Silent {
		u.in.settle(marks, Silent, time.Now())
		return
	}
	if f.Exception != 0 {
		answer, refused = refuse(pdu[0], f.Exception), true
	}
	frame := fr.wrap(answer)
	if f.WrongCRC {
		fr.spoil(frame)
	}
	frame = frame[:max(0, len(frame)-f.Truncate)]
	if f.Collide {
		frame = collide(frame)
	}
	out := make([]byte, 0, len(question)+len(f.Before)+len(frame)+len(f.After))
	if f.Echo {
		out = append(out, question...)
	}
	out = append(append(append(out, f.Before...), frame...), f.After...)

	speak := func() {
		o := f.outcome()
		if refused {
			o = Exception
		}
		if !m.waitUntil(ready.Add(f.Late), false) || !m.say(out, f.Slow, ready.Add(f.Late)) {
			o = Dropped
		}
		now := time.Now()
		u.took(now.Sub(heard))
		u.in.settle(marks, o, now)
	}
	if f.Late == 0 && f.Slow == 0 {
		speak()
		return
	}
	m.wg.Go(speak) // the bus goes on meanwhile
}

// A mouth puts bytes on a link at the speed of its wire.
type mouth struct {
	w        io.Writer
	byteTime time.Duration // 0: as fast as the link takes them
	think    time.Duration // from the end of a question to its answer, with byteTime
	nap      func(time.Duration)
	exact    bool            // may spin
	done     <-chan struct{} // closed when the link is to end
	wg       *sync.WaitGroup // answers on their way

	mu sync.Mutex // held during a write
}

// chunk is how many bytes reach the other end at once, as a USB adapter
// delivers them.
const chunk = 8

// wait lets d pass. It returns false where the link ended first.
func (m *mouth) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-m.done:
		return false
	}
}

// waitUntil is wait with the time at which to end. The last of it passes in a
// sleep of the system, as timers may be a millisecond late; and the very last,
// where it must be exact, without sleep.
func (m *mouth) waitUntil(t time.Time, exact bool) bool {
	const last = 2 * time.Millisecond
	if !m.wait(time.Until(t) - last) {
		return false
	}
	const spin = 300 * time.Microsecond
	if !exact {
		m.nap(time.Until(t))
		return true
	}
	m.nap(time.Until(t) - spin)
	if m.exact {
		for time.Now().Before(t) {
		}
	} else {
		m.nap(time.Until(t))
	}
	return true
}

// say sends out from a time on, with a pause after each byte where slow is not
// 0. It returns false where not all of it went out.
func (m *mouth) say(out []byte, slow time.Duration, due time.Time) bool {
	if slow > 0 {
		for i := range out {
			if !m.write(out[i:i+1]) || !m.wait(slow) {
				return false
			}
		}
		return true
	}
	if m.byteTime == 0 {
		return m.write(out)
	}
	for len(out) > 0 {
		n := min(chunk, len(out))
		due = due.Add(time.Duration(n) * m.byteTime)
		if !m.waitUntil(due, n == len(out)) || !m.write(out[:n]) {
			return false
		}
		out = out[n:]
	}
	return true
}

// write sends b at once.
func (m *mouth) write(b []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.w.Write(b)
	return err == nil
}

// wire is the time of n bytes on the wire.
func (m *mouth) wire(n int) time.Duration {
	return time.Duration(n) * m.byteTime
}
