package modbus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// RTU frames over a TCP connection, as transparent converters pass them: the master of
// serial lines on a connection in place of a port. The network client is not used here.
// It never empties the receive buffer, so that each time-out would cost the connection,
// and its time-out is fixed when it connects.

const (
	// streamQuiet is the silence after which nothing more comes. Converters and radio
	// links hand bytes over in chunks.
	streamQuiet = 100 * time.Millisecond
	// streamGone is after how long without a byte the far end may be gone without a
	// word, if missLimit questions in a row went unanswered.
	streamGone = 10 * time.Second
)

// A stream is the transport of rtuovertcp.
type stream struct {
	*master
	address string

	conn   *streamPort
	proven bool // the connection has brought an answer
	misses int  // questions unanswered in a row
}

// newStream returns the transport of host:port. The speed of the bus behind it is not
// known; a slow one is assumed where an answer that has begun must end.
func newStream(address string, o Options) *stream {
	m := newMaster(Serial{Baud: 9600, Parity: "even"}, o, nil)
	m.t35, m.quiet = 0, streamQuiet
	return &stream{master: m, address: address}
}

// open connects. It waits for q's time-out at most.
func (s *stream) open(q *question) error {
	ctx, cancel := context.WithTimeout(q.ctx, q.timeout)
	defer cancel()
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		if ended := q.cancelled(s.stop); ended != nil {
			return ended
		}
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	s.conn = &streamPort{c: c, heard: time.Now()}
	s.port, s.wait, s.proven, s.misses = s.conn, -1, false, 0
	return nil
}

// ask puts q. A connection that had worked and is found broken, as when the far end
// closes idle ones, is made again at once, and a read put again on it.
func (s *stream) ask(q *question) ([]byte, error) {
	if s.port == nil || s.misses >= missLimit && time.Since(s.conn.heard) > streamGone {
		if err := s.renew(q); err != nil {
			return nil, err
		}
	}
	pdu, err := s.put(q)
	if errors.Is(err, ErrUnreachable) && s.proven && q.again {
		if err := s.renew(q); err != nil {
			return nil, err
		}
		pdu, err = s.put(q)
	}
	return pdu, err
}

func (s *stream) put(q *question) ([]byte, error) {
	pdu, err := s.master.ask(q)
	if _, refused := errors.AsType[*Exception](err); err == nil || refused {
		s.proven, s.misses = true, 0
	} else {
		s.misses++
	}
	return pdu, err
}

func (s *stream) renew(q *question) error {
	s.close()
	if err := s.open(q); err != nil {
		return err
	}
	s.count.opens.Add(1)
	return nil
}

// A streamPort is a TCP connection with the manners of a serial port.
type streamPort struct {
	c     net.Conn
	wait  time.Duration
	heard time.Time // when the last byte came, at first the connection
}

func (p *streamPort) SetReadTimeout(d time.Duration) error {
	p.wait = d
	return nil
}

// Read returns what is there even when its time-out is over before it begins, as
// that of a port does: the master rests its case on a read that finds nothing. A
// connection whose deadline has passed finds nothing whatever is there, and on a
// busy machine any deadline may have passed between setting and reading.
func (p *streamPort) Read(b []byte) (n int, err error) {
	if p.wait > 0 {
		if err := p.c.SetReadDeadline(time.Now().Add(p.wait)); err != nil {
			return 0, broken(err)
		}
		n, err = p.c.Read(b)
	}
	if p.wait <= 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		n, err = p.readNow(b)
	}
	if n > 0 {
		p.heard = time.Now()
	}
	return n, broken(err)
}

// readNow reads what has come, and does not wait.
func (p *streamPort) readNow(b []byte) (n int, err error) {
	c, err := p.c.(syscall.Conn).SyscallConn()
	if err == nil {
		err = p.c.SetReadDeadline(time.Time{})
	}
	if err != nil {
		return 0, err
	}
	var got error
	err = c.Read(func(fd uintptr) bool {
		n, got = syscall.Read(int(fd), b)
		return true
	})
	switch {
	case err != nil:
	case errors.Is(got, syscall.EAGAIN):
		return 0, nil
	case got != nil:
		err = got
	case n == 0:
		err = io.EOF
	}
	return max(n, 0), err
}

func (p *streamPort) Write(b []byte) (int, error) {
	if err := p.c.SetWriteDeadline(time.Now().Add(stuckAfter / 2)); err != nil {
		return 0, broken(err)
	}
	n, err := p.c.Write(b)
	return n, broken(err)
}

func (p *streamPort) Close() error { return p.c.Close() }

// broken is what an error of a connection comes to.
func broken(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: connection broke: %w", ErrUnreachable, err)
}
