package config

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A node is one value of the file and its place: what YAML is here, once the
// library's tree is left behind. A scalar keeps its letters, so that 0.10 and
// 010 are still what the person wrote.
type node struct {
	kind   kind
	line   int
	column int

	text   string // of a scalar
	quoted bool   // a scalar in quotes

	entries []entry // of a mapping, in the file's order, double keys included
	items   []*node // of a list
}

type kind int

const (
	broken  kind = iota // could not be read, and has been reported
	empty               // nothing, or null
	scalar              // one word, number or text
	list                // - a - b
	mapping             // key: value
)

// An entry is one key of a mapping, with the key's own place.
type entry struct {
	key    string
	line   int
	column int
	value  *node
}

// got says what stands there, for the middle of a sentence.
func (n *node) got() string {
	switch n.kind {
	case empty:
		return "is empty"
	case list:
		return "is a list"
	case mapping:
		return "is a group of keys"
	}
	return "is " + quote(n.text, n.quoted)
}

// maxQuote bounds how much of a foreign text is repeated, in characters.
const maxQuote = 60

// quote repeats a foreign text: as it is where it is one plain word, else in
// quotes. What stands before an @ in an address may be a password, and is left
// out.
func quote(text string, quoted bool) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		scheme := strings.Index(text[:at], "://")
		if scheme >= 0 {
			scheme += len("://")
		}
		text = text[:max(scheme, 0)] + "…" + text[at:]
	}
	if utf8.RuneCountInString(text) > maxQuote {
		text = string([]rune(text)[:maxQuote]) + "…"
	}
	plain := text != "" && !quoted && strings.IndexFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("…-+_./:%@", r)
	}) < 0
	if plain {
		return text
	}
	return strconv.Quote(text)
}
