package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A problem is one thing wrong in a file that a person wrote.
type problem struct {
	File         string
	Line, Column int // from 1; 0 = the file as a whole
	Text         string
	Hint         string // what to do about it, or ""
}

func (p problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// problems are all that was found wrong, by line.
type problems []problem

func (p problems) Error() string {
	texts := make([]string, len(p))
	for i := range p {
		texts[i] = p[i].Error()
	}
	return strings.Join(texts, "\n")
}

// A hinted error says what to do about it.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

func withHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return hinted{err, fmt.Sprintf(format, args...)}
}

// tell writes an error as the command speaks: one line for each thing that is
// wrong, prefix, lower case, no full stop; what to do about it in a line after.
func tell(w io.Writer, err error) {
	if ps, ok := errors.AsType[problems](err); ok {
		for _, p := range ps {
			fmt.Fprintf(w, "centre: error: %v\n", p)
			if p.Hint != "" {
				fmt.Fprintf(w, "centre: hint: %s\n", p.Hint)
			}
		}
		return
	}
	fmt.Fprintf(w, "centre: error: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	if h, ok := errors.AsType[hinted](err); ok {
		fmt.Fprintf(w, "centre: hint: %s\n", h.hint)
	}
}

// A document is a YAML file and the problems found in it.
type document struct {
	file  string
	body  ast.Node
	found problems
}

// parseDocument reads b into out, strictly: keys that out does not have and keys
// given twice are problems.
func parseDocument(file string, b []byte, out any) *document {
	d := &document{file: file}
	f, err := parser.ParseBytes(b, 0)
	if err == nil && len(f.Docs) > 0 {
		d.body = f.Docs[0].Body
	}
	if err == nil && len(f.Docs) > 1 {
		d.add("$", "", "the file holds %d documents: one", len(f.Docs))
	}
	if err == nil && d.body != nil {
		err = yaml.NodeToValue(d.body, out, yaml.Strict())
	}
	if err != nil {
		d.found = append(d.found, d.syntax(err))
	}
	return d
}

// syntax places an error of the YAML library.
func (d *document) syntax(err error) problem {
	p := problem{File: d.file, Text: err.Error()}
	y, ok := errors.AsType[yaml.Error](err)
	if !ok {
		return p
	}
	p.Text = y.GetMessage()
	if t := y.GetToken(); t != nil && t.Position != nil {
		p.Line, p.Column = t.Position.Line, t.Position.Column
	}
	if _, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		p.Hint = "centre.example.yaml shows every key that may stand there"
	}
	return p
}

// add notes a problem at a YAML path ($.tls.ca), or at the nearest part of it
// that is there.
func (d *document) add(path, hint, format string, args ...any) {
	p := problem{File: d.file, Text: fmt.Sprintf(format, args...), Hint: hint}
	if t := d.token(path); t != nil {
		p.Line, p.Column = t.Line, t.Column
	}
	d.found = append(d.found, p)
}

type position struct{ Line, Column int }

func (d *document) token(path string) *position {
	for d.body != nil && path != "$" {
		at, err := yaml.PathString(path)
		if err == nil {
			if n, err := at.FilterNode(d.body); err == nil && n != nil {
				if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
					n = m.Values[0].Key // its own token is the first colon
				}
				pos := n.GetToken().Position
				return &position{pos.Line, pos.Column}
			}
		}
		i := strings.LastIndexAny(path, ".[")
		if i <= 0 {
			return nil
		}
		path = path[:i]
	}
	return nil
}

// err returns what was found, by line, or nil.
func (d *document) err() error {
	if len(d.found) == 0 {
		return nil
	}
	slices.SortStableFunc(d.found, func(a, b problem) int { return a.Line - b.Line })
	return d.found
}
