package sim

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"
)

// The exchange is printed in the manual of the noise transmitter.
func TestFrameOfTheManual(t *testing.T) {
	got := appendRTU(nil, 1, []byte{3, 0, 0, 0, 1})
	if want := "010300000001840a"; hex.EncodeToString(got) != want {
		t.Errorf("appendRTU = %x, want %s", got, want)
	}
	if !sound(got) {
		t.Errorf("sound(%x) = false", got)
	}
	got[3] ^= 1
	if sound(got) {
		t.Errorf("sound(%x) = true, with a bit flipped", got)
	}
}

func TestCutQuestion(t *testing.T) {
	read := appendRTU(nil, 1, []byte{3, 0, 0, 0, 1})
	write := appendRTU(nil, 1, []byte{16, 0, 0, 0, 1, 2, 0, 7})
	private := appendRTU(nil, 1, []byte{0x64, 1})
	bad := append([]byte(nil), read...)
	bad[7] ^= 1
	for _, tt := range []struct {
		name        string
		b           []byte
		frame, rest []byte
	}{
		{"nothing", nil, nil, nil},
		{"short", read[:7], nil, read[:7]},
		{"read", read, read, nil},
		{"read and more", append(append([]byte(nil), read...), 9), read, []byte{9}},
		{"write", write, write, nil},
		{"private waits for silence", private, nil, private},
		{"bad checksum waits for silence", bad, nil, bad},
	} {
		frame, rest := cutQuestion(tt.b)
		if !bytes.Equal(frame, tt.frame) || !bytes.Equal(rest, tt.rest) {
			t.Errorf("%s: cutQuestion(%x) = %x, %x, want %x, %x", tt.name, tt.b, frame, rest, tt.frame, tt.rest)
		}
	}
}

func FuzzQuestion(f *testing.F) {
	f.Add(appendRTU(nil, 1, []byte{3, 0, 0, 0, 1}))
	f.Add(appendRTU(nil, 1, []byte{15, 0, 20, 0, 2, 1, 3}))
	f.Add([]byte{1, 16, 0, 0, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, rest := cutQuestion(b)
		if len(frame)+len(rest) != len(b) {
			t.Fatalf("cutQuestion(%x): %d + %d bytes out of %d", b, len(frame), len(rest), len(b))
		}
		if len(b) == 0 {
			return
		}
		for _, in := range []*Instrument{TeledyneT400("a"), BolingDust("b")} {
			answer, _, refused := in.serve(b, time.Unix(0, 0))
			if len(answer) < 2 || len(answer) > 253 || refused != (answer[0]&0x80 != 0 && b[0] == answer[0]&0x7F) && b[0] < 0x80 {
				t.Fatalf("serve(%x) = %x, refused %v", b, answer, refused)
			}
		}
	})
}
