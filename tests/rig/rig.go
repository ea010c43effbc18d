package rig

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"envgate/tests/sim"
)

// Gateway is the gateway's id.
const Gateway = "gw-rig"

// How long the parts may take.
const (
	listens   = 20 * time.Second // until broker and centre are there
	agentStop = 12 * time.Second // it promises 10 s
	stopTime  = 10 * time.Second
)

// A Rig is one gateway with what is around it. Change what is public before the
// program is started that it concerns.
type Rig struct {
	Dir             string
	Envgate, Centre string   // the programs
	Enter           []string // before each program: ip netns exec NAME; nil: none

	Log     string        // the log's file
	Sealing time.Duration // of the site file
	Budget  string        // of the log
	Uplink  string        // more lines of the uplink
	User    string        // of the agent at the broker; "": anybody may
	ACL     string        // what the broker allows; "": everything
	Env     []string      // of the agent
	AgentTo io.Writer     // what the agent says goes there too

	Instruments []*sim.Instrument
	Units       map[string]*sim.Unit // by the instrument's name
	buses       []interface{ Close() error }
	lines       strings.Builder

	Link   *sim.Link
	port   int // of the broker
	Broker *Process
	Agent  *Process
	Center *Process
	Kills  []time.Time // of the agent
	Absent []Span      // orderly stops of the agent, until it was gone
}

// A Span is a time from and to.
type Span struct{ From, To time.Time }

// New makes the keys and the link. envgate and centre are the programs.
func New(dir, envgate, centre string) (*Rig, error) {
	r := &Rig{
		Dir: dir, Envgate: envgate, Centre: centre, Log: filepath.Join(dir, "log.db"),
		Sealing: 5 * time.Second, Budget: "64MB", Units: map[string]*sim.Unit{},
	}
	var err error
	if r.port, err = freePort(); err != nil {
		return nil, err
	}
	if r.Link, err = sim.OpenLink(fmt.Sprintf("127.0.0.1:%d", r.port)); err != nil {
		return nil, err
	}
	for _, k := range []struct {
		program, name string
		more          []string
	}{{envgate, "gw", []string{"--gateway", Gateway}}, {centre, "centre", nil}} {
		args := append([]string{"key", "new", "--out", r.Path(k.name + ".sign"), "--pem"}, k.more...)
		public, err := output(k.program, args...)
		if err == nil {
			err = os.WriteFile(r.Path(k.name+".pub"), public, 0o600)
		}
		if err != nil {
			return nil, errors.Join(err, r.Link.Close())
		}
	}
	return r, nil
}

// Path is a file of the rig's folder.
func (r *Rig) Path(name string) string { return filepath.Join(r.Dir, name) }

// Port is the broker's own.
func (r *Rig) Port() int { return r.port }

// Site adds lines to the section "lines" of the site file.
func (r *Rig) Site(text string) { r.lines.WriteString(text) }

// Numbered is an instrument whose values are all numbered, in function 3 from
// register 0 on: points c01, c02 and so on.
func Numbered(name string, points int) *sim.Instrument {
	channels := make([]sim.Channel, points)
	for i := range channels {
		channels[i] = sim.Channel{
			Point: fmt.Sprintf("c%02d", i+1), Function: 3, Address: uint16(i), Kind: sim.U16, Digits: 3,
			Level: func(time.Time) float64 { return float64(1000 * (i%60 + 1)) },
		}
	}
	return sim.New(name, channels...)
}

// Noisy is an instrument whose values cannot be packed well: points c01, c02 and so on, of
// which none is numbered.
func Noisy(name string, points int) *sim.Instrument {
	channels := make([]sim.Channel, points)
	for i := range channels {
		channels[i] = sim.Channel{
			Point: fmt.Sprintf("c%02d", i+1), Function: 3, Address: uint16(i), Kind: sim.U16,
			Level: func(time.Time) float64 { return float64(rand.IntN(1 << 16)) },
		}
	}
	return sim.New(name, channels...)
}

// Network adds an endpoint with instruments at units 1, 2, 3 and so on.
func (r *Rig) Network(name string, every time.Duration, in ...*sim.Instrument) (*sim.Server, error) {
	s, err := sim.Listen(sim.ServerOptions{})
	if err != nil {
		return nil, err
	}
	r.line(name, "url: "+s.URL(), every, in, s.Attach)
	r.buses = append(r.buses, s)
	return s, nil
}

// Serial adds a serial bus with instruments at units 1, 2, 3 and so on.
func (r *Rig) Serial(name string, every time.Duration, in ...*sim.Instrument) (*sim.Bus, error) {
	b, err := sim.OpenBus(sim.BusOptions{Name: r.Path("tty-" + name)})
	if err != nil {
		return nil, err
	}
	r.line(name, fmt.Sprintf("serial: {port: %s, baud: 9600, parity: none, stop_bits: 1}", b.Path()), every, in, b.Attach)
	r.buses = append(r.buses, b)
	return b, nil
}

