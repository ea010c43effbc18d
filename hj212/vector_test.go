package hj212_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"envgate/hj212"
)

// vectorErrors are the words of the frame layer, tests/vectors/README.md.
var vectorErrors = map[string]error{
	"short":  hj212.ErrShort,
	"mark":   hj212.ErrMark,
	"length": hj212.ErrLength,
	"crc":    hj212.ErrCRC,
	"end":    hj212.ErrEnd,
	"key":    hj212.ErrKey,
}

// A vector is one file of tests/vectors/hj212.
type vector struct {
	name       string
	expect     string
	fits       string
	violations []string
	seen       bool
	codec      *hj212.Codec
	encrypted  bool
	checked    bool
	edition    hj212.Edition
	direction  hj212.Direction
	fields     []string // of each frame that comes
	joined     []string
	rest       int // -1 where nothing is said
	skipped    int
	end        error
	raw        []byte
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	paths, err := filepath.Glob("../tests/vectors/hj212/*.vec")
	if err != nil || len(paths) < 150 {
		t.Fatalf("%d vectors (%v), want 150 at least", len(paths), err)
	}
	var list []vector
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		v, err := parseVector(b)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		v.name = strings.TrimSuffix(filepath.Base(path), ".vec")
		list = append(list, v)
	}
	return list
}

// vectorBytes are the raw bytes of all vectors, to begin a fuzz test with.
func vectorBytes(t testing.TB) [][]byte {
	t.Helper()
	var list [][]byte
	for _, v := range readVectors(t) {
		list = append(list, v.raw)
	}
	return list
}

// parseVector reads one file. Every line of the header counts: what is not known,
// said twice or missing is an error.
func parseVector(b []byte) (vector, error) {
	v := vector{rest: -1, codec: &hj212.Codec{}}
	head, raw, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok {
		return v, errors.New("no empty line")
	}
	v.raw = raw
	keys := make(map[string]hj212.Keys)
	seen := make(map[string]bool)
	for line := range strings.SplitSeq(string(head), "\n") {
		name, text, ok := strings.Cut(line, ":")
		if !ok || text != "" && text[0] != ' ' {
			return v, fmt.Errorf("header %q", line)
		}
		text = strings.TrimPrefix(text, " ")
		if many := name == "key" || name == "fields" || name == "joined"; seen[name] && !many {
			return v, fmt.Errorf("header %s twice", name)
		}
		seen[name] = true
		var err error
		switch name {
		case "expect":
			v.expect = text
		case "fits":
			v.fits = text
		case "violations":
			v.violations = strings.Fields(text)
		case "standard", "comment": // for people
			if text == "" {
				err = errors.New("nothing is said")
			}
		case "seen":
			v.seen, err = true, expectWord(text, "yes")
		case "encrypted":
			v.encrypted, err = true, expectWord(text, "yes")
		case "crc":
			v.codec.CRC, err = vectorDialect(text)
		case "key":
			var mn string
			var key hj212.Key
			mn, key, err = vectorKey(text)
			keys[mn] = append(keys[mn], key)
			v.codec.Keys = func(mn string) hj212.Keys { return keys[mn] }
		case "check":
			v.checked = true
			v.edition, v.direction, err = vectorCheck(text)
		case "fields":
			v.fields = append(v.fields, text)
		case "joined":
			v.joined = append(v.joined, text)
		case "rest":
			v.rest, err = strconv.Atoi(text)
		case "skipped":
			v.skipped, err = strconv.Atoi(text)
		case "end":
			if v.end = io.EOF; text == "cut" {
				v.end = io.ErrUnexpectedEOF
			} else {
				err = expectWord(text, "eof")
			}
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return v, fmt.Errorf("header %q: %w", line, err)
		}
	}
	for _, name := range []string{"expect", "standard", "comment", "skipped", "end"} {
		if !seen[name] {
			return v, fmt.Errorf("no header %s", name)
		}
	}
	if (v.expect == "ok") != (v.rest >= 0) {
		return v, fmt.Errorf("expect is %s, rest is %d", v.expect, v.rest)
	}
	return v, nil
}

func expectWord(got, want string) error {
	if got != want {
		return fmt.Errorf("want %s", want)
	}
	return nil
}

