package buffer

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Against a map, with small numbers so that runs touch all the time.
func TestIntervalsModel(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var s intervals
		model := map[uint64]bool{}
		for range 60 {
			from := r.Uint64N(100)
			to := from + r.Uint64N(8)
			if r.IntN(10) == 0 {
				from, to = to+1, from // empty or of one
			}
			changed := false
			for k := max(from, 1); k <= to; k++ {
				changed = changed || !model[k]
				model[k] = true
			}
			if got := s.add(from, to); got != changed {
				t.Fatalf("seed %d: add(%d, %d) = %v, want %v", seed, from, to, got, changed)
			}
			if r.IntN(15) == 0 {
				last := r.Uint64N(110)
				s.cut(last)
				for k := range model {
					if k > last {
						delete(model, k)
					}
				}
			}
			checkIntervals(t, seed, s, model)
			again, err := parseIntervals(s.append(nil))
			if err != nil {
				t.Fatalf("seed %d: parse: %v", seed, err)
			}
			checkIntervals(t, seed, again, model)
		}
	}
}

func checkIntervals(t *testing.T, seed uint64, s intervals, model map[uint64]bool) {
	t.Helper()
	n := 0
	var end uint64
	for i, r := range s.runs {
		if r[0] > r[1] || r[0] < 1 || i > 0 && r[0] <= end+1 {
			t.Fatalf("seed %d: runs %v", seed, s.runs)
		}
		end = r[1]
		for k := r[0]; k <= r[1]; k++ {
			if n++; !model[k] {
				t.Fatalf("seed %d: %d is in %v", seed, k, s.runs)
			}
		}
	}
	if n != len(model) {
		t.Fatalf("seed %d: %d numbers in %v, want %d", seed, n, s.runs, len(model))
	}
	var upto uint64
	for model[upto+1] {
		upto++
	}
	if s.upto() != upto {
		t.Fatalf("seed %d: upto %d of %v, want %d", seed, s.upto(), s.runs, upto)
	}
	if b := s.beyond(); len(b) > 0 && b[0][0] <= upto {
		t.Fatalf("seed %d: beyond %v of %v", seed, b, s.runs)
	}
}

func TestIntervalsBound(t *testing.T) {
	var s intervals
	s.add(1, 1)
	for k := uint64(10); k < 3000; k += 3 {
		s.add(k, k+k%2)
	}
	if len(s.runs) != maxRuns || s.upto() != 1 {
		t.Errorf("%d runs, upto %d, want %d and 1", len(s.runs), s.upto(), maxRuns)
	}
	s = intervals{}
	if s.add(maxSeq, 1<<64-1); s.runs[0] != [2]uint64{maxSeq, maxSeq} {
		t.Errorf("runs %v, want the top number alone", s.runs)
	}
}

func FuzzIntervals(f *testing.F) {
	s := intervals{runs: [][2]uint64{{1, 5}, {9, 9}, {1000, maxSeq}}}
	f.Add(s.append(nil))
	f.Add([]byte{1, 4, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseIntervals(b)
		if err != nil {
			return
		}
		var again intervals
		for _, r := range s.runs {
			again.add(r[0], r[1])
		}
		if len(again.runs) != len(s.runs) || !bytes.Equal(again.append(nil), s.append(nil)) {
			t.Fatalf("runs %v, built again %v", s.runs, again.runs)
		}
	})
}
