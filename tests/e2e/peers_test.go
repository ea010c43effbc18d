package e2e

import (
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

// pymodbus is asked by our master over a pair of pseudo terminals and over TCP. What
// it was told to say is what the program shows.
func TestPymodbusIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	near, far := filepath.Join(dir, "near"), filepath.Join(dir, "far")
	start(t, filepath.Join(dir, "socat.log"), need(t, "socat", "socat"), "pty,raw,echo=0,link="+near, "pty,raw,echo=0,link="+far)
	await(t, 10*time.Second, "socat makes the pair", func() bool {
		_, a := os.Stat(near)
		_, b := os.Stat(far)
		return a == nil && b == nil
	})
	port := freePort(t)
	python := "/usr/bin/python3"
	start(t, filepath.Join(dir, "rtu.log"), python, "testdata/slave.py", "rtu", far)
	start(t, filepath.Join(dir, "tcp.log"), python, "testdata/slave.py", "tcp", fmt.Sprint(port))
	await(t, 20*time.Second, "pymodbus listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	devices := `    devices:
      - {name: noise-%[1]s, template: sonbest-sm7901b, unit: 1}
      - {name: weather-%[1]s, template: vaisala-wxt530, unit: 2}
`
	site := filepath.Join(dir, "site.yaml")
	write(t, site, fmt.Sprintf(`gateway: {id: gw-peers}
key: gw.sign
storage: {path: log.db}
lines:
  - name: rtu
    serial: {port: %s, baud: 9600, parity: none, stop_bits: 1}
`+fmt.Sprintf(devices, "rtu")+`  - name: tcp
    url: tcp://127.0.0.1:%d
`+fmt.Sprintf(devices, "tcp"), near, port))
	for _, line := range []string{"rtu", "tcp"} {
		for device, want := range map[string][]string{
			"noise-":   {"LA 53.6 dB N"},
			"weather-": {"a01002 45.5 % N", "a01006 1013.2 hPa N", "a01008 - deg D sentinel", "a01001 -3.7 degC N"},
		} {
			var out []byte
			await(t, 20*time.Second, device+line+" answers", func() bool {
				var err error
				out, err = exec.Command(envgate, "read", "-c", site, device+line).CombinedOutput()
				return err == nil
			})
			plain := strings.Join(strings.Fields(string(out)), " ")
			for _, w := range want {
				if !strings.Contains(plain, w) {
					t.Errorf("%s%s: no %q in\n%s", device, line, w, out)
				}
			}
		}
	}
}

// libmodbus, by way of mbpoll, reads our simulator: two who never met agree.
func TestMbpollReadsTheSimulator(t *testing.T) {
	t.Parallel()
	mbpoll := need(t, "mbpoll", "mbpoll")
	noise := sim.SonbestSM7901B("noise")
	bus, err := sim.OpenBus(sim.BusOptions{Name: filepath.Join(t.TempDir(), "tty")})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	bus.Attach(7, noise)
	server, err := sim.Listen(sim.ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.Attach(7, noise)
	host, port, _ := net.SplitHostPort(server.Addr())
	for name, args := range map[string][]string{
		"rtu": {"-m", "rtu", "-a", "7", "-b", "9600", "-P", "none", "-t", "4", "-0", "-r", "0", "-1", bus.Path()},
		"tcp": {"-m", "tcp", "-a", "7", "-p", port, "-t", "4", "-0", "-r", "0", "-1", host},
	} {
		out, err := exec.Command(mbpoll, args...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		entries := noise.Journal("LA")
		if len(entries) == 0 {
			t.Fatalf("%s: the simulator was not asked", name)
		}
		want := fmt.Sprintf("[0]: \t%d", entries[len(entries)-1].Raw)
		if !strings.Contains(string(out), want) {
			t.Errorf("%s: mbpoll says\n%s\nwant %q", name, out, want)
		}
	}
}

// openssl verifies a block that the centre stored, byte for byte, by the words of the
// envelope's documentation; one bit more and it does not.
func TestOpensslVerifiesAStoredBlock(t *testing.T) {
	t.Parallel()
	need(t, "openssl", "openssl")
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()
	r.arrived()
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	folder := r.path("blocks")
	if out, err := exec.Command(centre, "export", "--raw", "--out", folder, r.path("centre.db")).CombinedOutput(); err != nil {
		t.Fatalf("centre export: %v\n%s", err, out)
	}
	var files []string
	filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if len(files) < 4 {
		t.Fatalf("%d blocks exported, want live, event and more", len(files))
	}
	for _, f := range files {
		if out, err := openssl(r, f, ""); err != nil {
			t.Errorf("openssl refuses %s: %v\n%s", f, err, out)
		}
	}
	if _, err := openssl(r, files[0], " "); err == nil {
		t.Error("openssl takes a block with a byte more")
	}
	if out, err := exec.Command(envgate, append([]string{"verify", "-k", r.path("gw.pub")}, files[0])...).CombinedOutput(); err != nil {
		t.Errorf("envgate verify: %v\n%s", err, out)
	}
}

// openssl verifies one file, with more bytes after the payload.
func openssl(r *rig, file, more string) ([]byte, error) {
	inflated, err := exec.Command("gunzip", "-c", file).Output()
	if err != nil { // not compressed
		if inflated, err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	line, payload, _ := strings.Cut(string(inflated), "\n")
	protected, signature, _ := strings.Cut(line, "..")
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return nil, err
	}
	input, sig := r.path("input"), r.path("signature")
	write(r.t, input, protected+"."+payload+more)
	write(r.t, sig, string(raw))
	return exec.Command("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", r.path("gw.pub"), "-sigfile", sig, "-in", input).CombinedOutput()
}
