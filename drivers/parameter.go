package drivers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxParameters bounds a template's parameters, with blocks written out: all of
// a device's go into one event.
const maxParameters = 200

// A ParameterSpec is something that is set in the instrument and decides its
// figures: a span, a slope, a range. Who changes one changes every figure after
// it, so they are read now and then, apart from polls, and each difference is
// told. What changes by itself (a stability, a lamp's current) is none.
//
// The instrument's own clock is one too, without a name.
type ParameterSpec struct {
	// Parameter is the name: one of [ParameterNames] where it fits, with a
	// hyphen and more where there are several (slope-2), else a name of its
	// own. Small letters, digits and hyphens, 24 at most; unique.
	Parameter string `yaml:"parameter" json:"parameter"`

	// Of is the point whose values it decides; empty for those of all, or none.
	Of string `yaml:"of" json:"of,omitempty"`

	// Chinese and English are for people, and may be empty for names of the list.
	Chinese string `yaml:"zh" json:"zh"`
	English string `yaml:"en" json:"en"`

	// Form is how a time is written, which it has in place of Type:
	//
	//	registers  one register for each field
	//	bytes      one byte for each field
	//	bcd        one byte for each field, two decimal digits in it
	//	unix       seconds since 1970 (UTC), an unsigned integer of 32 bits
	//	text       a string of Length registers, such as 2026-03-01 08:00:00
	Form string `yaml:"form" json:"-"`

	// Fields are the fields of a time in their order, YMDhms if empty: Y year
	// (of the century, or whole), M month, D day, h hour, m minute, s second,
	// C century, _ one that does not count, such as the day of the week.
	Fields string `yaml:"fields" json:"-"`

	// Zone is what the clock is set to, +08:00 if empty (unix: +00:00).
	Zone string `yaml:"zone" json:"-"`

	// The others are those of a point.
	Function   Number   `yaml:"function" json:"-"`
	Address    Number   `yaml:"address" json:"-"`
	Type       string   `yaml:"type" json:"-"`
	Order      string   `yaml:"order" json:"-"`
	Length     Number   `yaml:"length" json:"-"`
	Bits       Number   `yaml:"bits" json:"-"`
	Scale      Number   `yaml:"scale" json:"-"`
	Offset     Number   `yaml:"offset" json:"-"`
	Decimals   Number   `yaml:"decimals" json:"-"`
	Unit       string   `yaml:"unit" json:"unit,omitempty"`
	Sentinels  []Number `yaml:"sentinels" json:"-"`
	Confidence string   `yaml:"confidence" json:"confidence,omitempty"`
}

// parameterNames are what instruments let one set.
var parameterNames = []struct{ name, chinese, english string }{
	{}, // none of the list
	{"span", "跨度值", "span value"},
	{"zero", "零点值", "zero value"},
	{"slope", "斜率", "slope"},
	{"offset", "偏移", "offset"},
	{"intercept", "截距", "intercept"},
	{"factor", "修正系数", "correction factor"},
	{"k-factor", "K系数", "K factor"},
	{"range", "测量量程", "measuring range"},
	{"range-low", "量程下限", "lower end of the measuring range"},
	{"range-high", "量程上限", "upper end of the measuring range"},
	{"reference-oxygen", "基准氧含量", "reference oxygen"},
	{"pitot-factor", "皮托管系数", "pitot tube factor"},
	{"velocity-factor", "速度场系数", "velocity field factor"},
	{"duct-area", "烟道截面积", "cross section of the duct"},
	{"path-length", "光程", "path length"},
	{"pressure", "设定压力", "pressure that is reckoned with"},
	{"moisture", "设定湿度", "moisture that is reckoned with"},
	{"altitude", "海拔高度", "altitude"},
	{"direction-offset", "风向偏差角", "offset of wind direction"},
	{"efficiency", "转化效率", "converter efficiency"},
	{"detection-limit", "检出限", "detection limit"},
	{"averaging", "平均时间", "averaging time"},
	{"response-time", "响应时间", "response time"},
	{"interval", "测量间隔", "measuring interval"},
	{"digestion-temperature", "消解温度", "digestion temperature"},
	{"digestion-time", "消解时长", "digestion time"},
	{"calibrated", "校准时间", "time of the last calibration"},
	{"unit", "单位代码", "code of the unit"},
	{"quantity", "被测量代码", "code of what is measured"},
	{"model", "型号", "model"},
	{"serial-number", "序列号", "serial number"},
	{"firmware", "固件版本", "firmware version"},
}

// ParameterNames returns the names that have a meaning of their own.
func ParameterNames() []string {
	var names []string
	for _, n := range parameterNames[1:] {
		names = append(names, n.name)
	}
	return names
}

// A setting is a parameter or the clock, written out and made ready for work.
type setting struct {
	*ParameterSpec
	form *timeForm // of a time; nil for a number or a text
	path string    // in the file
}

const clockPath = "clock"

// settings checks parameters and clock, and plans how they are read: each
// question with the limits that those of readings have.
func (c *compiler) settings(l limits) {
	c.t.writeSettings(func(path string, s ParameterSpec) bool { return c.setting(path, &s, l) })
	if len(c.errs) == 0 {
		c.t.survey = plan(c.t.surveyed, l)
	}
}

