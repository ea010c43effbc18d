package drivers

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "pack the templates anew")

// What the program carries is what stands in the folder.
func TestPacked(t *testing.T) {
	paths, err := filepath.Glob("templates/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string][]byte)
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(p), ".yaml")
		want[name] = b
		fmt.Fprintf(z, "%s %d\n%s", name, len(b), b)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("templates.gz", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		packed = out.Bytes()
	}
	got, err := unpack(packed)
	if err != nil || !maps.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("templates.gz is not the folder (%v): go test ./drivers -run TestPacked -update", err)
	}
}
