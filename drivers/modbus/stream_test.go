package modbus

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// Each unit has its own time-out, whatever was asked before, and time-outs cost no
// connection.
func TestStreamTimeouts(t *testing.T) {
	p := newPeer(t, func(_ int, c net.Conn) {
		for {
			q := make([]byte, 8)
			if _, err := io.ReadFull(c, q); err != nil {
				return
			}
			if q[0] == 7 {
				c.Write(holdings(q))
			}
		}
	})
	l := networkLine(t, p.url("rtuovertcp"), Options{Timeout: 10 * time.Second, LateWindow: 10 * ms})
	wantRead(t, l, 40, 2)
	for range 2 * missLimit {
		start := time.Now()
		_, err := l.Read(t.Context(), Read{Unit: 8, Function: 3, Address: 1, Quantity: 1, Timeout: 20 * ms})
		if !errors.Is(err, ErrNoAnswer) {
			t.Errorf("silent unit: %v, want ErrNoAnswer", err)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("a time-out of 20 ms took %s", d)
		}
	}
	wantRead(t, l, 50, 2)
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// A far end that goes away without a word is left after a while, and a new connection
// tried.
func TestStreamGone(t *testing.T) {
	p := newPeer(t, func(conn int, c net.Conn) {
		for n := 0; ; n++ {
			q := make([]byte, 8)
			if _, err := io.ReadFull(c, q); err != nil {
				return
			}
			if conn > 1 || n == 0 {
				c.Write(holdings(q))
			}
		}
	})
	l := networkLine(t, p.url("rtuovertcp"), Options{Timeout: 20 * ms, LateWindow: ms})
	wantRead(t, l, 40, 2)
	for range missLimit {
		if _, err := read(t, l, 40, 2); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("question: %v, want ErrNoAnswer", err)
		}
	}
	conn := l.bus.(*stream).conn
	conn.heard = conn.heard.Add(-streamGone)
	wantRead(t, l, 60, 2)
	if n := p.conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// The far end closes connections that idle: a read only takes longer, for its first answer
// may still come by the new connection; a write is not put again.
func TestStreamIdleClosed(t *testing.T) {
	var writes atomic.Int32
	p := newPeer(t, func(_ int, c net.Conn) {
		for n := range 2 {
			q := make([]byte, 8)
			if _, err := io.ReadFull(c, q); err != nil {
				return
			}
			if q[1] == fcWriteRegister {
				writes.Add(1)
			}
			if n == 0 {
				c.Write(holdings(q))
			}
		}
	})
	l := networkLine(t, p.url("rtuovertcp"), Options{Timeout: time.Second, LateWindow: ms})
	for i := range uint16(4) {
		wantRead(t, l, 40+i, 2)
	}
	if n := p.conns.Load(); n != 4 {
		t.Errorf("%d connections, want 4", n)
	}
	if err := l.WriteRegister(t.Context(), 7, 1, 2); !errors.Is(err, ErrUnreachable) || writes.Load() != 1 {
		t.Errorf("write on a broken connection: %v, put %d times; want ErrUnreachable and once", err, writes.Load())
	}
}

// Questions of any function go over a transparent converter too.
func TestStreamRaw(t *testing.T) {
	p := newPeer(t, func(_ int, c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, 6)); err == nil {
			c.Write(appendFrame(nil, 7, []byte{0x64, 1, 2, 3}))
			io.Copy(io.Discard, c)
		}
	})
	l := networkLine(t, p.url("rtuovertcp"), Options{Timeout: 10 * time.Second})
	got, err := l.Do(t.Context(), 7, []byte{0x64, 9, 9}, 0)
	if err != nil || !bytes.Equal(got, []byte{0x64, 1, 2, 3}) {
		t.Errorf("Do = % X, %v", got, err)
	}
}

// A unit's pause runs from the end of its last exchange; others are asked meanwhile.
func TestUnitPause(t *testing.T) {
	const pause = 300 * ms
	p := newPeer(t, func(_ int, c net.Conn) {
		for {
			q := make([]byte, 8)
			if _, err := io.ReadFull(c, q); err != nil {
				return
			}
			c.Write(appendFrame(nil, q[0], []byte{3, 2, 0, 1}))
		}
	})
	l := networkLine(t, p.url("rtuovertcp"), Options{Timeout: 10 * time.Second})
	ask := func(unit byte) {
		if _, err := l.Read(t.Context(), Read{Unit: unit, Function: 3, Quantity: 1, Pause: pause}); err != nil {
			t.Error(err)
		}
	}
	ask(1)
	end := time.Now()
	ask(2)
	if d := time.Since(end); d >= pause {
		t.Errorf("another unit waited %s", d)
	}
	ask(1)
	if d := time.Since(end); d < pause {
		t.Errorf("asked again after %s, want %s at least", d, pause)
	}
}
