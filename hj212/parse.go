package hj212

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// ParseMessage takes a data segment apart. It takes all that is seen in the field
// and says what was not as it should be, in the order of the bytes and at most 64
// times; the last [Violation] then is of the kind [MoreLeft]. It has no error: of
// data that is no segment at all the Message has what could be read, and the
// violations say [NoArea].
//
// What it does with a segment that is not as the standard has it:
//   - Fields may come in any order. Of a field that is there twice the first is
//     taken; one that no edition has is kept in More.
//   - Blanks around names, values and separators are taken away.
//   - Between fields a comma is taken for a semicolon. In CP it is not, as commas
//     have a meaning there: the parameters stay in one item.
//   - A part without = is taken for a name without a value; a separator with
//     nothing before it is left out.
//   - The area ends at the last &&. What comes after it is lost.
//   - Between // and // separators belong to the value, as the standard has it.
//   - Flag, PNUM, PNO and RF are not taken where they are no number, or out of
//     range; all other values are kept as they are.
//
// The edition that forms are judged by is that of the message ([Message.Edition]).
// Where there is no Flag, it is 2005, which asks for neither Flag nor QN; but with an
// MN of 24 digits, which 2005 has not, a Flag is missing.
// Whether codes are known, and values fit them, is for [Message.Check].
func ParseMessage(data []byte) (Message, []Violation) {
	p := parser{data: data, text: string(data), parts: divide(data)}
	p.plain = isPlain(data)
	p.fields()
	p.area()
	p.forms()
	return p.m, p.violations.sorted()
}

// A parser is one call of ParseMessage.
type parser struct {
	m    Message
	data []byte
	text string // the same; the message's strings are parts of it
	parts
	plain  bool            // neither blanks nor bytes that should not be there
	at     [fieldCount]int // where each field begins, plus 1
	empty  uint16          // a bit for each field that is there and empty
	before int             // offset plus 1 of the first field that stands after its place
	violations
}

func (p *parser) fields() {
	last := -1
	eachToken(p.data[:p.head], 0, false, func(begin, equals, end int, before, next byte, marks valueMark) bool {
		t := makeToken(p.data, begin, equals, end, before, next, marks)
		if t.empty() {
			if t.begin != t.end {
				p.add(t.begin, Blank, "", "", "")
			} else if t.next != 0 {
				p.add(t.begin, EmptyItem, "", "", "")
			}
			return true
		}
		if t.before == ',' {
			p.add(t.begin-1, CommaForSemicolon, p.text[t.name:t.nameEnd], "", "")
		}
		name, value := p.param(&t)
		if t.next == 0 && p.parts.area >= 0 {
			p.add(t.end, NoSemicolon, name, "", "")
		}
		f := fieldOf(name)
		switch {
		case f < 0:
			p.m.More = append(p.m.More, Param{name, value})
			if name != "" {
				p.add(t.name, UnknownField, name, value, "")
			}
			return true
		case p.at[f] > 0:
			p.add(t.name, FieldTwice, name, value, "")
			return true
		case f < last && p.before == 0:
			p.before = t.name + 1
		}
		last = max(last, f)
		p.at[f] = t.name + 1
		p.set(f, value)
		return true
	})
	if p.parts.area < 0 || !p.begun {
		p.add(p.head, NoArea, "", "", "")
	}
	if p.parts.blank >= 0 {
		p.add(p.parts.blank, Blank, "CP", "", "")
	}
}

