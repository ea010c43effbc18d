package hj212

// CRC is the check sum of a data segment (HJ 212-2017, appendix A; the same in
// the other editions).
//
// It is not the CRC of Modbus, though it has that one's polynomial and start:
// each byte is laid over the high half of the register, whose low half is
// dropped. So it has no more than 256 values, and one damaged segment in 256
// passes: what reads frames has to be strict about all the rest as well.
func CRC(data []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, b := range data {
		crc = crcTable[byte(crc>>8)^b]
	}
	return crc
}

// crcTable is what eight shifts make of each low byte.
var crcTable = func() (t [256]uint16) {
	for i := range t {
		v := uint16(i)
		for range 8 {
			if v&1 != 0 {
				v = v>>1 ^ 0xA001
			} else {
				v >>= 1
			}
		}
		t[i] = v
	}
	return t
}()
