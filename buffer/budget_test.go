package buffer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// When room says yes, the commit has room: bbolt's own refusal costs a scan of the whole
// file, and says nothing of what would help. And the file stays within its budget; what
// was delivered goes before what was not; a batch gets in after a few evictions.
//
// The first loads have blocks of at most PackedSize, many to a batch. The others have some
// of up to 64 KB, and the last ones many, in a file of a few MB: there bbolt may refuse for
// want of pages side by side, but all else holds.
func TestBudgetOfAnyLoad(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWeeks(t, seed, seed >= 8, seed >= 5)
			for w.step < 300 || w.evicted == 0 && w.step < 5000 {
				w.turn()
			}
			if w.refused > 0 && !w.large {
				t.Errorf("room said yes, and there was none: %d times", w.refused)
			}
			if w.evicted == 0 {
				t.Fatal("nothing was evicted: the test tested nothing")
			}
			t.Logf("%d blocks, %d evicted, %d of them undelivered, %d batches had to wait, bbolt refused %d, %d evictions did not fit", w.blocks, w.evicted, w.lost, w.waited, w.refused, w.shorter)
		})
	}
}

// weeks is a random load on a log that is far too small for it.
type weeks struct {
	*testing.T
	log     *Log
	path    string
	rand    *rand.Rand
	budget  int64
	streams []string
	heads   map[string]uint64
	largest map[string]int // block of each stream
	cursors []string
	away    bool // the cursors do not move

	large bool // there are blocks of up to 64 KB

	step, blocks, evicted, lost, waited, refused, shorter int
}

func newWeeks(t *testing.T, seed uint64, huge, large bool) *weeks {
	w := &weeks{T: t, large: large, rand: rand.New(rand.NewPCG(seed, 9)), heads: map[string]uint64{}, largest: map[string]int{}}
	w.budget = 8 << 20 << (seed % 2)
	sizes := []int{300, 1000, PackedSize}
	if huge {
		w.budget, sizes = 8<<20<<(seed%2), []int{300, PackedSize, PackedSize + 1, 5000, MaxRecord}
	}
	w.log, w.path = newLog(t, func(o *Options) {
		o.NoSync, o.MaxBytes, o.Streams = true, w.budget, nil
		for i := range 1 + w.rand.IntN(8) {
			name := fmt.Sprintf("s%d", i)
			w.streams = append(w.streams, name)
			w.largest[name] = sizes[w.rand.IntN(len(sizes))]
			o.Streams = append(o.Streams, StreamOptions{Name: name})
		}
	})
	for i := range 1 + w.rand.IntN(4) {
		name := fmt.Sprintf("c%d", i)
		w.cursors = append(w.cursors, name)
		if err := w.log.AddCursor(name, w.streams[i%len(w.streams):]...); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *weeks) turn() {
	w.step++
	if w.rand.IntN(100) == 0 {
		w.away = !w.away
	}
	if !w.away {
		for _, c := range w.cursors {
			for _, s := range w.streams {
				upto, _ := w.log.Acked(c, s)
				w.log.Ack(w.log.Epoch(), c, s, 1, upto+w.rand.Uint64N(40))
			}
		}
	}
	b := w.batch()
	b.Evict = w.due()
	err := w.put(b)
	for round := 0; errors.Is(err, ErrFull); round++ { // as the agent does it
		w.waited++
		evict := w.due()
		if round == 60 || len(evict) == 0 {
			w.Fatalf("step %d: no room for %d blocks after %d evictions: %v; %+v", w.step, len(b.Records), round, err, w.log.Stats())
		}
		err = w.put(Batch{Evict: evict})
		for errors.Is(err, ErrFull) && evict[0].To > evict[0].From { // another edge needs other pages
			w.shorter++
			evict = evict[:1]
			evict[0].To -= (evict[0].To - evict[0].From + 1) / 2
			err = w.put(Batch{Evict: evict})
		}
		if err != nil {
			w.Fatalf("step %d: evict at the limit: %v", w.step, err)
		}
		b.Evict = nil
		err = w.put(b)
	}
	if err != nil {
		w.Fatal(err)
	}
	w.blocks += len(b.Records)
	if info, err := os.Stat(w.path); err != nil || info.Size() > w.budget {
		w.Fatalf("step %d: a file of %d bytes, budget %d, %v", w.step, info.Size(), w.budget, err)
	}
}

func (w *weeks) batch() (b Batch) {
	total, n := 0, 60
	if w.rand.IntN(20) == 0 {
		n = 400 // the disk was away for a while
	}
	for range 1 + w.rand.IntN(n) {
		s := w.streams[w.rand.IntN(len(w.streams))]
		size := 1 + w.rand.IntN(w.largest[s])
		if w.rand.IntN(2) == 0 {
			size = w.largest[s]
		}
		if w.large && w.rand.IntN(500) == 0 {
			size = 1 + w.rand.IntN(MaxRecord)
		}
		if total += size; total > 700<<10 || total > 256<<10 && w.large {
			break
		}
		w.heads[s]++
		b.Records = append(b.Records, record(s, w.heads[s], size))
	}
	if w.rand.IntN(2) == 0 {
		b.State = make([]byte, w.rand.IntN(8000))
	}
	return b
}

// put appends, and counts where bbolt found no room that room had seen.
func (w *weeks) put(b Batch) error {
	err := w.log.Append(b)
	if err != nil && strings.Contains(err.Error(), "at the budget of") {
		w.refused++
	}
	if err == nil {
		for _, e := range b.Evict {
			w.evicted += int(e.To - e.From + 1)
			if !e.Acked {
				w.lost += int(e.To - e.From + 1)
			}
		}
	}
	return err
}

// due is what Due says, held against the order in which blocks may go.
func (w *weeks) due() []Eviction {
	out := w.log.Due(t0.Add(time.Hour))
	gone, taken, undelivered := map[string]uint64{}, uint64(0), false
	for _, e := range out {
		settled := w.settled(e.Stream)
		if e.Acked != (e.To <= settled) {
			w.Fatalf("step %d: %+v, and all cursors have it up to %d", w.step, e, settled)
		}
		undelivered = undelivered || !e.Acked
		if e.Acked && undelivered {
			w.Fatalf("step %d: %+v: what was delivered goes after what was not", w.step, out)
		}
		if e.Acked {
			gone[e.Stream] = e.To
		}
		taken += e.To - e.From + 1
	}
	if taken > dueBlocks {
		w.Fatalf("step %d: %d blocks in one commit", w.step, taken)
	}
	for _, s := range w.streams {
		_, last := w.log.Bounds(s)
		if end := min(w.settled(s), max(last, 1)-1); undelivered && end > gone[s] && end >= first(w.log, s) {
			w.Fatalf("step %d: %+v, while %s %d to %d are delivered and stay", w.step, out, s, max(gone[s]+1, first(w.log, s)), end)
		}
	}
	return out
}

func first(l *Log, stream string) uint64 {
	f, _ := l.Bounds(stream)
	return f
}

// settled is up to where all cursors have a stream, found in another way than the log's.
func (w *weeks) settled(stream string) uint64 {
	_, upto := w.log.Bounds(stream)
	for i, c := range w.cursors {
		for _, s := range w.streams[i%len(w.streams):] {
			if s == stream {
				a, _ := w.log.Acked(c, s)
				upto = min(upto, a)
			}
		}
	}
	return upto
}
