package drivers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
)

// survey asks all of a survey, and writes down what it found: "span=400 ppb slope=".
func survey(t *testing.T, d *drivers.Device, b drivers.Bus) (text string, clock *drivers.ClockReading, errs []error) {
	t.Helper()
	s := d.Survey()
	if s == nil {
		t.Fatal("nothing to survey")
	}
	for i := 0; !s.Done(); i++ {
		if i > 1000 {
			t.Fatal("the survey does not end")
		}
		if err := s.Ask(t.Context(), b, frozen); err != nil {
			errs = append(errs, err)
		}
	}
	settings, clock := s.Found()
	var out []string
	for _, s := range settings {
		out = append(out, strings.TrimSpace(s.Parameter+"="+s.Value+" "+s.Unit))
	}
	return strings.Join(out, ", "), clock, errs
}

const settings = `points: [{point: a21026, address: 0, type: float32, unit: ppb}]
parameters:
- {parameter: span, of: a21026, address: 100, type: float32, unit: ppb}
- {parameter: range-high, address: 105, type: int16, scale: 0.10, unit: ppb}
- {parameter: lamp, zh: 灯, en: lamp, function: 1, address: 7}
- {parameter: serial-number, address: 120, type: string, length: 3}
- {parameter: calibrated, form: registers, fields: YMDhm, address: 130}
clock: {form: bcd, address: 140}
`

// Settings are read by a plan of their own, with the fewest questions, and never by a
// poll.
func TestSurvey(t *testing.T) {
	d := device(t, settings)
	m := &memory{}
	m.set(3, 100, 0x43C8, 0) // 400
	m.set(3, 105, 5000)
	m.set(1, 7, 1)
	m.set(3, 120, 0x4142, 0x3132, 0)
	m.set(3, 130, 2026, 2, 28, 2, 30)
	m.set(3, 140, 0x2603, 0x0108, 0x3005)
	if _, err := d.Poll(t.Context(), m, frozen); err != nil {
		t.Fatal(err)
	}
	if got, want := m.asks(), "3:0+2"; got != want {
		t.Errorf("a poll asks %s, want %s", got, want)
	}
	text, clock, errs := survey(t, d, m)
	if want := "span=400 ppb, range-high=500.00 ppb, lamp=1, serial-number=AB12, calibrated=2026-02-28T02:30"; text != want || errs != nil {
		t.Errorf("found %s, errors %v\nwant  %s", text, errs, want)
	}
	if got, want := m.asks(), "3:100+6 1:7+1 3:120+23"; got != want {
		t.Errorf("a survey asks %s, want %s", got, want)
	}
	at := time.Date(2026, 3, 1, 0, 30, 5, 0, time.UTC)
	if clock == nil || !clock.At.Equal(epoch) || clock.Off != at.Sub(epoch) {
		t.Errorf("clock is %+v, want %s at %s", clock, at.Sub(epoch), epoch)
	}
}

// The clock is compared with the middle of the exchange.
func TestSurveyTakesTheMiddle(t *testing.T) {
	d := device(t, "points: [{point: a, address: 0, type: int16, unit: m}]\nclock: {form: unix, address: 2}\n")
	m := &memory{}
	m.set(3, 2, uint16(epoch.Unix()>>16), uint16(epoch.Unix()))
	times := []time.Time{epoch, epoch.Add(4 * time.Second)}
	s := d.Survey()
	if err := s.Ask(t.Context(), m, func() time.Time {
		at := times[0]
		times = times[1:]
		return at
	}); err != nil {
		t.Fatal(err)
	}
	if _, clock := s.Found(); clock == nil || clock.Off != -2*time.Second {
		t.Errorf("clock is %+v, want -2s", clock)
	}
}

// Limits and forbidden ranges of the template hold for settings; a range that is
// refused is read in parts from then on.
func TestSurveyKeepsLimits(t *testing.T) {
	d := device(t, "forbidden: [102-103]\nmax_registers: 4\n"+settings[:strings.Index(settings, "- {parameter: serial")])
	m := &memory{}
	survey(t, d, m)
	if got, want := m.asks(), "3:100+2 3:105+1 1:7+1"; got != want {
		t.Errorf("asks %s, want %s", got, want)
	}

	d = device(t, settings)
	m.fail = func(r modbus.Read) error {
		if r.Address <= 102 && r.Address+r.Quantity > 102 {
			return &modbus.Exception{Unit: 9, Function: r.Function, Code: 2}
		}
		return nil
	}
	text, _, errs := survey(t, d, m)
	if len(errs) > 0 || !strings.HasPrefix(text, "span=0 ppb, range-high=0.00 ppb") {
		t.Errorf("found %s, errors %v", text, errs)
	}
	m.asks()
	survey(t, d, m)
	if got, want := m.asks(), "3:100+2 3:105+1 1:7+1 3:120+23"; got != want {
		t.Errorf("the next survey asks %s, want %s", got, want)
	}
}

