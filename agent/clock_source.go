package main

import (
	"cmp"
	"os"
	"time"

	"envgate/envelope"
)

// Time from elsewhere. A gateway without a battery clock, on a network without NTP,
// starts in 1970. What tells it the time then is the data centre: its receipts are
// signed, and say when they were given. A receipt may be old, for brokers retain them,
// and somebody between may hold one back. So it counts by the newest block that it
// names: one that was sealed since this start of the system, at a boot time that the
// block says. The receipt was given after that and before it came, and so the time now
// is the one that it says, or later by what passed since the block at most.
//
// The system's clock stays as it is, and as soon as the kernel says that it follows a
// time source, that one rules.

const (
	wordLate   = time.Minute    // a word that may be later than that is not taken
	wordSlack  = time.Second    // so far the clock may be outside of a word
	ntpPause   = time.Hour      // so long the kernel may be without its source before others count
	farOff     = time.Minute    // a source that is further off a set clock is told of
	farPause   = 6 * time.Hour  // but each no more often
	drift      = 100            // parts in a million by which a held time may go wrong
	floorRoom  = 48 * time.Hour // before what has surely been, for those who were not quite right then
	maxRefused = 16             // words not followed that are remembered
)

// A word is what a source said: that it was at, or up to late later, at a boot time.
type word struct {
	source string
	at     time.Time
	late   time.Duration
	mono   time.Duration
}

// worth is how wrong a time may be that came from the word.
func (w *word) worth(mono time.Duration) time.Duration { return w.late + (mono-w.mono)/1e6*drift }

// tell hands a word to the next look. It is for any goroutine.
func (c *clock) tell(w word) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.word == nil || w.late <= c.word.late+(w.mono-c.word.mono) {
		c.word = &w
	}
}

// listen follows the word that came since the last look, if it is better than what is
// there. While the kernel's clock is set by NTP, or was lately, a source is not
// followed: the two would fight.
func (c *clock) listen(mono time.Duration, synced bool) {
	c.mu.Lock()
	w, floor := c.word, c.floor
	c.word = nil
	c.mu.Unlock()
	if w == nil {
		return
	}
	at := w.at.Add(mono - w.mono)
	early := c.wall().Sub(at) // by how much the clock is ahead of the word
	within := early > -wordSlack && early < w.late+wordSlack
	held := c.held.Load() != 0
	switch {
	case at.Before(floor.Add(-floorRoom)):
		c.refuse(w, mono, "it is before "+stamp(floor)+", which has been")
	case synced || c.synced && !held && mono-c.syncedAt < ntpPause:
		if early > w.late+farOff || early < -farOff {
			c.refuse(w, mono, "the system's clock is set by its own source, which rules")
		}
	case held && within:
		if w.late <= c.given.worth(mono) || c.given.plain() {
			c.given = *w
		}
	default:
		if !within {
			c.by = w.source
			c.held.Store(at.UnixNano() - int64(mono))
		} else {
			c.held.Store(c.wall().UnixNano() - int64(mono))
		}
		c.given = *w
	}
}

// A block reader is the log.
type blockReader interface {
	Read(stream string, after uint64, n int) (first uint64, blocks [][]byte, err error)
}

// witness takes a receipt, given at a time, whose newest block is seq, as a word. It is
// for any goroutine.
func (c *clock) witness(log blockReader, source, stream string, seq uint64, at time.Time) {
	if d := c.wall().Sub(at); c.ruled.Load() && d < farOff && d > -farOff || seq == 0 {
		return // nothing to be said
	}
	first, blocks, err := log.Read(stream, seq-1, 1)
	if err != nil || len(blocks) == 0 || first != seq {
		return
	}
	b, err := envelope.PeekBlock(blocks[0])
	if err != nil || b.Boot != c.boot {
		return // from before this start: the receipt may be of any age
	}
	mono := c.mono()
	late := mono - time.Duration(b.Clock.MonoMs)*time.Millisecond
	if late >= 0 && late <= wordLate {
		c.tell(word{source, at, late, mono})
	}
}

// A difference is a word that was not followed, and is told of.
type difference struct {
	word
	why string
}

// refuse has a word told of, but for one that was not long ago.
func (c *clock) refuse(w *word, mono time.Duration, why string) {
	for i := range c.refused {
		if r := &c.refused[i]; r.source == w.source && mono-r.mono < farPause {
			return
		}
	}
	if len(c.refused) >= maxRefused {
		c.refused = c.refused[1:]
	}
	c.refused = append(c.refused, difference{*w, why})
	c.unsaid++
}

// kept is what the log keeps of the clock from one run to the next.
type kept struct {
	Base  int64  `json:"base"`           // wall - mono, in ms
	By    string `json:"by,omitempty"`   // the source, if it is held
	Late  int64  `json:"late,omitempty"` // of its word, in ms
	State string `json:"st"`
	Good  int64  `json:"good,omitempty"` // when the clock was surely right last, UTC ms
}

func (c *clock) keep(now time.Time, good int64) kept {
	k := kept{Base: c.offset.Milliseconds(), State: c.told, Good: good}
	if c.held.Load() != 0 {
		k.By, k.Late = cmp.Or(c.given.source, "?"), c.given.worth(c.mono()).Milliseconds()
	}
	if c.sure.Load() {
		k.Good = now.UnixMilli()
	}
	return k
}

// recall goes on from where the run before was. What was set between the two shows at
// the next look, if the system was not started anew, and then a held time is still good.
func (c *clock) recall(k kept, boot string) {
	c.mu.Lock()
	if good := time.UnixMilli(k.Good); k.Good != 0 && good.After(c.floor) {
		c.floor = good
	}
	c.mu.Unlock()
	if k.Base == 0 || boot != c.boot || boot == "" {
		return
	}
	c.offset, c.looked, c.told = time.Duration(k.Base)*time.Millisecond, true, k.State
	c.synced = k.State == envelope.ClockSync || k.By == "" && k.State == envelope.ClockHoldover
	if k.By != "" {
		mono := c.mono()
		c.given = word{k.By, time.Time{}, time.Duration(k.Late) * time.Millisecond, mono}
		c.held.Store(int64(c.offset))
	}
}

// allow takes back what a run before believed when its clock was wrong: that a time has
// been which is still to come. The kernel's source rules, but for times before this program
// was made.
func (c *clock) allow(sinceEpoch time.Duration) {
	now := time.Unix(0, int64(sinceEpoch))
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.floor.Add(-floorRoom)) && !now.Before(c.least.Add(-floorRoom)) {
		c.floor = now
	}
}

// impossible says whether a time cannot be one: before what has surely been.
func (c *clock) impossible(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return t.Before(c.floor.Add(-floorRoom))
}

// known says whether the time now can be right.
func (c *clock) known() bool { return !c.impossible(c.wall()) }

// judge is the time by which certificates are judged.
func (c *clock) judge() (now time.Time, sure bool) {
	now, sure = c.wall(), c.sure.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !sure && now.Before(c.floor) {
		now = c.floor
	}
	return now, sure
}

// commandClock is judge for commands, which watch no clock: the system's, if the kernel
// says that it is set.
func commandClock() (now time.Time, sure bool) {
	c := newClock()
	c.floor = newestTime()
	c.look()
	return c.judge()
}

// newestTime is the youngest time that this program can prove by itself: of its file. A
// clock behind it is wrong.
func newestTime() time.Time {
	exe, err := os.Executable()
	if err != nil {
		return time.Time{}
	}
	info, err := os.Stat(exe)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
