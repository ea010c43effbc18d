package drivers

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A CommandSpec is something that the instrument can be told to do, by a write
// of one coil or register. A template says what there is; nothing in here
// sends it.
type CommandSpec struct {
	// Command is what it does: zero, span, blowback, sample or stop, and a
	// hyphen and more where there are several: span-2. It is unique.
	Command string `yaml:"command"`

	// Chinese and English are for people.
	Chinese string `yaml:"zh"`
	English string `yaml:"en"`

	// Function is the Modbus function: 5 a coil, 6 or 16 a register.
	Function Number `yaml:"function"`

	// Address is the address as it goes over the wire, 0 to 65535.
	Address Number `yaml:"address"`

	// Value is what is written: 0 or 1 to a coil, 0 to 65535 to a register.
	Value Number `yaml:"value"`

	// Lasts is how long the instrument is at it, as in 5m; empty if unknown.
	Lasts Number `yaml:"lasts"`

	// Confidence is seen or uncertain, where it differs from the template's.
	Confidence string `yaml:"confidence"`
}

// A Command is a CommandSpec made ready.
type Command struct {
	Name       string
	Chinese    string
	English    string
	Function   byte
	Address    uint16
	Value      uint16
	Lasts      time.Duration // 0: unknown
	Confidence string
}

var commandKinds = []string{"zero", "span", "blowback", "sample", "stop"}

// commands checks the template's commands.
func (c *compiler) commands() {
	seen := make(map[string]int)
	for i := range c.t.CommandSpecs {
		s := &c.t.CommandSpecs[i]
		at := func(key string) string { return fmt.Sprintf("commands[%d].%s", i, key) }
		kind, _, _ := strings.Cut(s.Command, "-")
		if !slices.Contains(commandKinds, kind) || !validStatus(s.Command) {
			c.fail(at("command"), "is %q: want zero, span, blowback, sample or stop, with a hyphen and more if there are several", s.Command)
		}
		if first, ok := seen[s.Command]; ok {
			c.fail(at("command"), "is %q once more: commands[%d] is it already", s.Command, first)
		}
		seen[s.Command] = i
		function, address, value, highest := 0, 0, 0, 65535
		switch s.Function {
		case "5", "0x05":
			function, highest = 5, 1
		case "6", "0x06":
			function = 6
		case "16", "0x10":
			function = 16
		default:
			c.fail(at("function"), "is %q: commands write a coil (5) or a register (6 or 16)", string(s.Function))
		}
		for _, n := range []struct {
			key  string
			n    Number
			what string
			most int
			to   *int
		}{
			{"address", s.Address, "an address is", 65535, &address},
			{"value", s.Value, "what can be written there is", highest, &value},
		} {
			if n.n == "" {
				c.fail(at(n.key), "is missing: there is no default")
			}
			c.whole(at(n.key), n.n, n.what, 0, n.most, n.to)
		}
		done := Command{
			Name: s.Command, Chinese: s.Chinese, English: s.English,
			Function: byte(function), Address: uint16(address), Value: uint16(value),
			Confidence: c.confidence(at("confidence"), s.Confidence),
		}
		c.duration(at("lasts"), s.Lasts, &done.Lasts)
		c.t.commands = append(c.t.commands, done)
	}
}

// Commands returns what the instrument can be told to do.
func (t *Template) Commands() []Command { return slices.Clone(t.commands) }

// duration reads a time such as 500ms into out, which it leaves alone if n is
// empty. Up to an hour makes sense for what has one.
func (c *compiler) duration(field string, n Number, out *time.Duration) {
	if n == "" {
		return
	}
	d, err := time.ParseDuration(string(n))
	if err != nil || d <= 0 || d > time.Hour {
		c.fail(field, "is %s: want a time up to 1h, such as 500ms, 10s or 5m", n)
		return
	}
	*out = d
}

// confidence reads seen or uncertain; the template's own if it is empty.
func (c *compiler) confidence(field, s string) string {
	switch s {
	case "":
		return c.t.Confidence
	case Seen, Uncertain:
	default:
		c.fail(field, "is %q: want seen or uncertain", s)
	}
	return s
}
