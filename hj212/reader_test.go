package hj212_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"envgate/hj212"
)

// story reads all of r and tells what came: data segments, names of errors and
// the end.
func story(t *testing.T, r *hj212.Reader) []string {
	t.Helper()
	var out []string
	for range 10_000 {
		data, err := r.Next()
		fe, isFrame := errors.AsType[*hj212.FrameError](err)
		switch {
		case err == nil:
			out = append(out, string(data))
		case isFrame:
			out = append(out, "bad "+fe.Field)
		default:
			if _, again := r.Next(); again != err {
				t.Errorf("after %v came %v", err, again)
			}
			return append(out, err.Error())
		}
	}
	t.Fatal("Reader does not end")
	return nil
}

func TestReader(t *testing.T) {
	bad := strings.Replace(frame2017, "1C80", "1C81", 1)
	far := "##9999QN=20160801085857223;ST=32"
	for _, tt := range []struct {
		name, in string
		want     []string
		skipped  int
	}{
		{"nothing", "", []string{"EOF"}, 0},
		{"two frames", frame2017 + frame2025, []string{data2017, data2025, "EOF"}, 0},
		{"rubbish around", "\x00\xFFab#c##d" + frame2017 + "\r\n\x00" + frame2025 + "##", []string{data2017, data2025, "unexpected EOF"}, 9 + 3 + 2},
		{"rubbish with a length", "##0012ABCDEF" + frame2017, []string{data2017, "EOF"}, 12},
		{"wrong crc, then a frame", bad + frame2025, []string{"bad crc", data2025, "EOF"}, len(bad)},
		{"frame cut off, then two", frame2017[:60] + frame2017 + frame2025, []string{"bad crc", data2017, data2025, "EOF"}, 60},
		{"mark three times", "#" + frame2017, []string{data2017, "EOF"}, 1},
		{"no CR LF between", strings.TrimSuffix(frame2017, "\r\n") + frame2025, []string{data2017, data2025, "EOF"}, 0},
		{"end within a frame", frame2017 + frame2025[:40], []string{data2017, "unexpected EOF"}, 40},
		{"false length hides a frame", far + frame2017, []string{data2017, "EOF"}, len(far)},
		{"false length and a wrong crc", far + bad, []string{"bad crc", "unexpected EOF"}, len(far) + len(bad)},
		{"other first keys", string(hj212.AppendFrame(nil, []byte("Flag=4;CP=&&&&"))) + "##0005Flay=", []string{"Flag=4;CP=&&&&", "EOF"}, 11},
		{"key not complete", "##0005Fla", []string{"unexpected EOF"}, 9},
		{"rubbish for an end", frame2017[:111] + "!!" + frame2025, []string{"bad end", data2025, "EOF"}, 113},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, way := range []struct {
				name string
				wrap func(io.Reader) io.Reader
			}{
				{"whole", func(r io.Reader) io.Reader { return r }},
				{"byte by byte", iotest.OneByteReader},
				{"halves", iotest.HalfReader},
				{"data with the error", iotest.DataErrReader},
			} {
				r := hj212.NewReader(way.wrap(strings.NewReader(tt.in)))
				if got := story(t, r); !slices.Equal(got, tt.want) {
					t.Errorf("%s: frames of %q are %q, want %q", way.name, tt.in, got, tt.want)
				}
				if got := r.Skipped(); got != uint64(tt.skipped) {
					t.Errorf("%s: skipped %d bytes of %q, want %d", way.name, got, tt.in, tt.skipped)
				}
			}
		})
	}
}

// Every field of the standard's table can come first.
func TestReaderKeys(t *testing.T) {
	for _, key := range []string{"QN", "ST", "CN", "MN", "PW", "PNUM", "PNO", "Flag"} {
		data := key + "=1;CP=&&&&"
		r := hj212.NewReader(bytes.NewReader(hj212.AppendFrame(nil, []byte(data))))
		if got, err := r.Next(); err != nil || string(got) != data {
			t.Errorf("frame of %q is %q, %v", data, got, err)
		}
	}
}

// The stream's own error comes after the frames before it.
func TestReaderError(t *testing.T) {
	broken := errors.New("connection reset")
	r := hj212.NewReader(io.MultiReader(strings.NewReader(frame2017+frame2025[:20]), iotest.ErrReader(broken)))
	if got, want := story(t, r), []string{data2017, "connection reset"}; !slices.Equal(got, want) {
		t.Errorf("frames are %q, want %q", got, want)
	}
	if _, err := hj212.NewReader(nothing{}).Next(); err != io.ErrNoProgress {
		t.Errorf("a reader that gives nothing: error %v, want %v", err, io.ErrNoProgress)
	}
}

// nothing breaks io.Reader's rule, as some serial ports do.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

// A stream of heads that promise much must not make the Reader hold more than
// the longest frame and one reading.
func TestReaderBounded(t *testing.T) {
	const n = 2_000
	far, noise := "##9999QN=1;", strings.Repeat("no head at all. ", 10_000)
	in := strings.NewReader(noise + strings.Repeat(far, n) + frame2017)
	m := &meter{r: in}
	r := hj212.NewReader(m)
	frames := 0
	for {
		data, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			frames++
			if string(data) != data2017 {
				t.Errorf("frame %q, want %q", data, data2017)
			}
		}
	}
	if frames != 1 || r.Skipped() != uint64(len(noise)+n*len(far)) {
		t.Errorf("%d frames and %d bytes skipped, want 1 and %d", frames, r.Skipped(), len(noise)+n*len(far))
	}
	if m.most > 4096 {
		t.Errorf("Reader asks for %d bytes at once", m.most)
	}
	if n := hj212.BufferSize(r); n > 32<<10 {
		t.Errorf("Reader holds a buffer of %d bytes", n)
	}
}

// A meter notes how much is asked for at once.
type meter struct {
	r    io.Reader
	most int
}

func (m *meter) Read(b []byte) (int, error) {
	m.most = max(m.most, len(b))
	return m.r.Read(b)
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(frame2017 + frame2025))
	f.Add([]byte("##9999QN=" + frame2017))
	f.Add([]byte("##0101" + frame2017))
	f.Add([]byte(frame2017[:111] + frame2025[:93] + "\n#"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := hj212.NewReader(bytes.NewReader(b))
		whole := story(t, r)
		single := story(t, hj212.NewReader(iotest.OneByteReader(bytes.NewReader(b))))
		if !slices.Equal(whole, single) {
			t.Fatalf("frames of %q: %q at once, %q byte by byte", b, whole, single)
		}
		used, frames := int(r.Skipped()), 0
		for _, s := range whole[:len(whole)-1] {
			if !strings.HasPrefix(s, "bad ") {
				used, frames = used+6+len(s)+4, frames+1
			}
		}
		if rest := len(b) - used; rest < 0 || rest > 2*frames { // the ends
			t.Fatalf("%d frames of %q leave %d bytes unaccounted for", frames, b, rest)
		}
	})
}

func ExampleReader() {
	stream := strings.NewReader("noise" + frame2025)
	r := hj212.NewReader(stream)
	data, err := r.Next()
	fmt.Println(string(data), err)
	// Output: QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&& <nil>
}
