package hj212

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"
)

// Errors of [Joiner.Add].
var (
	// ErrPacket says that PNUM and PNO are no packet: one without the other, PNO over
	// PNUM, or more packets than the Joiner keeps.
	ErrPacket = errors.New("no packet")
	// ErrConflict says that the packet is there already with other content. The first
	// one stays.
	ErrConflict = errors.New("packet differs from the one before")
)

// JoinOptions bound what a [Joiner] keeps. The zero value is good for one platform
// connection.
type JoinOptions struct {
	Sets    int           // messages that are not whole yet; 0 is 64
	Packets int           // the highest PNUM that is taken; 0 is 256
	Bytes   int           // of all packets together, about, and as much again for Expire; 0 is 4 MiB
	Age     time.Duration // how long the first packet waits for the last; 0 is 5 minutes
}

// JoinStats count what a [Joiner] did.
type JoinStats struct {
	Whole      uint64 // messages joined from packets
	Repeated   uint64 // packets that came again as they were
	Conflicts  uint64 // packets that came again with other content
	Incomplete uint64 // messages that aged or were evicted with packets missing
	Lost       uint64 // those of them that were dropped before Expire was called
}

// A Partial is a message of which packets are missing.
type Partial struct {
	Message Message   // what is there, joined: its PNUM is 0 as if it were whole
	PNUM    int       // of how many packets
	Missing []int     // their numbers, in order
	First   time.Time // when the first packet came
	Evicted bool      // by newer ones, for want of room; else by age
}

// A Joiner puts messages together that came in packets (HJ 212-2017, tables C.49
// and C.50). Packets may come in any order, more than once, and not at all.
//
// Packets belong together that have the same MN, ST, CN, PNUM and DataTime. QN says
// nothing, as each packet has its own; only where there is no DataTime, QN stands
// for it. One message may follow another with the same of all these, as the series of
// [Split] do: packets of the one before that come again while the next is not whole are
// known by what is in them, and are not joined to it.
//
// A Joiner must not be used by two goroutines at once.
type Joiner struct {
	o     JoinOptions
	seed  maphash.Seed
	sets  map[joinKey]*joinSet
	order []*joinSet // oldest first
	open  int        // sets that are not whole
	bytes int        // of all sets
	ended []ended    // for Expire, oldest first
	kept  int        // bytes of ended
	now   time.Time
	stats JoinStats
	buf   []byte
}

type joinKey struct {
	mn, st, cn, time string
	pnum             int
}

type joinSet struct {
	key     joinKey
	first   time.Time
	packets []packet // by PNO; nil of a message that was handed out
	hashes  []uint64 // of such a message, to know packets that are sent again
	before  []uint64 // those of the message before it under the same key
}

type packet struct {
	pno  int
	hash uint64 // of the data area
	size int
	m    Message
}

type ended struct {
	partial Partial
	size    int
}

// NewJoiner returns a Joiner; fields of o that are 0 or less have their defaults.
func NewJoiner(o JoinOptions) *Joiner {
	orElse := func(n *int, standard int) {
		if *n <= 0 {
			*n = standard
		}
	}
	orElse(&o.Sets, 64)
	orElse(&o.Packets, 256)
	orElse(&o.Bytes, 4<<20)
	if o.Age <= 0 {
		o.Age = 5 * time.Minute
	}
	return &Joiner{o: o, seed: maphash.MakeSeed(), sets: make(map[joinKey]*joinSet)}
}

// Add takes a message, and returns the whole one where m was the last packet of it,
// or was no packet at all: ok says so. The whole message is packet 1 with the items of
// all packets in their order, DataTime once, PNUM and PNO 0 and their bit in Flag
// cleared.
//
// now is when m came. A time before an earlier one counts as that one, so that a
// clock that is set back does not keep packets longer.
//
// The error is [ErrPacket] or [ErrConflict], both with what was wrong; m is then not
// kept. A packet that came again as it was is no error, and changes nothing.
func (j *Joiner) Add(m Message, now time.Time) (whole Message, ok bool, err error) {
	j.age(now)
	if m.PNUM == 0 && m.PNO == 0 || m.PNUM == 1 && m.PNO == 1 {
		m.PNUM, m.PNO, m.Flag = 0, 0, m.Flag&^IsSplit
		return m, true, nil
	}
	if m.PNO < 1 || m.PNO > m.PNUM || m.PNUM > j.o.Packets {
		return Message{}, false, fmt.Errorf("hj212: join packet %d of %d, want 1 of 1 to %d of %d: %w",
			m.PNO, m.PNUM, j.o.Packets, j.o.Packets, ErrPacket)
	}

	key := joinKey{m.MN, m.ST, m.CN, "", m.PNUM}
	if t, ok := m.CP.Get("DataTime"); ok {
		key.time = t
	} else {
		key.time = "QN=" + m.QN
	}
	p := packet{pno: m.PNO, m: m, size: m.weight()}
	j.buf = m.CP.append(j.buf[:0])
	p.hash = maphash.Bytes(j.seed, j.buf)

	var before []uint64
	set := j.sets[key]
	if set != nil && set.whole() {
		if set.hashes[p.pno-1] == p.hash {
			j.stats.Repeated++
			return Message{}, false, nil
		}
		// A message of the same time after it, as Split makes them.
		before = set.hashes
		j.remove(set)
		set = nil
	}
	if set != nil {
		i, there := slices.BinarySearchFunc(set.packets, p.pno, func(q packet, pno int) int { return cmp.Compare(q.pno, pno) })
		switch {
		case there && set.packets[i].hash == p.hash, set.before != nil && set.before[p.pno-1] == p.hash:
			j.stats.Repeated++
			return Message{}, false, nil
		case there:
			j.stats.Conflicts++
			return Message{}, false, fmt.Errorf("hj212: join packet %d of %d of CN %s, %s: %w",
				m.PNO, m.PNUM, printable(shorten(m.CN)), printable(shorten(key.time)), ErrConflict)
		default:
			set.packets = slices.Insert(set.packets, i, p)
		}
	}
	if set == nil {
		// A copy, as the key outlives the segment that the strings are parts of.
		key = joinKey{strings.Clone(m.MN), strings.Clone(m.ST), strings.Clone(m.CN), strings.Clone(key.time), m.PNUM}
		set = &joinSet{key: key, first: j.now, packets: []packet{p}, before: before}
		j.sets[key] = set
		j.order = append(j.order, set)
		j.open++
	}
	j.bytes += p.size
	if len(set.packets) < set.key.pnum {
		j.makeRoom()
		return Message{}, false, nil
	}

	whole = set.join()
	set.hashes = make([]uint64, len(set.packets))
	for i := range set.packets {
		set.hashes[i] = set.packets[i].hash
		j.bytes -= set.packets[i].size
	}
	set.packets = nil
	j.open--
	j.stats.Whole++
	j.makeRoom()
	return whole, true, nil
}

