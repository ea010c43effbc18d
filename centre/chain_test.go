package main

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"envgate/envelope"
)

// links makes n edges that follow one another.
func links(n int) []edge {
	out := make([]edge, n)
	prev := envelope.Genesis
	for i := range out {
		out[i] = edge{Seq: uint64(i + 1), Prev: prev, Hash: fmt.Sprint("h", i+1), Boot: "b", Mono: int64(i)}
		prev = out[i].Hash
	}
	return out
}

// Whatever the order, after each block the head, the ranges beyond it and the
// gaps are those of a plain set of numbers.
func TestChainAgainstModel(t *testing.T) {
	for round := range 200 {
		rng := rand.New(rand.NewPCG(1, uint64(round)))
		n := 1 + rng.IntN(40)
		edges := links(n)
		rng.Shuffle(n, func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
		c := newChain(chainID{}, 1)
		have := make([]bool, n+2)
		for _, e := range edges {
			if f := c.add(e, time.Now()); len(f) > 0 {
				t.Fatalf("round %d: add(%d): %v, want no faults", round, e.Seq, f)
			}
			have[e.Seq] = true
			wantHead := uint64(0)
			for have[wantHead+1] {
				wantHead++
			}
			if c.head.Seq != wantHead {
				t.Fatalf("round %d: after block %d the head is %d, want %d", round, e.Seq, c.head.Seq, wantHead)
			}
			var wantHave, wantGaps [][2]uint64
			for seq := wantHead + 1; seq <= c.last; seq++ {
				list := &wantGaps
				if have[seq] {
					list = &wantHave
				}
				if k := len(*list) - 1; k >= 0 && (*list)[k][1]+1 == seq {
					(*list)[k][1] = seq
				} else {
					*list = append(*list, [2]uint64{seq, seq})
				}
			}
			if got := c.have(100); !slices.Equal(got, wantHave) {
				t.Fatalf("round %d: have %v, want %v", round, got, wantHave)
			}
			if got := ranges(c.gaps()); !slices.Equal(got, wantGaps) {
				t.Fatalf("round %d: gaps %v, want %v", round, got, wantGaps)
			}
		}
	}
}

func ranges(gaps iter.Seq[gap]) [][2]uint64 {
	var out [][2]uint64
	for g := range gaps {
		out = append(out, [2]uint64{g.from, g.to})
	}
	return out
}

func TestChainEviction(t *testing.T) {
	e := links(12)
	ev := func(from, to uint64) eviction { return eviction{From: from, To: to, Hash: e[to-1].Hash, EventSeq: 7} }
	for _, tt := range []struct {
		name    string
		do      func(c *chain) []fault
		head    uint64
		vouched uint64
		gaps    [][2]uint64
		faults  int
	}{
		{"of the beginning, then blocks", func(c *chain) []fault {
			return slices.Concat(c.evict(ev(1, 4)), c.add(e[4], time.Now()))
		}, 5, 0, nil, 0},
		{"of the beginning, after the blocks", func(c *chain) []fault {
			return slices.Concat(c.add(e[4], time.Now()), c.add(e[5], time.Now()), c.evict(ev(1, 4)))
		}, 6, 0, nil, 0},
		{"nothing after it yet", func(c *chain) []fault { return c.evict(ev(1, 4)) }, 4, 7, nil, 0},
		{"two that touch", func(c *chain) []fault {
			return slices.Concat(c.evict(ev(4, 6)), c.evict(ev(1, 3)), c.add(e[6], time.Now()))
		}, 7, 0, nil, 0},
		{"of blocks that are here in part", func(c *chain) []fault {
			return slices.Concat(c.add(e[0], time.Now()), c.add(e[2], time.Now()), c.add(e[3], time.Now()), c.evict(ev(1, 3)))
		}, 4, 0, nil, 0},
		{"not up to the next block", func(c *chain) []fault {
			return slices.Concat(c.evict(ev(1, 3)), c.add(e[5], time.Now()))
		}, 3, 7, [][2]uint64{{4, 5}}, 0},
		{"in the middle of a gap", func(c *chain) []fault {
			return slices.Concat(c.add(e[0], time.Now()), c.add(e[9], time.Now()), c.evict(ev(4, 6)))
		}, 1, 0, [][2]uint64{{2, 3}, {7, 9}}, 0},
		{"with another hash than the next block names", func(c *chain) []fault {
			bad := ev(1, 4)
			bad.Hash = "other"
			return slices.Concat(c.evict(bad), c.add(e[4], time.Now()))
		}, 4, 7, nil, 1},
		{"with another hash than its last block has", func(c *chain) []fault {
			bad := ev(1, 4)
			bad.Hash = "other"
			return slices.Concat(c.add(e[3], time.Now()), c.evict(bad))
		}, 4, 0, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newChain(chainID{}, 1)
			faults := tt.do(c)
			if c.head.Seq != tt.head || c.vouched != tt.vouched {
				t.Errorf("head %d (vouched by %d), want %d (%d)", c.head.Seq, c.vouched, tt.head, tt.vouched)
			}
			if got := ranges(c.gaps()); !slices.Equal(got, tt.gaps) {
				t.Errorf("gaps %v, want %v", got, tt.gaps)
			}
			if len(faults) != tt.faults {
				t.Errorf("faults %v, want %d", faults, tt.faults)
			}
		})
	}
}

