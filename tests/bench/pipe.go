package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// pipe passes connections on to the broker. It counts the bytes that the agent sends,
// sees which blocks they hold, and can be a long way: what goes in comes out after a delay,
// however much is under way.
type pipe struct {
	l     net.Listener
	to    string
	delay time.Duration // each way; set before the first connection
	sent  atomic.Uint64
	wg    sync.WaitGroup

	mu        sync.Mutex
	watch     *watch    // nil: blocks are not looked at
	connected time.Time // when the broker last accepted a client
}

// watch notes when blocks of the stream live went by.
type watch struct {
	upto     uint64 // blocks up to here are backlog
	backlog  map[uint64]bool
	began    time.Time // first block of the backlog
	newest   time.Time // last one that had not gone by before
	fresh    time.Time // first block that is not backlog
	accepted time.Time // when the client was accepted that sent it
}

func newPipe(port int) (*pipe, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &pipe{l: l, to: fmt.Sprintf("127.0.0.1:%d", port)}
	p.wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.pass(near) })
		}
	})
	return p, nil
}

func (p *pipe) port() int { return p.l.Addr().(*net.TCPAddr).Port }

func (p *pipe) pass(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer far.Close()
	first := true
	p.wg.Go(func() {
		defer near.Close()
		carry(near, far, p.delay, func([]byte) {
			if first { // the first word of a broker is its CONNACK
				first = false
				p.mu.Lock()
				p.connected = time.Now()
				p.mu.Unlock()
			}
		})
	})
	var packets packets
	carry(far, near, p.delay, func(b []byte) {
		p.sent.Add(uint64(len(b)))
		p.see(&packets, b)
	})
}

// carry copies until one side ends. It says what goes out, as it goes out to, or comes
// in from, the agent's side.
func carry(to io.WriteCloser, from io.Reader, delay time.Duration, say func([]byte)) {
	type chunk struct {
		due time.Time
		b   []byte
	}
	chunks := make(chan chunk, 4096)
	go func() {
		defer close(chunks)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			if n > 0 {
				chunks <- chunk{time.Now().Add(delay), b[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range chunks {
		time.Sleep(time.Until(c.due))
		say(c.b)
		if _, err := to.Write(c.b); err != nil {
			break
		}
	}
	to.Close()
	for range chunks { // until the reader ends, which it does when its side is closed
	}
}

// see looks for blocks in what the agent sends.
func (p *pipe) see(packets *packets, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watch == nil {
		return
	}
	now := time.Now()
	packets.add(b, func(topic string, message []byte) {
		if topic != "envgate/gw-bench/b/live" {
			return
		}
		if seq, ok := packets.seq(message); ok {
			p.watch.block(seq, now, p.connected)
		}
	})
}

func (w *watch) block(seq uint64, now, accepted time.Time) {
	if seq > w.upto {
		if w.fresh.IsZero() {
			w.fresh, w.accepted = now, accepted
		}
		return
	}
	if w.began.IsZero() {
		w.began = now
	}
	if !w.backlog[seq] {
		w.backlog[seq], w.newest = true, now
	}
}

// look begins to watch, with the blocks up to a number as backlog.
func (p *pipe) look(upto uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = &watch{upto: upto, backlog: map[uint64]bool{}}
}

// seen is what was seen until now, and how many blocks of the backlog.
func (p *pipe) seen() (w watch, blocks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *p.watch, len(p.watch.backlog)
}

func (p *pipe) close() {
	p.l.Close()
	p.wg.Wait()
}

// packets cuts one direction of an MQTT connection into packets.
type packets struct {
	rest []byte
	z    gzip.Reader
}

// seq is the number of a block. Only the beginning of the message is read, as thousands
// go by in a second on the machine that is measured.
func (p *packets) seq(message []byte) (seq uint64, ok bool) {
	if err := p.z.Reset(bytes.NewReader(message)); err != nil {
		return 0, false
	}
	head := make([]byte, 1<<10)
	n, _ := io.ReadFull(&p.z, head)
	_, after, ok := bytes.Cut(head[:n], []byte(`,"seq":`))
	digits, _, more := bytes.Cut(after, []byte(","))
	seq, err := strconv.ParseUint(string(digits), 10, 64)
	return seq, ok && more && err == nil
}

// add takes more bytes, and says what is published in them.
func (p *packets) add(b []byte, published func(topic string, message []byte)) {
	p.rest = append(p.rest, b...)
	for {
		n, size := binary.Uvarint(p.rest[min(1, len(p.rest)):]) // the remaining length is written as a varint is
		if size <= 0 || len(p.rest) < 1+size+int(n) {
			return
		}
		kind, body := p.rest[0], p.rest[1+size:1+size+int(n)]
		if kind>>4 == 3 && len(body) > 2 {
			topic := int(binary.BigEndian.Uint16(body))
			id := 0
			if kind&6 != 0 {
				id = 2
			}
			if at := 2 + topic + id; at <= len(body) {
				published(string(body[2:2+topic]), body[at:])
			}
		}
		p.rest = bytes.Clone(p.rest[1+size+int(n):])
	}
}
