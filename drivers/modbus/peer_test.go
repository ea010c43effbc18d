package modbus_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"testing"
	"time"

	peer "github.com/simonvetter/modbus"

	"envgate/drivers/modbus"
)

// A device is memory behind a Modbus server that we did not write.
type device struct {
	mu       sync.Mutex
	coils    [100]bool   // guarded by mu
	holdings [200]uint16 // guarded by mu
}

func (d *device) HandleCoils(r *peer.CoilsRequest) ([]bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if int(r.Addr)+int(r.Quantity) > len(d.coils) {
		return nil, peer.ErrIllegalDataAddress
	}
	if r.IsWrite {
		copy(d.coils[r.Addr:], r.Args)
	}
	return append([]bool(nil), d.coils[r.Addr:r.Addr+r.Quantity]...), nil
}

func (d *device) HandleDiscreteInputs(r *peer.DiscreteInputsRequest) (bits []bool, err error) {
	for i := range r.Quantity {
		bits = append(bits, (r.Addr+i)%3 == 0)
	}
	return bits, nil
}

func (d *device) HandleHoldingRegisters(r *peer.HoldingRegistersRequest) ([]uint16, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.UnitId == 99 {
		return nil, peer.ErrGWTargetFailedToRespond
	}
	if int(r.Addr)+int(r.Quantity) > len(d.holdings) {
		return nil, peer.ErrIllegalDataAddress
	}
	if r.IsWrite {
		copy(d.holdings[r.Addr:], r.Args)
	}
	return append([]uint16(nil), d.holdings[r.Addr:r.Addr+r.Quantity]...), nil
}

func (d *device) HandleInputRegisters(r *peer.InputRegistersRequest) (values []uint16, err error) {
	for i := range r.Quantity {
		values = append(values, uint16(r.UnitId)<<8+r.Addr+i)
	}
	return values, nil
}

func startPeer(t *testing.T, d *device) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // for a free port
	if err != nil {
		t.Fatal(err)
	}
	url = "tcp://" + l.Addr().String()
	l.Close()
	s, err := peer.NewServer(&peer.ServerConfiguration{URL: url, Logger: log.New(io.Discard, "", 0)}, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	return url
}

// What we ask and what another's server understands is the same, for each
// function, up to the largest ranges.
func TestAgreesWithPeer(t *testing.T) {
	d := &device{}
	l, err := modbus.NewNetwork(startPeer(t, d), modbus.Options{Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx := context.Background()

	if err := l.WriteCoil(ctx, 3, 5, true); err != nil || !d.coils[5] {
		t.Errorf("WriteCoil: %v, coil is %t", err, d.coils[5])
	}
	if err := l.WriteCoil(ctx, 3, 5, false); err != nil || d.coils[5] {
		t.Errorf("WriteCoil: %v, coil is %t", err, d.coils[5])
	}
	pattern := []bool{true, false, true, true, false, false, true, true, true, false, true}
	if err := l.WriteCoils(ctx, 3, 10, pattern); err != nil {
		t.Errorf("WriteCoils: %v", err)
	}
	if got, err := l.Read(ctx, modbus.Read{Unit: 3, Function: 1, Address: 10, Quantity: 11}); err != nil || fmt.Sprintf("%08b", got) != "[11001101 00000101]" {
		t.Errorf("read coils: %08b, %v", got, err)
	}
	if got, err := l.Read(ctx, modbus.Read{Unit: 3, Function: 2, Address: 3, Quantity: 9}); err != nil || fmt.Sprintf("%08b", got) != "[01001001 00000000]" {
		t.Errorf("read discrete inputs: %08b, %v", got, err)
	}
	if got, err := l.Read(ctx, modbus.Read{Unit: 3, Function: 2, Address: 0, Quantity: 2000}); err != nil || len(got) != 250 {
		t.Errorf("read 2000 discrete inputs: %d bytes, %v", len(got), err)
	}
	if err := l.WriteRegister(ctx, 3, 7, 0xCAFE); err != nil || d.holdings[7] != 0xCAFE {
		t.Errorf("WriteRegister: %v, register is %04X", err, d.holdings[7])
	}
	var values []uint16
	for i := range uint16(123) {
		values = append(values, 1000*i)
	}
	if err := l.WriteRegisters(ctx, 3, 20, values); err != nil {
		t.Errorf("WriteRegisters: %v", err)
	}
	got, err := l.Read(ctx, modbus.Read{Unit: 3, Function: 3, Address: 20, Quantity: 123})
	if err != nil || len(got) != 246 {
		t.Fatalf("read holdings: %d bytes, %v", len(got), err)
	}
	for i, want := range values {
		if v := binary.BigEndian.Uint16(got[2*i:]); v != want {
			t.Fatalf("holding %d is %d, want %d", 20+i, v, want)
		}
	}
	if got, err := l.Read(ctx, modbus.Read{Unit: 3, Function: 4, Address: 65534, Quantity: 2}); err != nil || fmt.Sprintf("%X", got) != "02FE02FF" {
		t.Errorf("read inputs: %X, %v", got, err)
	}

	for _, r := range []struct {
		read modbus.Read
		want string
	}{
		{modbus.Read{Unit: 3, Function: 3, Address: 199, Quantity: 2}, "unit 3 refused holding 199 to 200: illegal data address (exception 2)"},
		{modbus.Read{Unit: 99, Function: 3, Address: 1, Quantity: 1}, "unit 99 refused holding 1: no answer from the unit behind the gateway (exception 11)"},
	} {
		if _, err := l.Read(ctx, r.read); err == nil || err.Error() != r.want {
			t.Errorf("error is %v, want %s", err, r.want)
		}
	}
	if _, err := l.Read(ctx, modbus.Read{Unit: 99, Function: 3, Address: 1, Quantity: 1}); !errors.Is(err, modbus.ErrNoAnswer) {
		t.Errorf("error is %v, want one that is ErrNoAnswer", err)
	}
	if s := l.Stats(); s.Reopens != 0 || s.Exceptions != 3 || s.Answers != s.Questions-3 {
		t.Errorf("stats are %+v", s)
	}
}

// Two units asked at once through one line do not mix.
func TestUnitsDoNotMix(t *testing.T) {
	l, err := modbus.NewNetwork(startPeer(t, &device{}), modbus.Options{Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wg sync.WaitGroup
	for unit := byte(1); unit <= 8; unit++ {
		wg.Go(func() {
			for range 50 {
				got, err := l.Read(context.Background(), modbus.Read{Unit: unit, Function: 4, Quantity: 1})
				if err != nil || got[0] != unit {
					t.Errorf("unit %d answered %X, %v", unit, got, err)
				}
			}
		})
	}
	wg.Wait()
}
