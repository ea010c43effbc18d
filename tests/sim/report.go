package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Range is the numbers from First to Last.
type Range struct{ First, Last uint64 }

func (r Range) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// addTo appends n to ranges; numbers come rising.
func addTo(ranges []Range, n uint64) []Range {
	if k := len(ranges); k > 0 && ranges[k-1].Last+1 == n {
		ranges[k-1].Last = n
		return ranges
	}
	return append(ranges, Range{n, n})
}

// A ChannelReport is the account of one channel.
type ChannelReport struct {
	Instrument, Point string

	Sent     uint64 // readings that must arrive: answered whole and at once
	Received uint64 // of these, those that arrived, once or more
	Extra    uint64 // readings that might arrive, out of answers with a fault, and did
	Told     uint64 // readings that did not arrive, but a row says that it got no answer just then
	// ToldAfter is the longest time that one of the answers told took on the
	// instrument's side. Where it is short, the fault is not the instrument's.
	ToldAfter time.Duration
	Excused   uint64 // readings that did not arrive, of a time that was forgiven
	Empty     uint64 // rows without a value

	Missing    []Range  // readings that did not arrive, and nothing says why
	Duplicated []uint64 // readings that arrived again
	WrongOrder []uint64 // readings that arrived after a later one
	Spoiled    []uint64 // readings taken from an answer that was damaged or torn
	Stale      []uint64 // readings with a time that is not theirs
	Unsent     []Row    // values that the instrument never sent
	Misplaced  []Row    // rows whose index does not follow the one before
}

// Lost is the number of readings that are missing.
func (c *ChannelReport) Lost() uint64 {
	var n uint64
	for _, r := range c.Missing {
		n += r.Last - r.First + 1
	}
	return n
}

// Err says all that is wrong with the channel, in one line; nil for nothing.
func (c *ChannelReport) Err() error {
	var parts []string
	say := func(n int, format string, args ...any) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	say(len(c.Missing), "%d of %d missing (numbers %s)", c.Lost(), c.Sent, few(c.Missing))
	say(len(c.Duplicated), "%d twice (numbers %s)", len(c.Duplicated), few(c.Duplicated))
	say(len(c.WrongOrder), "%d in wrong order (numbers %s)", len(c.WrongOrder), few(c.WrongOrder))
	say(len(c.Spoiled), "%d from damaged answers (numbers %s)", len(c.Spoiled), few(c.Spoiled))
	say(len(c.Stale), "%d with a time not theirs (numbers %s)", len(c.Stale), few(c.Stale))
	if n := len(c.Unsent); n > 0 {
		r := c.Unsent[0]
		say(n, "%d never sent (first: %q at index %d)", n, r.Value, r.Index)
	}
	if n := len(c.Misplaced); n > 0 {
		r := c.Misplaced[0]
		say(n, "%d rows out of place (first: index %d of epoch %q)", n, r.Index, r.Epoch)
	}
	if parts == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %s", c.Instrument, c.Point, strings.Join(parts, "; "))
}

// few lists the first of a list.
func few[T any](list []T) string {
	const most = 8
	var b strings.Builder
	for i, v := range list {
		if i == most {
			b.WriteString(", ...")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, v)
	}
	return b.String()
}

// A Report is the account of all instruments.
type Report struct {
	Channels []ChannelReport // in the order of the instruments and their channels
	Strange  []Row           // rows of instruments that there are not
}

// Report closes the account. Nothing may be added afterwards.
func (a *Audit) Report() Report {
	r := Report{Strange: a.strange}
	for _, in := range a.instruments {
		for i := range in.channels {
			if l := a.ledgers[key{in.name, in.channels[i].Point}]; l != nil {
				l.close(a.excuses)
				r.Channels = append(r.Channels, l.report)
			}
		}
	}
	return r
}

// Sent is the number of readings that had to arrive.
func (r *Report) Sent() (n uint64) {
	for i := range r.Channels {
		n += r.Channels[i].Sent
	}
	return n
}

// Received is the number of readings that had to arrive, and did.
func (r *Report) Received() (n uint64) {
	for i := range r.Channels {
		n += r.Channels[i].Received
	}
	return n
}

// Extra is the number of readings that arrived out of answers with a fault.
func (r *Report) Extra() (n uint64) {
	for i := range r.Channels {
		n += r.Channels[i].Extra
	}
	return n
}

// Told is the number of readings that rows without a value account for.
func (r *Report) Told() (n uint64) {
	for i := range r.Channels {
		n += r.Channels[i].Told
	}
	return n
}

// ToldAfter is the longest of all channels.
func (r *Report) ToldAfter() (d time.Duration) {
	for i := range r.Channels {
		d = max(d, r.Channels[i].ToldAfter)
	}
	return d
}

// Excused is the number of readings that Excuse forgave.
func (r *Report) Excused() (n uint64) {
	for i := range r.Channels {
		n += r.Channels[i].Excused
	}
	return n
}

// Unaccounted is the number of readings that must be explained and are not:
// missing, twice, in wrong order, taken from a damaged answer, with a time not
// theirs, never sent, out of place, of nobody.
func (r *Report) Unaccounted() uint64 {
	n := uint64(len(r.Strange))
	for i := range r.Channels {
		c := &r.Channels[i]
		n += c.Lost()
		n += uint64(len(c.Duplicated) + len(c.WrongOrder) + len(c.Spoiled) + len(c.Stale) + len(c.Unsent) + len(c.Misplaced))
	}
	return n
}

// Err joins what is wrong, a line for each channel; nil for nothing.
func (r *Report) Err() error {
	var errs []error
	for i := range r.Channels {
		errs = append(errs, r.Channels[i].Err())
	}
	if n := len(r.Strange); n > 0 {
		errs = append(errs, fmt.Errorf("%d rows of instruments that there are not (first: %q)", n, r.Strange[0].Instrument))
	}
	return errors.Join(errs...)
}
