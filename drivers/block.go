package drivers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxPoints bounds a template's points, with blocks written out.
const maxPoints = 1000

// A Block is a run of points that the instrument repeats for each of its
// channels, Stride registers further on each time. In the names of its points
// $n stands for the channel's number, from 1, and $each for its item of Each; in
// their units $unit stands for its item of Units.
type Block struct {
	// Count is how many channels there are, 1 to 250; Each stands in its place
	// where they have codes of their own.
	Count Number   `yaml:"count"`
	Each  []string `yaml:"each"`

	// Units are their units, where they differ: $unit stands for them.
	Units []string `yaml:"units"`

	// Stride is how far the registers of two channels are apart. It holds for
	// all points of the block.
	Stride Number `yaml:"stride"`

	// Specs are the points of the first channel, and ParameterSpecs what is set
	// for it.
	Specs          []PointSpec     `yaml:"points"`
	ParameterSpecs []ParameterSpec `yaml:"parameters"`
}

// A written is a point with blocks written out, and where it stands.
type written struct {
	PointSpec
	index int    // in the template's points, -1 for one of a block
	path  string // blocks[0].points[1] for one of a block
}

// writeOut returns all points: those of the template, then the blocks' channel
// by channel.
func (c *compiler) writeOut() []written {
	var out []written
	for i, s := range c.t.Specs {
		out = append(out, written{s, i, ""})
	}
	for i := range c.t.Blocks {
		b := &c.t.Blocks[i]
		at := func(key string) string { return fmt.Sprintf("blocks[%d].%s", i, key) }
		count, stride := len(b.Each), 0
		switch {
		case b.Count == "" && count == 0:
			c.fail(at("count"), "is missing: want the number of channels, or each with their codes")
		case b.Count != "" && count > 0:
			c.fail(at("count"), "is %s beside each, which has %d: want one of them", b.Count, count)
		case count > 250:
			c.fail(at("each"), "has %d items: channels are 1 to 250", count)
			continue
		}
		if len(b.Units) > 0 && len(b.Units) != len(b.Each) {
			c.fail(at("units"), "has %d items: want one for each of the %d of each", len(b.Units), len(b.Each))
			continue
		}
		c.whole(at("count"), b.Count, "channels are", 1, 250, &count)
		if b.Stride == "" {
			c.fail(at("stride"), "is missing: want the registers from one channel to the next")
		}
		c.whole(at("stride"), b.Stride, "a stride is", 1, 65535, &stride)
		if len(b.Specs) == 0 && len(b.ParameterSpecs) == 0 {
			c.fail(at("points"), "is missing: want the points of the first channel")
		}
		if len(out)+count*len(b.Specs) > maxPoints {
			c.fail(at("points"), "are %d for %d channels: a template has %d points at most", len(b.Specs), count, maxPoints)
			continue
		}
		for n, names := range b.channels() {
			for j, s := range b.Specs {
				out = append(out, written{channel(s, names, n*stride), -1, fmt.Sprintf("blocks[%d].points[%d]", i, j)})
			}
		}
	}
	return out
}

// channels returns what the names of each channel are written out with. A block
// with a wrong number of them has none.
func (b *Block) channels() []*strings.Replacer {
	count := len(b.Each)
	if b.Count != "" {
		count, _ = parseWhole(string(b.Count))
	}
	if count > 250 || len(b.Units) > 0 && len(b.Units) != len(b.Each) {
		return nil
	}
	out := make([]*strings.Replacer, count)
	for n := range out {
		words := []string{"$n", strconv.Itoa(n + 1)}
		if n < len(b.Each) {
			words = append(words, "$each", b.Each[n])
		}
		if n < len(b.Units) {
			words = append(words, "$unit", b.Units[n])
		}
		out[n] = strings.NewReplacer(words...)
	}
	return out
}

// channel is s for another channel.
func channel(s PointSpec, names *strings.Replacer, off int) PointSpec {
	s.Point, s.Status, s.Channel = names.Replace(s.Point), names.Replace(s.Status), names.Replace(s.Channel)
	s.Unit = names.Replace(s.Unit)
	s.Chinese, s.English = names.Replace(s.Chinese), names.Replace(s.English)
	s.Flags = slices.Clone(s.Flags)
	for i, f := range s.Flags {
		f.Points = slices.Clone(f.Points)
		for j, p := range f.Points {
			f.Points[j] = names.Replace(p)
		}
		s.Flags[i] = f
	}
	s.Address = further(s.Address, off)
	return s
}

// further is an address off registers on. What is none is said of the first channel.
func further(address Number, off int) Number {
	if v, err := parseWhole(string(address)); err == nil && off > 0 {
		return Number(strconv.Itoa(v + off))
	}
	return address
}
