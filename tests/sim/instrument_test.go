package sim

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// ask puts a question to an instrument and returns the registers.
func ask(t *testing.T, in *Instrument, function byte, address, quantity uint16) []byte {
	t.Helper()
	pdu := binary.BigEndian.AppendUint16([]byte{function}, address)
	pdu = binary.BigEndian.AppendUint16(pdu, quantity)
	answer, marks, refused := in.serve(pdu, time.Now())
	if refused {
		t.Fatalf("%s: serve(%x) = refused %x", in.name, pdu, answer)
	}
	in.settle(marks, Whole, time.Now())
	return answer[2:]
}

// The maps are written out here once more, as the manuals have them.
func TestNumbersInRegisters(t *testing.T) {
	for _, tt := range []struct {
		in                *Instrument
		point             string
		function          byte
		address, quantity uint16
		modulo            int64
		low, high         int64 // of the raw value
		raw               func(b []byte) int64
	}{
		{BolingDust("d"), "a34001", 3, 0, 2, 100, 0, 1000, int32raw},
		{BolingDust("d"), "a34002", 3, 2, 2, 10, 0, 1000, int32raw},
		{BolingDust("d"), "a34004", 3, 4, 2, 10, 0, 1000, int32raw},
		{BolingDust("d"), "a01001", 3, 0x18, 2, 10, -400, 600, int32raw},
		{BolingDust("d"), "a01002", 3, 0x1A, 2, 10, 0, 1000, int32raw},
		{VaisalaWXT530("w"), "a01002", 4, 0x0A, 1, 10, 0, 1000, int16raw},
		{VaisalaWXT530("w"), "a01006", 4, 0x0E, 1, 10, 9000, 11000, int16raw},
		{VaisalaWXT530("w"), "a01008", 4, 0x12, 1, 10, 0, 3600, int16raw},
		{VaisalaWXT530("w"), "a01001", 4, 0x1F, 1, 10, -400, 600, int16raw},
		{VaisalaWXT530("w"), "a01007", 4, 0x2A, 1, 10, 0, 600, int16raw},
		{TeledyneT400("o"), "a05024", 4, 18, 2, 100, 0, 50000, float32raw(100)},
		{TeledyneT400("o"), "sample_temperature", 4, 38, 2, 10, 0, 600, float32raw(10)},
		{SonbestSM7901B("n"), "LA", 3, 0, 1, 10, 300, 1300, int16raw},
		{Block("b", 40), "c01", 3, 0, 2, 1000, 0, 10000, float32raw(100)},
	} {
		for n := range int64(250) {
			b := ask(t, tt.in, tt.function, tt.address, tt.quantity)
			raw := tt.raw(b)
			if got, want := raw%tt.modulo, (n+1)%tt.modulo; got != want {
				t.Fatalf("%s %s: reading %d is %d: digits %d, want %d", tt.in.name, tt.point, n+1, raw, got, want)
			}
			if raw < tt.low || raw > tt.high {
				t.Fatalf("%s %s: raw value %d, want %d to %d", tt.in.name, tt.point, raw, tt.low, tt.high)
			}
		}
		j := tt.in.Journal(tt.point)
		if len(j) != 250 || j[0].N != 1 || j[249].N != 250 || j[249].Outcome != Whole {
			t.Errorf("%s %s: journal of %d entries, want 250 from 1, all whole", tt.in.name, tt.point, len(j))
		}
	}
}

func int16raw(b []byte) int64 { return int64(int16(binary.BigEndian.Uint16(b))) }
func int32raw(b []byte) int64 { return int64(int32(binary.BigEndian.Uint32(b))) }

func float32raw(scale float64) func(b []byte) int64 {
	return func(b []byte) int64 {
		v := math.Float32frombits(binary.BigEndian.Uint32(b))
		return int64(math.Round(float64(v) * scale))
	}
}

