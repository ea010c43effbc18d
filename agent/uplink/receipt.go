package uplink

import (
	"errors"
	"fmt"
	"time"

	"envgate/envelope"
)

var errNotOurs = errors.New("receipt of another gateway or stream")

// receipt takes a message of a receipt topic. Only one that the centre signed, for
// this gateway, stream and epoch, and whose head is the hash of our own block, moves
// the cursor.
func (s *session) receipt(l *lane, message []byte, now time.Time) {
	if len(message) == 0 { // a retained one was cleared
		return
	}
	r, err := s.verify(l, message)
	if err != nil {
		s.badReceipt(l, err)
		return
	}
	l.h.bad = false
	l.receipted = true
	s.receiptsIn(now)
	if r.Epoch != s.epoch {
		s.u.count(func(st *Stats) { st.Foreign++ })
		return
	}
	l.h.receipt = now
	s.u.count(func(st *Stats) { st.Receipts++; st.LastReceipt = now })

	if s.look(l); s.u.log.Epoch() != s.epoch {
		return // the bounds are another log's
	}
	top := r.UpTo
	if n := len(r.Have); n > 0 {
		top = max(top, r.Have[n-1][1])
	}
	if top > l.last {
		s.aheadOf(l, top)
		return
	}
	ours, err := s.confirms(l, r)
	switch {
	case err != nil: // neither evidence for it nor against: nothing moves
		s.u.count(func(st *Stats) { st.Unverified++ })
		s.want(l, r, now)
		return
	case !ours:
		return
	}
	s.u.o.Receipt(l.stream, top, time.UnixMilli(r.At))
	if l.h.forked {
		l.h.forked = false
		s.u.o.Logger.Info("receipt agrees again", "stream", l.stream, "seq", r.UpTo)
	}
	var moved uint64
	if r.UpTo > l.upto {
		moved += s.acknowledge(l, l.upto+1, r.UpTo)
	}
	for _, h := range r.Have {
		if h[1] <= l.upto {
			continue
		}
		if end, in := rangeAt(l.runs, h[0]); in && end >= h[1] {
			continue
		}
		moved += s.acknowledge(l, max(h[0], l.upto+1), h[1])
	}
	if moved > 0 {
		s.progress(l, moved, now)
	}
	s.want(l, r, now)
}

func (s *session) verify(l *lane, message []byte) (*envelope.Receipt, error) {
	r, err := envelope.OpenReceipt(message, s.u.o.CentreKeys)
	if err != nil {
		return nil, err
	}
	if r.Gateway != s.u.o.Gateway || r.Stream != l.stream {
		return nil, fmt.Errorf("%w: %.64q %.64q", errNotOurs, r.Gateway, r.Stream)
	}
	return r, nil
}

// receiptsIn lets the backlog go when each stream has had its retained receipt.
func (s *session) receiptsIn(now time.Time) {
	for _, l := range s.lanes {
		if !l.receipted {
			return
		}
	}
	if s.backlogAt.After(now) {
		s.backlogAt = now
	}
}

func (s *session) badReceipt(l *lane, err error) {
	s.u.count(func(st *Stats) { st.BadReceipts++ })
	if l.h.bad {
		return
	}
	l.h.bad = true
	s.u.o.Logger.Error("receipt refused", "stream", l.stream, "err", err,
		"hint", "is the centre's public key the one in the site file, and does nobody else write to "+s.topic("receipt/"+l.stream)+"?")
	s.u.tell(envelope.EventReceiptBad, l.stream, "", "", err.Error())
}

// aheadOf is told of a receipt for blocks that we do not have.
func (s *session) aheadOf(l *lane, top uint64) {
	if l.h.ahead {
		return
	}
	l.h.ahead = true
	why := fmt.Sprintf("the centre has block %d, our newest is %d", top, l.last)
	s.u.o.Logger.Error("receipt is ahead of the log", "stream", l.stream, "err", why,
		"hint", "the disk lost what it had promised to keep, or an old image was put back")
	s.u.tell(envelope.EventReceiptAhead, l.stream, fmt.Sprint(l.last), fmt.Sprint(top), why)
	s.u.o.Ahead(l.stream, top)
}

