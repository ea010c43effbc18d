package sim

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"
)

// A Row is one reading as it was found at the far end.
type Row struct {
	Instrument string    // as New was told
	Point      string    // of the channel; "" means the instrument's first
	Epoch      string    // of the log it came through; indexes count anew in each
	Index      uint64    // place in its epoch, rising by one from row to row of a point
	Time       time.Time // when the program says it read the value; zero where unknown
	Value      string    // decimal; "" for a value that could not be had
	Flag       string    // "N", or what else was said of the value
}

// Tolerances of an Audit.
const (
	// Skew is how far the time of a row may be from the question that it
	// answers, before the row counts as stale.
	Skew = 5 * time.Second
	// ToldWithin is how far a row without a value may be from the question
	// whose answer it says it did not get.
	ToldWithin = 500 * time.Millisecond
)

// An Audit holds the rows of the far end against the journals of the
// instruments. Show it rows with [Audit.Add], each point's in the order of
// their place in the log, and ask for the [Audit.Report].
//
// The digits in a row's value say n modulo ten, a hundred or a thousand. Which
// n it was follows from the journal: a reading with that very value, and of
// those the one that was asked for nearest to the row's time, or, where the
// row has none, the next after the last.
type Audit struct {
	instruments []*Instrument
	ledgers     map[key]*ledger
	excuses     []span
	strange     []Row
}

// key names one channel.
type key struct{ instrument, point string }

// span is a time from and to, both inside.
type span struct{ from, to time.Time }

// ledger is the account of one channel.
type ledger struct {
	channel  *Channel
	entries  []Entry
	received []int           // rows that carried entries[i]
	byRaw    map[int64][]int // indexes of entries that were on the wire, by value
	last     int             // newest entry received, -1 for none
	empty    []time.Time     // rows without a value
	epoch    string
	index    uint64 // of the last row
	rows     int
	report   ChannelReport
}

// NewAudit takes the journals as they are now: the instruments must have
// fallen silent, and everything that was answered must have had its time to
// arrive, before what is missing can be called lost.
func NewAudit(instruments ...*Instrument) *Audit {
	a := &Audit{instruments: instruments, ledgers: map[key]*ledger{}}
	for _, in := range instruments {
		for i := range in.channels {
			c := &in.channels[i]
			if c.Digits == 0 {
				continue
			}
			l := &ledger{channel: c, last: -1, entries: in.Journal(c.Point), byRaw: map[int64][]int{}}
			l.received = make([]int, len(l.entries))
			for i, e := range l.entries {
				if e.Outcome != Silent && e.Outcome != Exception {
					l.byRaw[e.Raw] = append(l.byRaw[e.Raw], i)
				}
			}
			l.report = ChannelReport{Instrument: in.name, Point: c.Point}
			a.ledgers[key{in.name, c.Point}] = l
		}
	}
	return a
}

// Excuse forgives readings that were answered from one time to another, both
// inside, and did not arrive: those of the sealing interval before a kill.
// They are counted apart.
func (a *Audit) Excuse(from, to time.Time) {
	a.excuses = append(a.excuses, span{from, to})
}

// Add shows the audit one row. A row of an instrument that it does not know
// is kept for the report; a row of a point that is not numbered is passed
// over.
func (a *Audit) Add(r Row) {
	l := a.ledger(r)
	if l == nil {
		return
	}
	l.place(r)
	if r.Value == "" {
		l.report.Empty++
		if !r.Time.IsZero() {
			l.empty = append(l.empty, r.Time)
		}
		return
	}
	i, ok := l.find(r)
	if !ok {
		l.report.Unsent = append(l.report.Unsent, r)
		return
	}
	e := l.entries[i]
	l.received[i]++
	switch may, _ := e.Outcome.arrives(); {
	case !may:
		l.report.Spoiled = append(l.report.Spoiled, e.N)
	case l.received[i] > 1:
		l.report.Duplicated = append(l.report.Duplicated, e.N)
	case i < l.last:
		l.report.WrongOrder = append(l.report.WrongOrder, e.N)
	}
	if !r.Time.IsZero() && absolute(r.Time.Sub(e.Asked)) > Skew {
		l.report.Stale = append(l.report.Stale, e.N)
	}
	l.last = max(l.last, i)
}

