package envelope

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Version is the layout of a payload that this package writes and reads, its
// member "v". A payload with another is refused: a new layout gets a new number.
const Version = 1

// MaxSeq is the highest block number: the last integer up to which every
// number has a form of its own in the floating point numbers that many JSON
// libraries use.
const MaxSeq = 1 << 53

// Sizes in bytes. A stored block of the streams live and stat is at most
// MaxBlock, as two of that size fit a page pair of the log and one byte more
// nearly doubles its writes; whoever fills blocks splits them there. No message
// is longer than MaxEvent, and none inflates to more than MaxInflated.
const (
	MaxBlock    = 2016
	MaxEvent    = 64 << 10
	MaxInflated = 1 << 20
)

// Genesis stands in Prev of the first block of an epoch and stream.
const Genesis = "GENESIS"

// The streams of a gateway. Each has its own numbers and its own chain.
const (
	StreamLive  = "live"  // samples
	StreamStat  = "stat"  // minute, hour and day figures
	StreamEvent = "event" // births, changes, alarms, starts and stops
)

// States of the clock, see [Clock].
const (
	ClockSync     = "sync"     // the kernel says that it is being set
	ClockHoldover = "holdover" // was being set; runs on its own since
	ClockUnsync   = "unsync"   // not set since the start
	ClockStepped  = "stepped"  // jumped since the block before
)

// Kinds of [Group].
const (
	GroupLive   = ""
	GroupMinute = "min"
	GroupHour   = "hour"
	GroupDay    = "day"
)

// Kinds of [Column]. ColumnLive and ColumnZs belong to live groups, the others to periods.
// The zs kinds are the converted concentrations of stacks, n is the number of
// samples behind the figures.
const (
	ColumnLive  = "x"
	ColumnZs    = "zs"
	ColumnAvg   = "avg"
	ColumnMin   = "min"
	ColumnMax   = "max"
	ColumnCou   = "cou"
	ColumnZsAvg = "zsavg"
	ColumnZsMin = "zsmin"
	ColumnZsMax = "zsmax"
	ColumnN     = "n"
)

// columnKinds is the order of the kinds in the canonical payload.
var columnKinds = [...]string{ColumnLive, ColumnZs, ColumnAvg, ColumnMin, ColumnMax, ColumnCou, ColumnZsAvg, ColumnZsMin, ColumnZsMax, ColumnN}

// Bounds on what one payload may hold. They are far above what fits MaxBlock,
// and keep a payload of MaxInflated bytes from becoming a mountain of values.
const (
	maxHeads   = 16
	maxGroups  = 1024
	maxTimes   = 4096
	maxColumns = 512 // of each kind
	maxEvents  = 1024
	maxName    = 64  // bytes of a point, source, flag, cause, type of event
	maxMark    = 128 // bytes of boot, cfg, cat, fw
)

// A Block is the payload of one message: what one gateway says in one stream at
// one place of its chain. (Gateway, Stream, Epoch, Seq) is its identity.
type Block struct {
	Gateway string // 1 to 32 of A-Z a-z 0-9 _ -
	Stream  string // as Gateway; StreamLive, StreamStat, StreamEvent
	Epoch   string // as Gateway, up to 64; random, new with each new log

	Seq  uint64 // 1 to MaxSeq, no number twice in an epoch and stream
	Prev string // Hash of the payload before; Genesis where, and only where, Seq is 1

	Boot  string // the kernel's boot id, short
	T0    int64  // base of all times of the block, Unix milliseconds UTC, 0 to MaxSeq
	Clock Clock

	Config    string // hash of the configuration in force
	Catalogue string // hash of the catalogue: points, names, units, decimals, instruments
	Firmware  string // version of the program that sealed

	Heads  map[string]Head // newest blocks of other streams, at most 16; nil = none
	Groups []Group         // at most 1024; nil = none
	Events []Event         // at most 1024; nil = none
}

// A Clock says how far the times of a block can be trusted.
type Clock struct {
	State  string // ClockSync, ClockHoldover, ClockUnsync, ClockStepped
	ErrMs  int64  // estimated error in milliseconds; -1 = nobody knows
	MonoMs int64  // milliseconds since boot, read at sealing
}

// A Head is the newest block of a stream: its number and the hash of its payload.
type Head struct {
	Seq  uint64 // 1 to MaxSeq
	Hash string
}

