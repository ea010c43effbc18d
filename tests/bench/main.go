// Command bench measures the agent as a whole program and prints each figure beside
// its budget: size for each target, memory, processor time, bytes on the wire and on
// the disk for each reading, how a backlog drains, how fast a large log opens, and how well a
// serial bus is used. It runs the programs that `make build` and `make cross`
// made, against simulated instruments and mosquitto.
//
//	go run ./tests/bench [-for 60s] [-only PART,PART...]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: error: %v\n", err)
		os.Exit(1)
	}
}

const allParts = "size,load,typical,many,outage,drain,far,fresh,start,flash,wire,faults"

func run() error {
	span := flag.Duration("for", time.Minute, "time to measure each load; whole minutes, as figures are sealed once in each")
	only := flag.String("only", allParts, "which parts")
	flag.Parse()
	r := &report{}
	r.head()
	var errs []error
	for _, part := range strings.Split(*only, ",") {
		var err error
		switch part {
		case "size":
			err = sizes(r)
		case "load":
			err = load(r, "load: 32 units × 40 float32 each 1 s", 32, 40, time.Second, *span, budgets{
				cpu: 6, memory: 20, wire: 8, disk: 20,
			})
		case "typical":
			err = load(r, "typical: 1 unit × 12 float32 each 5 s", 1, 12, 5*time.Second, *span, budgets{disk: 5})
		case "many":
			err = many(r, *span)
		case "outage":
			err = outage(r, *span)
		case "drain":
			err = drain(r)
		case "far":
			err = far(r)
		case "fresh":
			err = fresh(r)
		case "start":
			err = start(r)
		case "flash":
			err = flash(r)
		case "wire":
			err = wire(r, *span)
		case "faults":
			err = faults(r, *span)
		default:
			err = fmt.Errorf("no part %q: %s", part, allParts)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part, err))
		}
	}
	r.foot()
	return errors.Join(errs...)
}

// report prints a table as it grows, and counts what is over its budget.
type report struct{ missed []string }

func (r *report) head() {
	fmt.Printf("%-44s %12s %12s\n", "what", "measured", "budget")
}

func (r *report) section(name string) { fmt.Printf("\n%s\n", name) }

// row prints a figure; a budget of 0 means there is none.
func (r *report) row(what string, value, budget float64, unit string) {
	limit, verdict := "-", ""
	if budget > 0 {
		limit = fmt.Sprintf("%.4g %s", budget, unit)
		if value > budget {
			verdict = "  MISSED"
			r.missed = append(r.missed, fmt.Sprintf("%s: %.4g of %.4g %s", what, value, budget, unit))
		}
	}
	fmt.Printf("  %-42s %12s %12s%s\n", what, fmt.Sprintf("%.4g %s", value, unit), limit, verdict)
}

// least prints a figure that must not be less than its budget.
func (r *report) least(what string, value, budget float64, unit string) {
	verdict := ""
	if value < budget {
		verdict = "  MISSED"
		r.missed = append(r.missed, fmt.Sprintf("%s: %.4g of at least %.4g %s", what, value, budget, unit))
	}
	fmt.Printf("  %-42s %12s %12s%s\n", what, fmt.Sprintf("%.4g %s", value, unit), fmt.Sprintf("≥ %.4g %s", budget, unit), verdict)
}

// none prints a count that must be 0.
func (r *report) none(what string, n int) {
	verdict := ""
	if n != 0 {
		verdict = "  MISSED"
		r.missed = append(r.missed, fmt.Sprintf("%s: %d of 0", what, n))
	}
	fmt.Printf("  %-42s %12d %12d%s\n", what, n, 0, verdict)
}

func (r *report) foot() {
	if len(r.missed) == 0 {
		fmt.Println("\nall budgets kept")
		return
	}
	fmt.Printf("\n%d budgets missed:\n  %s\n", len(r.missed), strings.Join(r.missed, "\n  "))
}

// sizes reads what cross/build.sh made.
func sizes(r *report) error {
	r.section("stripped binary")
	b, err := os.ReadFile("cross/targets")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[0] == "#" {
			continue
		}
		var budget float64
		fmt.Sscan(f[3], &budget)
		info, err := os.Stat(filepath.Join("out/cross", "envgate-"+f[0]))
		if err != nil {
			return fmt.Errorf("%w (make cross builds it)", err)
		}
		r.row(f[0], float64(info.Size())/1e6, budget/1e6, "MB")
	}
	return nil
}
