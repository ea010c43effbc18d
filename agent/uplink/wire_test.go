package uplink

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestInspect(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want string // "" = good
	}{
		{"connack", []byte{0x20, 2, 0, 0}, ""},
		{"connack with a known refusal", []byte{0x20, 2, 0, 5}, ""}, // the client's business
		{"connack with an unknown refusal", []byte{0x20, 2, 0, 6}, "code 6"},
		{"long connack", []byte{0x20, 3, 0, 0, 0}, "type 2 with 3 bytes"},
		{"suback", []byte{0x90, 3, 0, 1, 1}, ""},
		{"suback with two codes", []byte{0x90, 4, 0, 1, 1, 1}, "type 9 with 4 bytes"},
		{"suback without a code", []byte{0x90, 2, 0, 1}, "type 9 with 2 bytes"},
		{"puback", []byte{0x40, 2, 0, 1}, ""},
		{"short puback", []byte{0x40, 1, 0}, "type 4 with 1 bytes"},
		{"unsuback", []byte{0xB0, 2, 0, 1}, ""},
		{"pingresp", []byte{0xD0, 0}, ""},
		{"pingresp with a body", []byte{0xD0, 1, 0}, "type 13 with 1 bytes"},
		{"publish", []byte{0x30, 4, 0, 1, 'a', 'b'}, ""},
		{"publish of 256 MB", []byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, "268435455 bytes"},
		{"publish just too large", []byte{0x30, 0x81, 0xA0, 0x04}, "69633 bytes"},
		{"publish without a topic", []byte{0x30, 1, 0}, "1 bytes"},
		{"length of five bytes", []byte{0x30, 0x80, 0x80, 0x80, 0x80, 1}, "more than 4"},
		{"pubrec", []byte{0x50, 2, 0, 1}, "type 5"},
		{"connect", []byte{0x10, 0}, "type 1"},
		{"http", []byte("HTTP/1.1 400 Bad Request\r\n"), "type 4 with 84"},
		{"second packet", []byte{0xD0, 0, 0x40, 2, 0, 1, 0x50, 2}, "type 5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var in inspector
			err := in.inspect(tt.in)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("inspect(% x) = %v, want %q", tt.in, err, tt.want)
			}
		})
	}
}

// The verdict does not depend on how the bytes are cut, and what passes is within bounds.
func FuzzInspect(f *testing.F) {
	f.Add([]byte{0x20, 2, 0, 0, 0x90, 3, 0, 1, 1, 0x30, 4, 0, 1, 'a', 'b'}, uint8(3))
	f.Add([]byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, uint8(1))
	f.Add([]byte{0x20, 2, 0, 9}, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		var whole, pieces inspector
		err := whole.inspect(b)
		var err2 error
		size := int(cut)%7 + 1
		for rest := b; len(rest) > 0 && err2 == nil; {
			n := min(size, len(rest))
			err2 = pieces.inspect(rest[:n])
			rest = rest[n:]
			if err2 == nil && pieces.body > maxPacket {
				t.Fatalf("a packet of %d bytes passed", pieces.body)
			}
		}
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("inspect(% x) = %v, in pieces of %d: %v", b, err, size, err2)
		}
		if err == nil && whole != pieces {
			t.Fatalf("states differ: %+v, %+v", whole, pieces)
		}
	})
}

func TestWire(t *testing.T) {
	near, far := net.Pipe()
	var tr traffic
	e := newEars(&tr)
	w := newWire(near, e)
	defer w.Close()
	go func() {
		far.Write([]byte{0xD0, 0, 0x30, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3})
		io.Copy(io.Discard, far)
	}()
	var got []byte
	var err error
	for b := make([]byte, 1); err == nil; {
		var n int
		n, err = w.Read(b)
		got = append(got, b[:n]...)
	}
	if want := []byte{0xD0, 0, 0x30, 0xFF, 0xFF, 0xFF}; !bytes.Equal(got, want) {
		t.Errorf("read % x, want % x: the end of the length must not reach the client", got, want)
	}
	if _, ok := errors.AsType[*ProtocolError](err); !ok {
		t.Errorf("error %v", err)
	}
	if _, again := w.Read(make([]byte, 9)); again != err {
		t.Errorf("second error %v", again)
	}
	if lost := <-e.lost; lost != err {
		t.Errorf("lost %v", lost)
	}
	if _, err := w.Write([]byte{0xC0, 0}); err != nil {
		t.Errorf("write: %v", err)
	}
	if got, want := tr.metered.Load(), toll(10)+toll(2); got != want {
		t.Errorf("metered %d bytes, want %d: what came at once is one packet", got, want)
	}
	if tr.out.Load() != 2 || tr.in.Load() != 7 {
		t.Errorf("counted %d out, %d in", tr.out.Load(), tr.in.Load())
	}
}

// pieces is a connection that remembers its writes.
type pieces struct {
	net.Conn
	sizes []int
}

func (p *pieces) Write(b []byte) (int, error) {
	p.sizes = append(p.sizes, len(b))
	return len(b), nil
}

func (p *pieces) SetWriteDeadline(time.Time) error { return nil }

// Messages of a batch go in one write; what ends it, and what is no message, goes at once.
func TestWireBatches(t *testing.T) {
	message := func(n int) []byte { return append([]byte{publish << 4}, make([]byte, n-1)...) }
	ping := []byte{12 << 4, 0}
	tests := []struct {
		name   string
		last   uint64
		writes [][]byte
		want   []int
	}{
		{"one alone", 1, [][]byte{message(100)}, []int{100}},
		{"a batch", 3, [][]byte{message(100), message(200), message(300)}, []int{600}},
		{"not at its end", 3, [][]byte{message(100), message(200)}, nil},
		{"a ping", 3, [][]byte{message(100), ping, message(200), message(300)}, []int{102, 500}},
		{"no more than 8 KB", 5, [][]byte{message(3000), message(3000), message(3000), message(100), message(1)}, []int{6000, 3101}},
		{"a birth", 3, [][]byte{message(3000), message(60000), message(10)}, []int{3000, 60000, 10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &pieces{}
			w := newWire(c, newEars(new(traffic)))
			w.last.Store(tt.last)
			for _, b := range tt.writes {
				if n, err := w.Write(b); n != len(b) || err != nil {
					t.Fatalf("Write of %d bytes: %d, %v", len(b), n, err)
				}
			}
			if !slices.Equal(c.sizes, tt.want) {
				t.Errorf("writes of %v bytes, want %v", c.sizes, tt.want)
			}
		})
	}
}

// The post says of each message whether another one follows, and of the last one that
// none does: whatever lies between them.
func TestPostGathers(t *testing.T) {
	c := &noted{}
	p := newPost(c, 10)
	for _, k := range []errandKind{doBlock, doListen, doState, doBlock, doLeave} {
		p.errands <- errand{kind: k}
	}
	p.start()
	for range 5 {
		<-p.outcomes
	}
	p.close()
	if want := []bool{true, true, false}; !slices.Equal(c.more, want) {
		t.Errorf("more follows: %v, want %v", c.more, want)
	}
}

// noted takes everything at once.
type noted struct{ more []bool }

func (c *noted) token() token {
	t := &fakeToken{done: make(chan struct{})}
	close(t.done)
	return t
}

func (c *noted) Publish(_ string, _ bool, _ []byte, more bool) token {
	c.more = append(c.more, more)
	return c.token()
}

func (c *noted) Listen(string, bool) token { return c.token() }
func (c *noted) Close(bool)                {}
