package modbus

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestCRC(t *testing.T) {
	// The check value of this CRC, and a question seen on many a line.
	if got := crc16([]byte("123456789")); got != 0x4B37 {
		t.Errorf("crc16(123456789) = %04X, want 4B37", got)
	}
	if got, want := appendFrame([]byte("x"), 1, unhex(t, "03 0000 000A")), unhex(t, "78 01 03 0000 000A C5CD"); !bytes.Equal(got, want) {
		t.Errorf("frame is % X, want % X", got, want)
	}
}

func TestFind(t *testing.T) {
	holdings := wantOf(7, unhex(t, "03 0028 0002"))  // two registers
	discretes := wantOf(7, unhex(t, "02 0000 0009")) // nine bits
	coil := wantOf(7, unhex(t, "05 0001 FF00"))
	private := wantOf(7, unhex(t, "64 01"))
	frame := func(unit byte, pdu string) []byte { return appendFrame(nil, unit, unhex(t, pdu)) }
	answer := frame(7, "03 04 11112222")
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	damage := func(b []byte, i int) []byte { b = bytes.Clone(b); b[i] ^= 0x10; return b }

	for _, tt := range []struct {
		name     string
		want     want
		in       []byte
		from, to int
		damaged  bool // once the line is quiet
	}{
		{"nothing", holdings, nil, 0, 0, false},
		{"answer", holdings, answer, 0, 9, false},
		{"noise before", holdings, join([]byte{0, 0xFF}, answer), 2, 11, false},
		{"noise like a header before", holdings, join([]byte{7, 3, 4}, answer), 3, 12, false},
		{"noise after", holdings, join(answer, []byte{0}), 0, 9, false},
		{"cut", holdings, answer[:8], 0, 0, false},
		{"damaged data", holdings, damage(answer, 4), 0, 0, true},
		{"damaged unit", holdings, damage(answer, 0), 0, 0, true},
		{"damaged data and noise before", holdings, join([]byte{0}, damage(answer, 4)), 0, 0, true},
		{"short noise", holdings, []byte{0, 7, 0, 0, 0}, 0, 0, false},
		{"another unit, then ours", holdings, join(frame(8, "03 04 11112222"), answer), 9, 18, false},
		{"another length", holdings, frame(7, "03 02 1111"), 0, 0, false},
		{"another function", holdings, frame(7, "04 04 11112222"), 0, 0, true}, // unless sifted out before
		{"byte count wrong", holdings, frame(7, "03 05 11112222"), 0, 0, true},
		{"exception", holdings, frame(7, "83 02"), 0, 5, false},
		{"exception of another function", holdings, frame(7, "84 02"), 0, 0, false},
		{"exception of another unit", holdings, frame(8, "83 02"), 0, 0, false},
		{"damaged exception", holdings, damage(frame(7, "83 02"), 2), 0, 0, true},
		{"bits", discretes, frame(7, "02 02 FF01"), 0, 7, false},
		{"coil", coil, frame(7, "05 0001 FF00"), 0, 8, false},
		{"another coil", coil, frame(7, "05 0002 FF00"), 0, 0, true},
		{"coil, another value", coil, frame(7, "05 0001 0000"), 0, 0, true},
		{"private", private, frame(7, "64 01 02 03"), 0, 0, true}, // found only when it has ended
		{"private exception", private, frame(7, "E4 01"), 0, 5, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, to := tt.want.find(tt.in)
			if from != tt.from || to != tt.to {
				t.Errorf("find(% X) = %d, %d, want %d, %d", tt.in, from, to, tt.from, tt.to)
			}
			if to == 0 {
				if got := tt.want.damaged(tt.in); got != tt.damaged {
					t.Errorf("damaged(% X) = %t, want %t", tt.in, got, tt.damaged)
				}
			}
		})
	}
}

func TestFindEnded(t *testing.T) {
	private := wantOf(7, unhex(t, "64 01"))
	answer := appendFrame(nil, 7, unhex(t, "64 01 02 03 04"))
	for _, tt := range []struct {
		name     string
		in       []byte
		from, to int
	}{
		{"answer", answer, 0, 8},
		{"noise before", append([]byte{0, 7, 0}, answer...), 3, 11},
		{"noise after", append(bytes.Clone(answer), 0xFF), 0, 8},
		{"cut", answer[:7], 0, 0},
		{"another unit", appendFrame(nil, 8, unhex(t, "64 01")), 0, 0},
		{"another function", appendFrame(nil, 7, unhex(t, "65 01")), 0, 0},
		{"exception", appendFrame(nil, 7, unhex(t, "E4 01")), 0, 5},
		{"short", appendFrame(nil, 7, []byte{0x64}), 0, 4},
	} {
		if from, to := private.findEnded(tt.in); from != tt.from || to != tt.to {
			t.Errorf("%s: findEnded(% X) = %d, %d, want %d, %d", tt.name, tt.in, from, to, tt.from, tt.to)
		}
	}
}

