package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// What the documents promise they promise by name of a test: `package.TestName`. A test
// that was renamed or removed takes its promise with it.
func TestDocumentsNameTests(t *testing.T) {
	named := regexp.MustCompile("`([a-z0-9/]+)\\.(Test[A-Za-z0-9]+)`")
	for file, least := range map[string]int{"threat-model.md": 25, "operations.md": 10} {
		text, err := os.ReadFile(filepath.Join("../docs", file))
		if err != nil {
			t.Fatal(err)
		}
		found := named.FindAllSubmatch(text, -1)
		if len(found) < least {
			t.Errorf("%s names %d tests, want %d or more", file, len(found), least)
		}
		for _, m := range found {
			if !hasTest(t, filepath.Join("..", string(m[1])), string(m[2])) {
				t.Errorf("%s: no test %s in %s", file, m[2], m[1])
			}
		}
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^func ` + name + `\(t \*testing\.T\)`).Match(b) {
			return true
		}
	}
	return false
}
