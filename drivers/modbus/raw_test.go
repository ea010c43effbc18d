package modbus

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestPortDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newFakePort(nil)
		p := newPort("fake", far)
		defer p.Close()
		began := time.Now()
		p.SetReadDeadline(began.Add(time.Second))
		n, err := p.Read(make([]byte, 8))
		var late net.Error
		if n != 0 || !errors.As(err, &late) || !late.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read of a silent port = %d, %v, want a time-out", n, err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("Read gave up after %v, want 1s", took)
		}
		time.AfterFunc(300*time.Millisecond, func() { far.say([]byte("##")) })
		p.SetReadDeadline(time.Time{})
		b := make([]byte, 8)
		if n, err := p.Read(b); err != nil || !bytes.Equal(b[:n], []byte("##")) {
			t.Errorf("Read = %q, %v, want ##", b[:n], err)
		}
	})
}

// Close ends a Read, and the port itself is closed by no other call than the last.
func TestPortClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newFakePort(nil)
		p := newPort("fake", far)
		time.AfterFunc(time.Second, func() {
			if err := p.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
		if n, err := p.Read(make([]byte, 8)); n != 0 || !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read = %d, %v, want os.ErrClosed", n, err)
		}
		synctest.Wait()
		if !far.closed {
			t.Error("the port is still open")
		}
		if _, err := p.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Write = %v, want os.ErrClosed", err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

// A write that hangs in the driver keeps nobody, and the port is closed behind it.
func TestPortStuckWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newFakePort(nil)
		far.stuck = make(chan struct{})
		p := newPort("fake", far)
		began := time.Now()
		p.SetWriteDeadline(began.Add(time.Second))
		if _, err := p.Write([]byte("x")); !errors.Is(err, ErrPortStuck) {
			t.Errorf("Write = %v, want ErrPortStuck", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("Write gave up after %v, want 1s", took)
		}
		if err := p.Close(); !errors.Is(err, ErrPortStuck) {
			t.Errorf("Close = %v, want ErrPortStuck", err)
		}
		if far.closed {
			t.Error("the port was closed under the driver's call")
		}
		close(far.stuck)
		synctest.Wait()
		if !far.closed {
			t.Error("the port is still open when the driver has let go of it")
		}
	})
}

func TestOpenPort(t *testing.T) {
	far := openPty(t)
	s := Serial{Port: far.name, Baud: 9600, Parity: "none", StopBits: 1}
	p, err := OpenPort(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPort(s); !errors.Is(err, ErrPortTaken) {
		t.Errorf("second OpenPort = %v, want ErrPortTaken", err)
	}
	if _, err := far.master.Write([]byte("##0001")); err != nil {
		t.Fatal(err)
	}
	p.SetReadDeadline(time.Now().Add(10 * time.Second))
	var got []byte
	for b := make([]byte, 16); len(got) < 6; {
		n, err := p.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:n]...)
	}
	if _, err := p.Write([]byte("9014")); err != nil || string(got) != "##0001" {
		t.Errorf("read %q, write %v", got, err)
	}
	b := make([]byte, 16)
	if n, err := far.master.Read(b); err != nil || string(b[:n]) != "9014" {
		t.Errorf("the far side read %q, %v", b[:n], err)
	}
	far.master.Close() // unplugged
	if _, err := p.Read(b); !errors.Is(err, ErrPortMissing) {
		t.Errorf("Read of an unplugged port = %v, want ErrPortMissing", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	s.Baud = 1
	if _, err := OpenPort(s); err == nil {
		t.Error("OpenPort takes 1 baud")
	}
}
