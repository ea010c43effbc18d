package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"envgate/config"
	"envgate/drivers"
	"envgate/envelope"
)

// pointChecks are a stage that judges readings by the checks of the site file. They judge
// those with flag N alone: a reading that is none says nothing about the air. So no check
// ever makes a reading better, and what is said stays as it is while nothing good comes.
type pointChecks struct {
	clock  *clock
	of     map[string]map[string][]*rule // by device and point, in the order in which they judge
	all    []*rule                       // in the order of the site file
	inputs map[config.Subject]*input     // of checks that look at other points

	mu      sync.Mutex       // held for no longer than a look at all rules; guards what rules know
	changes []envelope.Event // by command, not sealed yet; guarded by mu
}

// A rule is one check of one point with what it knows.
type rule struct {
	alarm
	*config.Rule
	subject string
	flag    string // empty: none
	name    string // as events and causes have it: the kind, or the level of a limit
	limit   string // as events have it
	file    string // of a level: the site file's
	value   string // judged last
	level   float64
	sign    float64 // of a level: 1 for one that is not to be exceeded
	rank    int     // of a level: 1 to 4 from low to high; 0: it is none
	last    measured
	others  []*input
}

// measured is a reading with a number.
type measured struct {
	value float64
	text  string
	at    time.Duration // boot clock: a clock that is set makes nothing last longer
}

// An input is the last good reading of a point that others are compared with.
type input struct {
	measured
	every time.Duration
}

const (
	inputRounds = 3                // an input older than so many of its intervals ...
	inputLeast  = 10 * time.Second // ... and than this is none
)

// slack is what the sums and differences of floating numbers may be off: values are
// decimals of some digits, and 0.1 + 0.2 is no more than 0.3.
const slack = 1e-9

// makeChecks are the site's checks: those before the calculations, which mark what
// they are made of, and those after, which are the ones of calculated points and all limits.
func makeChecks(c *clock, checks []config.Check, devices []string) (marks, limits *pointChecks) {
	marks, limits = newPointChecks(c), newPointChecks(c)
	for i := range checks {
		check := &checks[i]
		for n := range check.Rules {
			x := &check.Rules[n]
			to := marks
			if x.Kind == "limit" || !slices.Contains(devices, check.Device) {
				to = limits
			}
			for _, o := range x.Others {
				if !slices.Contains(devices, o.Device) {
					to = limits
				}
			}
			to.add(check, x)
		}
	}
	return marks, limits
}

func newPointChecks(c *clock) *pointChecks {
	return &pointChecks{clock: c, of: map[string]map[string][]*rule{}, inputs: map[config.Subject]*input{}}
}

// levels are those of a limit, warnings first.
var levels = [...]struct {
	key     string
	sign    float64
	warning bool
	rank    int // from low to high
}{{"warn_high", 1, true, 3}, {"warn_low", -1, true, 2}, {"high", 1, false, 4}, {"low", -1, false, 1}}

// add takes in a rule; of a limit each level is one of its own.
func (k *pointChecks) add(c *config.Check, x *config.Rule) {
	points := k.of[c.Device]
	if points == nil {
		points = map[string][]*rule{}
		k.of[c.Device] = points
	}
	for _, l := range levels {
		r := &rule{alarm: alarm{tokens: alarmBurst}, Rule: x, subject: c.String(), name: x.Kind, flag: x.Flag}
		if x.Kind != "limit" {
			r.limit = x.Words()
			for _, o := range x.Others {
				if k.inputs[o] == nil {
					k.inputs[o] = &input{}
				}
				r.others = append(r.others, k.inputs[o])
			}
			points[c.Point], k.all = append(points[c.Point], r), append(k.all, r)
			break
		}
		level, ok := x.Numbers[l.key]
		if !ok {
			continue
		}
		r.name, r.level, r.sign, r.limit = l.key, level, l.sign, strconv.FormatFloat(level, 'f', -1, 64)
		r.file, r.rank = r.limit, l.rank
		if l.warning {
			r.flag = ""
		}
		points[c.Point], k.all = append(points[c.Point], r), append(k.all, r)
	}
}

// beyond says whether a reading is beyond the rule, or that it cannot be known.
func (r *rule) beyond(x measured) (beyond, known bool) {
	known = true
	switch most := r.Numbers["most"]; r.Kind {
	case "limit":
		past := r.sign * (x.value - r.level)
		beyond = past > 0 || r.on && past > -r.Numbers["back"]
	case "range":
		low, isLow := r.Numbers["low"]
		high, isHigh := r.Numbers["high"]
		beyond = isLow && x.value < low || isHigh && x.value > high
	case "rate":
		// Against the last value that was not too fast: the way back from a spike is none,
		// and a step that is real is taken after the time that it should have had.
		passed := x.at - r.last.at
		beyond = r.last.text != "" && passed > 0 && above(math.Abs(x.value-r.last.value), most*passed.Minutes())
		if !beyond {
			r.last = x
		}
	case "stuck":
		if x.text != r.last.text { // an instrument that lives changes the last digit
			r.last = x
		}
		except, may := r.Numbers["except"]
		beyond = x.at-r.last.at > r.For && !(may && x.value == except)
	case "twin", "sum":
		sum := 0.0
		for _, o := range r.others {
			known = known && o.fresh(x.at)
			sum += o.value
		}
		if r.Kind == "sum" {
			return above(sum, x.value+r.Numbers["tolerance"]), known
		}
		beyond = above(math.Abs(x.value-sum), math.Max(most, r.Numbers["percent"]/100*math.Abs(sum)))
	}
	return beyond, known
}

