package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"envgate/config"
	"envgate/drivers"
	"envgate/drivers/modbus"
)

// cmdRead asks one instrument and shows what it says: through the agent that runs for
// the site, or on a line of its own where none does.
func cmdRead(args []string, out, errs io.Writer) error {
	f := flags("read")
	path := f.String("c", "site.yaml", "site file")
	raw := f.Bool("raw", false, "show the register bytes beside each value")
	watch := f.Bool("watch", false, "again at each interval of the device, until Ctrl-C")
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
	l, d, err := findDevice(lines, rest[0])
	if err != nil {
		return err
	}
	r := reader{site: site, line: l, device: d, raw: *raw}
	if err := r.connect(); err != nil {
		return err
	}
	defer func() { r.done() }()
	ctx, stop := untilStopped()
	defer stop()
	if *watch {
		return r.watch(ctx, out)
	}
	text, err := r.read(ctx)
	if _, e := io.WriteString(out, text); e != nil {
		return e
	}
	return err
}

func findDevice(lines []*siteLine, name string) (*siteLine, *siteDevice, error) {
	var names []string
	for _, l := range lines {
		for _, d := range l.devices {
			if d.config.Name == name {
				return l, d, nil
			}
			names = append(names, d.config.Name)
		}
	}
	return nil, nil, hinted{fmt.Errorf("read %s: %w", name, errNoDevice), "the site file has " + strings.Join(names, ", ")}
}

// lineBus is how a command asks on a line of the site: through the agent that runs, which
// owns the port, or else on the port itself. by says so; done is to be called at the end.
func lineBus(site *config.Site, l *siteLine) (bus drivers.Bus, by string, done func(), err error) {
	a, info, err := agentOf(site, &l.config)
	switch {
	case errors.Is(err, errNoAgent):
		return l.bus, "no agent runs", func() {}, nil
	case err != nil:
		return nil, "", nil, err
	}
	return &remoteBus{agent: a, line: l.config.Name}, fmt.Sprintf("by the running agent, process %d", info.Process), func() { a.Close() }, nil
}

// agentOf connects to the running agent, and makes sure that a line is the same there.
func agentOf(site *config.Site, c *config.Line) (*agentConn, *siteInfo, error) {
	a, err := dialAgent(site)
	if err != nil {
		return nil, nil, err
	}
	info, err := a.site()
	if err == nil {
		at := info.line(c.Name)
		switch {
		case at == nil:
			err = hinted{fmt.Errorf("%w: the running agent has no %q", errNoLine, c.Name), "the site file was changed since the agent started: restart the agent"}
		case at.Place != placeOf(c):
			err = hinted{
				fmt.Errorf("line %s is %s in the site file, and %s in the running agent", c.Name, placeOf(c), at.Place),
				"the site file was changed since the agent started: restart the agent",
			}
		}
	}
	if err != nil {
		a.Close()
		return nil, nil, err
	}
	return a, info, nil
}

// A reader asks one device and puts what it says into words.
type reader struct {
	site   *config.Site
	line   *siteLine
	device *siteDevice
	raw    bool

	bus  drivers.Bus
	by   string
	done func()
}

func (r *reader) connect() (err error) {
	r.bus, r.by, r.done, err = lineBus(r.site, r.line)
	return err
}

