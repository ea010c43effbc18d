package main

import (
	"testing"
	"time"

	"envgate/agent/rollup"
	"envgate/config"
)

func TestCalculationRules(t *testing.T) {
	c := calcOf(t, calcStack+`  - {name: air-1, medium: air, device: o3-1}
  - {name: noise-a, medium: noise, device: noise-1}
  - {name: wind-1, medium: wind, device: weather-1}
  - name: outfall-1
    medium: water
    device: tuf
    modulus: 1000000
    inputs:
      total: {point: total}
      w01001: {device: ph-1, point: w01001}
      w01018: {device: ph-1, point: w01001}
`)
	for at, want := range map[[2]string]rollup.Rule{
		{"outlet-1", "a21026"}:  {Cou: rollup.LoadGas, With: "a00000", Valid: rollup.ByShare},
		{"outlet-1", "a00000"}:  {Cou: rollup.FlowRate, Valid: rollup.ByShare},
		{"outlet-1", "a19001"}:  {Valid: rollup.ByShare},
		{"air-1", "a05024"}:     {Valid: rollup.ByShare},
		{"noise-a", "LA"}:       {Mean: rollup.Energy, Noise: true, Valid: rollup.ByShare},
		{"wind-1", "a01008"}:    {Mean: rollup.Vector, With: "a01007", Valid: rollup.ByShare},
		{"outfall-1", "w00000"}: {Cou: rollup.FlowWater, Total: "total", Modulus: "1000000", Valid: rollup.ByAny},
		{"outfall-1", "total"}:  {Mean: rollup.Last, Valid: rollup.ByAny},
		{"outfall-1", "w01001"}: {Valid: rollup.ByAny}, // pH has no load
	} {
		if got, ok := c.rule(at[0], at[1]); !ok || got != want {
			t.Errorf("rule of %v is %+v, %t, want %+v", at, got, ok, want)
		}
	}
	if _, ok := c.rule("cems-1", "a21026"); ok {
		t.Error("an instrument's own point has a rule of a calculation")
	}
}

// TestCalculationFigures makes a minute period of a stack: 100 mg/m3, 125 converted, in
// 72 m3/s of dry gas, for ten minutes.
func TestCalculationFigures(t *testing.T) {
	site, err := config.Parse("site.yaml", []byte(calcSite+calcStack))
	if err != nil {
		t.Fatal(err)
	}
	c, r := newCalculator(site), newRollup(site, nil)
	for i := range 120 {
		out, _ := c.pass([]polled{cems(time.Duration(i) * 5 * time.Second)})
		f := &flow{rollup: r}
		for _, s := range out {
			f.count(s)
		}
	}
	for _, w := range r.Close(calcTime.Add(10 * time.Minute)) {
		if w.Source != "outlet-1" || w.Kind != rollup.Minute {
			continue
		}
		for _, f := range w.Figures {
			got := [4]string{f.Avg, f.ZsAvg, f.Cou, f.Flag}
			want, known := map[string][4]string{
				"a21026": {"100.000", "125.000", "4.320000", "N"}, // 100 × 72 × 600 / 10^6 kg
				"a00000": {"72.000", "", "43200.000000", "N"},
				"a19001": {"9.000", "", "", "N"},
			}[f.Point]
			if known && got != want {
				t.Errorf("%s is %q, want %q", f.Point, got, want)
			}
		}
		return
	}
	t.Error("no minute of outlet-1")
}
