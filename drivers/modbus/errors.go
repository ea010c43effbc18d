package modbus

import "errors"

// What a caller branches on with errors.Is; the error around it says which
// unit, which range and what was seen. Beside these, a question may fail with
// an [*Exception], and with the error of its context.
var (
	// ErrNoAnswer: no whole answer came within the time-out. The connection
	// is sound; the unit is off, slow, or has another address.
	ErrNoAnswer = errors.New("no answer")
	// ErrCRC: the answer came damaged.
	ErrCRC = errors.New("crc of the answer is wrong")
	// ErrAnswer: a sound answer came that does not fit the question, such as
	// one with another number of registers.
	ErrAnswer = errors.New("answer does not fit the question")
	// ErrQuestion: the question breaks the rules of Modbus and was not put
	// on the wire.
	ErrQuestion = errors.New("question refused")
	// ErrRaw: raw questions and private functions are for serial lines only.
	ErrRaw = errors.New("private functions and raw questions need a serial line")

	// ErrClosed: Close was called.
	ErrClosed = errors.New("line is closed")
	// ErrPortMissing: there is no such serial port now, or it was unplugged.
	ErrPortMissing = errors.New("port is missing")
	// ErrPortTaken: another line or another program has the serial port.
	ErrPortTaken = errors.New("port is taken")
	// ErrPortStuck: a call into the serial driver has not come back for two
	// seconds. The line is usable again once it does, for example when the
	// adapter is unplugged.
	ErrPortStuck = errors.New("port is stuck")
	// ErrUnreachable: the network endpoint does not take a connection, or the
	// connection broke.
	ErrUnreachable = errors.New("endpoint is unreachable")
)
