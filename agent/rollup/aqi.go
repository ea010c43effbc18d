package rollup

// The index of air quality: HJ 633-2012.

// An AirIndex is one row of limits: the concentrations at which the sub-index is 0, 50,
// 100, 150, 200, 300, 400 and 500 (table 1). Where it ends before, the sub-index is not
// given by this mean, but by that over 24 hours (SO2), or one hour (O3).
type AirIndex struct {
	Code   string // factor
	Kind   string // Hour, Day, or EightHour
	Limits []int  // ug/m3, of CO mg/m3
}

// EightHour is the sliding mean of ozone.
const EightHour = "8h"

// AirIndices is table 1 of HJ 633-2012. Particulates have limits for 24 hours alone, which
// serve the report of an hour as well.
var AirIndices = []AirIndex{
	{"a21026", Day, []int{0, 50, 150, 475, 800, 1600, 2100, 2620}},
	{"a21026", Hour, []int{0, 150, 500, 650, 800}},
	{"a21004", Day, []int{0, 40, 80, 180, 280, 565, 750, 940}},
	{"a21004", Hour, []int{0, 100, 200, 700, 1200, 2340, 3090, 3840}},
	{"a34002", Day, []int{0, 50, 150, 250, 350, 420, 500, 600}},
	{"a34004", Day, []int{0, 35, 75, 115, 150, 250, 350, 500}},
	{"a21005", Day, []int{0, 2, 4, 14, 24, 36, 48, 60}},
	{"a21005", Hour, []int{0, 5, 10, 35, 60, 90, 120, 150}},
	{"a05024", Hour, []int{0, 160, 200, 300, 400, 800, 1000, 1200}},
	{"a05024", EightHour, []int{0, 100, 160, 215, 265, 800}},
}

var airSteps = [...]int{0, 50, 100, 150, 200, 300, 400, 500}

// SubIndex is the sub-index (IAQI) of a mean concentration, rounded up to a whole
// number, as the standard asks:
//
//	IAQI = (IAQI_hi − IAQI_lo) / (BP_hi − BP_lo) × (C − BP_lo) + IAQI_lo
//
// Above the table's end it is 500. It is not ok where the table has no such row, where
// this mean gives none, and for a concentration below 0.
func SubIndex(code, kind string, c Exact) (iaqi int, ok bool) {
	if c.Sign() < 0 {
		return 0, false
	}
	for _, row := range AirIndices {
		if row.Code != code || row.Kind != kind {
			continue
		}
		for i := 1; i < len(row.Limits); i++ {
			lo, hi := int64(row.Limits[i-1]), int64(row.Limits[i])
			if c.Sub(Ratio(hi, 1)).Sign() > 0 {
				continue
			}
			from, to := int64(airSteps[i-1]), int64(airSteps[i])
			return c.Sub(Ratio(lo, 1)).Mul(Ratio(to-from, hi-lo)).Add(Ratio(from, 1)).Ceil(), true
		}
		return 500, len(row.Limits) == len(airSteps)
	}
	return 0, false
}
