package modbus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// The tests of this file hold the rule of [master] against a bus that says
// everything at the worst time, and a system that lets the program wait wherever
// it can.

// A busyPort is a port of a machine that has little time for this program:
// before and after each call the rest of the world goes on for a while.
type busyPort struct {
	*fakePort
	stall func() time.Duration
}

func (p *busyPort) wait() {
	if d := p.stall(); d > 0 {
		time.Sleep(d)
	}
}

func (p *busyPort) Read(b []byte) (int, error) {
	p.wait()
	defer p.wait()
	return p.fakePort.Read(b)
}

func (p *busyPort) Write(b []byte) (int, error) {
	p.wait()
	defer p.wait()
	return p.fakePort.Write(b)
}

// lateOptions: an answer may begin 200 ms after its question.
var lateOptions = Options{Timeout: 100 * ms, LateWindow: 100 * ms}

// busyLine is a line on such a port. It returns what it has stalled, too.
func busyLine(t testing.TB, s Serial, o Options, stall func() time.Duration, bus func(n int, question []byte) []said) (l *Line, stalled *time.Duration) {
	stalled = new(time.Duration)
	p := &busyPort{newFakePort(bus), func() time.Duration {
		d := stall()
		*stalled += d
		return d
	}}
	return newFakeLine(t, s, o, func() (port, error) { return p, nil }), stalled
}

// ask reads two registers that hold their addresses, by a function, and fails
// the test if it gets any other, waits too long, or has an error it should not
// have.
func ask(t *testing.T, l *Line, function byte, address uint16, stalled *time.Duration) (ok bool) {
	t.Helper()
	start, before := time.Now(), *stalled
	got, err := l.Read(t.Context(), Read{Unit: 7, Function: function, Address: address, Quantity: 2})
	if most := 2*time.Second + *stalled - before; time.Since(start) > most {
		t.Errorf("read holding %d took %v, want %v at most", address, time.Since(start), most)
	}
	_, refused := errors.AsType[*Exception](err)
	switch {
	case err == nil:
		if !bytes.Equal(got, holds(address, 2)) {
			t.Errorf("WRONG: read holding %d = % X, want % X", address, got, holds(address, 2))
		}
	case refused, errors.Is(err, ErrNoAnswer), errors.Is(err, ErrCRC), errors.Is(err, ErrAnswer):
	default:
		t.Errorf("read holding %d: %v", address, err)
	}
	return err == nil
}

// Each answer comes at a time of its own within the late window, in one piece or
// in several, while the program is kept waiting in any place: no answer is ever
// taken for that to another question. Every answer of a quiet machine that is in
// time is had.
func TestNeverAnotherAnswer(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			busy := seed%3 != 0
			s := fakeSerial
			if seed%2 == 0 {
				s.Baud = 115200
			}
			var inTime bool
			l, stalled := busyLine(t, s, lateOptions, func() time.Duration {
				if !busy || r.IntN(6) > 0 {
					return 0
				}
				return time.Duration(r.IntN(400)) * ms
			}, func(_ int, q []byte) []said {
				after := time.Duration(r.IntN(200)) * ms
				answer := holdings(q)
				cut := 1 + r.IntN(len(answer)-1)
				rest := after + time.Duration(1+r.IntN(20))*ms
				inTime = rest < 100*ms
				return []said{{after, answer[:cut]}, {rest, answer[cut:]}}
			})
			for n := range uint16(100) {
				if ok := ask(t, l, 3, 2*n, stalled); !ok && inTime && !busy {
					t.Errorf("seed %d: question %d was answered in time, and that was not heard", seed, n)
				}
			}
		})
	}
}

// An answer that came in time is had, although the program did not run until
// the time was over.
func TestAnswerInTimeOnBusyMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := false
		l, stalled := busyLine(t, fakeSerial, lateOptions, func() time.Duration {
			if long {
				long = false
				return time.Second
			}
			return 0
		}, func(_ int, q []byte) []said {
			long = true // from the write on
			return []said{{50 * ms, holdings(q)}}
		})
		for n := range uint16(10) {
			if !ask(t, l, 3, 2*n, stalled) {
				t.Errorf("question %d: no answer", n)
			}
		}
	})
}

