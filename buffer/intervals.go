package buffer

import (
	"encoding/binary"
	"errors"
	"slices"
	"sort"
)

// maxRuns bounds an interval set. Whoever acknowledges with more holes than
// that has some acknowledgements forgotten, and sends those blocks again.
const maxRuns = 256

// maxSeq is the highest sequence number: what a JSON number holds exactly.
const maxSeq = 1 << 53

// intervals is a set of sequence numbers from 1 to maxSeq, kept as runs that
// ascend and neither touch nor overlap. The zero value is the empty set.
type intervals struct {
	runs [][2]uint64 // first and last of each
}

// add puts from..to (both within) into the set and reports whether that
// changed it. What lies outside 1..maxSeq is left out.
func (s *intervals) add(from, to uint64) bool {
	from, to = max(from, 1), min(to, maxSeq)
	if from > to {
		return false
	}
	// runs[i:j] touch or overlap from..to.
	i := sort.Search(len(s.runs), func(k int) bool { return s.runs[k][1]+1 >= from })
	j := sort.Search(len(s.runs), func(k int) bool { return s.runs[k][0] > to+1 })
	if j == i+1 && s.runs[i][0] <= from && to <= s.runs[i][1] {
		return false
	}
	if i < j {
		from, to = min(from, s.runs[i][0]), max(to, s.runs[j-1][1])
	}
	s.runs = slices.Replace(s.runs, i, j, [2]uint64{from, to})
	if len(s.runs) > maxRuns {
		s.forget()
	}
	return true
}

// forget drops the shortest run, but never the first: its end is what a
// cursor's holder goes by.
func (s *intervals) forget() {
	shortest := 1
	for k, r := range s.runs[1:] {
		if r[1]-r[0] < s.runs[shortest][1]-s.runs[shortest][0] {
			shortest = k + 1
		}
	}
	s.runs = slices.Delete(s.runs, shortest, shortest+1)
}

// upto returns the end of the run that begins at 1, or 0.
func (s *intervals) upto() uint64 {
	if len(s.runs) == 0 || s.runs[0][0] != 1 {
		return 0
	}
	return s.runs[0][1]
}

// beyond returns a copy of the runs after upto.
func (s *intervals) beyond() [][2]uint64 {
	if s.upto() == 0 {
		return slices.Clone(s.runs)
	}
	return slices.Clone(s.runs[1:])
}

// cut takes everything above last out of the set.
func (s *intervals) cut(last uint64) {
	for len(s.runs) > 0 {
		r := &s.runs[len(s.runs)-1]
		if r[0] <= last {
			r[1] = min(r[1], last)
			return
		}
		s.runs = s.runs[:len(s.runs)-1]
	}
}

// append writes the set as varints: for each run the distance from the run
// before, then its length less one.
func (s *intervals) append(b []byte) []byte {
	var end uint64
	for _, r := range s.runs {
		b = binary.AppendUvarint(b, r[0]-end)
		b = binary.AppendUvarint(b, r[1]-r[0])
		end = r[1]
	}
	return b
}

var errIntervals = errors.New("interval set is malformed")

// parseIntervals reads what append wrote.
func parseIntervals(b []byte) (intervals, error) {
	var s intervals
	var end uint64
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap == 0 || gap > maxSeq-end || (gap == 1 && len(s.runs) > 0) {
			return intervals{}, errIntervals
		}
		length, m := binary.Uvarint(b[n:])
		if m <= 0 || length > maxSeq-end-gap || len(s.runs) == maxRuns {
			return intervals{}, errIntervals
		}
		s.runs = append(s.runs, [2]uint64{end + gap, end + gap + length})
		end += gap + length
		b = b[n+m:]
	}
	return s, nil
}
