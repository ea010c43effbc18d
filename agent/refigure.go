package main

import (
	"cmp"
	"sort"
	"strconv"
	"strings"
	"time"

	"envgate/agent/rollup"
	"envgate/buffer"
	"envgate/envelope"
)

// What a start reads at most, so that it does not hold up the sealing of what comes.
const (
	refigureStat  = 4096            // blocks of figures; of more, those of whole hours that are over are skipped
	refigureLive  = 8192            // blocks of samples of the open minutes, and of the hour before them
	refigureDay   = 20_000          // blocks of samples of the day, for the statistics of noise
	refigureTime  = 5 * time.Second // for all of it
	refigureAside = 2 * time.Minute // by how much blocks may be out of their order in time
	refigureBatch = 64              // blocks in one transaction
)

// A refigure tells a new rollup what the log knows of the periods that were open when
// the program stopped, so that a restart is not to be seen in a figure.
type refigure struct {
	log    *buffer.Log
	rollup *rollup.Rollup
	every  map[string]time.Duration
	back   string // how far samples are read, see lookBack
	until  time.Time
	steps  []clockStep
	away   *clockStep // the last one that set the clock back over periods
	over   bool       // the figures being taken are from behind it
}

// clockStep is one of the clock, as an event tells it.
type clockStep struct {
	boot   string
	mono   int64
	before time.Time
	by     time.Duration
}

// figured is when the runs before sealed samples and figures last. A run that ended right
// after its start has sealed events alone, and closed none of the periods that were open
// before it. Where the clock was set back since, or was none then, the last sealing of
// anything has to do.
func (f *flow) figured(old state) int64 {
	if at := old.Figured; at > 0 && at < old.Last && !f.clock.impossible(time.UnixMilli(at)) {
		return at
	}
	return old.Last
}

// refigure brings the figures of the open periods back, after a stop. sealed is when
// that run sealed last.
func (f *flow) refigure(sealed int64) {
	if f.rollup == nil || sealed == 0 {
		return
	}
	began := time.Now()
	last := time.UnixMilli(sealed).Add(-statGrace / 2)
	r := &refigure{log: f.log, rollup: f.rollup, every: f.polls, back: f.lookBack, until: began.Add(refigureTime)}
	f.rollup.Restart(last)
	minute := f.rollup.Since()
	day, hour := periodStart(minute, 24*time.Hour), periodStart(minute, time.Hour)
	r.readSteps(day)
	r.takeFigures(day, hour)
	minute = f.rollup.Since()
	if !r.recount(minute, time.Time{}, refigureLive) {
		f.rollup.Lack(rollup.Minute, last, false)
	}
	if r.back != "" && r.back != rollup.Minute && !r.recount(hour, minute, refigureLive) {
		f.rollup.Lack(rollup.Hour, last, true)
		f.rollup.Lack(rollup.Day, last, true)
	}
	if r.back == rollup.Day && !r.recount(day, hour, refigureDay) {
		f.rollup.Lack(rollup.Day, last, true)
	}
	for _, s := range r.steps {
		f.rollup.Stepped(s.before, s.by)
	}
	f.rollup.Restarted(last, f.clock.wall())
	f.logger.Info("open periods read back", "took", time.Since(began).Round(time.Millisecond))
}

// periodStart is the start of the period at +08:00 that t is in.
func periodStart(t time.Time, length time.Duration) time.Time {
	const ahead = 8 * time.Hour
	return t.Add(ahead).Truncate(length).Add(-ahead)
}

// readSteps finds the steps of the clock since a time.
func (r *refigure) readSteps(from time.Time) {
	r.each(event, from, time.Time{}, refigureStat, func(b *envelope.Block, _ time.Time) bool {
		for _, e := range b.Events {
			before, err := time.Parse("2006-01-02T15:04:05.000-07:00", e.Old)
			by, wrong := time.ParseDuration(e.Why)
			if e.Type == envelope.EventClockStep && err == nil && wrong == nil {
				r.steps = append(r.steps, clockStep{b.Boot, b.Clock.MonoMs, before, by})
			}
		}
		return true
	})
	for i, s := range r.steps {
		if s.by < 0 && r.rollup.Breaks(s.by) {
			r.away = &r.steps[i]
		}
	}
}

