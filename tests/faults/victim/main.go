// Command victim seals blocks into a log until it is killed: see faults.Work.
package main

import (
	"flag"
	"fmt"
	"os"

	"envgate/tests/faults"
)

func main() {
	var o faults.Orders
	flag.StringVar(&o.Path, "log", "log.db", "path of the log")
	flag.BoolVar(&o.NoSync, "nosync", false, "control: leave out the syncs")
	flag.BoolVar(&o.Early, "early", false, "control: acknowledge before the log took it")
	flag.DurationVar(&o.Pause, "pause", 0, "between two commits")
	flag.IntVar(&o.Commits, "commits", 0, "end after so many; 0: never")
	flag.Parse()
	if err := faults.Work(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "victim:", err)
		os.Exit(1)
	}
}
