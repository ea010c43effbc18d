package drivers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"envgate/drivers/modbus"
	"envgate/hj212"
)

// maxSplits bounds how often one poll tries a refused question in two parts.
const maxSplits = 6

// silences is how many unanswered questions a poll begins with at most, before it is
// given up.
const silences = 2

// Poll asks the device everything once. now tells the time of each question; it is
// called just before the question, and may take the bus for something more urgent.
//
// The samples are complete whatever happens: each point is in them, the ones
// that could not be had with flag and cause. The error is the first thing that
// went wrong with a question, for the state of the device and for the log; it
// unwraps to the bus's own, such as [modbus.ErrNoAnswer].
//
// A failed question loses its own points only, and the points that depend on a
// status that could not be read keep their values, with a flag. A question that
// goes unanswered while others are answered is put ever more rarely.
//
// A device that answers neither of the first two questions is asked no more in
// this poll. One that gave no answer at all in its last poll is asked one
// question, each time another, until it answers.
func (d *Device) Poll(ctx context.Context, b Bus, now func() time.Time) ([]Sample, error) {
	p := poll{
		d:        d,
		bus:      b,
		outcomes: make([]outcome, len(d.t.points)),
		times:    make([]time.Time, len(d.groups)),
		raw:      make([][]byte, len(d.groups)),
	}
	for i := range p.outcomes {
		p.outcomes[i] = missing(hj212.FlagComm, CauseNotAsked)
	}
	first, limit := d.lively, silences
	if d.silent {
		first, limit = d.probe%len(d.groups), 1
		d.probe++
	}
	fates := make([]fate, len(d.groups))
	unanswered := 0
	rest := d.mayRest(now())
	for k := range d.groups {
		i := (first + k) % len(d.groups)
		p.times[i] = now()
		if err := ctx.Err(); err != nil {
			p.fail(err)
			continue
		}
		if unanswered >= limit && !p.answered || rest && d.groups[i].resting(p.times[i]) {
			p.lose(d.groups[i].reads, hj212.FlagComm, CauseOffline)
			continue
		}
		p.fate = untold
		p.ask(ctx, i)
		if fates[i] = p.fate; p.fate == lost {
			unanswered++
		}
	}
	if p.answered {
		d.learn(fates, now)
	}
	if d.silent && p.answered {
		d.back = p.times[first]
	}
	if p.answered || p.silence {
		d.silent = !p.answered
	}
	if p.err != nil {
		p.err = fmt.Errorf("poll %s: %w", d.o.Name, p.err)
	}
	d.convert(p.outcomes)
	d.judge(p.outcomes)
	if !d.back.IsZero() && p.times[first].Sub(d.back) < d.t.warmUp {
		warmingUp(p.outcomes)
	}
	return d.samples(p.outcomes, p.times, p.raw), p.err
}

// A poll is the state of one Poll.
type poll struct {
	d        *Device
	bus      Bus
	outcomes []outcome   // per point
	times    []time.Time // per group
	raw      [][]byte    // per group
	answered bool        // something came, if only an exception or a damaged answer
	silence  bool        // a question had no answer
	fate     fate        // of the group at work
	splits   int
	err      error // the first
}

func (p *poll) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// lose marks all points of the reads.
func (p *poll) lose(reads []read, flag string, cause Cause) {
	for _, r := range reads {
		for _, i := range r.points {
			p.outcomes[i] = missing(flag, cause)
		}
	}
}

// ask puts the questions of a group.
func (p *poll) ask(ctx context.Context, i int) {
	g := &p.d.groups[i]
	var reads []read
	var raw []byte
	whole := true
	for _, r := range g.reads {
		next, answer, ok := p.read(ctx, r)
		reads, raw, whole = append(reads, next...), append(raw, answer...), whole && ok
	}
	g.reads = reads
	if p.d.o.Raw && whole {
		p.raw[i] = raw
	}
}

// read asks r. If the instrument refuses the address, as some do where a read
// goes over a gap, it asks in parts; these are kept if any of them is answered.
// One that goes on being refused whole and in parts is tried in parts ever
// more rarely, so that an instrument which refuses everything costs little.
//
// It returns the reads for the next poll, the register bytes that came, and
// whether those are all.
func (p *poll) read(ctx context.Context, r read) (next []read, raw []byte, ok bool) {
	raw, err := p.question(ctx, &r)
	if err == nil {
		r.refused = 0
		return []read{r}, raw, true
	}
	var exception *modbus.Exception
	if !errors.As(err, &exception) || exception.Code != illegalAddress {
		p.fail(err)
		return []read{r}, nil, false
	}
	r.refused++
	parts := split(r, p.d.t.points)
	if parts != nil && r.refused&(r.refused-1) == 0 && p.splits < maxSplits {
		p.splits++
		ok = true
		for _, part := range parts {
			n, b, all := p.read(ctx, part)
			next, raw, ok = append(next, n...), append(raw, b...), ok && all
		}
	}
	if len(raw) == 0 {
		p.fail(err)
		return []read{r}, nil, false
	}
	return next, raw, ok
}

