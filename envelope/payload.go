package envelope

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// Hash is the name of a payload in the chain: base64url of its SHA-256, without
// padding, 43 characters. Signatures are not part of it, so a new key or a
// second signature does not break a chain.
func Hash(payload []byte) string {
	sum := sha256.Sum256(payload)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// isHash reports whether s can be a result of Hash.
func isHash(s string) bool {
	var sum [sha256.Size]byte
	if len(s) != base64.RawURLEncoding.EncodedLen(len(sum)) {
		return false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(sum[:], []byte(s))
	return err == nil && n == len(sum)
}

// AppendPayload appends the payload of b to dst: JSON, members in a fixed order,
// no white space, columns in the order of b. It allocates only where dst is too
// short, and looks at nothing: [Block.Check] says whether what it writes is a
// payload.
func (b *Block) AppendPayload(dst []byte) []byte {
	dst = append(dst, `{"v":`...)
	dst = strconv.AppendInt(dst, Version, 10)
	dst = appendMember(dst, `,"gw":`, b.Gateway)
	dst = appendMember(dst, `,"stream":`, b.Stream)
	dst = appendMember(dst, `,"epoch":`, b.Epoch)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, b.Seq, 10)
	dst = appendMember(dst, `,"prev":`, b.Prev)
	dst = appendMember(dst, `,"boot":`, b.Boot)
	dst = append(dst, `,"t0":`...)
	dst = strconv.AppendInt(dst, b.T0, 10)
	dst = appendMember(dst, `,"clk":{"st":`, b.Clock.State)
	dst = append(dst, `,"err_ms":`...)
	dst = strconv.AppendInt(dst, b.Clock.ErrMs, 10)
	dst = append(dst, `,"mono_ms":`...)
	dst = strconv.AppendInt(dst, b.Clock.MonoMs, 10)
	dst = appendMember(dst, `},"cfg":`, b.Config)
	dst = appendMember(dst, `,"cat":`, b.Catalogue)
	dst = appendMember(dst, `,"fw":`, b.Firmware)
	dst = appendHeads(dst, b.Heads)
	for i := range b.Groups {
		dst = appendOpen(dst, i, `,"g":[`)
		dst = b.Groups[i].append(dst)
	}
	dst = appendClose(dst, len(b.Groups))
	for i := range b.Events {
		dst = appendOpen(dst, i, `,"ev":[`)
		dst = b.Events[i].append(dst)
	}
	dst = appendClose(dst, len(b.Events))
	return append(dst, '}')
}

// appendHeads writes the streams in the order of their names. It looks for the
// next name anew each time, as sorting would allocate and there are two or three.
func appendHeads(dst []byte, heads map[string]Head) []byte {
	done := ""
	for i := range len(heads) {
		next, found := "", false
		for stream := range heads {
			if (i == 0 || stream > done) && (!found || stream < next) {
				next, found = stream, true
			}
		}
		dst = appendOpen(dst, i, `,"heads":{`)
		dst = appendString(dst, next)
		dst = append(dst, `:{"seq":`...)
		dst = strconv.AppendUint(dst, heads[next].Seq, 10)
		dst = appendMember(dst, `,"hash":`, heads[next].Hash)
		dst = append(dst, '}')
		done = next
	}
	if len(heads) > 0 {
		dst = append(dst, '}')
	}
	return dst
}

func (g *Group) append(dst []byte) []byte {
	dst = appendMember(dst, `{"src":`, g.Source)
	if g.Kind != GroupLive {
		dst = appendMember(dst, `,"k":`, g.Kind)
	}
	for i, t := range g.Times {
		dst = appendOpen(dst, i, `,"t":[`)
		dst = strconv.AppendInt(dst, t, 10)
	}
	dst = appendClose(dst, len(g.Times))
	dst = append(dst, `,"i0":`...)
	dst = strconv.AppendUint(dst, g.Index, 10)
	for _, kind := range columnKinds {
		dst = g.appendKind(dst, kind)
	}
	dst = g.appendMarks(dst, `,"f":{`, (*Column).appendFlags)
	dst = g.appendMarks(dst, `,"q":{`, (*Column).appendCauses)
	dst = g.appendRaw(dst)
	return append(dst, '}')
}

// appendKind writes all columns of one kind, or nothing if there is none.
func (g *Group) appendKind(dst []byte, kind string) []byte {
	n := 0
	for i := range g.Columns {
		c := &g.Columns[i]
		if c.Kind != kind {
			continue
		}
		if n == 0 {
			dst = appendMember(dst, ",", kind)
			dst = append(dst, ':')
		}
		dst = appendOpen(dst, n, "{")
		dst = appendString(dst, c.Point)
		dst = append(dst, ':')
		dst = appendTexts(dst, c.Values)
		n++
	}
	if n > 0 {
		dst = append(dst, '}')
	}
	return dst
}

// appendMarks writes the flags or the causes of all points that have any.
func (g *Group) appendMarks(dst []byte, open string, of func(*Column, []byte) []byte) []byte {
	n := 0
	for i := range g.Columns {
		c := &g.Columns[i]
		if c.Flags == nil || g.carrier(c.Point) != c { // a cause has a flag
			continue
		}
		start := len(dst)
		dst = appendOpen(dst, n, open)
		dst = appendString(dst, c.Point)
		dst = append(dst, ':')
		before := len(dst)
		if dst = of(c, dst); len(dst) == before { // nothing to say
			dst = dst[:start]
			continue
		}
		n++
	}
	if n > 0 {
		dst = append(dst, '}')
	}
	return dst
}

func (c *Column) appendFlags(dst []byte) []byte {
	normal := true
	for _, f := range c.Flags {
		normal = normal && isNormal(f)
	}
	if normal {
		return dst
	}
	for i, f := range c.Flags {
		if f == "" {
			f = "N"
		}
		dst = appendOpen(dst, i, "[")
		dst = appendString(dst, f)
	}
	return append(dst, ']')
}

func (c *Column) appendCauses(dst []byte) []byte {
	for _, q := range c.Causes {
		if q != "" {
			return appendTexts(dst, c.Causes)
		}
	}
	return dst
}

// carrier is the column of a point whose flags and causes count: the first in
// the order of the kinds. nil if there is no such point.
func (g *Group) carrier(point string) *Column {
	var first *Column
	rank := len(columnKinds)
	for i := range g.Columns {
		c := &g.Columns[i]
		if c.Point != point {
			continue
		}
		if c.Kind == ColumnLive || c.Kind == ColumnAvg { // the two that come first never meet
			return c
		}
		for r, kind := range columnKinds[:rank] {
			if c.Kind == kind {
				first, rank = c, r
				break
			}
		}
	}
	return first
}

func (g *Group) appendRaw(dst []byte) []byte {
	some := false
	for _, raw := range g.Raw {
		some = some || len(raw) > 0
	}
	if !some {
		return dst
	}
	for i, raw := range g.Raw {
		dst = appendOpen(dst, i, `,"raw":[`)
		if len(raw) == 0 {
			dst = append(dst, "null"...)
			continue
		}
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, raw)
		dst = append(dst, '"')
	}
	return append(dst, ']')
}

