package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"envgate/config"
	"envgate/drivers"
	"envgate/drivers/modbus"
)

// cmdScan lists the serial ports, or finds out who is on one and how it is set. It reads,
// one register a question, and writes nothing.
func cmdScan(args []string, out, errs io.Writer) error {
	f := flags("scan")
	path := f.String("c", "site.yaml", "site file, to ask through the agent that runs for it")
	bauds := f.String("baud", "9600,19200,115200,4800,38400,57600,2400,1200", "baud rates to try")
	parities := f.String("parity", "none,even,odd", "parities to try")
	stops := f.String("stop", "1,2", "stop bits to try; 2 only with parity none")
	units := f.String("units", "", "units to ask, such as 1-16,31; default 1-247, the low ones first")
	timeout := f.Duration("timeout", 200*time.Millisecond, "how long a unit may take to answer")
	function := f.Int("function", 3, "function to ask with: 3 or 4")
	address := f.Int("address", 0, "register to ask for")
	rest, err := parse(f, args)
	switch {
	case err != nil:
		return err
	case len(rest) > 1:
		return fmt.Errorf("%w: scan takes one port, line or URL", errUsage)
	case *function != 3 && *function != 4:
		return hinted{fmt.Errorf("scan with function %d", *function), "3 holding or 4 input registers: scan only reads"}
	case *address < 0 || *address > 0xFFFF:
		return fmt.Errorf("%w: address is %d: 0 to 65535", errUsage, *address)
	case *timeout < 10*time.Millisecond || *timeout > time.Minute:
		return fmt.Errorf("%w: timeout is %s: 10ms to 1m", errUsage, *timeout)
	}
	site, err := scanSite(f.Lookup("c").Value.String() != f.Lookup("c").DefValue, *path, errs)
	if err != nil {
		return err
	}
	ports, err := modbus.Ports()
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return scanPorts(out, ports, site)
	}
	limitFiles()
	s := &scan{
		ask:      modbus.Read{Function: byte(*function), Address: uint16(*address), Quantity: 1, Timeout: *timeout},
		progress: (&scanProgress{out: errs, width: terminalWidth(errs)}).show,
	}
	s.cost = func(at setting) time.Duration { return at.questionTime(s.ask.Timeout) }
	if s.units, s.low, err = scanUnits(*units); err != nil {
		return err
	}
	if s.settings, err = scanSettings(*bauds, *parities, *stops); err != nil {
		return err
	}
	t, err := scanTarget(site, rest[0], s)
	if err != nil {
		return err
	}
	defer t.done()
	if t.port != "" {
		if abs, err := filepath.Abs(t.port); err == nil {
			t.port = stable(ports, abs)
		}
	}
	return t.report(s, out, errs)
}

// scanSite loads the site file, which a machine that is being set up has not got yet.
func scanSite(asked bool, path string, errs io.Writer) (*config.Site, error) {
	if _, err := os.Stat(path); !asked && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return loadSite(path, errs)
}

// scanPorts lists the ports of this machine.
func scanPorts(out io.Writer, ports []modbus.PortInfo, site *config.Site) error {
	var info *siteInfo
	if site != nil {
		if a, err := dialAgent(site); err == nil {
			defer a.Close()
			if info, err = a.site(); err != nil {
				return err
			}
		}
	}
	printPorts(out, ports, holders("/"), info)
	return nil
}

// scanUnits reads 1-16,31. Without a wish all are asked, and the low ones first.
func scanUnits(text string) (units []byte, low int, err error) {
	const lowest = 16
	if text == "" {
		text = "1-247"
	}
	for _, part := range strings.Split(text, ",") {
		from, to, span := strings.Cut(part, "-")
		if !span {
			to = from
		}
		a, err1 := strconv.Atoi(strings.TrimSpace(from))
		b, err2 := strconv.Atoi(strings.TrimSpace(to))
		if err1 != nil || err2 != nil || a < 1 || b > 247 || a > b {
			return nil, 0, fmt.Errorf("%w: units is %q: units from 1 to 247, such as 1-16,31", errUsage, part)
		}
		for u := a; u <= b; u++ {
			if !slices.Contains(units, byte(u)) {
				units = append(units, byte(u))
			}
		}
	}
	return units, min(lowest, len(units)), nil
}

// scanSettings are all that are to be tried, the likely ones first. Two stop bits come
// last: most instruments that are set so understand one.
func scanSettings(bauds, parities, stops string) (out []setting, err error) {
	var speeds []int
	for _, text := range strings.Split(bauds, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 300 || n > 4_000_000 {
			return nil, fmt.Errorf("%w: baud is %q: 300 to 4000000, such as 9600,19200", errUsage, text)
		}
		speeds = append(speeds, n)
	}
	for _, stop := range strings.Split(stops, ",") {
		if stop != "1" && stop != "2" {
			return nil, fmt.Errorf("%w: stop is %q: 1, 2 or 1,2", errUsage, stop)
		}
		for _, parity := range strings.Split(parities, ",") {
			if !slices.Contains([]string{"none", "even", "odd"}, parity) {
				return nil, fmt.Errorf("%w: parity is %q: none, even, odd, or some of them with commas", errUsage, parity)
			}
			if stop == "2" && parity != "none" && stops != "2" {
				continue
			}
			for _, baud := range speeds {
				out = append(out, setting{baud, parity, int(stop[0] - '0')})
			}
		}
	}
	return out, nil
}

