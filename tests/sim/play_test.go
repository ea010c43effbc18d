package sim

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// playOf plays a template of these lines.
func playOf(t *testing.T, lines string) *Instrument {
	t.Helper()
	s, err := ReadSheet([]byte("name: it\nmedium: stack\n" + lines))
	if err != nil {
		t.Fatal(err)
	}
	in, err := Play("it", s)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// asked is the answer to a question, function byte first.
func asked(in *Instrument, function byte, address, quantity uint16) string {
	pdu := []byte{function, byte(address >> 8), byte(address), byte(quantity >> 8), byte(quantity)}
	answer, _, _ := in.serve(pdu, time.Now())
	return strings.ToUpper(hex.EncodeToString(answer))
}

// Every type in every order. The bytes are those of the standards: IEEE 754,
// two's complement; 12345678 and so on are 0x00BC614E in any book.
func TestPlayedTypesAndOrders(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ kind, order, set, want string }{
		{"uint16", "ABCD", "4660", "1234"},
		{"uint16", "BADC", "4660", "3412"},
		{"int16", "CDAB", "-2", "FFFE"},
		{"int16", "DCBA", "-2", "FEFF"},
		{"uint32", "ABCD", "12345678", "00BC614E"},
		{"uint32", "CDAB", "12345678", "614E00BC"},
		{"uint32", "BADC", "12345678", "BC004E61"},
		{"uint32", "DCBA", "12345678", "4E61BC00"},
		{"int32", "CDAB", "-2147483648", "00008000"},
		{"uint64", "ABCD", "1", "0000000000000001"},
		{"uint64", "CDAB", "1", "0001000000000000"},
		{"uint64", "BADC", "1", "0000000000000100"},
		{"int64", "DCBA", "-2", "FEFFFFFFFFFFFFFF"},
		{"float32", "ABCD", "-118.625", "C2ED4000"},
		{"float32", "CDAB", "-118.625", "4000C2ED"},
		{"float32", "BADC", "-118.625", "EDC20040"},
		{"float32", "DCBA", "-118.625", "0040EDC2"},
		{"float64", "ABCD", "1.5", "3FF8000000000000"},
		{"float64", "CDAB", "1.5", "0000000000003FF8"},
		{"float64", "BADC", "1.5", "F83F000000000000"},
		{"float64", "DCBA", "1.5", "000000000000F83F"},
	} {
		in := playOf(t, fmt.Sprintf("points:\n  - {point: x, address: 7, type: %s, order: %s, unit: mV}\n", row.kind, row.order))
		if err := in.Set("x", row.set); err != nil {
			t.Fatal(err)
		}
		words := len(row.want) / 4
		if got, want := asked(in, 3, 7, uint16(words)), fmt.Sprintf("03%02X%s", 2*words, row.want); got != want {
			t.Errorf("%s %s of %s answers %s, want %s", row.kind, row.order, row.set, got, want)
		}
		if v := in.Values()[0].Number; v == nil || strings.TrimSuffix(strings.TrimRight(v.FloatString(4), "0"), ".") != row.set {
			t.Errorf("%s %s: the value is %v, want %s", row.kind, row.order, v, row.set)
		}
	}
}

