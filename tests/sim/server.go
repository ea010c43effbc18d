package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ServerOptions say what a network endpoint is like.
type ServerOptions struct {
	// Address is host and port to listen on. "": a free port of 127.0.0.1.
	Address string
	// RTU: serial frames with checksum straight over TCP, as a serial device
	// server passes them, instead of Modbus TCP.
	RTU bool
	// Baud and Think: as of the bus behind the endpoint, see BusOptions.
	Baud  int
	Think time.Duration
}

// A Server is a network endpoint with units behind it. Over Modbus TCP a unit
// that is not there is refused with exception 11, as gateways do; over RTU
// frames it is silent.
type Server struct {
	o       ServerOptions
	address string
	us      units

	connections atomic.Uint64

	mu       sync.Mutex
	listener net.Listener // nil while unplugged
	live     map[*session]bool
	wg       sync.WaitGroup
}

// Listen opens an endpoint.
func Listen(o ServerOptions) (*Server, error) {
	s := &Server{o: o, address: o.Address, live: map[*session]bool{}}
	if s.address == "" {
		s.address = "127.0.0.1:0"
	}
	if err := s.Replug(); err != nil {
		return nil, err
	}
	return s, nil
}

// Addr is host and port that the endpoint listens on, also while unplugged.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// URL is the address in the form of a site file: tcp:// or rtuovertcp://.
func (s *Server) URL() string {
	if s.o.RTU {
		return "rtuovertcp://" + s.Addr()
	}
	return "tcp://" + s.Addr()
}

// Connections is how many connections were taken, ever.
func (s *Server) Connections() uint64 { return s.connections.Load() }

// Attach puts an instrument behind the endpoint at an address from 1 to 247,
// in place of what was there.
func (s *Server) Attach(address byte, in *Instrument) *Unit {
	return s.us.attach(address, in)
}

// Unplug closes the port and all connections, and waits for them.
func (s *Server) Unplug() error {
	s.mu.Lock()
	if s.listener == nil {
		s.mu.Unlock()
		return nil
	}
	err := s.listener.Close()
	s.listener = nil
	for c := range s.live {
		c.hangUp()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

// Replug opens the same port again; an endpoint that is open stays as it is.
func (s *Server) Replug() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("open endpoint: %w", err)
	}
	s.listener, s.address = l, l.Addr().String()
	s.wg.Go(func() { s.accept(l) })
	return nil
}

// Close closes the endpoint for good.
func (s *Server) Close() error { return s.Unplug() }

// accept takes connections until the listener ends.
func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		ses := newSession(c, s.o.Baud, s.o.Think)
		s.connections.Add(1)
		s.mu.Lock()
		if s.listener != l { // unplugged meanwhile
			s.mu.Unlock()
			ses.end()
			return
		}
		s.live[ses] = true
		s.wg.Go(func() { s.serve(ses) })
		s.mu.Unlock()
	}
}

// serve answers one connection until it ends.
func (s *Server) serve(ses *session) {
	if s.o.RTU {
		ses.listen(&s.us)
	} else {
		ses.listenTCP(&s.us)
	}
	ses.end()
	s.mu.Lock()
	delete(s.live, ses)
	s.mu.Unlock()
}

// listenTCP reads Modbus TCP questions: transaction, protocol 0, length, unit,
// PDU (Modbus messaging on TCP/IP 1.0b, 3.1.3).
func (s *session) listenTCP(us *units) error {
	head := make([]byte, 7)
	for {
		if _, err := io.ReadFull(s.l, head); err != nil {
			return err
		}
		n := int(binary.BigEndian.Uint16(head[4:])) - 1 // without the unit
		if head[2] != 0 || head[3] != 0 || n < 1 || n > 253 {
			return errors.New("not Modbus TCP")
		}
		pdu := make([]byte, n)
		if _, err := io.ReadFull(s.l, pdu); err != nil {
			return err
		}
		question := append(append([]byte(nil), head...), pdu...)
		fr := framing{
			wrap:  func(pdu []byte) []byte { return appendTCP(question[:2], question[6], pdu) },
			spoil: func(frame []byte) { frame[1] ^= 0x10 },
		}
		s.heard = time.Now()
		ready := s.ready(len(pdu) + 3) // as a serial frame
		if u := us.get(question[6]); u != nil {
			u.hear(pdu, question, fr, s.m, ready)
		} else if !s.m.write(fr.wrap(refuse(pdu[0], targetSilent))) {
			return io.ErrClosedPipe
		}
	}
}

// appendTCP makes a Modbus TCP frame.
func appendTCP(transaction []byte, unit byte, pdu []byte) []byte {
	b := append([]byte(nil), transaction...)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(pdu)+1))
	b = append(b, unit)
	return append(b, pdu...)
}
