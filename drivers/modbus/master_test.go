package modbus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

func read(t *testing.T, l *Line, address, n uint16) ([]byte, error) {
	t.Helper()
	return l.Read(t.Context(), Read{Unit: 7, Function: 3, Address: address, Quantity: n})
}

// wantRead reads and fails the test unless the registers are what they should be.
func wantRead(t *testing.T, l *Line, address, n uint16) {
	t.Helper()
	got, err := read(t, l, address, n)
	if err != nil || !bytes.Equal(got, holds(address, n)) {
		t.Errorf("read holding %d, %d registers: % X, %v, want % X", address, n, got, err, holds(address, n))
	}
}

// The first answer comes half a second after its time-out. Without the
// quarantine the second question would get it: nothing in it says otherwise.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := newBusLine(t, fakeSerial, Options{}, func(n int, q []byte) []said {
			if n == 1 {
				return []said{{1500 * ms, holdings(q)}}
			}
			return []said{{600 * ms, holdings(q)}}
		})
		_, err := read(t, l, 40, 2)
		if !errors.Is(err, ErrNoAnswer) || err.Error() != "read unit 7 holding 40 to 41: no answer in 1s" {
			t.Errorf("question 1: %v", err)
		}
		asked := time.Now()
		wantRead(t, l, 50, 2)
		if got := l.Stats(); got.Late != 1 || got.NoAnswer != 1 || got.Answers != 1 || got.Questions != 2 {
			t.Errorf("stats are %+v", got)
		}
		// The late answer ends the quarantine before the window does.
		if d := p.at[1].Sub(asked); d > 600*ms {
			t.Errorf("question 2 went out %v after it was asked: it should go once the late answer is in", d)
		}
	})
}

// What ends without an answer owes one: each way must put the line in
// quarantine. The stray answer comes 300 ms into the next question.
func TestQuarantine(t *testing.T) {
	answer := appendFrame(nil, 7, holdingsPDU([]byte{3, 0, 40, 0, 2}))
	damaged := bytes.Clone(answer)
	damaged[4] ^= 1
	for _, tt := range []struct {
		name  string
		first []said
		want  error
	}{
		{"time-out", []said{{1300 * ms, answer}}, ErrNoAnswer},
		{"short frame", []said{{10 * ms, answer[:5]}, {1300 * ms, answer}}, ErrNoAnswer},
		{"bad crc", []said{{10 * ms, damaged}, {350 * ms, answer}}, ErrCRC},
		{"another length", []said{{10 * ms, appendFrame(nil, 7, holdingsPDU([]byte{3, 0, 0, 0, 3}))}, {1300 * ms, answer}}, ErrAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _ := newBusLine(t, fakeSerial, Options{}, func(n int, q []byte) []said {
					if n == 1 {
						return tt.first
					}
					return []said{{600 * ms, holdings(q)}}
				})
				if _, err := read(t, l, 40, 2); !errors.Is(err, tt.want) {
					t.Errorf("question 1: %v, want %v", err, tt.want)
				}
				wantRead(t, l, 50, 2)
			})
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, _ := newBusLine(t, fakeSerial, Options{}, func(n int, q []byte) []said {
				return []said{{[]time.Duration{0, 500 * ms, 600 * ms}[n], holdings(q)}}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
			defer cancel()
			if _, err := l.Read(ctx, Read{Unit: 7, Function: 3, Address: 40, Quantity: 2}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("question 1: %v, want the context's error", err)
			}
			wantRead(t, l, 50, 2)
		})
	})
	t.Run("unplugged", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var p *fakePort
			opened := 0
			l := newFakeLine(t, fakeSerial, Options{Timeout: 3 * time.Second}, func() (port, error) {
				opened++
				if opened == 1 {
					p = newFakePort(func(_ int, q []byte) []said {
						time.AfterFunc(50*ms, func() { p.lose(fmt.Errorf("gone: %w", ErrPortMissing)) })
						return nil
					})
					return p, nil
				}
				p = newFakePort(func(_ int, q []byte) []said { return []said{{600 * ms, holdings(q)}} })
				time.AfterFunc(300*ms, func() { p.say(answer) }) // to the question before the unplug
				return p, nil
			})
			if _, err := read(t, l, 40, 2); !errors.Is(err, ErrPortMissing) {
				t.Errorf("question 1: %v, want ErrPortMissing", err)
			}
			time.Sleep(minBackoff)
			wantRead(t, l, 50, 2)
		})
	})
}

