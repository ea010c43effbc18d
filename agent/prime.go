package main

import (
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// What the inputs of calculations may cost a start. An analyser that speaks once an hour
// wants the samples of three.
const (
	primeBlocks = 8192
	primeTime   = 3 * time.Second
)

// prime tells the calculations the newest values of their inputs out of the log, so that
// a restart is not to be seen in what they compute: an analyser that speaks once an hour
// would be missing until it speaks again. Whether such a value still serves is seen when
// it is used. The log holds nothing of this run yet.
func (f *flow) prime() {
	for _, s := range f.stages {
		if c, ok := s.(*calculator); ok {
			c.prime(f.log, f.polls)
		}
	}
}

// prime reads back from the newest block, until what is before cannot matter.
func (c *calculator) prime(log *buffer.Log, polls map[string]time.Duration) {
	until := time.Now().Add(primeTime)
	first, last := log.Bounds(live)
	var newest time.Time
	read := uint64(0)
	for batch := uint64(1); last > 0 && last >= first && read < primeBlocks && time.Now().Before(until); batch = min(2*batch, refigureBatch) {
		from := max(first, last-min(batch, last)+1)
		got, blocks, err := log.Read(live, from-1, int(last-from+1))
		if err != nil || got != from || len(blocks) != int(last-from+1) {
			return // evicted, or more than one read gives: then so much of the rest is raw bytes
		}
		for i := len(blocks) - 1; i >= 0; i-- {
			b, err := envelope.PeekBlock(blocks[i])
			if err != nil {
				continue
			}
			end := lastTime(b)
			if newest.IsZero() {
				newest = end
			}
			if c.primed(polls, newest, end) {
				return
			}
			c.recallBlock(b, polls)
		}
		last, read = from-1, read+uint64(len(blocks))
	}
}

// recallBlock recalls a block's values, the newest first.
func (c *calculator) recallBlock(b *envelope.Block, polls map[string]time.Duration) {
	for n := len(b.Groups) - 1; n >= 0; n-- {
		g := &b.Groups[n]
		device := deviceOf(g.Source)
		for k := range g.Columns {
			col := &g.Columns[k]
			if col.Kind != envelope.ColumnLive {
				continue
			}
			for i := len(g.Times) - 1; i >= 0; i-- {
				flag := "N"
				if col.Flags != nil && col.Flags[i] != "" {
					flag = col.Flags[i]
				}
				c.recall(device, col.Point, col.Values[i], flag, time.UnixMilli(b.T0+g.Times[i]), polls[device])
			}
		}
	}
}

// recall takes a value that came before those that are known.
func (c *calculator) recall(device, point, text, flag string, at time.Time, every time.Duration) {
	for _, f := range c.feeds[device][point] {
		if len(f.newest) < heardKept {
			f.newest = append([]heard{f.hears(text, flag, at, every)}, f.newest...)
		}
	}
}

// primed says whether nothing that was sealed up to a time can matter any more, newest
// being the newest time of all: each input has what it keeps, or a value that is newer
// than what is before, or would be too old.
func (c *calculator) primed(polls map[string]time.Duration, newest, upto time.Time) bool {
	upto = upto.Add(refigureAside)
	for device, points := range c.feeds {
		if newest.Sub(upto) > max(staleLeast, staleTimes*polls[device]) {
			continue
		}
		for _, f := range points {
			for _, x := range f {
				if !x.primed(newest, upto) {
					return false
				}
			}
		}
	}
	return true
}

func (f *feed) primed(newest, upto time.Time) bool {
	if len(f.newest) == heardKept {
		return true
	}
	for i := range f.newest {
		if at := f.newest[i].at; at.After(upto) && !at.After(newest) { // after it, the clock was set back
			return true
		}
	}
	return false
}
