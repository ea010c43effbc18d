package hj212

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrText is returned by [Text] for bytes that are neither UTF-8 nor what the other
// decoder takes.
var ErrText = errors.New("text is not UTF-8, nor of the other encoding")

// Text returns the text of a value, which the standard wants in UTF-8 (HJ 212-2017,
// 6.3) and much software of loggers writes in GBK. What is UTF-8 is returned as it
// is; anything else goes through other, which may be nil. A decoder that puts U+FFFD
// for what it does not know has failed, too. The error is [ErrText], perhaps with
// other's, and the string is then s itself.
//
// A guess remains: some pairs of GBK bytes are UTF-8 as well ("模", C4A3H, reads as
// "ģ"). A whole log line seldom is.
func Text(s string, other func(string) (string, error)) (string, error) {
	if utf8.ValidString(s) {
		return s, nil
	}
	if other == nil {
		return s, fmt.Errorf("hj212: %q: %w", shorten(s), ErrText)
	}
	t, err := other(s)
	if err != nil {
		return s, fmt.Errorf("hj212: %q: %w: %w", shorten(s), ErrText, err)
	}
	if !utf8.ValidString(t) || strings.ContainsRune(t, utf8.RuneError) {
		return s, fmt.Errorf("hj212: %q: %w", shorten(s), ErrText)
	}
	return t, nil
}
