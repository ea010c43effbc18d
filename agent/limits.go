package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"envgate/config"
	"envgate/envelope"
)

// Limits that the data centre has set by command. The command comes on another goroutine
// than the writer's: it changes the rule at once, under the lock of the checks, and leaves
// the event to the writer, which puts it and the new state into one transaction.

// A held limit is one by command, for the state and the status. It holds until the site
// file's own is another.
type held struct {
	Limit string `json:"limit"` // device/point/which
	Value string `json:"value"`
	File  string `json:"site_file"` // what it took the place of, see own
}

const (
	heldMost   = 64 // limits by command: they go to the disk with every commit
	levelMost  = 1e15
	levelChars = 24
)

// own is a limit as the site file has it. One that judges another value is another limit.
func (r *rule) own() string {
	if r.Converted {
		return r.file + " converted"
	}
	return r.file
}

// set gives a limit another value. A delay begins anew: how long the value was beyond this
// one is not known.
func (r *rule) set(level float64) {
	r.level, r.limit = level, strconv.FormatFloat(level, 'f', -1, 64)
	if !r.on {
		r.since = 0
	}
}

// levelOf reads a limit as site files write them, in the point's unit.
func levelOf(text string) (level float64, err error) {
	level, err = strconv.ParseFloat(text, 64)
	if err != nil || len(text) > levelChars || strings.Trim(text, "+-.0123456789") != "" || level > levelMost || level < -levelMost {
		return 0, fmt.Errorf("value %q: want a number in the point's unit, without the unit, such as 50 or 12.5", cutTo(text, levelChars))
	}
	return level, nil
}

// limitAt is the limit device/point/which with all the rules of its point; nil if there is
// none. k.mu is held.
func (k *pointChecks) limitAt(subject string) (*rule, []*rule) {
	parts := strings.Split(subject, "/")
	if len(parts) != 3 {
		return nil, nil
	}
	rules := k.of[parts[0]][parts[1]]
	for _, r := range rules {
		if r.rank > 0 && r.name == parts[2] {
			return r, rules
		}
	}
	return nil, rules
}

// contradiction says which limits of a point do not rise from low to high; empty: none.
func contradiction(rules []*rule) string {
	for _, a := range rules {
		for _, b := range rules {
			if a.rank < b.rank && a.level >= b.level && a.rank > 0 {
				return b.name + " " + b.limit + " is not above " + a.name + " " + a.limit
			}
		}
	}
	return ""
}

// command sets the limit device/point/which to a value, and returns what it was.
func (k *pointChecks) command(subject, value string) (old string, err error) {
	level, err := levelOf(value)
	if err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	r, rules := k.limitAt(subject)
	if r == nil {
		has := ""
		for _, x := range rules {
			if x.rank > 0 {
				has += " " + x.name
			}
		}
		if has == "" {
			has = " no limit of this point"
		}
		return "", fmt.Errorf("no limit %q: want device/point/which, the site file has%s", cutTo(subject, mostText), has)
	}
	was := r.level
	old = r.limit
	if r.set(level); r.limit == old {
		return old, nil
	}
	why := contradiction(rules)
	if why == "" && len(k.byCommand(nil)) > heldMost {
		why = fmt.Sprint(heldMost, " limits are by command already: write them into the site file")
	}
	if why != "" {
		r.set(was)
		return old, errors.New(subject + " to " + value + ": " + why)
	}
	k.changes = append(k.changes, envelope.Event{Type: envelope.EventLimitChanged, Subject: subject, Old: old, New: r.limit, Why: "command"})
	return old, nil
}

// byCommand appends the limits that are not the site file's. k.mu is held.
func (k *pointChecks) byCommand(list []held) []held {
	for _, r := range k.all {
		if r.limit != r.file && r.rank > 0 {
			list = append(list, held{r.id(), r.limit, r.own()})
		}
	}
	return list
}

// limitEvents are those of commands since the last commit; the state keeps what they say.
func (f *flow) limitEvents(now time.Time) []envelope.Event {
	k := f.checks[1]
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	events := k.changes
	if len(events) > 0 {
		f.state.Held, k.changes = k.byCommand(nil), nil
	}
	for i := range events {
		events[i].At = now.UnixMilli()
	}
	return events
}