// One template with all that a template can say about bits.
const allSaid = `function: 4
gap: 2
max_registers: 20
forbidden: [4:30]
points:
  - {point: t, address: 0x10, type: int16, scale: 0.1, offset: -40, unit: degC, range: [-20, 400], sentinels: [0x7FFF]}
  - {point: whole, address: 0x13, type: uint16, unit: "1"}
  - {status: mode, address: 0x13, type: uint16, bits: 4-7, flags: [{flag: C, is: [0, 1]}, {flag: M, is: [2]}]}
  - {status: faults, address: 0x13, type: uint16, flags: [{flag: D, any: 0x0005}]}
  - {point: own, function: 0x64, address: 1, type: uint16, unit: mV}
  - {point: edge, address: 29, type: uint16, unit: mV}
  - {point: beyond, address: 31, type: uint16, unit: mV}
  - {point: label, function: 3, address: 5, type: string, length: 4, order: BADC}
  - {status: door, function: 2, address: 9, flags: [{flag: M, is: [0]}]}
blocks:
  - each: [a, b]
    units: [mg/m3, ppm]
    stride: 8
    points:
      - {point: $each, function: 3, address: 100, type: float32, unit: $unit}
      - {status: unit-$n, function: 3, address: 102, type: uint16, flags: [{times: 1000, is: [3], points: [$each]}, {times: 1, is: [4], points: [$each]}]}
commands:
  - {command: zero, function: 5, address: 20, value: 1}
`

func TestPlayedTable(t *testing.T) {
	t.Parallel()
	in := playOf(t, allSaid)
	for name, to := range map[string]string{"t": "-12.3", "whole": "0xFF0F", "b": "2.5"} {
		if err := in.Set(name, to); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		about             string
		function          byte
		address, quantity uint16
		want              string
	}{
		{"-12.3 is (-12.3 + 40) / 0.1", 4, 0x10, 1, "04020115"},
		{"a gap that may be read along", 4, 0x10, 3, "0406011500000000"},
		{"mode 3, no fault, and the rest as the point has it", 4, 0x13, 1, "0402FF3A"},
		{"before the table", 4, 0x0F, 2, "8402"},
		{"behind a run", 4, 0x13, 2, "8402"},
		{"between two runs", 4, 0x18, 1, "8402"},
		{"a forbidden one between two that stand near", 4, 29, 3, "8402"},
		{"too many at once", 4, 0x10, 21, "8403"},
		{"none", 4, 0x10, 0, "8403"},
		{"a function that nothing has", 1, 9, 1, "8101"},
		{"a bit that is well when it is 1", 2, 9, 1, "020101"},
		{"a text, bytes turned round", 3, 5, 4, "0308" + "4953204D616C6562"},
		{"the second channel, its unit the one that is not 1", 3, 108, 3, "0306402000000003"},
	} {
		if got := asked(in, row.function, row.address, row.quantity); got != row.want {
			t.Errorf("%s: function %d address %d quantity %d answers %s, want %s", row.about, row.function, row.address, row.quantity, got, row.want)
		}
	}
	if got := asked(in, 0x64, 1, 1); !strings.HasPrefix(got, "6402") {
		t.Errorf("a maker's function answers %s", got)
	}
	if answer, _, refused := in.serve([]byte{5, 0, 20, 0xFF, 0}, time.Now()); refused || !bytes.Equal(answer, []byte{5, 0, 20, 0xFF, 0}) {
		t.Errorf("a command of the template is answered with %x", answer)
	}
	for _, v := range in.Values() {
		if v.Name == "b" && v.Number.FloatString(1) != "2500.0" {
			t.Errorf("2.5 in thousands is %s", v.Number.FloatString(1))
		}
	}
}

func TestPlayedValueIsSet(t *testing.T) {
	t.Parallel()
	in := playOf(t, allSaid)
	for _, row := range []struct{ name, to, want string }{
		{"t", "sentinel", "04027FFF"},
		{"t", "0x8000", "04028000"},
		{"faults", "4", "04020004"},
	} {
		address := map[string]uint16{"t": 0x10, "faults": 0x13}[row.name]
		in.Set("whole", "0")
		in.Set("mode", "0")
		if err := in.Set(row.name, row.to); err != nil {
			t.Error(err)
		}
		if got := asked(in, 4, address, 1); got != row.want {
			t.Errorf("%s set to %s answers %s, want %s", row.name, row.to, got, row.want)
		}
		if v := in.Values()[0]; row.to == "sentinel" && v.Number != nil {
			t.Errorf("a sentinel is the value %s", v.Number)
		}
		if err := in.Set(row.name, "normal"); err != nil {
			t.Error(err)
		}
	}
	if got := asked(in, 4, 0x13, 1); got != "04020000" {
		t.Errorf("faults set to normal: register is %s", got)
	}
	for _, row := range []struct{ name, to, want string }{
		{"nothing", "1", `no point or status "nothing"`},
		{"t", "9000", "does not fit"},
		{"t", "warm", "neither a number"},
		{"mode", "0x10", "more than 4 bits"},
		{"label", "x", "a text"},
		{"edge", "sentinel", "names no number"},
	} {
		if err := in.Set(row.name, row.to); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("set %s to %s: %v, want %q", row.name, row.to, err, row.want)
		}
	}
}