// Values must move, and keep within what the instrument can show, at any time
// of day.
func TestLevelsMove(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, in := range []*Instrument{
		BolingDust("d"), VaisalaWXT530("w"), TeledyneT400("o"), SonbestSM7901B("n"), Block("b", 62),
	} {
		for _, c := range in.Channels() {
			low, high := math.Inf(1), math.Inf(-1)
			for s := range 8640 {
				v := c.Level(day.Add(time.Duration(s) * 10 * time.Second))
				low, high = min(low, v), max(high, v)
			}
			if high-low < 0.1 {
				t.Errorf("%s %s: from %g to %g in a day: it does not move", in.name, c.Point, low, high)
			}
			if c.Kind == U16 && low < 0 || c.Kind == S16 && (low*10 < -32768 || high*10 > 32766) {
				t.Errorf("%s %s: from %g to %g in a day: does not fit its register", in.name, c.Point, low, high)
			}
			if c.Point == "a01008" && (low < 0 || high >= 360) {
				t.Errorf("%s wind direction: from %g to %g", in.name, low, high)
			}
		}
	}
}

func TestHalfAChannelHasNoNumber(t *testing.T) {
	in := BolingDust("d")
	for _, word := range []uint16{0, 1} {
		ask(t, in, 3, word, 1)
		if j := in.Journal("a34001"); len(j) != 0 {
			t.Errorf("reading word %d alone made %d journal entries, want 0", word, len(j))
		}
	}
	if n := in.Counts()[Other]; n != 2 {
		t.Errorf("Counts()[Other] = %d, want 2", n)
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name string
		pdu  []byte
		code byte
	}{
		{"private function", []byte{0x64, 0, 0, 0, 1}, illegalFunction},
		{"no quantity", []byte{3, 0, 0}, illegalValue},
		{"quantity 0", []byte{3, 0, 0, 0, 0}, illegalValue},
		{"quantity 126", []byte{3, 0, 0, 0, 126}, illegalValue},
		{"past the end", []byte{3, 0, 0x1B, 0, 2}, illegalAddress},
		{"input registers of a holding instrument", []byte{4, 0, 0, 0, 1}, illegalAddress},
		{"write where none may", []byte{6, 0, 0, 0, 1}, illegalAddress},
	} {
		answer, _, refused := BolingDust("d").serve(tt.pdu, time.Now())
		if !refused || len(answer) != 2 || answer[0] != tt.pdu[0]|0x80 || answer[1] != tt.code {
			t.Errorf("%s: serve(%x) = %x, want exception %d", tt.name, tt.pdu, answer, tt.code)
		}
	}
}

func TestBits(t *testing.T) {
	in := TeledyneT400("o")
	in.SetBit(3, true)
	in.SetBit(9, true)
	if got := ask(t, in, 2, 0, 10); got[0] != 0x08 || got[1] != 0x02 {
		t.Errorf("warnings 0 to 9 are %x, want 0802", got)
	}
	if got := ask(t, in, 2, 9, 1); len(got) != 1 || got[0] != 1 {
		t.Errorf("warning 9 is %x, want 01", got)
	}
	if answer, _, refused := in.serve([]byte{5, 0, 20, 0xFF, 0}, time.Now()); refused {
		t.Errorf("write coil 20 = refused %x", answer)
	}
	if got := ask(t, in, 1, 20, 2); got[0] != 1 {
		t.Errorf("coils 20 and 21 are %x, want 01", got)
	}
}

func TestJournalIsBounded(t *testing.T) {
	in := SonbestSM7901B("n")
	for range 5 * journalKeep {
		_, marks, _ := in.serve([]byte{3, 0, 0, 0, 1}, time.Time{})
		in.settle(marks, Whole, time.Time{})
	}
	j := in.Journal("LA")
	if len(j) < journalKeep || len(j) > 2*journalKeep {
		t.Errorf("journal of %d entries, want %d to %d", len(j), journalKeep, 2*journalKeep)
	}
	if last := j[len(j)-1]; last.N != 5*journalKeep || last.Outcome != Whole || in.Sent() != 5*journalKeep {
		t.Errorf("last entry %+v, %d sent, want number %d, whole", last, in.Sent(), 5*journalKeep)
	}
}
