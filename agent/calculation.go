package main

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"envgate/agent/rollup"
	"envgate/config"
	"envgate/drivers"
	"envgate/envelope"
	"envgate/hj212"
)

// Causes of computed readings without flag N, beside those of package drivers.
const (
	causeInput         drivers.Cause = "input"          // the flag is that of an input
	causeNoInput       drivers.Cause = "no-input"       // an input is missing, or too old
	causeNotComputable drivers.Cause = "not-computable" // such as dry gas of nothing but water
)

// noZs is the converted value of a reading that should have one, where there can be none:
// the oxygen is 21 % or more, or there is no value. In a block it is null; where nothing
// is converted there is no column zs.
const noZs = "-"

// A calculator is the stage that makes samples out of samples: what the site file's
// calculations say. It keeps a few newest values of each input and nothing else, which a
// start finds in the log: see prime.
type calculator struct {
	feeds map[string]map[string][]*feed // by device and point
	list  []*calculation
	turn  int // of the sample that is looked at
}

// A calculation makes the samples of one source.
type calculation struct {
	name, medium string
	outputs      []*output
	settings     config.Calculation
}

// An output is one point of a calculation.
type output struct {
	point
	words   string // the formula, for people
	trigger *feed  // whose new value makes one of this
	needs   []*feed
	copies  bool // the value goes on as it came

	// reckon computes of the needs' numbers. zs is not Ok where there is none; noZs says
	// that there should be one. Nil where copies is true.
	reckon func(x []rollup.Exact) (value, zs rollup.Exact, ok bool)
}

// A feed is an input of a calculation: a point of a device, or a fixed value.
type feed struct {
	config.CalcInput
	factor rollup.Exact
	turn   int // of the newest value
	newest []heard
}

// heard is a value of a feed.
type heard struct {
	at    time.Time
	every time.Duration
	x     rollup.Exact // in the quantity's own unit; not Ok: no number
	text  string
	flag  string
}

const (
	// heardKept is how many values of an input are kept: lines hand in their polls when
	// these are done, so that a value may come after one that was taken a little later.
	heardKept = 4

	staleLeast = 10 * time.Second // an input serves for so long, or
	staleTimes = 3                // so many of its intervals
)

// newCalculator makes the stage of a site; nil where it computes nothing. The settings
// are good: config has checked them.
func newCalculator(site *config.Site) *calculator {
	if len(site.Calculations) == 0 {
		return nil
	}
	c := &calculator{feeds: map[string]map[string][]*feed{}}
	for _, s := range site.Calculations {
		one := &calculation{name: s.Name, medium: s.Medium, settings: s}
		feeds := map[string]*feed{}
		for _, in := range s.Inputs {
			feeds[in.Role] = c.feed(in)
		}
		one.outputs = outputsOf(s, feeds)
		c.list = append(c.list, one)
	}
	return c
}

func (c *calculator) feed(in config.CalcInput) *feed {
	num, den := in.Factor()
	f := &feed{CalcInput: in, factor: rollup.Ratio(num, den)}
	if in.Value != "" {
		f.hear(0, time.Time{}, 0, drivers.Reading{Value: in.Value, Flag: hj212.FlagNormal})
		return f
	}
	points := c.feeds[in.Device]
	if points == nil {
		points = map[string][]*feed{}
		c.feeds[in.Device] = points
	}
	points[in.Point] = append(points[in.Point], f)
	return f
}

// pass adds the samples that are computed of what came, behind it.
func (c *calculator) pass(samples []polled) ([]polled, []envelope.Event) {
	order := samples
	byTime := func(i, j int) bool { return order[i].Time.Before(order[j].Time) }
	if !sort.SliceIsSorted(order, byTime) { // of several lines
		order = slices.Clone(samples)
		sort.SliceStable(order, byTime)
	}
	for i := range order {
		s := &order[i]
		points := c.feeds[s.Device]
		if points == nil {
			continue
		}
		c.turn++
		for _, r := range s.Readings {
			for _, f := range points[r.Point] {
				f.hear(c.turn, s.Time, s.every, r)
			}
		}
		for _, one := range c.list {
			samples = one.sample(samples, c.turn, s.Time, s.every)
		}
	}
	return samples, nil
}