// above says whether a is more than b by more than arithmetic may be off.
func above(a, b float64) bool { return a-b > slack*math.Max(math.Abs(a), math.Abs(b)) }

// fresh says whether the input is of about that time.
func (i *input) fresh(at time.Duration) bool {
	return i.text != "" && (at-i.at).Abs() <= max(inputRounds*i.every, inputLeast)
}

func (k *pointChecks) pass(samples []polled) ([]polled, []envelope.Event) {
	if len(k.of) == 0 {
		return samples, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var said []envelope.Event
	mono, wall := k.clock.mono(), k.clock.wall()
	for i := range samples {
		s := &samples[i]
		at := mono - wall.Sub(s.Time)
		if len(k.inputs) > 0 {
			k.note(s, at)
		}
		points := k.of[s.Device]
		if points == nil {
			continue
		}
		for n := range s.Readings {
			for _, r := range points[s.Readings[n].Point] {
				if s.Readings[n].Flag != "N" {
					break
				}
				said = r.judge(s, n, at, said)
			}
		}
	}
	return samples, said
}

// note takes in what other points are compared with.
func (k *pointChecks) note(s *polled, at time.Duration) {
	for _, r := range s.Readings {
		if in := k.inputs[config.Subject{Device: s.Device, Point: r.Point}]; in != nil && r.Flag == "N" {
			if x, ok := number(r.Value, at); ok {
				in.measured, in.every = x, s.every
			}
		}
	}
}

// number is a reading's value; ok is false for a text.
func number(text string, at time.Duration) (x measured, ok bool) {
	f, err := strconv.ParseFloat(text, 64)
	return measured{f, text, at}, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// judge has a rule look at a reading, which gets its flag, and appends the event that is due.
func (r *rule) judge(s *polled, n int, at time.Duration, said []envelope.Event) []envelope.Event {
	text := s.Readings[n].Value
	if r.Converted {
		if text = ""; s.zs != nil {
			text = s.zs[n]
		}
	}
	x, ok := number(text, at)
	if !ok {
		return said
	}
	r.value = text
	beyond, known := r.beyond(x)
	if !known {
		r.since = 0
		return said
	}
	after := r.For
	if r.Kind == "stuck" {
		after = 0 // it has looked at the time itself
	}
	if r.see(at, beyond, after); r.on && r.flag != "" {
		s.mark(n, r.flag, drivers.Cause(r.name))
	}
	if changes := r.due(at); changes > 0 {
		e := envelope.Event{Type: envelope.EventAlarmOff, At: s.Time.UnixMilli(), Subject: r.subject, Old: r.limit, New: text, Why: r.name}
		if r.on {
			e.Type = envelope.EventAlarmOn
		}
		if changes > 1 {
			e.Why += fmt.Sprintf(", %d changes, too fast to be told one by one", changes)
		}
		said = append(said, e)
	}
	return said
}

// mark sets flag and cause of a reading. Whoever made the sample may still read it: it
// keeps its own.
func (s *polled) mark(n int, flag string, cause drivers.Cause) {
	s.Readings = append([]drivers.Reading(nil), s.Readings...)
	s.Readings[n].Flag, s.Readings[n].Cause = flag, cause
}

// An alarm is on or off, and tells it at a bounded pace: a value that chatters around its
// limit must not push other events out of the log.
type alarm struct {
	since    time.Duration // boot clock: beyond since; 0: not beyond
	from     time.Duration // boot clock: since when it is on; 0: since before the start
	on, told bool
	changes  int // since the last event
	tokens   float64
	refilled time.Duration // boot clock
}

const (
	alarmBurst = 6 // events that one check may have at once
	alarmPace  = time.Minute
)

// see takes in whether a value is beyond, which counts when it has been for so long.
func (a *alarm) see(at time.Duration, beyond bool, after time.Duration) {
	on := false
	if !beyond {
		a.since = 0
	} else {
		if a.since == 0 {
			a.since = at
		}
		on = a.on || at-a.since >= after
	}
	if on != a.on {
		a.on, a.from = on, a.since
		a.changes++
	}
}

// due is how many changes an event stands for that is to be told now; 0: none.
func (a *alarm) due(at time.Duration) (changes int) {
	if a.changes == 0 {
		return 0
	}
	if at > a.refilled { // the first time it is full all the same
		a.tokens = min(alarmBurst, a.tokens+(at-a.refilled).Seconds()/alarmPace.Seconds())
		a.refilled = at
	}
	if a.tokens < 1 {
		return 0
	}
	a.tokens--
	changes, a.told, a.changes = a.changes, a.on, 0
	return changes
}

// id is what the state calls a rule's alarm, and commands a limit.
func (r *rule) id() string { return r.subject + "/" + r.name }

// recallAlarms brings back which alarms the last run has told to be on: they are not told
// again, and their end is told.
func (k *pointChecks) recallAlarms(was []string) {
	on := "\n" + strings.Join(was, "\n") + "\n"
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.all {
		if strings.Contains(on, "\n"+r.id()+"\n") {
			r.on, r.told = true, true
		}
	}
}

// keptAlarms are the ids of those that are told to be on.
func (k *pointChecks) keptAlarms(ids []string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.all {
		if r.told {
			ids = append(ids, r.id())
		}
	}
	return ids
}
