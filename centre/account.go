package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"envgate/envelope"
)

// A ledger accounts for every block: which numbers are there, which are
// missing, what was taken back. What it holds in memory is a copy of what the
// store committed, and after an error it is loaded anew. One goroutine owns it.
type ledger struct {
	store    store
	keep     limit
	liveRows bool
	log      *slog.Logger

	// unordered says that blocks are not taken in the order in which they came, of
	// which alone it follows that epochs alternate.
	unordered bool

	chains   map[chainID]*chain
	gateways map[string]*presence
	arrival  int64
	rows     int64 // highest number of a chain
	spent    map[purse]spending

	batch   *batch
	pending map[place]*stored // blocks of the batch
	touched map[*chain]bool
}

// A place is a block's number in the chain of a row.
type place struct {
	row int64
	seq uint64
}

// A presence is which log (epoch) of a gateway seals now, by the blocks that are
// newer than any before them.
type presence struct {
	current string
	known   map[string]bool
	returns int // how often a former epoch went on sealing
}

// maxReturns is how often two epochs may alternate before they are taken for two
// devices under one key. A block of the former epoch that was under way when the
// new one began makes two.
const maxReturns = 3

// load drops what is in memory, with the open batch, and takes the store's.
func (l *ledger) load(ctx context.Context) error {
	a, err := l.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load account: %w", err)
	}
	l.chains = make(map[chainID]*chain, len(a.Chains))
	l.gateways = make(map[string]*presence)
	l.arrival, l.rows, l.spent = a.Arrival, 0, a.Spent
	slices.SortFunc(a.Chains, func(x, y *chain) int { return cmpSeq(uint64(x.updated), uint64(y.updated)) })
	for _, c := range a.Chains {
		l.chains[c.chainID] = c
		l.rows = max(l.rows, c.row)
		if c.last > 0 {
			p := l.presence(c.Gateway)
			p.current, p.known[c.Epoch] = c.Epoch, true
		}
	}
	l.begin()
	return nil
}

func (l *ledger) begin() {
	l.batch = &batch{Tallies: make(map[tally]int64), LiveRows: l.liveRows}
	l.pending = make(map[place]*stored)
	l.touched = make(map[*chain]bool)
}

// commit writes the batch and returns the chains that it touched.
func (l *ledger) commit(ctx context.Context, now time.Time) ([]*chain, error) {
	l.batch.At = now.UnixMilli()
	l.batch.Chains = slices.SortedFunc(maps.Keys(l.touched), func(a, b *chain) int { return cmpSeq(uint64(a.row), uint64(b.row)) })
	if err := l.store.Commit(ctx, l.batch); err != nil {
		return nil, fmt.Errorf("commit %d blocks: %w", len(l.batch.Blocks), err)
	}
	touched := l.batch.Chains
	for _, c := range touched {
		for i := range c.lives {
			c.lives[i].changed = false
		}
	}
	l.begin()
	return touched, nil
}

// take accounts for one message. The error is that of the store.
func (l *ledger) take(ctx context.Context, v *verdict) error {
	if v.kind != "" {
		l.reject(v)
		return nil
	}
	c := l.chain(v.id, v.at)
	c.updated = v.at.UnixMilli()
	l.touched[c] = true
	s := &stored{
		Row: c.row, ID: c.chainID, Edge: v.edge(),
		Received: v.at.UnixMilli(), Message: v.message, Block: v.block,
	}
	if err := l.alternation(ctx, c, s); err != nil {
		return err
	}
	seq := s.Edge.Seq
	if seq <= c.head.Seq || c.beyond(seq) {
		old, err := l.lookup(ctx, c.row, seq)
		if err != nil {
			return err
		}
		switch {
		case old != nil && old.Edge.Hash == s.Edge.Hash:
			l.count(c.Gateway, c.Stream, kindDuplicate)
			return nil
		case old != nil:
			kind := kindFork
			if seq <= c.head.Seq {
				kind = kindRewrite
			}
			l.anomaly(c, old, s, kind, fmt.Sprintf("block %d came as %.8s and as %.8s (boots %s and %s)",
				seq, old.Edge.Hash, s.Edge.Hash, old.Edge.Boot, s.Edge.Boot))
			return nil
		}
		// Evicted by the gateway's word, and here all the same.
		if err := l.late(ctx, c, s); err != nil {
			return err
		}
		l.put(c, s)
	} else {
		fresh := seq > c.last
		l.put(c, s)
		if err := l.faults(ctx, c, c.add(s.Edge, v.at)); err != nil {
			return err
		}
		if fresh && !l.unordered {
			if err := l.turn(ctx, c, s); err != nil {
				return err
			}
		}
	}
	if seq == c.claim && s.Edge.Hash != c.claimHash {
		l.anomaly(c, nil, s, kindHead, fmt.Sprintf("block %d is %.8s, another stream names %.8s", seq, s.Edge.Hash, c.claimHash))
	}
	if err := l.heads(ctx, c, s, v.at); err != nil {
		return err
	}
	return l.events(ctx, c, s, v.at)
}

