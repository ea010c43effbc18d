package hj212

import (
	"fmt"
	"time"
)

// Beijing is the time of all stamps, UTC+8. It is fixed: a gateway may have no zone
// files, and one that stands elsewhere or has its clock in UTC still writes this.
var Beijing = time.FixedZone("UTC+8", 8*60*60)

// Stamp is a time as DataTime has it: 14 digits, YYYYMMDDhhmmss, in [Beijing]. What
// is less than a second is cut off.
func Stamp(t time.Time) string { return string(AppendStamp(nil, t)) }

// StampMillis is a time as QN has it: 17 digits, YYYYMMDDhhmmssmmm, in [Beijing].
func StampMillis(t time.Time) string { return string(AppendStampMillis(nil, t)) }

// AppendStamp appends [Stamp] of t to b.
func AppendStamp(b []byte, t time.Time) []byte {
	return t.In(Beijing).AppendFormat(b, "20060102150405")
}

// AppendStampMillis appends [StampMillis] of t to b.
func AppendStampMillis(b []byte, t time.Time) []byte {
	t = t.In(Beijing)
	b = t.AppendFormat(b, "20060102150405")
	ms := t.Nanosecond() / 1e6
	return append(b, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

// ParseTime reads a stamp of 14 or 17 digits; the time is in [Beijing]. Years are
// 2000 to 2099: the examples of HJ/T 212-2005 are of 2004. The error says what was
// wrong with which stamp; there is none to branch on.
func ParseTime(s string) (time.Time, error) {
	if len(s) != 14 && len(s) != 17 {
		return time.Time{}, fmt.Errorf("hj212: time %q has %d characters, want 14 or 17 digits", shorten(s), len(s))
	}
	if !only(s, isDigit) {
		return time.Time{}, fmt.Errorf("hj212: time %q is not of digits alone", s)
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	year := two(0)*100 + two(2)
	month, day, hour, minute, second := two(4), two(6), two(8), two(10), two(12)
	ms := 0
	if len(s) == 17 {
		ms = int(s[14]-'0')*100 + two(15)
	}
	switch {
	case year < 2000 || year > 2099:
		return time.Time{}, fmt.Errorf("hj212: time %q is in the year %d, want 2000 to 2099", s, year)
	case month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59:
		return time.Time{}, fmt.Errorf("hj212: time %q is no date and time of day", s)
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, ms*1e6, Beijing), nil
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Time reads the time that the first parameter with that name has; the error says
// so where there is none.
func (a Area) Time(name string) (time.Time, error) {
	value, ok := a.Get(name)
	if !ok {
		return time.Time{}, fmt.Errorf("hj212: no %s in CP", name)
	}
	return ParseTime(value)
}

func isTime(s string) bool { _, err := ParseTime(s); return err == nil }
