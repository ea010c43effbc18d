package drivers_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
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

// exchanged are the templates with a row in exchanges.
var exchanged = func() map[string]bool {
	m := make(map[string]bool)
	for _, e := range exchanges {
		m[e.template] = true
	}
	return m
}()

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
