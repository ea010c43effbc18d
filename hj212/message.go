package hj212

import (
	"log/slog"
	"strconv"
	"strings"
)

// A Message is a data segment with its fields apart (HJ 212-2017, table 3; HJ
// 212-2025, 6.3). Its strings share no memory with the bytes it was read from.
type Message struct {
	QN   string // 17 digits, YYYYMMDDhhmmssmmm; 2005 leaves it out of uploads
	ST   string // system code, as "31"
	CN   string // command code, as "2011"
	PW   string // password
	MN   string // identity of the field machine
	Flag Flag
	// HasFlag is true where the frame carries a Flag at all; 2005 does without.
	// A message with a Flag other than 0 is written with it in any case.
	HasFlag bool
	// EmptyMN is true where MN is there and empty, as in the registration of a
	// device that has none yet (HJ 212-2025, table C.2). It says nothing where MN
	// is not empty.
	EmptyMN bool
	PNUM    int  // packets in all, 0 = not there
	PNO     int  // number of this packet, from 1, 0 = not there
	RF      bool // sent after the event (补传; HJ 212-2025, table 3)
	CP      Area
	More    []Param // fields before CP that no edition has, in their order
}

// An Area is the data area: items with semicolons between them.
type Area []Item

// An Item is one item of the data area: parameters with commas between them,
// which belong together (all of one factor).
type Item []Param

// A Param is one name and its value, both as they were written but for blanks
// around them.
type Param struct{ Name, Value string }

// Flag is the header's Flag: bits 7 to 2 are the edition, bit 1 says that the
// frame has PNUM and PNO, bit 0 that an answer is wanted (HJ 212-2017, table 3; in
// HJ 212-2025 the two bits have changed their letters, not their places).
type Flag uint8

// The bits of a Flag.
const (
	WantAnswer Flag = 1 << 0
	IsSplit    Flag = 1 << 1
)

// Version is the edition's number: 0 for 2005, 1 for 2017, 2 for 2025.
func (f Flag) Version() int { return int(f >> 2) }

// NewFlag returns the Flag of an edition with those bits.
func NewFlag(e Edition, bits Flag) Flag {
	bits &= WantAnswer | IsSplit
	switch e {
	case Ed2017:
		return 1<<2 | bits
	case Ed2025:
		return 2<<2 | bits
	}
	return bits
}

// Edition is the one the message follows: that of Flag, and 2005 where there is
// none or where QN stands in the data area alone. A version that no edition has is
// taken for the newest.
func (m *Message) Edition() Edition {
	if m.QN == "" && m.Answers() != "" {
		return Ed2005
	}
	switch m.Flag.Version() {
	case 0:
		return Ed2005
	case 1:
		return Ed2017
	}
	return Ed2025
}

// Answers is the QN of the exchange the message belongs to, which of an answer is
// the QN that it answers: the one before CP, and where that is not there, the one in
// CP (HJ/T 212-2005, appendix C).
func (m *Message) Answers() string {
	if m.QN != "" {
		return m.QN
	}
	qn, _ := m.CP.Get("QN")
	return qn
}

// AnswersCN is the CN that a data answer (9014) of 2005 answers, which has it in CP;
// "" where the message does not say (HJ/T 212-2005, appendix C.6).
func (m *Message) AnswersCN() string {
	if m.QN != "" {
		return ""
	}
	cn, _ := m.CP.Get("CN")
	return cn
}

// Get returns the value of the first parameter with that name, letters in the very
// case (HJ 212-2025, 6.3.4.1).
func (a Area) Get(name string) (string, bool) {
	for _, item := range a {
		if value, ok := item.Get(name); ok {
			return value, true
		}
	}
	return "", false
}

// Has reports whether there is a parameter with that name. "*-Rtd" stands for any name
// with that kind ([Param.Cut]), as in [Command].Required.
func (a Area) Has(name string) bool {
	kind, any := strings.CutPrefix(name, "*-")
	if !any {
		_, ok := a.Get(name)
		return ok
	}
	for _, item := range a {
		for i := range item {
			if _, k := item[i].Cut(); k == kind {
				return true
			}
		}
	}
	return false
}

// Get returns the value of the first parameter with that name.
func (it Item) Get(name string) (string, bool) {
	for i := range it {
		if it[i].Name == name {
			return it[i].Value, true
		}
	}
	return "", false
}

// Cut splits the name of a parameter into the code of a factor and what it says of
// it: "a21026-Rtd" into "a21026" and "Rtd". Of a name without a hyphen the kind is
// "".
func (p Param) Cut() (code, kind string) {
	for i := len(p.Name) - 1; i >= 0; i-- {
		if p.Name[i] == '-' {
			return p.Name[:i], p.Name[i+1:]
		}
	}
	return p.Name, ""
}

// LogValue is what a log may know of a message: no password, and no values.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("mn", hideName(m.MN)), slog.String("cn", hideName(m.CN)), slog.String("qn", hideName(m.Answers())),
		slog.Int("flag", int(m.Flag)), slog.Int("pnum", m.PNUM), slog.Int("pno", m.PNO), slog.Int("items", len(m.CP)))
}

// Append appends the data segment to b, fields in the order of the standard: QN,
// ST, CN, PW, MN, Flag, PNUM, PNO, RF, then those of More, then CP (HJ 212-2017,
// table 3; HJ 212-2025, figure 4). Fields that are empty are left out, MN too unless
// EmptyMN. PNUM and PNO are written without zeros before them, as the examples of
// all editions have it.
//
// Append writes what it is given. Names and values that came from elsewhere may hold
// a separator: [Message.Strict] finds them, and all else that is wrong.
func (m *Message) Append(b []byte) []byte {
	b = appendField(b, "QN", m.QN)
	b = appendField(b, "ST", m.ST)
	b = appendField(b, "CN", m.CN)
	b = appendField(b, "PW", m.PW)
	if m.MN != "" || m.EmptyMN {
		b = append(append(append(b, "MN="...), m.MN...), ';')
	}
	if m.HasFlag || m.Flag != 0 {
		b = append(strconv.AppendUint(append(b, "Flag="...), uint64(m.Flag), 10), ';')
	}
	if m.PNUM != 0 {
		b = append(strconv.AppendInt(append(b, "PNUM="...), int64(m.PNUM), 10), ';')
	}
	if m.PNO != 0 {
		b = append(strconv.AppendInt(append(b, "PNO="...), int64(m.PNO), 10), ';')
	}
	if m.RF {
		b = append(b, "RF=1;"...)
	}
	for i := range m.More {
		b = append(appendParam(b, &m.More[i]), ';')
	}
	b = append(b, "CP=&&"...)
	return append(m.CP.append(b), "&&"...)
}

// append appends what stands between the && and the &&.
func (a Area) append(b []byte) []byte {
	begin := len(b)
	for _, item := range a {
		if len(item) > 0 && len(b) > begin {
			b = append(b, ';')
		}
		for j := range item {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendParam(b, &item[j])
		}
	}
	return b
}

// size is how many bytes append will write.
func (a Area) size() int {
	n := 0
	for _, item := range a {
		n += item.size()
		if len(item) > 0 {
			n++ // a separator
		}
	}
	return max(0, n-1)
}

func (it Item) size() int {
	n := 0
	for i := range it {
		n += len(it[i].Name) + 1 + len(it[i].Value) + 1
	}
	return max(0, n-1)
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return append(append(append(append(b, name...), '='), value...), ';')
}

func appendParam(b []byte, p *Param) []byte {
	b = append(b, p.Name...)
	b = append(b, '=')
	return append(b, p.Value...)
}
