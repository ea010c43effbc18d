package sim

import "time"

// journalKeep is how many numbered readings a channel's journal keeps at
// least: four and a half hours at one a second.
const journalKeep = 1 << 14

// An Entry is one numbered reading of a channel.
type Entry struct {
	N       uint64
	Raw     int64     // the value, in units of the channel's last decimal
	Asked   time.Time // when the question was understood
	Sent    time.Time // when the answer was out, zero while Pending
	Outcome Outcome
}

// journal keeps the newest readings of one channel. Its owner's mutex guards
// it.
type journal struct {
	entries []Entry // of rising N, without holes
	last    uint64  // number of the newest reading
	whole   uint64  // readings sent whole, ever
}

// next starts the entry of a new reading and returns it to be filled in.
func (j *journal) next(now time.Time) *Entry {
	if len(j.entries) >= 2*journalKeep {
		n := copy(j.entries, j.entries[journalKeep:])
		j.entries = j.entries[:n]
	}
	j.last++
	j.entries = append(j.entries, Entry{N: j.last, Asked: now})
	return &j.entries[len(j.entries)-1]
}

// settle writes down what became of reading n.
func (j *journal) settle(n uint64, o Outcome, now time.Time) {
	if o == Whole {
		j.whole++
	}
	if len(j.entries) == 0 || n < j.entries[0].N {
		return // forgotten already
	}
	e := &j.entries[n-j.entries[0].N]
	e.Outcome, e.Sent = o, now
}
