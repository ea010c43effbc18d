package main

import (
	"strings"

	"envgate/agent/rollup"
	"envgate/config"
)

// A duct is what the outputs of a stack have in common: the state of its gas, which is
// reckoned once for all pollutants of a sample.
type duct struct {
	config.Calculation
	feeds                    map[string]*feed
	standard, dry, converted memo
	reference                rollup.Exact // not Ok: nothing is converted
}

// A memo keeps the last result of a formula. Two numbers are the same if they are of the
// same reading.
type memo struct {
	of [3]rollup.Exact
	k  rollup.Exact
	ok bool
}

func (m *memo) get(of [3]rollup.Exact, f func() (rollup.Exact, bool)) (rollup.Exact, bool) {
	if m.of != of {
		m.of = of
		m.k, m.ok = f()
	}
	return m.k, m.ok
}

// stackOutputs are the pollutants in dry gas at standard state, with their converted
// values, NOx of its parts, dry oxygen, velocity and flow.
func stackOutputs(c config.Calculation, feeds map[string]*feed) (out []*output) {
	d := &duct{Calculation: c, feeds: feeds, reference: rollup.ParseExact(c.ReferenceOxygen)}
	for _, in := range c.Inputs {
		if in.IsFactor() {
			out = append(out, d.pollutant(in.Role, feeds[in.Role]))
		}
	}
	if feeds["a21002"] == nil && feeds["a21003"] != nil {
		parts := []*feed{feeds["a21003"]}
		if f := feeds["a21004"]; f != nil {
			parts = append(parts, f)
		}
		out = append(out, d.pollutant("a21002", parts...))
	}
	if f := feeds[config.RoleOxygen]; f != nil && f.Value == "" && f.State != "" {
		out = append(out, d.oxygen(f))
	}
	if v := feeds[config.RoleVelocity]; v != nil {
		out = append(out, d.velocity(v), d.flow(v))
	}
	if f := feeds[config.RoleFlow]; f != nil {
		out = append(out, scaled("a00000", "m3/s", f, rollup.Ratio(1, 1), "flow in m3/s"))
	}
	return out
}

// Places of the state of the gas behind the pollutants among an output's needs.
type gasAt struct{ oxygen, temperature, moisture int } // -1: not needed

// gas adds the needs of an output in the order in which flags are looked for: oxygen,
// temperature, pressures, moisture.
func (d *duct) gas(o *output, oxygen, actual, wet bool) (at gasAt) {
	at = gasAt{-1, -1, -1}
	add := func(roles ...string) int {
		n := len(o.needs)
		for _, r := range roles {
			o.needs = append(o.needs, d.feeds[r])
		}
		return n
	}
	if oxygen {
		at.oxygen = add(config.RoleOxygen)
	}
	if actual {
		at.temperature = add(config.RoleTemperature, config.RolePressure, config.RoleAmbient)
	}
	if wet {
		at.moisture = add(config.RoleMoisture)
	}
	return at
}

// toStandard, toDry and toReference are what x is multiplied by.
func (d *duct) toStandard(x []rollup.Exact, at gasAt) (rollup.Exact, bool) {
	ts, ps, ba := x[at.temperature], x[at.temperature+1], x[at.temperature+2]
	return d.standard.get([3]rollup.Exact{ts, ps, ba}, func() (rollup.Exact, bool) { return rollup.StandardState(ts, ba, ps) })
}

func (d *duct) toDry(x []rollup.Exact, at gasAt) (rollup.Exact, bool) {
	wet := x[at.moisture]
	return d.dry.get([3]rollup.Exact{wet}, func() (rollup.Exact, bool) { return rollup.DryBasis(wet) })
}

func (d *duct) toReference(x []rollup.Exact, at gasAt) (rollup.Exact, bool) {
	of := [3]rollup.Exact{x[at.oxygen]}
	wet := d.feeds[config.RoleOxygen].Wet()
	if wet {
		of[1] = x[at.moisture]
	}
	return d.converted.get(of, func() (rollup.Exact, bool) {
		o2 := of[0]
		if wet {
			dry, ok := d.toDry(x, at)
			if !ok {
				return rollup.Exact{}, false
			}
			o2 = o2.Mul(dry)
		}
		return rollup.ReferenceOxygen(o2, d.reference)
	})
}

