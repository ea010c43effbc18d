package modbus

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// A port is the byte stream under the RTU master. After the read time-out Read
// returns (0, nil), which io.ReadFull and bufio do not understand. All calls
// come from one goroutine.
type port interface {
	SetReadTimeout(time.Duration) error
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	Close() error
}

const (
	// slice is the longest single read, so that Close and a cancelled context
	// are seen soon.
	slice = 20 * time.Millisecond
	// quietMargin is what must pass beyond t3.5 before a line counts as quiet:
	// USB adapters hand bytes over in chunks up to 16 ms apart.
	quietMargin = 30 * time.Millisecond
	// maxUnasked is how much is dropped before one question. A port keeps some
	// thousand bytes for us, a connection some million.
	maxUnasked = 16 << 20
)

// A master speaks RTU on one bus. It belongs to the goroutine that owns the
// line, and outlives the port, which comes and goes with the adapter.
//
// The rule that everything here serves: an answer says neither which question
// it answers nor which registers it holds. So a question may go out only when
// no answer to an earlier one can still come. Why that holds, however long the
// system keeps this goroutine from running between any two of its steps:
//
//  1. From before its first byte is written, a question owes an answer, until
//     at least the late window after its time-out. Only [master.take] ends that
//     earlier. An end that comes in any other way, a panic of the port
//     included, leaves it owed, and a new port under the same line as well.
//  2. While one is owed nothing is written. [master.quarantine] waits until the
//     time up to which it may come has passed, or until it came and the line
//     fell quiet.
//  3. It takes that from a clock reading, but ends only with a read that begins
//     after that reading and finds nothing. So does [master.silence], which
//     comes last before the write. An answer that had begun to reach the port
//     by then is dropped, however late the reading is looked at, and the line
//     is quiet again before the question, unless it never is: then the head of
//     that answer is dropped, and the rest is no frame. A delay anywhere here
//     only lets more of the late answer come in, and be dropped.
//  4. So what [master.hear] finds reached the port after the window of every
//     question before: it answers this one, or breaks the promise that the
//     window is set by.
type master struct {
	openPort func() (port, error)
	port     port // nil while closed

	char   time.Duration // one character on the wire
	t35    time.Duration // silence that ends a frame
	quiet  time.Duration // silence after which nothing more comes
	pause  time.Duration // between questions, if longer than t35
	window time.Duration // how long after its time-out an answer may still come
	echo   bool          // the adapter hears what it sends

	count *counters
	watch *watchdog
	stop  <-chan struct{}

	out   []byte        // the frame sent, reused
	in    []byte        // received and not yet accounted for, reused
	wait  time.Duration // the read time-out that port has
	last  time.Time     // end of the last activity on the wire
	until time.Time     // an answer to late may come up to here; zero: none is owed
	late  want
}

// newMaster returns the master of the bus s. Its port is opened by open.
func newMaster(s Serial, o Options, openPort func() (port, error)) *master {
	m := &master{
		openPort: openPort,
		char:     s.charTime(),
		t35:      s.silence(),
		pause:    o.Pause,
		window:   o.LateWindow,
		echo:     s.Echo,
		out:      make([]byte, 0, maxFrame),
		in:       make([]byte, 0, 4*maxFrame),
	}
	m.quiet = m.t35 + quietMargin
	return m
}

func (m *master) attach(c *counters, w *watchdog, stop <-chan struct{}) {
	m.count, m.watch, m.stop = c, w, stop
}

func (m *master) open(*question) error {
	m.watch.arm(stuckAfter)
	defer m.watch.disarm()
	p, err := m.openPort()
	if err != nil {
		return err
	}
	m.port, m.wait = p, -1
	return nil
}

func (m *master) close() error {
	if m.port == nil {
		return nil
	}
	m.watch.arm(stuckAfter)
	defer m.watch.disarm()
	p := m.port
	m.port = nil
	return p.Close()
}

// ask puts q on the wire and returns the PDU that answers it, good until the
// next call. An answer that came too late for an earlier question is thrown
// away, never taken for this one.
func (m *master) ask(q *question) ([]byte, error) {
	if err := m.quarantine(q); err != nil {
		return nil, err
	}
	if err := m.silence(q); err != nil {
		return nil, err
	}
	m.out = appendFrame(m.out[:0], q.unit, q.pdu)
	start := time.Now()
	m.last = start.Add(m.char * time.Duration(len(m.out))) // write only fills a buffer
	m.owe(q, m.last.Add(q.timeout))
	m.count.questions.Add(1)
	m.count.taps.wire(TapQuestion, m.out)
	err := m.write(m.out)
	if now := time.Now(); now.After(m.last) {
		m.last = now
	}
	m.owe(q, m.last.Add(q.timeout))
	if err != nil {
		return nil, err
	}
	return m.hear(q)
}

