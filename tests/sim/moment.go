package sim

import (
	"fmt"
	"strings"
	"time"
)

// A moment is how an instrument writes a time.
type moment struct {
	form   string // registers, bytes, bcd, unix or text
	fields string // of the first three: YMDhms, C century, _ nothing
	zone   *time.Location
}

// calibrated is when every played instrument was calibrated last: 08:00 in
// its own zone.
var calibrated = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// readMoment reads how a line's time is written; nil if it is none.
func readMoment(l line) (*moment, error) {
	if l.Form == "" {
		return nil, nil
	}
	m := &moment{l.Form, l.Fields, time.FixedZone("", 8*60*60)}
	if m.fields == "" {
		m.fields = "YMDhms"
	}
	if m.form == "unix" {
		m.zone = time.UTC
	}
	if l.Zone != "" {
		at, err := time.Parse("-07:00", string(l.Zone))
		if err != nil {
			return nil, err
		}
		_, off := at.Zone()
		m.zone = time.FixedZone("", off)
	}
	return m, nil
}

// count is how many registers the time takes; texts say so themselves.
func (m *moment) count(length int) int {
	switch m.form {
	case "registers":
		return len(m.fields)
	case "bytes", "bcd":
		return (len(m.fields) + 1) / 2
	case "unix":
		return 2
	}
	return length
}

// put writes a time into a field's registers.
func (m *moment) put(f *field, memory map[place]uint16, at time.Time) {
	at = at.In(m.zone)
	switch m.form {
	case "unix":
		_, off := at.Zone() // seconds of a clock that is not set to UTC
		f.put(memory, uint64(at.Unix()+int64(off)))
		return
	case "text":
		layout := "2006-01-02 15:04:05"
		if 2*f.count < len(layout) {
			layout = "20060102150405"
		}
		f.putText(memory, at.Format(layout))
		return
	}
	words := make([]uint16, f.count)
	for i, letter := range m.fields {
		n := uint16(m.part(letter, at))
		switch m.form {
		case "registers":
			words[i] = n
			continue
		case "bcd":
			n = n/10<<4 | n%10
		}
		words[i/2] |= n << (8 * (1 - i%2))
	}
	for k, w := range words {
		if f.bytes {
			w = w<<8 | w>>8
		}
		memory[place{f.function, f.address + k}] = w
	}
}

// part is one field of a time.
func (m *moment) part(letter rune, at time.Time) int {
	switch letter {
	case 'Y':
		if m.form == "registers" && !strings.Contains(m.fields, "C") {
			return at.Year()
		}
		return at.Year() % 100
	case 'C':
		return at.Year() / 100
	case 'M':
		return int(at.Month())
	case 'D':
		return at.Day()
	case 'h':
		return at.Hour()
	case 'm':
		return at.Minute()
	case 's':
		return at.Second()
	}
	return 0
}

// time is what a field that is one says.
func (p *play) time(f *field, now time.Time) time.Time {
	if f.role != Clock {
		return time.Date(calibrated.Year(), calibrated.Month(), calibrated.Day(), calibrated.Hour(), 0, 0, 0, f.moment.zone)
	}
	if !p.still.IsZero() {
		now = p.still
	}
	return now.Add(p.drift)
}

// setClock makes the instrument's clock wrong by a time such as 90s or -2m.
func (p *play) setClock(by string) error {
	drift, err := time.ParseDuration(by)
	if by == "normal" {
		drift, err = 0, nil
	}
	if err != nil {
		return fmt.Errorf("set clock: %q is not how far it is off: want 90s, -2m or normal", by)
	}
	p.drift = drift
	return nil
}
