package hj212

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Check compares a message with what an edition says of codes and parameters, in
// the direction it goes: system and command known, the parameters there that the
// command needs, names and factors known, values of their form and within their
// range, nothing too long. It says nothing of what [ParseMessage] has said.
//
// What Check finds is no reason to refuse a message: the standard's lists are open,
// authorities and makers have codes of their own, and of HJ 212-2025 not all tables
// are known.
//
// Offsets are those of the segment that [Message.Append] writes; where the message
// came in that form they are those of the segment it came in.
func (m *Message) Check(e Edition, d Direction) []Violation {
	c := checker{m: m, edition: e}
	c.at, c.head = m.offsets()
	c.header()
	c.command(d)
	c.area()
	c.limits()
	return c.violations.sorted()
}

// Strict says what a writer has to mend before it sends the message to a peer of
// that edition: all that [ParseMessage] would say of it on the other side, a name or
// value that would be read as form ([BreaksForm]), and what is too long. Only then
// [Message.Append] writes a segment that is read as what it was. It does not look at
// codes; that is for [Message.Check]. Offsets are those of that segment.
func (m *Message) Strict(e Edition) []Violation {
	_, vs := ParseMessage(m.Append(nil))
	c := checker{m: m, edition: e, violations: vs}
	if n := len(vs); n > 0 && vs[n-1].Kind == MoreLeft {
		c.violations = vs[: n-1 : n-1]
	}
	c.at, c.head = m.offsets()
	c.header()
	c.breaks()
	c.limits()
	return c.violations.sorted()
}

type checker struct {
	m       *Message
	edition Edition
	at      [fieldCount]int // where Append writes each field; those that are left out, at head
	head    int             // where it writes CP
	unknown string          // code of the parameter before, where it is not known
	violations
}

// offsets says where Append writes the fields, and where CP.
func (m *Message) offsets() (at [fieldCount]int, head int) {
	n := 0
	field := func(f, size int, there bool) {
		at[f] = n
		if there {
			n += len(fieldNames[f]) + 1 + size + 1
		}
	}
	field(fieldQN, len(m.QN), m.QN != "")
	field(fieldST, len(m.ST), m.ST != "")
	field(fieldCN, len(m.CN), m.CN != "")
	field(fieldPW, len(m.PW), m.PW != "")
	field(fieldMN, len(m.MN), m.MN != "" || m.EmptyMN)
	field(fieldFlag, len(strconv.Itoa(int(m.Flag))), m.HasFlag || m.Flag != 0)
	field(fieldPNUM, len(strconv.Itoa(m.PNUM)), m.PNUM != 0)
	field(fieldPNO, len(strconv.Itoa(m.PNO)), m.PNO != 0)
	field(fieldRF, 1, m.RF)
	for i := range m.More {
		n += m.More[i].size() + 1
	}
	return at, n
}

func (p *Param) size() int { return len(p.Name) + 1 + len(p.Value) }

func (c *checker) header() {
	m, e := c.m, c.edition
	if own := m.Edition(); own != e {
		if own == Ed2005 && m.QN == "" {
			c.add(c.at[fieldQN], MissingField, "QN", "", "")
		}
		if !m.HasFlag && m.Flag == 0 {
			c.add(c.at[fieldFlag], MissingField, "Flag", "", "")
		} else {
			c.add(c.at[fieldFlag], OtherEdition, "Flag", strconv.Itoa(int(m.Flag)), e.String())
		}
	}
	if m.PNO > m.PNUM && m.PNUM > 0 {
		c.add(c.at[fieldPNO], PacketOver, "PNO", strconv.Itoa(m.PNO), "up to "+strconv.Itoa(m.PNUM))
	}
	if e == Ed2025 && m.PNUM > 9 {
		c.add(c.at[fieldPNUM], PacketDigits, "PNUM", strconv.Itoa(m.PNUM), "1 to 9")
	}
	if e != Ed2025 && m.RF {
		c.add(c.at[fieldRF], EditionField, "RF", "1", "")
	}
}

// fieldLimit is how many bytes the field CP may have (HJ 212-2017, table 3; HJ
// 212-2025, table 3; 960 in HJ/T 212-2005). The tables do not say what of it counts.
// Their other widths count the name, and this one is read in the same way, with the &&
// at both ends: what keeps to that keeps to all readings.
func fieldLimit(e Edition) int {
	if e == Ed2005 {
		return 960
	}
	return 950
}

// areaLimit is how many bytes may stand between the && and the &&.
func areaLimit(e Edition) int { return fieldLimit(e) - len(areaBegin) - len(areaEnd) }

