package hj212

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync"
)

// A Dialect is a check sum that is found in the place of the standard's.
type Dialect uint8

// The check sums. The zero value is the standard's.
const (
	// Standard is appendix A's, the same in all editions: see [CRC].
	Standard Dialect = iota
	// Modbus is CRC-16/MODBUS with its high byte first. Seen in the field, as the
	// standard's own is easily taken for it.
	Modbus
	// ModbusSwapped is CRC-16/MODBUS with its low byte first, the order it has in
	// Modbus RTU.
	ModbusSwapped
)

func (d Dialect) String() string {
	switch d {
	case Standard:
		return "standard"
	case Modbus:
		return "modbus"
	case ModbusSwapped:
		return "modbus-swapped"
	}
	return fmt.Sprintf("Dialect(%d)", uint8(d))
}

// Sum returns the number whose four hexadecimal digits stand behind data. A
// Dialect that is none of the three sums as [Standard].
func (d Dialect) Sum(data []byte) uint16 {
	switch d {
	case Modbus:
		return modbusTables().sum(0xFFFF, data)
	case ModbusSwapped:
		return bits.ReverseBytes16(modbusTables().sum(0xFFFF, data))
	}
	return CRC(data)
}

func (d Dialect) modbus() bool { return d == Modbus || d == ModbusSwapped }

// CRC is the check sum of a data segment (HJ 212-2017, appendix A; the same in
// the other editions). That of no bytes is FFFF.
//
// It is not the CRC of Modbus, though it has that one's polynomial and start:
// each byte is laid over the high half of the register, whose low half is
// dropped. What is left is one byte of state, and each byte of data turns it by a
// linear map that is the identity when it is applied eight times. So the sum
// depends on the length and on eight bytes alone, each the exclusive or of every
// eighth byte of the data, and is weak:
//
//   - It has no more than 256 values, and one damaged segment in 256 passes.
//   - Two bytes that are 8 places apart, or 16, 24 and so on, may change places
//     unseen.
//   - The same bits may be turned over in two bytes that are 8 places apart, or
//     16, 24 and so on, unseen.
//
// A change of one byte is always seen, and so are two digits that change places at
// any other distance. What reads frames has to be strict about all the rest as
// well.
func CRC(data []byte) uint16 {
	if len(data) == 0 {
		return 0xFFFF
	}
	// Words are folded in from a place that leaves the remainder in front, so that
	// the last byte of data is the last of a word.
	n := len(data)
	var lanes uint64
	if k := n & 7; k > 0 {
		var first [8]byte
		copy(first[8-k:], data[:k])
		lanes = binary.LittleEndian.Uint64(first[:])
		data = data[k:]
	}
	lanes ^= fold(data)
	return ending[spread(lanes)^turn[n&7][0xFF]]
}

