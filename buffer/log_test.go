package buffer

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// model is a log as plain maps and slices.
type model struct {
	heads  map[string]uint64
	blocks map[string]map[uint64][]byte
	acked  map[string]map[uint64]bool // stream of the one cursor
	state  []byte
}

func (m *model) compare(t *testing.T, l *Log) {
	t.Helper()
	for name, want := range m.blocks {
		mustHold(t, l, name, want)
		var bytes int64
		for _, b := range want {
			bytes += int64(len(b))
		}
		if s := l.Stats().Streams[name]; s.Bytes != bytes || s.Blocks != uint64(len(want)) {
			t.Errorf("%s: stats %+v, want %d blocks, %d bytes", name, s, len(want), bytes)
		}
		first := m.heads[name] + 1
		for k := range want {
			first = min(first, k)
		}
		if m.heads[name] == 0 {
			first = 0
		}
		mustBounds(t, l, name, first, m.heads[name])

		upto, runs := l.Acked("up", name)
		got := map[uint64]bool{}
		for _, r := range append(runs, [2]uint64{1, upto}) {
			for k := r[0]; k <= r[1]; k++ {
				got[k] = true
			}
		}
		for k := uint64(1); k < first; k++ {
			m.acked[name][k] = true // evicted
		}
		if !maps.Equal(got, m.acked[name]) {
			t.Errorf("%s: cursor has up to %d and %v, want %d numbers", name, upto, runs, len(m.acked[name]))
		}
	}
	if !bytes.Equal(l.State(), m.state) {
		t.Errorf("state %q, want %q", l.State(), m.state)
	}
}

func TestModel(t *testing.T) {
	names := []string{"live", "stat", "event"}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			// Whether a sync comes is for other tests; here it is time.
			o := testOptions()
			o.NoSync = true
			path := filepath.Join(t.TempDir(), "log.db")
			l := mustOpen(t, path, o)
			m := &model{heads: map[string]uint64{}, blocks: map[string]map[uint64][]byte{}, acked: map[string]map[uint64]bool{}}
			for _, n := range names {
				m.blocks[n], m.acked[n] = map[uint64][]byte{}, map[uint64]bool{}
			}
			addCursor := func() {
				if err := l.AddCursor("up", names...); err != nil {
					t.Fatal(err)
				}
			}
			addCursor()
			epoch := l.Epoch()
			for step := range 150 {
				switch r.IntN(12) {
				case 0: // close and open
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
					l = mustOpen(t, path, o)
					addCursor()
					if l.Epoch() != epoch || l.Former() != nil {
						t.Fatalf("epoch %s after reopening, want %s", l.Epoch(), epoch)
					}
					m.compare(t, l)
				case 1: // a commit that fails on the way to the disk
					l.store.fault = func() error { return errInjected }
					err := l.Append(m.batch(r, names, false))
					wantErr(t, err, errMadeUp(err))
					m.compare(t, l)
				case 2, 3: // cursor moves
					n := names[r.IntN(3)]
					from := 1 + r.Uint64N(m.heads[n]+3)
					to := from + r.Uint64N(10)
					l.Ack(l.Epoch(), "up", n, from, to)
					for k := from; k <= min(to, m.heads[n]); k++ {
						m.acked[n][k] = true
					}
				case 4:
					if err := l.Flush(); err != nil {
						t.Fatal(err)
					}
				default:
					if err := l.Append(m.batch(r, names, true)); err != nil {
						t.Fatalf("step %d: %v", step, err)
					}
				}
			}
			m.compare(t, l)
		})
	}
}

// errMadeUp lets a failed append be of either kind: the batch may be empty.
func errMadeUp(err error) error {
	if err == nil {
		return nil
	}
	return errInjected
}

