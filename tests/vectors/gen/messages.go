package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"envgate/envelope"
)

// messages are forgeries of the frame, the header and the signatures.
func messages() []vector {
	valid := string(seal(first, key1))
	second := block(1, envelope.Genesis, func(b *envelope.Block) { b.T0++ })
	line1 := line(head, first, key1)
	line2 := line(headFor(kid2, envelope.TypeBlock), first, key2)
	both := []envelope.PublicKey{key1.Public(), key2.Public()}
	es256 := key1.Public()
	es256.Algorithm = "ES256"
	var five []envelope.PublicKey
	lines5 := ""
	for i := range 5 {
		k := key(fmt.Sprintf("hb-01/EdDSA/%d", i+1))
		five, lines5 = append(five, k.Public()), lines5+line(headFor(k.KeyID(), envelope.TypeBlock), first, k)
	}
	zipped := zip([]byte(valid))

	header := func(h string) [][]byte { return one([]byte(line(h, first, key1) + first)) }
	plain := func(text string) [][]byte { return one([]byte(text)) }
	return []vector{
		{name: "edited-digit", expect: "signature", comment: "12.40 made 12.90", messages: plain(swap(valid, `12.40`, `12.90`))},
		{name: "edited-header", expect: "signature", comment: "alg and b64 of the header change places", messages: plain(
			swap(valid, encode([]byte(head)), encode([]byte(swap(head, `"alg":"EdDSA","b64":false`, `"b64":false,"alg":"EdDSA"`)))))},
		{name: "appended", expect: "signature", comment: "a line end after the payload", messages: plain(valid + "\n")},
		{name: "swapped-blocks", expect: "signature", comment: "the line of another block", messages: plain(line1 + second)},
		{name: "swapped-signatures", expect: "signature", comment: "two lines have each other's signature", keys: both, messages: plain(swapTails(line1, line2) + first)},
		{name: "second-bad", expect: "signature", comment: "the first line is right, the second is over another payload", keys: both, messages: plain(
			line1 + line(headFor(kid2, envelope.TypeBlock), second, key2) + first)},
		{name: "signature-short", expect: "signature", comment: "63 bytes", messages: plain(line1[:strings.Index(line1, "..")+2] + encode(signature(line1)[:63]) + "\n" + first)},
		{name: "signature-other-s", expect: "signature", comment: "the signature's number S with the group order added: same equation, other bytes (RFC 8032, 5.1.7)", messages: plain(
			line1[:strings.Index(line1, "..")+2] + encode(addOrder(signature(line1))) + "\n" + first)},
		{name: "kid-of-other", expect: "signature", comment: "signed by hb-02, kid says hb-01", messages: plain(line(head, first, other) + first)},
		{name: "kid-unknown", expect: "key-id", comment: "a key that is not in the register", messages: one(seal(first, nobody))},
		{name: "kid-second-unknown", expect: "key-id", comment: "one line by a known key, one by an unknown", messages: plain(line1 + line2 + first)},
		{name: "alg-hmac", expect: "algorithm", comment: "HMAC with the public key as its secret", messages: plain(hmacLine(swap(head, `"alg":"EdDSA"`, `"alg":"HS256"`)) + first)},
		{name: "alg-none", expect: "algorithm", comment: "alg none, no signature", messages: plain(encode([]byte(swap(head, `"alg":"EdDSA"`, `"alg":"none"`))) + "..\n" + first)},
		{name: "alg-case", expect: "algorithm", comment: "alg eddsa; the signature is right", messages: header(swap(head, `"alg":"EdDSA"`, `"alg":"eddsa"`))},
		{name: "alg-register", expect: "algorithm", comment: "the register has the key for ES256; header and signature say EdDSA and are right", keys: []envelope.PublicKey{es256}, messages: sealed(first)},
		{name: "typ-receipt", expect: "type", comment: "a block's payload as a receipt", messages: header(headFor(kid1, envelope.TypeReceipt))},
		{name: "typ-second", expect: "type", comment: "the second line has the typ of a receipt", keys: both, messages: plain(line1 + line(headFor(kid2, envelope.TypeReceipt), first, key2) + first)},
		{name: "typ-none", expect: "form", comment: "no typ", messages: header(swap(head, `,"typ":"envgate-block+json"`, ``))},
		{name: "header-jwk", expect: "form", comment: "the header brings a key", messages: header(swap(head, `,"kid"`, `,"jwk":{"kty":"OKP"},"kid"`))},
		{name: "header-twice", expect: "form", comment: "kid twice", messages: header(swap(head, `,"typ"`, `,"kid":"hb-01/EdDSA/1","typ"`))},
		{name: "header-b64", expect: "form", comment: "b64 true", messages: header(swap(head, `"b64":false`, `"b64":true`))},
		{name: "header-b64-number", expect: "form", comment: "b64 is a number as long as false", messages: header(swap(head, `"b64":false`, `"b64":10000`))},
		{name: "header-b64-none", expect: "form", comment: "no b64", messages: header(swap(head, `"b64":false,`, ``))},
		{name: "header-crit-none", expect: "form", comment: "no crit, so that a library without RFC 7797 would sign something else", messages: header(swap(head, `"crit":["b64"],`, ``))},
		{name: "header-crit-empty", expect: "form", comment: "crit is empty", messages: header(swap(head, `["b64"]`, `[]`))},
		{name: "header-crit-more", expect: "form", comment: "crit names what nobody knows", messages: header(swap(head, `["b64"]`, `["b64","exp"]`))},
		{name: "header-crit-other", expect: "form", comment: "crit names another", messages: header(swap(head, `["b64"]`, `["exp"]`))},
		{name: "header-trailing", expect: "form", comment: "a byte after the header's brace", messages: header(head + "\n")},
		{name: "base64-padding", expect: "form", comment: "signature with padding", messages: plain(strings.TrimSuffix(line1, "\n") + "==\n" + first)},
		{name: "base64-spare-bits", expect: "form", comment: "spare bits of the signature's last character are not 0: other text, same bytes", messages: plain(spareBits(line1) + first)},
		{name: "base64-standard", expect: "form", comment: "signature in the alphabet with + and /", messages: plain(strings.NewReplacer("-", "+", "_", "/").Replace(line1) + first)},
		{name: "line-cr", expect: "form", comment: "line ends with CR LF", messages: plain(swap(line1, "\n", "\r\n") + first)},
		{name: "line-empty", expect: "form", comment: "an empty line between signature and payload", messages: plain(line1 + "\n" + first)},
		{name: "line-long", expect: "form", comment: "a line over 1024 bytes", messages: header(swap(head, kid1, strings.Repeat("k", 1024)))},
		{name: "line-payload-inside", expect: "form", comment: "a compact JWS with its payload inside", messages: plain(swap(line1, "..", "."+encode([]byte(first))+".") + first)},
		{name: "lines-none", expect: "form", comment: "payload without a signature", messages: plain(first)},
		{name: "lines-five", expect: "form", comment: "five lines by five keys", keys: five, messages: plain(lines5 + first)},
		{name: "lines-same-key", expect: "form", comment: "two lines by one key", messages: plain(line1 + line1 + first)},
		{name: "payload-none", expect: "form", comment: "a signature line and no payload", messages: plain(line1)},
		{name: "message-empty", expect: "form", comment: "no bytes", messages: plain("")},
		{name: "gzip-bomb", expect: "too-large", comment: "inflates to 1 MiB and a byte; the signature is right", messages: one(zip(seal(padded(1<<20+1), key1)))},
		{name: "gzip-bomb-members", expect: "form", comment: "the same in two members", messages: one(append(zip(seal(padded(1<<20), key1)), zip([]byte("}"))...))},
		{name: "gzip-cut", expect: "form", comment: "the last byte is gone", messages: one(zipped[:len(zipped)-1])},
		{name: "gzip-sum", expect: "form", comment: "the sum in the gzip trailer is wrong", messages: one(flip(zipped, len(zipped)-8))},
		{name: "gzip-trailing", expect: "form", comment: "a byte after the gzip member", messages: one(append(bytes.Clone(zipped), 0))},
		{name: "gzip-twice", expect: "form", comment: "gzip within gzip", messages: one(zip(zipped))},
		{name: "gateway-other", expect: "foreign", comment: "a block in the name of hb-01, signed by hb-02 with its own, known key", messages: one(seal(first, other))},
	}
}

