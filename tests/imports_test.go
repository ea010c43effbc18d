// Package tests holds what is true of the whole repository, not of one package.
package tests

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrow says what one package may import beside the standard library, and why.
type arrow struct {
	may []string // "envgate/..." for ours, module or package paths for foreign ones
	why string
}

// arrows are those of the design. A package that is not here fails the test, so
// that a new one is a decision.
var arrows = map[string]arrow{
	"envgate/hj212": {
		[]string{"github.com/emmansun/gmsm/sm4"},
		"data-centre developers import it alone: nothing may come with it but a block cipher",
	},
	"envgate/hj212/gen": {
		nil, "makes a table from a file",
	},
	"envgate/envelope": {
		nil, "the contract of gateway and centre: whoever verifies must be able to read all of it",
	},
	"envgate/drivers/modbus": {
		[]string{"go.bug.st/serial", "github.com/simonvetter/modbus", "golang.org/x/sys"},
		"the bus knows no instrument, no site file and no pollutant",
	},
	"envgate/drivers": {
		[]string{"envgate/hj212", "envgate/drivers/modbus", "github.com/goccy/go-yaml"},
		"instruments are data; where readings go is not their business",
	},
	"envgate/buffer": {
		[]string{"go.etcd.io/bbolt"},
		"the log knows bytes: a store that knew pollutants could not be proven by a model of bytes",
	},
	"envgate/agent/rollup": {
		[]string{"envgate/hj212"},
		"figures are pure: times and values in, windows out",
	},
	"envgate/agent/uplink": {
		[]string{"envgate/envelope", "github.com/eclipse/paho.mqtt.golang"},
		"it needs numbers and bytes of the log, never bbolt",
	},
	"envgate/agent/platform": {
		[]string{"envgate/envelope", "envgate/hj212"},
		"it needs numbers and bytes of the log, never bbolt",
	},
	"envgate/config": {
		[]string{"envgate/hj212", "envgate/drivers", "github.com/goccy/go-yaml"},
		"a site file is checked without opening a port, a log or a connection",
	},
	"envgate/agent": {
		[]string{
			"envgate/hj212", "envgate/envelope", "envgate/drivers", "envgate/drivers/modbus", "envgate/buffer",
			"envgate/config", "envgate/agent/rollup", "envgate/agent/uplink", "envgate/agent/platform",
			"golang.org/x/sys", "golang.org/x/sync",
		},
		"the one package that sees all, and the only one that sees config",
	},
	"envgate/centre": {
		[]string{
			"envgate/envelope", "envgate/hj212", "github.com/eclipse/paho.mqtt.golang",
			"github.com/goccy/go-yaml", "modernc.org/sqlite",
		},
		"the other end of the wire: it shares the contract with the agent and no code besides",
	},
	"envgate/tests/sim": {
		[]string{"github.com/goccy/go-yaml"},
		"it writes its own frames and reads templates in its own way, so that one mistake cannot cancel another; " +
			"that a template is YAML is all it shares",
	},
	"envgate/tests/lab": {
		[]string{"envgate/tests/sim", "github.com/mochi-mqtt/server/v2", "modernc.org/sqlite", "golang.org/x/sys"},
		"it runs the agent and the centre as people do: as programs",
	},
	"envgate/tests/platform/gov": {
		[]string{"github.com/emmansun/gmsm/sm4"},
		"it writes and reads HJ 212 in its own way, so that one mistake cannot cancel another; a block cipher is all it shares",
	},
	"envgate/tests/platform": {
		[]string{"envgate/tests/platform/gov"}, "flags and what is typed, and no more: what it does, tests do too",
	},
	"envgate/tests/bench": {
		[]string{"envgate/tests/sim", "envgate/envelope", "envgate/buffer", "golang.org/x/sys"},
		"it measures programs from outside; a backlog of days it writes into a log itself",
	},
	"envgate/tests/faults": {
		[]string{"envgate/buffer", "envgate/envelope"},
		"its oracle reads a log as the log says it is and verifies each block anew; it shares no code with the agent",
	},
	"envgate/tests/faults/victim": {
		[]string{"envgate/tests/faults"}, "flags and no more: what it does, the virtual machine does too",
	},
	"envgate/tests/faults/guest": {
		[]string{"envgate/envelope", "envgate/tests/faults", "envgate/tests/sim", "github.com/mochi-mqtt/server/v2", "golang.org/x/sys"},
		"the first process of a virtual machine: it mounts a disk, and works there or runs the agent, with all that one needs around it",
	},
	"envgate/tests/rig": {
		[]string{"envgate/tests/sim"},
		"it runs the agent, the broker and the centre as people do: as programs",
	},
	"envgate/tests/soak": {
		[]string{"envgate/tests/sim", "envgate/tests/rig"},
		"it breaks programs from outside",
	},
	"envgate/tests/vectors/frames": {
		nil, "it writes its own frames and sums, so that one mistake cannot cancel another",
	},
	"envgate/tests/vectors/gen": {
		[]string{"envgate/envelope"},
		"makes good blocks and breaks one thing in each",
	},
	"envgate/tests":     {nil, "tests only"},
	"envgate/tests/e2e": {nil, "tests only"},
}