// What is set in an instrument stands still, a status may ask for it, and its
// clock goes, or is as wrong as it is told to be.
func TestPlayedSettings(t *testing.T) {
	t.Parallel()
	in := playOf(t, `points:
  - {point: a, address: 0, type: float32, unit: mg/m3}
  - {status: unit, address: 2, type: uint16, flags: [{times: 1000, is: [4], points: [a]}]}
  - {point: pump, function: 1, address: 3, when_0: "off", when_1: running}
  - {channel: ai1, address: 5, type: uint16, scale: 20/65535, unit: mA}
parameters:
  - {parameter: unit, address: 2, type: uint16, unit: "1"}
  - {parameter: calibrated, form: bytes, fields: YMDh, order: BADC, address: 10}
  - {parameter: serial-number, type: string, length: 3, address: 20}
clock: {form: registers, fields: YMDhm_s, address: 30}
blocks:
  - count: 2
    stride: 4
    parameters: [{parameter: span-$n, address: 50, type: uint16, unit: mg/m3}]
`)
	at := time.Date(2026, 12, 31, 15, 59, 50, 0, time.UTC)
	in.Still(at)
	spans := asked(in, 3, 50, 1) + asked(in, 3, 54, 1)
	for name, to := range map[string]string{"a": "0x3F800000", "ai1": "12", "pump": "1", "clock": "20s", "span-2": "250"} {
		if err := in.Set(name, to); err != nil {
			t.Error(err)
		}
	}
	for _, row := range []struct {
		about             string
		function          byte
		address, quantity uint16
		want              string
	}{
		{"a unit that a status and a parameter ask for", 3, 2, 1, "03020004"},
		{"12 mA of 20/65535", 3, 5, 1, "0302" + "9999"}, // 39321
		{"1 March 2026, 08:00, low bytes first", 3, 10, 2, "0304" + "031A" + "0801"},
		{"a text", 3, 20, 3, "0306" + "53494D207365"},
		{"the clock, 8 hours east and 20 s too fast", 3, 30, 7, "030E" + "07EB" + "0001" + "0001" + "0000" + "0000" + "0000" + "000A"},
		{"a setting of the second channel", 3, 54, 1, "030200FA"},
	} {
		if got := asked(in, row.function, row.address, row.quantity); got != row.want {
			t.Errorf("%s: function %d address %d quantity %d answers %s, want %s", row.about, row.function, row.address, row.quantity, got, row.want)
		}
	}
	for _, v := range in.Values() {
		want := map[string]string{"pump": "running", "calibrated": "2026-03-01 08:00:00", "clock": "2027-01-01 00:00:10"}[v.Name]
		if v.Text != want && v.Name != "serial-number" {
			t.Errorf("%s is %q, want %q", v.Name, v.Text, want)
		}
		if v.Name == "a" && v.Number.FloatString(1) != "1000.0" {
			t.Errorf("1 in thousands is %s", v.Number.FloatString(1))
		}
	}
	for name, to := range map[string]string{"span-2": "normal", "clock": "normal"} {
		if err := in.Set(name, to); err != nil {
			t.Error(err)
		}
	}
	in.Still(at.Add(time.Hour))
	if got := asked(in, 3, 50, 1) + asked(in, 3, 54, 1); got != spans {
		t.Errorf("settings were %s and are %s", spans, got)
	}
	if got := asked(in, 3, 36, 1); got != "03020032" {
		t.Errorf("the clock's seconds are %s, want 50", got)
	}
	if err := in.Set("clock", "wrong"); err == nil {
		t.Error("a clock can be set wrong by \"wrong\"")
	}
}

