package config

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"envgate/hj212"
)

// A Calculation makes the figures of one place (a stack, an outfall, a station) out of
// what its instruments say. Numbers are decimals as they were written.
type Calculation struct {
	// Name is the source of its figures, unique among them and the devices: 1 to 32
	// letters, digits, _ or -.
	Name string `yaml:"name"`

	// Medium is Stack, Water, Air, Noise or Wind.
	Medium string `yaml:"medium"`

	// Device is the one whose points serve where an input does not say another; it may
	// be empty.
	Device string `yaml:"device"`

	// State is what the analysers of a stack give, where an input does not say another:
	// WetActual, DryActual, WetStandard or DryStandard.
	State string `yaml:"state"`

	// Area of the duct, m2, is empty where no velocity is measured. Kv is the velocity
	// coefficient, by default 1.
	Area string `yaml:"area"`
	Kv   string `yaml:"kv"`

	// ReferenceOxygen is in percent of dry gas; empty where nothing is converted.
	ReferenceOxygen string `yaml:"reference_oxygen"`

	// Mean of concentrations in water is flow-weighted (the default where there is a
	// flow) or arithmetic. Empty for other media.
	Mean string `yaml:"mean"`

	// Modulus is the number, m3, at which the totaliser begins anew; empty if unknown.
	Modulus string `yaml:"modulus"`

	// Inputs are by role, then the factors by code.
	Inputs []CalcInput `yaml:"-"`
}

// A CalcInput is a point of a device, or a fixed value.
type CalcInput struct {
	// Role is one of the roles, or a factor's code.
	Role string `yaml:"-"`

	Device string `yaml:"device"`
	Point  string `yaml:"point"`

	// Value is a decimal where the input is fixed; Device and Point are then empty.
	Value string `yaml:"value"`

	// Unit is that of the values, as the tables spell it. Of factors of water that are no
	// concentrations it is the instrument's own.
	Unit string `yaml:"unit"`

	// State is what an analyser gives of flue gas. It is there for factors and oxygen.
	State string `yaml:"state"`

	// MolarMass, g/mol, is there for factors in ppm or ppb.
	MolarMass string `yaml:"molar_mass"`
}

// Factor is what a value is multiplied by to be in its quantity's own unit: mg/m3, ppm,
// mg/L, kPa, m3/s, m3.
func (in *CalcInput) Factor() (num, den int64) {
	if m, ok := measureOf(in.Unit); ok {
		return m.num, m.den
	}
	return 1, 1
}

// PartOfVolume says whether an input is in ppm or ppb.
func (in *CalcInput) PartOfVolume() bool {
	m, _ := measureOf(in.Unit)
	return m.quantity == volPart
}

// IsFactor says whether the role is a factor's code: of the standard, or of its form, as
// authorities have their own.
func (in *CalcInput) IsFactor() bool { return isFactor(in.Role) }

// Actual says whether an input of a stack is to be brought to standard state. Parts of
// volume do not change with temperature and pressure.
func (in *CalcInput) Actual() bool {
	return (in.State == WetActual || in.State == DryActual) && in.Role != RoleOxygen && !in.PartOfVolume()
}

// Wet says whether it is to be brought to dry gas.
func (in *CalcInput) Wet() bool { return in.State == WetActual || in.State == WetStandard }

// Input is the input of a role, nil if there is none.
func (c *Calculation) Input(role string) *CalcInput {
	for i := range c.Inputs {
		if c.Inputs[i].Role == role {
			return &c.Inputs[i]
		}
	}
	return nil
}

func isFactor(s string) bool {
	_, ok := hj212.LookupFactor(hj212.Ed2017, s)
	return ok || len(s) == 6 && s[0] >= 'a' && s[0] <= 'z' && isDigits(s[1:])
}

const (
	calcSection      = "calculations[]"
	calcInputSection = "calculations[].inputs.ROLE"
)

var (
	calcKeys      = append(tags(reflect.TypeFor[Calculation]()), "inputs")
	calcInputKeys = tags(reflect.TypeFor[CalcInput]())
)

// calculations reads what is computed. s is what was read before it.
func (r *reader) calculations(places []*place, s *Site) []Calculation {
	taken := names{}
	list := make([]Calculation, len(places))
	for i, p := range places {
		c := calcReader{r: r, place: p, to: &list[i], site: s}
		before := len(r.list) + r.left
		r.spec(p, c.to, calcSection)
		if p.kind != mapping || len(r.list)+r.left > before {
			continue // what is wrong in it would be missed in what follows
		}
		if c.name(taken) && c.settings() && c.inputs() {
			c.check()
		}
	}
	return list
}

