package hj212

import (
	"crypto/cipher"
	"fmt"
	"io"
	"log/slog"

	"github.com/emmansun/gmsm/sm4"
)

// A Key is one SM4 key of a device (HJ 212-2025, 6.4.3). [NewKey] makes one; the
// zero value is no key. However it is printed, logged or encoded, its bytes do not
// come out.
type Key struct {
	Created string // SKCreateTime, 17 digits as QN

	// A pointer, as fmt prints what is behind one only at the top: a Key in an
	// unexported field of another struct is printed without its methods.
	k *secret
}

type secret struct {
	block cipher.Block
	weak  bool
}

// keySize is the length of a key in bytes (HJ 212-2025, 6.4.2).
const keySize = sm4.BlockSize

// NewKey returns the key with these bytes, 16 of them, which are not kept as they
// are. created is its SKCreateTime. The error is of another number of bytes.
func NewKey(created string, key []byte) (Key, error) {
	if len(key) != keySize {
		return Key{}, fmt.Errorf("hj212: key of %d bytes: SM4 has %d", len(key), keySize)
	}
	block, err := sm4.NewCipher(key)
	if err != nil {
		return Key{}, fmt.Errorf("hj212: %w", err)
	}
	return Key{created, &secret{block, regular(key)}}, nil
}

// regular reports whether key repeats a shorter piece, or counts.
func regular(key []byte) bool {
	repeats := func(n int) bool { return string(key[n:]) == string(key[:len(key)-n]) }
	if repeats(1) || repeats(2) || repeats(4) || repeats(8) {
		return true
	}
	up, down := true, true
	for i, b := range key[1:] {
		up = up && follows(key[i], b)
		down = down && follows(b, key[i])
	}
	return up || down
}

// follows reports whether b comes after a when one counts: in bytes, or in
// digits of base 10 or 16.
func follows(a, b byte) bool {
	switch {
	case b == a+1:
		return true
	case a == '9':
		return b == '0' || b == 'A' || b == 'a'
	case a == 'F' || a == 'f':
		return b == '0'
	}
	return false
}

// Weak reports whether the key is regular, which the standard forbids (HJ
// 212-2025, 6.4.3): it repeats one byte, or a piece of 2, 4 or 8, or counts up or
// down, in bytes or in digits. That of the standard's own examples is. Weak keys
// work; to refuse them is up to the caller.
func (k Key) Weak() bool { return k.k != nil && k.k.weak }

// String returns the time the key was made, and no more of it.
func (k Key) String() string {
	if k.k == nil {
		return "no key"
	}
	return "key of " + k.Created
}

// GoString is String.
func (k Key) GoString() string { return k.String() }

// Format writes String, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue is String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Keys are the keys of one device. Frames are written with the first one, and read
// with any of them.
//
// While a key changes (CN 1014) the two ends do not change at the same time. The
// platform sends the 1014 itself under the old key, and the field machine goes on with
// that until it has taken the new one. So the new key comes first only where the other
// end is known to have it:
//
//   - The platform does keys = keys.Offer(fresh) before it sends the 1014: from then on
//     it reads both. When a frame under the new key has come ([Frame.Key]), it does
//     keys = keys.With(fresh).
//   - The field machine does keys = keys.With(fresh) when it has executed the 1014
//     ([FieldSide.Done]): it writes with the new key, and reads a 1014 that is repeated
//     under the old one.
//
// A zero Key in front stands for no key yet: nothing is encrypted.
type Keys []Key

// keepKeys is how many keys are tried: the one in use, the one before it (frames
// under way or stored while the key changed), and one that was handed out and may
// not have arrived.
const keepKeys = 3

// With returns keys with fresh in front, three at most: from now on it sends. A key
// with the same Created is replaced, where that is not empty. The old Keys stay as they
// were.
func (keys Keys) With(fresh Key) Keys {
	out := make(Keys, 1, keepKeys)
	out[0] = fresh
	for _, k := range keys {
		if len(out) < keepKeys && k.k != nil && k != fresh && (k.Created != fresh.Created || k.Created == "") {
			out = append(out, k)
		}
	}
	return out
}

// Offer returns keys with fresh behind the first, three at most: fresh is read, and not
// yet sent with. Where there are no keys, a zero Key comes first. The old Keys stay as
// they were.
func (keys Keys) Offer(fresh Key) Keys {
	out := make(Keys, 1, keepKeys)
	if len(keys) > 0 {
		if keys[0] == fresh {
			return append(out[:0], keys[:min(len(keys), keepKeys)]...)
		}
		out[0], keys = keys[0], keys[1:]
	}
	out = append(out, keys.With(fresh)...)
	return out[:min(len(out), keepKeys)]
}

// EncryptArea appends to dst the data area with its whole blocks of 16 bytes
// encrypted; the rest of it, less than a block, stays plain (HJ 212-2025, 6.4.2).
// It is as long as area. dst may be area[:0]. It panics with the zero Key.
func EncryptArea(dst, area []byte, k Key) []byte {
	return blocks(dst, area, k.cipher().Encrypt)
}

// DecryptArea undoes what [EncryptArea] does.
func DecryptArea(dst, area []byte, k Key) []byte {
	return blocks(dst, area, k.cipher().Decrypt)
}

func (k Key) cipher() cipher.Block {
	if k.k == nil {
		panic("hj212: the zero Key: NewKey makes keys")
	}
	return k.k.block
}

func blocks(dst, area []byte, do func(dst, src []byte)) []byte {
	at := len(dst)
	dst = append(dst, area...)
	for b := dst[at:]; len(b) >= keySize; b = b[keySize:] {
		do(b, b)
	}
	return dst
}
