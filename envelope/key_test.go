package envelope_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"envgate/envelope"
)

func TestNewKeyNames(t *testing.T) {
	for _, name := range []string{"", "a/b", "a b", "站", strings.Repeat("x", 33)} {
		if k, err := envelope.NewKey(name); !errors.Is(err, envelope.ErrKeyForm) {
			t.Errorf("NewKey(%q) = %v, %v, want ErrKeyForm", name, k, err)
		}
	}
	for _, n := range []int{-1, 0, 1_000_000} {
		if _, err := envelope.NextKey("hb-01", n); !errors.Is(err, envelope.ErrKeyForm) {
			t.Errorf("NextKey(%d) = %v, want ErrKeyForm", n, err)
		}
	}
	for _, kid := range []string{"hb-01/EdDSA", "hb-01/EdDSA/01", "hb-01/EdDSA/+1", "hb-01/ES256/1", "hb-01/EdDSA/1/2"} {
		if _, err := envelope.KeyFromSeed(kid, make([]byte, 32)); !errors.Is(err, envelope.ErrKeyForm) {
			t.Errorf("KeyFromSeed(%q) = %v, want ErrKeyForm", kid, err)
		}
	}
	if _, err := envelope.KeyFromSeed("hb-01/EdDSA/1", make([]byte, 31)); !errors.Is(err, envelope.ErrKeyForm) {
		t.Errorf("KeyFromSeed of 31 bytes = %v, want ErrKeyForm", err)
	}
	k, err := envelope.NewKey("hb-01")
	if err != nil || k.KeyID() != "hb-01/EdDSA/1" {
		t.Errorf("NewKey = %v, %v", k, err)
	}
	other := newKey(t, "hb-01")
	if other.Public().Key.Equal(k.Public().Key) {
		t.Error("two keys are equal")
	}
}

// TestKeyDoesNotPrint prints a key in every way there is, alone and within
// other things, and looks for the seed in every form.
func TestKeyDoesNotPrint(t *testing.T) {
	seed := sha256.Sum256([]byte("TestKeyDoesNotPrint"))
	k, err := envelope.KeyFromSeed("hb-01/EdDSA/1", seed[:])
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		k envelope.Key // unexported: fmt may not call its methods
		K envelope.Key
		p *envelope.Key
		a any
	}
	things := []any{
		k, *k, &k,
		holder{*k, *k, k, k},
		&holder{*k, *k, k, *k},
		[]*envelope.Key{k},
		[]envelope.Key{*k},
		map[string]envelope.Key{"a": *k},
		struct{ envelope.Signer }{k},
		envelope.NewSealer(k),
	}
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	logJSON := slog.New(slog.NewJSONHandler(&out, nil))
	for _, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T", "%08b", "%c"} {
			fmt.Fprintf(&out, verb+"\n", thing)
			if got := fmt.Sprintf(verb, k); got != k.String() && verb != "%p" && verb != "%T" {
				t.Errorf("%s prints %q, want %q", verb, got, k)
			}
		}
		log.Info("key", "key", thing)
		logJSON.Info("key", "key", thing)
		b, err := json.Marshal(thing)
		fmt.Fprintf(&out, "%s %v\n", b, err)
	}
	fmt.Fprintln(&out, k.String(), k.GoString(), k.LogValue())
	text := out.String()
	for _, form := range []string{
		string(seed[:]), hex.EncodeToString(seed[4:12]), strings.ToUpper(hex.EncodeToString(seed[4:12])),
		base64.StdEncoding.EncodeToString(seed[:9]), base64.StdEncoding.EncodeToString(seed[:12])[4:],
		strings.Trim(fmt.Sprint(seed[4:10]), "[]"), strings.Trim(fmt.Sprintf("%#v", seed[4:10])[6:], "{}"),
		strings.Trim(fmt.Sprintf("%08b", seed[4:10]), "[]"), strings.Trim(fmt.Sprintf("%x", fmt.Sprint(seed[4:8])), "[]"),
	} {
		if strings.Contains(text, form) {
			t.Errorf("printed: %q", form)
		}
	}
	if !strings.Contains(text, "key hb-01/EdDSA/1 (") {
		t.Error("the key id is not printed either")
	}
	if got := fmt.Sprint(envelope.Key{}); got != "key (none)" {
		t.Errorf("no key prints as %q", got)
	}
}

func TestPublicKeyPEM(t *testing.T) {
	k := newKey(t, "hb-01").Public()
	text := k.PEM()
	got, err := envelope.ParsePublicKey(text)
	if err != nil || got.KeyID != k.KeyID || got.Algorithm != envelope.EdDSA || !got.Key.Equal(k.Key) {
		t.Errorf("ParsePublicKey(%s) = %+v, %v", text, got, err)
	}
	_, bare, _ := bytes.Cut(text, []byte("\n"))
	if got, err := envelope.ParsePublicKey(bare); err != nil || got.KeyID != "" || !got.Key.Equal(k.Key) {
		t.Errorf("without a key id: %+v, %v", got, err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(ec.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"empty":           "",
		"private":         strings.ReplaceAll(string(text), "PUBLIC", "PRIVATE"),
		"two key ids":     "kid: hb-01/EdDSA/2\n" + string(text),
		"other text":      "hello\n" + string(text),
		"no word kid":     "hb-01/EdDSA/1\n" + string(bare),
		"key id form":     "kid: hb-01\n" + string(bare),
		"key id of other": "kid: hb-01/ES256/1\n" + string(bare),
		"after":           string(text) + "x",
		"two keys":        string(text) + string(bare),
		"not base64":      strings.Replace(string(text), "M", "!", 1),
		"other algorithm": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"der":             string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der[1:]})),
		"pem header":      strings.Replace(string(text), "KEY-----\n", "KEY-----\na: b\n\n", 1),
	} {
		if got, err := envelope.ParsePublicKey([]byte(bad)); !errors.Is(err, envelope.ErrKeyForm) {
			t.Errorf("%s: ParsePublicKey = %+v, %v, want ErrKeyForm", name, got, err)
		}
	}
}

