package gov

import (
	"bufio"
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Frames that the standard prints (HJ 212-2017, appendix A; HJ 212-2025, A.1 and A.2).
func TestSum(t *testing.T) {
	for data, sum := range map[string]uint16{
		"": 0xFFFF, "123456789": 0x2F80,
		"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&": 0x1C80,
		"QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&":               0x2200,
	} {
		if got := Sum([]byte(data)); got != sum {
			t.Errorf("sum of %q is %04X, want %04X", data, got, sum)
		}
	}
}

const (
	printedKey   = "0000000000000000"
	printedPlain = "QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240520210600;" +
		"a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N&&"
	// The cipher text of A.2, example 4: nine blocks, and "g=N" that stays plain.
	printedCipher = "E43E159ACFAB242CB53155FB8B9281A1A242577ABFAED881BE88B72D69FC55ED1A80119FAAC8B3CD33D285CC76F57F2CA7F88B9573C6647E0F07E24609BD6B63" +
		"EB20C5B9784F28E71D2F4994FF61D9E13B391A1D2A454B65388D5D9435DBF021528C7BF9755EF16518710C0CAC0ADEF9C5156CD0A5A17674AC0ED2ABC40023E9" +
		"EF70128554B82438E91ADCE98A0D03A4"
)

// The printed cipher text comes out, and goes in again, in both forms on the wire.
func TestSM4(t *testing.T) {
	key, err := newKey(printedKey)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := hex.DecodeString(printedCipher)
	sealed := seal([]byte(printedPlain), key, false)
	if !bytes.Contains(sealed, append(want, "g=N&&B541\r\n"...)) || string(sealed[:6]) != "##0234" {
		t.Errorf("sealed is %q", sealed)
	}
	for _, braces := range []bool{false, true} {
		near, far := net.Pipe()
		go func() {
			far.Write(seal([]byte(printedPlain), key, braces))
			far.Write(Frame([]byte("QN=1;CN=9013;CP=&&&&")))
			far.Close()
		}()
		in := bufio.NewReader(near)
		raw, err := readFrame(near, in)
		if err != nil {
			t.Fatal(err)
		}
		data, encrypted, err := open(raw, []cipher.Block{key})
		if string(data) != printedPlain || !encrypted || err != nil {
			t.Errorf("braces %t: opened is %q, %t, %v", braces, data, encrypted, err)
		}
		if _, _, err := open(raw, nil); err == nil {
			t.Errorf("braces %t: opened without a key", braces)
		}
		other, _ := newKey("0000000000000001")
		if _, _, err := open(raw, []cipher.Block{other}); err == nil {
			t.Errorf("braces %t: opened with another key", braces)
		}
		if raw, err = readFrame(near, in); err != nil || !strings.Contains(string(raw), "9013") {
			t.Errorf("braces %t: the next frame is %q, %v", braces, raw, err)
		}
		if _, err = readFrame(near, in); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

// The vectors that break nothing are read here as they are by others.
func TestVectors(t *testing.T) {
	paths, _ := filepath.Glob("../../vectors/hj212/*.vec")
	n := 0
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, raw, _ := strings.Cut(string(b), "\n\n")
		is := map[string]string{}
		for line := range strings.Lines(head) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			is[name] = value
		}
		if is["expect"] != "ok" || is["violations"] != "" || is["key"] != "" || is["crc"] != "" || is["skipped"] != "0" || is["fields"] == "" || is["rest"] != "0" {
			continue
		}
		data, _, err := open([]byte(raw), nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		m, err := parse(string(data))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		n++
		for field := range strings.FieldsSeq(is["fields"]) {
			name, value, _ := strings.Cut(field, "=")
			value, got := strings.ReplaceAll(value, "%20", " "), ""
			if _, inArea, ok := strings.Cut(name, "."); ok {
				got = m.Get(inArea)
			} else if to := m.field(name); to != nil {
				if got = *to; name == "PNUM" || name == "PNO" {
					got = strings.TrimLeft(got, "0")
				}
			}
			if got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
	}
	if n < 50 {
		t.Errorf("%d vectors, want 50 at least", n)
	}
}