// What cannot be had has no value, and costs two questions at most where nothing
// answers.
func TestSurveyOfASilentDevice(t *testing.T) {
	d := device(t, settings)
	m := &memory{fail: func(modbus.Read) error { return modbus.ErrNoAnswer }}
	text, clock, errs := survey(t, d, m)
	if want := "span= ppb, range-high= ppb, lamp=, serial-number=, calibrated="; text != want || clock != nil || len(errs) != 2 {
		t.Errorf("found %s, clock %v, errors %v", text, clock, errs)
	}
	if !errors.Is(errs[0], modbus.ErrNoAnswer) || !strings.HasPrefix(errs[0].Error(), "survey d: ") {
		t.Errorf("error %v", errs[0])
	}
	m.fail = func(r modbus.Read) error { // refuses one for good, and goes on
		if r.Address == 100 {
			return &modbus.Exception{Unit: 9, Function: 3, Code: 4}
		}
		return nil
	}
	if text, _, errs = survey(t, d, m); len(errs) != 1 || !strings.Contains(text, "lamp=0") {
		t.Errorf("found %s, errors %v", text, errs)
	}
}

// NaN and sentinels are no values.
func TestSurveyOfNoValue(t *testing.T) {
	d := device(t, `points: [{point: a, address: 0, type: int16, unit: m}]
parameters:
- {parameter: span, address: 1, type: float32, unit: m}
- {parameter: zero, address: 3, type: int16, unit: m, sentinels: [0x7FFF]}
`)
	m := &memory{}
	m.set(3, 1, 0x7FC0, 0, 0x7FFF)
	if text, _, _ := survey(t, d, m); text != "span= m, zero= m" {
		t.Errorf("found %s", text)
	}
	if device(t, onePoint).Survey() != nil {
		t.Error("a template without settings has a survey")
	}
}

// Each form of a clock, at 2026-03-01 08:30:05 +08:00.
func TestClockForms(t *testing.T) {
	for _, tt := range []struct {
		clock string
		words []uint16
		off   time.Duration // from that time; -1: no time
	}{
		{"form: registers", []uint16{2026, 3, 1, 8, 30, 5}, 0},
		{"form: registers", []uint16{26, 3, 1, 8, 30, 6}, time.Second},
		{"form: registers, fields: smhDMY", []uint16{5, 30, 8, 1, 3, 2026}, 0},
		{"form: registers, fields: YMD_hms", []uint16{2026, 3, 1, 7, 8, 30, 5}, 0},
		{`form: registers, zone: "+00:00"`, []uint16{2026, 3, 1, 0, 30, 5}, 0},
		{"form: registers, order: BADC", []uint16{0xEA07, 0x0300, 0x0100, 0x0800, 0x1E00, 0x0500}, 0},
		{"form: bytes", []uint16{0x1A03, 0x0108, 0x1E05}, 0},
		{"form: bytes, fields: CYMDhms_", []uint16{0x141A, 0x0301, 0x081E, 0x0500}, 0},
		{"form: bcd", []uint16{0x2603, 0x0108, 0x3005}, 0},
		{"form: bcd, fields: CYMDhms_", []uint16{0x2026, 0x0301, 0x0830, 0x05FF}, 0},
		{"form: bcd, fields: smhDMY, order: BADC", []uint16{0x3005, 0x0108, 0x2603}, 0},
		{"form: unix", []uint16{0x69A3, 0x888D}, 0},
		{"form: unix, order: CDAB", []uint16{0x888D, 0x69A3}, 0},
		{`form: unix, zone: "+08:00"`, []uint16{0x69A3, 0x888D}, -8 * time.Hour},
		{"form: text, length: 10", []uint16{0x3230, 0x3236, 0x2D30, 0x332D, 0x3031, 0x2030, 0x383A, 0x3330, 0x3A30, 0x3500}, 0},
		{"form: text, length: 7", []uint16{0x3230, 0x3236, 0x3033, 0x3031, 0x3038, 0x3330, 0x3035}, 0},

		{"form: registers", []uint16{0, 0, 0, 0, 0, 0}, -1},
		{"form: registers", []uint16{2026, 2, 29, 8, 30, 5}, -1},
		{"form: registers", []uint16{2026, 3, 1, 24, 30, 5}, -1},
		{"form: registers", []uint16{65535, 1, 1, 0, 0, 0}, -1},
		{"form: bcd", []uint16{0x260A, 0x0108, 0x3005}, -1},
		{"form: unix", []uint16{0, 0}, -1},
		{"form: unix", []uint16{0xFFFF, 0xFFFF}, -1},
		{"form: text, length: 3", []uint16{0x4142, 0x4142, 0x4142}, -1},
	} {
		d := device(t, onePoint+"clock: {address: 50, "+tt.clock+"}\n")
		m := &memory{}
		m.set(3, 50, tt.words...)
		_, clock, errs := survey(t, d, m)
		want := time.Date(2026, 3, 1, 0, 30, 5, 0, time.UTC).Add(tt.off)
		switch {
		case errs != nil:
			t.Errorf("%s: %v", tt.clock, errs)
		case tt.off == -1:
			if clock != nil {
				t.Errorf("%s of %v is %s, want none", tt.clock, tt.words, epoch.Add(clock.Off))
			}
		case clock == nil || !epoch.Add(clock.Off).Equal(want):
			t.Errorf("%s of %v is %+v, want %s", tt.clock, tt.words, clock, want)
		}
	}
}

