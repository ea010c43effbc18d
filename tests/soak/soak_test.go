package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"envgate/tests/rig"
)

// TestSoak soaks for half a minute, twice at the same time: one ends well, and the one
// that hides a reading does not.
func TestSoak(t *testing.T) {
	t.Parallel()
	if _, err := rig.Look("mosquitto", "mosquitto"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	for name, pkg := range map[string]string{"envgate": "envgate/agent", "centre": "envgate/centre"} {
		cmd := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", pkg, err, text)
		}
	}
	soak := func(more ...string) (code int, said string) {
		var out bytes.Buffer
		args := []string{
			"-hours", "0.008", "-seed", "5", "-life", "12s", "-envgate", filepath.Join(dir, "envgate"), "-centre", filepath.Join(dir, "centre"),
			"-work", dir, "-out", filepath.Join(dir, "out"+strings.Join(more, "")),
		}
		code = run(append(args, more...), &out, &out)
		return code, out.String()
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		code, said := soak()
		if code != 0 || !strings.Contains(said, "unaccounted = 0\n") {
			t.Errorf("exit code %d, want 0 and nothing unaccounted for:\n%s", code, said)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "out", "soak-5.svg")); err != nil {
			t.Error(err)
		} else if err := wellFormed(b); err != nil {
			t.Errorf("the plot: %v", err)
		}
	})
	wg.Go(func() {
		code, said := soak("-lie")
		if code != 1 || !strings.Contains(said, "unaccounted for: unit1 c01: 1 of ") {
			t.Errorf("control: exit code %d, want 1 and what is missing:\n%s", code, said)
		}
	})
	wg.Wait()
}

func wellFormed(b []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range []string{"-hours 0", "-hours 9", "-hours x", "-hours 1 more", "-unknown"} {
		if code := run(strings.Fields(args), io.Discard, io.Discard); code != 2 {
			t.Errorf("soak %s ended with %d, want 2", args, code)
		}
	}
	if code := run([]string{"-hours", "1", "-envgate", "/nowhere"}, io.Discard, io.Discard); code != 1 {
		t.Errorf("without programs: ended with %d, want 1", code)
	}
}

// The account of goroutines is taken out of what the agent says; dead ones do not count.
func TestTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.log")
	tr, err := newTrace(path)
	if err != nil {
		t.Fatal(err)
	}
	text := "time=1 msg=one\nSCHED 10ms: gomaxprocs=2\n  P0: status=0 schedtick=1\n  M1: p=nil curg=nil\n" +
		"  G1: status=4(sleep) m=nil lockedm=nil\n  G2: status=6() m=nil lockedm=nil\n  G3: status=3() m=4 lockedm=nil\n" +
		"time=2 msg=two\nSCHED 20ms: gomaxprocs=2\ntime=3 msg=three\n"
	for i := range len(text) { // in pieces of every size
		tr.Write([]byte(text[i : i+1]))
	}
	if n := tr.goroutines(); n != 2 {
		t.Errorf("%d goroutines, want 2", n)
	}
	tr.close()
	if b, _ := os.ReadFile(path); string(b) != "time=1 msg=one\ntime=2 msg=two\ntime=3 msg=three\n" {
		t.Errorf("the log says %q", b)
	}
}

func TestGrown(t *testing.T) {
	young := sample{anon: 8e6, goroutines: 34, descriptors: 19}
	for _, tt := range []struct {
		name string
		old  sample
		bad  bool
	}{
		{"the same", young, false},
		{"a little", sample{anon: 11e6, goroutines: 40, descriptors: 22}, false},
		{"memory", sample{anon: 13e6, goroutines: 34, descriptors: 19}, true},
		{"goroutines", sample{anon: 8e6, goroutines: 50, descriptors: 19}, true},
		{"descriptors", sample{anon: 8e6, goroutines: 34, descriptors: 30}, true},
	} {
		if err := grown("now", young, tt.old); (err != nil) != tt.bad {
			t.Errorf("%s: grown = %v", tt.name, err)
		}
	}
}

// A frame's own number comes back from an answer to it.
func TestFrame(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, site)
	text := frame(1234, now)
	if !strings.HasPrefix(text, "##0") || !strings.Contains(text, "a21026-Rtd=1234.50") {
		t.Errorf("frame = %q", text)
	}
	at, n, ok := readQN("20260301080000234")
	if !ok || n != 234 || !at.Equal(now) {
		t.Errorf("readQN = %v, %d, %v", at, n, ok)
	}
}