// hear waits for the answer to q.
//
// Bytes that are no answer do not end the wait: another unit's frame, noise
// and the own echo are passed over. A damaged answer on a quiet line does. When
// the time is over, one more read takes what came while this goroutine did not
// run: a busy machine loses no answer that was in time.
func (m *master) hear(q *question) ([]byte, error) {
	begin := m.last.Add(q.timeout) // by when the answer must have begun
	end := begin.Add(m.char * time.Duration(q.want.size+3))
	if q.want.size == 0 {
		end = begin.Add(m.char*maxFrame + m.quiet)
	}
	// A read is never answered by itself, so its echo is one on any line. A
	// write may be: there only the setting tells, and the echo comes first.
	echo := m.echo || q.again

	misfits := 0
	judged := true // nothing new since the line was last found quiet
	var heard time.Time
	m.in = m.in[:0]
	for {
		limit := begin
		if len(m.in) > 0 {
			limit = end
		}
		now := time.Now()
		over := !now.Before(limit)
		wait := min(max(limit.Sub(now), 0), slice)
		if !judged {
			wait = min(wait, max(heard.Add(m.quiet).Sub(now), time.Millisecond))
		}
		n, err := m.read(wait)
		if err == nil {
			err = q.cancelled(m.stop)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case n > 0:
			heard, judged = time.Now(), false
			m.last = heard
			if echo {
				if i := bytes.Index(m.in, m.out); i >= 0 {
					m.count.echoes.Add(1)
					m.count.skipped.Add(uint64(i))
					m.count.taps.wire(TapNoise, m.in[:i])
					m.count.taps.wire(TapEcho, m.out)
					m.in = append(m.in[:0], m.in[i+len(m.out):]...)
					echo = false
				}
			}
			if from, to := q.want.find(m.in); to > 0 {
				return m.take(q, from, to)
			}
		case !judged && time.Since(heard) >= m.quiet:
			// Whatever was sent has been sent whole.
			judged = true
			if q.want.size == 0 {
				if from, to := q.want.findEnded(m.in); to > 0 {
					return m.take(q, from, to)
				}
			}
			rest, odd := m.sift(q.want, m.in)
			m.in = rest
			misfits += odd
			if q.want.damaged(m.in) {
				return nil, m.damagedAnswer(q)
			}
		}
		if over && (n == 0 || limit.Equal(end)) {
			return nil, m.unanswered(q, misfits)
		}
	}
}

// take returns the answer m.in[from:to] and accounts for the bytes around it.
// The question owes nothing then, unless it was the word of a gateway or a slow
// unit that the answer is still being waited for.
func (m *master) take(q *question, from, to int) ([]byte, error) {
	frame := m.in[from:to]
	m.skip(q.want, m.in[:from])
	m.count.taps.wire(TapAnswer, frame)
	m.skip(q.want, m.in[to:])
	if frame[1]&fcException == 0 {
		m.until = time.Time{}
		return frame[1 : len(frame)-2], nil
	}
	if !interim(frame) {
		m.until = time.Time{}
	}
	return nil, q.refused(frame[2])
}

// skip accounts for bytes that answer nothing.
func (m *master) skip(w want, b []byte) {
	rest, _ := m.sift(w, b)
	m.drop(rest)
}

// sift takes whole frames out of b, in place, see [want.sift].
func (m *master) sift(w want, b []byte) (rest []byte, misfits int) {
	m.count.taps.foreign(b)
	rest, foreign, misfits := w.sift(b)
	m.count.foreign.Add(uint64(foreign))
	return rest, misfits
}

// drop accounts for noise.
func (m *master) drop(b []byte) {
	m.count.skipped.Add(uint64(len(b)))
	m.count.taps.wire(TapNoise, b)
}

// unanswered is the end of a question whose time ran out.
func (m *master) unanswered(q *question, misfits int) error {
	rest, odd := m.sift(q.want, m.in)
	m.in = rest
	if q.want.damaged(rest) {
		return m.damagedAnswer(q)
	}
	m.owe(q, time.Now())
	m.drop(rest)
	m.count.taps.wire(TapSilence, nil)
	switch {
	case misfits+odd > 0:
		return fmt.Errorf("%w: unit %d sent another number of bytes", ErrAnswer, q.unit)
	case len(rest) > 0:
		return fmt.Errorf("%w in %v, only %d stray bytes", ErrNoAnswer, q.timeout, len(rest))
	}
	return fmt.Errorf("%w in %v", ErrNoAnswer, q.timeout)
}

