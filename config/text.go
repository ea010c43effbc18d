package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a site file. They are far above what a site needs, and low enough
// that the YAML library, which is quadratic in places, stays quick on a
// router.
const (
	maxFile  = 1 << 20 // bytes
	maxLines = 10_000
	maxLine  = 1000    // bytes in a line
	maxMarks = 100_000 // characters that may be marks of YAML
	maxDepth = 24      // lists and mappings within each other
	maxKeys  = 1000    // keys in one mapping, items in one list
)

const (
	textEmpty = "is empty: a site file begins with gateway: and its id"
	hintEmpty = "site.example.yaml shows every key; copy it and change it"
)

// lines cuts a file into lines without their ends. ok is false where it cannot
// be read at all, and that has been reported.
func (f *findings) lines(b []byte) (lines []string, ok bool) {
	if len(b) > maxFile {
		f.add(Problem{
			Text: fmt.Sprintf("has more than %d bytes: a site file has a few thousand", maxFile),
			Hint: "is this the right file?",
		})
		return nil, false
	}
	if bytes.HasPrefix(b, []byte{0xFF, 0xFE}) || bytes.HasPrefix(b, []byte{0xFE, 0xFF}) {
		f.add(Problem{Line: 1, Column: 1, Text: "the file is UTF-16: want UTF-8", Hint: "save it again with the encoding UTF-8"})
		return nil, false
	}
	b = bytes.TrimPrefix(b, []byte{0xEF, 0xBB, 0xBF}) // Notepad's mark of UTF-8
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	lines = strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
	if len(lines) > maxLines {
		f.add(Problem{
			Line: maxLines + 1, Column: 1,
			Text: fmt.Sprintf("the file has %d lines: at most %d", len(lines), maxLines),
			Hint: "is this the right file?",
		})
		return nil, false
	}
	ok = true
	for i, line := range lines {
		if p := strangeLetter(line); p >= 0 {
			f.strange(i+1, line, p)
			ok = false
		}
		if len(line) > maxLine {
			f.add(Problem{Line: i + 1, Column: 1, Text: fmt.Sprintf("the line has %d bytes: at most %d", len(line), maxLine)})
			ok = false
		}
	}
	if ok && blank(lines) {
		f.add(Problem{Text: textEmpty, Hint: hintEmpty})
		return nil, false
	}
	return lines, ok
}

// strangeLetter is the byte index of the first character that no site file
// has: bytes that are not UTF-8, control characters. -1 if there is none.
func strangeLetter(line string) int {
	for i, r := range line {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(line[i:]); size == 1 {
				return i
			}
		}
		if r < ' ' && r != '\t' || r >= 0x7F && r < 0xA0 || r == 0x2028 || r == 0x2029 || r == 0xFEFF {
			return i
		}
	}
	return -1
}

func (f *findings) strange(line int, text string, at int) {
	p := Problem{Line: line, Column: utf8.RuneCountInString(text[:at]) + 1}
	if r, size := utf8.DecodeRuneInString(text[at:]); r == utf8.RuneError && size == 1 {
		p.Text = fmt.Sprintf("byte 0x%02X is not UTF-8: a site file is UTF-8 throughout", text[at])
		p.Hint = "was it saved as GBK or ANSI? save it again with the encoding UTF-8"
	} else {
		p.Text = fmt.Sprintf("character %U does not show and has no place in a site file", r)
		p.Hint = "delete it, or write the line anew"
	}
	f.add(p)
}

// blank says whether there is nothing but comments.
func blank(lines []string) bool {
	for _, line := range lines {
		if !idle(line) && !strings.HasPrefix(line, "---") && strings.TrimSpace(line) != "..." {
			return false
		}
	}
	return true
}

// idle says whether a line is empty or a comment.
func idle(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return line == "" || line[0] == '#'
}

// indent is how many spaces a line begins with.
func indent(line string) int {
	return len(line) - len(strings.TrimLeft(line, " "))
}

// marks counts the characters that may become tokens of YAML.
func marks(lines []string) int {
	n := 0
	for _, line := range lines {
		if !idle(line) {
			n += len(line) - len(strings.Map(func(r rune) rune {
				if strings.ContainsRune("[]{},&*!%|>?:-", r) {
					return -1
				}
				return r
			}, line))
		}
	}
	return n
}
