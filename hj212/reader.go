package hj212

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// A Reader takes frames out of a stream of bytes, and finds the next one after
// rubbish. It holds less than 64 KB, whatever comes, and its work is
// proportional to the bytes that it has read: a peer cannot make it costly by
// heads within the bytes of other heads.
//
// Codec and Begun are set before the first Next.
type Reader struct {
	// Codec reads the frames; nil is the standard's own way, in plain.
	Codec *Codec

	// Begun, where it is not nil, is called before the stream is read: with true
	// where a frame has begun and is not complete, once for each such beginning,
	// and with false where none has, once in each Next and when a beginning was
	// given up. It is the place to set a deadline for the rest of the frame, without
	// which four digits that are no length can hold back all frames behind them.
	//
	// It goes with a stream that times out, as a [net.Conn] does. When Read returns
	// an error whose Timeout method says true and a frame had begun, that beginning
	// is given up and the bytes behind it are searched: whole frames come out, and
	// of more beginnings all but the last are given up too. A frame that has all but
	// its CR LF is whole then. Where nothing had begun, Next returns that error, and
	// may be called again.
	Begun func(begun bool)

	r       io.Reader
	buf     []byte // what came and is not used up, buf[start:]
	start   int
	err     error // of r, kept until what came before it is used up
	cut     bool  // the stream ended within what looked like a frame
	skipped uint64
	failed  uint64 // place of the head whose failure was told last, + 1; 0 after a frame
	frame   Frame

	told  told   // what Begun has been told last
	about uint64 // of which place in the stream
	late  uint64 // the place in the stream up to which beginnings are given up, but for the last

	overdue uint64 // place of the beginning that a time-out was for, + 1

	work work
}

type told uint8

const (
	toldNothing told = iota
	toldNone
	toldBegun
)

// NewReader returns a Reader of r's frames.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Skipped is how many bytes so far were in no frame. A CR LF that comes only after its
// frame was taken without it is in none.
func (r *Reader) Skipped() uint64 { return r.skipped }

// Frame is the one whose data segment Next returned last. It is good until Next is
// called again, and empty after an error.
func (r *Reader) Frame() Frame { return r.frame }

const (
	// readSize is how much is read at once: a typical frame or two.
	readSize = 2048
	// The buffer has room for a frame that keeps to the standard, and one reading
	// behind it. Only for a longer one is it made larger, and then so much that not
	// all of it is moved to the front for each reading.
	bufferSize = 4096
	largeSize  = 20 << 10
)

// Next returns the next frame's data segment. It is good until Next is called
// again.
//
// A [*FrameError] tells of a frame that began and went wrong: its bytes are
// searched for the next plausible head, and Next goes on from there. Of heads that
// go wrong within 48 bytes, which is less than a frame has, only the first is told.
// Bytes before a head are skipped without an error. An error that is a time-out (see
// Begun) may pass. Any other error is the stream's own and comes again with every
// call, io.EOF in good order, and [io.ErrUnexpectedEOF] where the stream ends
// within a frame.
//
// Where the stream ends or times out behind the CRC of a frame, or behind its CR, what
// is missing of CR LF is missing for good: the frame comes if its CRC matches, and
// [Frame.Violations] says [NoEnd]. A CR LF that comes later is skipped as any bytes
// between frames are.
func (r *Reader) Next() (data []byte, err error) {
	if r.frame.Raw != nil {
		r.frame = Frame{}
	}
	if r.told == toldNone {
		r.told = toldNothing
	}
	for {
		n, begun := r.seek()
		if have := len(r.buf) - r.start; begun == yes && have >= headLen+n+sumLen && have >= r.work.need {
			quiet := r.quiet()
			r.work.look(r.buf, r.start, quiet)
			r.work.last = r.late == r.work.base+uint64(len(r.buf)) || r.err != nil && !timedOut(r.err)
			if quiet && r.hopeless(n) {
				r.giveUp(len(mark))
				continue
			}
			f, size, err := r.Codec.cut(r.buf[r.start:], &r.work)
			if err == nil {
				r.start += size
				r.frame = f
				r.cut = false
				r.told = toldNothing
				r.work.need = 0
				r.failed = 0
				return f.Data, nil
			}
			if err != ErrShort {
				if !quiet {
					r.failed = r.place() + 1
				}
				r.giveUp(len(mark)) // the real head may be anywhere behind it
				if quiet {
					continue
				}
				return nil, err
			}
		}
		switch {
		case begun != no && r.place() < r.late && (r.overdue == r.place()+1 || r.later()):
			r.giveUp(1)
		case r.err == nil:
			r.tell(begun != no)
			r.fill()
		case timedOut(r.err):
			err := r.err
			r.err = nil
			if begun == no {
				return nil, err
			}
			// Once more, as all but its end may be there.
			r.late, r.overdue = r.work.base+uint64(len(r.buf)), r.place()+1
		case begun != no: // a head with a false length may hide whole frames
			r.giveUp(1)
			r.cut = true
		case r.err == io.EOF && r.cut:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, r.err
		}
	}
}

