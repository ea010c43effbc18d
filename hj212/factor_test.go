package hj212_test

import (
	"testing"

	"envgate/hj212"
)

func TestLookupFactor(t *testing.T) {
	const e5, e7, e2 = hj212.Ed2005, hj212.Ed2017, hj212.Ed2025
	for _, tt := range []struct {
		e    hj212.Edition
		code string
		want hj212.Factor
	}{
		{e7, "a34004", hj212.Factor{Code: "a34004", Edition: e7, Chinese: "细微颗粒物PM2.5", English: "PM2.5", Unit: "ng/m3", Format: "N3.3", Medium: "air"}},
		{e7, "a21026", hj212.Factor{Code: "a21026", Edition: e7, Chinese: "二氧化硫", English: "sulfur dioxide (SO2)", Unit: "mg/m3", Format: "N5.2", Medium: "air", Legacy: "02"}},
		{e7, "w01018", hj212.Factor{Code: "w01018", Edition: e7, Chinese: "化学需氧量", English: "chemical oxygen demand", Unit: "mg/L", Format: "N5.1", Medium: "water", Legacy: "011"}},
		{e7, "a05024", hj212.Factor{Code: "a05024", Edition: e7, Chinese: "臭氧", English: "ozone (O3)", Unit: "ug/m3", Medium: "air"}},
		{e7, "LA", hj212.Factor{Code: "LA", Edition: e7, Chinese: "A权声级", English: "A-weighted sound level", Unit: "dB", Format: "N3.1", Medium: "noise"}},
		{e7, "i13007", hj212.Factor{Code: "i13007", Edition: e7, Chinese: "截距", English: "intercept", Medium: "info"}},
		{e7, "e10207", hj212.Factor{Code: "e10207", Edition: e7, Chinese: "进水口COD", English: "inlet COD", Unit: "mg/L", Format: "N5.1", Medium: "process"}},
		{e7, "i33315", hj212.Factor{Code: "i33315", Edition: e7, Chinese: "炉膛内上部焚烧温度", English: "furnace upper combustion temperature", Unit: "degC", Format: "N4.1", Medium: "info"}},
		// 2025: its own rows, and those of 2017 where it is not known to differ.
		{e7, "a21002", hj212.Factor{Code: "a21002", Edition: e7, Chinese: "氮氧化物", English: "nitrogen oxides (NOx)", Unit: "mg/m3", Format: "N5.1", Medium: "air", Legacy: "03"}},
		{e2, "a21002", hj212.Factor{Code: "a21002", Edition: e2, Chinese: "氮氧化物", English: "nitrogen oxides (NOx)", Unit: "mg/m3", Format: "N4.2", Medium: "air", Legacy: "03"}},
		{e2, "a21026", hj212.Factor{Code: "a21026", Edition: e2, Chinese: "二氧化硫", English: "sulfur dioxide (SO2)", Unit: "mg/m3", Format: "N5.2", Medium: "air", Legacy: "02"}},
		{e2, "w01018", hj212.Factor{Code: "w01018", Edition: e7, Chinese: "化学需氧量", English: "chemical oxygen demand", Unit: "mg/L", Format: "N5.1", Medium: "water", Legacy: "011"}},
		{e2, "e10207", hj212.Factor{Code: "e10207", Edition: e7, Chinese: "进水口COD", English: "inlet COD", Unit: "mg/L", Format: "N5.1", Medium: "process"}},
		{e2, "d20105", hj212.Factor{Code: "d20105", Edition: e2, Chinese: "生产设施A相电压", English: "production facility, voltage of phase A", Unit: "V", Medium: "power", Uncertain: true}},
		{e2, "i23005", hj212.Factor{Code: "i23005", Edition: e2, Chinese: "数采仪硬件序号", English: "logger hardware serial", Medium: "info"}},
		// 2005: its own codes, and new ones.
		{e5, "011", hj212.Factor{Code: "w01018", Edition: e7, Chinese: "化学需氧量", English: "chemical oxygen demand", Unit: "mg/L", Format: "N5.1", Medium: "water", Legacy: "011"}},
		{e5, "02", hj212.Factor{Code: "a21026", Edition: e7, Chinese: "二氧化硫", English: "sulfur dioxide (SO2)", Unit: "mg/m3", Format: "N5.2", Medium: "air", Legacy: "02"}},
		{e5, "B01", hj212.Factor{Code: "w00000", Edition: e7, Chinese: "污水", English: "wastewater flow", Unit: "L/s", Format: "N5.2", Medium: "water", Legacy: "B01"}},
		{e5, "w01018", hj212.Factor{Code: "w01018", Edition: e7, Chinese: "化学需氧量", English: "chemical oxygen demand", Unit: "mg/L", Format: "N5.1", Medium: "water", Legacy: "011"}},
		{e5, "LA", hj212.Factor{Code: "LA", Edition: e7, Chinese: "A权声级", English: "A-weighted sound level", Unit: "dB", Format: "N3.1", Medium: "noise"}},
	} {
		got, ok := hj212.LookupFactor(tt.e, tt.code)
		if !ok || got != tt.want {
			t.Errorf("LookupFactor(%v, %q) = %+v, %t; want %+v", tt.e, tt.code, got, ok, tt.want)
		}
	}
	none := []string{
		"", "a", "a3400", "a340041", "A34004", "\n", "\t", "a34004\t细微颗粒物PM2.5", "\na34004",
		"e10200", "e999xx", "e1020", "g99901", "i1100x", "i33399", "e102a7", "w99999",
	}
	for e, codes := range map[hj212.Edition][]string{
		e5:   append([]string{"0111", "01\t", "1", "d20105", "i23005"}, none...),
		e7:   append([]string{"011", "02", "d20105", "p99101", "i23005"}, none...),
		e2:   append([]string{"011", "d20100", "p99100"}, none...),
		2024: {"a34004", "011"},
	} {
		for _, code := range codes {
			if got, ok := hj212.LookupFactor(e, code); ok || got != (hj212.Factor{}) {
				t.Errorf("LookupFactor(%v, %q) = %+v, %t; want none", e, code, got, ok)
			}
		}
	}
}
