package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"envgate/drivers/modbus"
)

// answers is a bus on which everything is answered by the same bytes or error.
type answers struct {
	b   []byte
	err error
}

func (a answers) Read(context.Context, modbus.Read) ([]byte, error) { return a.b, a.err }

func TestPokeShowsWhatBytesMayMean(t *testing.T) {
	for name, c := range map[string]struct {
		bus  answers
		n    uint16
		want []string
		not  []string
	}{
		"float in each order": {
			answers{b: []byte{0x42, 0x47, 0x85, 0x1F, 0x85, 0x1F, 0x42, 0x47}},
			4,
			[]string{
				"out 07 03 00 28 00 04 C4 67", "in 07 03 08 42 47 85 1F 85 1F 42 47 DB BD",
				"40 float32 49.88 - 49695.52 -", "42 float32 - 49.88 - 49695.52", "40 4247 16967 - 4247 \"BG\"", "41 851F 34079 -31457 - -",
			},
			[]string{"NaN", "e+", "e-"},
		},
		"text and double": {
			answers{b: []byte("@\x09\x21\xFB\x54\x44\x2D\x18")},
			4,
			[]string{"40 float64 3.141592654"},
			[]string{"text "},
		},
		"swapped text": {answers{b: []byte("NEGVTA\x00E")}, 4, []string{`text "ENVGATE"`}, nil},
		"bcd":          {answers{b: []byte{0x12, 0x34, 0x56, 0x78}}, 2, []string{"40 bcd 12345678 56781234 34127856 78563412"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := poke(t.Context(), &out, c.bus, modbus.Read{Unit: 7, Function: 3, Address: 40, Quantity: c.n}, true)
			if err != nil {
				t.Fatal(err)
			}
			plain := strings.Join(strings.Fields(out.String()), " ")
			for _, w := range c.want {
				if !strings.Contains(plain, w) {
					t.Errorf("no %q in\n%s", w, &out)
				}
			}
			for _, w := range c.not {
				if strings.Contains(plain, w) {
					t.Errorf("%q in\n%s", w, &out)
				}
			}
			for line := range strings.Lines(out.String()) {
				if len(line) > 81 {
					t.Errorf("wider than 80: %q", line)
				}
			}
		})
	}
}

func TestTapSpeaksOfFrames(t *testing.T) {
	var out strings.Builder
	p := tapPrinter{out: &out}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, siteZone)
	for i, f := range []frameInfo{
		{Kind: "question", Bytes: "010300000002C40B", CRC: true},
		{Kind: "answer", Bytes: "01030400010002AA33", CRC: true},
		{Kind: "question", Bytes: "010300000002"},
		{Kind: "answer", Bytes: "018302"},
		{Kind: "question", Bytes: "0106000A0005", Lost: 3},
		{Kind: "silence"},
		{Kind: "foreign", Bytes: "09030200019985", CRC: true},
	} {
		f.Time = at.Add(time.Duration(i) * 20 * time.Millisecond)
		if err := p.print(&f); err != nil {
			t.Fatal(err)
		}
	}
	want := `00:00:00.000 > 01 03 00 00 00 02 C4 0B  unit 1 holding 0 to 1
00:00:00.020 < 01 03 04 00 01 00 02 AA  unit 1: 1 2 (20 ms)
               33
00:00:00.040 > 01 03 00 00 00 02        unit 1 holding 0 to 1
00:00:00.060 < 01 83 02                 unit 1 refused holding 0 to 1: illegal data address (exception 2) (20 ms)
... 3 frames lost: this terminal is too slow
00:00:00.080 > 01 06 00 0A 00 05        unit 1 write 10 = 5
00:00:00.100 -                          no answer in 20 ms
00:00:00.120 < 09 03 02 00 01 99 85     not ours: unit 9 function 3; another master?
`
	if out.String() != want {
		t.Errorf("says\n%swant\n%s", &out, want)
	}
}
