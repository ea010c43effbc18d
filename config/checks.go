package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Check watches one point: whether its values can be, and whether they are over a
// limit.
type Check struct {
	Subject

	// Rules are at least one, of each kind one at most, in the order in which they
	// judge: range, rate, stuck, twin, sum, limit.
	Rules []Rule
}

// A Subject is a point of a device, or of a calculation under its name.
type Subject struct{ Device, Point string }

// String is the subject as events have it: gas/a21026.
func (s Subject) String() string { return s.Device + "/" + s.Point }

// A Rule is one thing that a check looks at. Numbers are in the point's unit.
//
//	limit  what a value must not pass: at least one of low, warn_low, warn_high and high;
//	       it is over when it has come back by back
//	range  what it can be at all: at least one of low and high
//	rate   by how much it may change in a minute: most
//	stuck  that it may not stand for longer than For, except at except
//	twin   that it may be off the one of Others by most, or percent of that one's value,
//	       the larger of the two, and by more no longer than For
//	sum    that Others together are more than it by no more than tolerance
type Rule struct {
	Kind    string
	Numbers map[string]float64 // those that were given, by key

	// For is by how long it must last: of limit 0 to 1 h (after), of stuck 1 m to 7 d, of
	// twin 0 to 7 d.
	For time.Duration

	Converted bool // the converted value is judged (折算值); of limit alone
	Others    []Subject

	// Flag is what readings get; empty is none. By default D; of limit none, as a value
	// over its limit is a good value.
	Flag string
}

// Maintenance says what a technician may do.
type Maintenance struct {
	// Longest is for how long a device may be set to maintenance at once, 10 m to 7 d,
	// by default 24 h.
	Longest time.Duration
}

const (
	maxChecks  = 200
	maxParts   = 16
	maxNumber  = 1e15 // either side of zero
	wantNumber = "want a number in the point's unit, without the unit"
	noFlag     = "none"
)

// A ruleKind says what the rules of a kind have.
type ruleKind struct {
	kind, flag  string
	need        []string // one of them must be there; numbers, each above the one before
	more        []string // numbers besides
	time        string   // the key of For ...
	least, most time.Duration
	others      string // ... and of Others
	want        string // what need means
}

// ruleKinds are the kinds of rules, in the order in which they judge.
var ruleKinds = []ruleKind{
	{"range", "D", []string{"low", "high"}, nil, "", 0, 0, "", "low, high or both"},
	{"rate", "D", []string{"most"}, nil, "", 0, 0, "", "by how much it may change in a minute"},
	{"stuck", "D", []string{"for"}, []string{"except"}, "for", time.Minute, 7 * day, "", "how long it may stay the same, such as 30m"},
	{"twin", "D", []string{"most", "percent"}, nil, "for", 0, 7 * day, "device", "by how much the two may differ: most, percent or both"},
	{"sum", "D", []string{"parts"}, []string{"tolerance"}, "", 0, 0, "parts", wantParts},
	{"limit", "", []string{"low", "warn_low", "warn_high", "high"}, []string{"back"}, "after", 0, time.Hour, "", "high, low, warn_high or warn_low"},
}

const wantParts = "a list of device and point, which together are no more than this one"

// ruleFlags are the flags that a rule may set: all of HJ 212-2017 but N. No check makes a
// reading better.
var ruleFlags = []string{"D", "T", "M", "C", "F", "S", "B", noFlag}

// checks reads what is watched. s is what was read before.
func (r *reader) checks(places []*place, s *Site) []Check {
	list := make([]Check, len(places))
	taken := map[Subject]int{}
	for i, p := range places {
		c := &list[i]
		g, ok := r.group(p, "checks[]", "device, point, and what is checked")
		if !ok {
			continue
		}
		if r.subject(g, &c.Subject, s) {
			at := g.at("point")
			if line, ok := taken[c.Subject]; ok {
				r.say(at, fmt.Sprintf("is %s: %s has its checks already (line %d)", c.Point, c.Subject, line), "write all checks of a point under one item")
			}
			taken[c.Subject] = at.line
		}
		for kind := range ruleKinds {
			r.rule(g, c, kind, s)
		}
		if c.Rules == nil && !g.holes {
			r.say(g.place, "checks nothing: want limit, range, rate, stuck, twin or sum", "")
		}
	}
	return list
}

