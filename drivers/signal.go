package drivers

import "strings"

// A current says at which levels an analogue signal stands for the ends of a range, and
// which levels are none that an instrument at work gives. They are thousandths of unit.
//
// Those of 4-20mA are NAMUR NE 43: 3.8 to 20.5 mA is measured, under 3.6 and above 21 mA
// is a failure. 1-5V is the same current over 250 ohms. The signals that begin at 0 have
// the same distances from their ends, but a broken wire cannot be told from 0.
type current struct {
	name, unit        string
	zero, full        int64
	low, high         int64 // measured; outside: flag T
	failLow, failHigh int64 // outside: no value
}

// belowAll is under every signal: where nothing is a failure.
const belowAll = -1 << 31

var currents = []current{
	{"4-20mA", "mA", 4000, 20000, 3800, 20500, 3600, 21000},
	{"0-20mA", "mA", 0, 20000, -250, 20500, belowAll, 21000},
	{"1-5V", "V", 1000, 5000, 950, 5125, 900, 5250},
	{"0-5V", "V", 0, 5000, -62, 5125, belowAll, 5250},
	{"0-10V", "V", 0, 10000, -125, 10250, belowAll, 10500},
}

// Signals are the analogue signals that a point can have.
func Signals() []string {
	names := make([]string, len(currents))
	for i, s := range currents {
		names[i] = s.name
	}
	return names
}

// currentOf is the current of that name, nil if there is none.
func currentOf(signal string) *current {
	for i := range currents {
		if currents[i].name == signal {
			return &currents[i]
		}
	}
	return nil
}

func thousandths(n int64) decimal { return decimal{small: n, places: 3} }

// A linear makes a value of a number by two fractions: it is rounded once, at the end.
// The level of the signal is (number × a + b) / c, the value (number × slope + base) /
// (c × width), where width is that of the signal.
type linear struct {
	a, b, c           decimal
	slope, base, unit decimal
	places            int
	signal            bool
	failLow, failHigh decimal // of number × a + b
	low, high         decimal
}

// judge is why the signal's level is not that of a good value, empty if it is.
func (l *linear) judge(number decimal) Cause {
	if !l.signal {
		return ""
	}
	level := number.mul(l.a).add(l.b)
	switch {
	case level.cmp(l.failLow) < 0:
		return CauseSignalLow
	case level.cmp(l.failHigh) > 0:
		return CauseSignalHigh
	case level.cmp(l.low) < 0, level.cmp(l.high) > 0:
		return CauseRange
	}
	return ""
}

func (l *linear) value(number decimal, times *decimal) decimal {
	d := number.mul(l.slope).add(l.base)
	if times != nil {
		d = d.mul(*times)
	}
	return d.over(l.unit, l.places)
}

// fraction reads a decimal or a fraction of two. over is nil for one that is none.
func (c *compiler) fraction(field string, n Number) (d, over *decimal) {
	top, bottom, found := strings.Cut(string(n), "/")
	d = c.decimal(field, Number(strings.TrimSpace(top)))
	if !found {
		return d, nil
	}
	v, err := parseDecimal(strings.TrimSpace(bottom))
	if err != nil || v.sign() <= 0 || d == nil {
		c.fail(field, "is %q: want a decimal, such as 0.1, or a fraction, such as 20/65535", string(n))
		return nil, nil
	}
	return d, &v
}

// signal makes a point's linear, if it has a fraction or a signal.
func (c *compiler) signal(s *PointSpec, p *point, over *decimal) {
	if s.Signal == "" && over == nil {
		return
	}
	if p.mask == 1 {
		c.fail("signal", "is %q: a bit is 0 or 1, and has none", s.Signal)
		return
	}
	one, none := newDecimal(1), newDecimal(0)
	l := &linear{a: one, b: none, c: one}
	if p.scale != nil {
		l.a = *p.scale
	}
	if over != nil {
		l.c = *over
	}
	if p.offset != nil {
		l.b = p.offset.mul(l.c)
	}
	l.slope, l.base, l.unit = l.a, l.b, l.c
	if s.Signal != "" && !c.stretch(s, p, l) {
		return
	}
	step := l.slope
	if p.kind == kindFloat { // its resolution is not known: take a thousandth
		step = step.mul(thousandths(1))
	}
	l.places = p.decimals
	if l.places < 0 {
		l.places = digits(step, l.unit)
	}
	p.linear = l
}

// stretch lays a range over the ends of a signal.
func (c *compiler) stretch(s *PointSpec, p *point, l *linear) bool {
	k := currentOf(s.Signal)
	if k == nil {
		c.fail("signal", "is %q: want %s", s.Signal, orList(Signals()))
		c.hint(signalHint(s.Signal))
		return false
	}
	lowest, highest := p.lowest, p.highest
	p.lowest, p.highest = nil, nil
	switch {
	case len(s.Range) == 0:
		c.fail("range", "is missing: want what the ends of the signal mean, such as [0, 500]")
		return false
	case lowest == nil || highest == nil:
		return false // said already
	case lowest.cmp(*highest) == 0:
		c.fail("range", "is %s to %s: the ends of a signal mean two values", s.Range[0], s.Range[1])
		return false
	}
	at := func(n int64) decimal { return thousandths(n).mul(l.c) }
	l.signal = true
	l.failLow, l.failHigh, l.low, l.high = at(k.failLow), at(k.failHigh), at(k.low), at(k.high)
	minus := newDecimal(-1)
	span, width := highest.add(lowest.mul(minus)), thousandths(k.full-k.zero)
	l.slope = l.a.mul(span)
	l.base = l.b.add(at(k.zero).mul(minus)).mul(span).add(lowest.mul(width).mul(l.c))
	l.unit = l.c.mul(width)
	return true
}

// digits is how many decimals tell values apart that differ by step/unit.
func digits(step, unit decimal) int {
	if step.sign() < 0 {
		step = step.mul(newDecimal(-1))
	}
	for places := range 12 {
		if (decimal{small: 1, places: places}).mul(unit).cmp(step) <= 0 {
			return places
		}
	}
	return 12
}

// signalHint knows a signal by its digits, however else it is written.
func signalHint(text string) string {
	digits := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, s)
	}
	for i := range currents {
		if digits(text) == digits(currents[i].name) {
			return "write " + currents[i].name
		}
	}
	return ""
}

func orList(words []string) string {
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " or " + words[n]
}
