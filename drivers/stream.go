package drivers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"envgate/hj212"
)

// A Stream is what HJ 212 frames come on: a [net.Conn], or a port of package modbus.
// Close ends a Read under way.
type Stream interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// dial keeps the one stream open.
func (l *Logger) dial(ctx context.Context) {
	side := l.newSide()
	pause := reopenFirst
	for ctx.Err() == nil {
		c, err := l.o.Open(ctx)
		if err == nil {
			l.lineUp()
			side.Reset(time.Now())
			s := &session{l: l, ctx: ctx, c: c, side: side, fits: map[hj212.Dialect]int{}}
			s.serve()
			if s.useful() {
				pause = reopenFirst
			}
		} else if ctx.Err() == nil {
			l.lineDown(err)
		}
		sleep(ctx, pause)
		pause = min(2*pause, reopenMax)
	}
}

// listen keeps the listener open. Sessions outlive it.
func (l *Logger) listen(ctx context.Context, all *sync.WaitGroup) {
	pause := reopenFirst
	for ctx.Err() == nil {
		from, err := l.o.Listen(ctx)
		if err == nil {
			l.lineUp()
			began := time.Now()
			err = l.accept(ctx, from, all)
			if time.Since(began) > reopenMax {
				pause = reopenFirst
			}
		}
		if err != nil && ctx.Err() == nil {
			l.lineDown(err)
		}
		sleep(ctx, pause)
		pause = min(2*pause, reopenMax)
	}
}

func (l *Logger) accept(ctx context.Context, from net.Listener, all *sync.WaitGroup) error {
	unhook := context.AfterFunc(ctx, func() { from.Close() })
	defer func() {
		unhook()
		from.Close()
	}()
	for {
		c, err := from.Accept()
		if err != nil {
			return err
		}
		s := &session{l: l, ctx: ctx, c: c, side: l.newSide(), fits: map[hj212.Dialect]int{}, ended: make(chan struct{})}
		for old := l.admit(s); old != nil; old = l.admit(s) {
			old.c.Close()
			<-old.ended
		}
		all.Go(func() {
			defer l.dismiss(s)
			s.serve()
		})
	}
}

// admit takes s in, or says which session has to end before it can be: the one that
// brought nothing for the longest time.
func (l *Logger) admit(s *session) (old *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sessions) < maxConns {
		s.began = time.Now()
		l.sessions[s] = struct{}{}
		return nil
	}
	for other := range l.sessions {
		if old == nil || other.lessUseful(old) {
			old = other
		}
	}
	l.stats.Evicted++
	return old
}

func (l *Logger) dismiss(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sessions, s)
	close(s.ended)
}

// A session is one stream. It belongs to the goroutine that serves it.
type session struct {
	l     *Logger
	ctx   context.Context
	c     Stream
	side  *hj212.PlatformSide
	until time.Time             // when the Read under way has waited long enough
	out   []byte                // reused
	fits  map[hj212.Dialect]int // bad frames since the last good one that another sum fits

	ended chan struct{} // closed when the session was served; nil for the one of dial
	began time.Time
	last  time.Time // when it last brought a frame of a listed device; guarded by l.mu
}

func (s *session) useful() bool {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	return !s.last.IsZero()
}

// lessUseful orders sessions by what they brought, and then by age. The caller has
// l.mu.
func (s *session) lessUseful(other *session) bool {
	if !s.last.Equal(other.last) {
		return s.last.Before(other.last)
	}
	return s.began.Before(other.began)
}

// serve reads frames until the stream ends. Bytes that bring our own code to its knees
// end this stream and nothing else.
func (s *session) serve() (err error) {
	closed := make(chan struct{})
	unhook := context.AfterFunc(s.ctx, func() {
		s.c.Close()
		close(closed)
	})
	l := s.l
	r := hj212.NewReader(s)
	r.Codec = &l.codec
	r.Begun = func(begun bool) {
		s.until = time.Now().Add(l.idle)
		if begun {
			s.until = time.Now().Add(l.o.FrameTime)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			l.failed(err)
		}
		if unhook() {
			s.c.Close()
		} else {
			<-closed
		}
		l.mu.Lock()
		l.stats.Skipped += r.Skipped()
		l.mu.Unlock()
	}()
	l.mu.Lock()
	l.stats.Connections++
	l.mu.Unlock()
	_, network := s.c.(net.Conn)
	for {
		data, err := r.Next()
		if bad, ok := errors.AsType[*hj212.FrameError](err); ok {
			l.badFrame(s, bad)
			continue
		}
		if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() && !network {
			continue // a serial port does not die of silence
		}
		if err != nil {
			return err
		}
		l.goodFrame(s)
		m, _ := hj212.ParseMessage(data)
		if err := s.receive(m); err != nil {
			return err
		}
	}
}

// receive hands over what a message brought, and answers.
func (s *session) receive(m hj212.Message) error {
	now := time.Now()
	s.side.Receive(m, now)
	good := false
	for e, ok := s.side.Event(); ok; e, ok = s.side.Event() {
		good = s.l.take(&e, now) || good
	}
	if good {
		s.l.mu.Lock()
		s.last = now
		s.l.mu.Unlock()
	}
	for m, ok := s.side.Next(now); ok; m, ok = s.side.Next(now) {
		s.c.SetWriteDeadline(time.Now().Add(answerTime))
		s.out = s.l.codec.AppendMessage(s.out[:0], &m)
		if _, err := s.c.Write(s.out); err != nil {
			return err
		}
	}
	return nil
}

// Read reads from the stream, no faster than the port's input is allowed to come. What
// is held back waits with the peer.
func (s *session) Read(b []byte) (int, error) {
	if d := s.l.input.rest(time.Now()); d > 0 {
		sleep(s.ctx, d)
	}
	if err := s.c.SetReadDeadline(s.until); err != nil {
		return 0, err
	}
	n, err := s.c.Read(b)
	s.l.input.took(n, time.Now())
	return n, err
}

// A throttle bounds the bytes of a port: some at once, and so many a second.
type throttle struct {
	mu    sync.Mutex
	spent float64   // bytes; guarded by mu
	at    time.Time // of spent; guarded by mu
}

const (
	inputBurst = 128 << 10
	inputRate  = 16 << 10 // bytes a second: 115200 baud are 11.5 KB/s
)

func (t *throttle) took(n int, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spent = max(0, t.spent-now.Sub(t.at).Seconds()*inputRate) + float64(n)
	t.at = now
}

// rest is how long to wait before the next read.
func (t *throttle) rest(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	over := t.spent - now.Sub(t.at).Seconds()*inputRate - inputBurst
	return time.Duration(max(0, over) / inputRate * float64(time.Second))
}

// sleep waits for d, or less if ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