func (c *checker) limits() {
	begin := c.head + len("CP=&&")
	area := c.m.CP.size()
	if most := areaLimit(c.edition); area > most {
		size := len(areaBegin) + area + len(areaEnd)
		c.add(begin+most, LongArea, "CP", strconv.Itoa(size)+" bytes", "up to "+strconv.Itoa(fieldLimit(c.edition)))
	}
	if size := begin + area + len("&&"); size > MaxData {
		c.add(MaxData, LongData, "", strconv.Itoa(size)+" bytes", "up to "+strconv.Itoa(MaxData))
	}
}

func (c *checker) command(d Direction) {
	m, e := c.m, c.edition
	if m.ST != "" {
		if _, ok := LookupSystem(e, m.ST); !ok {
			c.add(c.at[fieldST], UnknownST, "ST", m.ST, "")
		}
	}
	if m.CN == "" {
		return
	}
	cmd, ok := LookupCommand(e, d, m.CN)
	if !ok {
		if _, other := LookupCommand(e, Up+Down-d, m.CN); other {
			c.add(c.at[fieldCN], WrongDirection, "CN", m.CN, "")
		} else {
			c.add(c.at[fieldCN], UnknownCN, "CN", m.CN, "")
		}
		return
	}
	for _, name := range cmd.Required {
		if !m.CP.Has(name) {
			c.add(c.head+len("CP=&&"), MissingParam, name, "", "")
		}
	}
}

func (c *checker) area() {
	at := c.head + len("CP=&&")
	for _, item := range c.m.CP {
		first := "" // code of a factor
		for i := range item {
			p := &item[i]
			code := c.param(p, at)
			switch {
			case code == "":
			case first == "":
				first = code
			case code != first:
				c.add(at, MixedItem, p.Name, "", printable(shorten(hideName(first))))
				first = code // once for each
			}
			at += p.size() + 1
		}
	}
}

// param checks a parameter that stands at that offset, and returns the code of its
// factor, "" where it has none or where the code is only without its letter.
func (c *checker) param(p *Param, at int) string {
	e := c.edition
	valueAt := at + len(p.Name) + 1
	code, kind := p.Cut()
	info, known := LookupParam(e, p.Name)
	if kind == "" && strings.Contains(info.Name, "-") {
		known = false // a kind alone: there is no factor before it
	}
	if !known {
		c.add(at, UnknownParam, p.Name, p.Value, "")
	}
	if kind == "" {
		if known {
			c.value(p, valueAt, info)
		}
		return ""
	}
	if strings.HasPrefix(info.Name, "SBn-") {
		c.format(p, valueAt, info.Format, info.Range, ValueForm)
		return code
	}
	f, ok := LookupFactor(e, code)
	if !ok {
		if code == c.unknown { // said already, of the parameter before
			return code
		}
		c.unknown = code
		if c.factor(code, at) == NoPrefix {
			c.unknown = ""
			return ""
		}
		return code
	}
	switch {
	case !known:
	case kind == "Flag":
		if _, ok := LookupFlag(e, p.Value); !ok {
			c.add(valueAt, UnknownMark, p.Name, p.Value, "")
		}
	case timeKind(p.Name) != 0: // ParseMessage has said it
	case info.Format != "":
		c.format(p, valueAt, info.Format, info.Range, ValueForm)
	case kind == "Cou" || f.Medium == "condition": // totals are in other units, conditions have marks
	case strings.HasPrefix(p.Value, "//"): // a log
	default:
		c.format(p, valueAt, f.Format, info.Range, ValueForm)
	}
	return code
}

// factor says that the code of a factor is not known, or only its letter is missing.
func (c *checker) factor(code string, at int) Kind {
	if len(code) == 5 && only(code, isDigit) {
		for _, letter := range []string{"w", "a"} {
			if f, ok := LookupFactor(c.edition, letter+code); ok {
				c.add(at, NoPrefix, code, "", f.Code)
				return NoPrefix
			}
		}
	}
	c.add(at, UnknownFactor, code, "", "")
	return UnknownFactor
}

