package uplink

import (
	"time"

	"envgate/envelope"
)

// A lane is one stream within one session: the fresh lane from next on, and the
// backlog, which is all below next that was neither sent nor acknowledged.
type lane struct {
	stream, topic string
	h             *health

	first, last uint64      // bounds of the log, at the last look
	upto        uint64      // acknowledged up to here,
	runs        [][2]uint64 // and these past it
	next        uint64      // of the fresh lane

	sent  spans       // sent by this session and not acknowledged
	again spans       // acknowledged, but sent again because the centre wants them
	wants [][2]uint64 // acknowledged, and to be sent again
	ahead int         // blocks of the backlog sent since receipts last moved the cursor, less those they covered
	size  int         // bytes of the block sent last

	moved     time.Time // when a receipt last moved the cursor
	stalled   bool      // not since the last round of resending
	resend    time.Time // no round of resending before this
	receipted bool      // some receipt came in this session
	checked   envelope.Head
	guard     guard
}

const (
	batch       = 8  // blocks read from the log at a time
	creditOf    = 16 // windows of backlog that may be sent ahead of receipts, so that the broker's queue for a slow centre does not overflow;
	creditMost  = 32 // of at most so many blocks: 512 of a stream, brokers are often set to keep 1,000
	freshOf     = 4  // windows by which the fresh lane may trail the head before it begins anew with the newest block
	wantHold    = 10 * time.Second
	maxWants    = 64
	backlogWait = time.Second // for the retained receipts, before the backlog is sent
)

// look takes the lane's numbers from the log and the cursor.
func (s *session) look(l *lane) {
	l.first, l.last = s.u.log.Bounds(l.stream)
	l.upto, l.runs = s.u.cur.Acked(s.u.o.Name, l.stream)
}

// begin remembers the head: the fresh lane starts with the newest sealed block.
func (s *session) begin(l *lane) {
	s.look(l)
	l.next = max(l.last, 1)
}

func rangeAt(runs [][2]uint64, seq uint64) (end uint64, in bool) {
	for _, r := range runs {
		if r[0] <= seq && seq <= r[1] {
			return r[1], true
		}
	}
	return 0, false
}

func (l *lane) acked(seq uint64) bool {
	_, in := rangeAt(l.runs, seq)
	return in || seq <= l.upto
}

// gap finds the first blocks below top that were neither sent nor acknowledged; n is
// 0 if there are none.
func (l *lane) gap(top uint64) (seq, n uint64) {
	seq = max(l.first, l.upto+1)
	for seq < top {
		if end, in := rangeAt(l.runs, seq); in {
			seq = end + 1
			continue
		}
		i, held := l.sent.find(seq)
		if held {
			seq = l.sent.list[i].to + 1
			continue
		}
		end := top
		if i < len(l.sent.list) {
			end = min(end, l.sent.list[i].from)
		}
		for _, r := range l.runs {
			if r[0] > seq {
				end = min(end, r[0])
			}
		}
		return seq, end - seq
	}
	return 0, 0
}

// wanted finds the next of the blocks to send again although they are acknowledged.
func (l *lane) wanted() (seq, n uint64) {
	for len(l.wants) > 0 {
		w := &l.wants[0]
		w[0] = max(w[0], l.first)
		if i, held := l.again.find(w[0]); held {
			w[0] = l.again.list[i].to + 1
		}
		if w[0] <= min(w[1], l.last) {
			return w[0], min(w[1], l.last) - w[0] + 1
		}
		l.wants = l.wants[1:]
	}
	return 0, 0
}

// fill hands over what there is room for: fresh blocks of all streams, then backlog.
func (s *session) fill(now time.Time) {
	if s.stopping {
		return
	}
	s.u.metering()
	for _, l := range s.lanes {
		if s.look(l); !s.u.holds(l.stream) {
			s.fillFresh(l, now)
		}
	}
	if now.Before(s.backlogAt) || s.crowded() {
		return
	}
	for _, l := range s.lanes {
		if !s.u.holds(l.stream) {
			s.fillBacklog(l, now)
		}
	}
}

func (s *session) fillFresh(l *lane, now time.Time) {
	l.next = max(l.next, l.first)
	if trail := uint64(freshOf * min(s.u.o.Window, creditMost)); l.last > l.next+trail {
		l.next = l.last
	}
	for l.next <= l.last {
		if l.acked(l.next) || l.sent.has(l.next) {
			l.next++
			continue
		}
		room := min(s.room(l, false), s.mayFresh(l), int(l.last-l.next+1))
		if room == 0 {
			return
		}
		n := s.sendFrom(l, l.next, room, errand{}, now)
		if n == 0 {
			return
		}
		l.next += n
	}
	s.probeAgain(l, now)
}

