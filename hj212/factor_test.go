package hj212_test

import (
	"testing"

	"envgate/hj212"
)

func TestLookupFactor(t *testing.T) {
	for _, want := range []hj212.Factor{
		{Code: "a34004", Chinese: "细微颗粒物PM2.5", English: "PM2.5", Unit: "ng/m3", Format: "N3.3", Medium: "air"},
		{Code: "a21026", Chinese: "二氧化硫", English: "sulfur dioxide (SO2)", Unit: "mg/m3", Format: "N5.2", Medium: "air", Legacy: "02"},
		{Code: "w01018", Chinese: "化学需氧量", English: "chemical oxygen demand", Unit: "mg/L", Format: "N5.1", Medium: "water", Legacy: "011"},
		{Code: "a05024", Chinese: "臭氧", English: "ozone (O3)", Unit: "ug/m3", Medium: "air"},
		{Code: "LA", Chinese: "A权声级", English: "A-weighted sound level", Unit: "dB", Format: "N3.1", Medium: "noise"},
		{Code: "i13007", Chinese: "截距", English: "intercept", Medium: "info"},
		{Code: "e10207", Chinese: "进水口COD", English: "inlet COD", Unit: "mg/L", Format: "N5.1", Medium: "process"},
		{Code: "i33315", Chinese: "炉膛内上部焚烧温度", English: "furnace upper combustion temperature", Unit: "degC", Format: "N4.1", Medium: "info"},
	} {
		got, ok := hj212.LookupFactor(want.Code)
		if !ok || got != want {
			t.Errorf("LookupFactor(%q) = %+v, %t; want %+v", want.Code, got, ok, want)
		}
	}
	for _, code := range []string{
		"", "a", "a3400", "a340041", "A34004", "\n", "\t", "a34004\t细微颗粒物PM2.5", "\na34004",
		"e10200", "e999xx", "e1020", "g99901", "i1100x", "i33399", "e102a7", "w99999",
	} {
		if got, ok := hj212.LookupFactor(code); ok || got != (hj212.Factor{}) {
			t.Errorf("LookupFactor(%q) = %+v, %t; want none", code, got, ok)
		}
	}
}