// fold is the exclusive or of the 8-byte words of b, whose length is a multiple
// of 8.
func fold(b []byte) uint64 {
	var x, y, z, w uint64
	for len(b) >= 32 {
		x ^= binary.LittleEndian.Uint64(b)
		y ^= binary.LittleEndian.Uint64(b[8:])
		z ^= binary.LittleEndian.Uint64(b[16:])
		w ^= binary.LittleEndian.Uint64(b[24:])
		b = b[32:]
	}
	for len(b) >= 8 {
		x ^= binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	return x ^ y ^ z ^ w
}

// spread is the state after eight bytes, those of lanes from the lowest, from
// the state 0.
func spread(lanes uint64) byte {
	return turn[0][byte(lanes)] ^ turn[7][byte(lanes>>8)] ^ turn[6][byte(lanes>>16)] ^ turn[5][byte(lanes>>24)] ^
		turn[4][byte(lanes>>32)] ^ turn[3][byte(lanes>>40)] ^ turn[2][byte(lanes>>48)] ^ turn[1][byte(lanes>>56)]
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

// turn[k] is the map of the state that one byte makes, the high half of crcTable,
// applied k times. Eight times are none.
var turn = func() (t [8][256]byte) {
	for i := range 256 {
		s := byte(i)
		for k := range t {
			t[k][i] = s
			s = byte(crcTable[s] >> 8)
		}
	}
	return t
}()

// ending is the whole sum that belongs to each state.
var ending = func() (t [256]uint16) {
	for _, sum := range crcTable {
		t[sum>>8] = sum
	}
	return t
}()

// modbus are the tables of CRC-16/MODBUS.
type modbus struct {
	// slice[k] is what k bytes of nought behind it make of a byte.
	slice [8][256]uint16
	// shift[p][k] is the register after k<<(5*p) bytes of nought, for each value of
	// its four digits in base 16.
	shift [3][32][4][16]uint16
}

// modbusTables takes 16 KB, and so is made when it is first asked for.
var modbusTables = sync.OnceValue(func() *modbus {
	m := &modbus{}
	m.slice[0] = crcTable
	for k := 1; k < len(m.slice); k++ {
		for i, v := range m.slice[k-1] {
			m.slice[k][i] = v>>8 ^ crcTable[byte(v)]
		}
	}
	for p := range m.shift {
		for digit := range 4 {
			for i := range 16 {
				m.shift[p][0][digit][i] = uint16(i) << (4 * digit)
			}
		}
		for k := 1; k < 32; k++ {
			for digit := range 4 {
				for i, v := range m.shift[p][k-1][digit] {
					if p == 0 {
						v = v>>8 ^ crcTable[byte(v)]
					} else { // one step here is 32 steps of the place below: 31 and 1
						v = m.apply(p-1, 1, m.apply(p-1, 31, v))
					}
					m.shift[p][k][digit][i] = v
				}
			}
		}
	}
	return m
})

// sum goes on with the register crc over data.
func (m *modbus) sum(crc uint16, data []byte) uint16 {
	for len(data) >= 8 {
		crc = m.eight(crc, binary.LittleEndian.Uint64(data))
		data = data[8:]
	}
	for _, b := range data {
		crc = crc>>8 ^ m.slice[0][byte(crc)^b]
	}
	return crc
}

func (m *modbus) eight(crc uint16, w uint64) uint16 {
	w ^= uint64(crc)
	return m.slice[7][byte(w)] ^ m.slice[6][byte(w>>8)] ^ m.slice[5][byte(w>>16)] ^ m.slice[4][byte(w>>24)] ^
		m.slice[3][byte(w>>32)] ^ m.slice[2][byte(w>>40)] ^ m.slice[1][byte(w>>48)] ^ m.slice[0][byte(w>>56)]
}

func (m *modbus) apply(p, k int, v uint16) uint16 {
	t := &m.shift[p][k]
	return t[0][v&15] ^ t[1][v>>4&15] ^ t[2][v>>8&15] ^ t[3][v>>12]
}

// after is the register v after n bytes of nought, n less than 32768.
func (m *modbus) after(v uint16, n int) uint16 {
	v = m.apply(0, n&31, v)
	v = m.apply(1, n>>5&31, v)
	return m.apply(2, n>>10, v)
}

// sums knows the check sum of any part of a buffer, after each byte was looked at
// once. It is for bytes in which frames may lie within frames: an honest sum for
// each would cost the square.
type sums struct {
	// words[i], for lo <= i <= hi, is what the eight-byte words lo to i-1 of the
	// buffer come to: Standard's their exclusive or, Modbus' the register.
	words  []uint64
	lo, hi int
}

// extend makes s know buf up to the byte end, beginning not later than at from.
// It returns how many bytes were looked at for it.
func (s *sums) extend(d Dialect, buf []byte, from, end int) int {
	if need := cap(buf)/8 + 1; len(s.words) < need {
		s.words = append(s.words, make([]uint64, need-len(s.words))...)
	}
	if from /= 8; from > s.hi || s.lo == s.hi {
		s.lo, s.hi = from, from
		s.words[from] = 0
	}
	was := s.hi
	if !d.modbus() {
		v := s.words[s.hi]
		for ; s.hi < end/8; s.hi++ {
			v ^= binary.LittleEndian.Uint64(buf[8*s.hi:])
			s.words[s.hi+1] = v
		}
	} else {
		m := modbusTables()
		v := uint16(s.words[s.hi])
		for ; s.hi < end/8; s.hi++ {
			v = m.eight(v, binary.LittleEndian.Uint64(buf[8*s.hi:]))
			s.words[s.hi+1] = uint64(v)
		}
	}
	return 8 * (s.hi - was)
}

// sum is d.Sum(buf[from:end]), of bytes that s knows.
func (s *sums) sum(d Dialect, buf []byte, from, end int) uint16 {
	n := end - from
	switch {
	case n == 0:
		return 0xFFFF
	case !d.modbus():
		// Byte i of the buffer is in lane i%8; the last one has to end in lane 7.
		lanes := s.words[end/8] ^ s.words[from/8] ^ low(buf, end) ^ low(buf, from)
		lanes = bits.RotateLeft64(lanes, -8*(end&7))
		return ending[spread(lanes)^turn[n&7][0xFF]]
	}
	m := modbusTables()
	at := func(i int) uint16 { return m.sum(uint16(s.words[i/8]), buf[i&^7:i]) }
	v := at(end) ^ m.after(at(from)^0xFFFF, n)
	if d == ModbusSwapped {
		return bits.ReverseBytes16(v)
	}
	return v
}

// low is the bytes of the word of buf that i is in, as far as i.
func low(buf []byte, i int) uint64 {
	at, k := i&^7, i&7
	if at+8 <= len(buf) {
		return binary.LittleEndian.Uint64(buf[at:]) & (1<<(8*k) - 1)
	}
	var w [8]byte
	copy(w[:], buf[at:i])
	return binary.LittleEndian.Uint64(w[:])
}

// drop tells s that the first words of the buffer are gone.
func (s *sums) drop(words int) {
	if words >= s.hi {
		s.lo, s.hi = 0, 0
		return
	}
	copy(s.words[max(0, s.lo-words):], s.words[max(words, s.lo):s.hi+1])
	s.lo, s.hi = max(0, s.lo-words), s.hi-words
}
