package drivers_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
)

var epoch = time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)

// A memory is an instrument: registers and bits by function and address. What
// is not in there is zero. fail may refuse a question.
type memory struct {
	words map[byte]map[uint16]uint16
	fail  func(modbus.Read) error
	asked []modbus.Read
}

func (m *memory) Read(_ context.Context, r modbus.Read) ([]byte, error) {
	m.asked = append(m.asked, r)
	if m.fail != nil {
		if err := m.fail(r); err != nil {
			return nil, err
		}
	}
	if r.Function <= 2 {
		b := make([]byte, (r.Quantity+7)/8)
		for i := range r.Quantity {
			b[i/8] |= byte(m.words[r.Function][r.Address+i]) << (i % 8)
		}
		return b, nil
	}
	var b []byte
	for i := range r.Quantity {
		b = binary.BigEndian.AppendUint16(b, m.words[r.Function][r.Address+i])
	}
	return b, nil
}

func (m *memory) set(function byte, address uint16, words ...uint16) {
	if m.words == nil {
		m.words = make(map[byte]map[uint16]uint16)
	}
	if m.words[function] == nil {
		m.words[function] = make(map[uint16]uint16)
	}
	for i, w := range words {
		m.words[function][address+uint16(i)] = w
	}
}

// asks tells the questions put since the last call, as in 3:0+2 for function
// 3, address 0, two registers.
func (m *memory) asks() string {
	var out []string
	for _, r := range m.asked {
		out = append(out, fmt.Sprintf("%d:%d+%d", r.Function, r.Address, r.Quantity))
	}
	m.asked = nil
	return strings.Join(out, " ")
}

