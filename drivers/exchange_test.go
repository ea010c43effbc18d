package drivers_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
)

// An exchange is a question and its answer on an RTU line, byte by byte, as
// they stand in a manual or were written down from its tables.
type exchange struct{ question, answer string }

// A wire answers the questions of its exchanges, in their order and no others.
type wire struct {
	t         *testing.T
	exchanges []exchange
}

func (w *wire) Read(_ context.Context, r modbus.Read) ([]byte, error) {
	w.t.Helper()
	if len(w.exchanges) == 0 {
		w.t.Fatalf("question %+v after the last one", r)
	}
	e := w.exchanges[0]
	w.exchanges = w.exchanges[1:]
	q := frame(w.t, e.question)
	want := modbus.Read{
		Unit:     q[0],
		Function: q[1],
		Address:  binary.BigEndian.Uint16(q[2:]),
		Quantity: binary.BigEndian.Uint16(q[4:]),
	}
	if len(q) != 6 || r != want {
		w.t.Fatalf("question is %+v, want %+v, which is %s", r, want, e.question)
	}
	a := frame(w.t, e.answer)
	if a[0] != r.Unit {
		w.t.Fatalf("answer of unit %d", a[0])
	}
	if a[1] == r.Function|0x80 && len(a) == 3 {
		return nil, &modbus.Exception{Unit: r.Unit, Function: r.Function, Code: a[2]}
	}
	if a[1] != r.Function || int(a[2]) != len(a)-3 {
		w.t.Fatalf("answer %s does not say what it is", e.answer)
	}
	return a[3:], nil
}

// frame reads a frame's bytes and checks its CRC, so that a slip of the pen in
// here shows.
func frame(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil || len(b) < 5 {
		t.Fatalf("frame %q: %v", s, err)
	}
	crc := uint16(0xFFFF)
	for _, c := range b[:len(b)-2] {
		crc ^= uint16(c)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xA001
			} else {
				crc >>= 1
			}
		}
	}
	if got := binary.LittleEndian.Uint16(b[len(b)-2:]); got != crc {
		t.Fatalf("frame %q: crc is %04X, want %04X", s, got, crc)
	}
	return b[:len(b)-2]
}

// exchanges are whole polls: the questions as they go over the wire, no more and
// no fewer.
var exchanges = []struct {
	name, template string
	unit           byte
	wire           []exchange
	want           []drivers.Reading
}{
	{
		name:     "TSP 123, PM10 66, PM2.5 29",
		template: "boling-dust",
		unit:     1,
		wire: []exchange{{
			"01 03 00 00 00 06 C5 C8",
			"01 03 0C  00 00 00 7B  00 00 00 42  00 00 00 1D  3D 84",
		}},
		want: []drivers.Reading{
			{Point: "a34001", Value: "123", Unit: "ug/m3", Flag: "N"},
			{Point: "a34002", Value: "66", Unit: "ug/m3", Flag: "N"},
			{Point: "a34004", Value: "29", Unit: "ug/m3", Flag: "N"},
		},
	},
	{
		// 028D 65.3 %, 2794 1013.2 hPa, 08DF 227.1 deg, FFD1 -4.7 degC, 0020 3.2 m/s
		name:     "a cold day",
		template: "vaisala-wxt530",
		unit:     1,
		wire: []exchange{{
			"01 04 00 0A 00 21 10 10",
			`01 04 42
			028D 0280 0295 028A  2794 2792 2797 2794  08DF 0000 0000 0000 0000
			0000 0000 0000 0000  0000 0000 0000 0000  FFD1 0000 0000 0000
			0000 0000 0000 0000  0000 0000 0000 0020  F3 CE`,
		}},
		want: []drivers.Reading{
			{Point: "a01002", Value: "65.3", Unit: "%", Flag: "N"},
			{Point: "a01006", Value: "1013.2", Unit: "hPa", Flag: "N"},
			{Point: "a01008", Value: "227.1", Unit: "deg", Flag: "N"},
			{Point: "a01001", Value: "-4.7", Unit: "degC", Flag: "N"},
			{Point: "a01007", Value: "3.2", Unit: "m/s", Flag: "N"},
		},
	},
	{
		// 7FFF 32767 stands for a sensor that the model does not have, or that is broken
		name:     "no wind sensor",
		template: "vaisala-wxt530",
		unit:     1,
		wire: []exchange{{
			"01 04 00 0A 00 21 10 10",
			`01 04 42
			028D 0280 0295 028A  2794 2792 2797 2794  7FFF 7FFF 7FFF 7FFF 7FFF
			0000 0000 0000 0000  0000 0000 0000 0000  FFFF 0000 0000 0000
			0000 0000 0000 0000  0000 0000 0000 7FFF  8B C6`,
		}},
		want: []drivers.Reading{
			{Point: "a01002", Value: "65.3", Unit: "%", Flag: "N"},
			{Point: "a01006", Value: "1013.2", Unit: "hPa", Flag: "N"},
			{Point: "a01008", Unit: "deg", Flag: "D", Cause: "sentinel"},
			{Point: "a01001", Value: "-0.1", Unit: "degC", Flag: "N"},
			{Point: "a01007", Unit: "m/s", Flag: "D", Cause: "sentinel"},
		},
	},
	{
		// 42253333 is the float nearest to 41.3; no warning
		name:     "41.3 ppb",
		template: "teledyne-t400",
		unit:     2,
		wire: []exchange{
			{"02 04 00 12 00 02 D1 FD", "02 04 04 42 25 33 33 99 D2"},
			{"02 02 00 03 00 07 C9 FB", "02 02 01 00 A1 CC"},
		},
		want: []drivers.Reading{{Point: "a05024", Value: "41.3", Unit: "ppb", Flag: "N"}},
	},
	{
		// bit 6 of the seven from 3 is input 9, sample flow
		name:     "sample flow warning",
		template: "teledyne-t400",
		unit:     2,
		wire: []exchange{
			{"02 04 00 12 00 02 D1 FD", "02 04 04 42 25 33 33 99 D2"},
			{"02 02 00 03 00 07 C9 FB", "02 02 01 40 A0 3C"},
		},
		want: []drivers.Reading{{Point: "a05024", Value: "41.3", Unit: "ppb", Flag: "D", Cause: "status-sample-flow"}},
	},
	{
		// The question, and the 0218 of the answer, are printed in the maker's manual: 0218 is 536, 53.6 dB
		name:     "printed example",
		template: "sonbest-sm7901b",
		unit:     1,
		wire:     []exchange{{"01 03 00 00 00 01 84 0A", "01 03 02 02 18 B9 2E"}},
		want:     []drivers.Reading{{Point: "LA", Value: "53.6", Unit: "dB", Flag: "N"}},
	},
	{
		name:     "refused",
		template: "sonbest-sm7901b",
		unit:     1,
		wire:     []exchange{{"01 03 00 00 00 01 84 0A", "01 83 02 C0 F1"}},
		want:     []drivers.Reading{{Point: "LA", Unit: "dB", Flag: "D", Cause: "exception-2"}},
	},
}

