package hj212

import (
	"bytes"
	"fmt"
	"math/bits"
	"strconv"
)

// A Codec is how the frames of one peer are written and read: with which check
// sum, and with which keys. The zero value is the standard's own way, in plain; a
// nil Codec is one too. A Codec may be used by several goroutines if its Keys may.
//
// Encryption is that of HJ 212-2025, 6.4 and A.2: SM4 in ECB over the whole
// blocks of 16 bytes between "CP=&&" and the last "&&", the rest of the data area
// plain, and the CRC that of the plain data segment. It hides values from who
// listens; it does not keep frames from being changed, repeated or made up, and
// equal blocks look equal. Who wants nothing in plain looks at [Frame.Encrypted].
type Codec struct {
	// CRC is the peer's check sum. None but this one is tried; a frame that fails
	// says which other would fit ([FrameError.Fits]).
	CRC Dialect
	// Sends is the direction of the frames that are written. It decides with CN
	// which of them are encrypted (HJ 212-2025, 6.4.4).
	Sends Direction
	// Keys returns the keys of the device with that MN, nil where it has none. The
	// first of them sends, all of them read; [Keys] says in which order they are to be
	// while a key changes. Where Keys itself is nil, nothing is encrypted and encrypted
	// frames do not pass. Where it is not, plain frames still pass, but only if their
	// data area looks like text: the CRC alone would let through one encrypted frame in
	// 256.
	Keys func(mn string) Keys
	// Braces writes cipher text as {0xE4,0x3E,...}, as some platforms want it. The
	// default is raw bytes. Both are read.
	Braces bool
}

// How the data area stands in a frame when it is written with Braces. What A.2
// prints has the length of the plain data segment, not of the text that stands in
// the frame. Seen in the field: the length of that text. Both are read.
const bracesLengthOfPlain = true

func (c *Codec) dialect() Dialect {
	if c == nil {
		return Standard
	}
	return c.CRC
}

// AppendFrame appends to b the frame around data, as the function [AppendFrame]
// does. The data area is encrypted if it has to be: where Keys has a key for the
// MN in it, of which the first is taken, and the edition in Flag and CN want it.
func (c *Codec) AppendFrame(b, data []byte) []byte {
	at := len(b)
	b = append(b, "##0000"...)
	return c.finish(append(b, data...), at)
}

// AppendMessage appends to b the frame of m, as AppendFrame does. It panics where
// m is longer than [MaxData]: [Split] divides it.
func (c *Codec) AppendMessage(b []byte, m *Message) []byte {
	at := len(b)
	b = append(b, "##0000"...)
	return c.finish(m.Append(b), at)
}

// finish makes a frame of what lies in b from at on: a head without its length,
// and the data segment.
func (c *Codec) finish(b []byte, at int) []byte {
	data := b[at+headLen:]
	n := len(data)
	if n < 1 || n > MaxData {
		panic(fmt.Sprintf("hj212: data segment of %d bytes: a frame holds 1 to %d", n, MaxData))
	}
	sum := c.dialect().Sum(data)
	if key, from, ok := c.secretArea(data); ok {
		area := data[from : n-len(areaEnd)]
		EncryptArea(area[:0], area, key)
		if c.Braces {
			b = appendBraces(b[:at+headLen+from], bytes.Clone(area))
			b = append(b, areaEnd...)
			if !bracesLengthOfPlain {
				n = len(b) - at - headLen
			}
		}
	}
	for i := headLen - 1; i >= len(mark); i-- {
		b[at+i] = byte('0' + n%10)
		n /= 10
	}
	for shift := 12; shift >= 0; shift -= 4 {
		b = append(b, upperHex[sum>>shift&0xF])
	}
	return append(b, '\r', '\n')
}

const upperHex = "0123456789ABCDEF"