// calcReader reads one calculation.
type calcReader struct {
	r *reader
	*place
	to   *Calculation
	site *Site
	bad  bool
}

// wrong reports a value, or one that is missing, by its path.
func (c *calcReader) wrong(path, text, hint string) {
	c.bad = true
	p := c.find(path)
	if p.node == c.node {
		p.node = &node{kind: empty, line: max(c.keyLine, 1), column: max(c.keyColumn, 1)}
	}
	c.r.say(p, text, hint)
}

func (c *calcReader) name(taken names) bool {
	name := c.to.Name
	first, twice := taken[name]
	switch {
	case !isName(name):
		c.wrong("name", "is "+quote(name, true)+": "+wantName, hintName(name))
	case twice:
		c.wrong("name", "is "+name+": "+first.path+" has that name already", "")
	case c.site.device(name) != nil:
		c.wrong("name", "is "+name+": a device above has that name already",
			"its figures need a source of their own, such as "+name+"-figures")
	}
	taken[name] = c.place
	return !c.bad
}

// near is the hint of a word that is nearly one of those.
func near(text string, words []string) string {
	if n := nearest(strings.ToLower(text), words); n != "" {
		return "did you mean " + n + "?"
	}
	return ""
}

// settings checks the values. Each belongs to a medium.
func (c *calcReader) settings() bool {
	to := c.to
	if !slices.Contains(media, to.Medium) {
		c.notOf("medium", to.Medium, "a medium", media)
		return false
	}
	var types []string
	for _, t := range SourceTypes {
		types = append(types, t.Name)
		if t.Name == to.ReferenceOxygen {
			to.ReferenceOxygen = t.Percent
		}
	}
	oxygen, err := strconv.ParseFloat(to.ReferenceOxygen, 64)
	c.setting("area", to.Area, Stack, isPositive(to.Area), "the duct's area in m2, such as 12.56")
	c.setting("kv", to.Kv, Stack, isPositive(to.Kv), "the velocity coefficient, such as 0.95")
	c.setting("reference_oxygen", to.ReferenceOxygen, Stack, isDecimal(to.ReferenceOxygen) && err == nil && oxygen >= 0 && oxygen <= 20,
		"0 to 20 percent, or the type of the source", types...)
	c.setting("state", to.State, Stack, slices.Contains(gasStates, to.State), "what analysers give", gasStates...)
	c.setting("mean", to.Mean, Water, slices.Contains(means, to.Mean), "a mean", means...)
	c.setting("modulus", to.Modulus, Water, isPositive(to.Modulus), "the number, m3, at which the totaliser begins anew")
	if to.Medium == Stack {
		to.Kv = cmp.Or(to.Kv, "1")
	}
	return !c.bad && (to.Device == "" || c.known("device", to.Device))
}

// setting checks one that is there.
func (c *calcReader) setting(key, value, medium string, ok bool, want string, words ...string) {
	if value == "" {
		return
	}
	if medium != c.to.Medium {
		c.wrong(key, "is of medium "+medium+", and this is "+c.to.Medium, "")
	} else if !ok {
		c.notOf(key, value, want, words)
	}
}

// notOf reports a value that is not what is wanted, and none of the words.
func (c *calcReader) notOf(path, value, want string, words []string) {
	if words != nil {
		want += ": " + or(words)
	}
	c.wrong(path, "is "+quote(value, false)+": want "+want, near(value, words))
}

// isDecimal says whether s is a number as instruments write it.
func isDecimal(s string) bool {
	whole, part, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return len(s) <= 16 && isDigits(whole) && (!point || isDigits(part))
}

func isPositive(s string) bool {
	return isDecimal(s) && s[0] != '-' && strings.Trim(s, "0.") != ""
}

// known reports a device that is not there.
func (c *calcReader) known(path, name string) bool {
	if c.site.device(name) != nil {
		return true
	}
	var devices []string
	for _, l := range c.site.Lines {
		for _, d := range l.Devices {
			devices = append(devices, d.Name)
		}
	}
	if c.bad = true; !c.r.torn {
		c.wrong(path, "is "+quote(name, false)+": no device above has that name", near(name, devices))
	}
	return false
}

// devicePoints are the points of a device with their units; nil where its template cannot
// be read, which is said elsewhere.
func (s *Site) devicePoints(name string) map[string]string {
	d := s.device(name)
	units := map[string]string{}
	for _, f := range d.Factors {
		units[f.Point] = f.Unit
	}
	if d.MN != "" {
		return units
	}
	t, err := s.Template(*d)
	if err != nil {
		return nil
	}
	for _, p := range t.Points() {
		if p.Point != "" {
			units[p.Point] = p.Unit
		}
	}
	return units
}

