package hj212_test

import (
	"errors"
	"testing"

	"envgate/hj212"
)

func TestText(t *testing.T) {
	bad := errors.New("bad")
	for _, test := range []struct {
		name, s string
		other   func(string) (string, error)
		want    string
		err     error
	}{
		{"ASCII", "ok", nil, "ok", nil},
		{"UTF-8", "清洗", nil, "清洗", nil},
		{"no decoder", "\xc7\xe5", nil, "\xc7\xe5", hj212.ErrText},
		{"decoder", "\xc7\xe5", func(string) (string, error) { return "清", nil }, "清", nil},
		{"decoder fails", "\xc7\xe5", func(string) (string, error) { return "", bad }, "\xc7\xe5", bad},
		{"decoder fails, ErrText", "\xc7\xe5", func(string) (string, error) { return "", bad }, "\xc7\xe5", hj212.ErrText},
		{"decoder replaces", "\xc7\xe5", func(string) (string, error) { return "\uFFFD", nil }, "\xc7\xe5", hj212.ErrText},
		{"decoder lies", "\xc7\xe5", func(s string) (string, error) { return s, nil }, "\xc7\xe5", hj212.ErrText},
	} {
		got, err := hj212.Text(test.s, test.other)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: Text(%q) = %q, %v, want %q, %v", test.name, test.s, got, err, test.want, test.err)
		}
	}
}
