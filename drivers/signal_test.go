package drivers_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"envgate/drivers"
)

// readOne polls a device of one register and tells its value, flag and cause.
func readOne(t *testing.T, spec drivers.PointSpec, words ...uint16) string {
	t.Helper()
	spec.Point, spec.Address = "x", "0"
	if spec.Unit == "" {
		spec.Unit = "mg/L"
	}
	tmpl, err := drivers.NewTemplate("t", []drivers.PointSpec{spec})
	if err != nil {
		t.Fatal(err)
	}
	d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "d", Unit: 1, Template: tmpl})
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	m.set(3, 0, words...)
	samples, err := d.Poll(t.Context(), m, frozen)
	if err != nil {
		t.Fatal(err)
	}
	r := samples[0].Readings[0]
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Value, r.Flag, r.Cause))
}

// The worths were reckoned by hand: range × (signal - zero) / (full - zero).
func TestSignals(t *testing.T) {
	type P = drivers.PointSpec
	micro := func(signal string, ends ...drivers.Number) P { // thousandths of mA or V
		return P{Type: "uint16", Scale: "0.001", Signal: signal, Range: ends}
	}
	loop := micro("4-20mA", "0", "500") // 500/16000 = 0.03125 mg/L each microampere
	signed := loop
	signed.Type = "int16"
	volts := micro("0-10V", "0", "100")
	volts.Type = "int16"
	counts := P{Type: "uint16", Scale: "20/65535", Signal: "4-20mA", Range: []drivers.Number{"0", "500"}}
	shifted := P{Type: "uint16", Scale: "16/4095", Offset: "4", Signal: "4-20mA", Range: []drivers.Number{"0", "4095"}}
	rounded := loop
	rounded.Decimals = "0"
	float := P{Type: "float32", Signal: "4-20mA", Range: []drivers.Number{"0", "14"}}
	bits := math.Float32bits(12.5)
	for _, tt := range []struct {
		name string
		spec P
		word uint16
		want string
	}{
		{"zero", loop, 4000, "0.00 N"},
		{"middle", loop, 12000, "250.00 N"},
		{"full", loop, 20000, "500.00 N"},
		{"one microampere", loop, 4001, "0.03 N"},
		{"a half to the even digit", loop, 4004, "0.12 N"},    // 0.125
		{"a half to the even digit", loop, 4012, "0.38 N"},    // 0.375: up, as 7 is odd
		{"not clamped below", loop, 3900, "-3.12 N"},          // -3.125
		{"lowest measured", loop, 3800, "-6.25 N"},            // NE 43
		{"under it", loop, 3799, "-6.28 T range"},             // -6.28125
		{"lowest that is none", loop, 3600, "-12.50 T range"}, // a failure is below
		{"failure", loop, 3599, "D signal-low"},
		{"wire broken", loop, 0, "D signal-low"},
		{"reversed polarity", signed, 65436, "D signal-low"}, // -0.1 mA
		{"highest measured", loop, 20500, "515.62 N"},        // 515.625
		{"above it", loop, 20501, "515.66 T range"},          // 515.65625
		{"highest that is none", loop, 21000, "531.25 T range"},
		{"failure above", loop, 21001, "D signal-high"},
		{"short circuit", loop, 65535, "D signal-high"},

		{"range from below zero", micro("4-20mA", "-50", "150"), 12000, "50.00 N"},
		{"range upside down", micro("4-20mA", "100", "0"), 8000, "75.000 N"},
		{"decimals given", rounded, 12016, "250 N"}, // 250.5, to the even digit
		{"small range", micro("4-20mA", "0", "0.5"), 12001, "0.25003 N"},
		{"a range of large numbers", micro("4-20mA", "0", "100000"), 4001, "6 N"}, // 6.25

		// 65535 counts are 20 mA: 0.0095 mg/L each.
		{"counts: 4 mA", counts, 13107, "0.000 N"},
		{"counts: 20 mA", counts, 65535, "500.000 N"},
		{"counts: 12 mA", counts, 39321, "250.000 N"},
		{"counts: 12.0003 mA", counts, 39322, "250.010 N"},             // 250.0095...
		{"counts: 3.6 mA and a bit", counts, 11797, "-12.493 T range"}, // 3.60021 mA: -12.4933...
		{"counts: 3.6 mA less a bit", counts, 11796, "D signal-low"},   // 3.599908 mA
		{"counts from 4 mA", shifted, 1365, "1365 N"},

		{"0-20mA, no current", micro("0-20mA", "0", "500"), 0, "0.00 N"}, // no failure is to be seen
		{"0-20mA", micro("0-20mA", "0", "500"), 10000, "250.00 N"},
		{"0-20mA too high", micro("0-20mA", "0", "500"), 21001, "D signal-high"},
		{"1-5V", micro("1-5V", "0", "100"), 3000, "50.00 N"},
		{"1-5V broken", micro("1-5V", "0", "100"), 899, "D signal-low"},
		{"1-5V low", micro("1-5V", "0", "100"), 949, "-1.28 T range"}, // -1.275: to the even digit
		{"1-5V high", micro("1-5V", "0", "100"), 5251, "D signal-high"},
		{"0-5V", micro("0-5V", "0", "100"), 5000, "100.00 N"},
		{"0-10V", volts, 10000, "100.00 N"},
		{"0-10V, the zero drifts", volts, 65436, "-1.00 N"}, // -0.1 V
		{"0-10V, below it", volts, 65336, "-2.00 T range"},  // -0.2 V
		{"0-10V high", volts, 10501, "D signal-high"},
	} {
		if got := readOne(t, tt.spec, tt.word); got != tt.want {
			t.Errorf("%s: %s of %d is %q, want %q", tt.name, tt.spec.Signal, tt.word, got, tt.want)
		}
	}
	if got, want := readOne(t, float, uint16(bits>>16), uint16(bits)), "7.4375 N"; got != want { // 14 × 8.5/16
		t.Errorf("12.5 mA as a float is %q, want %q", got, want)
	}
}