// damagedAnswer is the end of a question whose answer has a wrong CRC. With the
// head of the answer it was the answer, and what may follow it comes soon.
// Without, it may have been noise, and the answer be as late as any.
func (m *master) damagedAnswer(q *question) error {
	if now := time.Now(); q.want.headed(m.in) || now.Add(m.window).After(m.until) {
		m.owe(q, now)
	}
	m.count.skipped.Add(uint64(len(m.in)))
	m.count.taps.wire(TapDamaged, m.in)
	return fmt.Errorf("%w: %d bytes came", ErrCRC, len(m.in))
}

// owe notes that the answer to q may come until the late window after from.
func (m *master) owe(q *question, from time.Time) {
	m.late, m.until = q.want, from.Add(m.window)
}

// quarantine reads and drops until no answer is owed any more: the late window
// has passed, or the late answer came, and the line is quiet.
func (m *master) quarantine(q *question) error {
	if m.until.IsZero() {
		return nil
	}
	m.in = m.in[:0]
	seen := false // the answer came, and there is no second one
	var heard time.Time
	babble := m.until.Add(m.quiet + m.char*maxFrame) // a line that is never quiet
	for end := m.until; ; {
		wait := time.Until(end)
		n, err := m.read(min(max(wait, 0), slice))
		if err == nil {
			err = q.cancelled(m.stop)
		}
		if err != nil {
			return err
		}
		now := time.Now()
		if n > 0 {
			heard = now
			if from, to := m.late.find(m.in); !seen && to > 0 {
				seen = !interim(m.in[from:to])
				m.count.late.Add(1)
				m.count.taps.wire(TapLate, m.in[from:to])
				m.in = append(m.in[:from], m.in[to:]...)
			}
		}
		end = m.until
		if !heard.IsZero() {
			m.last = heard
			if calm := heard.Add(m.quiet); seen || calm.After(end) {
				end = calm
			}
		}
		if babble.Before(end) {
			end = babble
		}
		if wait <= 0 && n == 0 || !now.Before(babble) {
			break
		}
	}
	m.skip(m.late, m.in)
	m.in = m.in[:0]
	m.until = time.Time{}
	return nil
}

// silence waits until the line has been silent for t3.5, or the pause between
// questions if that is longer, and drops what was said unasked. On a line that
// never falls silent it gives up soon, and the question is put into the noise.
//
// It ends with a read that finds nothing, always: see the rule of [master].
// What came before the question, however long ago and however much of it, is
// never heard as its answer. It waits in reads, too, which the system ends in
// time: a timer may be a millisecond late, which is a tenth of an exchange on a
// fast line.
func (m *master) silence(q *question) error {
	m.in = m.in[:0]
	need := max(m.t35, m.pause)
	patience := time.Now().Add(4 * need)
	dropped := 0
	for {
		wait := time.Duration(0)
		if now := time.Now(); now.Before(patience) {
			wait = max(m.last.Add(need).Sub(now), 0)
		}
		n, err := m.read(min(wait, slice))
		if err == nil {
			err = q.cancelled(m.stop)
		}
		if err != nil {
			return err
		}
		switch {
		case n > 0:
			m.last = time.Now()
			if dropped += n; dropped > maxUnasked {
				return fmt.Errorf("%w: %d bytes came unasked, and more come", ErrNoAnswer, dropped)
			}
		case wait == 0:
			m.skip(q.want, m.in)
			return nil
		}
	}
}

// read appends to m.in what comes within wait; 0 takes only what is there. A
// full buffer loses its older half: no frame is that long.
func (m *master) read(wait time.Duration) (int, error) {
	if wait != m.wait {
		if err := m.port.SetReadTimeout(wait); err != nil {
			return 0, err
		}
		m.wait = wait
	}
	if len(m.in) == cap(m.in) {
		half := cap(m.in) / 2
		m.count.skipped.Add(uint64(half))
		m.in = append(m.in[:0], m.in[half:]...)
	}
	m.watch.arm(wait + stuckAfter)
	defer m.watch.disarm() // a panicking port included
	for tries := 0; ; tries++ {
		n, err := m.port.Read(m.in[len(m.in):cap(m.in)])
		if n > 0 {
			m.in = m.in[:len(m.in)+n]
			return n, nil // an error beside bytes comes again
		}
		// Interrupted is not empty, see silence.
		if !errors.Is(err, syscall.EINTR) || tries == 100 {
			return 0, err
		}
	}
}

func (m *master) write(b []byte) error {
	m.watch.arm(stuckAfter)
	defer m.watch.disarm()
	for len(b) > 0 {
		n, err := m.port.Write(b)
		if errors.Is(err, syscall.EINTR) {
			err = nil
		} else if err == nil && n == 0 {
			err = errors.New("port takes no bytes")
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
