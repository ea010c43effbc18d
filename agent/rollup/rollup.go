// Package rollup makes minute, hour and day figures out of samples.
//
// It is pure: times and values come in, windows go out, and nothing is read from
// a clock. Periods follow wall time at +08:00 and are labelled by their start, as
// HJ 212-2017 (table 5, DataTime) and HJ 212-2025 ask; a sample at the time t is of
// the period with start <= t < end.
//
// A minute figure is made of the samples. An hour is made of the minute figures of
// its periods and a day of its hours' figures, as they were given out, rounded: so
// whoever has the figures can make the longer ones again. Only periods with the flag N
// count there. Points that are asked more rarely than once a minute period are the one
// exception: their hours are made of the samples.
//
// Means are exact, but those of levels and directions, and rounded once, half to even
// (GB/T 8170, HJ 212-2025).
//
// Memory depends on the number of points, not on that of samples.
package rollup

import (
	"cmp"
	"sort"
	"time"

	"envgate/hj212"
)

// Site is the zone of every period boundary: +08:00, with no zone files needed.
var Site = time.FixedZone("+08:00", siteOffset)

const siteOffset = 8 * 3600 // seconds

const (
	causeClock    = "clock"
	causeFew      = "few"
	causeAbnormal = "abnormal"
	causeRestart  = "restart"
)

// Kinds of periods, as they stand in a block's field k.
const (
	Minute = "min"
	Hour   = "hour"
	Day    = "day"
)

// Options are the rules of a site.
type Options struct {
	// Minutes is the minute period: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 (HJ 212-2017,
	// table 5, MinInterval).
	Minutes int

	// Any makes ByAny the rule of points that have none of their own.
	Any bool

	// HourMinutes and DayHours are how many good minutes make a good hour (1 to 60, by
	// default 45), and how many good hours a good day (1 to 24, by default 20, as GB 3095
	// asks; three quarters, as HJ 212 has it, are 18).
	HourMinutes, DayHours int

	// Most gives a period that is not good the flag that most of its values had which
	// were not good, and D where there were none. Without it the flag is D.
	Most bool

	// CountFlags are the flags of values that count, by default N alone.
	CountFlags []string

	// Night is the hours of the night, from and to, by default 22 and 6 (GB 3096-2008).
	Night [2]int

	// Decimals of the means of a point, in the place of those of its factor's format.
	Decimals map[string]int

	// Rules is asked for the rule of each point, by default [DefaultRule].
	Rules func(source, point string) Rule
}

// Value is one reading of one point.
type Value struct {
	Source   string        // instrument or request, as in the live stream
	Point    string        // factor code or local name
	Text     string        // decimal digits; empty when the value could not be had
	Zs       string        // its converted value (折算值) where there is one, else empty
	Flag     string        // as in package hj212
	At       time.Time     // when it was taken
	Interval time.Duration // how often this point is asked; says how many values a period should have. 0: not known, one will do
}

// Figure is what one period says of one point. Avg, Min and Max are empty where no
// value counted, and where the mean does not know them (a calm has no direction).
type Figure struct {
	Point               string
	Avg, Min, Max       string
	ZsAvg, ZsMin, ZsMax string // of the converted values; empty where there are none
	Cou                 string // what the period brought in all, m3 or kg; empty where that is nothing to ask
	N                   int    // samples counted
	Flag                string
	Cause               string // why the flag is not N: "few" for want of values, "abnormal" for bad ones, "clock" when the clock was set within it, "restart" when not all of it could be read back, "no-clock" when its time cannot be
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
	o      Options
	open   map[key]*window
	last   found // as a sample's values come one after the other
	late   int
	closed int64            // Unix seconds; all minutes that end at or before it are closed
	totals map[name]reading // of totalisers, the newest

	restart
}

type key struct {
	kind, source string
	start        int64
}

type name struct{ source, point string }

type found struct {
	key
	w *window
}

type window struct {
	end    int64  // Unix seconds
	broken string // why none of it is good, empty where it may be
	blind  bool   // not all levels are in its histograms
	points map[string]*sum
}

// New returns a rollup. It panics where Minutes cannot be, which the check of the site
// file has refused.
func New(o Options) *Rollup {
	if o.Minutes < 1 || o.Minutes > 30 || 60%o.Minutes != 0 {
		panic("rollup: a minute period divides the hour")
	}
	if o.Rules == nil {
		o.Rules = DefaultRule
	}
	if len(o.CountFlags) == 0 {
		o.CountFlags = []string{hj212.FlagNormal}
	}
	if o.Night == [2]int{} {
		o.Night = [2]int{22, 6}
	}
	o.HourMinutes, o.DayHours = cmp.Or(o.HourMinutes, 45), cmp.Or(o.DayHours, 20)
	return &Rollup{o: o, open: map[key]*window{}, totals: map[name]reading{}}
}

// Late returns how many values came after their minute was closed. They are in the
// live stream, and in no figure.
func (r *Rollup) Late() int { return r.late }

