package gov

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// Longest data segment, and data area, in bytes (HJ/T 212-2005 and HJ 212-2017, table 2
// and 3; the same is said of 2025).
const longestData = 1024

var longestArea = map[int]int{2005: 960, 2017: 950, 2025: 950}

// check notes what of a message is not as its edition has it.
func (p *Platform) check(raw, data []byte, m *Message) {
	note := func(format string, args ...any) {
		p.wrong("%s %s: "+format, append([]any{m.CN, m.QN}, args...)...)
	}
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		note("no CR LF at the end")
	} else if sum := raw[len(raw)-2-sumSize : len(raw)-2]; string(sum) != strings.ToUpper(string(sum)) {
		note("sum %s is in small letters", sum)
	}
	if len(data) > longestData {
		note("%d bytes of data, at most %d", len(data), longestData)
	}
	if most := longestArea[p.o.Edition]; len(m.Area) > most {
		note("%d bytes in the data area, at most %d", len(m.Area), most)
	}
	if _, ok := digits([]byte(m.QN)); (!ok || len(m.QN) != 17) && p.o.Edition != 2005 {
		note("QN is no 17 digits")
	}
	p.checkFlag(m, note)
	if m.RF != "" && (m.RF != "1" || p.o.Edition != 2025) {
		note("RF=%s: only RF=1, and only in 2025", m.RF)
	}
	if secret := isSecret(m.CN, true); len(p.keys) > 0 && secret != m.Encrypted && len(m.Area) >= block {
		note("encrypted is %t", m.Encrypted)
	}
	p.checkArea(m, note)
}

func (p *Platform) checkFlag(m *Message, note func(string, ...any)) {
	n, ok := digits([]byte(m.Flag))
	switch {
	case m.Flag == "" && p.o.Edition == 2005:
		return
	case !ok || n > 255:
		note("Flag is %q", m.Flag)
		return
	}
	if n>>2 != p.version() {
		note("Flag=%d is of version %d, want %d", n, n>>2, p.version())
	}
	if split := m.PNUM != "" && m.PNO != ""; split != (n&2 != 0) || (m.PNUM == "") != (m.PNO == "") {
		note("Flag=%d with PNUM %q and PNO %q", n, m.PNUM, m.PNO)
	}
	if p.o.Edition == 2025 && (len(m.PNUM) > 1 || len(m.PNO) > 1) {
		note("PNUM %q and PNO %q have more than one digit", m.PNUM, m.PNO)
	}
	if answer := strings.HasPrefix(m.CN, "901") && m.CN != "9015"; answer && (m.ST != "91" || n&1 != 0) {
		note("an answer has ST=%s and Flag=%d", m.ST, n)
	}
}

// timed are the codes whose data have a DataTime.
var timed = []string{"2011", "2013", "2021", "2031", "2041", "2051", "2052", "2061", "2062", "2081", "2111"}

func (p *Platform) checkArea(m *Message, note func(string, ...any)) {
	seen := map[string]bool{}
	for f := range m.params() {
		if seen[f.name] {
			note("%s twice in the data area", f.name)
		}
		seen[f.name] = true
		if f.name == "" || f.value == "" {
			note("field %q with value %q", f.name, f.value)
		}
		if isTimeField(f.name) && !isStamp(f.value) {
			note("%s is %q: a time of 14 digits", f.name, f.value)
		}
	}
	if slices.Contains(timed, m.CN) && !seen["DataTime"] {
		note("no DataTime")
	}
}

func isTimeField(name string) bool {
	_, kind, ok := strings.Cut(name, "-")
	return !ok && slices.Contains([]string{"DataTime", "SystemTime", "RestartTime"}, name) || kind == "SampleTime" || kind == "CompleteTime"
}

func isStamp(s string) bool {
	_, err := time.Parse(stampForm, s)
	return err == nil && len(s) == len(stampForm)
}
