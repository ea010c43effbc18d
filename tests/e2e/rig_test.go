package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

const gateway = "gw-e2e"

// rig is one gateway with instruments, a broker and a centre. A test changes what it
// wants before start.
type rig struct {
	t   *testing.T
	dir string
	ca  *authority

	lines       []string // of the site file
	instruments []*sim.Instrument
	units       map[string]*sim.Unit // by the instrument's name
	buses       []interface{ Unplug() error }
	uplink      string // more lines of the uplink
	more        string // more lines of the site file
	centreMore  string // more lines of centre.yaml

	broker *mosquitto
	agent  *process
	centre *process
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), units: map[string]*sim.Unit{}}
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"agent.log", "centre.log", "mosquitto.log"} {
				t.Logf("%s ends:\n%s", name, tailOf(r.path(name), 25))
			}
		}
	})
	r.ca = newAuthority(t, r.dir)
	r.ca.issue(gateway)
	r.ca.issue("centre")
	r.ca.issue("watcher")
	r.key(envgate, "gw", "--gateway", gateway)
	r.key(centre, "centre")
	return r
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) key(program, name string, args ...string) {
	r.t.Helper()
	out, err := exec.Command(program, append([]string{"key", "new", "--out", r.path(name + ".sign"), "--pem"}, args...)...).Output()
	if err != nil {
		r.t.Fatalf("%s key new: %v", program, err)
	}
	write(r.t, r.path(name+".pub"), string(out))
}

// serial adds a serial bus with instruments at units 1, 2, 3 and so on.
func (r *rig) serial(name string, every time.Duration, in map[*sim.Instrument]string) *sim.Bus {
	r.t.Helper()
	bus, err := sim.OpenBus(sim.BusOptions{Name: r.path("tty-" + name)})
	if err != nil {
		r.t.Fatal(err)
	}
	r.buses = append(r.buses, bus)
	r.t.Cleanup(func() { bus.Close() })
	r.line(name, fmt.Sprintf("serial: {port: %s, baud: 9600, parity: none, stop_bits: 1}", bus.Path()), every, in, bus.Attach)
	return bus
}

// network adds an endpoint with instruments.
func (r *rig) network(name string, every time.Duration, in map[*sim.Instrument]string) *sim.Server {
	r.t.Helper()
	server, err := sim.Listen(sim.ServerOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.buses = append(r.buses, server)
	r.t.Cleanup(func() { server.Close() })
	r.line(name, "url: "+server.URL(), every, in, server.Attach)
	return server
}

func (r *rig) line(name, where string, every time.Duration, in map[*sim.Instrument]string, attach func(byte, *sim.Instrument) *sim.Unit) {
	var b strings.Builder
	fmt.Fprintf(&b, "  - name: %s\n    %s\n    timeout: 300ms\n    late_window: 200ms\n    devices:\n", name, where)
	unit := byte(0)
	for i, template := range in {
		unit++
		r.units[i.Name()] = attach(unit, i)
		r.instruments = append(r.instruments, i)
		fmt.Fprintf(&b, "      - name: %s\n        unit: %d\n        interval: %s\n", i.Name(), unit, every)
		if template != "" {
			fmt.Fprintf(&b, "        template: %s\n", template)
			continue
		}
		b.WriteString("        registers:\n")
		for _, c := range i.Channels() {
			fmt.Fprintf(&b, "          - {point: %s, address: %d, type: float32, unit: \"1\"}\n", c.Point, c.Address)
		}
	}
	r.lines = append(r.lines, b.String())
}

// six adds the six instruments of the demo, on three lines.
func (r *rig) six(every time.Duration) (a, b *sim.Bus, net *sim.Server) {
	a = r.serial("a", every, map[*sim.Instrument]string{sim.BolingDust("dust"): "boling-dust", sim.SonbestSM7901B("noise-gate"): "sonbest-sm7901b"})
	b = r.serial("b", every, map[*sim.Instrument]string{sim.VaisalaWXT530("weather"): "vaisala-wxt530", sim.SonbestSM7901B("noise-roof"): "sonbest-sm7901b"})
	net = r.network("net", every, map[*sim.Instrument]string{sim.TeledyneT400("ozone-1"): "teledyne-t400", sim.TeledyneT400("ozone-2"): "teledyne-t400"})
	return a, b, net
}

// load adds instruments with many values each.
func (r *rig) load(units, points int, every time.Duration) {
	in := map[*sim.Instrument]string{}
	for u := range units {
		in[sim.Block(fmt.Sprintf("block%d", u+1), points)] = ""
	}
	r.network("load", every, in)
}

// startBroker, startAgent and startCentre write the files and start the programs.
func (r *rig) startBroker(acl string) { r.broker = newMosquitto(r.t, r.dir, r.ca, acl) }

func (r *rig) writeSite() {
	port := 1
	if r.broker != nil {
		port = r.broker.port
	}
	write(r.t, r.path("site.yaml"), fmt.Sprintf(`gateway:
  id: %[1]s
key: %[2]s/gw.sign
storage:
  path: %[2]s/log.db
rollup:
  minutes: 1
lines:
%[3]suplinks:
  - name: city
    broker: mqtts://127.0.0.1:%[4]d
    tls: {ca: %[2]s/ca.pem, certificate: %[2]s/%[1]s.pem, key: %[2]s/%[1]s.key}
    centre_keys: [%[2]s/centre.pub]
    reconnect_max: 2s
%[5]s%[6]s`, gateway, r.dir, strings.Join(r.lines, ""), port, r.uplink, r.more))
}

func (r *rig) startAgent() {
	r.t.Helper()
	r.writeSite()
	r.agent = start(r.t, r.path("agent.log"), envgate, "run", "-c", r.path("site.yaml"))
}

func (r *rig) startCentre() {
	r.t.Helper()
	write(r.t, r.path("centre.yaml"), fmt.Sprintf(`broker: tls://127.0.0.1:%[1]d
tls: {ca: %[2]s/ca.pem, certificate: %[2]s/centre.pem, key: %[2]s/centre.key}
key: %[2]s/centre.sign
database: %[2]s/centre.db
gateways:
  - id: %[3]s
    keys:
      - file: %[2]s/gw.pub
%[4]s`, r.broker.port, r.dir, gateway, r.centreMore))
	r.centre = start(r.t, r.path("centre.log"), centre, "run", "-c", r.path("centre.yaml"))
	// What a broker takes before anybody listens is gone for the centre, and in mode
	// puback for good: that is what the mode says.
	await(r.t, 20*time.Second, "the centre listens", func() bool { return strings.Contains(r.centre.logged(), "broker connected") })
}

// line of the centre's export.
type exported struct {
	Stream, Epoch             string
	Seq, Index                uint64
	Source, Point, Flag, Type string
	Cause, Subject, Old, New  string
	Why, Time, Period         string
	Value                     *string
}

// export is all that the centre has.
func (r *rig) export() []exported {
	r.t.Helper()
	out, err := exec.Command(centre, "export", "--ndjson", r.path("centre.db")).Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok {
			r.t.Logf("centre export: %s", e.Stderr)
		}
		return nil
	}
	var all []exported
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e exported
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			r.t.Fatalf("export line %q: %v", lines.Bytes(), err)
		}
		all = append(all, e)
	}
	return all
}

