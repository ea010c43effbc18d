package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// This file and phrases.go are the ones that know the YAML library. Rules of
// their own:
//
// The library stops at its first mistake, and a person has more than one. So
// the part of the file around a mistake is taken out (the list item, else the
// section), a blank stays in its place, and the rest is read again. What was
// taken out is known by the kind broken, and nothing is said to be missing
// from it.
//
// The library's parser calls itself for each level and for each further key of
// a mapping, and builds paths as it goes. Its tokens are therefore counted
// first. That also is where everything is refused that a site file does not
// need and that can hide what a value is, or blow up: anchors, aliases, tags,
// merge keys, block scalars, directives, further documents.
//
// The library repeats the lines around a mistake in its error. We never print
// that: it might hold what is nobody's business.

// A part is taken out and the rest read again at most maxCuts times, and not
// once maxWork bytes have been read in all.
const (
	maxCuts = 40
	maxWork = 2 << 20
)

// A fault is a mistake of syntax.
type fault struct {
	line, column int
	text, hint   string
	end          bool // nothing from here on is part of the site file
	limit        bool // past a limit: the rest is not to be read at all
}

// read makes a tree of the lines. It is nil where there is none; all faults
// have been reported then.
func (f *findings) read(lines []string) *node {
	if n := marks(lines); n > maxMarks {
		f.add(Problem{
			Text: fmt.Sprintf("has %d brackets, colons and the like: at most %d", n, maxMarks),
			Hint: "is this the right file?",
		})
		return nil
	}
	lines = append([]string(nil), lines...)
	gone := f.cutTabs(lines)
	defer func() { f.torn = len(gone) > 0 }()
	for i, work := 0, 0; i < maxCuts && work < maxWork; i++ {
		for _, line := range lines {
			work += len(line) + 1
		}
		tree, bad := parseYAML(lines, gone)
		if bad == nil {
			return tree
		}
		if hint := hintLine(lines, bad.line); hint != "" && !bad.end {
			bad.hint = hint
		}
		f.add(Problem{Line: bad.line, Column: bad.column, Text: bad.text, Hint: bad.hint})
		if bad.limit {
			return nil
		}
		if bad.end {
			gone[whole] = true
			for i := bad.line - 1; i < len(lines); i++ {
				lines[i] = ""
			}
		} else if !gone.cut(lines, bad.line) {
			return nil
		}
	}
	return nil
}

// cutTabs reports the tabs that stand where only spaces may, in one line for
// each run of lines, and takes out the sections that have them.
func (f *findings) cutTabs(lines []string) hole {
	gone := hole{}
	for i := 0; i < len(lines); i++ {
		if !tabbed(lines[i]) {
			continue
		}
		last := i
		for last+1 < len(lines) && tabbed(lines[last+1]) {
			last++
		}
		text := "the line begins with a tab: YAML takes spaces only"
		if last > i {
			text = fmt.Sprintf("lines %d to %d begin with tabs: YAML takes spaces only", i+1, last+1)
		}
		f.add(Problem{
			Line: i + 1, Column: strings.IndexByte(lines[i], '\t') + 1,
			Text: text, Hint: "put two spaces for each tab; nothing else is checked in a section with tabs",
		})
		i = last
	}
	for i := range lines {
		if tabbed(lines[i]) {
			gone.cutSection(lines, i)
		}
	}
	return gone
}

func tabbed(line string) bool {
	white := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	return strings.Contains(white, "\t") && !idle(line)
}

// A hole is which lines (from 1) hold the rest of something taken out.
type hole map[int]bool

// whole in a hole means that a section went whose name is not known.
const whole = 0

