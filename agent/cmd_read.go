package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
)

// cmdRead asks one instrument once, and shows each value with what was on the wire.
func cmdRead(args []string, out, errs io.Writer) error {
	f := flags("read")
	path := f.String("c", "site.yaml", "site file")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: read needs the name of one device", errUsage)
	}
	site, err := loadSite(*path, errs)
	if err != nil {
		return err
	}
	if err := speaks(site, rest[0]); err != nil {
		return err
	}
	limitFiles()
	lines, err := makeLines(site)
	defer closeLines(lines)
	if err != nil {
		return err
	}
	var names []string
	for _, l := range lines {
		for _, d := range l.devices {
			if d.config.Name == rest[0] {
				return readOnce(out, l, d)
			}
			names = append(names, d.config.Name)
		}
	}
	return hinted{fmt.Errorf("read %s: %w", rest[0], errNoDevice), "the site file has " + strings.Join(names, ", ")}
}

func readOnce(out io.Writer, l *siteLine, d *siteDevice) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	began := time.Now()
	spy := &spy{bus: l.bus}
	samples, err := d.device.Poll(ctx, spy, time.Now)
	took := time.Since(began)
	names := map[string]drivers.Point{}
	for _, p := range d.device.Points() {
		names[p.Name] = p
	}
	for _, w := range spy.wire {
		fmt.Fprintln(out, w)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "POINT\tVALUE\tUNIT\tFLAG\tCAUSE\tNAME")
	good, all := 0, 0
	for _, s := range samples {
		for _, r := range s.Readings {
			value := r.Value
			if value == "" {
				value = "-"
			}
			if all++; r.Flag == "N" {
				good++
			}
			p := names[r.Point]
			if state := stateName(p.States, r.Value); state != "" {
				value += " " + state
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s %s\n", r.Point, value, r.Unit, r.Flag, r.Cause, p.English, p.Chinese)
		}
	}
	w.Flush()
	fmt.Fprintf(out, "%s: %d of %d points good, %d requests, %s\n", d.config.Name, good, all, len(spy.wire), took.Round(time.Millisecond))
	if err != nil {
		return fmt.Errorf("line %s: %w", l.config.Name, err)
	}
	return nil
}

// spy writes down what goes over a bus.
type spy struct {
	bus  drivers.Bus
	wire []string
}

func (s *spy) Read(ctx context.Context, r modbus.Read) ([]byte, error) {
	b, err := s.bus.Read(ctx, r)
	answer := hex.EncodeToString(b)
	if err != nil {
		answer = err.Error()
	}
	s.wire = append(s.wire, fmt.Sprintf("unit %d function %d address %d quantity %d: %s", r.Unit, r.Function, r.Address, r.Quantity, answer))
	return b, err
}