func (s *session) fillBacklog(l *lane, now time.Time) {
	credit := s.u.credit(creditOf)
	for {
		room := s.room(l, true)
		if room == 0 || !s.open(l) {
			return
		}
		seq, n := l.wanted()
		n = min(n, uint64(max(credit-int(l.again.size()), 0)))
		if n == 0 {
			seq, n = l.gap(l.next)
			if s.u.o.Ack == ModeReceipt {
				n = min(n, uint64(max(credit-l.ahead, 0)))
			}
		}
		if n == 0 {
			return
		}
		if s.sendFrom(l, seq, int(min(n, uint64(room))), errand{backlog: true}, now) == 0 {
			return
		}
	}
}

// credit is so many windows, for what is bounded by the broker and not by the link.
func (u *Uplink) credit(windows int) int { return windows * min(u.o.Window, creditMost) }

// share is the backlog's part of the window, in messages and in bytes.
func (s *session) share() (messages, bytes int) {
	part := func(whole int) int { return int(float64(whole) * s.u.o.BacklogShare) }
	return max(1, part(s.u.o.Window)), part(s.window.bytes())
}

// crowded says that less than a quarter of the backlog's share is free. It then waits, so
// that blocks are read and go several at a time.
func (s *session) crowded() bool {
	messages, bytes := s.share()
	return s.flyingBacklog > 0 && (4*(messages-s.flyingBacklog) < messages || 4*(bytes-s.bytesBacklog) < bytes)
}

// room is how many blocks of a lane fit into the window, or into the backlog's share of it.
func (s *session) room(l *lane, backlog bool) int {
	room := s.u.o.Window - s.flying
	limit, bytes := s.window.bytes()+envelope.MaxBlock, s.bytes // one more is always left to fresh blocks
	if backlog {
		var messages int
		messages, limit = s.share()
		bytes = s.bytesBacklog
		if s.u.o.Window > 1 {
			room-- // one is left to fresh blocks
		}
		room = min(room, messages-s.flyingBacklog)
	}
	if bytes >= limit && s.flying > 0 {
		s.window.full = true
		return 0
	}
	return max(0, min(room, 1+(limit-bytes)/l.size))
}

// sendFrom reads up to n blocks from seq on and hands them over; at most n and one
// batch. It returns by how many numbers it got further, which is more than what was
// sent where blocks were evicted meanwhile, and 0 where the log cannot be read.
func (s *session) sendFrom(l *lane, seq uint64, n int, e errand, now time.Time) uint64 {
	if now.Before(s.readAfter) {
		return 0
	}
	first, blocks, err := s.u.log.Read(l.stream, seq-1, min(n, batch))
	if err == nil && (len(blocks) == 0 || first < seq) {
		err = errNothing
	}
	if err != nil {
		s.readFailed(l, seq, err, now)
		return 0
	}
	if s.readTrouble {
		s.readTrouble = false
		s.u.o.Logger.Info("log can be read again", "stream", l.stream, "seq", seq)
	}
	if first > seq { // evicted since the look
		l.first = max(l.first, first)
		return first - seq
	}
	for i, b := range blocks {
		e.lane, e.seq = l, seq+uint64(i)
		s.sendBlock(e, b, now)
	}
	return uint64(len(blocks))
}

func (s *session) sendBlock(e errand, block []byte, now time.Time) {
	l := e.lane
	e.kind, e.topic, e.payload = doBlock, l.topic, block
	if !s.hand(&e) {
		return
	}
	s.flying++
	s.bytes += len(block)
	l.size = len(block)
	if e.backlog {
		s.flyingBacklog++
		s.bytesBacklog += len(block)
	}
	if l.acked(e.seq) {
		s.resent(1)
		l.again.add(e.seq, now)
	} else {
		l.sent.add(e.seq, now)
		if e.backlog && s.u.o.Ack == ModeReceipt {
			l.ahead++
		}
	}
	s.probed(e, block)
}

func (s *session) readFailed(l *lane, seq uint64, err error, now time.Time) {
	s.readAfter = now.Add(time.Second)
	if !s.readTrouble {
		s.readTrouble = true
		s.u.o.Logger.Error("log cannot be read", "stream", l.stream, "seq", seq, "err", err)
	}
}
