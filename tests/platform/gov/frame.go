package gov

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Sum is the check sum of appendix A, the same in all editions. It is not that of
// Modbus: the register's low byte is thrown away at every step.
func Sum(data []byte) uint16 {
	reg := uint16(0xFFFF)
	for _, c := range data {
		reg = reg>>8 ^ uint16(c)
		for range 8 {
			low := reg & 1
			if reg >>= 1; low != 0 {
				reg ^= 0xA001
			}
		}
	}
	return reg
}

// Frame is the frame around a data segment (HJ 212-2017, 6.3.1, table 2).
func Frame(data []byte) []byte {
	return fmt.Appendf(nil, "##%04d%s%04X\r\n", len(data), data, Sum(data))
}

const (
	headSize = 6 // ## and four digits
	sumSize  = 4
	begins   = "CP=&&"
	ends     = "&&"

	// tailWait is how long the CR LF behind a frame may take before the frame is taken
	// to have none.
	tailWait = 50 * time.Millisecond
)

var errFrame = errors.New("no frame")

// bracesBegin is how cipher text in braces begins, as the examples of HJ 212-2025, A.2
// have it. Then the length is that of the plain data, and what stands there is longer.
var bracesBegin = []byte(begins + "{0x")

// readFrame reads the bytes of one frame: head, data as they came, sum and, if they come
// soon, CR LF. Between frames it passes over CR and LF. Anything else is an error: a
// test platform does not search for the next frame.
func readFrame(c net.Conn, in *bufio.Reader) (raw []byte, err error) {
	for {
		b, err := in.Peek(1)
		if err != nil {
			return nil, err
		}
		if b[0] != '\r' && b[0] != '\n' {
			break
		}
		in.Discard(1)
	}
	raw = make([]byte, headSize, 1100)
	if _, err := io.ReadFull(in, raw); err != nil {
		return raw, err
	}
	n, ok := digits(raw[2:])
	if string(raw[:2]) != "##" || !ok || n == 0 {
		return raw, fmt.Errorf("%w: begins with %q", errFrame, raw)
	}
	if raw, err = more(in, raw, n); err != nil {
		return raw, err
	}
	if k := bytes.Index(raw, bracesBegin); k >= 0 {
		cipher := (headSize + n - len(ends) - (k + len(begins))) / block * block
		if raw, err = more(in, raw, bracesSize(cipher)-cipher); err != nil {
			return raw, err
		}
	}
	if raw, err = more(in, raw, sumSize); err != nil {
		return raw, err
	}
	c.SetReadDeadline(time.Now().Add(tailWait))
	defer c.SetReadDeadline(time.Time{})
	if tail, _ := in.Peek(2); string(tail) == "\r\n" {
		in.Discard(2)
		raw = append(raw, tail...)
	}
	return raw, nil
}

func more(in io.Reader, b []byte, n int) ([]byte, error) {
	at := len(b)
	b = append(b, make([]byte, n)...)
	got, err := io.ReadFull(in, b[at:])
	return b[:at+got], err
}

// digits reads a decimal number without a sign.
func digits(b []byte) (n int, ok bool) {
	if len(b) == 0 || strings.Trim(string(b), "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(string(b))
	return n, err == nil
}

// A Message is one data segment. Fields that are not there are "".
type Message struct {
	QN, ST, CN, PW, MN, Flag, PNUM, PNO, RF string

	// Area is what stands between "CP=&&" and the "&&" at the end.
	Area string

	At        time.Time // when it came
	Conn      int       // over which connection, from 1
	Encrypted bool
}

// parse reads a data segment. The error says what no edition allows.
func parse(data string) (m Message, err error) {
	head, area, ok := strings.Cut(data, begins)
	if m.Area, _ = strings.CutSuffix(area, ends); !ok || m.Area == area {
		return m, fmt.Errorf("no CP=&&...&& in %q", data)
	}
	for f := range strings.SplitSeq(strings.TrimSuffix(head, ";"), ";") {
		name, value, ok := strings.Cut(f, "=")
		to := m.field(name)
		if !ok || to == nil {
			return m, fmt.Errorf("field %q before CP", f)
		}
		if *to != "" {
			return m, fmt.Errorf("field %s twice", name)
		}
		*to = value
	}
	return m, nil
}

func (m *Message) field(name string) *string {
	switch name {
	case "QN":
		return &m.QN
	case "ST":
		return &m.ST
	case "CN":
		return &m.CN
	case "PW":
		return &m.PW
	case "MN":
		return &m.MN
	case "Flag":
		return &m.Flag
	case "PNUM":
		return &m.PNUM
	case "PNO":
		return &m.PNO
	case "RF":
		return &m.RF
	}
	return nil
}

// data is the segment of a message, in the order of HJ 212-2017, table 3, with RF before
// CP.
func (m *Message) data() []byte {
	var b strings.Builder
	for _, f := range []struct{ name, value string }{
		{"QN", m.QN}, {"ST", m.ST}, {"CN", m.CN}, {"PW", m.PW}, {"MN", m.MN}, {"Flag", m.Flag}, {"PNUM", m.PNUM}, {"PNO", m.PNO}, {"RF", m.RF},
	} {
		if f.value != "" {
			b.WriteString(f.name + "=" + f.value + ";")
		}
	}
	b.WriteString(begins + m.Area + ends)
	return []byte(b.String())
}

// Get is a value of the data area, "" where it is not there.
func (m *Message) Get(name string) string {
	for p := range m.params() {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// Exchange is the QN that the message belongs to: in 2005 answers have it in the data
// area (HJ/T 212-2005, appendix C).
func (m *Message) Exchange() string {
	if m.QN != "" {
		return m.QN
	}
	return m.Get("QN")
}

func (m Message) String() string {
	s := fmt.Sprintf("CN=%s ST=%s QN=%s Flag=%s", m.CN, m.ST, m.QN, m.Flag)
	if m.PNUM != "" {
		s += fmt.Sprintf(" %s/%s", m.PNO, m.PNUM)
	}
	if m.RF != "" {
		s += " RF=" + m.RF
	}
	if m.Encrypted {
		s += " SM4"
	}
	return s + " " + m.Area
}

type param struct{ name, value string }

// params yields the fields of the data area. The text of a log, between // and //, may
// have any character (HJ 212-2017, C.40).
func (m *Message) params() func(func(param) bool) {
	return func(yield func(param) bool) {
		rest := m.Area
		for rest != "" {
			name, after, ok := strings.Cut(rest, "=")
			if !ok {
				yield(param{name: rest})
				return
			}
			end := 0
			if strings.HasPrefix(after, "//") {
				if k := strings.Index(after[2:], "//"); k >= 0 {
					end = k + 4
				}
			}
			value := after
			if k := strings.IndexAny(after[end:], ";,"); k >= 0 {
				value, rest = after[:end+k], after[end+k+1:]
			} else {
				rest = ""
			}
			if !yield(param{strings.TrimSpace(name), value}) {
				return
			}
		}
	}
}

const stampForm = "20060102150405"

// beijing is the time of all stamps.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// Stamp is a time as DataTime has it.
func Stamp(t time.Time) string { return t.In(beijing).Format(stampForm) }
