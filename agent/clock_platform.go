package main

import (
	"cmp"
	"context"
	"strings"
	"time"
)

// Time from a government platform (HJ 212, CN 1012). It is a source as receipts are, but
// the last of them: its word is not signed, and may have lain in a line for seconds. So
// it counts only where the kernel follows no source and no receipt has given the time; a
// clock that may be right it moves by a limit and once an hour; and it makes no time sure
// by which certificates are judged, or which has surely been.
//
// As with receipts the system's clock is left alone. The platform is told whether our
// time is its own now, and not who made it so.

const (
	platformLate  = 10 * time.Second // a word may have been under way: the time-out of an exchange
	platformNear  = 30 * time.Second // what counts as the same time
	platformPause = time.Hour        // between two steps
	platformWord  = "platform "      // begins the names of such sources
)

// ExeRtn of a 1012 (HJ 212-2017, table 6).
const (
	clockSet   = 1
	clockOther = 3 // conditions are not so that it can be done
	clockFault = 6
)

// plain says that the word has no signature.
func (w *word) plain() bool { return strings.HasPrefix(w.source, platformWord) }

// An order is a platform's word that waits for the next look.
type order struct {
	word
	most    time.Duration // a step may be
	verdict chan verdict  // with room for one
}

type verdict struct {
	exeRtn int
	why    string
}

// command has the next look judge the time of a platform, and waits for that. nudge makes
// the look come soon. It is for any goroutine.
func (c *clock) command(ctx context.Context, platform string, at time.Time, most time.Duration, nudge func()) (exeRtn int, why string) {
	o := &order{word{platformWord + platform, at, platformLate, c.mono()}, most, make(chan verdict, 1)}
	c.mu.Lock()
	other := c.order
	c.order = o
	c.mu.Unlock()
	if other != nil {
		other.verdict <- verdict{clockOther, "another platform set the time at the same moment"}
	}
	nudge()
	select {
	case v := <-o.verdict:
		return v.exeRtn, v.why
	case <-ctx.Done():
		return clockFault, "the program stops"
	}
}

// obey judges the order that came since the last look.
func (c *clock) obey(mono time.Duration, synced bool) {
	c.mu.Lock()
	o := c.order
	c.order = nil
	c.mu.Unlock()
	if o == nil {
		return
	}
	at := o.at.Add(mono - o.mono)
	early := c.wall().Sub(at)
	off := early.Abs()
	held := c.held.Load() != 0
	why := ""
	switch {
	case c.impossible(at):
		why = "it is before a time which has been"
	case synced || c.synced && !held && mono-c.syncedAt < ntpPause:
		if off > platformNear {
			why = "the system's clock is set by its own source, which rules"
		}
	case held && !c.given.plain():
		if off > platformNear+c.given.worth(mono) {
			why = "a signed receipt has given the time"
		}
	case !c.known(): // ours cannot be
		c.follow(o, at, mono, true)
	case off > o.most:
		why = "the step is more than " + o.most.String()
	case off > platformLate && c.obeyed != 0 && mono-c.obeyed < platformPause:
		why = "it was set less than " + platformPause.String() + " ago"
	default:
		c.follow(o, at, mono, off > platformLate)
	}
	if why != "" {
		c.refuse(&o.word, mono, why)
		o.verdict <- verdict{clockOther, "not followed: " + why + "; ours is off by " + signed(early)}
		return
	}
	o.verdict <- verdict{clockSet, "ours was off by " + signed(early) + ", and is now as " + cmp.Or(c.giver(), "the kernel") + " gave it"}
}

// follow takes an order as the time: by a step, or as it is.
func (c *clock) follow(o *order, at time.Time, mono time.Duration, step bool) {
	if step {
		c.by, c.obeyed = o.source, mono
		c.held.Store(at.UnixNano() - int64(mono))
	} else {
		c.held.Store(c.wall().UnixNano() - int64(mono))
	}
	c.given = o.word
}

// giver is whom a held time is of; empty where none is held.
func (c *clock) giver() string {
	if c.held.Load() == 0 {
		return ""
	}
	return c.given.source
}
