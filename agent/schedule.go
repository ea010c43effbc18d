package main

import "time"

// A schedule says which device of a line is asked next. It holds no clock and no bus:
// time is an argument everywhere, so that tests can run hundreds of devices through days.
//
// Its rules, the first that decides:
//
//   - A tick that needs no bus (the device is offline, and no probe is due) comes at once.
//   - Devices that alarms depend on come before the others.
//   - The earliest deadline comes first. A tick's deadline is the tick after it; that of
//     a probe lies further off, so that probes go into gaps, see [task.deadline].
//   - Who was asked longest ago (of probes, whose is due longest): the order stays the same
//     from round to round, and a line that cannot carry all is shared evenly.
//   - The order of the site file.
type schedule []*task

// A lineState is what the tasks of a schedule share.
type lineState struct {
	base time.Time // ticks are reckoned from here, so that those that fall together are equal
	calm time.Time // a unit in doubt is not asked before
}

// A task is a device in the schedule of its line.
type task struct {
	line  *lineState
	every time.Duration
	alarm bool          // alarms depend on it
	price time.Duration // of a question without an answer: time-out and late window

	next    time.Time // the next tick, on the monotonic clock
	last    time.Time // when the last tick was taken
	running bool      // under way, perhaps between two questions
	due     time.Time // deadline of what is under way

	// A unit that does not answer, or only rubbish, is asked ever more rarely, so that
	// at last it costs the bus under 2 % (promise P7); its ticks in between say
	// "offline".
	silent int           // polls in a row without an answer
	since  time.Time     // when it fell silent
	probe  time.Time     // not asked before
	wait   time.Duration // that led to probe
}

const (
	doubtAfter   = 2           // silent polls: from then on a unit is asked in gaps
	offlineAfter = 3           // silent polls
	probeFirst   = time.Second // then twice as long each time, up to probeMax
	probeShare   = 50          // one in so many parts of the bus at most
)

// most returns the most urgent task that is due and not under way; nil where there is
// none, or none more urgent than the one that is under way, if it is not nil.
func (s schedule) most(now time.Time, than *task) *task {
	var best *task
	for _, t := range s {
		if t.running || now.Before(t.next) {
			continue
		}
		if best == nil || t.before(now, best) {
			best = t
		}
	}
	if best == nil || than == nil {
		return best
	}
	if c, d := best.class(now), than.class(now); c > d || c == d && !best.deadline().Before(than.due) {
		return nil
	}
	return best
}

// wake is when the next tick comes; false for a schedule without any.
func (s schedule) wake() (at time.Time, ok bool) {
	for _, t := range s {
		if !t.running && (!ok || t.next.Before(at)) {
			at, ok = t.next, true
		}
	}
	return at, ok
}

// before says whether t goes first; it does not, of equals.
func (t *task) before(now time.Time, o *task) bool {
	if a, b := t.class(now), o.class(now); a != b {
		return a < b
	}
	if a, b := t.deadline(), o.deadline(); !a.Equal(b) {
		return a.Before(b)
	}
	if t.doubtful() && !t.probe.Equal(o.probe) {
		return t.probe.Before(o.probe)
	}
	return t.last.Before(o.last)
}

// class puts what is free before alarms, and these before all else.
func (t *task) class(now time.Time) int {
	switch {
	case !t.running && t.resting(now):
		return 0
	case t.alarm && !t.doubtful():
		return 1
	}
	return 2
}

// deadline is by when the next tick should be over. A probe may wait for four times what
// it costs, or a quarter of the time since the one before: on a bus with room it goes into
// the gap behind the others' questions, and on a full one it comes all the same.
func (t *task) deadline() time.Time {
	d := t.next.Add(t.every)
	if t.doubtful() {
		from := t.probe
		if t.line.calm.After(from) {
			from = t.line.calm
		}
		if late := from.Add(max(t.wait/4, 4*t.price)); late.After(d) {
			return late
		}
	}
	return d
}

func (t *task) offline() bool { return t.silent >= offlineAfter }

func (t *task) doubtful() bool { return t.silent >= doubtAfter }

// resting says whether a tick now passes without a question. After one that had no answer
// the line is left to the units that are well for twice as long, however many are in
// doubt: a cable cut in the middle does not take the other half along.
func (t *task) resting(now time.Time) bool {
	return t.doubtful() && (now.Before(t.probe) || now.Before(t.line.calm))
}

// take begins the tick that is due and returns how many ticks before it went by.
func (t *task) take(now time.Time) (missed int) {
	missed = int(now.Sub(t.next) / t.every)
	t.due, t.last = t.deadline(), now
	t.next = t.line.tick(now, t.every)
	return missed
}

// tick is the next whole multiple of every in wall time. Ticks of several tasks that fall
// together are equal to the nanosecond, or their order would change from round to round.
func (l *lineState) tick(now time.Time, every time.Duration) time.Time {
	const set = 5 * time.Millisecond // more than this, and the clock was set
	passed := now.Sub(l.base)
	drift := now.Round(0).Sub(l.base.Round(0)) - passed
	if _, _, day := now.In(siteZone).Date(); drift.Abs() > set || day != l.base.In(siteZone).Day() {
		l.base, passed = now, 0
	}
	into := every - untilTick(l.base, every) + passed
	return l.base.Add(passed + every - into%every)
}

// answered notes a sign of life, and says whether the device was offline.
func (t *task) answered() (back bool) {
	back = t.offline()
	t.silent = 0
	return back
}

// unanswered notes a poll that brought nothing, with so many questions as the next one
// will put. It says whether the device went offline by it.
func (t *task) unanswered(now time.Time, questions int) (gone bool) {
	if t.silent++; t.silent == 1 {
		t.since = now
	}
	if !t.doubtful() {
		return false
	}
	t.wait = t.probeMax(questions)
	if n := t.silent - doubtAfter; n < 12 {
		t.wait = min(t.wait, probeFirst<<n)
	}
	t.probe = now.Add(t.wait)
	t.line.calm = now.Add(2 * t.price)
	return t.silent == offlineAfter
}

// probeMax is the longest time between two probes: what they cost in probeShare such
// times is 2 % of the bus.
func (t *task) probeMax(questions int) time.Duration {
	return max(time.Minute, time.Duration(probeShare*questions)*t.price)
}

// untilTick is how long it is from now to the next whole multiple of every in wall
// time, counted from midnight at +08:00. A clock that is set moves the ticks by less
// than one interval, never more.
func untilTick(now time.Time, every time.Duration) time.Duration {
	y, m, d := now.In(siteZone).Date()
	into := now.Sub(time.Date(y, m, d, 0, 0, 0, 0, siteZone).Round(0))
	if into < 0 {
		into = 0
	}
	return every - into%every
}
