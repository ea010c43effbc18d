package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
)

// scanBus is a bus with one setting and some units on it.
type scanBus struct {
	at    setting
	units map[byte]func(r modbus.Read) ([]byte, error)
	log   []string // what was asked, setting and unit
	asks  int
	stop  func(n int) bool
	end   context.CancelFunc
}

type scanPort struct {
	*scanBus
	now setting
}

func (b *scanBus) open(at setting) (drivers.Bus, func(), error) {
	b.log = append(b.log, at.String())
	return scanPort{b, at}, func() {}, nil
}

func (p scanPort) Read(ctx context.Context, r modbus.Read) ([]byte, error) {
	if p.asks++; p.stop != nil && p.stop(p.asks) {
		p.end()
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if u := p.units[r.Unit]; u != nil && p.now == p.at {
		return u(r)
	}
	return nil, modbus.ErrNoAnswer
}

func only(function byte, b ...byte) func(modbus.Read) ([]byte, error) {
	return func(r modbus.Read) ([]byte, error) {
		if r.Function != function {
			return nil, &modbus.Exception{Unit: r.Unit, Function: r.Function, Code: 1}
		}
		return b, nil
	}
}

func newScan(t *testing.T, b *scanBus, units string) *scan {
	t.Helper()
	s := &scan{
		ask: modbus.Read{Function: 3, Quantity: 1}, open: b.open, progress: func(scanState) {},
		cost: func(at setting) time.Duration { return at.questionTime(100 * time.Millisecond) },
	}
	var err error
	if s.units, s.low, err = scanUnits(units); err != nil {
		t.Fatal(err)
	}
	if s.settings, err = scanSettings("9600,19200", "none,even", "1,2"); err != nil {
		t.Fatal(err)
	}
	return s
}

// Low units are asked at every setting before high ones; who answers ends the search for
// the setting, and all units are asked at his.
func TestScanFindsSettingThenUnits(t *testing.T) {
	b := &scanBus{at: setting{19200, "even", 1}, units: map[byte]func(modbus.Read) ([]byte, error){
		3:   only(4, 0x12, 0x34),
		5:   only(3, 0, 7),
		200: func(r modbus.Read) ([]byte, error) { return nil, &modbus.Exception{Unit: 200, Code: 2} },
		201: func(r modbus.Read) ([]byte, error) { return nil, &modbus.Exception{Unit: 201, Code: 11} },
		202: func(r modbus.Read) ([]byte, error) { return nil, modbus.ErrCRC },
	}}
	s := newScan(t, b, "")
	questions, most := s.total()
	if questions != 6*247 || most < 6*247*100*time.Millisecond || most > 6*247*300*time.Millisecond {
		t.Errorf("predicted %d questions in %v", questions, most)
	}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"9600 8N1", "19200 8N1", "9600 8E1", "19200 8E1"}; !slices.Equal(b.log, want) {
		t.Errorf("settings tried: %q, want %q", b.log, want)
	}
	var got []string
	for _, f := range s.found {
		got = append(got, strings.Join([]string{f.String(), or(f.functions), f.says(s.ask)}, "; "))
	}
	want := []string{
		"19200 8E1; 4; register 0 is 4660", "19200 8E1; 3; register 0 is 7", "19200 8E1; -; it is there, and has no register 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if len(s.odd) != 1 {
		t.Errorf("heard and not understood: %q, want the damaged answer of unit 202", s.odd)
	}
	if s.state.asked != 3*16+247-1 || s.state.left > 200*time.Millisecond || s.state.found != 3 {
		t.Errorf("at the end: %+v", s.state)
	}
}

func TestScanAsksHighUnitsLast(t *testing.T) {
	b := &scanBus{at: setting{9600, "none", 1}, units: map[byte]func(modbus.Read) ([]byte, error){40: only(3, 0, 1)}}
	s := newScan(t, b, "")
	if err := s.run(t.Context()); err != nil || len(s.found) != 1 {
		t.Fatalf("found %v, %v", s.found, err)
	}
	if n := len(b.log); n != 7 || b.asks != 6*16+(247-16)+1 {
		t.Errorf("%d settings and %d questions, want 7 and %d: nobody is asked twice", n, b.asks, 6*16+(247-16)+1)
	}
}

// A scan that is stopped keeps what it has found; one whose port fails says so.
func TestScanStops(t *testing.T) {
	b := &scanBus{at: setting{9600, "none", 1}, units: map[byte]func(modbus.Read) ([]byte, error){2: only(3, 0, 1)}}
	ctx, cancel := context.WithCancel(t.Context())
	b.end, b.stop = cancel, func(n int) bool { return n == 10 }
	s := newScan(t, b, "1-50")
	if err := s.run(ctx); !errors.Is(err, context.Canceled) || len(s.found) != 1 || b.asks != 10 {
		t.Errorf("%v, found %d, %d questions, want Canceled, 1 and 10", err, len(s.found), b.asks)
	}
	b = &scanBus{at: setting{9600, "none", 1}, units: map[byte]func(modbus.Read) ([]byte, error){
		2: func(modbus.Read) ([]byte, error) { return nil, modbus.ErrPortMissing },
	}}
	if err := newScan(t, b, "1-50").run(t.Context()); !errors.Is(err, modbus.ErrPortMissing) {
		t.Errorf("a port that was pulled: %v", err)
	}
}

func TestPrintPorts(t *testing.T) {
	root := t.TempDir()
	for pid, fds := range map[string]map[string]string{"77": {"3": "/dev/ttyUSB0", "4": "/dev/ttyUSB0"}, "78": {"0": "/tmp/dev/tty7"}} {
		dir := filepath.Join(root, "proc", pid, "fd")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "../comm"), []byte("minicom\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for fd, to := range fds {
			if err := os.Symlink(to, filepath.Join(dir, fd)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ports := []modbus.PortInfo{
		{Path: "/dev/ttyAMA0", Stable: "/dev/ttyAMA0", Driver: "uart-pl011"},
		{Path: "/dev/ttyUSB0", Stable: "/dev/serial/by-id/usb-FTDI", Driver: "ftdi_sio", USB: "0403:6001 FTDI"},
	}
	link := filepath.Join(root, "bus") // a port that the system does not list
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	printPorts(&out, ports, holders(root), &siteInfo{Process: 5, Lines: []lineInfo{{Name: "dust", Place: link}}})
	want := `/dev/ttyAMA0   free
    uart-pl011
/dev/ttyUSB0   in use by minicom (process 77)
    0403:6001 FTDI
    /dev/serial/by-id/usb-FTDI
/dev/null      line dust of the running agent, process 5
    ` + link + "\n"
	if out.String() != want {
		t.Errorf("says\n%swant\n%s", &out, want)
	}
}
