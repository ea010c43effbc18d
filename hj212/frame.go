package hj212

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// A frame is ## + four digits of length + data segment + four hexadecimal
// digits of CRC + CR LF (HJ 212-2017, 6.3.1, table 2).
const (
	mark    = "##"
	headLen = len(mark) + 4
	sumLen  = 4

	// MaxData is the longest data segment that the standard allows, in bytes (HJ
	// 212-2017, 6.3.1; the same in the other editions). Longer ones are not written.
	MaxData = 1024
	// MaxLength is the longest data segment that a frame can state. Seen in the
	// field, in local variants of the standard: such frames are read.
	MaxLength = 9999
)

// What Cut and Reader find wrong. All but ErrShort come in a [*FrameError].
var (
	ErrShort  = errors.New("hj212: frame is not complete")
	ErrMark   = errors.New("frame does not begin with ##")
	ErrLength = errors.New("length is not four digits of 1 to 9999")
	ErrCRC    = errors.New("crc does not match")
	ErrEnd    = errors.New("frame does not end with CR LF")
	ErrKey    = errors.New("data area seems to be encrypted, and no key fits")
)

// A FrameError says at which byte a frame leaves the standard.
type FrameError struct {
	Offset int    // bytes from the first '#'
	Field  string // "mark", "length", "area", "crc" or "end"
	Err    error  // ErrMark, ErrLength, ErrKey, ErrCRC or ErrEnd

	// Fits, of ErrCRC, are the check sums that would match and are not the one that
	// was asked for. It is for messages: with 256 values, the standard's fits one
	// damaged frame in 256. A [Reader] leaves it out for what may be a frame within
	// the bytes of another that failed. It is not to be changed.
	Fits []Dialect

	frame, data   uint16 // of ErrCRC: what the frame says, and what the data gives
	digits, known bool   // of ErrCRC: the frame says a number at all; data is known
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("hj212: %s at byte %d: %s", e.Field, e.Offset, e.what())
}

func (e *FrameError) what() string {
	if e.Err != ErrCRC {
		return e.Err.Error()
	}
	what := "frame says no number"
	if e.digits {
		what = fmt.Sprintf("frame says %04X", e.frame)
	}
	for i, d := range e.Fits {
		what += [...]string{" as ", " and "}[min(i, 1)] + d.String()
	}
	if len(e.Fits) > 0 {
		what += " would"
	}
	if e.known {
		what += fmt.Sprintf(", data gives %04X", e.data)
	}
	return what
}

// Unwrap returns Err.
func (e *FrameError) Unwrap() error { return e.Err }

// A Frame is one frame, cut out of the bytes around it.
type Frame struct {
	Raw  []byte // from the first '#' to the end of its CR LF; into the caller's slice
	Data []byte // the data segment, decrypted if it was encrypted; else into Raw
	Sum  uint16 // the CRC that the frame states
	// Encrypted is true where the data area was encrypted with Key.
	Encrypted bool
	Key       Key
}

// Violations says how the frame itself differs from the standard: CRC in lower
// case, CR or LF missing, a length over [MaxData]. All are seen in the field, and
// taken. What is wrong with the data segment is told by [ParseMessage].
func (f Frame) Violations() []Violation {
	var out []Violation
	if len(f.Raw) < headLen+sumLen {
		return nil
	}
	if n, _, err := cutHead(f.Raw); err == nil && n > MaxData {
		out = append(out, Violation{Offset: len(mark), Kind: LongData, Name: "length", Got: string(f.Raw[len(mark):headLen]), Want: strconv.Itoa(MaxData)})
	}
	end := len(f.Raw)
	for end > 0 && (f.Raw[end-1] == '\r' || f.Raw[end-1] == '\n') {
		end--
	}
	sum := f.Raw[end-sumLen : end]
	if slices.ContainsFunc(sum, func(c byte) bool { return c >= 'a' }) {
		out = append(out, Violation{Offset: end - sumLen, Kind: LowerCRC, Name: "crc", Got: string(sum), Want: fmt.Sprintf("%04X", f.Sum)})
	}
	if got := string(f.Raw[end:]); got != "\r\n" {
		out = append(out, Violation{Offset: end, Kind: NoEnd, Name: "end", Got: got, Want: "\r\n"})
	}
	return out
}

// AppendFrame appends to b the frame around data, with its length, CRC and CR
// LF. data is 1 to [MaxData] bytes; AppendFrame panics otherwise, as that is a
// bug of the caller and not of the peer.
func AppendFrame(b, data []byte) []byte { return (*Codec)(nil).AppendFrame(b, data) }

// Cut splits b after its first frame. data points into b and is good for as
// long as b is. The error is [ErrShort] where b ends before the frame does,
// and a [*FrameError] where no more bytes could mend it.
//
// A frame ends where its length says: the data segment may hold any bytes, as
// that of an encrypted one does (HJ 212-2025, 6.4). Taken beside what
// AppendFrame writes: up to [MaxLength] bytes of data, CRC digits in lower case,
// which are seen in the field, and a CR, an LF or both that are missing where the
// next frame follows. Where nothing follows yet, Cut cannot know; a [Reader] takes such
// a frame when its stream ends or times out.
func Cut(b []byte) (data, rest []byte, err error) {
	f, rest, err := (*Codec)(nil).Cut(b)
	return f.Data, rest, err
}

// cutHead reads the mark and the length. Where that fails, offset is of the byte
// that is to blame.
func cutHead(b []byte) (n, offset int, err error) {
	for i := range headLen {
		switch {
		case i == len(b):
			return 0, i, ErrShort
		case i < len(mark):
			if b[i] != mark[i] {
				return 0, i, ErrMark
			}
		case b[i] < '0' || b[i] > '9':
			return 0, i, ErrLength
		default:
			n = 10*n + int(b[i]-'0')
		}
	}
	if n == 0 {
		return 0, len(mark), ErrLength
	}
	return n, 0, nil
}

// cutEnd returns how many bytes of b are the end of a frame. Where last is true,
// nothing comes behind b, which ends a frame as the next one does.
func cutEnd(b []byte, last bool) (int, error) {
	n := 0
	if len(b) > 0 && b[0] == '\r' {
		n = 1
	}
	switch {
	case len(b) == n && last:
		return n, nil
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
	_ = b[sumLen-1]
	v := int(hexDigits[b[0]])<<12 | int(hexDigits[b[1]])<<8 | int(hexDigits[b[2]])<<4 | int(hexDigits[b[3]])
	if v < 0 {
		return 0, false
	}
	return uint16(v), true
}

// hexDigits is the value of each digit of base 16, -1 of anything else.
var hexDigits = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range 16 {
		t[upperHex[i]] = int8(i)
		t[upperHex[i]|0x20] = int8(i) // a digit has that bit
	}
	return t
}()