// ledger finds the channel of a row, nil where there is none to judge.
func (a *Audit) ledger(r Row) *ledger {
	for _, in := range a.instruments {
		if in.name != r.Instrument {
			continue
		}
		if r.Point == "" && len(in.channels) > 0 {
			r.Point = in.channels[0].Point
		}
		return a.ledgers[key{in.name, r.Point}]
	}
	a.strange = append(a.strange, r)
	return nil
}

// place checks that a row's index follows the one before it.
func (l *ledger) place(r Row) {
	if l.rows > 0 && l.epoch == r.Epoch && r.Index != l.index+1 {
		l.report.Misplaced = append(l.report.Misplaced, r)
	}
	l.rows++
	l.epoch, l.index = r.Epoch, r.Index
}

// find is the journal entry that a row's value came from.
func (l *ledger) find(r Row) (i int, ok bool) {
	v, err := strconv.ParseFloat(r.Value, 64)
	if err != nil {
		return 0, false
	}
	v *= math.Pow10(l.channel.Decimals)
	whole := math.Round(v)
	if math.Abs(v-whole) > 1e-3 {
		return 0, false
	}
	candidates := l.byRaw[int64(whole)]
	if len(candidates) == 0 {
		return 0, false
	}
	if r.Time.IsZero() {
		for _, i := range candidates {
			if may, _ := l.entries[i].Outcome.arrives(); may && i > l.last {
				return i, true
			}
		}
		return candidates[len(candidates)-1], true
	}
	return slices.MinFunc(candidates, func(a, b int) int {
		da, db := absolute(r.Time.Sub(l.entries[a].Asked)), absolute(r.Time.Sub(l.entries[b].Asked))
		return cmp.Compare(da, db)
	}), true
}

// close counts what did not arrive.
func (l *ledger) close(excuses []span) {
	told := l.tell(excuses)
	for i, e := range l.entries {
		may, must := e.Outcome.arrives()
		if must {
			l.report.Sent++
		}
		switch {
		case l.received[i] > 0 && must:
			l.report.Received++
		case l.received[i] > 0 && may:
			l.report.Extra++
		case !must:
		case excused(excuses, e.Asked):
			l.report.Excused++
		case told[i]:
			l.report.Told++
			l.report.ToldAfter = max(l.report.ToldAfter, e.Sent.Sub(e.Asked))
		default:
			l.report.Missing = addTo(l.report.Missing, e.N)
		}
	}
}

// tell finds for each row without a value the question that it speaks of: the
// nearest that brought no value, be it for a fault or because a busy machine
// took the answer too late. A row speaks of one question.
func (l *ledger) tell(excuses []span) []bool {
	told := make([]bool, len(l.entries))
	for _, at := range l.empty {
		first, _ := slices.BinarySearchFunc(l.entries, at.Add(-ToldWithin), func(e Entry, t time.Time) int {
			return e.Asked.Compare(t)
		})
		best := -1
		for i := first; i < len(l.entries) && l.entries[i].Asked.Sub(at) <= ToldWithin; i++ {
			if told[i] || l.received[i] > 0 || excused(excuses, l.entries[i].Asked) {
				continue
			}
			if best < 0 || absolute(l.entries[i].Asked.Sub(at)) < absolute(l.entries[best].Asked.Sub(at)) {
				best = i
			}
		}
		if best >= 0 {
			told[best] = true
		}
	}
	return told
}

// excused says whether one of the spans holds at.
func excused(spans []span, at time.Time) bool {
	return slices.ContainsFunc(spans, func(s span) bool {
		return !at.Before(s.from) && !at.After(s.to)
	})
}

func absolute(d time.Duration) time.Duration {
	if d < 0 {
		return -d
	}
	return d
}
