package buffer

import (
	"math"
	"time"
)

// A Load is what a writer brings to a stream in the long run. A stream may have several.
type Load struct {
	Stream string

	// Commits are typical ones, each with the sizes of its blocks, in the order in which
	// they come. They stand for PerDay commits a day.
	Commits [][]int
	PerDay  float64
}

// A Forecast says what a log will hold of a stream when it has run for long.
type Forecast struct {
	Stream string
	Share  float64       // of the budget
	PerDay int64         // bytes of the file that a day takes, its pages' unused ends and the way to them too
	Wanted time.Duration // MaxAge
	Held   time.Duration // at most Wanted

	blocks float64 // bytes of blocks alone a day: shares count these
}

// Forecast reckons how long each stream will be held within the budget, when all that is
// delivered may go, and which budget would hold all of them for their MaxAge. It is the
// arithmetic of [Log.Due]: a stream is bounded by its age alone as long as all fit together,
// and then the one that exceeds its share most gives way. The streams are those of o, which
// have an age each.
func (o Options) Forecast(loads []Load) (out []Forecast, needed int64) {
	shares := o.shares()
	var want float64
	for _, s := range o.Streams {
		f := Forecast{Stream: s.Name, Share: shares[s.Name], Wanted: s.MaxAge}
		for _, l := range loads {
			if l.Stream == s.Name && len(l.Commits) > 0 {
				part := l.PerDay / float64(len(l.Commits))
				f.PerDay += int64(stored(l.Commits) * part)
				for _, sizes := range l.Commits {
					for _, n := range sizes {
						f.blocks += float64(n) * part
					}
				}
			}
		}
		want += f.bytes()
		out = append(out, f)
	}
	times := o.times(out, want)
	for i := range out {
		f := &out[i]
		f.Held = time.Duration(float64(f.Wanted) * f.part(times*f.Share*float64(o.MaxBytes)))
	}
	return out, budgetFor(want)
}

// bytes is what the stream takes of the file when it is held for as long as it is wanted.
func (f *Forecast) bytes() float64 { return float64(f.PerDay) * f.Wanted.Hours() / 24 }

// part is how much of what is wanted fits when there are so many bytes for blocks.
func (f *Forecast) part(most float64) float64 {
	if want := f.blocks * f.Wanted.Hours() / 24; want > most {
		return max(most, 0) / want
	}
	return 1
}

// times is how many times their share streams may have when evictions have made them equal
// in that: +Inf where all fit.
func (o *Options) times(streams []Forecast, want float64) float64 {
	have := float64(limitsFor(o.MaxBytes).top() * pageSize)
	if want <= have {
		return math.Inf(1)
	}
	low, high := 0.0, 1e9
	for range 80 {
		middle := (low + high) / 2
		var held float64
		for i := range streams {
			f := &streams[i]
			held += f.bytes() * f.part(middle*f.Share*float64(o.MaxBytes))
		}
		if held > have {
			high = middle
		} else {
			low = middle
		}
	}
	return low
}

// budgetFor is the smallest budget whose evictions begin above so many bytes.
func budgetFor(want float64) int64 {
	low, high := int64(MinBytes), int64(1)<<50
	for low < high {
		middle := (low + high) / 2
		if float64(limitsFor(middle).top()*pageSize) >= want {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// stored is how much of the file the blocks of these commits take.
func stored(commits [][]int) (bytes float64) {
	const (
		times  = 16                  // so that the last node, which is not full, counts for little
		branch = pageSize / itemSize // nodes that one page above them names
	)
	var last node
	var pages int64
	for range times {
		for _, sizes := range commits {
			pages += last.add(sizes)
		}
	}
	return (float64(pages) + float64(last.bytes())/pageSize) * (1 + 1.0/branch) * pageSize / times
}
