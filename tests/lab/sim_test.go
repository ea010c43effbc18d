package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// screenText is a screen that a test watches while lab sim writes on it.
type screenText struct {
	lines chan string
}

func (s *screenText) Write(b []byte) (int, error) {
	s.lines <- string(b)
	return len(b), nil
}

// until waits for a text on the screen.
func (s *screenText) until(t *testing.T, want string) {
	t.Helper()
	var all strings.Builder
	for {
		select {
		case l := <-s.lines:
			if all.WriteString(l); strings.Contains(all.String(), want) {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no %q on the screen:\n%s", want, all.String())
		}
	}
}

func TestSimIsOrdered(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	keyboard, hand := io.Pipe()
	defer hand.Close()
	screen := &screenText{lines: make(chan string, 64)}
	var errs bytes.Buffer
	site := filepath.Join(t.TempDir(), "site.yaml")
	done := make(chan int)
	template := "../../drivers/templates/sick-marsic300.yaml"
	go func() { done <- runSim(ctx, []string{"-site", site, "7=" + template}, keyboard, screen, &errs) }()
	screen.until(t, "unit: 7, interval: 10s}\n")
	for _, o := range []struct{ say, want string }{
		{"7 malfunction 1\n7\n", "malfunction              1 (status)           function 2 address 1000: [0001]"},
		{"7 a21026 2.5\n7\n", "a21026                   2.5 mg/m3            function 4 address 1000: [4020 0000]"},
		{"7 a21026 sentinel\n7\n", "a21026                   no value             function 4 address 1000: [0000 0000]"},
		{"7 ozone 1\n", `sick-marsic300 has no point or status "ozone"`},
		{"7 silent\n7 exception 4\n7 well\n8\n", "UNIT silent"},
	} {
		io.WriteString(hand, o.say)
		screen.until(t, o.want)
	}
	b, err := os.ReadFile(site)
	if err != nil || !strings.Contains(string(b), "url: tcp://127.0.0.1:") || !strings.Contains(string(b), "template_file: ") {
		t.Errorf("site file: %v\n%s", err, b)
	}
	cancel()
	if code := <-done; code != 0 || errs.Len() > 0 {
		t.Errorf("ends with %d, %s", code, errs.String())
	}
}

func TestSimRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mine.txt")
	if err := os.WriteFile(file, []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	adapter := filepath.Join(t.TempDir(), "usb-adapter")
	if err := os.Symlink("/dev/ttyUSB0", adapter); err != nil {
		t.Fatal(err)
	}
	noise := "../../drivers/templates/sonbest-sm7901b.yaml"
	for _, row := range []struct {
		args []string
		want string
	}{
		{nil, "no instrument is named"},
		{[]string{"0=" + noise}, "is no instrument"},
		{[]string{"1"}, "is no instrument"},
		{[]string{"1=no-such"}, "built-in templates are found"},
		{[]string{"1=" + noise, "1=" + noise}, "unit 1 is there twice"},
		{[]string{"-pty", "a", "-listen", "b", "1=" + noise}, "a line is one of them"},
		{[]string{"-pty", file, "1=" + noise}, "is there already"},
		{[]string{"-pty", adapter, "1=" + noise}, "is there already"},
	} {
		var errs bytes.Buffer
		if code := runSim(t.Context(), row.args, strings.NewReader(""), io.Discard, &errs); code != 1 || !strings.Contains(errs.String(), row.want) {
			t.Errorf("%v: code %d, %s", row.args, code, errs.String())
		}
	}
	if to, _ := os.Readlink(adapter); to != "/dev/ttyUSB0" {
		t.Errorf("the adapter's name leads to %q", to)
	}
	if b, _ := os.ReadFile(file); string(b) != "keep me" {
		t.Errorf("the file is now %q", b)
	}
}