// All forms of a time.
func TestPlayedClocks(t *testing.T) {
	t.Parallel()
	for clock, want := range map[string]string{
		"{form: bcd, address: 0}":                                       "030626030108" + "3005",
		"{form: bcd, address: 0, fields: smhDMYC_}":                     "0308" + "0530080103262000",
		"{form: unix, address: 0}":                                      "0304" + "69A3888D", // 1772325005
		"{form: unix, address: 0, order: CDAB, zone: \"+08:00\"}":       "0304" + "F90D" + "69A3",
		"{form: text, address: 0, length: 7}":                           "030E" + "3230323630333031303833303035",
		"{form: registers, address: 0, fields: CYMD, order: BADC}":      "0308" + "1400" + "1A00" + "0300" + "0100",
		"{form: registers, address: 0, fields: YMDh, zone: \"-02:00\"}": "0308" + "07EA" + "0002" + "001C" + "0016",
	} {
		in := playOf(t, "points: [{point: a, address: 99, type: uint16, unit: mV}]\nclock: "+clock+"\n")
		in.Still(time.Date(2026, 3, 1, 0, 30, 5, 0, time.UTC))
		words := in.Values()[1].Words
		if got := asked(in, 3, 0, uint16(len(words))); got != want {
			t.Errorf("%s answers %s, want %s", clock, got, want)
		}
	}
}

// No status may want what another makes impossible.
func TestPlayRefusesContradictions(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"flags nothing": "  - {status: s, address: 1, type: uint16, bits: 0, flags: [{flag: D, is: [0]}, {flag: M, is: [1]}]}\n",
		"shares bits": "  - {status: s, address: 1, type: uint16, flags: [{flag: D, not: [1]}]}\n" +
			"  - {status: u, address: 1, type: uint16, flags: [{flag: D, not: [2]}]}\n",
	} {
		s, err := ReadSheet([]byte("points:\n  - {point: x, address: 0, type: uint16, unit: mV}\n" + lines))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Play("it", s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Over two days no value of a built-in template leaves its range or means that
// there is none, and all but texts and contacts move.
func TestPlayedTemplatesStayPlausible(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../drivers/templates/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	for _, file := range files {
		s, err := OpenSheet(file)
		if err != nil {
			t.Error(err)
			continue
		}
		in, err := Play("it", s)
		if err != nil {
			t.Error(err)
			continue
		}
		moved := map[string]map[string]bool{}
		began := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		for at := began; at.Before(began.Add(48 * time.Hour)); at = at.Add(7 * time.Minute) {
			in.Still(at)
			for i, v := range in.Values() {
				if v.Role != Point || s.fields[i].kind == 's' {
					continue
				}
				if v.Number == nil {
					t.Fatalf("%s: %s has no value at %s", s.Name, v.Name, at)
				}
				if span := s.fields[i].span; span != nil {
					number, _ := v.Number.Float64()
					var lowest, highest float64
					fmt.Sscan(span[0], &lowest)
					fmt.Sscan(span[1], &highest)
					if number < lowest || number > highest {
						t.Fatalf("%s: %s is %g at %s, the range is %v", s.Name, v.Name, number, at, span)
					}
				}
				if moved[v.Name] == nil {
					moved[v.Name] = map[string]bool{}
				}
				moved[v.Name][v.Number.String()] = true
			}
		}
		for name, values := range moved {
			if len(values) < 2 {
				t.Errorf("%s: %s stands still", s.Name, name)
			}
		}
	}
}
