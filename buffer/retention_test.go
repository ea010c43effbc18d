package buffer

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// aged appends one block for each time, 1 to a commit.
func aged(t testing.TB, l *Log, stream string, times ...time.Time) {
	t.Helper()
	_, head := l.Bounds(stream)
	for i, at := range times {
		r := record(stream, head+1+uint64(i), 100)
		r.Time = at
		if err := l.Append(Batch{Records: []Record{r}}); err != nil {
			t.Fatal(err)
		}
	}
}

// every returns n times from at on, step apart.
func every(at time.Time, step time.Duration, n int) []time.Time {
	times := make([]time.Time, n)
	for i := range times {
		times[i] = at.Add(time.Duration(i) * step)
	}
	return times
}

func noSync(o *Options) { o.NoSync = true }

func TestDueByAge(t *testing.T) {
	day, y1970 := 24*time.Hour, time.Unix(100, 0)
	for _, c := range []struct {
		name   string
		blocks [][]time.Time
		now    time.Time
		below  uint64 // first seq that stays, 0: nothing is due
	}{
		{"young", [][]time.Time{every(t0, time.Minute, 50)}, t0.Add(time.Hour - time.Second), 0},
		{"half old", [][]time.Time{every(t0, time.Minute, 100)}, t0.Add(time.Hour + 50*time.Minute), 51},
		{"all old, the newest stays", [][]time.Time{every(t0, time.Minute, 50)}, t0.Add(day), 50},
		{"now is 1970", [][]time.Time{every(t0, time.Minute, 50)}, y1970, 0},
		{"began in 1970, now synced", [][]time.Time{every(y1970, time.Minute, 50), every(t0, time.Minute, 10)}, t0.Add(30 * time.Minute), 0},
		{"began in 1970, aged since", [][]time.Time{every(y1970, time.Minute, 50), every(t0, time.Minute, 100)}, t0.Add(time.Hour + 20*time.Minute), 71},
		{"1970 all the time", [][]time.Time{every(y1970, time.Minute, 100)}, t0, 0},
		{"no times at all", [][]time.Time{make([]time.Time, 100)}, t0, 0},
		{"1970 in between", [][]time.Time{every(t0, time.Minute, 50), every(y1970, time.Minute, 50), every(t0.Add(50*time.Minute), time.Minute, 50)}, t0.Add(time.Hour + 10*time.Minute), 11},
		{"back an hour, and again forward", [][]time.Time{every(t0, time.Minute, 50), every(t0.Add(-time.Hour), time.Minute, 40), every(t0.Add(50*time.Minute), time.Minute, 50)}, t0.Add(time.Hour + 49*time.Minute), 50},
		{"back for good", [][]time.Time{every(t0, time.Minute, 50), every(t0.Add(-10*time.Hour), time.Minute, 600)}, t0.Add(time.Minute), 1},
		{"ahead for a while", [][]time.Time{every(t0, time.Minute, 50), every(t0.Add(40*365*day), time.Minute, 50), every(t0.Add(50*time.Minute), time.Minute, 100)}, t0.Add(time.Hour + 85*time.Minute), 136},
		{"off for a month, then a clock of last year", [][]time.Time{every(t0, time.Minute, 50), every(t0.Add(-365*day), time.Minute, 100)}, t0.Add(30 * day), 51},
		{"off for a month", [][]time.Time{every(t0, time.Minute, 50), every(t0.Add(30*day), time.Minute, 10)}, t0.Add(30*day + 10*time.Minute), 51},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := testOptions()
			o.NoSync = true
			path := filepath.Join(t.TempDir(), "log.db")
			l := mustOpen(t, path, o)
			for _, times := range c.blocks {
				for len(times) > 0 { // 25 to a commit, for speed
					var b Batch
					_, head := l.Bounds("live")
					for i, at := range times[:min(25, len(times))] {
						r := record("live", head+1+uint64(i), 50)
						r.Time = at
						b.Records = append(b.Records, r)
					}
					if err := l.Append(b); err != nil {
						t.Fatal(err)
					}
					times = times[len(b.Records):]
				}
			}
			check := func() {
				t.Helper()
				var want []Eviction
				if c.below > 1 {
					want = []Eviction{{Stream: "live", From: 1, To: c.below - 1, Acked: true}}
				}
				if got := l.Due(c.now); !reflect.DeepEqual(got, want) {
					t.Errorf("Due = %v, want %v", got, want)
				}
			}
			check()
			l.Close() // the index is on disk
			l = mustOpen(t, path, o)
			check()
		})
	}
}

