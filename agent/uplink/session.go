package uplink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"envgate/envelope"
)

var (
	errEpoch   = errors.New("the log began a new epoch")
	errStuck   = errors.New("errands pile up: the connection takes nothing")
	errNothing = errors.New("the log has no block where its bounds say so")
)

// A session is what one connection needs to know. It begins with nothing but the log
// and the cursor, and all of it is owned by the loop.
type session struct {
	u     *Uplink
	c     client
	e     *ears
	post  *post
	epoch string
	began time.Time
	lanes []*lane

	number                uint64 // of the last errand
	flying, flyingBacklog int    // blocks handed over and not acknowledged
	bytes, bytesBacklog   int    // of them
	window                window // for bytes
	inFlight              map[uint64]inFlight
	stuck                 bool

	listened    time.Time // when the receipts were last asked for
	backlogAt   time.Time // the backlog is not sent before
	readAfter   time.Time // the log is not read before
	readTrouble bool      // and that was said
	birth       []byte    // as last published
	badCommand  bool      // a command was refused, and that was said
	stopping    bool
	lastWord    uint64 // number of the errand with our last state
}

// inFlight is a block that was handed over; the key is the errand's number.
type inFlight struct {
	lane *lane
	seq  uint64
	at   time.Time
	size int
}

const (
	tick        = 500 * time.Millisecond
	listenAgain = 2 * time.Second
	lastWordsIn = 2 * time.Second // for the broker to take the offline message
)

func newSession(u *Uplink, c client, e *ears) *session {
	now := time.Now()
	s := &session{
		u: u, c: c, e: e, epoch: u.log.Epoch(), began: now, backlogAt: now,
		inFlight: map[uint64]inFlight{}, post: newPost(c, u.o.Window), window: newWindow(now),
	}
	if u.epoch != s.epoch { // of the stream's health, the broker's part alone outlives an epoch
		for _, h := range u.health {
			*h = health{red: h.red}
		}
		u.epoch = s.epoch
	}
	if u.o.Ack == ModeReceipt {
		s.backlogAt = now.Add(backlogWait)
	}
	for _, name := range u.o.Streams {
		l := &lane{stream: name, topic: s.topic("b/" + name), h: u.health[name], size: envelope.MaxBlock, sent: spans{grain: u.o.ReceiptTimeout / 32}, again: spans{grain: time.Second}}
		s.begin(l)
		if l.h.late { // only a probe, until receipts come
			l.ahead = u.credit(creditOf - 1)
			l.stalled = true
			l.resend = now.Add(l.h.retry)
		}
		s.lanes = append(s.lanes, l)
	}
	return s
}

func (s *session) topic(rest string) string {
	return s.u.o.Prefix + "/" + s.u.o.Gateway + "/" + rest
}

// run sends until ctx ends (nil), the connection is lost, or the log has a new epoch
// (errEpoch).
func (s *session) run(ctx context.Context) error {
	orderly := false
	s.post.start()
	defer func() {
		s.c.Close(orderly)
		s.post.close()
		s.u.count(func(st *Stats) { st.InFlight, st.BytesInFlight, st.Window = 0, 0, 0 })
	}()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var lastWords <-chan time.Time
	done := ctx.Done()

	s.listen(s.began)
	if s.u.o.Command != nil {
		s.hand(&errand{kind: doListen, topic: s.topic("cmd")})
	}
	s.say(onlineState(s.began, s.u.o.Version))
	s.announce()
	for {
		changed := s.u.log.Changed() // before the look at its bounds
		if s.u.log.Epoch() != s.epoch {
			orderly = true
			return errEpoch
		}
		now := time.Now()
		s.guards(now)
		s.fill(now)
		s.publish()
		if s.stuck {
			return errStuck
		}

		select {
		case <-done:
			done, s.stopping = nil, true
			s.post.hurry.Store(true)
			s.say(offlineState(time.Now()))
			s.lastWord = s.number
			timer := time.NewTimer(lastWordsIn)
			defer timer.Stop()
			lastWords = timer.C
		case <-lastWords:
			return nil // without a good-bye, so that the will speaks
		case err := <-s.e.lost:
			return err
		case m := <-s.e.inbox:
			s.e.waiting.Add(-int64(len(m.payload)))
			s.receive(m, now)
		case o := <-s.post.outcomes:
			over, err := s.settleAll(o)
			if err != nil {
				return err
			}
			if over {
				orderly = true
				return nil
			}
		case <-changed:
			s.announce()
		case <-ticker.C:
			s.overdue(now)
			if now.Sub(s.listened) >= listenAgain && s.e.missed.Swap(false) {
				s.listen(now)
			}
		}
	}
}

// listen asks for the receipts; a broker then sends those that it retains, each time.
func (s *session) listen(now time.Time) {
	if s.u.o.Ack == ModeReceipt && !s.stopping {
		s.listened = now
		s.hand(&errand{kind: doListen, topic: s.topic("receipt/+")})
	}
}

// hand gives an errand to the post, which has room for all that the window allows.
func (s *session) hand(e *errand) bool {
	s.number++
	e.number, e.at = s.number, time.Now()
	select {
	case s.post.errands <- *e:
	default:
		s.stuck = true
		return false
	}
	if e.kind == doBlock {
		s.inFlight[e.number] = inFlight{lane: e.lane, seq: e.seq, at: e.at, size: len(e.payload)}
	}
	return true
}