// A target is what is scanned.
type target struct {
	name string // as the user said
	port string // of a serial line, else empty
	url  string // of a network line, else empty
	by   string // who asks, if not we
	line *config.Line
	done func()
}

// scanTarget finds out what name is, and how s gets there: a line of the running agent,
// which owns its port, a URL, or a port of our own.
func scanTarget(site *config.Site, name string, s *scan) (*target, error) {
	t := &target{name: name, done: func() {}}
	if site != nil {
		for i := range site.Lines {
			if c := &site.Lines[i]; c.Name == name || samePort(placeOf(c), name) {
				t.line, name = c, placeOf(c)
			}
		}
	}
	if strings.Contains(name, "://") {
		t.url = name
	} else {
		t.port = name
	}
	if t.line != nil {
		if pushes(*t.line) {
			return nil, fmt.Errorf("line %s: %w", t.line.Name, errSpeaks)
		}
		a, info, err := agentOf(site, t.line)
		if err == nil {
			return t.throughAgent(a, info, s), nil
		}
		if !errors.Is(err, errNoAgent) {
			return nil, err
		}
	}
	if t.url != "" {
		s.settings = []setting{{}}
		s.ask.Timeout = max(s.ask.Timeout, 500*time.Millisecond)
	} else if _, err := os.Stat(t.port); err != nil {
		return nil, hinted{fmt.Errorf("scan %s: %w", t.port, err), "envgate scan lists the ports; a network address is tcp://HOST:502"}
	}
	s.open = func(at setting) (drivers.Bus, func(), error) {
		l, err := t.open(at, s.ask.Timeout)
		if err != nil {
			return nil, nil, err
		}
		return l, func() { l.Close() }, nil
	}
	return t, nil
}

func (t *target) open(at setting, timeout time.Duration) (*modbus.Line, error) {
	o := modbus.Options{Timeout: timeout, LateWindow: scanLate}
	if t.url != "" {
		return modbus.NewNetwork(t.url, o)
	}
	return modbus.NewSerial(modbus.Serial{Port: t.port, Baud: at.baud, Parity: at.parity, StopBits: at.stop}, o)
}

// throughAgent has the running agent ask, at the line's settings and beside its polls.
func (t *target) throughAgent(a *agentConn, info *siteInfo, s *scan) *target {
	t.by = fmt.Sprintf("the running agent, process %d", info.Process)
	t.done = func() { a.Close() }
	at := setting{}
	if c := t.line.Serial; c != nil {
		at = setting{c.Baud, c.Parity, c.StopBits}
	}
	s.settings = []setting{at}
	s.open = func(setting) (drivers.Bus, func(), error) {
		return &remoteBus{agent: a, line: t.line.Name}, func() {}, nil
	}
	s.cost = func(at setting) time.Duration { // the polls have the other half
		return 2 * (at.questionTime(s.ask.Timeout) + t.line.LateWindow)
	}
	return t
}

func samePort(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := filepath.EvalSymlinks(a)
	y, err2 := filepath.EvalSymlinks(b)
	return err1 == nil && err2 == nil && x == y
}

// report scans and says what came of it, also of a scan that was stopped.
func (t *target) report(s *scan, out, errs io.Writer) error {
	ctx, stop := untilStopped()
	defer stop()
	questions, most := s.total()
	if t.by != "" {
		fmt.Fprintf(errs, "envgate: %s, asks for us beside its polls\n", t.by)
	}
	fmt.Fprintf(errs, "envgate: %s at %s; at most %s, far less once somebody answers; Ctrl-C stops and shows what was found\n",
		plural(questions, "question"), plural(len(s.settings), "setting"), roundTime(most))
	began := time.Now()
	err := s.run(ctx)
	if terminalWidth(errs) > 0 {
		fmt.Fprint(errs, "\r\x1b[K")
	}
	stopped := errors.Is(err, context.Canceled)
	if err != nil && !stopped {
		if errors.Is(err, modbus.ErrPortTaken) {
			return hinted{err, "if envgate run has it, name its site file: envgate scan -c SITE " + t.name + "; else fuser -v " + t.name + " says who has it"}
		}
		if len(s.found) > 0 {
			t.print(out, s)
		}
		return err
	}
	if stopped {
		fmt.Fprintf(errs, "envgate: stopped after %d of %d questions\n", s.state.asked, s.state.total)
	}
	for _, odd := range s.odd {
		fmt.Fprintf(errs, "envgate: heard, but not understood: %s\n", odd)
	}
	if len(s.found) == 0 {
		return hinted{
			fmt.Errorf("nobody answered on %s in %s (%s)", t.name, roundTime(time.Since(began)), plural(s.state.asked, "question")),
			"power? A and B swapped? A slow instrument: -timeout 1s. One that has no holding registers: -function 4 (没有应答：检查电源、A/B 接线，或加 -timeout 1s、-function 4)",
		}
	}
	t.print(out, s)
	return nil
}

