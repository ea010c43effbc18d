package sim

import (
	"fmt"
	"time"
)

// IOModule is a module with inputs for 0 to 20 mA, FC04, thousandths of a mA from
// register 0, points ai1, ai2 and so on; with 8 contacts, discrete inputs 0 to 7, see
// [Instrument.SetBit]; and with 8 relays, coils 0 to 7. The currents do not move, and are
// not numbered.
func IOModule(name string, milliamperes ...float64) *Instrument {
	channels := make([]Channel, len(milliamperes))
	for i, mA := range milliamperes {
		level := func(time.Time) float64 { return mA }
		channels[i] = Channel{fmt.Sprintf("ai%d", i+1), 4, uint16(i), U16, 3, 0, level}
	}
	in := New(name, channels...)
	in.size[4] = 8
	in.size[2] = 8
	in.size[1] = 8
	return in
}
