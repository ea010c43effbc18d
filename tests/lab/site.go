package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"envgate/tests/sim"
)

// gateway is the demo's gateway id.
const gateway = "demo"

// site is what the agent finds outside: lines with instruments.
type site struct {
	lines []siteLine
	units []*sim.Unit
	buses []interface{ Close() error }
}

// siteLine is one line as the site file names it.
type siteLine struct {
	name    string
	port    string // of a serial line
	baud    int
	url     string // of a network line
	devices []siteDevice
}

type siteDevice struct {
	name, template string
	unit           int
	instrument     *sim.Instrument
}

// openSite makes two serial buses and a network endpoint, with two instruments
// on each.
func openSite(dir string) (*site, error) {
	s := &site{lines: []siteLine{
		{name: "serial-a", port: filepath.Join(dir, "ttyA"), baud: 9600, devices: []siteDevice{
			{"dust", "boling-dust", 1, sim.BolingDust("dust")},
			{"noise-gate", "sonbest-sm7901b", 2, sim.SonbestSM7901B("noise-gate")},
		}},
		{name: "serial-b", port: filepath.Join(dir, "ttyB"), baud: 19200, devices: []siteDevice{
			{"weather", "vaisala-wxt530", 1, sim.VaisalaWXT530("weather")},
			{"noise-roof", "sonbest-sm7901b", 2, sim.SonbestSM7901B("noise-roof")},
		}},
		{name: "network", devices: []siteDevice{
			{"ozone-1", "teledyne-t400", 1, sim.TeledyneT400("ozone-1")},
			{"ozone-2", "teledyne-t400", 2, sim.TeledyneT400("ozone-2")},
		}},
	}}
	for i := range s.lines {
		if err := s.open(&s.lines[i]); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// open opens one line and attaches its instruments.
func (s *site) open(l *siteLine) error {
	var attach func(address byte, in *sim.Instrument) *sim.Unit
	if l.port != "" {
		b, err := sim.OpenBus(sim.BusOptions{Name: l.port, Baud: l.baud})
		if err != nil {
			return err
		}
		s.buses, attach = append(s.buses, b), b.Attach
	} else {
		e, err := sim.Listen(sim.ServerOptions{})
		if err != nil {
			return err
		}
		s.buses, attach = append(s.buses, e), e.Attach
		l.url = e.URL()
	}
	for _, d := range l.devices {
		s.units = append(s.units, attach(byte(d.unit), d.instrument))
	}
	return nil
}

// instruments are all of the site, in the order of the table.
func (s *site) instruments() []*sim.Instrument {
	var all []*sim.Instrument
	for _, l := range s.lines {
		for _, d := range l.devices {
			all = append(all, d.instrument)
		}
	}
	return all
}

// lineOf is the line of an instrument.
func (s *site) lineOf(instrument string) string {
	for _, l := range s.lines {
		for _, d := range l.devices {
			if d.name == instrument {
				return l.name
			}
		}
	}
	return ""
}

// Close unplugs every line.
func (s *site) Close() error {
	var errs []error
	for _, b := range s.buses {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}

// writeFiles makes the keys, as their owners would, and the two configurations.
func (l *lab) writeFiles(ctx context.Context) error {
	for _, k := range []struct {
		program, private, public string
		make                     []string
	}{
		{l.o.envgate, "gateway.key", "gateway.pub", []string{"key", "new", "--gateway", gateway, "--out"}},
		{l.o.centre, "centre.key", "centre.pub", []string{"key", "new", "--out"}},
	} {
		private := l.file(k.private)
		if _, err := output(ctx, k.program, append(k.make, private)...); err != nil {
			return err
		}
		public, err := output(ctx, k.program, "key", "show", "--pem", private)
		if err != nil {
			return err
		}
		if err := os.WriteFile(l.file(k.public), public, 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(l.file("site.yaml"), l.siteFile(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(l.file("centre.yaml"), l.centreFile(), 0o644)
}

// output runs a program to its end and returns what it printed.
func output(ctx context.Context, program string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, program, args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s %s: %w\n%s", filepath.Base(program), args[0], args[1], err, said.Bytes())
	}
	return out, nil
}

// siteFile is the agent's configuration.
func (l *lab) siteFile() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `gateway:
  id: %s
  name: 演示 demo
key: gateway.key
sealing:
  interval: %s
storage:
  path: envgate.db
  budget: 64MB
rollup:
  minutes: 1
lines:
`, gateway, l.o.sealing)
	for _, line := range l.site.lines {
		fmt.Fprintf(&b, "  - name: %s\n", line.name)
		if line.url != "" {
			fmt.Fprintf(&b, "    url: %s\n", line.url)
		} else {
			fmt.Fprintf(&b, "    serial: {port: %s, baud: %d, parity: none, stop_bits: 1}\n", line.port, line.baud)
		}
		b.WriteString("    devices:\n")
		for _, d := range line.devices {
			fmt.Fprintf(&b, "      - {name: %s, template: %s, unit: %d, interval: %s}\n", d.name, d.template, d.unit, l.o.interval)
		}
	}
	fmt.Fprintf(&b, `uplinks:
  - name: centre
    broker: mqtt://%s
    ack: receipt
    centre_keys: [centre.pub]
    reconnect_max: 2s
    receipt_timeout: 10s
log:
  level: info
`, l.broker.address)
	return b.Bytes()
}

// centreFile is the centre's configuration.
func (l *lab) centreFile() []byte {
	return fmt.Appendf(nil, `broker: tcp://%s
client_id: centre
key: centre.key
database: centre.db
gateways:
  - id: %s
    name: 演示 demo
    keys:
      - file: gateway.pub
live_rows: 1d
receipt_interval: 500ms
want_after: 2s
`, l.broker.address, gateway)
}