func TestExchange(t *testing.T) {
	for _, tt := range exchanges {
		t.Run(tt.template+" "+tt.name, func(t *testing.T) {
			tmpl, err := drivers.LoadBuiltin(tt.template)
			if err != nil {
				t.Fatal(err)
			}
			d, err := drivers.NewDevice(drivers.DeviceOptions{Name: "d", Unit: tt.unit, Template: tmpl})
			if err != nil {
				t.Fatal(err)
			}
			w := &wire{t: t, exchanges: tt.wire}
			samples, _ := d.Poll(t.Context(), w, func() time.Time { return epoch })
			if len(w.exchanges) != 0 {
				t.Errorf("%d questions were not put", len(w.exchanges))
			}
			if len(samples) != 1 || samples[0].Source != "d" || samples[0].Device != "d" || !samples[0].Time.Equal(epoch) {
				t.Fatalf("samples are %+v", samples)
			}
			if got := samples[0].Readings; !slices.Equal(got, tt.want) {
				t.Errorf("readings are\n %+v, want\n %+v", got, tt.want)
			}
		})
	}
}

func TestTry(t *testing.T) {
	const yaml = `points:
- {point: a, address: 0, type: int16, unit: m, sentinels: [-1], range: [-1000, 1000]}
- {point: b, address: 1, type: int16, unit: m}
- {point: c, address: 9, type: string, length: 2}
- {status: s, function: 2, address: 3, flags: [{flag: C, points: [a]}]}
- {point: d, address: 20, type: int16, unit: m}
- {status: unit, address: 30, type: int16, flags: [{times: 10, is: [1], points: [d]}]}
exchanges:
`
	for _, tt := range []struct{ name, exchange, want string }{
		{"part of the points", "- {wire: [{ask: 01 03 0000 0001 crc, answer: 01 03 02 0005 crc}], readings: {a: 5}}", ""},
		{"several questions", "- {wire: [{ask: 01 03 0000 0001 crc, answer: 01 03 02 0005 crc}, {ask: 01 02 0003 0001 crc, answer: 01 02 01 01 crc}], readings: {a: 5 C  status-s}}", ""},
		{"a remark, lower case, no blanks", "- wire:\n  - ask: 010300000001840a\n    answer: |\n      010302 # so\n      FFFF   # -1\n      b9f4\n  readings: {a: none D sentinel}", ""},
		{"unit", "- {wire: [{ask: 01 03 0014 0001 crc, answer: 01 03 02 0005 crc}, {ask: 01 03 001E 0001 crc, answer: 01 03 02 0001 crc}], readings: {d: 50}}", ""},
		{"unit not in the answers", "- {wire: [{ask: 01 03 0014 0001 crc, answer: 01 03 02 0005 crc}], readings: {d: 5}}", "13:81: exchanges[0].readings.d is there: no answer holds all of its registers"},
		{"text", "- {wire: [{ask: 01 03 0009 0002 crc, answer: 01 03 04 41422043 crc}], readings: {c: AB C}}", ""},
		{"no answer", "- {wire: [{ask: 01 03 0000 0002 crc, answer: none}], readings: {a: none B no-answer, b: none B no-answer}}", ""},
		{"refused", "- {wire: [{ask: 01 03 0000 0002 crc, answer: 01 83 03 crc}], readings: {a: none D exception-3, b: none D exception-3}}", ""},
		{"other value", "- {wire: [{ask: 01 03 0000 0001 crc, answer: 01 03 02 0005 crc}], readings: {a: 6}}", "13:81: exchanges[0].readings.a is 6: the bytes give 5"},
		{"flag forgotten", "- {wire: [{ask: 01 03 0000 0001 crc, answer: 01 03 02 7000 crc}], readings: {a: 28672}}", "13:81: exchanges[0].readings.a is 28672: the bytes give 28672 T range"},
		{"point forgotten", "- {wire: [{ask: 01 03 0000 0002 crc, answer: 01 03 04 0005 0006 crc}], readings: {a: 5}}", "13:83: exchanges[0].readings.b is missing: the bytes give 6"},
		{"not in the answers", "- {wire: [{ask: 01 03 0000 0001 crc, answer: 01 03 02 0005 crc}], readings: {a: 5, b: 0}}", "13:87: exchanges[0].readings.b is there: no answer holds all of its registers"},
		{"half in the answers", "- {wire: [{ask: 01 03 0000 0001 crc, answer: 01 03 02 0005 crc}, {ask: 01 03 000A 0001 crc, answer: 01 03 02 4142 crc}], readings: {a: 5, c: AB}}", "13:142: exchanges[0].readings.c is there: no answer holds all of its registers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := drivers.ParseTemplate("x", []byte(head+yaml+tt.exchange+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			err = tmpl.Try(0)
			if text := errText(err); text != tt.want {
				t.Errorf("Try gives %q, want %q", text, tt.want)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRemarks(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"no exchange", onePoint, "exchanges is missing: nothing shows that the template reads what the instrument means"},
		{
			"manual's numbers", "points: [{point: a, address: 40019, type: int16, unit: m}, {point: b, function: 4, address: 40019, type: int16, unit: m}]\nblocks: [{count: 2, stride: 2, points: [{point: c$n, function: 4, address: 30001, type: int16, unit: m}]}]\n" +
				"exchanges: [{wire: [{ask: 01 03 9C53 0001 crc, answer: none}, {ask: 01 04 9C53 0001 crc, answer: none}, {ask: 01 04 7531 0003 crc, answer: none}], readings: {a: none}}]\n",
			"5:30: points[0].address is 40019: is that the manual's number, or the address on the wire?; 6:76: blocks[0].points[0].address is 30001: is that the manual's number, or the address on the wire?",
		},
		{
			"not shown", "points: [{point: a, address: 0, type: int16, unit: m}, {point: b, address: 1, type: int16, unit: m}]\n" +
				"exchanges: [{wire: [{ask: 01 03 0000 0001 crc, answer: none}], readings: {a: none}}]\n",
			"5:57: points[1] is b, which no exchange shows",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := drivers.ParseTemplate("x", []byte(head+tt.yaml))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range tmpl.Remarks() {
				got = append(got, r.Error())
			}
			if text := strings.Join(got, "; "); text != tt.want {
				t.Errorf("remarks are\n %s, want\n %s", text, tt.want)
			}
		})
	}
}

func TestDocumentExample(t *testing.T) {
	b, err := os.ReadFile("../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```yaml\nname: ")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("there is no example")
	}
	name, _, _ := strings.Cut(example, "\n")
	tmpl, err := drivers.ParseTemplate(name, []byte("name: "+example))
	if err != nil {
		t.Fatal(err)
	}
	if len(tmpl.Exchanges) == 0 || len(tmpl.Commands()) == 0 || len(tmpl.Blocks) == 0 {
		t.Error("the example does not show everything")
	}
	for i := range tmpl.Exchanges {
		if err := tmpl.Try(i); err != nil {
			t.Error(err)
		}
	}
	for _, r := range tmpl.Remarks() {
		t.Errorf("remark: %v", &r)
	}
}
