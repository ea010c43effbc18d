package main

import (
	"fmt"
	"time"

	"envgate/drivers"
	"envgate/envelope"
)

// A stateWatch makes events of the states of a device: doors, mains power, pumps. The
// states are in the live stream as well, at each poll; the events say what changed.
type stateWatch struct {
	device string
	states map[string]*watched // by point
}

// watched is one state.
type watched struct {
	names   [2]string
	said    string // by the last event; empty before the first
	current string
	changes int // since the last event
	missed  int // polls in a row without a value

	// A contact that chatters must not push other events out of the log.
	tokens   float64
	refilled time.Time
}

const (
	stateBurst   = 5 // events that one contact may have at once
	statePace    = 5 * time.Second
	unknownAfter = offlineAfter // polls without a value
)

func watchStates(device string, points []drivers.Point) stateWatch {
	w := stateWatch{device: device, states: map[string]*watched{}}
	for _, p := range points {
		if p.States[0] != "" {
			w.states[p.Name] = &watched{names: p.States, tokens: stateBurst}
		}
	}
	return w
}

// see takes in the samples of a poll and tells what has changed.
func (w *stateWatch) see(samples []drivers.Sample, tell func(envelope.Event)) {
	if len(w.states) == 0 {
		return
	}
	for _, s := range samples {
		for _, r := range s.Readings {
			if x := w.states[r.Point]; x != nil {
				if e, ok := x.see(s.Time, r); ok {
					e.Subject = w.device + "/" + r.Point
					tell(e)
				}
			}
		}
	}
}

// see takes in one reading, and returns the event that is due.
func (x *watched) see(at time.Time, r drivers.Reading) (e envelope.Event, due bool) {
	state := stateName(x.names, r.Value)
	if state != "" {
		x.missed = 0
	} else if x.missed++; x.missed < unknownAfter || x.current == "" {
		state = x.current // one lost answer is no news, nor is what was never known
	} else {
		state = drivers.StateUnknown
	}
	if state != x.current {
		x.current = state
		x.changes++
	}
	if x.changes == 0 || !x.may(at) {
		return e, false
	}
	e = envelope.Event{Type: envelope.EventState, At: at.UnixMilli(), Old: x.said, New: x.current}
	switch {
	case x.changes > 1:
		e.Why = fmt.Sprintf("%d changes, too fast to be told one by one", x.changes)
	case state == drivers.StateUnknown:
		e.Why = string(r.Cause)
	}
	x.said, x.changes = x.current, 0
	return e, true
}

// may says whether the contact may have an event now, and counts it.
func (x *watched) may(at time.Time) bool {
	if passed := at.Sub(x.refilled); passed > 0 { // the first time it is full all the same
		x.tokens = min(stateBurst, x.tokens+passed.Seconds()/statePace.Seconds())
	}
	x.refilled = at
	if x.tokens < 1 {
		return false
	}
	x.tokens--
	return true
}

// stateName is what a value of a state means; empty if it is none.
func stateName(names [2]string, value string) string {
	switch value {
	case "0":
		return names[0]
	case "1":
		return names[1]
	}
	return ""
}
