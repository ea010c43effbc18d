package hj212_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"envgate/hj212"
)

// Printed in the standards; all other frames in these tests are our own.
const (
	data2017  = "QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
	frame2017 = "##0101" + data2017 + "1C80\r\n" // HJ 212-2017, appendix A
	data2025  = "QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&"
	frame2025 = "##0087" + data2025 + "2200\r\n" // HJ 212-2025, A.1
)

func TestCRC(t *testing.T) {
	for _, tt := range []struct {
		name, data string
		want       uint16
	}{
		{"HJ 212-2017 appendix A", data2017, 0x1C80},
		{"HJ 212-2025 A.1", data2025, 0x2200},
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

// The algorithm as the standard prints it, byte by byte and shift by shift.
func TestCRCTable(t *testing.T) {
	for hi := range 256 {
		for lo := range 256 {
			reg := uint16(0xFFFF)
			for _, b := range []byte{byte(hi), byte(lo)} {
				reg = reg>>8 ^ uint16(b)
				for range 8 {
					odd := reg&1 != 0
					reg >>= 1
					if odd {
						reg ^= 0xA001
					}
				}
			}
			if got := hj212.CRC([]byte{byte(hi), byte(lo)}); got != reg {
				t.Fatalf("CRC(% X) = %04X, want %04X", []byte{byte(hi), byte(lo)}, got, reg)
			}
		}
	}
}

func TestAppendFrame(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"2017", data2017, frame2017},
		{"2025", data2025, frame2025},
		{"one byte", "\x00", "##0001\x004040\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := hj212.AppendFrame([]byte("before"), []byte(tt.data))
			if string(got) != "before"+tt.want {
				t.Errorf("AppendFrame(%q) = %q, want %q", tt.data, got[len("before"):], tt.want)
			}
		})
	}
	longest := bytes.Repeat([]byte("A"), hj212.MaxData)
	if got := hj212.AppendFrame(nil, longest); string(got[:6]) != "##9999" {
		t.Errorf("longest frame begins with %q", got[:6])
	}
	for _, n := range []int{0, hj212.MaxData + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("AppendFrame of %d bytes did not panic", n)
				}
			}()
			hj212.AppendFrame(nil, make([]byte, n))
		}()
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		name, in   string
		data, rest string
		err        error
		offset     int
		text       string
	}{
		{name: "printed in HJ 212-2017", in: frame2017, data: data2017},
		{name: "printed in HJ 212-2025", in: frame2025, data: data2025},
		{name: "two frames", in: frame2017 + frame2025, data: data2017, rest: frame2025},
		{name: "crc in lower case", in: strings.Replace(frame2017, "1C80", "1c80", 1), data: data2017},
		{name: "data is any bytes", in: "##0004\r\n##30C0\r\n", data: "\r\n##"},

		{name: "no CR", in: strings.TrimSuffix(frame2017, "\r\n") + "\n##", data: data2017, rest: "##"},
		{name: "no LF", in: strings.TrimSuffix(frame2017, "\n") + "##", data: data2017, rest: "##"},
		{name: "no end", in: strings.TrimSuffix(frame2017, "\r\n") + "##", data: data2017, rest: "##"},

		{name: "nothing", in: "", err: hj212.ErrShort},
		{name: "half a mark", in: "#", err: hj212.ErrShort},
		{name: "half a length", in: "##01", err: hj212.ErrShort},
		{name: "half the data", in: frame2017[:50], err: hj212.ErrShort},
		{name: "half a crc", in: frame2017[:109], err: hj212.ErrShort},
		{name: "crc and no more", in: frame2017[:111], err: hj212.ErrShort},
		{name: "CR and no more", in: frame2017[:112], err: hj212.ErrShort},

		{
			name: "no mark", in: "QN=1", err: hj212.ErrMark, offset: 0,
			text: "hj212: mark at byte 0: frame does not begin with ##",
		},
		{name: "half a mark and more", in: "#0101", err: hj212.ErrMark, offset: 1},
		{
			name: "length with a sign", in: "##-007QN=1", err: hj212.ErrLength, offset: 2,
			text: "hj212: length at byte 2: length is not four digits of 1 to 9999",
		},
		{name: "length with a blank", in: "##  97QN=1", err: hj212.ErrLength, offset: 2},
		{name: "length of three digits", in: "##101QN=1", err: hj212.ErrLength, offset: 5},
		{name: "length zero", in: "##0000FFFF\r\n", err: hj212.ErrLength, offset: 2},
		{
			name: "crc of Modbus", in: strings.Replace(frame2017, "1C80", "0759", 1), err: hj212.ErrCRC, offset: 107,
			text: "hj212: crc at byte 107: frame says 0759, data gives 1C80",
		},
		{
			name: "crc no number", in: strings.Replace(frame2017, "1C80", "1C8G", 1), err: hj212.ErrCRC, offset: 107,
			text: "hj212: crc at byte 107: frame says no number, data gives 1C80",
		},
		{name: "one bit of the data", in: strings.Replace(frame2017, "ST=32", "ST=33", 1), err: hj212.ErrCRC, offset: 107},
		{name: "length one too small", in: strings.Replace(frame2017, "0101", "0100", 1), err: hj212.ErrCRC, offset: 106},
		{
			name: "rubbish for an end", in: strings.TrimSuffix(frame2017, "\r\n") + "xx", err: hj212.ErrEnd, offset: 111,
			text: "hj212: end at byte 111: frame does not end with CR LF",
		},
		{name: "CR and rubbish", in: strings.TrimSuffix(frame2017, "\n") + "x", err: hj212.ErrEnd, offset: 111},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, rest, err := hj212.Cut([]byte(tt.in))
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("Cut(%q): error %v, want %v", tt.in, err, tt.err)
			}
			if err != nil {
				if data != nil || string(rest) != tt.in {
					t.Errorf("Cut(%q) = %q, %q beside an error; want nil and all of it", tt.in, data, rest)
				}
				fe, ok := errors.AsType[*hj212.FrameError](err)
				if ok != (tt.err != hj212.ErrShort) {
					t.Fatalf("Cut(%q): error %T", tt.in, err)
				}
				if ok && fe.Offset != tt.offset {
					t.Errorf("Cut(%q): error at byte %d, want %d", tt.in, fe.Offset, tt.offset)
				}
				if tt.text != "" && err.Error() != tt.text {
					t.Errorf("Cut(%q): error %q, want %q", tt.in, err, tt.text)
				}
				return
			}
			if string(data) != tt.data || string(rest) != tt.rest {
				t.Errorf("Cut(%q) = %q, %q; want %q, %q", tt.in, data, rest, tt.data, tt.rest)
			}
		})
	}
}

