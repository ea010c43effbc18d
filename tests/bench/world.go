package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"envgate/tests/sim"
)

// world is one gateway with its instruments, a broker and a centre, all on this
// machine; between the agent and the broker stands a pipe that counts.
type world struct {
	dir    string
	server *sim.Server // nil where there is a bus
	bus    *sim.Bus
	more   []io.Closer // other buses and servers
	units  []*sim.Instrument
	points int
	pipe   *pipe
	broker *broker
	agent  *exec.Cmd
	centre *exec.Cmd

	storage, uplink string // further lines of the site file
}

// count is the state of all counters at one time.
type count struct {
	at       time.Duration
	readings uint64
	cpu      time.Duration
	anon     uint64 // bytes
	rss      uint64
	written  uint64 // bytes to storage, as the kernel counts them, see dirtied
	logged   uint64 // bytes that the log wrote; of steady alone
	sent     uint64 // bytes from the agent to the broker
}

func (c count) minus(o count) count {
	return count{
		at: c.at - o.at, readings: c.readings - o.readings, cpu: c.cpu - o.cpu,
		written: c.written - o.written, logged: c.logged - o.logged, sent: c.sent - o.sent,
	}
}

var began = time.Now()

// newWorld is a world with units behind a network endpoint.
func newWorld(units, points int, every time.Duration) (*world, error) {
	w, err := emptyWorld()
	if err != nil {
		return nil, err
	}
	return w, w.instruments(units, points, every)
}

// instruments gives a world units behind a network endpoint, and writes its files.
func (w *world) instruments(units, points int, every time.Duration) (err error) {
	w.points = points
	if w.server, err = sim.Listen(sim.ServerOptions{}); err != nil {
		return err
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "  - name: bus\n    url: %s\n    devices:\n", w.server.URL())
	for u := 1; u <= units; u++ {
		in := sim.Block(fmt.Sprintf("unit%d", u), points)
		w.units = append(w.units, in)
		w.server.Attach(byte(u), in)
		fmt.Fprintf(&lines, "      - name: unit%d\n        unit: %d\n        interval: %s\n        registers:\n", u, u, every)
		for p := range points {
			fmt.Fprintf(&lines, "          - {point: c%02d, address: %d, type: float32, unit: \"1\"}\n", p+1, 2*p)
		}
	}
	return w.files(lines.String())
}

// emptyWorld is a world without instruments.
func emptyWorld() (*world, error) {
	dir, err := os.MkdirTemp("", "envgate-bench-")
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, broker: &broker{dir: dir}}
	if w.broker.port, err = freePort(); err != nil {
		return nil, err
	}
	w.pipe, err = newPipe(w.broker.port)
	return w, err
}

// files writes the keys, the site file with these lines, and the centre's.
func (w *world) files(lines string) error {
	site := fmt.Sprintf(`gateway:
  id: gw-bench
key: %[1]s/gw.key
storage:
  path: %[1]s/log.db
%[4]srollup:
  minutes: 1
lines:
%[2]suplinks:
  - name: city
    broker: mqtt://127.0.0.1:%[3]d
    reconnect_max: 2s
    centre_keys: [%[1]s/centre.pub]
%[5]s`, w.dir, lines, w.pipe.port(), w.storage, w.uplink)
	centre := fmt.Sprintf(`broker: tcp://127.0.0.1:%[2]d
key: %[1]s/centre.key
database: %[1]s/centre.db
gateways:
  - id: gw-bench
    keys:
      - file: %[1]s/gw.pub
`, w.dir, w.broker.port)
	return errors.Join(
		os.WriteFile(filepath.Join(w.dir, "site.yaml"), []byte(site), 0o600),
		os.WriteFile(filepath.Join(w.dir, "centre.yaml"), []byte(centre), 0o600),
		makeKey("bin/envgate", filepath.Join(w.dir, "gw"), "--gateway", "gw-bench"),
		makeKey("bin/centre", filepath.Join(w.dir, "centre")),
	)
}

