package main

import "strings"

// width is how many columns a text takes in a terminal: letters of East Asia
// take two.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

// columns is how many columns a letter takes. The ranges are those of Chinese
// letters and marks and of full-width forms (Unicode annex 11, class W and F).
func columns(r rune) int {
	switch {
	case r < ' ' || r == 0x7F || r >= 0x300 && r <= 0x36F:
		return 0
	case r >= 0x1100 && r <= 0x115F, r >= 0x2E80 && r <= 0x303E, r >= 0x3041 && r <= 0xA4CF,
		r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF, r >= 0xFE30 && r <= 0xFE6F,
		r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x20000 && r <= 0x3FFFD:
		return 2
	}
	return 1
}

// cut shortens s to at most n columns.
func cut(s string, n int) string {
	at := 0
	for i, r := range s {
		if at += columns(r); at > n {
			return s[:i]
		}
	}
	return s
}

// left fills s with spaces to n columns, and cuts what is longer.
func left(s string, n int) string {
	s = cut(s, n)
	return s + strings.Repeat(" ", n-width(s))
}

// right puts the spaces before s.
func right(s string, n int) string {
	s = cut(s, n)
	return strings.Repeat(" ", n-width(s)) + s
}
