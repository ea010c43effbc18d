package hj212

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math/bits"
)

// A Pair is one name and its value in a data segment, without the blanks around
// them. Both point into the segment.
type Pair struct {
	Name   []byte
	Value  []byte // nil where there is no =
	Offset int    // of Name in the segment
	Item   int    // -1 before CP, else the number of the item in CP, from 0
}

// Pairs goes through all pairs of a data segment: the fields before CP, then the
// parameters of the data area (HJ 212-2017, table 3). It takes any bytes, allocates
// nothing, and takes the same liberties as [ParseMessage], which says what they
// are. What is no pair (nothing between two separators) is left out.
func Pairs(data []byte) iter.Seq[Pair] {
	return func(yield func(Pair) bool) { eachPair(data, yield) }
}

func eachPair(data []byte, yield func(Pair) bool) {
	p := divide(data)
	item, fresh := -1, false // fresh: the next pair begins an item
	take := func(begin, equals, end int, _, next byte, _ valueMark) bool {
		var value []byte
		name, nameEnd := begin, end
		if equals >= 0 {
			nameEnd = equals
			from, to := trim(data, equals+1, end)
			value = data[from:to:to]
		}
		if name, nameEnd = trim(data, name, nameEnd); name < nameEnd || equals >= 0 {
			if fresh {
				item++
				fresh = false
			}
			if !yield(Pair{data[name:nameEnd:nameEnd], value, name, item}) {
				return false
			}
		}
		fresh = fresh || next == ';' && item >= 0 // no field before CP is an item
		return true
	}
	if eachToken(data[:p.head], 0, false, take) && p.area >= 0 {
		fresh = true
		eachToken(data[:p.end], p.area, true, take)
	}
}

// parts says where in a segment the parts of it begin and end.
type parts struct {
	head  int  // end of the fields, without "CP="
	area  int  // beginning of the data area; -1 where there is none
	end   int  // end of the data area
	rest  int  // beginning of what comes after the area and its &&
	blank int  // where CP, = and && have blanks between them; -1 where they have none
	begun bool // the area begins with &&
	ended bool // the area ends with &&
}

// divide finds the data area. It begins at the first CP=&&, and ends at the last &&:
// that is where it ends if bytes of it happen to be "&&", as the standard has no
// way to escape them.
func divide(data []byte) parts {
	p := parts{head: len(data), area: -1, end: len(data), rest: len(data), blank: -1, begun: true}
	for i := 0; ; {
		n := bytes.Index(data[i:], []byte("CP"))
		if n < 0 {
			break
		}
		head := i + n
		i = head + len("CP")
		equals := skipBlanks(data, i, len(data))
		if equals == len(data) || data[equals] != '=' {
			continue
		}
		mark := skipBlanks(data, equals+1, len(data))
		if bytes.HasPrefix(data[mark:], []byte("&&")) {
			p.head, p.area, p.begun = head, mark+2, true
			if equals > i {
				p.blank = i
			} else if mark > equals+1 {
				p.blank = equals + 1
			}
			break
		}
		// Without && it must at least be a field of its own, and no CP=&& come after it.
		if p.area < 0 && (head == 0 || isBlankByte(data[head-1]) || data[head-1] == ';' || data[head-1] == ',') {
			p.head, p.area, p.begun = head, equals+1, false
		}
	}
	if p.area >= 0 {
		if i := bytes.LastIndex(data[p.area:], []byte("&&")); i >= 0 {
			p.end, p.rest, p.ended = p.area+i, p.area+i+2, true
		}
	}
	return p
}

// A token is what stands between two separators, or before the first, or after the
// last.
type token struct {
	begin, end      int // with the blanks around it
	equals          int // -1 where there is no =
	name, nameEnd   int
	value, valueEnd int  // value is -1 where there is no =
	before, next    byte // the separators; 0 where the region begins and ends
	marks           valueMark
}

// A valueMark says something of a token's value.
type valueMark uint8

const (
	hasEquals  valueMark = 1 << iota // there is an = in it
	hasLog                           // it is a log between // and //
	hasOpenLog                       // it begins as one, and has no end
)

func (t token) empty() bool { return t.value < 0 && t.name == t.nameEnd }

// blank returns where there are blanks where none should be, -1 where there are none.
func (t token) blank() int {
	switch {
	case t.begin != t.name:
		return t.begin
	case t.equals < 0 && t.nameEnd != t.end, t.equals >= 0 && t.nameEnd != t.equals:
		return t.nameEnd
	case t.equals < 0:
		return -1
	case t.value != t.equals+1:
		return t.equals + 1
	case t.valueEnd != t.end:
		return t.valueEnd
	}
	return -1
}

// A class says what a byte is, where it is not an ordinary one.
type class uint8

const (
	isBlank class = 1 << iota
	isControl
	isHigh
)

var classes = func() (t [256]class) {
	for c := range t {
		switch {
		case c == ' ' || c == '\t':
			t[c] = isBlank
		case c < ' ' || c == 0x7F:
			t[c] = isControl
		case c >= 0x80:
			t[c] = isHigh
		}
	}
	return t
}()

