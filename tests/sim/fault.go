package sim

import "time"

// A Fault is what is wrong with a unit. The parts may be combined; the zero
// value is a healthy unit.
type Fault struct {
	Silent    bool          // no answer at all
	Late      time.Duration // each answer comes this much too late; the bus goes on meanwhile
	WrongCRC  bool          // one bit of the checksum is wrong; over Modbus TCP, of the transaction number
	Exception byte          // refuse every question with this code
	Before    []byte        // noise just before each answer
	After     []byte        // noise just after it
	Truncate  int           // bytes that are missing at the end of each answer
	Slow      time.Duration // pause after each byte of an answer
	Collide   bool          // another unit answers at the same time: bytes of both, mixed
	Echo      bool          // the question comes back before the answer, as on a half-duplex adapter

	Every int // only each so many-th question; 0 and 1: each
	Times int // questions until the unit is healthy again; 0: until SetFault
}

// An Outcome is what became of one answer.
type Outcome string

// Only the readings of Whole answers must arrive. Those that are WrongCRC,
// Truncated, Silent or Exception must not; of the others either is right.
const (
	Pending   Outcome = ""          // not yet on the wire
	Whole     Outcome = "whole"     // sent as it should be, at once
	Late      Outcome = "late"      // sent after Fault.Late
	Slow      Outcome = "slow"      // sent byte by byte
	Garbage   Outcome = "garbage"   // noise around it
	Echo      Outcome = "echo"      // after an echo of the question
	WrongCRC  Outcome = "wrong crc" // damaged
	Truncated Outcome = "truncated" // torn
	Dropped   Outcome = "dropped"   // the link went away before it was out
	Silent    Outcome = "silent"    // not answered
	Exception Outcome = "exception" // refused
	Other     Outcome = "other"     // answered, but for no numbered channel
)

// arrives says whether an answer with this outcome may be received, and
// whether it has to be.
func (o Outcome) arrives() (may, must bool) {
	switch o {
	case Whole:
		return true, true
	case WrongCRC, Truncated, Silent, Exception:
		return false, false
	}
	return true, false
}

// outcome is the worst thing that f does to an answer.
func (f Fault) outcome() Outcome {
	switch {
	case f.WrongCRC, f.Collide:
		return WrongCRC
	case f.Truncate > 0:
		return Truncated
	case f.Late > 0:
		return Late
	case f.Slow > 0:
		return Slow
	case len(f.Before)+len(f.After) > 0:
		return Garbage
	case f.Echo:
		return Echo
	}
	return Whole
}