// put adds the block to the batch.
func (l *ledger) put(c *chain, s *stored) {
	l.arrival++
	s.Arrival = l.arrival
	l.batch.Blocks = append(l.batch.Blocks, s)
	l.pending[place{c.row, s.Edge.Seq}] = s
	l.count(c.Gateway, c.Stream, kindBlock)
}

// lookup returns a block of the batch or of the store, nil if there is none.
func (l *ledger) lookup(ctx context.Context, row int64, seq uint64) (*stored, error) {
	if s := l.pending[place{row, seq}]; s != nil {
		return s, nil
	}
	return l.store.Block(ctx, row, seq)
}

// chain returns the account of a chain, a new one if it is the first word of it.
func (l *ledger) chain(id chainID, now time.Time) *chain {
	if c := l.chains[id]; c != nil {
		return c
	}
	l.rows++
	c := newChain(id, l.rows)
	c.began, c.updated = now.UnixMilli(), now.UnixMilli()
	l.chains[id] = c
	l.touched[c] = true
	return c
}

func (l *ledger) presence(gateway string) *presence {
	p := l.gateways[gateway]
	if p == nil {
		p = &presence{known: make(map[string]bool)}
		l.gateways[gateway] = p
	}
	return p
}

// alternation finds two boots that seal one chain in turns: a cloned card.
func (l *ledger) alternation(ctx context.Context, c *chain, s *stored) error {
	other := c.lived(s.Edge.Boot, s.Edge.Seq)
	if other == "" {
		return nil
	}
	i := slices.IndexFunc(c.lives, func(l life) bool { return l.Boot == other })
	old, err := l.lookup(ctx, c.row, c.lives[i].Last)
	if err != nil {
		return err
	}
	l.anomaly(c, old, s, kindClone, fmt.Sprintf("boots %s and %s seal in turns: two devices with one key", other, s.Edge.Boot))
	return nil
}

// turn finds two epochs that seal in turns: two devices with one key.
func (l *ledger) turn(ctx context.Context, c *chain, s *stored) error {
	p := l.presence(c.Gateway)
	other := p.current
	if other == c.Epoch {
		return nil
	}
	p.current = c.Epoch
	if !p.known[c.Epoch] {
		p.known[c.Epoch] = true
		if other != "" {
			l.log.Info("new epoch", "gateway", c.Gateway, "epoch", c.Epoch, "former", other)
		}
		return nil
	}
	if p.returns++; p.returns < maxReturns {
		return nil
	}
	var old *stored
	if o := l.chains[chainID{c.Gateway, c.Stream, other}]; o != nil {
		var err error
		if old, err = l.lookup(ctx, o.row, o.last); err != nil {
			return err
		}
	}
	l.anomaly(c, old, s, kindClone, fmt.Sprintf("epochs %s and %s seal in turns: two devices with one key", other, c.Epoch))
	return nil
}

// late checks a block that came after the head had passed its place.
func (l *ledger) late(ctx context.Context, c *chain, s *stored) error {
	var faults []fault
	for _, side := range []int{-1, +1} {
		n, err := l.lookup(ctx, c.row, s.Edge.Seq+uint64(side))
		if err != nil {
			return err
		}
		if n == nil {
			continue
		}
		left, right := n.Edge, s.Edge
		if side > 0 {
			left, right = right, left
		}
		f, _ := c.link(left, right)
		faults = append(faults, f...)
	}
	if c.first == 0 || s.Edge.Seq < c.first {
		c.first = s.Edge.Seq
	}
	c.last = max(c.last, s.Edge.Seq)
	l.pending[place{c.row, s.Edge.Seq}] = s // faults look for it
	return l.faults(ctx, c, faults)
}

// faults records neighbours that contradict each other, with both messages.
func (l *ledger) faults(ctx context.Context, c *chain, faults []fault) error {
	for _, f := range faults {
		row, seq := c.row, f.left.Seq
		if f.event != 0 {
			row, seq = l.chain(chainID{c.Gateway, envelope.StreamEvent, c.Epoch}, time.UnixMilli(c.updated)).row, f.event
		}
		left, err := l.lookup(ctx, row, seq)
		if err != nil {
			return err
		}
		right, err := l.lookup(ctx, c.row, f.right.Seq)
		if err != nil {
			return err
		}
		if right == nil {
			continue // a fault is found at a stored block; it is told there
		}
		l.anomaly(c, left, right, f.kind, f.text())
	}
	return nil
}

func (f fault) text() string {
	switch f.kind {
	case kindAnchor:
		return fmt.Sprintf("block %d is %.8s, the eviction event in block %d names %.8s", f.right.Seq, f.right.Hash, f.event, f.left.Hash)
	case kindBackwards:
		return fmt.Sprintf("from block %d to %d the clock since boot %s went back by %s", f.left.Seq, f.right.Seq, f.right.Boot,
			time.Duration(f.left.Mono-f.right.Mono)*time.Millisecond)
	}
	return fmt.Sprintf("block %d names %.8s as the one before it, block %d is %.8s", f.right.Seq, f.right.Prev, f.left.Seq, f.left.Hash)
}
