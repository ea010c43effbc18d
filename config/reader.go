package config

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A reader takes values out of the tree and keeps what is wrong with them.
type reader struct {
	findings
	dir  string // of the site file; relative paths begin there
	bits int    // of a word of the system: 32 or 64
	mnAt *place // gateway.mn, good or not
}

// A place is a value together with its path.
type place struct {
	*node
	path string

	// Where the value's key is, or else the value: "is missing" points there.
	keyLine, keyColumn int
}

// bad reports what is wrong with a value: what is there, and what may be.
func (r *reader) bad(p *place, want, hint string) {
	r.say(p, p.got()+": "+want, hint)
}

// say reports a text of the caller's own about a value. Of what could not be
// read nothing is said: that has been reported.
func (r *reader) say(p *place, text, hint string) {
	if p.path == "" {
		text = "the file " + text
	}
	if p.kind != broken {
		r.add(Problem{Line: p.line, Column: p.column, Path: p.path, Text: text, Hint: hint})
	}
}

// warn is say for what is allowed.
func (r *reader) warn(p *place, text, hint string) {
	r.add(Problem{Line: p.line, Column: p.column, Path: p.path, Text: text, Hint: hint, Warning: true})
}

// A group is a mapping whose keys have been looked at.
type group struct {
	r *reader
	*place
	values map[string]*place
	holes  bool // not all of it could be read
}