func TestParameterErrors(t *testing.T) {
	for _, tt := range []struct{ yaml, want string }{
		{"parameters: [{address: 1, type: int16, unit: m}]", `parameters[0].parameter is "": a name is small letters, digits and hyphens, a letter first, 24 at most`},
		{"parameters: [{parameter: Span, address: 1, type: int16, unit: m}]", `parameters[0].parameter is "Span": a name is small letters, digits and hyphens, a letter first, 24 at most`},
		{"parameters: [{parameter: lamp, address: 1, type: int16, unit: m}]", "parameters[0].zh is missing: a name of your own is given in zh and in en"},
		{"parameters: [{parameter: span, of: b, address: 1, type: int16, unit: m}]", `parameters[0].of is "b": the template has no such point`},
		{"parameters: [{parameter: span, address: 1, type: int16}]", `parameters[0].unit is missing: want the unit of the value, "1" where it has none`},
		{"parameters: [{parameter: span, address: 400001, type: int16, unit: m}]", "parameters[0].address is 400001: an address is 0 to 65535"},
		{"parameters: [{parameter: span, address: 1, type: int16, unit: m}, {parameter: span, address: 2, type: int16, unit: m}]", `parameters[1].parameter is "span" once more: parameters[0] is it already`},
		{"parameters: [{parameter: calibrated, address: 1, form: bcd, type: uint16}]", "parameters[0].type is given: a time is no number"},
		{"parameters: [{parameter: calibrated, address: 1, form: bcd, fields: YMDhm}]", "parameters[0].fields are 5 bytes: want whole registers; _ stands for a byte that does not count"},
		{"parameters: [{parameter: calibrated, address: 1, form: registers, fields: YMDm}]", "parameters[0].fields is YMDm: want the letters of YMDhms once each, a clock all of them; C is the century and _ what does not count"},
		{"parameters: [{parameter: span, address: 1, type: int16, unit: m, fields: YMD}]", "parameters[0].form is missing: fields and zone are of times"},
		{"forbidden: [4-9]\nparameters: [{parameter: span, address: 3, type: int32, unit: m}]", "parameters[0].address is 3: that is in a range the template forbids"},
		{"max_registers: 1\nparameters: [{parameter: span, address: 3, type: int32, unit: m}]", "parameters[0].type takes 2 registers: the template allows 1 in one question"},
		{"parameters: [{parameter: span, adress: 3, type: int32, unit: m}]", `parameters[0] has no key "adress"`},
		{"blocks: [{count: 2, stride: 4, parameters: [{parameter: span, address: 3, type: int32, unit: m}]}]", `blocks[0].parameters[0].parameter is "span" once more: blocks[0].parameters[0] is it already`},
		{"blocks: [{count: 200, stride: 4, parameters: [{parameter: span-$n, address: 3, type: int16, unit: m}, {parameter: zero-$n, address: 4, type: int16, unit: m}]}]", "blocks[0].parameters[0] is one too many: a template has 200 at most, with channels"},
		{"clock: {address: 1}", "clock.form is \"\": want registers, bytes, bcd, unix or text"},
		{"clock: {address: 1, form: epoch}", `clock.form is "epoch": want registers, bytes, bcd, unix or text`},
		{"clock: {address: 1, form: registers, fields: YMDhm}", "clock.fields is YMDhm: want the letters of YMDhms once each, a clock all of them; C is the century and _ what does not count"},
		{"clock: {address: 1, form: registers, fields: YMDhmsx}", "clock.fields is YMDhmsx: want the letters of YMDhms once each, a clock all of them; C is the century and _ what does not count"},
		{"clock: {address: 1, form: registers, fields: YYMDhms}", "clock.fields is YYMDhms: want the letters of YMDhms once each, a clock all of them; C is the century and _ what does not count"},
		{"clock: {address: 1, form: unix, fields: YMD}", "clock.fields is YMD: only registers, bytes and bcd have fields"},
		{"clock: {address: 1, form: unix, zone: CST}", `clock.zone is "CST": want one such as +08:00`},
		{"clock: {address: 1, form: bcd, length: 3}", "clock.length is 3: only a text has a length"},
		{"clock: {form: bcd}", "clock.address is missing: there is no default"},
	} {
		_, err := drivers.ParseTemplate("x", []byte(head+onePoint+tt.yaml+"\n"))
		list, _ := errors.AsType[drivers.SpecErrors](err)
		var found []string
		for _, e := range list {
			if e.Line == 0 {
				t.Errorf("%s: no line for %v", tt.yaml, e)
			}
			found = append(found, fmt.Sprintf("%s %s", e.Path(), e.Text))
		}
		if got := strings.Join(found, "; "); got != tt.want {
			t.Errorf("%s:\n got  %s\n want %s", tt.yaml, got, tt.want)
		}
	}
}