// classesIn returns the classes of all bytes of b.
func classesIn(b []byte) (all class) {
	for _, c := range b {
		all |= classes[c]
	}
	return all
}

// eachToken takes a region of a segment apart, which is b[from:]: the fields or the
// area. There is a token even in an empty one. equals is -1 where a token has none;
// [makeToken] does the rest. It reports whether it came to the end.
//
// What it yields are numbers and not a struct: those stay in registers, which saves
// half of the time of [Pairs].
//
// Bytes of GBK and GB 18030 are no separators and no =: second bytes are 40H and up,
// fourth ones 30H to 39H.
func eachToken(b []byte, from int, area bool, yield func(begin, equals, end int, before, next byte, marks valueMark) bool) bool {
	var (
		begin, equals = from, -1 // of the token
		marks         valueMark
		before        byte
		logEnd        int  // until there bytes mean nothing
		noLog         bool // no // ends a log from here on
	)
	// Eight bytes at once: most words have one byte of the form, or none.
	for word := from; word < len(b); word += 8 {
		var w uint64
		if len(b)-word >= 8 {
			w = binary.LittleEndian.Uint64(b[word:])
		} else {
			for k, c := range b[word:] {
				w |= uint64(c) << (8 * k)
			}
		}
		for hits := equal(w, ',') | equal(w, ';') | equal(w, '='); hits != 0; hits &= hits - 1 {
			i := word + bits.TrailingZeros64(hits)>>3
			if i < logEnd {
				continue
			}
			c := b[i]
			if c == '=' {
				if equals >= 0 {
					marks |= hasEquals
					continue
				}
				equals = i
				if k := i + 1; area && k < len(b) && (b[k] == '/' || isBlankByte(b[k])) && beginsLog(b, k) {
					logEnd = 0
					if !noLog {
						logEnd = endOfLog(b, k)
					}
					if marks |= hasLog; logEnd == 0 {
						marks ^= hasLog | hasOpenLog
						// A second search would be in vain, and a segment full of open
						// logs would take time by the square of its length.
						noLog = true
					}
				}
				continue
			}
			if !yield(begin, equals, i, before, c, marks) {
				return false
			}
			begin, equals, marks, before = i+1, -1, 0, c
		}
	}
	return yield(begin, equals, len(b), before, 0, marks)
}

func makeToken(b []byte, begin, equals, end int, before, next byte, marks valueMark) token {
	t := token{begin: begin, end: end, equals: equals, value: -1, before: before, next: next, marks: marks}
	if equals < 0 {
		t.name, t.nameEnd = trim(b, begin, end)
		return t
	}
	t.name, t.nameEnd = trim(b, begin, equals)
	t.value, t.valueEnd = trim(b, equals+1, end)
	return t
}

const (
	ones  = 0x0101010101010101
	highs = ones << 7
)

// equal has the high bit set of each byte of w that is c.
func equal(w uint64, c byte) uint64 {
	w ^= ones * uint64(c)
	return ^((w&^highs + ^uint64(highs)) | w) & highs
}

// isPlain reports whether all bytes of b are visible ASCII. It may take b for not
// plain where that is not so.
func isPlain(b []byte) bool {
	var bad uint64 // high bits of bytes over 7EH, and of those under 21H
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		bad |= w | (w + ones) | (w - ones*0x21)
	}
	return bad&highs == 0 && classesIn(b)&(isBlank|isControl|isHigh) == 0
}

// beginsLog reports whether a log begins at i, with or without blanks before it.
func beginsLog(b []byte, i int) bool {
	i = skipBlanks(b, i, len(b))
	return len(b)-i >= 2 && b[i] == '/' && b[i+1] == '/'
}

// endOfLog returns where the log ends that begins at i, and 0 where it does not.
// Between // and // separators belong to the value (HJ 212-2017, table C.40). The //
// that ends it is the first one with a separator or the end after it: a log may have
// one of its own.
func endOfLog(b []byte, i int) int {
	for i = skipBlanks(b, i, len(b)) + 2; ; {
		n := bytes.Index(b[i:], []byte("//"))
		if n < 0 {
			return 0
		}
		// Of more than two slashes the last two end the log.
		for i += n + 2; i < len(b) && b[i] == '/'; {
			i++
		}
		if k := skipBlanks(b, i, len(b)); k == len(b) || b[k] == ';' || b[k] == ',' {
			return i
		}
	}
}

func isBlankByte(c byte) bool { return c == ' ' || c == '\t' }

func skipBlanks(b []byte, i, end int) int {
	for i < end && isBlankByte(b[i]) {
		i++
	}
	return i
}

// trim returns b[i:j] without the blanks at its ends.
func trim(b []byte, i, j int) (int, int) {
	for i < j && isBlankByte(b[i]) {
		i++
	}
	for j > i && isBlankByte(b[j-1]) {
		j--
	}
	return i, j
}
