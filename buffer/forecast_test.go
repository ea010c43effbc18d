package buffer

import (
	"math/rand/v2"
	"testing"
	"time"
)

// What Forecast says of streams that fight for a budget is what a log does with them that
// has run for long: within 15 % and the two days
// by which ages are cut here.
func TestForecast(t *testing.T) {
	const day = 24 * time.Hour
	sizes := func(seed uint64, least, most, blocks int) (out [][]int) {
		r := rand.New(rand.NewPCG(seed, 1))
		for range 50 {
			var commit []int
			for range blocks {
				commit = append(commit, least+r.IntN(most-least+1))
			}
			out = append(out, commit)
		}
		return out
	}
	for _, c := range []struct {
		name       string
		live, stat time.Duration // wanted
		loads      [2]Load
		fits       bool
	}{
		{"all fit", 10 * day, 30 * day, [2]Load{{"live", sizes(1, 500, 700, 200), 1}, {"stat", sizes(2, 900, 1200, 20), 1}}, true},
		{"one is too much", 100 * day, 60 * day, [2]Load{{"live", sizes(3, 1500, PackedSize, 100), 1}, {"stat", sizes(4, 900, 1200, 10), 1}}, false},
		{"both are", 100 * day, 1000 * day, [2]Load{{"live", sizes(5, 200, 3000, 60), 1}, {"stat", sizes(6, PackedSize, 2100, 20), 1}}, false},
		{"one of large blocks", 100 * day, 300 * day, [2]Load{{"live", sizes(7, 100, 200, 300), 1}, {"stat", sizes(8, 2100, 4000, 8), 1}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := testOptions()
			o.NoSync, o.MaxBytes = true, 8<<20
			o.Streams = []StreamOptions{{Name: "live", MaxAge: c.live, Share: 0.7}, {Name: "stat", MaxAge: c.stat, Share: 0.3}}
			want, needed := o.Forecast(c.loads[:])
			l := mustOpen(t, t.TempDir()+"/log.db", o)
			if err := o.complete(64); err != nil {
				t.Fatal(err)
			}
			used := int64(0)
			heads := map[string]uint64{}
			end := t0
			for range 400 {
				end = end.Add(day)
				b := Batch{Evict: l.Due(end)}
				for _, load := range c.loads {
					for _, n := range load.Commits[int(end.Sub(t0)/day)%len(load.Commits)] {
						heads[load.Stream]++
						r := record(load.Stream, heads[load.Stream], n)
						r.Time = end
						b.Records = append(b.Records, r)
					}
				}
				for err := l.Append(b); err != nil; err = l.Append(b) {
					evict := l.Due(end)
					for e := l.Append(Batch{Evict: evict}); e != nil; e = l.Append(Batch{Evict: evict}) {
						if evict = evict[:1]; evict[0].From == evict[0].To {
							t.Fatal(err, e)
						}
						evict[0].To -= (evict[0].To - evict[0].From + 1) / 2
					}
					b.Evict = nil
				}
				for due := l.Due(end); len(due) > 0; due = l.Due(end) {
					if err := l.Append(Batch{Evict: due}); err != nil {
						t.Fatal(err)
					}
				}
				used = max(used, l.Stats().UsedBytes)
			}
			for i, load := range c.loads {
				first, last := l.Bounds(load.Stream)
				held := float64(last-first+1) / float64(len(load.Commits[0]))
				says := want[i].Held.Hours() / 24
				t.Logf("%s: %.1f days held, %.1f forecast, %s wanted, %d bytes a day", load.Stream, held, says, want[i].Wanted, want[i].PerDay)
				if says < 0.85*held-2 || says > 1.15*held+2 {
					t.Errorf("%s: %.1f days held, the forecast says %.1f", load.Stream, held, says)
				}
				if c.fits != (want[i].Held == want[i].Wanted) && c.fits {
					t.Errorf("%s: %s of %s held, want all", load.Stream, want[i].Held, want[i].Wanted)
				}
			}
			if c.fits != (needed <= o.MaxBytes) {
				t.Errorf("a budget of %d is needed: want no more than %d: %v", needed, o.MaxBytes, c.fits)
			}
			if c.fits && float64(used) > 1.2*float64(limitsFor(needed).top()*pageSize) {
				t.Errorf("%d bytes used, and a budget of %d is to hold them", used, needed)
			}
		})
	}
}
