// Command soak runs a whole gateway for hours while something breaks every few
// seconds, and at the end holds every reading that an instrument gave against what the
// centre has.
//
//	go run ./tests/soak -hours 2 [-seed 7] [-life 4m] [-lie]
//
// It ends with 0 only where no reading is unaccounted for and nothing grew: a reading is
// at the centre, or in the sealing interval before a kill, or was under way at an orderly
// stop, or an event says that it was lost. What it measured stands in out/soak-SEED.csv
// and, drawn, in out/soak-SEED.svg. Ctrl-C ends the load early; the account is made all
// the same. It wants the programs that `make build` makes, and mosquitto; as root it also
// fills the disk of the log.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	hours           float64
	seed            uint64
	life            time.Duration
	lie             bool
	keep            bool
	out, work       string
	envgate, centre string
}

// mostHours is how long the instruments' journals reach back, at a reading a second.
const mostHours = 4.5

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program, and gives its exit code: 0 all accounted for, 1 not, 2 not
// understood.
func run(args []string, out, errs io.Writer) int {
	o := options{seed: uint64(time.Now().UnixNano() % 1e9)}
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Float64Var(&o.hours, "hours", 2, "how long, such as 2 or 0.1; 4.5 at most")
	f.Uint64Var(&o.seed, "seed", o.seed, "of the faults: the same seed breaks the same things")
	f.DurationVar(&o.life, "life", 4*time.Minute, "mean time from a start of the agent to its end by kill or signal (0: it is never ended)")
	f.BoolVar(&o.lie, "lie", false, "hide one reading from the account: it must fail")
	f.BoolVar(&o.keep, "keep", false, "keep the folder with logs and databases")
	f.StringVar(&o.out, "out", "out", "folder for the plot and the figures")
	f.StringVar(&o.work, "work", "", "folder for logs and databases (empty: that for temporary files)")
	f.StringVar(&o.envgate, "envgate", "bin/envgate", "the agent's program")
	f.StringVar(&o.centre, "centre", "bin/centre", "the centre's program")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if o.hours <= 0 || o.hours > mostHours || f.NArg() > 0 {
		fmt.Fprintf(errs, "soak: error: %v hours: it is above 0 and at most %v, for the instruments remember no more\n", o.hours, mostHours)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := soak(ctx, stop, o, out); err != nil {
		fmt.Fprintf(errs, "soak: error: %v\n", err)
		return 1
	}
	return 0
}

// soak builds everything up, breaks it until the time is over, mends it and counts.
// again is called when the end begins: from then on a signal ends the program at once.
func soak(ctx context.Context, again func(), o options, out io.Writer) (err error) {
	for _, p := range []*string{&o.envgate, &o.centre} {
		if *p, err = filepath.Abs(*p); err == nil {
			_, err = os.Stat(*p)
		}
		if err != nil {
			return fmt.Errorf("%w (make build makes it)", err)
		}
	}
	dir, err := os.MkdirTemp(o.work, "envgate-soak-")
	if err != nil {
		return err
	}
	b, err := newBench(dir, o, out)
	if err != nil {
		os.RemoveAll(dir)
		return err
	}
	defer func() {
		b.save = o.keep || err != nil
		if err = errors.Join(err, b.close()); b.save || err != nil {
			fmt.Fprintf(out, "logs and databases are in %s\n", dir)
			return
		}
		os.RemoveAll(dir)
	}()
	fmt.Fprintf(out, "soak: %s, seed %d, disk full: %v\n", b.most, o.seed, b.disk != "")
	if err := b.start(); err != nil {
		return err
	}
	if err := b.load(ctx); err != nil {
		return err
	}
	again()
	if err := b.mend(); err != nil {
		return err
	}
	return b.verdict()
}
