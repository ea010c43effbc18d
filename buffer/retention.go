package buffer

import (
	"encoding/binary"
	"math"
	"sort"
	"time"
)

// A mark is an entry of the sparse time index: the wall time of a block. The
// blocks before it are at least as old. Blocks whose time is not known, or is
// before clockSane, get none; so a gateway that starts in 1970 ages its first
// blocks from the moment its clock came good, and not by 56 years at once.
type mark struct {
	seq uint64
	at  int64 // Unix ms
}

const (
	// marksPerAge is how many marks a stream's maximum age is divided into.
	marksPerAge = 256

	// marksApart is how many blocks lie between marks at least when the clock
	// runs back, so that a clock that jumps to and fro cannot fill the index.
	marksApart = 32

	// dueBlocks bounds what one call of Due returns: about half a megabyte.
	dueBlocks = 512
)

// clockSane is before any time this program can run at.
var clockSane = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

func (m mark) entry(stream string) (key, value []byte) {
	key = append(append(make([]byte, 0, len(stream)+9), stream...), 0)
	return binary.BigEndian.AppendUint64(key, m.seq), binary.BigEndian.AppendUint64(nil, uint64(m.at))
}

func parseMark(key, value []byte) (stream string, m mark, ok bool) {
	n := len(key) - 9
	if n < 1 || key[n] != 0 || len(value) != 8 {
		return "", m, false
	}
	m.seq = binary.BigEndian.Uint64(key[n+1:])
	m.at = int64(binary.BigEndian.Uint64(value))
	return string(key[:n]), m, true
}

// wantsMark reports whether a block of time at deserves a mark, last being the
// newest mark.
func wantsMark(last *mark, seq uint64, at int64, maxAge time.Duration) bool {
	if at < clockSane {
		return false
	}
	if last == nil {
		return true
	}
	gap := int64(24 * time.Hour / time.Millisecond)
	if maxAge > 0 {
		gap = max(maxAge.Milliseconds()/marksPerAge, 1)
	}
	d := at - last.at
	return d >= gap || d <= -gap && seq >= last.seq+marksApart
}

// agedOut returns the seq below which all blocks are older than maxAge, or 0.
//
// Marks count only where time runs forward: a mark behind an earlier one, or
// ahead of now, is from a clock that was wrong then, and says nothing.
func agedOut(marks []mark, now time.Time, maxAge time.Duration) uint64 {
	if maxAge <= 0 {
		return 0
	}
	var newest int64
	var seq uint64
	cutoff, ahead := now.Add(-maxAge).UnixMilli(), now.Add(24*time.Hour).UnixMilli()
	for _, m := range marks {
		if m.at < newest || m.at > ahead {
			continue
		}
		if m.at >= cutoff {
			break
		}
		newest, seq = m.at, m.seq+1
	}
	return seq
}

// An Eviction is a range of blocks to delete: From is the stream's first block
// (or follows an eviction before it), To is within.
type Eviction struct {
	Stream   string
	From, To uint64

	// Acked says that all cursors of the stream have the blocks. If not, they
	// are lost to somebody: tell of them before they go, in the same Batch.
	Acked bool
}

// Due returns what retention would delete at now: blocks older than their
// stream's MaxAge that every cursor has; and, when the budget is used up,
// acknowledged blocks of streams beyond their share, then of any stream, and
// only then blocks that some cursor lacks, from the stream that exceeds its
// share most. The newest block of a stream always stays.
//
// One call returns 512 blocks at most, so that the commit stays short; ask
// again with each Append. Nothing is deleted before [Log.Append] gets the
// evictions. The room they make can be used by the commit after theirs. Until
// AddCursor was called for a stream, nobody lacks its blocks: add cursors
// before the first call.
func (l *Log) Due(now time.Time) []Eviction {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.store == nil {
		return nil
	}
	d := due{log: l, left: dueBlocks, next: map[string]uint64{}}
	d.byAge(now)
	d.byBudget()
	return d.out
}