// A broken link holds the head, and is told once, in whatever order the blocks
// around it come.
func TestChainBreak(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 1, 3, 0, 4}, {1, 2, 0, 4, 3}} {
		e := links(5)
		e[2].Prev = "forged"
		c := newChain(chainID{}, 1)
		var faults []fault
		for _, i := range order {
			faults = append(faults, c.add(e[i], time.Now())...)
		}
		if len(faults) != 1 || faults[0].kind != kindBreak || faults[0].right.Seq != 3 || faults[0].left.Seq != 2 {
			t.Errorf("order %v: faults %+v, want one break between 2 and 3", order, faults)
		}
		if c.head.Seq != 2 {
			t.Errorf("order %v: head %d, want 2: it advances over linked blocks only", order, c.head.Seq)
		}
		if got := c.have(9); !slices.Equal(got, [][2]uint64{{3, 5}}) {
			t.Errorf("order %v: have %v, want 3-5", order, got)
		}
	}
}

func TestChainWant(t *testing.T) {
	e := links(30)
	c := newChain(chainID{}, 1)
	c.add(e[0], start)
	c.add(e[9], start.Add(2*time.Second))
	c.claim, c.claimed = 20, start.Add(4*time.Second)
	for _, tt := range []struct {
		at   time.Duration
		n    int
		want [][2]uint64
	}{
		{6 * time.Second, 9, nil},
		{7 * time.Second, 9, [][2]uint64{{2, 9}}},
		{9 * time.Second, 9, [][2]uint64{{2, 9}, {11, 20}}},
		{9 * time.Second, 1, [][2]uint64{{2, 9}}},
	} {
		if got := c.want(start.Add(tt.at), 5*time.Second, tt.n); !slices.Equal(got, tt.want) {
			t.Errorf("after %v want(%d) = %v, want %v", tt.at, tt.n, got, tt.want)
		}
	}
	// A gap that is being filled from its lower side is not asked for.
	c.add(e[2], start.Add(8*time.Second))
	if got := c.want(start.Add(9*time.Second), 5*time.Second, 9); !slices.Equal(got, [][2]uint64{{11, 20}}) {
		t.Errorf("want %v while the gap is being filled, want 11-20 alone", got)
	}
}

func TestChainLives(t *testing.T) {
	type sight struct {
		boot string
		seq  uint64
	}
	for _, tt := range []struct {
		name  string
		seen  []sight
		clone bool
	}{
		{"restarts", []sight{{"a", 1}, {"a", 2}, {"b", 3}, {"c", 4}, {"c", 5}}, false},
		{"backlog beside fresh blocks", []sight{{"b", 101}, {"a", 50}, {"b", 102}, {"a", 51}, {"b", 103}, {"a", 100}, {"a", 1}}, false},
		{"backlog of three starts", []sight{{"c", 201}, {"b", 101}, {"a", 1}, {"c", 202}, {"a", 100}, {"b", 200}, {"b", 150}}, false},
		{"a disk that lost its end", []sight{{"a", 100}, {"a", 105}, {"b", 101}, {"b", 102}, {"b", 106}, {"b", 107}}, false},
		{"a disk that lost its end, which comes once more", []sight{{"a", 100}, {"a", 105}, {"b", 101}, {"a", 105}, {"b", 102}, {"a", 103}}, false},
		{"two devices in turns", []sight{{"a", 100}, {"b", 101}, {"a", 101}, {"b", 102}}, true},
		{"one that wakes up again", []sight{{"a", 100}, {"b", 101}, {"b", 105}, {"a", 101}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newChain(chainID{}, 1)
			found := ""
			for _, s := range tt.seen {
				if o := c.lived(s.boot, s.seq); o != "" {
					found = o
				}
			}
			if (found != "") != tt.clone {
				t.Errorf("alternates with %q, want a clone: %v", found, tt.clone)
			}
		})
	}
}
