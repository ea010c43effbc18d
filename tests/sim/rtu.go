package sim

import "encoding/binary"

// crc is the Modbus serial checksum: polynomial A001, bits reversed, all ones
// at the start (Modbus over serial line 1.02, 6.2.2).
func crc(b []byte) uint16 {
	sum := uint16(0xFFFF)
	for _, c := range b {
		sum ^= uint16(c)
		for range 8 {
			low := sum & 1
			sum >>= 1
			if low != 0 {
				sum ^= 0xA001
			}
		}
	}
	return sum
}

// appendRTU appends the serial frame of pdu to b: unit, PDU, checksum with its
// low byte first.
func appendRTU(b []byte, unit byte, pdu []byte) []byte {
	start := len(b)
	b = append(b, unit)
	b = append(b, pdu...)
	return binary.LittleEndian.AppendUint16(b, crc(b[start:]))
}

// sound says whether b is a whole serial frame with the right checksum.
func sound(b []byte) bool {
	n := len(b)
	return n >= 4 && crc(b[:n-2]) == binary.LittleEndian.Uint16(b[n-2:])
}

// questionLen is the length of the serial frame of the question that begins
// with b: 0 where b is too short to say, -1 where only silence ends it (a
// private function).
func questionLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case 1, 2, 3, 4, 5, 6: // unit, function, address, quantity or value, checksum
		return 8
	case 15, 16: // unit, function, address, quantity, byte count, bytes, checksum
		if len(b) < 7 {
			return 0
		}
		return 9 + int(b[6])
	}
	return -1
}

// cutQuestion splits the first whole question from b. A nil frame means that
// more bytes, or silence, must come first. A private function that asks as
// function 3 does need not wait for it.
func cutQuestion(b []byte) (frame, rest []byte) {
	n := questionLen(b)
	if n < 0 && len(b) == 8 {
		n = 8
	}
	if n <= 0 || len(b) < n || !sound(b[:n]) {
		return nil, b
	}
	return b[:n], b[n:]
}
