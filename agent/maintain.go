package main

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"envgate/config"
	"envgate/drivers"
	"envgate/envelope"
	"envgate/hj212"
)

// modes are the devices that a technician has set to maintenance or calibration. They
// are a stage too: readings that were taken meanwhile get flag M or C. All of it runs on
// the boot clock, so that a clock which is set makes none longer.
type modes struct {
	clock   *clock
	longest time.Duration
	devices []string             // of the site
	tell    func(envelope.Event) // what a person does; nil: nobody listens

	mu   sync.Mutex
	list []*mode // guarded by mu; with those that are over while readings of their time may come
}

// A mode is one of a device, as the state in the log holds it too.
type mode struct {
	Device string        `json:"dev"`
	Flag   string        `json:"flag"`
	Who    string        `json:"who,omitempty"`
	Why    string        `json:"why"`
	Begun  time.Duration `json:"from"` // boot clock, ns
	Ends   time.Duration `json:"to"`
	said   bool          // that it is over
}

const (
	causeMaintenance = drivers.Cause("maintenance")
	modesMost        = 512         // in the list
	modesRest        = time.Minute // readings of its time may come so long after the end of a mode
	modeShortest     = time.Minute
)

func newModes(c *clock, site *config.Site, tell func(envelope.Event)) *modes {
	m := &modes{clock: c, longest: site.Maintenance.Longest, tell: tell}
	for _, l := range site.Lines {
		for i := range l.Devices {
			m.devices = append(m.devices, l.Devices[i].Name)
		}
	}
	return m
}

// begin sets a device to maintenance, or calibration, for a time from now. What it was in
// before is over.
func (m *modes) begin(device, flag, who, why string, length time.Duration) error {
	switch {
	case why == "":
		return hinted{errors.New("why is missing"), "say what is done: it goes into the signed log"}
	case length < modeShortest || length > m.longest:
		return hinted{fmt.Errorf("for %s: want %s to %s", length, modeShortest, m.longest), "the most is maintenance.longest in the site file; when it is over, begin again"}
	}
	now := m.clock.mono()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.list) >= modesMost {
		return errors.New("too many changes in a short time: wait a minute")
	}
	before := ""
	if x := m.active(device, now); x != nil {
		before = m.until(x, now)
		x.Ends, x.said = now, true
	}
	x := &mode{Device: device, Flag: flag, Who: who, Why: why, Begun: now, Ends: now + length}
	m.list = append(m.list, x)
	m.say(envelope.Event{Type: envelope.EventMaintenanceBegin, Subject: device, Old: before, New: m.until(x, now), Who: who, Why: why})
	return nil
}

// end ends the mode of a device before its time.
func (m *modes) end(device, who string) error {
	now := m.clock.mono()
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.active(device, now)
	if x == nil {
		return hinted{errors.New(device + " is in no maintenance"), "envgate maintain lists what is"}
	}
	x.Ends, x.said = now, true
	m.say(m.over(x, now, who, "ended by hand"))
	return nil
}

func (m *modes) say(e envelope.Event) {
	e.At = time.Now().UnixMilli()
	if m.tell != nil {
		m.tell(e)
	}
}

// active is the mode that a device is in. m.mu is held.
func (m *modes) active(device string, at time.Duration) *mode {
	for _, x := range m.list {
		if x.Device == device && x.Begun <= at && at < x.Ends {
			return x
		}
	}
	return nil
}

// until and over write times of the boot clock as those of the gateway's.
func (m *modes) until(x *mode, now time.Duration) string {
	return x.Flag + " until " + stamp(m.clock.wall().Add(x.Ends-now))
}

func (m *modes) over(x *mode, now time.Duration, who, why string) envelope.Event {
	at := m.clock.wall()
	return envelope.Event{
		Type: envelope.EventMaintenanceEnd, At: at.Add(x.Ends - now).UnixMilli(), Subject: x.Device,
		Old: x.Flag + " since " + stamp(at.Add(x.Begun-now)), Who: who, Why: why,
	}
}

// pass marks what was read while a device was in a mode, and says which modes are over.
func (m *modes) pass(samples []polled) (out []polled, said []envelope.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.list) == 0 {
		return samples, nil
	}
	now, wall := m.clock.mono(), m.clock.wall()
	for i := range samples {
		s := &samples[i]
		if x := m.active(s.Device, now-wall.Sub(s.Time)); x != nil {
			s.maintained(x.Flag)
		}
	}
	for _, x := range m.list {
		if now >= x.Ends && !x.said {
			x.said = true
			said = append(said, m.over(x, now, "", "its time is over"))
		}
	}
	m.list = slices.DeleteFunc(m.list, func(x *mode) bool { return x.said && now > x.Ends+modesRest })
	return samples, said
}

// maintained has the readings say that somebody is at work on the instrument. That is
// the better reason of a good value, a fault and a value over the range; F (out of
// service), S (put in by hand), B (nothing came), and M or C by the instrument's own word
// say more than the technician did.
func (s *polled) maintained(flag string) {
	s.Readings = append([]drivers.Reading(nil), s.Readings...) // whoever made them may still read them
	for i := range s.Readings {
		switch r := &s.Readings[i]; r.Flag {
		case hj212.FlagNormal, hj212.FlagFault, hj212.FlagOver:
			r.Flag, r.Cause = flag, causeMaintenance
		}
	}
}

// kept is what the state keeps, and the boot clock with it if there is anything.
func (m *modes) kept() (list []mode, mono time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range m.list {
		if !x.said {
			list, mono = append(list, *x), m.clock.mono()
		}
	}
	return list, mono
}

// recall takes up the modes of the run before, of which the boot clock was mono at the
// last sealing. down is how long that is ago by the wall clock, which counts after a
// restart of the system alone, and never below zero: it can make a mode shorter and not
// longer. What a person has set since this start goes before.
func (m *modes) recall(was []mode, mono time.Duration, sameBoot bool, down time.Duration) {
	now := m.clock.mono()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range was {
		x.Ends = min(x.Ends, mono+m.longest)
		if !sameBoot {
			x.Begun, x.Ends = 0, now+x.Ends-mono-max(0, down)
		}
		for _, y := range m.list {
			if y.Device == x.Device {
				x.Ends = min(x.Ends, y.Begun)
			}
		}
		if !slices.Contains(m.devices, x.Device) {
			x.Ends = min(x.Ends, now)
		}
		m.list = append(m.list, &x)
	}
}

// modeStatus is one mode for the status.
type modeStatus struct {
	Device string    `json:"device"`
	Flag   string    `json:"flag"` // M maintenance, C calibration
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"`
	Left   int64     `json:"left_s"`
	Who    string    `json:"who"`
	Why    string    `json:"why"`
}

// status are the modes that are in force, by device.
func (m *modes) status() (list []modeStatus) {
	now, wall := m.clock.mono(), m.clock.wall()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range m.list {
		if x.Begun <= now && now < x.Ends {
			list = append(list, modeStatus{
				x.Device, x.Flag, wall.Add(x.Begun - now), wall.Add(x.Ends - now), int64((x.Ends - now) / time.Second), x.Who, x.Why,
			})
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Device < list[j].Device })
	return list
}