// param returns a token's name and value, and says what is wrong with their bytes.
func (p *parser) param(t *token) (name, value string) {
	name = p.text[t.name:t.nameEnd]
	if t.value >= 0 {
		value = p.text[t.value:t.valueEnd]
	}
	if p.plain && t.value > t.name+1 && t.marks&^hasLog == 0 {
		return name, value // nothing is wrong
	}
	switch {
	case t.value < 0:
		p.add(t.name, NoEquals, name, "", "")
	case name == "":
		p.add(t.name, NoName, "", value, "")
	}
	if at := t.blank(); at >= 0 {
		p.add(at, Blank, name, "", "")
	}
	if t.marks&hasEquals != 0 {
		at := strings.IndexByte(value, '=')
		if t.marks&hasLog != 0 { // which may have one of its own
			at = strings.LastIndexByte(value, '=')
		}
		p.add(t.value+at, EqualsInValue, name, value, "")
	}
	if t.marks&hasOpenLog != 0 {
		p.add(t.value, OpenLog, name, value, "")
	}
	if p.plain {
		return name, value
	}
	marks := classesIn(p.data[t.begin:t.end])
	if marks&isControl != 0 {
		i := t.name
		for classes[p.data[i]]&isControl == 0 {
			i++
		}
		p.add(i, ControlByte, name, p.text[i:i+1], "")
	}
	if marks&isHigh != 0 {
		switch {
		case !utf8.ValidString(name):
			p.add(t.name+notUTF8(name), NotUTF8, name, value, "")
		case !utf8.ValidString(value):
			p.add(t.value+notUTF8(value), NotUTF8, name, value, "")
		case t.marks&hasLog == 0:
			i := t.name
			for classes[p.data[i]]&isHigh == 0 {
				i++
			}
			p.add(i, NotASCII, name, value, "")
		}
	}
	return name, value
}

// notUTF8 is where s stops being UTF-8.
func notUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return i
		}
	}
	return len(s)
}

// set sets the field f, of which this is the first.
func (p *parser) set(f int, value string) {
	m, at := &p.m, p.at[f]-1
	if value == "" {
		p.empty |= 1 << f
		m.EmptyMN = m.EmptyMN || f == fieldMN
		return
	}
	switch f {
	case fieldQN:
		m.QN = value
	case fieldST:
		m.ST = value
	case fieldCN:
		m.CN = value
	case fieldPW:
		m.PW = value
	case fieldMN:
		m.MN = value
	case fieldFlag:
		n, ok := number(value)
		if ok && n <= 255 {
			m.Flag, m.HasFlag = Flag(n), true
		}
		if !ok || n > 11 || len(value) > 1 && value[0] == '0' {
			p.add(at, FlagForm, "Flag", value, "")
		}
	case fieldPNUM, fieldPNO:
		n, ok := number(value)
		if !ok || n < 1 || n > 9999 {
			p.add(at, PacketForm, fieldNames[f], value, "")
		} else if f == fieldPNUM {
			m.PNUM = n
		} else {
			m.PNO = n
		}
	case fieldRF:
		if m.RF = value == "1"; !m.RF {
			p.add(at, RFForm, "RF", value, "1")
		}
	}
}

func (p *parser) area() {
	if p.parts.area < 0 {
		return
	}
	region := p.data[p.parts.area:p.end]
	if !p.ended {
		p.add(p.end, OpenArea, "", "", "")
	}
	if p.rest < len(p.data) {
		p.add(p.rest, AfterArea, "", p.text[p.rest:], "")
	}
	if i := bytes.Index(region, []byte("&&")); i >= 0 {
		p.add(p.parts.area+i, AreaMark, "", "", "")
	}

	// All parameters lie in one slice and the items are parts of it.
	most := bytes.Count(region, []byte{'='})
	params := make([]Param, 0, most)
	items := make([]int, 0, bytes.Count(region, []byte{';'})+1) // where each begins in params
	var twice nameSet
	fresh := true // the next parameter begins an item
	var span timeSpan
	eachToken(p.data[:p.end], p.parts.area, true, func(begin, equals, end int, before, next byte, marks valueMark) bool {
		var name, value string
		nameAt, valueAt := begin, equals+1
		if p.plain && equals > begin && marks&^hasLog == 0 { // as nearly all are
			name, value = p.text[begin:equals], p.text[valueAt:end]
		} else {
			t := makeToken(p.data, begin, equals, end, before, next, marks)
			if t.empty() {
				switch {
				case t.begin != t.end:
					p.add(t.begin, Blank, "", "", "")
				case t.next != 0:
					p.add(t.begin, EmptyItem, "", "", "")
				case t.before != 0:
					p.add(t.begin-1, TrailingSeparator, "", "", "")
				}
				fresh = fresh || next == ';'
				return true
			}
			name, value = p.param(&t)
			nameAt, valueAt = t.name, t.value
		}
		if fresh {
			items = append(items, len(params))
			span = timeSpan{}
		}
		fresh = next == ';'
		if n := len(name); n >= len("EndTime") && name[n-4:] == "Time" {
			p.time(begin, max(nameAt, valueAt), name, value, &span)
		}
		if first := twice.add(params, name, p.data[nameAt:nameAt+len(name)]); first >= 0 && !repeats(name) {
			p.add(nameAt, NameTwice, name, value, "")
		}
		params = append(params, Param{name, value})
		return true
	})
	if len(items) == 0 {
		return
	}
	p.m.CP = make(Area, len(items))
	for i, begin := range items {
		end := len(params)
		if i+1 < len(items) {
			end = items[i+1]
		}
		p.m.CP[i] = Item(params[begin:end:end])
	}
}

