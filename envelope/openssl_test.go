package envelope_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"envgate/envelope"
)

// TestOpenSSL asks somebody else: openssl reads our key files, has the same
// fingerprint, and verifies a sealed block; and not one with a digit changed.
// Where there is no openssl, the tests of the whole program ask for it.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Log("no openssl here")
		return
	}
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := newKey(t, "hb-01")
	private := filepath.Join(folder, "key.pem")
	if err := envelope.WriteKey(private, key); err != nil {
		t.Fatal(err)
	}
	public := file("pub.pem", key.Public().PEM())

	derived, err := exec.Command(openssl, "pkey", "-in", private, "-pubout").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl does not read the key file: %v\n%s", err, derived)
	}
	if got, err := envelope.ParsePublicKey(derived); err != nil || !got.Key.Equal(key.Public().Key) {
		t.Errorf("public key as openssl writes it: %v, %v", got, err)
	}
	der, err := exec.Command(openssl, "pkey", "-pubin", "-in", public, "-outform", "DER").Output()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := exec.Command(openssl, "dgst", "-sha256", file("pub.der", der)).Output()
	if err != nil || !strings.Contains(string(digest), strings.ReplaceAll(key.Public().Fingerprint(), " ", "")) {
		t.Errorf("fingerprint %s, openssl has %s (%v)", key.Public().Fingerprint(), digest, err)
	}

	message, err := envelope.NewSealer(key).Seal(envelope.TypeBlock, siteBlock(40, 5).AppendPayload(nil))
	if err != nil {
		t.Fatal(err)
	}
	line, payload, _ := bytes.Cut(gunzip(t, message), []byte("\n"))
	protected, encoded, _ := bytes.Cut(line, []byte(".."))
	signature, err := base64.RawURLEncoding.DecodeString(string(encoded))
	if err != nil {
		t.Fatal(err)
	}
	input := bytes.Join([][]byte{protected, payload}, []byte("."))
	verify := func() ([]byte, error) {
		return exec.Command(openssl, "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public,
			"-sigfile", file("s", signature), "-in", file("in", input)).CombinedOutput()
	}
	if out, err := verify(); err != nil {
		t.Errorf("openssl refuses a sealed block: %v\n%s", err, out)
	}
	input[len(input)-1] ^= 1
	if out, err := verify(); err == nil {
		t.Errorf("openssl takes a forged block, so this test proves nothing: %s", out)
	}
}