func vectorDialect(text string) (hj212.Dialect, error) {
	for _, d := range []hj212.Dialect{hj212.Modbus, hj212.ModbusSwapped} {
		if d.String() == text {
			return d, nil
		}
	}
	return 0, errors.New("no such check sum")
}

func vectorKey(text string) (mn string, key hj212.Key, err error) {
	words := strings.Fields(text)
	if len(words) != 3 {
		return "", key, errors.New("want MN, time and key")
	}
	secret, err := hex.DecodeString(words[2])
	if err != nil {
		return "", key, err
	}
	key, err = hj212.NewKey(words[1], secret)
	return words[0], key, err
}

func vectorCheck(text string) (hj212.Edition, hj212.Direction, error) {
	year, way, _ := strings.Cut(text, " ")
	e := map[string]hj212.Edition{"2005": hj212.Ed2005, "2017": hj212.Ed2017, "2025": hj212.Ed2025}[year]
	d, ok := map[string]hj212.Direction{"up": hj212.Up, "down": hj212.Down}[way]
	if e == 0 || !ok {
		return 0, 0, errors.New("want edition and direction")
	}
	return e, d, nil
}

func TestVectorHeader(t *testing.T) {
	const good = "expect: ok\nstandard: own\ncomment: nothing\nrest: 0\nskipped: 0\nend: eof\n"
	if _, err := parseVector([]byte(good + "\n")); err != nil {
		t.Fatalf("%q: %v", good, err)
	}
	for _, tt := range []struct{ name, head string }{
		{"unknown", good + "colour: red\n"},
		{"twice", good + "end: eof\n"},
		{"no colon", good + "seen\n"},
		{"no blank", good + "seen:yes\n"},
		{"no expect", strings.Replace(good, "expect: ok\n", "", 1)},
		{"no comment", strings.Replace(good, "comment: nothing\n", "", 1)},
		{"no rest", strings.Replace(good, "rest: 0\n", "", 1)},
		{"rest of what is refused", strings.Replace(good, "expect: ok", "expect: crc@1", 1)},
		{"no number", strings.Replace(good, "skipped: 0", "skipped: none", 1)},
		{"no end", strings.Replace(good, "end: eof", "end: never", 1)},
		{"no check sum", good + "crc: none\n"},
		{"no edition", good + "check: 2011 up\n"},
		{"no way", good + "check: 2017\n"},
		{"half a key", good + "key: 1 2\n"},
		{"seen or not", good + "seen: perhaps\n"},
	} {
		if v, err := parseVector([]byte(tt.head + "\n")); err == nil {
			t.Errorf("%s: %+v, want an error", tt.name, v)
		}
	}
	if _, err := parseVector([]byte(good)); err == nil {
		t.Error("no empty line: want an error")
	}
}

// vectorVerdict is the word for what Cut says, with the byte where it has one. An
// error that is two of them is "both".
func vectorVerdict(err error) string {
	if err == nil {
		return "ok"
	}
	word := "unnamed"
	for name, e := range vectorErrors {
		if errors.Is(err, e) {
			if word != "unnamed" {
				return "both"
			}
			word = name
		}
	}
	if fe, ok := errors.AsType[*hj212.FrameError](err); ok {
		return fmt.Sprintf("%s@%d", word, fe.Offset)
	}
	return word
}

func TestVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			v.cut(t)
			frames := v.read(t)
			if len(frames) != len(v.fields) {
				t.Fatalf("%d frames come, want %d", len(frames), len(v.fields))
			}
			joiner := hj212.NewJoiner(hj212.JoinOptions{})
			var joined []string
			for i, f := range frames {
				m := v.parse(t, f, i)
				if m.PNUM == 0 || m.PNO == 0 {
					continue
				}
				whole, ok, err := joiner.Add(m, time.Unix(0, 0))
				if ok {
					joined = append(joined, vectorFields(&whole))
				}
				if ok && err != nil {
					t.Errorf("frame %d: Add is a message, and %v", i, err)
				}
			}
			if !slices.Equal(joined, v.joined) {
				t.Errorf("packets make\n%q, want\n%q", joined, v.joined)
			}
		})
	}
}