// confirms compares the head of r with our block. The error means that there is
// nothing to compare with: the block was evicted before it was acknowledged, or cannot
// be read.
func (s *session) confirms(l *lane, r *envelope.Receipt) (bool, error) {
	if r.UpTo == 0 {
		return true, nil
	}
	if r.UpTo < l.first {
		if r.UpTo <= l.upto {
			return true, nil // it was compared when it was acknowledged
		}
		return false, errNothing
	}
	if l.checked.Seq != r.UpTo {
		hash, err := s.head(l, r.UpTo)
		if err == nil && s.u.log.Epoch() != s.epoch {
			err = errEpoch // the block is another log's
		}
		if err != nil {
			return false, err
		}
		l.checked = envelope.Head{Seq: r.UpTo, Hash: hash}
	}
	if l.checked.Hash == r.Head {
		return true, nil
	}
	if !l.h.forked {
		l.h.forked = true
		why := fmt.Sprintf("block %d is %s at the centre and %s here", r.UpTo, r.Head, l.checked.Hash)
		s.u.o.Logger.Error("receipt is of another block", "stream", l.stream, "seq", r.UpTo, "err", why,
			"hint", "two gateways share one key and one epoch, or somebody changed a block; the cursor stays")
		s.u.tell(envelope.EventReceiptFork, l.stream, l.checked.Hash, r.Head, why)
	}
	return false, nil
}

// head is the hash of our own block.
func (s *session) head(l *lane, seq uint64) (string, error) {
	first, blocks, err := s.u.log.Read(l.stream, seq-1, 1)
	if err != nil {
		return "", err
	}
	if len(blocks) == 0 || first != seq {
		return "", errNothing
	}
	payload, err := envelope.Peek(blocks[0])
	if err != nil {
		return "", err
	}
	return envelope.Hash(payload), nil
}

// progress is told when receipts moved the cursor.
func (s *session) progress(l *lane, moved uint64, now time.Time) {
	l.moved = now
	l.stalled, l.resend = false, time.Time{}
	l.h.retry = s.u.o.ReceiptTimeout
	l.ahead -= int(min(moved, uint64(max(l.ahead, 0))))
	if oldest := l.sent.oldest(); l.h.late && (oldest.IsZero() || now.Sub(oldest) < s.u.o.ReceiptTimeout) {
		l.h.late = false
		s.u.o.Logger.Info("receipts come again", "stream", l.stream, "seq", l.upto)
		s.u.tell(envelope.EventReceiptLate, l.stream, "late", "in time", "")
	}
}

// want notes what the centre asks for. What was sent within wantHold is on its way.
func (s *session) want(l *lane, r *envelope.Receipt, now time.Time) {
	hold := now.Add(-min(wantHold, s.u.o.ReceiptTimeout))
	l.wants = nil
	for _, w := range r.Want {
		from, to := max(w[0], l.first), min(w[1], l.last)
		if from > to {
			continue // evicted: the signed event says so
		}
		s.resent(l.sent.cutBefore(from, to, hold))
		if from <= l.upto && len(l.wants) < maxWants {
			l.wants = append(l.wants, [2]uint64{from, min(to, l.upto)})
		}
		for _, run := range l.runs {
			if a, b := max(from, run[0]), min(to, run[1]); a <= b && len(l.wants) < maxWants {
				l.wants = append(l.wants, [2]uint64{a, b})
			}
		}
	}
	// What is wanted no longer has arrived; what still is, and was sent long ago, has not.
	l.again.cutBefore(0, l.last, hold)
	next := uint64(0)
	for _, w := range l.wants {
		if w[0] > next {
			l.again.cut(next, w[0]-1)
		}
		next = w[1] + 1
	}
	l.again.cut(next, l.last)
}

// probeBlocks is how many blocks ask a silent centre whether it is there again. At the
// longest interval and the default time-out that is 1.4 MB a day and stream.
const probeBlocks = 8

// overdue has blocks sent again that should have had a receipt long ago: all that there
// is credit for at first, then a few in ever longer intervals, until receipts move the
// cursor.
func (s *session) overdue(now time.Time) {
	if s.u.o.Ack != ModeReceipt || s.stopping {
		return
	}
	timeout := s.u.o.ReceiptTimeout
	for _, l := range s.lanes {
		oldest := l.sent.oldest()
		if oldest.IsZero() || now.Before(l.resend) {
			continue
		}
		since := oldest
		if l.moved.After(since) {
			since = l.moved
		}
		if now.Sub(since) < timeout+l.sent.grain {
			continue
		}
		n := min(s.u.o.Window, probeBlocks)
		if !l.stalled {
			n = s.u.credit(creditOf)
		}
		l.stalled = true
		if !l.h.late {
			l.h.late = true
			l.h.retry = timeout
			why := fmt.Sprintf("no receipt since block %d for %v", l.upto, now.Sub(since).Round(time.Second))
			s.u.o.Logger.Error("receipts are late", "stream", l.stream, "seq", l.upto+1, "err", why,
				"hint", "is the centre running, and may this gateway write to "+l.topic+"? a broker throws away what its rules forbid, and says nothing")
			s.u.tell(envelope.EventReceiptLate, l.stream, "in time", "late", why)
		}
		l.resend = now.Add(l.h.retry)
		l.h.retry = min(2*l.h.retry, 16*timeout)
		again := l.sent.cutOldest(uint64(n), now.Add(-timeout))
		s.resent(again)
		l.ahead = min(l.ahead, s.u.credit(creditOf)-int(again))
	}
}
