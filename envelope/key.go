package envelope

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// EdDSA is the algorithm of Ed25519 keys, as headers and key ids write it.
const EdDSA = "EdDSA"

// A Signer makes the signature lines of messages. A [Key] is one; modules that
// keep a key where no file can are others.
type Signer interface {
	// KeyID is the name under which verifiers have the public key:
	// gateway/algorithm/generation.
	KeyID() string
	// Algorithm is the "alg" of the header, such as EdDSA.
	Algorithm() string
	// Sign signs input, which is whole and not a hash of it. It does not keep
	// input; the signature is the caller's.
	Sign(input []byte) ([]byte, error)
}

// A Key is a gateway's or a centre's private key, Ed25519. Whatever way it is
// printed or logged, its private part does not show.
type Key struct {
	kid     string
	private func() ed25519.PrivateKey // fmt follows fields that methods do not guard, and pointers too, but not functions
}

// NewKey makes the key of a new gateway, or of a centre: generation 1, key id
// gateway/EdDSA/1. The name is 1 to 32 of A-Z a-z 0-9 _ -.
func NewKey(gateway string) (*Key, error) {
	return NextKey(gateway, 1)
}

// NextKey makes a key of a later generation, 1 to 999999, to change over to.
func NextKey(gateway string, generation int) (*Key, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("envelope: make key: %w", err)
	}
	return newKey(fmt.Sprintf("%s/%s/%d", gateway, EdDSA, generation), private)
}

// KeyFromSeed makes the key that belongs to 32 bytes of seed. It is for test
// vectors: a key that anybody can make again proves nothing.
func KeyFromSeed(kid string, seed []byte) (*Key, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("envelope: %w: seed of %d bytes: %d", ErrKeyForm, len(seed), ed25519.SeedSize)
	}
	return newKey(kid, ed25519.NewKeyFromSeed(seed))
}

func newKey(kid string, private ed25519.PrivateKey) (*Key, error) {
	if _, alg, err := cutKeyID(kid); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	} else if alg != EdDSA {
		return nil, fmt.Errorf("envelope: %w: key id %q names %s: this key is %s", ErrKeyForm, kid, alg, EdDSA)
	}
	return &Key{kid: kid, private: func() ed25519.PrivateKey { return private }}, nil
}

// KeyID implements [Signer].
func (k Key) KeyID() string { return k.kid }

// Algorithm implements [Signer]. It is EdDSA.
func (k Key) Algorithm() string { return EdDSA }

// Sign implements [Signer]. It never fails.
func (k Key) Sign(input []byte) ([]byte, error) {
	return ed25519.Sign(k.private(), input), nil
}

// Public returns the public part of k.
func (k Key) Public() PublicKey {
	return PublicKey{KeyID: k.kid, Algorithm: EdDSA, Key: k.private().Public().(ed25519.PublicKey)}
}

// String returns the key id and the beginning of the public key's fingerprint.
func (k Key) String() string {
	if k.private == nil {
		return "key (none)"
	}
	return fmt.Sprintf("key %s (%s ...)", k.kid, k.Public().Fingerprint()[:19])
}

// GoString returns the same as String.
func (k Key) GoString() string { return k.String() }

// Format prints the same as String, for every verb.
func (k Key) Format(w fmt.State, _ rune) { io.WriteString(w, k.String()) }

// LogValue returns the same as String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText returns the same as String.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// A PublicKey is what a verifier has in its register under a key id.
type PublicKey struct {
	KeyID     string            // gateway/algorithm/generation; "" where a PEM text did not say
	Algorithm string            // EdDSA
	Key       ed25519.PublicKey // 32 bytes
}

// Fingerprint is the SHA-256 of the key as a SubjectPublicKeyInfo, in groups of
// four hex digits, so that two people can compare it by telephone. It is what
//
//	openssl pkey -pubin -in FILE -outform DER | openssl dgst -sha256
//
// prints, but for the spaces.
func (p PublicKey) Fingerprint() string {
	sum := sha256.Sum256(p.der())
	digits := hex.EncodeToString(sum[:])
	groups := make([]string, 0, len(digits)/4)
	for ; digits != ""; digits = digits[4:] {
		groups = append(groups, digits[:4])
	}
	return strings.Join(groups, " ")
}

