package config

import (
	"strings"

	"github.com/goccy/go-yaml/token"
)

// phrases say in plain words what the library means. The first that is in its
// message counts.
var phrases = []struct{ theirs, ours, hint string }{
	{"double-quoted text", `a quote (") opens here and is never closed`, ""},
	{"single-quoted text", "a quote (') opens here and is never closed", ""},
	{"sequence end token ']' not found", "a bracket ([) opens here and is never closed", ""},
	{"',' or ']' must be specified", "a bracket ([) before this is not closed: want ] or a comma", ""},
	{"',' or '}' must be specified", "a brace ({) before this is not closed: want } or a comma", ""},
	{"end token '}'", "a brace ({) opens here and is never closed", ""},
	{"could not find map value", "a brace ({) before this is not closed: want a value and }", ""},
	{"flow map content", "a brace ({) before this is not closed: want key: value and }", ""},
	{"corresponding to ']'", "a bracket (]) closes what was never opened", ""},
	{"corresponding to '}'", "a brace (}) closes what was never opened", ""},
	{"reserved character", "a value must not begin with this character: put the value in quotes", ""},
	{"escape character", `this is no escape of YAML: in double quotes write \\ for a backslash, or use single quotes`, ""},
	{"escaped UTF", `this is no escape of YAML: in double quotes write \\ for a backslash, or use single quotes`, ""},
	{"surrogate", `this is no escape of YAML: in double quotes write \\ for a backslash, or use single quotes`, ""},
	{"tab character", "a tab stands here: YAML takes spaces only", ""},
	{"cannot start any token", "this character cannot begin a value: put the value in quotes", ""},
	{"mapping value is not allowed in this context", "a second colon in one line, or a line that is indented too far", hintIndent},
	{"map key-value is pre-defined", "this line is indented too far: it does not belong to the value above", hintIndent},
	{"unexpected key name", "this line is not key: value", ""},
	{"non-map value is specified", "this line is not key: value, as the lines around it are", ""},
	{"implicit line break", "this key goes over two lines: want key: value in one", ""},
	{"block sequence entries are not allowed", "a list begins in the line of its key: begin it in the next line", ""},
	{"document separator", "a quote before this is not closed", ""},
	{"value is not allowed in this context", "this line does not fit the ones above: its indent is that of no group that is open", hintIndent},
	{"invalid key for this map", "a colon stands here without a key", ""},
	{"undefined map key", "a colon stands here without a key", ""},
	{"cannot take map-key node", "this cannot be a key: want one word and a colon", ""},
	{"expected sequence element", "a comma stands here without a value before it", ""},
}

const hintIndent = "indent the keys of one group alike, two spaces more than the key they belong to"

// newFaultAt translates a message of the library about a token. A message that
// is not known is given as it is.
func newFaultAt(tk *token.Token, theirs string) *fault {
	bad := &fault{
		line: max(tk.Position.Line, 1), column: max(tk.Position.Column, 1),
		text: "cannot be read as YAML: " + quote(theirs, false),
	}
	for _, p := range phrases {
		if strings.Contains(theirs, p.theirs) {
			bad.text, bad.hint = p.ours, p.hint
			break
		}
	}
	return bad
}

// hintLine looks for what commonly goes wrong in a line (from 1).
func hintLine(lines []string, at int) string {
	if at < 1 || at > len(lines) {
		return ""
	}
	line := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(lines[at-1]), "- "))
	return hintKey(line)
}

// hintKey says what is wrong with a text that was meant to be key: value.
func hintKey(text string) string {
	if strings.ContainsAny(text, "\"'[{") {
		return ""
	}
	if key, _, ok := strings.Cut(text, "："); ok && word(key) {
		return "the colon behind " + key + " is a Chinese one (：): write an ASCII colon and a space"
	}
	if key, rest, ok := strings.Cut(text, ":"); ok {
		if word(key) && rest != "" && rest[0] != ' ' {
			return "a space is missing behind " + key + ":"
		}
		return ""
	}
	if key, _, ok := strings.Cut(text, " "); ok && word(key) {
		return "a colon is missing behind " + key
	}
	if word(text) {
		return "a colon is missing behind " + text
	}
	if i := strings.Index(text, "，"); i >= 0 {
		return "there is a Chinese comma (，): write an ASCII one"
	}
	return ""
}