// takeFigures takes what was sealed of the day, commit by commit.
func (r *refigure) takeFigures(day, hour time.Time) {
	var waiting []rollup.Window
	var boot string
	var mono int64
	take := func() {
		for _, w := range merged(waiting) {
			r.rollup.Take(w)
		}
		waiting = waiting[:0]
	}
	whole := r.each(stat, day.Add(time.Second), time.Time{}, 0, func(b *envelope.Block, end time.Time) bool {
		if b.Boot != boot || b.Clock.MonoMs != mono {
			take()
		}
		boot, mono = b.Boot, b.Clock.MonoMs
		if r.passes(b) {
			r.rollup.Reopen()
		}
		waiting = append(waiting, windowsOf(b)...)
		return !end.Before(hour) || end.Equal(periodStart(end, time.Hour))
	})
	take()
	if r.away != nil && !r.over { // nothing was closed since
		r.rollup.Reopen()
	}
	if !whole {
		r.rollup.Lack(rollup.Hour, hour, false)
		r.rollup.Lack(rollup.Day, hour, false)
	}
}

// passes says whether a block is the first from behind the step back.
func (r *refigure) passes(b *envelope.Block) bool {
	if r.away == nil || r.over {
		return false
	}
	r.over = r.behind(b)
	return r.over
}

// behind says whether a block was sealed after the step back. Of another boot it is taken
// for later: what is read is of one day.
func (r *refigure) behind(b *envelope.Block) bool {
	return b.Boot != r.away.boot || b.Clock.MonoMs >= r.away.mono
}

// windowsOf are the figures in a block.
func windowsOf(b *envelope.Block) (out []rollup.Window) {
	for _, g := range b.Groups {
		for i, at := range g.Times {
			w := rollup.Window{Source: g.Source, Kind: g.Kind, Start: time.UnixMilli(b.T0 + at)}
			for k := range g.Columns {
				c := &g.Columns[k]
				setFigure(figureOf(&w, c.Point), c, i)
			}
			out = append(out, w)
		}
	}
	return out
}

// figureOf finds or makes the figure of a point.
func figureOf(w *rollup.Window, point string) *rollup.Figure {
	for i := range w.Figures {
		if w.Figures[i].Point == point {
			return &w.Figures[i]
		}
	}
	w.Figures = append(w.Figures, rollup.Figure{Point: point, Flag: "N"})
	return &w.Figures[len(w.Figures)-1]
}

// setFigure is the other direction of windowRow.
func setFigure(f *rollup.Figure, c *envelope.Column, i int) {
	if c.Kind == envelope.ColumnN {
		f.N, _ = strconv.Atoi(c.Values[i])
	}
	for _, x := range [...]struct {
		kind string
		to   *string
	}{
		{envelope.ColumnAvg, &f.Avg},
		{envelope.ColumnMin, &f.Min},
		{envelope.ColumnMax, &f.Max},
		{envelope.ColumnCou, &f.Cou},
		{envelope.ColumnZsAvg, &f.ZsAvg},
		{envelope.ColumnZsMin, &f.ZsMin},
		{envelope.ColumnZsMax, &f.ZsMax},
	} {
		if x.kind == c.Kind {
			*x.to = c.Values[i]
		}
	}
	if c.Flags != nil && c.Flags[i] != "" {
		f.Flag = c.Flags[i]
	}
	if c.Causes != nil {
		f.Cause = c.Causes[i]
	}
}

// merged puts the windows of one commit in the order in which they were closed, and
// those together that were too large for one row.
func merged(list []rollup.Window) []rollup.Window {
	rank := map[string]int{rollup.Minute: 0, rollup.Hour: 1, rollup.Day: 2}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		return cmp.Or(rank[a.Kind]-rank[b.Kind], a.Start.Compare(b.Start), strings.Compare(a.Source, b.Source)) < 0
	})
	out := list[:0]
	for _, w := range list {
		if n := len(out); n > 0 && out[n-1].Kind == w.Kind && out[n-1].Source == w.Source && out[n-1].Start.Equal(w.Start) {
			out[n-1].Figures = append(out[n-1].Figures, w.Figures...)
			continue
		}
		out = append(out, w)
	}
	return out
}