// cut takes out the list item that line (from 1) is in, or its section. It
// reports whether anything was left to be taken out.
func (h hole) cut(lines []string, line int) bool {
	at := min(line, len(lines)) - 1
	for at > 0 && idle(lines[at]) {
		at-- // where the file ends too soon
	}
	if idle(lines[at]) {
		return false
	}
	deep := indent(lines[at])
	if dash(lines[at]) && !h[at+1] {
		return h.cutItem(lines, at)
	}
	for i := at - 1; i >= 0 && deep > 0; i-- {
		if idle(lines[i]) || indent(lines[i]) >= deep {
			continue
		}
		deep = indent(lines[i])
		if dash(lines[i]) && !h[i+1] {
			return h.cutItem(lines, i)
		}
	}
	return h.cutSection(lines, at)
}

// dash says whether a line begins a list item.
func dash(line string) bool {
	line = strings.TrimLeft(line, " ")
	return line == "-" || strings.HasPrefix(line, "- ")
}

// cutItem takes out the list item that begins at lines[at].
func (h hole) cutItem(lines []string, at int) bool {
	deep := indent(lines[at])
	lines[at] = strings.Repeat(" ", deep) + "-"
	h[at+1] = true
	for i := at + 1; i < len(lines) && (idle(lines[i]) || indent(lines[i]) > deep); i++ {
		lines[i] = ""
	}
	return true
}

// cutSection takes out what stands from the last line without indent to the
// next one. Its key stays, where it can be made out.
func (h hole) cutSection(lines []string, at int) bool {
	for at > 0 && (idle(lines[at]) || top(lines, at) < 0) {
		at--
	}
	changed := false
	key, _, colon := strings.Cut(lines[at], ":")
	if strings.Contains(key, "：") { // a Chinese colon
		key, _, colon = strings.Cut(lines[at], "：")
	}
	rest := ""
	if colon && word(key) && !h[at+1] {
		rest = key + ":"
		h[at+1] = true
	} else {
		h[whole] = true
	}
	for i := at; i == at || i < len(lines) && (idle(lines[i]) || top(lines, i) < 0); i++ {
		changed = changed || lines[i] != rest
		lines[i], rest = rest, ""
	}
	return changed
}

// top is 0 where a line begins a section, else -1. A list may stand without
// indent below its key.
func top(lines []string, i int) int {
	line := lines[i]
	if line == "" || line[0] == ' ' || line[0] == '\t' || dash(line) {
		return -1
	}
	return 0
}

// word says whether s could be a key of a site file.
func word(s string) bool {
	if s == "" {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' {
			return false
		}
	}
	return true
}

// parseYAML reads the lines with the library.
func parseYAML(lines []string, gone hole) (tree *node, bad *fault) {
	defer func() {
		// The library has been fuzzed through this package and did not panic.
		// Should it do so all the same, a site file is to be mended, not an agent.
		if r := recover(); r != nil {
			tree, bad = nil, &fault{line: 1, column: 1, text: "the file cannot be read as YAML"}
		}
	}()
	tokens := lexer.Tokenize(strings.Join(lines, "\n") + "\n")
	if bad := checkTokens(tokens); bad != nil {
		return nil, bad
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, newFault(err)
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		tree = gone.convert(doc.Body)
		if tree.kind == broken {
			at := doc.Body.GetToken().Position
			return nil, &fault{line: at.Line, column: at.Column, text: "the file cannot be read as YAML"}
		}
		if gone[whole] {
			tree.entries = append(tree.entries, entry{value: &node{}})
		}
		return tree, nil
	}
	if len(gone) == 0 {
		return nil, &fault{text: textEmpty, hint: hintEmpty, limit: true}
	}
	return &node{kind: mapping, entries: []entry{{value: &node{}}}}, nil // everything was taken out
}

