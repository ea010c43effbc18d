package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"envgate/envelope"
)

func TestSQLite(t *testing.T) {
	testStore(t, func(t *testing.T, path string) suiteStore {
		s, err := openStore(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

type suiteStore interface {
	store
	expirer
	Close() error
}

// testStore is the suite that every store passes. open opens the store at a
// path, again and again.
func testStore(t *testing.T, open func(t *testing.T, path string) suiteStore) {
	ctx := context.Background()
	block := func(row int64, b sealed, arrival int64) *stored {
		p, err := envelope.Peek(b.message)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := envelope.ParsePayload(p)
		if err != nil {
			t.Fatal(err)
		}
		v := &verdict{block: parsed, hash: b.hash}
		return &stored{
			Arrival: arrival, Row: row, ID: chainID{parsed.Gateway, parsed.Stream, parsed.Epoch},
			Edge: v.edge(), Received: 1000 + arrival, Message: b.message, Block: parsed,
		}
	}

	t.Run("empty", func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "db"))
		defer s.Close()
		a, err := s.Load(ctx)
		if err != nil || len(a.Chains) != 0 || a.Arrival != 0 {
			t.Errorf("Load of an empty store: %+v, %v", a, err)
		}
		if b, err := s.Block(ctx, 1, 1); b != nil || err != nil {
			t.Errorf("Block of an empty store: %v, %v, want neither", b, err)
		}
	})

	t.Run("what was committed is there again", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "db")
		s := open(t, path)
		p := newPlant(t, "gw-1")
		all := p.lives(6)
		c := newChain(chainID{"gw-1", "live", "epoch1"}, 7)
		c.began, c.updated = 5, 6
		c.claim, c.claimHash = 9, all[5].hash
		var blocks []*stored
		for n, i := range []int{0, 1, 3, 5} {
			b := block(7, all[i], int64(n+1))
			blocks = append(blocks, b)
			c.add(b.Edge, time.Now())
			c.lived("boot1", b.Edge.Seq)
		}
		ev := eviction{From: 3, To: 3, Hash: "other", Readings: 4, T0: 1, T1: 2, EventSeq: 11, Received: 12}
		err := s.Commit(ctx, &batch{
			Blocks: blocks, Chains: []*chain{c}, Evictions: []evictionRow{{Row: 7, eviction: ev}},
			Anomalies: []anomaly{{Row: 7, ID: c.chainID, Seq: 4, Kind: kindBreak, Text: "x", Second: []byte("y"), Hash: "h", At: time.Now().UnixMilli()}},
			Tallies:   map[tally]int64{{"gw-1", "live", kindBlock}: 4},
			At:        99, LiveRows: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, path)
		defer s.Close()
		a, err := s.Load(ctx)
		if err != nil || len(a.Chains) != 1 || a.Arrival != 4 {
			t.Fatalf("Load: %d chains, arrival %d, %v, want 1 and 4", len(a.Chains), a.Arrival, err)
		}
		got := a.Chains[0]
		c.head.Prev = "" // the link before the head is settled
		if got.chainID != c.chainID || got.row != 7 || got.head != c.head || got.first != 1 || got.last != 6 ||
			got.claim != 9 || got.claimHash != c.claimHash || got.began != 5 || got.updated != 6 {
			t.Errorf("chain %+v, want %+v", got, c)
		}
		if !slices.Equal(got.have(9), c.have(9)) || len(got.runs) != 2 || got.runs[0].first != c.runs[0].first {
			t.Errorf("runs %+v, want %+v", got.runs, c.runs)
		}
		if len(got.lives) != 1 || got.lives[0] != (life{Boot: "boot1", First: 1, Last: 6}) {
			t.Errorf("lives %+v", got.lives)
		}
		if !slices.Equal(got.evicted, []eviction{ev}) {
			t.Errorf("evictions %+v, want %+v", got.evicted, ev)
		}
		if !got.broken[4] {
			t.Error("a fault that was told is not known any more")
		}
		b, err := s.Block(ctx, 7, 4)
		if err != nil || b == nil || b.Edge != blocks[2].Edge || string(b.Message) != string(all[3].message) || b.Arrival != 3 || b.Received != 1003 {
			t.Errorf("Block(4) = %+v, %v, want what was committed", b, err)
		}
		if b, err := s.Block(ctx, 7, 3); b != nil || err != nil {
			t.Errorf("Block(3) = %v, %v, want neither", b, err)
		}
	})

	t.Run("all or nothing", func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "db"))
		defer s.Close()
		p := newPlant(t, "gw-1")
		a, b := p.live(), p.live()
		c := newChain(chainID{"gw-1", "live", "epoch1"}, 1)
		if err := s.Commit(ctx, &batch{Blocks: []*stored{block(1, a, 1)}, Chains: []*chain{c}}); err != nil {
			t.Fatal(err)
		}
		// The second block's number is taken: nothing of the batch may stay.
		err := s.Commit(ctx, &batch{
			Blocks: []*stored{block(1, b, 2), block(1, a, 3)}, Chains: []*chain{newChain(chainID{"gw-2", "live", "e"}, 2)},
			Tallies: map[tally]int64{{"x", "y", "z"}: 1},
		})
		if err == nil {
			t.Fatal("Commit of a number that is taken succeeded")
		}
		if got, err := s.Block(ctx, 1, 2); got != nil || err != nil {
			t.Errorf("a block of a failed batch is there: %v, %v", got, err)
		}
		if acc, err := s.Load(ctx); err != nil || len(acc.Chains) != 1 {
			t.Errorf("a chain of a failed batch is there: %v", err)
		}
		if err := s.Commit(ctx, &batch{Blocks: []*stored{block(1, b, 2)}, Chains: []*chain{c}}); err != nil {
			t.Errorf("after a failed batch the next fails: %v", err)
		}
	})

	t.Run("old rows expire", func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "db"))
		defer s.Close()
		p := newPlant(t, "gw-1")
		b := block(1, p.live(), 1)
		b.Received = start.UnixMilli()
		old := reject{Gateway: "g", Kind: kindGarbage, At: start.UnixMilli()}
		young := reject{Gateway: "g", Kind: kindGarbage, At: start.Add(time.Hour).UnixMilli()}
		if err := s.Commit(ctx, &batch{Blocks: []*stored{b}, Rejects: []reject{old, young}, LiveRows: true}); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			more, err := s.expire(ctx, start.Add(24*time.Hour), start.Add(30*time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
		}
		if s, ok := s.(*sqlStore); ok {
			if n := query[int64](t, s, `SELECT COUNT(*) FROM reading`)[0]; n != 0 {
				t.Errorf("%d live rows left, want none", n)
			}
			if n := query[int64](t, s, `SELECT COUNT(*) FROM reject`)[0]; n != 1 {
				t.Errorf("%d rejects left, want the young one", n)
			}
			if n := query[int64](t, s, `SELECT COUNT(*) FROM block`)[0]; n != 1 {
				t.Errorf("%d blocks left, want 1: they stay for ever", n)
			}
		}
	})
}