func (r *Rig) line(name, where string, every time.Duration, in []*sim.Instrument, attach func(byte, *sim.Instrument) *sim.Unit) {
	w := &r.lines
	fmt.Fprintf(w, "  - name: %s\n    %s\n    timeout: 300ms\n    late_window: 300ms\n    devices:\n", name, where)
	for i, instrument := range in {
		r.Units[instrument.Name()] = attach(byte(i+1), instrument)
		r.Instruments = append(r.Instruments, instrument)
		fmt.Fprintf(w, "      - name: %s\n        unit: %d\n        interval: %s\n        registers:\n", instrument.Name(), i+1, every)
		for _, c := range instrument.Channels() {
			fmt.Fprintf(w, "          - {point: %s, address: %d, type: uint16, unit: \"1\"}\n", c.Point, c.Address)
		}
	}
}

// StartAgent writes the site file and starts the agent.
func (r *Rig) StartAgent() (err error) {
	user := ""
	if r.User != "" {
		user = fmt.Sprintf("    username: %s\n    password_file: %s\n", r.User, r.Path("password"))
		if err := os.WriteFile(r.Path("password"), []byte(password), 0o600); err != nil {
			return err
		}
	}
	broker := r.Link.Addr()
	if r.Enter != nil { // the link is outside
		broker = fmt.Sprintf("127.0.0.1:%d", r.port)
	}
	site := fmt.Sprintf(`gateway:
  id: %s
key: %[2]s/gw.sign
sealing:
  interval: %[3]s
storage:
  path: %[4]s
  budget: %[5]s
rollup:
  minutes: 1
lines:
%[6]suplinks:
  - name: city
    broker: mqtt://%[7]s
    centre_keys: ["%[2]s/centre.pub"]
    reconnect_max: 2s
    receipt_timeout: 5s
%[8]s%[9]s`, Gateway, r.Dir, r.Sealing, r.Log, r.Budget, r.lines.String(), broker, user, r.Uplink)
	if err := os.WriteFile(r.Path("site.yaml"), []byte(site), 0o600); err != nil {
		return err
	}
	r.Agent, err = r.start("agent.log", r.AgentTo, r.Env, r.Envgate, "run", "-c", r.Path("site.yaml"))
	return err
}

// KillAgent ends the agent as a cut of the power does, and notes when.
func (r *Rig) KillAgent() {
	r.Kills = append(r.Kills, time.Now())
	r.Agent.Kill()
}

// StopAgent asks the agent to end, and notes how long it was about it.
func (r *Rig) StopAgent() error {
	from := time.Now()
	err := r.Agent.Stop(agentStop)
	r.Absent = append(r.Absent, Span{from, time.Now()})
	return err
}

// StartCentre starts the centre, and waits until it listens to the broker.
func (r *Rig) StartCentre() error {
	before := strings.Count(r.text("centre.log"), "broker connected")
	if err := r.LaunchCentre(); err != nil {
		return err
	}
	// What a broker takes before anybody listens is gone.
	return Await(listens, "the centre listens", func() bool {
		return strings.Count(r.text("centre.log"), "broker connected") > before
	})
}

// LaunchCentre starts the centre and waits for nothing.
func (r *Rig) LaunchCentre() (err error) {
	text := fmt.Sprintf(`broker: tcp://127.0.0.1:%d
key: %[2]s/centre.sign
database: %[2]s/centre.db
reconnect_max: 1s
gateways:
  - id: %[3]s
    keys:
      - file: %[2]s/gw.pub
`, r.port, r.Dir, Gateway)
	if r.User != "" {
		text += fmt.Sprintf("username: centre\npassword_file: %s\n", r.Path("password"))
		if err := os.WriteFile(r.Path("password"), []byte(password), 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(r.Path("centre.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	r.Center, err = r.start("centre.log", nil, nil, r.Centre, "run", "-c", r.Path("centre.yaml"))
	return err
}

func (r *Rig) text(name string) string {
	b, _ := os.ReadFile(r.Path(name))
	return string(b)
}

// start runs a program; what it says is appended to a file.
func (r *Rig) start(log string, more io.Writer, env []string, program string, args ...string) (*Process, error) {
	f, err := os.OpenFile(r.Path(log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	args = append([]string{program}, args...)
	args = append(r.Enter[:len(r.Enter):len(r.Enter)], args...)
	var out io.Writer = f
	if more != nil {
		out = more
	}
	p, err := spawn(out, env, args[0], args[1:]...)
	if p != nil {
		p.Name = filepath.Base(program)
	}
	return p, err
}

// Hush makes all instruments fall silent, so that nothing new comes that counts.
func (r *Rig) Hush() {
	for _, u := range r.Units {
		u.SetFault(sim.Fault{Silent: true})
	}
}

// Close ends everything.
func (r *Rig) Close() error {
	for _, p := range []*Process{r.Agent, r.Center, r.Broker} {
		p.Kill()
	}
	var errs []error
	for _, b := range r.buses {
		errs = append(errs, b.Close())
	}
	return errors.Join(append(errs, r.Link.Close())...)
}

// Await waits for a state that is sure to come; the error says how long it waited in
// vain.
func Await(most time.Duration, what string, is func() bool) error {
	for deadline := time.Now().Add(most); ; time.Sleep(250 * time.Millisecond) {
		if is() {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %s in vain until %s", most, what)
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
