package modbus

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The questions are the examples of the application protocol document, section
// 6, one for each function.
func TestQuestionBytes(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"coils 19 to 37", appendRead(nil, Read{Function: 1, Address: 19, Quantity: 19}), "01 0013 0013"},
		{"discrete inputs 196 to 217", appendRead(nil, Read{Function: 2, Address: 196, Quantity: 22}), "02 00C4 0016"},
		{"holdings 107 to 109", appendRead(nil, Read{Function: 3, Address: 107, Quantity: 3}), "03 006B 0003"},
		{"input 8", appendRead(nil, Read{Function: 4, Address: 8, Quantity: 1}), "04 0008 0001"},
		{"coil 172 on", appendWriteCoil(nil, 172, true), "05 00AC FF00"},
		{"coil 172 off", appendWriteCoil(nil, 172, false), "05 00AC 0000"},
		{"holding 1", appendWriteRegister(nil, 1, 3), "06 0001 0003"},
		{
			"coils 19 to 28",
			appendWriteCoils(nil, 19, []bool{true, false, true, true, false, false, true, true, true, false}),
			"0F 0013 000A 02 CD01",
		},
		{"holdings 1 and 2", appendWriteRegisters(nil, 1, []uint16{10, 258}), "10 0001 0002 04 000A 0102"},
	} {
		if want := unhex(t, tt.want); !bytes.Equal(tt.got, want) {
			t.Errorf("%s: question is % X, want % X", tt.name, tt.got, want)
		}
	}
}

