package config

import (
	"fmt"
	"slices"
)

// Rollup says which figures are made, and how.
type Rollup struct {
	// Minutes is the minute period: a divisor of 60 up to 30, by default 10;
	// 0 makes none.
	Minutes int

	// Rule is share (the default) or any: whether a period is good with three quarters
	// of its values, or only if no value was bad (HJ 212-2017, C.16 to C.18).
	Rule string

	// HourMinutes and DayHours are how many good minutes make a good hour, 1 to 60, by
	// default 45, and how many good hours a good day, 1 to 24, by default 20.
	HourMinutes, DayHours int

	// Abnormal is the flag of what is not good: D (the default), or most, which is that
	// of most of its values that were not good.
	Abnormal string

	// CountFlags are the flags of values that count, N among them; by default N alone.
	CountFlags []string

	// Night is whole hours, by default 22:00-06:00.
	Night Hours

	// Decimals of the means of a point, in the place of those of its factor's format.
	Decimals []PointDecimals

	// Devices that have another rule.
	Devices []DeviceRule
}

// PointDecimals is how many decimals the means of a point have at least, 0 to 6.
type PointDecimals struct {
	Point    string
	Decimals int
}

// A DeviceRule is how the figures of one device are made.
type DeviceRule struct {
	Device string
	Rule   string // share or any, by default the site's

	// Noise has the statistics of its sound level LA made: L5 to L95, and, of days, Ld,
	// Ln and Ldn.
	Noise bool
}

func defaultRollup() Rollup {
	return Rollup{
		Minutes: 10, Rule: "share", HourMinutes: 45, DayHours: 20, Abnormal: "D",
		CountFlags: []string{"N"}, Night: Hours{22 * 60, 6 * 60},
	}
}

var rules = []string{"share", "any"}

// rollup reads how figures are made. s is what was read before.
func (r *reader) rollup(p *place, to *Rollup, s *Site) {
	g, ok := r.group(p, "rollup", "minutes")
	if !ok {
		return
	}
	const want = "want a number of minutes that divides the hour: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30; 0 for none"
	minutes := to.Minutes
	switch {
	case !g.number("minutes", &minutes, 0, 30, want):
	case minutes > 0 && 60%minutes != 0:
		r.bad(g.at("minutes"), want, "")
	default:
		to.Minutes = minutes
	}
	g.choice("rule", &to.Rule, rules)
	g.number("hour_minutes", &to.HourMinutes, 1, 60, "want the minutes that make a good hour, 1 to 60; HJ 75 and GB 3095 ask for 45")
	g.number("day_hours", &to.DayHours, 1, 24, "want the hours that make a good day, 1 to 24; GB 3095 asks for 20, three quarters are 18")
	g.choice("abnormal", &to.Abnormal, []string{"D", "most"})
	r.countFlags(g, to)
	r.night(g, to)
	taken := names{}
	for _, p := range g.list("decimals", "want a list of points and their decimals, or no decimals: at all", 256) {
		var d PointDecimals
		if g, ok := r.group(p, "rollup.decimals[]", "point and decimals"); ok && r.onePoint(g, &d.Point, taken) &&
			g.need("decimals", wantDecimals) && g.number("decimals", &d.Decimals, 0, 6, wantDecimals) {
			to.Decimals = append(to.Decimals, d)
		}
	}
	taken = names{}
	for _, p := range g.list("devices", "want a list of devices and their rules, or no devices: at all", 256) {
		d := DeviceRule{Rule: to.Rule}
		if g, ok := r.group(p, "rollup.devices[]", "device, and rule or noise"); ok && r.oneDevice(g, &d.Device, s, taken) {
			g.choice("rule", &d.Rule, rules)
			g.yes("noise", &d.Noise)
			to.Devices = append(to.Devices, d)
		}
	}
}

const wantDecimals = "want 0 to 6"

func (r *reader) countFlags(g *group, to *Rollup) {
	if !g.has("count_flags") {
		return
	}
	const want = "want a list of flags whose values count, such as [N, M]"
	var flags []string
	for _, p := range g.list("count_flags", want, 16) {
		if p.kind != scalar || !isWord(p.text, 2, "") || slices.Contains(flags, p.text) {
			r.bad(p, "want a flag of HJ 212, each once: N F M S D C T B", "")
			return
		}
		flags = append(flags, p.text)
	}
	if len(flags) > 0 && !slices.Contains(flags, "N") {
		r.say(g.at("count_flags"), "has no N: good values always count", "")
		return
	}
	to.CountFlags = flags
}

func (r *reader) night(g *group, to *Rollup) {
	p, there := g.values["night"]
	if !there {
		return
	}
	h, ok := parseHours(p.text)
	if p.kind != scalar || !ok || h.From%60 != 0 || h.To%60 != 0 {
		r.bad(p, "want two whole hours of the day, such as 22:00-06:00", "GB 3096 has 22:00-06:00 where the county says nothing else")
		return
	}
	to.Night = h
}

// onePoint reads the point of an entry that no other has.
func (r *reader) onePoint(g *group, to *string, taken names) bool {
	const want = "want the code of a point, such as a34004"
	return g.need("point", want) && g.word("point", to, want, func(s string) bool { return isWord(s, 32, "_") }) &&
		r.once(g.at("point"), *to, taken)
}

// oneDevice reads the device of an entry that no other has.
func (r *reader) oneDevice(g *group, to *string, s *Site, taken names) bool {
	if !g.need("device", "want the name of one of the devices") || !g.word("device", to, wantName, isName, hintName) {
		return false
	}
	if s.device(*to) == nil && !r.torn {
		r.say(g.at("device"), fmt.Sprintf("is %s: no device has that name", *to), "")
		return false
	}
	return r.once(g.at("device"), *to, taken)
}

func (r *reader) once(p *place, name string, taken names) bool {
	if first, ok := taken[name]; ok {
		r.say(p, fmt.Sprintf("is %s: it stands in line %d already", name, first.line), "keep the right one and delete the other")
		return false
	}
	taken[name] = p
	return true
}

func canonicalRollup(c Rollup) object {
	return object{
		{"minutes", c.Minutes},
		{"rule", c.Rule},
		{"hour_minutes", c.HourMinutes},
		{"day_hours", c.DayHours},
		{"abnormal", c.Abnormal},
		{"count_flags", texts(c.CountFlags)},
		{"night", c.Night.String()},
		{"decimals", each(c.Decimals, func(d *PointDecimals) object {
			return object{{"point", d.Point}, {"decimals", d.Decimals}}
		})},
		{"devices", each(c.Devices, func(d *DeviceRule) object {
			return object{{"device", d.Device}, {"rule", d.Rule}, {"noise", d.Noise}}
		})},
	}
}