// The rows that dashboards read are those of the block.
func TestRows(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	d.take(p.live(), p.seal(envelope.StreamStat, statBlock), p.event(envelope.Event{Type: "line.down", At: 250, Subject: "dust", Why: "unplugged"}))
	if got, want := query[string](t, d.store, `SELECT point || ' ' || idx || ' ' || COALESCE(value, 'null') || ' ' || flag || ' ' || cause FROM reading ORDER BY idx, point DESC`),
		[]string{"a34004 0 35.20 N ", "a01001 0 -2.5 N ", "a34004 1 36.00 N ", "a01001 1 null B no-answer"}; !slices.Equal(got, want) {
		t.Errorf("readings %q, want %q", got, want)
	}
	if got, want := query[string](t, d.store, `SELECT point || ' ' || period || ' ' || time || ' ' || COALESCE(avg, 'null') || ' ' || COALESCE(max, 'null') || ' ' || n || ' ' || flag FROM figure ORDER BY time, point`),
		[]string{"a34004 min 1772323200000 35.60 36.10 12 N", "a34004 min 1772323260000 null null 0 B"}; !slices.Equal(got, want) {
		t.Errorf("figures %q, want %q", got, want)
	}
	if got, want := query[string](t, d.store, `SELECT type || ' ' || subject || ' ' || why FROM event`), []string{"line.down dust unplugged"}; !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

func statBlock(b *envelope.Block) {
	b.T0 = start.UnixMilli()
	b.Groups = []envelope.Group{{
		Source: "dust", Kind: envelope.GroupMinute, Times: []int64{0, 60_000}, Index: 3,
		Columns: []envelope.Column{
			{Point: "a34004", Kind: envelope.ColumnAvg, Values: []string{"35.60", ""}, Flags: []string{"N", "B"}, Causes: []string{"", "offline"}},
			{Point: "a34004", Kind: envelope.ColumnMax, Values: []string{"36.10", ""}},
			{Point: "a34004", Kind: envelope.ColumnN, Values: []string{"12", "0"}},
		},
	}}
}

func TestOpenStore(t *testing.T) {
	ctx := context.Background()
	t.Run("a second centre", func(t *testing.T) {
		d := newDesk(t)
		if _, err := openStore(ctx, d.path); !errors.Is(err, errInUse) {
			t.Errorf("error %v, want errInUse", err)
		}
		r, err := openReader(ctx, d.path) // who only looks is let in
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	})
	t.Run("odd names", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a?b#c%20 东.db")
		s, err := openStore(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the file does not have the name that was given: %v", err)
		}
	})
	t.Run("not a database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(path, []byte("this is a text, and a long one at that"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openStore(ctx, path); !errors.Is(err, errReadStore) {
			t.Errorf("error %v, want errReadStore", err)
		}
	})
	t.Run("of a later centre", func(t *testing.T) {
		d := newDesk(t)
		if _, err := d.store.db.Exec(`UPDATE layout SET version = 99`); err != nil {
			t.Fatal(err)
		}
		d.store.Close()
		if _, err := openStore(ctx, d.path); !errors.Is(err, errLayout) {
			t.Errorf("error %v, want errLayout", err)
		}
	})
	t.Run("not there", func(t *testing.T) {
		if _, err := openReader(ctx, filepath.Join(t.TempDir(), "x.db")); !errors.Is(err, errNoStore) {
			t.Errorf("error %v, want errNoStore", err)
		}
	})
	t.Run("set as promised", func(t *testing.T) {
		d := newDesk(t)
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
			if got := query[string](t, d.store, `PRAGMA `+pragma); !reflect.DeepEqual(got, []string{want}) {
				t.Errorf("%s is %v, want %s", pragma, got, want)
			}
		}
	})
}
