package modbus

import (
	"fmt"
	"time"
)

// Serial names a serial port and how characters look on it. Nothing is
// guessed: Modbus asks for 8E1, many instruments leave the works with 8N1, and
// a wrong guess looks like a dead bus.
type Serial struct {
	Port     string // path, better one below /dev/serial/by-id or by-path, which outlives a replug
	Baud     int    // 300 to 4000000
	DataBits int    // 8, the only width RTU knows; 0 means 8
	Parity   string // none, even or odd
	StopBits int    // 1 or 2
	Echo     bool   // the adapter hears what it sends
}

func (s Serial) check() error {
	switch {
	case s.Port == "":
		return fmt.Errorf("serial port has no path")
	case s.Baud < 300 || s.Baud > 4_000_000:
		return fmt.Errorf("serial port %s: baud is %d: 300 to 4000000 is possible", s.Port, s.Baud)
	case s.DataBits != 0 && s.DataBits != 8:
		return fmt.Errorf("serial port %s: data bits is %d: RTU needs 8", s.Port, s.DataBits)
	case s.Parity != "none" && s.Parity != "even" && s.Parity != "odd":
		return fmt.Errorf("serial port %s: parity is %q: none, even or odd", s.Port, s.Parity)
	case s.StopBits != 1 && s.StopBits != 2:
		return fmt.Errorf("serial port %s: stop bits is %d: 1 or 2", s.Port, s.StopBits)
	}
	return nil
}

// charTime returns how long one character is on the wire: a start bit, eight
// data bits, the parity bit if there is one, and the stop bits.
func (s Serial) charTime() time.Duration {
	bits := 1 + 8 + s.StopBits
	if s.Parity != "none" {
		bits++
	}
	return time.Duration(bits) * time.Second / time.Duration(s.Baud)
}

// silence returns t3.5, the silence that ends a frame: 3.5 characters, and a
// fixed 1750 µs on fast lines (MODBUS over Serial Line V1.02, section 2.5.1.1).
func (s Serial) silence() time.Duration {
	if s.Baud >= 19200 {
		return 1750 * time.Microsecond
	}
	return s.charTime() * 7 / 2
}

// WireTime returns how long the wire is busy with r: question, answer, and
// the silence after each. The unit's own thinking comes on top.
func (s Serial) WireTime(r Read) time.Duration {
	return s.charTime()*time.Duration(r.Bytes()) + 2*s.silence()
}
