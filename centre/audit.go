package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"envgate/envelope"
)

// A finding is one thing that is not as it was sealed.
type finding struct {
	kind string
	id   chainID
	seq  uint64
	text string
}

// An audit verifies blocks from nothing but their bytes and the register: every
// signature, every number, every link. It replays them through the same account
// that the running centre keeps, and believes nothing that the centre wrote
// beside them.
type audit struct {
	register *register
	ledger   *ledger
	replay   *replay
	findings []finding
	seen     map[finding]bool
	blocks   int
	readings int
	evicted  int
}

// A replay is the store of an audit: it forgets messages and keeps what came of
// them. Where find is set, earlier blocks are looked up there.
type replay struct {
	find  func(ctx context.Context, row int64, seq uint64) (*stored, error)
	edges map[place]*stored
	out   func(*batch)
}

func (r *replay) Load(context.Context) (*account, error) {
	return &account{Spent: make(map[purse]spending)}, nil
}

func (r *replay) Block(ctx context.Context, row int64, seq uint64) (*stored, error) {
	if r.find != nil {
		return r.find(ctx, row, seq)
	}
	return r.edges[place{row, seq}], nil
}

func (r *replay) Commit(_ context.Context, b *batch) error {
	if r.find == nil {
		for _, s := range b.Blocks {
			r.edges[place{s.Row, s.Edge.Seq}] = &stored{Row: s.Row, ID: s.ID, Edge: s.Edge}
		}
	}
	r.out(b)
	return nil
}

func newAudit(ctx context.Context, reg *register) (*audit, error) {
	a := &audit{register: reg, seen: make(map[finding]bool)}
	a.replay = &replay{edges: make(map[place]*stored), out: a.taken}
	a.ledger = &ledger{
		store: a.replay, log: slog.New(slog.DiscardHandler), unordered: true,
		keep: limit{count: 1 << 30, bytes: 1 << 40}, // nothing is written, so nothing need be bounded
	}
	return a, a.ledger.load(ctx)
}

// taken collects what a replayed batch came to.
func (a *audit) taken(b *batch) {
	for _, s := range b.Blocks {
		a.blocks++
		a.readings += countReadings(s.Block)
	}
	for _, v := range b.Anomalies {
		a.add(finding{kind: v.Kind, id: v.ID, seq: v.Seq, text: v.Text})
	}
	a.evicted += len(b.Evictions)
}

func (a *audit) add(f finding) {
	if !a.seen[f] {
		a.seen[f] = true
		a.findings = append(a.findings, f)
	}
}

// flush ends a batch of the replay.
func (a *audit) flush(ctx context.Context) error {
	_, err := a.ledger.commit(ctx, time.Now())
	return err
}

// auditFiles verifies files that hold one message each, or many, and the folders among
// them. What came before the first block of a stream is not asked for, but said.
func (a *audit) auditFiles(ctx context.Context, paths []string) (notes []string, err error) {
	files, err := expand(paths)
	if err != nil {
		return nil, err
	}
	var good []*verdict
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		err = envelope.ReadFile(f, func(at int64, message []byte) error {
			v := inspect(a.register, arrival{topic: path, message: message, at: time.Now()})
			if v.kind != "" {
				a.add(finding{kind: v.kind, id: v.id, text: fmt.Sprintf("%s: %v", placeIn(path, at), v.err)})
				return nil
			}
			v.message = nil // nothing is written
			good = append(good, v)
			return nil
		})
		f.Close()
		if errors.Is(err, envelope.ErrForm) || errors.Is(err, envelope.ErrTooLarge) {
			a.add(finding{kind: kindGarbage, text: path + ": " + err.Error()})
		} else if err != nil {
			return nil, err
		}
	}
	// Events first, for they say what was evicted; then by number.
	slices.SortStableFunc(good, func(x, y *verdict) int {
		if x, y := x.id.Stream == envelope.StreamEvent, y.id.Stream == envelope.StreamEvent; x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmpSeq(x.block.Seq, y.block.Seq)
	})
	for _, v := range good {
		if c := a.ledger.chain(v.id, v.at); c.last == 0 && c.head.Seq+1 < v.block.Seq {
			c.head, c.vouched = edge{Seq: v.block.Seq - 1, Hash: v.block.Prev}, 0
			notes = append(notes, fmt.Sprintf("%s %s %s begins at block %d: nothing is said of those before it",
				v.id.Gateway, v.id.Stream, v.id.Epoch, v.block.Seq))
		}
		if err := a.ledger.take(ctx, v); err != nil {
			return nil, err
		}
		if err := a.flush(ctx); err != nil {
			return nil, err
		}
	}
	for _, c := range sorted(a.ledger.chains) {
		if c.last > 0 && c.claim > c.last {
			notes = append(notes, fmt.Sprintf("%s %s %s ends at block %d, another stream names block %d", c.Gateway, c.Stream, c.Epoch, c.last, c.claim))
		}
		c.claim = 0 // some files need not be all
	}
	a.findGaps()
	return notes, nil
}