// A timeSpan is what an item has had so far.
type timeSpan struct{ begin, end bool }

// time says what is wrong with a parameter whose name ends in Time, and begins there,
// as its value does. span is of those before it in the same item.
func (p *parser) time(begin, valueAt int, name, value string, span *timeSpan) {
	kind := timeKind(name)
	if kind == 0 {
		return
	}
	isBegin, isEnd := name == "BeginTime", name == "EndTime"
	if isBegin && span.end || isEnd && span.begin {
		// Seen in the field, and in the examples of all editions.
		p.add(begin-1, CommaForSemicolon, name, "", "")
	}
	span.begin, span.end = span.begin || isBegin, span.end || isEnd
	if _, err := ParseTime(value); err == nil && len(value) == kind {
		return
	} else if err == nil && kind == 14 {
		p.add(valueAt, TimeMillis, name, value, "14 digits")
	} else {
		want := "14 digits, YYYYMMDDhhmmss"
		if kind == 17 {
			want = "17 digits, YYYYMMDDhhmmssmmm"
		}
		p.add(valueAt, TimeForm, name, value, want)
	}
}

// timeKind is how many digits a parameter's time has, 0 where it is none or another
// sort of time.
func timeKind(name string) int {
	_, kind := Param{Name: name}.Cut()
	switch kind {
	case "SampleTime", "CompleteTime":
		return 14
	case "":
	default:
		return 0
	}
	switch name {
	case "DataTime", "BeginTime", "EndTime", "SystemTime", "RestartTime", "AlarmTime":
		return 14
	case "SKCreateTime":
		return 17
	}
	return 0
}

// repeats reports whether a name may be there more than once: the sampling hours of
// 2005 (HJ/T 212-2005, appendix C.23).
func repeats(name string) bool { return name == "CTime" || name == "Ctime" }

// forms says what is wrong with the fields as a whole.
func (p *parser) forms() {
	m, e := &p.m, p.m.Edition()
	if p.before > 0 && e != Ed2005 {
		p.add(p.before-1, FieldOrder, "", "", "QN, ST, CN, PW, MN, Flag, PNUM, PNO, RF, CP")
	}
	for f, at := range p.at {
		if p.empty&(1<<f) != 0 && (f != fieldMN || !m.registers()) {
			p.add(at-1, EmptyField, fieldNames[f], "", "")
		}
	}
	m.header(e, func(f int, kind Kind, got, want string) {
		switch at := p.at[f]; {
		case kind == HalfPacket && p.at[fieldPNUM] > 0 && p.at[fieldPNO] > 0:
			// One of them is there and is no number, which was said.
		case at == 0:
			p.add(p.head, kind, fieldNames[f], got, want)
		case kind != MissingField:
			p.add(at-1, kind, fieldNames[f], got, want)
		}
	})
}
