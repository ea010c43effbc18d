package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
)

// A setting is how characters may look on a serial line. Zero is that of a bus whose
// setting is not ours to choose.
type setting struct {
	baud   int
	parity string
	stop   int
}

func (s setting) String() string {
	if s.baud == 0 {
		return ""
	}
	return fmt.Sprintf("%d 8%c%d", s.baud, s.parity[0]-'a'+'A', s.stop)
}

// lead is the setting at the front of a line.
func (s setting) lead() string {
	if s.baud == 0 {
		return ""
	}
	return s.String() + " "
}

// questionTime is what a question without an answer costs at most.
func (s setting) questionTime(timeout time.Duration) time.Duration {
	d := timeout + scanLate + 5*time.Millisecond
	if s.baud > 0 {
		d += 8 * 11 * time.Second / time.Duration(s.baud)
	}
	return d
}

// scanLate is for answers that come late. They name another unit than the next question,
// so that little is needed.
const scanLate = 20 * time.Millisecond

// A bus has one setting, and units that are there answer, if only to refuse. So a scan
// goes on looking for the setting until somebody answers, and then asks all units at
// that setting. Low units come first, at all settings: instruments leave the works as 1,
// and are given numbers from there.
type scan struct {
	settings []setting
	units    []byte
	low      int // so many of units are asked at every setting before the others are
	ask      modbus.Read
	open     func(setting) (drivers.Bus, func(), error)
	cost     func(setting) time.Duration // of a question without an answer
	progress func(scanState)

	state scanState
	found []foundUnit
	odd   []string // what came and was no answer
	asked map[setting]map[byte]bool
}

// scanState is how far a scan is.
type scanState struct {
	setting setting
	unit    byte
	asked   int
	total   int
	left    time.Duration // at most
	found   int
}

// A foundUnit is one that answered.
type foundUnit struct {
	setting
	unit      byte
	functions []byte // that it answered with data
	value     uint16 // of the first
	refused   *modbus.Exception
}

// total is the number of questions and their time, if nobody ever answers.
func (s *scan) total() (questions int, most time.Duration) {
	for _, at := range s.settings {
		n := len(s.units) - len(s.asked[at])
		questions += n
		most += time.Duration(n) * s.cost(at)
	}
	return questions, most
}

// run scans until somebody was found and his bus is asked to the end, or ctx ends.
func (s *scan) run(ctx context.Context) error {
	s.asked = map[setting]map[byte]bool{}
	for _, at := range s.settings {
		s.asked[at] = map[byte]bool{}
	}
	for _, units := range [][]byte{s.units[:s.low], s.units[s.low:]} {
		for _, at := range s.settings {
			if err := s.at(ctx, at, units); err != nil || len(s.found) > 0 {
				return err
			}
		}
	}
	return nil
}

// at asks units at one setting, and all others too when one has answered.
func (s *scan) at(ctx context.Context, at setting, units []byte) error {
	if len(units) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	bus, done, err := s.open(at)
	if err != nil {
		return err
	}
	defer done()
	for range 2 {
		for _, unit := range units {
			if s.asked[at][unit] {
				continue
			}
			if err := s.one(ctx, bus, at, unit); err != nil {
				return err
			}
			if len(s.found) == 1 {
				s.settings = []setting{at} // the others cannot be it
			}
		}
		if len(s.found) == 0 {
			return nil
		}
		units = s.units
	}
	return nil
}

// one asks one unit. The error is one that ends the scan.
func (s *scan) one(ctx context.Context, bus drivers.Bus, at setting, unit byte) error {
	s.tell(at, unit)
	defer func() { s.asked[at][unit] = true }()
	r := s.ask
	r.Unit = unit
	data, err := bus.Read(ctx, r)
	refused, isRefused := errors.AsType[*modbus.Exception](err)
	switch {
	case err == nil, isRefused && refused.Code != 10 && refused.Code != 11:
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, modbus.ErrNoAnswer), isRefused:
		return nil
	case errors.Is(err, modbus.ErrCRC), errors.Is(err, modbus.ErrAnswer):
		if len(s.odd) < 5 {
			s.odd = append(s.odd, fmt.Sprintf("%v %v", at, err))
		}
		return nil
	default:
		return err
	}
	f := foundUnit{setting: at, unit: unit, refused: refused}
	if err == nil {
		f.functions, f.value = []byte{r.Function}, binary.BigEndian.Uint16(data)
	}
	// The other kind of register may be what the instrument has.
	r.Function = 7 - r.Function
	if data, err := bus.Read(ctx, r); err == nil {
		if f.functions = append(f.functions, r.Function); len(f.functions) == 1 {
			f.value = binary.BigEndian.Uint16(data)
		}
	}
	s.found = append(s.found, f)
	s.tell(at, unit)
	return nil
}

func (s *scan) tell(at setting, unit byte) {
	left, most := s.total()
	done := 0
	for _, units := range s.asked {
		done += len(units)
	}
	s.state = scanState{setting: at, unit: unit, asked: done, total: done + left, left: most, found: len(s.found)}
	s.progress(s.state)
}