// pollutant is the output of a concentration, or of the sum of nitrogen oxides' parts.
// They are of one analyser, which the first one stands for where the sample's time is
// asked for; each is brought to dry gas at standard state by its own state.
func (d *duct) pollutant(code string, parts ...*feed) *output {
	o := computed(code, "mg/m3")
	o.trigger, o.needs = parts[0], parts
	o.converted = d.reference.Ok()
	var actual, wet bool
	scale := make([]rollup.Exact, len(parts))
	var sum []string
	for i, f := range parts {
		actual, wet = actual || f.Actual(), wet || f.Wet()
		var words string
		scale[i], words = massOf(code, f.CalcInput)
		sum = append(sum, words)
	}
	o.words = strings.Join(sum, " + ")
	if len(sum) > 1 && (actual || wet) {
		o.words = "(" + o.words + ")"
	}
	at := d.gas(o, o.converted, actual, wet || o.converted && d.feeds[config.RoleOxygen].Wet())
	if actual {
		o.words += " × 101.325/(Ba+Ps) × (273+ts)/273"
	}
	if wet {
		o.words += " / (1−Xsw/100)"
	}
	if o.converted {
		o.words += "; zs × (21−" + d.ReferenceOxygen + ")/(21−O2)"
	}
	o.reckon = func(x []rollup.Exact) (value, zs rollup.Exact, ok bool) {
		for i, f := range parts {
			c := x[i].Mul(scale[i])
			if f.Actual() {
				k, ok := d.toStandard(x, at)
				if !ok {
					return value, zs, false
				}
				c = c.Mul(k)
			}
			if f.Wet() {
				k, ok := d.toDry(x, at)
				if !ok {
					return value, zs, false
				}
				c = c.Mul(k)
			}
			if value.Ok() {
				c = c.Add(value)
			}
			value = c
		}
		if o.converted {
			if k, ok := d.toReference(x, at); ok {
				zs = value.Mul(k)
			}
		}
		return value, zs, true
	}
	return o
}

// massOf is what a part of a pollutant is multiplied by to be its mass, with the words.
func massOf(code string, in config.CalcInput) (k rollup.Exact, words string) {
	ppm := in.PartOfVolume()
	switch {
	case code != in.Role: // a part of NOx
		k, words = rollup.NOx(in.Role == "a21003", ppm), "NO × 46/30"
		switch {
		case ppm:
			words = in.Point + " × 46/22.4"
		case in.Role == "a21004":
			words = "NO2"
		}
		return k, words
	case ppm:
		return rollup.FromPPM(rollup.ParseExact(in.MolarMass)), "V × " + in.MolarMass + "/22.4"
	}
	return rollup.Ratio(1, 1), "C"
}

// oxygen is the part of oxygen in dry gas.
func (d *duct) oxygen(f *feed) *output {
	if !f.Wet() {
		return copied("a19001", "%", f)
	}
	o := computed("a19001", "%")
	o.trigger, o.needs, o.words = f, []*feed{f}, "O2 / (1−Xsw/100)"
	at := d.gas(o, false, false, true)
	o.reckon = func(x []rollup.Exact) (value, zs rollup.Exact, ok bool) {
		k, ok := d.toDry(x, at)
		if !ok {
			return value, zs, false
		}
		return x[0].Mul(k), zs, true
	}
	return o
}

func (d *duct) velocity(v *feed) *output {
	return scaled("a01011", "m/s", v, rollup.ParseExact(d.Kv), d.Kv+" × Vp")
}

// flow is that of dry gas at standard state, m3/s.
func (d *duct) flow(v *feed) *output {
	o := computed("a00000", "m3/s")
	o.words = d.Area + " × " + d.Kv + " × Vp × 273/(273+ts) × (Ba+Ps)/101.325 × (1−Xsw/100)"
	o.trigger = v
	d.gas(o, false, true, true)
	o.needs = append(o.needs, v)
	area, kv := rollup.ParseExact(d.Area), rollup.ParseExact(d.Kv)
	o.reckon = func(x []rollup.Exact) (value, zs rollup.Exact, ok bool) {
		value, ok = rollup.Flow(area, rollup.Velocity(kv, x[4]), x[0], x[2], x[1], x[3])
		return value, zs, ok
	}
	return o
}