// batch makes a random batch, and applies it to the model if it is to succeed.
func (m *model) batch(r *rand.Rand, names []string, apply bool) Batch {
	var b Batch
	for _, n := range names {
		if first := m.first(n); r.IntN(3) == 0 && first > 0 && m.heads[n] > first {
			to := first + r.Uint64N(m.heads[n]-first)
			b.Evict = append(b.Evict, Eviction{Stream: n, From: first, To: to})
			for k := first; apply && k <= to; k++ {
				delete(m.blocks[n], k)
			}
		}
		seq := m.heads[n]
		for range r.IntN(4) {
			seq++
			size := 1 + r.IntN(2100)
			if r.IntN(40) == 0 {
				size = MaxRecord
			}
			b.Records = append(b.Records, record(n, seq, size))
			if apply {
				m.heads[n] = seq
				m.blocks[n][seq] = b.Records[len(b.Records)-1].Data
			}
		}
	}
	if r.IntN(2) == 0 {
		b.State = fmt.Appendf(nil, "%v %d", m.heads, r.Uint64())
		if apply {
			m.state = b.State
		}
	}
	return b
}

func (m *model) first(name string) uint64 {
	var first uint64
	for k := range m.blocks[name] {
		if first == 0 || k < first {
			first = k
		}
	}
	return first
}

func TestAppendRefuses(t *testing.T) {
	l, _ := newLog(t)
	fill(t, l, "live", 1, 5, 100)
	ok := record("stat", 1, 10)
	for _, c := range []struct {
		name  string
		batch Batch
		want  error
	}{
		{"gap", Batch{Records: []Record{ok, record("live", 7, 10)}}, ErrSeq},
		{"seq 0", Batch{Records: []Record{ok, record("live", 0, 10)}}, ErrSeq},
		{"repeat with other content", Batch{Records: []Record{ok, record("live", 5, 101)}}, ErrSeq},
		{"twice in a batch", Batch{Records: []Record{ok, record("live", 6, 10), record("live", 6, 10)}}, ErrSeq},
		{"unknown stream", Batch{Records: []Record{ok, record("noise", 1, 10)}}, ErrStream},
		{"empty", Batch{Records: []Record{ok, {Stream: "live", Seq: 6}}}, ErrSize},
		{"long", Batch{Records: []Record{ok, record("live", 6, MaxRecord+1)}}, ErrSize},
		{"long state", Batch{Records: []Record{ok}, State: make([]byte, MaxState+1)}, ErrSize},
		{"evict from the middle", Batch{Records: []Record{ok}, Evict: []Eviction{{Stream: "live", From: 2, To: 3}}}, ErrRange},
		{"evict beyond the head", Batch{Records: []Record{ok}, Evict: []Eviction{{Stream: "live", From: 1, To: 6}}}, ErrRange},
		{"evict backwards", Batch{Records: []Record{ok}, Evict: []Eviction{{Stream: "live", From: 3, To: 1}}}, ErrRange},
		{"evict unknown", Batch{Records: []Record{ok}, Evict: []Eviction{{Stream: "noise", From: 1, To: 1}}}, ErrStream},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantErr(t, l.Append(c.batch), c.want)
			mustBounds(t, l, "live", 1, 5)
			mustBounds(t, l, "stat", 0, 0)
		})
	}
}

func TestAppendAgain(t *testing.T) {
	l, _ := newLog(t)
	fill(t, l, "live", 1, 5, 100)
	b := Batch{
		Records: []Record{record("live", 6, 50), record("live", 7, 60), record("event", 1, 70)},
		Evict:   []Eviction{{Stream: "live", From: 1, To: 2}},
		State:   []byte("seven"),
	}
	for range 3 {
		if err := l.Append(b); err != nil {
			t.Fatal(err)
		}
		mustBounds(t, l, "live", 3, 7)
		mustBounds(t, l, "event", 1, 1)
	}
	// Part of it again, and more.
	if err := l.Append(Batch{Records: []Record{b.Records[1], record("live", 8, 10)}}); err != nil {
		t.Fatal(err)
	}
	mustBounds(t, l, "live", 3, 8)
	// What was evicted cannot be compared any more.
	wantErr(t, l.Append(Batch{Records: []Record{record("live", 1, 100)}}), ErrSeq)
}

