package uplink

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"envgate/envelope"
)

// A wire is the connection under the MQTT client. The client believes what a broker
// says about sizes: it would make room for 256 MB at a packet's first five bytes, and
// panics at a SUBACK with more codes than it asked for. So each packet's head is read
// here before the client sees it, and what no broker should send ends the connection.
// A wire also bounds how long a write may take, counts bytes, tells of its loss, and
// writes several messages at once where more than one is on its way: that is one call of
// the system, and one record of TLS.
type wire struct {
	net.Conn
	r    *bufio.Reader
	e    *ears
	in   inspector
	once sync.Once
	err  error // of the inspector

	last atomic.Uint64 // message that ends the newest batch, counted from 1

	mu      sync.Mutex // one write at a time: the client pings from another goroutine
	n       uint64     // messages written; guarded by mu
	waiting []byte     // that is, of a batch which is not at its end; guarded by mu
}

// batchBytes is the most that waits for more. At 256 kbit/s it takes 250 ms.
const batchBytes = 8 << 10

func newWire(c net.Conn, e *ears) *wire {
	return &wire{Conn: c, r: bufio.NewReaderSize(inward{c, e.traffic}, 2048), e: e}
}

// inward counts what comes as it comes. The client reads a head byte by byte, and each of
// these reads would cost a packet.
type inward struct {
	net.Conn
	t *traffic
}

func (i inward) Read(p []byte) (int, error) {
	n, err := i.Conn.Read(p)
	if n > 0 {
		i.t.metered.Add(toll(n))
	}
	return n, err
}

func (w *wire) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.r.Read(p)
	w.e.traffic.in.Add(uint64(n))
	if bad := w.in.inspect(p[:n]); bad != nil {
		w.err = bad
		n, err = 0, bad
	}
	if err != nil {
		w.e.lose(err)
	}
	return n, err
}

// Write takes one packet. A message that does not end its batch may be kept; anything
// else takes along what was kept.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting)+len(p) > batchBytes {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	w.waiting = append(w.waiting, p...)
	if len(p) > 0 && p[0]>>4 == publish {
		w.n++
		// The end of an older batch may be kept too: that of a newer one comes.
		if w.n != w.last.Load() && len(w.waiting) < batchBytes {
			return len(p), nil
		}
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// flush writes what waits; mu is held.
func (w *wire) flush() error {
	if len(w.waiting) == 0 {
		return nil
	}
	p := w.waiting
	w.waiting = w.waiting[:0]
	if cap(p) > 2*batchBytes {
		w.waiting = nil // a birth was large
	}
	if err := w.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	n, err := w.Conn.Write(p)
	w.e.traffic.out.Add(uint64(n))
	w.e.traffic.metered.Add(toll(n))
	if err != nil {
		w.e.lose(err)
		return err
	}
	// A deadline that is past would fail what TLS writes while it reads.
	return w.SetWriteDeadline(time.Time{})
}

// Close may be called more than once and from anywhere.
func (w *wire) Close() error {
	var err error
	w.once.Do(func() { err = w.Conn.Close() })
	return err
}

// Packet types that a broker sends to a client who publishes and subscribes with QoS 1
// (MQTT 3.1.1, table 2.1).
const (
	connack  = 2
	publish  = 3
	puback   = 4
	suback   = 9
	unsuback = 11
	pingresp = 13
)

// maxPacket is the largest message of ours, as an echo may bring it back, with its topic.
const maxPacket = envelope.MaxEvent + 4096

// A ProtocolError is what a broker sent and no broker should.
type ProtocolError struct{ Text string }

func (e *ProtocolError) Error() string { return "broker does not keep to MQTT 3.1.1: " + e.Text }

// A RefusedError is a broker's no to our CONNECT.
type RefusedError struct{ Code byte }

func (e *RefusedError) Error() string {
	texts := [...]string{
		1: "it does not speak MQTT 3.1.1", 2: "client id not accepted", 3: "server unavailable",
		4: "bad user name or password", 5: "not authorised",
	}
	text := "reason unknown"
	if int(e.Code) < len(texts) && e.Code > 0 {
		text = texts[e.Code]
	}
	return fmt.Sprintf("broker refused the connection: %s (code %d)", text, e.Code)
}

// An inspector follows the packets in a stream of bytes, in whatever pieces they come.
type inspector struct {
	kind   byte
	state  int // 0 first byte, 1 length, 2 body
	shift  uint
	length int
	body   int // bytes still to come
}

// inspect goes on with b. The error comes at the latest with the last byte of a bad
// packet's length, or with the code of a refusal that the client does not know.
func (in *inspector) inspect(b []byte) error {
	for len(b) > 0 {
		switch in.state {
		case 0:
			in.kind = b[0] >> 4
			in.state, in.shift, in.length = 1, 0, 0
			b = b[1:]
		case 1:
			d := b[0]
			b = b[1:]
			in.length |= int(d&0x7F) << in.shift
			in.shift += 7
			if d&0x80 != 0 {
				if in.shift > 21 {
					return &ProtocolError{"length of more than 4 bytes"}
				}
				continue
			}
			if err := checkPacket(in.kind, in.length); err != nil {
				return err
			}
			in.body, in.state = in.length, 2
			if in.body == 0 {
				in.state = 0
			}
		case 2:
			n := min(in.body, len(b))
			in.body -= n
			if in.body == 0 {
				in.state = 0
				// The client takes a refusal whose code it does not know for a success.
				if code := b[n-1]; in.kind == connack && code > 5 {
					return &RefusedError{code}
				}
			}
			b = b[n:]
		}
	}
	return nil
}

func checkPacket(kind byte, length int) error {
	want := 2
	switch kind {
	case publish:
		if length < 2 || length > maxPacket {
			return &ProtocolError{fmt.Sprintf("message of %d bytes: at most %d", length, maxPacket)}
		}
		return nil
	case connack, puback, unsuback:
	case suback:
		want = 3 // we ask for one topic at a time
	case pingresp:
		want = 0
	default:
		return &ProtocolError{fmt.Sprintf("packet of type %d", kind)}
	}
	if length != want {
		return &ProtocolError{fmt.Sprintf("packet of type %d with %d bytes: %d", kind, length, want)}
	}
	return nil
}
