package main

import (
	"bytes"
	hexa "encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGenerated holds that the vectors in the tree are those that the generator
// writes. If it fails after a change here, run it and look at the difference.
func TestGenerated(t *testing.T) {
	const folder = "../hj212"
	names := make(map[string]bool)
	for _, v := range all() {
		if names[v.name] {
			t.Errorf("two vectors %s", v.name)
		}
		names[v.name] = true
		got, err := os.ReadFile(filepath.Join(folder, v.name+".vec"))
		if err != nil || !bytes.Equal(got, v.append(nil)) {
			t.Errorf("%s.vec is not what the generator writes (%v): go run ./tests/vectors/frames", v.name, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.vec"))
	if err != nil || len(files) != len(names) {
		t.Errorf("%d files, %d vectors (%v)", len(files), len(names), err)
	}
}

// TestSum holds the check sum against those that the standards print.
func TestSum(t *testing.T) {
	for _, tt := range []struct {
		standard, segment string
		want              uint16
	}{
		{"HJ 212-2017 appendix A", base, 0x1C80},
		{"HJ 212-2025 A.1", other, 0x2200},
		{"HJ 212-2025 A.2 example 1", plain1, 0x2200},
		{"HJ 212-2025 A.2 example 3", plain3, 0xB541},
	} {
		if got := sum(tt.segment); got != tt.want {
			t.Errorf("%s: %04X, want %04X", tt.standard, got, tt.want)
		}
	}
	// The check values that catalogues of check sums give for these nine digits.
	const digits = "123456789"
	for _, tt := range []struct {
		name      string
		got, want uint16
	}{
		{"CRC-16/MODBUS", modbus(digits), 0x4B37},
		{"CRC-16/ARC", reflected(0, digits), 0xBB3D},
		{"CRC-16/CCITT-FALSE", ccitt(0xFFFF, digits), 0x29B1},
		{"CRC-16/XMODEM", ccitt(0, digits), 0x31C3},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %04X, want %04X", tt.name, tt.got, tt.want)
		}
	}
}

// TestBlind holds that what two vectors say of the check sum is so.
func TestBlind(t *testing.T) {
	n := 0
	for _, v := range all() {
		if !strings.HasPrefix(v.name, "crc-blind-") {
			continue
		}
		n++
		if segment := v.means[0]; segment == base || sum(segment) != sum(base) || modbus(segment) == modbus(base) {
			t.Errorf("%s: %q", v.name, segment)
		}
	}
	if n != 2 {
		t.Errorf("%d vectors, want 2", n)
	}
}

// TestOpenSSL asks openssl for the cipher text. Where there is none, the tests of
// the whole program ask for it.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Log("no openssl here")
		return
	}
	encrypt := func(key, plain string, options ...string) string {
		cmd := exec.Command(openssl, append([]string{"enc", "-sm4-ecb", "-K", fmt.Sprintf("%x", key)}, options...)...)
		cmd.Stdin = strings.NewReader(plain)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl: %v", err)
		}
		return hexa.EncodeToString(out)
	}
	for _, s := range []secret{
		areaA1, areaA3, areaMarks, areaArea, areaLines, areaEnds, areaFirst, areaBrace, areaBlock, areaRotated, areaSame, areaNewKey,
	} {
		if got := encrypt(s.key, s.area[:len(s.area)/16*16], "-nopad"); got != s.cipher {
			t.Errorf("%q with key %q is %s, want %s", s.area, s.key, s.cipher, got)
		}
	}
	if got := encrypt(areaA1.key, areaRotated.area); got != areaPadded {
		t.Errorf("padded %s, want %s", areaPadded, got)
	}
}

// TestCipherForms holds that the cipher texts have in them what they are here for.
func TestCipherForms(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		s          secret
		at         int // where it stands, -1 for anywhere
	}{
		{"marks", "##", areaMarks, -1},
		{"area", "&&", areaArea, -1},
		{"lines", "\r\n", areaLines, -1},
		{"ends", "&&", areaEnds, len(areaEnds.cipher)/2 - 2},
		{"first", "&&", areaFirst, 0},
		{"brace", "{0x", areaBrace, 0},
	} {
		cipher, err := hexa.DecodeString(tt.s.cipher)
		if err != nil {
			t.Fatal(err)
		}
		if at := strings.Index(string(cipher), tt.want); at < 0 || tt.at >= 0 && at != tt.at {
			t.Errorf("%s: %q stands at %d of %x", tt.name, tt.want, at, cipher)
		}
	}
}
