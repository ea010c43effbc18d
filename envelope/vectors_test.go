package envelope_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"envgate/envelope"
)

// vectorErrors are the words of the vectors, tests/vectors/README.md.
var vectorErrors = map[string]error{
	"ok":        nil,
	"form":      envelope.ErrForm,
	"too-large": envelope.ErrTooLarge,
	"type":      envelope.ErrType,
	"key-id":    envelope.ErrKeyID,
	"algorithm": envelope.ErrAlgorithm,
	"signature": envelope.ErrSignature,
	"payload":   envelope.ErrPayload,
	"seq":       envelope.ErrSeq,
	"genesis":   envelope.ErrGenesis,
	"foreign":   envelope.ErrForeign,
	"anchor":    envelope.ErrAnchor,
	"gap":       envelope.ErrGap,
	"repeat":    envelope.ErrRepeat,
	"reorder":   envelope.ErrReorder,
	"prev":      envelope.ErrPrev,
	"fork":      envelope.ErrFork,
}

// verdict is the word for an error. An error that is two of them is "both".
func verdict(err error) string {
	if err == nil {
		return "ok"
	}
	word := "unnamed"
	for name, e := range vectorErrors {
		if e != nil && errors.Is(err, e) {
			if word != "unnamed" {
				return "both"
			}
			word = name
		}
	}
	return word
}

// A vector is one file of tests/vectors/envelope.
type vector struct {
	name, typ string
	expect    []string
	keys      envelope.KeySet
	chain     *envelope.Chain
	messages  [][]byte
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	paths, err := filepath.Glob("../tests/vectors/envelope/*.vec")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	var list []vector
	for _, path := range paths {
		list = append(list, readVector(t, path))
	}
	return list
}

func readVector(t testing.TB, path string) vector {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok {
		t.Fatalf("%s: no empty line", path)
	}
	v := vector{name: strings.TrimSuffix(filepath.Base(path), ".vec"), keys: envelope.KeySet{}}
	for line := range strings.Lines(string(head)) {
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		words := strings.Fields(text)
		switch name {
		case "expect":
			v.expect = words
		case "type":
			v.typ = text
		case "key":
			key, err := base64.RawURLEncoding.DecodeString(words[2])
			if err != nil {
				t.Fatalf("%s: %q: %v", path, line, err)
			}
			v.keys[words[0]] = envelope.PublicKey{KeyID: words[0], Algorithm: words[1], Key: ed25519.PublicKey(key)}
		case "chain":
			v.chain = envelope.NewChain(words[0], words[1], words[2])
		case "anchor":
			seq, _ := strconv.ParseUint(words[0], 10, 64)
			if err := v.chain.Anchor(seq, words[1]); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		case "lengths":
			for _, word := range words {
				n, err := strconv.Atoi(word)
				if err != nil || n >= len(body) || body[n] != '\n' {
					t.Fatalf("%s: %q does not fit the body", path, line)
				}
				v.messages, body = append(v.messages, body[:n:n]), body[n+1:]
			}
		case "comment":
		default:
			t.Fatalf("%s: header %q", path, line)
		}
	}
	if len(body) > 0 || len(v.messages) != len(v.expect) {
		t.Fatalf("%s: %d messages, %d verdicts, %d bytes left", path, len(v.messages), len(v.expect), len(body))
	}
	return v
}

// judge is what a receiver does with message, as the README of the vectors has it.
func (v *vector) judge(message []byte) error {
	if v.typ == "receipt" {
		_, err := envelope.OpenReceipt(message, v.keys)
		return err
	}
	b, hash, err := envelope.OpenBlock(message, v.keys)
	if err != nil {
		return err
	}
	err = v.chain.Next(b, hash)
	if errors.Is(err, envelope.ErrGap) { // say so, and go on from here
		return errors.Join(err, v.chain.Anchor(b.Seq, hash))
	}
	return err
}

func TestVectors(t *testing.T) {
	seen := make(map[string]bool)
	for _, v := range readVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			for i, message := range v.messages {
				err := v.judge(message)
				if got := verdict(err); got != v.expect[i] {
					t.Errorf("message %d: %s (%v), want %s", i+1, got, err, v.expect[i])
				}
				if err != nil && !strings.HasPrefix(err.Error(), "envelope: ") {
					t.Errorf("message %d: %v: no prefix", i+1, err)
				}
				seen[v.expect[i]] = true
			}
		})
	}
	for word := range vectorErrors {
		if !seen[word] {
			t.Errorf("no vector fails with %q", word)
		}
	}
}

// TestVectorsEveryByte turns a bit of each byte of a valid message: none may be
// accepted as another message, and none may panic.
func TestVectorsEveryByte(t *testing.T) {
	v := readVector(t, "../tests/vectors/envelope/ok-block.vec")
	valid, err := envelope.Open(v.messages[0], envelope.TypeBlock, v.keys)
	if err != nil {
		t.Fatal(err)
	}
	for i := range v.messages[0] {
		forged := bytes.Clone(v.messages[0])
		forged[i] ^= 1 << (i % 8)
		if p, err := envelope.Open(forged, envelope.TypeBlock, v.keys); err == nil {
			t.Fatalf("byte %d turned: accepted as %q (valid: %q)", i, p, valid)
		}
	}
}

// TestVectorsPayloadLayer holds that a payload's fault does not hide behind a
// signature's: those vectors open, and it is the parser that refuses them.
func TestVectorsPayloadLayer(t *testing.T) {
	later := []string{"payload", "seq", "genesis", "anchor", "gap", "repeat", "reorder", "prev", "fork", "foreign"}
	for _, v := range readVectors(t) {
		typ := envelope.TypeBlock
		if v.typ == "receipt" {
			typ = envelope.TypeReceipt
		}
		for i, message := range v.messages {
			_, err := envelope.Open(message, typ, v.keys)
			if want := v.expect[i] == "ok" || slices.Contains(later, v.expect[i]); want != (err == nil) {
				t.Errorf("%s: Open = %v, want %s", v.name, err, v.expect[i])
			}
		}
	}
}
