package main

import (
	"strings"
	"time"

	"envgate/agent/rollup"
	"envgate/config"
)

// newRollup makes the figures of a site, nil where it wants none. states are the points
// that are contacts and the like: half open is no state of a door, so their figures are
// the last one and not a mean.
func newRollup(s *config.Site, states map[string]bool) *rollup.Rollup {
	c := s.Rollup
	if c.Minutes == 0 {
		return nil
	}
	calculated := newCalculator(s)
	o := rollup.Options{
		Minutes: c.Minutes, Any: c.Rule == "any", HourMinutes: c.HourMinutes, DayHours: c.DayHours,
		Most: c.Abnormal == "most", CountFlags: c.CountFlags, Night: [2]int{c.Night.From / 60, c.Night.To / 60},
		Decimals: map[string]int{}, Rules: func(source, point string) rollup.Rule {
			if r, ok := calculated.rule(source, point); ok {
				return r
			}
			rule := ruleOf(s, source, point)
			if states[source+"|"+point] {
				rule.Mean, rule.With, rule.Noise = rollup.Last, "", false
			}
			return rule
		},
	}
	for _, d := range c.Decimals {
		o.Decimals[d.Point] = d.Decimals
	}
	return rollup.New(o)
}

// ruleOf says how the figures of a point are made.
func ruleOf(s *config.Site, source, point string) rollup.Rule {
	rule := rollup.DefaultRule(source, point)
	device := deviceOf(source)
	for _, d := range s.Rollup.Devices {
		if d.Device != device {
			continue
		}
		if rule.Valid = rollup.ByShare; d.Rule == "any" {
			rule.Valid = rollup.ByAny
		}
		rule.Noise = d.Noise && point == "LA"
	}
	return rule
}

// deviceOf is the device of a source, which may be one of several requests.
func deviceOf(source string) string {
	device, _, _ := strings.Cut(source, "/")
	return device
}

// polls is how often the sources of each device are asked.
func polls(s *config.Site) map[string]time.Duration {
	every := map[string]time.Duration{}
	for _, l := range s.Lines {
		for _, d := range l.Devices {
			every[d.Name] = d.Interval
		}
	}
	for _, c := range calculationSources(s) {
		every[c.Source] = time.Duration(c.IntervalMs) * time.Millisecond
	}
	return every
}

// lookBack is how far back samples have to be read for the periods that are open: of a
// source that is asked rarely the hour's, for the statistics of noise the day's.
func lookBack(s *config.Site) string {
	for _, c := range s.Calculations {
		if c.Medium == config.Noise {
			return rollup.Day
		}
	}
	for _, d := range s.Rollup.Devices {
		if d.Noise {
			return rollup.Day
		}
	}
	for _, every := range polls(s) {
		if every > time.Duration(s.Rollup.Minutes)*time.Minute {
			return rollup.Hour
		}
	}
	return rollup.Minute
}
