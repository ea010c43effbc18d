package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"envgate/tests/sim"
)

// simUsage is what lab sim -help says first.
const simUsage = `usage: lab sim [-listen ADDRESS | -pty LINK [-baud N]] [-for TIME] [-site FILE] UNIT=TEMPLATE ...

Plays instruments, so that people can practise without any. TEMPLATE is the name
of a built-in one (go run ./agent template list), or a file. While it runs, lines
from the keyboard change what an instrument says or make it ill; help lists them.

`

// simHelp is what the keyboard understands.
const simHelp = `  UNIT                    what the unit says now
  UNIT POINT NUMBER       set a point or status: a number, bits (0x0004), sentinel, or normal
  UNIT clock 90s          make its own clock wrong, if the template has it
  UNIT silent | crc | late | noise | exception N | well      make the unit ill, or well again
`

// trainer is a line of played instruments.
type trainer struct {
	out   io.Writer
	line  string // for a site file
	close func() error
	units []trainee
}

// trainee is one of its instruments.
type trainee struct {
	address  byte
	template string // as a site file names it, with its key
	name     string
	sheet    *sim.Sheet
	in       *sim.Instrument
	unit     *sim.Unit
}

// simOptions are the command line of lab sim.
type simOptions struct {
	listen, pty, site string
	baud              int
	run               time.Duration
}

// runSim is lab sim, and gives its exit code.
func runSim(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	var o simOptions
	f := flag.NewFlagSet("lab sim", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Usage = func() {
		fmt.Fprint(errs, simUsage)
		f.PrintDefaults()
		fmt.Fprint(errs, "\nkeyboard:\n"+simHelp)
	}
	f.StringVar(&o.listen, "listen", "", "Modbus TCP on this `address` (default a free port of this machine)")
	f.StringVar(&o.pty, "pty", "", "a serial port that has this name, in place of TCP (Linux)")
	f.IntVar(&o.baud, "baud", 0, "speed of the serial port; bytes take their time (default the first template's, or 9600)")
	f.DurationVar(&o.run, "for", 0, "end after this `time` (default with Ctrl-C)")
	f.StringVar(&o.site, "site", "", "write the site file here, too")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	err := errors.New("no instrument is named\nlab: hint: for example 1=sick-gm32; go run ./agent template list names all")
	if f.NArg() > 0 {
		err = train(ctx, o, f.Args(), in, out)
	}
	if err != nil {
		fmt.Fprintf(errs, "lab: error: %v\n", err)
		return 1
	}
	return 0
}

// train plays instruments until ctx ends or the time is over.
func train(ctx context.Context, o simOptions, names []string, in io.Reader, out io.Writer) error {
	t := &trainer{out: out}
	for _, name := range names {
		u, err := newTrainee(name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(t.units, func(o trainee) bool { return o.address == u.address }) {
			return fmt.Errorf("unit %d is there twice", u.address)
		}
		t.units = append(t.units, u)
	}
	if err := t.open(o); err != nil {
		return err
	}
	defer t.close()
	site := t.siteFile()
	fmt.Fprintf(out, "# a site file for it; envgate read -c FILE %s reads the first\n%s", t.units[0].name, site)
	if o.site != "" {
		if err := os.WriteFile(o.site, []byte(site), 0o644); err != nil {
			return err
		}
	}
	if o.run > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.run)
		defer cancel()
	}
	lines := make(chan string)
	// A read from a keyboard cannot be called off: where nobody types any more,
	// this one ends with the program.
	go func() {
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-lines:
			if err := t.order(strings.Fields(l)); err != nil {
				fmt.Fprintln(out, err)
			}
		}
	}
}

// newTrainee makes an instrument of 1=sick-gm32.
func newTrainee(arg string) (trainee, error) {
	number, template, found := strings.Cut(arg, "=")
	address, err := strconv.ParseUint(number, 10, 8)
	if !found || template == "" || err != nil || address < 1 || address > 247 {
		return trainee{}, fmt.Errorf("%q is no instrument: want a unit, 1 to 247, and a template, as in 1=sick-gm32", arg)
	}
	u := trainee{address: byte(address), name: fmt.Sprintf("unit-%d", address), template: "template: " + template}
	path := template
	if strings.ContainsAny(template, "./") {
		if path, err = filepath.Abs(template); err != nil {
			return u, err
		}
		u.template = "template_file: " + strconv.Quote(path)
	} else {
		path = filepath.Join("drivers", "templates", template+".yaml")
	}
	if u.sheet, err = sim.OpenSheet(path); errors.Is(err, os.ErrNotExist) {
		return u, fmt.Errorf("%w\nlab: hint: built-in templates are found where the program's source is: start it there, or name a file", err)
	} else if err != nil {
		return u, err
	}
	u.in, err = sim.Play(u.name, u.sheet)
	return u, err
}

