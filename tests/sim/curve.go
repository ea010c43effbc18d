package sim

import (
	"hash/fnv"
	"math"
	"time"
)

// A curve gives the level of a channel at a time.
type curve func(at time.Time) float64

// wave is a level that swings slowly around base by up to swing, with noise
// on top that changes each few seconds. Its phase comes from seed, so that two
// instruments of one kind differ and one instrument is the same in each run.
func wave(base, swing float64, period time.Duration, noise float64, seed uint64) curve {
	phase := 2 * math.Pi * unit(seed)
	return func(at time.Time) float64 {
		x := float64(at.UnixMilli()) / float64(period.Milliseconds())
		slow := 0.7*math.Sin(2*math.Pi*x+phase) + 0.3*math.Sin(2*math.Pi*x*3.7+2*phase)
		return base + swing*slow + noise*rough(float64(at.UnixMilli())/4000, seed)
	}
}

// rough is smooth noise from -1 to 1: random at whole x, straight between.
func rough(x float64, seed uint64) float64 {
	whole := math.Floor(x)
	part := x - whole
	a := unit(seed ^ mix(uint64(int64(whole))))
	b := unit(seed ^ mix(uint64(int64(whole)+1)))
	return 2*(a+(b-a)*part) - 1
}

// unit turns a seed into a number from 0 to 1.
func unit(seed uint64) float64 {
	return float64(mix(seed)>>11) / (1 << 53)
}

// mix spreads the bits of x (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// seedOf makes the seed of a channel from the names of instrument and channel.
func seedOf(instrument, point string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(instrument + "/" + point))
	return h.Sum64()
}
