package hj212_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"envgate/hj212"
)

// The frames of the standards and of many implementations, with where they are from,
// are kept beside the repository: not all of them are ours to give away. Where they
// are not there, the test is skipped.
const framesFile = "../../shared/reference/hj212-frames.txt"

type sourceFrame struct {
	section string // A printed with length and CRC, B 2017, C 2025, D encrypted, E wrong, F 2005
	line    int
	raw     []byte
}

func sourceFrames(t *testing.T) (frames []sourceFrame) {
	t.Helper()
	f, err := os.Open(framesFile)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	section := ""
	for n := 1; s.Scan(); n++ {
		line := s.Text()
		switch {
		case strings.HasPrefix(line, "# HEX "):
			raw, err := hex.DecodeString(line[len("# HEX "):])
			if err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
			frames = append(frames, sourceFrame{section, n, raw})
		case strings.HasPrefix(line, "# [") && len(line) > 4:
			section = line[3:4]
		case strings.HasPrefix(line, "##"):
			frames = append(frames, sourceFrame{section, n, []byte(line + "\r\n")})
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if len(frames) < 200 {
		t.Fatalf("%s has %d frames, want 200 or more", framesFile, len(frames))
	}
	return frames
}

// A second reading of the fields, by other means than the one that is tested.
var (
	fieldPattern = regexp.MustCompile(`(?:^|[;, ])(QN|ST|CN|PW|MN|Flag|PNUM|PNO|RF)=([^;,]*?)(?:CP=|[;,]|$)`)
	areaPattern  = regexp.MustCompile(`(?s)CP=&&(.*)&&$`)
	paramPattern = regexp.MustCompile(`([^=;,\s]+)\s*=\s*(//.*?//|[^;,]*?)\s*(?:[;,]|$)`)
)

func TestStandardFrames(t *testing.T) {
	count := map[string]int{}
	for _, f := range sourceFrames(t) {
		count[f.section]++
		if f.section == "D" || f.section == "E" {
			continue
		}
		frame, rest, err := (&hj212.Codec{}).Cut(f.raw)
		if err != nil || len(rest) != 0 {
			t.Errorf("line %d: Cut: %v, %d bytes left", f.line, err, len(rest))
			continue
		}
		data := string(frame.Data)
		m, vs := hj212.ParseMessage(frame.Data)
		for _, v := range vs {
			if !v.Kind.Seen() {
				t.Errorf("line %d: %v, and %v is not said to be seen", f.line, v, v.Kind)
			}
		}

		head, _, _ := strings.Cut(data, "CP=&&")
		want := map[string]string{}
		for h := head; ; {
			at := fieldPattern.FindStringSubmatchIndex(h)
			if at == nil {
				break
			}
			want[h[at[2]:at[3]]] = h[at[4]:at[5]]
			h = h[at[5]:]
		}
		got := map[string]string{"QN": m.QN, "ST": m.ST, "CN": m.CN, "PW": m.PW, "MN": m.MN}
		for name, value := range got {
			if value != want[name] {
				t.Errorf("line %d: %s is %q, want %q", f.line, name, value, want[name])
			}
		}

		area := areaPattern.FindStringSubmatch(data)
		if area == nil {
			t.Errorf("line %d: no area in %q", f.line, data)
			continue
		}
		var params []string
		for _, p := range paramPattern.FindAllStringSubmatch(area[1], -1) {
			params = append(params, p[1]+"="+p[2])
		}
		var read []string
		for _, item := range m.CP {
			for _, p := range item {
				read = append(read, p.Name+"="+p.Value)
			}
		}
		if !slices.Equal(read, params) {
			t.Errorf("line %d: parameters\n%q, want\n%q", f.line, read, params)
		}
		again, _ := hj212.ParseMessage(m.Append(nil))
		if !bytes.Equal(again.Append(nil), m.Append(nil)) {
			t.Errorf("line %d: written and read again %q, want %q", f.line, again.Append(nil), m.Append(nil))
		}
	}
	for section, want := range map[string]int{"A": 51, "B": 78, "C": 47, "D": 4, "E": 7, "F": 19} {
		if count[section] != want {
			t.Errorf("section %s has %d frames, want %d", section, count[section], want)
		}
	}
}

// The encrypted examples of HJ 212-2025, appendix A.2, as printed and as raw bytes.
func TestStandardEncrypted(t *testing.T) {
	key, err := hj212.NewKey("20240501000000000", []byte("0000000000000000"))
	if err != nil {
		t.Fatal(err)
	}
	c := &hj212.Codec{Keys: func(string) hj212.Keys { return hj212.Keys{key} }}
	var plain []string
	for _, f := range sourceFrames(t) {
		if f.section == "A" && bytes.Contains(f.raw, []byte("QN=20240520210700000")) {
			plain = append(plain, string(f.raw[6:len(f.raw)-6]))
		}
	}
	if len(plain) != 2 {
		t.Fatalf("%d plain examples, want 2", len(plain))
	}
	for _, f := range sourceFrames(t) {
		if f.section != "D" {
			continue
		}
		frame, rest, err := c.Cut(f.raw)
		if err != nil || len(rest) != 0 || !frame.Encrypted || !slices.Contains(plain, string(frame.Data)) {
			t.Errorf("line %d: Cut = %q, encrypted %v, %d bytes left, %v", f.line, frame.Data, frame.Encrypted, len(rest), err)
			continue
		}
		if m, vs := hj212.ParseMessage(frame.Data); m.CN != "2051" || vs != nil {
			t.Errorf("line %d: CN %q, violations %v", f.line, m.CN, vs)
		}
	}
}

func TestStandardWrong(t *testing.T) {
	for _, f := range sourceFrames(t) {
		if f.section != "E" {
			continue
		}
		_, _, err := (&hj212.Codec{}).Cut(f.raw)
		if !errors.Is(err, hj212.ErrCRC) {
			t.Errorf("line %d: Cut: %v, want %v", f.line, err, hj212.ErrCRC)
		}
		fe, ok := errors.AsType[*hj212.FrameError](err)
		if modbus := bytes.HasSuffix(f.raw, []byte("0759\r\n")); ok && slices.Contains(fe.Fits, hj212.Modbus) != modbus {
			t.Errorf("line %d: fits %v, Modbus is %v", f.line, fe.Fits, modbus)
		}
	}
}