// open opens the line and puts all on it.
func (t *trainer) open(o simOptions) error {
	var attach func(byte, *sim.Instrument) *sim.Unit
	switch {
	case o.pty != "" && o.listen != "":
		return errors.New("-pty and -listen stand beside each other: a line is one of them")
	case o.pty != "":
		path, err := filepath.Abs(o.pty)
		if err != nil {
			return err
		}
		// The link that a killed run left may go, and nothing else: least of all
		// the name of an adapter.
		if _, err := os.Lstat(path); err == nil {
			if to, _ := os.Readlink(path); !strings.HasPrefix(to, "/dev/pts/") {
				return fmt.Errorf("%s is there already, and is no link to a pseudo terminal", path)
			}
		}
		baud := cmp.Or(o.baud, t.units[0].sheet.Serial.Baud, 9600)
		bus, err := sim.OpenBus(sim.BusOptions{Name: path, Baud: baud, Think: 5 * time.Millisecond})
		if err != nil {
			return err
		}
		attach, t.close = bus.Attach, bus.Close
		t.line = fmt.Sprintf("serial: {port: %q, baud: %d, parity: none, stop_bits: 1}", path, baud)
		fmt.Fprintf(t.out, "plays on the serial port %s at %d baud until Ctrl-C; help says what the keyboard does\n", path, baud)
	default:
		server, err := sim.Listen(sim.ServerOptions{Address: o.listen})
		if err != nil {
			return err
		}
		attach, t.close = server.Attach, server.Close
		t.line = "url: " + local(server.URL())
		fmt.Fprintf(t.out, "plays on %s until Ctrl-C; help says what the keyboard does\n", server.URL())
	}
	for i := range t.units {
		t.units[i].unit = attach(t.units[i].address, t.units[i].in)
	}
	return nil
}

// local is an endpoint's address as this machine reaches it: one that listens
// everywhere is no address to connect to.
func local(url string) string {
	scheme, address, _ := strings.Cut(url, "://")
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return scheme + "://" + address
}

// siteFile is a whole site file, enough for check and read; run wants the key.
func (t *trainer) siteFile() string {
	var b strings.Builder
	fmt.Fprintf(&b, "gateway: {id: training}\nkey: gateway.key\nstorage: {path: envgate.db}\nlines:\n  - name: training\n    %s\n    devices:\n", t.line)
	for _, u := range t.units {
		fmt.Fprintf(&b, "      - {name: %s, %s, unit: %d, interval: 10s}\n", u.name, u.template, u.address)
	}
	return b.String()
}

// order does what a line from the keyboard says.
func (t *trainer) order(words []string) error {
	if len(words) == 0 {
		return nil
	}
	at := slices.IndexFunc(t.units, func(u trainee) bool { return strconv.Itoa(int(u.address)) == words[0] })
	if at < 0 {
		fmt.Fprint(t.out, simHelp)
		return nil
	}
	u := &t.units[at]
	faults := map[string]sim.Fault{
		"silent": {Silent: true}, "crc": {WrongCRC: true}, "late": {Late: 3 * time.Second},
		"noise": {Before: []byte{0, 0xFF}}, "well": {},
	}
	if len(words) == 1 {
		u.show(t.out)
		return nil
	}
	f, known := faults[words[1]]
	if len(words) == 3 && words[1] == "exception" {
		n, err := strconv.ParseUint(words[2], 0, 8)
		f, known, words = sim.Fault{Exception: byte(n)}, err == nil && n > 0, words[:2]
	}
	switch {
	case len(words) == 2 && known:
		u.unit.SetFault(f)
	case len(words) == 3:
		return u.in.Set(words[1], words[2])
	default:
		fmt.Fprint(t.out, simHelp)
	}
	return nil
}

// show prints what a unit says.
func (u *trainee) show(out io.Writer) {
	for _, v := range u.in.Values() {
		value := v.Text
		switch {
		case v.Role == sim.Status:
			value = fmt.Sprintf("%d (status)", v.Bits)
		case v.Number != nil:
			text := v.Number.FloatString(max(v.Decimals, 4))
			value = strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + " " + v.Unit
		case v.Text == "":
			value = "no value"
		}
		fmt.Fprintf(out, "  %-24s %-20s function %d address %d: %04X\n", v.Name, value, v.Function, v.Address, v.Words)
	}
}