// A line that never stops babbling is asked all the same in the end.
func TestBabble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		defer close(stop)
		l, p := newBusLine(t, fakeSerial, Options{}, func(n int, q []byte) []said {
			if n == 3 {
				return []said{{100 * ms, holdings(q)}}
			}
			return nil
		})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * ms):
					p.say([]byte{0x55})
				}
			}
		}()
		for i := range 2 {
			start := time.Now()
			if _, err := read(t, l, 40, 2); !errors.Is(err, ErrNoAnswer) {
				t.Errorf("question %d: %v, want ErrNoAnswer", i+1, err)
			}
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("question %d took %v", i+1, d)
			}
		}
		// Heard through the noise.
		wantRead(t, l, 50, 2)
		if got := l.Stats(); got.Skipped < 1000 {
			t.Errorf("skipped %d bytes", got.Skipped)
		}
	})
}

// The silence before a question is exactly t3.5, or the pause if longer.
func TestSilence(t *testing.T) {
	for _, tt := range []struct {
		s     Serial
		pause time.Duration
		want  time.Duration
	}{
		{Serial{Port: "fake", Baud: 1200, Parity: "odd", StopBits: 2}, 0, 35 * ms},
		{fakeSerial, 0, 11 * time.Second / 9600 * 7 / 2},
		{Serial{Port: "fake", Baud: 19200, Parity: "none", StopBits: 1}, 0, 1750 * time.Microsecond},
		{Serial{Port: "fake", Baud: 115200, Parity: "even", StopBits: 1}, 0, 1750 * time.Microsecond},
		{fakeSerial, 50 * ms, 50 * ms},
		{fakeSerial, ms, 11 * time.Second / 9600 * 7 / 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, p := newBusLine(t, tt.s, Options{Pause: tt.pause}, func(n int, q []byte) []said {
				return []said{{300 * ms, holdings(q)}}
			})
			wantRead(t, l, 0, 1)
			end := p.heard
			wantRead(t, l, 1, 1)
			if got := p.at[1].Sub(end); got != tt.want {
				t.Errorf("%d baud, pause %v: silence is %v, want %v", tt.s.Baud, tt.pause, got, tt.want)
			}
		})
	}
}

// Question and answer follow each other as fast as the wire allows: the bus is
// to be used to 95 % of it at 9600 baud. The unit answers after t3.5.
func TestBusUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeSerial
		l, _ := newBusLine(t, s, Options{}, func(n int, q []byte) []said {
			// As a wire does: a byte at a time.
			answer := holdings(q)
			var out []said
			for i := range answer {
				out = append(out, said{s.charTime()*time.Duration(len(q)+i+1) + s.silence(), answer[i : i+1]})
			}
			return out
		})
		start := time.Now()
		const rounds = 50
		for range rounds {
			wantRead(t, l, 0, 20)
		}
		need := rounds * s.WireTime(Read{Function: 3, Quantity: 20})
		if took := time.Since(start); float64(need) < 0.95*float64(took) {
			t.Errorf("%d reads took %v, the wire needs %v", rounds, took, need)
		}
	})
}

