package main

import (
	"sort"
	"time"

	"envgate/config"
	"envgate/envelope"
)

// judged are samples that have passed the stages and wait for their seal. Where a site
// has checks, samples pass soon after they came and not at the sealing: an alarm must not
// wait for it. They pass and are sealed in the order in which they came, on the writer's
// goroutine.
type judged struct {
	passed   []polled
	held     int              // readings in passed
	heard    []envelope.Event // of the stages
	by       shift            // by which the times of passed are right
	passedAt time.Time        // when samples passed last
	checks   [2]*pointChecks  // of stages; nil: the site has none
	modes    *modes           // of stages; nil in tests
	site     []config.Check
}

// passPace is how long samples wait for others before they pass.
const passPace = 100 * time.Millisecond

// takeEarly has fresh samples pass, if any checks are there and the log can take what
// they say; it gives the time at which to come again.
func (f *flow) takeEarly(now time.Time) (again time.Time) {
	switch {
	case !f.in.fresh() || f.parked != nil || f.turning != "" || f.held > f.in.limit/2:
		return time.Time{}
	case now.Sub(f.passedAt) < passPace:
		return f.passedAt.Add(passPace)
	}
	f.passedAt = now
	f.take(f.clock.shift())
	return time.Time{}
}

// take has what is in the inbox pass the stages.
func (f *flow) take(moved shift) {
	samples, lost := f.in.takeSamples()
	f.lost += lost
	f.restamp(moved)
	for i := range samples {
		samples[i].Time = moved.time(samples[i].Time)
	}
	samples, said := f.pass(samples)
	for i := range samples {
		f.held += len(samples[i].Readings)
	}
	f.heard = append(f.heard, said...)
	for _, e := range said {
		f.logger.Warn("of a device", "what", e.Type, "device", e.Subject, "old", e.Old, "new", e.New, "why", e.Why)
	}
	if len(f.passed) == 0 {
		f.passed = samples
	} else {
		f.passed = append(f.passed, samples...)
	}
}

// restamp moves the times of what has passed by as much as the clock was set since.
func (f *flow) restamp(moved shift) {
	if len(f.passed) > 0 {
		set := moved.wall.Round(0).Sub(f.by.wall.Round(0)) - moved.system.Sub(f.by.system)
		if set.Abs() >= stepLimit {
			for i := range f.passed {
				f.passed[i].Time = f.passed[i].Time.Round(0).Add(set)
			}
			for i := range f.heard {
				f.heard[i].At += set.Milliseconds()
			}
		}
	}
	f.by = moved
}

// takePassed hands over what waits for its seal.
func (f *flow) takePassed() []polled {
	samples := f.passed
	f.passed, f.held = nil, 0
	return samples
}

// takeHeard hands over what the stages have said.
func (f *flow) takeHeard() []envelope.Event {
	said := f.heard
	f.heard = nil
	return said
}

// watch gives the writer the checks of the site, and the modes of its devices.
func (f *flow) watch(site *config.Site, m *modes) {
	marks, limits := makeChecks(f.clock, site.Checks, m.devices)
	f.modes, f.checks, f.site = m, [2]*pointChecks{marks, limits}, site.Checks
	f.stages = append(f.stages, m, marks)
	if c := newCalculator(site); c != nil { // it sees marked inputs, and limits see what it makes
		f.stages = append(f.stages, c)
	}
	f.stages = append(f.stages, limits)
}

// recallChecks brings back what the last run knew of alarms, maintenance and limits by
// command, and says which limits are others than at the start before. What is over is taken
// out of old.
func (f *flow) recallChecks(old *state, now time.Time) (events []envelope.Event) {
	switch {
	case f.press.epoch != "": // all of it is in force
		old.Held = f.state.Held
		return nil
	case f.modes == nil:
		return nil
	}
	f.modes.recall(old.Modes, old.Mono, old.Boot == f.clock.boot, now.Sub(time.UnixMilli(old.Last)))
	for _, k := range f.checks {
		k.recallAlarms(old.Alarms)
	}
	return f.recallHeld(old, now, f.fileChanges(old, now))
}

// fileChanges says which checks of the site file are others than at the start before. At a
// first start, and in the first epoch after a log that was set aside, the configuration
// says it all.
func (f *flow) fileChanges(old *state, now time.Time) (events []envelope.Event) {
	if old.Config == envelope.Hash(f.documents.config) {
		return nil
	}
	before, ok := f.wordsBefore(old.ConfigAt)
	if !ok {
		return nil
	}
	for i := range f.site {
		subject := f.site[i].String()
		events = fileLimit(events, now, subject, before[subject], f.site[i].Words())
		delete(before, subject)
	}
	var gone []string
	for subject := range before {
		gone = append(gone, subject)
	}
	sort.Strings(gone)
	for _, subject := range gone {
		events = fileLimit(events, now, subject, before[subject], "")
	}
	return events
}

// keepChecks puts into the state what the next run needs. Limits by command are there
// since their events were sealed.
func (f *flow) keepChecks() {
	if f.modes == nil {
		return
	}
	f.state.Modes, f.state.Mono = f.modes.kept()
	f.state.Alarms = nil
	for _, k := range f.checks {
		f.state.Alarms = k.keptAlarms(f.state.Alarms)
	}
}
