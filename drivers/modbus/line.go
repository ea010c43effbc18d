// Package modbus asks instruments over Modbus, on serial lines (RTU) and on
// networks (TCP, TCP with TLS, UDP, RTU over TCP). It knows nothing of any
// instrument: it moves registers.
//
// A [Line] owns one bus. [NewSerial] and [NewNetwork] make one without touching
// the bus; [Line.Read] connects when it must.
//
// What a line promises:
//
//   - An answer that comes late is never taken for the answer to a later
//     question, as long as it reaches the port within Options.LateWindow after
//     the time-out, however busy this machine is. An RTU answer does not say what
//     it answers, so after a question without an answer the line listens and drops
//     until none can come any more. An answer later than that cannot be told from
//     the right one: give slow instruments their time-out.
//   - Writes are put on the wire once and never again.
//   - No question hangs: a driver call that does not come back is left behind,
//     and while a port is missing questions fail at once.
//   - A bus in trouble stays alone: lines share nothing.
package modbus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Options are what serial and network lines have in common.
type Options struct {
	// Timeout is how long a unit may take to begin its answer, unless the
	// question says otherwise; 0 is one second.
	Timeout time.Duration
	// LateWindow is how long after its time-out an answer may still come.
	// The line is lost for that long after each question without an answer.
	// 0 means as long as Timeout.
	LateWindow time.Duration
	// Pause is the least time between the end of an answer and the next
	// question, for instruments that need one. The standard's silence is
	// kept in any case.
	Pause time.Duration
	// Certificate and RootCAs are for tcp+tls, which needs both.
	Certificate *tls.Certificate
	RootCAs     *x509.CertPool
	// Logger is told when the line goes down and comes up; nil is nobody.
	Logger *slog.Logger
}

// maxWait bounds the options and time-outs that are times.
const maxWait = 10 * time.Minute

func (o *Options) fill() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"time-out", o.Timeout}, {"late window", o.LateWindow}, {"pause", o.Pause}} {
		if d.value < 0 || d.value > maxWait {
			return fmt.Errorf("%s is %v: 0 to %v", d.name, d.value, maxWait)
		}
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if o.LateWindow == 0 {
		o.LateWindow = o.Timeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// closeWait is how long Close waits for a port that is in use.
const closeWait = 2 * time.Second

// A Line owns one bus: a serial port, or a network endpoint. It is safe for
// concurrent use; questions are put one at a time.
type Line struct {
	name  string // port or URL
	o     Options
	bus   bus // owned by the running owner
	count counters
	stop  chan struct{} // closed by Close

	mu     sync.Mutex
	owner  *owner // nil before the first question; guarded by mu
	closed bool   // guarded by mu

	// What the owner knows of the bus, handed on when one follows another.
	ends  [maxUnit + 1]time.Time // of the last exchange, by unit
	up    bool
	down  error         // why the last opening failed or the port broke, nil at first
	since time.Time     // of up or down
	retry time.Time     // no opening before
	delay time.Duration // of the back-off
}

// NewSerial returns the line on a serial port. The port need not exist: it is
// opened when the first question comes, and again whenever it comes back. The
// error is about settings that make no sense.
func NewSerial(s Serial, o Options) (*Line, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := o.fill(); err != nil {
		return nil, fmt.Errorf("serial port %s: %w", s.Port, err)
	}
	return newLine(s.Port, o, newMaster(s, o, func() (port, error) { return openSerial(s) })), nil
}

// NewNetwork returns the line on a network endpoint: tcp://host:port,
// tcp+tls://, udp:// or rtuovertcp://, the last for converters that pass RTU
// frames through. It connects when the first question comes. The error is about
// settings that make no sense.
func NewNetwork(url string, o Options) (*Line, error) {
	if err := o.fill(); err != nil {
		return nil, fmt.Errorf("network line %s: %w", url, err)
	}
	n, err := newNetwork(url, o)
	if err != nil {
		return nil, err
	}
	return newLine(url, o, n), nil
}

func newLine(name string, o Options, b bus) *Line {
	return &Line{name: name, o: o, bus: b, stop: make(chan struct{}), delay: minBackoff}
}

// String returns the port or URL of the line.
func (l *Line) String() string { return l.name }

// Stats returns the line's counts.
func (l *Line) Stats() Stats { return l.count.stats() }

// Read puts a question and returns its data: bits packed eight to a byte, the
// first in the lowest bit, or two bytes a register. The slice is the caller's.
//
// The error wraps ErrNoAnswer, ErrCRC or ErrAnswer, is an [*Exception], or says
// why the line is down. While it is down Read returns at once.
func (l *Line) Read(ctx context.Context, r Read) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("read unit %d: %w", r.Unit, err)
	}
	pdu := appendRead(make([]byte, 0, 5), r)
	answer, err := l.put(ctx, &question{unit: r.Unit, pdu: pdu, timeout: r.Timeout, pause: r.Pause, again: true})
	if err != nil {
		return nil, err
	}
	return answer[2:], nil
}

