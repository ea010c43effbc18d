package drivers

import (
	"fmt"
	"slices"
	"time"

	"envgate/hj212"
)

// A talker is a device, and what is known of it. It is guarded by its Logger's mu, but
// for what NewLogger set.
type talker struct {
	LoggerDevice
	mapped map[string]LoggerFactor // by code
	points map[string]bool         // true: mapped, false: came by itself

	heard   time.Time // when real-time data came last
	copies  time.Time // when a copy came last
	due     time.Time // when something will be missing
	offline bool
	full    bool // that there are too many points was said

	seen []seen // what came lately, oldest first

	off    time.Duration // by which the clock was said to be off
	offAt  time.Time     // when
	astray bool          // the clock was said to be wrong
}

type seen struct {
	sum uint64
	at  time.Time
}

func newTalker(d LoggerDevice) (*talker, error) {
	t := &talker{LoggerDevice: d, mapped: map[string]LoggerFactor{}, points: map[string]bool{}}
	t.Factors = slices.Clone(d.Factors)
	for i := range t.Factors {
		f := &t.Factors[i]
		code, kind := hj212.Param{Name: f.Code}.Cut()
		if !isCode(code) || kind != "" && kind != kindRtd && kind != kindZsRtd {
			return nil, fmt.Errorf("factor %q: want a code such as a34004, or with its kind, a21026-ZsRtd", f.Code)
		}
		f.Code = code
		if kind == kindZsRtd {
			f.Code += "-" + kind
		}
		if f.Point == "" {
			f.Point = pointOf(code, kind)
		}
		if !isCode(f.Point) || t.points[f.Point] {
			return nil, fmt.Errorf("factor %s: point %q: want letters, digits or _, 32 at most, and each once", f.Code, f.Point)
		}
		if _, twice := t.mapped[f.Code]; twice {
			return nil, fmt.Errorf("factor %s stands there twice", f.Code)
		}
		t.mapped[f.Code], t.points[f.Point] = *f, true
	}
	return t, nil
}

// patience is for how long the device may say nothing.
func (t *talker) patience() time.Duration { return max(3*t.Interval, leastSilence) }

// copied says whether m came before, perhaps over another connection. A message with
// neither QN nor DataTime has nothing to tell a copy by.
func (t *talker) copied(m *hj212.Message, again bool, sum uint64, now time.Time) bool {
	if _, timed := m.CP.Get("DataTime"); m.Answers() == "" && !timed {
		return false
	}
	old := 0
	for old < len(t.seen) && now.Sub(t.seen[old].at) > seenFor {
		old++
	}
	t.seen = slices.Delete(t.seen, 0, max(old, len(t.seen)+1-maxSeen))
	if again || slices.ContainsFunc(t.seen, func(s seen) bool { return s.sum == sum }) {
		return true
	}
	t.seen = append(t.seen, seen{sum, now})
	return false
}

// The parameters of a factor in real-time data (HJ 212-2017, table 6 and C.14).
const (
	kindRtd   = "Rtd"
	kindZsRtd = "ZsRtd"
	kindFlag  = "Flag"
)

// pointOf is the point of a factor that is not mapped. The hyphen is left out, see
// [ValidCode].
func pointOf(code, kind string) string {
	if kind == kindZsRtd {
		return code + "_" + kind
	}
	return code
}

// readings are those of a message, each point once. unread counts factors that could
// not be taken; full is the first point that was one too many.
//
// Seen in the field: the flag in an item of its own, with a semicolon before it. It is
// looked for in the whole area.
func (t *talker) readings(m *hj212.Message) (out []Reading, unread int, full string) {
	flags := map[string]string{}
	for _, item := range m.CP {
		for _, p := range item {
			if code, kind := p.Cut(); kind == kindFlag && flags[code] == "" {
				flags[code] = p.Value
			}
		}
	}
	taken := map[string]bool{}
	for _, item := range m.CP {
		for _, p := range item {
			code, kind := p.Cut()
			if kind != kindRtd && kind != kindZsRtd {
				continue
			}
			key := code
			if kind == kindZsRtd {
				key = p.Name
			}
			f, mapped := t.mapped[key]
			if !mapped {
				f = LoggerFactor{Code: key, Point: pointOf(code, kind)}
			}
			already, known := t.points[f.Point]
			switch {
			case !isCode(f.Point), taken[f.Point], known && already != mapped:
				unread++ // no name, twice, or the name of another factor's point
				continue
			case !known && len(t.points)-len(t.mapped) >= maxUnmapped:
				unread++
				if full == "" {
					full = f.Point
				}
				continue
			}
			if !known {
				t.points[f.Point] = false
			}
			taken[f.Point] = true
			r := Reading{Point: f.Point, Unit: f.Unit}
			r.Value, r.Flag, r.Cause = judgeValue(p.Value, flags[code])
			if m.RF && r.Flag == hj212.FlagNormal {
				r.Flag, r.Cause = hj212.FlagComm, CauseLate
			}
			out = append(out, r)
		}
	}
	return out, unread, full
}

// judgeValue is what a value and its flag in a frame come to. What is no number is no
// value, and no normal one whatever its flag says.
func judgeValue(text, own string) (value, flag string, cause Cause) {
	switch {
	case own == "":
		flag = hj212.FlagNormal
	case isCode(own) && len(own) <= 4:
		flag = own
	default:
		return "", hj212.FlagFault, CauseUnreadable
	}
	switch {
	case isNumber(text):
		if flag != hj212.FlagNormal {
			cause = CauseInstrument
		}
		return text, flag, cause
	case flag == hj212.FlagNormal:
		return "", hj212.FlagFault, CauseUnreadable
	case text == "":
		return "", flag, CauseInstrument
	}
	return "", flag, CauseUnreadable
}

// isNumber says whether s is a decimal: digits, with or without a minus and a point
// between them, 24 at most.
func isNumber(s string) bool {
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	points := 0
	for i := range len(s) {
		switch {
		case isDigit(s[i]):
		case s[i] == '.' && i > 0 && i < len(s)-1 && points == 0:
			points++
		default:
			return false
		}
	}
	return s != "" && len(s) <= 24
}

// isCode says whether s can name a factor or a point. Factors of HJ/T 212-2005 may
// begin with a digit, which [ValidCode] does not take.
func isCode(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && !isLetter(c) && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// clock compares the message's DataTime with ours.
func (t *talker) clock(m *hj212.Message, now time.Time) (e LoggerEvent, ok bool) {
	at, err := m.CP.Time("DataTime")
	if err != nil {
		return e, false
	}
	off := at.Sub(now).Round(time.Second)
	bound := max(clockBound, t.Interval)
	wrong := off.Abs() > bound
	if wrong == t.astray && (!wrong || (off-t.off).Abs() <= bound) || !t.offAt.IsZero() && now.Sub(t.offAt) < clockPace {
		return e, false
	}
	e = LoggerEvent{Type: LoggerClock, Subject: t.Name, New: off.String(), Why: "the instrument's clock is off ours; readings have ours"}
	if t.astray {
		e.Old = t.off.String()
	}
	if !wrong {
		e.Why = "the instrument's clock is right again"
	}
	t.astray, t.off, t.offAt = wrong, off, now
	return e, true
}

// missing is the sample of a device that did not speak.
func (t *talker) missing(at time.Time, c Cause) Sample {
	s := Sample{Source: t.Name, Device: t.Name, Time: at}
	for _, f := range t.Factors {
		s.Readings = append(s.Readings, Reading{Point: f.Point, Unit: f.Unit, Flag: hj212.FlagComm, Cause: c})
	}
	return s
}