func TestEvictAll(t *testing.T) {
	o := testOptions()
	path := filepath.Join(t.TempDir(), "log.db")
	l := mustOpen(t, path, o)
	fill(t, l, "live", 1, 30, 900)
	if err := l.Append(Batch{Evict: []Eviction{{Stream: "live", From: 1, To: 30}}}); err != nil {
		t.Fatal(err)
	}
	mustBounds(t, l, "live", 31, 30)
	l.Close()
	l = mustOpen(t, path, o)
	mustBounds(t, l, "live", 31, 30)
	if first, b, err := l.Read("live", 0, 5); first != 0 || b != nil || err != nil {
		t.Errorf("Read = %d, %v, %v, want nothing", first, b, err)
	}
	fill(t, l, "live", 31, 31, 10)
	mustBounds(t, l, "live", 31, 31)
}

func TestReadBounds(t *testing.T) {
	l, _ := newLog(t, func(o *Options) { o.MaxBytes = 8 << 20 })
	fill(t, l, "live", 1, 40, MaxRecord)
	for _, c := range []struct {
		after uint64
		n     int
		first uint64
		count int
	}{
		{0, 3, 1, 3},
		{0, 40, 1, readBytes / MaxRecord},
		{38, 40, 39, 2},
		{40, 1, 0, 0},
		{1<<64 - 1, 1, 0, 0},
		{0, 0, 0, 0},
		{0, -1, 0, 0},
	} {
		first, blocks, err := l.Read("live", c.after, c.n)
		if first != c.first || len(blocks) != c.count || err != nil {
			t.Errorf("Read(live, %d, %d) = %d, %d blocks, %v, want %d, %d blocks", c.after, c.n, first, len(blocks), err, c.first, c.count)
		}
	}
	_, _, err := l.Read("noise", 0, 1)
	wantErr(t, err, ErrStream)

	// What was read is the reader's: neither evictions nor new blocks touch it.
	_, blocks, _ := l.Read("live", 0, 1)
	if err := l.Append(Batch{Evict: []Eviction{{Stream: "live", From: 1, To: 30}}}); err != nil {
		t.Fatal(err)
	}
	fill(t, l, "live", 41, 60, MaxRecord)
	if !bytes.Equal(blocks[0], block("live", 1, MaxRecord)) {
		t.Error("a block changed after it was read")
	}
}

func TestCursors(t *testing.T) {
	o := testOptions()
	path := filepath.Join(t.TempDir(), "log.db")
	l := mustOpen(t, path, o)
	wantErr(t, l.AddCursor("", "live"), ErrOptions)
	wantErr(t, l.AddCursor("a", "noise"), ErrStream)
	if err := errors.Join(l.AddCursor("a", "live", "stat"), l.AddCursor("b", "live")); err != nil {
		t.Fatal(err)
	}
	fill(t, l, "live", 1, 10, 50)
	l.Ack(l.Epoch(), "a", "live", 1, 4)
	l.Ack(l.Epoch(), "a", "live", 8, 99) // beyond the head: only what is there
	l.Ack(l.Epoch(), "c", "live", 1, 10) // nobody
	l.Ack(l.Epoch(), "b", "stat", 1, 10) // not its stream
	want := [][2]uint64{{8, 10}}
	if upto, runs := l.Acked("a", "live"); upto != 4 || !reflect.DeepEqual(runs, want) {
		t.Errorf("Acked = %d, %v, want 4, %v", upto, runs, want)
	}
	commits := l.Stats().Commits
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(); err != nil { // nothing to do
		t.Fatal(err)
	}
	if got := l.Stats().Commits - commits; got != 1 {
		t.Errorf("%d commits for two flushes, want 1", got)
	}
	l.Ack(l.Epoch(), "b", "live", 1, 2)
	l.Close() // writes that move too
	l = mustOpen(t, path, o)
	if upto, _ := l.Acked("a", "live"); upto != 0 {
		t.Errorf("a cursor that was not added has up to %d", upto)
	}
	if err := errors.Join(l.AddCursor("a", "live"), l.AddCursor("b", "live"), l.AddCursor("a", "live")); err != nil {
		t.Fatal(err)
	}
	if upto, runs := l.Acked("a", "live"); upto != 4 || !reflect.DeepEqual(runs, want) {
		t.Errorf("after reopening Acked(a) = %d, %v, want 4, %v", upto, runs, want)
	}
	if upto, _ := l.Acked("b", "live"); upto != 2 {
		t.Errorf("after reopening Acked(b) = %d, want 2", upto)
	}
}

