package modbus

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// A Port is a serial port for instruments that do not speak Modbus: opened like
// that of a [Line], with the lock that keeps others off it, and used like a
// [net.Conn] with deadlines. Read and Write are for one goroutine each; the other
// methods may be called from any.
type Port struct {
	name string
	port port

	mu      sync.Mutex
	readBy  time.Time     // guarded by mu
	writeBy time.Time     // guarded by mu
	users   int           // calls into port that have not come back; guarded by mu
	closed  bool          // guarded by mu
	gone    chan struct{} // closed when port is
	err     error         // of closing it; to be read after gone
}

// OpenPort opens the serial port of s. The error wraps ErrPortMissing or
// ErrPortTaken where it is that, or says which setting makes no sense.
func OpenPort(s Serial) (*Port, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	p, err := openSerial(s)
	if err != nil {
		return nil, err
	}
	return newPort(s.Port, p), nil
}

func newPort(name string, p port) *Port {
	return &Port{name: name, port: p, gone: make(chan struct{})}
}

// SetReadDeadline says when Read gives up; zero is never. A Read under way takes it
// up within 20 ms.
func (p *Port) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readBy = t
	return nil
}

// SetWriteDeadline says when the next Write gives up, which it does after two
// seconds in any case.
func (p *Port) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writeBy = t
	return nil
}

// enter and leave are around each call into the port. It is closed by whoever is the
// last, so that no call meets another port under the old number.
func (p *Port) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("port %s: %w", p.name, os.ErrClosed)
	}
	p.users++
	return nil
}

func (p *Port) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users--; p.closed && p.users == 0 {
		p.end()
	}
}

// end closes the port, in a goroutine of its own as drivers have been seen to hang.
func (p *Port) end() {
	go func() {
		p.err = p.port.Close()
		close(p.gone)
	}()
}

// Read waits for bytes until the deadline. The error wraps ErrPortMissing when the
// port was unplugged, [os.ErrDeadlineExceeded] or [os.ErrClosed].
func (p *Port) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := p.enter(); err != nil {
		return 0, err
	}
	defer p.leave()
	for {
		p.mu.Lock()
		closed, by := p.closed, p.readBy
		p.mu.Unlock()
		wait := slice
		if !by.IsZero() {
			wait = min(slice, time.Until(by))
		}
		switch {
		case closed:
			return 0, fmt.Errorf("port %s: %w", p.name, os.ErrClosed)
		case wait <= 0:
			return 0, fmt.Errorf("port %s: %w", p.name, os.ErrDeadlineExceeded)
		}
		if err := p.port.SetReadTimeout(wait); err != nil {
			return 0, err
		}
		if n, err := p.port.Read(b); n > 0 || err != nil {
			return n, err
		}
	}
}

// Write hands b to the driver. The error wraps ErrPortStuck when that does not come
// back: the port is then of no more use, and is closed when the driver lets go of it.
func (p *Port) Write(b []byte) (int, error) {
	if err := p.enter(); err != nil {
		return 0, err
	}
	p.mu.Lock()
	most := stuckAfter
	if !p.writeBy.IsZero() {
		most = min(most, max(0, time.Until(p.writeBy)))
	}
	p.mu.Unlock()
	type written struct {
		n   int
		err error
	}
	done := make(chan written, 1)
	own := append([]byte(nil), b...) // the driver may have it for longer than the caller
	go func() {
		defer p.leave()
		n, err := p.port.Write(own)
		done <- written{n, err}
	}()
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case w := <-done:
		return w.n, w.err
	case <-t.C:
		return 0, fmt.Errorf("port %s: %w", p.name, ErrPortStuck)
	}
}

// Close closes the port; a Read under way ends. It returns within two seconds, with
// ErrPortStuck when the driver still has it then. Until the driver lets go of it, the
// port stays taken for others.
func (p *Port) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		if p.users == 0 {
			p.end()
		}
	}
	p.mu.Unlock()
	t := time.NewTimer(closeWait)
	defer t.Stop()
	select {
	case <-p.gone:
		return p.err
	case <-t.C:
		return fmt.Errorf("close %s: %w", p.name, ErrPortStuck)
	}
}
