package sim

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// near is the master's end of a bus without a kernel in between.
type near struct {
	t *testing.T
	c net.Conn
}

// onPipe runs f in a bubble with a bus that has the unit u at address 1.
func onPipe(t *testing.T, u *Unit, baud int, f func(t *testing.T, n near)) {
	synctest.Test(t, func(t *testing.T) {
		mine, theirs := net.Pipe()
		s := newSession(theirs, baud, 0)
		s.m.nap, s.m.exact = time.Sleep, false // the system's knows nothing of a bubble's time
		us := &units{at: map[byte]*Unit{1: u}}
		s.m.wg.Go(func() { s.listen(us) })
		defer s.end()
		defer mine.Close()
		f(t, near{t, mine})
	})
}

// ask sends a question and returns all that comes until the bus is quiet, and
// when the first and the last byte came.
func (n near) ask(pdu ...byte) (got []byte, first, last time.Duration) {
	n.t.Helper()
	start := time.Now()
	if _, err := n.c.Write(appendRTU(nil, 1, pdu)); err != nil {
		n.t.Fatal(err)
	}
	b := make([]byte, 512)
	for {
		n.c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		k, err := n.c.Read(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got, first, last
		}
		if err != nil {
			n.t.Fatal(err)
		}
		if last = time.Since(start); got == nil {
			first = last
		}
		got = append(got, b[:k]...)
	}
}

var noise = []byte{3, 0, 0, 0, 1} // the question for the sound level

func TestFaults(t *testing.T) {
	question := appendRTU(nil, 1, noise)
	for _, tt := range []struct {
		name    string
		fault   Fault
		check   func(got []byte) bool
		outcome Outcome
	}{
		{"none", Fault{}, func(b []byte) bool { return len(b) == 7 && sound(b) }, Whole},
		{"silent", Fault{Silent: true}, func(b []byte) bool { return len(b) == 0 }, Silent},
		{"wrong crc", Fault{WrongCRC: true}, func(b []byte) bool { return len(b) == 7 && !sound(b) }, WrongCRC},
		{"exception", Fault{Exception: 6}, func(b []byte) bool { return bytes.Equal(b, appendRTU(nil, 1, []byte{0x83, 6})) }, Exception},
		{"truncated", Fault{Truncate: 3}, func(b []byte) bool { return len(b) == 4 }, Truncated},
		{"noise before", Fault{Before: []byte{0, 0xFF}}, func(b []byte) bool { return len(b) == 9 && b[1] == 0xFF && sound(b[2:]) }, Garbage},
		{"noise after", Fault{After: []byte{0xAA}}, func(b []byte) bool { return len(b) == 8 && b[7] == 0xAA && sound(b[:7]) }, Garbage},
		{"echo", Fault{Echo: true}, func(b []byte) bool { return len(b) == 15 && bytes.Equal(b[:8], question) && sound(b[8:]) }, Echo},
		{"collision", Fault{Collide: true}, func(b []byte) bool { return len(b) == 11 && !bytes.Contains(b, appendRTU(nil, 1, []byte{3, 2})[:3]) }, WrongCRC},
		{"slow", Fault{Slow: 30 * time.Millisecond}, func(b []byte) bool { return len(b) == 7 && sound(b) }, Slow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := SonbestSM7901B("n")
			u := &Unit{in: in}
			u.SetFault(tt.fault)
			onPipe(t, u, 0, func(t *testing.T, n near) {
				got, first, last := n.ask(noise...)
				if !tt.check(got) {
					t.Errorf("answer %x", got)
				}
				if d := last - first; tt.fault.Slow > 0 && d != 6*tt.fault.Slow {
					t.Errorf("seven bytes took %v, want %v", d, 6*tt.fault.Slow)
				}
				j := in.Journal("LA")
				if len(j) != 1 || j[0].N != 1 || j[0].Outcome != tt.outcome || in.Counts()[tt.outcome] != 1 {
					t.Errorf("journal %+v, counts %v, want one entry: %s", j, in.Counts(), tt.outcome)
				}
				if whole := in.Sent() == 1; whole != (tt.outcome == Whole) {
					t.Errorf("%d readings sent whole, after one that is %s", in.Sent(), tt.outcome)
				}
				u.SetFault(Fault{})
				if got, _, _ := n.ask(noise...); len(got) != 7 || !sound(got) {
					t.Errorf("healed: answer %x", got)
				}
			})
		})
	}
}

// A function that nobody here knows is refused, once the bus is silent and the
// end of the question shows; bytes that are no question go unheard.
func TestPrivateFunctionAndRubbish(t *testing.T) {
	onPipe(t, &Unit{in: SonbestSM7901B("n")}, 0, func(t *testing.T, n near) {
		if got, first, _ := n.ask(0x64, 1, 2); !bytes.Equal(got, appendRTU(nil, 1, []byte{0xE4, 1})) || first != quiet {
			t.Errorf("private function: answer %x after %v, want exception 1 after %v", got, first, quiet)
		}
		if _, err := n.c.Write([]byte{1, 3, 0, 0, 0, 1, 9, 9}); err != nil { // wrong checksum
			t.Fatal(err)
		}
		time.Sleep(2 * quiet)
		if got, _, _ := n.ask(noise...); len(got) != 7 {
			t.Errorf("after rubbish: answer %x", got)
		}
	})
}

