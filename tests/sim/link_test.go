package sim

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// echoes says back what it hears, until the test ends.
func echoes(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { defer c.Close(); io.Copy(c, c) })
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

func openLink(t *testing.T) *Link {
	t.Helper()
	to := echoes(t)
	l, err := OpenLink(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func dialLink(t *testing.T, l *Link) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// say writes to the far side and returns what comes back in time.
func say(c net.Conn, p []byte, within time.Duration) ([]byte, error) {
	if _, err := c.Write(p); err != nil {
		return nil, err
	}
	c.SetReadDeadline(time.Now().Add(within))
	b := make([]byte, 100)
	n, err := c.Read(b)
	return b[:n], err
}

func TestLinkRefuses(t *testing.T) {
	l := openLink(t)
	c := dialLink(t, l)
	if b, err := say(c, []byte("a"), 5*time.Second); err != nil || string(b) != "a" {
		t.Fatalf("through a sound link came %q, error %v", b, err)
	}
	l.Refuse()
	if b, err := say(c, []byte("b"), 5*time.Second); err == nil {
		t.Errorf("through a connection that was ended came %q", b)
	}
	if _, err := net.Dial("tcp", l.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial while refusing: %v, want refused", err)
	}
	if err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	if b, err := say(dialLink(t, l), []byte("c"), 5*time.Second); err != nil || string(b) != "c" {
		t.Errorf("after Accept came %q, error %v", b, err)
	}
}

func TestLinkHolds(t *testing.T) {
	l := openLink(t)
	c := dialLink(t, l)
	l.Hold()
	if b, err := say(c, []byte("a"), 200*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("through a held link came %q, error %v", b, err)
	}
	l.Release()
	if b, err := say(c, nil, 5*time.Second); err != nil || string(b) != "a" {
		t.Errorf("after Release came %q, error %v; want what was held", b, err)
	}
}

func TestLinkDelays(t *testing.T) {
	l := openLink(t)
	l.Delay(100 * time.Millisecond)
	c := dialLink(t, l)
	began := time.Now()
	if _, err := say(c, []byte("a"), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("there and back took %s, want 200ms at least", took)
	}
}

func TestLinkJudges(t *testing.T) {
	l := openLink(t)
	l.Judge(func(p []byte) Verdict {
		switch kind, topic := PacketKind(p); {
		case kind == PacketPuback:
			return HangUp
		case topic == "x/receipt/live":
			return LostOnWay
		}
		return Through
	})
	c := dialLink(t, l)
	receipt := append([]byte{0x32, 18, 0, 14}, "x/receipt/live..."...)[:20]
	other := []byte{0x32, 5, 0, 1, 'b', 0, 1}
	if b, err := say(c, append(receipt, other...), 5*time.Second); err != nil || string(b) != string(other) {
		t.Errorf("of a receipt and another packet came % x, error %v; want % x", b, err, other)
	}
	if b, err := say(c, []byte{0x40, 2, 0, 1}, 5*time.Second); !errors.Is(err, io.EOF) {
		t.Errorf("of a puback came % x, error %v; want the end", b, err)
	}
}
