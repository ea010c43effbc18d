// Package rollup makes minute, hour and day figures out of samples.
//
// It is pure: times and values come in, windows go out, and nothing is read from
// a clock. Periods follow wall time at +08:00 and are labelled by their start, as
// HJ 212-2017 (table 5, DataTime) and HJ 212-2025 ask. All sums are exact decimals.
//
// A window's value counts as normal when at least three quarters of the values
// expected in it were normal (HJ 212-2017, C.16 to C.18, the rule for flue gas);
// otherwise its flag is D.
package rollup

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"time"

	"envgate/hj212"
)

// Site is the zone of every period boundary: +08:00, with no zone files needed.
var Site = time.FixedZone("+08:00", siteOffset)

const siteOffset = 8 * 3600 // seconds

const causeClock = "clock"

// Kinds of periods, as they stand in a block's field k.
const (
	Minute = "min"
	Hour   = "hour"
	Day    = "day"
)

// Value is one reading of one point.
type Value struct {
	Source   string        // instrument or request, as in the live stream
	Point    string        // factor code or local name
	Text     string        // decimal digits; empty when the value could not be had
	Zs       string        // its converted value (折算值) where there is one, else empty
	Flag     string        // as in package hj212; only N counts
	At       time.Time     // when it was taken
	Interval time.Duration // how often this point is asked; says how many values a period should have
}

// Figure is what one period says of one point. Avg, Min and Max are empty when no
// normal value came.
type Figure struct {
	Point               string
	Avg, Min, Max       string
	ZsAvg, ZsMin, ZsMax string // of the converted values; empty where there are none
	Cou                 string // what the period brought in all, m3 or kg; empty where that is nothing to ask
	N                   int    // normal values counted
	Flag                string
	Cause               string // why the flag is D: "few" for want of values, "clock" when the clock was set within it, "no-clock" when its time cannot be
}

// Window is one closed period of one source, its figures sorted by point.
type Window struct {
	Source  string
	Kind    string
	Start   time.Time // in Site
	Figures []Figure
}

// Rollup holds the open periods. It is not safe for concurrent use.
type Rollup struct {
	minutes int
	open    map[key]*window
	last    [3]found // of each kind, as a sample's values come one after the other
	late    int
	closed  int64 // Unix seconds; all minutes that end at or before it are closed
}

type key struct {
	kind, source string
	start        int64
}

type found struct {
	key
	w *window
}

type window struct {
	end    int64 // Unix seconds
	broken bool  // the clock was set within it
	points map[string]*sum
}

type sum struct {
	total       total
	least, most decimal
	n           int
	expected    int
}

// New returns a rollup with minute periods of the given length: 1, 2, 3, 4, 5, 6,
// 10, 12, 15, 20 or 30 (HJ 212-2017, table 5, MinInterval). It panics on others,
// which the check of the site file has refused.
func New(minutes int) *Rollup {
	if minutes < 1 || minutes > 30 || 60%minutes != 0 {
		panic("rollup: a minute period divides the hour")
	}
	return &Rollup{minutes: minutes, open: map[key]*window{}}
}

// Late returns how many values came after their minute was closed. They are in the
// live stream, and in no figure.
func (r *Rollup) Late() int { return r.late }

// Add counts v into its minute, hour and day.
func (r *Rollup) Add(v Value) {
	start, end := r.bounds(Minute, v.At)
	if late := r.closed - end; late >= 0 && late < 86400 { // more is a clock that was set back
		r.late++
		return
	}
	d, ok := parseDecimal(v.Text)
	ok = ok && v.Flag == hj212.FlagNormal
	for i, kind := range [3]string{Minute, Hour, Day} {
		if kind != Minute {
			start, end = r.bounds(kind, v.At)
		}
		w := r.window(i, key{kind, v.Source, start}, end)
		s := w.points[v.Point]
		if s == nil {
			s = &sum{expected: int(time.Duration(end-start) * time.Second / max(v.Interval, time.Millisecond))}
			w.points[v.Point] = s
		}
		if ok {
			s.add(d)
		}
	}
}

// window finds or opens the window of k, the i-th kind.
func (r *Rollup) window(i int, k key, end int64) *window {
	if l := r.last[i]; l.w != nil && l.key == k {
		return l.w
	}
	w := r.open[k]
	if w == nil {
		w = &window{end: end, points: map[string]*sum{}}
		r.open[k] = w
	}
	r.last[i] = found{k, w}
	return w
}

func (s *sum) add(d decimal) {
	if s.n == 0 || d.less(s.least) {
		s.least = d
	}
	if s.n == 0 || s.most.less(d) {
		s.most = d
	}
	s.total.add(d)
	s.n++
}

// Close returns the windows that end at or before now, oldest first, and forgets them.
func (r *Rollup) Close(now time.Time) []Window {
	var out []Window
	r.last = [3]found{} // they may be closed now
	for k, w := range r.open {
		if w.end > now.Unix() {
			continue
		}
		delete(r.open, k)
		out = append(out, Window{
			Source: k.source, Kind: k.kind, Start: time.Unix(k.start, 0).In(Site), Figures: w.figures(),
		})
	}
	r.closed, _ = r.bounds(Minute, now)
	sort.Slice(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Source, b.Source)) < 0
	})
	return out
}

// Step is told that the clock was set by d. A period in which it was set by a quarter of
// its length or more is no good: its values are of two times. After a step back, periods
// that were closed come again, now by the right clock, or by the wrong one: the block
// says which.
func (r *Rollup) Step(d time.Duration) {
	seconds := int64(d.Abs() / time.Second)
	for k, w := range r.open {
		if 4*seconds >= w.end-k.start {
			w.broken = true
		}
	}
	if d < 0 && 4*seconds >= int64(r.minutes)*60 {
		r.closed = 0
	}
}

// Doubt marks all figures of a window as not to be relied on, for its time cannot be.
func (w *Window) Doubt() {
	for i := range w.Figures {
		w.Figures[i].Flag, w.Figures[i].Cause = hj212.FlagFault, "no-clock"
	}
}

// Next returns the end of the first period that ends after now.
func (r *Rollup) Next(now time.Time) time.Time {
	_, end := r.bounds(Minute, now)
	return time.Unix(end, 0).In(Site)
}

func (w *window) figures() []Figure {
	out := make([]Figure, 0, len(w.points))
	for _, point := range slices.Sorted(maps.Keys(w.points)) {
		s := w.points[point]
		f := Figure{Point: point, N: s.n, Flag: hj212.FlagNormal}
		if s.n > 0 {
			f.Avg, f.Min, f.Max = s.total.mean(int64(s.n)), s.least.String(), s.most.String()
		}
		if 4*s.n < 3*s.expected || s.n == 0 {
			f.Flag, f.Cause = hj212.FlagFault, "few"
		}
		if w.broken {
			f.Flag, f.Cause = hj212.FlagFault, causeClock
		}
		out = append(out, f)
	}
	return out
}

// bounds are the start and end of the period that at is in. At a fixed +08:00 every
// hour and every day has the same length.
func (r *Rollup) bounds(kind string, at time.Time) (start, end int64) {
	length := int64(r.minutes) * 60
	switch kind {
	case Hour:
		length = 3600
	case Day:
		length = 86400
	}
	site := at.Unix() + siteOffset
	start = site - ((site%length)+length)%length - siteOffset
	return start, start + length
}