// What looks like the answer and is not leaves it owed in full: noise of its
// length, and the word of a gateway that has ceased to wait for it.
func TestOwedInFull(t *testing.T) {
	answer := appendFrame(nil, 7, holdingsPDU([]byte{3, 0, 40, 0, 2}))
	for _, tt := range []struct {
		name  string
		first []byte
		want  error
	}{
		{"noise of its length", []byte("\x55\x00\xFF\x12\x13\x14\x15\x16\x17"), ErrCRC},
		{"gateway has given up", appendFrame(nil, 7, []byte{0x83, 11}), ErrNoAnswer},
		{"still at work", appendFrame(nil, 7, []byte{0x83, 5}), &Exception{7, 3, 40, 2, 5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, after := range []time.Duration{100, 600, 1100, 1600, 1999} {
				synctest.Test(t, func(t *testing.T) {
					l, _ := newBusLine(t, fakeSerial, Options{}, func(n int, q []byte) []said {
						if n == 1 {
							return []said{{10 * ms, tt.first}, {after * ms, answer}}
						}
						return []said{{600 * ms, holdings(q)}}
					})
					_, err := read(t, l, 40, 2)
					var e *Exception
					if errors.As(tt.want, &e) {
						if got, ok := errors.AsType[*Exception](err); !ok || *got != *e {
							t.Errorf("question 1: %v, want %v", err, e)
						}
					} else if !errors.Is(err, tt.want) {
						t.Errorf("question 1: %v, want %v", err, tt.want)
					}
					wantRead(t, l, 50, 2)
				})
			}
		})
	}
}

// Two units answer at once, bytes of the one between those of the other, in many
// ways: what comes of it is never a value, and the question after it is answered.
func TestCollision(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			l, _ := newBusLine(t, fakeSerial, lateOptions, func(n int, q []byte) []said {
				if n%2 == 0 {
					return []said{{9 * ms, holdings(q)}}
				}
				// Of the same unit as well: two of them at one address.
				other := appendFrame(nil, q[0]+byte(seed%2), append([]byte{3, 4}, "four"...))
				var line []byte
				for i, c := range holdings(q) {
					switch r.IntN(4) {
					case 0:
						line = append(line, c)
					case 1:
						line = append(line, other[i])
					case 2:
						line = append(line, c, other[i])
					case 3:
						line = append(line, c&other[i]) // both at the same instant
					}
				}
				return []said{{9 * ms, line}}
			})
			for n := range uint16(10) {
				got, err := read(t, l, 2*n, 2)
				if n%2 == 1 && err != nil {
					t.Errorf("seed %d: after a collision: %v", seed, err)
				}
				if err == nil && !bytes.Equal(got, holds(2*n, 2)) {
					t.Errorf("seed %d: WRONG: read holding %d = % X", seed, 2*n, got)
				}
			}
		})
	}
}

// A gateway that has given up says so late, and the answer comes later still.
func TestOwedAfterLateRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newBusLine(t, fakeSerial, Options{}, func(n int, q []byte) []said {
			if n == 1 {
				return []said{{1100 * ms, appendFrame(nil, 7, []byte{0x83, 11})}, {1500 * ms, holdings(q)}}
			}
			return []said{{900 * ms, holdings(q)}}
		})
		if _, err := read(t, l, 40, 2); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("question 1: %v, want ErrNoAnswer", err)
		}
		wantRead(t, l, 50, 2)
		if s := l.Stats(); s.Late != 2 {
			t.Errorf("stats are %+v, want 2 late", s)
		}
	})
}

// A damaged answer, with its head, costs the line the late window and no more.
func TestDamagedAnswerCostsOneWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := newBusLine(t, fakeSerial, Options{Timeout: 10 * time.Second, LateWindow: 100 * ms}, func(n int, q []byte) []said {
			b := holdings(q)
			if n == 1 {
				b[4] ^= 1
			}
			return []said{{9 * ms, b}}
		})
		if _, err := read(t, l, 40, 2); !errors.Is(err, ErrCRC) {
			t.Errorf("question 1: %v, want ErrCRC", err)
		}
		wantRead(t, l, 50, 2)
		if d := p.at[1].Sub(p.at[0]); d > 200*ms {
			t.Errorf("question 2 went out %v after question 1", d)
		}
	})
}

