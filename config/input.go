package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"envgate/drivers"
)

// inputSection is what is wired to a channel. The keys of inputs themselves are the
// names of channels, which the module's template knows.
const inputSection = "lines[].devices[].inputs.CHANNEL"

var inputKeys = tags(reflect.TypeFor[drivers.Input]())

// inputs reads what is wired to a module's channels, ordered by channel so that the
// canonical form is the same however they are written.
func (r *reader) inputs(g *group, to *Device) {
	const want = "want the module's channels and what is wired to each, such as ai1: {point: w01018, ...}"
	said := map[string]bool{} // channels of which something was said already
	if g.has("inputs") {
		p := g.at("inputs")
		if p.kind != mapping || len(p.entries) == 0 {
			r.bad(p, want, "")
			return
		}
		read := map[string]*drivers.Input{}
		var channels []string
		for _, e := range p.entries {
			if !drivers.ValidCode(e.key) {
				if e.line > 0 { // else the line could not be read, and that has been said
					r.add(Problem{
						Line: e.line, Column: e.column, Path: join(p.path, quote(e.key, false)),
						Text: "is no channel: want the name of one, such as ai1",
					})
				}
				continue
			}
			at := &place{node: e.value, path: join(p.path, e.key), keyLine: e.line, keyColumn: e.column}
			if read[e.key] != nil {
				at.node = &node{kind: empty, line: e.line, column: e.column}
				r.say(at, "stands here a second time", "keep the right one and delete the other")
				continue
			}
			in := &drivers.Input{Channel: e.key}
			before := len(r.list) + r.left
			r.spec(at, in, inputSection)
			said[e.key] = e.value.kind == broken || len(r.list)+r.left > before
			read[e.key], channels = in, append(channels, e.key)
		}
		slices.Sort(channels)
		for _, c := range channels {
			to.Inputs = append(to.Inputs, *read[c])
		}
	}
	if len(to.Inputs) > 0 || !g.has("inputs") {
		r.wiring(g, to, said)
	}
}

// wiring checks inputs against the channels of a built-in template. Those of a template
// file are checked when that is opened.
func (r *reader) wiring(g *group, to *Device, said map[string]bool) {
	var err error
	switch {
	case to.Template != "" && (len(to.Inputs) > 0 || drivers.IsModule(to.Template)):
		var t *drivers.Template
		if t, err = drivers.LoadBuiltin(to.Template); err == nil {
			_, err = t.Wire(to.Inputs)
		}
	case len(to.Inputs) > 0 && to.TemplateFile == "" && g.has("registers"):
		r.say(g.at("inputs"), "stands beside registers: inputs are for the channels of a template",
			"give the register of an analogue input a signal: and a range:, and that of a contact when_0: and when_1:")
		return
	}
	var wrong drivers.SpecErrors
	if !errors.As(err, &wrong) {
		return // no other error is there of a built-in template
	}
	for _, e := range wrong {
		channel, _, _ := strings.Cut(strings.TrimPrefix(e.Field, "inputs."), ".")
		switch {
		case said[channel]:
		case !g.has("inputs"):
			if !g.holes {
				g.r.add(Problem{Line: max(g.keyLine, 1), Column: max(g.keyColumn, 1), Path: join(g.path, e.Field), Text: e.Text, Hint: e.Hint})
			}
		default:
			r.say(g.find(e.Field), e.Text, e.Hint)
		}
	}
}

// canonicalInputs are the inputs by channel; nil where there are none.
func canonicalInputs(list []drivers.Input) object {
	var o object
	for _, in := range list {
		var one object
		for _, f := range tagged(reflect.ValueOf(in)) {
			if f.key != "-" {
				one = append(one, f)
			}
		}
		o = append(o, field{in.Channel, one})
	}
	return o
}
