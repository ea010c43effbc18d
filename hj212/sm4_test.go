package hj212_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"envgate/hj212"
)

const testSecret = "0000000000000000" // of HJ 212-2025, A.2

func newKey(tb testing.TB, created, secret string) hj212.Key {
	tb.Helper()
	k, err := hj212.NewKey(created, []byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestNewKey(t *testing.T) {
	for n := range 40 {
		_, err := hj212.NewKey("20240601085857223", make([]byte, n))
		if (err == nil) != (n == 16) {
			t.Errorf("NewKey of %d bytes: error %v", n, err)
		}
	}
	secret := []byte(testSecret)
	k, _ := hj212.NewKey("", secret)
	clear(secret)
	area := []byte("sixteen bytes of")
	if got, want := hj212.EncryptArea(nil, area, k), hj212.EncryptArea(nil, area, newKey(t, "", testSecret)); !bytes.Equal(got, want) {
		t.Error("NewKey keeps the caller's slice")
	}
}

func TestKeyWeak(t *testing.T) {
	for _, tt := range []struct {
		secret string
		want   bool
	}{
		{testSecret, true},
		{strings.Repeat("\x00", 16), true},
		{"abababababababab", true},
		{"12ab12ab12ab12ab", true},
		{"12345678" + "12345678", true},
		{"abcdefghijklmnop", true},
		{"ponmlkjihgfedcba", true},
		{"1234567890123456", true},
		{"6543210987654321", true},
		{"0123456789abcdef", true},
		{"0123456789ABCDEF", true},
		{"FEDCBA9876543210", true},
		{"\xF8\xF9\xFA\xFB\xFC\xFD\xFE\xFF\x00\x01\x02\x03\x04\x05\x06\x07", true},
		{"0000000000000001", false},
		{"1234567890123457", false},
		{"abababababababac", false},
		{"Kp3zX9vQ7rT1mW5c", false},
	} {
		if got := newKey(t, "", tt.secret).Weak(); got != tt.want {
			t.Errorf("Weak of %q = %v, want %v", tt.secret, got, tt.want)
		}
	}
	if (hj212.Key{}).Weak() {
		t.Error("the zero Key is weak")
	}
}

// A key may stand anywhere in what a program prints about itself.
func TestKeyDoesNotPrint(t *testing.T) {
	const secret = "Kp3zX9vQ7rT1mW5c"
	k := newKey(t, "20240601085857223", secret)
	type outer struct {
		Key  hj212.Key
		Keys hj212.Keys
		own  hj212.Key // fmt cannot call the methods of this one
		ptr  *hj212.Key
		list []hj212.Key
	}
	o := outer{k, hj212.Keys{k}, k, &k, []hj212.Key{k}}
	frame := hj212.Frame{Encrypted: true, Key: k}
	for _, v := range []any{k, &k, hj212.Keys{k}, o, &o, frame, []any{k}, map[string]hj212.Key{"a": k}, errors.Join(fmt.Errorf("with %v", k))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			secretFree(t, fmt.Sprintf("%s of %T", verb, v), fmt.Sprintf(verb, v), secret)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "key", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "key", v)
		secretFree(t, fmt.Sprintf("log of %T", v), log.String(), secret)
		if j, err := json.Marshal(v); err == nil {
			secretFree(t, fmt.Sprintf("JSON of %T", v), string(j), secret)
		}
	}
	if got, want := fmt.Sprintf("%v %+v %#v %s", k, k, k, k), strings.Repeat("key of 20240601085857223 ", 4); got+" " != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(hj212.Key{}), "no key"; got != want {
		t.Errorf("the zero Key is printed as %q, want %q", got, want)
	}
}

func secretFree(t *testing.T, what, text, secret string) {
	t.Helper()
	list := strings.Trim(fmt.Sprint([]byte(secret)), "[]")
	for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), list, strings.ReplaceAll(list, " ", ","), "0x4b, 0x70", "75 112"} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			t.Errorf("%s has the key in it: %s", what, text)
		}
	}
}

func TestKeysWith(t *testing.T) {
	key := func(created string) hj212.Key { return newKey(t, created, testSecret) }
	created := func(ks hj212.Keys) (out []string) {
		for _, k := range ks {
			out = append(out, k.Created)
		}
		return out
	}
	var ks hj212.Keys
	for _, tt := range []struct {
		add  string
		want []string
	}{
		{"1", []string{"1"}},
		{"2", []string{"2", "1"}},
		{"3", []string{"3", "2", "1"}},
		{"4", []string{"4", "3", "2"}},
		{"3", []string{"3", "4", "2"}},
		{"3", []string{"3", "4", "2"}},
	} {
		before := created(ks)
		next := ks.With(key(tt.add))
		if got := created(next); !slices.Equal(got, tt.want) {
			t.Errorf("%v with %s = %v, want %v", before, tt.add, got, tt.want)
		}
		if got := created(ks); !slices.Equal(got, before) {
			t.Errorf("With changed the old keys from %v to %v", before, got)
		}
		ks = next
	}
}