// secretArea says with which key the data area has to be encrypted, and where it
// begins.
func (c *Codec) secretArea(data []byte) (key Key, from int, ok bool) {
	if c == nil || c.Keys == nil {
		return Key{}, 0, false
	}
	from, ok = findArea(data)
	if !ok || len(data)-from < keySize+len(areaEnd) || !bytes.HasSuffix(data, []byte(areaEnd)) || !secretHead(data[:from], c.Sends) {
		return Key{}, 0, false
	}
	keys := c.Keys(string(headField(data[:from], "MN")))
	if len(keys) == 0 || keys[0].k == nil {
		return Key{}, 0, false
	}
	return keys[0], from, true
}

// secretHead reports whether the frame with the fields of head is one of those
// that are encrypted.
func secretHead(head []byte, d Direction) bool {
	flag, err := strconv.ParseUint(string(headField(head, "Flag")), 10, 8)
	if err != nil {
		return false
	}
	m := Message{Flag: Flag(flag), HasFlag: true}
	return Secret(m.Edition(), d, string(headField(head, "CN")))
}

const (
	areaBegin = "CP=&&"
	areaEnd   = "&&"
	// The fields before CP have some 150 bytes when all of them are there. Beyond
	// what can be written, nothing is looked for.
	maxFields = MaxData
)

// findArea returns where the data area begins.
func findArea(data []byte) (from int, ok bool) {
	i := bytes.Index(data[:min(len(data), maxFields)], []byte(areaBegin))
	return i + len(areaBegin), i >= 0
}

// headField returns the value of a field before CP, nil if it is not there.
func headField(head []byte, name string) []byte {
	for len(head) > 0 {
		var f []byte
		f, head, _ = bytes.Cut(head, []byte{';'})
		if len(f) > len(name) && f[len(name)] == '=' && string(f[:len(name)]) == name {
			return f[len(name)+1:]
		}
	}
	return nil
}

// Cut splits b after its first frame, as the function [Cut] does, with c's check
// sum and keys. Data that was encrypted is in memory of its own.
//
// Where c has Keys, a frame passes as plain if its CRC matches and its data area
// looks like text, and else with the first of its device's keys that makes both
// true. Cipher text may be raw, or in braces, with the length of either reading.
func (c *Codec) Cut(b []byte) (f Frame, rest []byte, err error) {
	f, size, err := c.cut(b, nil)
	return f, b[size:], err
}

// cut is Cut, with the size of the frame. For the frames of a stream, w keeps what
// was found out already, and bounds what is done.
func (c *Codec) cut(b []byte, w *work) (f Frame, size int, err error) {
	n, offset, err := cutHead(b)
	switch err {
	case nil:
	case ErrShort:
		return Frame{}, 0, ErrShort
	case ErrMark:
		return Frame{}, 0, w.fail(FrameError{Offset: offset, Field: "mark", Err: err})
	default:
		return Frame{}, 0, w.fail(FrameError{Offset: offset, Field: "length", Err: err})
	}
	end := headLen + n
	if len(b) < end+sumLen {
		return Frame{}, 0, w.wait(end + sumLen)
	}
	data := b[headLen:end:end]
	says, digits := parseCRC(b[end:])
	var gives uint16
	first := w.first(end)
	if digits || first {
		gives = w.sum(c.dialect(), b, headLen, end)
	}
	plain := digits && gives == says
	secrets := c != nil && c.Keys != nil
	if plain || secrets {
		// The end comes first: what is behind it costs more, and is done once.
		tail, err := cutEnd(b[end+sumLen:], w.ends())
		switch {
		case err == ErrShort:
			return Frame{}, 0, ErrShort
		case plain && err != nil:
			return Frame{}, 0, w.fail(FrameError{Offset: end + sumLen, Field: "end", Err: err})
		case plain && (!secrets || looksPlain(data, w)):
			size = end + sumLen + tail
			return Frame{Raw: b[:size:size], Data: data, Sum: says}, size, nil
		}
		f, size, err = c.open(b, n, w)
		switch {
		case err == nil, err == ErrShort:
			return f, size, err
		case w.silent():
			return Frame{}, 0, ErrCRC
		case err == ErrKey || plain:
			from, _ := findArea(data)
			return Frame{}, 0, w.fail(FrameError{Offset: headLen + from, Field: "area", Err: ErrKey})
		}
	}
	e := FrameError{Offset: end, Field: "crc", Err: ErrCRC, frame: says, data: gives, digits: digits, known: digits || first}
	if digits && first {
		w.did(2 * n)
		e.Fits = fits(c.dialect(), data, says)
	}
	return Frame{}, 0, w.fail(e)
}

