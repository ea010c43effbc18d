package sim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A Link is the way from a gateway to its broker, with what goes wrong there: a TCP
// proxy. It cannot drop single packets; a network namespace can.
type Link struct {
	to      string
	address string

	mu       sync.Mutex
	listener net.Listener // nil while refusing
	live     map[net.Conn]bool
	delay    time.Duration
	judge    func(packet []byte) Verdict
	released chan struct{} // closed while nothing is held
	wg       sync.WaitGroup
}

// A Verdict is what becomes of an MQTT packet on its way from the broker.
type Verdict int

// Lost packets are as if the broker had never sent them; with HangUp the packet is
// lost and the connection ends, as when the broker dies before it could say so.
const (
	Through Verdict = iota
	LostOnWay
	HangUp
)

// OpenLink makes a way to a host and port. It fails where no port is free.
func OpenLink(to string) (*Link, error) {
	l := &Link{to: to, address: "127.0.0.1:0", live: map[net.Conn]bool{}, released: make(chan struct{})}
	close(l.released)
	return l, l.Accept()
}

// Addr is host and port to connect to instead.
func (l *Link) Addr() string { return l.address }

// Refuse closes the port and ends all connections: who connects is refused.
func (l *Link) Refuse() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener == nil {
		return nil
	}
	err := l.listener.Close()
	l.listener = nil
	l.cut()
	return err
}

// Accept ends Refuse.
func (l *Link) Accept() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		return fmt.Errorf("open link: %w", err)
	}
	l.listener, l.address = listener, listener.Addr().String()
	l.wg.Go(func() { l.accept(listener) })
	return nil
}

// Hold lets nothing through, either way; connections stay open and new ones are
// taken. It is what a network that drops everything looks like: after Release what was
// sent meanwhile arrives, if its connection is still there.
func (l *Link) Hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.released:
		l.released = make(chan struct{})
	default:
	}
}

// Release ends Hold.
func (l *Link) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.released:
	default:
		close(l.released)
	}
}

// Delay makes everything take so long, each way.
func (l *Link) Delay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// Cut ends all connections, without a word.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
}

func (l *Link) cut() {
	for c := range l.live {
		c.Close()
	}
}

// Judge has f look at each packet that comes from the broker, which must not be
// inside TLS. nil: none. It holds for connections that begin after it. f runs in
// several goroutines.
func (l *Link) Judge(f func(packet []byte) Verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.judge = f
}

// Close ends the link and waits for all that it began.
func (l *Link) Close() error {
	err := l.Refuse()
	l.Release()
	l.wg.Wait()
	return err
}

// accept takes connections until the listener ends.
func (l *Link) accept(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() { l.pass(near) })
	}
}

// pass serves one connection.
func (l *Link) pass(near net.Conn) {
	defer near.Close()
	far, err := net.DialTimeout("tcp", l.to, 5*time.Second)
	if err != nil {
		return
	}
	defer far.Close()
	l.mu.Lock()
	if l.listener == nil { // refusing meanwhile
		l.mu.Unlock()
		return
	}
	l.live[near], l.live[far] = true, true
	judge := l.judge
	l.mu.Unlock()

	end := make(chan struct{})
	var once sync.Once
	stop := func() { once.Do(func() { close(end); near.Close(); far.Close() }) }
	var both sync.WaitGroup
	both.Go(func() { defer stop(); l.copy(far, near, readChunk, nil, end) })
	both.Go(func() {
		defer stop()
		if judge == nil {
			l.copy(near, far, readChunk, nil, end)
			return
		}
		l.copy(near, bufio.NewReader(far), readPacket, judge, end)
	})
	both.Wait()

	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.live, near)
	delete(l.live, far)
}

// parcel is some bytes and when they came.
type parcel struct {
	b  []byte
	at time.Time
}

// parcels is how many may be on their way at a time.
const parcels = 256

// copy carries bytes one way until that ends.
func (l *Link) copy(to io.Writer, from io.Reader, read func(io.Reader) ([]byte, error), judge func([]byte) Verdict, end <-chan struct{}) {
	way := make(chan parcel, parcels)
	var reader sync.WaitGroup
	defer reader.Wait()
	reader.Go(func() {
		defer close(way)
		for {
			b, err := read(from)
			if len(b) > 0 {
				select {
				case way <- parcel{b, time.Now()}:
				case <-end:
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	defer func() {
		if c, ok := to.(io.Closer); ok { // so that the reader ends
			c.Close()
		}
	}()
	for p := range way {
		if !l.carry(p, end) {
			return
		}
		verdict := Through
		if judge != nil {
			verdict = judge(p.b)
		}
		switch verdict {
		case HangUp:
			return
		case LostOnWay:
			continue
		}
		if _, err := to.Write(p.b); err != nil {
			return
		}
	}
}

// carry waits until a parcel has been on its way for long enough, and nothing is held.
// It returns false where the connection ended first.
func (l *Link) carry(p parcel, end <-chan struct{}) bool {
	l.mu.Lock()
	delay := l.delay
	l.mu.Unlock()
	if rest := time.Until(p.at.Add(delay)); rest > 0 {
		t := time.NewTimer(rest)
		defer t.Stop()
		select {
		case <-t.C:
		case <-end:
			return false
		}
	}
	l.mu.Lock()
	released := l.released
	l.mu.Unlock()
	select {
	case <-released:
		return true
	case <-end:
		return false
	}
}

// readChunk reads what there is.
func readChunk(r io.Reader) ([]byte, error) {
	b := make([]byte, 16<<10)
	n, err := r.Read(b)
	return b[:n], err
}

// maxPacket bounds what a broker may send at once.
const maxPacket = 1 << 20

// readPacket reads one MQTT packet (MQTT 3.1.1, 2.2: type, remaining length).
func readPacket(r io.Reader) ([]byte, error) {
	br, ok := r.(*bufio.Reader)
	if !ok {
		return nil, errors.New("not buffered")
	}
	kind, err := br.ReadByte()
	if err != nil {
		return nil, err
	}
	head, size := []byte{kind}, 0
	for shift := 0; shift < 28; shift += 7 {
		c, err := br.ReadByte()
		if err != nil {
			return nil, err
		}
		head = append(head, c)
		size |= int(c&0x7F) << shift
		if c < 0x80 {
			break
		}
	}
	if size > maxPacket {
		return nil, fmt.Errorf("a packet of %d bytes: not MQTT", size)
	}
	b := make([]byte, len(head)+size)
	copy(b, head)
	_, err = io.ReadFull(br, b[len(head):])
	return b, err
}

// Kinds of MQTT packets, of PacketKind.
const (
	PacketConnack = 2
	PacketPublish = 3
	PacketPuback  = 4
)

// PacketKind is the kind of an MQTT packet, and the topic of one that has one.
func PacketKind(packet []byte) (kind byte, topic string) {
	if len(packet) == 0 {
		return 0, ""
	}
	kind = packet[0] >> 4
	if kind != PacketPublish {
		return kind, ""
	}
	rest := packet[1:]
	for len(rest) > 0 && rest[0] >= 0x80 {
		rest = rest[1:]
	}
	if len(rest) < 3 {
		return kind, ""
	}
	rest = rest[1:]
	n := int(rest[0])<<8 | int(rest[1])
	if len(rest) < 2+n {
		return kind, ""
	}
	return kind, string(rest[2 : 2+n])
}