// Keys whose time nobody knows are told apart by what they are.
func TestKeysWithoutTime(t *testing.T) {
	a, b := newKey(t, "", testSecret), newKey(t, "", "Kp3zX9vQ7rT1mW5c")
	for _, tt := range []struct {
		name      string
		got, want hj212.Keys
	}{
		{"another", hj212.Keys{a}.With(b), hj212.Keys{b, a}},
		{"the same", hj212.Keys{b, a}.With(a), hj212.Keys{a, b}},
		{"no key before it", hj212.Keys{{}}.With(a), hj212.Keys{a}},
		{"offered", hj212.Keys{a}.Offer(b), hj212.Keys{a, b}},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestKeysOffer(t *testing.T) {
	k1, k2, k3, k4 := newKey(t, "1", testSecret), newKey(t, "2", testSecret), newKey(t, "3", testSecret), newKey(t, "4", testSecret)
	for _, tt := range []struct {
		name  string
		keys  hj212.Keys
		fresh hj212.Key
		want  hj212.Keys
	}{
		{"none yet", nil, k1, hj212.Keys{{}, k1}},
		{"none yet, again", hj212.Keys{{}, k1}, k2, hj212.Keys{{}, k2, k1}},
		{"one", hj212.Keys{k1}, k2, hj212.Keys{k1, k2}},
		{"two", hj212.Keys{k2, k1}, k3, hj212.Keys{k2, k3, k1}},
		{"three", hj212.Keys{k3, k2, k1}, k4, hj212.Keys{k3, k4, k2}},
		{"one that sends", hj212.Keys{k2, k1}, k2, hj212.Keys{k2, k1}},
		{"one that was offered", hj212.Keys{k2, k3, k1}, k3, hj212.Keys{k2, k3, k1}},
		{"one before", hj212.Keys{k3, k2, k1}, k1, hj212.Keys{k3, k1, k2}},
	} {
		before := slices.Clone(tt.keys)
		got := tt.keys.Offer(tt.fresh)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		_ = append(got, k4)
		if !slices.Equal(tt.keys, before) {
			t.Errorf("%s: Offer changed the old keys from %v to %v", tt.name, before, tt.keys)
		}
	}
}

// The areas of A.2, and what is printed for them.
func TestEncryptArea(t *testing.T) {
	k := newKey(t, "", testSecret)
	for _, tt := range []struct{ area, cipher, rest string }{
		{areaA21, cipherA22, ""},
		{areaA23, cipherA24, "g=N"},
		{"less than 16", "", "less than 16"},
		{"", "", ""},
	} {
		want := unhex(tt.cipher) + tt.rest
		got := hj212.EncryptArea([]byte("before"), []byte(tt.area), k)
		if string(got) != "before"+want {
			t.Errorf("EncryptArea(%q) = %X, want %X", tt.area, got[len("before"):], want)
		}
		if back := hj212.DecryptArea([]byte("b"), []byte(want), k); string(back) != "b"+tt.area {
			t.Errorf("DecryptArea(%X) = %q, want %q", want, back[1:], tt.area)
		}
		in := []byte(tt.area)
		if here := hj212.EncryptArea(in[:0], in, k); string(here) != want || len(in) > 0 && &here[0] != &in[0] {
			t.Errorf("EncryptArea of %q in its place = %X, want %X", tt.area, here, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("EncryptArea with the zero Key did not panic")
		}
	}()
	hj212.EncryptArea(nil, []byte("a"), hj212.Key{})
}

// The same by another program, for all lengths about the blocks.
func TestEncryptAreaOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here")
	}
	for _, secret := range []string{testSecret, "Kp3zX9vQ7rT1mW5c"} {
		k := newKey(t, "", secret)
		for n := range 41 {
			area := []byte("DataTime=20240601085800;a21026-Rtd=18.50,"[:n])
			whole := n / 16 * 16
			cmd := exec.Command(openssl, "enc", "-sm4-ecb", "-nopad", "-K", hex.EncodeToString([]byte(secret)))
			cmd.Stdin = bytes.NewReader(area[:whole])
			want, err := cmd.Output()
			if err != nil {
				t.Fatalf("openssl: %v", err)
			}
			want = append(want, area[whole:]...)
			if got := hj212.EncryptArea(nil, area, k); !bytes.Equal(got, want) {
				t.Errorf("EncryptArea(%q) = %X, and of openssl %X", area, got, want)
			}
			if got := hj212.DecryptArea(nil, want, k); !bytes.Equal(got, area) {
				t.Errorf("DecryptArea(%X) = %q, want %q", want, got, area)
			}
		}
	}
}

func unhex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
