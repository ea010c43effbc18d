package envelope

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Types of messages, the "typ" of every signature line, so that one kind of
// message never passes for another.
const (
	TypeBlock   = "envgate-block+json"
	TypeReceipt = "envgate-receipt+json"
	TypeCommand = "envgate-command+json"
)

// Bounds on the lines before the payload.
const (
	maxLines = 4
	maxLine  = 1024 // bytes, with the line end
)

// Open returns the payload of a message after verifying every one of its 1 to 4
// signature lines: the message is gunzipped within bounds if it is gzip, typ
// stands in each header, key and algorithm come from keys by the key id. The
// payload is the caller's.
//
// Errors to branch on: ErrForm, ErrTooLarge, ErrType, ErrKeyID, ErrAlgorithm,
// ErrSignature. A signature line by an unknown key is ErrKeyID, even where
// others are good: what nobody verified is not handed on.
//
// Open says that the payload is what some key of the register signed. Whether
// that key may speak for the gateway in the payload, see [OpenBlock]; for a
// receipt, give it the centre's keys only.
func Open(message []byte, typ string, keys Keys) (payload []byte, err error) {
	payload, _, err = open(message, typ, keys)
	if err != nil {
		return nil, fmt.Errorf("envelope: open: %w", err)
	}
	return payload, nil
}

// OpenBlock opens a message of type [TypeBlock] and parses its payload. Each of
// its keys must be one of the gateway that the payload names, else it is
// ErrForeign: a gateway cannot write another's blocks, though both stand in the
// register. hash is that of the payload. Errors are those of [Open] and
// [ParsePayload].
func OpenBlock(message []byte, keys Keys) (b *Block, hash string, err error) {
	payload, lines, err := open(message, TypeBlock, keys)
	if err != nil {
		return nil, "", fmt.Errorf("envelope: open: %w", err)
	}
	b, err = ParsePayload(payload)
	if err != nil {
		return nil, "", err
	}
	for _, l := range lines {
		if gateway, _, err := cutKeyID(l.header.kid); err != nil || gateway != b.Gateway {
			return nil, "", fmt.Errorf("envelope: open: %w: of %q, signed by %q", ErrForeign, b.Gateway, l.header.kid)
		}
	}
	return b, Hash(payload), nil
}

// OpenReceipt opens a message of type [TypeReceipt] with the centre's keys and
// parses its payload. Errors are those of [Open] and [ParseReceipt].
func OpenReceipt(message []byte, keys Keys) (*Receipt, error) {
	payload, err := Open(message, TypeReceipt, keys)
	if err != nil {
		return nil, err
	}
	return ParseReceipt(payload)
}

// Peek returns the payload of a message without verifying anything but the
// form. It is for messages from the program's own log. The payload is the
// caller's. Errors to branch on: ErrForm, ErrTooLarge.
func Peek(message []byte) (payload []byte, err error) {
	_, payload, err = cut(message)
	if err != nil {
		return nil, fmt.Errorf("envelope: peek: %w", err)
	}
	return payload, nil
}

// PeekBlock is Peek and [ParsePayload]: the block in a message from the program's own log,
// of which nothing is verified. Errors are those of both.
func PeekBlock(message []byte) (*Block, error) {
	payload, err := Peek(message)
	if err != nil {
		return nil, err
	}
	return ParsePayload(payload)
}

func open(message []byte, typ string, keys Keys) (payload []byte, lines []line, err error) {
	lines, payload, err = cut(message)
	if err != nil {
		return nil, nil, err
	}
	var input []byte
	for i, l := range lines {
		if input, err = l.verify(input, payload, typ, keys); err != nil {
			return nil, nil, fmt.Errorf("signature %d: %w", i+1, err)
		}
		for _, other := range lines[:i] {
			if other.header.kid == l.header.kid {
				return nil, nil, fmt.Errorf("signature %d: %w: second one by %q", i+1, ErrForm, l.header.kid)
			}
		}
	}
	return payload, lines, nil
}

// cut takes a message apart. payload is not part of message.
func cut(message []byte) (lines []line, payload []byte, err error) {
	if isGzip(message) {
		if message, err = inflate(message); err != nil {
			return nil, nil, err
		}
	} else {
		if len(message) > MaxInflated {
			return nil, nil, fmt.Errorf("%w: %d bytes: at most %d", ErrTooLarge, len(message), MaxInflated)
		}
		message = bytes.Clone(message)
	}
	rest := message
	for {
		if len(rest) > 0 && rest[0] == '{' {
			break
		}
		end := bytes.IndexByte(rest[:min(len(rest), maxLine)], '\n')
		if end < 0 {
			return nil, nil, fmt.Errorf("%w: no payload after %d signature lines", ErrForm, len(lines))
		}
		if len(lines) == maxLines {
			return nil, nil, fmt.Errorf("%w: more than %d signature lines", ErrForm, maxLines)
		}
		l, err := cutLine(rest[:end])
		if err != nil {
			return nil, nil, fmt.Errorf("signature %d: %w", len(lines)+1, err)
		}
		lines, rest = append(lines, l), rest[end+1:]
	}
	if len(lines) == 0 {
		return nil, nil, fmt.Errorf("%w: no signature", ErrForm)
	}
	return lines, rest, nil
}