func TestChanged(t *testing.T) {
	l, _ := newLog(t)
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	c := l.Changed()
	if err := l.Append(Batch{State: []byte("x")}); err != nil || isClosed(c) {
		t.Errorf("a state alone closed the channel (error %v)", err)
	}
	fill(t, l, "live", 1, 1, 10)
	if !isClosed(c) || isClosed(l.Changed()) {
		t.Error("want the old channel closed and the new one open")
	}
	c = l.Changed()
	if err := l.Rotate("test"); err != nil || !isClosed(c) {
		t.Errorf("Rotate did not close the channel (error %v)", err)
	}
}

func TestRotate(t *testing.T) {
	o := testOptions()
	o.Hash = func(b []byte) string { return string(b[:6]) }
	path := filepath.Join(t.TempDir(), "log.db")
	l := mustOpen(t, path, o)
	if err := l.AddCursor("a", "live"); err != nil {
		t.Fatal(err)
	}
	fill(t, l, "live", 1, 10, 50)
	fill(t, l, "stat", 1, 2, 50)
	if err := l.Append(Batch{State: []byte("heads")}); err != nil {
		t.Fatal(err)
	}
	l.Ack(l.Epoch(), "a", "live", 1, 10)
	old := l.Epoch()
	if err := l.Rotate("test"); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		f := l.Former()
		want := &Former{
			Path: f.Path, Reason: "test", Epoch: old, State: []byte("heads"),
			Heads: map[string]Head{"live": {10, "live 1"}, "stat": {2, "stat 2"}},
		}
		if !reflect.DeepEqual(f, want) || !strings.HasPrefix(f.Path, path+".aside-20") {
			t.Errorf("former %+v, want %+v", f, want)
		}
		if l.Epoch() == old || !l.Fresh() || l.State() != nil {
			t.Errorf("epoch %s (old %s), fresh %v, state %q", l.Epoch(), old, l.Fresh(), l.State())
		}
	}
	check()
	mustBounds(t, l, "live", 0, 0)
	if upto, _ := l.Acked("a", "live"); upto != 0 {
		t.Errorf("cursor has up to %d in the new epoch", upto)
	}
	// The old file is whole.
	aside, err := Open(l.Former().Path, o)
	if err != nil {
		t.Fatal(err)
	}
	mustBounds(t, aside, "live", 1, 10)
	aside.Close()

	l.Close() // a crash before the first block must not lose the former
	l = mustOpen(t, path, o)
	check()
	fill(t, l, "event", 1, 1, 10)
	if l.Fresh() {
		t.Error("fresh with a block in it")
	}
	l.Close()
	l = mustOpen(t, path, o)
	if l.Former() != nil {
		t.Errorf("former %+v after the first block", l.Former())
	}

	// An acknowledgement that was under way when the epoch changed moves nothing.
	if err := l.AddCursor("a", "live"); err != nil {
		t.Fatal(err)
	}
	fill(t, l, "live", 1, 3, 10)
	l.Ack(old, "a", "live", 1, 3)
	if upto, _ := l.Acked("a", "live"); upto != 0 {
		t.Errorf("an acknowledgement of the old epoch moved the cursor to %d", upto)
	}
	l.Ack(l.Epoch(), "a", "live", 1, 3)
	if upto, _ := l.Acked("a", "live"); upto != 3 {
		t.Errorf("cursor at %d, want 3", upto)
	}
}

// A rotation cut short between its two renames goes on at the next start.
func TestRotateCutShort(t *testing.T) {
	l, path := newLog(t)
	fill(t, l, "live", 1, 10, 50)
	if err := l.Rotate("test"); err != nil {
		t.Fatal(err)
	}
	epoch := l.Epoch()
	l.Close()
	if err := os.Rename(path, path+".new"); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, path, testOptions())
	if l.Epoch() != epoch || l.Former() == nil || l.Former().Heads["live"].Seq != 10 {
		t.Errorf("epoch %s, former %+v, want %s and the one with 10 blocks", l.Epoch(), l.Former(), epoch)
	}
}