// How lines misbehave within one question, and what comes of it.
func TestLineFaults(t *testing.T) {
	type stats = Stats
	for _, tt := range []struct {
		name  string
		bus   func(q []byte) []said
		err   error  // nil: the answer is right
		text  string // of err
		took  time.Duration
		stats stats // beside Questions and Answers
	}{
		{
			name: "noise before",
			bus:  func(q []byte) []said { return []said{{8 * ms, []byte{0, 7, 3}}, {9 * ms, holdings(q)}} },
			took: 9 * ms, stats: stats{Skipped: 3},
		},
		{
			name: "noise after",
			bus:  func(q []byte) []said { return []said{{9 * ms, append(holdings(q), 0, 0xFF)}} },
			took: 9 * ms, stats: stats{Skipped: 2},
		},
		{
			name: "echo",
			bus:  func(q []byte) []said { return []said{{9 * ms, bytes.Clone(q)}, {12 * ms, holdings(q)}} },
			took: 12 * ms, stats: stats{Echoes: 1},
		},
		{
			name: "echo in one piece with the answer, and noise between",
			bus: func(q []byte) []said {
				return []said{{12 * ms, bytes.Join([][]byte{{0xFF}, q, {0}, holdings(q)}, nil)}}
			},
			took: 12 * ms, stats: stats{Echoes: 1, Skipped: 2},
		},
		{
			name: "another unit first",
			bus: func(q []byte) []said {
				return []said{
					{9 * ms, appendFrame(nil, 8, holdingsPDU(q[1:]))},
					{500 * ms, holdings(q)},
				}
			},
			took: 500 * ms, stats: stats{Foreign: 1},
		},
		{
			name: "only another unit",
			bus:  func(q []byte) []said { return []said{{9 * ms, appendFrame(nil, 8, holdingsPDU(q[1:]))}} },
			err:  ErrNoAnswer, text: "read unit 7 holding 40 to 41: no answer in 1s",
			took:  1000*ms + 8*fakeSerial.charTime(),
			stats: stats{Foreign: 1, NoAnswer: 1},
		},
		{
			name: "slow bytes",
			bus: func(q []byte) (out []said) {
				for i, b := range holdings(q) {
					out = append(out, said{time.Duration(20+60*i) * ms, []byte{b}})
				}
				return out
			},
			took: 500 * ms,
		},
		{
			name: "begun in time, ended after",
			bus: func(q []byte) (out []said) {
				return []said{{1003 * ms, holdings(q)[:1]}, {1010 * ms, holdings(q)[1:]}}
			},
			took: 1010 * ms,
		},
		{
			name: "cut",
			bus:  func(q []byte) []said { return []said{{9 * ms, holdings(q)[:6]}} },
			err:  ErrNoAnswer, text: "read unit 7 holding 40 to 41: no answer in 1s, only 6 stray bytes",
			took:  1000*ms + (8+9)*fakeSerial.charTime(),
			stats: stats{NoAnswer: 1, Skipped: 6},
		},
		{
			name: "crc wrong",
			bus: func(q []byte) []said {
				b := holdings(q)
				b[4] ^= 0x40
				return []said{{9 * ms, b}}
			},
			err: ErrCRC, text: "read unit 7 holding 40 to 41: crc of the answer is wrong: 9 bytes came",
			took:  9*ms + fakeSerial.silence() + quietMargin, // at once, not at the time-out
			stats: stats{CRC: 1, Skipped: 9},
		},
		{
			name: "crc wrong, in chunks as usb brings them",
			bus: func(q []byte) []said {
				b := holdings(q)
				b[4] ^= 0x40
				return []said{{9 * ms, b[:5]}, {25 * ms, b[5:]}}
			},
			err: ErrCRC, text: "read unit 7 holding 40 to 41: crc of the answer is wrong: 9 bytes came",
			took:  25*ms + fakeSerial.silence() + quietMargin,
			stats: stats{CRC: 1, Skipped: 9},
		},
		{
			name: "another number of registers",
			bus:  func(q []byte) []said { return []said{{9 * ms, appendFrame(nil, 7, []byte{3, 2, 1, 1})}} },
			err:  ErrAnswer, text: "read unit 7 holding 40 to 41: answer does not fit the question: unit 7 sent another number of bytes",
			took:  1000*ms + 8*fakeSerial.charTime(),
			stats: stats{Misfits: 1, Foreign: 1},
		},
		{
			name: "exception",
			bus:  func(q []byte) []said { return []said{{9 * ms, appendFrame(nil, 7, []byte{0x83, 2})}} },
			err:  &Exception{7, 3, 40, 2, 2}, text: "unit 7 refused holding 40 to 41: illegal data address (exception 2)",
			took: 9 * ms, stats: stats{Exceptions: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _ := newBusLine(t, fakeSerial, Options{}, func(_ int, q []byte) []said { return tt.bus(q) })
				start := time.Now()
				got, err := read(t, l, 40, 2)
				took := time.Since(start)
				if tt.err == nil {
					if err != nil || !bytes.Equal(got, holds(40, 2)) {
						t.Errorf("read % X, %v, want % X", got, err, holds(40, 2))
					}
					tt.stats.Answers = 1
				} else {
					var want *Exception
					if errors.As(tt.err, &want) {
						if e, ok := errors.AsType[*Exception](err); !ok || *e != *want {
							t.Errorf("error is %#v, want %#v", err, want)
						}
					} else if !errors.Is(err, tt.err) {
						t.Errorf("error is %v, want %v", err, tt.err)
					}
					if err == nil || err.Error() != tt.text {
						t.Errorf("error is %q, want %q", err, tt.text)
					}
				}
				if took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				tt.stats.Questions = 1
				if got := l.Stats(); got != tt.stats {
					t.Errorf("stats are %+v, want %+v", got, tt.stats)
				}
			})
		})
	}
}

