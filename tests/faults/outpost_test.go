package faults_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"envgate/envelope"
	"envgate/tests/faults"
	"envgate/tests/sim"
)

// outpost is the whole way of a reading: instruments, the agent, mosquitto and the centre.
// Only the agent and its disk are broken here.
type outpost struct {
	t           *testing.T
	dir         string
	log         string // path of the agent's log
	server      *sim.Server
	instruments []*sim.Instrument
	port        int // the broker's
	agent       *child
	centre      *child
	kills       []time.Time
}

const (
	outpostID = "gw-outpost"
	interval  = 250 * time.Millisecond // between two polls of an instrument
	sealing   = time.Second
	commits   = 1500 * time.Millisecond // a commit takes no longer, on a machine with much else to do
)

// newOutpost starts all but the agent. Its log lies in the folder logDir, "" for one of
// its own; points is how many values each of four instruments has.
func newOutpost(t *testing.T, logDir string, points int) *outpost {
	t.Helper()
	o := &outpost{t: t, dir: t.TempDir()}
	if o.log = filepath.Join(o.dir, "log.db"); logDir != "" {
		o.log = filepath.Join(logDir, "log.db")
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"agent", "centre", "mosquitto"} {
				b, _ := os.ReadFile(o.path(name + ".log"))
				t.Logf("%s.log ends:\n%s", name, b[max(0, len(b)-3000):])
			}
		}
	})
	var err error
	if o.server, err = sim.Listen(sim.ServerOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.server.Close() })
	var devices strings.Builder
	for u := 1; u <= 4; u++ {
		in := sim.Block(fmt.Sprintf("unit%d", u), points)
		o.instruments = append(o.instruments, in)
		o.server.Attach(byte(u), in)
		fmt.Fprintf(&devices, "      - name: unit%d\n        unit: %d\n        interval: %s\n        registers:\n", u, u, interval)
		for _, c := range in.Channels() {
			fmt.Fprintf(&devices, "          - {point: %s, address: %d, type: float32, unit: \"1\"}\n", c.Point, c.Address)
		}
	}
	o.startBroker()
	o.makeKey(programs.envgate, "gw", "--gateway", outpostID)
	o.makeKey(programs.centre, "centre")
	o.write("site.yaml", fmt.Sprintf(`gateway: {id: %s}
key: %s/gw.sign
sealing: {interval: %s}
storage: {path: %s, budget: 8MB}
rollup: {minutes: 1}
lines:
  - name: net
    url: %s
    devices:
%suplinks:
  - name: city
    broker: mqtt://127.0.0.1:%d
    centre_keys: [%[2]s/centre.pub]
    reconnect_max: 2s
`, outpostID, o.dir, sealing, o.log, o.server.URL(), devices.String(), o.port))
	o.write("centre.yaml", fmt.Sprintf(`broker: tcp://127.0.0.1:%d
key: %s/centre.sign
database: %[2]s/centre.db
gateways:
  - id: %s
    keys:
      - file: %[2]s/gw.pub
`, o.port, o.dir, outpostID))
	o.centre = o.child("centre", programs.centre, "run", "-c", o.path("centre.yaml"))
	waitFor(t, 20*time.Second, "the centre listens", func() bool { return strings.Contains(o.centre.logged(), "broker connected") })
	return o
}

func (o *outpost) path(name string) string { return filepath.Join(o.dir, name) }

