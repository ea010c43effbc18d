package config

import (
	"fmt"
)

// Metered are the limits of a contract that counts bytes. At least one of the two is
// there.
type Metered struct {
	// BytesPerDay is 1 MB to 1000 GB; 0 is no limit.
	BytesPerDay int64

	// Hours are when samples may go, by the clock of the site (+08:00), at most 8;
	// none means at all hours.
	Hours []Hours
}

// Hours are a part of each day, in minutes since midnight: From 0 to 1439, To 1 to 1440,
// not included. Where To is not after From they go over midnight.
type Hours struct{ From, To int }

// String is the hours as a site file has them: 22:00-06:00.
func (h Hours) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60)
}

// String is the contract in words.
func (m *Metered) String() string {
	text := "no limit of bytes"
	if m.BytesPerDay > 0 {
		text = formatSize(m.BytesPerDay) + " a day, of which live has nine tenths"
	}
	if len(m.Hours) > 0 {
		text += fmt.Sprintf("; live goes %v +08:00", m.Hours)
	}
	return text
}

func (r *reader) metered(g *group, to *Uplink) {
	if !g.has("metered") {
		return
	}
	g, ok := r.group(g.at("metered"), "uplinks[].metered", "bytes_per_day or hours")
	if !ok {
		return
	}
	to.Metered = &Metered{}
	if p, there := g.values["bytes_per_day"]; there {
		n, hint, ok := parseSize(p.text)
		if p.kind != scalar || !ok || n < 1e6 || n > 1e12 {
			r.bad(p, "want 1MB to 1000GB, such as 20MB", hint)
		}
		to.Metered.BytesPerDay = n
	}
	for _, p := range g.list("hours", "want a list of hours of the day, such as [\"22:00-06:00\"]", 8) {
		h, ok := parseHours(p.text)
		if p.kind != scalar || !ok {
			r.bad(p, "want two times of the day, such as 22:00-06:00", "all digits are written, 06:00 and not 6; the day ends at 24:00")
		}
		to.Metered.Hours = append(to.Metered.Hours, h)
	}
	if len(g.values) == 0 && !g.holes {
		r.say(g.place, "says nothing: want bytes_per_day, hours or both", "")
	}
}

// parseHours reads 22:00-06:00.
func parseHours(s string) (h Hours, ok bool) {
	if len(s) != 11 || s[5] != '-' {
		return h, false
	}
	h.From, h.To = parseClock(s[:5]), parseClock(s[6:])
	return h, h.From >= 0 && h.From < 24*60 && h.To > 0 && h.From != h.To
}

// parseClock reads hh:mm, 00:00 to 24:00, as minutes; -1 is something else.
func parseClock(s string) int {
	digit := func(i int) int {
		if s[i] < '0' || s[i] > '9' {
			return -10000
		}
		return int(s[i] - '0')
	}
	hour, minute := 10*digit(0)+digit(1), 10*digit(3)+digit(4)
	if s[2] != ':' || hour < 0 || minute < 0 || minute > 59 || 60*hour+minute > 24*60 {
		return -1
	}
	return 60*hour + minute
}

func canonicalMetered(m *Metered) object {
	if m == nil {
		return nil
	}
	bytes, hours := "", array{}
	if m.BytesPerDay > 0 {
		bytes = formatSize(m.BytesPerDay)
	}
	for _, h := range m.Hours {
		hours = append(hours, h.String())
	}
	return object{{"bytes_per_day", bytes}, {"hours", hours}}
}