// With an adapter that hears itself, the answer to a write is the second copy:
// the first is the echo, and alone it means that the unit is silent.
func TestWriteEcho(t *testing.T) {
	for _, tt := range []struct {
		name   string
		echo   bool // the setting
		copies int
		want   error
	}{
		{"no echo, answered", false, 1, nil},
		{"echo, answered", true, 2, nil},
		{"echo, silent", true, 1, ErrNoAnswer},
		{"no echo, silent", false, 0, ErrNoAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fakeSerial
				s.Echo = tt.echo
				l, p := newBusLine(t, s, Options{}, func(_ int, q []byte) (out []said) {
					for i := range tt.copies {
						out = append(out, said{time.Duration(10+10*i) * ms, bytes.Clone(q)})
					}
					return out
				})
				if err := l.WriteRegister(t.Context(), 7, 1, 500); !errors.Is(err, tt.want) {
					t.Errorf("WriteRegister = %v, want %v", err, tt.want)
				}
				if len(p.asked) != 1 {
					t.Errorf("put %d times, want once whatever happens", len(p.asked))
				}
			})
		})
	}
}

func TestWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := newBusLine(t, fakeSerial, Options{}, func(_ int, q []byte) []said {
			return []said{{9 * ms, appendFrame(nil, q[0], q[1:6])}}
		})
		ctx := t.Context()
		for _, tt := range []struct {
			name string
			err  error
			want string
		}{
			{"coil", l.WriteCoil(ctx, 7, 172, true), "07 05 00AC FF00"},
			{"register", l.WriteRegister(ctx, 7, 1, 3), "07 06 0001 0003"},
			{"coils", l.WriteCoils(ctx, 7, 19, []bool{true, false, true}), "07 0F 0013 0003 01 05"},
			{"registers", l.WriteRegisters(ctx, 7, 1, []uint16{10, 258}), "07 10 0001 0002 04 000A 0102"},
		} {
			if tt.err != nil {
				t.Errorf("write %s: %v", tt.name, tt.err)
			}
			want := unhex(t, tt.want)
			want = appendFrame(nil, want[0], want[1:])
			if got := p.asked[0]; !bytes.Equal(got, want) {
				t.Errorf("write %s put % X, want % X", tt.name, got, want)
			}
			p.asked = p.asked[1:]
		}
	})
}

// A write whose answer tells of another value was not obeyed.
func TestWriteAnsweredOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newBusLine(t, fakeSerial, Options{}, func(_ int, q []byte) []said {
			b := bytes.Clone(q[1:6])
			b[4]++
			return []said{{9 * ms, appendFrame(nil, q[0], b)}}
		})
		err := l.WriteRegister(t.Context(), 7, 1, 3)
		if !errors.Is(err, ErrAnswer) {
			t.Errorf("error is %v, want ErrAnswer", err)
		}
	})
}

