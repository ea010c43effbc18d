package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// The programs under test, built once as they are shipped.
var envgate, centre string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// sideBySide is how many tests run at once where nobody says otherwise: most of their time
// they wait for a minute to end, or for a time-out.
const sideBySide = 4

func run(m *testing.M) int {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		f.Value.Set(strconv.Itoa(sideBySide))
	}
	dir, err := os.MkdirTemp("", "envgate-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	envgate, centre = filepath.Join(dir, "envgate"), filepath.Join(dir, "centre")
	for out, pkg := range map[string]string{envgate: "./agent", centre: "./centre"} {
		if err := build(out, pkg); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

func build(out, pkg string, env ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Dir = "../.."
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, b)
	}
	return nil
}

// need finds a program of a package, or ends the test with the line that installs it.
func need(t *testing.T, program, pkg string) string {
	t.Helper()
	for _, p := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	t.Fatalf("%s is missing: apt-get install -y %s", program, pkg)
	return ""
}
