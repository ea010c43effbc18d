package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"envgate/config"
)

// printCalculations shows what is computed, of what, and how.
func printCalculations(out io.Writer, site *config.Site) {
	c := newCalculator(site)
	if c == nil {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nCALCULATION\tINPUT\tFROM\tUNIT\tSTATE")
	for _, one := range c.list {
		for _, in := range one.settings.Inputs {
			from := in.Device + " " + in.Point
			if in.Value != "" {
				from = "fixed " + in.Value
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", one.name, in.Role, from, in.Unit, in.State)
		}
	}
	fmt.Fprintln(w, "\nCALCULATION\tPOINT\tUNIT\tNAME\tFORMULA")
	for _, one := range c.list {
		for _, o := range one.outputs {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", one.name, o.Point, o.Unit, o.English, o.words)
		}
	}
	w.Flush()
}