func TestFaultForSomeQuestions(t *testing.T) {
	u := &Unit{in: SonbestSM7901B("n")}
	u.SetFault(Fault{Silent: true, Times: 2})
	onPipe(t, u, 0, func(t *testing.T, n near) {
		for i, want := range []int{0, 0, 7, 7} {
			if got, _, _ := n.ask(noise...); len(got) != want {
				t.Errorf("question %d: answer of %d bytes, want %d", i+1, len(got), want)
			}
		}
	})
}

// A late answer comes after the answer to a later question.
func TestLate(t *testing.T) {
	in := SonbestSM7901B("n")
	u := &Unit{in: in}
	u.SetFault(Fault{Late: 2 * time.Second, Times: 1})
	onPipe(t, u, 0, func(t *testing.T, n near) {
		if got, _, _ := n.ask(noise...); got != nil {
			t.Fatalf("answer %x at once", got)
		}
		if got, _, _ := n.ask(noise...); len(got) != 7 || int16raw(got[3:])%10 != 2 {
			t.Fatalf("answer %x to the second question", got)
		}
		b := make([]byte, 16)
		n.c.SetReadDeadline(time.Time{})
		start := time.Now()
		if k, err := n.c.Read(b); k != 7 || err != nil || time.Since(start) != time.Second {
			t.Errorf("late answer of %d bytes, %v, after %v more, want 7 after 1s", k, err, time.Since(start))
		}
		synctest.Wait()
		j := in.Journal("LA")
		if len(j) != 2 || j[0].Outcome != Late || j[1].Outcome != Whole {
			t.Errorf("journal %+v, want late, whole", j)
		}
	})
}

// At 9600 baud question (8 bytes), silence (3.5) and answer (7) are 19.3 ms.
func TestWireTime(t *testing.T) {
	u := &Unit{in: SonbestSM7901B("n")}
	onPipe(t, u, 9600, func(t *testing.T, n near) {
		got, _, last := n.ask(noise...)
		want := (8*2 + 7 + 14) * byteTime(9600) / 2
		if len(got) != 7 || last < want-time.Microsecond || last > want+time.Microsecond {
			t.Errorf("%d bytes in %v, want 7 in %v", len(got), last, want)
		}
	})
}

// openSlave opens the bus as a program would, without a serial library: the
// pair is in raw mode already.
func openSlave(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func exchange(t *testing.T, f *os.File, unit byte, size int) []byte {
	t.Helper()
	if _, err := f.Write(appendRTU(nil, unit, noise)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	f.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(f, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBusOnPseudoTerminal(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux")
	}
	name := filepath.Join(t.TempDir(), "ttyBUS")
	b, err := OpenBus(BusOptions{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	b.Attach(1, SonbestSM7901B("one"))
	b.Attach(2, SonbestSM7901B("two"))

	f := openSlave(t, b.Path())
	for _, unit := range []byte{1, 2, 1} {
		if got := exchange(t, f, unit, 7); got[0] != unit || !sound(got) {
			t.Errorf("unit %d: answer %x", unit, got)
		}
	}
	// Every byte must pass: control characters are where a terminal not in
	// raw mode shows.
	b.Attach(3, New("bytes", Channel{Point: "x", Function: 3, Kind: S16, Level: func(time.Time) float64 { return 0x0D0A }}))
	if got := exchange(t, f, 3, 7); got[3] != 0x0D || got[4] != 0x0A {
		t.Errorf("answer %x, want 0d0a in it", got)
	}

	if err := b.Unplug(); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Read(make([]byte, 8)); err == nil && n > 0 {
		t.Errorf("read after unplugging = %d bytes, want none", n)
	}
	if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("node after unplugging: %v, want that there is none", err)
	}
	if err := b.Replug(); err != nil {
		t.Fatal(err)
	}
	if got := exchange(t, openSlave(t, name), 2, 7); got[0] != 2 || !sound(got) {
		t.Errorf("after replugging: answer %x", got)
	}
}

func TestCloseTwice(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux")
	}
	b, err := OpenBus(BusOptions{Name: filepath.Join(t.TempDir(), "ttyBUS")})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A fault with Every holds for each so many-th question alone.
func TestFaultEvery(t *testing.T) {
	u := &Unit{}
	u.SetFault(Fault{Silent: true, Every: 3})
	var got []bool
	for range 7 {
		got = append(got, u.take().Silent)
	}
	if want := []bool{false, false, true, false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("silent %v, want %v", got, want)
	}
}