// print shows who answered, and what to write into a site file.
func (t *target) print(out io.Writer, s *scan) {
	found, all := s.found, len(s.found) == len(s.units) && len(s.found) >= 20
	if all {
		fmt.Fprintln(out, "Every unit answers: the instrument does not look at the unit. One is enough.\n每个从站地址都有应答：仪器不区分地址，只写一个即可。")
		found = found[:1]
	}
	where := strings.TrimSpace(fmt.Sprintf("%s %v", t.name, found[0].setting))
	fmt.Fprintf(out, "%s on %s:\n\n", plural(len(found), "unit"), where)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "UNIT\tFUNCTION\tSAYS")
	for _, f := range found {
		fmt.Fprintf(w, "%d\t%s\t%s\n", f.unit, or(f.functions), f.says(s.ask))
	}
	w.Flush()
	if t.line != nil {
		fmt.Fprintf(out, "\nIn the site file line %s has:\n", t.line.Name)
		for i := range t.line.Devices {
			d := &t.line.Devices[i]
			fmt.Fprintf(out, "  unit %d %s %s\n", d.Unit, d.Name, d.Template)
		}
		found = t.unknown(found)
		if len(found) == 0 {
			return
		}
		fmt.Fprint(out, "\nNot in it yet; to be put below its devices 可加入现场配置:\n\n")
	} else {
		fmt.Fprint(out, "\nFor the site file, below lines 可写入现场配置:\n\n")
		t.printLine(out, found[0].setting)
	}
	for _, f := range found {
		fmt.Fprintf(out, "      - name: unit-%d\n        unit: %d\n        # template: NAME, if envgate template list has it, in place of registers:\n        registers:\n", f.unit, f.unit)
		function := s.ask.Function
		if len(f.functions) > 0 {
			function = f.functions[0]
		}
		fmt.Fprintf(out, "          - {point: unit%d_r%d, function: %d, address: %d, type: uint16, unit: \"1\"}\n", f.unit, s.ask.Address, function, s.ask.Address)
	}
}

// unknown are those of found that are not in the site file.
func (t *target) unknown(found []foundUnit) (out []foundUnit) {
	var known [256]bool
	for i := range t.line.Devices {
		known[byte(t.line.Devices[i].Unit)] = true
	}
	for _, f := range found {
		if !known[f.unit] {
			out = append(out, f)
		}
	}
	return out
}

func (t *target) printLine(out io.Writer, at setting) {
	if t.url != "" {
		fmt.Fprintf(out, "  - name: net1\n    url: %s\n    devices:\n", t.url)
		return
	}
	fmt.Fprintf(out, "  - name: bus1\n    serial:\n      port: %s\n      baud: %d\n      parity: %s\n      stop_bits: %d\n    devices:\n", t.port, at.baud, at.parity, at.stop)
}

func or(functions []byte) string {
	switch len(functions) {
	case 0:
		return "-"
	case 1:
		return fmt.Sprint(functions[0])
	}
	return fmt.Sprintf("%d, %d", functions[0], functions[1])
}

// says is what a unit answered.
func (f foundUnit) says(r modbus.Read) string {
	switch {
	case len(f.functions) > 0:
		return fmt.Sprintf("register %d is %d", r.Address, f.value)
	case f.refused != nil && f.refused.Code == 2:
		return fmt.Sprintf("it is there, and has no register %d", r.Address)
	}
	return fmt.Sprintf("it is there, and refuses (exception %d)", f.refused.Code)
}

// roundTime is a time as people say it.
func roundTime(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// scanProgress is a bar on a terminal, and elsewhere a line for each setting.
type scanProgress struct {
	out   io.Writer
	width int
	last  setting
	said  bool
}

func (p *scanProgress) show(s scanState) {
	if p.width == 0 {
		if !p.said || p.last != s.setting {
			fmt.Fprintf(p.out, "envgate: %vfrom unit %d on; at most %s left\n", s.setting.lead(), s.unit, roundTime(s.left))
		}
		p.last, p.said = s.setting, true
		return
	}
	const bar = 20
	part := 0
	if s.total > 0 {
		part = bar * s.asked / s.total
	}
	line := fmt.Sprintf("[%s%s] %vunit %d, found %d, at most %s left",
		strings.Repeat("#", part), strings.Repeat(".", bar-part), s.setting.lead(), s.unit, s.found, roundTime(s.left))
	fmt.Fprintf(p.out, "\r%s\x1b[K", cutTo(line, p.width-1))
}