// fits returns the dialects other than d with that sum of data.
func fits(d Dialect, data []byte, sum uint16) (out []Dialect) {
	modbus := Modbus.Sum(data)
	for other, is := range [...]uint16{Standard: CRC(data), Modbus: modbus, ModbusSwapped: bits.ReverseBytes16(modbus)} {
		if Dialect(other) != d && is == sum {
			out = append(out, Dialect(other))
		}
	}
	return out
}

// What the work on secrets costs, where one byte of SM4 is 1.
const (
	areaCost = 16 // to look for the data area
	keysCost = 16 // to ask for the keys
	keyCost  = 16 // to try one on the first block
	textCost = 8  // bytes that are looked at for 1
)

// open takes b, which begins with a head that states n bytes, for a frame with
// an encrypted data area. The error is ErrShort where b is too short for one in
// braces, ErrKey where it seems to be one and no key fits, and else ErrCRC.
func (c *Codec) open(b []byte, n int, w *work) (f Frame, size int, err error) {
	if n < keySize || !w.payOnce(areaCost) {
		return Frame{}, 0, ErrCRC
	}
	w.did(areaCost)
	end := headLen + n
	data := b[headLen:end]
	from, ok := findArea(data)
	m := n - from - len(areaEnd) // bytes of the data area
	if !ok || m < keySize {
		return Frame{}, 0, ErrCRC
	}
	head, area := data[:from], data[from:from+m]
	braces := bracesBegin(area)
	says, ok := parseCRC(b[end:])
	cipher := 0 // bytes in braces
	if braces {
		var byText bool
		if cipher, byText = bracesByText(area); !byText {
			if ok { // no four digits in a row are in braces
				return Frame{}, 0, ErrKey
			}
			cipher = m / keySize * keySize
			end = headLen + from + bracesLen(cipher) + m%keySize + len(areaEnd)
			if end-headLen > MaxLength {
				return Frame{}, 0, ErrKey
			}
			if len(b) < end+sumLen {
				return Frame{}, 0, w.wait(end + sumLen)
			}
		}
		area = b[headLen+from : end-len(areaEnd)]
		says, ok = parseCRC(b[end:])
	}
	tail, err := cutEnd(b[end+sumLen:], w.ends())
	if err == ErrShort {
		return Frame{}, 0, ErrShort
	}
	if ok = ok && err == nil && bytes.HasSuffix(b[:end], []byte(areaEnd)); ok && braces {
		area, ok = parseBraces(area, cipher)
	}
	if ok {
		if data, key, ok := c.decrypt(head, area, says, w); ok {
			size = end + sumLen + tail
			return Frame{Raw: b[:size:size], Data: data, Sum: says, Encrypted: true, Key: key}, size, nil
		}
	}
	if braces || !textBegins(area[:keySize]) {
		return Frame{}, 0, ErrKey
	}
	return Frame{}, 0, ErrCRC
}

