package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"envgate/tests/sim"
)

// docPort is the port of the transcripts in docs/operations.md.
const docPort = "/dev/ttyUSB0"

// TestOperations types what docs/operations.md tells people to type, on the bus that it
// describes, and compares what comes with what it shows. In a transcript a line of three
// dots stands for any lines, three dots at a line's end for its rest; times may differ.
// A yaml block that begins with "# NAME" is the file of that name.
func TestOperations(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	script, commands := scriptOf(string(doc))
	if commands < 5 || commands >= 10 {
		t.Fatalf("docs/operations.md has %d commands from an unknown bus to the first reading, want 5 to 9", commands)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "operations.txt"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:   dir,
		Setup: setUnknownBus,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"shows": shows, "write": writeOut},
	})
}

// scriptOf makes a script of a text's transcripts, and counts their commands.
func scriptOf(doc string) (script string, commands int) {
	var steps, files strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```(console|yaml)\n(.*?)^```$").FindAllStringSubmatch(doc, -1) {
		text := block[2]
		if block[1] == "yaml" {
			if head, _, _ := strings.Cut(text, "\n"); strings.HasSuffix(head, ".yaml") {

				name := strings.TrimPrefix(head, "# ")
				steps.WriteString("write " + name + "\n")
				files.WriteString("-- doc/" + name + " --\n" + text)
			}
			continue
		}
		for part := range strings.SplitSeq("\n"+text, "\n$ ") {
			command, want, _ := strings.Cut(part, "\n")
			if strings.TrimSpace(command) == "" {
				continue
			}
			commands++
			name := "want" + string(rune('0'+commands))
			steps.WriteString("exec " + strings.ReplaceAll(command, docPort, "$PORT") + "\nshows " + name + "\n")
			files.WriteString("-- " + name + " --\n" + strings.TrimRight(want, "\n") + "\n")
		}
	}
	return steps.String() + files.String(), commands
}

// setUnknownBus plugs in a bus with a dust monitor and a noise meter whose values stand.
func setUnknownBus(env *testscript.Env) error {
	port := filepath.Join(env.WorkDir, "ttyUSB0")
	bus, err := sim.OpenBus(sim.BusOptions{Name: port, Baud: 9600})
	if err != nil {
		return err
	}
	env.Defer(func() { bus.Close() })
	for unit, template := range map[byte]string{1: "boling-dust", 3: "sonbest-sm7901b"} {
		sheet, err := sim.OpenSheet("../../drivers/templates/" + template + ".yaml")
		if err != nil {
			return err
		}
		in, err := sim.Play(template, sheet)
		if err != nil {
			return err
		}
		in.Still(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
		bus.Attach(unit, in)
	}
	env.Setenv("PORT", port)
	env.Setenv("PATH", filepath.Dir(envgate)+":"+os.Getenv("PATH"))
	return nil
}

// writeOut makes a file as the text has it, but for the port.
func writeOut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: write FILE")
	}
	text := strings.ReplaceAll(ts.ReadFile("doc/"+args[0]), docPort, ts.Getenv("PORT"))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// shows compares what the last command said with a file.
func shows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: shows FILE")
	}
	said := strings.ReplaceAll(ts.ReadFile("stderr")+ts.ReadFile("stdout"), ts.Getenv("PORT"), docPort)
	want := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	got := strings.Split(strings.TrimSpace(said), "\n")
	i := 0
	for k, line := range want {
		if line == "..." {
			if k == len(want)-1 {
				return
			}
			for i < len(got) && !alike(want[k+1], got[i]) {
				i++
			}
			continue
		}
		if i >= len(got) || !alike(line, got[i]) {
			ts.Fatalf("docs/operations.md shows %q, which does not come here:\n%s", line, said)
		}
		i++
	}
	if i < len(got) {
		ts.Fatalf("more comes than docs/operations.md shows:\n%s", strings.Join(got[i:], "\n"))
	}
}

var times = regexp.MustCompile(`\b(\d+(\.\d+)?(ms|s|m))+\b`)

// alike compares two lines but for their times and the width of columns.
func alike(want, got string) bool {
	plain := func(s string) string { return times.ReplaceAllString(strings.Join(strings.Fields(s), " "), "TIME") }
	if head, ok := strings.CutSuffix(want, " ..."); ok {
		return strings.HasPrefix(plain(got), plain(head))
	}
	return plain(want) == plain(got)
}
