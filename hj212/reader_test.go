package hj212_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

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
		{"no CR LF at the end", frame2017 + frame2025[:97], []string{data2017, data2025, "EOF"}, 0},
		{"no LF at the end", frame2017 + frame2025[:98], []string{data2017, data2025, "EOF"}, 0},
		{"a digit less at the end", frame2017 + frame2025[:96], []string{data2017, "unexpected EOF"}, 96},
		{"wrong crc at the end", bad[:111], []string{"bad crc", "EOF"}, 111},
		{"false length hides a frame without CR LF", far + frame2017[:111], []string{data2017, "EOF"}, len(far)},
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
	r = hj212.NewReader(io.MultiReader(strings.NewReader(frame2025[:97]), iotest.ErrReader(broken)))
	if got, want := story(t, r), []string{data2025, "connection reset"}; !slices.Equal(got, want) {
		t.Errorf("a frame without CR LF: frames are %q, want %q", got, want)
	}
	if _, err := hj212.NewReader(nothing{}).Next(); err != io.ErrNoProgress {
		t.Errorf("a reader that gives nothing: error %v, want %v", err, io.ErrNoProgress)
	}
}

// nothing breaks io.Reader's rule, as some serial ports do.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

// A stream of heads that promise much must not make the Reader ask for much at
// once.
func TestReaderAsks(t *testing.T) {
	const n = 2_000
	far, noise := "##9999QN=1;", strings.Repeat("no head at all. ", 10_000)
	m := &meter{r: strings.NewReader(noise + strings.Repeat(far, n) + frame2017)}
	r := hj212.NewReader(m)
	if frames, _ := readAll(t, r); frames != 1 || r.Skipped() != uint64(len(noise)+n*len(far)) {
		t.Errorf("%d frames and %d bytes skipped, want 1 and %d", frames, r.Skipped(), len(noise)+n*len(far))
	}
	if m.most > 4096 {
		t.Errorf("Reader asks for %d bytes at once", m.most)
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

// dear is what a peer may send to make a Reader with keys work: the beginning of
// cipher text that it has heard before, in frames within frames that end at one
// place.
func dear(c *hj212.Codec) []byte {
	frame := string(c.AppendFrame(nil, []byte(dataA21)))
	begin := frame[6 : 6+len(headA2)+16]
	if at := strings.IndexByte(frame, '{'); at > 0 {
		begin = frame[6:at+81] + "}"
	}
	const size = 9900
	var b strings.Builder
	for size-b.Len() > 300 {
		fmt.Fprintf(&b, "##%04d%s", size-b.Len()-6, begin)
	}
	b.WriteString(strings.Repeat(" ", size-b.Len()-2))
	return []byte(strings.Repeat(b.String()+"&&1234\r\n", 100))
}

// What the Reader holds and what it does, in bytes, is bounded by what it reads.
func TestReaderBounded(t *testing.T) {
	keys := hj212.Keys{newKey(t, "2", "Kp3zX9vQ7rT1mW5c"), newKey(t, "1", testSecret)}
	secret := &hj212.Codec{Keys: func(string) hj212.Keys { return keys }}
	old := withKeys(newKey(t, "1", testSecret))
	oldBraces := *old
	oldBraces.Braces = true
	type stream struct {
		name string
		in   []byte
	}
	streams := []stream{
		{"clean", bytes.Repeat(hj212.AppendFrame(nil, minuteData), 1000)},
		{"clean and long", bytes.Repeat([]byte(frameOf("QN="+strings.Repeat("1", 9996))), 100)},
		{"encrypted", bytes.Repeat(old.AppendFrame(nil, []byte(dataA21)), 1000)},
		{"in braces", bytes.Repeat(oldBraces.AppendFrame(nil, []byte(dataA21)), 1000)},
		{"long cipher text", bytes.Repeat([]byte(longSecret(keys[1])), 100)},
		{"cipher text within cipher text", dear(old)},
		{"braces within braces", dear(&oldBraces)},
		{"frames in frames that pass but for the area", []byte(strings.Repeat(passing(), 20))},
	}
	for _, tt := range rubbish {
		streams = append(streams, stream{tt.name, tt.stream()[:1<<20]})
	}
	for _, tt := range streams {
		for _, d := range []hj212.Dialect{hj212.Standard, hj212.Modbus} {
			for _, c := range []*hj212.Codec{{CRC: d}, {CRC: d, Keys: secret.Keys}} {
				t.Run(fmt.Sprintf("%s/%v/keys=%v", tt.name, d, c.Keys != nil), func(t *testing.T) {
					r := hj212.NewReader(bytes.NewReader(tt.in))
					r.Codec = c
					holds, frames := 0, 0
					for {
						_, err := r.Next()
						holds = max(holds, hj212.Holds(r))
						if err == io.EOF || err == io.ErrUnexpectedEOF {
							break
						}
						if err == nil {
							frames++
						}
					}
					if holds > 60<<10 { // and a few hundred bytes for the rest
						t.Errorf("Reader holds %d bytes", holds)
					}
					most := 4.0 // a sum of each byte, one more for what is within, and two for Fits
					if c.Keys != nil {
						most = 6 // and the credit
					}
					if x := float64(hj212.Work(r)) / float64(len(tt.in)); x > most {
						t.Errorf("work of %.2f bytes for each that came, want %.0f at most", x, most)
					}
					if strings.HasPrefix(tt.name, "clean") && d == hj212.Standard && frames == 0 {
						t.Error("no frame")
					}
				})
			}
		}
	}
}

// longSecret is an encrypted frame as long as one may be.
func longSecret(k hj212.Key) string {
	data := headA2 + "a=" + strings.Repeat("1", hj212.MaxLength-len(headA2)-4) + "&&"
	area := hj212.EncryptArea(nil, []byte(data[len(headA2):len(data)-2]), k)
	return fmt.Sprintf("##%04d%s%s&&%04X\r\n", len(data), headA2, area, hj212.CRC([]byte(data)))
}

// passing is heads whose frames end at one place and have the CRC that stands
// there, as far as eight bytes in front of each can do that, and whose area is
// not text because of its last byte.
func passing() string {
	const size = 9000
	tail := strings.Repeat("x=1;", 100) + "\x01&&"
	stream := tail
	for len(stream) < size {
		// All sums there are occur for one of the values of a byte.
		for c := range 256 {
			seg := "QN=" + string([]byte{byte(c)}) + ";CP=&&a=" + stream
			if hj212.CRC([]byte(seg)) == 0 {
				stream = fmt.Sprintf("##%04d%s", len(seg), seg)
				break
			}
		}
	}
	return stream + "0000\r\n"
}

// After an attack on the work for secrets, what is encrypted comes through again.
func TestReaderCredit(t *testing.T) {
	c := withKeys(newKey(t, "3", "Kp3zX9vQ7rT1mW5c"), newKey(t, "2", "aZ8yB7xC6wD5vE4u"), newKey(t, "1", testSecret))
	old := withKeys(newKey(t, "1", testSecret))
	frame := old.AppendFrame(nil, []byte(headA2+"a01011-Avg=1.350&&")) // little more than a block
	in := slices.Concat(dear(old), bytes.Repeat(frame, 1000))
	r := hj212.NewReader(bytes.NewReader(in))
	r.Codec = c
	if frames, _ := readAll(t, r); frames < 999 {
		t.Errorf("%d of 1000 frames after an attack", frames)
	}
}

// modelStory is what a Reader does, with the whole stream at hand and each sum
// made anew.
func modelStory(c *hj212.Codec, b []byte) (out []string, skipped int) {
	told := -1000
	for at := 0; ; {
		m := headPattern.FindIndex(b[at:])
		if m == nil {
			return out, skipped + len(b) - at
		}
		skipped += m[0]
		at += m[0]
		f, rest, err := c.Cut(b[at:])
		switch {
		case err == nil:
			out = append(out, string(f.Data))
			at, told = len(b)-len(rest), -1000
			continue
		case err == hj212.ErrShort:
			// The end of the stream ends a frame as the next frame does.
			f, rest, err := c.Cut(append(bytes.Clone(b[at:]), '#'))
			if err == nil && len(rest) == 1 {
				return append(out, string(f.Data)), skipped
			}
			n, _ := strconv.Atoi(string(b[at+2 : at+6]))
			if fe, ok := errors.AsType[*hj212.FrameError](err); ok && at-told >= 48 && len(bytes.TrimSuffix(b[at:], []byte("\r"))) == 6+n+4 {
				out, told = append(out, "bad "+fe.Field), at
			}
			at, skipped = at+1, skipped+1
			continue
		}
		if at-told >= 48 {
			fe, _ := errors.AsType[*hj212.FrameError](err)
			out, told = append(out, "bad "+fe.Field), at
		}
		at, skipped = at+2, skipped+2
	}
}

var headPattern = regexp.MustCompile(`##(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)(?:QN|ST|CN|MN|PW|PNUM|PNO|Flag)=`)

func TestReaderModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	key := newKey(t, "", "Kp3zX9vQ7rT1mW5c")
	for round := range 400 {
		d := hj212.Dialect(round % 3)
		c := &hj212.Codec{CRC: d}
		w := &hj212.Codec{CRC: d}
		if round%2 == 0 {
			w.Keys = withKeys(key).Keys
			w.Braces = round%4 == 0
		}
		if round%5 != 0 {
			c.Keys = w.Keys
		}
		var b []byte
		for range 1 + rnd.IntN(30) {
			data := []string{data2017, data2025, dataA21, dataA23, "Flag=4;CP=&&&&", string(minuteData)}[rnd.IntN(6)]
			frame := w.AppendFrame(nil, []byte(data))
			switch rnd.IntN(12) {
			case 0:
				frame = frame[:rnd.IntN(len(frame))]
			case 1:
				frame[rnd.IntN(len(frame))] ^= 1 << rnd.IntN(8)
			case 2:
				frame = []byte(strings.Repeat("#", rnd.IntN(40)))
			case 3:
				frame = fmt.Appendf(nil, "##%04dQN=", rnd.IntN(2000))
			case 4:
				frame = fmt.Appendf(nil, "##%04dQN=##%04dCN=2##", rnd.IntN(10000), rnd.IntN(300))
			case 5:
				frame = bytes.TrimRight(frame, "\r\n")
			case 6:
				frame = noise(rnd.IntN(100), rnd.Uint64())
			}
			b = append(b, frame...)
		}
		want, skipped := modelStory(c, b)
		for _, size := range []int{1, 7, 100, 3000, len(b) + 1} {
			r := hj212.NewReader(chunks(b, size))
			r.Codec = c
			got := story(t, r)
			if got = got[:len(got)-1]; !slices.Equal(got, want) {
				t.Fatalf("round %d in pieces of %d: frames of %q are\n%q, want\n%q", round, size, b, got, want)
			}
			if r.Skipped() != uint64(skipped) {
				t.Fatalf("round %d in pieces of %d: skipped %d of %q, want %d", round, size, r.Skipped(), b, skipped)
			}
		}
	}
}

// chunks is a reader of b that gives n bytes at once.
func chunks(b []byte, n int) io.Reader {
	var rs []io.Reader
	for c := range slices.Chunk(b, n) {
		rs = append(rs, bytes.NewReader(c))
	}
	return io.MultiReader(rs...)
}

func TestReaderFrame(t *testing.T) {
	c := withKeys(newKey(t, "1", testSecret))
	secret := string(c.AppendFrame(nil, []byte(dataA21)))
	r := hj212.NewReader(strings.NewReader("noise" + frame2025 + secret))
	r.Codec = c
	if f := r.Frame(); f.Raw != nil {
		t.Errorf("Frame before the first is %+v", f)
	}
	for _, want := range []struct {
		raw, data string
		encrypted bool
	}{{frame2025, data2025, false}, {secret, dataA21, true}} {
		data, err := r.Next()
		f := r.Frame()
		if err != nil || string(data) != want.data || string(f.Data) != want.data || string(f.Raw) != want.raw || f.Encrypted != want.encrypted {
			t.Errorf("Next = %q, %v with %+v, want %+v", data, err, f, want)
		}
	}
	if _, err := r.Next(); err != io.EOF || r.Frame().Raw != nil {
		t.Errorf("at the end: error %v, frame %+v", err, r.Frame())
	}
}

// Heads that go wrong one right behind the other are told once, and again after a
// frame.
func TestReaderTellsOnce(t *testing.T) {
	bad := "##0005QN=12"
	in := strings.Repeat(bad, 10) + frame2025 + bad + frame2025
	got := story(t, hj212.NewReader(strings.NewReader(in)))
	want := []string{"bad crc", "bad crc", data2025, "bad crc", data2025, "EOF"}
	if !slices.Equal(got, want) {
		t.Errorf("frames of %q are %q, want %q", in, got, want)
	}
}

// A script is a stream that times out where it says "".
type script struct {
	steps []string
	log   *[]string
}

func (s *script) Read(b []byte) (int, error) {
	if len(s.steps) == 0 {
		return 0, io.EOF
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	if step == "" {
		*s.log = append(*s.log, "time-out")
		return 0, os.ErrDeadlineExceeded
	}
	if n := copy(b, step); n < len(step) {
		panic("long step")
	}
	return len(step), nil
}

func TestReaderTimeout(t *testing.T) {
	const far = "##9999QN=1;"
	half := frame2025[:50]
	for _, tt := range []struct {
		name    string
		steps   []string
		want    string
		skipped int
	}{
		{"nothing begun", []string{"", "", frame2025, ""}, "none time-out TIMEOUT none time-out TIMEOUT none frame none time-out TIMEOUT none EOF", 0},
		{"half a frame that goes on", []string{half, frame2025[50:]}, "none begun frame none EOF", 0},
		{"half a frame that does not", []string{half, "", frame2025}, "none begun time-out none frame none EOF", 50},
		{"false head and a frame", []string{far + frame2025, "", frame2025}, "none begun time-out frame none frame none EOF", len(far)},
		{
			"false head and frames that trickle",
			[]string{far, half, frame2025[50:], half, frame2025[50:], ""},
			"none begun time-out frame frame none EOF", len(far),
		},
		{
			"false head and half a frame",
			[]string{far + half, "", frame2025[50:]},
			"none begun time-out begun frame none EOF", len(far),
		},
		{
			"many false heads and half a frame cost one time-out",
			[]string{strings.Repeat(far, 20) + half, "", frame2025[50:]},
			"none begun time-out begun frame none EOF", 20 * len(far),
		},
		{
			"frames between false heads",
			[]string{far + frame2025 + far + frame2025 + far, "", frame2025, "", ""},
			"none begun time-out frame frame begun time-out frame none time-out TIMEOUT none EOF", 3 * len(far),
		},
		{"all but CR LF", []string{frame2025[:97], "", "", frame2025}, "none begun time-out frame none time-out TIMEOUT none frame none EOF", 0},
		{"all but LF", []string{frame2025[:98], "", frame2025}, "none begun time-out frame none frame none EOF", 0},
		{"CR LF too late", []string{frame2025[:97], "", "\r\n", "", frame2025}, "none begun time-out frame none time-out TIMEOUT none frame none EOF", 2},
		{"LF too late", []string{frame2025[:98], "", "\n" + frame2025}, "none begun time-out frame none frame none EOF", 1},
		{"CR LF in time", []string{frame2025[:97], "\r", "\n"}, "none begun frame none EOF", 0},
		{"false head and all but CR LF", []string{far + frame2025[:97], "", "\r\n" + frame2025}, "none begun time-out frame none frame none EOF", len(far) + 2},
		{"false head, all but CR LF, and half a frame", []string{far + frame2025[:97] + half, "", frame2025[50:]}, "none begun time-out frame begun frame none EOF", len(far)},
		{"all but CR LF and a wrong CRC", []string{strings.Replace(frame2025[:97], "2200", "2201", 1), ""}, "none bad none time-out TIMEOUT none EOF", 97},
		{"part of a head", []string{"##01", "", frame2025}, "none begun time-out none frame none EOF", 4},
		{"part of a head behind a false one", []string{far + "#", "", frame2025[1:]}, "none begun time-out begun frame none EOF", len(far)},
		{"rubbish is no beginning", []string{"abc", "", frame2025}, "none time-out TIMEOUT none frame none EOF", 3},
		{"wrong CRC", []string{strings.Replace(frame2025, "2200", "2201", 1), ""}, "none bad none time-out TIMEOUT none EOF", len(frame2025)},
		{"at the end", []string{far + frame2025, ""}, "none begun time-out frame none EOF", len(far)},
		{"the last head is kept for one time-out only", []string{far + far, "", "", ""}, "none begun time-out begun time-out none time-out TIMEOUT none EOF", 2 * len(far)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log []string
			r := hj212.NewReader(&script{tt.steps, &log})
			r.Begun = func(begun bool) {
				if begun {
					log = append(log, "begun")
				} else {
					log = append(log, "none")
				}
			}
			for range 100 {
				data, err := r.Next()
				_, isFrame := errors.AsType[*hj212.FrameError](err)
				switch {
				case err == nil && string(data) == data2025:
					log = append(log, "frame")
				case isFrame:
					log = append(log, "bad")
				case errors.Is(err, os.ErrDeadlineExceeded):
					log = append(log, "TIMEOUT")
				default:
					log = append(log, err.Error())
				}
				if err == io.EOF || err == io.ErrUnexpectedEOF {
					break
				}
			}
			got := strings.Join(log, " ")
			if got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
			if r.Skipped() != uint64(tt.skipped) {
				t.Errorf("skipped %d bytes, want %d", r.Skipped(), tt.skipped)
			}
		})
	}
}

// With keys, the end of a frame is waited for before its CRC is judged. Where that fails
// after a time-out, the time-out is used up: nothing else had begun.
func TestReaderTimeoutKeys(t *testing.T) {
	c := withKeys(newKey(t, "1", testSecret))
	secret := string(c.AppendFrame(nil, []byte(dataA21)))
	for _, tt := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"wrong CRC", []string{strings.Replace(frame2025[:97], "2200", "2201", 1), "", frame2025}, []string{"bad crc", data2025, "EOF"}},
		{"encrypted", []string{strings.TrimSuffix(secret, "\r\n"), "", "\r\n" + secret}, []string{dataA21, dataA21, "EOF"}},
		{"encrypted, and a bit is turned", []string{strings.Replace(secret[:len(secret)-2], "ST=31", "ST=32", 1), "", secret}, []string{"bad area", dataA21, "EOF"}},
	} {
		r := hj212.NewReader(&script{tt.steps, new([]string)})
		r.Codec = c
		if got := story(t, r); !slices.Equal(got, tt.want) {
			t.Errorf("%s: frames are %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Four digits that are no length hold back the frames behind them for one
// deadline, and no longer.
func TestReaderDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 10 * time.Second
		near, far := net.Pipe()
		done := make(chan struct{})
		go func() { // a frame each second, in halves
			defer close(done)
			io.WriteString(far, "##9999QN=")
			for range 30 {
				time.Sleep(500 * time.Millisecond)
				io.WriteString(far, frame2025[:40])
				time.Sleep(500 * time.Millisecond)
				io.WriteString(far, frame2025[40:])
			}
			far.Close()
		}()
		start := time.Now()
		r := hj212.NewReader(near)
		r.Begun = func(begun bool) {
			var deadline time.Time
			if begun {
				deadline = time.Now().Add(patience)
			}
			near.SetReadDeadline(deadline)
		}
		frames := 0
		for {
			_, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			sent := int(time.Since(start) / time.Second)
			if frames++; frames == 1 && time.Since(start) != patience {
				t.Errorf("first frame after %v, want %v", time.Since(start), patience)
			} else if frames > 9 && frames != sent {
				t.Errorf("%d frames after %v", frames, time.Since(start))
			}
		}
		<-done
		if frames != 30 {
			t.Errorf("%d frames, want 30", frames)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(frame2017 + frame2025))
	f.Add([]byte("##9999QN=" + frame2017))
	f.Add([]byte("##0101" + frame2017))
	f.Add([]byte(frame2017[:111] + frame2025[:93] + "\n#"))
	keyed := withKeys(newKey(f, "", testSecret))
	f.Add(keyed.AppendFrame([]byte("##9999QN="), []byte(dataA21)))
	braces := *keyed
	braces.Braces = true
	f.Add(braces.AppendFrame([]byte("##0101QN="), []byte(dataA23)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range []*hj212.Codec{nil, {CRC: hj212.Modbus}, keyed} {
			r := hj212.NewReader(bytes.NewReader(b))
			r.Codec = c
			single := hj212.NewReader(iotest.OneByteReader(bytes.NewReader(b)))
			single.Codec = c
			used := 0
			for {
				data, err := r.Next()
				data1, err1 := single.Next()
				if fmt.Sprint(err) != fmt.Sprint(err1) || !bytes.Equal(data, data1) || r.Skipped() != single.Skipped() {
					t.Fatalf("frame of %q: %q, %v at once; %q, %v byte by byte", b, data, err, data1, err1)
				}
				used += len(r.Frame().Raw)
				if _, ok := errors.AsType[*hj212.FrameError](err); err != nil && !ok {
					break
				}
			}
			if used+int(r.Skipped()) != len(b) {
				t.Fatalf("frames of %q have %d bytes, and %d are skipped: not all of %d", b, used, r.Skipped(), len(b))
			}
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

// A connection gives up a frame that does not go on.
func ExampleReader_begun() {
	conn, peer := net.Pipe()
	go io.WriteString(peer, "##9999QN="+frame2025) // and no more

	r := hj212.NewReader(conn)
	r.Begun = func(begun bool) {
		var deadline time.Time // none while there is nothing to wait for
		if begun {
			deadline = time.Now().Add(100 * time.Millisecond)
		}
		conn.SetReadDeadline(deadline)
	}
	data, err := r.Next()
	fmt.Println(string(data), err)
	fmt.Println(r.Skipped(), "bytes skipped")
	// Output:
	// QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&& <nil>
	// 9 bytes skipped
}