// A panic in a driver ends the question, and not what it owes: the port is opened
// again, and the answer comes out of it.
func TestPanicLeavesAnswerOwed(t *testing.T) {
	for _, in := range []string{"write", "read"} {
		synctest.Test(t, func(t *testing.T) {
			opened := 0
			l := newFakeLine(t, fakeSerial, Options{Timeout: 5 * time.Second}, func() (port, error) {
				if opened++; opened == 1 {
					return &panicPort{fakePort: newFakePort(func(int, []byte) []said { return nil }), in: in}, nil
				}
				return newFakePort(func(_ int, q []byte) []said { return []said{{600 * ms, holdings(q)}} }), nil
			})
			if _, err := read(t, l, 40, 2); err == nil || !strings.Contains(err.Error(), "panic") {
				t.Errorf("question 1: %v, want the panic", err)
			}
			time.Sleep(minBackoff)
			asked := time.Now()
			wantRead(t, l, 50, 2)
			if d := time.Since(asked); d < 8*time.Second {
				t.Errorf("panic in %s: question 2 took %v: want time-out and late window of question 1, less the back-off", in, d)
			}
		})
	}
}

// A panicPort panics when the question has been put.
type panicPort struct {
	*fakePort
	in string
}

func (p *panicPort) Write(b []byte) (int, error) {
	n, err := p.fakePort.Write(b)
	if p.in == "write" {
		panic("slice bounds out of range")
	}
	return n, err
}

func (p *panicPort) Read(b []byte) (int, error) {
	if p.in == "read" && len(p.asked) > 0 {
		panic("slice bounds out of range")
	}
	return p.fakePort.Read(b)
}

// What came before the question is not heard as its answer, however much it is:
// a unit that talks all night fills the buffers of a line that is asked in the
// morning.
func TestTalkedAllNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := newBusLine(t, fakeSerial, Options{}, func(_ int, q []byte) []said {
			return []said{{9 * ms, holdings(q)}}
		})
		wantRead(t, l, 40, 2)
		p.say(bytes.Repeat(appendFrame(nil, 7, holdingsPDU([]byte{3, 0, 40, 0, 2})), 100_000))
		wantRead(t, l, 50, 2)
	})
}

// A line that brings bytes faster than they can be thrown away is not asked.
func TestEndlessTalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &endlessPort{newFakePort(func(int, []byte) []said { return nil })}
		l := newFakeLine(t, fakeSerial, Options{}, func() (port, error) { return p, nil })
		_, err := read(t, l, 40, 2)
		if !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), "came unasked, and more come") {
			t.Errorf("error is %v, want one that says that the line talks", err)
		}
		if n := len(p.asked); n != 0 {
			t.Errorf("asked %d times, want never", n)
		}
	})
}

type endlessPort struct{ *fakePort }

func (p *endlessPort) Read(b []byte) (int, error) { return len(b), nil }

// A system call that was interrupted found nothing out: the bytes may be there.
func TestInterruptedRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &interruptedPort{fakePort: newFakePort(func(_ int, q []byte) []said { return []said{{9 * ms, holdings(q)}} })}
		l := newFakeLine(t, fakeSerial, Options{}, func() (port, error) { return p, nil })
		for n := range uint16(5) {
			wantRead(t, l, 2*n, 2)
			p.say(appendFrame(nil, 7, holdingsPDU([]byte{3, 0, 99, 0, 2}))) // unasked
			time.Sleep(time.Duration(n%2) * time.Second)
		}
	})
}

type interruptedPort struct {
	*fakePort
	n int
}

func (p *interruptedPort) Read(b []byte) (int, error) {
	if p.n++; p.n%3 != 0 {
		return 0, syscall.EINTR
	}
	return p.fakePort.Read(b)
}

// A connection gives what is there, also when the time for it is over before the
// read begins.
func TestStreamReadsWhatIsThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	p := &streamPort{c: near}
	b := make([]byte, 8)
	for _, wait := range []time.Duration{0, 1, time.Microsecond, time.Millisecond} {
		p.SetReadTimeout(wait)
		if n, err := p.Read(b); n != 0 || err != nil {
			t.Errorf("wait %v, nothing there: %d bytes, %v", wait, n, err)
		}
		if _, err := far.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		// It is there when the far side says so; loopback has no other way.
		for n := 0; n == 0; {
			if n, err = p.Read(b); err != nil || n != 0 && string(b[:n]) != "late" {
				t.Fatalf("wait %v: %q, %v", wait, b[:n], err)
			}
		}
	}
	far.Close()
	for err = nil; err == nil; {
		_, err = p.Read(b)
	}
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("hung up: %v, want ErrUnreachable", err)
	}
}