func TestDueAndCursors(t *testing.T) {
	l, _ := newLog(t, noSync)
	aged(t, l, "live", every(t0, time.Minute, 60)...)
	if err := l.AddCursor("a", "live"); err != nil {
		t.Fatal(err)
	}
	if err := l.AddCursor("b", "live"); err != nil {
		t.Fatal(err)
	}
	late := t0.Add(48 * time.Hour)
	if due := l.Due(late); due != nil {
		t.Errorf("Due = %v, want nothing: no cursor has anything", due)
	}
	l.Ack(l.Epoch(), "a", "live", 1, 60)
	l.Ack(l.Epoch(), "b", "live", 1, 10)
	l.Ack(l.Epoch(), "b", "live", 20, 60)
	want := []Eviction{{Stream: "live", From: 1, To: 10, Acked: true}}
	due := l.Due(late)
	if !reflect.DeepEqual(due, want) {
		t.Errorf("Due = %v, want %v", due, want)
	}
	for range 2 { // again does no harm
		if err := l.Append(Batch{Evict: due}); err != nil {
			t.Fatal(err)
		}
	}
	mustBounds(t, l, "live", 11, 60)
	if due := l.Due(late); due != nil {
		t.Errorf("Due = %v, want nothing more", due)
	}
	// A new cursor does not wait for what is gone.
	if err := l.AddCursor("c", "live"); err != nil {
		t.Fatal(err)
	}
	if upto, _ := l.Acked("c", "live"); upto != 10 {
		t.Errorf("new cursor has up to %d, want 10", upto)
	}
}

func TestDueIsBounded(t *testing.T) {
	l, _ := newLog(t, noSync)
	fill(t, l, "live", 1, 2000, 10)
	due := l.Due(t0.Add(1000 * time.Hour))
	if len(due) != 1 || due[0].To != dueBlocks {
		t.Errorf("Due = %v, want the first %d blocks", due, dueBlocks)
	}
	var n int
	for len(due) > 0 {
		if n++; n > 10 {
			t.Fatal("no end of what is due")
		}
		if err := l.Append(Batch{Evict: due}); err != nil {
			t.Fatal(err)
		}
		due = l.Due(t0.Add(1000 * time.Hour))
	}
	if first, last := l.Bounds("live"); first < 1995 || last != 2000 {
		t.Errorf("bounds %d, %d, want nearly all gone", first, last)
	}
}

// fillUp appends to a stream until about bytes are used.
func fillUp(t *testing.T, l *Log, stream string, bytes int64) {
	t.Helper()
	for _, head := l.Bounds(stream); l.Stats().Streams[stream].Bytes < bytes; head += 10 {
		fill(t, l, stream, head+1, head+10, 2000)
	}
}

