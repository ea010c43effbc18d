package buffer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// Every block of a time range is in a run that Find names, whatever the clock did, and
// a range of an even clock costs little beside it.
func TestFind(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := Options{Streams: []StreamOptions{{Name: "live", MaxAge: 64 * time.Hour}}}
		l := &Log{o: o, streams: map[string]*stream{"live": {first: 1}}}
		gap := 64 * time.Hour / marksPerAge
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		steps := seed > 0 // the first one is an even clock
		var times []time.Time
		sinceStep := 0
		for seq := range 4000 {
			at = at.Add(10 * time.Second)
			sinceStep++
			if steps && sinceStep > marksApart+1 && r.IntN(100) == 0 {
				at = at.Add(time.Duration(r.Int64N(int64(8*gap))) - 4*gap)
				sinceStep = 0
			}
			sealed := at
			if steps && r.IntN(100) == 0 {
				sealed = time.Unix(1000, 0) // the clock is lost
			}
			times = append(times, sealed)
			p := &plan{after: map[string]*stream{}}
			if err := p.putOne(l, Record{Stream: "live", Seq: uint64(seq + 1), Time: sealed, Data: []byte("x")}); err != nil {
				t.Fatal(err)
			}
			l.streams["live"] = p.after["live"]
		}
		if seed%3 == 1 { // part of it is evicted
			p := &plan{after: map[string]*stream{}}
			if err := p.evictOne(l, Eviction{Stream: "live", From: 1, To: 700}); err != nil {
				t.Fatal(err)
			}
			l.streams["live"] = p.after["live"]
		}
		for range 40 {
			from := times[r.IntN(len(times))].Add(time.Duration(r.Int64N(int64(gap))) - gap/2)
			to := from.Add(time.Duration(r.Int64N(int64(20 * gap))))
			runs := l.Find("live", from, to)
			in := 0
			for i, run := range runs {
				if run[0] > run[1] || run[0] < l.streams["live"].first || run[1] > 4000 || i > 0 && run[0] <= runs[i-1][1]+1 {
					t.Fatalf("seed %d: runs %v", seed, runs)
				}
				in += int(run[1] - run[0] + 1)
			}
			want := 0
			for i, sealed := range times {
				seq := uint64(i + 1)
				if seq < l.streams["live"].first || sealed.Before(from) || !sealed.Before(to) || sealed.UnixMilli() < clockSane {
					continue
				}
				want++
				if !within(runs, seq) {
					t.Fatalf("seed %d: block %d of %s is in no run of %s to %s: %v", seed, seq, sealed, from, to, runs)
				}
			}
			if most := want + 6*int(gap/(10*time.Second)); !steps && in > most {
				t.Errorf("even clock: %d blocks in the runs, %d wanted, at most %d", in, want, most)
			}
		}
	}
}

func within(runs [][2]uint64, seq uint64) bool {
	for _, r := range runs {
		if r[0] <= seq && seq <= r[1] {
			return true
		}
	}
	return false
}

// What is evicted while a history is read is counted and not given; what is appended
// meanwhile is not given; a new epoch ends it.
func TestHistoryMeanwhile(t *testing.T) {
	o := testOptions()
	o.NoSync = true
	l, err := Open(filepath.Join(t.TempDir(), "log.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fill(t, l, "live", 1, 1000, 200)
	var got []uint64
	missed, err := l.History("live", time.Time{}, time.Time{}, func(seq uint64, block []byte) error {
		got = append(got, seq)
		if want := fmt.Sprintf("live %d ", seq); string(block[:len(want)]) != want {
			t.Fatalf("block %d is %q", seq, block[:12])
		}
		if len(got) == 100 { // from within: no transaction is open
			b := Batch{Evict: []Eviction{{Stream: "live", From: 1, To: 600}}, Records: []Record{record("live", 1001, 200)}}
			if err := l.Append(b); err != nil {
				t.Fatal(err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := uint64(len(got)); n+missed != 1000 || got[n-1] != 1000 || missed != 600-historyBatch {
		t.Errorf("%d blocks, the last one %d, %d missed; want all of 1000, and %d missed", n, got[n-1], missed, 600-historyBatch)
	}
	_, err = l.History("live", time.Time{}, time.Time{}, func(seq uint64, _ []byte) error {
		if seq == 700 {
			return l.Rotate("test")
		}
		return nil
	})
	if !errors.Is(err, ErrRotated) {
		t.Errorf("in a new epoch: %v, want %v", err, ErrRotated)
	}
	stop := errors.New("stop")
	fill(t, l, "live", 1, 10, 200)
	if _, err := l.History("live", time.Time{}, time.Time{}, func(uint64, []byte) error { return stop }); err != stop {
		t.Errorf("own error: %v", err)
	}
	if _, err := l.History("none", time.Time{}, time.Time{}, nil); err != nil {
		t.Errorf("unknown stream: %v, want nothing", err)
	}
}