// WriteCoil sets one coil (function 5). Like all writes it is put once; after
// ErrNoAnswer nobody knows whether it was obeyed.
func (l *Line) WriteCoil(ctx context.Context, unit byte, address uint16, on bool) error {
	return l.write(ctx, unit, address, 1, 1, func() []byte {
		return appendWriteCoil(nil, address, on)
	})
}

// WriteRegister sets one holding register (function 6).
func (l *Line) WriteRegister(ctx context.Context, unit byte, address, value uint16) error {
	return l.write(ctx, unit, address, 1, 1, func() []byte {
		return appendWriteRegister(nil, address, value)
	})
}

// WriteCoils sets 1 to 1968 coils from address on (function 15).
func (l *Line) WriteCoils(ctx context.Context, unit byte, address uint16, values []bool) error {
	return l.write(ctx, unit, address, len(values), maxWriteBits, func() []byte {
		return appendWriteCoils(nil, address, values)
	})
}

// WriteRegisters sets 1 to 123 holding registers from address on (function 16).
func (l *Line) WriteRegisters(ctx context.Context, unit byte, address uint16, values []uint16) error {
	return l.write(ctx, unit, address, len(values), maxWriteRegisters, func() []byte {
		return appendWriteRegisters(nil, address, values)
	})
}

func (l *Line) write(ctx context.Context, unit byte, address uint16, n, limit int, pdu func() []byte) error {
	if err := checkRange(unit, address, n, limit); err != nil {
		return fmt.Errorf("write unit %d: %w", unit, err)
	}
	_, err := l.put(ctx, &question{unit: unit, pdu: pdu()})
	return err
}

// Do puts a question of any function and returns the answer, function code
// first, in a slice that is the caller's. It is for serial lines and
// rtuovertcp; on others the error wraps ErrRaw. pdu is 1 to 253 bytes and is not kept. timeout 0 is the
// line's.
//
// An answer to a private function has no length known beforehand; it is taken
// to end where the line falls silent.
func (l *Line) Do(ctx context.Context, unit byte, pdu []byte, timeout time.Duration) ([]byte, error) {
	err := checkUnit(unit)
	switch {
	case err != nil:
	case len(pdu) < 1 || len(pdu) > maxPDU:
		err = fmt.Errorf("%w: %d bytes: a PDU has 1 to %d", ErrQuestion, len(pdu), maxPDU)
	case pdu[0] == 0 || pdu[0] >= fcException:
		err = fmt.Errorf("%w: function is %d: 1 to 127", ErrQuestion, pdu[0])
	}
	if err != nil {
		return nil, fmt.Errorf("ask unit %d: %w", unit, err)
	}
	q := &question{unit: unit, pdu: append([]byte(nil), pdu...), timeout: timeout, raw: true}
	return l.put(ctx, q)
}

// put hands q to the owner and waits for what comes of it.
func (l *Line) put(ctx context.Context, q *question) ([]byte, error) {
	pdu, err := l.exchange(ctx, q)
	if err == nil {
		return pdu, nil
	}
	if _, ok := errors.AsType[*Exception](err); ok {
		return nil, err // it names unit and range itself
	}
	return nil, fmt.Errorf("%v: %w", q, err)
}

func (l *Line) exchange(ctx context.Context, q *question) ([]byte, error) {
	if q.timeout < 0 || q.timeout > maxWait {
		return nil, fmt.Errorf("%w: time-out is %v: 0 to %v", ErrQuestion, q.timeout, maxWait)
	}
	if q.pause < 0 || q.pause > maxWait {
		return nil, fmt.Errorf("%w: pause is %v: 0 to %v", ErrQuestion, q.pause, maxWait)
	}
	if q.timeout == 0 {
		q.timeout = l.o.Timeout
	}
	q.ctx = ctx
	q.want = wantOf(q.unit, q.pdu)
	if q.again {
		q.want = wantOfRead(q.unit, q.pdu) // also where the function is private
	}

	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o, err := l.current()
	if err != nil {
		return nil, err
	}
	answer := make(chan result, 1)
	jobs := o.jobs
	for {
		select {
		case jobs <- job{q, answer}:
			jobs = nil // taken; now for the answer
		case r := <-answer:
			return r.pdu, r.err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.stop:
			return nil, ErrClosed
		case <-o.left:
			return nil, fmt.Errorf("%s: %w", l.name, ErrPortStuck)
		}
	}
}

// Close ends the line. Questions under way and later ones return ErrClosed.
// It returns within three seconds; the error wraps ErrPortStuck when the port
// is still in a call that does not come back, and is then left behind.
func (l *Line) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.stop)
	}
	o := l.owner
	l.mu.Unlock()
	if o == nil {
		return nil
	}
	t := time.NewTimer(closeWait)
	defer t.Stop()
	select {
	case <-o.done:
		return nil
	case <-t.C:
		return fmt.Errorf("close %s: %w", l.name, ErrPortStuck)
	}
}
