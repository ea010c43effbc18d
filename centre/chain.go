package main

import (
	"iter"
	"slices"
	"sort"
	"time"

	"envgate/envelope"
)

// A chainID names one chain of blocks: the blocks of one stream of one log.
type chainID struct {
	Gateway, Stream, Epoch string
}

// An edge is what must be known of a block to link it with its neighbours.
type edge struct {
	Seq  uint64
	Prev string // hash of the block before
	Hash string
	Boot string // "" where only the hash is known (from an eviction event)
	Mono int64  // ms since boot at sealing
}

// A run is a stretch of stored blocks beyond the head, each linked with the
// one before it.
type run struct {
	first, last edge
	born        time.Time // when its first block came
	grown       time.Time // when its newest block came
}

// An eviction is a signed word of the gateway that blocks went before they were
// acknowledged. Hash is that of block To: the anchor on which the chain goes on.
type eviction struct {
	From, To uint64
	Hash     string
	Readings uint64
	T0, T1   int64 // UTC ms of the first and last reading that went

	EventSeq uint64 // the event block that says so
	Received int64  // UTC ms
}

// A life is the time that one start of a gateway's system was seen in a chain.
type life struct {
	Boot        string
	First, Last uint64
	changed     bool // since the last commit
}

// maxLives bounds what is remembered of a chain's starts. The alternation of
// two boots shows within two of them.
const maxLives = 16

// maxBroken bounds what is remembered of faults already told.
const maxBroken = 1000

// A chain is the account of one chain: pure arithmetic on numbers and hashes,
// no store and no clock. It is owned by the ledger's goroutine.
//
// The head is the highest number up to which every block is stored and linked,
// or named by an eviction event. Blocks beyond a gap stand in runs.
type chain struct {
	chainID
	row         int64 // its number in the store
	first, last uint64
	head        edge
	vouched     uint64     // the event block whose word the head stands on; 0 = on a block
	runs        []run      // ascending, apart or unlinked
	evicted     []eviction // those that reach past the head, ascending
	lives       []life

	claim     uint64        // highest number a later block of another stream names
	claimHash string        // its hash
	claimed   time.Time     // when the claim first went past last
	checked   envelope.Head // the last such word found true

	began, updated int64 // UTC ms of the first and the newest block's arrival

	broken map[uint64]bool // right ends of links found broken, told once
	notice notice
}

// A fault is a pair of neighbours that contradict each other.
type fault struct {
	kind        string
	left, right edge
	event       uint64 // the event block that vouches for left, 0 if left is a stored block
}

func newChain(id chainID, row int64) *chain {
	return &chain{chainID: id, row: row, head: edge{Hash: envelope.Genesis}, broken: make(map[uint64]bool)}
}

// find returns the index of the first run that ends at seq or later.
func (c *chain) find(seq uint64) int {
	return sort.Search(len(c.runs), func(i int) bool { return c.runs[i].last.Seq >= seq })
}

// beyond reports whether seq is a stored block beyond the head.
func (c *chain) beyond(seq uint64) bool {
	i := c.find(seq)
	return i < len(c.runs) && c.runs[i].first.Seq <= seq
}

// add takes block e, whose number is past the head and in no run, and moves the
// head as far as links go. It returns the neighbours that e does not fit.
func (c *chain) add(e edge, now time.Time) []fault {
	var faults []fault
	i := c.find(e.Seq)
	n := run{first: e, last: e, born: now, grown: now}
	if i < len(c.runs) && c.runs[i].first.Seq == e.Seq+1 {
		if f, ok := c.link(e, c.runs[i].first); ok {
			n.last, n.born = c.runs[i].last, c.runs[i].born
			c.runs = slices.Delete(c.runs, i, i+1)
			faults = append(faults, f...)
		} else {
			faults = append(faults, f...)
		}
	}
	if i > 0 && c.runs[i-1].last.Seq+1 == e.Seq {
		f, ok := c.link(c.runs[i-1].last, e)
		faults = append(faults, f...)
		if ok {
			c.runs[i-1].last, c.runs[i-1].grown = n.last, now
		} else {
			c.runs = slices.Insert(c.runs, i, n)
		}
	} else {
		c.runs = slices.Insert(c.runs, i, n)
	}
	if c.first == 0 || e.Seq < c.first {
		c.first = e.Seq
	}
	c.last = max(c.last, e.Seq)
	return append(faults, c.advance()...)
}

// link judges whether r follows l. A clock that runs backwards is a fault, but
// no broken link.
func (c *chain) link(l, r edge) (faults []fault, ok bool) {
	if r.Prev != l.Hash {
		return c.once(fault{kind: kindBreak, left: l, right: r}), false
	}
	if l.Boot != "" && l.Boot == r.Boot && r.Mono < l.Mono {
		faults = c.once(fault{kind: kindBackwards, left: l, right: r})
	}
	return faults, true
}

// once returns f unless it was told before.
func (c *chain) once(f fault) []fault {
	if c.broken[f.right.Seq] {
		return nil
	}
	if len(c.broken) == maxBroken {
		clear(c.broken) // told again, and found in the store
	}
	c.broken[f.right.Seq] = true
	return []fault{f}
}

// evict takes the gateway's word that blocks are gone, and moves the head.
func (c *chain) evict(ev eviction) []fault {
	i, found := slices.BinarySearchFunc(c.evicted, ev, func(a, b eviction) int {
		if a.From != b.From {
			return cmpSeq(a.From, b.From)
		}
		return cmpSeq(a.To, b.To)
	})
	if found {
		return nil
	}
	c.evicted = slices.Insert(c.evicted, i, ev)
	return c.advance()
}

