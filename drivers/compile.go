package drivers

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"envgate/drivers/modbus"
	"envgate/hj212"
)

// A point is a PointSpec made ready for work.
type point struct {
	code   string // "" for a status point
	status string // its name in causes
	names  [2]string
	unit   string

	function byte
	address  int
	count    int // registers, or 1 bit

	kind    kind
	width   int // bits of the number: 1, 16, 32 or 64
	swapped struct{ words, bytes bool }
	low     int    // the bit field's lowest bit
	mask    uint64 // the bit field after the shift; all bits of width without one

	channel       bool     // its code is a channel's name
	scale, offset *decimal // nil: times one, plus nothing
	linear        *linear  // in place of scale and offset; nil without fraction and signal
	states        [2]string
	decimals      int // -1: as they come
	sentinels     []match
	sentinelFlag  string
	lowest        *decimal // with highest the valid range; nil without one
	highest       *decimal

	rules      []rule
	varies     bool // a unit register says by what the value is multiplied
	confidence string
}

// A kind is how a point's bits are to be read.
type kind byte

const (
	kindBit kind = iota
	kindUint
	kindInt
	kindFloat
	kindString
)

var types = map[string]struct {
	kind  kind
	width int
}{
	"bit":     {kindBit, 1},
	"uint16":  {kindUint, 16},
	"int16":   {kindInt, 16},
	"uint32":  {kindUint, 32},
	"int32":   {kindInt, 32},
	"uint64":  {kindUint, 64},
	"int64":   {kindInt, 64},
	"float32": {kindFloat, 32},
	"float64": {kindFloat, 64},
	"string":  {kindString, 16},
}

// A match is one number to compare with, by its bits or, of a float, by its
// worth.
type match struct {
	bits  uint64
	worth *decimal // nil: compare the bits
}

// A rule is a FlagRule made ready: on which points it sets its flag, and when.
type rule struct {
	flag    string
	times   *decimal // a unit and no flag
	any     uint64   // a mask; 0 for none
	is, not []match
	points  []int
}

// A compiler gathers what is wrong with the template it works on.
type compiler struct {
	t     *Template
	index int    // of the point at work, -1 for the template's own fields and blocks
	path  string // of a block's point at work
	errs  SpecErrors
}

// fail says what is wrong with a field, once: what is wrong with a block's
// point is so in every channel.
func (c *compiler) fail(field, format string, args ...any) {
	e := &SpecError{Point: c.index, Field: field, Text: fmt.Sprintf(format, args...)}
	if c.path != "" {
		e.Field = strings.TrimSuffix(c.path+"."+field, ".")
		if slices.ContainsFunc(c.errs, func(o *SpecError) bool { return o.Point < 0 && o.Field == e.Field }) {
			return
		}
	}
	c.errs = append(c.errs, e)
}

// hint adds what to do about the last mistake, if there is a way to know.
func (c *compiler) hint(text string) { c.errs[len(c.errs)-1].Hint = text }

// compile checks t wholly and fills in points and plan.
func (t *Template) compile() error {
	c := &compiler{t: t, index: -1}
	l := limits{gap: DefaultGap, registers: 125, bits: 2000}
	c.duration("min_interval", t.MinInterval, &t.minInterval)
	c.duration("timeout", t.Timeout, &t.timeout)
	c.duration("warm_up", t.WarmUp, &t.warmUp)
	c.whole("gap", t.Gap, "a gap is", 0, 124, &l.gap)
	c.whole("max_registers", t.MaxRegisters, "a question's registers are", 1, 125, &l.registers)
	c.whole("max_bits", t.MaxBits, "a question's bits are", 1, 2000, &l.bits)
	c.function(t.Function, new(int))
	c.order(t.Order)
	for i, n := range t.Forbidden {
		s, ok := parseSpan(n)
		if !ok {
			c.fail(fmt.Sprintf("forbidden[%d]", i), "is %s: want addresses such as 100, 100-199 or 4:100-199", n)
			continue
		}
		l.forbidden = append(l.forbidden, s)
	}
	t.written = c.writeOut()
	if !slices.ContainsFunc(t.written, func(s written) bool { return s.Status == "" }) {
		c.fail("points", "has nothing to report: want at least one point beside status")
	}
	seen := make(map[string]string)
	for i := range t.written {
		s := &t.written[i]
		c.index, c.path = s.index, s.path
		p := c.point(&s.PointSpec)
		c.reach(&p, l)
		name := p.code
		if name == "" {
			name = "status " + p.status
		}
		if first, ok := seen[name]; ok {
			c.fail("", "is %s once more: %s has it already", name, first)
			if first == s.path {
				c.hint("write $n or $each into the name, so that each channel has its own")
			}
		}
		seen[name] = s.path
		if s.path == "" {
			seen[name] = fmt.Sprintf("points[%d]", s.index)
		}
		t.points = append(t.points, p)
	}
	for i := range t.written {
		s := &t.written[i]
		c.index, c.path = s.index, s.path
		c.rules(&s.PointSpec, &t.points[i])
	}
	c.index, c.path = -1, ""
	c.settings(l)
	c.commands()
	c.exchanges()
	if len(c.errs) > 0 {
		return c.errs
	}
	t.plan = plan(t.points, l)
	return nil
}

