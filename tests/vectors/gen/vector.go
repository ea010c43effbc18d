package main

import (
	"encoding/base64"
	"fmt"
	"strings"

	"envgate/envelope"
)

// A vector is one file. See tests/vectors/README.md for its form.
type vector struct {
	name     string
	expect   string // one word a message: ok, or the error's name
	comment  string
	typ      string               // "block" where empty
	keys     []envelope.PublicKey // the register; the keys of hb-01 and hb-02 where nil
	chain    string               // gateway, stream and epoch; hb-01's where empty
	anchor   string               // block and hash; none where empty
	messages [][]byte
}

func (v vector) append(b []byte) []byte {
	if v.typ == "" {
		v.typ = "block"
	}
	if v.keys == nil {
		v.keys = []envelope.PublicKey{key1.Public(), other.Public()}
	}
	if v.chain == "" {
		v.chain = gateway + " live " + epoch
	}
	b = fmt.Appendf(b, "expect: %s\ncomment: %s\ntype: %s\n", v.expect, v.comment, v.typ)
	for _, k := range v.keys {
		b = fmt.Appendf(b, "key: %s %s %s\n", k.KeyID, k.Algorithm, base64.RawURLEncoding.EncodeToString(k.Key))
	}
	if v.typ == "block" {
		b = fmt.Appendf(b, "chain: %s\n", v.chain)
	}
	if v.anchor != "" {
		b = fmt.Appendf(b, "anchor: %s\n", v.anchor)
	}
	var lengths []string
	for _, m := range v.messages {
		lengths = append(lengths, fmt.Sprint(len(m)))
	}
	b = fmt.Appendf(b, "lengths: %s\n\n", strings.Join(lengths, " "))
	for _, m := range v.messages {
		b = append(append(b, m...), '\n')
	}
	return b
}