// cut gives Cut all bytes, and every part of them from the beginning: as long as
// that is too short for a verdict it is so, and then it is the same one for good.
func (v *vector) cut(t *testing.T) {
	t.Helper()
	f, rest, err := v.codec.Cut(v.raw)
	if got := vectorVerdict(err); got != v.expect {
		t.Errorf("Cut is %s (%v), want %s", got, err, v.expect)
	}
	fits := ""
	if fe, ok := errors.AsType[*hj212.FrameError](err); ok {
		fits = strings.Trim(fmt.Sprint(fe.Fits), "[]")
		if !strings.HasPrefix(err.Error(), "hj212: ") {
			t.Errorf("%v: no prefix", err)
		}
	}
	if fits != v.fits {
		t.Errorf("check sum is that of %q, want %q", fits, v.fits)
	}
	switch {
	case err != nil && (f.Data != nil || !bytes.Equal(rest, v.raw)):
		t.Errorf("beside an error: %d bytes of data, %d of %d left", len(f.Data), len(rest), len(v.raw))
	case err == nil && (len(rest) != v.rest || len(f.Raw)+len(rest) != len(v.raw) || !bytes.HasPrefix(v.raw, f.Raw)):
		t.Errorf("frame of %d bytes, %d of %d left, want %d", len(f.Raw), len(rest), len(v.raw), v.rest)
	}
	for n := range v.raw {
		part, _, partErr := v.codec.Cut(v.raw[:n:n])
		if partErr == hj212.ErrShort {
			continue
		}
		if got := vectorVerdict(partErr); got != v.expect || !bytes.Equal(part.Raw, f.Raw) || !bytes.Equal(part.Data, f.Data) {
			t.Fatalf("Cut of the first %d bytes is %s, a frame of %d; of all it is %s, a frame of %d", n, got, len(part.Raw), v.expect, len(f.Raw))
		}
		if n+300 < len(v.raw) && n > 2200 { // enough of a long one
			break
		}
	}
}

// read gives a Reader the bytes whole and in all sorts of pieces, and returns the
// frames.
func (v *vector) read(t *testing.T) []hj212.Frame {
	t.Helper()
	var whole []hj212.Frame
	var first []string
	ways := []struct {
		name string
		wrap func(io.Reader) io.Reader
	}{
		{"whole", func(r io.Reader) io.Reader { return r }},
		{"byte by byte", iotest.OneByteReader},
		{"halves", iotest.HalfReader},
		{"data with the error", iotest.DataErrReader},
		{"pieces 1", pieces(1)},
		{"pieces 2", pieces(2)},
		{"pieces 3", pieces(3)},
	}
	for i, way := range ways {
		frames, story, err := v.readAll(t, way.wrap(bytes.NewReader(v.raw)))
		if i == 0 {
			whole, first = frames, story
		}
		if !slices.Equal(story, first) {
			t.Errorf("%s: Reader gives\n%q, whole\n%q", way.name, story, first)
		}
		if err != v.end {
			t.Errorf("%s: stream ends with %v, want %v", way.name, err, v.end)
		}
	}
	return whole
}

func (v *vector) readAll(t *testing.T, from io.Reader) (frames []hj212.Frame, story []string, err error) {
	t.Helper()
	r := hj212.NewReader(from)
	r.Codec = v.codec
	for range len(v.raw) + 1 {
		data, err := r.Next()
		if _, ok := errors.AsType[*hj212.FrameError](err); err != nil && !ok {
			if got := r.Skipped(); got != uint64(v.skipped) {
				t.Errorf("%d bytes skipped, want %d", got, v.skipped)
			}
			return frames, story, err
		}
		if err != nil {
			story = append(story, vectorVerdict(err))
			continue
		}
		f := r.Frame()
		if !bytes.Equal(f.Data, data) {
			t.Errorf("Next is %q, Frame().Data %q", data, f.Data)
		}
		f.Data, f.Raw = bytes.Clone(f.Data), bytes.Clone(f.Raw)
		frames = append(frames, f)
		story = append(story, string(f.Raw), string(f.Data))
	}
	t.Fatal("Reader does not end")
	return nil, nil, nil
}

