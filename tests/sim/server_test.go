package sim

import (
	"io"
	"log"
	"net"
	"testing"
	"time"

	"github.com/simonvetter/modbus"
)

// open opens somebody else's client on a server.
func open(t *testing.T, url string) *modbus.ModbusClient {
	t.Helper()
	c, err := modbus.NewClient(&modbus.ClientConfiguration{
		URL: url, Timeout: 5 * time.Second, Logger: log.New(io.Discard, "", 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Somebody else's client must understand both framings.
func TestForeignClient(t *testing.T) {
	for _, rtu := range []bool{false, true} {
		s, err := Listen(ServerOptions{RTU: rtu})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		ozone := TeledyneT400("o")
		s.Attach(1, ozone)
		s.Attach(2, BolingDust("d"))
		dust := s.Attach(3, SonbestSM7901B("n"))
		ozone.SetBit(2, true)

		c := open(t, s.URL())
		c.SetUnitId(1)
		for n := 1; n <= 3; n++ {
			v, err := c.ReadFloat32(18, modbus.INPUT_REGISTER)
			if err != nil {
				t.Fatalf("%s: %v", s.URL(), err)
			}
			if got := int(v*100+0.5) % 100; got != n {
				t.Errorf("%s: reading %d is %g", s.URL(), n, v)
			}
		}
		if bits, err := c.ReadDiscreteInputs(0, 10); err != nil || !bits[2] || bits[3] {
			t.Errorf("%s: warnings %v, %v, want the third", s.URL(), bits, err)
		}
		c.SetUnitId(2)
		if v, err := c.ReadUint32(0, modbus.HOLDING_REGISTER); err != nil || v%100 != 1 {
			t.Errorf("%s: dust %d, %v, want number 1", s.URL(), v, err)
		}
		if _, err := c.ReadRegister(0x40, modbus.HOLDING_REGISTER); err != modbus.ErrIllegalDataAddress {
			t.Errorf("%s: error %v, want illegal data address", s.URL(), err)
		}
		dust.SetFault(Fault{Exception: 4})
		c.SetUnitId(3)
		if _, err := c.ReadRegister(0, modbus.HOLDING_REGISTER); err != modbus.ErrServerDeviceFailure {
			t.Errorf("%s: error %v, want device failure", s.URL(), err)
		}
		if !rtu {
			c.SetUnitId(9)
			if _, err := c.ReadRegister(0, modbus.HOLDING_REGISTER); err != modbus.ErrGWTargetFailedToRespond {
				t.Errorf("%s: error %v, want that the target failed to respond", s.URL(), err)
			}
		}
	}
}

func TestServerUnplugged(t *testing.T) {
	s, err := Listen(ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Attach(1, SonbestSM7901B("n"))
	c := open(t, s.URL())
	if err := s.Unplug(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReadRegister(0, modbus.HOLDING_REGISTER); err == nil {
		t.Error("read from an unplugged endpoint went well")
	}
	if conn, err := net.Dial("tcp", s.Addr()); err == nil {
		conn.Close()
		t.Error("an unplugged endpoint took a connection")
	}
	if err := s.Replug(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, s.URL()).ReadRegister(0, modbus.HOLDING_REGISTER); err != nil {
		t.Errorf("read after replugging: %v", err)
	}
}

// Over Modbus TCP, which has no checksum, it is the transaction number that a
// fault makes wrong.
func TestWrongTransaction(t *testing.T) {
	s, err := Listen(ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	u := s.Attach(1, SonbestSM7901B("n"))
	u.SetFault(Fault{WrongCRC: true, Times: 1})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i, wrong := range []bool{true, false} {
		if _, err := conn.Write([]byte{7, 7, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1}); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 11)
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatal(err)
		}
		if got := b[0] != 7 || b[1] != 7; got != wrong {
			t.Errorf("answer %d: %x, wrong transaction is %v, want %v", i+1, b, got, wrong)
		}
	}
}

// An answer that waits when the endpoint closes is dropped, and Close waits
// for it.
func TestCloseDropsLateAnswers(t *testing.T) {
	s, err := Listen(ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	in := SonbestSM7901B("n")
	s.Attach(1, in).SetFault(Fault{Late: time.Hour})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1}); err != nil {
		t.Fatal(err)
	}
	for in.Journal("LA") == nil { // until the question was heard
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if j := in.Journal("LA"); j[0].Outcome != Dropped {
		t.Errorf("outcome %q, want %q", j[0].Outcome, Dropped)
	}
}