// shortest is less than a frame has with the least fields. What fails so soon
// behind the beginning of another that failed was no frame, or one in which that
// other was.
const shortest = 48

// quiet reports whether nothing is told if the head that r is at fails.
func (r *Reader) quiet() bool { return r.failed > 0 && r.place()+1-r.failed < shortest }

// hopeless reports whether n bytes of data would certainly fail, for their CRC or
// for what is behind it. It spares the work of saying how.
func (r *Reader) hopeless(n int) bool {
	if r.Codec != nil && r.Codec.Keys != nil {
		return false
	}
	b := r.buf[r.start:]
	end := headLen + n
	r.work.first(end) // however the rest goes, as it may go otherwise with fewer bytes at hand
	says, ok := parseCRC(b[end:])
	if !ok {
		return true
	}
	if _, err := cutEnd(b[end+sumLen:], r.work.ends()); err == ErrEnd {
		return true
	}
	return r.work.sum(r.Codec.dialect(), b, headLen, end) != says
}

// place is where in the stream the first byte of buf[start:] is.
func (r *Reader) place() uint64 { return r.work.base + uint64(r.start) }

func (r *Reader) skip(n int) {
	r.start += n
	r.skipped += uint64(n)
}

// giveUp skips so much of a head that it is none.
func (r *Reader) giveUp(n int) {
	r.skip(n)
	r.work.need = 0
	if r.told == toldBegun {
		r.told = toldNothing
	}
}

// later reports whether another head begins, or may, before r.late. If not, the
// question is settled for this one.
func (r *Reader) later() bool {
	b := r.buf[r.start+1 : r.late-r.work.base]
	if _, _, f := findHead(b); f != no {
		return true
	}
	r.late = 0
	return false
}

func (r *Reader) tell(begun bool) {
	switch {
	case r.Begun == nil:
	case begun && (r.told != toldBegun || r.about != r.place()):
		r.told, r.about = toldBegun, r.place()
		r.Begun(true)
	case !begun && r.told != toldNone:
		r.told = toldNone
		r.Begun(false)
	}
}

func timedOut(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// seek skips to what is or may become a head, and says which, and for how many
// bytes of data.
func (r *Reader) seek() (n int, f found) {
	i, n, f := findHead(r.buf[r.start:])
	r.skip(i)
	return n, f
}

type found uint8

const (
	no found = iota
	perhaps
	yes
)

// findHead returns where b has its first head, and the length that it states, or
// where b has what may become one. Where it has none, i is the length of b.
func findHead(b []byte) (i, n int, f found) {
	const (
		ones  = 0x0101010101010101
		marks = '#' * ones
		low7  = 0x7F * ones
	)
	// Eight bytes at once, of which the last one is also the next eight's first.
	for i+headLen+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:]) ^ marks
		if x == 0 {
			i += 6 // of any number of '#' in a row, the last two are the mark
			continue
		}
		x = ^((x&low7 + low7) | x | low7) // the high bit of each byte that is '#'
		x &= x >> 8                       // and the one behind it too
		if x == 0 {
			i += 7
			continue
		}
		i += bits.TrailingZeros64(x&^(x>>8)) / 8
		if i+headLen+8 > len(b) {
			break
		}
		if b[i+2] == '#' {
			i++
			continue
		}
		if b[i+2]-'0' <= 9 {
			if n, f = plausible(b[i+2:]); f == yes {
				return i, n, f
			}
		}
		i += 2
	}
	for ; i < len(b); i++ {
		if b[i] != '#' {
			continue
		}
		if i+1 == len(b) {
			return i, 0, perhaps
		}
		if b[i+1] != '#' {
			continue
		}
		if n, f = plausible(b[i+2:]); f != no {
			return i, n, f
		}
	}
	return i, 0, no
}

// plausible says whether b goes on behind the mark as a head does: with the
// length, and a data segment's first field. That is QN by the standard (HJ
// 212-2017, table 3), and others in frames that leave it out or change the order.
func plausible(b []byte) (n int, f found) {
	for i := range 4 {
		if i == len(b) {
			return 0, perhaps
		}
		d := b[i] - '0'
		if d > 9 {
			return 0, no
		}
		n = 10*n + int(d)
	}
	if n == 0 {
		return 0, no
	}
	b = b[4:]
	if len(b) >= 3 && b[2] == '=' {
		switch [2]byte(b) {
		case [2]byte{'Q', 'N'}, [2]byte{'S', 'T'}, [2]byte{'C', 'N'}, [2]byte{'M', 'N'}, [2]byte{'P', 'W'}:
			return n, yes
		}
		return 0, no
	}
	for _, key := range [...]string{"QN=", "ST=", "CN=", "MN=", "PW=", "PNUM=", "PNO=", "Flag="} {
		k := min(len(key), len(b))
		if string(b[:k]) != key[:k] {
			continue
		}
		if k == len(key) {
			return n, yes
		}
		f = perhaps
	}
	return n, f
}

