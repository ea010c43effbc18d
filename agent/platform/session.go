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

// A session is one connection: the bytes around the [hj212.FieldSide], which knows the
// exchanges. All of it is owned by the loop, but for the reader of the connection,
// which only posts to heard.
type session struct {
	p     *Platform
	c     net.Conn
	ctx   context.Context    // of run
	heard chan hj212.Message // closed when the connection is lost
	lost  error              // why; to be read after heard was closed
	done  chan struct{}

	job     *job
	frame   []byte // reused
	took    bool   // the platform answered a frame
	refused bool   // a request was refused, and that was said
}

// A job is a record on its way.
type job struct {
	exchange hj212.Exchange
	record   *record
	page     *page // of the record, nil = real time
}

const (
	heardAhead = 16          // messages that wait for the loop
	idle       = time.Minute // without anything to do

	// restOfFrame is how long the rest of a frame may take. Platforms that leave out CR
	// LF are seen in the field: their answers count after that time.
	restOfFrame = 2 * time.Second
)

func newSession(p *Platform, c net.Conn) *session {
	return &session{p: p, c: c, heard: make(chan hj212.Message, heardAhead), done: make(chan struct{})}
}

// run sends until ctx ends (nil) or the connection is of no more use.
func (s *session) run(ctx context.Context) error {
	s.ctx = ctx
	go s.listen()
	unhook := context.AfterFunc(ctx, func() { s.c.Close() }) // a write under way ends, too
	defer func() {
		unhook()
		close(s.done)
		s.c.Close()
		for range s.heard { // until the reader has ended
		}
	}()
	s.p.side.Reset(s.p.o.Now())
	s.p.more = nil
	s.resume(s.p.o.Now())
	defer s.hold()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := s.p.log.Changed() // before the look at its bounds
		s.p.follow()
		wait, err := s.turn(s.p.o.Now())
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
			s.p.side.Receive(m, s.p.o.Now())
		case <-changed:
		case c := <-s.p.sealed:
			s.perform(c)
		case <-timer.C:
		}
	}
}

// hold keeps a record that was not answered for the next connection. Real-time values
// are none any more by then.
func (s *session) hold() {
	switch {
	case s.job == nil:
	case s.job.page == nil:
		s.p.side.Cancel(s.job.exchange)
	default:
		s.p.held = s.job
	}
}

// resume sends again what the last connection left open, unchanged and with its QN: to
// a platform that has it already it is a repetition, and not a second record. What has
// to be marked as backfilled by now is made anew.
func (s *session) resume(now time.Time) {
	j := s.p.held
	s.p.held = nil
	switch {
	case j == nil:
	case s.p.backfilled(j.record, now) != j.record.marked:
		s.p.side.Cancel(j.exchange)
	default:
		s.job = j
	}
}

// listen reads frames until the connection ends.
func (s *session) listen() {
	defer close(s.heard)
	r := hj212.NewReader(s.c)
	r.Codec = &s.p.codec
	r.Begun = func(begun bool) {
		if begun {
			s.c.SetReadDeadline(time.Now().Add(restOfFrame))
		} else {
			s.c.SetReadDeadline(time.Time{})
		}
	}
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
		m, _ := hj212.ParseMessage(data)
		select {
		case s.heard <- m:
		case <-s.done:
			return
		}
	}
}

// follow begins anew where the log did. A page of the old epoch still goes out; it
// moves no cursor.
func (p *Platform) follow() {
	if epoch := p.log.Epoch(); epoch != p.epoch {
		p.epoch, p.live, p.stale = epoch, 0, 0
	}
}

// turn does what there is to do, and returns how long nothing will be.
func (s *session) turn(now time.Time) (time.Duration, error) {
	defer s.p.countSide()
	s.p.ask(now)
	s.p.strangers()
	for {
		if err := s.events(); err != nil {
			return 0, err
		}
		began := s.job == nil && s.begin(now)
		sent, err := s.send(now)
		if err != nil {
			return 0, err
		}
		if !began && sent == 0 {
			break
		}
	}
	if s.p.recount(now) {
		return 0, nil
	}
	wait := idle
	if s.job == nil {
		wait = s.p.rest(now)
	}
	if wake := s.p.side.Wake(); !wake.IsZero() {
		wait = min(wait, max(wake.Sub(now), 0))
	}
	return wait, nil
}

