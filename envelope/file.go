package envelope

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// FileHead begins a file of many messages. Each message follows as its length,
// four bytes with the high one first, and its bytes as they were sealed.
const FileHead = "envgate-blocks/1\n"

// AppendToFile appends a message to dst, in the form in which it stands in a file
// that begins with FileHead.
func AppendToFile(dst, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(message))), message...)
}

// ReadFile gives fn each message of a file, with the offset of its first byte. A
// file without FileHead is one message, of at most MaxInflated bytes. The slice is
// fn's until it returns. An error of fn ends the reading and is returned.
//
// Errors to branch on: ErrForm where the file ends within a message, ErrTooLarge
// where a length cannot be; all messages before that were given.
func ReadFile(r io.Reader, fn func(offset int64, message []byte) error) error {
	in := bufio.NewReaderSize(r, 32<<10)
	if head, _ := in.Peek(len(FileHead)); string(head) != FileHead {
		b, err := io.ReadAll(io.LimitReader(in, MaxInflated+1))
		switch {
		case err != nil:
			return err
		case len(b) > MaxInflated:
			return fmt.Errorf("%w: larger than any message", ErrTooLarge)
		}
		return fn(0, b)
	}
	in.Discard(len(FileHead))
	at := int64(len(FileHead))
	var size [4]byte
	var b []byte
	for {
		if _, err := io.ReadFull(in, size[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return cutShort(err, at)
		}
		n := int64(binary.BigEndian.Uint32(size[:]))
		if n == 0 || n > MaxEvent {
			return fmt.Errorf("%w: a message of %d bytes at %d, at most %d", ErrTooLarge, n, at, MaxEvent)
		}
		if int64(cap(b)) < n {
			b = make([]byte, n)
		}
		b = b[:n]
		if _, err := io.ReadFull(in, b); err != nil {
			return cutShort(err, at)
		}
		if err := fn(at+4, b); err != nil {
			return err
		}
		at += 4 + n
	}
}

// cutShort is the error of a file that ends within the message at offset at.
func cutShort(err error, at int64) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the file ends within the message at %d", ErrForm, at)
	}
	return err
}
