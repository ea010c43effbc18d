package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"envgate/envelope"
)

const (
	gateway  = "hb-01"
	epoch    = "5e9d00a1c3f7b284"
	kid1     = "hb-01/EdDSA/1"
	kid2     = "hb-01/EdDSA/2"
	midnight = 1772323200000 // 2026-03-01 00:00:00 UTC, in milliseconds
)

// Keys that anybody can make again.
var (
	key1   = key(kid1)
	key2   = key(kid2)
	other  = key("hb-02/EdDSA/1")
	nobody = key("hb-01/EdDSA/9") // in no register
	centre = key("centre/EdDSA/1")
)

func key(kid string) *envelope.Key {
	seed := sha256.Sum256([]byte("envgate test vector, not a secret: " + kid))
	return must(envelope.KeyFromSeed(kid, seed[:]))
}

// head is the protected header that a block of hb-01 has.
const head = `{"alg":"EdDSA","b64":false,"crit":["b64"],"kid":"hb-01/EdDSA/1","typ":"envgate-block+json"}`

// line signs payload under any header.
func line(header, payload string, k *envelope.Key) string {
	protected := base64.RawURLEncoding.EncodeToString([]byte(header))
	return protected + ".." + encode(sign(k, protected+"."+payload)) + "\n"
}

func sign(k *envelope.Key, input string) []byte { return must(k.Sign([]byte(input))) }

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// headFor is head with another kid and typ.
func headFor(kid, typ string) string {
	return swap(swap(head, kid1, kid), envelope.TypeBlock, typ)
}

// seal makes a message of one line that is right in itself, whatever the payload.
func seal(payload string, k *envelope.Key) []byte {
	return []byte(line(headFor(k.KeyID(), envelope.TypeBlock), payload, k) + payload)
}

func sealReceipt(payload string) []byte {
	return []byte(line(headFor(centre.KeyID(), envelope.TypeReceipt), payload, centre) + payload)
}

// swap puts another text in the place of one that must stand there exactly once.
func swap(s, old, text string) string {
	if strings.Count(s, old) != 1 {
		panic(fmt.Sprintf("gen: %q stands %d times in %s", old, strings.Count(s, old), s))
	}
	return strings.Replace(s, old, text, 1)
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	must(w.Write(b))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// block is a block of hb-01 as it would be; change, if not nil, makes another of it.
func block(seq uint64, prev string, change func(*envelope.Block)) string {
	at := int64(seq%1000) * 5000
	b := &envelope.Block{
		Gateway: gateway, Stream: envelope.StreamLive, Epoch: epoch,
		Seq: seq, Prev: prev,
		Boot: "7d1c0b52", T0: midnight + at,
		Clock:  envelope.Clock{State: envelope.ClockSync, ErrMs: 12, MonoMs: 86_400_000 + at},
		Config: hash("configuration"), Catalogue: hash("catalogue"), Firmware: "1.0.0",
		Heads: map[string]envelope.Head{envelope.StreamEvent: {Seq: 3, Hash: hash("event 3")}},
		Groups: []envelope.Group{{
			Source: "stack", Times: []int64{0, 1000, 2000}, Index: 3 * (seq - 1),
			Columns: []envelope.Column{
				{Point: "a21026", Kind: envelope.ColumnLive, Values: []string{"12.40", "12.38", "12.41"}},
				{
					Point: "a21002", Kind: envelope.ColumnLive, Values: []string{"87.5", "", ""},
					Flags: []string{"N", "B", "B"}, Causes: []string{"", "no-answer", "no-answer"},
				},
			},
		}},
	}
	if change != nil {
		change(b)
	}
	return string(b.AppendPayload(nil))
}

// follow returns n payloads, each of which names the hash of the one before.
func follow(n int) []string {
	prev := envelope.Genesis
	var list []string
	for seq := range n {
		p := block(uint64(seq+1), prev, nil)
		list, prev = append(list, p), hash(p)
	}
	return list
}

// sealed makes each payload a message of hb-01.
func sealed(payloads ...string) [][]byte {
	var list [][]byte
	for _, p := range payloads {
		list = append(list, seal(p, key1))
	}
	return list
}

func hash(s string) string { return envelope.Hash([]byte(s)) }

func one(message []byte) [][]byte { return [][]byte{message} }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
