package envelope_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"envgate/envelope"
)

// FuzzOpen: no message but those of the vectors opens, as the fuzzer has no key.
func FuzzOpen(f *testing.F) {
	keys := envelope.KeySet{}
	known := make(map[string]bool)
	for _, v := range readVectors(f) {
		if v.typ != "block" || v.name == "alg-register" {
			continue
		}
		for kid, k := range v.keys {
			keys[kid] = k
		}
		for _, m := range v.messages {
			f.Add(m)
			if p, err := envelope.Peek(m); err == nil {
				known[string(p)] = true
			}
		}
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		before := bytes.Clone(message)
		payload, err := envelope.Open(message, envelope.TypeBlock, keys)
		if err == nil && !known[string(payload)] {
			t.Errorf("opened %q, which nobody signed", payload)
		}
		if !bytes.Equal(message, before) {
			t.Error("Open wrote to the message")
		}
		peeked, peekErr := envelope.Peek(message)
		if err == nil && (peekErr != nil || !bytes.Equal(peeked, payload)) {
			t.Errorf("Peek = %q, %v where Open gave %q", peeked, peekErr, payload)
		}
	})
}

// FuzzParsePayload: what is taken is JSON for others too, is what Check takes,
// and comes back the same from its canonical form.
func FuzzParsePayload(f *testing.F) {
	for _, b := range shapes() {
		f.Add(b.AppendPayload(nil))
	}
	for _, v := range readVectors(f) {
		for _, m := range v.messages {
			if p, err := envelope.Peek(m); err == nil && v.typ == "block" && len(p) < 4096 {
				f.Add(p)
			}
		}
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		b, err := envelope.ParsePayload(p)
		if err != nil {
			return
		}
		if !json.Valid(p) {
			t.Fatalf("took what is not JSON: %q", p)
		}
		if err := b.Check(); err != nil {
			t.Fatalf("Check = %v of %q", err, p)
		}
		canonical := b.AppendPayload(nil)
		again, err := envelope.ParsePayload(canonical)
		if err != nil {
			t.Fatalf("canonical form %q of %q: %v", canonical, p, err)
		}
		if got := again.AppendPayload(nil); !bytes.Equal(got, canonical) {
			t.Fatalf("%q becomes %q", canonical, got)
		}
		// Columns of other kinds may stand in another order in p; within a kind, and
		// in all else, nothing may differ.
		if len(again.Groups) == len(b.Groups) {
			again.Groups, b.Groups = nil, nil
		}
		if !reflect.DeepEqual(again, b) {
			t.Fatalf("%+v becomes %+v", b, again)
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	for _, v := range readVectors(f) {
		for _, m := range v.messages {
			if p, err := envelope.Peek(m); err == nil && v.typ == "receipt" {
				f.Add(p)
			}
		}
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := envelope.ParseReceipt(p)
		if err != nil {
			return
		}
		if !json.Valid(p) {
			t.Fatalf("took what is not JSON: %q", p)
		}
		again, err := envelope.ParseReceipt(r.AppendPayload(nil))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%+v becomes %+v, %v", r, again, err)
		}
	})
}
