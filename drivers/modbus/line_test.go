package modbus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// While the port is missing a question costs no time, whoever asks how often;
// tries to open follow the back-off, and the port is used once it is there.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Duration
		start := time.Now()
		there := false
		var log bytes.Buffer
		o := Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		l := newFakeLine(t, fakeSerial, o, func() (port, error) {
			tries = append(tries, time.Since(start))
			if !there {
				return nil, fmt.Errorf("port fake: %w", ErrPortMissing)
			}
			return newFakePort(func(_ int, q []byte) []said { return []said{{9 * ms, holdings(q)}} }), nil
		})
		for time.Since(start) < 2*time.Minute {
			asked := time.Now()
			_, err := read(t, l, 40, 2)
			if !errors.Is(err, ErrPortMissing) || err.Error() != "read unit 7 holding 40 to 41: port fake: port is missing" {
				t.Fatalf("error is %v", err)
			}
			if d := time.Since(asked); d != 0 {
				t.Fatalf("a question to a missing port took %v", d)
			}
			time.Sleep(100 * ms)
		}
		want := []time.Duration{0, 1, 3, 7, 15, 31, 61, 91}
		for i := range want {
			want[i] *= time.Second
		}
		if fmt.Sprint(tries) != fmt.Sprint(want) {
			t.Errorf("tried to open at %v, want %v", tries, want)
		}
		there = true
		time.Sleep(30 * time.Second)
		wantRead(t, l, 40, 2)
		if s := l.Stats(); s.Failures != 8 || s.Reopens != 0 || s.Questions != 1 {
			t.Errorf("stats are %+v", s)
		}
		if got := strings.Count(log.String(), "\n"); got != 2 {
			t.Errorf("log has %d lines, want one when the line went down and one when it came up:\n%s", got, &log)
		}
	})
}

// An unplugged adapter fails the question at once, and the port is opened again
// after the first wait of the back-off, which an answer has reset.
func TestUnplug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ports []*fakePort
		l := newFakeLine(t, fakeSerial, Options{}, func() (port, error) {
			p := newFakePort(func(_ int, q []byte) []said { return []said{{200 * ms, holdings(q)}} })
			ports = append(ports, p)
			return p, nil
		})
		for i := range 4 {
			wantRead(t, l, 40, 2)
			if len(ports) != i+1 {
				t.Fatalf("opened %d times, want %d", len(ports), i+1)
			}
			time.AfterFunc(100*ms, func() { ports[i].lose(fmt.Errorf("port fake: %w", ErrPortMissing)) })
			asked := time.Now()
			if _, err := read(t, l, 40, 2); !errors.Is(err, ErrPortMissing) {
				t.Errorf("error is %v, want ErrPortMissing", err)
			}
			if d := time.Since(asked); d > 150*ms {
				t.Errorf("the unplug was seen after %v", d)
			}
			if !ports[i].closed {
				t.Error("the lost port was not closed")
			}
			time.Sleep(minBackoff)
		}
		wantRead(t, l, 40, 2)
		if s := l.Stats(); s.Reopens != 4 || s.Failures != 4 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// A write that does not come back: the question fails after two seconds, later
// ones at once; when the call returns after all, the line goes on.
func TestStuckWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := newFakePort(nil)
		stuck.stuck = make(chan struct{})
		opened := 0
		l := newFakeLine(t, fakeSerial, Options{}, func() (port, error) {
			if opened++; opened == 1 {
				return stuck, nil
			}
			return newFakePort(func(_ int, q []byte) []said { return []said{{9 * ms, holdings(q)}} }), nil
		})
		start := time.Now()
		if _, err := read(t, l, 40, 2); !errors.Is(err, ErrPortStuck) {
			t.Errorf("error is %v, want ErrPortStuck", err)
		}
		if d := time.Since(start); d != stuckAfter {
			t.Errorf("the question took %v, want %v", d, stuckAfter)
		}
		for range 3 {
			start := time.Now()
			if _, err := read(t, l, 40, 2); !errors.Is(err, ErrPortStuck) {
				t.Errorf("error is %v, want ErrPortStuck", err)
			}
			if d := time.Since(start); d != 0 {
				t.Errorf("a later question took %v", d)
			}
			time.Sleep(time.Minute)
		}
		if opened != 1 {
			t.Errorf("opened %d times while a call was stuck in the first port", opened)
		}
		close(stuck.stuck)
		synctest.Wait()
		time.Sleep(maxBackoff)
		wantRead(t, l, 40, 2)
		if !stuck.closed {
			t.Error("the port that was stuck was not closed")
		}
	})
}

