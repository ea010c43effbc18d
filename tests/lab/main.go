// Command lab shows the whole way of a reading on one machine: simulated
// instruments, the agent, an MQTT broker, the centre, and in the terminal what
// arrives there, verified. Agent and centre run as the programs that they are.
//
//	go run ./tests/lab            until Ctrl-C
//	go run ./tests/lab -for 30s   ends by itself
//	go run ./tests/lab sim ...    only instruments, of any template, to practise with
//
// At the end every reading that an instrument gave is held against what the
// centre has. The exit code is 0 only where all are accounted for and every
// instrument and line was heard.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	envgate, centre string
	run             time.Duration // 0: until a signal
	interval        time.Duration // of each instrument
	sealing         time.Duration
	kill            time.Duration // between two kills, 0: none
	outage          time.Duration // length of the broker's outages, 0: none
	faults          bool          // make instruments ill in turn
	keep            bool
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program, and gives its exit code: 0 all accounted for, 1 not, 2
// not understood.
func run(args []string, out *os.File, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if len(args) > 0 && args[0] == "sim" {
		return runSim(ctx, args[1:], os.Stdin, out, errs)
	}
	var o options
	f := flag.NewFlagSet("lab", flag.ContinueOnError)
	f.SetOutput(errs)
	f.DurationVar(&o.run, "for", 0, "end after this time (0: with Ctrl-C)")
	f.StringVar(&o.envgate, "envgate", "", "the agent's program (empty: build it)")
	f.StringVar(&o.centre, "centre", "", "the centre's program (empty: build it)")
	f.DurationVar(&o.interval, "interval", time.Second, "time between two questions to an instrument")
	f.DurationVar(&o.sealing, "sealing", 2*time.Second, "the agent's sealing interval")
	f.DurationVar(&o.kill, "kill", 0, "kill -9 the agent each so often, and start it again (0: never)")
	f.DurationVar(&o.outage, "outage", 0, "stop the broker for so long, now and then (0: never)")
	f.BoolVar(&o.faults, "faults", false, "make the instruments ill in turn: silent, late, damaged, refusing, warning")
	f.BoolVar(&o.keep, "keep", false, "keep the folder with keys, logs and databases")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if f.NArg() > 0 {
		fmt.Fprintf(errs, "lab: error: %q is not understood\nlab: hint: lab -help lists the options\n", f.Arg(0))
		return 2
	}

	l := &lab{o: o, out: out, screen: newScreen(out)}
	err := l.Run(ctx, stop)
	if err != nil {
		fmt.Fprintf(errs, "lab: error: %v\n", err)
		return 1
	}
	return 0
}
