package drivers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"envgate/drivers/modbus"
)

// A Survey is one reading of what is set in an instrument, apart from its polls:
// question by question, so that the caller can put each into a gap.
type Survey struct {
	d        *Device
	at       int // the next question
	silences int // in a row
	settings []Setting
	clock    *ClockReading
}

// A Setting is what a parameter was found to be.
type Setting struct {
	*ParameterSpec // not to be changed

	// Value has the instrument's own digits. It is empty where none could be
	// had, which says nothing of what is set.
	Value string
}

// A ClockReading is an instrument's clock beside ours.
type ClockReading struct {
	Off time.Duration // the instrument's less ours
	At  time.Time     // ours, in the middle of the exchange
}

// Survey begins to read the device's settings. It is nil if the template names
// none. One survey of a device runs at a time.
func (d *Device) Survey() *Survey {
	if len(d.survey) == 0 {
		return nil
	}
	s := &Survey{d: d}
	for _, p := range d.t.Parameters() {
		s.settings = append(s.settings, Setting{ParameterSpec: p})
	}
	return s
}

// SurveyPlan returns the questions that the next survey puts, in their order.
func (d *Device) SurveyPlan() []modbus.Read {
	out := make([]modbus.Read, len(d.survey))
	for i := range d.survey {
		out[i] = d.question(&d.survey[i])
	}
	return out
}

// Done reports whether nothing is left to ask: all was asked, or the device did
// not answer two questions in a row.
func (s *Survey) Done() bool {
	return s.at >= len(s.d.survey) || s.silences >= silences
}

// Ask puts the next question. now tells the time. A question that fails is not
// put again in this survey; one that is refused for its address, as some
// instruments do where a read goes over a gap, is put in two parts from then on.
func (s *Survey) Ask(ctx context.Context, b Bus, now func() time.Time) error {
	r := s.d.survey[s.at]
	began := now()
	answer, err := s.d.ask(ctx, b, &r)
	ended := now()
	if err == nil {
		s.at, s.silences = s.at+1, 0
		s.take(&r, answer, began.Add(ended.Sub(began)/2))
		return nil
	}
	if errors.Is(err, modbus.ErrNoAnswer) {
		s.silences++
	} else {
		s.silences = 0
	}
	if e, ok := errors.AsType[*modbus.Exception](err); ok && e.Code == illegalAddress {
		if parts := split(r, s.d.t.surveyed); parts != nil {
			s.d.survey = append(s.d.survey[:s.at:s.at], append(parts, s.d.survey[s.at+1:]...)...)
			return nil
		}
	}
	s.at++
	return fmt.Errorf("survey %s: %w", s.d.o.Name, err)
}

// take reads the settings out of the answer to r.
func (s *Survey) take(r *read, answer []byte, at time.Time) {
	for _, i := range r.points {
		set, p := &s.d.t.settings[i], &s.d.t.surveyed[i]
		if set.form == nil {
			s.settings[i].Value = p.decode(r, answer).value
			continue
		}
		from := 2 * (p.address - r.address)
		t, text, ok := set.form.read(p, answer[from:from+2*p.count])
		switch {
		case !ok:
		case set.path == clockPath:
			s.clock = &ClockReading{Off: t.Sub(at), At: at}
		default:
			s.settings[i].Value = text
		}
	}
}

// Found returns all parameters, with the values that could be had so far, and
// the clock, nil if it could not be read.
func (s *Survey) Found() ([]Setting, *ClockReading) { return s.settings, s.clock }
