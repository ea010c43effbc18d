package hj212_test

import (
	"testing"

	"envgate/hj212"
)

func TestEditionString(t *testing.T) {
	for e, want := range map[hj212.Edition]string{
		hj212.Ed2005: "HJ/T 212-2005",
		hj212.Ed2017: "HJ 212-2017",
		hj212.Ed2025: "HJ 212-2025",
		1999:         "Edition(1999)",
	} {
		if got := e.String(); got != want {
			t.Errorf("Edition(%d).String() = %q, want %q", int(e), got, want)
		}
	}
	if hj212.Up.String() != "up" || hj212.Down.String() != "down" {
		t.Errorf("directions are %q and %q, want up and down", hj212.Up, hj212.Down)
	}
}