// advance moves the head over linked runs and over evicted ranges.
func (c *chain) advance() []fault {
	var faults []fault
	for {
		if len(c.runs) > 0 && c.runs[0].first.Seq == c.head.Seq+1 {
			f, ok := c.link(c.head, c.runs[0].first)
			for i := range f {
				f[i].event = c.vouched
			}
			faults = append(faults, f...)
			if ok {
				c.head, c.vouched = c.runs[0].last, 0
				c.runs = slices.Delete(c.runs, 0, 1)
				continue
			}
		}
		ev, ok := c.evictedAt(c.head.Seq + 1)
		if !ok {
			c.evicted = slices.DeleteFunc(c.evicted, func(ev eviction) bool { return ev.To <= c.head.Seq })
			return faults
		}
		faults = append(faults, c.jump(ev)...)
	}
}

// jump moves the head to the end of an evicted range, past the blocks of it
// that came all the same.
func (c *chain) jump(ev eviction) []fault {
	var faults []fault
	anchor := edge{Seq: ev.To, Hash: ev.Hash}
	c.head, c.vouched = anchor, ev.EventSeq
	n := 0
	for n < len(c.runs) && c.runs[n].first.Seq <= ev.To {
		n++
	}
	if n > 0 {
		if r := c.runs[n-1]; r.last.Seq >= ev.To {
			if r.last.Seq == ev.To && r.last.Hash != ev.Hash {
				faults = c.once(fault{kind: kindAnchor, left: anchor, right: r.last, event: ev.EventSeq})
			}
			c.head, c.vouched = r.last, 0 // the block itself is better than word of it
		}
		c.runs = slices.Delete(c.runs, 0, n)
	}
	return faults
}

// evictedAt returns the eviction that covers seq and reaches furthest.
func (c *chain) evictedAt(seq uint64) (eviction, bool) {
	var best eviction
	for _, ev := range c.evicted {
		if ev.From <= seq && seq <= ev.To && ev.To > best.To {
			best = ev
		}
	}
	return best, best.To != 0
}

// lived notes that boot sealed block seq, in the order in which blocks arrive,
// and returns the other boot if the two alternate: one that had made place for
// another goes on sealing. A disk that lost its last blocks has two boots for
// some numbers too, but there the former never comes back.
func (c *chain) lived(boot string, seq uint64) (other string) {
	i := slices.IndexFunc(c.lives, func(l life) bool { return l.Boot == boot })
	if i < 0 {
		if len(c.lives) == maxLives {
			c.lives = slices.Delete(c.lives, 0, 1)
		}
		c.lives = append(c.lives, life{Boot: boot, First: seq, Last: seq, changed: true})
		return ""
	}
	me := &c.lives[i]
	if seq > me.Last {
		for _, o := range c.lives {
			if o.First > me.First && o.First <= seq && o.Boot != boot {
				other = o.Boot
			}
		}
	}
	if seq < me.First || seq > me.Last {
		me.First, me.Last, me.changed = min(me.First, seq), max(me.Last, seq), true
	}
	return other
}

// have returns the ranges beyond the head that are stored, oldest first, at
// most n of them. Neighbouring runs are one range.
func (c *chain) have(n int) [][2]uint64 {
	var out [][2]uint64
	for _, r := range c.runs {
		if k := len(out) - 1; k >= 0 && out[k][1]+1 == r.first.Seq {
			out[k][1] = r.last.Seq
			continue
		}
		if len(out) == n {
			break
		}
		out = append(out, [2]uint64{r.first.Seq, r.last.Seq})
	}
	return out
}

// A gap is a range that is neither stored nor evicted.
type gap struct {
	from, to uint64
	since    time.Time // when it last changed: it opened, or its edge moved
}

// gaps yields what is missing between the head and the highest number known of,
// oldest first.
func (c *chain) gaps() iter.Seq[gap] {
	return func(yield func(gap) bool) {
		at := c.head.Seq + 1
		var grown time.Time
		for _, r := range c.runs {
			if !c.missing(at, r.first.Seq-1, latest(r.born, grown), yield) {
				return
			}
			at, grown = r.last.Seq+1, r.grown
		}
		c.missing(at, c.claim, latest(c.claimed, grown), yield)
	}
}

// missing yields what of a range without blocks is not evicted, and reports
// whether more is wanted.
func (c *chain) missing(from, to uint64, since time.Time, yield func(gap) bool) bool {
	for from <= to {
		if ev, ok := c.evictedAt(from); ok {
			from = ev.To + 1
			continue
		}
		end := to
		for _, ev := range c.evicted {
			if ev.From > from && ev.From <= end {
				end = ev.From - 1
			}
		}
		if !yield(gap{from: from, to: end, since: since}) {
			return false
		}
		from = end + 1
	}
	return true
}

// want returns the ranges missing for longer than after, oldest first, at most
// n of them.
func (c *chain) want(now time.Time, after time.Duration, n int) [][2]uint64 {
	var out [][2]uint64
	for g := range c.gaps() {
		if len(out) == n {
			break
		}
		if now.Sub(g.since) >= after {
			out = append(out, [2]uint64{g.from, g.to})
		}
	}
	return out
}

// whole reports whether nothing is known to be missing and no link is broken.
func (c *chain) whole() bool { return len(c.runs) == 0 && c.claim <= c.head.Seq }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func cmpSeq(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
