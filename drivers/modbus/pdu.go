package modbus

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Function codes (Modbus Application Protocol V1.1b3, section 6).
const (
	fcReadCoils      = 1
	fcReadDiscretes  = 2
	fcReadHoldings   = 3
	fcReadInputs     = 4
	fcWriteCoil      = 5
	fcWriteRegister  = 6
	fcWriteCoils     = 15
	fcWriteRegisters = 16

	fcException = 0x80 // set in the function code of a refusal
)

// Limits of one question (the same document, sections 4.1 and 6).
const (
	maxPDU            = 253
	maxReadBits       = 2000
	maxReadRegisters  = 125
	maxWriteBits      = 1968
	maxWriteRegisters = 123

	maxUnit = 247 // 0 is the broadcast, 248 to 255 are reserved
)

// A Read asks one unit for one range.
type Read struct {
	Unit     byte   // 1 to 247
	Function byte   // 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers, or a [Private] one
	Address  uint16 // as on the wire, the first is 0
	Quantity uint16 // 1 to 125 registers, or 1 to 2000 bits; the range ends at 65535

	// Timeout is how long the unit may take to begin its answer; 0 is the
	// line's. On tcp, tcp+tls and udp an unanswered question lasts as long as the
	// longest time-out ever asked of that line.
	Timeout time.Duration

	// Pause is the least time between the end of the unit's last exchange and
	// this question. Other units may be asked meanwhile.
	Pause time.Duration
}

// String names the read as errors do: "unit 7 holding 40 to 51".
func (r Read) String() string {
	return fmt.Sprintf("unit %d %s", r.Unit, rangeName(r.Function, r.Address, r.Quantity))
}

// check refuses what must not go on the wire. The error wraps ErrQuestion.
func (r Read) check() error {
	limit := maxReadRegisters
	switch r.Function {
	case fcReadCoils, fcReadDiscretes:
		limit = maxReadBits
	case fcReadHoldings, fcReadInputs:
	default:
		if !Private(r.Function) {
			return fmt.Errorf("%w: function %d does not read: 1 to 4 do", ErrQuestion, r.Function)
		}
	}
	return checkRange(r.Unit, r.Address, int(r.Quantity), limit)
}

// Private reports whether the standard leaves the function to makers (section
// 5: 65 to 72, 100 to 110). A [Read] takes it to have question and answer of
// function 3, as some dust monitors do under 100. Serial lines only.
func Private(function byte) bool {
	return function >= 65 && function <= 72 || function >= 100 && function <= 110
}

// size returns how many bytes of data answer the read.
func (r Read) size() int {
	if r.Function == fcReadCoils || r.Function == fcReadDiscretes {
		return (int(r.Quantity) + 7) / 8
	}
	return 2 * int(r.Quantity)
}

// Bytes returns how many bytes question and answer are as RTU frames. Modbus TCP
// has eight more.
func (r Read) Bytes() int { return 8 + 5 + r.size() }

func checkUnit(unit byte) error {
	switch {
	case unit == 0:
		return fmt.Errorf("%w: unit 0 is the broadcast, which nobody answers: a unit is 1 to %d", ErrQuestion, maxUnit)
	case unit > maxUnit:
		return fmt.Errorf("%w: unit %d is reserved: a unit is 1 to %d", ErrQuestion, unit, maxUnit)
	}
	return nil
}

func checkRange(unit byte, address uint16, quantity, limit int) error {
	if err := checkUnit(unit); err != nil {
		return err
	}
	if quantity < 1 || quantity > limit {
		return fmt.Errorf("%w: quantity is %d: one question takes 1 to %d", ErrQuestion, quantity, limit)
	}
	if last := int(address) + quantity - 1; last > 0xFFFF {
		return fmt.Errorf("%w: range ends at %d: addresses end at 65535", ErrQuestion, last)
	}
	return nil
}

// appendRead appends the question of functions 1 to 4 (sections 6.1 to 6.4).
//
//	question  function 1 | address 2 | quantity 2
//	answer    function 1 | byte count 1 | data
//
// Bits are packed eight to a byte, the first in the lowest bit.
func appendRead(b []byte, r Read) []byte {
	b = append(b, r.Function)
	b = binary.BigEndian.AppendUint16(b, r.Address)
	return binary.BigEndian.AppendUint16(b, r.Quantity)
}

// appendWriteCoil appends the question of function 5 (section 6.5).
//
//	question  5 | address 2 | FF 00 on, 00 00 off
//	answer    the same bytes
func appendWriteCoil(b []byte, address uint16, on bool) []byte {
	var value uint16
	if on {
		value = 0xFF00
	}
	b = append(b, fcWriteCoil)
	b = binary.BigEndian.AppendUint16(b, address)
	return binary.BigEndian.AppendUint16(b, value)
}

// appendWriteRegister appends the question of function 6 (section 6.6).
//
//	question  6 | address 2 | value 2
//	answer    the same bytes
func appendWriteRegister(b []byte, address, value uint16) []byte {
	b = append(b, fcWriteRegister)
	b = binary.BigEndian.AppendUint16(b, address)
	return binary.BigEndian.AppendUint16(b, value)
}

// appendWriteCoils appends the question of function 15 (section 6.11).
//
//	question  15 | address 2 | quantity 2 | byte count 1 | bits
//	answer    15 | address 2 | quantity 2
func appendWriteCoils(b []byte, address uint16, values []bool) []byte {
	b = append(b, fcWriteCoils)
	b = binary.BigEndian.AppendUint16(b, address)
	b = binary.BigEndian.AppendUint16(b, uint16(len(values)))
	b = append(b, byte((len(values)+7)/8))
	return appendBits(b, values)
}

// appendWriteRegisters appends the question of function 16 (section 6.12).
//
//	question  16 | address 2 | quantity 2 | byte count 1 | values
//	answer    16 | address 2 | quantity 2
func appendWriteRegisters(b []byte, address uint16, values []uint16) []byte {
	b = append(b, fcWriteRegisters)
	b = binary.BigEndian.AppendUint16(b, address)
	b = binary.BigEndian.AppendUint16(b, uint16(len(values)))
	b = append(b, byte(2*len(values)))
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

func appendBits(b []byte, values []bool) []byte {
	for i, on := range values {
		if i%8 == 0 {
			b = append(b, 0)
		}
		if on {
			b[len(b)-1] |= 1 << (i % 8)
		}
	}
	return b
}
