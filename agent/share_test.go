package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"envgate/drivers/modbus"
)

// shared is a server with unit 7, which is unit 1 of failBus, and units 12 to 14, which
// are its units 2 to 4.
func shared(t *testing.T) (*shareServer, string) {
	t.Helper()
	g := newGate(failBus{}, 0)
	s := &shareServer{units: map[byte]*sharedUnit{}, logger: slog.New(slog.DiscardHandler), seats: make(chan struct{}, shareSeats)}
	for unit, real := range map[byte]byte{7: 1, 12: 2, 13: 3, 14: 4} {
		s.units[unit] = &sharedUnit{gate: g, ask: modbus.Read{Unit: real}, runs: []run{{3, 10, 20}, {4, 0, 1}}}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { s.serve(ctx, l) })
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
	return s, l.Addr().String()
}

// utter sends a frame in hexadecimal and returns what comes back, until a pause.
func utter(t *testing.T, c net.Conn, frame string) string {
	t.Helper()
	b, err := hex.DecodeString(frame)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(b); err != nil {
		return "closed"
	}
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	head := make([]byte, 6)
	if _, err := io.ReadFull(c, head); err != nil {
		return "closed"
	}
	rest := make([]byte, head[5])
	if _, err := io.ReadFull(c, rest); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(append(head, rest...))
}

func TestShareAnswersWhatIsAllowed(t *testing.T) {
	_, address := shared(t)
	for _, c := range []struct{ name, question, want string }{
		{"allowed", "0001000000060703000a0002", "000100000007070304000aabcd"},
		{"the other function", "0102000000060704000000 02", "0102000000070704040000abcd"},
		{"before the run", "0001000000060703000a000c", "000100000003078302"},
		{"outside", "000100000006070300090001", "000100000003078302"},
		{"another function's run", "0001000000060704000a0001", "000100000003078402"},
		{"coils are not allowed", "000100000006070100000001", "000100000003078102"},
		{"a write", "0001000000060706000a0001", "000100000003078601"},
		{"a long write", "000100000009071000 0a000102ffff", "000100000003079001"},
		{"a unit that is not shared", "0001000000060803000a0001", "00010000000308830a"},
		{"none", "0001000000060703000a0000", "000100000003078303"},
		{"too many", "0001000000060703000a007e", "000100000003078303"},
		{"cut", "0001000000050703000a00", "000100000003078303"},
		{"refused by the unit", "0001000000060c03000a0001", "0001000000030c8302"},
		{"port gone", "0001000000060d03000a0001", "0001000000030d8304"},
		{"silent unit", "0001000000060e03000a0001", "0001000000030e830b"},
		{"another protocol", "0001000100060703000a0001", "closed"},
		{"no PDU", "00010000000107", "closed"},
		{"too long", "0001000000ff07", "closed"},
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		question := string(bytes.ReplaceAll([]byte(c.question), []byte(" "), nil))
		if got := utter(t, conn, question); got != c.want {
			t.Errorf("%s: %s brings %s, want %s", c.name, question, got, c.want)
		}
		conn.Close()
	}
}

func TestShareIsBounded(t *testing.T) {
	s, address := shared(t)
	var conns []net.Conn
	for range shareSeats {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := utter(t, c, "0001000000060703000a0001"); got == "closed" {
			t.Fatal("a seat that is free was refused")
		}
		conns = append(conns, c)
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := utter(t, c, "0001000000060703000a0001"); got != "closed" {
		t.Errorf("connection %d: %s, want it closed", shareSeats+1, got)
	}
	busy := 0
	for range 3 * shareRate {
		if got := utter(t, conns[0], "000100000006070600000001"); got == "000100000003078606" {
			busy++
		}
	}
	if busy == 0 || s.refused.Load() < 3*shareRate {
		t.Errorf("%d of %d quick questions were put off, %d refused", busy, 3*shareRate, s.refused.Load())
	}
}