// events are those of one type at the centre.
func (r *rig) events(kind string) []exported {
	var out []exported
	for _, e := range r.export() {
		if e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

// arrived waits until the centre has readings of all instruments.
func (r *rig) arrived() {
	r.t.Helper()
	await(r.t, 60*time.Second, "the centre has readings of all instruments", func() bool {
		seen := map[string]bool{}
		for _, e := range r.export() {
			if e.Value != nil && e.Period == "" {
				seen[strings.SplitN(e.Source, "/", 2)[0]] = true
			}
		}
		return len(seen) == len(r.instruments)
	})
}

// hush silences all instruments, so that nothing new comes that counts.
func (r *rig) hush() {
	for _, b := range r.buses {
		b.Unplug()
	}
}

// settled waits until all values have arrived: no new ones for a while, and no gap.
func (r *rig) settled() {
	r.t.Helper()
	last, since := -1, time.Now()
	await(r.t, 2*time.Minute, "all values are at the centre", func() bool {
		n := 0
		for _, e := range r.export() {
			if e.Value != nil {
				n++
			}
		}
		if n != last || !r.whole() {
			last, since = n, time.Now()
		}
		return time.Since(since) > sealing+2*time.Second
	})
}

// whole says whether the centre has each stream without a gap up to its newest block.
func (r *rig) whole() bool {
	streams := 0
	for line := range strings.Lines(r.gaps()) {
		f := strings.Fields(line) // gateway stream epoch first last receipt missing evicted ...
		if len(f) < 8 || f[0] != gateway || len(f[2]) != 16 {
			continue
		}
		streams++
		if f[6] != "none" || f[4] != f[5] {
			return false
		}
	}
	return streams > 0
}

// gaps is what the centre says is missing.
func (r *rig) gaps() string {
	r.t.Helper()
	out, err := exec.Command(centre, "gaps", r.path("centre.db")).CombinedOutput()
	if err != nil {
		r.t.Errorf("centre gaps: %v\n%s", err, out)
	}
	return string(out)
}

// verified has the centre verify its whole database anew, from the stored bytes.
func (r *rig) verified() {
	r.t.Helper()
	out, err := exec.Command(centre, "verify", "-c", r.path("centre.yaml")).CombinedOutput()
	if err != nil {
		r.t.Errorf("centre verify: %v\n%s", err, out)
	}
}

// audit holds what the centre has against what the instruments said. kills excuse
// what was answered in the sealing interval before each.
func (r *rig) audit(kills ...time.Time) {
	r.t.Helper()
	a := sim.NewAudit(r.instruments...)
	for _, k := range kills {
		a.Excuse(k.Add(-sealing-commitTime), k.Add(200*time.Millisecond))
	}
	n := 0
	for _, e := range r.export() {
		if e.Stream != "live" || e.Point == "" {
			continue
		}
		row := sim.Row{
			Instrument: strings.SplitN(e.Source, "/", 2)[0], Point: e.Point, Epoch: e.Epoch, Index: e.Index, Flag: e.Flag,
		}
		if e.Value != nil {
			row.Value = *e.Value
			n++
		}
		at, err := time.Parse(time.RFC3339Nano, e.Time)
		if err != nil {
			r.t.Fatalf("time of an exported row: %v", err)
		}
		row.Time = at
		a.Add(row)
	}
	report := a.Report()
	if err := report.Err(); err != nil {
		r.t.Errorf("audit: %v", err)
	}
	r.t.Logf("%d rows with values at the centre; numbered: %d sent, %d received, %d excused by %d kills, %d unaccounted",
		n, report.Sent(), report.Received(), report.Excused(), len(kills), report.Unaccounted())
}

const (
	sealing    = 5 * time.Second // the default, which the rig uses
	commitTime = 700 * time.Millisecond
)
