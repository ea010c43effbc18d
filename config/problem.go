package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
)

// A Problem is one thing wrong with a site file, and its place.
type Problem struct {
	// File is the name as it was given to [Load] or [Parse].
	File string

	// Line and Column count from 1, columns in characters. They are 0 where
	// the trouble is with the file as a whole.
	Line, Column int

	// Path is the value's place in the file's structure, such as
	// lines[0].devices[2].unit; empty where there is none.
	Path string

	// Text goes on after the path: what is there and what may be there, such
	// as "is 300: a Modbus unit is 1 to 247".
	Text string

	// Hint is what to do about it, or empty.
	Hint string

	// Warning means that the agent can run with it.
	Warning bool

	err error // the cause, where a caller may ask for it
}

// Error is the problem in one line, without its hint:
//
//	site.yaml:14:13: lines[0].devices[2].unit is 300: a Modbus unit is 1 to 247
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteByte(' ')
	}
	b.WriteString(p.Text)
	return b.String()
}

// Unwrap returns the cause, such as an error of the file system, or nil.
func (p Problem) Unwrap() error { return p.err }

// Problems is everything that is wrong with a site file, in the order of its
// lines. As an error it has at least one Problem that is not a warning; the
// warnings stand among them, so that one reading mends all.
type Problems []Problem

// Error is one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single problems.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i, one := range p {
		errs[i] = one
	}
	return errs
}

// WriteText writes the problems for a person, each behind the name of the
// program: a line with "error" or "warning", then its hint if it has one. A
// hint that is the same for several problems in a row comes once, after them.
//
//	envgate: error: site.yaml:14:13: lines[0].devices[2].unit is 300: a Modbus unit is 1 to 247
//	envgate: hint: 300 looks like a register address; did unit and address change places?
func (p Problems) WriteText(w io.Writer, program string) error {
	var b strings.Builder
	for i, one := range p {
		voice := "error"
		if one.Warning {
			voice = "warning"
		}
		fmt.Fprintf(&b, "%s: %s: %v\n", program, voice, one)
		if one.Hint != "" && (i+1 == len(p) || p[i+1].Hint != one.Hint) {
			fmt.Fprintf(&b, "%s: hint: %s\n", program, one.Hint)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// maxProblems bounds what is reported of one file. A file with more is not a
// site file with mistakes, but another file.
const maxProblems = 200

// findings collects problems while a file is read.
type findings struct {
	file string
	list Problems
	left int  // not kept, for want of room
	torn bool // part of the file could not be read
}

// add keeps a problem.
func (f *findings) add(p Problem) {
	p.File = f.file
	if len(f.list) >= maxProblems {
		f.left++
		return
	}
	f.list = append(f.list, p)
}

// split gives the problems in the order of the lines, and the warnings apart.
// The first holds the warnings too, unless there are only warnings.
func (f *findings) split() (problems, warnings Problems) {
	sort.SliceStable(f.list, func(i, j int) bool {
		a, b := &f.list[i], &f.list[j]
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) < 0
	})
	for _, p := range f.list {
		if p.Warning {
			warnings = append(warnings, p)
		}
	}
	if f.left > 0 {
		f.list = append(f.list, Problem{File: f.file, Text: fmt.Sprintf("has %d problems more: mend these first", f.left)})
	}
	if len(warnings) == len(f.list) {
		return nil, warnings
	}
	return f.list, warnings
}

// fileProblem is what Load says where no file could be read.
func fileProblem(file string, err error, hint string) Problems {
	cause := err
	for inner := errors.Unwrap(cause); inner != nil; inner = errors.Unwrap(cause) {
		cause = inner // "no such file or directory", without the path again
	}
	return Problems{{File: file, Text: "cannot be read: " + cause.Error(), Hint: hint, err: err}}
}