func (p PublicKey) der() []byte {
	der, err := x509.MarshalPKIXPublicKey(p.Key)
	if err != nil {
		panic("envelope: " + err.Error()) // an ed25519.PublicKey has a form
	}
	return der
}

// PEM returns the key as a SubjectPublicKeyInfo, with the key id in a line
// before it, which openssl and other readers of PEM skip.
func (p PublicKey) PEM() []byte {
	return appendPEM("PUBLIC KEY", p.KeyID, p.der())
}

// ParsePublicKey reads what [PublicKey.PEM] or openssl writes. Where no line
// names a key id, KeyID is "" and the caller sets it. The errors wrap ErrKeyForm.
func ParsePublicKey(b []byte) (PublicKey, error) {
	kid, der, err := cutPEM("PUBLIC KEY", b)
	if err != nil {
		return PublicKey{}, fmt.Errorf("envelope: public key: %w", err)
	}
	any, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return PublicKey{}, fmt.Errorf("envelope: public key: %w: %w", ErrKeyForm, err)
	}
	key, ok := any.(ed25519.PublicKey)
	if !ok {
		return PublicKey{}, fmt.Errorf("envelope: public key: %w: it is a %T: Ed25519", ErrKeyForm, any)
	}
	if kid != "" {
		if _, alg, err := cutKeyID(kid); err != nil || alg != EdDSA {
			return PublicKey{}, fmt.Errorf("envelope: public key: %w: key id %q: name/%s/number", ErrKeyForm, kid, EdDSA)
		}
	}
	return PublicKey{KeyID: kid, Algorithm: EdDSA, Key: key}, nil
}

// Keys is a verifier's register: the key and the algorithm that belong to a key
// id. A message says neither.
type Keys interface {
	Lookup(kid string) (PublicKey, bool)
}

// A KeySet is a register in memory, by key id.
type KeySet map[string]PublicKey

// NewKeySet makes a register of keys, under their own key ids.
func NewKeySet(keys ...PublicKey) KeySet {
	set := make(KeySet, len(keys))
	for _, k := range keys {
		set[k.KeyID] = k
	}
	return set
}

// Lookup implements [Keys].
func (s KeySet) Lookup(kid string) (PublicKey, bool) {
	k, ok := s[kid]
	return k, ok
}

// kidLine begins the line of a PEM text that names the key id.
const kidLine = "kid: "

func appendPEM(kind, kid string, der []byte) []byte {
	var b []byte
	if kid != "" {
		b = append(b, kidLine+kid+"\n"...)
	}
	return append(b, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
}

// cutPEM takes a text of one PEM block, and the key id in the line before it. kid
// is "" where there is no such line. Nothing else may stand in the text.
func cutPEM(kind string, b []byte) (kid string, der []byte, err error) {
	begin := "-----BEGIN " + kind + "-----"
	before, _, ok := strings.Cut(string(b), begin)
	block, rest := pem.Decode(b)
	if !ok || block == nil || block.Type != kind || len(block.Headers) > 0 {
		return "", nil, fmt.Errorf("%w: no %q in it", ErrKeyForm, begin)
	}
	if s := strings.TrimSpace(string(rest)); s != "" {
		return "", nil, fmt.Errorf("%w: %d bytes after the key", ErrKeyForm, len(s))
	}
	for line := range strings.Lines(before) {
		line = strings.TrimSpace(line)
		id, ok := strings.CutPrefix(line, kidLine)
		switch {
		case line == "":
		case !ok || kid != "":
			return "", nil, fmt.Errorf("%w: %d bytes before the key that are not one line %q", ErrKeyForm, len(line), kidLine+"...")
		default:
			kid = id
		}
	}
	return kid, block.Bytes, nil
}

// cutKeyID takes a key id apart: gateway/algorithm/generation.
func cutKeyID(kid string) (gateway, alg string, err error) {
	gateway, rest, _ := strings.Cut(kid, "/")
	alg, number, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(number)
	if !isName(gateway, 32) || !isName(alg, 16) || err != nil || n < 1 || n > 999999 || strconv.Itoa(n) != number {
		return "", "", fmt.Errorf("%w: key id %q: name/algorithm/number", ErrKeyForm, kid)
	}
	return gateway, alg, nil
}
