package main

import (
	"sync"
	"time"
)

// A lineHealth is how a line does, for who looks at it from outside. The line's own
// goroutine writes it; a nil one takes nothing.
type lineHealth struct {
	mu      sync.Mutex
	asked   uint64        // questions
	failed  uint64        // of them
	busy    [2]busyMinute // this minute and the one before
	last    string        // error
	lastAt  time.Time
	down    string // why the line itself does not work, empty while it does
	downAt  time.Time
	offline map[string]offlineUnit
}

type busyMinute struct {
	minute int64
	took   time.Duration
}

type offlineUnit struct {
	since time.Time
	why   string
}

// question takes in one question and its answer.
func (h *lineHealth) question(began time.Time, err error) {
	if h == nil {
		return
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	h.turn()
	h.busy[0].took += now.Sub(began)
	if err != nil {
		h.failed++
		h.last, h.lastAt = err.Error(), now
	}
}

// turn begins a new minute. mu is held.
func (h *lineHealth) turn() {
	minute := int64(sinceBoot() / time.Minute)
	if d := minute - h.busy[0].minute; d != 0 {
		if h.busy[1] = h.busy[0]; d != 1 {
			h.busy[1] = busyMinute{minute: minute - 1}
		}
		h.busy[0] = busyMinute{minute: minute}
	}
}

// load is which part of the last whole minute and the begun one the line was asked in.
func (h *lineHealth) load() float64 {
	h.turn()
	span := time.Minute + sinceBoot()%time.Minute
	return float64(h.busy[0].took+h.busy[1].took) / float64(span)
}

func (h *lineHealth) fell(why string) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down, h.downAt = why, time.Now()
	h.last, h.lastAt = why, h.downAt
}

func (h *lineHealth) rose() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = ""
}

func (h *lineHealth) unit(name string, online bool, why string) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if online {
		delete(h.offline, name)
		return
	}
	if h.offline == nil {
		h.offline = map[string]offlineUnit{}
	}
	h.offline[name] = offlineUnit{time.Now(), why}
}