// writeSettings gives all parameters with blocks written out, then the clock, with
// where each stands in the file, until do is false.
func (t *Template) writeSettings(do func(path string, s ParameterSpec) bool) {
	for i, s := range t.ParameterSpecs {
		if !do(fmt.Sprintf("parameters[%d]", i), s) {
			return
		}
	}
	for i := range t.Blocks {
		b := &t.Blocks[i]
		stride, _ := parseWhole(string(b.Stride))
		for n, names := range b.channels() {
			for j, s := range b.ParameterSpecs {
				for _, text := range []*string{&s.Parameter, &s.Of, &s.Unit, &s.Chinese, &s.English} {
					*text = names.Replace(*text)
				}
				s.Address = further(s.Address, n*stride)
				if !do(fmt.Sprintf("blocks[%d].parameters[%d]", i, j), s) {
					return
				}
			}
		}
	}
	if t.ClockSpec != nil {
		do(clockPath, *t.ClockSpec)
	}
}

// setting checks one, and fills in what it leaves to its template. It is false for
// one too many.
func (c *compiler) setting(path string, s *ParameterSpec, l limits) bool {
	c.index, c.path = -1, path
	defer func() { c.path = "" }()
	if len(c.t.settings) == maxParameters {
		c.fail("", "is one too many: a template has %d at most, with channels", maxParameters)
		return false
	}
	c.title(s)
	s.Confidence = c.confidence("confidence", s.Confidence)
	if s.Of != "" && !slices.ContainsFunc(c.t.points, func(p point) bool { return p.code == s.Of }) {
		c.fail("of", "is %q: the template has no such point", s.Of)
	}
	p := point{decimals: -1}
	spec := PointSpec{
		Point: s.Parameter, Function: s.Function, Address: s.Address, Type: s.Type, Order: s.Order, Length: s.Length,
		Bits: s.Bits, Scale: s.Scale, Offset: s.Offset, Decimals: s.Decimals, Unit: s.Unit, Sentinels: s.Sentinels,
	}
	set := setting{s, nil, path}
	if s.Form != "" || path == clockPath {
		set.form = c.form(s, &spec)
		c.place(&spec, &p)
	} else {
		if s.Fields != "" || s.Zone != "" {
			c.fail("form", "is missing: fields and zone are of times")
		}
		c.place(&spec, &p)
		c.number(&spec, &p)
	}
	c.reach(&p, l)
	s.Function, s.Address = Number(strconv.Itoa(int(p.function))), Number(strconv.Itoa(p.address))
	if s.Order == "" && p.width > 16 {
		s.Order = c.t.Order
	}
	if s.Form == "" && p.kind == kindBit {
		s.Type = "bit"
	}
	c.t.settings, c.t.surveyed = append(c.t.settings, set), append(c.t.surveyed, p)
	return true
}

// title checks a parameter's name, and fills in what people call it.
func (c *compiler) title(s *ParameterSpec) {
	if c.path == clockPath {
		if s.Parameter != "" || s.Of != "" {
			c.fail("parameter", "is given: a clock is none")
		}
		return
	}
	if !validStatus(s.Parameter) || s.Parameter == "" || !isLetter(s.Parameter[0]) {
		c.fail("parameter", "is %q: a name is small letters, digits and hyphens, a letter first, 24 at most", s.Parameter)
		return
	}
	for _, o := range c.t.settings {
		if o.Parameter == s.Parameter {
			c.fail("parameter", "is %q once more: %s is it already", s.Parameter, o.path)
			if o.path == c.path {
				c.hint("write $n into the name, so that each channel has its own")
			}
		}
	}
	best := 0
	for i, n := range parameterNames {
		rest, ok := strings.CutPrefix(s.Parameter, n.name)
		if ok && (rest == "" || rest[0] == '-') && len(n.name) > len(parameterNames[best].name) {
			best = i
		}
	}
	if n := parameterNames[best]; n.name != "" {
		rest := strings.TrimPrefix(s.Parameter[len(n.name):], "-")
		if s.Chinese == "" {
			s.Chinese = n.chinese + rest
		}
		if s.English == "" {
			s.English = strings.TrimSpace(n.english + " " + rest)
		}
	}
	if s.Chinese == "" || s.English == "" {
		c.fail("zh", "is missing: a name of your own is given in zh and in en")
		c.hint("names that need none: " + strings.Join(ParameterNames(), ", "))
	}
}

// reach checks that one question of the template can hold p.
func (c *compiler) reach(p *point, l limits) {
	if p.kind != kindBit && p.count > l.registers {
		c.fail("type", "takes %d registers: the template allows %d in one question", p.count, l.registers)
	}
	if !l.allow(p.function, p.address, p.address+p.count) {
		c.fail("address", "is %d: that is in a range the template forbids", p.address)
	}
}

// Parameters returns the parameters with blocks written out and names filled in.
// They are not to be changed.
func (t *Template) Parameters() []*ParameterSpec {
	var out []*ParameterSpec
	for _, s := range t.settings {
		if s.path != clockPath {
			out = append(out, s.ParameterSpec)
		}
	}
	return out
}

// Clock returns the instrument's clock, with defaults filled in; nil without one.
func (t *Template) Clock() *ParameterSpec {
	if n := len(t.settings); n > 0 && t.settings[n-1].path == clockPath {
		return t.settings[n-1].ParameterSpec
	}
	return nil
}
