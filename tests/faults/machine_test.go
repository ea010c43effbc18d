package faults_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"envgate/tests/faults"
)

// machine is a virtual machine that was started once, up to the point at which the guest
// waits for its orders, and saved there. Each round wakes a copy of it: that takes a
// second where starting takes many.
type machine struct {
	t   *testing.T
	dir string // kernel, initramfs, saved machine
}

// newMachine makes the initramfs, starts the guest and saves it. The folder holds what
// kernel.sh put there.
func newMachine(t *testing.T, kernel string) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir()}
	init := filepath.Join(m.dir, "init")
	buildProgram(t, init, "./tests/faults/guest")
	pub, err := exec.Command(programs.envgate, "key", "new", "--gateway", "gw-guest", "--out", filepath.Join(m.dir, "gw.sign"), "--pem").Output()
	if err != nil {
		t.Fatalf("envgate key new: %v", err)
	}
	if err := os.WriteFile(filepath.Join(m.dir, "gw.pub"), pub, 0o600); err != nil {
		t.Fatal(err)
	}
	ramfs := map[string]string{"init": init, "envgate": programs.envgate}
	for _, name := range []string{"gw.sign", "gw.pub"} {
		ramfs[name] = filepath.Join(m.dir, name)
	}
	drivers, err := filepath.Glob(filepath.Join(kernel, "*.ko"))
	if err != nil || len(drivers) == 0 {
		t.Fatalf("no drivers in %s: run tests/faults/kernel.sh %[1]s", kernel)
	}
	for _, d := range drivers {
		ramfs[filepath.Base(d)] = d
	}
	if err := os.WriteFile(filepath.Join(m.dir, "initramfs"), archive(t, ramfs), 0o600); err != nil {
		t.Fatal(err)
	}
	blank := filepath.Join(m.dir, "blank.img")
	if err := os.WriteFile(blank, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(blank, diskBytes); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	monitor := filepath.Join(m.dir, "monitor")
	p := m.power(blank, "-kernel", filepath.Join(kernel, "vmlinuz"), "-initrd", filepath.Join(m.dir, "initramfs"),
		"-append", "console=ttyS1 panic=-1 quiet", "-monitor", "unix:"+monitor+",server=on,wait=off")
	defer p.cut()
	if err := p.await("ready", 3*time.Minute); err != nil {
		t.Fatalf("%v; the guest's console:\n%s", err, m.console())
	}
	// The monitor obeys nothing more while it saves, so "quit" comes after that.
	c, err := net.Dial("unix", monitor)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "migrate_set_parameter max-bandwidth 8G\nmigrate \"exec:cat > saved\"\nquit\n")
	said, _ := io.ReadAll(c)
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("save the machine: %v\n%s", err, said)
	}
	i, err := os.Stat(filepath.Join(m.dir, "saved"))
	if err != nil || i.Size() < 1<<20 {
		t.Fatalf("the saved machine: %v\n%s", err, said)
	}
	t.Logf("guest started and saved in %s, %d MB", time.Since(began).Round(100*time.Millisecond), i.Size()>>20)
	return m
}

// diskBytes is large enough for ext4 with a journal, and for a log of the least budget.
const diskBytes = 48 << 20

// power switches a machine on. Its first serial line is the orders and what comes back,
// the second the kernel's messages.
func (m *machine) power(drive string, more ...string) *powered {
	m.t.Helper()
	if !strings.Contains(drive, "=") {
		drive = "driver=raw,node-name=d,file.driver=file,file.filename=" + drive
	}
	args := append([]string{
		"-accel", "tcg", "-cpu", "max", "-m", "192", "-smp", "1", "-nodefaults", "-display", "none", "-no-reboot",
		"-chardev", "stdio,id=line,signal=off", "-serial", "chardev:line", "-serial", "file:" + filepath.Join(m.dir, "console"),
		"-blockdev", drive, "-device", "virtio-blk-pci,drive=d",
	}, more...)
	p := &powered{cmd: exec.Command("qemu-system-x86_64", args...)}
	p.cmd.Dir = m.dir
	p.cmd.Stderr = &p.complaints
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		m.t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	p.lines = make(chan string, 4096)
	go func() { // ends when the machine does
		defer close(p.lines)
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return // a line that was cut short was not said
			}
			p.lines <- strings.TrimSpace(line)
		}
	}()
	return p
}

// console is the end of the guest kernel's messages.
func (m *machine) console() string {
	b, _ := os.ReadFile(filepath.Join(m.dir, "console"))
	return string(b[max(0, len(b)-3000):])
}

// powered is a machine that runs.
type powered struct {
	cmd        *exec.Cmd
	in         io.WriteCloser
	lines      chan string
	complaints bytes.Buffer
}

// await waits for a line that begins with prefix.
func (p *powered) await(prefix string, most time.Duration) error {
	_, err := p.next(most, prefix)
	return err
}

var errPowerless = errors.New("the machine went away")

// next is the next line that begins with one of the prefixes.
func (p *powered) next(most time.Duration, prefixes ...string) (string, error) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return "", fmt.Errorf("%w: %s", errPowerless, p.complaints.String())
			}
			if strings.HasPrefix(line, "failed ") {
				return "", fmt.Errorf("the guest says: %s", line)
			}
			for _, prefix := range prefixes {
				if strings.HasPrefix(line, prefix) {
					return line, nil
				}
			}
		case <-timer.C:
			return "", fmt.Errorf("no %q from the guest within %s", prefixes, most)
		}
	}
}

// cut takes the power, and returns the lines that were on their way.
func (p *powered) cut() (said []string) {
	p.cmd.Process.Kill()
	for line := range p.lines {
		said = append(said, line)
	}
	p.cmd.Wait()
	return said
}

// wake wakes a copy of the saved machine with a disk, and gives it its orders.
func (m *machine) wake(drive string, o faults.Round) (*powered, error) {
	m.t.Helper()
	p := m.power(drive, "-incoming", "exec:cat saved")
	if err := p.await("ready", time.Minute); err != nil {
		p.cut()
		return nil, err
	}
	o.Now = time.Now().UnixNano()
	text, err := json.Marshal(o)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		p.cut()
		return nil, err
	}
	return p, nil
}

// archive is an initramfs: the "newc" form of cpio, files by name.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	n := 0
	entry := func(name string, mode, major, minor int, data []byte) {
		n++
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
			n, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0, name)
		b.Write(make([]byte, -b.Len()&3))
		b.Write(data)
		b.Write(make([]byte, -b.Len()&3))
	}
	entry("dev", 0o040755, 0, 0, nil)
	entry("dev/console", 0o020600, 5, 1, nil)
	for name, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		mode := 0o100700
		if strings.HasPrefix(name, "gw.") {
			mode = 0o100600 // a key that others may read is refused
		}
		entry(name, mode, 0, 0, data)
	}
	entry("TRAILER!!!", 0, 0, 0, nil)
	return b.Bytes()
}