// recount counts the samples from a time to another (zero: all that follow). It says
// whether all could be read.
func (r *refigure) recount(from, to time.Time, most uint64) bool {
	if !to.IsZero() && !from.Before(to) {
		return true
	}
	end, deep := to, r.back == rollup.Hour || r.back == rollup.Day
	if !to.IsZero() {
		end = to.Add(refigureAside)
	}
	return r.each(live, from.Add(-refigureAside), end, most, func(b *envelope.Block, _ time.Time) bool {
		before := r.away != nil && !r.behind(b)
		for _, g := range b.Groups {
			every := r.every[deviceOf(g.Source)]
			for i, ms := range g.Times {
				at := time.UnixMilli(b.T0 + ms)
				wanted := !at.Before(from) && (to.IsZero() || at.Before(to))
				if wanted && (deep || r.rollup.Open(g.Source, at, before)) {
					r.recountRow(g, i, rollup.Value{Source: g.Source, At: at, Interval: every}, before)
				}
			}
		}
		return true
	})
}

// recountRow counts the values of one sample.
func (r *refigure) recountRow(g envelope.Group, i int, v rollup.Value, before bool) {
	for _, c := range g.Columns {
		if c.Kind != envelope.ColumnLive {
			continue
		}
		v.Point, v.Text, v.Zs, v.Flag = c.Point, c.Values[i], "", "N"
		if c.Flags != nil && c.Flags[i] != "" {
			v.Flag = c.Flags[i]
		}
		for _, z := range g.Columns {
			if z.Kind == envelope.ColumnZs && z.Point == c.Point {
				v.Zs = z.Values[i]
			}
		}
		r.rollup.Recount(v, before)
	}
}

// each gives fn the blocks of a stream from the first that reaches a time to before the
// first that reaches another (zero: to the newest), with the last time in it. Where there are more than most (0: of any number) it gives none; where
// there are very many, a false of fn skips to the next hour. It says whether fn had all
// that it wanted.
func (r *refigure) each(stream string, from, to time.Time, most uint64, fn func(b *envelope.Block, last time.Time) bool) bool {
	first, last := r.log.Bounds(stream)
	if last == 0 {
		return true
	}
	first = r.begins(stream, first, last, from)
	if !to.IsZero() && first <= last && r.away == nil {
		last = r.seek(stream, first, last, to) - 1
	}
	if last < first {
		return true
	}
	n := last - first + 1
	if most > 0 && n > most {
		return false
	}
	for seq := first; seq <= last; {
		got, blocks, err := r.log.Read(stream, seq-1, refigureBatch)
		if err != nil || len(blocks) == 0 || time.Now().After(r.until) {
			return false
		}
		seq = got
		for _, message := range blocks {
			if seq++; seq > last+1 {
				break
			}
			b, err := envelope.PeekBlock(message)
			if err != nil {
				continue
			}
			end := lastTime(b)
			if !fn(b, end) && n > refigureStat {
				seq = max(seq, r.seek(stream, seq, last, periodStart(end, time.Hour).Add(time.Hour)))
				break
			}
		}
	}
	return true
}

// begins is the seek of a whole stream, on both sides of a step back.
func (r *refigure) begins(stream string, first, last uint64, t time.Time) uint64 {
	if r.away == nil {
		return r.seek(stream, first, last, t)
	}
	split := r.search(stream, first, last, r.behind)
	if found := r.seek(stream, first, split-1, t); found < split {
		return found
	}
	return r.seek(stream, split, last, t)
}

// seek finds the first block of a stream that reaches a time: first to last+1.
func (r *refigure) seek(stream string, first, last uint64, t time.Time) uint64 {
	return r.search(stream, first, last, func(b *envelope.Block) bool { return !lastTime(b).Before(t) })
}

// search finds the first block of which something is true, as of all that follow.
func (r *refigure) search(stream string, first, last uint64, is func(*envelope.Block) bool) uint64 {
	n := sort.Search(int(last+1-first), func(i int) bool {
		_, blocks, err := r.log.Read(stream, first+uint64(i)-1, 1)
		if err != nil || len(blocks) == 0 {
			return false
		}
		b, err := envelope.PeekBlock(blocks[0])
		return err == nil && is(b)
	})
	return first + uint64(n)
}

// lastTime is the last time in a block; of figures, the last end of a period.
func lastTime(b *envelope.Block) time.Time {
	last := b.T0
	for _, g := range b.Groups {
		length := int64(0)
		switch g.Kind {
		case rollup.Minute:
			length = 60_000 // at least
		case rollup.Hour:
			length = 3600_000
		case rollup.Day:
			length = 24 * 3600_000
		}
		for _, t := range g.Times {
			last = max(last, b.T0+t+length)
		}
	}
	return time.UnixMilli(last)
}