// illegalAddress is the exception for an address that is not there (Modbus
// application protocol V1.1b3, 7).
const illegalAddress = 2

// question puts one question and settles the outcome of each of its points.
func (p *poll) question(ctx context.Context, r *read) ([]byte, error) {
	answer, err := p.d.ask(ctx, p.bus, r)
	if err != nil {
		flag, cause := reason(err)
		p.lose([]read{*r}, flag, cause)
		if errors.Is(err, modbus.ErrNoAnswer) {
			p.silence, p.fate = true, lost
		} else if cause != CauseLine && cause != CauseNotAsked {
			p.answered = true
			if cause == CauseCRC || cause == CauseBadAnswer {
				p.fate = lost
			} else {
				p.fate = max(p.fate, told)
			}
		}
		return nil, err
	}
	p.answered, p.fate = true, max(p.fate, told)
	for _, i := range r.points {
		p.outcomes[i] = p.d.t.points[i].decode(r, answer)
	}
	return answer, nil
}

// reason is the flag and the cause for which a question failed. An instrument
// that answers with an exception is at fault (D), unless it says that it is
// busy or that what is behind it does not answer, which will pass; all else is
// broken communication (B).
func reason(err error) (flag string, cause Cause) {
	var exception *modbus.Exception
	switch {
	case errors.As(err, &exception):
		flag = hj212.FlagFault
		switch exception.Code {
		case 5, 6, 10, 11: // acknowledge, busy, gateway path, gateway target
			flag = hj212.FlagComm
		}
		return flag, CauseException(exception.Code)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return hj212.FlagComm, CauseNotAsked
	case errors.Is(err, modbus.ErrNoAnswer):
		return hj212.FlagComm, CauseNoAnswer
	case errors.Is(err, modbus.ErrCRC):
		return hj212.FlagComm, CauseCRC
	case errors.Is(err, modbus.ErrAnswer):
		return hj212.FlagComm, CauseBadAnswer
	}
	return hj212.FlagComm, CauseLine
}

// warmingUp flags what is given as good: the instrument may have been switched
// on just now.
func warmingUp(outcomes []outcome) {
	for i := range outcomes {
		if o := &outcomes[i]; o.flag == hj212.FlagNormal {
			o.flag, o.cause = hj212.FlagOut, CauseWarmUp
		}
	}
}

// convert brings values into the template's units, where a register says in
// which the instrument gives them. A value whose unit is not known is none.
func (d *Device) convert(outcomes []outcome) {
	for i := range d.t.points {
		unit := &outcomes[i]
		known := make(map[int]*decimal) // by point; nil: its unit is not in the list
		for _, r := range d.t.points[i].rules {
			if r.times == nil {
				continue
			}
			for _, at := range r.points {
				if known[at] == nil {
					known[at] = nil
					if unit.answered && r.holds(unit.bits) {
						known[at] = r.times
					}
				}
			}
		}
		for at, times := range known {
			o, p := &outcomes[at], &d.t.points[at]
			switch {
			case o.value == "":
			case times != nil:
				*o = p.number(o.bits, times)
			case unit.answered:
				*o = missing(hj212.FlagFault, CauseStatus+"-"+Cause(d.t.points[i].status))
			default:
				*o = missing(unit.flag, CauseStatus+"-"+unit.cause)
			}
		}
	}
}

// judge sets the flags that status points ask for. A rule that holds goes
// before one that cannot be judged, and among those that hold the template's
// first. A point without a value keeps its flag, unless a sentinel stands in
// its place: an instrument that shows nothing while it is calibrated is being
// calibrated, not broken.
func (d *Device) judge(outcomes []outcome) {
	judged := make([]bool, len(outcomes))
	for i := range d.t.points {
		if !outcomes[i].answered {
			continue
		}
		for _, r := range d.t.points[i].rules {
			if r.times != nil || !r.holds(outcomes[i].bits) {
				continue
			}
			for _, at := range r.points {
				if o := &outcomes[at]; o.answered && !judged[at] {
					o.flag, o.cause = r.flag, CauseStatus+"-"+Cause(d.t.points[i].status)
					judged[at] = true
				}
			}
		}
	}
	for i := range d.t.points {
		if outcomes[i].answered {
			continue
		}
		for _, r := range d.t.points[i].rules {
			if r.times != nil {
				continue
			}
			for _, at := range r.points {
				if o := &outcomes[at]; o.value != "" && !judged[at] {
					o.flag, o.cause = outcomes[i].flag, CauseStatus+"-"+outcomes[i].cause
					judged[at] = true
				}
			}
		}
	}
}