// subject reads device and point.
func (r *reader) subject(g *group, to *Subject, s *Site) bool {
	ok := g.need("device", "want the name of a device or calculation above") && g.word("device", &to.Device, wantName, isName, hintName)
	if ok && s.device(to.Device) == nil && !s.calculated(to.Device) && !r.torn {
		r.say(g.at("device"), "is "+to.Device+": no device above has that name", "")
	}
	return g.need("point", "want a point of that device") && g.word("point", &to.Point, "want a point of that device, such as a34004", func(s string) bool {
		return isWord(s, 32, "_")
	}) && ok
}

// rule reads a rule of a kind, if it is there.
func (r *reader) rule(g *group, c *Check, kind int, s *Site) {
	k := &ruleKinds[kind]
	if !g.has(k.kind) {
		return
	}
	section := "checks[]." + k.kind
	g, ok := r.group(g.at(k.kind), section, strings.Join(sections[section], ", "))
	to := Rule{Kind: k.kind, Numbers: map[string]float64{}, Flag: k.flag}
	if ok {
		r.ruleNumbers(g, &to, kind)
		if k.time != "" {
			g.duration(k.time, &to.For, k.least, k.most, "that time")
		}
		g.yes("converted", &to.Converted)
		if g.choice("flag", &to.Flag, ruleFlags) && to.Flag == noFlag {
			to.Flag = ""
		}
		switch k.others {
		case "device":
			to.Others = append(to.Others, r.other(g, c, s))
		case "parts":
			for _, p := range g.list("parts", "want "+wantParts, maxParts) {
				if g, ok := r.group(p, section+".parts[]", "device and point"); ok {
					to.Others = append(to.Others, r.other(g, c, s))
				}
			}
		}
	}
	c.Rules = append(c.Rules, to)
}

// other reads a point that is compared with the one of c.
func (r *reader) other(g *group, c *Check, s *Site) (other Subject) {
	if r.subject(g, &other, s) && other == c.Subject {
		r.say(g.at("point"), "is "+other.Point+": that is the point itself", "")
	}
	return other
}

func (r *reader) ruleNumbers(g *group, to *Rule, kind int) {
	k := &ruleKinds[kind]
	given, before := false, ""
	for _, key := range slices.Concat(k.need, k.more) {
		if !g.has(key) || key == k.time || key == k.others {
			given = given || g.has(key)
			continue
		}
		least, want := -maxNumber, wantNumber
		switch key {
		case "back", "tolerance":
			least = 0
		case "most", "percent":
			least, want = 1e-9, "want a number above 0, without a unit"
		}
		f := 0.0
		good := g.decimal(key, &f, least, maxNumber, want)
		if slices.Contains(k.need, key) {
			given = true
			if good && before != "" && key != "percent" && f <= to.Numbers[before] {
				r.bad(g.at(key), "want more than "+before, "did the two change places?")
			}
			before = key
		}
		if good {
			to.Numbers[key] = f
		}
	}
	if !given {
		g.need(k.need[len(k.need)-1], "want "+k.want)
	}
}

// Words are the checks in words, with numbers in the point's unit: "range: low 0, high
// 1000, flag D; limit: high 150, after 1m, flag none".
func (c *Check) Words() string {
	var all []string
	for i := range c.Rules {
		all = append(all, c.Rules[i].Kind+": "+c.Rules[i].Words())
	}
	return strings.Join(all, "; ")
}

// Words are the keys of a rule and their values.
func (x *Rule) Words() string {
	return strings.NewReplacer(`"`, "", "{", "", "}", "", ",\n", ", ", ":", " ").Replace(string(canonicalRule(x).json(nil)))
}

func canonicalCheck(c *Check) object {
	o := canonicalSubject(&c.Subject)
	for i := range c.Rules {
		o = append(o, field{c.Rules[i].Kind, canonicalRule(&c.Rules[i])})
	}
	return o
}

func canonicalRule(x *Rule) (o object) {
	k := &ruleKinds[0]
	for i := range ruleKinds {
		if ruleKinds[i].kind == x.Kind {
			k = &ruleKinds[i]
		}
	}
	switch k.others {
	case "device":
		o = canonicalSubject(&x.Others[0])
	case "parts":
		o = object{{"parts", each(x.Others, canonicalSubject)}}
	}
	for _, key := range slices.Concat(k.need, k.more) {
		if f, ok := x.Numbers[key]; ok {
			o = append(o, field{key, f})
		}
	}
	if k.time != "" {
		o = append(o, field{k.time, formatDuration(x.For)})
	}
	if x.Converted {
		o = append(o, field{"converted", true})
	}
	flag := x.Flag
	if flag == "" {
		flag = noFlag
	}
	return append(o, field{"flag", flag})
}

func canonicalSubject(s *Subject) object { return object{{"device", s.Device}, {"point", s.Point}} }
