package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"envgate/drivers/modbus"
)

// A shareServer lets other programs of the gateway read what the site file allows, by
// Modbus TCP, so that none needs the port. Their questions go to the line as those of all
// guests do: in the gaps that the polls leave. Nothing can be written through it.
type shareServer struct {
	units  map[byte]*sharedUnit
	logger *slog.Logger
	seats  chan struct{}

	served, refused atomic.Uint64
}

// A sharedUnit is a device under the unit by which clients ask for it.
type sharedUnit struct {
	gate *gate
	ask  modbus.Read // its own unit, time-out and pause
	runs []run
}

// A run is a range that may be read.
type run struct {
	function    byte
	first, last int
}

const (
	shareSeats = 8               // connections at once
	shareRate  = 50              // questions of one connection in a second
	shareIdle  = 5 * time.Minute // a connection may say nothing
)

// The exceptions by which questions are refused (Modbus application protocol V1.1b3, 7).
const (
	refuseFunction = 1
	refuseAddress  = 2
	refuseValue    = 3
	refuseFailure  = 4
	refuseBusy     = 6
	refusePath     = 10 // no such unit is shared
	refuseTarget   = 11 // the unit does not answer
)

// startShare serves what is shared until ctx ends, if anything is. An address that cannot
// be listened on is said once and tried again.
func (a *agent) startShare(ctx context.Context, lines []*siteLine, all *sync.WaitGroup) {
	if a.site.Share == nil {
		return
	}
	s := newShareServer(a, lines)
	all.Go(func() {
		defer a.caught("share")
		for try := 0; ctx.Err() == nil; try++ {
			l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.site.Share.Listen)
			if err == nil {
				a.logger.Info("sharing", "address", l.Addr().String(), "units", len(s.units))
				s.serve(ctx, l)
				return
			}
			if try == 0 {
				a.logger.Error("cannot share", "address", a.site.Share.Listen, "err", err, "hint", hintFor(err))
			}
			select {
			case <-ctx.Done():
			case <-time.After(localRetry):
			}
		}
	})
}

func newShareServer(a *agent, lines []*siteLine) *shareServer {
	s := &shareServer{units: map[byte]*sharedUnit{}, logger: a.logger, seats: make(chan struct{}, shareSeats)}
	for _, rule := range a.site.Share.Allow {
		l, d, err := findDevice(lines, rule.Device)
		if err != nil {
			continue // the site file has been checked
		}
		u := s.units[byte(rule.Unit)]
		if u == nil {
			first := d.device.Plan()[0]
			u = &sharedUnit{gate: l.gate, ask: modbus.Read{Unit: first.Unit, Timeout: first.Timeout, Pause: first.Pause}}
			s.units[byte(rule.Unit)] = u
		}
		u.runs = append(u.runs, run{byte(rule.Function), rule.First, rule.Last})
	}
	return s
}

// serve takes connections until ctx ends, and waits for those that there are.
func (s *shareServer) serve(ctx context.Context, l net.Listener) {
	attend(ctx, l, func() { l.Close() }, s.seats, func(c net.Conn) { s.talk(ctx, c) }, func(net.Conn) { s.refused.Add(1) })
}

// talk serves one connection. Frames are those of Modbus TCP (Modbus messaging on TCP/IP
// V1.0b, 3.1.3): transaction 2, protocol 2, length 2, unit 1, PDU.
func (s *shareServer) talk(ctx context.Context, c net.Conn) {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	frame := make([]byte, 7+253)
	bucket, filled := shareRate, time.Now()
	said := false
	for {
		c.SetDeadline(time.Now().Add(shareIdle))
		if _, err := io.ReadFull(c, frame[:7]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(frame[4:])) - 1
		if frame[2] != 0 || frame[3] != 0 || n < 1 || n > 253 {
			return // no Modbus TCP: where the next frame begins nobody knows
		}
		if _, err := io.ReadFull(c, frame[7:7+n]); err != nil {
			return
		}
		if now := time.Now(); now.Sub(filled) >= time.Second {
			bucket, filled = shareRate, now
		}
		bucket--
		pdu, why := []byte{frame[7] | 0x80, refuseBusy}, "too many questions a second"
		if bucket >= 0 {
			pdu, why = s.answer(ctx, frame[6], frame[7:7+n])
		}
		if why == "" {
			s.served.Add(1)
		} else if s.refused.Add(1); !said {
			said = true
			s.logger.Warn("share: refused, and so on", "client", c.RemoteAddr().String(), "unit", frame[6], "function", frame[7], "err", why, "refused", s.refused.Load())
		}
		out := binary.BigEndian.AppendUint16(append([]byte(nil), frame[:4]...), uint16(1+len(pdu)))
		out = append(append(out, frame[6]), pdu...)
		c.SetDeadline(time.Now().Add(localWrite))
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// answer is the PDU that answers a question; why says for what reason it was refused.
func (s *shareServer) answer(ctx context.Context, unit byte, pdu []byte) (answer []byte, why string) {
	refuse := func(code byte, why string) ([]byte, string) { return []byte{pdu[0] | 0x80, code}, why }
	u := s.units[unit]
	switch {
	case pdu[0] < 1 || pdu[0] > 4:
		return refuse(refuseFunction, "functions 1 to 4 only: sharing reads and does not write")
	case u == nil:
		return refuse(refusePath, "no such unit is shared")
	case len(pdu) != 5:
		return refuse(refuseValue, "not a question of that function")
	}
	r := u.ask
	r.Function, r.Address, r.Quantity = pdu[0], binary.BigEndian.Uint16(pdu[1:]), binary.BigEndian.Uint16(pdu[3:])
	most := 125
	if r.Function <= 2 {
		most = 2000
	}
	switch {
	case r.Quantity == 0 || int(r.Quantity) > most:
		return refuse(refuseValue, "too many registers, or none")
	case !u.allows(r):
		return refuse(refuseAddress, "not allowed by the site file")
	}
	b, _, err := u.gate.guest(ctx, r)
	if err == nil {
		return append([]byte{r.Function, byte(len(b))}, b...), ""
	}
	if e, ok := errors.AsType[*modbus.Exception](err); ok {
		return []byte{r.Function | 0x80, e.Code}, "" // the unit's own word
	}
	code := byte(refuseFailure)
	switch {
	case errors.Is(err, modbus.ErrNoAnswer), errors.Is(err, modbus.ErrCRC), errors.Is(err, modbus.ErrAnswer):
		code = refuseTarget
	case errors.Is(err, errCrowded):
		code = refuseBusy
	}
	return refuse(code, err.Error())
}

// allows reports whether all of a question is within one run.
func (u *sharedUnit) allows(r modbus.Read) bool {
	for _, a := range u.runs {
		if a.function == r.Function && int(r.Address) >= a.first && int(r.Address)+int(r.Quantity)-1 <= a.last {
			return true
		}
	}
	return false
}