// value checks a parameter that is of no factor.
func (c *checker) value(p *Param, at int, info ParamInfo) {
	switch p.Name {
	case "PolId", "PolID", "InfoId":
		if _, ok := LookupFactor(c.edition, p.Value); !ok {
			c.factor(p.Value, at)
		}
	case "QnRtn":
		if n, ok := number(p.Value); !ok {
			c.add(at, ValueForm, p.Name, p.Value, info.Format)
		} else if _, ok := LookupQnRtn(c.edition, n); !ok {
			c.add(at, UnknownReturn, p.Name, p.Value, "")
		}
	case "ExeRtn":
		if n, ok := number(p.Value); !ok {
			c.add(at, ValueForm, p.Name, p.Value, info.Format)
		} else if _, ok := LookupExeRtn(c.edition, n); !ok {
			c.add(at, UnknownReturn, p.Name, p.Value, "")
		}
	case "MinInterval", "RtdInterval":
		c.format(p, at, info.Format, info.Range, Interval)
	default:
		if timeKind(p.Name) == 0 {
			c.format(p, at, info.Format, info.Range, ValueForm)
		}
	}
}

// format checks a value by the standard's data types, N4.2 and C6, and by a range,
// "30..3600" or "1|2|3".
func (c *checker) format(p *Param, at int, format, span string, kind Kind) {
	if !fitsFormat(p.Value, format) {
		c.add(at, ValueForm, p.Name, p.Value, format)
	} else if !inRange(p.Value, span) {
		c.add(at, kind, p.Name, p.Value, span)
	}
}

// fitsFormat reports whether a value has a data type: N4.2 is a number of up to four
// digits before the point and two behind it, C6 up to six characters. A type it does
// not know fits.
func fitsFormat(s, format string) bool {
	if format == "" {
		return true
	}
	whole, part, _ := strings.Cut(format[1:], ".")
	n, ok := number(whole)
	if !ok {
		return true
	}
	switch format[0] {
	case 'C':
		return s != "" && utf8.RuneCountInString(s) <= n
	case 'N':
		if s != "" && (s[0] == '-' || s[0] == '+') {
			s = s[1:]
		}
		decimals, _ := number(part)
		a, b, point := strings.Cut(s, ".")
		return a != "" && len(a) <= n && only(a, isDigit) && len(b) <= decimals && only(b, isDigit) && point == (b != "")
	}
	return true
}

// inRange reports whether a value is in a range: "30..3600", or one of "1|2|3".
func inRange(s, span string) bool {
	if span == "" {
		return true
	}
	low, high, ok := strings.Cut(span, "..")
	if !ok {
		for one := range strings.SplitSeq(span, "|") {
			if s == one {
				return true
			}
		}
		return false
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return false
	}
	a, _ := strconv.ParseFloat(low, 64)
	b, _ := strconv.ParseFloat(high, 64)
	return a <= v && v <= b
}

// breaks finds names and values that would be read as form.
func (c *checker) breaks() {
	m := c.m
	for f, value := range [...]string{m.QN, m.ST, m.CN, m.PW, m.MN} {
		if breaksField(value) {
			c.add(c.at[f], BreaksForm, fieldNames[f], value, "")
		}
	}
	at := c.head
	for i := len(m.More) - 1; i >= 0; i-- {
		p := &m.More[i]
		at -= p.size() + 1
		if breaksField(p.Name) || breaksField(p.Value) || strings.ContainsRune(p.Name, '=') || p.Name == "CP" || fieldOf(p.Name) >= 0 {
			c.add(at, BreaksForm, p.Name, p.Value, "")
		}
	}
	at = c.head + len("CP=&&")
	for _, item := range m.CP {
		for i := range item {
			p := &item[i]
			if breaksField(p.Name) || strings.ContainsRune(p.Name, '=') || breaksValue(p.Value) {
				c.add(at, BreaksForm, p.Name, p.Value, "")
			}
			at += p.size() + 1
		}
	}
	if m.PNUM < 0 || m.PNUM > 9999 {
		c.add(c.at[fieldPNUM], BreaksForm, "PNUM", strconv.Itoa(m.PNUM), "1 to 9999")
	}
	if m.PNO < 0 || m.PNO > 9999 {
		c.add(c.at[fieldPNO], BreaksForm, "PNO", strconv.Itoa(m.PNO), "1 to 9999")
	}
}

func breaksField(s string) bool {
	return strings.ContainsAny(s, ";,\r\n") || strings.Contains(s, "&&")
}

// breaksValue is breaksField for values of CP: a log between // and // may have
// separators. One that ends elsewhere than the value would be read as another, and one
// that has no end as far as the next // in the area.
func breaksValue(s string) bool {
	if strings.Contains(s, "&&") || strings.ContainsAny(s, "\r\n") {
		return true
	}
	if b := []byte(s); beginsLog(b, 0) {
		return endOfLog(b, 0) != len(b)
	}
	return strings.ContainsAny(s, ";,")
}
