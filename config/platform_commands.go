package config

import (
	"slices"
	"strings"
	"time"
)

// PlatformCommands are what a platform may have done by its commands (反控).
type PlatformCommands struct {
	// Allow are kinds of commands: read, history, timing, stop, password, key. By
	// default the first three: they let a platform see, and neither lock anybody out nor
	// stop what goes out. Empty is none.
	Allow []string

	// ClockStep is by how much a platform may set the time (CN 1012), 1 s to 24 h; 0, the
	// default, is not at all.
	ClockStep time.Duration

	// Registration is what the gateway says of itself while it has no MN (HJ 212-2025,
	// CN 1001): serial number, CPU id and two MAC addresses, of which all but the first
	// may be empty; nil is none.
	Registration []string

	// Identities answer CN 3019: code of a factor, =, identity of its instrument
	// (设备唯一标识), 24 digits 0-9 A-F by the standard.
	Identities []string
}

var (
	commandKinds    = []string{"read", "history", "timing", "stop", "password", "key"}
	defaultCommands = commandKinds[:3]
)

const defaultClockStep = 10 * time.Minute

func (r *reader) platformCommands(g *group, to *Platform) {
	c := &to.Commands
	c.Allow = slices.Clone(defaultCommands)
	if !g.has("commands") {
		return
	}
	g, ok := r.group(g.at("commands"), "platforms[].commands", "allow, clock, registration or identities")
	if !ok {
		return
	}
	if g.has("clock") {
		if g, ok := r.group(g.at("clock"), "platforms[].commands.clock", "from: platform"); ok {
			from, step := "", defaultClockStep
			g.need("from", "want platform or none: whether a platform may set the time")
			g.choice("from", &from, []string{"none", "platform"})
			g.duration("max_step", &step, time.Second, 24*time.Hour, "a step of the clock")
			if from == "platform" {
				c.ClockStep = step
			}
		}
	}
	const wantText = "want a list of serial, CPU id and MAC addresses of the gateway, the serial at least"
	if texts := r.words(g, "registration", wantText, 4, func(s string) bool { return isWord(s, 64, "-_.:") }); len(texts) > 0 {
		c.Registration = append(texts, "", "", "")[:4]
	}
	const wantIdentity = "want a list of factor code, = and identity, such as a34004=010000A8900016F000169DC1"
	c.Identities = r.words(g, "identities", wantIdentity, maxKeys, func(s string) bool {
		code, sn, _ := strings.Cut(s, "=")
		return isWord(code, 32, "_") && isWord(sn, 24, "")
	})
	if !g.has("allow") {
		return
	}
	c.Allow = r.words(g, "allow", "want "+or(commandKinds)+", or [none]", len(commandKinds), func(s string) bool {
		return slices.Contains(commandKinds, s) || s == "none"
	})
	c.Allow = slices.DeleteFunc(c.Allow, func(s string) bool { return s == "none" })
}

// words are a list's items, all of which ok takes.
func (r *reader) words(g *group, key, want string, most int, ok func(string) bool) (out []string) {
	for _, p := range g.list(key, want, most) {
		if p.kind != scalar || !ok(p.text) {
			r.bad(p, want, "")
			continue
		}
		out = append(out, p.text)
	}
	return out
}

func canonicalCommands(c *PlatformCommands) object {
	o := object{{"allow", texts(c.Allow)}}
	if len(c.Allow) == 0 {
		o = object{{"allow", array{"none"}}}
	}
	if c.ClockStep > 0 {
		o = append(o, field{"clock", object{{"from", "platform"}, {"max_step", formatDuration(c.ClockStep)}}})
	}
	registration := slices.DeleteFunc(slices.Clone(c.Registration), func(s string) bool { return s == "" })
	return append(o, field{"registration", texts(registration)}, field{"identities", texts(c.Identities)})
}
