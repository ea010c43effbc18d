package buffer

import (
	"errors"
	"fmt"
	"time"
)

// ErrRotated says that the log began another epoch while blocks of the former one
// were being read.
var ErrRotated = errors.New("the log began a new epoch meanwhile")

// historyBatch is how many blocks one transaction of History reads at most.
const historyBatch = 256

// Find returns the runs of sequence numbers (first and last) of a stream among
// which its blocks of a time range are, from within, to not. A zero time is no
// bound.
//
// It goes by the sparse marks of [Record.Time], so the runs hold other blocks too,
// about one mark's distance (an n-th of MaxAge, or a day) before and behind: the
// caller looks into the blocks. A clock that was set back makes times come twice, and
// runs several; they ascend by number, not by time. What is promised: every block
// that the stream has now, and whose Record.Time is within the range and not before
// 2020, lies in a run. It does not hold for fewer than 32 blocks of a clock that was
// set back by more than two marks' distance and forward again: those are found by the
// time of their neighbours.
func (l *Log) Find(stream string, from, to time.Time) [][2]uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.streams[stream].find(from, to)
}

// find is Find of one stream; s may be nil.
func (s *stream) find(from, to time.Time) (runs [][2]uint64) {
	if s == nil || s.first > s.head {
		return nil
	}
	add := func(first, last uint64) {
		first, last = max(first, s.first), min(last, s.head)
		switch n := len(runs); {
		case first > last:
		case n > 0 && runs[n-1][1]+1 >= first:
			runs[n-1][1] = last
		default:
			runs = append(runs, [2]uint64{first, last})
		}
	}
	if len(s.marks) == 0 {
		add(s.first, s.head)
		return runs
	}
	// Of what lies before the first mark, and behind the last one, nothing is known.
	add(s.first, s.marks[0].seq-1)
	for i, m := range s.marks[:len(s.marks)-1] {
		// A block that is further off than the next mark would have become that mark,
		// but for some that ran back (see marksApart): hence twice as far on that side.
		next := s.marks[i+1]
		off := max(next.at-m.at, m.at-next.at)
		low, high := min(m.at, next.at)-2*off, m.at+off
		if (to.IsZero() || low < to.UnixMilli()) && (from.IsZero() || high >= from.UnixMilli()) {
			add(m.seq, next.seq-1)
		}
	}
	add(s.marks[len(s.marks)-1].seq, s.head)
	return runs
}

// History gives fn the blocks of the runs that [Log.Find] names, in ascending order.
// They are read some hundreds at a time, each time in a transaction of its own that
// has ended when fn is called: fn may take its time, and call the log. What is
// appended meanwhile is not given. What is evicted meanwhile is not given either, and
// missed says how many blocks that were. An error of fn ends it and is returned;
// others are those of Read, and ErrRotated.
func (l *Log) History(stream string, from, to time.Time, fn func(seq uint64, block []byte) error) (missed uint64, err error) {
	l.mu.RLock()
	epoch, runs := l.epoch, l.streams[stream].find(from, to)
	l.mu.RUnlock()
	for _, run := range runs {
		for next := run[0]; next <= run[1]; {
			first, blocks, err := l.Read(stream, next-1, int(min(historyBatch, run[1]-next+1)))
			if err == nil && l.Epoch() != epoch {
				err = ErrRotated // the blocks may be of the new one
			}
			if err != nil {
				return missed, fmt.Errorf("buffer: history: %w", err)
			}
			if len(blocks) == 0 || first > run[1] { // all evicted
				missed += run[1] - next + 1
				break
			}
			missed += first - next
			for i, b := range blocks {
				seq := first + uint64(i)
				if seq > run[1] {
					break
				}
				if err := fn(seq, b); err != nil {
					return missed, err
				}
			}
			next = first + uint64(len(blocks))
		}
	}
	return missed, nil
}
