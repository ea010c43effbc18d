package envelope

import (
	"encoding/base64"
	"fmt"
)

// ParsePayload reads the payload of a message of type [TypeBlock]. It takes one
// JSON object in UTF-8 with the members of [Block.AppendPayload] in any order,
// none missing, none unknown, none twice, integers without fraction or exponent,
// nothing after the last brace; and what [Block.Check] takes. The block is the
// caller's; its strings share one copy of p.
//
// Flags that are all N, causes and raw bytes that are all null, come back as nil.
//
// The errors wrap [ErrPayload], [ErrSeq] or [ErrGenesis]; where the text itself
// is wrong there is a [*SyntaxError] with the place in it.
func ParsePayload(p []byte) (*Block, error) {
	b := new(Block)
	s := scanner{b: string(p)}
	s.block(b)
	if err := s.end(); err != nil {
		return nil, fmt.Errorf("envelope: %w: %w", ErrPayload, err)
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return b, nil
}

// The member lists below are what the payload may have; need is how many of
// the first of them must be there.
var (
	blockMembers   = []string{"v", "gw", "stream", "epoch", "seq", "prev", "boot", "t0", "clk", "cfg", "cat", "fw", "heads", "g", "ev"}
	clockMembers   = []string{"st", "err_ms", "mono_ms"}
	headMembers    = []string{"seq", "hash"}
	groupMembers   = []string{"src", "t", "i0", "k", "f", "q", "raw", "x", "zs", "avg", "min", "max", "cou", "zsavg", "zsmin", "zsmax", "n"}
	eventMembers   = []string{"type", "t", "subject", "old", "new", "who", "why"}
	receiptMembers = []string{"gw", "stream", "epoch", "upto", "head", "have", "want", "at"}
	headerMembers  = []string{"alg", "b64", "crit", "kid", "typ"}
)

func (s *scanner) block(b *Block) {
	s.object(blockMembers, 12, func(name string) {
		switch name {
		case "v":
			if v := s.integer(); v != Version && s.err == nil {
				s.fail("v is %d: %d", v, Version)
			}
		case "gw":
			b.Gateway = s.text()
		case "stream":
			b.Stream = s.text()
		case "epoch":
			b.Epoch = s.text()
		case "seq":
			b.Seq = s.number()
		case "prev":
			b.Prev = s.text()
		case "boot":
			b.Boot = s.text()
		case "t0":
			b.T0 = s.integer()
		case "clk":
			s.clock(&b.Clock)
		case "cfg":
			b.Config = s.text()
		case "cat":
			b.Catalogue = s.text()
		case "fw":
			b.Firmware = s.text()
		case "heads":
			s.members(maxHeads, func(stream string) {
				if b.Heads == nil {
					b.Heads = make(map[string]Head)
				}
				b.Heads[stream] = s.head()
			})
		case "g":
			s.list(maxGroups, func() {
				b.Groups = append(b.Groups, s.group())
			})
		case "ev":
			s.list(maxEvents, func() {
				b.Events = append(b.Events, s.event())
			})
		}
	})
}

func (s *scanner) clock(c *Clock) {
	s.object(clockMembers, 3, func(name string) {
		switch name {
		case "st":
			c.State = s.text()
		case "err_ms":
			c.ErrMs = s.integer()
		case "mono_ms":
			c.MonoMs = s.integer()
		}
	})
}

func (s *scanner) head() (h Head) {
	s.object(headMembers, 2, func(name string) {
		switch name {
		case "seq":
			h.Seq = s.number()
		case "hash":
			h.Hash = s.text()
		}
	})
	return h
}

func (s *scanner) group() (g Group) {
	var flags, causes []Column // to be given to the columns when all are there
	var raw, some bool         // whether there is a member raw, and any bytes in it
	s.object(groupMembers, 3, func(name string) {
		switch name {
		case "src":
			g.Source = s.text()
		case "k":
			if g.Kind = s.text(); g.Kind == GroupLive {
				s.fail("k is empty: min, hour, day, or left out")
			}
		case "t":
			s.list(maxTimes, func() {
				g.Times = append(g.Times, s.integer())
			})
		case "i0":
			g.Index = s.number()
		case "f":
			s.members(maxColumns, func(point string) {
				flags = append(flags, Column{Point: point, Flags: s.texts(false)})
			})
		case "q":
			s.members(maxColumns, func(point string) {
				causes = append(causes, Column{Point: point, Causes: s.texts(true)})
			})
		case "raw":
			raw, some = true, s.raw(&g)
		default:
			s.members(maxColumns, func(point string) {
				g.Columns = append(g.Columns, Column{Point: point, Kind: name, Values: s.texts(true)})
			})
		}
	})
	if raw && len(g.Raw) != len(g.Times) {
		s.fail("raw has %d entries for %d times", len(g.Raw), len(g.Times))
	}
	if !some {
		g.Raw = nil
	}
	s.attach(&g, flags, func(c *Column, m Column) { c.Flags = m.Flags })
	s.attach(&g, causes, func(c *Column, m Column) { c.Causes = m.Causes })
	return g
}

// attach gives marks, which are columns of flags or causes alone, to the columns
// of their points.
func (s *scanner) attach(g *Group, marks []Column, set func(c *Column, mark Column)) {
	if s.err != nil {
		return
	}
	for _, m := range marks {
		c := g.carrier(m.Point)
		if c == nil {
			s.fail("flags or causes of %q, which has no values", m.Point)
			return
		}
		if n := len(m.Flags) + len(m.Causes); n != len(g.Times) {
			s.fail("%q has %d flags or causes for %d times", m.Point, n, len(g.Times))
			return
		}
		if !m.empty() {
			set(c, m)
		}
	}
}

// empty reports whether a mark says no more than its absence would.
func (c *Column) empty() bool {
	for _, f := range c.Flags {
		if !isNormal(f) {
			return false
		}
	}
	for _, q := range c.Causes {
		if q != "" {
			return false
		}
	}
	return true
}

// raw reads the raw bytes of g and reports whether there are any.
func (s *scanner) raw(g *Group) (some bool) {
	s.list(maxTimes, func() {
		text := s.textOrNull()
		if text == "" {
			g.Raw = append(g.Raw, nil)
			return
		}
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || base64.StdEncoding.EncodedLen(len(b)) != len(text) { // the decoder skips line ends
			s.fail("raw is not base64")
		}
		g.Raw, some = append(g.Raw, b), true
	})
	return some
}

// texts reads a list of strings; null, where it may stand, is "".
func (s *scanner) texts(null bool) (texts []string) {
	s.list(maxTimes, func() {
		if null {
			texts = append(texts, s.textOrNull())
			return
		}
		text := s.text()
		if text == "" {
			s.fail("string is empty")
		}
		texts = append(texts, text)
	})
	return texts
}

// textOrNull reads a string that is not empty, or null, which is "".
func (s *scanner) textOrNull() string {
	if s.null() {
		return ""
	}
	text := s.text()
	if text == "" {
		s.fail("string is empty: null")
	}
	return text
}

func (s *scanner) event() (e Event) {
	s.object(eventMembers, 2, func(name string) {
		to := &e.Type
		switch name {
		case "t":
			e.At = s.integer()
			return
		case "subject":
			to = &e.Subject
		case "old":
			to = &e.Old
		case "new":
			to = &e.New
		case "who":
			to = &e.Who
		case "why":
			to = &e.Why
		}
		if *to = s.text(); *to == "" {
			s.fail("%s is empty: left out", name)
		}
	})
	return e
}

func (s *scanner) receipt(r *Receipt) {
	s.object(receiptMembers, len(receiptMembers), func(name string) {
		switch name {
		case "gw":
			r.Gateway = s.text()
		case "stream":
			r.Stream = s.text()
		case "epoch":
			r.Epoch = s.text()
		case "upto":
			r.UpTo = s.number()
		case "head":
			r.Head = s.text()
		case "have":
			r.Have = s.ranges()
		case "want":
			r.Want = s.ranges()
		case "at":
			r.At = s.integer()
		}
	})
}

func (s *scanner) ranges() (ranges [][2]uint64) {
	s.list(maxRanges, func() {
		var r [2]uint64
		n := 0
		s.list(len(r), func() {
			r[n] = s.number()
			n++
		})
		if n != len(r) {
			s.fail("run of %d numbers: first and last", n)
		}
		ranges = append(ranges, r)
	})
	return ranges
}

// header reads a protected header. Members that it does not know are refused,
// among them those that would bring a key: jwk, jku, x5u.
func (s *scanner) header(h *header) {
	s.object(headerMembers, len(headerMembers), func(name string) {
		switch name {
		case "alg":
			h.alg = s.text()
		case "b64":
			s.literal("false")
		case "crit":
			n := 0
			s.list(1, func() {
				if s.text() != "b64" {
					s.fail("crit is not [\"b64\"]")
				}
				n++
			})
			if n != 1 {
				s.fail("crit is not [\"b64\"]")
			}
		case "kid":
			h.kid = s.text()
		case "typ":
			h.typ = s.text()
		}
	})
}