// A script hands out bytes, and 0 when there are no more.
type script []byte

func (s *script) next() byte {
	if len(*s) == 0 {
		return 0
	}
	c := (*s)[0]
	*s = (*s)[1:]
	return c
}

// utterances is what a script makes a bus say to a question: anything at all, in
// any order, but the answer once at most and no later than the late window allows.
func utterances(s *script, q []byte) (out []said) {
	answer := holdings(q)
	answered := false
	for range s.next() % 5 {
		kind := s.next() % 12
		after := time.Duration(s.next()) * 200 * ms / 256
		if answered && kind >= 6 {
			continue
		}
		var b []byte
		switch kind {
		case 0: // noise, which does not begin as the answer does
			for range s.next() % 40 {
				b = append(b, s.next())
			}
			for i := range b {
				if b[i] == q[0] {
					b[i]++
				}
			}
		case 1:
			b = bytes.Clone(q) // an echo
		case 2:
			b = appendFrame(nil, q[0]+1, holdingsPDU(q[1:]))
		case 3:
			b = appendFrame(nil, q[0], []byte{q[1], 2, s.next(), s.next()})
		case 4:
			b = appendFrame(nil, q[0], []byte{q[1] | fcException, []byte{5, 11}[s.next()%2]})
		case 5:
			b = bytes.Repeat([]byte{s.next() &^ 7}, 16*int(s.next()))
		case 6, 7:
			b, answered = answer, true
		case 8:
			cut := 1 + int(s.next())%(len(answer)-1)
			gap := time.Duration(1+s.next()%30) * ms // longer, and the line counts as quiet
			out = append(out, said{after, answer[:cut]})
			after, b, answered = after+gap, answer[cut:], true
		case 9: // damaged
			b, answered = bytes.Clone(answer), true
			b[int(s.next())%len(b)] ^= 1 << (s.next() % 8)
		case 10:
			b, answered = appendFrame(nil, q[0], []byte{q[1] | fcException, 1 + s.next()%4}), true
		case 11: // two units at once
			other := appendFrame(nil, q[0]+1, holdingsPDU(q[1:]))
			for i := range answer {
				if s.next()%2 == 0 {
					b = append(b, answer[i])
				}
				b = append(b, other[i])
			}
			answered = true
		}
		out = append(out, said{after, b})
	}
	return out
}

// FuzzMaster asks a bus that says what a script makes it say, while another one
// keeps the program waiting. Whatever comes, a value is never that of another
// question, no question takes for ever, and nothing panics.
func FuzzMaster(f *testing.F) {
	f.Add([]byte{0, 1, 6, 10, 1, 6, 200, 1, 6, 10}, []byte{})
	f.Add([]byte{1, 1, 8, 190, 5, 40, 1, 6, 10, 1, 6, 255}, []byte{0, 0, 0, 160, 0, 0, 255})
	f.Add([]byte{2, 2, 4, 10, 1, 6, 250, 1, 6, 5}, bytes.Repeat([]byte{0, 0, 0, 120, 0}, 40))
	f.Add([]byte{7, 2, 0, 9, 9, 1, 2, 3, 4, 5, 6, 8, 9, 10, 6, 250, 1, 6, 5, 4, 1, 3, 2, 4, 3, 5, 1, 1, 6, 6}, []byte{64})
	f.Add([]byte{3, 3, 5, 1, 0x55, 255, 9, 20, 4, 1, 1, 3, 1, 11, 100, 1, 0, 1, 1, 0, 0, 1}, []byte{1, 2, 3})
	f.Add([]byte("\x04\x01\x0A\x10\x02\x01\x06\xFF\x01\x09\x20\x01\x01\x01\x06\xFF\x01\x06\xFF"), []byte("\x40\x00\x41\x00\x42\xFF\x80"))
	f.Fuzz(func(t *testing.T, says, stalls []byte) {
		synctest.Test(t, func(t *testing.T) {
			s, waits := script(says), script(stalls)
			how := s.next()
			port := fakeSerial
			port.Echo = how&1 != 0
			if how&2 != 0 {
				port.Baud = 115200
			}
			o := lateOptions
			if how&4 != 0 {
				o.Pause = 30 * ms
			}
			l, stalled := busyLine(t, port, o, func() time.Duration {
				return max(0, time.Duration(waits.next())-60) * 2 * ms
			}, func(_ int, q []byte) []said { return utterances(&s, q) })
			function := byte(3)
			if how&8 != 0 {
				function = 0x64
			}
			for n := uint16(0); n < 16 && len(s) > 0; n++ {
				ask(t, l, function, 2*n, stalled)
			}
			if c := l.Stats(); c.Failures > 0 || c.Answers > c.Questions {
				t.Errorf("stats are %+v", c)
			}
		})
	})
}