// Each CRC there is, in capital and in small letters, and none with another
// letter in it. The segment FF has the CRC 0000.
func TestCutCRC(t *testing.T) {
	for b := range 256 {
		frame := hj212.AppendFrame(nil, []byte{byte(b)})
		small := append(bytes.Clone(frame[:7]), bytes.ToLower(frame[7:])...)
		for _, f := range [][]byte{frame, small} {
			if data, _, err := hj212.Cut(f); err != nil || len(data) != 1 || data[0] != byte(b) {
				t.Errorf("Cut(%q) = %q, %v", f, data, err)
			}
		}
	}
	for _, c := range "/:@G`g\x00 -" {
		f := "##0001\xFF000" + string(c) + "\r\n"
		if _, _, err := hj212.Cut([]byte(f)); !errors.Is(err, hj212.ErrCRC) {
			t.Errorf("Cut(%q): error %v, want %v", f, err, hj212.ErrCRC)
		}
	}
}

// What is appended to data must not run into the bytes behind it.
func TestCutCapacity(t *testing.T) {
	b := []byte(frame2017)
	data, _, err := hj212.Cut(b)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(data, "XXXX"...)
	if string(b) != frame2017 {
		t.Errorf("append to data changed the frame to %q", b)
	}
}

func TestCutAllocs(t *testing.T) {
	b := []byte(frame2017)
	n := testing.AllocsPerRun(100, func() {
		if _, _, err := hj212.Cut(b); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("Cut allocates %v times, want 0", n)
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte(frame2017 + frame2025))
	f.Add([]byte("##-007QN=1"))
	f.Add([]byte("##0001\x004040#"))
	f.Add(hj212.AppendFrame(nil, []byte("CN=1062;CP=&&&&")))
	f.Fuzz(func(t *testing.T, b []byte) {
		data, rest, err := hj212.Cut(b)
		if err != nil {
			if data != nil || !bytes.Equal(rest, b) {
				t.Fatalf("Cut(%q) = %q, %q beside an error", b, data, rest)
			}
			return
		}
		if end := len(b) - len(rest) - 6 - len(data) - 4; end < 0 || end > 2 { // every byte accounted for
			t.Fatalf("Cut(%q): data of %d and rest of %d leave %d bytes for an end", b, len(data), len(rest), end)
		}
		if again, _, err := hj212.Cut(hj212.AppendFrame(nil, data)); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("round trip of %q: %q, %v", data, again, err)
		}
	})
}

func BenchmarkCut(b *testing.B) {
	frame := hj212.AppendFrame(nil, []byte("QN=20261101100000123;ST=31;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20261101100000;"+
		strings.Repeat("a21026-Rtd=12.30,a21026-ZsRtd=14.10,a21026-Flag=N;", 12)+"&&"))
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := hj212.Cut(frame); err != nil {
			b.Fatal(err)
		}
	}
}
