package modbus

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A peer is a network endpoint of our own writing, so that it can misbehave.
// Each connection is served by what handle makes of each question.
type peer struct {
	t     *testing.T
	l     net.Listener
	wg    sync.WaitGroup
	conns atomic.Int32
}

// newPeer serves each connection with serve, which ends when the connection does.
func newPeer(t *testing.T, serve func(conn int, c net.Conn)) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, l: l}
	var mu sync.Mutex
	var open []net.Conn
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			n := int(p.conns.Add(1))
			p.wg.Go(func() {
				defer c.Close()
				serve(n, c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *peer) url(scheme string) string { return scheme + "://" + p.l.Addr().String() }

// readMBAP reads one Modbus TCP frame: header of seven bytes and PDU.
func readMBAP(c io.Reader) (header, pdu []byte, err error) {
	header = make([]byte, 7)
	if _, err := io.ReadFull(c, header); err != nil {
		return nil, nil, err
	}
	pdu = make([]byte, binary.BigEndian.Uint16(header[4:])-1)
	_, err = io.ReadFull(c, pdu)
	return header, pdu, err
}

func mbap(header, pdu []byte) []byte {
	b := bytes.Clone(header)
	binary.BigEndian.PutUint16(b[4:], uint16(len(pdu)+1))
	return append(b, pdu...)
}

func networkLine(t *testing.T, url string, o Options) *Line {
	t.Helper()
	l, err := NewNetwork(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// A converter hands a late answer to whoever is connected. The answer to the
// first question comes after its time-out, and while the second would wait for
// its own if that went out at once on a new connection.
func TestLateAnswerOverTCP(t *testing.T) {
	const timeout, window = 500 * ms, 300 * ms
	var mu sync.Mutex
	var latest net.Conn // guarded by mu
	speak := func(after time.Duration, b []byte) {
		time.AfterFunc(after, func() {
			mu.Lock()
			defer mu.Unlock()
			latest.Write(b)
		})
	}
	var questions atomic.Int32
	p := newPeer(t, func(_ int, c net.Conn) {
		mu.Lock()
		latest = c
		mu.Unlock()
		for {
			q := make([]byte, 8)
			if _, err := io.ReadFull(c, q); err != nil {
				return
			}
			speak([]time.Duration{timeout + window/2, window, 0}[questions.Add(1)-1], holdings(q))
		}
	})
	l := networkLine(t, p.url("rtuovertcp"), Options{Timeout: timeout, LateWindow: window})
	if _, err := read(t, l, 40, 2); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("question 1: %v, want ErrNoAnswer", err)
	}
	wantRead(t, l, 50, 2)
	wantRead(t, l, 60, 2)
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1: time-outs cost none", n)
	}
}

// A frame of another unit does not end the wait for the right answer.
func TestOtherUnitOverTCP(t *testing.T) {
	var questions atomic.Int32
	p := newPeer(t, func(_ int, c net.Conn) {
		for {
			q := make([]byte, 8)
			if _, err := io.ReadFull(c, q); err != nil {
				return
			}
			if questions.Add(1) == 1 {
				c.Write(appendFrame(nil, 8, []byte{3, 4, 0, 0, 0, 0}))
			}
			c.Write(holdings(q))
		}
	})
	l := networkLine(t, p.url("rtuovertcp"), Options{Timeout: 300 * ms, LateWindow: 50 * ms})
	wantRead(t, l, 40, 2)
	wantRead(t, l, 50, 2)
	if s := l.Stats(); s.Foreign != 1 {
		t.Errorf("stats are %+v, want one foreign frame", s)
	}
}

func TestRTUOverTCPFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(q []byte) []byte
		want   error
	}{
		{"crc wrong", func(q []byte) []byte { b := holdings(q); b[4] ^= 1; return b }, ErrCRC},
		{"cut", func(q []byte) []byte { return holdings(q)[:5] }, ErrNoAnswer},
		{"cut in the header", func(q []byte) []byte { return holdings(q)[:2] }, ErrNoAnswer},
		{"another length", func(q []byte) []byte { return appendFrame(nil, 7, []byte{3, 2, 0, 0}) }, ErrAnswer},
		{"exception", func(q []byte) []byte { return appendFrame(nil, 7, []byte{0x83, 4}) }, &Exception{7, 3, 40, 2, 4}},
		{"unknown exception", func(q []byte) []byte { return appendFrame(nil, 7, []byte{0x83, 77}) }, &Exception{7, 3, 40, 2, 77}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var questions atomic.Int32
			p := newPeer(t, func(_ int, c net.Conn) {
				for {
					q := make([]byte, 8)
					if _, err := io.ReadFull(c, q); err != nil {
						return
					}
					if questions.Add(1) == 1 {
						c.Write(tt.answer(q))
						continue
					}
					c.Write(holdings(q))
				}
			})
			l := networkLine(t, p.url("rtuovertcp"), Options{Timeout: 300 * ms, LateWindow: 10 * ms})
			_, err := read(t, l, 40, 2)
			if want, ok := errors.AsType[*Exception](tt.want); ok {
				if e, ok := errors.AsType[*Exception](err); !ok || *e != *want {
					t.Errorf("error is %v, want %v", err, want)
				}
			} else if !errors.Is(err, tt.want) {
				t.Errorf("error is %v, want %v", err, tt.want)
			}
			wantRead(t, l, 50, 2)
		})
	}
}