// group looks at the keys of a mapping: each must be known to the section and
// stand there once. ok is false where p is no mapping.
func (r *reader) group(p *place, section, what string) (g *group, ok bool) {
	g = &group{r: r, place: p, values: map[string]*place{}}
	if p.kind != mapping {
		hint := ""
		if keys := sections[section]; p.kind == scalar && len(keys) == 1 {
			hint = "write it in the next line, two spaces further in: " + keys[0] + ": " + quote(p.text, false)
		} else if p.kind == scalar {
			hint = hintKey(p.text)
		}
		r.bad(p, "want keys and values below it: "+what, hint)
		return g, false
	}
	for _, e := range p.entries {
		v := &place{node: e.value, path: join(p.path, e.key), keyLine: e.line, keyColumn: e.column}
		first, twice := g.values[e.key]
		switch {
		case e.key == "" && e.line == 0:
			g.holes = true
		case twice:
			r.add(Problem{
				Line: e.line, Column: e.column, Path: v.path,
				Text: fmt.Sprintf("stands here a second time: the first is in line %d", first.keyLine),
				Hint: "keep the right one and delete the other",
			})
		case !slices.Contains(sections[section], e.key):
			r.add(Problem{
				Line: e.line, Column: e.column, Path: join(p.path, quote(e.key, false)),
				Text: "is not a key: here may stand " + strings.Join(sections[section], ", "),
				Hint: hintUnknown(e.key, section),
			})
		default:
			g.values[e.key] = v
		}
	}
	return g, true
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// need reports a key that is not there.
func (g *group) need(key, want string) bool {
	if _, ok := g.values[key]; ok || g.holes {
		return ok
	}
	g.r.add(Problem{
		Line: max(g.keyLine, 1), Column: max(g.keyColumn, 1),
		Path: join(g.path, key), Text: "is missing: " + want,
	})
	return false
}

// has says whether a key is there, even if its value is no good.
func (g *group) has(key string) bool {
	_, ok := g.values[key]
	return ok
}

// at is the place of a key's value; of the group itself where there is none.
func (g *group) at(key string) *place {
	if p, ok := g.values[key]; ok {
		return p
	}
	return g.place
}

// The methods below set *to where the key is there and its value is good. They
// report a value that is not, and return false for it; true where the key is
// not there, as *to then keeps its default.

// hinter says what a value that is not good was probably meant to be.
type hinter func(text string) string

// word is a scalar that ok takes.
func (g *group) word(key string, to *string, want string, ok func(string) bool, hints ...hinter) bool {
	p, there := g.values[key]
	if !there {
		return true
	}
	if p.kind != scalar || strangeLetter(p.text) >= 0 || !ok(p.text) {
		g.r.bad(p, want, hintFor(p, hints))
		return false
	}
	*to = p.text
	return true
}

func hintFor(p *place, hints []hinter) string {
	if p.kind != scalar {
		return ""
	}
	for _, h := range hints {
		if hint := h(p.text); hint != "" {
			return hint
		}
	}
	return ""
}

// choice is one of a few words.
func (g *group) choice(key string, to *string, words []string, hints ...hinter) bool {
	hints = append(hints, func(text string) string {
		if near := nearest(strings.ToLower(text), words); near != "" {
			return "did you mean " + near + "?"
		}
		return ""
	})
	return g.word(key, to, "want "+or(words), func(s string) bool { return slices.Contains(words, s) }, hints...)
}

// or is "a, b or c".
func or(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// number is a whole number from lo to hi, in decimal.
func (g *group) number(key string, to *int, lo, hi int, want string, hints ...hinter) bool {
	p, there := g.values[key]
	if !there {
		return true
	}
	n, err := strconv.Atoi(p.text)
	good := err == nil && (p.text == "0" || !strings.HasPrefix(strings.TrimLeft(p.text, "+-"), "0")) && p.text[0] != '+'
	if p.kind != scalar || !good || p.quoted || n < lo || n > hi {
		hint := hintFor(p, hints)
		if p.quoted && good && hint == "" {
			hint = "a number stands without quotes: " + p.text
		}
		g.r.bad(p, want, hint)
		return false
	}
	*to = n
	return true
}

// decimal is a number from lo to hi, with or without a fraction.
func (g *group) decimal(key string, to *float64, lo, hi float64, want string, hints ...hinter) bool {
	p, there := g.values[key]
	if !there {
		return true
	}
	f, err := strconv.ParseFloat(p.text, 64)
	if p.kind != scalar || p.quoted || err != nil || strings.ContainsAny(p.text, "xXpP_") || math.IsNaN(f) || f < lo || f > hi {
		g.r.bad(p, want, hintFor(p, hints))
		return false
	}
	*to = f + 0 // no negative zero
	return true
}

// yes is true or false.
func (g *group) yes(key string, to *bool) bool {
	word := ""
	if !g.word(key, &word, "want true or false", func(s string) bool { return s == "true" || s == "false" }, func(text string) string {
		switch strings.ToLower(text) {
		case "yes", "on", "true", "1", "y":
			return "write true"
		case "no", "off", "false", "0", "n":
			return "write false"
		}
		return ""
	}) {
		return false
	}
	if word != "" {
		*to = word == "true"
	}
	return true
}

// duration is a time from lo to hi.
func (g *group) duration(key string, to *time.Duration, lo, hi time.Duration, what string) bool {
	p, there := g.values[key]
	if !there {
		return true
	}
	d, hint, ok := parseDuration(p.text, lo, hi)
	if p.kind != scalar || !ok {
		if p.kind != scalar {
			hint = ""
		}
		g.r.bad(p, "want "+wantDuration, hint)
		return false
	}
	if d < lo || d > hi {
		g.r.bad(p, fmt.Sprintf("%s is %s to %s", what, formatDuration(lo), formatDuration(hi)), "")
		return false
	}
	*to = d
	return true
}

// file is the path of a file. One that is not absolute begins at the site
// file's folder.
func (g *group) file(key string, to *string, want string) bool {
	if !g.word(key, to, want, fileName, func(text string) string {
		if strings.HasSuffix(text, "/") {
			return "that is a folder; write the file's name behind it"
		}
		return ""
	}) {
		return false
	}
	if g.has(key) {
		*to = g.r.resolve(*to)
	}
	return true
}

func fileName(s string) bool {
	return s != "" && strings.TrimSpace(s) == s && !strings.HasSuffix(s, "/") && len(s) <= 500 && strangeLetter(s) < 0
}

func (r *reader) resolve(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.dir, path)
}

// list is the places of a list's items, at most most.
func (g *group) list(key, want string, most int) []*place {
	p, there := g.values[key]
	if !there {
		return nil
	}
	if p.kind != list || len(p.items) == 0 {
		hint := ""
		switch {
		case p.kind == list: // []
			p = &place{node: &node{kind: empty, line: p.line, column: p.column}, path: p.path}
		case p.kind == mapping || p.kind == scalar:
			hint = "put a hyphen and a space before the first key of each item"
		}
		g.r.bad(p, want, hint)
		return nil
	}
	if len(p.items) > most {
		g.r.say(p, fmt.Sprintf("has %d items: at most %d", len(p.items), most), "")
		return nil
	}
	places := make([]*place, len(p.items))
	for i, n := range p.items {
		places[i] = &place{node: n, path: fmt.Sprintf("%s[%d]", p.path, i), keyLine: n.line, keyColumn: n.column}
	}
	return places
}

// Words with rules of their own.

const wantName = "want 1 to 32 letters (a to z), digits, _ or -"

func isName(s string) bool { return isWord(s, 32, "_-") }

// isWord says whether s is 1 to most ASCII letters, digits and the others.
func isWord(s string, most int, others string) bool {
	return s != "" && len(s) <= most && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(others, r)
	}) < 0
}

func hintName(text string) string {
	switch {
	case utf8.RuneCountInString(text) > 32 || len(text) > 32 && isWord(text, 1000, "_-"):
		return "it has " + strconv.Itoa(utf8.RuneCountInString(text)) + " characters"
	case strings.IndexFunc(text, func(r rune) bool { return r > 0x7F }) >= 0:
		return "names stand in topics and blocks; Chinese belongs to gateway.name"
	case strings.Contains(text, " "):
		return "write _ or - for a space"
	}
	return ""
}

// names keeps names that must not come twice.
type names map[string]*place

// name reads the name of something and reports one that is taken.
func (g *group) name(to *string, taken names) {
	if !g.need("name", wantName) || !g.word("name", to, wantName, isName, hintName) {
		return
	}
	p := g.at("name")
	if first, ok := taken[*to]; ok {
		g.r.say(p, fmt.Sprintf("is %s: %s has that name already (line %d)", *to, strings.TrimSuffix(first.path, ".name"), first.line), "")
		return
	}
	taken[*to] = p
}
