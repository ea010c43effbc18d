package rollup

import (
	"cmp"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"envgate/hj212"
)

// couDecimals is those of every total.
const couDecimals = 6

// figures are those of an open period, sorted by point.
func (r *Rollup) figures(k key) []Figure {
	w := r.open[k]
	out := make([]Figure, 0, len(w.points))
	var level *sum // of the statistics
	var beside Figure
	for _, point := range slices.Sorted(maps.Keys(w.points)) {
		s := w.points[point]
		f := r.figure(k, w, s)
		f.Point = point
		if out = append(out, f); s.noise != nil {
			level, beside = s, f
		}
	}
	for i := range out {
		s := w.points[out[i].Point]
		out[i].Cou = r.cou(k, s, &out[i], findFigure(out, s.rule.With))
	}
	if level != nil {
		out = level.noise.beside(out, beside, k.kind, w.blind)
	}
	return out
}

// figure is that of one point, without its total.
func (r *Rollup) figure(k key, w *window, s *sum) Figure {
	f := Figure{N: s.samples, Flag: hj212.FlagNormal}
	if s.n > 0 {
		f.Avg = s.mean()
		if s.rule.Mean != Vector {
			f.Min, f.Max = s.least.String(), s.most.String()
		}
	}
	if z := s.zs; z != nil {
		f.ZsAvg, f.ZsMin, f.ZsMax = z.total.mean(int64(z.n), s.decimals), z.least.String(), z.most.String()
	}
	switch {
	case r.enough(k.kind, w, s):
	case s.any(r.o.Any) && len(s.bad) > 0:
		f.Cause = causeAbnormal
	default:
		f.Cause = causeFew
	}
	if f.Cause = cmp.Or(w.broken, f.Cause); f.Cause != "" {
		f.Flag = s.flag(r.o.Most && w.broken == "")
	}
	return f
}

// any says whether one bad value is enough to spoil a period.
func (s *sum) any(site bool) bool {
	return s.rule.Valid == ByAny || s.rule.Valid == BySite && site
}

// enough says whether a period is good.
func (r *Rollup) enough(kind string, w *window, s *sum) bool {
	if s.any(r.o.Any) && len(s.bad) > 0 {
		return false
	}
	switch {
	case kind == Minute || s.direct:
		length := r.period()
		if s.direct {
			length = time.Hour
		}
		expected := 1
		if s.interval > 0 {
			expected = max(1, int(length/s.interval))
		}
		return s.samples > 0 && 4*s.normal >= 3*expected
	case kind == Hour:
		return s.normal*r.o.Minutes >= r.o.HourMinutes
	}
	return s.normal >= r.o.DayHours
}

// flag is that of a period which is not good.
func (s *sum) flag(most bool) string {
	flag, n := hj212.FlagFault, 0
	for _, b := range s.bad {
		if most && b.n > n {
			flag, n = b.flag, b.n
		}
	}
	return flag
}

// mean is Avg where values counted.
func (s *sum) mean() string {
	switch s.rule.Mean {
	case Energy:
		return level(s.energy / float64(s.n))
	case Vector:
		return s.direction()
	case Last:
		return s.text
	case FlowWeighted:
		if l := s.links; l != nil && l.pairs > 0 {
			if text, ok := l.load.over(l.flow, max(s.total.scale, s.decimals)); ok {
				return text
			}
		}
	}
	return s.total.mean(int64(s.n), s.decimals)
}

// direction is the mean of directions, from 0 to below 360; empty for a calm.
func (s *sum) direction() string {
	east, north := s.unitEast, s.unitNorth
	if l := s.links; l != nil && (l.with != nil || l.pairs > 0) {
		east, north = s.east, s.north
	}
	const still = 1e-9 // of vectors that cancel out, what rounding left
	if math.Hypot(east, north) <= still*float64(s.directions) {
		return ""
	}
	degrees := math.Atan2(east, north) * 180 / math.Pi
	if degrees < 0 {
		degrees += 360
	}
	decimals := max(s.total.scale, s.decimals)
	text := strconv.FormatFloat(degrees, 'f', decimals, 64)
	if text[:min(3, len(text))] == "360" || text[0] == '-' {
		return strconv.FormatFloat(0, 'f', decimals, 64)
	}
	return text
}

// level is a mean of energies in dB.
func level(mean float64) string { return strconv.FormatFloat(10*math.Log10(mean), 'f', 1, 64) }

// cou is what a period brought. with is the figure of the rule's other point.
func (r *Rollup) cou(k key, s *sum, f, with *Figure) string {
	length := int64(r.o.Minutes) * 60
	if k.kind == Hour {
		length = 3600
	}
	rate := s.rule.Cou == FlowRate || s.rule.Cou == LoadGas
	switch {
	case s.rule.Cou == NoCou:
		return ""
	case k.kind == Day || k.kind == Hour && !rate && !s.direct:
		if s.cous == 0 {
			return ""
		}
		return s.cou.mean(1, couDecimals)
	case rate:
		return s.product(f, with, length)
	case s.rule.Cou == LoadWater:
		if s.links == nil || s.links.pairs == 0 { // mg/L × L/s × ms
			return ""
		}
		return quotient(new(big.Int).Mul(s.links.load.sum(), s.milliseconds()), pow10(s.links.load.scale+9), couDecimals)
	}
	if text, ok := r.metered(k, s); ok {
		return text
	}
	if s.n == 0 { // L/s × ms
		return ""
	}
	return quotient(new(big.Int).Mul(s.total.sum(), s.milliseconds()), pow10(s.total.scale+6), couDecimals)
}

func (s *sum) milliseconds() *big.Int { return big.NewInt(s.interval.Milliseconds()) }

// product is a flow, or a concentration and its flow, times the length of the period in
// seconds.
func (s *sum) product(f, with *Figure, length int64) string {
	avg, ok := parseDecimal(f.Avg)
	if !ok {
		return ""
	}
	n, scale := new(big.Int).Mul(big.NewInt(avg.digits), big.NewInt(length)), avg.scale
	if s.rule.Cou == LoadGas {
		if with == nil {
			return ""
		}
		flow, ok := parseDecimal(with.Avg)
		if !ok {
			return ""
		}
		n.Mul(n, big.NewInt(flow.digits))
		scale += flow.scale + 6 // mg in a kg
	}
	return quotient(n, pow10(scale), couDecimals)
}

// metered is what the totaliser says that a period brought, if it says so.
func (r *Rollup) metered(k key, s *sum) (string, bool) {
	if s.links == nil || s.links.meter == nil || s.direct || r.open[k].broken == causeClock {
		return "", false
	}
	m := s.links.meter.links
	end := s.links.meter.now
	next := key{k.kind, k.source, r.open[k].end}
	if w := r.open[next]; w != nil {
		if o := w.points[s.rule.Total]; o != nil && o.links != nil && o.links.starting {
			end = o.links.base
		}
	}
	if !m.base.ok || !end.ok {
		return "", false
	}
	var t total
	t.add(end.decimal)
	t.add(decimal{-m.base.digits, m.base.scale})
	if t.sum().Sign() < 0 {
		d, ok := parseDecimal(s.rule.Modulus)
		if t.add(d); !ok || t.sum().Sign() < 0 {
			return "", false
		}
	}
	return t.mean(1, couDecimals), true
}
