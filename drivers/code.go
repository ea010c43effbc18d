package drivers

import (
	"strings"

	"envgate/hj212"
)

// ValidCode reports whether s can name a point: a letter, then letters, digits
// and underscores, 32 at most. The hyphen is left out as HJ 212 puts it
// between a code and Rtd, Avg and so on.
func ValidCode(s string) bool {
	return len(s) <= 32 && s != "" && isLetter(s[0]) &&
		strings.IndexFunc(s, func(r rune) bool { return r > 127 || !isLetter(byte(r)) && !isDigit(byte(r)) && r != '_' }) < 0
}

func validStatus(s string) bool {
	return len(s) <= 24 && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) < 0
}

func validFlag(s string) bool {
	return s != "" && len(s) <= 4 && s != hj212.FlagNormal &&
		strings.IndexFunc(s, func(r rune) bool { return r > 127 || !isLetter(byte(r)) }) < 0
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
func isDigit(b byte) bool  { return '0' <= b && b <= '9' }
