package rollup

import (
	"math"
	"slices"
	"time"

	"envgate/hj212"
)

// sum is one point in one open period.
type sum struct {
	rule     Rule
	decimals int           // of the means at least
	interval time.Duration // of the newest value
	direct   bool          // an hour made of samples

	tally
	zs      *tally // of the converted values; nil: there were none
	samples int    // that counted; in longer periods, those of the periods that counted
	normal  int    // values, or periods, with the flag N
	bad     []flagged
	cou     total // of the shorter periods
	cous    int

	at    int64  // of the newest value, Unix nanoseconds
	now   value  // the newest value
	links *links // to the other points of its rule, and from them; nil: none
	noise *noise // of a sound level; nil: of anything else
	circle
	energy float64 // sum of 10^(L/10)
	text   string  // of the last value
}

// tally is what means and extremes are made of.
type tally struct {
	total       total
	least, most decimal
	n           int // in total
}

// flagged says how many values had a flag.
type flagged struct {
	flag string
	n    int
}

// links tie the points together that a rule needs at one time.
type links struct {
	with       *sum   // Rule.With
	dependents []*sum // whose With this is
	load, flow total  // of pairs: flow × value, and flow
	pairs      int

	meter    *sum  // Rule.Total
	base     value // of a totaliser: the last reading before the period, or the one at its start
	starting bool  // base is the reading at its start
}

type value struct {
	decimal
	ok bool
}

// reading is one of a totaliser.
type reading struct {
	value
	at     int64 // Unix nanoseconds
	behind bool  // told at a restart, of after the clock was set back
}

// circle is the sum of directions as vectors.
type circle struct {
	east, north         float64 // as long as the speed
	unitEast, unitNorth float64 // of length 1
	directions          int
}

func (t *tally) add(least, d, most decimal) {
	if t.n == 0 || least.less(t.least) {
		t.least = least
	}
	if t.n == 0 || t.most.less(most) {
		t.most = most
	}
	t.total.add(d)
	t.n++
}

// begin makes the sum of a point, and ties it to the others of its source.
func (r *Rollup) begin(w *window, source, point string) *sum {
	s := &sum{rule: r.o.Rules(source, point)}
	s.decimals = r.decimals(point, s.rule)
	if s.rule.Noise {
		s.noise = &noise{}
	}
	for other, o := range w.points {
		if o.rule.With == point {
			o.tie(s)
		}
		if o.rule.Total == point {
			o.measure(s)
		}
		if s.rule.With == other {
			s.tie(o)
		}
		if s.rule.Total == other {
			s.measure(o)
		}
	}
	if s.rule.Mean == Last {
		s.link().base = r.totals[name{source, point}].value
	}
	w.points[point] = s
	return s
}

func (s *sum) link() *links {
	if s.links == nil {
		s.links = &links{}
	}
	return s.links
}

func (s *sum) tie(o *sum) {
	s.link().with = o
	o.link().dependents = append(o.links.dependents, s)
}

func (s *sum) measure(o *sum) { s.link().meter, _ = o, o.link() }

// count counts a sample.
func (r *Rollup) count(s *sum, v *Value) {
	s.interval = v.Interval
	d, ok := parseDecimal(v.Text)
	if !ok || v.Flag != hj212.FlagNormal {
		s.abnormal(v.Flag)
	}
	ok = ok && r.counts(v.Flag)
	at := v.At.UnixNano()
	older := at < s.at // of before a restart
	s.at, s.now = at, value{d, ok}
	if !ok {
		return
	}
	if s.links != nil {
		s.meet()
	}
	if v.Flag == hj212.FlagNormal {
		s.normal++
	}
	s.samples++
	s.add(d, d, d)
	if s.rule.Mean != Arithmetic {
		s.special(d, v.Text, older)
	}
	if s.noise != nil {
		s.noise.count(d)
	}
	if v.Zs == "" {
		return
	}
	if z, ok := parseDecimal(v.Zs); ok {
		s.converted().add(z, z, z)
	}
}

// counts says whether values with a flag count.
func (r *Rollup) counts(flag string) bool {
	return slices.Contains(r.o.CountFlags, flag)
}

