package uplink

import (
	"slices"
	"time"
)

// maxSpans bounds the memory of what was sent. When it is reached, neighbours are
// joined, and where there are none the oldest is forgotten: its blocks are sent again.
const maxSpans = 256

// A span is a run of blocks that were sent at about the same time.
type span struct {
	from, to uint64
	at       time.Time // when the first of them was sent
}

// spans remembers which blocks were sent, and when: ascending, disjoint, bounded.
// Consecutive blocks that were sent within grain of each other share a span.
type spans struct {
	list  []span
	grain time.Duration
}

// find returns the index of the span that holds seq, or of the next one after it.
func (s *spans) find(seq uint64) (i int, held bool) {
	i, _ = slices.BinarySearchFunc(s.list, seq, func(sp span, seq uint64) int {
		if sp.to < seq {
			return -1
		}
		return 1
	})
	return i, i < len(s.list) && s.list[i].from <= seq
}

func (s *spans) has(seq uint64) bool {
	_, held := s.find(seq)
	return held
}

// add says that seq was sent at a time, no matter whether it was sent before.
func (s *spans) add(seq uint64, at time.Time) {
	s.cut(seq, seq)
	i, _ := s.find(seq)
	if i > 0 {
		if p := &s.list[i-1]; p.to+1 == seq && at.Sub(p.at) < s.grain {
			p.to = seq
			return
		}
	}
	s.list = append(s.list, span{})
	copy(s.list[i+1:], s.list[i:])
	s.list[i] = span{from: seq, to: seq, at: at}
	if len(s.list) > maxSpans {
		s.squeeze()
	}
}

// squeeze makes one span less: the lowest neighbours become one, with the later time.
func (s *spans) squeeze() {
	for i := 1; i < len(s.list); i++ {
		a, b := &s.list[i-1], s.list[i]
		if a.to+1 == b.from {
			a.to = b.to
			if b.at.After(a.at) {
				a.at = b.at
			}
			s.list = slices.Delete(s.list, i, i+1)
			return
		}
	}
	s.list = slices.Delete(s.list, 0, 1)
}

// cut forgets the blocks from from to to.
func (s *spans) cut(from, to uint64) {
	s.cutBefore(from, to, time.Time{})
}

// cutBefore forgets those of the blocks from from to to that were sent before a time;
// the zero time means all. It returns how many.
func (s *spans) cutBefore(from, to uint64, before time.Time) uint64 {
	var done uint64
	i, _ := s.find(from)
	if i == len(s.list) || s.list[i].from > to {
		return 0
	}
	rest := append([]span(nil), s.list[i:]...)
	s.list = s.list[:i]
	for _, sp := range rest {
		if sp.from > to || !before.IsZero() && !sp.at.Before(before) {
			s.list = append(s.list, sp)
			continue
		}
		if sp.from < from {
			s.list = append(s.list, span{sp.from, from - 1, sp.at})
		}
		if sp.to > to {
			s.list = append(s.list, span{to + 1, sp.to, sp.at})
		}
		done += min(sp.to, to) - max(sp.from, from) + 1
	}
	return done
}

// cutOldest forgets up to n blocks that were sent before a time, lowest numbers first,
// and returns how many.
func (s *spans) cutOldest(n uint64, before time.Time) uint64 {
	var done uint64
	for i := 0; i < len(s.list) && done < n; {
		sp := &s.list[i]
		if !sp.at.Before(before) {
			i++
			continue
		}
		if size := sp.to - sp.from + 1; size > n-done {
			sp.from += n - done
			return n
		} else {
			done += size
			s.list = slices.Delete(s.list, i, i+1)
		}
	}
	return done
}

// size is how many blocks are remembered.
func (s *spans) size() uint64 {
	var n uint64
	for _, sp := range s.list {
		n += sp.to - sp.from + 1
	}
	return n
}

// oldest is when the block that waits longest was sent; the zero time if none does.
func (s *spans) oldest() time.Time {
	var at time.Time
	for _, sp := range s.list {
		if at.IsZero() || sp.at.Before(at) {
			at = sp.at
		}
	}
	return at
}
