package envelope

import (
	"fmt"
	"strconv"
)

// maxRanges bounds each list of ranges in a receipt.
const maxRanges = 1024

// A Receipt is what a data centre says it has of one stream, signed by it: every
// block up to UpTo, the runs Have beyond it, and the runs Want that it asks for
// again. Head makes it an outside witness of the chain at that time.
type Receipt struct {
	Gateway, Stream, Epoch string

	UpTo uint64      // highest number without a gap before it; 0 = none
	Head string      // hash of block UpTo; Genesis where UpTo is 0
	Have [][2]uint64 // first and last of each run past UpTo, ascending, at most 1024
	Want [][2]uint64 // first and last of each run to send again, ascending, at most 1024
	At   int64       // when it was given, Unix milliseconds UTC
}

// AppendPayload appends the payload of r to dst, in the same form as
// [Block.AppendPayload] does. The type of the message is [TypeReceipt].
func (r *Receipt) AppendPayload(dst []byte) []byte {
	dst = appendMember(dst, `{"gw":`, r.Gateway)
	dst = appendMember(dst, `,"stream":`, r.Stream)
	dst = appendMember(dst, `,"epoch":`, r.Epoch)
	dst = append(dst, `,"upto":`...)
	dst = strconv.AppendUint(dst, r.UpTo, 10)
	dst = appendMember(dst, `,"head":`, r.Head)
	dst = appendRanges(append(dst, `,"have":`...), r.Have)
	dst = appendRanges(append(dst, `,"want":`...), r.Want)
	dst = append(dst, `,"at":`...)
	dst = strconv.AppendInt(dst, r.At, 10)
	return append(dst, '}')
}

func appendRanges(dst []byte, ranges [][2]uint64) []byte {
	dst = append(dst, '[')
	for i, r := range ranges {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(append(dst, '['), r[0], 10)
		dst = strconv.AppendUint(append(dst, ','), r[1], 10)
		dst = append(dst, ']')
	}
	return append(dst, ']')
}

// Check says whether r can stand as a payload: whether [ParseReceipt] would take
// what [Receipt.AppendPayload] writes. The error wraps [ErrPayload] or [ErrSeq].
func (r *Receipt) Check() error {
	if err := r.check(); err != nil {
		return fmt.Errorf("envelope: receipt: %w", err)
	}
	return nil
}

func (r *Receipt) check() error {
	if err := checkIdentity(r.Gateway, r.Stream, r.Epoch); err != nil {
		return err
	}
	switch {
	case r.UpTo > MaxSeq:
		return fmt.Errorf("%w: upto is %d: 0 to 2^53", ErrSeq, r.UpTo)
	case r.UpTo == 0 && r.Head != Genesis:
		return fmt.Errorf("%w: head is %q where upto is 0: %s", ErrPayload, r.Head, Genesis)
	case r.UpTo > 0 && !isHash(r.Head):
		return fmt.Errorf("%w: head is %q: base64url of 32 bytes", ErrPayload, r.Head)
	case r.At < 0 || r.At > MaxSeq:
		return fmt.Errorf("%w: at is %d: 0 to 2^53", ErrPayload, r.At)
	}
	if err := checkRanges("have", r.Have); err != nil {
		return err
	}
	return checkRanges("want", r.Want)
}

func checkRanges(name string, ranges [][2]uint64) error {
	if len(ranges) > maxRanges {
		return fmt.Errorf("%w: %s has %d runs: at most %d", ErrPayload, name, len(ranges), maxRanges)
	}
	last := uint64(0)
	for _, r := range ranges {
		if r[0] <= last || r[1] < r[0] {
			return fmt.Errorf("%w: %s has run %d to %d after %d", ErrPayload, name, r[0], r[1], last)
		}
		if r[1] > MaxSeq {
			return fmt.Errorf("%w: %s has block %d: 1 to 2^53", ErrSeq, name, r[1])
		}
		last = r[1]
	}
	return nil
}

// ParseReceipt reads the payload of a message of type [TypeReceipt], as strictly
// as [ParsePayload] reads a block. The errors wrap [ErrPayload] or [ErrSeq].
func ParseReceipt(p []byte) (*Receipt, error) {
	r := new(Receipt)
	s := scanner{b: string(p)}
	s.receipt(r)
	if err := s.end(); err != nil {
		return nil, fmt.Errorf("envelope: receipt: %w: %w", ErrPayload, err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("envelope: receipt: %w", err)
	}
	return r, nil
}
