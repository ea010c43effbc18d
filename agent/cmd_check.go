package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"envgate/config"
	"envgate/drivers/modbus"
)

// cmdCheck says all that is wrong with a site file and the files it names, without
// opening a port or a connection, and what each line will carry.
func cmdCheck(args []string, out, errs io.Writer) error {
	f := flags("check")
	path := f.String("c", "site.yaml", "site file")
	if rest, err := parse(f, args); err != nil {
		return err
	} else if len(rest) > 0 {
		return fmt.Errorf("%w: check takes no %q", errUsage, rest[0])
	}
	site, err := loadSite(*path, errs)
	if err != nil {
		return err
	}
	if err := site.Warnings.WriteText(errs, "envgate"); err != nil {
		return err
	}
	lines, err := makeLines(site)
	defer closeLines(lines)
	bad := 0
	trouble := func(err error) {
		if err != nil {
			bad++
			tell(errs, err)
		}
	}
	trouble(err)
	_, err = loadKey(site)
	trouble(err)
	for _, u := range site.Uplinks {
		_, err := uplinkOptions(site, u, newestTime(site.Storage.Path))
		trouble(err)
	}
	for _, p := range site.Platforms {
		_, err := p.PW.Read()
		if err != nil {
			trouble(fmt.Errorf("platform %s: %w", p.Name, err))
		}
	}
	for _, err := range loggerFiles(site) {
		trouble(err)
	}
	for _, l := range lines {
		if s := l.config.Serial; s != nil {
			if _, err := os.Stat(s.Port); err != nil {
				trouble(hinted{fmt.Errorf("line %s: %w", l.config.Name, err), hintFor(modbus.ErrPortMissing)})
			}
		}
	}
	if len(lines) > 0 {
		printPlan(out, lines)
	}
	printLoggers(out, site)
	if bad > 0 {
		fmt.Fprintf(errs, "envgate: error: %s: %s beside the site file\n", *path, plural(bad, "problem"))
		return errSaid
	}
	fmt.Fprintf(out, "\n%s is good: gateway %s, %s, %s\n",
		*path, site.Gateway.ID, plural(len(site.Lines), "line"), plural(len(site.Uplinks), "uplink"))
	return nil
}

// printPlan shows the requests of each device, and what they load the line with.
func printPlan(out io.Writer, lines []*siteLine) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LINE\tDEVICE\tUNIT\tEVERY\tREQUESTS\tPOINTS\tLOAD")
	for _, l := range lines {
		var load float64
		for _, d := range l.devices {
			busy := wireTime(l.config, d.device.Plan())
			part := busy.Seconds() / d.config.Interval.Seconds()
			load += part
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%d\t%s\n", l.config.Name, d.config.Name, d.config.Unit,
				d.config.Interval, len(d.device.Plan()), len(d.device.Points()), percent(l.config, part))
		}
		fmt.Fprintf(w, "%s\t(all)\t\t\t\t\t%s\n", l.config.Name, percent(l.config, load))
	}
	w.Flush()
}

func percent(l config.Line, part float64) string {
	if l.Serial == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*part)
}

// wireTime is how long the questions and answers take on a serial line. The
// instruments' own thinking time comes on top.
func wireTime(l config.Line, plan []modbus.Read) time.Duration {
	if l.Serial == nil {
		return 0
	}
	s := serialOf(l.Serial)
	var sum time.Duration
	for _, r := range plan {
		sum += s.WireTime(r) + l.Pause
	}
	return sum
}

var errNoDevice = errors.New("no such device")