// inputs reads what is written, and then takes what the device has besides.
func (c *calcReader) inputs() bool {
	written, there := c.child("inputs")
	switch {
	case there && written.kind != mapping || !there && c.to.Device == "":
		c.wrong("inputs", "is no list of inputs: want what is measured, such as temperature: {device: cems-1, point: a01012}, or the device whose points are all taken", "")
		return false
	case there:
		for _, e := range written.entries {
			if c.to.Input(e.key) != nil {
				c.wrong("inputs."+e.key, "stands here a second time", "keep the right one and delete the other")
			} else if e.line > 0 {
				c.input(&place{node: e.value, path: join(written.path, e.key), keyLine: e.line, keyColumn: e.column}, e.key)
			}
		}
	}
	if c.to.Device != "" && !c.bad {
		c.rest()
	}
	roles := calcRoles(c.to.Medium)
	sort.Slice(c.to.Inputs, func(i, j int) bool {
		a, b := &c.to.Inputs[i], &c.to.Inputs[j]
		return cmp.Or(cmp.Compare(roles.index(a.Role), roles.index(b.Role)), cmp.Compare(a.Role, b.Role)) < 0
	})
	return !c.bad
}

// input reads one input.
func (c *calcReader) input(p *place, key string) {
	in := CalcInput{Role: key}
	path := "inputs." + key
	before := len(c.r.list) + c.r.left
	c.r.spec(p, &in, calcInputSection)
	if p.kind != mapping || len(c.r.list)+c.r.left > before {
		c.bad = true
		return
	}
	c.to.Inputs = append(c.to.Inputs, in)
	to := &c.to.Inputs[len(c.to.Inputs)-1]
	roles := calcRoles(c.to.Medium)
	i := roles.index(key)
	role := i < len(roles)
	switch {
	case !role && (c.to.Medium == Noise || c.to.Medium == Wind || !isFactor(key)):
		c.wrong(path, "is no input of medium "+c.to.Medium+": want "+roles.names()+", or the code of a factor, such as a21026", near(key, strings.Split(roles.names(), ", ")))
	case in.State != "" && !slices.Contains(gasStates, in.State):
		c.notOf(path+".state", in.State, "what the analyser gives", gasStates)
	case in.MolarMass != "" && !isPositive(in.MolarMass):
		c.notOf(path+".molar_mass", in.MolarMass, "a molar mass in g/mol, such as 64.06", nil)
	case in.Value != "" && (!role || in.Device+in.Point != "" || !isDecimal(in.Value)):
		c.notOf(path+".value", in.Value, "a number, without device and point, and not of a factor: what is fixed is not measured", nil)
	case in.Value != "":
		c.unit(to, path, cmp.Or(in.Unit, roles[i].quantity))
	default:
		if to.Device = cmp.Or(in.Device, c.to.Device); !c.known(path+".device", to.Device) {
			return
		}
		if to.Point = cmp.Or(in.Point, key); role {
			to.Point = cmp.Or(in.Point, roles[i].code)
		}
		units := c.site.devicePoints(to.Device)
		unit, there := units[to.Point]
		if units != nil && !there {
			points := slices.Sorted(maps.Keys(units))
			c.wrong(path+".point", "is "+quote(to.Point, false)+": "+to.Device+" has no such point",
				cmp.Or(near(to.Point, points), "it has "+strings.Join(points[:min(len(points), 12)], ", ")))
		} else if units != nil {
			c.unit(to, path, unit)
		}
	}
}

// unit finds the unit of an input: the template's, or the site file's where that has none.
func (c *calcReader) unit(in *CalcInput, path, template string) {
	given := plainUnit(in.Unit)
	in.Unit = plainUnit(template)
	want := c.quantities(in.Role)
	switch {
	case in.Unit == "" || in.Unit == "1":
		in.Unit = cmp.Or(given, in.Unit, "1")
	case given != "" && given != in.Unit:
		c.wrong(path+".unit", "is "+quote(given, false)+": the template of "+in.Device+" says "+in.Unit, "delete it here, or mend the template")
		return
	}
	if m, _ := measureOf(in.Unit); want != nil && !slices.Contains(want, m.quantity) {
		c.wrong(path+".unit", "is "+in.Unit+": want "+or(unitsOf(want)), "where the instrument's template does not say it, unit: does")
	}
}

