package faults_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"envgate/tests/faults"
)

// The programs under test, built once: agent and centre as they are shipped.
var programs struct {
	envgate, centre, victim string
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "envgate-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, p := range []struct {
		path     *string
		name, of string
	}{
		{&programs.envgate, "envgate", "./agent"}, {&programs.centre, "centre", "./centre"}, {&programs.victim, "victim", "./tests/faults/victim"},
	} {
		*p.path = filepath.Join(dir, p.name)
		if err := build(*p.path, p.of); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

func build(out, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, b)
	}
	return nil
}

func buildProgram(t *testing.T, out, pkg string) {
	t.Helper()
	if err := build(out, pkg); err != nil {
		t.Fatal(err)
	}
}

// need finds a program of a package, or ends the test with the line that installs it.
func need(t *testing.T, program, pkg string) string {
	t.Helper()
	for _, p := range []string{program, "/usr/sbin/" + program, "/sbin/" + program} {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	t.Fatalf("%s is missing: apt-get install -y %s", program, pkg)
	return ""
}

// long is the number in a variable that the targets of the long tier set. Without it the
// test is skipped.
func long(t *testing.T, variable, target string) int {
	t.Helper()
	n := rounds(t, variable, 0)
	if n == 0 {
		t.Skipf("long tier: %s", target)
	}
	return n
}

// rounds is the number in a variable, or that of the quick tier.
func rounds(t *testing.T, variable string, quick int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return quick
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number from 1", variable, text)
	}
	return n
}

// tally sums up what the oracle says, for several tests at once.
type tally struct {
	mu     sync.Mutex
	name   string
	rounds int
	report faults.Report
}

func newTally(name string) *tally { return &tally{name: name} }

// add counts a checked round; nil is none.
func (y *tally) add(r *faults.Report) {
	if r == nil {
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.rounds++
	y.report.Add(*r)
}

// say records the counts.
func (y *tally) say(t *testing.T, more string) {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	record(t, y.name, fmt.Sprintf("%d rounds, %d blocks verified, %d lost, %d duplicates, %d chains broken, %d batches too many; %s",
		y.rounds, y.report.Blocks, y.report.Lost, y.report.Duplicates, y.report.Broken, y.report.Extra, more))
}

// record prints the counts of a test, and in the long tier leaves them in out/faults.
func record(t *testing.T, name, text string) {
	t.Helper()
	t.Logf("%s: %s", name, text)
	dir := os.Getenv("FAULTS_OUT")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".txt"), []byte(name+": "+text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