func (e *Event) append(dst []byte) []byte {
	dst = appendMember(dst, `{"type":`, e.Type)
	dst = append(dst, `,"t":`...)
	dst = strconv.AppendInt(dst, e.At, 10)
	for _, m := range [...]struct{ name, text string }{
		{`,"subject":`, e.Subject}, {`,"old":`, e.Old}, {`,"new":`, e.New}, {`,"who":`, e.Who}, {`,"why":`, e.Why},
	} {
		if m.text != "" {
			dst = appendMember(dst, m.name, m.text)
		}
	}
	return append(dst, '}')
}

// appendOpen begins entry i of a list: with open if it is the first, else with
// a comma. appendClose ends the list of n entries, if it was begun.
func appendOpen(dst []byte, i int, open string) []byte {
	if i == 0 {
		return append(dst, open...)
	}
	return append(dst, ',')
}

func appendClose(dst []byte, n int) []byte {
	if n == 0 {
		return dst
	}
	return append(dst, ']')
}

// appendTexts writes a list in which "" is null.
func appendTexts(dst []byte, texts []string) []byte {
	dst = append(dst, '[')
	for i, s := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		if s == "" {
			dst = append(dst, "null"...)
			continue
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

// appendMember writes name, which brings its own quotes and colon, and text.
func appendMember(dst []byte, name, text string) []byte {
	return appendString(append(dst, name...), text)
}

// appendString writes s as a JSON string. Only what must be escaped is; bytes
// that are no UTF-8 become the replacement character.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[done:i]...), "\ufffd"...)
				done = i + n
			}
			i += n
			continue
		case c == '"' || c == '\\':
			dst = append(append(dst, s[done:i]...), '\\', c)
			done = i + 1
		case c < 0x20:
			dst = append(append(dst, s[done:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			done = i + 1
		}
		i++
	}
	return append(append(dst, s[done:]...), '"')
}