// quantities are those that an input may have; nil: any.
func (c *calcReader) quantities(key string) []string {
	roles := calcRoles(c.to.Medium)
	if i := roles.index(key); i < len(roles) {
		return []string{roles[i].quantity}
	}
	if c.to.Medium == Water {
		return nil
	}
	return []string{massPart, volPart}
}

// rest takes the points of the device that serve under their own codes.
func (c *calcReader) rest() {
	units := c.site.devicePoints(c.to.Device)
	for point, unit := range units {
		in := CalcInput{Role: point, Device: c.to.Device, Point: point, Unit: plainUnit(unit)}
		f, serves := hj212.LookupFactor(hj212.Ed2017, point)
		serves = serves && (f.Medium == "water" && c.to.Medium == Water || f.Medium == "air" && (c.to.Medium == Stack || c.to.Medium == Air))
		for _, r := range calcRoles(c.to.Medium) {
			if r.code == point {
				in.Role, serves = r.name, true
			}
		}
		if in.Role == RoleFlow && c.to.Medium == Stack && units["a01011"] != "" {
			continue // it is computed of the velocity
		}
		want := c.quantities(in.Role)
		if m, _ := measureOf(in.Unit); !serves || c.to.Input(in.Role) != nil || want != nil && !slices.Contains(want, m.quantity) {
			continue
		}
		c.to.Inputs = append(c.to.Inputs, in)
	}
}

// check fills in what inputs need of the settings, and reports what is missing.
func (c *calcReader) check() {
	to := c.to
	factors, actual, wet := 0, false, false
	for i := range to.Inputs {
		in := &to.Inputs[i]
		factor := isFactor(in.Role)
		if factor {
			factors++
		}
		if to.Medium == Stack && in.Value == "" && (factor || in.Role == RoleOxygen) {
			if in.State = cmp.Or(in.State, to.State); in.State == "" {
				c.wrong("state", "is missing: want "+or(gasStates)+", as the analysers give it: there is no safe default",
					"those in the duct are mostly wet-actual, those behind a cooler dry-standard")
				return
			}
			actual, wet = actual || in.Actual(), wet || in.Wet()
		}
		if in.PartOfVolume() {
			if in.MolarMass = cmp.Or(in.MolarMass, molarMass(to.Medium, in.Role)); in.MolarMass == "" {
				c.wrong("inputs."+in.Role+".molar_mass", "is missing: that of "+in.Role+", which is in "+in.Unit+", is not known", "")
			}
		}
	}
	flow, velocity := to.Input(RoleFlow) != nil, to.Input(RoleVelocity) != nil
	if factors == 0 && !flow && !velocity && to.Medium != Noise && to.Medium != Wind {
		c.wrong("", "has nothing to compute: none of its inputs is a factor or a flow", "envgate template show NAME shows what an instrument has")
	}
	switch to.Medium {
	case Stack:
		c.need(actual || velocity, "the standard state", RoleTemperature, RolePressure, RoleAmbient)
		c.need(wet || velocity, "dry gas", RoleMoisture)
		c.need(to.ReferenceOxygen != "", "converted values", RoleOxygen)
		if velocity && to.Area == "" {
			c.wrong("area", "is missing: want the duct's area in m2: the flow is computed of it", "")
		}
	case Water:
		if flow {
			to.Mean = cmp.Or(to.Mean, means[0])
		}
		to.Mean = cmp.Or(to.Mean, means[1])
		c.need(to.Mean == means[0] || to.Input(RoleTotal) != nil, "means and loads", RoleFlow)
	case Noise:
		c.need(true, "noise", RoleLevel)
	case Wind:
		c.need(true, "wind", RoleDirection)
	}
}

// need reports inputs that are not there.
func (c *calcReader) need(due bool, what string, roles ...string) {
	for _, r := range roles {
		if due && c.to.Input(r) == nil {
			c.wrong("inputs."+r, "is missing: "+what+" cannot be had without it",
				"where it is not measured it may be fixed, such as "+r+": {value: 8.5}, in "+c.quantities(r)[0])
		}
	}
}

// canonicalCalculation is one with all that was taken from its device.
func canonicalCalculation(c *Calculation) object {
	var inputs, o object
	for _, in := range c.Inputs {
		inputs = append(inputs, field{in.Role, tagged(reflect.ValueOf(in))[1:]})
	}
	for _, f := range tagged(reflect.ValueOf(c).Elem()) {
		if f.key == "-" {
			f = field{"inputs", inputs}
		}
		o = append(o, f)
	}
	return o
}

// calculated says whether a calculation has that name.
func (s *Site) calculated(name string) bool {
	for i := range s.Calculations {
		if s.Calculations[i].Name == name {
			return true
		}
	}
	return false
}
