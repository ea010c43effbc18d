package main

import (
	"fmt"
	"time"

	"envgate/tests/sim"
)

// quietEnd is the time before the end without outages, so that what waited in
// the agent's log can arrive.
const quietEnd = 8 * time.Second

// killPause is how long a killed agent stays away.
const killPause = 1500 * time.Millisecond

// trouble is what the command line asks to go wrong.
type trouble struct {
	o        options
	nextKill time.Time
	outageAt time.Time // begin of the next outage
	backAt   time.Time // end of this one; zero while the broker is up
	lastCall time.Time // no outage may last beyond; zero: never mind
	nextIll  time.Time
	ill      int // faults so far
}

func newTrouble(o options, began time.Time) *trouble {
	t := &trouble{o: o, nextKill: began.Add(o.kill), outageAt: began.Add(10 * time.Second), nextIll: began.Add(illEvery)}
	if o.run > 0 {
		t.lastCall = began.Add(o.run - quietEnd)
		t.outageAt = began.Add(max(5*time.Second, min(10*time.Second, (o.run-o.outage)/3)))
	}
	return t
}

// make does what is due. Between a kill and the new start the dead agent must
// not look as if it had ended by itself, so both happen here.
func (t *trouble) make(l *lab, now time.Time) error {
	if t.o.faults && now.After(t.nextIll) {
		t.nextIll = now.Add(illEvery)
		t.infect(l.site)
	}
	if t.o.outage > 0 {
		if err := t.cut(l, now); err != nil {
			return err
		}
	}
	if t.o.kill == 0 || now.Before(t.nextKill) || !t.lastCall.IsZero() && now.After(t.lastCall) {
		return nil
	}
	t.nextKill = now.Add(t.o.kill)
	l.kills = append(l.kills, time.Now())
	l.agent.kill()
	time.Sleep(killPause)
	return l.startAgent()
}

// illEvery is the time from one fault to the next.
const illEvery = 4 * time.Second

// faults are what instruments suffer in turn, for two questions each.
var faults = []sim.Fault{
	{Silent: true},
	{WrongCRC: true},
	{Exception: 6},
	{Truncate: 2},
	{Before: []byte{0xFF, 0x00, 0x55}},
	{Late: 900 * time.Millisecond},
	{Echo: true},
	{Slow: 5 * time.Millisecond},
}

// infect gives the next fault to the next instrument, and lets the first ozone
// analyzer warn of its sample flow every other time.
func (t *trouble) infect(s *site) {
	f := faults[t.ill%len(faults)]
	f.Times = 2
	u := s.units[t.ill*5%len(s.units)]
	if network := s.lineOf(u.Instrument().Name()) == "network"; network && (len(f.Before) > 0 || f.Echo) {
		f = sim.Fault{Silent: true, Times: 2} // noise is of serial lines
	}
	u.SetFault(f)
	t.ill++
	s.instruments()[4].SetBit(9, t.ill%2 == 1)
}

// cut takes the broker away, and gives it back.
func (t *trouble) cut(l *lab, now time.Time) error {
	switch {
	case !t.backAt.IsZero() && now.After(t.backAt):
		if err := l.broker.start(); err != nil {
			return fmt.Errorf("broker: %w", err)
		}
		t.backAt, t.outageAt = time.Time{}, now.Add(30*time.Second)
	case t.backAt.IsZero() && now.After(t.outageAt):
		back := now.Add(t.o.outage)
		if !t.lastCall.IsZero() && back.After(t.lastCall) {
			return nil
		}
		l.broker.stop()
		l.outages++
		t.backAt = back
	}
	return nil
}