func signature(line string) []byte {
	_, s, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "..")
	return must(base64.RawURLEncoding.DecodeString(s))
}

func swapTails(a, b string) string {
	headA, tailA, _ := strings.Cut(a, "..")
	headB, tailB, _ := strings.Cut(b, "..")
	return headA + ".." + tailB + headB + ".." + tailA
}

// addOrder adds the order of the group to S, the second half of a signature.
func addOrder(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := new(big.Int).SetBytes(reversed(sig[32:]))
	return append(bytes.Clone(sig[:32]), reversed(s.Add(s, order).FillBytes(make([]byte, 32)))...)
}

func reversed(b []byte) []byte {
	r := make([]byte, len(b))
	for i, c := range b {
		r[len(b)-1-i] = c
	}
	return r
}

// spareBits sets one of the four bits of the last character that carry nothing.
func spareBits(line string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	at := len(line) - 2 // before the line end
	return line[:at] + string(alphabet[strings.IndexByte(alphabet, line[at])|1]) + "\n"
}

func hmacLine(header string) string {
	protected := encode([]byte(header))
	mac := hmac.New(sha256.New, key1.Public().Key)
	mac.Write([]byte(protected + "." + first))
	return protected + ".." + encode(mac.Sum(nil)) + "\n"
}

// padded makes the first block's payload so long that its message has n bytes.
func padded(n int) string {
	short := n - len(seal(first, key1))
	return swap(first, `{"v":1`, "{"+strings.Repeat(" ", short)+`"v":1`)
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}