// pieces returns a reader that gives 1 to 64 bytes at a time.
func pieces(seed uint64) func(io.Reader) io.Reader {
	return func(r io.Reader) io.Reader {
		return &pieceReader{r, rand.New(rand.NewPCG(seed, 212))}
	}
}

type pieceReader struct {
	r    io.Reader
	rand *rand.Rand
}

func (p *pieceReader) Read(b []byte) (int, error) {
	return p.r.Read(b[:min(len(b), 1+p.rand.IntN(64))])
}

// parse holds frame i of the stream against its line of fields, and the first one
// against the violations. The others have none.
func (v *vector) parse(t *testing.T, f hj212.Frame, i int) hj212.Message {
	t.Helper()
	m, segment := hj212.ParseMessage(f.Data)
	if got := vectorFields(&m); got != v.fields[i] {
		t.Errorf("frame %d says\n%s, want\n%s", i, got, v.fields[i])
	}
	seen := true
	var got []string
	note := func(layer string, list []hj212.Violation) {
		for _, w := range list {
			seen = seen && w.Kind.Seen()
			if layer == "check" {
				got = append(got, fmt.Sprintf("check:%v=%s", w.Kind, w.Name))
				continue
			}
			got = append(got, fmt.Sprintf("%s:%v@%d", layer, w.Kind, w.Offset))
		}
	}
	note("frame", f.Violations())
	note("segment", segment)
	clean := len(got) == 0
	if i == 0 && v.checked {
		note("check", m.Check(v.edition, v.direction))
	}
	slices.Sort(got)
	want := v.violations
	if i > 0 {
		want = nil
	}
	if !slices.Equal(got, want) {
		t.Errorf("frame %d: violations %q, want %q", i, got, want)
	}
	if i == 0 {
		if seen = seen && len(got) > 0; seen != v.seen {
			t.Errorf("violations %q are seen in the field: %t, want %t", got, seen, v.seen)
		}
		if f.Encrypted != v.encrypted {
			t.Errorf("encrypted: %t, want %t", f.Encrypted, v.encrypted)
		}
	}
	v.pairs(t, f.Data, &m)
	if clean {
		v.again(t, f, &m)
	}
	return m
}

// again writes what was read, and reads that.
func (v *vector) again(t *testing.T, f hj212.Frame, m *hj212.Message) {
	t.Helper()
	if !f.Encrypted {
		if got := v.codec.AppendFrame(nil, f.Data); v.codec.Keys == nil && !bytes.Equal(got, f.Raw) {
			t.Errorf("AppendFrame(%q) = %q, want %q", f.Data, got, f.Raw)
		}
	} else if keys := v.codec.Keys(m.MN); f.Key.Created == keys[0].Created {
		for _, braces := range []bool{bytes.Contains(f.Raw, []byte("{0xE4,"))} {
			c := *v.codec
			c.Braces = braces
			got := c.AppendFrame(nil, f.Data)
			// Two lengths of cipher text in braces are read, one is written.
			if braces && bytes.Equal(got[6:], f.Raw[6:]) {
				continue
			}
			if !bytes.Equal(got, f.Raw) {
				t.Errorf("AppendFrame(%q) = %q, want %q", f.Data, got, f.Raw)
			}
		}
	}
	data := m.Append(nil)
	twice, violations := hj212.ParseMessage(data)
	if got, want := vectorFields(&twice), vectorFields(m); got != want || len(violations) > 0 {
		t.Errorf("written and read again it says\n%s (%v), want\n%s", got, violations, want)
	}
}

