package modbus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"
)

// A said is what a fake bus says, and when after the question was written.
type said struct {
	after time.Duration
	b     []byte
}

// A fakePort is a serial port whose far side is a function: what does the bus
// say to question n (from 1)? In a synctest bubble it takes no time.
type fakePort struct {
	bus func(n int, question []byte) []said

	mu      sync.Mutex
	in      []byte        // guarded by mu
	asked   [][]byte      // guarded by mu
	at      []time.Time   // of asked; guarded by mu
	heard   time.Time     // when the last bytes came in; guarded by mu
	lost    error         // what Read and Write return from now on; guarded by mu
	stuck   chan struct{} // Write comes back, with an error, when it is closed
	rang    chan struct{}
	timeout time.Duration
	closed  bool
}

func newFakePort(bus func(n int, question []byte) []said) *fakePort {
	return &fakePort{bus: bus, rang: make(chan struct{}, 1), timeout: -1}
}

// say puts b on the line now.
func (p *fakePort) say(b []byte) {
	p.mu.Lock()
	p.in = append(p.in, b...)
	p.heard = time.Now()
	p.mu.Unlock()
	p.ring()
}

func (p *fakePort) ring() {
	select {
	case p.rang <- struct{}{}:
	default:
	}
}

func (p *fakePort) lose(err error) {
	p.mu.Lock()
	p.lost = err
	p.mu.Unlock()
	p.ring()
}

func (p *fakePort) SetReadTimeout(d time.Duration) error {
	p.timeout = d
	return nil
}

func (p *fakePort) Read(b []byte) (int, error) {
	t := time.NewTimer(p.timeout)
	defer t.Stop()
	for {
		p.mu.Lock()
		n := copy(b, p.in)
		p.in = p.in[n:]
		err := p.lost
		p.mu.Unlock()
		if n > 0 || err != nil {
			return n, err
		}
		if p.timeout == 0 {
			return 0, nil
		}
		select {
		case <-p.rang:
		case <-t.C:
			return 0, nil
		}
	}
}

func (p *fakePort) Write(b []byte) (int, error) {
	if p.stuck != nil {
		<-p.stuck
		return 0, errors.New("input/output error")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != nil {
		return 0, p.lost
	}
	p.asked = append(p.asked, bytes.Clone(b))
	p.at = append(p.at, time.Now())
	for _, s := range p.bus(len(p.asked), b) {
		time.AfterFunc(s.after, func() { p.say(s.b) })
	}
	return len(b), nil
}

func (p *fakePort) Close() error {
	p.closed = true
	return nil
}

// fakeSerial is 8E1 at 9600 baud: a character is 1.15 ms, t3.5 is 4 ms.
var fakeSerial = Serial{Port: "fake", Baud: 9600, Parity: "even", StopBits: 1}

// newFakeLine returns a line on the ports that open returns, one after another.
func newFakeLine(t testing.TB, s Serial, o Options, open func() (port, error)) *Line {
	t.Helper()
	if err := o.fill(); err != nil {
		t.Fatal(err)
	}
	l := newLine(s.Port, o, newMaster(s, o, open))
	t.Cleanup(func() { l.Close() })
	return l
}

func newBusLine(t testing.TB, s Serial, o Options, bus func(n int, question []byte) []said) (*Line, *fakePort) {
	p := newFakePort(bus)
	return newFakeLine(t, s, o, func() (port, error) { return p, nil }), p
}

// holdings answers a question for holding registers as a good unit does: each
// register holds its own address.
func holdings(question []byte) []byte {
	return appendFrame(nil, question[0], holdingsPDU(question[1:]))
}

func holdingsPDU(q []byte) []byte {
	address, n := binary.BigEndian.Uint16(q[1:]), binary.BigEndian.Uint16(q[3:])
	pdu := []byte{q[0], byte(2 * n)}
	for i := range n {
		pdu = binary.BigEndian.AppendUint16(pdu, address+i)
	}
	return pdu
}

// holds is what holdings makes Read return.
func holds(address, n uint16) []byte {
	return holdingsPDU([]byte{3, byte(address >> 8), byte(address), 0, byte(n)})[2:]
}