// point checks all of a point but its rules, which may speak of later points.
func (c *compiler) point(s *PointSpec) point {
	p := point{code: s.Point, status: s.Status, unit: s.Unit, decimals: -1}
	switch {
	case s.Channel != "":
		c.channel(s, &p)
	case s.Point == "" && s.Status == "":
		c.fail("point", "is missing: want a code, or a name under status")
	case s.Point != "" && s.Status != "":
		c.fail("status", "is %q beside a point: a point with flags is named by its code", s.Status)
	case s.Point != "" && !ValidCode(s.Point):
		c.fail("point", "is %q: a code is a letter, then letters, digits and underscores, 32 at most", s.Point)
	case s.Status != "" && !validStatus(s.Status):
		c.fail("status", "is %q: a name is small letters, digits and hyphens, 24 at most", s.Status)
	case s.Status != "" && len(s.Flags) == 0:
		c.fail("flags", "is missing: a status point without them does nothing")
	}
	if p.status == "" {
		p.status = p.code
	}
	p.confidence = c.confidence("confidence", s.Confidence)
	p.names = [2]string{s.Chinese, s.English}
	if f, ok := hj212.LookupFactor(hj212.Ed2017, s.Point); ok {
		if p.names[0] == "" {
			p.names[0] = f.Chinese
		}
		if p.names[1] == "" {
			p.names[1] = f.English
		}
	}
	c.place(s, &p)
	c.number(s, &p)
	c.states(s, &p)
	return p
}

// place checks where the point is and how its bits lie.
func (c *compiler) place(s *PointSpec, p *point) {
	function := 3
	if s.Function != "" {
		c.function(s.Function, &function)
	} else if v, err := parseWhole(string(c.t.Function)); err == nil {
		function = v // judged once, for the template
	}
	p.function = byte(function)

	if s.Address == "" {
		c.fail("address", "is missing: there is no default")
	}
	if !c.whole("address", s.Address, "an address is", 0, 65535, &p.address) {
		c.hint(addressHint(string(s.Address)))
	}

	name := s.Type
	if name == "" && function <= 2 {
		name = "bit"
	}
	typ, ok := types[name]
	switch {
	case name == "":
		c.fail("type", "is missing: want %s", typeNames())
	case !ok:
		c.fail("type", "is %q: want %s", name, typeNames())
		c.hint(didYouMean(name, typeWords))
	case typ.kind == kindBit && function > 2:
		c.fail("type", "is bit: functions 3 and 4 give registers; take uint16 and bits")
	case typ.kind != kindBit && function <= 2:
		c.fail("type", "is %s: functions 1 and 2 give bits", name)
	}
	p.kind, p.width = typ.kind, typ.width
	p.count = max(1, typ.width/16)
	if p.kind == kindString {
		if s.Length == "" {
			c.fail("length", "is missing: want the string's registers, two characters each")
		}
		c.whole("length", s.Length, "a string's registers are", 1, 64, &p.count)
	} else if s.Length != "" {
		c.fail("length", "is %s: only a string has a length", s.Length)
	}
	if p.address+p.count > 65536 {
		c.fail("address", "is %d: with %d registers from there it ends behind 65535", p.address, p.count)
	}

	c.order(s.Order)
	switch cmp.Or(s.Order, c.t.Order) {
	case "CDAB":
		p.swapped.words = true
	case "BADC":
		p.swapped.bytes = true
	case "DCBA":
		p.swapped.words, p.swapped.bytes = true, true
	}

	p.mask = 1<<p.width - 1 // of 64 bits too: the shift then leaves none, and 0-1 is all
	if s.Bits != "" {
		c.bits(s.Bits, p)
	}
}