// FuzzNetwork is FuzzMaster over a network, where an answer has a number: the far
// end says what a script makes it say. Once it has said bytes that are quite its
// own, its values are its own as well.
func FuzzNetwork(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{1, 0, 2, 1, 2, 0, 1})
	f.Add([]byte{0, 3, 4, 0, 5, 6, 7, 0x80, 8, 9, 2, 10, 11, 0, 0})
	f.Add([]byte("\x0B\x20\x00\x01\x00\x00\x00\x07\x07\x03\x04\x01\x02\x03\x04\x00\x00"))
	f.Add([]byte{8, 2, 7, 9, 0, 9, 5, 9, 10, 10, 0, 0})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	defer listener.Close()
	f.Fuzz(func(t *testing.T, says []byte) {
		l, err := NewNetwork("tcp://"+listener.Addr().String(), Options{Timeout: 5 * ms, LateWindow: 5 * ms})
		if err != nil {
			t.Fatal(err)
		}
		far := farEnd{s: says}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := listener.Accept()
				if err != nil || far.over.Load() {
					return
				}
				far.serve(c)
			}
		}()
		for n := range uint16(8) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			got, err := l.Read(ctx, Read{Unit: 7, Function: 3, Address: 2 * n, Quantity: 2})
			cancel()
			switch {
			case err == nil:
				if !far.own.Load() && !bytes.Equal(got, holds(2*n, 2)) {
					t.Errorf("WRONG: read holding %d = % X, want % X", 2*n, got, holds(2*n, 2))
				}
			case errors.Is(err, context.DeadlineExceeded), strings.Contains(err.Error(), "panic"):
				t.Errorf("read holding %d: %v", 2*n, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		far.over.Store(true)
		if c, err := net.Dial("tcp", listener.Addr().String()); err == nil {
			c.Close() // it only wakes the far end
		}
		<-done
	})
}

// A farEnd answers Modbus TCP as its script says.
type farEnd struct {
	s    script
	own  atomic.Bool
	over atomic.Bool
}

// serve answers on c until either side hangs up.
func (e *farEnd) serve(c net.Conn) {
	defer c.Close()
	var last []byte // the answer to the question before
	for {
		q := make([]byte, 12) // transaction 2, protocol 2, length 2, unit, PDU 5
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		pdu := holdingsPDU(q[7:])
		answer := append(append(bytes.Clone(q[:4]), 0, byte(1+len(pdu)), q[6]), pdu...)
		late := last
		last = bytes.Clone(answer)
		switch kind := e.s.next() % 12; kind {
		case 1: // silent
			continue
		case 2: // the answer before comes first
			answer = append(bytes.Clone(late), answer...)
		case 3, 4, 5, 6: // another transaction, protocol or unit, or the wrong length
			at := []int{1, 3, 6, 5}[kind-3]
			answer[at] += 1 + e.s.next()%250
		case 7: // a wrong number of registers
			answer[8] += 1 + e.s.next()%250
		case 8: // an exception
			answer = append(bytes.Clone(q[:4]), 0, 3, q[6], 0x83, e.s.next())
		case 9: // cut
			answer = answer[:int(e.s.next())%len(answer)]
		case 10:
			return
		case 11:
			e.own.Store(true)
			answer = nil
			for range e.s.next() {
				answer = append(answer, e.s.next())
			}
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}
