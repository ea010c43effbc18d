package modbus

import "bytes"

// RTU frames (MODBUS over Serial Line V1.02, section 2.5.1):
//
//	unit 1 | function 1 | data 0 to 252 | CRC 2, low byte first

const (
	minFrame       = 4
	exceptionFrame = 5
	maxFrame       = 256
)

// crcTable has the CRC of each byte: polynomial A001 (8005 turned round).
var crcTable = func() (t [256]uint16) {
	for i := range t {
		crc := uint16(i)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xA001
			} else {
				crc >>= 1
			}
		}
		t[i] = crc
	}
	return t
}()

// crc16 returns the CRC of b (appendix B of the same document). Over a whole
// frame, its own CRC bytes included, the result is 0.
func crc16(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, c := range b {
		crc = crc>>8 ^ crcTable[byte(crc)^c]
	}
	return crc
}

// appendFrame appends to b the frame that carries pdu to unit.
func appendFrame(b []byte, unit byte, pdu []byte) []byte {
	from := len(b)
	b = append(b, unit)
	b = append(b, pdu...)
	crc := crc16(b[from:])
	return append(b, byte(crc), byte(crc>>8))
}

// find returns where in b the first frame stands that answers w, an exception
// included; to is 0 if there is none. An answer without a known length is not
// looked for, see findEnded.
//
// Any byte may be the first: lines that are switched from sending to hearing
// put a byte or two of noise before an answer.
func (w *want) find(b []byte) (from, to int) {
	for i := 0; i+exceptionFrame <= len(b); i++ {
		if b[i] != w.unit {
			continue
		}
		n := 0
		switch b[i+1] {
		case w.function:
			if w.size > 0 {
				n = w.size + 3
			}
		case w.function | fcException:
			n = exceptionFrame
		}
		if n == 0 || i+n > len(b) {
			continue
		}
		if b[i+1] == w.function && !w.fits(b[i+1:i+n-2]) {
			continue
		}
		if crc16(b[i:i+n]) == 0 {
			return i, i + n
		}
	}
	return 0, 0
}

// findEnded is find for an answer whose length nobody knows: the line has
// fallen silent, so the frame is what ends at the end of b, or else, when noise
// came after it, the longest that has a right CRC.
func (w *want) findEnded(b []byte) (from, to int) {
	for i := 0; i+minFrame <= len(b); i++ {
		if b[i] != w.unit || b[i+1]&^fcException != w.function {
			continue
		}
		crc := uint16(0xFFFF)
		for j, c := range b[i:min(len(b), i+maxFrame)] {
			crc = crc>>8 ^ crcTable[byte(crc)^c]
			if crc == 0 && j+1 >= minFrame {
				from, to = i, i+j+1
			}
		}
		if to > 0 {
			return from, to
		}
	}
	return 0, 0
}

// damaged reports whether b, received before the line fell silent and without
// a whole frame in it, is most likely the answer to w with bytes changed on the
// way. Noise and the beginning of an answer are not: more may come.
func (w *want) damaged(b []byte) bool {
	if w.size == 0 {
		return len(b) >= minFrame
	}
	n := w.size + 3
	if len(b) == n {
		return true // the header itself may be what was hit
	}
	for i := 0; i+exceptionFrame <= len(b); i++ {
		if b[i] != w.unit {
			continue
		}
		switch b[i+1] {
		case w.function:
			if i+n <= len(b) {
				return true
			}
		case w.function | fcException:
			return true
		}
	}
	return false
}

// headed reports whether b holds the head of the answer to w and as many bytes
// as follow it.
func (w *want) headed(b []byte) bool {
	n := w.size + 3
	for i := 0; w.size > 0 && i+n <= len(b); i++ {
		if b[i] == w.unit && b[i+1] == w.function && bytes.Equal(b[i+2:i+2+w.fixed], w.head[:w.fixed]) {
			return true
		}
	}
	return false
}

// interim reports whether frame, sound, is an exception after which the answer
// itself may follow: the unit needs long (5), or a gateway has ceased to wait for
// the unit behind it (11).
func interim(frame []byte) bool {
	return frame[1]&fcException != 0 && (frame[2] == stillAtWork || frame[2] == gatewayTargetSilent)
}

// frameLen returns the length of the whole frame at the start of b, whoever
// sent it and whatever it answers; 0 if there is none. Frames of private
// functions are not recognised, as they do not tell their length.
func frameLen(b []byte) int {
	if len(b) < exceptionFrame {
		return 0
	}
	n := 0
	switch f := b[1]; {
	case f > fcException:
		n = exceptionFrame
	case f >= fcReadCoils && f <= fcReadInputs:
		n = 5 + int(b[2])
		if len(b) >= 8 && crc16(b[:8]) == 0 {
			n = 8 // a question: an echo, or another master
		}
	case f == fcWriteCoil || f == fcWriteRegister || f == fcWriteCoils || f == fcWriteRegisters:
		n = 8
	}
	if n == 0 || n > len(b) || crc16(b[:n]) != 0 {
		return 0
	}
	return n
}

// sift takes whole frames that do not answer w out of b, in place, and returns
// the rest. foreign counts those taken out, misfits those among them that the
// asked unit sent with the asked function.
func (w *want) sift(b []byte) (rest []byte, foreign, misfits int) {
	rest = b[:0]
	for len(b) > 0 {
		n := frameLen(b)
		if n == 0 {
			rest = append(rest, b[0])
			b = b[1:]
			continue
		}
		foreign++
		if b[0] == w.unit && b[1] == w.function {
			misfits++
		}
		b = b[n:]
	}
	return rest, foreign, misfits
}