// watch reads at each interval until ctx ends. On a terminal each reading takes the
// place of the one before.
func (r *reader) watch(ctx context.Context, out io.Writer) error {
	tick := time.NewTicker(r.device.config.Interval)
	defer tick.Stop()
	for first := true; ; first = false {
		text, err := r.read(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errHungUp) {
			r.done()
			if e := r.connect(); e != nil {
				return e
			}
			err = nil // it is asked anew
		}
		if err != nil {
			text += fmt.Sprintf("error: %v\n", err)
			if hint := hintFor(err); hint != "" {
				text += "hint: " + hint + "\n"
			}
		}
		text = fmt.Sprintf("%s  each %s, Ctrl-C ends\n%s", time.Now().In(siteZone).Format("15:04:05"), r.device.config.Interval, text)
		if width := terminalWidth(out); width > 0 {
			if first {
				io.WriteString(out, "\x1b[2J")
			}
			redraw(out, text, width)
		} else if _, err := io.WriteString(out, text+"\n"); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// read polls the device once. The text is complete whatever happens.
func (r *reader) read(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	began := time.Now()
	spy := &spy{bus: r.bus}
	samples, err := r.device.device.Poll(ctx, spy, time.Now)
	took := time.Since(began)
	var out bytes.Buffer
	good, all := r.table(&out, samples, spy)
	fmt.Fprintf(&out, "%s: %d of %d points good, %s, %s (%s)\n",
		r.device.config.Name, good, all, plural(len(spy.wire), "request"), took.Round(time.Millisecond), r.by)
	if err != nil {
		err = fmt.Errorf("line %s: %w", r.line.config.Name, err)
	}
	return out.String(), err
}

// table writes a row for each point.
func (r *reader) table(out io.Writer, samples []drivers.Sample, spy *spy) (good, all int) {
	names := map[string]drivers.Point{}
	for _, p := range r.device.device.Points() {
		names[p.Name] = p
	}
	specs := map[string]drivers.PointSpec{}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	head := "POINT\tVALUE\tUNIT\tFLAG\tCAUSE\t"
	if r.raw {
		for _, s := range r.device.template.Points() {
			specs[cmp.Or(s.Point, s.Status)] = s
		}
		for _, line := range spy.wire {
			fmt.Fprintln(out, line)
		}
		head += "FC\tADDRESS\tBYTES\t"
	}
	fmt.Fprintln(w, head+"NAME")
	row := func(name, value, unit, flag, cause string) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t", name, cmp.Or(value, "-"), unit, flag, cause)
		if s, ok := specs[name]; ok {
			fmt.Fprintf(w, "%s\t%s\t%s\t", s.Function, s.Address, cmp.Or(spy.bytes(s), "-"))
		}
		p := names[name]
		fmt.Fprintln(w, strings.TrimSpace(p.English+" "+p.Chinese))
	}
	for _, s := range samples {
		for _, x := range s.Readings {
			if all++; x.Flag == "N" {
				good++
			}
			value := x.Value
			if state := stateName(names[x.Point].States, x.Value); state != "" {
				value += " " + state
			}
			row(x.Point, value, x.Unit, x.Flag, string(x.Cause))
		}
	}
	if r.raw {
		for _, s := range r.device.template.Points() {
			if s.Point == "" {
				row(s.Status, "", "", "", "(status)")
			}
		}
	}
	return good, all
}

// spy writes down what goes over a bus.
type spy struct {
	bus     drivers.Bus
	wire    []string
	answers []answered
}

type answered struct {
	modbus.Read
	data []byte
}

func (s *spy) Read(ctx context.Context, r modbus.Read) ([]byte, error) {
	b, err := s.bus.Read(ctx, r)
	answer := spaced(b, 2)
	if err != nil {
		answer = err.Error()
	} else {
		s.answers = append(s.answers, answered{r, b})
	}
	s.wire = append(s.wire, fmt.Sprintf("unit %d function %d address %d quantity %d: %s", r.Unit, r.Function, r.Address, r.Quantity, answer))
	return b, err
}

// bytes are what a point was made of, as they came; empty where they did not.
func (s *spy) bytes(p drivers.PointSpec) string {
	address, _ := strconv.Atoi(string(p.Address))
	n := 1
	switch {
	case p.Type == "string":
		n, _ = strconv.Atoi(string(p.Length))
	case strings.HasSuffix(p.Type, "32"):
		n = 2
	case strings.HasSuffix(p.Type, "64"):
		n = 4
	}
	for _, a := range s.answers {
		at := address - int(a.Address)
		if strconv.Itoa(int(a.Function)) != string(p.Function) || at < 0 || at+n > int(a.Quantity) {
			continue
		}
		if p.Type == "bit" {
			return fmt.Sprint(a.data[at/8] >> (at % 8) & 1)
		}
		return spaced(a.data[2*at:2*(at+n)], 2)
	}
	return ""
}

// spaced is b in hexadecimal, with a blank after each n bytes.
func spaced(b []byte, n int) string {
	var out strings.Builder
	for i, c := range b {
		if i > 0 && i%n == 0 {
			out.WriteByte(' ')
		}
		fmt.Fprintf(&out, "%02X", c)
	}
	return out.String()
}