// auditStore verifies every block of a database, and what stands beside them.
func (a *audit) auditStore(ctx context.Context, s *sqlStore) error {
	kept, err := s.Load(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(kept.Chains, func(x, y *chain) int {
		if x, y := x.Stream == envelope.StreamEvent, y.Stream == envelope.StreamEvent; x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(x.Gateway+"/"+x.Stream, y.Gateway+"/"+y.Stream)
	})
	rows := make(map[int64]int64) // ours to that of the database
	a.replay.find = func(ctx context.Context, row int64, seq uint64) (*stored, error) { return s.Block(ctx, rows[row], seq) }
	for _, k := range kept.Chains {
		rows[a.ledger.chain(k.chainID, time.UnixMilli(k.began)).row] = k.row
	}
	for _, k := range kept.Chains {
		n := 0
		err := s.blocks(ctx, k, 0, func(b *stored) error {
			if err := a.auditRow(ctx, k, b); err != nil {
				return err
			}
			if n++; n%page == 0 {
				return a.flush(ctx)
			}
			return nil
		})
		if err == nil {
			err = a.flush(ctx)
		}
		if err != nil {
			return err
		}
		if ours := a.ledger.chains[k.chainID]; ours.head.Seq < k.head.Seq {
			a.add(finding{"lost", k.chainID, k.head.Seq, fmt.Sprintf("receipts were given up to block %d, the blocks here prove %d", k.head.Seq, ours.head.Seq)})
		}
	}
	a.findGaps()
	if err := a.findTurns(ctx, s, rows); err != nil {
		return err
	}
	return s.anomalies(ctx, func(v anomaly) {
		// Found again above, or known only from its proof: the block that lost.
		for _, f := range a.findings {
			if f.kind == v.Kind && f.id == v.ID && f.seq == v.Seq {
				return
			}
		}
		a.add(finding{kind: v.Kind, id: v.ID, seq: v.Seq, text: v.Text + " (recorded with its proof)"})
	})
}

// findTurns looks for epochs that seal in turns, in the order in which blocks came.
func (a *audit) findTurns(ctx context.Context, s *sqlStore, rows map[int64]int64) error {
	chains := make(map[int64]*chain) // by row of the database
	for _, c := range a.ledger.chains {
		chains[rows[c.row]] = c
	}
	newest := make(map[*chain]uint64)
	err := s.order(ctx, func(row int64, e edge) error {
		c := chains[row]
		if c == nil || e.Seq <= newest[c] {
			return nil
		}
		newest[c] = e.Seq
		return a.ledger.turn(ctx, c, &stored{Row: c.row, ID: c.chainID, Edge: e})
	})
	if err != nil {
		return err
	}
	return a.flush(ctx)
}

// auditRow verifies one block of a database.
func (a *audit) auditRow(ctx context.Context, k *chain, b *stored) error {
	v := inspect(a.register, arrival{message: b.Message, at: time.UnixMilli(b.Received)})
	if v.kind != "" {
		a.add(finding{v.kind, k.chainID, b.Edge.Seq, v.err.Error()})
		return nil
	}
	if v.id != k.chainID || v.edge() != b.Edge {
		a.add(finding{"row", k.chainID, b.Edge.Seq, fmt.Sprintf("the row says block %d with hash %.8s, the message in it is block %d of %s %s %s with hash %.8s",
			b.Edge.Seq, b.Edge.Hash, v.block.Seq, v.id.Gateway, v.id.Stream, v.id.Epoch, v.hash)})
		return nil
	}
	return a.ledger.take(ctx, v)
}

// findGaps adds what is missing.
func (a *audit) findGaps() {
	for _, c := range sorted(a.ledger.chains) {
		for g := range c.gaps() {
			a.add(finding{"missing", c.chainID, g.from, "missing " + rangeText(g.from, g.to)})
		}
	}
}

// sorted lists chains by gateway, stream and time.
func sorted(chains map[chainID]*chain) []*chain {
	out := make([]*chain, 0, len(chains))
	for _, c := range chains {
		out = append(out, c)
	}
	slices.SortFunc(out, compareChains)
	return out
}

func compareChains(a, b *chain) int {
	if n := strings.Compare(a.Gateway, b.Gateway); n != 0 {
		return n
	}
	if n := strings.Compare(a.Stream, b.Stream); n != 0 {
		return n
	}
	if a.began != b.began {
		return cmpSeq(uint64(a.began), uint64(b.began))
	}
	return strings.Compare(a.Epoch, b.Epoch)
}

func rangeText(from, to uint64) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}

// expand puts the files of folders in their place.
func expand(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// placeIn names a message in a file of many.
func placeIn(path string, at int64) string {
	if at == 0 {
		return path
	}
	return fmt.Sprintf("%s: message at byte %d", path, at)
}