func TestDueByBudget(t *testing.T) {
	for _, c := range []struct {
		name             string
		live, stat       int64 // kB held
		ackLive, ackStat bool
		want             string // stream that goes first
		acked            bool
	}{
		{"enough room", 640, 200, true, true, "", false},
		{"delivered, beyond its share", 1300, 180, true, true, "live", true},
		{"delivered, within its share, before what was not", 1300, 180, false, true, "stat", true},
		{"nothing delivered: the one beyond its share", 1300, 180, false, false, "live", false},
		{"nothing delivered: the other one beyond its share", 320, 1180, false, false, "stat", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, _ := newLog(t, noSync)
			if err := l.AddCursor("up", "live", "stat"); err != nil {
				t.Fatal(err)
			}
			fillUp(t, l, "stat", c.stat<<10)
			fillUp(t, l, "live", c.live<<10)
			for name, ack := range map[string]bool{"live": c.ackLive, "stat": c.ackStat} {
				if ack {
					l.Ack(l.Epoch(), "up", name, 1, maxSeq)
				}
			}
			due := l.Due(t0)
			if c.want == "" {
				if due != nil {
					t.Fatalf("Due = %v, want nothing", due)
				}
				return
			}
			if len(due) == 0 || due[0].Stream != c.want || due[0].Acked != c.acked || due[0].From != 1 {
				t.Fatalf("Due = %v, want %s first, acked %v; %+v", due, c.want, c.acked, l.Stats())
			}
			for n := 0; len(due) > 0; n++ {
				if n == 20 {
					t.Fatalf("still due: %v; %+v", due, l.Stats())
				}
				if err := l.Append(Batch{Evict: due}); err != nil {
					t.Fatal(err)
				}
				due = l.Due(t0)
			}
			if used := l.Stats().UsedBytes; used < MinBytes/2 {
				t.Errorf("only %d bytes left in use: it went too far", used)
			}
		})
	}
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		in, want []float64
	}{
		{[]float64{0, 0}, []float64{0.5, 0.5}},
		{[]float64{0.5, 0, 0}, []float64{0.5, 0.25, 0.25}},
		{[]float64{1, 1}, []float64{0.5, 0.5}},
		{[]float64{1, 0}, []float64{1, 0}},
	} {
		var o Options
		for i, s := range c.in {
			o.Streams = append(o.Streams, StreamOptions{Name: string(rune('a' + i)), Share: s})
		}
		got := o.shares()
		for i, want := range c.want {
			if got[string(rune('a'+i))] != want {
				t.Errorf("shares(%v) = %v, want %v", c.in, got, c.want)
			}
		}
	}
}

// A clock that jumps to and fro must not fill the index.
func TestMarksAreBounded(t *testing.T) {
	l, _ := newLog(t, noSync)
	var b Batch
	for seq := uint64(1); seq <= 2000; seq++ {
		r := record("live", seq, 10)
		r.Time = t0.Add(time.Duration(seq%2) * 24 * time.Hour)
		b.Records = append(b.Records, r)
	}
	if err := l.Append(b); err != nil {
		t.Fatal(err)
	}
	if n := len(l.streams["live"].marks); n > 2*2000/marksApart+2 {
		t.Errorf("%d marks for 2000 blocks", n)
	}
	aged(t, l, "stat", every(t0, time.Second, 300)...)
	if n := len(l.streams["stat"].marks); n > 2 {
		t.Errorf("%d marks in 5 minutes of a stream that is kept for a day", n)
	}
}

// A stream with a small share keeps it: it is not the first to go when all have about
// theirs, which together are more than the file can hold.
func TestSmallShareKeepsItsPlace(t *testing.T) {
	l, _ := newLog(t, noSync, func(o *Options) {
		o.MaxBytes = 8 << 20
		o.Streams = []StreamOptions{{Name: "live", Share: 0.7}, {Name: "stat", Share: 0.25}, {Name: "event", Share: 0.05}}
	})
	heads := map[string]uint64{}
	for range 4000 {
		b := Batch{Evict: l.Due(t0)}
		for name, n := range map[string]int{"live": 3, "stat": 2, "event": 1} {
			for range n {
				heads[name]++
				b.Records = append(b.Records, record(name, heads[name], 1000))
			}
		}
		if err := l.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	s := l.Stats()
	for name, share := range map[string]float64{"live": 0.7, "stat": 0.25, "event": 0.05} {
		if got := float64(s.Streams[name].Bytes) / (share * 8e6); got < 0.3 || got > 1.1 {
			t.Errorf("%s has %.2f of its share, want a good part", name, got)
		}
	}
}
