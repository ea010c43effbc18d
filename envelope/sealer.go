package envelope

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
)

// gzipLevel is the lowest that is within 0.2 % of the smallest size on blocks of
// 60 to 600 readings. Level 1 takes a third to six tenths of its time, but is 3 to
// 16 % larger, and its tables take 1.2 MB instead of 0.8 (BenchmarkLevel).
const gzipLevel = 5

// A Sealer makes messages: it signs payloads and compresses them. It keeps a
// compressor and its buffers, so make one and use it for all. It is not safe for
// concurrent use.
type Sealer struct {
	signers []Signer
	headers map[string][][]byte // by type: the encoded header of each signer
	gzip    *gzip.Writer
	out     bytes.Buffer
	lines   []byte
	input   []byte
}

// NewSealer makes a Sealer whose messages carry a signature of each of 1 to 4
// signers, in their order.
func NewSealer(signers ...Signer) *Sealer {
	s := &Sealer{signers: signers, headers: make(map[string][][]byte)}
	s.gzip, _ = gzip.NewWriterLevel(&s.out, gzipLevel) // errs on wrong levels only
	return s
}

// Seal signs payload, which begins with { and ends with }, as a message of the
// type typ. The message is gzip and the caller's; payload is not kept. Equal
// payloads, types and Ed25519 keys give equal messages.
//
// Errors to branch on: ErrTooLarge where the message would be longer than
// MaxEvent or the inflated one than MaxInflated, ErrForm where payload, typ or
// the number of signers cannot be; those of a signer as they are.
func (s *Sealer) Seal(typ string, payload []byte) (message []byte, err error) {
	message, err = s.seal(typ, payload)
	if err != nil {
		return nil, fmt.Errorf("envelope: seal: %w", err)
	}
	return message, nil
}

func (s *Sealer) seal(typ string, payload []byte) ([]byte, error) {
	if n := len(payload); n < 2 || payload[0] != '{' || payload[n-1] != '}' {
		return nil, fmt.Errorf("%w: payload of %d bytes is no JSON object", ErrForm, n)
	}
	headers, err := s.headersFor(typ)
	if err != nil {
		return nil, err
	}
	s.lines = s.lines[:0]
	for i, signer := range s.signers {
		s.input = appendInput(s.input[:0], headers[i], payload)
		signature, err := signer.Sign(s.input)
		if err != nil {
			return nil, fmt.Errorf("sign by %s: %w", signer.KeyID(), err)
		}
		s.lines = append(s.lines, headers[i]...)
		s.lines = append(s.lines, '.', '.')
		s.lines = base64.RawURLEncoding.AppendEncode(s.lines, signature)
		s.lines = append(s.lines, '\n')
	}
	if n := len(s.lines) + len(payload); n > MaxInflated {
		return nil, fmt.Errorf("%w: %d bytes: at most %d", ErrTooLarge, n, MaxInflated)
	}
	s.out.Reset()
	s.gzip.Reset(&s.out)
	s.gzip.Write(s.lines) // a bytes.Buffer takes everything
	s.gzip.Write(payload)
	s.gzip.Close()
	if n := s.out.Len(); n > MaxEvent {
		return nil, fmt.Errorf("%w: %d bytes compressed: at most %d", ErrTooLarge, n, MaxEvent)
	}
	return bytes.Clone(s.out.Bytes()), nil
}

// headersFor returns the encoded header of each signer for one type.
func (s *Sealer) headersFor(typ string) ([][]byte, error) {
	if headers, ok := s.headers[typ]; ok {
		return headers, nil
	}
	if n := len(s.signers); n < 1 || n > maxLines {
		return nil, fmt.Errorf("%w: %d signers: 1 to %d", ErrForm, n, maxLines)
	}
	headers := make([][]byte, len(s.signers))
	for i, signer := range s.signers {
		h := header{alg: signer.Algorithm(), kid: signer.KeyID(), typ: typ}
		if err := h.check(); err != nil {
			return nil, err
		}
		headers[i] = base64.RawURLEncoding.AppendEncode(nil, h.append(nil))
	}
	s.headers[typ] = headers
	return headers, nil
}
