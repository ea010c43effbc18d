package drivers

import (
	"strconv"
	"time"
)

// A Reading is what became of one point in one poll: a value, or the reason
// why there is none. A value that could not be had is never a zero and never
// the last one again.
type Reading struct {
	// Point is the factor code of HJ 212, such as a34004, or a local name.
	Point string

	// Value is a decimal with the instrument's own digits ("12.50" is not
	// "12.5"), or a text where the template says so. It is empty where no
	// value could be had.
	Value string

	// Unit is the unit of Value as the template states it.
	Unit string

	// Flag is the data flag of HJ 212: N for a good value, else the reason's
	// letter. It is a string, as later editions have longer ones.
	Flag string

	// Cause is what the flag is too coarse to say; empty with flag N.
	Cause Cause
}

// A Cause says why a reading does not have flag N. The fixed ones are named
// below. Three are made up of a word and what it is about: exception-2 (see
// [CauseException]), status-NAME, and status- before the cause for which a
// status register could not be read, such as status-no-answer.
type Cause string

const (
	CauseNoAnswer   Cause = "no-answer"  // asked, and nothing came in time
	CauseCRC        Cause = "crc"        // an answer came, but damaged
	CauseBadAnswer  Cause = "bad-answer" // an answer came that does not fit the question
	CauseLine       Cause = "line"       // the bus itself failed, such as a port that is not there
	CauseNotAsked   Cause = "not-asked"  // the poll was broken off before this question
	CauseOffline    Cause = "offline"    // not asked, as the unit, or this block of it, has not been answering
	CauseStale      Cause = "stale"      // the instrument repeats an old value
	CauseSentinel   Cause = "sentinel"   // the instrument gave the number that means "no value"
	CauseUnreadable Cause = "unreadable" // the bits are no value of the type the template names
	CauseWarmUp     Cause = "warm-up"    // it answers again after a silence, and may have been switched on just now
	CauseRange      Cause = "range"      // the value is outside the valid range, and given all the same
	CauseSignalLow  Cause = "signal-low" // an analogue signal is so low that it says no value: wire broken, transmitter at fault
	CauseSignalHigh Cause = "signal-high"
	CauseStatus     Cause = "status" // the word before the name of the status point that set the flag
)

// CauseException is the cause for a Modbus exception with that code: the unit
// answered, and refused.
func CauseException(code byte) Cause {
	return "exception-" + Cause(strconv.Itoa(int(code)))
}

// A Sample is the readings of one request. They share source, time and index.
type Sample struct {
	// Source is the device's name for its first request that yields points,
	// name/2, name/3 and so on for the further ones. It stays the same for as
	// long as the template does.
	Source string

	// Device is the device's name.
	Device string

	// Time is when the question was put (or would have been).
	Time time.Time

	// Readings has each point of the request once, in the template's order.
	Readings []Reading

	// Raw is the answer's register bytes, if they were asked for as evidence
	// and all of them came; else nil.
	Raw []byte
}
