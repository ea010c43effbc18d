package uplink

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The spans against a map: what was sent is remembered with about its time; joining
// may make a time later, and never forgets while there are few.
func TestSpansModel(t *testing.T) {
	start := time.Unix(0, 0)
	for seed := range uint64(8) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		s := spans{grain: 2 * time.Second}
		model := map[uint64]time.Time{}
		now := start
		for step := range 1000 {
			now = now.Add(time.Duration(rnd.IntN(1500)) * time.Millisecond)
			a := rnd.Uint64N(100) + 1
			b := min(100, a+rnd.Uint64N(10))
			switch rnd.IntN(8) {
			default:
				s.add(a, now)
				model[a] = now
			case 0:
				var want uint64
				for seq := range model {
					if a <= seq && seq <= b {
						delete(model, seq)
						want++
					}
				}
				if got := s.cutBefore(a, b, time.Time{}); got != want {
					t.Fatalf("seed %d step %d: cut(%d, %d) = %d, want %d", seed, step, a, b, got, want)
				}
			case 1:
				before := now.Add(-10 * time.Second)
				s.cutBefore(a, b, before)
				for seq, at := range model {
					if a > seq || seq > b {
						continue
					}
					if held := s.has(seq); held && at.Before(before.Add(-s.grain)) || !held && !at.Before(before.Add(s.grain)) {
						t.Fatalf("seed %d step %d: after cutBefore, has(%d) = %v, sent %v before", seed, step, seq, held, before.Sub(at))
					}
					if !s.has(seq) {
						delete(model, seq)
					}
				}
			case 2:
				n := s.cutOldest(5, now.Add(-20*time.Second))
				gone := uint64(0)
				for seq := range model {
					if !s.has(seq) {
						delete(model, seq)
						gone++
					}
				}
				if gone != n || n > 5 {
					t.Fatalf("seed %d step %d: cutOldest = %d, %d are gone", seed, step, n, gone)
				}
			}
			for seq := range uint64(102) {
				if _, want := model[seq]; s.has(seq) != want {
					t.Fatalf("seed %d step %d: has(%d) = %v", seed, step, seq, !want)
				}
			}
			if s.size() != uint64(len(model)) {
				t.Fatalf("seed %d step %d: size %d, want %d", seed, step, s.size(), len(model))
			}
			for i, sp := range s.list {
				if sp.from > sp.to || i > 0 && s.list[i-1].to >= sp.from {
					t.Fatalf("seed %d step %d: spans %v", seed, step, s.list)
				}
			}
		}
	}
}

func TestSpansBounded(t *testing.T) {
	s := spans{grain: time.Second}
	now := time.Unix(0, 0)
	for seq := uint64(1); seq <= 5000; seq++ { // each a span of its own
		now = now.Add(time.Minute)
		s.add(seq, now)
	}
	if len(s.list) > maxSpans || s.size() != 5000 {
		t.Errorf("%d spans of %d blocks, want at most %d of 5000", len(s.list), s.size(), maxSpans)
	}
	if at := s.list[len(s.list)-1].at; !at.Equal(now) {
		t.Errorf("the newest was sent %v, want %v", at, now)
	}
	s = spans{grain: time.Second}
	for seq := uint64(2); seq <= 5000; seq += 2 { // no neighbours
		s.add(seq, now)
	}
	if len(s.list) > maxSpans || s.has(2) || !s.has(5000) {
		t.Errorf("%d spans, want at most %d, the oldest forgotten", len(s.list), maxSpans)
	}
}
