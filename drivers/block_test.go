package drivers_test

import (
	"slices"
	"strings"
	"testing"

	"envgate/drivers"
)

func TestBlocks(t *testing.T) {
	d := device(t, `function: 4
points: [{point: t, address: 90, type: int16, unit: degC}]
blocks:
- each: [a21026, b2]
  units: [mg/m3, ppb]
  stride: 10
  points:
  - {point: $each, address: 5, type: int16, unit: $unit}
  - {status: ch-$n, address: 7, type: uint16, flags: [{flag: D, any: 1, points: [$each]}, {flag: M, any: 2}]}
- count: 2
  stride: 1
  points: [{point: raw$n, zh: 通道$n, en: channel $n, address: 30, type: uint16, unit: "1"}]
`)
	m := &memory{}
	m.set(4, 5, 11, 0, 0)
	m.set(4, 15, 22, 0, 1)
	m.set(4, 30, 7, 8)
	samples, err := d.Poll(t.Context(), m, frozen)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tell(samples), "d: t=0; d/2: a21026=11 b2=22(D status-ch-2); d/3: raw1=7 raw2=8"; got != want {
		t.Errorf("readings are %s, want %s", got, want)
	}
	if got, want := m.asks(), "4:90+1 4:5+13 4:30+2"; got != want {
		t.Errorf("asks %s, want %s", got, want)
	}
	m.set(4, 7, 2) // without points it is for all of the template
	samples, _ = d.Poll(t.Context(), m, frozen)
	if got, want := tell(samples), "d: t=0(M status-ch-1); d/2: a21026=11(M status-ch-1) b2=22(M status-ch-1); d/3: raw1=7(M status-ch-1) raw2=8(M status-ch-1)"; got != want {
		t.Errorf("readings are %s, want %s", got, want)
	}
	var units []string
	for _, p := range d.Points() {
		units = append(units, p.Name+" "+p.Unit+" "+p.Chinese)
	}
	if want := []string{"t degC ", "a21026 mg/m3 二氧化硫", "b2 ppb ", "raw1 1 通道1", "raw2 1 通道2"}; !slices.Equal(units, want) {
		t.Errorf("points are %q, want %q", units, want)
	}
}

func TestTemplatePoints(t *testing.T) {
	tmpl, err := drivers.ParseTemplate("x", []byte(head+`function: 4
order: CDAB
points:
- {point: a21026, address: 0x10, type: float32, unit: ppb}
- {status: s, function: 2, address: 3, flags: [{flag: D}]}
blocks: [{count: 2, stride: 3, points: [{point: c$n, address: 40, type: int16, unit: m, confidence: seen}]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range tmpl.Points() {
		got = append(got, strings.Join([]string{p.Point + p.Status, string(p.Function), string(p.Address), p.Type, p.Order, p.Confidence, p.Chinese}, " "))
	}
	want := []string{"a21026 4 16 float32 CDAB uncertain 二氧化硫", "s 2 3 bit  uncertain ", "c1 4 40 int16  seen ", "c2 4 43 int16  seen "}
	if !slices.Equal(got, want) {
		t.Errorf("Points() = %q, want %q", got, want)
	}
}