func (s *session) say(state []byte) {
	s.hand(&errand{kind: doState, topic: s.topic("state"), retained: true, payload: state})
}

// announce publishes the birth where it is another than before.
func (s *session) announce() {
	b := s.u.o.Birth()
	if s.stopping || len(b) == 0 || bytes.Equal(b, s.birth) {
		return
	}
	if s.hand(&errand{kind: doBirth, topic: s.topic("birth"), retained: true, payload: b}) {
		s.birth = b
	}
}

// settleAll takes an outcome and all others that are there. over says that the broker
// took our last word.
func (s *session) settleAll(o outcome) (over bool, err error) {
	for {
		if err := s.settle(o); err != nil {
			return false, err
		}
		if s.stopping && o.number == s.lastWord {
			over = true
		}
		select {
		case o = <-s.post.outcomes:
		default:
			return over, nil
		}
	}
}

// settle takes one outcome. An error means that the connection is of no more use.
func (s *session) settle(o outcome) error {
	if o.kind == doListen && errors.Is(o.err, errSubscription) {
		s.refused(o.errand)
		return nil
	}
	if o.err != nil {
		what := o.topic
		if o.kind == doBlock {
			what = fmt.Sprintf("%s block %d", o.lane.stream, o.seq)
		}
		return fmt.Errorf("%s: %w", what, o.err)
	}
	switch o.kind {
	case doBlock:
		f := s.inFlight[o.number]
		delete(s.inFlight, o.number)
		s.flying--
		s.bytes -= f.size
		if o.backlog {
			s.flyingBacklog--
			s.bytesBacklog -= f.size
		}
		s.window.acked(o.number, o.rtt, s.number, s.bytes, time.Now())
		s.u.count(func(st *Stats) {
			st.Published++
			if st.RTT == 0 {
				st.RTT = o.rtt
			}
			st.RTT += (o.rtt - st.RTT) / 8
		})
		if s.u.o.Ack == ModePuback {
			s.puback(o)
		}
	case doListen:
		s.listening(o.topic)
	}
	return nil
}

// refused is told of a subscription that the broker does not grant.
func (s *session) refused(e errand) {
	for _, l := range s.lanes {
		if l.topic == e.topic {
			s.noEcho(l, "the broker refused the subscription to "+e.topic)
			return
		}
	}
	if e.topic == s.topic("cmd") {
		s.u.o.Logger.Warn("commands of the data centre cannot be had", "err", "the broker refused the subscription to "+e.topic,
			"hint", "let this gateway read "+e.topic)
		return
	}
	s.u.o.Logger.Error("receipts cannot be had", "err", "the broker refused the subscription to "+e.topic,
		"hint", "let this gateway read "+s.topic("receipt/#"))
}

func (s *session) receive(m message, now time.Time) {
	if m.topic == s.topic("cmd") {
		s.command(m.payload)
		return
	}
	for _, l := range s.lanes {
		switch m.topic {
		case s.topic("receipt/" + l.stream):
			if s.u.o.Ack == ModeReceipt {
				s.receipt(l, m.payload, now)
			}
			return
		case l.topic:
			s.echo(l, m.payload, now)
			return
		}
	}
}

// acknowledge moves the cursor, and returns by how many blocks of the log.
func (s *session) acknowledge(l *lane, from, to uint64) uint64 {
	s.look(l)
	before := lag(l.first, l.last, l.upto, l.runs)
	if s.u.log.Epoch() != s.epoch { // these numbers are another log's
		return 0
	}
	s.u.cur.Ack(s.epoch, s.u.o.Name, l.stream, from, to)
	l.sent.cut(from, to)
	s.look(l)
	after := lag(l.first, l.last, l.upto, l.runs)
	if after >= before {
		return 0
	}
	u := s.u
	u.mu.Lock()
	u.stats.Acked += before - after
	close(u.moved)
	u.moved = make(chan struct{})
	u.mu.Unlock()
	return before - after
}

// resent counts blocks that are going to be sent again.
func (s *session) resent(n uint64) {
	s.u.count(func(st *Stats) { st.Resent += n })
}

func onlineState(at time.Time, version string) []byte {
	b := strconv.AppendInt([]byte(`{"state":"online","at":`), at.UnixMilli(), 10)
	b = append(b, `,"version":"`...)
	for _, r := range version { // as is, less what JSON would want escaped
		if r >= ' ' && r != '"' && r != '\\' && r != 0xFFFD {
			b = append(b, string(r)...)
		}
	}
	return append(b, `"}`...)
}

func offlineState(at time.Time) []byte {
	b := strconv.AppendInt([]byte(`{"state":"offline","at":`), at.UnixMilli(), 10)
	return append(b, `,"reason":"stopped"}`...)
}

// offlineWill is what the broker says when we are gone without a word. It cannot know
// when that will be, so it says since when we were there.
func offlineWill(since time.Time) []byte {
	b := strconv.AppendInt([]byte(`{"state":"offline","since":`), since.UnixMilli(), 10)
	return append(b, `,"reason":"lost"}`...)
}