// Whatever the counts, the value is the nearest decimal to the exact fraction.
func TestSignalIsExact(t *testing.T) {
	spec := drivers.PointSpec{Type: "uint16", Scale: "20/65535", Signal: "4-20mA", Range: []drivers.Number{"0", "16"}, Decimals: "3"}
	for n := 13107; n <= 65535; n += 271 {
		// 1000 × value = 20000 n / 65535 - 4000, rounded; no half is possible, as 65535 is odd.
		thousand := (2*(20000*n-4000*65535) + 65535) / (2 * 65535)
		want := fmt.Sprintf("%d.%03d N", thousand/1000, thousand%1000)
		if got := readOne(t, spec, uint16(n)); got != want {
			t.Fatalf("%d counts are %q, want %q", n, got, want)
		}
	}
}

func TestFraction(t *testing.T) {
	for _, tt := range []struct {
		scale, offset drivers.Number
		word          uint16
		want          string
	}{
		{"20/65535", "", 65535, "20.0000 N"},
		{"20/65535", "", 1, "0.0003 N"},
		{"40/65535", "-20", 0, "-20.0000 N"},
		{"40/65535", "-20", 65535, "20.0000 N"},
		{"1/3", "", 2, "0.7 N"},
		{"10/1", "", 7, "70 N"},
		{"-1/8", "", 4, "-0.5 N"},
	} {
		spec := drivers.PointSpec{Type: "uint16", Scale: tt.scale, Offset: tt.offset}
		if got := readOne(t, spec, tt.word); got != tt.want {
			t.Errorf("%d × %s + %s is %q, want %q", tt.word, tt.scale, tt.offset, got, tt.want)
		}
	}
}

