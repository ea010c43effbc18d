package tests

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// The numbers in docs/figures.md are those that the script prints.
func TestFiguresDocument(t *testing.T) {
	out, err := exec.Command("python3", "figures/figures.py", "--explain").Output()
	if err != nil {
		t.Fatalf("python3 figures/figures.py --explain: %v (make need installs what tests want)", err)
	}
	doc, err := os.ReadFile("../docs/figures.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)<!-- ([a-z]+) -->\n.*?<!-- end -->\n`)
	want := map[string]string{}
	for _, m := range block.FindAllSubmatch(out, -1) {
		want[string(m[1])] = string(m[0])
	}
	got := map[string]string{}
	for _, m := range block.FindAllSubmatch(doc, -1) {
		got[string(m[1])] = string(m[0])
	}
	for _, name := range []string{"stack", "water", "air", "noise"} {
		if want[name] == "" || got[name] != want[name] {
			t.Errorf("docs/figures.md, %s:\n%s\nthe script prints\n%s", name, got[name], want[name])
		}
	}
}
