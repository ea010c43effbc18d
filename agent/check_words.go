package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"envgate/config"
)

// printChecks shows what is watched, in words. The errors are of points that their device
// does not have: a check that never sees a reading would keep silent for ever.
func printChecks(out io.Writer, site *config.Site, lines []*siteLine) (errs []error) {
	points := map[string][]string{} // of the devices whose points are known
	for _, l := range lines {
		for _, d := range l.devices {
			for _, p := range d.device.Points() {
				points[d.config.Name] = append(points[d.config.Name], p.Name)
			}
		}
	}
	for i := range site.Checks {
		c := &site.Checks[i]
		fmt.Fprintf(out, "check %s: %s\n", c, c.Words())
		named := []config.Subject{c.Subject}
		for _, x := range c.Rules {
			named = append(named, x.Others...)
		}
		for _, s := range named {
			if known := points[s.Device]; known != nil && !slices.Contains(known, s.Point) {
				errs = append(errs, hinted{fmt.Errorf("check %s: %s has no point %s", c, s.Device, s.Point), "it has " + strings.Join(known, ", ")})
			}
		}
	}
	return errs
}
