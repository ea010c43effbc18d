package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"envgate/drivers"
)

// printInputs shows what is wired to I/O modules, for the person who holds the wires.
func printInputs(out io.Writer, lines []*siteLine) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	head := "\nMODULE\tCHANNEL\tPOINT\tSIGNAL\tMEANS\tNAME\n"
	for _, l := range lines {
		for _, d := range l.devices {
			names := map[string]drivers.Point{}
			for _, p := range d.device.Points() {
				names[p.Name] = p
			}
			for _, in := range d.config.Inputs {
				signal, means := "contact", fmt.Sprintf("0 %s, 1 %s", in.When0, in.When1)
				if in.Signal != "" {
					signal, means = in.Signal, strings.Trim(fmt.Sprint(in.Range), "[]")
					means = strings.Replace(means, " ", " to ", 1) + " " + in.Unit
				}
				fmt.Fprintf(w, "%s%s\t%s\t%s\t%s\t%s\t%s\n", head, d.config.Name, in.Channel, in.Point, signal, means,
					strings.TrimSpace(names[in.Point].English+" "+names[in.Point].Chinese))
				head = ""
			}
		}
	}
	w.Flush()
}

// showChannels shows what the inputs of a site file may name.
func showChannels(w *tabwriter.Writer, t *drivers.Template) {
	if len(t.Channels()) == 0 {
		return
	}
	fmt.Fprintln(w, "\nCHANNEL\tREGISTERS\tTYPE\tVALUE\tUNIT")
	for _, p := range t.Points() {
		if p.Channel == "" {
			continue
		}
		kind, unit := p.Type, p.Unit
		if unit == "" {
			kind, unit = "contact", "0 or 1"
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s\t%s\t%s\n", p.Channel, doubt(p.Confidence), registers(p), kind, valueOf(p), unit)
	}
	w.Flush()
	fmt.Fprintln(w, "A site file says under inputs: what is wired to them; the others are not read.")
}