// pairs holds the pairs of the data area against those of the message.
func (v *vector) pairs(t *testing.T, data []byte, m *hj212.Message) {
	t.Helper()
	var got, want []string
	for p := range hj212.Pairs(data) {
		if p.Item >= 0 {
			got = append(got, fmt.Sprintf("%d.%s=%s", p.Item, p.Name, p.Value))
		}
		if !bytes.HasPrefix(data[p.Offset:], p.Name) {
			t.Errorf("pair %q is not at byte %d", p.Name, p.Offset)
		}
	}
	for i, item := range m.CP {
		for _, p := range item {
			want = append(want, fmt.Sprintf("%d.%s=%s", i, p.Name, p.Value))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("Pairs gives\n%q, want\n%q", got, want)
	}
}

// vectorFields writes a message as a line of the header has it.
func vectorFields(m *hj212.Message) string {
	var out []string
	field := func(name, value string) {
		if value != "" {
			out = append(out, vectorEscape(name+"="+value))
		}
	}
	number := func(name string, n int) {
		if n != 0 {
			field(name, strconv.Itoa(n))
		}
	}
	field("QN", m.QN)
	field("ST", m.ST)
	field("CN", m.CN)
	field("PW", m.PW)
	field("MN", m.MN)
	if m.HasFlag {
		field("Flag", strconv.Itoa(int(m.Flag)))
	}
	number("PNUM", m.PNUM)
	number("PNO", m.PNO)
	if m.RF {
		field("RF", "1")
	}
	for _, p := range m.More {
		out = append(out, vectorEscape(p.Name+"="+p.Value))
	}
	for i, item := range m.CP {
		for _, p := range item {
			out = append(out, fmt.Sprintf("%d.%s", i, vectorEscape(p.Name+"="+p.Value)))
		}
	}
	return strings.Join(out, " ")
}

// vectorEscape writes blanks, control bytes, percent signs, and bytes that are no
// UTF-8 as %XX.
func vectorEscape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r <= ' ' || r == '%' || r == 0x7F {
			fmt.Fprintf(&b, "%%%02X", s[i])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// TestVectorsComplete holds that every error of the frame layer and every kind of
// violation has a vector that shows it.
func TestVectorsComplete(t *testing.T) {
	shown := make(map[string]bool)
	for _, v := range readVectors(t) {
		word, _, _ := strings.Cut(v.expect, "@")
		shown[word] = true
		for _, w := range v.violations {
			_, word, _ = strings.Cut(w, ":")
			shown[word[:strings.IndexAny(word, "@=")]] = true
		}
	}
	for word := range vectorErrors {
		if !shown[word] {
			t.Errorf("no vector is refused with %q", word)
		}
	}
	// One is of messages that are to be written, and one of lists that are full.
	for _, k := range hj212.Kinds() {
		if !shown[k.String()] && k != hj212.BreaksForm && k != hj212.MoreLeft {
			t.Errorf("no vector shows %q", k)
		}
	}
}

// FuzzMessage gives a stream to all that reads it, one behind the other. What is
// read without a violation is written, and read as the same again.
func FuzzMessage(f *testing.F) {
	for _, b := range vectorBytes(f) {
		f.Add(b)
	}
	key, err := hj212.NewKey("20240101000000000", []byte("0000000000000000"))
	if err != nil {
		f.Fatal(err)
	}
	codec := &hj212.Codec{Keys: func(string) hj212.Keys { return hj212.Keys{key} }}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := hj212.NewReader(bytes.NewReader(b))
		r.Codec = codec
		joiner := hj212.NewJoiner(hj212.JoinOptions{})
		for {
			data, err := r.Next()
			if _, ok := errors.AsType[*hj212.FrameError](err); ok {
				continue
			}
			if err != nil {
				break
			}
			m, violations := hj212.ParseMessage(data)
			v := vector{}
			v.pairs(t, data, &m)
			for _, e := range []hj212.Edition{hj212.Ed2005, hj212.Ed2017, hj212.Ed2025} {
				m.Check(e, hj212.Up)
				m.Check(e, hj212.Down)
			}
			for _, w := range violations {
				if w.Offset < 0 || w.Offset > len(data) || w.String() == "" {
					t.Errorf("%q: violation %v of %d bytes", data, w, len(data))
				}
			}
			if _, _, err := joiner.Add(m, time.Unix(0, 0)); err != nil && m.PNUM == 0 && m.PNO == 0 {
				t.Errorf("Add(%q): %v", data, err)
			}
			if len(violations) > 0 {
				continue
			}
			again, violations := hj212.ParseMessage(m.Append(nil))
			if got, want := vectorFields(&again), vectorFields(&m); got != want || len(violations) > 0 {
				t.Errorf("%q, written and read again, says\n%s (%v), want\n%s", data, got, violations, want)
			}
		}
		if r.Skipped() > uint64(len(b)) {
			t.Errorf("%d of %d bytes skipped", r.Skipped(), len(b))
		}
	})
}
