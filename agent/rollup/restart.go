package rollup

import "time"

// restart is what a rollup knows of the time before it was made, while it is being told.
type restart struct {
	from   int64        // Unix seconds; minutes that began before it have surely been closed
	passed bool         // so has the one that began then
	sealed map[key]bool // periods that were
	before map[key]bool // those sealed before the clock was set back over them; nil: it was not
	lacks  map[string]lack
}

// lack says that of the periods of a kind which end up to a time not all is known.
type lack struct {
	to, noise int64 // Unix seconds; noise is of the histograms alone
}

// Restart begins to tell a new rollup what was before it, so that the periods that were
// open go on: every figure since the day began by [Rollup.Take], in the order in which
// they were sealed, then the samples of the open periods by [Rollup.Recount]; then
// [Rollup.Restarted]. last is when the program before sealed last.
func (r *Rollup) Restart(last time.Time) {
	r.from, _ = r.bounds(Minute, last.Add(-r.period()))
	r.sealed = map[key]bool{}
}

// Since is how far back samples are of use for minutes, as far as is known yet.
func (r *Rollup) Since() time.Time {
	since := time.Unix(r.from, 0).In(Site)
	if r.passed { // all sources' minutes are closed together
		since = since.Add(r.period())
	}
	return since
}

// Open says whether the minute of a sample is open; before is as for Recount.
func (r *Rollup) Open(source string, at time.Time, before bool) bool {
	start, _ := r.bounds(Minute, at)
	k := key{Minute, source, start}
	return start >= r.from && !r.sealed[k] && !(before && r.before[k])
}

// Breaks says whether a step of the clock spoils a minute period, and so makes closed
// ones come again where it goes back.
func (r *Rollup) Breaks(d time.Duration) bool { return breaks(d, int64(r.o.Minutes)*60) }

// Take counts what was sealed: all of one source's period.
func (r *Rollup) Take(w Window) {
	k := key{w.Kind, w.Source, w.Start.Unix()}
	delete(r.open, k) // one that was opened again by a clock that was set back
	r.pass(k, w.Figures)
	for _, f := range w.Figures {
		if d, ok := parseDecimal(f.Avg); ok && w.Kind == Minute && r.o.Rules(w.Source, f.Point).Mean == Last {
			_, end := r.bounds(Minute, w.Start)
			r.totals[name{w.Source, f.Point}] = reading{value{d, true}, (end - 1) * int64(time.Second), r.before != nil}
		}
	}
	if w.Kind != Minute || k.start >= r.from {
		r.sealed[k] = true
	}
	r.passed = r.passed || w.Kind == Minute && k.start == r.from
}

// Reopen is told that the clock was set back at this place among the figures that are
// taken: what was sealed before may come again.
func (r *Rollup) Reopen() {
	if r.before == nil {
		r.before = map[key]bool{}
	}
	for k := range r.sealed {
		r.before[k] = true
	}
	clear(r.sealed)
	r.passed = false
}

// Recount counts a sample that is in the log into those of its periods that are open.
// before says that it was sealed before the clock was set back.
func (r *Rollup) Recount(v Value, before bool) {
	sealed := func(k key) bool { return r.sealed[k] || before && r.before[k] }
	if r.Open(v.Source, v.At, before) {
		n := name{v.Source, v.Point}
		newest := r.totals[n]
		if r.Add(v); before && newest.behind {
			r.totals[n] = newest
		}
		return
	}
	rule := r.o.Rules(v.Source, v.Point)
	d, ok := parseDecimal(v.Text)
	if n := (name{v.Source, v.Point}); rule.Mean == Last && ok && !before && v.At.UnixNano() >= r.totals[n].at {
		r.totals[n] = reading{value{d, true}, v.At.UnixNano(), false}
	}
	hour, _ := r.bounds(Hour, v.At)
	day, _ := r.bounds(Day, v.At)
	open := !sealed(key{Hour, v.Source, hour})
	if v.Interval > r.period() && open {
		r.count(r.direct(v.Source, v.Point, v.At), &v)
		return
	}
	if !rule.Noise || !ok || !r.counts(v.Flag) {
		return
	}
	k := key{Hour, v.Source, hour}
	if !open {
		k = key{Day, v.Source, day}
	}
	if w := r.open[k]; w != nil && w.points[v.Point] != nil && !sealed(k) {
		w.points[v.Point].noise.count(d)
	}
}

// Lack is told that of the periods of a kind which are open at a time not all can be
// read. They get the flag D and the cause "restart"; if noise is all that lacks, those
// statistics of theirs that are made of all samples.
func (r *Rollup) Lack(kind string, at time.Time, noise bool) {
	if r.lacks == nil {
		r.lacks = map[string]lack{}
	}
	_, to := r.bounds(kind, at)
	l := r.lacks[kind]
	if l.noise = max(l.noise, to); !noise {
		l.to = max(l.to, to)
	}
	r.lacks[kind] = l
}

// Stepped is told of a step of the clock before the restart, and what it said just
// before that.
func (r *Rollup) Stepped(before time.Time, d time.Duration) {
	for k, w := range r.open {
		if k.start <= before.Unix() && before.Unix() < w.end && breaks(d, w.end-k.start) {
			w.broken = causeClock
		}
	}
}

// Restarted ends the tale. Periods that ended meanwhile are closed by the next Close, as
// they are; what is late is late as if there had been no restart. now is the time by the
// clock; if that lies before last, periods come again as after a step back.
func (r *Rollup) Restarted(last, now time.Time) {
	if d := now.Sub(last); d > 0 || !r.Breaks(d) {
		r.closed, _ = r.bounds(Minute, last)
	}
	r.sealed, r.before = nil, nil
}

// whole marks a window of which not all is known.
func (r *Rollup) whole(k key, w *window) {
	l, ok := r.lacks[k.kind]
	if !ok {
		return
	}
	if w.end <= l.noise {
		w.blind = true
	}
	if w.end <= l.to && w.broken == "" {
		w.broken = causeRestart
	}
}