func (o *outpost) write(name, text string) {
	o.t.Helper()
	if err := os.WriteFile(o.path(name), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o *outpost) makeKey(program, name string, args ...string) {
	o.t.Helper()
	out, err := exec.Command(program, append([]string{"key", "new", "--out", o.path(name + ".sign"), "--pem"}, args...)...).Output()
	if err != nil {
		o.t.Fatalf("%s key new: %v", program, err)
	}
	o.write(name+".pub", string(out))
}

func (o *outpost) startBroker() {
	o.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		o.t.Fatal(err)
	}
	o.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	o.write("mosquitto.conf", fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n", o.port))
	o.child("mosquitto", need(o.t, "mosquitto", "mosquitto"), "-c", o.path("mosquitto.conf"))
	waitFor(o.t, 10*time.Second, "mosquitto listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", o.port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// startAgent starts it, by way of a program before it if one is given.
func (o *outpost) startAgent(before ...string) {
	o.t.Helper()
	args := append(before, programs.envgate, "run", "-c", o.path("site.yaml"))
	o.agent = o.child("agent", args[0], args[1:]...)
}

// opened waits until this agent has its log.
func (o *outpost) opened() {
	o.t.Helper()
	waitFor(o.t, time.Minute, "the agent has its log", func() bool { return strings.Contains(o.agent.logged(), `msg="log open"`) })
}

func (o *outpost) killAgent() {
	o.kills = append(o.kills, time.Now())
	o.agent.end(syscall.SIGKILL, 10*time.Second)
}

// finish silences the instruments, lets all arrive, and stops the programs.
func (o *outpost) finish() {
	o.t.Helper()
	o.server.Unplug()
	last, since := -1, time.Now()
	waitFor(o.t, 2*time.Minute, "all values are at the centre", func() bool {
		n := 0
		for _, e := range o.export() {
			if e.Value != nil {
				n++
			}
		}
		if n != last || !o.whole() {
			last, since = n, time.Now()
		}
		return time.Since(since) > 2*sealing+time.Second
	})
	o.agent.end(syscall.SIGTERM, 20*time.Second)
	waitFor(o.t, 20*time.Second, "the last blocks are at the centre", o.whole)
	o.centre.end(syscall.SIGTERM, 20*time.Second)
}

// audit holds the centre's readings against the instruments' journals, has the centre
// verify all blocks anew, looks for gaps and anomalies, and has the oracle look at the
// agent's log. Without excuses it counts what the kills took, which shows that it would
// see a loss. It returns the counts.
func (o *outpost) audit() string {
	o.t.Helper()
	report := o.report(o.kills)
	if err := report.Err(); err != nil {
		o.t.Errorf("audit: %v", err)
	}
	strict := o.report(nil)
	if len(o.kills) > 0 && strict.Unaccounted() == 0 {
		o.t.Errorf("without an excuse for %d kills nothing is missing: the audit proves nothing", len(o.kills))
	}
	if out, err := exec.Command(programs.centre, "verify", "-c", o.path("centre.yaml")).CombinedOutput(); err != nil {
		o.t.Errorf("centre verify: %v\n%s", err, out)
	}
	if g := o.gaps(); !o.whole() || strings.Contains(g, "ANOMALY") {
		o.t.Errorf("gaps at the centre:\n%s", g)
	}
	pem, err := os.ReadFile(o.path("gw.pub"))
	if err != nil {
		o.t.Fatal(err)
	}
	public, err := envelope.ParsePublicKey(pem)
	if err != nil {
		o.t.Fatal(err)
	}
	log, err := faults.CheckAs(o.log, outpostID, envelope.NewKeySet(public), faults.Ack{})
	if err != nil || !log.OK() {
		o.t.Errorf("the agent's log: %v: %s", err, strings.Join(log.Problems, "\n"))
	}
	return fmt.Sprintf("%d readings asked, %d received, %d excused by %d kills, %d unaccounted; %d blocks in the agent's log verified, %d duplicates, %d chains broken",
		report.Sent(), report.Received(), report.Excused(), len(o.kills), report.Unaccounted(), log.Blocks, log.Duplicates, log.Broken)
}

func (o *outpost) report(excuses []time.Time) sim.Report {
	o.t.Helper()
	a := sim.NewAudit(o.instruments...)
	for _, k := range excuses {
		a.Excuse(k.Add(-sealing-commits), k.Add(200*time.Millisecond))
	}
	for _, e := range o.export() {
		if e.Stream != "live" || e.Point == "" {
			continue
		}
		row := sim.Row{Instrument: strings.SplitN(e.Source, "/", 2)[0], Point: e.Point, Epoch: e.Epoch, Index: e.Index, Flag: e.Flag}
		if e.Value != nil {
			row.Value = *e.Value
		}
		var err error
		if row.Time, err = time.Parse(time.RFC3339Nano, e.Time); err != nil {
			o.t.Fatal(err)
		}
		a.Add(row)
	}
	return a.Report()
}

// exportedRow is a line of the centre's export.
type exportedRow struct {
	Stream, Epoch, Source, Point, Flag, Type string
	New, Why, Time                           string
	Index                                    uint64
	Value                                    *string
}

func (o *outpost) export() (all []exportedRow) {
	o.t.Helper()
	out, err := exec.Command(programs.centre, "export", "--ndjson", o.path("centre.db")).Output()
	if err != nil {
		return nil // no database yet
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e exportedRow
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			o.t.Fatalf("export line %q: %v", lines.Bytes(), err)
		}
		all = append(all, e)
	}
	return all
}

// events are those of one type at the centre.
func (o *outpost) events(kind string) (out []exportedRow) {
	for _, e := range o.export() {
		if e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

// values waits until the centre has so many values more than now.
func (o *outpost) values(more int) {
	o.t.Helper()
	count := func() (n int) {
		for _, e := range o.export() {
			if e.Value != nil && e.Stream == "live" {
				n++
			}
		}
		return n
	}
	before := count()
	waitFor(o.t, time.Minute, "readings arrive", func() bool { return count() >= before+more })
}

func (o *outpost) gaps() string {
	o.t.Helper()
	out, err := exec.Command(programs.centre, "gaps", o.path("centre.db")).CombinedOutput()
	if err != nil {
		o.t.Errorf("centre gaps: %v\n%s", err, out)
	}
	return string(out)
}

// whole says whether the centre has each stream without a gap up to its newest block.
func (o *outpost) whole() bool {
	streams := 0
	for line := range strings.Lines(o.gaps()) {
		f := strings.Fields(line) // gateway stream epoch first last receipt missing ...
		if len(f) < 8 || f[0] != outpostID || len(f[2]) != 16 {
			continue
		}
		streams++
		if f[6] != "none" || f[4] != f[5] {
			return false
		}
	}
	return streams > 0
}

// child is a program that ends with the test, at the latest.
type child struct {
	t    *testing.T
	log  string
	skip int64 // of the log: what programs before it said
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

func (o *outpost) child(name, program string, args ...string) *child {
	o.t.Helper()
	f, err := os.OpenFile(o.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		o.t.Fatal(err)
	}
	defer f.Close()
	i, err := f.Stat()
	if err != nil {
		o.t.Fatal(err)
	}
	c := &child{t: o.t, log: f.Name(), skip: i.Size(), cmd: exec.Command(program, args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = f, f
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	go func() {
		c.cmd.Wait()
		close(c.done)
	}()
	o.t.Cleanup(func() { c.end(syscall.SIGKILL, 10*time.Second) })
	return c
}

// end sends a signal and waits until it has ended.
func (c *child) end(s syscall.Signal, within time.Duration) {
	c.t.Helper()
	c.cmd.Process.Signal(s)
	select {
	case <-c.done:
	case <-time.After(within):
		c.t.Errorf("%s did not end within %s", filepath.Base(c.cmd.Path), within)
		c.cmd.Process.Kill()
		<-c.done
	}
}

// calm ends the tracer that breaks its system calls. The child goes on.
func (c *child) calm() {
	c.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		c.t.Fatal(err)
	}
	var tracer int
	for line := range strings.Lines(string(status)) {
		fmt.Sscanf(line, "TracerPid: %d", &tracer)
	}
	if tracer == 0 {
		c.t.Fatal("nobody traces it")
	}
	if err := syscall.Kill(tracer, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
}

// ended says whether it ended by itself.
func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func (c *child) logged() string {
	b, _ := os.ReadFile(c.log)
	return string(b[min(int64(len(b)), c.skip):])
}

// waitFor waits for a state that is sure to come; it says how long it waited in vain.
func waitFor(t *testing.T, most time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(most); !is(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain until %s", most, what)
		}
	}
}