func TestSignalErrors(t *testing.T) {
	type P = drivers.PointSpec
	ends := []drivers.Number{"0", "500"}
	for _, tt := range []struct {
		spec P
		want string
	}{
		{P{Type: "uint16", Signal: "4~20 mA", Range: ends}, `points[0].signal is "4~20 mA": want 4-20mA, 0-20mA, 1-5V, 0-5V or 0-10V (write 4-20mA)`},
		{P{Type: "uint16", Signal: "4-20", Range: ends}, `points[0].signal is "4-20": want 4-20mA, 0-20mA, 1-5V, 0-5V or 0-10V (write 4-20mA)`},
		{P{Type: "uint16", Signal: "HART", Range: ends}, `points[0].signal is "HART": want 4-20mA, 0-20mA, 1-5V, 0-5V or 0-10V`},
		{P{Type: "uint16", Signal: "4-20mA"}, `points[0].range is missing: want what the ends of the signal mean, such as [0, 500]`},
		{P{Type: "uint16", Signal: "4-20mA", Range: []drivers.Number{"5", "5.0"}}, `points[0].range is 5 to 5.0: the ends of a signal mean two values`},
		{P{Type: "uint16", Signal: "4-20mA", Range: []drivers.Number{"5", "many"}}, `points[0].range[1] is "many": want a decimal, such as 0.1 or -5`},
		{P{Function: "2", Signal: "4-20mA", Range: ends}, `points[0].signal is "4-20mA": a bit is 0 or 1, and has none`},
		{P{Type: "uint16", Scale: "20/0"}, `points[0].scale is "20/0": want a decimal, such as 0.1, or a fraction, such as 20/65535`},
		{P{Type: "uint16", Scale: "20/-5"}, `points[0].scale is "20/-5": want a decimal, such as 0.1, or a fraction, such as 20/65535`},
		{P{Type: "uint16", Scale: "20/"}, `points[0].scale is "20/": want a decimal, such as 0.1, or a fraction, such as 20/65535`},
		{P{Type: "uint16", When0: "off", When1: "on"}, `points[0].when_0 is given: only a bit is 0 or 1 (take one bit out of a register with bits: 3)`},
		{P{Function: "2", When0: "off"}, `points[0].when_1 is missing: want a name for 0 and one for 1, such as closed and open`},
		{P{Function: "2", When1: "on"}, `points[0].when_0 is missing: want a name for 0 and one for 1, such as closed and open`},
		{P{Function: "2", When0: "on", When1: "on"}, `points[0].when_0 is "on": want two names of up to 60 bytes, and not unknown; points[0].when_1 is "on": want two names of up to 60 bytes, and not unknown`},
		{P{Function: "2", When0: "off", When1: "unknown"}, `points[0].when_1 is "unknown": want two names of up to 60 bytes, and not unknown`},
		{P{Function: "2", When0: "off", When1: "on", Scale: "2"}, `points[0].when_0 is "off": a state has no scale, offset, range and sentinels`},
		{P{Type: "uint16", Channel: "ai1"}, `points[0].channel is "ai1" beside a point or status: want one of them`},
	} {
		tt.spec.Point, tt.spec.Address, tt.spec.Unit = "x", "0", "mg/L"
		_, err := drivers.NewTemplate("t", []drivers.PointSpec{tt.spec})
		if got := hinted(err); got != tt.want {
			t.Errorf("%+v:\n got %s\nwant %s", tt.spec, got, tt.want)
		}
	}
}

// A word's bit and a status of a template may be states, with flags beside.
func TestState(t *testing.T) {
	d := device(t, `
points:
  - {point: a34004, address: 0, type: uint16, unit: ug/m3}
  - {point: door, address: 1, type: uint16, bits: 3, when_0: closed, when_1: open, flags: [{flag: M, points: [a34004]}]}
`)
	if got, want := d.Points()[1].States, [2]string{"closed", "open"}; got != want {
		t.Errorf("States = %q, want %q", got, want)
	}
	m := &memory{}
	m.set(3, 0, 12, 0x0008)
	samples, err := d.Poll(t.Context(), m, frozen)
	if got, want := tell(samples), "d: a34004=12(M status-door) door=1"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// hinted is an error with its hints.
func hinted(err error) string {
	var list drivers.SpecErrors
	if !errors.As(err, &list) {
		return fmt.Sprint(err)
	}
	var out []string
	for _, e := range list {
		text := e.Error()
		if e.Hint != "" {
			text += " (" + e.Hint + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}
