package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"envgate/envelope"
)

// This file is about what signed blocks say of other blocks: how far another
// stream is, what was evicted, where a former log ended.

// heads takes a block's word for how far the other streams are.
func (l *ledger) heads(ctx context.Context, c *chain, s *stored, now time.Time) error {
	for _, stream := range slices.Sorted(maps.Keys(s.Block.Heads)) {
		if stream == c.Stream {
			continue
		}
		o := l.chain(chainID{c.Gateway, stream, c.Epoch}, now)
		if err := l.head(ctx, o, s.Block.Heads[stream], s, now); err != nil {
			return err
		}
	}
	return nil
}

// head takes the word of block s that h is the newest block of chain o: what is
// missing up to there is a gap, and what differs a contradiction.
func (l *ledger) head(ctx context.Context, o *chain, h envelope.Head, s *stored, now time.Time) error {
	if h.Seq > o.claim {
		if o.claim <= o.last {
			o.claimed = now
		}
		o.claim, o.claimHash = h.Seq, h.Hash
		l.touched[o] = true
	}
	if h.Seq > o.last || h == o.checked {
		return nil
	}
	old, err := l.lookup(ctx, o.row, h.Seq)
	if err != nil {
		return err
	}
	if old != nil && old.Edge.Hash != h.Hash {
		l.anomaly(o, old, s, kindHead, fmt.Sprintf("block %d is %.8s, block %d of %s names %.8s",
			h.Seq, old.Edge.Hash, s.Edge.Seq, s.ID.Stream, h.Hash))
	}
	o.checked = h
	return nil
}

// events acts on what an event block says of the log itself.
func (l *ledger) events(ctx context.Context, c *chain, s *stored, now time.Time) error {
	if c.Stream != envelope.StreamEvent {
		return nil
	}
	for i := range s.Block.Events {
		var err error
		switch e := &s.Block.Events[i]; e.Type {
		case envelope.EventLogEvicted:
			err = l.evicted(ctx, c, s, e, now)
		case envelope.EventEpoch:
			err = l.former(ctx, c, s, e, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// evicted takes the gateway's word that blocks are gone.
func (l *ledger) evicted(ctx context.Context, c *chain, s *stored, e *envelope.Event, now time.Time) error {
	stream, ev, err := parseEviction(e)
	if err != nil {
		l.log.Warn("eviction event not understood", "gateway", c.Gateway, "seq", s.Edge.Seq, "err", short(err.Error()))
		return nil
	}
	ev.EventSeq, ev.Received = s.Edge.Seq, now.UnixMilli()
	o := l.chain(chainID{c.Gateway, stream, c.Epoch}, now)
	l.touched[o] = true
	l.batch.Evictions = append(l.batch.Evictions, evictionRow{Row: o.row, eviction: ev})
	l.log.Warn("gateway evicted blocks nobody had acknowledged", "gateway", c.Gateway, "stream", stream,
		"from", ev.From, "to", ev.To, "readings", ev.Readings)
	return l.faults(ctx, o, o.evict(ev))
}

// former compares what a new log says of the one before it with what is stored.
// Where that one ended earlier than we know, its disk lied or an old image was
// put back; where later, blocks are lost that nobody can send any more.
func (l *ledger) former(ctx context.Context, c *chain, s *stored, e *envelope.Event, now time.Time) error {
	var text struct {
		Last struct {
			Epoch string                   `json:"epoch"`
			Heads map[string]envelope.Head `json:"heads"`
		} `json:"last"`
	}
	// "lost" in the place of the object is no error: nothing was left to read.
	if err := json.Unmarshal([]byte(e.New), &text); err != nil || text.Last.Epoch == "" || text.Last.Epoch == c.Epoch {
		return nil
	}
	for _, stream := range slices.Sorted(maps.Keys(text.Last.Heads)) {
		h := text.Last.Heads[stream]
		o := l.chains[chainID{c.Gateway, stream, text.Last.Epoch}]
		if o == nil || h.Seq > envelope.MaxSeq {
			continue
		}
		if o.last > h.Seq {
			old, err := l.lookup(ctx, o.row, o.last)
			if err != nil {
				return err
			}
			l.anomaly(o, old, s, kindRollback, fmt.Sprintf("epoch %s says that %s ended at block %d, and block %d is here",
				c.Epoch, text.Last.Epoch, h.Seq, o.last))
		}
		if h.Seq == 0 {
			continue
		}
		if err := l.head(ctx, o, h, s, now); err != nil {
			return err
		}
	}
	return nil
}

// parseEviction reads an event of type log.evicted. Its New is a JSON object;
// without the hash of the last block that went there is no anchor, and the word
// is worth nothing.
func parseEviction(e *envelope.Event) (stream string, ev eviction, err error) {
	var v struct {
		Stream   string `json:"stream"`
		From     uint64 `json:"from"`
		To       uint64 `json:"to"`
		Hash     string `json:"hash"`
		Readings uint64 `json:"readings"`
		T0       int64  `json:"t0"`
		T1       int64  `json:"t1"`
	}
	if err := json.Unmarshal([]byte(e.New), &v); err != nil {
		return "", ev, fmt.Errorf("new: %w", err)
	}
	if v.Stream == "" {
		v.Stream = e.Subject
	}
	if v.Stream == "" || v.Hash == "" || v.From < 1 || v.To < v.From || v.To > envelope.MaxSeq {
		return "", ev, fmt.Errorf("stream %q, blocks %d to %d, hash %q: all are needed, and in order", v.Stream, v.From, v.To, v.Hash)
	}
	return v.Stream, eviction{From: v.From, To: v.To, Hash: v.Hash, Readings: v.Readings, T0: v.T0, T1: v.T1}, nil
}
