package drivers

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
)

// An Input says what is wired to a channel of an I/O module. Its fields are those of
// [PointSpec] that the module cannot know.
type Input struct {
	Channel string `yaml:"-"`

	Point    string   `yaml:"point"`
	Chinese  string   `yaml:"zh"`
	English  string   `yaml:"en"`
	Signal   string   `yaml:"signal"` // analogue ones must have it, with Range and Unit
	Range    []Number `yaml:"range"`
	Unit     string   `yaml:"unit"`
	Decimals Number   `yaml:"decimals"`
	When0    Text     `yaml:"when_0"` // contacts must have both
	When1    Text     `yaml:"when_1"`
}

// Channels returns the names of a module's channels in the template's order; none for
// an instrument that says itself what it measures.
func (t *Template) Channels() []string {
	var out []string
	for i := range t.points {
		if t.points[i].channel {
			out = append(out, t.points[i].code)
		}
	}
	return out
}

// channel checks the row of a channel.
func (c *compiler) channel(s *PointSpec, p *point) {
	p.code, p.channel = s.Channel, true
	switch {
	case s.Point != "" || s.Status != "":
		c.fail("channel", "is %q beside a point or status: want one of them", s.Channel)
	case !ValidCode(s.Channel):
		c.fail("channel", "is %q: a name is a letter, then letters, digits and underscores, 32 at most", s.Channel)
	case c.t.source == nil:
		c.fail("channel", "is %q: only templates have channels; in a site file write point: and what is wired", s.Channel)
	case s.Signal != "":
		c.fail("signal", "is %q: the site file says what is wired to a channel", s.Signal)
	case s.Type == "string":
		c.fail("type", "is string: a channel is a number or a bit")
	case s.Unit != "" && s.Unit != "mA" && s.Unit != "V" && s.Unit != eitherUnit:
		c.fail("unit", "is %q: a channel's is mA or V", s.Unit)
	}
}

// eitherUnit is the unit of a channel that is set to current or voltage at the module.
const eitherUnit = "mA or V"

// Wire returns the template of a module to which inputs are wired: each channel with an
// input is a point, and the others are not there. What is wrong comes as [SpecErrors]
// whose fields are such as inputs.ai1.range[0].
func (t *Template) Wire(inputs []Input) (*Template, error) {
	channels := t.Channels()
	if len(inputs) == 0 && len(channels) == 0 {
		return t, nil
	}
	w := wiring{}
	if len(inputs) == 0 {
		w.fail("", "is missing: want what is wired to the channels of "+t.Name+", which are "+runs(channels))
	}
	for i := range inputs {
		in := &inputs[i]
		at := "." + in.Channel
		switch other := w.byPoint(in.Point); {
		case !slices.Contains(channels, in.Channel):
			w.fail(at, "is no channel: template "+t.Name+" has "+cmp.Or(runs(channels), "none"))
		case in.Point == "":
			w.fail(at+".point", "is missing: want a factor code of HJ 212 such as w01018, or a name of your own")
		case slices.ContainsFunc(t.points, func(p point) bool { return p.code == in.Point && !p.channel }):
			w.fail(at+".point", "is "+in.Point+": template "+t.Name+" has a point of that name beside its channels")
		case other != nil:
			w.fail(at+".point", "is "+in.Point+": "+other.Channel+" has it already")
		default:
			w.inputs = append(w.inputs, in)
		}
	}
	if len(w.inputs) == 0 {
		return nil, w.errs
	}
	return w.template(t)
}

// A wiring is the work of one Wire.
type wiring struct {
	inputs []*Input // that are good so far
	errs   SpecErrors
}

func (w *wiring) fail(field, text string) {
	w.errs = append(w.errs, &SpecError{Point: -1, Field: "inputs" + field, Text: text})
}

func (w *wiring) byPoint(point string) *Input {
	for _, in := range w.inputs {
		if in.Point == point {
			return in
		}
	}
	return nil
}

func (w *wiring) byChannel(channel string) *Input {
	for _, in := range w.inputs {
		if in.Channel == channel {
			return in
		}
	}
	return nil
}

