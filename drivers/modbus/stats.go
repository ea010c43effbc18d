package modbus

import "sync/atomic"

// Stats are counts since the line was made. They are read one after the other,
// so sums between them may be off by what happens meanwhile.
type Stats struct {
	Questions  uint64 // put on the wire
	Answers    uint64 // that fitted, exceptions not included
	Exceptions uint64 // refusals by a unit
	NoAnswer   uint64 // time-outs, cut answers included
	CRC        uint64 // answers damaged on the way
	Misfits    uint64 // sound answers to something else
	Late       uint64 // answers that came after the time-out and were dropped
	Foreign    uint64 // frames of other units that were passed over
	Echoes     uint64 // own questions heard on the line
	Skipped    uint64 // bytes that belong to no frame: noise
	Reopens    uint64 // times the port or connection was opened after the first
	Failures   uint64 // times opening failed, or an open one broke
}

// counters is Stats as the owner writes it and anyone reads it.
type counters struct {
	questions, answers, exceptions, noAnswer, crc, misfits,
	late, foreign, echoes, skipped, opens, failures atomic.Uint64

	taps taps // who listens along
}

func (c *counters) stats() Stats {
	s := Stats{
		Questions:  c.questions.Load(),
		Answers:    c.answers.Load(),
		Exceptions: c.exceptions.Load(),
		NoAnswer:   c.noAnswer.Load(),
		CRC:        c.crc.Load(),
		Misfits:    c.misfits.Load(),
		Late:       c.late.Load(),
		Foreign:    c.foreign.Load(),
		Echoes:     c.echoes.Load(),
		Skipped:    c.skipped.Load(),
		Failures:   c.failures.Load(),
	}
	if n := c.opens.Load(); n > 0 {
		s.Reopens = n - 1
	}
	return s
}
