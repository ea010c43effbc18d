package drivers

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// StateUnknown is what a state is called while it cannot be read.
const StateUnknown = "unknown"

// maxState bounds a state's name, in bytes.
const maxState = 60

// states checks what a bit's being 0 and 1 means.
func (c *compiler) states(s *PointSpec, p *point) {
	names := [2]string{string(s.When0), string(s.When1)}
	if names == [2]string{} {
		return
	}
	one := p.kind == kindBit || p.kind == kindUint && p.mask == 1
	switch {
	case s.Point == "":
		c.fail("when_0", "is given: only a point can be a state")
		c.hint("write point: in place of status: or channel:; it may have flags as well")
		return
	case !one:
		c.fail("when_0", "is given: only a bit is 0 or 1")
		c.hint("take one bit out of a register with bits: 3")
		return
	case s.Scale != "" || s.Offset != "" || len(s.Range) > 0 || len(s.Sentinels) > 0:
		c.fail("when_0", "is %q: a state has no scale, offset, range and sentinels", names[0])
	}
	for i, field := range []string{"when_0", "when_1"} {
		switch name := names[i]; {
		case name == "":
			c.fail(field, "is missing: want a name for 0 and one for 1, such as closed and open")
		case name == names[1-i], name == StateUnknown, len(name) > maxState, strings.TrimSpace(name) != name, strings.IndexFunc(name, unprintable) >= 0:
			c.fail(field, "is %q: want two names of up to %d bytes, and not %s", name, maxState, StateUnknown)
		}
	}
	p.states = names
	if p.unit == "" {
		p.unit = "1"
	}
}

func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