func TestFingerprint(t *testing.T) {
	k, err := envelope.KeyFromSeed("hb-01/EdDSA/1", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	// SHA-256 of the 44 bytes of a SubjectPublicKeyInfo (RFC 8410, section 4),
	// put together by hand.
	spki := append([]byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}, k.Public().Key...)
	want := fmt.Sprintf("%x", sha256.Sum256(spki))
	got := k.Public().Fingerprint()
	if strings.ReplaceAll(got, " ", "") != want || strings.Count(got, " ") != 15 {
		t.Errorf("Fingerprint() = %s, want %s in groups of four", got, want)
	}
}

func TestKeyFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "key.pem")
	k := newKey(t, "hb-01")
	if err := envelope.WriteKey(path, k); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	got, err := envelope.LoadKey(path)
	if err != nil || got.KeyID() != k.KeyID() || !got.Public().Key.Equal(k.Public().Key) {
		t.Errorf("LoadKey = %v, %v", got, err)
	}

	before, _ := os.ReadFile(path)
	for name, taken := range map[string]string{"file": path, "folder": folder} {
		if err := envelope.WriteKey(taken, newKey(t, "hb-02")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("WriteKey over a %s = %v, want fs.ErrExist", name, err)
		}
	}
	dangling := filepath.Join(folder, "dangling")
	if err := os.Symlink(filepath.Join(folder, "nowhere"), dangling); err != nil {
		t.Fatal(err)
	}
	if err := envelope.WriteKey(dangling, k); !errors.Is(err, fs.ErrExist) {
		t.Errorf("WriteKey over a dangling link = %v, want fs.ErrExist", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
		t.Error("the key was overwritten")
	}
	if err := envelope.WriteKey(filepath.Join(folder, "none", "key.pem"), k); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("WriteKey into no folder = %v, want fs.ErrNotExist", err)
	}
	if names, _ := filepath.Glob(filepath.Join(folder, ".*")); len(names) > 0 {
		t.Errorf("temporary files are left: %v", names)
	}
}

func TestLoadKeyRefuses(t *testing.T) {
	folder := t.TempDir()
	k := newKey(t, "hb-01")
	path := filepath.Join(folder, "key.pem")
	if err := envelope.WriteKey(path, k); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, bare, _ := bytes.Cut(good, []byte("\n"))
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return "kid: hb-01/EdDSA/1\n" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":        "",
		"no-key-id":    string(bare),
		"key-id":       "kid: hb-01/EdDSA/0\n" + string(bare),
		"after":        string(good) + "x",
		"public":       string(k.Public().PEM()),
		"other-kind":   pkcs8(ec),
		"cut":          string(good[:len(good)/2]),
		"not-pkcs8":    "kid: hb-01/EdDSA/1\n" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("hello")})),
		"large":        strings.Repeat("\n", 16<<10) + string(good),
		"large-after":  string(good) + strings.Repeat("\n", 16<<10),
		"pem-password": "kid: hb-01/EdDSA/1\n" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Headers: map[string]string{"DEK-Info": "x"}, Bytes: []byte("x")})),
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := envelope.LoadKey(path)
		if !errors.Is(err, envelope.ErrKeyForm) {
			t.Errorf("%s: LoadKey = %v, want ErrKeyForm", name, err)
		}
		if body := strings.Split(string(bare), "\n")[1]; err != nil && strings.Contains(err.Error(), body) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}

	for _, mode := range []os.FileMode{0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := envelope.LoadKey(path); !errors.Is(err, envelope.ErrKeyMode) {
			t.Errorf("mode %04o: LoadKey = %v, want ErrKeyMode", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := envelope.LoadKey(path); err != nil {
		t.Errorf("mode 0400: LoadKey = %v", err)
	}

	if _, err := envelope.LoadKey(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("LoadKey of no file = %v, want fs.ErrNotExist", err)
	}
	if _, err := envelope.LoadKey(folder); !errors.Is(err, envelope.ErrKeyForm) {
		t.Errorf("LoadKey of a folder = %v, want ErrKeyForm", err)
	}
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := envelope.LoadKey(pipe); !errors.Is(err, envelope.ErrKeyForm) { // and does not wait for a writer
		t.Errorf("LoadKey of a pipe = %v, want ErrKeyForm", err)
	}
}

func TestLoadKeyOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	if os.Geteuid() != 0 {
		path = "/etc/passwd" // root's on every system, and it is the owner that is looked at first
	} else {
		if err := envelope.WriteKey(path, newKey(t, "hb-01")); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, 12345, -1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := envelope.LoadKey(path); !errors.Is(err, envelope.ErrKeyOwner) {
		t.Errorf("LoadKey of another user's file = %v, want ErrKeyOwner", err)
	}
}

func TestSignIsEd25519(t *testing.T) {
	k := newKey(t, "hb-01")
	sig, err := k.Sign([]byte("abc"))
	if err != nil || !ed25519.Verify(k.Public().Key, []byte("abc"), sig) {
		t.Errorf("signature does not verify: %v", err)
	}
}
