package main

import (
	"context"
	"strings"
	"testing"
)

// What is typed is done, and a wrong flag is told.
func TestConsole(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := run(context.Background(), []string{"-listen", "127.0.0.1:0", "-edition", "2025", "-lost", "5"}, strings.NewReader("list\nrecords\n\nquit\n"), &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"listens on 127.0.0.1:", "edition 2025", "1062  set real-time interval", "RtdInterval=30", "3024  start a standard check", "Frames:0 Bad:0",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "3017") {
		t.Error("3017 is not of 2025")
	}
	for _, args := range [][]string{{"-edition", "2018"}, {"-key", "short"}, {"-listen", "nowhere"}} {
		if err := run(context.Background(), args, strings.NewReader("quit\n"), &out); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