// makeKey makes PATH.key and PATH.pub.
func makeKey(program, path string, args ...string) error {
	cmd := exec.Command(program, append([]string{"key", "new", "--out", path + ".key", "--pem"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s key new (make build makes the program): %w", program, err)
	}
	return os.WriteFile(path+".pub", out, 0o600)
}

func (w *world) startAgent() (err error) {
	w.agent, err = w.child("agent.log", "bin/envgate", "run", "-c", filepath.Join(w.dir, "site.yaml"))
	return err
}

func (w *world) startCentre() (err error) {
	w.centre, err = w.child("centre.log", "bin/centre", "run", "-c", filepath.Join(w.dir, "centre.yaml"))
	return err
}

// await waits until the agent's log has a text.
func (w *world) await(text string, most time.Duration) error {
	path := filepath.Join(w.dir, "agent.log")
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(text)) {
			return nil
		}
	}
	return fmt.Errorf("no %q in %s after %s", text, path, most)
}

func (w *world) child(log, program string, args ...string) (*exec.Cmd, error) {
	f, err := os.Create(filepath.Join(w.dir, log))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, cmd.Start()
}

func (w *world) close() {
	w.stopAgent()
	if w.centre != nil {
		w.centre.Process.Signal(syscall.SIGTERM)
		w.centre.Wait()
	}
	w.broker.stop()
	w.pipe.close()
	if w.server != nil {
		w.server.Close()
	}
	if w.bus != nil {
		w.bus.Close()
	}
	for _, c := range w.more {
		c.Close()
	}
	os.RemoveAll(w.dir)
}

// stopAgent lets the agent send what it has, and end.
func (w *world) stopAgent() {
	if w.agent != nil {
		w.agent.Process.Signal(syscall.SIGTERM)
		w.agent.Wait()
		w.agent = nil
	}
}

// measure reads all counters.
func (w *world) measure() (count, error) {
	c := count{at: time.Since(began), sent: w.pipe.sent.Load()}
	for _, u := range w.units {
		c.readings += u.Sent() * uint64(w.points)
	}
	proc := fmt.Sprintf("/proc/%d/", w.agent.Process.Pid)
	status, err := fields(proc + "status")
	if err != nil {
		return c, fmt.Errorf("the agent ended: see %s/agent.log: %w", w.dir, err)
	}
	c.anon, c.rss = status["RssAnon:"]<<10, status["VmRSS:"]<<10
	io, err := fields(proc + "io")
	if err != nil {
		return c, err
	}
	c.written = io["write_bytes:"]
	stat, err := os.ReadFile(proc + "stat")
	if err != nil {
		return c, err
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	c.cpu = time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
	return c, nil
}

// logged asks the agent what its log has written: whole pages, as they went to the kernel.
func (w *world) logged() (uint64, error) {
	out, err := exec.Command("bin/envgate", "status", "-json", "-c", filepath.Join(w.dir, "site.yaml")).Output()
	if err != nil {
		return 0, fmt.Errorf("ask the agent for its status: %w", err)
	}
	var status struct {
		Wear struct {
			Written uint64 `json:"written_bytes"`
		} `json:"wear"`
	}
	err = json.Unmarshal(out, &status)
	return status.Wear.Written, err
}

func fields(path string) (map[string]uint64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]uint64{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 2 {
			out[f[0]], _ = strconv.ParseUint(f[1], 10, 64)
		}
	}
	return out, nil
}

// broker is a mosquitto on loopback.
type broker struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

func (b *broker) start() error {
	conf := filepath.Join(b.dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence false\n", b.port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto"
	}
	b.cmd = exec.Command(program, "-c", conf)
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		return fmt.Errorf("mosquitto: %w", err)
	}
	for range 100 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port))
		if err == nil {
			return c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("mosquitto does not listen")
}

func (b *broker) stop() {
	if b.cmd != nil {
		b.cmd.Process.Signal(syscall.SIGTERM)
		b.cmd.Wait()
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
