package modbus

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Kind says what something on a line was.
type Kind byte

const (
	TapQuestion Kind = iota + 1 // ours
	TapAnswer                   // to the question before it; exceptions are answers
	TapEcho                     // our own question, heard
	TapLate                     // an answer to an earlier question, dropped
	TapForeign                  // a whole frame that answers nothing of ours
	TapDamaged                  // most likely the answer, with a wrong CRC
	TapNoise                    // bytes that are no frame
	TapSilence                  // no answer in time; no bytes
	TapFault                    // the connection broke or sent what is no Modbus; no bytes
)

// A Frame is what was on a line at one moment.
type Frame struct {
	Time  time.Time
	Kind  Kind
	Bytes []byte // the listener's; unit, function, data
	CRC   bool   // Bytes end in a CRC, as on serial lines
	Lost  uint64 // how many frames before this one the listener was too slow for
}

// A Tap listens along on a line. Frames come by C; a listener that does not take them
// in time loses the newest, and the next one that it gets says how many.
type Tap struct {
	C <-chan Frame

	to   chan<- Frame
	lost uint64 // owned by the line's owner
	of   *taps
}

// Tap begins to listen along, with room for n frames that wait to be taken. Whoever
// calls it calls Close.
func (l *Line) Tap(n int) *Tap { return l.count.taps.add(max(n, 1)) }

// Close ends the listening. C is not closed: a frame may be under way.
func (t *Tap) Close() { t.of.remove(t) }

// taps are a line's listeners. Nearly always there is none, and the line pays one look.
type taps struct {
	list atomic.Pointer[[]*Tap] // nil for none; replaced, never changed
	mu   sync.Mutex             // of who replaces it
}

func (s *taps) add(n int) *Tap {
	c := make(chan Frame, n)
	t := &Tap{C: c, to: c, of: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []*Tap{t}
	if old := s.list.Load(); old != nil {
		list = append(list, *old...)
	}
	s.list.Store(&list)
	return t
}

func (s *taps) remove(t *Tap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.list.Load()
	if old == nil {
		return
	}
	list := slices.DeleteFunc(slices.Clone(*old), func(o *Tap) bool { return o == t })
	if len(list) == 0 {
		s.list.Store(nil)
		return
	}
	s.list.Store(&list)
}

// idle reports whether nobody listens.
func (s *taps) idle() bool { return s.list.Load() == nil }

// tell hands the parts, one after the other as one frame, to whoever listens. It never
// waits. It is for the line's owner alone.
func (s *taps) tell(k Kind, crc bool, parts ...[]byte) {
	list := s.list.Load()
	if list == nil {
		return
	}
	now := time.Now()
	for _, t := range *list {
		select {
		case t.to <- Frame{now, k, bytes.Join(parts, nil), crc, t.lost}:
			t.lost = 0
		default:
			t.lost++
		}
	}
}

// wire tells of bytes on a serial line.
func (s *taps) wire(k Kind, b []byte) {
	if !s.idle() && (len(b) > 0 || k == TapSilence) {
		s.tell(k, true, b)
	}
}

// foreign tells of the whole frames in b.
func (s *taps) foreign(b []byte) {
	if s.idle() {
		return
	}
	for len(b) > 0 {
		n := frameLen(b)
		if n > 0 {
			s.wire(TapForeign, b[:n])
		}
		b = b[max(n, 1):]
	}
}

// outcome tells what came of a question on a network.
func (s *taps) outcome(q *question, pdu []byte, err error) {
	if s.idle() {
		return
	}
	e, refused := errors.AsType[*Exception](err)
	switch {
	case err == nil:
		s.tell(TapAnswer, false, []byte{q.unit}, pdu)
	case refused:
		s.tell(TapAnswer, false, []byte{q.unit, q.pdu[0] | fcException, e.Code})
	case errors.Is(err, ErrNoAnswer):
		s.tell(TapSilence, false)
	default:
		s.tell(TapFault, false)
	}
}

var kindNames = [...]string{
	TapQuestion: "question", TapAnswer: "answer", TapEcho: "echo", TapLate: "late", TapForeign: "foreign",
	TapDamaged: "damaged", TapNoise: "noise", TapSilence: "silence", TapFault: "fault",
}

// String is the kind's name, by which ParseKind knows it.
func (k Kind) String() string {
	if int(k) < len(kindNames) && k > 0 {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// ParseKind is the kind of that name; 0 if there is none.
func ParseKind(name string) Kind {
	if name == "" {
		return 0
	}
	return Kind(max(0, slices.Index(kindNames[:], name)))
}

// AppendRTU appends to b the frame that carries pdu to or from a unit on a serial line.
func AppendRTU(b []byte, unit byte, pdu []byte) []byte { return appendFrame(b, unit, pdu) }
