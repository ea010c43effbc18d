package faults_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"envgate/tests/faults"
)

// A file that was cut short or changed while nobody had it open: the next victim sets it
// aside, and its new epoch names the former one as far as that could be read.
func TestDamage(t *testing.T) {
	t.Parallel()
	s := newSubject(t, t.TempDir(), "-commits", "60")
	s.live(time.Minute)
	file, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	former := s.last
	flags := bytes.Clone(file) // of all pages but the two that say where the tree begins
	for page := 2 * 4096; page < len(flags); page += 4096 {
		flags[page+8] ^= 0xff
	}
	metas := bytes.Clone(file) // the sums of both pages that say where the tree begins
	metas[16+40] ^= 1
	metas[4096+16+40] ^= 1
	for name, damaged := range map[string][]byte{
		"nothing": {}, "100 bytes": file[:100], "one page": file[:4096], "two pages": file[:8192], "three pages": file[:12288],
		"half": file[:len(file)/2], "zeros": make([]byte, len(file)), "all pages": flags, "sums": metas,
	} {
		d := newSubject(t, t.TempDir(), "-commits", "5")
		if err := os.WriteFile(d.path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		d.live(time.Minute)
		d.sound()
		e, err := faults.CheckSuccessor(d.path, former)
		if err != nil || d.acks != 6 {
			t.Errorf("%s: %d commits, %v", name, d.acks, err)
		}
		if name == "sums" && !strings.HasPrefix(e.New, former.Epoch) {
			t.Errorf("%s: the new epoch names %q, want %s", name, e.New, former.Epoch)
		}
		t.Logf("%s: %s: %.60s", name, e.Why, e.New)
	}
	if _, err := faults.CheckSuccessor(s.path, former); err == nil {
		t.Error("control: the file as it was passes for a successor: the harness proves nothing")
	}
}

// One bit is changed somewhere. Nobody notices where nothing lies there; or the file is
// set aside; or the one block that holds the bit is found by its own signature. The
// victim always goes on.
func TestBitFlips(t *testing.T) {
	t.Parallel()
	s := newSubject(t, t.TempDir(), "-commits", "60")
	s.live(time.Minute)
	file, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	former := s.last
	var harmless, aside, found int
	flips := rounds(t, "FAULTS_FLIPS", 24)
	dir := t.TempDir()
	for range flips {
		b := bytes.Clone(file)
		bit := rand.IntN(len(b) * 8)
		b[bit/8] ^= 1 << (bit % 8)
		d := newSubject(t, dir, "-commits", "3")
		if err := os.WriteFile(d.path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d.live(time.Minute)
		if d.acks < 3 {
			t.Errorf("bit %d: %d commits after it, want 3", bit, d.acks)
			continue
		}
		r := d.check()
		switch {
		case d.last.Epoch != former.Epoch:
			if _, err := faults.CheckSuccessor(d.path, former); err != nil || !r.OK() {
				t.Errorf("bit %d: %v; %v", bit, err, r.Problems)
			}
			aside++
		case r.OK():
			harmless++
		default:
			// The block, and the one behind it, which has no neighbour to follow.
			if r.Lost > 0 || r.Duplicates > 0 || r.Broken > 2 || !strings.Contains(r.Problems[0], "block ") {
				t.Errorf("bit %d: %s", bit, strings.Join(r.Problems, "\n"))
			}
			found++
		}
	}
	t.Logf("%d bits: %d harmless, %d set the file aside, %d found by the signature of a block", flips, harmless, aside, found)
	if aside+found == 0 {
		t.Error("no bit mattered: the harness proves nothing")
	}
}
