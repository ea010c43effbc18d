package drivers

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// A timeForm is how a time is written, made ready.
type timeForm struct {
	form   string
	fields string // of registers, bytes and bcd
	zone   *time.Location
}

const (
	formRegisters = "registers"
	formBytes     = "bytes"
	formBCD       = "bcd"
	formUnix      = "unix"
	formText      = "text"

	allFields = "YMDhms"
)

// siteZone is that of clocks of which nothing is said. Machines may have no
// zone files.
var siteZone = time.FixedZone("+08:00", 8*60*60)

// form checks how a time is written, and gives spec the registers that it takes.
func (c *compiler) form(s *ParameterSpec, spec *PointSpec) *timeForm {
	f := &timeForm{form: s.Form, zone: siteZone}
	for i, given := range []bool{s.Type != "", s.Bits != "", s.Scale != "", s.Offset != "", s.Decimals != "", s.Unit != "", len(s.Sentinels) > 0} {
		if given {
			c.fail([]string{"type", "bits", "scale", "offset", "decimals", "unit", "sentinels"}[i], "is given: a time is no number")
		}
	}
	spec.Type = "string"
	switch s.Form {
	case formRegisters, formBytes, formBCD:
		f.fields = cmp.Or(s.Fields, allFields)
		c.fields(f.fields)
		n := len(f.fields)
		if s.Form != formRegisters {
			if n%2 != 0 {
				c.fail("fields", "are %d bytes: want whole registers; _ stands for a byte that does not count", n)
			}
			n = (n + 1) / 2
		}
		spec.Length = Number(strconv.Itoa(n))
	case formUnix:
		f.zone = time.UTC
		spec.Type = "uint32"
	case formText:
	default:
		c.fail("form", "is %q: want registers, bytes, bcd, unix or text", s.Form)
		spec.Length = "1"
		return f
	}
	if s.Length != "" && s.Form != formText {
		c.fail("length", "is %s: only a text has a length", s.Length)
	}
	if s.Fields != "" && f.fields == "" {
		c.fail("fields", "is %s: only registers, bytes and bcd have fields", s.Fields)
	}
	if s.Zone != "" {
		at, err := time.Parse("-07:00", s.Zone)
		if err != nil {
			c.fail("zone", "is %q: want one such as +08:00", s.Zone)
		}
		_, off := at.Zone() // and not its Location, which may be the machine's own
		f.zone = time.FixedZone(s.Zone, off)
	}
	s.Zone = time.Time{}.In(f.zone).Format("-07:00")
	return f
}

// fields checks the order of a time's fields. A clock has all of them; other times
// may end with the day, the hour or the minute.
func (c *compiler) fields(s string) {
	here := 0 // of allFields, from the first on
	for here < len(allFields) && strings.Count(s, allFields[here:here+1]) == 1 {
		here++
	}
	known := here + strings.Count(s, "_") + min(1, strings.Count(s, "C"))
	if known != len(s) || len(s) > 16 || here < 3 || c.path == clockPath && here < len(allFields) {
		c.fail("fields", "is %s: want the letters of YMDhms once each, a clock all of them; C is the century and _ what does not count", s)
	}
}

// read makes a time of the registers b, which are p's. text has as much of it as
// the instrument gives, and no zone unless it gives one. ok is false where it is
// no time: a clock that was never set, a calibration that never was.
func (f *timeForm) read(p *point, b []byte) (at time.Time, text string, ok bool) {
	switch f.form {
	case formUnix:
		seconds := int64(p.decode(&read{address: p.address}, b).bits)
		at = time.Unix(seconds, 0).UTC()
		_, off := time.Date(2000, 1, 1, 0, 0, 0, 0, f.zone).Zone()
		return at.Add(-time.Duration(off) * time.Second), at.Format("2006-01-02T15:04:05Z"), seconds != 0 && seconds != 1<<32-1
	case formText:
		o := p.text(b)
		for _, layout := range []string{
			"2006-01-02 15:04:05", "2006/01/02 15:04:05", "2006-01-02T15:04:05", "20060102150405",
		} {
			if at, err := time.ParseInLocation(layout, o.value, f.zone); err == nil {
				return at, o.value, true
			}
		}
		return time.Time{}, "", false
	}
	var v [8]int // by place in allFields, then C
	for i, name := range f.fields {
		n, good := f.field(p, b, i)
		if at := strings.IndexRune(allFields+"C", name); at >= 0 {
			if !good {
				return time.Time{}, "", false
			}
			v[at] = n
		}
	}
	year := v[0]
	switch {
	case strings.Contains(f.fields, "C"):
		year += 100 * v[6]
	case year < 100:
		year += 2000
	}
	at = time.Date(year, time.Month(v[1]), v[2], v[3], v[4], v[5], 0, f.zone)
	y, month, d := at.Date()
	hour, minute, second := at.Clock()
	same := [6]int{y, int(month), d, hour, minute, second} == [6]int{year, v[1], v[2], v[3], v[4], v[5]}
	layout := "2006-01-02"
	for i, part := range []string{"T15", ":04", ":05"} {
		if strings.Contains(f.fields, allFields[3+i:4+i]) {
			layout += part
		}
	}
	return at, at.Format(layout), same && year >= 1970 && year < 2200
}

// field reads field i; good is false for what is no number of its form.
func (f *timeForm) field(p *point, b []byte, i int) (n int, good bool) {
	if f.form == formRegisters {
		return int(p.word(b[2*i:])), true
	}
	v := p.word(b[i&^1:])
	if i%2 == 0 {
		v >>= 8
	}
	v &= 0xFF
	if f.form == formBytes {
		return int(v), true
	}
	return int(v>>4*10 + v&0xF), v>>4 <= 9 && v&0xF <= 9
}