// device makes a device of YAML points.
func device(t testing.TB, yaml string) *drivers.Device {
	t.Helper()
	tmpl, err := drivers.ParseTemplate("x", []byte(head+yaml))
	if err != nil {
		t.Fatal(err)
	}
	d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "d", Unit: 9, Template: tmpl, Timeout: time.Second, Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func frozen() time.Time { return epoch }

// tell writes samples down shortly: "d: a=1 b=(B no-answer); d/2: c=2(T range)".
func tell(samples []drivers.Sample) string {
	var out []string
	for _, s := range samples {
		text := s.Source + ":"
		for _, r := range s.Readings {
			text += " " + r.Point + "=" + r.Value
			if r.Flag != "N" || r.Cause != "" {
				text += fmt.Sprintf("(%s %s)", r.Flag, r.Cause)
			}
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func TestValues(t *testing.T) {
	f32 := func(f float32) string { return fmt.Sprintf("%08X", math.Float32bits(f)) }
	f64 := func(f float64) string { return fmt.Sprintf("%016X", math.Float64bits(f)) }
	for _, tt := range []struct{ spec, registers, want string }{
		{"type: uint16", "FFFF", "65535"},
		{"type: int16", "FFFF", "-1"},
		{"type: int16", "8000", "-32768"},
		{"type: int16, order: CDAB", "0102", "258"},
		{"type: int16, order: BADC", "0102", "513"},
		{"type: int16, order: DCBA", "0102", "513"},

		{"type: uint32", "01020304", "16909060"},
		{"type: uint32, order: CDAB", "03040102", "16909060"},
		{"type: uint32, order: BADC", "02010403", "16909060"},
		{"type: uint32, order: DCBA", "04030201", "16909060"},
		{"type: uint32", "FFFFFFFF", "4294967295"},
		{"type: int32", "FFFFFFFE", "-2"},

		{"type: uint64", "0102030405060708", "72623859790382856"},
		{"type: uint64, order: CDAB", "0708050603040102", "72623859790382856"},
		{"type: uint64, order: BADC", "0201040306050807", "72623859790382856"},
		{"type: uint64, order: DCBA", "0807060504030201", "72623859790382856"},
		{"type: uint64", "FFFFFFFFFFFFFFFF", "18446744073709551615"},
		{"type: int64", "8000000000000000", "-9223372036854775808"},

		{"type: float32", f32(41.3), "41.3"},
		{"type: float32, order: CDAB", "33334225", "41.3"},
		{"type: float32, order: BADC", "25423333", "41.3"},
		{"type: float32, order: DCBA", "33332542", "41.3"},
		{"type: float32", f32(100), "100"},
		{"type: float32", f32(1234567), "1234567"},
		{"type: float32", f32(16777216), "16777216"},
		{"type: float32", f32(1e-3), "0.001"},
		{"type: float32", "80000000", "0"},
		{"type: float32", f32(-0.5), "-0.5"},
		{"type: float32", f32(math.MaxFloat32), "340282350000000000000000000000000000000"},
		{"type: float32", "00000001", "0.000000000000000000000000000000000000000000001"},
		{"type: float32, decimals: 1", f32(41.349998), "41.4"}, // which is the float 41.35
		{"type: float32, decimals: 1", f32(41.25), "41.2"},
		{"type: float32, decimals: 1", f32(41.75), "41.8"},
		{"type: float32, decimals: 3", f32(41.3), "41.300"},
		{"type: float32, decimals: 1", f32(-0.04), "0.0"},
		{"type: float32, scale: 0.1", f32(41.3), "4.13"},
		{"type: float32, scale: 0.1", f32(100), "10"},
		{"type: float64", f64(41.3), "41.3"},
		{"type: float64, order: CDAB", "66666666A6664044", "41.3"},
		{"type: float64, decimals: 2", f64(1e9 / 3), "333333333.33"},

		{"type: uint16, scale: 0.1", "0218", "53.6"},
		{"type: uint16, scale: 0.10", "0218", "53.60"},
		{`type: uint16, scale: "0.10"`, "0218", "53.60"},
		{"type: uint16, scale: 0.1", "0000", "0.0"},
		{"type: uint16, scale: 0.001", "0007", "0.007"},
		{"type: int16, scale: 0.1", "FFFF", "-0.1"},
		{"type: uint16, scale: 10", "0218", "5360"},
		{"type: uint16, scale: 1e2", "0218", "53600"},
		{"type: uint16, scale: 1e-2", "0218", "5.36"},
		{"type: uint16, scale: 2.5", "0003", "7.5"},
		{"type: uint16, scale: -1", "0003", "-3"},
		{"type: uint16, offset: -40", "0003", "-37"},
		{"type: uint16, scale: 0.1, offset: -273.15", "0AAB", "-0.05"},
		{"type: uint64, scale: 0.1", "FFFFFFFFFFFFFFFF", "1844674407370955161.5"},
		{"type: uint16, scale: 0.01, decimals: 1", "0219", "5.4"},
		{"type: uint16, scale: 0.01, decimals: 1", "020D", "5.2"}, // 5.25: to the even digit
		{"type: uint16, scale: 0.01, decimals: 1", "0217", "5.4"}, // 5.35
		{"type: uint16, decimals: 2", "0005", "5.00"},

		{"type: uint16, bits: 0", "0005", "1"},
		{"type: uint16, bits: 1", "0005", "0"},
		{"type: uint16, bits: 15", "8000", "1"},
		{"type: uint16, bits: 4-7", "12A4", "10"},
		{"type: uint16, bits: 0-15", "12A4", "4772"},
		{"type: uint64, bits: 0-63", "FFFFFFFFFFFFFFFF", "18446744073709551615"},
		{"type: uint32, bits: 31", "80000000", "1"},

		{"type: int16, sentinels: [32767, 0x8000]", "7FFE", "32766"},
		{"type: int16, sentinels: [32767, 0x8000]", "7FFF", "(D sentinel)"},
		{"type: int16, sentinels: [32767, 0x8000]", "8000", "(D sentinel)"},
		{"type: int16, sentinels: [-1], sentinel_flag: F", "FFFF", "(F sentinel)"},
		{"type: int64, sentinels: [-1]", "FFFFFFFFFFFFFFFF", "(D sentinel)"},
		{"type: int16, scale: 0.1, sentinels: [9999]", "270F", "(D sentinel)"},
		{"type: uint16, bits: 0-3, sentinels: [15]", "12AF", "(D sentinel)"},
		{"type: float32, sentinels: [-999.9]", f32(-999.9), "(D sentinel)"},
		{"type: float32, sentinels: [-999]", f32(-999), "(D sentinel)"},
		{"type: float32, sentinels: [0x7FFFFFFF]", "7FFFFFFF", "(D sentinel)"},
		{"type: float32, sentinels: [0x4479C000]", "4479C000", "(D sentinel)"}, // 999
		{"type: float32", "7FA00000", "(D sentinel)"},                          // NaN
		{"type: float32", "7F800000", "(D sentinel)"},                          // infinity
		{"type: float32, order: CDAB", "0000FF80", "(D sentinel)"},             // -infinity
		{"type: float64", f64(math.NaN()), "(D sentinel)"},
		{"type: float64", f64(1e100), "(D unreadable)"},
		{"type: float64", f64(1e-100), "(D unreadable)"},
		{"type: float64, decimals: 3", f64(1e-100), "0.000"},

		{"type: uint16, scale: 0.1, range: [30, 130]", "012C", "30.0"},
		{"type: uint16, scale: 0.1, range: [30, 130]", "012B", "29.9(T range)"},
		{"type: uint16, scale: 0.1, range: [30, 130]", "0514", "130.0"},
		{"type: uint16, scale: 0.1, range: [30, 130]", "0515", "130.1(T range)"},
		{"type: float32, range: [0, 50.1]", f32(50.1), "50.1"},
		{"type: float32, range: [0, 50.1]", f32(50.100002), "50.100002(T range)"},
		{"type: int16, range: [-5, 5], sentinels: [32767]", "7FFF", "(D sentinel)"},

		{"type: string, length: 4", "4142204300004443", "AB C"},
		{"type: string, length: 2, order: BADC", "42414443", "ABCD"},
		{"type: string, length: 2, order: DCBA", "42414443", "ABCD"},
		{"type: string, length: 2", "20414220", "AB"},
		{"type: string, length: 2", "00004142", "(D unreadable)"},
		{"type: string, length: 2", "4142071B", "(D unreadable)"},
		{"type: string, length: 1", "FFFE", "(D unreadable)"},
	} {
		t.Run(tt.spec+" "+tt.registers, func(t *testing.T) {
			d := device(t, "points: [{point: a, address: 5, unit: m, "+tt.spec+"}]")
			b, err := hex.DecodeString(tt.registers)
			if err != nil {
				t.Fatal(err)
			}
			m := &memory{}
			for i := 0; i < len(b); i += 2 {
				m.set(3, uint16(5+i/2), binary.BigEndian.Uint16(b[i:]))
			}
			samples, err := d.Poll(t.Context(), m, frozen)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := tell(samples), "d: a="+tt.want; got != want {
				t.Errorf("registers %s with %s: %s, want %s", tt.registers, tt.spec, got, want)
			}
		})
	}
}

const three = `gap: 0
points:
- {point: a, address: 0, type: int16, unit: m}
- {point: b, address: 10, type: int16, unit: m}
- {point: c, address: 20, type: int16, unit: m}
- {point: e, address: 11, type: int16, unit: m}
`

// A failed question loses its own points, with the exact cause, and no other.
func TestPollFailure(t *testing.T) {
	line := fmt.Errorf("open /dev/ttyS9: %w", fs.ErrNotExist)
	for _, tt := range []struct {
		err  error
		want string
	}{
		{modbus.ErrNoAnswer, "B no-answer"},
		{fmt.Errorf("read unit 9: %w", modbus.ErrNoAnswer), "B no-answer"},
		{modbus.ErrCRC, "B crc"},
		{modbus.ErrAnswer, "B bad-answer"},
		{modbus.ErrPortMissing, "B line"},
		{line, "B line"},
		{context.Canceled, "B not-asked"},
		{&modbus.Exception{Code: 1}, "D exception-1"},
		{&modbus.Exception{Code: 3}, "D exception-3"},
		{&modbus.Exception{Code: 4}, "D exception-4"},
		{&modbus.Exception{Code: 5}, "B exception-5"},
		{&modbus.Exception{Code: 6}, "B exception-6"},
		{&modbus.Exception{Code: 8}, "D exception-8"},
		{&modbus.Exception{Code: 10}, "B exception-10"},
		{&modbus.Exception{Code: 11}, "B exception-11"},
		{&modbus.Exception{Code: 200}, "D exception-200"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			d := device(t, three)
			m := &memory{fail: func(r modbus.Read) error {
				if r.Address == 10 {
					return tt.err
				}
				return nil
			}}
			m.set(3, 0, 1)
			m.set(3, 20, 3)
			samples, err := d.Poll(t.Context(), m, frozen)
			want := fmt.Sprintf("d: a=1; d/2: b=(%s) e=(%[1]s); d/3: c=3", tt.want)
			if got := tell(samples); got != want {
				t.Errorf("samples are %s, want %s", got, want)
			}
			if !errors.Is(err, tt.err) || !strings.HasPrefix(err.Error(), "poll d: ") {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if samples[1].Raw != nil || string(samples[0].Raw) != "\x00\x01" {
				t.Errorf("raw is % X and % X", samples[0].Raw, samples[1].Raw)
			}
		})
	}
}

// The error is that of the first question that failed.
func TestPollFirstError(t *testing.T) {
	d := device(t, three)
	m := &memory{fail: func(r modbus.Read) error {
		switch r.Address {
		case 10:
			return modbus.ErrCRC
		case 20:
			return modbus.ErrNoAnswer
		}
		return nil
	}}
	if _, err := d.Poll(t.Context(), m, frozen); !errors.Is(err, modbus.ErrCRC) || errors.Is(err, modbus.ErrNoAnswer) {
		t.Errorf("error %v, want %v", err, modbus.ErrCRC)
	}
}

// An answer of a wrong length must not be read past its end.
func TestPollLength(t *testing.T) {
	for _, n := range []int{0, 1, 3, 5} {
		d := device(t, "points: [{point: a, address: 0, type: uint32, unit: m}, {point: b, function: 1, address: 0}]")
		samples, err := d.Poll(t.Context(), answer(make([]byte, n)), frozen)
		if !errors.Is(err, modbus.ErrAnswer) {
			t.Errorf("answer of %d bytes: error %v", n, err)
		}
		b := "b=(B bad-answer)"
		if n == 1 {
			b = "b=0"
		}
		if got, want := tell(samples), "d: a=(B bad-answer); d/2: "+b; got != want {
			t.Errorf("answer of %d bytes: %s, want %s", n, got, want)
		}
	}
}

// An answer is a bus that says the same to everything.
type answer []byte

func (a answer) Read(context.Context, modbus.Read) ([]byte, error) { return a, nil }

func TestPollContext(t *testing.T) {
	d := device(t, three)
	ctx, cancel := context.WithCancel(t.Context())
	m := &memory{fail: func(r modbus.Read) error {
		if r.Address == 10 {
			cancel()
			return ctx.Err()
		}
		return nil
	}}
	samples, err := d.Poll(ctx, m, frozen)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got, want := tell(samples), "d: a=0; d/2: b=(B not-asked) e=(B not-asked); d/3: c=(B not-asked)"; got != want {
		t.Errorf("samples are %s, want %s", got, want)
	}
	if got, want := m.asks(), "3:0+1 3:10+2"; got != want {
		t.Errorf("questions %s, want %s", got, want)
	}
}

// Each sample has the time at which its question was put.
func TestPollTime(t *testing.T) {
	d := device(t, three)
	m := &memory{}
	samples, err := d.Poll(t.Context(), m, func() time.Time {
		return epoch.Add(time.Duration(len(m.asked)) * time.Second)
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range samples {
		if want := epoch.Add(time.Duration(i) * time.Second); !s.Time.Equal(want) {
			t.Errorf("sample %d is of %s, want %s", i, s.Time, want)
		}
	}
}

func TestMissing(t *testing.T) {
	d := device(t, three)
	samples := d.Missing(epoch, drivers.CauseOffline)
	want := "d: a=(B offline); d/2: b=(B offline) e=(B offline); d/3: c=(B offline)"
	if got := tell(samples); got != want {
		t.Errorf("Missing is %s, want %s", got, want)
	}
	for _, s := range samples {
		if !s.Time.Equal(epoch) || s.Device != "d" || s.Readings[0].Unit != "m" || s.Raw != nil {
			t.Errorf("sample %+v", s)
		}
	}
}

func TestPlan(t *testing.T) {
	d := device(t, three)
	want := []modbus.Read{
		{Unit: 9, Function: 3, Address: 0, Quantity: 1, Timeout: time.Second},
		{Unit: 9, Function: 3, Address: 10, Quantity: 2, Timeout: time.Second},
		{Unit: 9, Function: 3, Address: 20, Quantity: 1, Timeout: time.Second},
	}
	if got := d.Plan(); !slices.Equal(got, want) {
		t.Errorf("Plan() = %+v, want %+v", got, want)
	}
}

const status = `gap: 0
points:
- {point: a, address: 0, type: int16, unit: m, range: [0, 100]}
- {point: b, address: 1, type: int16, unit: m, sentinels: [-1]}
- {status: word, address: 50, type: uint16, flags: [
    {flag: C, is: [3, 0x4]},
    {flag: M, any: 0x0030, points: [a]}]}
- {status: mode, address: 60, type: uint16, bits: 0-3, flags: [{flag: F, not: [0, 1], points: [b]}]}
- {status: door, function: 2, address: 7, flags: [{flag: D, points: [a]}]}
`

func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		name             string
		word, mode, door uint16
		a, b             uint16
		want             string
	}{
		{name: "all is well", a: 5, b: 6, want: "a=5 b=6"},
		{name: "is", word: 3, a: 5, b: 6, want: "a=5(C status-word) b=6(C status-word)"},
		{name: "is in hexadecimal", word: 4, a: 5, b: 6, want: "a=5(C status-word) b=6(C status-word)"},
		{name: "any of two bits", word: 0x20, a: 5, b: 6, want: "a=5(M status-word) b=6"},
		{name: "other bits", word: 0x40, a: 5, b: 6, want: "a=5 b=6"},
		{name: "not one of these", mode: 2, a: 5, b: 6, want: "a=5 b=6(F status-mode)"},
		{name: "one of these", mode: 0xFF1, a: 5, b: 6, want: "a=5 b=6"},
		{name: "a bit", door: 1, a: 5, b: 6, want: "a=5(D status-door) b=6"},
		{name: "the first rule that holds", word: 0x10, door: 1, a: 5, b: 6, want: "a=5(M status-word) b=6"},
		{name: "before the range", door: 1, a: 101, b: 6, want: "a=101(D status-door) b=6"},
		{name: "before a sentinel", word: 3, a: 5, b: 0xFFFF, want: "a=5(C status-word) b=(C status-word)"},
		{name: "range and sentinel alone", a: 101, b: 0xFFFF, want: "a=101(T range) b=(D sentinel)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := device(t, status)
			m := &memory{}
			m.set(3, 0, tt.a, tt.b)
			m.set(3, 50, tt.word)
			m.set(3, 60, tt.mode)
			m.set(2, 7, tt.door)
			samples, err := d.Poll(t.Context(), m, frozen)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := tell(samples), "d: "+tt.want; got != want {
				t.Errorf("samples are %s, want %s", got, want)
			}
		})
	}
}

// Points whose status is not known keep their value, and a flag says so.
func TestStatusLost(t *testing.T) {
	lose := func(address uint16, err error) func(modbus.Read) error {
		return func(r modbus.Read) error {
			if r.Address == address {
				return err
			}
			return nil
		}
	}
	for _, tt := range []struct {
		name string
		fail func(modbus.Read) error
		mode uint16
		want string
	}{
		{"no answer", lose(7, modbus.ErrNoAnswer), 0, "a=5(B status-no-answer) b=6"},
		{"exception", lose(7, &modbus.Exception{Code: 1}), 0, "a=5(D status-exception-1) b=6"},
		{"all points", lose(50, modbus.ErrCRC), 0, "a=5(B status-crc) b=6(B status-crc)"},
		{"another status holds", lose(50, modbus.ErrCRC), 2, "a=5(B status-crc) b=6(F status-mode)"},
		{"value lost, status there", lose(0, modbus.ErrNoAnswer), 2, "a=(B no-answer) b=(B no-answer)"},
		{"both lost", func(modbus.Read) error { return modbus.ErrNoAnswer }, 0, "a=(B no-answer) b=(B no-answer)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := device(t, status)
			m := &memory{fail: tt.fail}
			m.set(3, 0, 5, 6)
			m.set(3, 60, tt.mode)
			samples, err := d.Poll(t.Context(), m, frozen)
			if err == nil {
				t.Error("no error")
			}
			if got, want := tell(samples), "d: "+tt.want; got != want {
				t.Errorf("samples are %s, want %s", got, want)
			}
		})
	}
}

// A point may be reported and set flags, and be read along with others.
func TestStatusPoint(t *testing.T) {
	d := device(t, `points:
- {point: q, address: 2, type: uint16, unit: "1", flags: [{flag: D, is: [2], points: [v]}]}
- {point: v, address: 0, type: float32, unit: mg/L}
`)
	m := &memory{}
	m.set(3, 0, 0x4225, 0x3333, 2)
	samples, err := d.Poll(t.Context(), m, frozen)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tell(samples), "d: q=2 v=41.3(D status-q)"; got != want {
		t.Errorf("samples are %s, want %s", got, want)
	}
	if got, want := m.asks(), "3:0+3"; got != want {
		t.Errorf("questions %s, want %s", got, want)
	}
}

const gaps = `gap: 10
points:
- {point: a, address: 0, type: int16, unit: m}
- {point: b, address: 1, type: int16, unit: m}
- {point: c, address: 5, type: int16, unit: m}
- {point: e, address: 14, type: int16, unit: m}
`

func illegal(r modbus.Read) error {
	return &modbus.Exception{Unit: r.Unit, Function: r.Function, Code: 2}
}

// Where a gap may not be read, the read is split there: at once, so that no
// reading is lost, and for good. The sample stays one.
func TestSplit(t *testing.T) {
	d := device(t, gaps)
	before := d.Points()
	m := &memory{fail: func(r modbus.Read) error {
		if r.Address <= 8 && r.Address+r.Quantity > 8 { // register 8 is not there
			return illegal(r)
		}
		return nil
	}}
	m.set(3, 0, 1, 2)
	m.set(3, 5, 3)
	m.set(3, 14, 4)
	for i, want := range []string{"3:0+15 3:0+6 3:14+1", "3:0+6 3:14+1"} {
		samples, err := d.Poll(t.Context(), m, frozen)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := tell(samples), "d: a=1 b=2 c=3 e=4"; got != want {
			t.Errorf("samples are %s, want %s", got, want)
		}
		if got := m.asks(); got != want {
			t.Errorf("poll %d asks %s, want %s", i, got, want)
		}
		if got, want := hex.EncodeToString(samples[0].Raw), "0001000200000000000000030004"; got != want {
			t.Errorf("raw is %s, want %s", got, want)
		}
	}
	if got := d.Plan(); len(got) != 2 {
		t.Errorf("plan is %+v", got)
	}
	if got := d.Points(); !slices.Equal(got, before) {
		t.Errorf("points were %+v and are %+v", before, got)
	}
}

// A register that is not there loses its own point, and none beside it.
func TestSplitToTheBone(t *testing.T) {
	d := device(t, gaps)
	m := &memory{fail: func(r modbus.Read) error {
		if r.Address <= 1 && r.Address+r.Quantity > 1 {
			return illegal(r)
		}
		return nil
	}}
	for _, want := range []string{"3:0+15 3:0+6 3:0+2 3:0+1 3:1+1 3:5+1 3:14+1", "3:0+1 3:1+1 3:5+1 3:14+1"} {
		samples, err := d.Poll(t.Context(), m, frozen)
		if exception, ok := errors.AsType[*modbus.Exception](err); !ok || exception.Code != 2 {
			t.Errorf("error %v", err)
		}
		if got, want := tell(samples), "d: a=0 b=(D exception-2) c=0 e=0"; got != want {
			t.Errorf("samples are %s, want %s", got, want)
		}
		if got := m.asks(); got != want {
			t.Errorf("asks %s, want %s", got, want)
		}
		if samples[0].Raw != nil {
			t.Errorf("raw is % X, and part of it is missing", samples[0].Raw)
		}
	}
}

// An instrument that refuses everything is not split, and tried ever more
// rarely: the extra questions of n polls are some log n.
func TestSplitRefusedAll(t *testing.T) {
	d := device(t, gaps)
	plan := d.Plan()
	m := &memory{fail: illegal}
	extra := 0
	for range 100 {
		samples, err := d.Poll(t.Context(), m, frozen)
		if err == nil {
			t.Fatal("no error")
		}
		if got, want := tell(samples), "d: a=(D exception-2) b=(D exception-2) c=(D exception-2) e=(D exception-2)"; got != want {
			t.Fatalf("samples are %s, want %s", got, want)
		}
		extra += len(m.asked) - 1
		m.asked = nil
	}
	if extra == 0 || extra > 7*6 { // at 1, 2, 4 ... 64, the six parts of four points
		t.Errorf("100 polls put %d extra questions", extra)
	}
	if got := d.Plan(); !slices.Equal(got, plan) {
		t.Errorf("plan became %+v", got)
	}
	m.fail = nil
	if samples, err := d.Poll(t.Context(), m, frozen); err != nil || tell(samples) != "d: a=0 b=0 c=0 e=0" {
		t.Errorf("after it came to its senses: %s, %v", tell(samples), err)
	}
	m.fail = func(r modbus.Read) error { // and then to others
		if r.Quantity > 6 {
			return illegal(r)
		}
		return nil
	}
	if samples, err := d.Poll(t.Context(), m, frozen); err != nil || len(d.Plan()) != 2 {
		t.Errorf("a gap is refused: %s, %v, plan %+v", tell(samples), err, d.Plan())
	}
}

// However many points an instrument refuses, a poll tries few parts.
func TestSplitBounded(t *testing.T) {
	yaml := "points:\n"
	for i := range 60 {
		yaml += fmt.Sprintf("- {point: a%d, address: %d, type: int16, unit: m}\n", i, i)
	}
	d := device(t, yaml)
	m := &memory{fail: illegal}
	for range 20 {
		d.Poll(t.Context(), m, frozen)
		if n := len(m.asked); n > 1+2*6 {
			t.Fatalf("a poll puts %d questions", n)
		}
		m.asked = nil
	}
}

// A unit that is gone costs two questions once and then one a poll, each time
// another: a register that never answers must not hide that it is back.
func TestSilent(t *testing.T) {
	d := device(t, three)
	dead := func(modbus.Read) error { return modbus.ErrNoAnswer }
	deaf := func(r modbus.Read) error {
		if r.Address == 0 {
			return modbus.ErrNoAnswer
		}
		return nil
	}
	m := &memory{}
	for i, step := range []struct {
		fail       func(modbus.Read) error
		asks, want string
	}{
		{nil, "3:0+1 3:10+2 3:20+1", "d: a=0; d/2: b=0 e=0; d/3: c=0"},
		{dead, "3:0+1 3:10+2", "d: a=(B no-answer); d/2: b=(B no-answer) e=(B no-answer); d/3: c=(B offline)"},
		{dead, "3:0+1", "d: a=(B no-answer); d/2: b=(B offline) e=(B offline); d/3: c=(B offline)"},
		{dead, "3:10+2", "d: a=(B offline); d/2: b=(B no-answer) e=(B no-answer); d/3: c=(B offline)"},
		{dead, "3:20+1", "d: a=(B offline); d/2: b=(B offline) e=(B offline); d/3: c=(B no-answer)"},
		{deaf, "3:0+1", "d: a=(B no-answer); d/2: b=(B offline) e=(B offline); d/3: c=(B offline)"},
		{deaf, "3:10+2 3:20+1 3:0+1", "d: a=(B no-answer); d/2: b=0 e=0; d/3: c=0"},
		{deaf, "3:10+2 3:20+1 3:0+1", "d: a=(B no-answer); d/2: b=0 e=0; d/3: c=0"},
	} {
		m.fail = step.fail
		samples, err := d.Poll(t.Context(), m, frozen)
		if (err == nil) != (step.fail == nil) {
			t.Errorf("step %d: error %v", i, err)
		}
		if got := m.asks(); got != step.asks {
			t.Errorf("step %d asks %s, want %s", i, got, step.asks)
		}
		if got := tell(samples); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
		if got, want := d.Silent(), !strings.Contains(step.want, "=0"); got != want {
			t.Errorf("step %d: silent is %t, want %t", i, got, want)
		}
	}
}

// Once anything answers, the unit is there, and all of it is asked.
func TestSilentBack(t *testing.T) {
	d := device(t, three)
	m := &memory{fail: func(modbus.Read) error { return modbus.ErrNoAnswer }}
	d.Poll(t.Context(), m, frozen)
	m.asks()
	m.fail = func(r modbus.Read) error {
		if r.Address == 10 {
			return modbus.ErrNoAnswer
		}
		return nil
	}
	samples, _ := d.Poll(t.Context(), m, frozen)
	if got, want := tell(samples), "d: a=0; d/2: b=(B no-answer) e=(B no-answer); d/3: c=0"; got != want {
		t.Errorf("samples are %s, want %s", got, want)
	}
	if got, want := m.asks(), "3:0+1 3:10+2 3:20+1"; got != want || d.Silent() {
		t.Errorf("asks %s, want %s; silent %t", got, want, d.Silent())
	}
}

// A broken line says nothing of the unit.
func TestSilentLine(t *testing.T) {
	d := device(t, three)
	m := &memory{fail: func(modbus.Read) error { return modbus.ErrPortMissing }}
	for range 3 {
		samples, _ := d.Poll(t.Context(), m, frozen)
		if got, want := tell(samples), "d: a=(B line); d/2: b=(B line) e=(B line); d/3: c=(B line)"; got != want {
			t.Errorf("samples are %s, want %s", got, want)
		}
		if d.Silent() {
			t.Error("the unit is said to be silent")
		}
	}
}

// Devices of one template share it, and what one learns is its own.
func TestShared(t *testing.T) {
	tmpl, err := drivers.ParseTemplate("x", []byte(head+gaps))
	if err != nil {
		t.Fatal(err)
	}
	var d [2]*drivers.Device
	for i := range d {
		if d[i], err = drivers.NewDevice(drivers.DeviceOptions{Name: "d", Unit: byte(i + 1), Template: tmpl}); err != nil {
			t.Fatal(err)
		}
	}
	m := &memory{fail: func(r modbus.Read) error {
		if r.Quantity > 1 {
			return illegal(r)
		}
		return nil
	}}
	if _, err := d[0].Poll(t.Context(), m, frozen); err != nil {
		t.Fatal(err)
	}
	if a, b := len(d[0].Plan()), len(d[1].Plan()); a != 4 || b != 1 {
		t.Errorf("plans have %d and %d questions, want 4 and 1", a, b)
	}
}

var decimalForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// Whatever an instrument says, the samples are complete and the values
// decimals.
func FuzzPoll(f *testing.F) {
	tmpl, err := drivers.ParseTemplate("x", []byte(head+`
points:
- {point: a, address: 0, type: float32, unit: m, scale: 0.1, range: [-1, 1]}
- {point: b, address: 2, type: float64, unit: m, order: DCBA}
- {point: c, address: 6, type: int64, unit: m, scale: 1e-3, offset: 0.5, decimals: 2}
- {point: e, address: 10, type: uint16, unit: m, bits: 3-9, sentinels: [0x7], flags: [{flag: M, any: 1}]}
- {point: g, address: 11, type: float32, unit: m, order: CDAB, decimals: 0}
- {status: s, function: 1, address: 3, flags: [{flag: C}]}
- {point: z, address: 20, type: string, length: 3}
`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{}, byte(0))
	f.Add([]byte("\x7F\xA0\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08"), byte(1))
	f.Fuzz(func(t *testing.T, b []byte, short byte) {
		d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "d", Unit: 1, Template: tmpl, Raw: true})
		if err != nil {
			t.Fatal(err)
		}
		samples, _ := d.Poll(t.Context(), babble{b, int(short)}, frozen)
		if len(samples) != 2 && len(samples) != 1 {
			t.Fatalf("%d samples", len(samples))
		}
		var points []string
		for _, s := range samples {
			for _, r := range s.Readings {
				points = append(points, r.Point)
				if (r.Flag == "N") != (r.Cause == "") || r.Flag == "N" && r.Value == "" || len(r.Value) > 64 {
					t.Errorf("reading %+v", r)
				}
				if r.Value != "" && r.Point != "z" && !decimalForm.MatchString(r.Value) {
					t.Errorf("value %q of %s is no decimal", r.Value, r.Point)
				}
			}
		}
		slices.Sort(points)
		if want := []string{"a", "b", "c", "e", "g", "z"}; !reflect.DeepEqual(points, want) {
			t.Errorf("points are %q, want %q", points, want)
		}
	})
}

// A babble answers with some bytes, short of so many.
type babble struct {
	b     []byte
	short int
}

func (b babble) Read(_ context.Context, r modbus.Read) ([]byte, error) {
	n := 2 * int(r.Quantity)
	if r.Function <= 2 {
		n = (int(r.Quantity) + 7) / 8
	}
	out := make([]byte, max(0, n-b.short))
	copy(out, b.b)
	return out, nil
}

func BenchmarkPoll(b *testing.B) {
	yaml := "points:\n"
	for i := range 12 {
		yaml += fmt.Sprintf("- {point: a%05d, address: %d, type: float32, unit: mg/m3}\n", i, 2*i)
		yaml += fmt.Sprintf("- {point: b%05d, address: %d, type: int16, scale: 0.1, unit: degC, sentinels: [32767]}\n", i, 30+i)
	}
	d := device(b, yaml)
	a := make(answer, 2*42)
	for i := 0; i < 24; i += 4 {
		binary.BigEndian.PutUint32(a[2*i:], math.Float32bits(41.37+float32(i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Poll(b.Context(), a, frozen); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/24, "ns/reading")
}

func TestPrivateFunction(t *testing.T) {
	d := device(t, "function: 0x64\npoints: [{point: a34013, address: 1, type: float32, unit: mg/m3}]\n")
	m := &memory{}
	m.set(0x64, 1, 0x4148, 0)
	samples, err := d.Poll(t.Context(), m, frozen)
	if got := tell(samples); err != nil || got != "d: a34013=12.5" {
		t.Errorf("readings are %s, error %v", got, err)
	}
	if got := m.asks(); got != "100:1+2" {
		t.Errorf("asks %s", got)
	}
}

func TestUnitRegister(t *testing.T) {
	const yaml = `gap: 0
points:
- {point: a, address: 0, type: uint16, scale: 0.1, unit: mg/L, range: [0, 5000], flags: [{flag: C, is: [77], points: [a]}]}
- {point: b, address: 1, type: float32, decimals: 1, unit: mg/L, sentinels: [-1]}
- status: unit
  address: 9
  type: uint16
  flags:
  - {times: 1, is: [0], points: [a, b]}
  - {times: 1000, is: [1], points: [a, b]}
  - {times: 0.001, any: 4, points: [a]}
  - {flag: M, is: [5]}
`
	for _, tt := range []struct {
		name string
		a    uint16
		b    [2]uint16
		unit uint16
		want string
	}{
		{"as it is", 123, [2]uint16{0x4148, 0}, 0, "a=12.3 b=12.5"},
		{"a thousand", 12, [2]uint16{0x3D4C, 0xCCCD}, 1, "a=1200.0 b=50.0"},
		{"out of range after it", 123, [2]uint16{0xBF80, 0}, 1, "a=12300.0(T range) b=(D sentinel)"},
		{"another for one point", 12, [2]uint16{0x4148, 0}, 4, "a=0.0012 b=(D status-unit)"},
		{"unknown", 12, [2]uint16{0x4148, 0}, 2, "a=(D status-unit) b=(D status-unit)"},
		{"flag and unit", 12, [2]uint16{0xBF80, 0}, 5, "a=0.0012(M status-unit) b=(M status-unit)"},
		{"calibration", 77, [2]uint16{0x4148, 0}, 0, "a=7.7(C status-a) b=12.5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, m := device(t, yaml), &memory{}
			m.set(3, 0, tt.a, tt.b[0], tt.b[1])
			m.set(3, 9, tt.unit)
			samples, err := d.Poll(t.Context(), m, frozen)
			if got := tell(samples); err != nil || got != "d: "+tt.want {
				t.Errorf("readings are %s, want %s (error %v)", got, tt.want, err)
			}
		})
	}
	d, m := device(t, yaml), &memory{}
	m.set(3, 0, 123, 0x4148, 0)
	m.fail = func(r modbus.Read) error {
		if r.Address == 9 {
			return modbus.ErrNoAnswer
		}
		return nil
	}
	samples, _ := d.Poll(t.Context(), m, frozen)
	if got, want := tell(samples), "d: a=(B status-no-answer) b=(B status-no-answer)"; got != want {
		t.Errorf("unit not read: readings are %s, want %s", got, want)
	}
	if p := d.Points(); p[0].Decimals != -1 || p[1].Decimals != 1 {
		t.Errorf("decimals are %d and %d, want -1 (it depends) and 1", p[0].Decimals, p[1].Decimals)
	}
}

func TestWarmUp(t *testing.T) {
	d, m := device(t, "warm_up: 10s\npoints: [{point: a, address: 0, type: uint16, unit: m, range: [0, 5]}]\n"), &memory{}
	m.set(3, 0, 3)
	now := epoch
	poll := func(want string) {
		t.Helper()
		samples, _ := d.Poll(t.Context(), m, func() time.Time { return now })
		if got := tell(samples); got != "d: "+want {
			t.Errorf("at %s: readings are %s, want %s", now.Sub(epoch), got, want)
		}
	}
	poll("a=3")
	m.fail = func(modbus.Read) error { return modbus.ErrNoAnswer }
	now = epoch.Add(time.Second)
	poll("a=(B no-answer)")
	m.fail = nil
	now = epoch.Add(2 * time.Second)
	poll("a=3(F warm-up)")
	m.set(3, 0, 6)
	now = epoch.Add(11 * time.Second)
	poll("a=6(T range)")
	m.set(3, 0, 4)
	now = epoch.Add(12*time.Second - 1)
	poll("a=4(F warm-up)")
	now = epoch.Add(12 * time.Second)
	poll("a=4")
}

func TestTemplateTimes(t *testing.T) {
	tmpl, err := drivers.ParseTemplate("x", []byte(head+"min_interval: 2s\ntimeout: 5s\n"+onePoint))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ given, want time.Duration }{{0, 5 * time.Second}, {time.Second, 5 * time.Second}, {8 * time.Second, 8 * time.Second}} {
		d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "d", Unit: 1, Template: tmpl, Timeout: tt.given, Interval: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Plan()[0].Timeout; got != tt.want {
			t.Errorf("timeout %s: the question waits %s, want %s", tt.given, got, tt.want)
		}
	}
	_, err = drivers.NewDevice(drivers.DeviceOptions{Name: "d", Unit: 1, Template: tmpl, Interval: time.Second})
	if want := "device d: interval is 1s: by its template x it can be asked each 2s"; err == nil || err.Error() != want {
		t.Errorf("interval of 1s: error %v, want %s", err, want)
	}
}
