package platform

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Command codes (HJ 212-2017, table 9).
const (
	cnRealTime = "2011"
	cnDay      = "2031"
	cnMinute   = "2051"
	cnHour     = "2061"

	cnAnswer = "9011" // to a request
	cnTaken  = "9014" // to data

	stSystem = "91" // of answers
)

// QnRtn of an answer to a request (HJ 212-2017, table 6).
const (
	rtnRefused = 2
	rtnPW      = 3
	rtnMN      = 4
)

// Bits of Flag (HJ 212-2017, table 3); the edition stands above them.
const (
	bitAnswer = 1
	bitSplit  = 2
)

// Widths in bytes (HJ 212-2017, tables 2 and 3; the same in 2025). That of CP is
// counted with its name and its marks, which is the narrowest reading.
const (
	maxSegment = 1024
	maxCP      = 950
)

// site is the zone of all times in frames, with no zone files needed.
var site = time.FixedZone("+08:00", 8*3600)

func stamp(t time.Time) string { return t.In(site).Format("20060102150405") }

// A form is what all frames to a platform have in common.
type form struct {
	st, pw, mn string
	version    int // of Flag: 1 is 2017, 2 is 2025
	maxPackets int // PNUM has four digits in 2017, one in 2025
}

func newForm(o Options) form {
	f := form{o.ST, o.PW, o.MN, 1, 9999}
	if o.Edition == 2025 {
		f.version, f.maxPackets = 2, 9
	}
	return f
}

// A packet is one frame but for its QN.
type packet struct {
	cn        string
	pnum, pno int    // 0 = not split
	backfill  bool   // RF=1 (HJ 212-2025, table 3)
	area      string // of data, between the marks
}

// segment is the data segment of a packet, in the order of HJ 212-2017, table 3, and
// HJ 212-2025, figure 4.
func (f *form) segment(qn string, k packet) []byte {
	flag := f.version<<2 | bitAnswer
	if k.pnum > 0 {
		flag |= bitSplit
	}
	b := fmt.Appendf(nil, "QN=%s;ST=%s;CN=%s;PW=%s;MN=%s;Flag=%d", qn, f.st, k.cn, f.pw, f.mn, flag)
	if k.pnum > 0 {
		b = fmt.Appendf(b, ";PNUM=%d;PNO=%d", k.pnum, k.pno)
	}
	if k.backfill {
		b = append(b, ";RF=1"...)
	}
	return fmt.Appendf(b, ";CP=&&%s&&", k.area)
}

// answer is the data segment of a 9011.
func (f *form) answer(qn string, rtn int) []byte {
	return fmt.Appendf(nil, "QN=%s;ST=%s;CN=%s;PW=%s;MN=%s;Flag=%d;CP=&&QnRtn=%d&&", qn, stSystem, cnAnswer, f.pw, f.mn, f.version<<2, rtn)
}

// room is how many bytes the data area of a packet may have.
func (f *form) room(k packet) int {
	k.area = ""
	n := maxSegment - len(f.segment(strings.Repeat("0", qnLen), k))
	return min(n, maxCP-len("CP=&&&&"))
}

// packets lays items out in as few packets as hold them, cut between items. Each
// begins with the DataTime (HJ 212-2017, C.47).
func (f *form) packets(cn string, at time.Time, backfill bool, items []string) []packet {
	head := "DataTime=" + stamp(at)
	k := packet{cn: cn, backfill: backfill}
	if areas := cut(head, items, f.room(k)); len(areas) == 1 {
		k.area = areas[0]
		return []packet{k}
	}
	k.pnum, k.pno = f.maxPackets, f.maxPackets // the widest
	areas := cut(head, items, f.room(k))
	var out []packet
	for len(areas) > 0 { // in 2025 a long record is several of nine packets
		n := min(len(areas), f.maxPackets)
		k.pnum, k.pno = n, 0
		if n == 1 {
			k.pnum = 0
		}
		for _, k.area = range areas[:n] {
			if k.pnum > 0 {
				k.pno++
			}
			out = append(out, k)
		}
		areas = areas[n:]
	}
	return out
}

func cut(head string, items []string, room int) (areas []string) {
	area := head
	for _, item := range items {
		if len(area) > len(head) && len(area)+1+len(item) > room {
			areas = append(areas, area)
			area = head
		}
		area += ";" + item
	}
	return append(areas, area)
}

const qnLen = 17

// nextQN is a number that no other frame of this process has: the time in
// milliseconds, or one more than the last where two fall together.
func (p *Platform) nextQN(now time.Time) string {
	p.qn = max(now.UnixMilli(), p.qn+1)
	return stamp(time.UnixMilli(p.qn)) + fmt.Sprintf("%03d", p.qn%1000)
}

// A message is what is read of a platform's frame.
type message struct {
	qn, cn, pw, mn string
}

// maxField is the longest field that is looked at.
const maxField = 64

// parseMessage reads the fields before CP, in any order; those that are not there
// stay empty. Blanks around them, and commas for semicolons, are seen in the field.
func parseMessage(data []byte) (m message) {
	head, _, _ := strings.Cut(string(data), "CP=")
	for field := range strings.FieldsFuncSeq(head, func(r rune) bool { return r == ';' || r == ',' }) {
		name, value, _ := strings.Cut(field, "=")
		value = strings.TrimSpace(value)
		if len(value) > maxField {
			continue
		}
		switch strings.TrimSpace(name) {
		case "QN":
			m.qn = value
		case "CN":
			m.cn = value
		case "PW":
			m.pw = value
		case "MN":
			m.mn = value
		}
	}
	return m
}

// isRequest reports whether m is a request that can be answered: CN 1000 to 3999, and
// a QN that is one.
func (m message) isRequest() bool {
	cn, err := strconv.ParseUint(m.cn, 10, 16)
	return err == nil && len(m.cn) == 4 && cn >= 1000 && cn <= 3999 && len(m.qn) == qnLen && isDigits(m.qn)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// maxValue is the longest value that goes out, in bytes. The longest item of all kinds
// then fits a packet.
const maxValue = 24

// isNumber reports whether s is a decimal number as the standard writes them: sign,
// digits, point, digits (HJ 212-2017, 6.3.4).
func isNumber(s string) bool {
	if len(s) > maxValue {
		return false
	}
	whole, part, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return isDigits(whole) && (!point || isDigits(part))
}

// isFlag reports whether s can be a data flag, in any edition.
func isFlag(s string) bool { return len(s) <= 4 && isWord(s, "") }