func (f *feed) hear(turn int, at time.Time, every time.Duration, r drivers.Reading) {
	f.turn = turn
	if len(f.newest) == heardKept {
		copy(f.newest, f.newest[1:])
		f.newest = f.newest[:heardKept-1]
	}
	f.newest = append(f.newest, f.hears(r.Value, r.Flag, at, every))
}

func (f *feed) hears(text, flag string, at time.Time, every time.Duration) heard {
	x := rollup.ParseExact(text)
	if x.Ok() {
		x = x.Mul(f.factor)
	}
	return heard{at, every, x, text, flag}
}

// at is the newest value of a time, nil if there is none that serves.
func (f *feed) at(t time.Time) *heard {
	if f.Value != "" {
		return &f.newest[0]
	}
	var best *heard
	for i := len(f.newest) - 1; i >= 0; i-- { // one that came late is not the newest
		h := &f.newest[i]
		if !h.at.After(t) && (best == nil || h.at.After(best.at)) {
			best = h
		}
	}
	if best == nil || t.Sub(best.at) > max(staleLeast, staleTimes*best.every) {
		return nil
	}
	return best
}

// sample appends what the values of a turn trigger, if that is something.
func (c *calculation) sample(to []polled, turn int, at time.Time, every time.Duration) []polled {
	var readings []drivers.Reading
	var converted []string
	for _, o := range c.outputs {
		if o.trigger.turn != turn {
			continue
		}
		r, zs := o.reading(at)
		if readings == nil {
			readings = make([]drivers.Reading, 0, len(c.outputs))
		}
		if zs != "" && converted == nil {
			converted = make([]string, len(readings), len(c.outputs))
		}
		readings = append(readings, r)
		if converted != nil {
			converted = append(converted, zs)
		}
	}
	if readings == nil {
		return to
	}
	return append(to, polled{drivers.Sample{Source: c.name, Device: c.name, Time: at, Readings: readings}, every, converted})
}

// reading computes one value. It has the first flag of its inputs that is not N, and a
// value all the same where that can be computed.
func (o *output) reading(at time.Time) (r drivers.Reading, zs string) {
	r = drivers.Reading{Point: o.Point, Unit: o.Unit, Flag: hj212.FlagNormal}
	if o.converted {
		zs = noZs
	}
	fault := func(c drivers.Cause) (drivers.Reading, string) {
		if r.Flag == hj212.FlagNormal || c == causeNoInput {
			r.Flag, r.Cause = hj212.FlagFault, c
		}
		return r, zs
	}
	var numbers [8]rollup.Exact
	x, text, whole := numbers[:0], "", true
	for _, f := range o.needs {
		h := f.at(at)
		if h == nil {
			return fault(causeNoInput)
		}
		if h.flag != hj212.FlagNormal && r.Flag == hj212.FlagNormal {
			r.Flag, r.Cause = h.flag, causeInput
		}
		x, text, whole = append(x, h.x), h.text, whole && h.x.Ok()
	}
	if !whole && r.Flag == hj212.FlagNormal {
		return fault(causeNoInput)
	}
	if !whole {
		return r, zs
	}
	if o.copies {
		r.Value = text
		return r, zs
	}
	value, converted, ok := o.reckon(x)
	if !ok {
		return fault(causeNotComputable)
	}
	r.Value = value.Text(o.Decimals)
	if converted.Ok() {
		zs = converted.Text(o.Decimals)
	}
	return r, zs
}

// outputsOf are the points of a calculation.
func outputsOf(c config.Calculation, feeds map[string]*feed) []*output {
	var out []*output
	switch c.Medium {
	case config.Stack:
		out = stackOutputs(c, feeds)
	case config.Water:
		out = waterOutputs(c, feeds)
	case config.Air:
		for _, in := range c.Inputs {
			out = append(out, airOutput(in, feeds[in.Role]))
		}
	case config.Noise:
		out = append(out, copied("LA", "dB", feeds[config.RoleLevel]))
	case config.Wind:
		out = append(out, copied("a01008", "deg", feeds[config.RoleDirection]))
		if f := feeds[config.RoleVelocity]; f != nil {
			speed := copied("a01007", "m/s", f)
			speed.trigger = feeds[config.RoleDirection] // the mean wants both at one time
			out = append(out, speed)
		}
	}
	return out
}