// A Group holds readings that were taken together: by one request, or by one
// source for one kind of period.
type Group struct {
	Source  string  // instrument, or instrument/2 for its second request
	Kind    string  // GroupLive, GroupMinute, GroupHour, GroupDay
	Times   []int64 // milliseconds from T0, 1 to 4096 of them
	Index   uint64  // index of the first; counts up for ever in an epoch and source
	Columns []Column
	Raw     [][]byte // register bytes, one entry a time, nil entry = none; nil = none at all
}

// A Column is the figures of one point and kind, one entry for each time of its
// group.
//
// Flags and causes belong to a point, not to each of its figures. They are
// those of its ColumnLive or ColumnAvg, or, where it has neither, of its first
// column in the order of the kinds; those of its other columns are not written.
type Column struct {
	Point  string   // factor code, or a name of the site
	Kind   string   // ColumnLive, ColumnAvg, ...
	Values []string // decimal, with the instrument's own digits; "" = could not be had
	Flags  []string // "" is N; nil = all N
	Causes []string // "" = none, which it must be where the flag is N; nil = none
}

// Check says whether b can stand as a payload: whether [ParsePayload] would
// take what [Block.AppendPayload] writes. The error wraps [ErrPayload],
// [ErrSeq] or [ErrGenesis].
func (b *Block) Check() error {
	if err := b.check(); err != nil {
		return fmt.Errorf("envelope: %w", err)
	}
	return nil
}

func (b *Block) check() error {
	if err := checkIdentity(b.Gateway, b.Stream, b.Epoch); err != nil {
		return err
	}
	if err := checkSeq(b.Seq, b.Prev); err != nil {
		return err
	}
	for _, m := range [...]struct{ name, text string }{
		{"boot", b.Boot}, {"cfg", b.Config}, {"cat", b.Catalogue}, {"fw", b.Firmware},
	} {
		if len(m.text) > maxMark || !utf8.ValidString(m.text) {
			return fmt.Errorf("%w: %s is %d bytes: up to %d of UTF-8", ErrPayload, m.name, len(m.text), maxMark)
		}
	}
	if b.T0 < 0 || b.T0 > MaxSeq {
		return fmt.Errorf("%w: t0 is %d: 0 to 2^53", ErrPayload, b.T0)
	}
	if err := b.Clock.check(); err != nil {
		return err
	}
	if len(b.Heads) > maxHeads || len(b.Groups) > maxGroups || len(b.Events) > maxEvents {
		return fmt.Errorf("%w: %d heads, %d groups, %d events: at most %d, %d, %d", ErrPayload,
			len(b.Heads), len(b.Groups), len(b.Events), maxHeads, maxGroups, maxEvents)
	}
	for stream, h := range b.Heads {
		if !isName(stream, 32) || h.Seq < 1 || h.Seq > MaxSeq || !isHash(h.Hash) {
			return fmt.Errorf("%w: head of %q is block %d, hash %q", ErrPayload, stream, h.Seq, h.Hash)
		}
	}
	for i := range b.Groups {
		if err := b.Groups[i].check(); err != nil {
			return fmt.Errorf("%w: g[%d]: %w", ErrPayload, i, err)
		}
	}
	for i := range b.Events {
		if err := b.Events[i].check(); err != nil {
			return fmt.Errorf("%w: ev[%d]: %w", ErrPayload, i, err)
		}
	}
	return nil
}

func checkIdentity(gateway, stream, epoch string) error {
	if !isName(gateway, 32) || !isName(stream, 32) || !isName(epoch, 64) {
		return fmt.Errorf("%w: gw %q, stream %q, epoch %q: each of letters, digits, _ and -, up to 32, 32 and 64", ErrPayload, gateway, stream, epoch)
	}
	return nil
}

func checkSeq(seq uint64, prev string) error {
	switch {
	case seq < 1 || seq > MaxSeq:
		return fmt.Errorf("%w: seq is %d: 1 to 2^53", ErrSeq, seq)
	case seq == 1 && prev != Genesis:
		return fmt.Errorf("%w: prev of block 1 is %q: %s", ErrGenesis, prev, Genesis)
	case seq > 1 && prev == Genesis:
		return fmt.Errorf("%w: prev of block %d is %s: a hash", ErrGenesis, seq, Genesis)
	case seq > 1 && !isHash(prev):
		return fmt.Errorf("%w: prev is %q: base64url of 32 bytes", ErrPayload, prev)
	}
	return nil
}

