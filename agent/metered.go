package main

import (
	"fmt"
	"io"

	"envgate/agent/uplink"
	"envgate/config"
)

// makeMeters are the limits of the site's metered uplinks, by name. The writer keeps
// what they have used of the day in its state in the log, so that a restart does not
// begin the day anew: what was sent since the last commit alone is forgotten.
func makeMeters(site *config.Site) map[string]*uplink.Metered {
	all := map[string]*uplink.Metered{}
	for _, u := range site.Uplinks {
		if u.Metered == nil {
			continue
		}
		m := &uplink.Metered{BytesPerDay: u.Metered.BytesPerDay}
		for _, h := range u.Metered.Hours {
			m.Hours = append(m.Hours, uplink.Hours(h))
		}
		all[u.Name] = m
	}
	return all
}

// tallies are what metered uplinks have used, as the state keeps it.
func (f *flow) tallies() map[string]uplink.Tally {
	all := map[string]uplink.Tally{}
	for name, m := range f.meters {
		all[name] = m.Tally()
	}
	return all
}

// recallTallies gives them what the log knows of the run before.
func (f *flow) recallTallies(was map[string]uplink.Tally) {
	for name, m := range f.meters {
		if t, ok := was[name]; ok {
			m.Recall(t)
		}
	}
}

// printMetered says of each contract what it is.
func printMetered(out io.Writer, site *config.Site) {
	for _, u := range site.Uplinks {
		if m := u.Metered; m != nil {
			fmt.Fprintf(out, "\nuplink %s is metered: %s\n", u.Name, m)
		}
	}
}