func TestSift(t *testing.T) {
	w := wantOf(7, unhex(t, "03 0028 0002"))
	in := bytes.Join([][]byte{
		{0xFF},
		appendFrame(nil, 8, unhex(t, "03 04 11112222")),
		{0x00, 0x07},
		appendFrame(nil, 9, unhex(t, "03 0028 0002")), // a question
		appendFrame(nil, 7, unhex(t, "03 02 1111")),   // ours, but of one register
		appendFrame(nil, 8, unhex(t, "90 03")),
		appendFrame(nil, 8, unhex(t, "10 0001 0002")),
		{0x03},
	}, nil)
	rest, foreign, misfits := w.sift(in)
	if want := []byte{0xFF, 0x00, 0x07, 0x03}; !bytes.Equal(rest, want) || foreign != 5 || misfits != 1 {
		t.Errorf("sift left % X, %d foreign, %d misfits, want % X, 5, 1", rest, foreign, misfits, want)
	}
}

// FuzzFind throws any bytes at any question: what is found must be a frame that
// answers it, and every byte must be accounted for.
func FuzzFind(f *testing.F) {
	f.Add(byte(7), []byte{3, 0, 40, 0, 2}, appendFrame([]byte{0}, 7, []byte{3, 4, 1, 1, 2, 2}))
	f.Add(byte(7), []byte{1, 3, 0, 0, 19}, appendFrame(nil, 7, []byte{1, 3, 0, 0, 19}))
	f.Add(byte(7), []byte{0x64, 1}, appendFrame(nil, 7, []byte{0x64, 1, 2, 3, 0, 0}))
	f.Add(byte(1), []byte{16, 0, 1, 0, 1, 2, 0, 9}, appendFrame(appendFrame(nil, 2, []byte{0x83, 2}), 1, []byte{16, 0, 1, 0, 1}))
	f.Fuzz(func(t *testing.T, unit byte, pdu, in []byte) {
		if len(pdu) == 0 || len(pdu) > maxPDU || pdu[0] == 0 || pdu[0] >= fcException {
			return
		}
		w := wantOf(unit, pdu)
		from, to := w.find(in)
		if w.size == 0 && to == 0 {
			from, to = w.findEnded(in)
		}
		if to > 0 {
			frame := in[from:to]
			if len(frame) < minFrame || len(frame) > maxFrame || frame[0] != unit {
				t.Fatalf("found % X for unit %d", frame, unit)
			}
			n := len(frame) - 2
			if crc16(frame[:n]) != binary.LittleEndian.Uint16(frame[n:]) {
				t.Fatalf("found % X, which has a wrong CRC", frame)
			}
			if frame[1] != w.function|fcException && !w.fits(frame[1:n]) {
				t.Fatalf("found % X, which does not answer % X", frame, pdu)
			}
		}
		w.damaged(in)
		before := bytes.Clone(in)
		rest, foreign, misfits := w.sift(in)
		if foreign < misfits || foreign == 0 && !bytes.Equal(rest, before) || len(rest)+foreign*minFrame > len(before) {
			t.Fatalf("sift of % X left % X, %d foreign, %d misfits", before, rest, foreign, misfits)
		}

		// A right answer is found wherever it stands.
		if w.size > 0 {
			answer := append([]byte{w.function}, w.head[:w.fixed]...)
			answer = append(answer, make([]byte, w.size-len(answer))...)
			noise := before[:min(len(before), 16)]
			if _, to := w.find(appendFrame(bytes.Clone(noise), unit, answer)); to == 0 {
				t.Fatalf("answer % X after noise % X is not found", answer, noise)
			}
		}
	})
}

func TestCodecDoesNotAllocate(t *testing.T) {
	pdu := []byte{3, 0, 40, 0, 125}
	in := appendFrame([]byte{0}, 7, append([]byte{3, 250}, make([]byte, 250)...))
	out := make([]byte, 0, maxFrame)
	allocs := testing.AllocsPerRun(100, func() {
		out = appendFrame(out[:0], 7, pdu)
		w := wantOf(7, pdu)
		if _, to := w.find(in); to == 0 {
			t.Fatal("answer not found")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations to frame a question and find its answer, want 0", allocs)
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	pdu := []byte{3, 0, 40, 0, 125}
	out := make([]byte, 0, maxFrame)
	b.ReportAllocs()
	b.SetBytes(8)
	for b.Loop() {
		out = appendFrame(out[:0], 7, pdu)
	}
}

// BenchmarkFind is the answer of 80 registers, as forty 32-bit figures give it,
// with a byte of noise in front.
func BenchmarkFind(b *testing.B) {
	w := wantOf(7, []byte{3, 0, 0, 0, 80})
	in := appendFrame([]byte{0}, 7, append([]byte{3, 160}, make([]byte, 160)...))
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, to := w.find(in); to == 0 {
			b.Fatal("answer not found")
		}
	}
}