// decrypt tries the keys of the device. One fits where the whole then is text and
// has that sum.
func (c *Codec) decrypt(head, area []byte, sum uint16, w *work) (data []byte, key Key, ok bool) {
	if !w.pay(keysCost) {
		return nil, Key{}, false
	}
	w.did(keysCost)
	for _, k := range c.Keys(string(headField(head, "MN"))) {
		if k.k == nil || !w.pay(keyCost) {
			continue
		}
		w.did(keyCost)
		// A wrong key makes text of one block in some thousands.
		if first := DecryptArea(nil, area[:keySize], k); !textBegins(first) || !w.pay(len(area)) {
			continue
		}
		w.did(len(area))
		data = make([]byte, 0, len(head)+len(area)+len(areaEnd))
		data = DecryptArea(append(data, head...), area, k)
		text := isText(data[len(head):])
		data = append(data, areaEnd...)
		if text && c.CRC.Sum(data) == sum {
			return data, k, true
		}
	}
	return nil, Key{}, false
}

// looksPlain reports whether a data segment is not encrypted, as far as one can
// see.
func looksPlain(data []byte, w *work) bool {
	if !w.payOnce(areaCost + len(data)/textCost) {
		return false
	}
	from, ok := findArea(data)
	if !ok {
		return true
	}
	w.did(len(data) / textCost)
	area := bytes.TrimSuffix(data[from:], []byte(areaEnd))
	return len(area) < keySize || textBegins(area[:keySize]) && isText(area[keySize:])
}

// textBegins reports whether b is what a data area can begin with: the name of a
// parameter, and text.
func textBegins(b []byte) bool {
	b = bytes.TrimLeft(b, " ,;")
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '-', c == '_', c == '.':
		case c == '=' && i > 0:
			return isText(b[i:])
		default:
			return false
		}
	}
	return true
}

// isText reports whether b has no control characters but blanks and the ends of
// lines. Bytes over 7F may be the Chinese of a log, in whatever coding.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7F {
			return false
		}
	}
	return true
}

// bracesBegin reports whether a data area begins as cipher text in braces does, for
// as long as a block of SM4 is: raw cipher text may well begin with {0x.
func bracesBegin(area []byte) bool {
	const form = "{0x??,0x??,0x??,"
	for i := range form {
		switch c := area[i]; {
		case form[i] == '?' && hexDigits[c] < 0, form[i] != '?' && form[i] != c:
			return false
		}
	}
	return true
}

// bracesLen is the length of n bytes in braces: {0xE4,0x3E}.
func bracesLen(n int) int { return len("0xE4,")*n + 1 }

func appendBraces(b, cipher []byte) []byte {
	rest := len(cipher) % keySize
	sep := byte('{')
	for _, c := range cipher[:len(cipher)-rest] {
		b = append(b, sep, '0', 'x', upperHex[c>>4], upperHex[c&0xF])
		sep = ','
	}
	b = append(b, '}')
	return append(b, cipher[len(cipher)-rest:]...)
}

// bracesByText takes the whole of area for cipher text in braces and a rest that
// is plain, and says how many bytes are in the braces. The rest is less than a
// block, so that only one place is possible for the brace, and never the same one
// as where the frame states the length of the plain area.
func bracesByText(area []byte) (cipher int, ok bool) {
	const block = len("0xE4,") * keySize
	n := len(area) - 1 // without one brace; the other stands for a comma
	cipher = n / block * keySize
	return cipher, cipher > 0 && n%block < keySize && area[bracesLen(cipher)-1] == '}'
}

// parseBraces undoes what appendBraces does, for n bytes of cipher text.
func parseBraces(area []byte, n int) (cipher []byte, ok bool) {
	cipher = make([]byte, 0, n+keySize)
	sep := byte('{')
	for i := range n {
		c := area[5*i : 5*i+5]
		hi, lo := hexDigits[c[3]], hexDigits[c[4]]
		if c[0] != sep || c[1] != '0' || c[2] != 'x' || hi < 0 || lo < 0 {
			return nil, false
		}
		cipher = append(cipher, byte(hi<<4|lo))
		sep = ','
	}
	if area[5*n] != '}' {
		return nil, false
	}
	return append(cipher, area[5*n+1:]...), true
}