// function reads a function that reads.
func (c *compiler) function(n Number, out *int) {
	if v, err := parseWhole(string(n)); err == nil && v < 128 && modbus.Private(byte(v)) {
		*out = v
		return
	}
	c.whole("function", n, "a function is", 1, 4, out)
}

// order checks an order of bytes.
func (c *compiler) order(s string) {
	switch s {
	case "", "ABCD", "CDAB", "BADC", "DCBA":
	default:
		c.fail("order", "is %q: want ABCD, CDAB, BADC or DCBA", s)
		c.hint(didYouMean(s, orderWords))
	}
}

// bits checks a bit field, as in 3 or 4-7.
func (c *compiler) bits(n Number, p *point) {
	if p.kind != kindUint {
		c.fail("bits", "is %s: only unsigned integers have bit fields", n)
		return
	}
	from, to, isField := strings.Cut(string(n), "-")
	low, err := parseWhole(from)
	high := low
	if isField && err == nil {
		high, err = parseWhole(to)
	}
	if err != nil || low > high || high >= p.width {
		c.fail("bits", "is %s: want a bit or a field, lowest first, within 0-%d", n, p.width-1)
		return
	}
	p.low, p.mask = low, 1<<(high-low+1)-1
}

// number checks what becomes of the bits once they are read.
func (c *compiler) number(s *PointSpec, p *point) {
	if p.kind == kindString {
		for _, f := range []struct {
			field string
			given bool
		}{
			{"scale", s.Scale != ""},
			{"offset", s.Offset != ""},
			{"decimals are", s.Decimals != ""},
			{"sentinels", len(s.Sentinels) > 0},
			{"range", len(s.Range) > 0},
			{"signal", s.Signal != ""},
		} {
			if f.given {
				c.fail(f.field, "is given: a string is no number")
			}
		}
		return
	}
	if s.Unit == "" && (s.Point != "" && s.When0 == "" || s.Channel != "" && p.mask != 1) && p.kind != kindBit {
		c.fail("unit", `is missing: want the unit of the value, "1" where it has none`)
	}
	var over *decimal
	p.scale, over = c.fraction("scale", s.Scale)
	if p.scale != nil && p.scale.sign() == 0 {
		c.fail("scale", "is %s: every value would be 0", s.Scale)
	}
	p.offset = c.decimal("offset", s.Offset)
	c.whole("decimals", s.Decimals, "decimals are", 0, 12, &p.decimals)

	p.sentinels = c.matches("sentinels", s.Sentinels, p)
	p.sentinelFlag = s.SentinelFlag
	switch {
	case p.sentinelFlag == "":
		p.sentinelFlag = hj212.FlagFault
	case !validFlag(p.sentinelFlag):
		c.fail("sentinel_flag", "is %q: a flag is one to four letters, and not N", p.sentinelFlag)
	}
	switch len(s.Range) {
	case 0:
	case 2:
		p.lowest = c.decimal("range[0]", s.Range[0])
		p.highest = c.decimal("range[1]", s.Range[1])
		if p.lowest != nil && p.highest != nil && p.lowest.cmp(*p.highest) > 0 && s.Signal == "" {
			c.fail("range", "is %s to %s: want the lowest value first", s.Range[0], s.Range[1])
		}
	default:
		c.fail("range", "has %d numbers: want the lowest and the highest value", len(s.Range))
	}
	c.signal(s, p, over)
}

