package sim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// BusOptions say what a serial bus is like.
type BusOptions struct {
	// Name is the path of a symbolic link to the pseudo terminal, as udev
	// makes one for an adapter: it stays the same when the bus is plugged in
	// again. Needed.
	Name string
	// Baud makes questions and answers take the time they take on a wire, at
	// ten bits a byte. 0: no time.
	Baud int
	// Think is how long a unit takes from a question to its answer, beyond the
	// silence of 3.5 characters that ends the question. With Baud only.
	Think time.Duration
}

// A Bus is a serial line with units on it, on the far side of a pseudo
// terminal. Units that are not there do not answer.
type Bus struct {
	o  BusOptions
	us units

	mu   sync.Mutex
	live *session // nil while unplugged
}

// OpenBus makes a bus and plugs it in. It fails where the system has no
// pseudo terminals, or the link's folder cannot be written.
func OpenBus(o BusOptions) (*Bus, error) {
	b := &Bus{o: o}
	if err := b.Replug(); err != nil {
		return nil, err
	}
	return b, nil
}

// Path is the name to open the bus by.
func (b *Bus) Path() string { return b.o.Name }

// Attach puts an instrument on the bus at an address from 1 to 247, in place
// of what was there.
func (b *Bus) Attach(address byte, in *Instrument) *Unit {
	return b.us.attach(address, in)
}

// Unplug pulls the adapter out: the node goes away, and whoever has it open
// is hung up on. It returns when nothing of the bus runs any more.
func (b *Bus) Unplug() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == nil {
		return nil
	}
	err := os.Remove(b.o.Name)
	b.live.end()
	b.live = nil
	return err
}

// Replug plugs the adapter in again, under the same name; a bus that is
// plugged in stays as it is.
func (b *Bus) Replug() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live != nil {
		return nil
	}
	p, err := openPTY()
	if err != nil {
		return fmt.Errorf("open bus %s: %w", b.o.Name, err)
	}
	os.Remove(b.o.Name) // a link that a killed run left
	if err := os.Symlink(p.slaveName, b.o.Name); err != nil {
		p.Close()
		return fmt.Errorf("open bus: %w", err)
	}
	s := newSession(p, b.o.Baud, b.o.Think)
	s.m.wg.Go(func() { s.listen(&b.us) })
	b.live = s
	return nil
}

// Close unplugs the bus for good.
func (b *Bus) Close() error { return b.Unplug() }

// byteTime is the time of one byte, ten bits, at a speed.
func byteTime(baud int) time.Duration {
	if baud <= 0 {
		return 0
	}
	return 10 * time.Second / time.Duration(baud)
}

// silence is the 3.5 characters that end a frame, and from 19200 baud on a
// fixed 1750 µs (Modbus over serial line 1.02, 2.5.1.1).
func silence(baud int) time.Duration {
	if baud >= 19200 {
		return 1750 * time.Microsecond
	}
	return 7 * byteTime(baud) / 2
}

// units are the instruments of a bus or server by address.
type units struct {
	mu sync.Mutex
	at map[byte]*Unit
}

func (us *units) attach(address byte, in *Instrument) *Unit {
	us.mu.Lock()
	defer us.mu.Unlock()
	if us.at == nil {
		us.at = map[byte]*Unit{}
	}
	u := &Unit{in: in}
	us.at[address] = u
	return u
}

func (us *units) get(address byte) *Unit {
	us.mu.Lock()
	defer us.mu.Unlock()
	return us.at[address]
}

// A link is what a session speaks over: a pseudo terminal or a connection.
type link interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
}

// A session is one link, from plugging in to unplugging.
type session struct {
	l    link
	m    *mouth
	done chan struct{}
	once sync.Once

	heard time.Time // when the last bytes came
}

func newSession(l link, baud int, think time.Duration) *session {
	s := &session{l: l, done: make(chan struct{})}
	s.m = &mouth{w: l, byteTime: byteTime(baud), think: silence(baud) + think, nap: nap, exact: true, done: s.done, wg: new(sync.WaitGroup)}
	return s
}

// hangUp ends the session without waiting.
func (s *session) hangUp() {
	s.once.Do(func() {
		close(s.done)
		s.l.Close()
	})
}

// end ends the session and waits for its goroutines.
func (s *session) end() {
	s.hangUp()
	s.m.wg.Wait()
}

// quiet ends a frame whose length nobody knows. It is longer than the 3.5
// characters of the standard, for a pseudo terminal keeps no time.
const quiet = 20 * time.Millisecond

// listen reads serial questions and has them answered, until the link ends.
func (s *session) listen(us *units) {
	var buf []byte
	in := make([]byte, 512)
	for {
		var deadline time.Time
		if len(buf) > 0 {
			deadline = time.Now().Add(quiet)
		}
		s.l.SetReadDeadline(deadline)
		n, err := s.l.Read(in)
		s.heard = time.Now()
		buf = append(buf, in[:n]...)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if sound(buf) { // a private function
				s.question(us, buf)
			}
			buf = nil
		case err != nil:
			return
		}
		for {
			frame, rest := cutQuestion(buf)
			if frame == nil {
				break
			}
			s.question(us, frame)
			buf = rest
		}
	}
}

// question hands a serial frame to the unit it names. Nobody answers for a
// unit that is not there, nor to unit 0, which is everyone.
func (s *session) question(us *units, frame []byte) {
	u := us.get(frame[0])
	if u == nil || frame[0] == 0 {
		return
	}
	ready := s.ready(len(frame))
	address := frame[0]
	u.hear(frame[1:len(frame)-2], frame, framing{
		wrap:  func(pdu []byte) []byte { return appendRTU(nil, address, pdu) },
		spoil: func(frame []byte) { frame[len(frame)-1] ^= 0x10 },
	}, s.m, ready)
}

// ready is when the unit has heard a question of n bytes, which all came at
// once at the time it would have begun on the wire, and has made its answer.
func (s *session) ready(n int) time.Time {
	if s.m.byteTime == 0 {
		return s.heard
	}
	return s.heard.Add(s.m.wire(n) + s.m.think)
}
