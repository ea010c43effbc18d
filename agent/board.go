package main

import (
	"sync"
	"sync/atomic"
	"time"

	"envgate/agent/platform"
	"envgate/agent/uplink"
	"envgate/buffer"
)

// A board is where the parts of a running agent can be found by who looks at it. Nothing
// in the agent waits for it, and a nil one takes nothing.
type board struct {
	lost, unheard atomic.Int64 // readings and events thrown away since the start

	mu        sync.Mutex
	log       *buffer.Log // nil until it is open
	opened    time.Time
	uplinks   map[string]*uplink.Uplink
	platforms map[string]*platform.Platform
	loggers   map[string]*lineHealth // of lines that speak by themselves
	trouble   string                 // why the log cannot be written, empty while it can
	since     time.Time              // of the trouble
}

func (b *board) setLog(log *buffer.Log) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log, b.opened = log, time.Now()
}

// openLog is the log, nil until it is open.
func (b *board) openLog() *buffer.Log {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log
}

func (b *board) addUplink(name string, u *uplink.Uplink) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uplinks == nil {
		b.uplinks = map[string]*uplink.Uplink{}
	}
	b.uplinks[name] = u
}

func (b *board) addPlatform(name string, p *platform.Platform) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.platforms == nil {
		b.platforms = map[string]*platform.Platform{}
	}
	b.platforms[name] = p
}

// logger is the health of a line that speaks by itself.
func (b *board) logger(line string) *lineHealth {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.loggers == nil {
		b.loggers = map[string]*lineHealth{}
	}
	if b.loggers[line] == nil {
		b.loggers[line] = &lineHealth{}
	}
	return b.loggers[line]
}

// stuck says why the log cannot be written; with an empty text that it can.
func (b *board) stuck(why string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trouble, b.since = why, time.Now()
}

// threw counts what was thrown away.
func (b *board) threw(readings, events int) {
	if b == nil {
		return
	}
	b.lost.Add(int64(readings))
	b.unheard.Add(int64(events))
}
