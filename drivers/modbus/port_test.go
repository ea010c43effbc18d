package modbus

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// The tests of this file run on pseudo terminals, which to the serial library
// are ports, and in real time: they assert what comes of it, not how long it takes.

// A pty is the far side of a serial port that the kernel makes for us.
type pty struct {
	t      *testing.T
	master *os.File
	name   string // of the port
}

func openPty(t *testing.T) *pty {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("open /dev/ptmx: %v", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("unlock pty: %v", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatalf("number of pty: %v", err)
	}
	p := &pty{t, os.NewFile(uintptr(fd), "/dev/ptmx"), "/dev/pts/" + strconv.Itoa(n)}
	t.Cleanup(func() { p.master.Close() })
	return p
}

// serve answers questions of eight bytes, the length of all reads, until the
// pty is closed. bus returns nil to hang up.
func (p *pty) serve(bus func(n int, question []byte) [][]byte) {
	var wg sync.WaitGroup
	wg.Go(func() {
		var in []byte
		b := make([]byte, 256)
		for n := 1; ; {
			k, err := p.master.Read(b)
			if errors.Is(err, syscall.EIO) { // nobody has the port open
				select {
				case <-p.t.Context().Done():
					return
				case <-time.After(ms):
					continue
				}
			}
			if err != nil {
				return
			}
			for in = append(in, b[:k]...); len(in) >= 8; in = in[8:] {
				answer := bus(n, in[:8])
				if answer == nil {
					p.master.Close()
					return
				}
				for i, part := range answer {
					if i > 0 {
						time.Sleep(5 * ms)
					}
					p.master.Write(part)
				}
				n++
			}
		}
	})
	p.t.Cleanup(func() {
		p.master.Close()
		wg.Wait()
	})
}

func (p *pty) line(o Options) *Line {
	return serialLine(p.t, Serial{Port: p.name, Baud: 115200, DataBits: 8, Parity: "none", StopBits: 1}, o)
}

func serialLine(t *testing.T, s Serial, o Options) *Line {
	t.Helper()
	l, err := NewSerial(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestSerialPort(t *testing.T) {
	p := openPty(t)
	damaged := func(q []byte) []byte { b := holdings(q); b[4] ^= 1; return b }
	script := []struct {
		name   string
		answer func(q []byte) [][]byte
		want   error
	}{
		{"answer", func(q []byte) [][]byte { return [][]byte{holdings(q)} }, nil},
		{"noise before and after", func(q []byte) [][]byte { return [][]byte{{0, 7}, holdings(q), {0xFF}} }, nil},
		{"echo", func(q []byte) [][]byte { return [][]byte{bytes.Clone(q), holdings(q)} }, nil},
		{"bytes one by one", func(q []byte) (out [][]byte) {
			for _, c := range holdings(q) {
				out = append(out, []byte{c})
			}
			return out
		}, nil},
		{"another unit first", func(q []byte) [][]byte {
			return [][]byte{appendFrame(nil, 8, []byte{3, 2, 0, 0}), holdings(q)}
		}, nil},
		{"exception", func(q []byte) [][]byte { return [][]byte{appendFrame(nil, 7, []byte{0x83, 2})} }, &Exception{7, 3, 40, 2, 2}},
		{"crc wrong", func(q []byte) [][]byte { return [][]byte{damaged(q)} }, ErrCRC},
		{"cut", func(q []byte) [][]byte { return [][]byte{holdings(q)[:5]} }, ErrNoAnswer},
		{"silent", func(q []byte) [][]byte { return [][]byte{{}} }, ErrNoAnswer},
		{"answer again", func(q []byte) [][]byte { return [][]byte{holdings(q)} }, nil},
	}
	p.serve(func(n int, q []byte) [][]byte { return script[n-1].answer(q) })
	l := p.line(Options{Timeout: 500 * ms, LateWindow: 20 * ms})
	for _, tt := range script {
		got, err := read(t, l, 40, 2)
		if want, ok := errors.AsType[*Exception](tt.want); ok {
			if e, ok := errors.AsType[*Exception](err); !ok || *e != *want {
				t.Errorf("%s: error is %v, want %v", tt.name, err, want)
			}
			continue
		}
		if !errors.Is(err, tt.want) || tt.want == nil && !bytes.Equal(got, holds(40, 2)) {
			t.Errorf("%s: read % X, %v, want % X, %v", tt.name, got, err, holds(40, 2), tt.want)
		}
	}
	if s := l.Stats(); s.Questions != 10 || s.Answers != 6 || s.Exceptions != 1 || s.CRC != 1 || s.NoAnswer != 2 || s.Echoes != 1 || s.Foreign != 1 {
		t.Errorf("stats are %+v", s)
	}
}

// The port's settings are the ones asked for, for each kind of parity.
func TestSerialSettings(t *testing.T) {
	for _, tt := range []struct {
		baud     int
		parity   string
		stopBits int
		cflag    uint32 // of speed, PARODD, CSTOPB; a pty forgets PARENB
	}{
		{9600, "none", 1, unix.B9600},
		{9600, "even", 1, unix.B9600},
		{19200, "odd", 1, unix.B19200 | unix.PARODD},
		{2400, "none", 2, unix.B2400 | unix.CSTOPB},
	} {
		p := openPty(t)
		p.serve(func(_ int, q []byte) [][]byte { return [][]byte{holdings(q)} })
		l := serialLine(t, Serial{Port: p.name, Baud: tt.baud, Parity: tt.parity, StopBits: tt.stopBits}, Options{})
		wantRead(t, l, 40, 2)
		// A pty has one set of settings, seen from both sides.
		got, err := unix.IoctlGetTermios(int(p.master.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		const mask = unix.CBAUD | unix.PARODD | unix.CSTOPB
		if got.Cflag&mask != tt.cflag || got.Cflag&unix.CSIZE != unix.CS8 {
			t.Errorf("%d baud, parity %s, %d stop bits: flags are %o, want %o", tt.baud, tt.parity, tt.stopBits, got.Cflag&mask, tt.cflag)
		}
		l.Close()
	}
}

// A pty forgets the parity bit, so the whole mode is looked at before it gets there.
func TestSerialMode(t *testing.T) {
	for _, tt := range []struct {
		s    Serial
		want serial.Mode
	}{
		{Serial{Baud: 9600, Parity: "none", StopBits: 1}, serial.Mode{BaudRate: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit}},
		{Serial{Baud: 19200, Parity: "even", StopBits: 1}, serial.Mode{BaudRate: 19200, DataBits: 8, Parity: serial.EvenParity, StopBits: serial.OneStopBit}},
		{Serial{Baud: 1200, Parity: "odd", StopBits: 2}, serial.Mode{BaudRate: 1200, DataBits: 8, Parity: serial.OddParity, StopBits: serial.TwoStopBits}},
	} {
		if got := *serialMode(tt.s); got != tt.want {
			t.Errorf("mode of %+v is %+v, want %+v", tt.s, got, tt.want)
		}
	}
}

// The adapter is pulled out in the middle of a question and comes back as
// another node; the stable name is a link to it.
func TestSerialUnplug(t *testing.T) {
	link := filepath.Join(t.TempDir(), "by-id")
	first := openPty(t)
	first.serve(func(n int, q []byte) [][]byte {
		if n == 2 {
			return nil
		}
		return [][]byte{holdings(q)}
	})
	if err := os.Symlink(first.name, link); err != nil {
		t.Fatal(err)
	}
	l := serialLine(t, Serial{Port: link, Baud: 115200, Parity: "none", StopBits: 1}, Options{Timeout: 20 * time.Second, LateWindow: ms})
	wantRead(t, l, 40, 2)
	if _, err := read(t, l, 40, 2); !errors.Is(err, ErrPortMissing) {
		t.Errorf("unplugged in the question: %v, want ErrPortMissing", err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	// In back-off, and then for want of the link.
	if _, err := read(t, l, 40, 2); !errors.Is(err, ErrPortMissing) {
		t.Errorf("unplugged: %v, want ErrPortMissing", err)
	}
	second := openPty(t)
	second.serve(func(_ int, q []byte) [][]byte { return [][]byte{holdings(q)} })
	if err := os.Symlink(second.name, link); err != nil {
		t.Fatal(err)
	}
	hurry(l)
	wantRead(t, l, 40, 2)
	if s := l.Stats(); s.Reopens != 1 {
		t.Errorf("stats are %+v", s)
	}
}

// hurry ends the line's waits: for the back-off, and for a late answer. No
// question may be under way.
func hurry(l *Line) {
	l.retry = time.Now()
	l.bus.(*master).until = time.Time{}
}

func TestPortMissing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ttyUSB0")
	l := serialLine(t, Serial{Port: name, Baud: 9600, Parity: "even", StopBits: 1}, Options{})
	for range 2 {
		_, err := read(t, l, 40, 2)
		if !errors.Is(err, ErrPortMissing) || !strings.Contains(err.Error(), "port "+name+": port is missing") {
			t.Errorf("error is %v, want ErrPortMissing", err)
		}
	}
}

func TestNotAPort(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := serialLine(t, Serial{Port: name, Baud: 9600, Parity: "even", StopBits: 1}, Options{})
	if _, err := read(t, l, 40, 2); err == nil || errors.Is(err, ErrPortMissing) || !strings.Contains(err.Error(), "open port "+name) {
		t.Errorf("error is %v, want one about %s", err, name)
	}
}

// A second line on the same device is refused, by whatever name it goes, and
// the first one keeps its speed. It may have the port once the first is closed.
func TestPortTaken(t *testing.T) {
	p := openPty(t)
	p.serve(func(_ int, q []byte) [][]byte { return [][]byte{holdings(q)} })
	link := filepath.Join(t.TempDir(), "by-path")
	if err := os.Symlink(p.name, link); err != nil {
		t.Fatal(err)
	}
	first := p.line(Options{})
	wantRead(t, first, 40, 2)
	second := serialLine(t, Serial{Port: link, Baud: 1200, Parity: "odd", StopBits: 2}, Options{})
	if _, err := read(t, second, 40, 2); !errors.Is(err, ErrPortTaken) {
		t.Errorf("second line: %v, want ErrPortTaken", err)
	}
	got, err := unix.IoctlGetTermios(int(p.master.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if got.Cflag&unix.CBAUD != unix.B115200 {
		t.Error("the second line changed the speed of the first")
	}
	wantRead(t, first, 40, 2)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	third := p.line(Options{})
	wantRead(t, third, 40, 2)
}

// A lock outlives its file being removed by a former holder, and a file left
// behind by a crash is no lock.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "port.lock")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	first, err := lockFile(path)
	if err != nil {
		t.Fatalf("lock on a file left behind: %v", err)
	}
	if _, err := lockFile(path); !errors.Is(err, ErrPortTaken) {
		t.Errorf("second lock: %v, want ErrPortTaken", err)
	}
	first.release()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("lock file after release: %v", err)
	}
	again, err := lockFile(path)
	if err != nil {
		t.Fatalf("lock after release: %v", err)
	}
	again.release()

	// A file that a former holder removed is not the one to lock.
	f, err := openLockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !isAt(f, path) {
		t.Error("the lock file is not at its own path")
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if isAt(f, path) {
		t.Error("a removed lock file counts as the one at its path")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}

	if err := os.Symlink("elsewhere", path); err != nil {
		t.Fatal(err)
	}
	if _, err := lockFile(path); err == nil || errors.Is(err, ErrPortTaken) {
		t.Errorf("lock through a symbolic link: %v, want a refusal", err)
	}
}

// The serial library panics on a descriptor of 1024 or more.
func TestManyFiles(t *testing.T) {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if was.Max < 1200 {
		t.Skipf("only %d files may be open", was.Max)
	}
	if was.Cur < 1200 {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1200, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	}
	p := openPty(t)
	p.serve(func(_ int, q []byte) [][]byte { return [][]byte{holdings(q)} })
	var fds []int
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
		if fd >= 1024 {
			break
		}
	}
	l := p.line(Options{Timeout: 20 * time.Second, LateWindow: ms})
	_, err := read(t, l, 40, 2)
	for _, fd := range fds {
		unix.Close(fd)
	}
	if err == nil || !strings.Contains(err.Error(), "more than 1000 files are open") {
		t.Errorf("error is %v, want one that says why", err)
	}
	hurry(l)
	wantRead(t, l, 40, 2)
}

// Output is held, as by a wedged adapter, so the write is stuck in the kernel.
func TestStuckPort(t *testing.T) {
	p := openPty(t)
	port, err := unix.Open(p.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(port)
	if err := unix.IoctlSetInt(port, unix.TCXONC, 0); err != nil { // TCOOFF
		t.Fatal(err)
	}
	l := p.line(Options{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := read(t, l, 40, 2); !errors.Is(err, ErrClosed) {
			t.Errorf("question under way: %v, want ErrClosed", err)
		}
	})
	for l.Stats().Questions == 0 {
		runtime.Gosched()
	}
	start := time.Now()
	if err := l.Close(); !errors.Is(err, ErrPortStuck) {
		t.Errorf("Close = %v, want ErrPortStuck", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("Close took %v, want less than 3s", d)
	}
	wg.Wait()
	p.master.Close() // wakes the writer
	<-l.owner.done
}
