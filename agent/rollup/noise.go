package rollup

import (
	"math"
	"sort"
	"strconv"

	"envgate/hj212"
)

// Bounds of the histogram of levels, in tenths of a dB.
const levels = 2001

// noise is what the statistics of a sound level are made of, beside its mean.
type noise struct {
	at        [levels]uint32 // how many values of each level
	n         uint64
	low, high int // tenths between which they are, while n is not 0

	day, night   float64 // energies of the hours of a day
	days, nights int
}

// count takes a value, rounded half to even to a tenth.
func (n *noise) count(d decimal) {
	x := d.float() * 10
	if d.scale > 0 && d.scale <= maxScale { // exactly
		k := powers[d.scale-1]
		q, rest := d.digits/k, d.digits%k
		if twice := 2 * rest; twice > k || twice == k && q&1 == 1 {
			q++
		}
		x = float64(q)
	}
	n.take(int(min(max(x, 0), levels-1)), 1)
}

func (n *noise) take(level int, times uint32) {
	if n.n == 0 {
		n.low, n.high = level, level
	}
	n.low, n.high = min(n.low, level), max(n.high, level)
	n.at[level] += times
	n.n += uint64(times)
}

// add takes the values of a shorter period.
func (n *noise) add(o *noise) {
	for level := o.low; o.n > 0 && level <= o.high; level++ {
		if o.at[level] > 0 {
			n.take(level, o.at[level])
		}
	}
}

// hour takes the mean of an hour of the day.
func (n *noise) hour(d decimal, night bool) {
	e := energy(d.float())
	if night {
		n.night += e
		n.nights++
		return
	}
	n.day += e
	n.days++
}

// exceeded is the largest level that per cent of the values reach.
func (n *noise) exceeded(per uint64) string {
	var above uint64
	for level := n.high; n.n > 0 && level >= n.low; level-- {
		if above += uint64(n.at[level]); 100*above >= per*n.n {
			return strconv.FormatFloat(float64(level)/10, 'f', 1, 64)
		}
	}
	return ""
}

// beside puts the statistics of a level, whose figure is f, into the figures of its source,
// in the place of points of the same names. Levels that were exceeded for so many per cent
// of the time are of all samples: of a blind window they are not good. A day has those of
// its two parts as well, made of its hours as they were given out.
func (n *noise) beside(figures []Figure, f Figure, kind string, blind bool) []Figure {
	out := figures[:0]
	for i := range figures {
		if !besideLevel(figures[i].Point) {
			out = append(out, figures[i])
		}
	}
	add := func(point, avg, cause string) {
		out = append(out, Figure{Point: point, Avg: avg, N: f.N, Flag: f.Flag, Cause: f.Cause})
		if last := &out[len(out)-1]; cause != "" && f.Cause == "" {
			last.Flag, last.Cause = hj212.FlagFault, cause
		}
	}
	add(pointLeq, f.Avg, "")
	add(pointMax, f.Max, "")
	add(pointMin, f.Min, "")
	cause := ""
	if blind {
		cause = causeRestart
	}
	for _, per := range [...]int{5, 10, 50, 90, 95} {
		add("L"+strconv.Itoa(per), n.exceeded(uint64(per)), cause)
	}
	if kind == Day {
		ld, ln, ldn := mean(n.day, n.days), mean(n.night, n.nights), ""
		if ld != "" && ln != "" {
			ldn = dayNight(ld, ln, n.days, n.nights)
		}
		for i, avg := range [...]string{ld, ln, ldn} {
			if cause = ""; avg == "" {
				cause = causeFew
			}
			add([...]string{pointLd, pointLn, pointLdn}[i], avg, cause)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Point < out[j].Point })
	return out
}

// mean is that of energies, empty where there are none.
func mean(energy float64, n int) string {
	if n == 0 {
		return ""
	}
	return level(energy / float64(n))
}

// dayNight is Ldn: the night counts 10 dB more.
func dayNight(day, night string, days, nights int) string {
	d, _ := strconv.ParseFloat(day, 64)
	n, _ := strconv.ParseFloat(night, 64)
	sum := float64(days)*energy(d) + float64(nights)*energy(n+10)
	return level(sum / float64(days+nights))
}

// energy is that of a level in dB, 10^(L/10).
func energy(dB float64) float64 { return math.Exp(dB * (math.Ln10 / 10)) }

// besideLevel says whether a point is one of those that stand beside a sound level.
func besideLevel(point string) bool {
	switch point {
	case pointLeq, pointMax, pointMin, pointLd, pointLn, pointLdn, "L5", "L10", "L50", "L90", "L95":
		return true
	}
	return false
}
