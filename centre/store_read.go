package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"envgate/envelope"
)

// Load returns the account of every chain.
func (s *sqlStore) Load(ctx context.Context) (*account, error) {
	a := &account{Spent: make(map[purse]spending)}
	if err := s.db.QueryRowContext(ctx, `SELECT COALESCE(MAX(arrival), 0) FROM block`).Scan(&a.Arrival); err != nil {
		return nil, fmt.Errorf("newest block: %w", err)
	}
	byRow := make(map[int64]*chain)
	now := time.Now()
	err := s.each(ctx, `SELECT chain, gateway, stream, epoch, first_seq, last_seq, head, head_hash, head_boot, head_mono,
		claim, claim_hash, began, updated FROM chain ORDER BY chain`, func(scan func(...any) error) error {
		c := newChain(chainID{}, 0)
		if err := scan(&c.row, &c.Gateway, &c.Stream, &c.Epoch, &c.first, &c.last, &c.head.Seq, &c.head.Hash, &c.head.Boot, &c.head.Mono,
			&c.claim, &c.claimHash, &c.began, &c.updated); err != nil {
			return err
		}
		c.claimed = now
		byRow[c.row] = c
		a.Chains = append(a.Chains, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("chains: %w", err)
	}
	if err := s.loadRuns(ctx, byRow, now); err != nil {
		return nil, err
	}
	err = s.each(ctx, `SELECT chain, boot, first_seq, last_seq FROM life ORDER BY chain, seen, first_seq`, func(scan func(...any) error) error {
		var row int64
		var l life
		if err := scan(&row, &l.Boot, &l.First, &l.Last); err != nil {
			return err
		}
		if c := byRow[row]; c != nil {
			c.lives = append(c.lives, l)
			if len(c.lives) > maxLives {
				c.lives = c.lives[1:]
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lives: %w", err)
	}
	err = s.evictions(ctx, func(row int64, ev eviction) {
		c := byRow[row]
		switch {
		case c == nil:
		case ev.To > c.head.Seq:
			c.evicted = append(c.evicted, ev)
		case ev.To == c.head.Seq && c.head.Boot == "":
			c.vouched = ev.EventSeq
		}
	})
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, `SELECT a.chain, a.seq FROM anomaly a JOIN chain c ON c.chain = a.chain
		WHERE a.seq > c.head AND a.kind IN ('break', 'anchor', 'backwards')`, func(scan func(...any) error) error {
		var row int64
		var seq uint64
		err := scan(&row, &seq)
		if c := byRow[row]; c != nil {
			c.broken[seq] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("anomalies: %w", err)
	}
	hour := now.UnixMilli() / time.Hour.Milliseconds()
	for _, q := range []string{
		`SELECT gateway, kind, COUNT(*), COALESCE(SUM(LENGTH(message)), 0) FROM reject WHERE received >= $1 GROUP BY gateway, kind`,
		`SELECT gateway, kind, COUNT(*), COALESCE(SUM(COALESCE(LENGTH(first_message), 0) + COALESCE(LENGTH(second_message), 0)), 0)
			FROM anomaly WHERE received >= $1 GROUP BY gateway, kind`,
	} {
		err = s.each(ctx, q, func(scan func(...any) error) error {
			var p purse
			v := spending{Hour: hour}
			if err := scan(&p.Gateway, &p.Kind, &v.Count, &v.Bytes); err != nil {
				return err
			}
			a.Spent[p] = v
			return nil
		}, hour*time.Hour.Milliseconds())
		if err != nil {
			return nil, fmt.Errorf("budget of the hour: %w", err)
		}
	}
	return a, nil
}

// loadRuns rebuilds the runs beyond each head.
func (s *sqlStore) loadRuns(ctx context.Context, byRow map[int64]*chain, now time.Time) error {
	for row, c := range byRow {
		if c.last <= c.head.Seq {
			continue
		}
		err := s.each(ctx, `SELECT seq, prev, hash, boot, mono FROM block WHERE chain = $1 AND seq > $2 ORDER BY seq`, func(scan func(...any) error) error {
			var e edge
			if err := scan(&e.Seq, &e.Prev, &e.Hash, &e.Boot, &e.Mono); err != nil {
				return err
			}
			if n := len(c.runs); n > 0 && c.runs[n-1].last.Seq+1 == e.Seq && c.runs[n-1].last.Hash == e.Prev {
				c.runs[n-1].last = e
			} else {
				c.runs = append(c.runs, run{first: e, last: e, born: now, grown: now})
			}
			return nil
		}, row, c.head.Seq)
		if err != nil {
			return fmt.Errorf("blocks beyond the head: %w", err)
		}
	}
	return nil
}

// Block returns a stored block, nil if there is none.
func (s *sqlStore) Block(ctx context.Context, row int64, seq uint64) (*stored, error) {
	b := &stored{Row: row}
	err := s.stmt.find.QueryRowContext(ctx, row, seq).Scan(&b.Arrival, &b.Edge.Seq, &b.Edge.Prev, &b.Edge.Hash, &b.Edge.Boot, &b.Edge.Mono, &b.Received, &b.Message)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for block %d: %w", seq, err)
	}
	return b, nil
}

// evictions calls f for each, by chain and number.
func (s *sqlStore) evictions(ctx context.Context, f func(row int64, ev eviction)) error {
	err := s.each(ctx, `SELECT chain, from_seq, to_seq, hash, readings, t0, t1, event_seq, received FROM eviction ORDER BY chain, from_seq, to_seq`,
		func(scan func(...any) error) error {
			var row int64
			var ev eviction
			if err := scan(&row, &ev.From, &ev.To, &ev.Hash, &ev.Readings, &ev.T0, &ev.T1, &ev.EventSeq, &ev.Received); err != nil {
				return err
			}
			f(row, ev)
			return nil
		})
	if err != nil {
		return fmt.Errorf("evictions: %w", err)
	}
	return nil
}

// tallies returns all counters.
func (s *sqlStore) tallies(ctx context.Context) (map[tally]int64, error) {
	out := make(map[tally]int64)
	err := s.each(ctx, `SELECT gateway, stream, kind, n FROM tally`, func(scan func(...any) error) error {
		var t tally
		var n int64
		err := scan(&t.Gateway, &t.Stream, &t.Kind, &n)
		out[t] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tallies: %w", err)
	}
	return out, nil
}

// anomalies calls f for each kept one, oldest first, without the messages.
func (s *sqlStore) anomalies(ctx context.Context, f func(anomaly)) error {
	err := s.each(ctx, `SELECT a.chain, c.gateway, c.stream, c.epoch, a.seq, a.kind, a.hash, a.text, a.received
		FROM anomaly a JOIN chain c ON c.chain = a.chain ORDER BY a.received, a.chain, a.seq`, func(scan func(...any) error) error {
		var a anomaly
		if err := scan(&a.Row, &a.ID.Gateway, &a.ID.Stream, &a.ID.Epoch, &a.Seq, &a.Kind, &a.Hash, &a.Text, &a.At); err != nil {
			return err
		}
		f(a)
		return nil
	})
	if err != nil {
		return fmt.Errorf("anomalies: %w", err)
	}
	return nil
}

// page is how many blocks one query takes: long ones would keep the write-ahead
// log from being emptied.
const page = 200

// blocks calls f for the blocks of a chain in the order of their numbers, from a
// number up.
func (s *sqlStore) blocks(ctx context.Context, c *chain, from uint64, f func(*stored) error) error {
	for {
		n := 0
		var got []*stored
		err := s.each(ctx, `SELECT arrival, seq, prev, hash, boot, mono, received, message FROM block
			WHERE chain = $1 AND seq >= $2 ORDER BY seq LIMIT $3`, func(scan func(...any) error) error {
			b := &stored{Row: c.row, ID: c.chainID}
			n++
			got = append(got, b)
			return scan(&b.Arrival, &b.Edge.Seq, &b.Edge.Prev, &b.Edge.Hash, &b.Edge.Boot, &b.Edge.Mono, &b.Received, &b.Message)
		}, c.row, from, page)
		if err != nil {
			return fmt.Errorf("blocks from %d: %w", from, err)
		}
		for _, b := range got {
			if err := f(b); err != nil {
				return err
			}
			from = b.Edge.Seq + 1
		}
		if n < page {
			return nil
		}
	}
}

// arrivals calls f for the blocks that came after the given one, in their order,
// at most a page of them, and returns the number of the last.
func (s *sqlStore) arrivals(ctx context.Context, after int64, f func(*stored) error) (int64, error) {
	var got []*stored
	err := s.each(ctx, `SELECT b.arrival, b.chain, c.gateway, c.stream, c.epoch, b.seq, b.prev, b.hash, b.boot, b.mono, b.received, b.message
		FROM block b JOIN chain c ON c.chain = b.chain WHERE b.arrival > $1 ORDER BY b.arrival LIMIT $2`, func(scan func(...any) error) error {
		b := new(stored)
		got = append(got, b)
		return scan(&b.Arrival, &b.Row, &b.ID.Gateway, &b.ID.Stream, &b.ID.Epoch,
			&b.Edge.Seq, &b.Edge.Prev, &b.Edge.Hash, &b.Edge.Boot, &b.Edge.Mono, &b.Received, &b.Message)
	}, after, page)
	if err != nil {
		return after, fmt.Errorf("blocks after arrival %d: %w", after, err)
	}
	for _, b := range got {
		if err := f(b); err != nil {
			return after, err
		}
		after = b.Arrival
	}
	return after, nil
}

// order calls f for all blocks in the order in which they came, without their messages.
func (s *sqlStore) order(ctx context.Context, f func(row int64, e edge) error) error {
	for after := int64(0); ; {
		type came struct {
			row int64
			edge
		}
		var got []came
		err := s.each(ctx, `SELECT arrival, chain, seq, prev, hash, boot, mono FROM block
			WHERE arrival > $1 ORDER BY arrival LIMIT $2`, func(scan func(...any) error) error {
			var b came
			err := scan(&after, &b.row, &b.Seq, &b.Prev, &b.Hash, &b.Boot, &b.Mono)
			got = append(got, b)
			return err
		}, after, page)
		if err != nil {
			return fmt.Errorf("order of blocks: %w", err)
		}
		for _, b := range got {
			if err := f(b.row, b.edge); err != nil {
				return err
			}
		}
		if len(got) < page {
			return nil
		}
	}
}

// open reads the payload of a stored block. The signature was verified when it
// came, and is by the verify command.
func (b *stored) open() (*envelope.Block, error) {
	p, err := envelope.Peek(b.Message)
	if err != nil {
		return nil, fmt.Errorf("block %d of %s %s: %w", b.Edge.Seq, b.ID.Gateway, b.ID.Stream, err)
	}
	block, err := envelope.ParsePayload(p)
	if err != nil {
		return nil, fmt.Errorf("block %d of %s %s: %w", b.Edge.Seq, b.ID.Gateway, b.ID.Stream, err)
	}
	return block, nil
}

// each runs a query and calls f for its rows.
func (s *sqlStore) each(ctx context.Context, query string, f func(scan func(...any) error) error, args ...any) error {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
