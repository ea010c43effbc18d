package hj212_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
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
	headA2    = "QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&"
	dataA21   = headA2 + areaA21 + "&&"
	dataA23   = headA2 + areaA23 + "&&"
	areaA21   = "DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01012-Min=9.3,a01012-Avg=9.3,a01012-Max=9.3,a01012-Flag=N;a01014-Min=3.20,a01014-Avg=3.211,a01014-Max=3.212,a01014-Flag=N"
	areaA23   = "DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N"
)

// frameOf is a frame made by hand, of a length that AppendFrame does not write.
func frameOf(data string) string {
	return fmt.Sprintf("##%04d%s%04X\r\n", len(data), data, hj212.CRC([]byte(data)))
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
	if got := hj212.AppendFrame(nil, longest); string(got[:6]) != "##1024" {
		t.Errorf("longest frame begins with %q, want ##1024", got[:6])
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
		{name: "longest", in: frameOf(strings.Repeat("A", 9999)), data: strings.Repeat("A", 9999)},
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
			text: "hj212: crc at byte 107: frame says 0759 as modbus would, data gives 1C80",
		},
		{
			name: "crc of Modbus, low byte first", in: strings.Replace(frame2017, "1C80", "5907", 1), err: hj212.ErrCRC, offset: 107,
			text: "hj212: crc at byte 107: frame says 5907 as modbus-swapped would, data gives 1C80",
		},
		{
			name: "crc of nobody", in: strings.Replace(frame2017, "1C80", "1C08", 1), err: hj212.ErrCRC, offset: 107,
			text: "hj212: crc at byte 107: frame says 1C08, data gives 1C80",
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

func TestFits(t *testing.T) {
	frame := func(sum string) string { return strings.Replace(frame2017, "1C80", sum, 1) }
	for _, tt := range []struct {
		name  string
		frame string
		want  hj212.Dialect
		fits  []hj212.Dialect
	}{
		{"modbus for standard", frame("0759"), hj212.Standard, []hj212.Dialect{hj212.Modbus}},
		{"swapped for standard", frame("5907"), hj212.Standard, []hj212.Dialect{hj212.ModbusSwapped}},
		{"standard for modbus", frame2017, hj212.Modbus, []hj212.Dialect{hj212.Standard}},
		{"swapped for modbus", frame("5907"), hj212.Modbus, []hj212.Dialect{hj212.ModbusSwapped}},
		{"modbus for swapped", frame("0759"), hj212.ModbusSwapped, []hj212.Dialect{hj212.Modbus}},
		{"none", frame("1C81"), hj212.Standard, nil},
		{"no number", frame("1C8x"), hj212.Standard, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := (&hj212.Codec{CRC: tt.want}).Cut([]byte(tt.frame))
			fe, ok := errors.AsType[*hj212.FrameError](err)
			if !ok || !slices.Equal(fe.Fits, tt.fits) {
				t.Errorf("Cut(%q) = %v, fits %v; want %v", tt.frame, err, fe.Fits, tt.fits)
			}
		})
	}
}

func TestViolations(t *testing.T) {
	long := "QN=" + strings.Repeat("1", 1022)
	for _, tt := range []struct {
		name, in string
		want     []hj212.Violation
	}{
		{"none", frame2017, nil},
		{"none at the limit", frameOf(long[:1024]), nil},
		{"small letters", strings.Replace(frame2017, "1C80", "1c80", 1), []hj212.Violation{
			{Offset: 107, Kind: hj212.LowerCRC, Name: "crc", Got: "1c80", Want: "1C80"},
		}},
		{"no CR", frame2017[:111] + "\n", []hj212.Violation{{Offset: 111, Kind: hj212.NoEnd, Name: "end", Got: "\n", Want: "\r\n"}}},
		{"no LF", frame2017[:112] + "#", []hj212.Violation{{Offset: 111, Kind: hj212.NoEnd, Name: "end", Got: "\r", Want: "\r\n"}}},
		{"no end", frame2017[:111] + "#", []hj212.Violation{{Offset: 111, Kind: hj212.NoEnd, Name: "end", Want: "\r\n"}}},
		{"long", frameOf(long), []hj212.Violation{{Offset: 2, Kind: hj212.LongData, Name: "length", Got: "1025", Want: "1024"}}},
		{"all", strings.ToLower(strings.TrimSuffix(frameOf(long), "\r\n")) + "\n", []hj212.Violation{
			{Offset: 2, Kind: hj212.LongData, Name: "length", Got: "1025", Want: "1024"},
			{Offset: 1031, Kind: hj212.LowerCRC, Name: "crc", Got: "", Want: ""},
			{Offset: 1035, Kind: hj212.NoEnd, Name: "end", Got: "\n", Want: "\r\n"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c *hj212.Codec
			in := tt.in
			if tt.name == "all" { // the segment in small letters has a sum of its own, which has to have letters
				data := []byte("qn=" + strings.Repeat("1", 1022))
				for hj212.CRC(data)&0xF000 < 0xA000 {
					data[len(data)-1]++
				}
				sum := fmt.Sprintf("%04X", hj212.CRC(data))
				in = "##1025" + string(data) + strings.ToLower(sum) + "\n"
				tt.want[1].Got, tt.want[1].Want = strings.ToLower(sum), sum
			}
			f, _, err := c.Cut([]byte(in))
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Violations(); !slices.Equal(got, tt.want) {
				t.Errorf("Violations of %q = %+v, want %+v", in, got, tt.want)
			}
		})
	}
	if got := (hj212.Frame{}).Violations(); got != nil {
		t.Errorf("Violations of no frame = %v", got)
	}
}

func TestFrame(t *testing.T) {
	in := "##0001\xFF0000\r\n##"
	f, rest, err := new(hj212.Codec).Cut([]byte(in))
	if err != nil || string(f.Raw) != in[:13] || string(f.Data) != "\xFF" || f.Sum != 0 || f.Encrypted || string(rest) != "##" {
		t.Errorf("Cut(%q) = %+v, %q, %v", in, f, rest, err)
	}
	if cap(f.Raw) != len(f.Raw) || cap(f.Data) != len(f.Data) {
		t.Error("append to Raw or Data would run into the bytes behind it")
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
		if len(data) > hj212.MaxData {
			return
		}
		if again, _, err := hj212.Cut(hj212.AppendFrame(nil, data)); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("round trip of %q: %q, %v", data, again, err)
		}
	})
}

func BenchmarkCut(b *testing.B) {
	frame := hj212.AppendFrame(nil, minuteData)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := hj212.Cut(frame); err != nil {
			b.Fatal(err)
		}
	}
}
