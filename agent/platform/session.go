package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"envgate/envelope"
	"envgate/hj212"
)

var (
	errDial    = errors.New("connect")
	errSilent  = errors.New("no answer")
	errNothing = errors.New("the log has no block where its bounds say so")
	errCursor  = errors.New("the log does not know the cursor")
)

// A session is what one connection needs to know. All of it is owned by the loop, but
// for the reader of the connection, which only posts to heard.
type session struct {
	p     *Platform
	c     net.Conn
	heard chan message // closed when the connection is lost
	lost  error        // why; to be read after heard was closed
	done  chan struct{}

	job     *job
	frame   []byte // in flight, nil = none
	qn      string // of it
	tries   int
	due     time.Time // when it is sent again
	took    bool      // the platform answered a frame
	refused bool      // a request was refused, and that was said
}

// A job is a record on its way.
type job struct {
	record  *record
	packets []packet // not answered yet
	page    *page    // of the record, nil = real time
}

const (
	heardAhead = 16          // messages that wait for the loop
	idle       = time.Minute // without anything to do
)

func newSession(p *Platform, c net.Conn) *session {
	return &session{p: p, c: c, heard: make(chan message, heardAhead), done: make(chan struct{})}
}

// run sends until ctx ends (nil) or the connection is of no more use.
func (s *session) run(ctx context.Context) error {
	go s.listen()
	unhook := context.AfterFunc(ctx, func() { s.c.Close() }) // a write under way ends, too
	defer func() {
		unhook()
		close(s.done)
		s.c.Close()
		for range s.heard { // until the reader has ended
		}
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := s.p.log.Changed() // before the look at its bounds
		s.p.follow()
		wait, err := s.turn(time.Now())
		if err != nil {
			return err
		}
		timer.Reset(wait)
		if s.job != nil { // which goes first, whatever comes
			changed = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-s.heard:
			if !ok {
				return s.lost
			}
			if err := s.receive(m); err != nil {
				return err
			}
		case <-changed:
		case <-timer.C:
		}
	}
}

// listen reads frames until the connection ends.
func (s *session) listen() {
	defer close(s.heard)
	r := hj212.NewReader(s.c)
	var skipped uint64
	for {
		data, err := r.Next()
		_, bad := errors.AsType[*hj212.FrameError](err)
		more := r.Skipped() - skipped
		skipped += more
		s.p.count(func(st *Stats) {
			st.SkippedBytes += more
			if bad {
				st.BadFrames++
			}
		})
		switch {
		case bad:
			continue
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			s.lost = errors.New("the platform closed the connection")
			return
		case err != nil:
			s.lost = fmt.Errorf("read: %w", err)
			return
		}
		select {
		case s.heard <- parseMessage(data):
		case <-s.done:
			return
		}
	}
}

// follow begins anew where the log did. A page of the old epoch still goes out; it
// moves no cursor.
func (p *Platform) follow() {
	if epoch := p.log.Epoch(); epoch != p.epoch {
		p.epoch, p.live = epoch, 0
	}
}

// turn sends what is due, and returns how long nothing will be.
func (s *session) turn(now time.Time) (time.Duration, error) {
	o := &s.p.o
	if s.frame != nil {
		if wait := s.due.Sub(now); wait > 0 {
			return wait, nil
		}
		if s.tries > o.Retries {
			return 0, fmt.Errorf("%w to %s after %d attempts of %v", errSilent, s.job.record, s.tries, o.Timeout)
		}
		s.p.count(func(st *Stats) { st.Resent++ })
		return o.Timeout, s.send()
	}
	if s.job == nil {
		if s.job = s.p.choose(now); s.job == nil {
			return s.p.rest(now), nil
		}
	}
	s.qn = s.p.nextQN(now)
	s.frame = hj212.AppendFrame(nil, s.p.form.segment(s.qn, s.job.packets[0]))
	s.tries = 0
	return o.Timeout, s.send()
}

// send writes the frame in flight.
func (s *session) send() error {
	s.tries++
	s.due = time.Now().Add(s.p.o.Timeout)
	s.p.count(func(st *Stats) { st.Sent++ })
	return s.write(s.frame)
}

func (s *session) write(frame []byte) error {
	s.c.SetWriteDeadline(time.Now().Add(s.p.o.Timeout))
	if _, err := s.c.Write(frame); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// choose takes the next record: a real-time one where it is due, but not two of them
// in a row while figures wait, for a platform that answers one kind alone must not
// hold up the other.
func (p *Platform) choose(now time.Time) *job {
	if now.Before(p.readAfter) {
		return nil
	}
	figures := p.wants(envelope.StreamStat) && p.turnPage(now)
	if p.wants(envelope.StreamLive) && !now.Before(p.rtdAt) && !(p.rtdLast && figures) {
		if r := p.realTime(now); r != nil {
			p.rtdAt, p.rtdLast = now.Add(p.o.RtdInterval), true
			return p.newJob(r, nil, now)
		}
	}
	if !figures {
		return nil
	}
	p.rtdLast = false
	return p.newJob(p.page.records[0], p.page, now)
}

func (p *Platform) newJob(r *record, g *page, now time.Time) *job {
	return &job{record: r, page: g, packets: p.form.packets(r.cn, r.start, p.backfilled(r, now), p.items(r))}
}

// rest is how long there is nothing to do if the log does not change.
func (p *Platform) rest(now time.Time) time.Duration {
	for _, t := range []time.Time{p.readAfter, p.rtdAt} {
		if t.After(now) {
			return min(t.Sub(now), idle)
		}
	}
	return idle
}

// receive takes a frame of the platform. An answer to another frame than the one in
// flight is no answer.
func (s *session) receive(m message) error {
	switch {
	case m.cn == cnTaken && s.frame != nil && m.qn == s.qn:
		s.taken()
	case m.cn == cnTaken:
		s.p.count(func(st *Stats) { st.Strays++ })
	case m.isRequest():
		return s.refuse(m)
	default:
		s.p.count(func(st *Stats) { st.Others++ })
	}
	return nil
}

// taken goes on to the next packet, or closes the record.
func (s *session) taken() {
	if !s.took {
		s.took = true
		s.p.up()
	}
	s.frame = nil
	s.p.count(func(st *Stats) { st.Taken++ })
	if s.job.packets = s.job.packets[1:]; len(s.job.packets) > 0 {
		return
	}
	j := s.job
	s.job = nil
	s.p.count(func(st *Stats) {
		st.Records++
		if j.page == nil {
			st.RealTime++
		}
	})
	if g := s.p.page; g != nil && g == j.page {
		if g.records = g.records[1:]; len(g.records) == 0 {
			s.p.settle(g, time.Now())
			s.p.page = nil
		}
	}
}

// refuse answers a request: there are no commands yet.
func (s *session) refuse(m message) error {
	rtn := rtnRefused
	switch {
	case m.pw != s.p.o.PW:
		rtn = rtnPW
	case m.mn != s.p.o.MN:
		rtn = rtnMN
	}
	s.p.count(func(st *Stats) { st.Refused++ })
	if !s.refused {
		s.refused = true
		s.p.o.Logger.Info("request refused", "cn", m.cn, "rtn", rtn)
	}
	return s.write(hj212.AppendFrame(nil, s.p.form.answer(m.qn, rtn)))
}