// Close comes back in time whatever the port does, and questions under way end.
func TestClose(t *testing.T) {
	for _, tt := range []struct {
		name string
		port func() *fakePort
		max  time.Duration
		err  error // of Close
	}{
		{"silent unit", func() *fakePort { return newFakePort(func(int, []byte) []said { return nil }) }, slice, nil},
		{"stuck write", func() *fakePort {
			p := newFakePort(nil)
			p.stuck = make(chan struct{})
			return p
		}, 3*time.Second - 1, ErrPortStuck},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := tt.port()
				l := newFakeLine(t, fakeSerial, Options{Timeout: time.Minute}, func() (port, error) { return p, nil })
				var wg sync.WaitGroup
				for range 3 { // one under way, two waiting
					wg.Go(func() {
						_, err := l.Read(t.Context(), Read{Unit: 7, Function: 3, Quantity: 1})
						if !errors.Is(err, ErrClosed) {
							t.Errorf("question under way: %v, want ErrClosed", err)
						}
					})
				}
				time.Sleep(100 * ms)
				start := time.Now()
				if err := l.Close(); !errors.Is(err, tt.err) {
					t.Errorf("Close = %v, want %v", err, tt.err)
				}
				if d := time.Since(start); d > tt.max {
					t.Errorf("Close took %v, want %v at most", d, tt.max)
				}
				wg.Wait()
				if d := time.Since(start); d > tt.max {
					t.Errorf("the questions ended %v after Close", d)
				}
				if _, err := read(t, l, 0, 1); !errors.Is(err, ErrClosed) {
					t.Errorf("question after Close: %v, want ErrClosed", err)
				}
				if p.stuck != nil {
					close(p.stuck)
				}
				synctest.Wait()
				if !p.closed {
					t.Error("the port was not closed")
				}
				if err := l.Close(); err != nil {
					t.Errorf("second Close = %v", err)
				}
			})
		})
	}
}

// A panic in the serial library costs the question and not the program.
func TestPanickingPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		l := newFakeLine(t, fakeSerial, Options{}, func() (port, error) {
			p := newFakePort(func(_ int, q []byte) []said { return []said{{9 * ms, holdings(q)}} })
			if opened++; opened == 1 {
				p.bus = func(int, []byte) []said { panic("index out of range") }
			}
			return p, nil
		})
		if _, err := read(t, l, 40, 2); err == nil || !strings.Contains(err.Error(), "fake: panic: index out of range") {
			t.Errorf("error is %v, want the panic", err)
		}
		time.Sleep(minBackoff)
		wantRead(t, l, 40, 2)
	})
}

// A cancelled question leaves at once, and one that waits for its turn too.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := newBusLine(t, fakeSerial, Options{Timeout: time.Minute}, func(int, []byte) []said { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := l.Read(ctx, Read{Unit: 7, Function: 3, Quantity: 1}); !errors.Is(err, context.Canceled) {
					t.Errorf("error is %v, want the context's", err)
				}
			})
		}
		time.Sleep(time.Second)
		start := time.Now()
		cancel()
		wg.Wait()
		if d := time.Since(start); d != 0 {
			t.Errorf("cancelled questions left after %v", d)
		}
		if _, err := l.Read(ctx, Read{Unit: 7, Function: 3, Quantity: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want the context's", err)
		}
		if l.Close(); len(p.asked) != 1 {
			t.Errorf("%d questions went out, want 1", len(p.asked))
		}
	})
}

// Many ask at once: questions are put one at a time, and everyone gets the
// answer to their own.
func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := newBusLine(t, fakeSerial, Options{}, func(n int, q []byte) []said {
			return []said{{time.Duration(20+n%7) * ms, holdings(q)}}
		})
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for j := range 5 {
					address := uint16(100*i + j)
					got, err := l.Read(t.Context(), Read{Unit: byte(i + 1), Function: 3, Address: address, Quantity: 3})
					if err != nil || !bytes.Equal(got, holds(address, 3)) {
						t.Errorf("read holding %d: % X, %v", address, got, err)
					}
				}
			})
		}
		wg.Wait()
		for i := 1; i < len(p.at); i++ {
			if p.at[i].Sub(p.at[i-1]) < 20*ms {
				t.Fatalf("question %d went out before the one before it was answered", i+1)
			}
		}
		if s := l.Stats(); s.Questions != 100 || s.Answers != 100 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// What Read returns belongs to the caller: the next answer leaves it alone.
func TestAnswerIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newBusLine(t, fakeSerial, Options{}, func(_ int, q []byte) []said {
			return []said{{9 * ms, holdings(q)}}
		})
		first, err := read(t, l, 40, 2)
		if err != nil {
			t.Fatal(err)
		}
		wantRead(t, l, 50, 2)
		if !bytes.Equal(first, holds(40, 2)) {
			t.Errorf("the first answer is now % X", first)
		}
	})
}