// Expire returns the messages that packets are missing of, and that have waited
// longer than Age or had to make room for others; it returns each of them once. It is
// for the caller to call it now and then, say every minute: Add drops the oldest of
// them where they take more room than the options grant.
func (j *Joiner) Expire(now time.Time) []Partial {
	j.age(now)
	var out []Partial
	for i := range j.ended {
		out = append(out, j.ended[i].partial)
	}
	j.ended, j.kept = nil, 0
	return out
}

// Stats returns the counts so far.
func (j *Joiner) Stats() JoinStats { return j.stats }

// age ends what has waited too long by that time.
func (j *Joiner) age(now time.Time) {
	if now.After(j.now) {
		j.now = now
	}
	for len(j.order) > 0 && j.now.Sub(j.order[0].first) > j.o.Age {
		j.end(j.order[0], false)
	}
}

// makeRoom ends the oldest sets until what is left is within the options.
func (j *Joiner) makeRoom() {
	for j.open > j.o.Sets || j.bytes > j.o.Bytes {
		j.end(j.order[slices.IndexFunc(j.order, func(s *joinSet) bool { return !s.whole() })], true)
	}
	if len(j.order)-j.open > j.o.Sets {
		j.remove(j.order[slices.IndexFunc(j.order, (*joinSet).whole)])
	}
}

// end takes a set out, and keeps it for Expire if it is not whole.
func (j *Joiner) end(set *joinSet, evicted bool) {
	j.remove(set)
	if set.whole() {
		return
	}
	j.stats.Incomplete++
	e := ended{partial: Partial{Message: set.join(), PNUM: set.key.pnum, First: set.first, Evicted: evicted}}
	next := 1
	for i := range set.packets {
		for ; next < set.packets[i].pno; next++ {
			e.partial.Missing = append(e.partial.Missing, next)
		}
		next++
		e.size += set.packets[i].size
	}
	for ; next <= set.key.pnum; next++ {
		e.partial.Missing = append(e.partial.Missing, next)
	}
	e.size += 8 * len(e.partial.Missing)
	j.ended = append(j.ended, e)
	j.kept += e.size
	for len(j.ended) > j.o.Sets || j.kept > j.o.Bytes {
		j.kept -= j.ended[0].size
		j.ended = slices.Delete(j.ended, 0, 1)
		j.stats.Lost++
	}
}

func (j *Joiner) remove(set *joinSet) {
	delete(j.sets, set.key)
	i := slices.Index(j.order, set)
	j.order = slices.Delete(j.order, i, i+1)
	if !set.whole() {
		j.open--
	}
	for i := range set.packets {
		j.bytes -= set.packets[i].size
	}
}

func (s *joinSet) whole() bool { return s.packets == nil }

// join puts the packets that are there together.
func (s *joinSet) join() Message {
	m := s.packets[0].m
	m.PNUM, m.PNO, m.Flag = 0, 0, m.Flag&^IsSplit
	m.CP = slices.Clip(m.CP)
	for _, p := range s.packets[1:] {
		lead, items := p.m.CP.lead()
		if lead != nil && lead[0].Value == s.key.time {
			m.CP = append(m.CP, items...)
		} else {
			m.CP = append(m.CP, p.m.CP...)
		}
	}
	return m
}

// weight is about what a message takes in memory: the segment its strings are parts
// of, and the slices.
func (m *Message) weight() int {
	n := 512
	for _, item := range m.CP {
		n += 24 + item.size() + 1 + 32*len(item)
	}
	for i := range m.More {
		n += 32 + m.More[i].size() + 1
	}
	return n
}