// Add counts v into its period.
func (r *Rollup) Add(v Value) {
	start, end := r.bounds(Minute, v.At)
	if late := r.closed - end; late >= 0 && late < 86400 { // more is a clock that was set back
		r.late++
		return
	}
	w := r.last.w
	if w == nil || r.last.start != start || r.last.source != v.Source {
		k := key{Minute, v.Source, start}
		w = r.window(k)
		r.last = found{k, w}
	}
	s := w.points[v.Point]
	if s == nil {
		s = r.begin(w, v.Source, v.Point)
	}
	r.count(s, &v)
	if s.rule.Mean == Last {
		r.totalise(s, name{v.Source, v.Point}, start)
	}
	if v.Interval > r.period() {
		r.count(r.direct(v.Source, v.Point, v.At), &v)
	}
}

// direct is the sum of the hour of a point that is asked more rarely than once a minute
// period: it is made of the samples themselves.
func (r *Rollup) direct(source, point string, at time.Time) *sum {
	start, _ := r.bounds(Hour, at)
	w := r.window(key{Hour, source, start})
	s := w.points[point]
	if s == nil || !s.direct {
		delete(w.points, point)
		s = r.begin(w, source, point)
		s.direct = true
	}
	return s
}

func (r *Rollup) period() time.Duration { return time.Duration(r.o.Minutes) * time.Minute }

// window finds or opens the window of k.
func (r *Rollup) window(k key) *window {
	w := r.open[k]
	if w == nil {
		_, end := r.bounds(k.kind, time.Unix(k.start, 0))
		w = &window{end: end, points: map[string]*sum{}}
		r.open[k] = w
	}
	return w
}

// Close returns the windows that end at or before now, oldest first, and forgets them.
// Minutes go into their hours before those are closed, and hours into their days.
func (r *Rollup) Close(now time.Time) []Window {
	var out []Window
	r.last = found{} // it may be closed now
	for _, kind := range [...]string{Minute, Hour, Day} {
		ended := r.ended(kind, now.Unix())
		for _, k := range ended {
			r.whole(k, r.open[k])
			out = append(out, Window{
				Source: k.source, Kind: kind, Start: time.Unix(k.start, 0).In(Site), Figures: r.figures(k),
			})
			r.pass(k, out[len(out)-1].Figures)
		}
		for _, k := range ended {
			delete(r.open, k)
		}
	}
	r.closed, _ = r.bounds(Minute, now)
	sort.SliceStable(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Source, b.Source)) < 0
	})
	return out
}

// ended are the windows of a kind that end at or before now, oldest first.
func (r *Rollup) ended(kind string, now int64) (keys []key) {
	for k, w := range r.open {
		if k.kind == kind && w.end <= now {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		a, b := &keys[i], &keys[j]
		return a.start < b.start || a.start == b.start && a.source < b.source
	})
	return keys
}

// pass counts the figures of a period into the next longer one, which is that of a
// window that is being closed, or was before a restart.
func (r *Rollup) pass(k key, figures []Figure) {
	longer := Hour
	switch k.kind {
	case Hour:
		longer = Day
	case Day:
		return
	}
	start, _ := r.bounds(longer, time.Unix(k.start, 0))
	w := r.window(key{longer, k.source, start})
	from := r.open[k]
	w.blind = w.blind || from != nil && from.blind
	beside := false
	for i := range figures {
		beside = beside || r.o.Rules(k.source, figures[i].Point).Noise
	}
	for i := range figures {
		f := &figures[i]
		s := w.points[f.Point]
		switch {
		case beside && besideLevel(f.Point) || s != nil && s.direct:
			continue
		case s == nil:
			s = r.begin(w, k.source, f.Point)
		}
		r.countFigure(s, f, figures, r.atNight(k))
		if from != nil && s.noise != nil {
			s.noise.add(from.points[f.Point].noise)
		}
	}
}

// Step is told that the clock was set by d. A period in which it was set by a quarter of
// its length or more is no good: its values are of two times. After a step back, periods
// that were closed come again, now by the right clock, or by the wrong one: the block
// says which.
func (r *Rollup) Step(d time.Duration) {
	for k, w := range r.open {
		if breaks(d, w.end-k.start) {
			w.broken = causeClock
		}
	}
	if d < 0 && r.Breaks(d) {
		r.closed = 0
	}
}

// breaks says whether a step of the clock spoils a period of that many seconds.
func breaks(d time.Duration, length int64) bool { return 4*int64(d.Abs()/time.Second) >= length }

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

// atNight says whether an hour is one of the night.
func (r *Rollup) atNight(k key) bool {
	hour := int((k.start + siteOffset) % 86400 / 3600)
	from, to := r.o.Night[0], r.o.Night[1]
	if from < to {
		return hour >= from && hour < to
	}
	return hour >= from || hour < to
}

// bounds are the start and end of the period that at is in. At a fixed +08:00 every
// hour and every day has the same length.
func (r *Rollup) bounds(kind string, at time.Time) (start, end int64) {
	length := int64(r.o.Minutes) * 60
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
