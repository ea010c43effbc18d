package hj212

import (
	"errors"
	"fmt"
)

// A frame is ## + four digits of length + data segment + four hexadecimal
// digits of CRC + CR LF (HJ 212-2017, 6.3.1, table 2).
const (
	mark    = "##"
	headLen = len(mark) + 4

	// MaxData is the longest data segment a frame can state, in bytes. The
	// standard allows 1024, which local ones do not keep to.
	MaxData = 9999
)

// What Cut and Reader find wrong. All but ErrShort come in a [*FrameError].
var (
	ErrShort  = errors.New("hj212: frame is not complete")
	ErrMark   = errors.New("frame does not begin with ##")
	ErrLength = errors.New("length is not four digits of 1 to 9999")
	ErrCRC    = errors.New("crc does not match")
	ErrEnd    = errors.New("frame does not end with CR LF")
)

// A FrameError says at which byte a frame leaves the standard.
type FrameError struct {
	Offset int    // bytes from the first '#'
	Field  string // "mark", "length", "crc" or "end"
	Err    error  // ErrMark, ErrLength, ErrCRC or ErrEnd

	frame, data uint16 // of ErrCRC: what the frame says, and what the data gives
	digits      bool   // of ErrCRC: the frame says a number at all
}

func (e *FrameError) Error() string {
	what := e.Err.Error()
	if e.Err == ErrCRC {
		what = fmt.Sprintf("frame says no number, data gives %04X", e.data)
		if e.digits {
			what = fmt.Sprintf("frame says %04X, data gives %04X", e.frame, e.data)
		}
	}
	return fmt.Sprintf("hj212: %s at byte %d: %s", e.Field, e.Offset, what)
}

// Unwrap returns Err.
func (e *FrameError) Unwrap() error { return e.Err }

// AppendFrame appends to b the frame around data, with its length, CRC and CR
// LF. data is 1 to [MaxData] bytes, and by the standard 1024 at most;
// AppendFrame panics otherwise, as that is a bug of the caller and not of the
// peer.
func AppendFrame(b, data []byte) []byte {
	n := len(data)
	if n < 1 || n > MaxData {
		panic(fmt.Sprintf("hj212: data segment of %d bytes: a frame holds 1 to %d", n, MaxData))
	}
	b = append(b, '#', '#', digit(n/1000), digit(n/100), digit(n/10), digit(n))
	b = append(b, data...)
	crc := CRC(data)
	for shift := 12; shift >= 0; shift -= 4 {
		b = append(b, "0123456789ABCDEF"[crc>>shift&0xF])
	}
	return append(b, '\r', '\n')
}

func digit(n int) byte { return byte('0' + n%10) }

// Cut splits b after its first frame. data points into b and is good for as
// long as b is. The error is [ErrShort] where b ends before the frame does,
// and a [*FrameError] where no more bytes could mend it.
//
// A frame ends where its length says: the data segment may hold any bytes, as
// that of an encrypted one does (HJ 212-2025, 6.4). Taken beside what
// AppendFrame writes: CRC digits in lower case, which are seen in the field,
// and a CR, an LF or both that are missing where the next frame follows.
func Cut(b []byte) (data, rest []byte, err error) {
	for i := range len(mark) {
		if i == len(b) {
			return nil, b, ErrShort
		}
		if b[i] != mark[i] {
			return nil, b, &FrameError{Offset: i, Field: "mark", Err: ErrMark}
		}
	}
	n := 0
	for i := len(mark); i < headLen; i++ {
		if i == len(b) {
			return nil, b, ErrShort
		}
		if b[i] < '0' || b[i] > '9' {
			return nil, b, &FrameError{Offset: i, Field: "length", Err: ErrLength}
		}
		n = 10*n + int(b[i]-'0')
	}
	if n == 0 {
		return nil, b, &FrameError{Offset: len(mark), Field: "length", Err: ErrLength}
	}
	end := headLen + n // of the data
	if len(b) < end+4 {
		return nil, b, ErrShort
	}
	data = b[headLen:end:end]
	want, ok := parseCRC(b[end : end+4])
	if got := CRC(data); !ok || got != want {
		return nil, b, &FrameError{Offset: end, Field: "crc", Err: ErrCRC, frame: want, data: got, digits: ok}
	}
	end += 4
	tail, err := cutEnd(b[end:])
	if err != nil {
		if err != ErrShort {
			err = &FrameError{Offset: end, Field: "end", Err: err}
		}
		return nil, b, err
	}
	return data, b[end+tail:], nil
}

// cutEnd returns how many bytes of b are the end of a frame.
func cutEnd(b []byte) (int, error) {
	n := 0
	if len(b) > 0 && b[0] == '\r' {
		n = 1
	}
	switch {
	case len(b) == n:
		return 0, ErrShort
	case b[n] == '\n':
		return n + 1, nil
	case b[n] == '#':
		return n, nil
	}
	return 0, ErrEnd
}

// parseCRC reads the four hexadecimal digits behind the data segment.
//
// Seen in the field: digits in lower case. They are taken; AppendFrame never
// writes them.
func parseCRC(b []byte) (crc uint16, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		crc = crc<<4 | uint16(c)
	}
	return crc, true
}