// due gathers evictions. The log's mu is held for reading.
type due struct {
	log   *Log
	left  int64             // blocks that may still be taken
	freed int64             // bytes taken, about
	next  map[string]uint64 // stream → first block not taken
	out   []Eviction
}

func (d *due) first(name string) uint64 {
	return max(d.next[name], d.log.streams[name].first)
}

// take evicts the blocks of a stream below end. Whether they are acknowledged
// is the caller's word.
func (d *due) take(name string, end uint64, acked bool) {
	s, from := d.log.streams[name], d.first(name)
	end = min(end, s.head, from+uint64(d.left))
	if end <= from {
		return
	}
	d.left -= int64(end - from)
	d.freed += int64(end-from) * (s.bytes/int64(s.blocks()) + elemSize + 8)
	d.next[name] = end
	d.out = append(d.out, Eviction{Stream: name, From: from, To: end - 1, Acked: acked})
}

func (d *due) byAge(now time.Time) {
	type old struct {
		name string
		end  uint64
		at   int64
	}
	var olds []old
	for _, o := range d.log.o.Streams {
		s := d.log.streams[o.Name]
		end := min(agedOut(s.marks, now, o.MaxAge), d.log.settled(o.Name)+1)
		if end > s.first && len(s.marks) > 0 {
			olds = append(olds, old{o.Name, end, s.marks[0].at})
		}
	}
	sort.Slice(olds, func(i, j int) bool { return olds[i].at < olds[j].at })
	for _, o := range olds {
		d.take(o.name, o.end, true)
	}
}

func (d *due) byBudget() {
	u, err := d.log.store.usage()
	if err != nil {
		return
	}
	lim := d.log.store.limits
	top := lim.top()
	need := (u.high - u.free - top + lim.pages/64 + 1) * pageSize
	if u.high-u.free <= top {
		if d.log.pressed == pressNone {
			return
		}
		need = lim.size / 32 // there is room, but not in one piece or not on the disk
	}
	for _, acked := range []bool{true, false} {
		if !acked && u.high-u.free <= top && d.log.pressed != pressBudget {
			return // a full disk is nobody's reason to lose what was not delivered
		}
		for _, name := range d.byExcess() {
			missing := need - d.freed
			if missing <= 0 || d.left <= 0 {
				return
			}
			s := d.log.streams[name]
			each := max(s.bytes/int64(max(s.blocks(), 1)), 1) + elemSize + 8
			end := d.first(name) + uint64(missing/each) + 1
			if acked {
				end = min(end, d.log.settled(name)+1)
			}
			d.take(name, end, acked || end <= d.log.settled(name)+1)
		}
	}
}

// byExcess returns the streams, the one that exceeds its share most first: in parts of
// that share, not in bytes, as all of them together have a little less than the budget, and
// a small share would be gone before a large one is touched.
func (d *due) byExcess() []string {
	shares := d.log.o.shares()
	excess := map[string]float64{}
	var names []string
	for name, s := range d.log.streams {
		names = append(names, name)
		excess[name] = math.Inf(1)
		if share := shares[name]; share > 0 {
			excess[name] = float64(s.bytes) / share
		}
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := names[i], names[j]
		return excess[a] > excess[b] || excess[a] == excess[b] && a < b
	})
	return names
}

// shares returns each stream's part of the budget. Streams that name none
// divide what the others leave; if all name too much, they get less.
func (o *Options) shares() map[string]float64 {
	shares := map[string]float64{}
	var sum, open float64
	for _, s := range o.Streams {
		shares[s.Name] = max(s.Share, 0)
		sum += shares[s.Name]
		if s.Share <= 0 {
			open++
		}
	}
	for name, share := range shares {
		switch {
		case share == 0:
			shares[name] = max(1-sum, 0) / open
		case sum > 1:
			shares[name] = share / sum
		}
	}
	return shares
}

// settled returns up to which seq every cursor of the stream has its blocks.
// The log's mu is held.
func (l *Log) settled(name string) uint64 {
	upto := l.streams[name].head
	for _, c := range l.cursors {
		if p := c[name]; p != nil {
			upto = min(upto, max(p.set.upto(), l.streams[name].first-1))
		}
	}
	return upto
}
