package hj212_test

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"testing"

	"envgate/hj212"
)

// standardSum is the algorithm as the standard prints it, byte by byte and shift
// by shift.
func standardSum(data []byte) uint16 {
	reg := uint16(0xFFFF)
	for _, b := range data {
		reg = shifts(reg>>8 ^ uint16(b))
	}
	return reg
}

// modbusSum is CRC-16/MODBUS. It differs in what becomes of the low half.
func modbusSum(data []byte) uint16 {
	reg := uint16(0xFFFF)
	for _, b := range data {
		reg = shifts(reg ^ uint16(b))
	}
	return reg
}

func shifts(reg uint16) uint16 {
	for range 8 {
		odd := reg&1 != 0
		reg >>= 1
		if odd {
			reg ^= 0xA001
		}
	}
	return reg
}

var printedSums = []struct {
	dialect hj212.Dialect
	sum     func([]byte) uint16
}{
	{hj212.Standard, standardSum},
	{hj212.Modbus, modbusSum},
	{hj212.ModbusSwapped, func(b []byte) uint16 { return bits.ReverseBytes16(modbusSum(b)) }},
}

func noise(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestCRC(t *testing.T) {
	for _, tt := range []struct {
		name, data string
		want       uint16
	}{
		{"HJ 212-2017 appendix A", data2017, 0x1C80},
		{"HJ 212-2025 A.1", data2025, 0x2200},
		{"HJ 212-2025 A.2, example 1", dataA21, 0x2200},
		{"HJ 212-2025 A.2, example 3", dataA23, 0xB541},
		{"nothing", "", 0xFFFF},
		{"zero byte", "\x00", 0x4040},
		{"not the CRC of Modbus, which is 4B37", "123456789", 0x2F80},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := hj212.CRC([]byte(tt.data)); got != tt.want {
				t.Errorf("CRC(%q) = %04X, want %04X", tt.data, got, tt.want)
			}
		})
	}
}

func TestDialect(t *testing.T) {
	for _, tt := range []struct {
		dialect hj212.Dialect
		name    string
		nine    uint16 // of "123456789"
		data    uint16 // of data2017
	}{
		{hj212.Standard, "standard", 0x2F80, 0x1C80},
		{hj212.Modbus, "modbus", 0x4B37, 0x0759},
		{hj212.ModbusSwapped, "modbus-swapped", 0x374B, 0x5907},
		{7, "Dialect(7)", 0x2F80, 0x1C80},
	} {
		if got := tt.dialect.String(); got != tt.name {
			t.Errorf("Dialect(%d) is called %q, want %q", uint8(tt.dialect), got, tt.name)
		}
		if got := tt.dialect.Sum([]byte("123456789")); got != tt.nine {
			t.Errorf("%v.Sum(123456789) = %04X, want %04X", tt.dialect, got, tt.nine)
		}
		if got := tt.dialect.Sum([]byte(data2017)); got != tt.data {
			t.Errorf("%v.Sum(%q) = %04X, want %04X", tt.dialect, data2017, got, tt.data)
		}
	}
}

// Every length there can be, and all pairs of bytes.
func TestDialectAsPrinted(t *testing.T) {
	data := noise(hj212.MaxLength, 1)
	for _, p := range printedSums {
		for n := 0; n <= len(data); n += 1 + n/300 {
			if got, want := p.dialect.Sum(data[:n]), p.sum(data[:n]); got != want {
				t.Fatalf("%v.Sum of %d bytes = %04X, want %04X", p.dialect, n, got, want)
			}
		}
		for hi := range 256 {
			for lo := range 256 {
				b := []byte{byte(hi), byte(lo)}
				if got, want := p.dialect.Sum(b), p.sum(b); got != want {
					t.Fatalf("%v.Sum(% X) = %04X, want %04X", p.dialect, b, got, want)
				}
			}
		}
	}
}

// What a Reader gets from the states between words is the sum.
func TestSums(t *testing.T) {
	data := noise(67, 2)
	for _, p := range printedSums {
		hj212.SumAll(p.dialect, data, func(from, end int, got uint16) {
			if want := p.sum(data[from:end]); got != want {
				t.Fatalf("%v of bytes %d to %d = %04X, want %04X", p.dialect, from, end, got, want)
			}
		})
	}
	// Far enough for each of the powers by which the register is shifted.
	long := noise(hj212.MaxLength, 3)
	for _, p := range printedSums {
		for _, from := range []int{0, 1, 7, 8, 991, 5000, 9000, len(long) - 1, len(long)} {
			if got, want := hj212.SumPart(p.dialect, long, from, len(long)), p.sum(long[from:]); got != want {
				t.Errorf("%v of bytes from %d = %04X, want %04X", p.dialect, from, got, want)
			}
		}
	}
}

// The doc comment of CRC, sentence by sentence.
func TestCRCBlind(t *testing.T) {
	data := []byte(dataA21)
	want := hj212.CRC(data)
	changed := func(change func(b []byte)) (same bool) {
		b := bytes.Clone(data)
		change(b)
		return hj212.CRC(b) == want
	}

	t.Run("256 values", func(t *testing.T) {
		seen := map[uint16]int{}
		for hi := range 256 {
			for lo := range 256 {
				seen[hj212.CRC([]byte{byte(hi), byte(lo)})]++
			}
		}
		if len(seen) != 256 {
			t.Errorf("%d values, want 256", len(seen))
		}
		for v, n := range seen {
			if n != 256 { // so of all damages to these two bytes one in 256 passes
				t.Errorf("%04X is the sum of %d pairs, want 256", v, n)
			}
		}
	})
	t.Run("eight bytes decide", func(t *testing.T) {
		for n := range 40 {
			b := noise(n, 4)
			folded := make([]byte, n%8+8)[:min(n, n%8+8)]
			for i, c := range b {
				folded[len(folded)-1-(n-1-i)%8] ^= c
			}
			if got, want := hj212.CRC(folded), hj212.CRC(b); got != want {
				t.Errorf("%d bytes folded into %d have %04X, want %04X", n, len(folded), got, want)
			}
		}
	})
	t.Run("change places", func(t *testing.T) {
		for d := 8; d <= 64; d += 8 {
			for i := range len(data) - d {
				if !changed(func(b []byte) { b[i], b[i+d] = b[i+d], b[i] }) {
					t.Fatalf("bytes %d and %d change places and the sum", i, i+d)
				}
			}
		}
		for d := 1; d < 16; d++ {
			for pair := range 100 {
				x, y := byte('0'+pair/10), byte('0'+pair%10)
				if d == 8 || x == y {
					continue
				}
				b := bytes.Clone(data)
				b[100], b[100+d] = x, y
				c := bytes.Clone(data)
				c[100], c[100+d] = y, x
				if hj212.CRC(b) == hj212.CRC(c) {
					t.Fatalf("%c and %c, %d bytes apart, change places and not the sum", x, y, d)
				}
			}
		}
	})
	t.Run("same bits", func(t *testing.T) {
		for d := 8; d <= 32; d += 8 {
			for bit := range 255 {
				if !changed(func(b []byte) { b[100] ^= byte(bit + 1); b[100+d] ^= byte(bit + 1) }) {
					t.Fatalf("bits %02X %d bytes apart change the sum", bit+1, d)
				}
			}
		}
	})
	t.Run("one byte is seen", func(t *testing.T) {
		for i := range data {
			for bit := range 255 {
				if changed(func(b []byte) { b[i] ^= byte(bit + 1) }) {
					t.Fatalf("bits %02X of byte %d do not change the sum", bit+1, i)
				}
			}
		}
	})
}