// single names foreign packages that one file alone may import, so that changing
// one stays a small change. The centre is a program of its own.
var single = []string{
	"go.bug.st/serial", "github.com/simonvetter/modbus", "go.etcd.io/bbolt", "github.com/eclipse/paho.mqtt.golang",
	"github.com/emmansun/gmsm",
}

// banned packages cost more of the binary than they give.
var banned = map[string]string{
	"text/template":            "3 MB of a 10 MB budget, with the dead code it keeps alive",
	"html/template":            "3 MB of a 10 MB budget, with the dead code it keeps alive",
	"github.com/spf13/cobra":   "pulls in text/template",
	"github.com/goccy/go-yaml": "its decoder and encoder are 270 KB; its parser is enough, see drivers/yaml.go",
}

type pkg struct {
	ImportPath string
	Dir        string
	Doc        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Doc,GoFiles,Imports,Deps"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	var all []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func TestArrows(t *testing.T) {
	for _, p := range list(t, "./...") {
		a, known := arrows[p.ImportPath]
		if !known {
			t.Errorf("%s: no arrow; say in arrows what it may import, and why", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if imp == "C" || !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") && !under(imp, "envgate") {
				continue // standard library
			}
			ok := slices.ContainsFunc(a.may, func(m string) bool {
				return imp == m || !under(m, "envgate") && under(imp, m)
			})
			if !ok {
				t.Errorf("%s imports %s: it may not, for %s", p.ImportPath, imp, a.why)
			}
		}
	}
}

func TestOneFileEach(t *testing.T) {
	for _, foreign := range single {
		byPkg := map[string]int{}
		for _, p := range list(t, "./...") {
			if !slices.ContainsFunc(p.Imports, func(i string) bool { return under(i, foreign) }) {
				continue
			}
			out, err := exec.Command("grep", append([]string{"-lF", `"` + foreign}, files(p)...)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			byPkg[p.ImportPath] = strings.Count(string(out), "\n")
		}
		if len(byPkg) == 0 {
			t.Errorf("nobody imports %s: is its name right?", foreign)
		}
		for name, n := range byPkg {
			if n != 1 {
				t.Errorf("%s imports %s in %d files: one file, so that changing it stays small", name, foreign, n)
			}
		}
	}
}

func files(p pkg) []string {
	var all []string
	for _, f := range p.GoFiles {
		all = append(all, p.Dir+"/"+f)
	}
	return all
}

func TestAgentStaysLight(t *testing.T) {
	for _, p := range list(t, "-tags", "nethttpomithttp2", "./agent") {
		for _, d := range p.Deps {
			if why, bad := banned[d]; bad {
				t.Errorf("the agent depends on %s: %s", d, why)
			}
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	for _, p := range list(t, "./...") {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}
