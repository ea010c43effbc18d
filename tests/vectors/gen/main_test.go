package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGenerated holds that the vectors in the tree are those that the generator
// writes. If it fails after a change here, run it and look at the difference; if
// only gzip-*.vec differ, a new compressor writes other bytes.
func TestGenerated(t *testing.T) {
	const folder = "../envelope"
	names := make(map[string]bool)
	for _, v := range all() {
		if names[v.name] {
			t.Errorf("two vectors %s", v.name)
		}
		names[v.name] = true
		got, err := os.ReadFile(filepath.Join(folder, v.name+".vec"))
		if err != nil || !bytes.Equal(got, v.append(nil)) {
			t.Errorf("%s.vec is not what the generator writes (%v): go run ./tests/vectors/gen", v.name, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.vec"))
	if err != nil || len(files) != len(names) {
		t.Errorf("%d files, %d vectors (%v)", len(files), len(names), err)
	}
}