// Over TCP a time-out leaves the connection alone: answers carry a number, and
// a late one is passed over. After three in a row it is made anew.
func TestTCPTimeouts(t *testing.T) {
	silent := atomic.Int32{}
	silent.Store(1)
	p := newPeer(t, func(_ int, c net.Conn) {
		var late []byte
		for {
			header, pdu, err := readMBAP(c)
			if err != nil {
				return
			}
			answer := mbap(header, holdingsPDU(pdu))
			if silent.Add(-1) >= 0 {
				late = append(late, answer...)
				continue
			}
			c.Write(append(late, answer...))
			late = nil
		}
	})
	l := networkLine(t, p.url("tcp"), Options{Timeout: 250 * ms, LateWindow: 10 * ms})
	if _, err := read(t, l, 40, 2); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("question 1: %v, want ErrNoAnswer", err)
	}
	wantRead(t, l, 50, 2)
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections after one time-out, want 1", n)
	}
	silent.Store(missLimit)
	for range missLimit {
		if _, err := read(t, l, 40, 2); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("question: %v, want ErrNoAnswer", err)
		}
	}
	wantRead(t, l, 60, 2)
	if n := p.conns.Load(); n != 2 {
		t.Errorf("%d connections after %d time-outs, want 2", n, missLimit)
	}
}

// An answer that is cut short is not made whole by the first bytes of a late one.
func TestTCPLateAnswerAfterTornOne(t *testing.T) {
	p := newPeer(t, func(_ int, c net.Conn) {
		for n := 0; ; n++ {
			header, pdu, err := readMBAP(c)
			if err != nil {
				return
			}
			answer := mbap(header, holdingsPDU(pdu))
			switch n {
			case 0:
				time.AfterFunc(300*ms, func() { c.Write(answer) })
			case 1:
				c.Write(answer[:len(answer)-2])
			default:
				c.Write(answer)
			}
		}
	})
	l := networkLine(t, p.url("tcp"), Options{Timeout: 200 * ms, LateWindow: 300 * ms})
	for i := range 2 {
		if pdu, err := read(t, l, 40, 2); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("question %d: %x, %v, want ErrNoAnswer", i+1, pdu, err)
		}
	}
	wantRead(t, l, 60, 2)
}

