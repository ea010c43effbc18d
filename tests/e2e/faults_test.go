package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

// says waits until the agent's log has a line that matches, with a hint in it.
func (r *rig) says(pattern string) {
	r.t.Helper()
	is := regexp.MustCompile(pattern)
	await(r.t, 30*time.Second, "the agent says "+pattern, func() bool {
		for line := range strings.Lines(r.agent.logged()) {
			if is.MatchString(line) && strings.Contains(line, "hint=") {
				return true
			}
		}
		return false
	})
}

// Ports, brokers and certificates that are bad in every way, all at once: each is said
// in one line with its place and a hint, and what is good goes on.
func TestBadPartsStayAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("good", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	taken := r.serial("taken", time.Second, map[*sim.Instrument]string{sim.SonbestSM7901B("noise"): "sonbest-sm7901b"})
	r.lines = append(r.lines, `  - name: gone
    serial: {port: /dev/serial/by-id/usb-gone, baud: 9600, parity: none, stop_bits: 1}
    devices: [{name: dust, template: boling-dust, unit: 1, interval: 1s}]
  - name: refusing
    url: tcp://127.0.0.1:1
    devices: [{name: gas, template: teledyne-t400, unit: 1, interval: 1s}]
`)
	r.startBroker(everything)
	now := time.Now()
	r.ca.issueFor("expired", gateway, now.Add(-48*time.Hour), now.Add(-24*time.Hour))
	r.ca.issueFor("other", "gw-other", now.Add(-time.Hour), now.Add(time.Hour))
	uplink := func(name string, port int, cert string) string {
		return fmt.Sprintf(`  - name: %s
    broker: mqtts://127.0.0.1:%d
    tls: {ca: %[3]s/ca.pem, certificate: %[3]s/%[4]s.pem, key: %[3]s/%[4]s.key}
    centre_keys: [%[3]s/centre.pub]
    reconnect_max: 2s
`, name, port, r.dir, cert)
	}
	r.more = uplink("refused", 1, gateway) + uplink("expired", r.broker.port, "expired") + uplink("other", r.broker.port, "other")

	// Another program has the port of one line.
	write(t, r.path("thief.yaml"), fmt.Sprintf(`gateway: {id: %s}
key: %s/gw.sign
storage: {path: %[2]s/thief.db}
lines:
  - name: taken
    serial: {port: %[3]s, baud: 9600, parity: none, stop_bits: 1}
    devices: [{name: noise, template: sonbest-sm7901b, unit: 1, interval: 200ms}]
`, gateway, r.dir, taken.Path()))
	thief := start(t, r.path("thief.log"), envgate, "run", "-c", r.path("thief.yaml"))
	noise := r.units["noise"].Instrument()
	await(t, 20*time.Second, "the other program asks", func() bool { return noise.Sent() > 0 })

	r.startCentre()
	r.startAgent()
	r.says(`msg="line down" line=gone err=".*/dev/serial/by-id/usb-gone.*`)
	r.says(`msg="line down" line=refusing err=".*127.0.0.1:1.*refused`)
	r.says(`msg="line down" line=taken err=".*taken`)
	r.says(`uplink=refused .*127.0.0.1:1.*refused`)
	r.says(`uplink=expired .*expired`)
	r.says(`uplink=other .*gw-other`)
	await(t, 30*time.Second, "the good line arrives by the good uplink", func() bool {
		for _, e := range r.export() {
			if e.Source == "ozone" && e.Value != nil {
				return true
			}
		}
		return false
	})
	for _, line := range []string{"gone", "refusing", "taken"} {
		found := false
		for _, e := range r.events("line.down") {
			found = found || e.Subject == line
		}
		if !found {
			t.Errorf("no event says that line %s is down", line)
		}
	}

	// The port comes free: the line goes on by itself.
	thief.stop(10 * time.Second)
	await(t, 60*time.Second, "the line whose port came free arrives", func() bool {
		for _, e := range r.export() {
			if e.Source == "noise" && e.Value != nil {
				return true
			}
		}
		return false
	})
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
}

// A log that was cut in the middle is set aside; a new epoch says so, and what comes
// after it arrives.
func TestDamagedLog(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()
	r.arrived()
	// What is not delivered dies with the file: the kill comes when a block has just
	// arrived, seconds before the next one is sealed.
	await(t, 30*time.Second, "all sealed blocks are delivered", r.whole)
	before := len(r.export())
	await(t, 30*time.Second, "the next block arrives", func() bool { return len(r.export()) > before && r.whole() })
	r.agent.kill()
	if err := os.Truncate(r.path("log.db"), 8192); err != nil {
		t.Fatal(err)
	}
	r.startAgent()
	var epochs []exported
	await(t, 30*time.Second, "the centre hears of the new epoch", func() bool {
		epochs = r.events("epoch")
		return len(epochs) == 2
	})
	newest := epochs[0]
	if epochs[1].Time > newest.Time {
		newest = epochs[1]
	}
	if newest.Why == "" || newest.Why == "new log" {
		t.Errorf("the new epoch's reason is %q: want what is wrong with the file", newest.Why)
	}
	if found, _ := filepath.Glob(r.path("log.db.aside-????????T??????")); len(found) != 1 {
		t.Errorf("%d files set aside, want 1", len(found))
	}
	await(t, 30*time.Second, "readings of the new epoch arrive", func() bool {
		for _, e := range r.export() {
			if e.Epoch == newest.Epoch && e.Value != nil && e.Stream == "live" {
				return true
			}
		}
		return false
	})
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	r.verified()
}

// The log's disk fills up: polls go on, it is said, and when there is room again what
// was read meanwhile is stored, without a restart.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	disk := r.path("disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Fatalf("a small disk needs root: mount: %v\n%s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", disk).Run() })
	r.six(time.Second)
	r.load(8, 40, time.Second) // so that the log grows into the wall soon
	r.startBroker(everything)
	r.startCentre()
	r.writeSite()
	site, err := os.ReadFile(r.path("site.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	full := strings.Replace(string(site), r.path("log.db"), filepath.Join(disk, "log.db"), 1)
	write(t, r.path("full.yaml"), full)
	r.agent = start(t, r.path("agent.log"), envgate, "run", "-c", r.path("full.yaml"))
	r.arrived()

	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	r.says(`msg="the log cannot be written`)
	time.Sleep(2 * sealing)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await(t, 30*time.Second, "the agent says that it can write again", func() bool {
		return strings.Contains(r.agent.logged(), "the log can be written again")
	})
	time.Sleep(sealing)
	r.hush()
	r.settled()
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	r.audit()
	if len(r.events("log.full")) == 0 {
		t.Error("no event says that the log could not be written")
	}
}

// fill writes a file until the disk has no room left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
}