// A line is one signature: a detached JWS (RFC 7515, appendix F) over a payload
// that is not encoded (RFC 7797).
type line struct {
	protected []byte // as it stands in the message: it is what was signed
	header    header
	signature []byte
}

// A header is the part of a protected header that differs. The others are the
// same in each: b64 false, crit ["b64"].
type header struct {
	alg, kid, typ string
}

// append writes the header in the one order that this package writes.
func (h header) append(dst []byte) []byte {
	dst = appendMember(dst, `{"alg":`, h.alg)
	dst = append(dst, `,"b64":false,"crit":["b64"]`...)
	dst = appendMember(dst, `,"kid":`, h.kid)
	dst = appendMember(dst, `,"typ":`, h.typ)
	return append(dst, '}')
}

// check says whether h can stand in a line that this package writes.
func (h header) check() error {
	if _, _, err := cutKeyID(h.kid); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if !isName(h.alg, 16) || !isName(strings.NewReplacer("+", "", ".", "").Replace(h.typ), 64) {
		return fmt.Errorf("%w: alg %q, typ %q", ErrForm, h.alg, h.typ)
	}
	return nil
}

var dots = []byte("..")

func cutLine(b []byte) (line, error) {
	protected, signature, ok := bytes.Cut(b, dots)
	if !ok {
		return line{}, fmt.Errorf("%w: no \"..\" in the line", ErrForm)
	}
	strict := base64.RawURLEncoding.Strict()
	text, err := strict.AppendDecode(nil, protected)
	if err != nil {
		return line{}, fmt.Errorf("%w: header: %w", ErrForm, err)
	}
	sum, err := strict.AppendDecode(nil, signature)
	if err != nil {
		return line{}, fmt.Errorf("%w: signature: %w", ErrForm, err)
	}
	// The decoder skips line ends; there is no LF here, but there could be a CR.
	if bytes.IndexByte(b, '\r') >= 0 {
		return line{}, fmt.Errorf("%w: carriage return in the line", ErrForm)
	}
	l := line{protected: protected, signature: sum}
	s := scanner{b: string(text)}
	s.header(&l.header)
	if err := s.end(); err != nil {
		return line{}, fmt.Errorf("%w: header: %w", ErrForm, err)
	}
	return l, nil
}

// verify judges one line. It returns input, whose memory it uses for what was
// signed.
func (l *line) verify(input, payload []byte, typ string, keys Keys) ([]byte, error) {
	if l.header.typ != typ {
		return input, fmt.Errorf("%w: %q: %q", ErrType, l.header.typ, typ)
	}
	key, ok := keys.Lookup(l.header.kid)
	if !ok {
		return input, fmt.Errorf("%w: %q", ErrKeyID, l.header.kid)
	}
	// The register decides. The header must agree, and decides nothing.
	if l.header.alg != key.Algorithm {
		return input, fmt.Errorf("%w: header of %q says %q, the register %q", ErrAlgorithm, l.header.kid, l.header.alg, key.Algorithm)
	}
	if key.Algorithm != EdDSA || len(key.Key) != ed25519.PublicKeySize {
		return input, fmt.Errorf("%w: register has a %q key of %d bytes under %q: Ed25519", ErrAlgorithm, key.Algorithm, len(key.Key), l.header.kid)
	}
	input = appendInput(input[:0], l.protected, payload)
	if !ed25519.Verify(key.Key, input, l.signature) {
		return input, fmt.Errorf("%w: key %q", ErrSignature, l.header.kid)
	}
	return input, nil
}

// appendInput appends what a line signs (RFC 7797, section 3).
func appendInput(dst, protected, payload []byte) []byte {
	dst = append(dst, protected...)
	dst = append(dst, '.')
	return append(dst, payload...)
}

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// inflaters keeps readers, each about 40 KB, for the next message.
var inflaters = sync.Pool{New: func() any { return new(gzip.Reader) }}

// inflate gunzips one member that is all of message, to at most MaxInflated bytes.
func inflate(message []byte) ([]byte, error) {
	if len(message) > MaxEvent {
		return nil, fmt.Errorf("%w: %d bytes: at most %d", ErrTooLarge, len(message), MaxEvent)
	}
	z := inflaters.Get().(*gzip.Reader)
	defer inflaters.Put(z)
	r := bytes.NewReader(message) // has ReadByte, so gzip reads no byte too many
	if err := z.Reset(r); err != nil {
		return nil, fmt.Errorf("%w: gzip: %w", ErrForm, err)
	}
	z.Multistream(false)
	var b bytes.Buffer
	b.Grow(min(6*len(message), MaxInflated) + bytes.MinRead)
	n, err := b.ReadFrom(io.LimitReader(z, MaxInflated+1))
	switch {
	case n > MaxInflated:
		return nil, fmt.Errorf("%w: inflates to more than %d bytes", ErrTooLarge, MaxInflated)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: gzip: cut short", ErrForm)
	case err != nil:
		return nil, fmt.Errorf("%w: gzip: %w", ErrForm, err)
	case r.Len() > 0:
		return nil, fmt.Errorf("%w: %d bytes after the gzip member", ErrForm, r.Len())
	}
	return b.Bytes(), nil
}
