package modbus

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// heard is what a tap has, as words.
func heard(t *Tap) (out []string) {
	for {
		select {
		case f := <-t.C:
			text := fmt.Sprintf("%v % X", f.Kind, f.Bytes)
			if f.Lost > 0 {
				text = fmt.Sprintf("%s, %d lost", text, f.Lost)
			}
			out = append(out, text)
		default:
			return out
		}
	}
}

func TestTapHearsWhatIsOnTheLine(t *testing.T) {
	foreign := appendFrame(nil, 9, []byte{3, 2, 0, 1})
	good := func(q []byte) []byte { return holdings(q) }
	for name, c := range map[string]struct {
		bus  func(n int, q []byte) []said
		asks int
		want []string
	}{
		"answer with noise, echo and a foreign frame": {
			func(_ int, q []byte) []said {
				return []said{{time.Millisecond, slices.Concat([]byte{0xFF}, q)}, {5 * time.Millisecond, slices.Concat(foreign, good(q))}}
			}, 1,
			[]string{"question 01 03 00 07 00 01 35 CB", "noise FF", "echo 01 03 00 07 00 01 35 CB", "foreign 09 03 02 00 01 98 45", "answer 01 03 02 00 07 F9 86"},
		},
		"silence, then a late answer": {
			func(n int, q []byte) []said {
				if n == 1 {
					return []said{{1100 * time.Millisecond, good(q)}}
				}
				return []said{{time.Millisecond, good(q)}}
			}, 2,
			[]string{"question 01 03 00 07 00 01 35 CB", "silence ", "late 01 03 02 00 07 F9 86", "question 01 03 00 07 00 01 35 CB", "answer 01 03 02 00 07 F9 86"},
		},
		"damage": {
			func(_ int, q []byte) []said {
				b := good(q)
				b[3] ^= 1
				return []said{{time.Millisecond, b}}
			}, 1,
			[]string{"question 01 03 00 07 00 01 35 CB", "damaged 01 03 02 01 07 F9 86"},
		},
		"exception": {
			func(_ int, q []byte) []said {
				return []said{{time.Millisecond, appendFrame(nil, q[0], []byte{0x83, 2})}}
			}, 1,
			[]string{"question 01 03 00 07 00 01 35 CB", "answer 01 83 02 C0 F1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _ := newBusLine(t, fakeSerial, Options{}, c.bus)
				tap := l.Tap(100)
				for range c.asks {
					l.Read(t.Context(), Read{Unit: 1, Function: 3, Address: 7, Quantity: 1})
				}
				if got := heard(tap); !slices.Equal(got, c.want) {
					t.Errorf("heard\n%q, want\n%q", got, c.want)
				}
				tap.Close()
				l.Read(t.Context(), Read{Unit: 1, Function: 3, Address: 7, Quantity: 1})
				if got := heard(tap); len(got) > 0 {
					t.Errorf("after Close heard %q", got)
				}
				l.Close()
			})
		})
	}
}

// A listener that does not listen holds nothing up, and learns how much it lost.
func TestTapOfASlowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newBusLine(t, fakeSerial, Options{}, func(_ int, q []byte) []said {
			return []said{{time.Millisecond, holdings(q)}}
		})
		tap, other := l.Tap(3), l.Tap(100)
		defer tap.Close()
		defer other.Close()
		ask := func() {
			if _, err := l.Read(t.Context(), Read{Unit: 1, Function: 3, Quantity: 1}); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			ask()
		}
		first := heard(tap)
		ask()
		then := heard(tap)
		if len(first) != 3 || len(then) != 2 || then[0] != "question 01 03 00 00 00 01 84 0A, 7 lost" {
			t.Errorf("heard %q and then %q, want 3 frames, and then 2 of which the first says that 7 were lost", first, then)
		}
		if n := len(heard(other)); n != 12 {
			t.Errorf("the other listener heard %d frames, want 12", n)
		}
		l.Close()
	})
}

func TestTapCostsNothingWhenNobodyListens(t *testing.T) {
	var c counters
	frame := appendFrame(nil, 1, []byte{3, 2, 0, 1})
	q := &question{unit: 1, pdu: []byte{3, 0, 0, 0, 1}}
	if n := testing.AllocsPerRun(100, func() {
		c.taps.wire(TapQuestion, frame)
		c.taps.foreign(frame)
		c.taps.outcome(q, frame[1:5], nil)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestKindNames(t *testing.T) {
	for k := TapQuestion; k <= TapFault; k++ {
		if got := ParseKind(k.String()); got != k {
			t.Errorf("ParseKind(%q) = %v, want %v", k.String(), got, k)
		}
	}
	for _, name := range []string{"", "what"} {
		if got := ParseKind(name); got != 0 {
			t.Errorf("ParseKind(%q) = %v, want 0", name, got)
		}
	}
}
