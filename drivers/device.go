package drivers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"envgate/drivers/modbus"
	"envgate/hj212"
)

// Bus is where a device's questions go. Read returns packed bits for functions
// 1 and 2, and two bytes a register for 3 and 4; the caller owns them.
type Bus interface {
	Read(ctx context.Context, r modbus.Read) ([]byte, error)
}

// DeviceOptions say which instrument a device is.
type DeviceOptions struct {
	// Name is the device's name in the site, and the source of its samples.
	Name string

	// Unit is its address on the bus, 1 to 247.
	Unit byte

	// Template says what it can be asked. Devices may share one.
	Template *Template

	// Timeout is how long an answer may take; 0 is the line's own. It is never
	// shorter than the template says that the instrument takes.
	Timeout time.Duration

	// Interval is from poll to poll, 0 if unknown. It must not be shorter than
	// the template says that the instrument can bear.
	Interval time.Duration

	// LateWindow is the line's: how long it is lost to an answer that may still
	// come after the time-out.
	LateWindow time.Duration

	// Pause is the least time between two questions to this device.
	Pause time.Duration

	// Raw keeps each sample's register bytes as evidence.
	Raw bool
}

// A Device is one instrument on a bus. Its methods are not safe for concurrent
// use, but for Points and Missing, which may be called at any time.
type Device struct {
	o       DeviceOptions
	t       *Template
	groups  []group   // the plan, with what was learnt of refusals
	survey  []read    // the plan of a survey, likewise
	silent  bool      // no question of the last poll had an answer
	probe   int       // which group is asked while silent
	back    time.Time // when it answered again after a silence; zero: it always did
	lively  int       // the first group that answered in the last poll
	sources []string  // per group, "" for one without readings
}

// NewDevice makes a device. It asks nothing yet.
func NewDevice(o DeviceOptions) (*Device, error) {
	switch {
	case o.Name == "":
		return nil, errors.New("device has no name")
	case o.Template == nil || len(o.Template.plan) == 0:
		return nil, fmt.Errorf("device %s has no template", o.Name)
	case o.Unit < 1 || o.Unit > 247:
		return nil, fmt.Errorf("device %s: unit is %d: a Modbus unit is 1 to 247", o.Name, o.Unit)
	case o.Timeout < 0:
		return nil, fmt.Errorf("device %s: timeout is %s: want 0 or more", o.Name, o.Timeout)
	case o.Interval > 0 && o.Interval < o.Template.minInterval:
		return nil, fmt.Errorf("device %s: interval is %s: by its template %s it can be asked each %s",
			o.Name, o.Interval, o.Template.Name, o.Template.minInterval)
	}
	o.Timeout = max(o.Timeout, o.Template.timeout)
	d := &Device{o: o, t: o.Template}
	d.groups = append(d.groups, d.t.plan...)
	for i := range d.t.survey {
		d.survey = append(d.survey, d.t.survey[i].reads...)
	}
	n := 0
	for _, g := range d.groups {
		source := ""
		if g.yields {
			n++
			source = o.Name
			if n > 1 {
				source = fmt.Sprintf("%s/%d", o.Name, n)
			}
		}
		d.sources = append(d.sources, source)
	}
	return d, nil
}

// Plan returns the questions that the next poll puts, in their order.
func (d *Device) Plan() []modbus.Read {
	var out []modbus.Read
	for _, g := range d.groups {
		for i := range g.reads {
			out = append(out, d.question(&g.reads[i]))
		}
	}
	return out
}

// ask puts r and checks that the answer has the bytes that r asked for.
func (d *Device) ask(ctx context.Context, b Bus, r *read) ([]byte, error) {
	want := 2 * r.count
	if r.function <= 2 {
		want = (r.count + 7) / 8
	}
	answer, err := b.Read(ctx, d.question(r))
	if err == nil && len(answer) != want {
		err = fmt.Errorf("%w: %d bytes, want %d", modbus.ErrAnswer, len(answer), want)
	}
	return answer, err
}

func (d *Device) question(r *read) modbus.Read {
	return modbus.Read{
		Unit:     d.o.Unit,
		Function: r.function,
		Address:  uint16(r.address),
		Quantity: uint16(r.count),
		Timeout:  d.o.Timeout,
		Pause:    d.o.Pause,
	}
}

// A Point is what the catalogue says of one of a device's points.
type Point struct {
	Name     string // the code
	Chinese  string
	English  string
	Unit     string
	Decimals int    // -1: as the instrument gives them
	Source   string // of the samples that it is in

	// States says what 0 and 1 mean where the point is a state; empty else.
	States [2]string

	// Confidence is that of the point, or else of its template.
	Confidence string
}

// Points returns the device's points in the template's order.
func (d *Device) Points() []Point {
	at := make([]string, len(d.t.points))
	for i := range d.t.plan {
		for _, p := range d.t.plan[i].reads[0].points {
			at[p] = d.sources[i]
		}
	}
	var out []Point
	for i := range d.t.points {
		p := &d.t.points[i]
		if p.code == "" {
			continue
		}
		out = append(out, Point{
			Name: p.code, Chinese: p.names[0], English: p.names[1], Unit: p.unit, Decimals: p.places(),
			Source: at[i], States: p.states, Confidence: p.confidence,
		})
	}
	return out
}

// Evidence returns, by source, the question whose register bytes its samples have
// as Raw: as it was planned. Where the instrument refused it, and was asked in
// parts, the bytes are those of the parts, and fewer. It is nil for a device that
// keeps none.
func (d *Device) Evidence() map[string]modbus.Read {
	if !d.o.Raw {
		return nil
	}
	out := make(map[string]modbus.Read)
	for i, source := range d.sources {
		if source != "" {
			out[source] = d.question(&d.t.plan[i].reads[0])
		}
	}
	return out
}

// Parameters returns what is set in the instrument and can be read.
func (d *Device) Parameters() []*ParameterSpec { return d.t.Parameters() }

// Needs returns what the template says the instrument needs: the least time from
// question to question of different polls, and how long it warms up after power-on.
func (d *Device) Needs() (interval, warmUp time.Duration) { return d.t.minInterval, d.t.warmUp }

// Missing returns the samples of a poll that did not happen, each point with
// flag B and that cause.
func (d *Device) Missing(at time.Time, c Cause) []Sample {
	outcomes := make([]outcome, len(d.t.points))
	for i := range outcomes {
		outcomes[i] = missing(hj212.FlagComm, c)
	}
	times := make([]time.Time, len(d.groups))
	for i := range times {
		times[i] = at
	}
	return d.samples(outcomes, times, nil)
}

// Silent reports whether the last poll had no answer to any question. An error
// of Poll that is [modbus.ErrNoAnswer] says so much of one question only.
func (d *Device) Silent() bool { return d.silent }

// samples puts the outcomes together by group. raw may be nil.
func (d *Device) samples(outcomes []outcome, times []time.Time, raw [][]byte) []Sample {
	var out []Sample
	for i := range d.groups {
		if d.sources[i] == "" {
			continue
		}
		points := d.t.plan[i].reads[0].points
		s := Sample{Source: d.sources[i], Device: d.o.Name, Time: times[i], Readings: make([]Reading, 0, len(points))}
		if raw != nil {
			s.Raw = raw[i]
		}
		for _, at := range points {
			p, o := &d.t.points[at], &outcomes[at]
			if p.code != "" {
				s.Readings = append(s.Readings, Reading{p.code, o.value, p.unit, o.flag, o.cause})
			}
		}
		out = append(out, s)
	}
	return out
}