// Parameters are held against an exchange where it names them, and then wholly.
func TestTryParameters(t *testing.T) {
	const base = onePoint + `parameters:
- {parameter: span, address: 4, type: int16, unit: m}
- {parameter: zero, address: 5, type: int16, unit: m}
clock: {form: unix, address: 6}
exchanges:
- about: all
  wire: [{ask: 01 03 00 04 00 04 crc, answer: 01 03 08 0064 0007 69A3 888D crc}]
`
	for _, tt := range []struct{ yaml, want string }{
		{"  parameters: {span: 100, zero: 7}\n  clock: 2026-03-01T00:30:05Z\n", ""},
		{"  parameters: {span: 100}\n  clock: 2026-03-01T00:30:05Z\n", "zero is missing: the bytes give 7"},
		{"  parameters: {span: 101, zero: 7}\n  clock: 2026-03-01T00:30:05Z\n", "span is 101: the bytes give 100"},
		{"  parameters: {span: 100, zero: 7}\n  clock: 2026-03-01T00:30:06Z\n", "clock is 2026-03-01T00:30:06Z: the bytes give 2026-03-01T00:30:05Z"},
		{"  parameters: {span: 100, zero: 7}\n", "clock is missing: the bytes give 2026-03-01T00:30:05Z"},
	} {
		tmpl, err := drivers.ParseTemplate("x", []byte(head+base+tt.yaml))
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		if err := tmpl.Try(0); err != nil {
			text = err.Error()
		}
		if tt.want == "" && text != "" || !strings.HasSuffix(text, tt.want) {
			t.Errorf("%s: %q, want %q", tt.yaml, text, tt.want)
		}
	}
	for _, tt := range []struct{ yaml, want string }{
		{"  parameters: {slope: 1}\n", "exchanges[0].parameters.slope is there: the template has no such parameter"},
		{"", "exchanges[0].readings is missing: want what the answers mean"},
	} {
		_, err := drivers.ParseTemplate("x", []byte(head+base+tt.yaml))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %s", tt.yaml, err, tt.want)
		}
	}
	tmpl, err := drivers.ParseTemplate("x", []byte(head+base+"  parameters: {span: 100, zero: 7}\n  clock: 2026-03-01T00:30:05Z\n"))
	if err != nil {
		t.Fatal(err)
	}
	tmpl.Exchanges[0].Parameters, tmpl.Exchanges[0].Clock = nil, ""
	var remarks []string
	for _, r := range tmpl.Remarks() {
		remarks = append(remarks, r.Path()+" "+r.Text)
	}
	if got := strings.Join(remarks, "; "); !strings.HasSuffix(got, "parameters[0] is there, and no exchange shows it; parameters[1] is there, and no exchange shows it; clock is there, and no exchange shows it") {
		t.Errorf("remarks %s", got)
	}
}

// Names of the list bring their titles; channels are written out.
func TestParameterNames(t *testing.T) {
	d := device(t, onePoint+`blocks:
- each: [a, b]
  stride: 10
  points: [{point: x$n, zh: 甲, en: x, address: 30, type: int16, unit: m}]
  parameters: [{parameter: range-high-$n, address: 40, type: int16, unit: m}]
`)
	b, err := json.Marshal(d.Parameters()) // as the catalogue has it
	if err != nil {
		t.Fatal(err)
	}
	got := string(b)
	if want := `[{"parameter":"range-high-1","zh":"量程上限1","en":"upper end of the measuring range 1","unit":"m","confidence":"uncertain"},` +
		`{"parameter":"range-high-2","zh":"量程上限2","en":"upper end of the measuring range 2","unit":"m","confidence":"uncertain"}]`; got != want {
		t.Errorf("parameters %s\nwant       %s", got, want)
	}
	var asks []string
	for _, r := range d.SurveyPlan() {
		asks = append(asks, fmt.Sprintf("%d:%d+%d", r.Function, r.Address, r.Quantity))
	}
	if got, want := strings.Join(asks, " "), "3:40+1 3:50+1"; got != want {
		t.Errorf("plan %s, want %s", got, want)
	}
}
