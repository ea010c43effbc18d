package gov

import (
	"bytes"
	"crypto/cipher"
	"fmt"
	"strconv"
	"strings"

	"github.com/emmansun/gmsm/sm4"
)

// Encryption is that of HJ 212-2025, 6.4 and A.2, as others quote it: SM4 in ECB over
// the whole blocks of 16 bytes of the data area, what is left over stays plain, and the
// check sum is that of the plain data segment.

const block = 16

// A key is 16 bytes, as the standard's examples have it: 16 characters.
func newKey(key string) (cipher.Block, error) {
	if len(key) != block {
		return nil, fmt.Errorf("key of %d characters: 16", len(key))
	}
	return sm4.NewCipher([]byte(key))
}

// ecb runs f over the whole blocks of b, in place.
func ecb(b []byte, f func(dst, src []byte)) {
	for ; len(b) >= block; b = b[block:] {
		f(b[:block], b[:block])
	}
}

// isSecret reports whether a message goes encrypted where there is a key (6.4.4): data
// commands from the field, 1014 both ways, and field information.
func isSecret(cn string, up bool) bool {
	return cn == "1014" || up && (strings.HasPrefix(cn, "2") && len(cn) == 4 || cn == "3020")
}

// seal makes the frame of a data segment with its area encrypted, as raw bytes or in
// braces.
func seal(data []byte, key cipher.Block, braces bool) []byte {
	sum := Sum(data)
	at := bytes.Index(data, []byte(begins)) + len(begins)
	secret := bytes.Clone(data)
	area := secret[at : len(secret)-len(ends)]
	whole := len(area) / block * block
	ecb(area, key.Encrypt)
	if braces && whole > 0 {
		text := "{"
		for i, c := range area[:whole] {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf("0x%02X", c)
		}
		secret = append(append(append([]byte{}, secret[:at]...), text+"}"...), secret[at+whole:]...)
	}
	return fmt.Appendf(nil, "##%04d%s%04X\r\n", len(data), secret, sum)
}

// bracesSize is how long n bytes are as {0xE4,0x3E}.
func bracesSize(n int) int {
	if n == 0 {
		return 0
	}
	return 5*n + 1
}

// open takes a frame apart: its data segment, decrypted where that is needed for the
// check sum. The error says what is wrong with it.
func open(raw []byte, keys []cipher.Block) (data []byte, encrypted bool, err error) {
	tail := len(raw)
	if bytes.HasSuffix(raw, []byte("\r\n")) {
		tail -= 2
	}
	data = bytes.Clone(raw[headSize : tail-sumSize])
	said := string(raw[tail-sumSize : tail])
	sum, err := strconv.ParseUint(said, 16, 16)
	if err != nil {
		return data, false, fmt.Errorf("%w: check sum is %q", errFrame, said)
	}
	if at := bytes.Index(data, bracesBegin); at >= 0 {
		if data, err = unbrace(data, at+len(begins)); err != nil {
			return data, false, err
		}
	} else if uint64(Sum(data)) == sum && isText(data) {
		return data, false, nil
	}
	at := bytes.Index(data, []byte(begins)) + len(begins)
	if at < len(begins) || len(data)-at-len(ends) < block {
		return data, false, fmt.Errorf("%w: check sum is %s, of the data %04X", errFrame, said, Sum(data))
	}
	for _, key := range keys {
		plain := bytes.Clone(data)
		ecb(plain[at:len(plain)-len(ends)], key.Decrypt)
		if uint64(Sum(plain)) == sum && isText(plain) {
			return plain, true, nil
		}
	}
	return data, true, fmt.Errorf("%w: check sum is %s, and none of %d keys gives data with that", errFrame, said, len(keys))
}

// isText reports whether b can be plain: encrypted bytes pass the check sum once in 256.
func isText(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r == '\uFFFD' })
}

// unbrace turns {0xE4,0x3E} at a place of data into bytes.
func unbrace(data []byte, at int) ([]byte, error) {
	end := bytes.IndexByte(data[at:], '}')
	if end < 0 {
		return data, fmt.Errorf("%w: no } in %q", errFrame, data)
	}
	out := bytes.Clone(data[:at])
	for part := range strings.SplitSeq(string(data[at+1:at+end]), ",") {
		n, err := strconv.ParseUint(part, 0, 8)
		if err != nil {
			return data, fmt.Errorf("%w: %q in braces", errFrame, part)
		}
		out = append(out, byte(n))
	}
	return append(out, data[at+end+1:]...), nil
}
