package main

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"envgate/envelope"
)

func TestJudge(t *testing.T) {
	a, b, stranger := newPlant(t, "gw-a"), newPlant(t, "gw-b"), newPlant(t, "gw-x")
	reg := registerOf(a, b)
	good := a.live()
	other := b.live()
	impostor := newPlant(t, "gw-a") // has gw-a's id and another key under its key id
	k, err := envelope.KeyFromSeed("gw-a/EdDSA/1", bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	impostor.sealer = envelope.NewSealer(k)
	// Signed by b's key, names a: b tries to write a's stream.
	forged := newPlant(t, "gw-a")
	forged.sealer = b.sealer
	receipt, err := a.sealer.Seal(envelope.TypeReceipt, []byte(`{"gw":"gw-a"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		topic   string
		message []byte
		kind    string
	}{
		{"good", good.topic, good.message, ""},
		{"not gzip", good.topic, []byte("no block"), kindGarbage},
		{"empty", good.topic, nil, kindGarbage},
		{"one bit flipped", good.topic, flip(good.message), kindGarbage},
		{"another key under its key id", good.topic, impostor.live().message, kindSignature},
		{"key of nobody", good.topic, stranger.live().message, kindSignature},
		{"another type", good.topic, receipt, kindSignature},
		{"of gateway b by the topic of a", good.topic, other.message, kindForeign},
		{"of gateway b, naming a, by the topic of a", good.topic, forged.live().message, kindForeign},
		{"of another stream", "envgate/gw-a/b/stat", good.message, kindForeign},
		{"of no gateway in the register", "envgate/gw-x/b/live", stranger.live().message, kindUnknown},
		{"too long", good.topic, make([]byte, envelope.MaxEvent+1), kindOversize},
		{"bomb", good.topic, bomb(t), kindOversize},
		{"another topic", "envgate/gw-a/birth", good.message, kindGarbage},
		{"a deeper topic", "envgate/gw-a/b/live/x", good.message, kindGarbage},
		{"a wild name", "envgate/../b/live", good.message, kindGarbage},
		{"another prefix", "other/gw-a/b/live", good.message, kindGarbage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := judge(reg, "envgate", arrival{topic: tt.topic, message: tt.message})
			if v.kind != tt.kind {
				t.Fatalf("judged %q (%v), want %q", v.kind, v.err, tt.kind)
			}
			if (v.kind == "") != (v.err == nil) || (v.kind == "") != (v.block != nil && v.id.Epoch != "") {
				t.Errorf("kind %q with error %v, block %v, id %v", v.kind, v.err, v.block != nil, v.id)
			}
			if v.kind != "" && v.kind != kindUnknown && strings.HasPrefix(tt.topic, "envgate/gw-a/b/") && v.kind != kindGarbage && v.id.Gateway != "gw-a" {
				t.Errorf("counted under %q, want the topic's gateway", v.id.Gateway)
			}
		})
	}
}

// flip changes one bit of the compressed payload.
func flip(m []byte) []byte {
	m = bytes.Clone(m)
	m[len(m)/2] ^= 1
	return m
}

// bomb is a small message that inflates beyond all bounds.
func bomb(t *testing.T) []byte {
	t.Helper()
	return gzipped(t, bytes.Repeat([]byte(" "), 8<<20))
}

func FuzzJudge(f *testing.F) {
	p := newPlant(f, "gw-a")
	reg := registerOf(p)
	good := p.live()
	f.Add(good.topic, good.message)
	f.Add("envgate/gw-a/b/live", []byte("x..y\n{}"))
	f.Add("envgate//b/", []byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, topic string, message []byte) {
		v := judge(reg, "envgate", arrival{topic: topic, message: message})
		if v.kind == "" && !bytes.Equal(message, good.message) {
			// Another gzip of the same payload is the same block.
			if v.hash != good.hash {
				t.Fatalf("took a block that nobody signed: %+v", v.block)
			}
		}
		if (v.kind == "") != (v.err == nil) {
			t.Fatalf("kind %q with error %v", v.kind, v.err)
		}
	})
}

func FuzzParseEviction(f *testing.F) {
	f.Add("live", `{"stream":"live","from":1,"to":200,"hash":"x","readings":12,"t0":1,"t1":2}`)
	f.Add("", `{"from":18446744073709551615,"to":1}`)
	f.Fuzz(func(t *testing.T, subject, text string) {
		stream, ev, err := parseEviction(&envelope.Event{Subject: subject, New: text})
		if err == nil && (stream == "" || ev.Hash == "" || ev.From < 1 || ev.To < ev.From || ev.To > envelope.MaxSeq) {
			t.Fatalf("took %q as eviction %+v of %q", text, ev, stream)
		}
	})
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