// template makes t anew, as points are compiled with what they refer to.
func (w *wiring) template(t *Template) (*Template, error) {
	file, err := parseYAML(t.source)
	if err != nil {
		return nil, yamlError(err)
	}
	out := &Template{source: t.source}
	if err := fill(out, file.Docs[0].Body).err; err != nil {
		return nil, err
	}
	out.Specs, out.Blocks, out.Exchanges = nil, nil, nil
	out.ParameterSpecs = w.parameters(t)
	channels := t.Channels()
	var at []string // the channel of each spec
	for i := range t.written {
		s := t.written[i].PointSpec
		channel := s.Channel
		s.Flags = w.rules(s.Flags, channels)
		if channel != "" {
			in := w.byChannel(channel)
			if in == nil || !w.fits(&t.points[i], in) {
				continue // nothing is wired to it: it is not read
			}
			connect(&s, in)
		} else if s.Status != "" && len(s.Flags) == 0 {
			continue // it is about channels to which nothing is wired
		}
		out.Specs, at = append(out.Specs, s), append(at, channel)
	}
	var wrong SpecErrors
	errors.As(out.compile(), &wrong)
	for _, e := range wrong { // the template by itself is good
		if e.Point >= 0 && at[e.Point] != "" {
			e.Point, e.Field = -1, strings.TrimSuffix("inputs."+at[e.Point]+"."+e.Field, ".")
			w.errs = append(w.errs, e)
		}
	}
	if len(w.errs) == 0 && len(wrong) > 0 {
		w.fail("", "do not go with template "+t.Name+": "+wrong.Error())
	}
	if len(w.errs) > 0 {
		return nil, w.errs
	}
	return out, nil
}

// fits finds what a channel of the module cannot be. All else is found when the point
// is compiled.
func (w *wiring) fits(p *point, in *Input) bool {
	k := currentOf(in.Signal)
	field, text, hint := ".signal", "", ""
	switch contact := p.mask == 1; {
	case contact && in.Signal+string(in.When0)+string(in.When1) == "":
		field, text = ".when_0", "is missing: want what 0 and 1 of the contact mean, such as when_0: closed, when_1: open"
		hint = "switch the contact by hand, watch it with envgate read, and swap the two if they are the wrong way round"
	case !contact && in.Signal == "":
		text = "is missing: want " + orList(Signals())
	case !contact && k != nil && p.unit != k.unit && p.unit != eitherUnit:
		text = "is " + in.Signal + ": " + in.Channel + " measures " + p.unit
	default:
		return true
	}
	w.fail("."+in.Channel+field, text)
	w.errs[len(w.errs)-1].Hint = hint
	return false
}

// connect makes a point of a channel's row.
func connect(s *PointSpec, in *Input) {
	s.Channel, s.Point, s.Chinese, s.English = "", in.Point, in.Chinese, in.English
	s.Signal, s.Range, s.Unit = in.Signal, in.Range, in.Unit
	s.When0, s.When1 = in.When0, in.When1
	s.Decimals = in.Decimals
}

// rules puts points in the place of channels, and leaves out what is about channels to
// which nothing is wired.
func (w *wiring) rules(rules []FlagRule, channels []string) []FlagRule {
	var out []FlagRule
	for _, r := range rules {
		points := r.Points
		r.Points = nil
		for _, p := range points {
			if in := w.byChannel(p); in != nil {
				p = in.Point
			} else if slices.Contains(channels, p) {
				continue
			}
			r.Points = append(r.Points, p)
		}
		if len(r.Points) > 0 || len(points) == 0 {
			out = append(out, r)
		}
	}
	return out
}

// parameters are those of the template, but for what is set for channels to which nothing
// is wired.
func (w *wiring) parameters(t *Template) (out []ParameterSpec) {
	channels := t.Channels()
	t.writeSettings(func(path string, s ParameterSpec) bool {
		in := w.byChannel(s.Of)
		switch {
		case path == clockPath, in == nil && slices.Contains(channels, s.Of):
			return true
		case in != nil:
			s.Of = in.Point
		}
		out = append(out, s)
		return true
	})
	return out
}

// runs writes ai1, ai2, ai3, di1 as "ai1 to ai3, di1".
func runs(names []string) string {
	var out []string
	for i := 0; i < len(names); {
		j := i
		stem := strings.TrimRight(names[i], "0123456789")
		for j+1 < len(names) && strings.TrimRight(names[j+1], "0123456789") == stem {
			j++
		}
		text := names[i]
		if j > i {
			text += " to " + names[j]
		}
		out, i = append(out, text), j+1
	}
	return strings.Join(out, ", ")
}

// IsModule says whether the built-in template of that name has channels.
func IsModule(name string) bool {
	return bytes.Contains(builtin()[name], []byte("{channel: "))
}
