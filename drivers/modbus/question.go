package modbus

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// A question is one exchange as the transports see it.
type question struct {
	ctx     context.Context
	unit    byte
	pdu     []byte
	want    want
	timeout time.Duration
	pause   time.Duration // of the unit
	again   bool          // may be put twice: true of reads, never of writes
	raw     bool
}

// String names the question at the front of its errors.
func (q *question) String() string {
	if q.raw {
		return fmt.Sprintf("ask unit %d function %d", q.unit, q.pdu[0])
	}
	verb := "write"
	if q.again {
		verb = "read"
	}
	address, quantity := q.span()
	return fmt.Sprintf("%s unit %d %s", verb, q.unit, rangeName(q.pdu[0], address, quantity))
}

// span returns the range of a question that is not raw.
func (q *question) span() (address, quantity uint16) {
	address, quantity = binary.BigEndian.Uint16(q.pdu[1:]), 1
	if f := q.pdu[0]; f != fcWriteCoil && f != fcWriteRegister {
		quantity = binary.BigEndian.Uint16(q.pdu[3:])
	}
	return address, quantity
}

// refused returns the error for an answer that carries an exception code.
func (q *question) refused(code byte) *Exception {
	e := &Exception{Unit: q.unit, Function: q.pdu[0], Code: code}
	if !q.raw {
		e.Address, e.Quantity = q.span()
	}
	return e
}

// sleep waits for d, or until nobody waits for q any more.
func (q *question) sleep(stop <-chan struct{}, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-q.ctx.Done():
		return q.ctx.Err()
	case <-stop:
		return ErrClosed
	}
}

// cancelled returns why nobody waits for q any more, nil if somebody does.
func (q *question) cancelled(stop <-chan struct{}) error {
	select {
	case <-stop:
		return ErrClosed
	default:
		return q.ctx.Err()
	}
}

// ended reports whether err is what sleep or cancelled returned. It compares
// without unwrapping, for a connect attempt that took too long also calls
// itself a deadline.
func (q *question) ended(err error) bool {
	return err == ErrClosed || err == q.ctx.Err()
}

// A want says which answer fits a question. It is all there is to go by: a
// Modbus RTU answer names neither its question nor, for reads, its address.
type want struct {
	unit     byte
	function byte
	size     int     // bytes of the answer's PDU; 0 when only its end tells
	head     [4]byte // what must follow the function code
	fixed    int     // how many bytes of head count
}

// wantOf returns what answers pdu. A function whose answers have no length
// known beforehand yields size 0.
func wantOf(unit byte, pdu []byte) want {
	w := want{unit: unit, function: pdu[0]}
	switch pdu[0] {
	case fcReadCoils, fcReadDiscretes, fcReadHoldings, fcReadInputs:
		return wantOfRead(unit, pdu)
	case fcWriteCoil, fcWriteRegister, fcWriteCoils, fcWriteRegisters:
		if len(pdu) >= 5 {
			w.size, w.fixed = 5, copy(w.head[:], pdu[1:5])
		}
	}
	return w
}

// wantOfRead returns what answers pdu, which reads: as many bytes as it asks for.
func wantOfRead(unit byte, pdu []byte) want {
	w := want{unit: unit, function: pdu[0]}
	if len(pdu) != 5 {
		return w
	}
	n := Read{Function: pdu[0], Quantity: binary.BigEndian.Uint16(pdu[3:])}.size()
	if n > 0 && n <= maxPDU-2 {
		w.size, w.head[0], w.fixed = 2+n, byte(n), 1
	}
	return w
}

// fits reports whether pdu, not an exception, answers the question.
func (w *want) fits(pdu []byte) bool {
	if len(pdu) == 0 || pdu[0] != w.function {
		return false
	}
	return w.size == 0 || len(pdu) == w.size && bytes.Equal(pdu[1:1+w.fixed], w.head[:w.fixed])
}
