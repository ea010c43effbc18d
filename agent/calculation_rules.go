package main

import (
	"strings"

	"envgate/agent/rollup"
	"envgate/config"
)

// rule says how the figures of a point of a calculation are made; ok is false for what is
// no point of any. A nil calculator has none.
func (c *calculator) rule(source, point string) (r rollup.Rule, ok bool) {
	if c == nil {
		return r, false
	}
	for _, one := range c.list {
		for _, o := range one.outputs {
			if one.name == source && o.Point == point {
				return one.rule(o), true
			}
		}
	}
	return r, false
}

func (c *calculation) rule(o *output) (r rollup.Rule) {
	other := func(code string) string { // empty where the calculation has no such point
		for _, o := range c.outputs {
			if o.Point == code {
				return code
			}
		}
		return ""
	}
	r.Valid = rollup.ByShare
	switch c.medium {
	case config.Stack:
		if q := other("a00000"); o.Point == q {
			r.Cou = rollup.FlowRate
		} else if q != "" && o.Unit == "mg/m3" {
			r.Cou, r.With = rollup.LoadGas, q
		}
	case config.Water:
		r.Valid = rollup.ByAny
		switch q := other("w00000"); {
		case o.Point == pointTotal:
			r.Mean = rollup.Last
		case o.Point == q:
			r.Cou, r.Total, r.Modulus = rollup.FlowWater, other(pointTotal), c.settings.Modulus
		case q != "" && o.Unit == "mg/L" && strings.HasPrefix(o.Point, "w"):
			if r.Cou, r.With = rollup.LoadWater, q; c.settings.Mean == "flow-weighted" {
				r.Mean = rollup.FlowWeighted
			}
		}
	case config.Noise:
		r.Mean, r.Noise = rollup.Energy, true
	case config.Wind:
		if o.Point == "a01008" {
			r.Mean, r.With = rollup.Vector, other("a01007")
		}
	}
	return r
}
