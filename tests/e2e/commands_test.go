package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"envgate/tests/sim"
)

// command runs the program as a technician does.
func (r *rig) command(args ...string) (out string, err error) {
	b, err := exec.Command(envgate, args...).CombinedOutput()
	return string(b), err
}

// shows runs a command that must go well, and holds what it shows against patterns.
func (r *rig) shows(args []string, patterns ...string) string {
	r.t.Helper()
	out, err := r.command(args...)
	if err != nil {
		r.t.Errorf("envgate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	r.has(args, out, patterns...)
	return out
}

func (r *rig) has(args []string, out string, patterns ...string) {
	r.t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out) {
			r.t.Errorf("envgate %s: no %q in\n%s", strings.Join(args, " "), p, out)
		}
	}
}

// Technicians read, poke, tap and scan beside a running agent, and another program reads
// what is shared: the polls go on, and none misses a tick.
func TestCommandsBesideTheAgent(t *testing.T) {
	t.Parallel()
	mbpoll := need(t, "mbpoll", "mbpoll")
	r := newRig(t)
	noise := sim.SonbestSM7901B("noise")
	bus, err := sim.OpenBus(sim.BusOptions{Name: r.path("tty"), Baud: 9600, Think: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	r.line("bus", fmt.Sprintf("serial: {port: %s, baud: 9600, parity: none, stop_bits: 1}", bus.Path()), time.Second,
		map[*sim.Instrument]string{noise: "sonbest-sm7901b"}, bus.Attach) // unit 1
	bus.Attach(5, sim.BolingDust("dust")) // not in the site file yet
	port := freePort(t)
	r.more = fmt.Sprintf("share: {listen: 127.0.0.1:%d, allow: [{device: noise, as_unit: 9, registers: 0}]}\n", port)
	site := r.path("site.yaml")
	r.startAgent()
	await(t, 20*time.Second, "the agent polls", func() bool { return len(noise.Journal("LA")) > 2 })
	from := len(noise.Journal("LA"))

	tap := exec.Command(envgate, "tap", "-c", site, "bus")
	var heard bytes.Buffer
	tap.Stdout = &heard
	if err := tap.Start(); err != nil {
		t.Fatal(err)
	}
	poke := func(args ...string) []string { return append([]string{"poke", "-c", site}, args...) }
	r.shows([]string{"read", "-c", site, "-raw", "noise"}, `LA +\d+\.\d +dB +N +3 +0 +[0-9A-F]{4}`, `by the running agent, process \d+`)
	r.shows(poke("bus", "5", "3", "0", "2"), `out  05 03 00 00 00 02 C5 8F`, `in   05 03 04 `, `float32|uint32`)
	if out, err := r.command(poke("bus", "5", "3", "9000", "2")...); err == nil {
		t.Errorf("an address that is not there: %s", out)
	} else {
		r.has(nil, out, `in   05 83 02 `, "no such address", "仪器在线", `error: unit 5 refused holding 9000 to 9001`)
	}
	if out, err := r.command(poke("bus", "77", "3", "0", "1")...); err == nil {
		t.Errorf("a unit that is not there: %s", out)
	} else {
		r.has(nil, out, "in   nothing", "A and B swapped", "没有应答", "hint: ")
	}
	r.shows([]string{"scan", "-c", site, bus.Path(), "-units", "1-8", "-timeout", "50ms"},
		`2 units on .*tty 9600 8N1`, `1 +3 +register 0 is`, `unit 1 noise sonbest-sm7901b`, `name: unit-5`)
	r.shows([]string{"scan", "-c", site}, `line bus of the running agent, process`)

	// A second run, and a scan that does not know of the agent, are told who has it.
	if out, err := r.command("run", "-c", site); err == nil {
		t.Error("a second run runs")
	} else {
		r.has(nil, out, `error: an agent runs for this site already: process \d+`, `hint: one agent a site`)
	}
	scan := exec.Command(envgate, "scan", bus.Path())
	scan.Dir = t.TempDir()
	if out, err := scan.CombinedOutput(); err == nil || !strings.Contains(string(out), "port is taken") || !strings.Contains(string(out), "-c SITE") {
		t.Errorf("scan of a port in use: %v\n%s", err, out)
	}

	// libmodbus reads what is shared, and nothing else.
	ask := func(args ...string) (string, error) {
		args = append([]string{"-m", "tcp", "-p", fmt.Sprint(port), "-0", "-1", "-t", "4"}, args...)
		b, err := exec.Command(mbpoll, append(args, "127.0.0.1")...).CombinedOutput()
		return string(b), err
	}
	if out, err := ask("-a", "9", "-r", "0"); err != nil || !regexp.MustCompile(`\[0\]:\s+\d+`).MatchString(out) {
		t.Errorf("mbpoll of what is shared: %v\n%s", err, out)
	}
	if out, err := ask("-a", "9", "-r", "1"); err == nil || !strings.Contains(out, "Illegal data address") {
		t.Errorf("mbpoll of what is not allowed: %v\n%s", err, out)
	}
	if out, err := ask("-a", "1", "-r", "0"); err == nil {
		t.Errorf("mbpoll of a unit that is not shared:\n%s", out)
	}

	tap.Process.Signal(os.Interrupt)
	if err := tap.Wait(); err != nil {
		t.Errorf("tap: %v", err)
	}
	r.has([]string{"tap"}, heard.String(),
		`\d\d:\d\d:\d\d\.\d{3} > 01 03 00 00 00 01 84 0A  unit 1 holding 0\n`, `< 01 03 02 .. .. .. ..     unit 1: \d+ \(\d+ ms\)`,
		`unit 5 refused holding 9000 to 9001`, `- +no answer in \d+ ms`)

	time.Sleep(1100 * time.Millisecond) // a tick after the last command
	// A tick is asked in its second, whoever else asks; guests' own questions only add to it.
	ticks := map[int64]bool{}
	journal := noise.Journal("LA")[from:]
	for _, e := range journal {
		ticks[e.Asked.Unix()] = true
	}
	first, last := journal[0].Asked.Unix(), journal[len(journal)-1].Asked.Unix()
	for at := first; at <= last; at++ {
		if !ticks[at] {
			t.Errorf("no question in second %d of %d", at-first, last-first)
		}
	}
	if strings.Contains(r.agent.logged(), "offline") {
		t.Errorf("a device went offline:\n%s", r.agent.logged())
	}

	// What kill -9 leaves is in nobody's way.
	r.agent.kill()
	if out, err := r.command("tap", "-c", site, "bus"); err == nil || !strings.Contains(out, "no agent runs") {
		t.Errorf("tap without an agent: %v\n%s", err, out)
	}
	r.shows([]string{"read", "-c", site, "noise"}, `\(no agent runs\)`)
	r.startAgent()
	await(t, 20*time.Second, "the next agent answers", func() bool {
		out, err := r.command("read", "-c", site, "noise")
		return err == nil && strings.Contains(out, "by the running agent")
	})
	r.agent.signal(syscall.SIGTERM)
}

// Without an agent scan opens the port itself; what it prints is a line of a site file
// with which the next command reads. One that is stopped shows what it has.
func TestScanToFirstReading(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bus, err := sim.OpenBus(sim.BusOptions{Name: r.path("tty")})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	bus.Attach(3, sim.SonbestSM7901B("noise"))
	out, err := r.command("scan", bus.Path(), "-units", "1-5", "-timeout", "50ms", "-baud", "9600", "-parity", "none")
	if err != nil {
		t.Fatalf("scan: %v\n%s", err, out)
	}
	_, snippet, ok := strings.Cut(out, "可写入现场配置:\n\n")
	if !ok {
		t.Fatalf("no snippet in\n%s", out)
	}
	site := r.path("site.yaml")
	write(t, site, fmt.Sprintf("gateway: {id: %s}\nkey: gw.sign\nstorage: {path: log.db}\nlines:\n%s", gateway, snippet))
	r.shows([]string{"check", "-c", site}, "is good")
	r.shows([]string{"read", "-c", site, "unit-3"}, `unit3_r0 +\d+ +1 +N`)

	scan := exec.Command(envgate, "scan", bus.Path(), "-timeout", "100ms", "-baud", "9600", "-parity", "none")
	var text bytes.Buffer
	scan.Stdout, scan.Stderr = &text, &text
	if err := scan.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	scan.Process.Signal(os.Interrupt)
	if err := scan.Wait(); err != nil || !strings.Contains(text.String(), "stopped after") || !strings.Contains(text.String(), "name: unit-3") {
		t.Errorf("a scan that was stopped: %v\n%s", err, &text)
	}

	server, err := sim.Listen(sim.ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.Attach(2, sim.TeledyneT400("ozone"))
	r.shows([]string{"scan", server.URL(), "-units", "1-4"}, `1 unit on tcp://`, `2 +4 `, `url: tcp://127`)
}
