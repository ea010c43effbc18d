package envelope

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding/json would take a payload that has a member twice (the last one
// counts), names in the wrong case, members nobody knows, and bytes that are no
// UTF-8. What is evidence must have one meaning, so here is a reader that takes
// none of these. It knows the shape it is to find and has no other.

// A SyntaxError says at which byte a payload or a header leaves its form. It
// comes wrapped together with [ErrPayload] or [ErrForm].
type SyntaxError struct {
	Offset int    // bytes from the beginning
	Text   string // what is wrong there
}

// Error returns place and text.
func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Text) }

// A scanner reads one JSON text. After the first error its methods do nothing
// and return zero values, so that callers need not ask each time.
type scanner struct {
	b   string // strings without escapes are parts of it
	i   int
	err *SyntaxError
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = &SyntaxError{Offset: s.i, Text: fmt.Sprintf(format, args...)}
	}
}

// end says whether the text was right, and all of it was read.
func (s *scanner) end() error {
	if s.i < len(s.b) {
		s.fail("%d bytes after the last brace", len(s.b)-s.i)
	}
	if s.err != nil {
		return s.err
	}
	return nil
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.err == nil && s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) {
	if s.peek() != c {
		s.fail("%s: %q", s.found(), c)
		return
	}
	s.i++
}

// found describes the next byte for an error text.
func (s *scanner) found() string {
	if s.i >= len(s.b) {
		return "text ends"
	}
	return fmt.Sprintf("%q stands here", s.b[s.i])
}

// literal reads a word such as null.
func (s *scanner) literal(word string) {
	s.peek()
	if s.err != nil {
		return
	}
	if !strings.HasPrefix(s.b[s.i:], word) {
		s.fail("%s: %s", s.found(), word)
		return
	}
	s.i += len(word)
}

// null reads null, if that is next.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.literal("null")
	return s.err == nil
}

// list reads an array of at most limit entries. f reads an entry.
func (s *scanner) list(limit int, f func()) {
	s.expect('[')
	if s.peek() == ']' {
		s.i++
		return
	}
	for n := 0; s.err == nil; n++ {
		if n == limit {
			s.fail("list goes on after %d entries", limit)
			return
		}
		f()
		if s.peek() == ',' {
			s.i++
			continue
		}
		s.expect(']')
		return
	}
}

// members reads an object of at most limit members with any names, each once. f
// reads a value.
func (s *scanner) members(limit int, f func(name string)) {
	var names []string
	s.expect('{')
	if s.peek() == '}' {
		s.i++
		return
	}
	for s.err == nil {
		start := s.i
		name := s.text()
		for _, other := range names {
			if other == name && s.err == nil {
				s.i = start
				s.fail("member %q twice", name)
			}
		}
		if len(names) == limit {
			s.fail("object goes on after %d members", limit)
			return
		}
		names = append(names, name)
		s.expect(':')
		if s.err != nil {
			return
		}
		f(name)
		if s.peek() == ',' {
			s.i++
			s.peek()
			continue
		}
		s.expect('}')
		return
	}
}

// object reads an object whose members are of the list known, at least the
// first need of them. f reads a value.
func (s *scanner) object(known []string, need int, f func(name string)) {
	seen := 0
	s.members(len(known), func(name string) {
		for i, k := range known {
			if k == name {
				seen |= 1 << i
				f(name)
				return
			}
		}
		s.fail("member %q is not known here", name)
	})
	for i, k := range known[:need] {
		if seen&(1<<i) == 0 {
			s.fail("object ends without %q", k)
			return
		}
	}
}

// number reads an integer of 0 to 2^53 and one more, which is for Check to
// refuse with an error of its own.
func (s *scanner) number() uint64 {
	s.peek()
	start := s.i
	n := s.integer()
	if n < 0 {
		s.i = start
		s.fail("%d is negative", n)
		return 0
	}
	return uint64(n)
}

// integer reads an integer that fits int64, without fraction or exponent.
func (s *scanner) integer() int64 {
	s.peek()
	if s.err != nil {
		return 0
	}
	start := s.i
	end := start
	for end < len(s.b) && (s.b[end] == '-' || s.b[end] == '+' || s.b[end] == '.' || s.b[end]|0x20 == 'e' || '0' <= s.b[end] && s.b[end] <= '9') {
		end++
	}
	text := s.b[start:end]
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text { // neither +1 nor 01 nor -0
		if text == "" {
			text = s.found()
		}
		s.fail("%.40s: an integer", text)
		return 0
	}
	s.i = end
	return n
}

// text reads a string.
func (s *scanner) text() string {
	s.expect('"')
	if s.err != nil {
		return ""
	}
	start := s.i
	for i := start; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			if text := s.b[start:i]; utf8.ValidString(text) {
				return text
			}
			s.i = start
			s.fail("string is not UTF-8")
			return ""
		case c == '\\':
			return s.escaped(start, i)
		case c < 0x20:
			s.i = i
			s.fail("control character %#02x in a string", c)
			return ""
		}
	}
	s.i = len(s.b)
	s.fail("string without end")
	return ""
}

// escaped reads the string that began at start and has its first escape at i.
func (s *scanner) escaped(start, i int) string {
	text := []byte(s.b[start:i])
	for i < len(s.b) {
		c := s.b[i]
		s.i = i
		switch {
		case c == '"':
			s.i = i + 1
			if !utf8.Valid(text) {
				s.i = start
				s.fail("string is not UTF-8")
			}
			return string(text)
		case c < 0x20:
			s.fail("control character %#02x in a string", c)
			return ""
		case c != '\\':
			text = append(text, c)
			i++
			continue
		}
		if i+1 == len(s.b) {
			break
		}
		if at := strings.IndexByte(`"\/bfnrt`, s.b[i+1]); at >= 0 {
			text = append(text, "\"\\/\b\f\n\r\t"[at])
			i += 2
			continue
		}
		r, n := s.rune(i)
		if s.err != nil {
			return ""
		}
		text = utf8.AppendRune(text, r)
		i += n
	}
	s.i = len(s.b)
	s.fail("string without end")
	return ""
}

// rune reads an escape of the form \u1234, or the two that make one character.
func (s *scanner) rune(i int) (r rune, n int) {
	r, ok := hex4(s.b[i:])
	if !ok {
		s.fail("escape that JSON does not have")
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := hex4(s.b[i+6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		s.fail("half of a character")
		return 0, 0
	}
	return r, 12
}

func hex4(b string) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(b[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
