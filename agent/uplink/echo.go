package uplink

import (
	"crypto/sha256"
	"time"

	"envgate/envelope"
)

// MQTT 3.1.1 acknowledges even what the broker's rules throw away. In mode puback a
// stream's cursor therefore stays until one of its blocks has come back from the
// broker: after each connect, and again after each hour. A test subscribes to the
// stream's own topic, sends one block, and ends the subscription when it came back or
// did not. Blocks sent before the one that came back do not count, for the rules may
// have changed between them: they are sent again.

const (
	echoTimeout  = 10 * time.Second // from the broker's acknowledgement to the echo
	echoInterval = time.Hour
	echoRetry    = time.Minute     // after a test that failed
	echoTurn     = 2 * time.Second // then the next stream need not wait for this one's end
)

// A guard is the state of one stream's echo test.
type guard struct {
	state  guardState
	since  time.Time // of testing
	until  time.Time // open or missing: tested again from then on
	ready  bool      // testing: the subscription stands
	number uint64    // of the errand with the probe; when open, acknowledgements count from it on
	seq    uint64    // of the probe, 0 = not sent yet
	sum    [sha256.Size]byte
	acked  time.Time // when the broker acknowledged the probe
}

type guardState int

const (
	guardUntested guardState = iota
	guardTesting
	guardOpen
	guardMissing
)

func (s *session) guarded() bool { return s.u.o.Ack == ModePuback && !s.u.o.PubackUnverified }

// open says whether the broker's acknowledgements of l count.
func (s *session) open(l *lane) bool { return !s.guarded() || l.guard.state == guardOpen }

// mayFresh is how many fresh blocks may go. A stream that waits for its test sends
// nothing, one under test its probe; where echoes are missing fresh blocks go all the
// same, as there may be somebody who gets them.
func (s *session) mayFresh(l *lane) int {
	switch {
	case s.open(l) || l.guard.state == guardMissing:
		return s.u.o.Window
	case l.guard.state == guardTesting && l.guard.ready && l.guard.seq == 0:
		return 1
	}
	return 0
}

// guards begins and ends tests, one stream after another.
func (s *session) guards(now time.Time) {
	if !s.guarded() || s.stopping {
		return
	}
	busy := false
	for _, l := range s.lanes {
		g := &l.guard
		if (g.state == guardOpen || g.state == guardMissing) && !now.Before(g.until) {
			*g = guard{}
		}
		if g.state == guardTesting {
			if !g.acked.IsZero() && now.Sub(g.acked) >= echoTimeout {
				s.noEcho(l, "a block that the broker acknowledged did not come back in "+echoTimeout.String())
				continue
			}
			busy = busy || now.Sub(g.since) < echoTurn
		}
	}
	for _, l := range s.lanes {
		if busy || l.guard.state != guardUntested || s.u.holds(l.stream) {
			continue
		}
		if s.look(l); unacked(s.u.log, s.u.cur, s.u.o.Name, l.stream) == 0 {
			continue // nothing to send, nothing to test
		}
		l.guard = guard{state: guardTesting, since: now}
		s.hand(&errand{kind: doListen, topic: l.topic})
		busy = true
	}
}

func (s *session) listening(topic string) {
	for _, l := range s.lanes {
		if l.topic == topic && l.guard.state == guardTesting {
			l.guard.ready = true
		}
	}
}

// probeAgain sends a block a second time where a test has no fresh one to send.
func (s *session) probeAgain(l *lane, now time.Time) {
	if g := &l.guard; !s.guarded() || g.state != guardTesting || !g.ready || g.seq != 0 || s.room(l, false) == 0 {
		return
	}
	for seq := l.last; seq >= max(l.first, l.upto+1); seq-- {
		if end, in := rangeAt(l.runs, seq); in && end >= seq {
			continue
		}
		s.sendFrom(l, seq, 1, errand{}, now)
		return
	}
}

// probed notes the first block of a test.
func (s *session) probed(e errand, block []byte) {
	if g := &e.lane.guard; s.guarded() && g.state == guardTesting && g.ready && g.seq == 0 {
		g.number, g.seq, g.sum = s.number, e.seq, sha256.Sum256(block)
	}
}

// puback takes the broker's acknowledgement of a block.
func (s *session) puback(o outcome) {
	l := o.lane
	g := &l.guard
	switch {
	case !s.guarded() || g.state == guardOpen && o.number >= g.number:
		s.acknowledge(l, o.seq, o.seq)
	case g.state == guardOpen:
		l.sent.cut(o.seq, o.seq) // sent before the echo: again, by way of the backlog
	case g.state == guardTesting && g.seq != 0 && o.number == g.number:
		g.acked = time.Now()
	}
}

// echo takes one of our own blocks as the broker sent it back.
func (s *session) echo(l *lane, block []byte, now time.Time) {
	g := &l.guard
	if !s.guarded() || g.state != guardTesting || g.seq == 0 || sha256.Sum256(block) != g.sum {
		return
	}
	s.hand(&errand{kind: doLeave, topic: l.topic})
	acked := !g.acked.IsZero()
	*g = guard{state: guardOpen, until: now.Add(echoInterval), number: g.number, seq: g.seq}
	if acked {
		s.acknowledge(l, g.seq, g.seq)
	}
	// What the broker acknowledged before may be gone.
	again := l.sent.cutBefore(0, l.last, time.Time{})
	for _, f := range s.inFlight {
		if f.lane == l {
			l.sent.add(f.seq, f.at)
		}
	}
	s.resent(again - min(again, l.sent.size()))
	if l.h.red {
		l.h.red = false
		s.u.o.Logger.Info("blocks come back from the broker again", "stream", l.stream)
		s.u.tell(envelope.EventEchoOK, l.stream, "missing", "ok", "")
	}
}

// noEcho ends a test that failed.
func (s *session) noEcho(l *lane, why string) {
	if l.guard.ready {
		s.hand(&errand{kind: doLeave, topic: l.topic})
	}
	l.guard = guard{state: guardMissing, until: time.Now().Add(echoRetry)}
	if l.h.red {
		return
	}
	l.h.red = true
	s.u.o.Logger.Error("blocks do not come back from the broker", "stream", l.stream, "err", why,
		"hint", "may this gateway write to and read "+l.topic+"? where gateways may only write, set puback_unverified")
	s.u.tell(envelope.EventEchoMissing, l.stream, "ok", "missing", why)
}