// special is what other means than the arithmetic one need of a value or a period's mean.
func (s *sum) special(d decimal, text string, older bool) {
	switch s.rule.Mean {
	case Energy:
		s.energy += energy(d.float())
	case Vector:
		s.turn(d, 1, 0)
	case Last:
		if !older || s.text == "" {
			s.text = text
		}
	}
}

// turn adds a direction.
func (c *circle) turn(d decimal, unit, speed float64) {
	sin, cos := math.Sincos(d.float() * math.Pi / 180)
	c.unitEast += unit * sin
	c.unitNorth += unit * cos
	c.east += speed * sin
	c.north += speed * cos
	c.directions++
}

func (s *sum) converted() *tally {
	if s.zs == nil {
		s.zs = &tally{}
	}
	return s.zs
}

// abnormal counts a value, or a period, whose flag is not N.
func (s *sum) abnormal(flag string) {
	if flag == "" || flag == hj212.FlagNormal { // no number
		flag = hj212.FlagFault
	}
	for i := range s.bad {
		if s.bad[i].flag == flag {
			s.bad[i].n++
			return
		}
	}
	s.bad = append(s.bad, flagged{flag, 1})
}

// meet pairs a value with those of the same time that came before it.
func (s *sum) meet() {
	if w := s.links.with; w != nil && w.at == s.at && w.now.ok {
		s.pair(w.now.decimal)
	}
	for _, d := range s.links.dependents {
		if d.at == s.at && d.now.ok {
			d.pair(s.now.decimal)
		}
	}
}

// pair counts the newest value together with that of the other point.
func (s *sum) pair(other decimal) {
	s.links.pairs++
	if s.rule.Mean == Vector {
		s.turn(s.now.decimal, 0, other.float())
		return
	}
	s.links.load.addProduct(s.now.decimal, other)
	s.links.flow.add(other)
}

// totalise keeps the readings of what may be a totaliser.
func (r *Rollup) totalise(s *sum, n name, start int64) {
	if !s.now.ok {
		return
	}
	if s.at/int64(time.Millisecond) == start*1000 { // blocks know of no more
		s.links.base, s.links.starting = s.now, true
	}
	r.totals[n] = reading{s.now, s.at, false}
}

// countFigure counts the figure of a shorter period. figures are all of its source.
func (r *Rollup) countFigure(s *sum, f *Figure, figures []Figure, night bool) {
	cou, brought := parseDecimal(f.Cou)
	if brought {
		s.cou.add(cou)
		s.cous++
	}
	if f.Flag != hj212.FlagNormal {
		s.abnormal(f.Flag)
		return
	}
	s.normal++
	s.samples += f.N
	if avg, ok := parseDecimal(f.Avg); ok {
		s.countMean(f, avg, figures)
		if s.noise != nil {
			s.noise.hour(avg, night)
		}
	}
	zs, ok := parseDecimal(f.ZsAvg)
	least, okLeast := parseDecimal(f.ZsMin)
	most, okMost := parseDecimal(f.ZsMax)
	if ok && okLeast && okMost {
		s.converted().add(least, zs, most)
	}
}

// countMean counts the mean of a shorter period.
func (s *sum) countMean(f *Figure, avg decimal, figures []Figure) {
	least, okLeast := parseDecimal(f.Min)
	most, okMost := parseDecimal(f.Max)
	if !okLeast || !okMost { // of a direction
		least, most = avg, avg
	}
	s.add(least, avg, most)
	if s.rule.Mean != Arithmetic {
		s.special(avg, f.Avg, false)
	}
	with := findFigure(figures, s.rule.With)
	if with == nil {
		return
	}
	switch s.rule.Mean {
	case Vector:
		if speed, ok := parseDecimal(with.Avg); ok {
			s.link().pairs++
			s.turn(avg, 0, speed.float())
		}
	case FlowWeighted:
		if flow, ok := parseDecimal(with.Cou); ok {
			s.link().pairs++
			s.links.load.addProduct(avg, flow)
			s.links.flow.add(flow)
		}
	}
}

func findFigure(figures []Figure, point string) *Figure {
	if point == "" {
		return nil
	}
	for i := range figures {
		if figures[i].Point == point {
			return &figures[i]
		}
	}
	return nil
}
