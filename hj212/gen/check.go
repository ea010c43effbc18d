package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	editions   = []string{"2005", "2017", "2025"}
	patterns   = []string{"", "request", "request-data", "upload", "notification", "answer"} // in the order of hj212.Pattern
	directions = []string{"up", "down"}
	media      = []string{"air", "condition", "info", "noise", "power", "process", "water"}

	command    = regexp.MustCompile(`^[1-9]\d{3}$`)
	system     = regexp.MustCompile(`^[1-9A-Z]\d$`)
	result     = regexp.MustCompile(`^[1-9]\d{0,2}$`)
	flag       = regexp.MustCompile(`^[0-9A-Z][a-z]?$`)
	param      = regexp.MustCompile(`^((\*|SBn)-)?[A-Z][A-Za-z]+$`)
	factor     = regexp.MustCompile(`^([wa]\d{5}|[degp]\d{3}xx|[iI]\d{5}|i\d{4}x|L[A-Za-z0-9]{1,2})$`)
	legacy     = regexp.MustCompile(`^([0-9A-Z]\d{1,2})?$`)
	form       = regexp.MustCompile(`^([NC][1-9]\d{0,2}(\.\d)?)?$`)
	span       = regexp.MustCompile(`^(\d+\.\.\d+|\d+(\|\d+)+)?$`)
	example    = regexp.MustCompile(`^(C\.[1-9]\d?)?$`)
	secondHand = "second hand"
)

// check looks at every row, and names all that are wrong.
func check(rows map[string][]row) error {
	c := checker{rows: rows, seen: make(map[string]row), legacy: make(map[string]row)}
	for _, file := range []string{"commands.csv", "secret.csv", "systems.csv", "returns.csv", "flags.csv", "params.csv", "factors.csv"} {
		if len(rows[file]) == 0 {
			c.errs = append(c.errs, fmt.Errorf("%s: has no rows", file))
		}
		for _, r := range rows[file] {
			c.row(r)
		}
	}
	return errors.Join(c.errs...)
}

type checker struct {
	rows   map[string][]row
	seen   map[string]row // by file, key and edition
	legacy map[string]row // the first row with that code of 2005
	errs   []error
}

func (c *checker) fail(r row, text string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s:%d: "+text, append([]any{r.file, r.line}, args...)...))
}

// match checks the form of a field.
func (c *checker) match(r row, name string, form *regexp.Regexp) {
	if s := r.field[name]; !form.MatchString(s) {
		c.fail(r, "%s is %q: want %s", name, s, form)
	}
}

// among checks that a field is one of a list.
func (c *checker) among(r row, name string, list []string) {
	if s := r.field[name]; !slices.Contains(list, s) {
		c.fail(r, "%s is %q: want %s", name, s, strings.TrimPrefix(strings.Join(list, ", "), ", "))
	}
}

// row checks one row: first what all files have, then what its own has.
func (c *checker) row(r row) {
	key := map[string]string{
		"commands.csv": "cn direction edition",
		"secret.csv":   "from to direction edition",
		"returns.csv":  "field code edition",
		"params.csv":   "name edition",
	}[r.file]
	if key == "" {
		key = "code edition"
	}
	k := r.fields(key)
	if first, ok := c.seen[r.file+strings.Join(k, "\t")]; ok {
		c.fail(r, "%s is in line %d already", strings.Join(k, " "), first.line)
	} else {
		c.seen[r.file+strings.Join(k, "\t")] = r
	}
	c.among(r, "edition", editions)
	c.among(r, "uncertain", []string{"yes", "no"})
	for name, s := range r.field {
		if strings.ContainsAny(s, "\t\n\r`") || strings.TrimSpace(s) != s {
			c.fail(r, "%s has a tab, an end of line, a backquote, or blanks around it", name)
		}
	}
	for _, name := range []string{"chinese", "english", "source"} {
		if s, ok := r.field[name]; ok && s == "" {
			c.fail(r, "%s is empty", name)
		}
	}
	c.source(r)
	switch r.file {
	case "commands.csv":
		c.match(r, "cn", command)
		c.among(r, "direction", directions)
		c.among(r, "pattern", patterns[1:])
		c.among(r, "history", patterns)
		c.match(r, "table", example)
		c.params(r)
	case "secret.csv":
		c.match(r, "from", command)
		c.match(r, "to", command)
		c.among(r, "direction", directions)
		if r.field["from"] > r.field["to"] {
			c.fail(r, "from is %s, which is after %s", r.field["from"], r.field["to"])
		}
	case "systems.csv":
		c.match(r, "code", system)
	case "returns.csv":
		c.among(r, "field", []string{"QnRtn", "ExeRtn"})
		c.match(r, "code", result)
	case "flags.csv":
		c.match(r, "code", flag)
	case "params.csv":
		c.match(r, "name", param)
		c.match(r, "format", form)
		c.match(r, "range", span)
	case "factors.csv":
		c.match(r, "code", factor)
		c.match(r, "format", form)
		c.match(r, "legacy", legacy)
		c.among(r, "medium", media)
		l := r.field["legacy"]
		if first, ok := c.legacy[l]; ok && l != "" && first.field["code"] != r.field["code"] {
			c.fail(r, "legacy %s is that of %s in line %d", l, first.field["code"], first.line)
		} else if !ok {
			c.legacy[l] = r
		}
	}
}

// source checks that a row says where it is from, and an uncertain one why it is.
func (c *checker) source(r row) {
	source, note, _ := strings.Cut(r.field["source"], "; ")
	origin, _, _ := strings.Cut(source, " ")
	want := map[string]string{"2005": "S05", "2017": "S17", "2025": "second"}[r.field["edition"]]
	switch {
	case origin == "HJ" && r.file == "factors.csv": // another standard's
	case origin != want, want == "second" && source != secondHand:
		c.fail(r, "source is %q: want %q", r.field["source"], strings.Replace(want, "second", secondHand, 1))
	case r.field["uncertain"] == "yes" && note == "":
		c.fail(r, "source is %q: want what is uncertain after a semicolon", r.field["source"])
	}
}

// params checks that all parameters of a command are in params.csv, for its edition.
func (c *checker) params(r row) {
	var all []string
	for _, name := range append(strings.Fields(r.field["required"]), strings.Fields(r.field["optional"])...) {
		if slices.Contains(all, name) {
			c.fail(r, "parameter %s is there twice", name)
		}
		all = append(all, name)
		code, kind, ok := strings.Cut(name, "-")
		known := slices.ContainsFunc(c.rows["params.csv"], func(p row) bool {
			if p.field["edition"] != r.field["edition"] {
				return false
			}
			n := p.field["name"]
			return n == name || ok && (code == "*" || factor.MatchString(code)) && (n == "*-"+kind || n == "SBn-"+kind)
		})
		if !known {
			c.fail(r, "parameter %s is not in params.csv for %s", name, r.field["edition"])
		}
	}
}