// rules checks the flags that a point sets on others.
func (c *compiler) rules(s *PointSpec, p *point) {
	if len(s.Flags) > 0 && (p.kind == kindFloat || p.kind == kindString) {
		c.fail("flags", "is given: only bits and integers set flags")
		return
	}
	for i, f := range s.Flags {
		field := func(name string) string { return fmt.Sprintf("flags[%d].%s", i, name) }
		r := rule{flag: f.Flag, times: c.decimal(field("times"), f.Times)}
		switch {
		case f.Times != "" && f.Flag != "":
			c.fail(field("flag"), "is %q beside times: want a flag or a unit", f.Flag)
		case f.Times != "" && len(f.Points) == 0:
			c.fail(field("points"), "is missing: want the points that have this unit")
		case f.Times == "" && !validFlag(f.Flag):
			c.fail(field("flag"), "is %q: a flag is one to four letters, and not N", f.Flag)
			c.hint("F out of service, M maintenance, D fault, C calibration, T out of range, B no communication")
		}
		if r.times != nil && r.times.sign() == 0 {
			c.fail(field("times"), "is %s: every value would be 0", f.Times)
		}
		given := 0
		if f.Any != "" {
			given++
			mask, err := parseUint(string(f.Any))
			if err != nil || mask == 0 || mask > p.mask {
				c.fail(field("any"), "is %s: want a mask of 1 to %#x", f.Any, p.mask)
			}
			r.any = mask
		}
		if len(f.Is) > 0 {
			given++
			r.is = c.matches(field("is"), f.Is, p)
		}
		if len(f.Not) > 0 {
			given++
			r.not = c.matches(field("not"), f.Not, p)
		}
		if given > 1 {
			c.fail(fmt.Sprintf("flags[%d]", i), "has more than one of any, is and not: want one at most")
		}
		for j, code := range f.Points {
			at := slices.IndexFunc(c.t.points, func(q point) bool { return q.code == code })
			if at < 0 || code == "" {
				c.fail(fmt.Sprintf("flags[%d].points[%d]", i, j), "is %q: the template has no such point", code)
				continue
			}
			if f.Times != "" {
				if c.t.points[at].kind == kindString {
					c.fail(fmt.Sprintf("flags[%d].points[%d]", i, j), "is %q, a string: only numbers have units", code)
				}
				c.t.points[at].varies = true
			}
			r.points = append(r.points, at)
		}
		if len(f.Points) == 0 {
			for at, q := range c.t.points {
				if q.code != "" {
					r.points = append(r.points, at)
				}
			}
		}
		p.rules = append(p.rules, r)
	}
}

// matches reads numbers to compare with. Hexadecimal ones are bits. One that
// the type can never give is a mistake: 65535 for an int16 is never true.
func (c *compiler) matches(field string, list []Number, p *point) []match {
	var out []match
	for i, n := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		if isHex(string(n)) {
			bits, err := parseUint(string(n))
			if err != nil || bits > p.mask {
				c.fail(at, "is %s: want bits of 0x0 to %#x", n, p.mask)
				continue
			}
			out = append(out, match{bits: bits})
			continue
		}
		d := c.decimal(at, n)
		if d == nil {
			continue
		}
		if p.kind != kindFloat {
			lowest, highest := newDecimal(0), newDecimalUint(p.mask)
			if p.kind == kindInt {
				lowest, highest = newDecimal(-1<<(p.width-1)), newDecimal(1<<(p.width-1)-1)
			}
			v, isWhole := d.whole()
			if !isWhole || d.cmp(lowest) < 0 || d.cmp(highest) > 0 {
				c.fail(at, "is %s: the type gives whole numbers of %s to %s", n, lowest, highest)
				continue
			}
			out = append(out, match{bits: v & p.mask})
			continue
		}
		out = append(out, match{worth: d})
	}
	return out
}

// decimal reads a decimal; nil if it was not given or is wrong.
func (c *compiler) decimal(field string, n Number) *decimal {
	if n == "" {
		return nil
	}
	d, err := parseDecimal(string(n))
	if err != nil {
		c.fail(field, "is %q: %v", string(n), err)
		return nil
	}
	return &d
}

// whole reads a whole number into out, which it leaves alone if n is empty.
// what is the subject and the verb of the message. It reports whether all is
// well.
func (c *compiler) whole(field string, n Number, what string, lowest, highest int, out *int) bool {
	if n == "" {
		return true
	}
	v, err := parseWhole(string(n))
	if err != nil || v < lowest || v > highest {
		c.fail(field, "is %s: %s %d to %d", n, what, lowest, highest)
		return false
	}
	*out = v
	return true
}

func isHex(s string) bool { return strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X") }

// parseUint reads digits, or 0x and hexadecimal ones. A leading zero is
// refused: to some readers 010 is 8, and to others 10.
func parseUint(s string) (uint64, error) {
	if isHex(s) {
		return strconv.ParseUint(s[2:], 16, 64)
	}
	if len(s) > 1 && s[0] == '0' {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(s, 10, 64)
}

func parseWhole(s string) (int, error) {
	v, err := parseUint(s)
	if err == nil && v > 1<<31-1 {
		err = strconv.ErrRange
	}
	return int(v), err
}

// typeNames is the list for messages, in the order of a manual.
func typeNames() string {
	return "bit, uint16, int16, uint32, int32, uint64, int64, float32, float64 or string"
}