func TestAsidesAreBounded(t *testing.T) {
	l, path := newLog(t)
	fill(t, l, "live", 1, 40, 2000)
	if err := l.Rotate("test"); err != nil { // the one with most in it
		t.Fatal(err)
	}
	first := l.Former().Path
	for range maxAside + 3 {
		if err := l.Rotate("test"); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(path + ".aside-*")
	if err != nil || len(names) != maxAside {
		t.Errorf("%d files set aside, want %d (error %v)", len(names), maxAside, err)
	}
	for _, p := range []string{first, l.Former().Path} {
		if _, err := os.Stat(p); err != nil {
			t.Errorf("set aside: %v", err)
		}
	}
}

func TestClosed(t *testing.T) {
	l, _ := newLog(t)
	fill(t, l, "live", 1, 1, 10)
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantErr(t, l.Append(Batch{Records: []Record{record("live", 2, 10)}}), ErrClosed)
	wantErr(t, l.Flush(), ErrClosed)
	wantErr(t, l.Rotate("test"), ErrClosed)
	_, _, err := l.Read("live", 0, 1)
	wantErr(t, err, ErrClosed)
	if due := l.Due(time.Now()); due != nil {
		t.Errorf("Due = %v, want nothing", due)
	}
}

func TestOptions(t *testing.T) {
	good := testOptions()
	for _, c := range []struct {
		name   string
		word   int
		change func(*Options)
		want   error
	}{
		{"good", 64, func(*Options) {}, nil},
		{"512 MiB on 64 bits", 64, func(o *Options) { o.MaxBytes = 512 << 20 }, nil},
		{"256 MiB on 32 bits", 32, func(o *Options) { o.MaxBytes = 256 << 20 }, nil},
		{"more on 32 bits", 32, func(o *Options) { o.MaxBytes = 256<<20 + 1 }, ErrBudget},
		{"default on 32 bits", 32, func(o *Options) { o.MaxBytes = 0 }, nil},
		{"small", 64, func(o *Options) { o.MaxBytes = MinBytes - 1 }, ErrBudget},
		{"negative", 64, func(o *Options) { o.MaxBytes = -1 }, ErrBudget},
		{"no streams", 64, func(o *Options) { o.Streams = nil }, ErrOptions},
		{"no name", 64, func(o *Options) { o.Streams = []StreamOptions{{}} }, ErrOptions},
		{"twice", 64, func(o *Options) { o.Streams = []StreamOptions{{Name: "a"}, {Name: "a"}} }, ErrOptions},
		{"share", 64, func(o *Options) { o.Streams = []StreamOptions{{Name: "a", Share: 2}} }, ErrOptions},
		{"age", 64, func(o *Options) { o.Streams = []StreamOptions{{Name: "a", MaxAge: -1}} }, ErrOptions},
	} {
		o := good
		c.change(&o)
		if err := o.complete(c.word); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
}

// Readers, acknowledgers and the writer at once: for the race detector, and
// every block read is the right one.
func TestConcurrent(t *testing.T) {
	l, _ := newLog(t, func(o *Options) { o.NoSync = true })
	if err := l.AddCursor("up", "live"); err != nil {
		t.Fatal(err)
	}
	const last = 1500
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			after := uint64(0)
			for after < last {
				changed := l.Changed()
				first, blocks, err := l.Read("live", after, 10)
				if err != nil {
					t.Error(err)
					return
				}
				if first == 0 {
					<-changed
					continue
				}
				for i, b := range blocks {
					if !bytes.Equal(b, block("live", first+uint64(i), 300)) {
						t.Errorf("block %d is %.20q", first+uint64(i), b)
					}
				}
				after = first + uint64(len(blocks)) - 1
				l.Ack(l.Epoch(), "up", "live", first, after)
				l.Acked("up", "live")
				l.Stats()
				l.Bounds("live")
			}
		})
	}
	now := t0
	for seq := uint64(1); seq <= last; {
		b := Batch{Evict: l.Due(now.Add(2 * time.Hour)), State: []byte(fmt.Sprint(seq))}
		for range 5 {
			b.Records = append(b.Records, record("live", seq, 300))
			now = b.Records[0].Time
			seq++
		}
		if err := l.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
}