// begin takes the next record. It returns false where there is none.
func (s *session) begin(now time.Time) bool {
	j := s.p.choose(now)
	if j == nil {
		return false
	}
	x, err := s.p.side.Upload(s.p.message(j.record, now), now)
	if err != nil { // none that an item or a queue can be the reason of
		s.p.o.Logger.Error("record cannot be sent and is passed by", "record", j.record.String(), "err", err)
		s.over(j)
		return true
	}
	j.exchange, s.job = x, j
	return true
}

// send writes all that has to go out now.
func (s *session) send(now time.Time) (n int, err error) {
	for {
		m, ok := s.p.side.Next(now)
		if !ok {
			return n, nil
		}
		n++
		s.frame = s.p.codec.AppendMessage(s.frame[:0], &m)
		s.c.SetWriteDeadline(time.Now().Add(s.p.o.Timeout))
		if _, err := s.c.Write(s.frame); err != nil {
			return n, fmt.Errorf("write: %w", err)
		}
		if m.ST != systemAnswers {
			s.p.count(func(st *Stats) { st.Sent++ })
		}
	}
}

// events hears what became of the exchanges.
func (s *session) events() error {
	for {
		e, ok := s.p.side.Event()
		if !ok {
			return nil
		}
		mine := s.job != nil && e.Exchange == s.job.exchange
		switch {
		case e.Type == hj212.EventTaken && mine:
			j := s.job
			s.job = nil
			s.taken(j)
		case e.Type == hj212.EventFailed && mine:
			r := s.job.record
			s.job = nil
			if r.cn == cnBoot {
				s.p.boots--
			}
			return fmt.Errorf("%w to %s after %d attempts of %v", errSilent, r, s.p.o.Retries+1, s.p.o.Timeout)
		case e.Type == hj212.EventFailed && e.Exchange == 0:
			return fmt.Errorf("%w to a heartbeat", errSilent)
		case e.Type == hj212.EventRequest || e.Type == hj212.EventNotice:
			s.asked(e)
		case e.Type == hj212.EventRoom:
			s.p.room(e.Exchange)
		case e.Type == hj212.EventEnded:
			s.p.ended(e)
		case e.Type == hj212.EventRegistered:
			s.p.registered(e.Message.MN)
		}
	}
}

// choose takes the next record: a real-time one where it is due, but not two of them
// in a row while figures wait, for a platform that answers one kind alone must not
// hold up the other.
func (p *Platform) choose(now time.Time) *job {
	p.readAfter = notFar(p.readAfter, now.Add(idle))
	p.rtdAt = notFar(p.rtdAt, now.Add(p.o.RtdInterval))
	if now.Before(p.readAfter) {
		return nil
	}
	if j := p.chooseOther(now); j != nil {
		return j
	}
	figures := p.wants(envelope.StreamStat) && p.turnPage(now)
	if p.wants(envelope.StreamLive) && !p.stopped(cnRealTime) && !now.Before(p.rtdAt) && !(p.rtdLast && figures) && p.o.Known() {
		if r := p.realTime(now); r != nil {
			p.rtdAt, p.rtdLast = now.Add(p.o.RtdInterval), true
			return &job{record: r}
		}
	}
	if !figures {
		return nil
	}
	p.rtdLast = false
	g := p.page
	if p.fresh != nil {
		g = p.fresh
	}
	return &job{record: g.records[0], page: g}
}

// notFar is t, or most where it is earlier: the clock was set back since.
func notFar(t, most time.Time) time.Time {
	if t.After(most) {
		return most
	}
	return t
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

// taken counts a record that was answered whole.
func (s *session) taken(j *job) {
	if !s.took {
		s.took = true
		s.p.up()
	}
	s.p.count(func(st *Stats) {
		st.Records++
		if j.record.cn == cnRealTime {
			st.RealTime++
		}
		if j.record.marked {
			st.Backfilled++
		}
		st.LastTaken = s.p.o.Now()
	})
	s.over(j)
}

// over goes on behind a record.
func (s *session) over(j *job) {
	if j.record.cn == cnBoot {
		s.p.boots = 0
	}
	for _, lane := range []**page{&s.p.fresh, &s.p.page} {
		if g := *lane; g != nil && g == j.page {
			if g.records = g.records[1:]; len(g.records) == 0 {
				s.p.settle(g, s.p.o.Now())
				*lane = nil
			}
		}
	}
}

// refuse answers a request that is not executed. A notice has its answer already.
func (s *session) refuse(e hj212.Event) {
	if s.p.side.Refuse(e.Exchange, qnRefused) != nil {
		return
	}
	s.p.count(func(st *Stats) { st.Refused++ })
	if !s.refused {
		s.refused = true
		s.p.o.Logger.Info("request refused", "cn", e.Message.CN, "rtn", qnRefused)
	}
}