// fileLimit appends the event of a change by the site file.
func fileLimit(events []envelope.Event, now time.Time, subject, old, is string) []envelope.Event {
	if old == is {
		return events
	}
	return append(events, envelope.Event{
		Type: envelope.EventLimitChanged, At: now.UnixMilli(), Subject: subject, Old: old, New: is, Why: "site file",
	})
}

// recallHeld brings limits by command back into force, and says which are over: of which
// the site file has another value now, or which contradict it.
func (f *flow) recallHeld(old *state, now time.Time, events []envelope.Event) []envelope.Event {
	k := f.checks[1]
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range old.Held {
		r, _ := k.limitAt(h.Limit)
		if level, err := levelOf(h.Value); err == nil && r != nil && r.own() == h.File {
			r.set(level)
		}
	}
	for _, h := range old.Held {
		is := ""
		if r, rules := k.limitAt(h.Limit); r != nil {
			if contradiction(rules) != "" { // the site file's own do not
				r.level, _ = strconv.ParseFloat(r.file, 64)
				r.limit = r.file
			}
			is = r.limit
		}
		events = fileLimit(events, now, h.Limit, h.Value, is)
	}
	old.Held = k.byCommand(nil)
	return events
}

// wordsBefore are the checks of the start before, in words by subject, out of the newest
// configuration in the log; ok is false where it is not there any more.
func (f *flow) wordsBefore(seq uint64) (words map[string]string, ok bool) {
	if seq == 0 {
		return nil, false
	}
	first, blocks, err := f.log.Read(event, seq-1, 1)
	if err != nil || len(blocks) == 0 || first != seq {
		return nil, false
	}
	for _, e := range blockEvents(blocks[0]) {
		if e.Type != envelope.EventConfig {
			continue
		}
		site, err := config.Parse("the site file before", []byte(e.New))
		if err != nil {
			f.logger.Warn("which limits are others than before is not known", "err", err)
			return nil, false
		}
		words = map[string]string{}
		for i := range site.Checks {
			words[site.Checks[i].String()] = site.Checks[i].Words()
		}
		return words, true
	}
	return nil, false
}

// alarmStatus is for the status.
type alarmStatus struct {
	Subject string    `json:"subject"` // device/point
	Check   string    `json:"check"`   // high, low, warn_high, warn_low, range, rate, stuck, twin, sum
	Limit   string    `json:"limit"`   // or what the check allows
	Value   string    `json:"value,omitempty"`
	Since   time.Time `json:"since,omitzero"` // left out: since before the agent's start
}

const mostAlarms = 32

// watched adds alarms that are on, and limits by command.
func (s *siteStatus) watched(checks [2]*pointChecks) {
	for _, k := range checks {
		if k == nil {
			continue
		}
		mono, wall := k.clock.mono(), k.clock.wall()
		k.mu.Lock()
		for _, r := range k.all {
			if !r.on {
				continue
			}
			if s.AlarmsOn++; s.AlarmsOn > mostAlarms {
				continue
			}
			x := alarmStatus{Subject: r.subject, Check: r.name, Limit: short(r.limit), Value: r.value}
			if r.from > 0 {
				x.Since = wall.Add(r.from - mono)
			}
			s.Alarms = append(s.Alarms, x)
		}
		s.Limits = k.byCommand(s.Limits)
		k.mu.Unlock()
	}
}

// writeWatched shows them to a person.
func (s *siteStatus) writeWatched(out io.Writer) {
	for _, a := range s.Alarms {
		since := "before the agent's start"
		if !a.Since.IsZero() {
			since = when(a.Since)
		}
		remark(out, a.Subject, "alarm %s since %s, value %s (%s)", a.Check, since, a.Value, a.Limit)
	}
	if s.AlarmsOn > len(s.Alarms) {
		remark(out, "alarms", "%d are on in all", s.AlarmsOn)
	}
	for _, l := range s.Limits {
		remark(out, l.Limit, "%s by command of the data centre, %s in the site file", l.Value, l.File)
	}
}
