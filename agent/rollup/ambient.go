package rollup

// Ambient air. GB 3095-2012 with its amendment of 2018 gives gases at reference state,
// 298.15 K and 1013.25 hPa, where a mole has 24.45 L, and particulates as they are. The
// rule of six hours is that of GB 3095-2012 (table 4) and HJ 663-2013: uncertain, from
// practice and not read in the text.

var molarReference = Ratio(2445, 100) // L/mol

// AmbientFromPPB is what ppb are multiplied by to be ug/m3 at reference state, and ppm to
// be mg/m3, by the molar mass in g/mol:
//
//	C = M/24.45 × V
func AmbientFromPPB(m Exact) Exact { return m.Quo(molarReference) }

// EightHours is the mean of ozone over eight hours, by the hours' means, oldest first; an
// hour that is not valid is not Ok. It is not ok with less than six.
func EightHours(hours [8]Exact) (mean Exact, ok bool) {
	sum, n := Ratio(0, 1), int64(0)
	for _, h := range hours {
		if h.Ok() {
			sum, n = sum.Add(h), n+1
		}
	}
	if n < 6 {
		return Exact{}, false
	}
	return sum.Mul(Ratio(1, n)), true
}

// EightHoursMax is the greatest mean over eight hours of a day, of those that end at 8:00
// to 24:00, which are those of the hours that begin at 7:00 to 23:00. hours are the means
// of the day's hours; those before midnight are of no use to it.
func EightHoursMax(hours [24]Exact) (most Exact, ok bool) {
	for last := 7; last < 24; last++ {
		if m, good := EightHours([8]Exact(hours[last-7 : last+1])); good && (!ok || most.Sub(m).Sign() < 0) {
			most, ok = m, true
		}
	}
	return most, ok
}
