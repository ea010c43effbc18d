package envelope_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"envgate/envelope"
)

func newKey(t testing.TB, gateway string) *envelope.Key {
	t.Helper()
	k, err := envelope.NewKey(gateway)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func gunzip(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func TestSealOpen(t *testing.T) {
	var signers []envelope.Signer
	keys := envelope.KeySet{}
	payload := siteBlock(12, 5).AppendPayload(nil)
	for i := range 4 {
		k, err := envelope.NextKey("hb-01", i+1)
		if err != nil {
			t.Fatal(err)
		}
		signers, keys[k.KeyID()] = append(signers, k), k.Public()
		message, err := envelope.NewSealer(signers...).Seal(envelope.TypeBlock, payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range [][]byte{message, gunzip(t, message)} {
			b, hash, err := envelope.OpenBlock(m, keys)
			if err != nil || hash != envelope.Hash(payload) || !bytes.Equal(b.AppendPayload(nil), payload) {
				t.Errorf("%d signers: OpenBlock: %v", i+1, err)
			}
			p, err := envelope.Peek(m)
			if err != nil || !bytes.Equal(p, payload) {
				t.Errorf("%d signers: Peek: %v", i+1, err)
			}
			clear(p) // is ours, so the message is still whole
			if p, err := envelope.Open(m, envelope.TypeBlock, keys); err != nil || !bytes.Equal(p, payload) {
				t.Errorf("%d signers: Open: %v", i+1, err)
			}
		}
	}
}

// TestSealHeader holds the header to the letter: other programs compare it.
func TestSealHeader(t *testing.T) {
	message, err := envelope.NewSealer(newKey(t, "hb-01")).Seal(envelope.TypeReceipt, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	protected, _, _ := strings.Cut(string(gunzip(t, message)), "..")
	got, err := base64.RawURLEncoding.DecodeString(protected)
	if want := `{"alg":"EdDSA","b64":false,"crit":["b64"],"kid":"hb-01/EdDSA/1","typ":"envgate-receipt+json"}`; string(got) != want {
		t.Errorf("header %s (%v), want %s", got, err, want)
	}
}

// TestSealAgain: a sealer keeps nothing of one message for the next.
func TestSealAgain(t *testing.T) {
	key := newKey(t, "hb-01")
	s := envelope.NewSealer(key)
	long, short := siteBlock(40, 5).AppendPayload(nil), siteBlock(1, 1).AppendPayload(nil)
	first, err := s.Seal(envelope.TypeBlock, short)
	if err != nil {
		t.Fatal(err)
	}
	kept := bytes.Clone(first)
	other, err := s.Seal(envelope.TypeReceipt, long)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := envelope.Open(other, envelope.TypeReceipt, envelope.NewKeySet(key.Public())); err != nil || !bytes.Equal(p, long) {
		t.Errorf("a second message of another type: %v", err)
	}
	again, err := s.Seal(envelope.TypeBlock, short)
	if err != nil || !bytes.Equal(again, kept) {
		t.Errorf("the same payload sealed again differs: %v", err)
	}
	if !bytes.Equal(first, kept) {
		t.Error("a message changed when the next was sealed")
	}
}

// A signer with any answers.
type signer struct {
	kid, alg string
	err      error
}

func (s signer) KeyID() string               { return s.kid }
func (s signer) Algorithm() string           { return s.alg }
func (s signer) Sign([]byte) ([]byte, error) { return make([]byte, 64), s.err }

func TestSealErrors(t *testing.T) {
	key := newKey(t, "hb-01")
	broken := errors.New("module is gone")
	noise := make([]byte, envelope.MaxEvent)
	rand.Read(noise)
	brace := func(n int) []byte { return []byte("{" + strings.Repeat(" ", n-2) + "}") }
	rows := []struct {
		name    string
		want    error
		signers []envelope.Signer
		typ     string
		payload []byte
	}{
		{"no signers", envelope.ErrForm, nil, "a", []byte("{}")},
		{"five signers", envelope.ErrForm, []envelope.Signer{key, key, key, key, key}, "a", []byte("{}")},
		{"signer fails", broken, []envelope.Signer{key, signer{"a/EdDSA/1", "EdDSA", broken}}, "a", []byte("{}")},
		{"key id", envelope.ErrForm, []envelope.Signer{signer{"a\n/EdDSA/1", "EdDSA", nil}}, "a", []byte("{}")},
		{"algorithm", envelope.ErrForm, []envelope.Signer{signer{"a/EdDSA/1", "", nil}}, "a", []byte("{}")},
		{"type", envelope.ErrForm, []envelope.Signer{key}, "a b", []byte("{}")},
		{"payload empty", envelope.ErrForm, []envelope.Signer{key}, "a", nil},
		{"payload no object", envelope.ErrForm, []envelope.Signer{key}, "a", []byte("[]")},
		{"payload with line before", envelope.ErrForm, []envelope.Signer{key}, "a", []byte("\n{}")},
		{"payload with line end", envelope.ErrForm, []envelope.Signer{key}, "a", []byte("{}\n")},
		{"inflated too large", envelope.ErrTooLarge, []envelope.Signer{key}, "a", brace(envelope.MaxInflated)},
		{"message too large", envelope.ErrTooLarge, []envelope.Signer{key}, "a", fmt.Appendf(nil, `{"a":%q}`, base64.StdEncoding.EncodeToString(noise))},
	}
	for _, r := range rows {
		if _, err := envelope.NewSealer(r.signers...).Seal(r.typ, r.payload); !errors.Is(err, r.want) {
			t.Errorf("%s: Seal = %v, want %v", r.name, err, r.want)
		}
	}
}

// TestOpenBounds: at each bound the last size that is taken and the first that
// is not.
func TestOpenBounds(t *testing.T) {
	key := newKey(t, "hb-01")
	keys := envelope.NewKeySet(key.Public())
	open := func(m []byte) error {
		_, err := envelope.Open(m, "a", keys)
		if _, peekErr := envelope.Peek(m); (peekErr == nil) != (err == nil) {
			t.Errorf("Peek = %v where Open = %v", peekErr, err)
		}
		return err
	}
	small, err := envelope.NewSealer(key).Seal("a", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	room := envelope.MaxInflated - len(gunzip(t, small))
	full, err := envelope.NewSealer(key).Seal("a", []byte("{"+strings.Repeat(" ", room)+"}"))
	if err != nil {
		t.Fatal(err)
	}
	plain := gunzip(t, full)
	if err := open(full); err != nil || len(plain) != envelope.MaxInflated {
		t.Errorf("%d bytes compressed: %v", len(plain), err)
	}
	if err := open(plain); err != nil {
		t.Errorf("%d bytes: %v", len(plain), err)
	}
	if err := open(zip(append(bytes.Clone(plain), '}'))); !errors.Is(err, envelope.ErrTooLarge) {
		t.Errorf("a byte more, compressed: %v, want ErrTooLarge", err)
	}
	if err := open(append(bytes.Clone(plain), '}')); !errors.Is(err, envelope.ErrTooLarge) {
		t.Errorf("a byte more: %v, want ErrTooLarge", err)
	}

	// A message of exactly MaxEvent bytes by way of a gzip comment of the right length.
	pad := func(n int) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		w.Comment = strings.Repeat("c", n)
		w.Write(gunzip(t, small))
		w.Close()
		return out.Bytes()
	}
	extra := envelope.MaxEvent - len(pad(1)) + 1
	if m := pad(extra); len(m) != envelope.MaxEvent {
		t.Fatalf("message of %d bytes", len(m))
	}
	if err := open(pad(extra + 1)); !errors.Is(err, envelope.ErrTooLarge) {
		t.Errorf("message of %d bytes: %v, want ErrTooLarge", envelope.MaxEvent+1, err)
	}
}

// TestOpenBombMemory: a bomb is refused before it is inflated, not after. To
// reach MaxInflated by doubling takes 4 to 7 MB in all, the whole bomb near 50.
func TestOpenBombMemory(t *testing.T) {
	bomb := zip(make([]byte, 16<<20))
	if len(bomb) > envelope.MaxEvent {
		t.Fatalf("bomb of %d bytes", len(bomb))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := envelope.Peek(bomb)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, envelope.ErrTooLarge) || got > 12<<20 {
		t.Errorf("Peek took %d bytes of memory for a bomb of %d: %v", got, len(bomb), err)
	}
}

func TestOpenRegister(t *testing.T) {
	key := newKey(t, "hb-01")
	message, err := envelope.NewSealer(key).Seal("a", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	none, short, other := key.Public(), key.Public(), key.Public()
	none.Key, short.Key, other.Algorithm = nil, short.Key[:31], ""
	for _, r := range []struct {
		name string
		keys envelope.KeySet
		want error
	}{
		{"empty register", nil, envelope.ErrKeyID},
		{"key without bytes", envelope.KeySet{key.KeyID(): none}, envelope.ErrAlgorithm},
		{"key of 31 bytes", envelope.KeySet{key.KeyID(): short}, envelope.ErrAlgorithm},
		{"key without algorithm", envelope.KeySet{key.KeyID(): other}, envelope.ErrAlgorithm},
		{"right", envelope.KeySet{key.KeyID(): key.Public()}, nil},
	} {
		if _, err := envelope.Open(message, "a", r.keys); !errors.Is(err, r.want) {
			t.Errorf("%s: Open = %v, want %v", r.name, err, r.want)
		}
	}
}

// TestOpenOtherAlgorithm: a register may have keys for which this verifier has
// no method; header and register agree, and still it is refused.
func TestOpenOtherAlgorithm(t *testing.T) {
	message, err := envelope.NewSealer(signer{"hb-01/SM2/1", "SM2", nil}).Seal("a", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	keys := envelope.KeySet{"hb-01/SM2/1": {KeyID: "hb-01/SM2/1", Algorithm: "SM2", Key: make([]byte, 32)}}
	if _, err := envelope.Open(message, "a", keys); !errors.Is(err, envelope.ErrAlgorithm) {
		t.Errorf("Open = %v, want ErrAlgorithm", err)
	}
}

// TestOpenReceiptType: a gateway's block is no receipt, though its key were
// taken for the centre's.
func TestOpenReceiptType(t *testing.T) {
	key := newKey(t, "centre")
	r := &envelope.Receipt{Gateway: "hb-01", Stream: "live", Epoch: "e1", Head: envelope.Genesis}
	keys := envelope.NewKeySet(key.Public())
	for typ, want := range map[string]error{envelope.TypeReceipt: nil, envelope.TypeBlock: envelope.ErrType} {
		message, err := envelope.NewSealer(key).Seal(typ, r.AppendPayload(nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := envelope.OpenReceipt(message, keys); !errors.Is(err, want) {
			t.Errorf("%s: OpenReceipt = %v, want %v", typ, err, want)
		}
	}
}