func TestRaw(t *testing.T) {
	long := append([]byte{0x64, 1}, bytes.Repeat([]byte{0xA5}, 200)...)
	for _, tt := range []struct {
		name string
		pdu  []byte
		bus  func(q []byte) []said
		want []byte
		err  error
		took time.Duration
	}{
		{
			"private function",
			[]byte{0x64, 1},
			func(q []byte) []said { return []said{{9 * ms, appendFrame([]byte{0}, 7, long)}} },
			long, nil, 9*ms + fakeSerial.silence() + quietMargin,
		},
		{
			"private function in chunks as usb brings them",
			[]byte{0x64, 1},
			func(q []byte) []said {
				b := appendFrame(nil, 7, long)
				return []said{{9 * ms, b[:62]}, {25 * ms, b[62:124]}, {41 * ms, b[124:]}}
			},
			long, nil, 41*ms + fakeSerial.silence() + quietMargin,
		},
		{
			"private function damaged",
			[]byte{0x64, 1},
			func(q []byte) []said { return []said{{9 * ms, appendFrame(nil, 7, long)[:40]}} },
			nil, ErrCRC, 9*ms + fakeSerial.silence() + quietMargin,
		},
		{
			"refused",
			[]byte{0x64, 1},
			func(q []byte) []said { return []said{{9 * ms, appendFrame(nil, 7, []byte{0xE4, 1})}} },
			nil, &Exception{Unit: 7, Function: 100, Code: 1}, 9 * ms,
		},
		{
			"question sent back is the answer",
			[]byte{8, 0, 0, 0x12, 0x34},
			func(q []byte) []said { return []said{{9 * ms, bytes.Clone(q)}} },
			[]byte{8, 0, 0, 0x12, 0x34},
			nil, 9*ms + fakeSerial.silence() + quietMargin,
		},
		{
			"standard function needs no silence",
			[]byte{3, 0, 40, 0, 2},
			func(q []byte) []said { return []said{{9 * ms, holdings(q)}} },
			holdingsPDU([]byte{3, 0, 40, 0, 2}), nil, 9 * ms,
		},
		{
			"silent",
			[]byte{0x64, 1},
			func(q []byte) []said { return nil },
			nil, ErrNoAnswer, 200*ms + 5*fakeSerial.charTime(), // counted from the question's end
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _ := newBusLine(t, fakeSerial, Options{}, func(_ int, q []byte) []said { return tt.bus(q) })
				start := time.Now()
				got, err := l.Do(t.Context(), 7, tt.pdu, 200*ms)
				took := time.Since(start)
				if e, ok := errors.AsType[*Exception](tt.err); ok {
					if g, ok := errors.AsType[*Exception](err); !ok || *g != *e {
						t.Errorf("error is %v, want %v", err, e)
					}
				} else if !errors.Is(err, tt.err) {
					t.Errorf("error is %v, want %v", err, tt.err)
				}
				if !bytes.Equal(got, tt.want) {
					t.Errorf("answer is % X, want % X", got, tt.want)
				}
				if took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

// Readers of bytes one at a time and of whole chunks hear the same.
// A read by a private function is put and answered like one of holding
// registers: its length is known, so that it needs no silence to end it, and an
// answer for another number of registers is not taken.
func TestPrivateRead(t *testing.T) {
	r := Read{Unit: 7, Function: 0x64, Address: 1, Quantity: 2, Timeout: 200 * ms}
	right := []byte{0x64, 4, 0x41, 0x48, 0, 0}
	for _, tt := range []struct {
		name   string
		answer []byte
		want   []byte
		err    string
		took   time.Duration
	}{
		{"answered", right, right[2:], "", 9 * ms},
		{"one register", []byte{0x64, 2, 0x41, 0x48}, nil, "read unit 7 function 100 register 1 to 2: no answer in 200ms", 0},
		{"refused", []byte{0xE4, 2}, nil, "unit 7 refused function 100 register 1 to 2: illegal data address (exception 2)", 9 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, p := newBusLine(t, fakeSerial, Options{}, func(int, []byte) []said {
					return []said{{9 * ms, appendFrame(nil, 7, tt.answer)}}
				})
				start := time.Now()
				got, err := l.Read(t.Context(), r)
				took := time.Since(start)
				if !bytes.Equal(got, tt.want) {
					t.Errorf("Read = % X, want % X", got, tt.want)
				}
				if text := fmt.Sprint(err); err != nil && !strings.HasPrefix(text, tt.err) || err == nil && tt.err != "" {
					t.Errorf("error is %v, want %s", err, tt.err)
				}
				if tt.took > 0 && took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if want := unhex(t, "07 64 0001 0002"); !bytes.Equal(p.asked[0][:6], want) {
					t.Errorf("asked % X, want % X", p.asked[0], want)
				}
			})
		})
	}
}

func TestOneByteAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newBusLine(t, fakeSerial, Options{}, func(_ int, q []byte) (out []said) {
			all := bytes.Join([][]byte{{0xFF}, q, appendFrame(nil, 8, []byte{3, 2, 0, 0}), holdings(q)}, nil)
			for i := range all {
				out = append(out, said{time.Duration(i+1) * ms, all[i : i+1]})
			}
			return out
		})
		wantRead(t, l, 40, 2)
		if got := l.Stats(); got.Echoes != 1 || got.Foreign != 1 || got.Skipped != 1 {
			t.Errorf("stats are %+v", got)
		}
	})
}

// What is said unasked between two questions answers neither: here a repeater
// says the first answer twice.
func TestUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newBusLine(t, fakeSerial, Options{}, func(n int, q []byte) []said {
			if n == 1 {
				return []said{{9 * ms, holdings(q)}, {300 * ms, holdings(q)}}
			}
			return []said{{9 * ms, holdings(q)}}
		})
		wantRead(t, l, 40, 2)
		time.Sleep(time.Second)
		wantRead(t, l, 50, 2)
		if s := l.Stats(); s.Foreign != 1 || s.Answers != 2 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// An answer is found although it lies across the end of the receive buffer.
func TestFullBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newBusLine(t, fakeSerial, Options{}, func(_ int, q []byte) []said {
			return []said{{9 * ms, append(bytes.Repeat([]byte{0x55}, 4*maxFrame-4), holdings(q)...)}}
		})
		wantRead(t, l, 40, 2)
		if s := l.Stats(); s.Skipped != 4*maxFrame-4 {
			t.Errorf("skipped %d bytes, want %d", s.Skipped, 4*maxFrame-4)
		}
	})
}