// fill reads once. What is left over moves to the front where there is no room
// behind it.
func (r *Reader) fill() {
	if cap(r.buf)-len(r.buf) < readSize {
		r.makeRoom()
	}
	n := len(r.buf)
	for range 100 { // as bufio bears with readers that return nothing
		m, err := r.r.Read(r.buf[n : n+readSize])
		r.buf, r.err = r.buf[:n+m], err
		if m > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}

func (r *Reader) makeRoom() {
	gone := r.start &^ 7 // for sums keeps words
	rest := r.buf[gone:]
	into := r.buf
	switch {
	case r.buf == nil:
		into = make([]byte, 0, bufferSize)
	case cap(r.buf)-len(rest) < readSize:
		into = make([]byte, 0, largeSize)
	}
	r.buf = into[:copy(into[:cap(into)], rest)]
	r.start -= gone
	r.work.base += uint64(gone)
	r.work.sums.drop(gone / 8)
}

// A work is what a Reader knows of its bytes beside the buffer. Its places count
// from the beginning of the stream, so that what it allows does not hang on how
// the bytes came. A nil work knows and bounds nothing.
type work struct {
	buf   []byte
	base  uint64 // place of buf[0]
	start int    // in buf, of the head that is being looked at
	need  int    // the bytes without which that is not worth looking at again
	quiet bool   // if it fails, nothing is told
	last  bool   // nothing comes behind the buffer, or not in time

	summed uint64 // the bytes before this place were in a sum already
	fresh  bool   // the head begins behind all sums before it
	looked uint64 // place of the head that fresh is of, + 1
	end    uint64 // place where its data segment ends
	memo   struct {
		from, end uint64
		sum       uint16
	}
	sums sums

	credit  int    // what may be spent on secrets
	paidTo  uint64 // place up to which credit has been given
	asked   uint64 // place of the head that payOnce was asked for last, + 1
	granted bool   // and its answer

	done uint64 // bytes that were summed or decrypted
}

const (
	creditRate = 2 // for each byte of the stream
	creditMost = 16 << 10
)

// look begins the work on a head.
func (w *work) look(buf []byte, start int, quiet bool) {
	w.buf, w.start, w.quiet = buf, start, quiet
}

// ends reports whether the end of the bytes at hand ends a frame.
func (w *work) ends() bool { return w != nil && w.last }

// wait returns ErrShort, and notes how many bytes are wanted.
func (w *work) wait(need int) error {
	if w != nil {
		w.need = need
	}
	return ErrShort
}

// silent reports whether nothing is told if the head fails.
func (w *work) silent() bool { return w != nil && w.quiet }

// fail returns the error e, and any error where it is not told.
func (w *work) fail(e FrameError) error {
	if w.silent() {
		return ErrCRC
	}
	return new(e)
}

// first reports whether the frame that ends at end, from the head, lies behind
// all those that were looked at before it.
func (w *work) first(end int) bool {
	if w == nil {
		return true
	}
	at := w.base + uint64(w.start)
	if w.looked != at+1 {
		w.looked, w.end = at+1, at+uint64(end)
		w.fresh = at >= w.summed
		if w.fresh {
			w.summed = w.end
		}
	}
	return w.fresh
}

// sum is d.Sum(b[from:end]), b being the buffer from the head on.
func (w *work) sum(d Dialect, b []byte, from, end int) uint16 {
	if w == nil {
		return d.Sum(b[from:end])
	}
	at := w.base + uint64(w.start)
	m := &w.memo
	if m.from == at+uint64(from) && m.end == at+uint64(end) {
		return m.sum
	}
	m.from, m.end = at+uint64(from), at+uint64(end)
	if w.first(end) {
		w.did(end - from)
		m.sum = d.Sum(b[from:end])
	} else {
		if s := &w.sums; (w.start+end)/8 > s.hi || s.lo == s.hi {
			w.did(s.extend(d, w.buf, w.start+from, w.start+end))
		}
		m.sum = w.sums.sum(d, w.buf, w.start+from, w.start+end)
	}
	return m.sum
}

// payOnce is pay, but for one head it gives one answer, and takes the cost once.
func (w *work) payOnce(cost int) bool {
	if w == nil {
		return true
	}
	at := w.base + uint64(w.start) + 1
	if w.asked != at {
		w.asked, w.granted = at, w.pay(cost)
	}
	return w.granted
}

// pay reports whether so much may be done for secrets, for the frame that is being
// looked at. What its bytes allow and it does not use is kept, up to a limit.
func (w *work) pay(cost int) bool {
	if w == nil {
		return true
	}
	if w.end > w.paidTo {
		w.credit = int(min(creditMost, uint64(w.credit)+creditRate*(w.end-w.paidTo)))
		w.paidTo = w.end
	}
	if w.credit < cost {
		return false
	}
	w.credit -= cost
	return true
}

// did counts work, for tests.
func (w *work) did(n int) {
	if w != nil {
		w.done += uint64(n)
	}
}
