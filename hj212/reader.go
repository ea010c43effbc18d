package hj212

import (
	"bytes"
	"io"
)

// A Reader takes frames out of a stream of bytes, and finds the next one after
// rubbish. It keeps [MaxData] bytes and little more, whatever comes.
type Reader struct {
	r       io.Reader
	buf     []byte // what came and is not used up, buf[start:]
	start   int
	err     error // of r, kept until what came before it is used up
	cut     bool  // the stream ended within what looked like a frame
	skipped uint64
}

// NewReader returns a Reader of r's frames.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Skipped is how many bytes so far were in no frame.
func (r *Reader) Skipped() uint64 { return r.skipped }

// readSize is how much is read at once: a typical frame or two.
const readSize = 2048

// Next returns the next frame's data segment. It is good until Next is called
// again.
//
// A [*FrameError] tells of a frame that began and went wrong: its bytes are
// searched for the next plausible head, and Next goes on from there. Bytes
// before a head are skipped without an error. Any other error is the stream's
// own and comes again with every call, io.EOF in good order, and
// [io.ErrUnexpectedEOF] where the stream ends within a frame.
func (r *Reader) Next() (data []byte, err error) {
	for {
		if r.seek() {
			data, rest, err := Cut(r.buf[r.start:])
			if err == nil {
				r.start = len(r.buf) - len(rest)
				r.cut = false
				return data, nil
			}
			if err != ErrShort {
				r.skip(len(mark)) // the real head may be anywhere behind it
				return nil, err
			}
		}
		switch {
		case r.err == nil:
			r.fill()
		case r.start < len(r.buf): // a head with a false length may hide whole frames
			r.skip(1)
			r.cut = true
		case r.err == io.EOF && r.cut:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, r.err
		}
	}
}

func (r *Reader) skip(n int) {
	r.start += n
	r.skipped += uint64(n)
}

// seek skips to what is or may become a head. It reports whether there is one
// for certain.
func (r *Reader) seek() bool {
	for {
		b := r.buf[r.start:]
		i := bytes.IndexByte(b, '#')
		if i < 0 {
			r.skip(len(b))
			return false
		}
		r.skip(i)
		switch plausible(b[i:]) {
		case yes:
			return true
		case perhaps:
			return false
		}
		r.skip(1)
	}
}

const (
	no = iota
	perhaps
	yes
)

// keys are the fields that a data segment begins with: QN by the standard
// (HJ 212-2017, table 3), the others in frames that leave it out or change the
// order.
var keys = []string{"QN=", "ST=", "CN=", "MN=", "PW=", "PNUM=", "PNO=", "Flag="}

// plausible says whether b begins with a head: the mark, the length, and a
// data segment's first key.
func plausible(b []byte) int {
	for i := range headLen {
		if i == len(b) {
			return perhaps
		}
		if i < len(mark) && b[i] != mark[i] || i >= len(mark) && (b[i] < '0' || b[i] > '9') {
			return no
		}
	}
	b = b[headLen:]
	answer := no
	for _, key := range keys {
		n := min(len(key), len(b))
		if string(b[:n]) != key[:n] {
			continue
		}
		if n == len(key) {
			return yes
		}
		answer = perhaps
	}
	return answer
}

// fill reads once. What is left over moves to the front first, so that the
// buffer holds one frame and one reading at most.
func (r *Reader) fill() {
	if r.start > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.start:])]
		r.start = 0
	}
	n := len(r.buf)
	if cap(r.buf)-n < readSize {
		r.buf = append(make([]byte, 0, 2*n+readSize), r.buf...)
	}
	for range 100 { // as bufio bears with readers that return nothing
		m, err := r.r.Read(r.buf[n : n+readSize])
		r.buf, r.err = r.buf[:n+m], err
		if m > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}
