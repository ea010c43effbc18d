package buffer

import (
	"fmt"
	"testing"
	"time"
)

// site is how a gateway keeps its log.
func site(budget int64) func(*Options) {
	return func(o *Options) {
		day := 24 * time.Hour
		o.MaxBytes, o.NoSync = budget, true
		o.Streams = []StreamOptions{
			{Name: "live", MaxAge: 14 * day, Share: 0.6},
			{Name: "stat", MaxAge: 400 * day, Share: 0.25},
			{Name: "event", MaxAge: 3 * 365 * day},
		}
	}
}

// A block at the edge of what packs, with the writer's state, in one commit: the
// typical site, each 5 s. Reported are the bytes written by a commit, and those
// a block keeps of the file.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name   string
		size   int
		blocks int // to a commit
		before int // blocks in the log, so that its tree is deep
		noSync bool
	}{
		{"2016B", PackedSize, 1, 0, false},
		{"2016B_nosync", PackedSize, 1, 0, true},
		{"2016B_deep", PackedSize, 1, 60000, true},
		{"2017B_nosync", PackedSize + 1, 1, 0, true},
		{"2016B_x25", PackedSize, 25, 0, true},
		{"600B_deep", 600, 1, 60000, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			l, _ := newLog(b, site(512<<20))
			state := make([]byte, 300)
			batch := Batch{State: state}
			seq := uint64(0)
			next := func(n int) {
				batch.Records = batch.Records[:0]
				for range n {
					seq++
					batch.Records = append(batch.Records, record("live", seq, c.size))
				}
			}
			for int(seq) < c.before {
				next(500)
				if err := l.Append(batch); err != nil {
					b.Fatal(err)
				}
			}
			l.store.db.NoSync = c.noSync
			start, from := l.Stats(), seq
			b.ReportAllocs()
			b.SetBytes(int64(c.size * c.blocks))
			n := 0
			for b.Loop() {
				next(c.blocks)
				batch.Evict = nil
				if l.Stats().UsedBytes > 400<<20 {
					batch.Evict = l.Due(time.Now())
				}
				if err := l.Append(batch); err != nil {
					b.Fatal(err)
				}
				n++
			}
			end := l.Stats()
			l.store.db.NoSync = true
			b.ReportMetric(float64(end.Written-start.Written)/float64(n), "written-B/commit")
			b.ReportMetric(float64(end.Written-start.Written)/float64(seq-from), "written-B/block")
			b.ReportMetric(float64(end.UsedBytes)/float64(end.Streams["live"].Blocks), "stored-B/block")
		})
	}
}

func BenchmarkRead32(b *testing.B) {
	l, _ := newLog(b, site(64<<20))
	fill(b, l, "live", 1, 3200, PackedSize)
	b.SetBytes(32 * PackedSize)
	b.ReportAllocs()
	after := uint64(0)
	for b.Loop() {
		_, blocks, err := l.Read("live", after%3168, 32)
		if err != nil || len(blocks) != 32 {
			b.Fatalf("%d blocks, %v", len(blocks), err)
		}
		after += 32
	}
}

// What Open costs: it reads all of the file.
func BenchmarkOpen(b *testing.B) {
	l, path := newLog(b, site(128<<20))
	fill(b, l, "live", 1, 40000, PackedSize)
	l.Close()
	o := testOptions()
	site(128 << 20)(&o)
	b.SetBytes(40000 * PackedSize)
	b.ReportAllocs()
	for b.Loop() {
		l, err := Open(path, o)
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}

// The measure behind PackedSize: one byte more takes nearly twice the room.
func TestPacked(t *testing.T) {
	perBlock := func(size int) (stored, written float64) {
		l, _ := newLog(t, site(4<<20))
		for seq := uint64(1); seq <= 500; seq++ {
			if err := l.Append(Batch{Records: []Record{record("live", seq, size)}, State: make([]byte, 300)}); err != nil {
				t.Fatal(err)
			}
		}
		s := l.Stats()
		return float64(s.UsedBytes) / 500, float64(s.Written) / 500
	}
	packed, written := perBlock(PackedSize)
	over, _ := perBlock(PackedSize + 1)
	t.Logf("%d bytes: %.0f stored, %.0f written a commit; one more: %.0f stored", PackedSize, packed, written, over)
	if packed > 2150 || over < 1.8*packed {
		t.Errorf("%.0f bytes of the file a block, %.0f with one byte more: want two blocks to a page, and then not", packed, over)
	}
	if written > 25<<10 {
		t.Errorf("%.0f bytes written a commit", written)
	}
}

// Reads allocate what they hand out, and little else.
func TestReadAllocates(t *testing.T) {
	l, _ := newLog(t, noSync)
	fill(t, l, "live", 1, 64, PackedSize)
	n := testing.AllocsPerRun(50, func() {
		if _, b, err := l.Read("live", 10, 32); err != nil || len(b) != 32 {
			t.Fatal(len(b), err)
		}
	})
	if n > 32+30 {
		t.Errorf("%v allocations to read 32 blocks", n)
	}
}

// What a commit costs beside many cursors: eight uplinks with all streams and twenty
// platforms with one, that have had everything, and one of them nothing of a long backlog.
// Due, settled and Append look at cursors and marks, never at blocks: the cost is that of
// the short log.
func BenchmarkCursors(b *testing.B) {
	for _, backlog := range []uint64{1000, 100_000} {
		for _, cursors := range []int{1, 28} {
			b.Run(fmt.Sprintf("%d_blocks_%d_cursors", backlog, cursors), func(b *testing.B) {
				l, _ := newLog(b, site(512<<20))
				for i := range cursors {
					streams := []string{"live", "stat", "event"}
					if i >= 8 {
						streams = streams[1:2]
					}
					if err := l.AddCursor(fmt.Sprint("c", i), streams...); err != nil {
						b.Fatal(err)
					}
				}
				fill(b, l, "live", 1, backlog, 600)
				for i := 1; i < cursors; i++ {
					l.Ack(l.Epoch(), fmt.Sprint("c", i), "live", 1, backlog)
				}
				batch := Batch{State: make([]byte, 300)}
				seq := backlog
				b.ReportAllocs()
				for b.Loop() {
					seq++
					batch.Evict = l.Due(t0)
					batch.Records = append(batch.Records[:0], record("live", seq, 600))
					for i := 1; i < cursors; i++ {
						l.Ack(l.Epoch(), fmt.Sprint("c", i), "live", seq-1, seq-1)
					}
					if err := l.Append(batch); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
