package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"envgate/drivers"
)

// showSettings writes down what is set in an instrument and can be read, and its clock.
func showSettings(w *tabwriter.Writer, t *drivers.Template) {
	for i, s := range append(t.Parameters(), t.Clock()) {
		if i == 0 && (s != nil || len(t.Parameters()) > 0) {
			fmt.Fprintln(w, "\nPARAMETER\tREGISTERS\tTYPE\tOF\tUNIT\tNAME (read each hour: a change is an event)")
		}
		if s == nil {
			break // without a clock
		}
		p := drivers.PointSpec{Function: s.Function, Address: s.Address, Bits: s.Bits, Type: s.Type, Order: s.Order}
		if s.Form != "" {
			p.Type = strings.TrimSpace(s.Form + " " + s.Fields)
		}
		name := cmp.Or(s.Parameter, "clock") + doubt(s.Confidence)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s %s\n", name, registers(p), typeOf(p), s.Of, s.Unit, cmp.Or(s.English, "zone "+s.Zone), s.Chinese)
	}
	w.Flush()
}