// refused are the tokens that a site file does without.
var refused = map[token.Type]string{
	token.AnchorType:     "an anchor (&) is not taken: write the value where it is wanted",
	token.AliasType:      "an alias (*) is not taken: write the value itself",
	token.TagType:        "a tag (!) is not taken: write the value alone",
	token.MergeKeyType:   "a merge key (<<) is not taken: write the keys themselves",
	token.MappingKeyType: "a question mark for a key is not taken: write key: value",
	token.LiteralType:    "a text block (|) is not taken: write the value in one line",
	token.FoldedType:     "a text block (>) is not taken: write the value in one line",
	token.DirectiveType:  "a YAML directive (%) is not taken: leave it out",
}

// checkTokens finds what the library must not see: see the top of the file.
func checkTokens(tokens token.Tokens) *fault {
	type level struct{ column, count int }
	var open []level // blocks that are under way, by column
	flow, content, ended := 0, false, false
	for i, tk := range tokens {
		at := tk.Position
		refuse := func(format string, a ...any) *fault {
			return &fault{line: at.Line, column: at.Column, text: fmt.Sprintf(format, a...)}
		}
		if text, ok := refused[tk.Type]; ok {
			return refuse("%s", text)
		}
		key := i+1 < len(tokens) && tokens[i+1].Type == token.MappingValueType
		switch tk.Type {
		case token.InvalidType:
			return newFaultAt(tk, tk.Error)
		case token.CommentType:
			continue
		case token.DocumentHeaderType, token.DocumentEndType:
			if content && tk.Type == token.DocumentHeaderType {
				bad := refuse("a second document begins here: a site file is one")
				bad.hint, bad.end = "delete the line with ---, or put the second document into a file of its own", true
				return bad
			}
			ended = tk.Type == token.DocumentEndType
			continue
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		}
		if ended {
			bad := refuse("something stands behind the end (...) of the site file")
			bad.hint, bad.end = "delete the line with ...", true
			return bad
		}
		content = true
		if entry := tk.Type == token.SequenceEntryType; flow == 0 && (entry || key) {
			for len(open) > 0 && open[len(open)-1].column > at.Column {
				open = open[:len(open)-1]
			}
			if len(open) == 0 || open[len(open)-1].column < at.Column {
				open = append(open, level{column: at.Column})
			}
			top := &open[len(open)-1]
			if top.count++; top.count > maxKeys {
				bad := refuse("this is entry %d of its group: at most %d", top.count, maxKeys)
				bad.limit = true
				return bad
			}
		}
		if flow+len(open) > maxDepth {
			bad := refuse("more than %d groups within each other", maxDepth)
			bad.limit = true
			return bad
		}
	}
	return nil
}

// convert makes our tree of the library's.
func (h hole) convert(n ast.Node) *node {
	at := n.GetToken().Position
	out := &node{line: at.Line, column: at.Column}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.kind = mapping
		for _, v := range n.Values {
			out.entries = append(out.entries, h.entry(v))
		}
	case *ast.MappingValueNode:
		out.kind = mapping
		out.entries = []entry{h.entry(n)}
	case *ast.SequenceNode:
		out.kind = list
		for _, v := range n.Values {
			out.items = append(out.items, h.convert(v))
		}
	case *ast.NullNode:
		if !h[at.Line] {
			out.kind = empty
		}
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		tk := n.GetToken()
		out.kind = scalar
		out.text = tk.Value
		out.quoted = tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType
	}
	if out.kind == mapping && len(out.entries) > 0 && out.entries[0].line > 0 {
		// The library's token of a mapping is its first colon or its bracket.
		out.line, out.column = out.entries[0].line, out.entries[0].column
	}
	return out
}

func (h hole) entry(v *ast.MappingValueNode) entry {
	tk := v.Key.GetToken()
	return entry{key: tk.Value, line: tk.Position.Line, column: tk.Position.Column, value: h.convert(v.Value)}
}

// newFault takes place and reason out of the library's error.
func newFault(err error) *fault {
	var y interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &y) || y.GetToken() == nil {
		return &fault{line: 1, column: 1, text: "the file cannot be read as YAML"}
	}
	return newFaultAt(y.GetToken(), y.GetMessage())
}
