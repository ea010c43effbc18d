package sim

import (
	"fmt"
	"time"
)

// BolingDust is a wall dust monitor of Wuhan Boling: FC03, int32, TSP, PM10,
// PM2.5 from 0, temperature at 0x18, humidity at 0x1A, the three calibration
// factors (1.00) from 0x0C. Maker's serial settings: 9600 8N1, unit 1.
func BolingDust(name string) *Instrument {
	ch := func(point string, address uint16, decimals, digits int, base, swing, noise float64) Channel {
		level := wave(base, swing, 11*time.Minute, noise, seedOf(name, point))
		return Channel{point, 3, address, I32, decimals, digits, level}
	}
	in := New(
		name,
		ch("a34001", 0x00, 0, 2, 250, 90, 15), // TSP
		ch("a34002", 0x02, 0, 1, 85, 30, 6),   // PM10
		ch("a34004", 0x04, 0, 1, 42, 18, 4),   // PM2.5
		ch("a01001", 0x18, 1, 1, 21, 4, 0.4),
		ch("a01002", 0x1A, 1, 1, 55, 12, 1),
	)
	for _, low := range []uint16{0x0D, 0x0F, 0x11} {
		in.fixed[3][low] = 100
	}
	return in
}

// VaisalaWXT530 is a weather transmitter of the WXT530 family: FC04, int16 in
// tenths; minimum, maximum and average stand behind each value, 32767 where
// there is no sensor. Manual M211840EN. Maker's serial settings: 19200 8N1,
// unit 1.
func VaisalaWXT530(name string) *Instrument {
	const none = 0x7FFF
	const registers = 0x33 // the neutral and the metric block
	type quantity struct {
		point              string
		address            uint16
		base, swing, noise float64
	}
	quantities := []quantity{
		{"a01002", 0x0A, 58, 15, 1},
		{"a01006", 0x0E, 1013, 8, 0.5}, // hPa
		{"a01008", 0x12, 180, 120, 25},
		{"a01001", 0x1F, 19, 5, 0.5},
		{"a01007", 0x2A, 4.5, 2.5, 1},
	}
	var channels []Channel
	for _, q := range quantities {
		level := wave(q.base, q.swing, 13*time.Minute, q.noise, seedOf(name, q.point))
		channels = append(channels, Channel{q.point, 4, q.address, S16, 1, 1, level})
		for i, shift := range []float64{-q.noise, q.noise, 0} { // minimum, maximum, average
			moved := func(at time.Time) float64 { return level(at) + shift }
			channels = append(channels, Channel{"", 4, q.address + 1 + uint16(i), S16, 1, 0, moved})
		}
	}
	in := New(name, channels...)
	in.size[4] = registers
	for a := range uint16(registers) {
		in.fixed[4][a] = none
	}
	in.fixed[4][0] = 0x0634 // WXT536
	for a := uint16(1); a <= 0x09; a++ {
		in.fixed[4][a] = 0 // every sensor there
	}
	in.fixed[4][0x1A] = 100 // wind quality, %
	return in
}

// TeledyneT400 is an ozone analyzer: FC04, float32, ozone in ppb at 18,
// sample temperature 38 (°C), flow 40 (cc/min), pressure 42 (inHg); warnings
// as discrete inputs 0 to 9, see [Instrument.SetBit]; coils 20 to 23 may be
// written and are remembered. Manual 06870, appendix A.
func TeledyneT400(name string) *Instrument {
	ch := func(point string, address uint16, decimals, digits int, base, swing, noise float64) Channel {
		level := wave(base, swing, 17*time.Minute, noise, seedOf(name, point))
		return Channel{point, 4, address, F32, decimals, digits, level}
	}
	in := New(
		name,
		ch("a05024", 18, 2, 2, 42, 14, 1.5),
		ch("sample_temperature", 38, 1, 1, 41, 1, 0.2),
		ch("flow", 40, 1, 1, 800, 6, 2),
		ch("sample_pressure", 42, 2, 1, 28.9, 0.3, 0.05),
	)
	in.size[4] = 130
	in.size[2] = 32
	in.size[1] = 32
	for coil := uint16(20); coil <= 23; coil++ { // zero and span calibration
		in.writable[5][coil] = true
	}
	return in
}

// SonbestSM7901B is a noise transmitter: FC03, uint16 at 0, 30 to 130 dB in
// tenths, model code at 0x64. Maker's serial settings: 9600 8N1, unit 1.
func SonbestSM7901B(name string) *Instrument {
	level := wave(58, 12, 7*time.Minute, 5, seedOf(name, "LA"))
	in := New(name, Channel{"LA", 3, 0, U16, 1, 1, level})
	in.fixed[3][0x64] = 0x7901
	in.size[3] = 0x66
	return in
}

// Block is an instrument of n float32 values (1 to 62) in FC03 registers 0,
// 2, 4 and so on, points c01, c02, c03 and so on, for load. Only c01 is
// numbered: the others come in the same answer if the registers are asked for
// together.
func Block(name string, n int) *Instrument {
	channels := make([]Channel, n)
	for i := range channels {
		point := fmt.Sprintf("c%02d", i+1)
		digits := 0
		if i == 0 {
			digits = 3
		}
		level := wave(40+10*float64(i), 5, 5*time.Minute, 0.8, seedOf(name, point))
		channels[i] = Channel{point, 3, uint16(2 * i), F32, 2, digits, level}
	}
	return New(name, channels...)
}
