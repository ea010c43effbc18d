package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"envgate/drivers/modbus"
)

// cmdCheck says all that is wrong with a site file and the files it names, without
// opening a port or a connection, and what each line will carry.
func cmdCheck(args []string, out, errs io.Writer) error {
	f := flags("check")
	path := f.String("c", "site.yaml", "site file")
	small := f.Bool("32", false, "for a gateway of 32 bits, from a machine of 64")
	if rest, err := parse(f, args); err != nil {
		return err
	} else if len(rest) > 0 {
		return fmt.Errorf("%w: check takes no %q", errUsage, rest[0])
	}
	bits := strconv.IntSize
	if *small {
		bits = 32
	}
	site, err := loadSiteFor(*path, bits, errs)
	if err != nil {
		return err
	}
	if err := site.Warnings.WriteText(errs, "envgate"); err != nil {
		return err
	}
	lines, err := makeLines(site)
	defer closeLines(lines)
	whole := err == nil
	bad := 0
	trouble := func(err error) {
		if err != nil {
			bad++
			tell(errs, err)
		}
	}
	trouble(err)
	key, noKey := loadKey(site)
	trouble(noKey)
	if err == nil && noKey == nil {
		a := newAgent(site, false, slog.New(slog.DiscardHandler))
		trouble(a.flow(key, makeDocuments(site, key, lines)).fits(time.Now()))
	}
	for _, u := range site.Uplinks {
		_, err := uplinkOptions(site, u, commandClock)
		trouble(err)
	}
	for _, p := range site.Platforms {
		_, err := p.PW.Read()
		if err != nil {
			trouble(fmt.Errorf("platform %s: %w", p.Name, err))
		}
		keys, err := platformKeys(p)
		trouble(err)
		if len(keys) > 0 && keys[0].Weak() {
			fmt.Fprintf(errs, "envgate: warning: platform %s: the key repeats or counts, which the standard does not allow\n", p.Name)
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
	var plans []linePlan
	for _, l := range lines {
		p := planOf(l)
		plans = append(plans, p)
		trouble(p.fits())
		if p.load > crowded && p.load <= 1 {
			fmt.Fprintf(errs, "envgate: warning: line %s: %.0f %% of its time go to the wire alone: what the instruments take to answer may not fit\n",
				l.config.Name, 100*p.load)
		}
	}
	if len(lines) > 0 {
		printPlan(out, plans)
	}
	printInputs(out, lines)
	printLoggers(out, site)
	printCalculations(out, site)
	printMetered(out, site)
	for _, err := range printChecks(out, site, lines) {
		trouble(err)
	}
	if whole {
		trouble(printForecast(out, errs, site, lines, bits))
	}
	if bad > 0 {
		fmt.Fprintf(errs, "envgate: error: %s: %s beside the site file\n", *path, plural(bad, "problem"))
		return errSaid
	}
	fmt.Fprintf(out, "\n%s is good: gateway %s, %s, %s\n",
		*path, site.Gateway.ID, plural(len(site.Lines), "line"), plural(len(site.Uplinks), "uplink"))
	return nil
}

// A linePlan is what a line's devices ask of it.
type linePlan struct {
	line    *siteLine
	devices []devicePlan
	load    float64 // part of the line's time
}

type devicePlan struct {
	*siteDevice
	requests, bytes int
	busy            time.Duration // of the line, for one poll
}

// planOf reckons with the wire: questions, answers, the silence around them and the
// pauses. What an instrument thinks comes on top. On a network the pauses alone count.
func planOf(l *siteLine) linePlan {
	p := linePlan{line: l}
	for _, d := range l.devices {
		one := devicePlan{siteDevice: d}
		for _, r := range d.device.Plan() {
			one.requests++
			one.bytes += r.Bytes()
			one.busy += l.config.Pause
			if s := l.config.Serial; s != nil {
				one.busy += serialOf(s).WireTime(r)
			} else if !strings.HasPrefix(l.config.URL, "rtuovertcp:") {
				one.bytes += 8
			}
		}
		p.load += one.part()
		p.devices = append(p.devices, one)
	}
	return p
}

// part is what the device has of the line's time.
func (d devicePlan) part() float64 { return d.busy.Seconds() / d.config.Interval.Seconds() }

// alone is how long a poll takes when nobody else is asked: the device's own pauses run
// between its questions.
func (d devicePlan) alone() time.Duration {
	return d.busy + time.Duration(max(0, d.requests-1))*d.config.Pause
}

// fits says whether the line can carry its plan, and with which intervals or speed it
// could.
func (p linePlan) fits() error {
	for _, d := range p.devices {
		if d.alone() > d.config.Interval {
			return hinted{
				fmt.Errorf("line %s: device %s: %s of %s take %s, and its interval is %s", p.line.config.Name, d.config.Name,
					plural(d.requests, "request"), plural(d.bytes, "byte"), round(d.alone()), d.config.Interval),
				fmt.Sprintf("make its interval %s or more%s", roomy(d.alone(), d.config.Interval), p.faster(d.part())),
			}
		}
	}
	if p.load <= 1 {
		return nil
	}
	return hinted{
		fmt.Errorf("line %s: its devices ask for %.0f %% of the time that there is", p.line.config.Name, 100*p.load),
		fmt.Sprintf("make the intervals %.1f times as long%s, or divide the devices between two lines", math.Ceil(11*p.load)/10, p.faster(p.load)),
	}
}

// roomy is an interval in whole tenths of a second that a poll fits into with some room.
func roomy(busy, interval time.Duration) time.Duration {
	const tenth = 100 * time.Millisecond
	return max(interval, (busy*11/10+tenth-1)/tenth*tenth)
}

// faster names the speed at which the load would fit, if there is one.
func (p linePlan) faster(load float64) string {
	s := p.line.config.Serial
	if s == nil {
		return ""
	}
	for _, baud := range []int{9600, 19200, 38400, 57600, 115200} {
		if baud > s.Baud && load*float64(s.Baud)/float64(baud) < 0.8 {
			return fmt.Sprintf(", set instruments and line to %d baud", baud)
		}
	}
	return ""
}

// crowded is the load from which on there may be no room for what instruments think.
const crowded = 0.8

// printPlan shows what each device asks, and what that loads its line with.
func printPlan(out io.Writer, plans []linePlan) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LINE\tDEVICE\tUNIT\tEVERY\tREQUESTS\tPOINTS\tBYTES\tTIME\tLOAD")
	for _, p := range plans {
		l := p.line.config
		var requests, points, bytes int
		for _, d := range p.devices {
			n := len(d.device.Points())
			requests, points, bytes = requests+d.requests, points+n, bytes+d.bytes
			took, load := "-", "-"
			if d.busy > 0 {
				took, load = round(d.busy).String(), percent(d.part())
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%d\t%d\t%s\t%s\n", l.Name, d.config.Name, d.config.Unit,
				d.config.Interval, d.requests, n, d.bytes, took, load)
		}
		speed, load := "network", "-"
		if l.Serial != nil {
			speed = fmt.Sprintf("%d baud", l.Serial.Baud)
		}
		if p.load > 0 {
			load = percent(p.load)
		}
		fmt.Fprintf(w, "%s\t(all)\t\t\t%d\t%d\t%d\t%s\t%s\n", l.Name, requests, points, bytes, speed, load)
	}
	w.Flush()
}

func percent(part float64) string { return fmt.Sprintf("%.1f %%", 100*part) }

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

var errNoDevice = errors.New("no such device")