// minDecimals of a computed value: more than a factor's format has, so that the figures
// made of it are not rounded twice.
const minDecimals = 3

// computed is an output with the names of a factor.
func computed(code, unit string) *output {
	o := &output{point: point{Point: code, Unit: unit, Decimals: minDecimals}}
	if f, ok := hj212.LookupFactor(hj212.Ed2017, code); ok {
		o.Chinese, o.English = f.Chinese, f.English
		if _, part, ok := strings.Cut(f.Format, "."); ok {
			if n, err := strconv.Atoi(part); err == nil {
				o.Decimals = max(o.Decimals, n)
			}
		}
	}
	return o
}

// copied is an output that is an input as it came.
func copied(code, unit string, f *feed) *output {
	o := computed(code, unit)
	o.Decimals, o.copies, o.trigger, o.needs, o.words = -1, true, f, []*feed{f}, "as measured"
	return o
}

// scaled is one that is the input times k, or as it came where k is 1.
func scaled(code, unit string, f *feed, k rollup.Exact, words string) *output {
	if f.factor.Mul(k).Sub(rollup.Ratio(1, 1)).Sign() == 0 {
		return copied(code, unit, f)
	}
	o := computed(code, unit)
	o.trigger, o.needs, o.words = f, []*feed{f}, words
	o.reckon = func(x []rollup.Exact) (rollup.Exact, rollup.Exact, bool) { return x[0].Mul(k), rollup.Exact{}, true }
	return o
}

// airOutput is a pollutant of ambient air: gases in ug/m3 at 298.15 K and 1013.25 hPa, CO
// in mg/m3, dust as it is.
func airOutput(in config.CalcInput, f *feed) *output {
	unit, k, words := "ug/m3", rollup.Ratio(1000, 1), "1000 × the value in mg/m3"
	if in.Role == "a21005" {
		unit, k, words = "mg/m3", rollup.Ratio(1, 1), "in mg/m3"
	}
	if in.PartOfVolume() {
		k = k.Mul(rollup.AmbientFromPPB(rollup.ParseExact(in.MolarMass)))
		words = in.MolarMass + "/24.45 × the part of volume"
	}
	return scaled(in.Role, unit, f, k, words)
}

// waterOutputs are flow in L/s, the totaliser, and the factors. All are taken with the
// flow where there is one, so that loads are of values of one time.
func waterOutputs(c config.Calculation, feeds map[string]*feed) (out []*output) {
	q := feeds[config.RoleFlow]
	for _, in := range c.Inputs {
		f := feeds[in.Role]
		var o *output
		switch {
		case in.Role == config.RoleFlow:
			o = scaled("w00000", "L/s", f, rollup.Ratio(1000, 1), "flow in L/s")
		case in.Role == config.RoleTotal:
			o = scaled(pointTotal, "m3", f, rollup.Ratio(1, 1), "volume in m3")
			o.Chinese, o.English = "累积流量", "totaliser"
		case in.Unit == "ug/L" || in.Unit == "g/L":
			o = scaled(in.Role, "mg/L", f, rollup.Ratio(1, 1), "concentration in mg/L")
		default:
			o = copied(in.Role, in.Unit, f)
		}
		if q != nil {
			o.trigger = q
		}
		out = append(out, o)
	}
	return out
}

// pointTotal is the totaliser's point.
const pointTotal = "total"

// calculationSources are the catalogue's sources of what is computed.
func calculationSources(site *config.Site) (out []source) {
	c := newCalculator(site)
	if c == nil {
		return nil
	}
	every := map[string]int64{}
	for _, l := range site.Lines {
		for _, d := range l.Devices {
			every[d.Name] = d.Interval.Milliseconds()
		}
	}
	for _, one := range c.list {
		s := source{Source: one.name, Device: one.name, Medium: one.medium, IntervalMs: every[one.outputs[0].trigger.Device]}
		for _, o := range one.outputs {
			s.Points = append(s.Points, o.point)
		}
		out = append(out, s)
	}
	return out
}
