package sim

import (
	"math"
	"strconv"
	"time"
)

// likely is where values of a unit usually are: the middle, and how far they
// swing. It is for the eye of a person who watches, not for science.
var likely = map[string][2]float64{
	"degC": {22, 6}, "%": {45, 20}, "hPa": {1008, 6}, "kPa": {101, 0.6}, "Pa": {100800, 600},
	"mmHg": {757, 5}, "inHg": {29.6, 0.2}, "m/s": {4, 2.5}, "deg": {180, 120}, "lx": {18000, 9000},
	"ug/m3": {58, 25}, "mg/m3": {32, 12}, "ppb": {38, 16}, "ppm": {18, 7}, "mg/L": {3.2, 1.1},
	"NTU": {12, 5}, "uS/cm": {820, 60}, "mV": {210, 25}, "V": {12.2, 0.3}, "mA": {11, 4}, "dB": {58, 12},
	"m3/h": {120, 30}, "m3/s": {2.4, 0.6}, "cm3/min": {720, 15}, "mm": {1450, 250}, "mm/h": {1.2, 1}, "1/km": {7, 3},
}

// hot are those of stacks, where they are otherwise.
var hot = map[string][2]float64{
	"degC": {128, 12}, "%": {8, 2.5}, "m/s": {11, 2}, "m3/h": {82000, 9000}, "m3/s": {22, 3},
}

// level is how a field's value moves.
func (f *field) level(medium string, seed uint64) curve {
	if f.kind == 'b' || f.size == 1 { // a contact
		swing := wave(0.5, 0.8, 3*time.Minute, 0, seed)
		return func(at time.Time) float64 { return math.Round(min(max(swing(at), 0), 1)) }
	}
	if f.unit == "m3" || f.unit == "kWh" { // a meter that only counts up, over four months and round again
		return func(at time.Time) float64 { return 1200 + float64(at.Unix()%1e7)/100 }
	}
	middle, swing := 6.0, 3.0 // a number of something
	if v, ok := likely[f.unit]; ok {
		middle, swing = v[0], v[1]
	}
	if v, ok := hot[f.unit]; ok && medium == "stack" {
		middle, swing = v[0], v[1]
	}
	lowest, highest := math.Inf(-1), math.Inf(1)
	if len(f.span) == 2 {
		lowest, _ = strconv.ParseFloat(f.span[0], 64)
		highest, _ = strconv.ParseFloat(f.span[1], 64)
		if width := highest - lowest; middle-swing < lowest || middle+swing > highest {
			middle, swing = lowest+0.45*width, min(swing, 0.2*width)
		}
	}
	period := 5*time.Minute + time.Duration(seed%600)*time.Second
	w := wave(middle, swing, period, swing/12, seed)
	return func(at time.Time) float64 { return min(max(w(at), lowest), highest) }
}