func (c Clock) check() error {
	switch c.State {
	case ClockSync, ClockHoldover, ClockUnsync, ClockStepped:
	default:
		return fmt.Errorf("%w: clk.st is %q: sync, holdover, unsync or stepped", ErrPayload, c.State)
	}
	if c.ErrMs < -1 || c.ErrMs > MaxSeq || c.MonoMs < 0 || c.MonoMs > MaxSeq {
		return fmt.Errorf("%w: clk.err_ms %d, clk.mono_ms %d: from -1 and from 0 to 2^53", ErrPayload, c.ErrMs, c.MonoMs)
	}
	return nil
}

func (g *Group) check() error {
	if err := checkText("src", g.Source); err != nil {
		return err
	}
	switch g.Kind {
	case GroupLive, GroupMinute, GroupHour, GroupDay:
	default:
		return fmt.Errorf("k is %q: min, hour, day, or left out", g.Kind)
	}
	if n := len(g.Times); n < 1 || n > maxTimes {
		return fmt.Errorf("%d times: 1 to %d", n, maxTimes)
	}
	for _, t := range g.Times {
		if t < -MaxSeq || t > MaxSeq {
			return fmt.Errorf("time %d: -2^53 to 2^53", t)
		}
	}
	if g.Index > MaxSeq {
		return fmt.Errorf("i0 is %d: 0 to 2^53", g.Index)
	}
	if g.Raw != nil && len(g.Raw) != len(g.Times) {
		return fmt.Errorf("raw has %d entries for %d times", len(g.Raw), len(g.Times))
	}
	if len(g.Columns) == 0 && g.Raw == nil {
		return fmt.Errorf("neither values nor raw bytes")
	}
	var of [len(columnKinds)]int
	for i := range g.Columns {
		c := &g.Columns[i]
		if err := c.check(g); err != nil {
			return err
		}
		k := slices.Index(columnKinds[:], c.Kind)
		if of[k]++; of[k] > maxColumns {
			return fmt.Errorf("more than %d columns of kind %s", maxColumns, c.Kind)
		}
		for _, other := range g.Columns[:i] {
			if other.Point == c.Point && other.Kind == c.Kind {
				return fmt.Errorf("two columns %s of %q", c.Kind, c.Point)
			}
		}
	}
	return nil
}

func (c *Column) check(g *Group) error {
	if err := checkText("point", c.Point); err != nil {
		return err
	}
	if !slices.Contains(columnKinds[:], c.Kind) || (c.Kind == ColumnLive || c.Kind == ColumnZs) != (g.Kind == GroupLive) {
		return fmt.Errorf("column %q of %q in a group of kind %q", c.Kind, c.Point, g.Kind)
	}
	n := len(g.Times)
	if len(c.Values) != n || c.Flags != nil && len(c.Flags) != n || c.Causes != nil && len(c.Causes) != n {
		return fmt.Errorf("%s of %q has %d values, %d flags, %d causes for %d times",
			c.Kind, c.Point, len(c.Values), len(c.Flags), len(c.Causes), n)
	}
	for i, v := range c.Values {
		if len(v) > maxMark || !utf8.ValidString(v) {
			return fmt.Errorf("%s of %q: value %d is %d bytes: up to %d of UTF-8", c.Kind, c.Point, i, len(v), maxMark)
		}
	}
	for i, f := range c.Flags {
		if len(f) > maxName || !utf8.ValidString(f) {
			return fmt.Errorf("%s of %q: flag %d is %d bytes: up to %d of UTF-8", c.Kind, c.Point, i, len(f), maxName)
		}
	}
	for i, q := range c.Causes {
		if len(q) > maxName || !utf8.ValidString(q) {
			return fmt.Errorf("%s of %q: cause %d is %d bytes: up to %d of UTF-8", c.Kind, c.Point, i, len(q), maxName)
		}
		if q != "" && (c.Flags == nil || isNormal(c.Flags[i])) {
			return fmt.Errorf("%s of %q: cause %q where the flag is N", c.Kind, c.Point, q)
		}
	}
	return nil
}

func isNormal(flag string) bool { return flag == "" || flag == "N" }

func checkText(name, s string) error {
	if s == "" || len(s) > maxName || !utf8.ValidString(s) {
		return fmt.Errorf("%s %q: 1 to %d bytes of UTF-8", name, s, maxName)
	}
	return nil
}

// isName reports whether s can be part of a topic and of a key id.
func isName(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