// The far end closes connections that idle. A read does not notice; a write
// fails, for nobody knows whether it was obeyed, and is not put again.
func TestIdleConnectionClosed(t *testing.T) {
	var mu sync.Mutex
	var writes int // guarded by mu
	p := newPeer(t, func(conn int, c net.Conn) {
		for n := 0; ; n++ {
			header, pdu, err := readMBAP(c)
			if err != nil {
				return
			}
			if pdu[0] == fcWriteRegister {
				mu.Lock()
				writes++
				mu.Unlock()
			}
			if n == 1 { // the second question on a connection meets its end
				return
			}
			answer := pdu
			if pdu[0] == fcReadHoldings {
				answer = holdingsPDU(pdu)
			}
			c.Write(mbap(header, answer))
		}
	})
	l := networkLine(t, p.url("tcp"), Options{Timeout: 10 * time.Second})
	for i := range uint16(4) {
		wantRead(t, l, 40+i, 2)
	}
	if n := p.conns.Load(); n != 4 {
		t.Errorf("%d connections, want 4", n)
	}
	if err := l.WriteRegister(t.Context(), 7, 1, 2); !errors.Is(err, ErrUnreachable) {
		t.Errorf("write on a broken connection: %v, want ErrUnreachable", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if writes != 1 {
		t.Errorf("the write was put %d times, want once", writes)
	}
}

// An endpoint that refuses connections fails questions at once while the
// back-off lasts.
func TestUnreachable(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	l := networkLine(t, "tcp://"+gone.Addr().String(), Options{})
	var first error
	for i := range 100 {
		_, err := read(t, l, 40, 2)
		if !errors.Is(err, ErrUnreachable) {
			t.Fatalf("error is %v, want ErrUnreachable", err)
		}
		if i == 0 {
			first = err
		} else if err.Error() != first.Error() {
			t.Errorf("error is %v, then %v", first, err)
		}
	}
	if s := l.Stats(); s.Failures != 1 || s.Questions != 0 {
		t.Errorf("stats are %+v, want one try to connect", s)
	}
}

func TestRawOverNetwork(t *testing.T) {
	p := newPeer(t, func(_ int, c net.Conn) { io.Copy(io.Discard, c) })
	l := networkLine(t, p.url("tcp"), Options{})
	if _, err := l.Read(t.Context(), Read{Unit: 7, Function: 0x64, Quantity: 1}); !errors.Is(err, ErrRaw) {
		t.Errorf("read by a private function: error %v, want ErrRaw", err)
	}
	if _, err := l.Do(t.Context(), 7, []byte{0x64}, 0); !errors.Is(err, ErrRaw) {
		t.Errorf("Do = %v, want ErrRaw", err)
	}
}

// The longest time-out asked for is the connection's; the connection is made
// anew for it once.
func TestLongerTimeout(t *testing.T) {
	p := newPeer(t, func(_ int, c net.Conn) {
		for {
			header, pdu, err := readMBAP(c)
			if err != nil {
				return
			}
			time.Sleep(60 * ms)
			c.Write(mbap(header, holdingsPDU(pdu)))
		}
	})
	l := networkLine(t, p.url("tcp"), Options{Timeout: 20 * ms})
	if _, err := read(t, l, 40, 2); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("short time-out: %v, want ErrNoAnswer", err)
	}
	for i := range uint16(3) {
		got, err := l.Read(t.Context(), Read{Unit: 7, Function: 3, Address: i, Quantity: 1, Timeout: 10 * time.Second})
		if err != nil || !bytes.Equal(got, holds(i, 1)) {
			t.Errorf("long time-out: % X, %v", got, err)
		}
	}
	if n := p.conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestUDP(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 300)
		for n := 1; ; n++ {
			k, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			header, pdu, err := readMBAP(bytes.NewReader(b[:k]))
			if err != nil {
				t.Errorf("datagram % X: %v", b[:k], err)
				return
			}
			answer := mbap(header, holdingsPDU(pdu))
			switch n {
			case 2:
				answer = answer[:5]
			case 4:
				answer = append(answer, 0) // leaves the client out of step
			}
			c.WriteTo(answer, from)
		}
	})
	defer wg.Wait()
	defer c.Close()
	l := networkLine(t, "udp://"+c.LocalAddr().String(), Options{Timeout: 300 * ms})
	wantRead(t, l, 40, 2)
	if _, err := read(t, l, 45, 2); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("cut datagram: %v, want ErrNoAnswer", err)
	}
	wantRead(t, l, 50, 2)
	wantRead(t, l, 55, 2)
	if _, err := read(t, l, 60, 2); !errors.Is(err, ErrAnswer) {
		t.Errorf("after a datagram too long: %v, want ErrAnswer", err)
	}
	wantRead(t, l, 65, 2)
}

// tcp+tls shows its certificate and checks the far end's.
func TestTLS(t *testing.T) {
	cert, pool := selfSigned(t)
	p := newPeer(t, func(_ int, c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
		for {
			header, pdu, err := readMBAP(s)
			if err != nil {
				return
			}
			s.Write(mbap(header, holdingsPDU(pdu)))
		}
	})
	o := Options{Timeout: 20 * time.Second, Certificate: cert, RootCAs: pool}
	wantRead(t, networkLine(t, p.url("tcp+tls"), o), 40, 2)

	o.RootCAs = x509.NewCertPool()
	_, err := read(t, networkLine(t, p.url("tcp+tls"), o), 40, 2)
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown || !errors.Is(err, ErrUnreachable) {
		t.Errorf("unknown authority: %v, want ErrUnreachable and why", err)
	}
}

// The pause is kept on a network too: the far side may be a bus.
func TestNetworkPause(t *testing.T) {
	const pause = 50 * ms
	var answered time.Time
	p := newPeer(t, func(_ int, c net.Conn) {
		for {
			header, pdu, err := readMBAP(c)
			if err != nil {
				return
			}
			if gap := time.Since(answered); gap < pause {
				t.Errorf("a question came %v after the answer before it, want %v at least", gap, pause)
			}
			answered = time.Now()
			c.Write(mbap(header, holdingsPDU(pdu)))
		}
	})
	l := networkLine(t, p.url("tcp"), Options{Timeout: 20 * time.Second, Pause: pause})
	for i := range uint16(3) {
		wantRead(t, l, i, 1)
	}
}

// Close does not wait for a connection that nobody takes.
func TestCloseWhileConnecting(t *testing.T) {
	// A TLS handshake that the far end never answers.
	p := newPeer(t, func(_ int, c net.Conn) { io.Copy(io.Discard, c) })
	cert, pool := selfSigned(t)
	l := networkLine(t, p.url("tcp+tls"), Options{Timeout: time.Minute, Certificate: cert, RootCAs: pool})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := read(t, l, 40, 2); !errors.Is(err, ErrClosed) {
			t.Errorf("question under way: %v, want ErrClosed", err)
		}
	})
	for p.conns.Load() == 0 {
		time.Sleep(ms)
	}
	start := time.Now()
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("Close took %v", d)
	}
	wg.Wait()
}

func selfSigned(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