// What must not go on the wire does not even open the line.
func TestRefusedQuestions(t *testing.T) {
	l := newLine("test", Options{Timeout: time.Second}, nil) // a nil bus panics when touched
	ctx := context.Background()
	read := func(r Read) error { _, err := l.Read(ctx, r); return err }
	do := func(unit byte, pdu []byte, timeout time.Duration) error {
		_, err := l.Do(ctx, unit, pdu, timeout)
		return err
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{read(Read{Unit: 0, Function: 3, Quantity: 1}), "read unit 0: question refused: unit 0 is the broadcast, which nobody answers: a unit is 1 to 247"},
		{read(Read{Unit: 248, Function: 3, Quantity: 1}), "read unit 248: question refused: unit 248 is reserved: a unit is 1 to 247"},
		{read(Read{Unit: 1, Function: 3}), "read unit 1: question refused: quantity is 0: one question takes 1 to 125"},
		{read(Read{Unit: 1, Function: 3, Quantity: 126}), "read unit 1: question refused: quantity is 126: one question takes 1 to 125"},
		{read(Read{Unit: 1, Function: 4, Quantity: 126}), "read unit 1: question refused: quantity is 126: one question takes 1 to 125"},
		{read(Read{Unit: 1, Function: 2, Quantity: 2001}), "read unit 1: question refused: quantity is 2001: one question takes 1 to 2000"},
		{read(Read{Unit: 1, Function: 3, Address: 65535, Quantity: 2}), "read unit 1: question refused: range ends at 65536: addresses end at 65535"},
		{read(Read{Unit: 1, Function: 5, Quantity: 1}), "read unit 1: question refused: function 5 does not read: 1 to 4 do"},
		{read(Read{Unit: 1, Function: 3, Quantity: 1, Timeout: -1}), "read unit 1 holding 0: question refused: time-out is -1ns: 0 to 10m0s"},
		{l.WriteCoil(ctx, 0, 0, true), "write unit 0: question refused: unit 0 is the broadcast, which nobody answers: a unit is 1 to 247"},
		{l.WriteRegister(ctx, 255, 0, 0), "write unit 255: question refused: unit 255 is reserved: a unit is 1 to 247"},
		{l.WriteCoils(ctx, 1, 0, nil), "write unit 1: question refused: quantity is 0: one question takes 1 to 1968"},
		{l.WriteCoils(ctx, 1, 0, make([]bool, 1969)), "write unit 1: question refused: quantity is 1969: one question takes 1 to 1968"},
		{l.WriteRegisters(ctx, 1, 0, make([]uint16, 124)), "write unit 1: question refused: quantity is 124: one question takes 1 to 123"},
		{l.WriteRegisters(ctx, 1, 65535, make([]uint16, 2)), "write unit 1: question refused: range ends at 65536: addresses end at 65535"},
		{do(0, []byte{0x64}, 0), "ask unit 0: question refused: unit 0 is the broadcast, which nobody answers: a unit is 1 to 247"},
		{do(1, nil, 0), "ask unit 1: question refused: 0 bytes: a PDU has 1 to 253"},
		{do(1, make([]byte, 254), 0), "ask unit 1: question refused: 254 bytes: a PDU has 1 to 253"},
		{do(1, []byte{0x83}, 0), "ask unit 1: question refused: function is 131: 1 to 127"},
		{do(1, []byte{0x64}, time.Hour), "ask unit 1 function 100: question refused: time-out is 1h0m0s: 0 to 10m0s"},
	} {
		if !errors.Is(tt.err, ErrQuestion) || tt.err.Error() != tt.want {
			t.Errorf("error is %q, want %q", tt.err, tt.want)
		}
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
}

func TestExceptionText(t *testing.T) {
	for _, tt := range []struct {
		e    Exception
		want string
	}{
		{Exception{7, 3, 40, 12, 2}, "unit 7 refused holding 40 to 51: illegal data address (exception 2)"},
		{Exception{7, 4, 0, 1, 6}, "unit 7 refused input 0: device busy (exception 6)"},
		{Exception{7, 1, 65535, 1, 1}, "unit 7 refused coil 65535: illegal function (exception 1)"},
		{Exception{7, 2, 8, 8, 4}, "unit 7 refused discrete input 8 to 15: device failure (exception 4)"},
		{Exception{7, 100, 0, 0, 99}, "unit 7 refused function 100: a reason the standard does not know (exception 99)"},
	} {
		if got := tt.e.Error(); got != tt.want {
			t.Errorf("%#v says %q, want %q", tt.e, got, tt.want)
		}
	}
	if err := error(&Exception{Code: 11}); !errors.Is(err, ErrNoAnswer) {
		t.Error("exception 11 is not ErrNoAnswer: the gateway says just that")
	}
	if err := error(&Exception{Code: 2}); errors.Is(err, ErrNoAnswer) {
		t.Error("exception 2 is ErrNoAnswer: it is an answer")
	}
}

func TestSerialTimes(t *testing.T) {
	for _, tt := range []struct {
		s             Serial
		char, silence time.Duration
	}{
		{Serial{Baud: 9600, Parity: "even", StopBits: 1}, 11 * time.Second / 9600, 11 * time.Second / 9600 * 7 / 2},
		{Serial{Baud: 9600, Parity: "none", StopBits: 1}, 10 * time.Second / 9600, 10 * time.Second / 9600 * 7 / 2},
		{Serial{Baud: 9600, Parity: "none", StopBits: 2}, 11 * time.Second / 9600, 11 * time.Second / 9600 * 7 / 2},
		{Serial{Baud: 1200, Parity: "odd", StopBits: 2}, 10 * time.Millisecond, 35 * time.Millisecond},
		{Serial{Baud: 19200, Parity: "even", StopBits: 1}, 11 * time.Second / 19200, 1750 * time.Microsecond},
		{Serial{Baud: 115200, Parity: "even", StopBits: 1}, 11 * time.Second / 115200, 1750 * time.Microsecond},
	} {
		if c, q := tt.s.charTime(), tt.s.silence(); c != tt.char || q != tt.silence {
			t.Errorf("%d baud, parity %s, %d stop bits: character %v, silence %v, want %v, %v",
				tt.s.Baud, tt.s.Parity, tt.s.StopBits, c, q, tt.char, tt.silence)
		}
	}
	s := Serial{Baud: 1200, Parity: "even", StopBits: 2}
	if got, want := s.WireTime(Read{Function: 3, Quantity: 10}), 33*10*time.Millisecond+70*time.Millisecond; got != want {
		t.Errorf("wire time of ten registers at 1200 baud is %v, want %v", got, want)
	}
}

func TestNonsenseOptions(t *testing.T) {
	good := Serial{Port: "/dev/none", Baud: 9600, DataBits: 8, Parity: "even", StopBits: 1}
	serial := func(change func(*Serial)) error {
		s := good
		change(&s)
		_, err := NewSerial(s, Options{})
		return err
	}
	network := func(url string, o Options) error { _, err := NewNetwork(url, o); return err }
	for _, tt := range []struct {
		err  error
		want string
	}{
		{serial(func(s *Serial) { s.Port = "" }), "serial port has no path"},
		{serial(func(s *Serial) { s.Baud = 0 }), "serial port /dev/none: baud is 0: 300 to 4000000 is possible"},
		{serial(func(s *Serial) { s.DataBits = 7 }), "serial port /dev/none: data bits is 7: RTU needs 8"},
		{serial(func(s *Serial) { s.Parity = "" }), `serial port /dev/none: parity is "": none, even or odd`},
		{serial(func(s *Serial) { s.StopBits = 0 }), "serial port /dev/none: stop bits is 0: 1 or 2"},
		{network("tcp://h:502", Options{Timeout: -1}), "network line tcp://h:502: time-out is -1ns: 0 to 10m0s"},
		{network("tcp://h:502", Options{LateWindow: time.Hour}), "network line tcp://h:502: late window is 1h0m0s: 0 to 10m0s"},
		{network("h:502", Options{}), `network line "h:502": no scheme: tcp://, tcp+tls://, udp:// or rtuovertcp://`},
		{network("rtu://h:502", Options{}), `network line "rtu://h:502": scheme is "rtu": tcp, tcp+tls, udp or rtuovertcp`},
		{network("tcp://h", Options{}), `network line "tcp://h": want host:port after tcp://; Modbus TCP's port is 502`},
		{network("tcp://h:0", Options{}), `network line "tcp://h:0": port is "0": 1 to 65535`},
		{network("tcp://h:65536", Options{}), `network line "tcp://h:65536": port is "65536": 1 to 65535`},
		{network("tcp+tls://h:802", Options{}), `network line "tcp+tls://h:802": tcp+tls needs a client certificate and the server's CA`},
	} {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("error is %v, want %s", tt.err, tt.want)
		}
	}
}
