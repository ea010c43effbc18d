package hj212_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"envgate/hj212"
)

// The cipher text that is printed in HJ 212-2025, A.2, examples 2 and 4.
const (
	cipherA22 = "" +
		"E43E159ACFAB242CB53155FB8B9281A1A242577ABFAED881BE88B72D69FC55ED1A80119FAAC8B3CD33D285CC76F57F2C" +
		"A7F88B9573C6647E0F07E24609BD6B63EB20C5B9784F28E71D2F4994FF61D9E1C2B3075592B4D1E09C4D8BB27BE97B55" +
		"9E3DA6643781A6F477769DEEB009B10DFFF3426922725D607DC4480F0CAC5F70DB2587B124BCB281592721D6E4BC180A" +
		"97E5E111499CBE822E31C8D7761553543AA24207C290997BBDE64F9266BC5F529A172E381C1D898CA1A0D771A914A7B2" +
		"D7467C70B94F1D4A7B0350A48DBF8B41"
	cipherA24 = "" +
		"E43E159ACFAB242CB53155FB8B9281A1A242577ABFAED881BE88B72D69FC55ED1A80119FAAC8B3CD33D285CC76F57F2C" +
		"A7F88B9573C6647E0F07E24609BD6B63EB20C5B9784F28E71D2F4994FF61D9E13B391A1D2A454B65388D5D9435DBF021" +
		"528C7BF9755EF16518710C0CAC0ADEF9C5156CD0A5A17674AC0ED2ABC40023E9EF70128554B82438E91ADCE98A0D03A4"
)

const testMN = "010000A8900016F000169DC0"

// withKeys is a Codec with the keys of the standard's MN.
func withKeys(ks ...hj212.Key) *hj212.Codec {
	return &hj212.Codec{Keys: func(mn string) hj212.Keys {
		if mn == testMN {
			return ks
		}
		return nil
	}}
}

// inBraces is cipher text as A.2 prints it.
func inBraces(cipher string) string {
	var b strings.Builder
	for i := range len(cipher) {
		fmt.Fprintf(&b, ",0x%02X", cipher[i])
	}
	return "{" + b.String()[1:] + "}"
}

func TestA2(t *testing.T) {
	for _, tt := range []struct {
		name, data, cipher, rest, length, sum string
	}{
		{"examples 1 and 2", dataA21, unhex(cipherA22), "", "0295", "2200"},
		{"examples 3 and 4", dataA23, unhex(cipherA24), "g=N", "0234", "B541"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw := "##" + tt.length + headA2 + tt.cipher + tt.rest + "&&" + tt.sum + "\r\n"
			printed := "##" + tt.length + headA2 + inBraces(tt.cipher) + tt.rest + "&&" + tt.sum + "\r\n"
			text := headA2 + inBraces(tt.cipher) + tt.rest + "&&"
			byText := fmt.Sprintf("##%04d%s%s\r\n", len(text), text, tt.sum)
			key := newKey(t, "20240520000000000", testSecret)
			c := withKeys(key)
			if got := c.AppendFrame(nil, []byte(tt.data)); string(got) != raw {
				t.Errorf("AppendFrame = %q, want %q", got, raw)
			}
			braces := *c
			braces.Braces = true
			if got := braces.AppendFrame([]byte("before"), []byte(tt.data)); string(got) != "before"+printed {
				t.Errorf("AppendFrame with braces = %q, want %q", got, printed)
			}
			for _, in := range []string{raw, printed, byText, strings.ReplaceAll(printed, "0xE4", "0xe4")} {
				f, rest, err := c.Cut([]byte(in + "##"))
				if err != nil || string(f.Data) != tt.data || !f.Encrypted || f.Key != key || string(f.Raw) != in || string(rest) != "##" {
					t.Errorf("Cut(%q) = %q, encrypted %v with %v; rest %q, error %v", in, f.Data, f.Encrypted, f.Key, rest, err)
				}
				for n := range in {
					if _, rest, err := c.Cut([]byte(in[:n])); err != hj212.ErrShort || len(rest) != n {
						t.Fatalf("Cut of the first %d bytes of %q: error %v, want ErrShort", n, in, err)
					}
				}
				for _, without := range []*hj212.Codec{withKeys(), withKeys(newKey(t, "", "Kp3zX9vQ7rT1mW5c"))} {
					_, _, err := without.Cut([]byte(in))
					fe, ok := errors.AsType[*hj212.FrameError](err)
					if !ok || fe.Err != hj212.ErrKey || fe.Field != "area" || fe.Offset != 6+len(headA2) {
						t.Errorf("Cut(%q) without the key: error %v, want %v at %d", in, err, hj212.ErrKey, 6+len(headA2))
					}
				}
			}
			if _, _, err := hj212.Cut([]byte(raw)); !errors.Is(err, hj212.ErrCRC) {
				t.Errorf("Cut with no Keys at all: error %v, want %v", err, hj212.ErrCRC)
			}
		})
	}
}

// 6.4.4: what is encrypted, and what is not.
func TestCodecSecret(t *testing.T) {
	key := newKey(t, "", testSecret)
	for _, tt := range []struct {
		name, cn, flag string
		sends          hj212.Direction
		want           bool
	}{
		{"upload", "2011", "Flag=9;", hj212.Up, true},
		{"last of the uploads", "2999", "Flag=9;", hj212.Up, true},
		{"first of the uploads", "2000", "Flag=9;", hj212.Up, true},
		{"a parameter", "1999", "Flag=9;", hj212.Up, false},
		{"a command", "3000", "Flag=9;", hj212.Up, false},
		{"request of an upload", "2011", "Flag=9;", hj212.Down, false},
		{"key asked for", "1014", "Flag=9;", hj212.Up, true},
		{"new key", "1014", "Flag=9;", hj212.Down, true},
		{"field information", "3020", "Flag=9;", hj212.Up, true},
		{"request of field information", "3020", "Flag=9;", hj212.Down, false},
		{"answer", "9011", "Flag=8;", hj212.Up, false},
		{"of 2017", "2011", "Flag=5;", hj212.Up, false},
		{"of 2005", "2011", "", hj212.Up, false},
		{"no flag", "2011", "Flag=x;", hj212.Up, false},
		{"no command", "", "Flag=9;", hj212.Up, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := "QN=20240601085857223;ST=31;CN=" + tt.cn + ";PW=123456;MN=" + testMN + ";" + tt.flag + "CP=&&DataTime=20240601085800;a21026-Rtd=18.50,a21026-Flag=N&&"
			c := withKeys(key)
			c.Sends = tt.sends
			frame := c.AppendFrame(nil, []byte(data))
			if got := string(frame) != frameOf(data); got != tt.want {
				t.Errorf("AppendFrame(%q) = %q: encrypted is %v, want %v", data, frame, got, tt.want)
			}
			f, _, err := c.Cut(frame)
			if err != nil || string(f.Data) != data || f.Encrypted != tt.want {
				t.Errorf("Cut(%q) = %q, encrypted %v, error %v", frame, f.Data, f.Encrypted, err)
			}
		})
	}
}

// What has keys still writes in plain where it has none, or there is nothing to
// encrypt.
func TestCodecPlain(t *testing.T) {
	const secret = "QN=20240601085857223;ST=31;CN=2011;PW=123456;MN="
	for _, tt := range []struct{ name, data string }{
		{"another MN", secret + "8888;Flag=9;CP=&&DataTime=20240601085800;a21026-Rtd=18.50&&"},
		{"no MN", strings.TrimSuffix(secret, "MN=") + "Flag=9;CP=&&DataTime=20240601085800;a21026-Rtd=18.50&&"},
		{"short area", secret + testMN + ";Flag=9;CP=&&a21026-Rtd=18.5&&"},
		{"empty area", secret + testMN + ";Flag=9;CP=&&&&"},
		{"no area", secret + testMN + ";Flag=9"},
		{"area without end", secret + testMN + ";Flag=9;CP=&&DataTime=20240601085800;a21026-Rtd=18.50"},
		{"too short for an end", secret + testMN + ";Flag=9;CP=&&"},
		{"Chinese", secret + testMN + ";Flag=5;CP=&&i11001-Info=//零点校准//&&"},
		{"blanks and ends of lines", secret + testMN + ";Flag=5;CP=&& i11001-Info=//a\tb\r\nc//&&"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := withKeys(newKey(t, "", testSecret))
			frame := c.AppendFrame(nil, []byte(tt.data))
			if string(frame) != frameOf(tt.data) {
				t.Errorf("AppendFrame(%q) = %q, want it in plain", tt.data, frame)
			}
			if f, _, err := c.Cut(frame); err != nil || string(f.Data) != tt.data || f.Encrypted {
				t.Errorf("Cut(%q) = %q, encrypted %v, error %v", frame, f.Data, f.Encrypted, err)
			}
		})
	}
}

// A device that changes its key sends some frames more with the old one.
func TestCodecRotation(t *testing.T) {
	keys := []hj212.Key{newKey(t, "3", "Kp3zX9vQ7rT1mW5c"), newKey(t, "2", "aZ8yB7xC6wD5vE4u"), newKey(t, "1", testSecret)}
	platform := withKeys(append([]hj212.Key{{}}, keys...)...) // the zero Key fits nothing
	for _, k := range keys {
		frame := withKeys(k).AppendFrame(nil, []byte(dataA21))
		f, _, err := platform.Cut(frame)
		if err != nil || string(f.Data) != dataA21 || f.Key != k {
			t.Errorf("Cut of a frame with %v = %q with %v, error %v", k, f.Data, f.Key, err)
		}
	}
	if frame := withKeys(keys...).AppendFrame(nil, []byte(dataA21)); bytes.Contains(frame, []byte(unhex(cipherA22)[:16])) {
		t.Error("AppendFrame takes the oldest key, want the newest")
	}
}

// A key is handed out while the 1014, its answer or the frames behind them are lost: at
// no time one end writes what the other cannot read.
func TestCodecKeyChange(t *testing.T) {
	old, fresh := newKey(t, "1", testSecret), newKey(t, "2", "Kp3zX9vQ7rT1mW5c")
	for _, begin := range []hj212.Keys{nil, {old}} {
		platform, logger := begin, begin
		down := &hj212.Codec{Sends: hj212.Down, Keys: func(string) hj212.Keys { return platform }}
		up := &hj212.Codec{Keys: func(string) hj212.Keys { return logger }}
		const command = "QN=20240601085857223;ST=31;CN=1014;PW=123456;MN=" + testMN + ";Flag=9;CP=&&SKCreateTime=20240601085857223,NewSK=Kp3zX9vQ7rT1mW5c&&"
		pass := func(what string, from, to *hj212.Codec, data string) hj212.Key {
			t.Helper()
			frame := from.AppendFrame(nil, []byte(data))
			f, _, err := to.Cut(frame)
			if err != nil || string(f.Data) != data {
				t.Errorf("keys %v, %s: %q, %v", begin, what, f.Data, err)
			}
			return f.Key
		}
		first := hj212.Key{}
		if len(begin) > 0 {
			first = begin[0]
		}
		platform = platform.Offer(fresh)
		if k := pass("1014", down, up, command); k != first {
			t.Errorf("1014 came under %v, want %v", k, first)
		}
		pass("data before it is executed", up, down, dataA21)
		pass("1014 again", down, up, command)
		logger = logger.With(fresh)
		pass("1014 again, when it is executed", down, up, command)
		if k := pass("data when it is executed", up, down, dataA21); k != fresh {
			t.Errorf("data came under %v, want %v", k, fresh)
		}
		platform = platform.With(fresh)
		if k := pass("another 1014", down, up, command); k != fresh {
			t.Errorf("the next 1014 came under %v, want %v", k, fresh)
		}
	}
}

// The CRC of one encrypted frame in 256 is that of its cipher text too. It must not
// pass as plain.
func TestCodecCRCFits(t *testing.T) {
	c := withKeys(newKey(t, "", testSecret))
	found := 0
	for i := range 4000 {
		data := fmt.Sprintf("%sDataTime=20240520%06d;a01011-Avg=1.35&&", headA2, i)
		frame := c.AppendFrame(nil, []byte(data))
		if _, _, err := hj212.Cut(frame); err == nil {
			found++
			if f, _, err := c.Cut(frame); err != nil || string(f.Data) != data {
				t.Errorf("Cut(%q) = %q, %v; want %q", frame, f.Data, err, data)
			}
			if _, _, err := withKeys().Cut(frame); !errors.Is(err, hj212.ErrKey) {
				t.Errorf("Cut(%q) without a key: error %v, want %v", frame, err, hj212.ErrKey)
			}
		}
	}
	if found == 0 {
		t.Error("no such frame among 4000")
	}
}

// A frame that is damaged is no frame without a key.
func TestCodecDamaged(t *testing.T) {
	c := withKeys(newKey(t, "", testSecret))
	raw := string(c.AppendFrame(nil, []byte(dataA21)))
	c.Braces = true
	braces := string(c.AppendFrame(nil, []byte(dataA23)))
	at := strings.Index(braces, "{")
	for _, tt := range []struct {
		name, in string
		err      error
	}{
		{"plain with a wrong CRC", strings.Replace(frame2025, "2200", "2201", 1), hj212.ErrCRC},
		{"plain and longer", strings.Replace(frameOf(dataA21), "1.35", "1.36", 1), hj212.ErrCRC},
		{"head of an encrypted one", strings.Replace(raw, "ST=31", "ST=32", 1), hj212.ErrKey},
		{"cipher text", raw[:200] + "x" + raw[201:], hj212.ErrKey},
		{"end of an encrypted one", strings.TrimSuffix(raw, "\r\n") + "xx", hj212.ErrKey},
		{"end of a plain one", strings.TrimSuffix(frame2025, "\r\n") + "xx", hj212.ErrEnd},
		{"end of the area", strings.Replace(raw, "&&2200", "&;2200", 1), hj212.ErrKey},
		{"braces with a letter", braces[:at+3] + "G" + braces[at+4:], hj212.ErrKey},
		{"braces with a blank", braces[:at+6] + " " + braces[at+7:], hj212.ErrKey},
		{"braces with a wrong byte", braces[:at+4] + "0" + braces[at+5:], hj212.ErrKey},
		{"braces that do not close", strings.Replace(braces, "}", ",", 1), hj212.ErrKey},
		{"text that begins as braces do", frameOf(headA2 + "{0x" + strings.Repeat("0", 30)), hj212.ErrKey},
		{"braces too long to be one", frameOf(headA2 + "{0x" + strings.Repeat("1", 9000) + "&&"), hj212.ErrKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f, _, err := c.Cut([]byte(tt.in)); !errors.Is(err, tt.err) {
				t.Errorf("Cut(%q) = %q, error %v, want %v", tt.in, f.Data, err, tt.err)
			}
		})
	}
}

// All lengths of the data area: what is written is read, in all three forms, and
// has the length and the sum of the plain frame.
func TestCodecLengths(t *testing.T) {
	key := newKey(t, "", "Kp3zX9vQ7rT1mW5c")
	for n := range hj212.MaxData - len(headA2) - 2 {
		data := headA2 + ("x=" + strings.Repeat("7", n))[:n] + "&&"
		for _, braces := range []bool{false, true} {
			c := withKeys(key)
			c.Braces = braces
			frame := c.AppendFrame(nil, []byte(data))
			f, rest, err := c.Cut(frame)
			if err != nil || len(rest) > 0 || string(f.Data) != data || f.Encrypted != (n >= 16) {
				t.Fatalf("area of %d bytes, braces %v: Cut(%q) = %q, encrypted %v, %v", n, braces, frame, f.Data, f.Encrypted, err)
			}
			plain := hj212.AppendFrame(nil, []byte(data))
			if !bytes.Equal(frame[:6], plain[:6]) || !bytes.HasSuffix(frame, plain[len(plain)-8:]) || !braces && len(frame) != len(plain) {
				t.Fatalf("area of %d bytes, braces %v: %q beside %q", n, braces, frame, plain)
			}
			if braces {
				text := frame[6 : len(frame)-6]
				byText := fmt.Appendf(nil, "##%04d%s%s", len(text), text, frame[len(frame)-6:])
				if f, _, err := c.Cut(byText); err != nil || string(f.Data) != data {
					t.Fatalf("area of %d bytes: Cut(%q) = %q, %v", n, byText, f.Data, err)
				}
			}
		}
	}
}

func TestCodecDialect(t *testing.T) {
	for _, p := range printedSums {
		c := &hj212.Codec{CRC: p.dialect, Keys: withKeys(newKey(t, "", testSecret)).Keys}
		for _, data := range []string{data2017, dataA21, dataA23} {
			frame := c.AppendFrame(nil, []byte(data))
			if got, want := string(frame[len(frame)-6:]), fmt.Sprintf("%04X\r\n", p.sum([]byte(data))); got != want {
				t.Errorf("%v: frame of %q ends with %q, want %q", p.dialect, data, got, want)
			}
			if f, _, err := c.Cut(frame); err != nil || string(f.Data) != data {
				t.Errorf("%v: Cut(%q) = %q, %v", p.dialect, frame, f.Data, err)
			}
		}
	}
}

func TestAppendMessage(t *testing.T) {
	m, _ := hj212.ParseMessage([]byte(dataA21))
	c := withKeys(newKey(t, "", testSecret))
	want := c.AppendFrame([]byte("before"), m.Append(nil))
	if got := c.AppendMessage([]byte("before"), &m); !bytes.Equal(got, want) {
		t.Errorf("AppendMessage = %q, want %q", got, want)
	}
	var none *hj212.Codec
	if got := none.AppendMessage(nil, &m); string(got) != frameOf(dataA21) {
		t.Errorf("AppendMessage = %q, want %q", got, frameOf(dataA21))
	}
	m.CP[0][0].Value = strings.Repeat("2", hj212.MaxData)
	defer func() {
		if recover() == nil {
			t.Error("AppendMessage of a long message did not panic")
		}
	}()
	c.AppendMessage(nil, &m)
}

func TestCodecAllocs(t *testing.T) {
	m, _ := hj212.ParseMessage(minuteData)
	secret, _ := hj212.ParseMessage([]byte(dataA21))
	keys := hj212.Keys{newKey(t, "", testSecret)}
	plain, withKey := &hj212.Codec{}, &hj212.Codec{Keys: func(string) hj212.Keys { return keys }}
	buf := make([]byte, 0, 2048)
	frame := hj212.AppendFrame(nil, minuteData)
	for _, tt := range []struct {
		name string
		do   func()
		want float64
	}{
		{name: "AppendMessage", do: func() { plain.AppendMessage(buf, &m) }},
		{name: "AppendMessage of a frame in plain, with keys", do: func() { withKey.AppendMessage(buf, &m) }},
		{name: "AppendFrame of 2025 in plain, with keys", do: func() { withKey.AppendFrame(buf, []byte(data2025)) }},
		{name: "AppendMessage, encrypted", do: func() { withKey.AppendMessage(buf, &secret) }, want: 1}, // the MN that Keys is given
		{name: "AppendFrame", do: func() { plain.AppendFrame(buf, minuteData) }},
		{name: "Cut", do: func() { plain.Cut(frame) }},
		{name: "Cut of a frame in plain, with keys", do: func() { withKey.Cut(frame) }},
	} {
		if n := testing.AllocsPerRun(100, tt.do); n != tt.want {
			t.Errorf("%s allocates %v times, want %v", tt.name, n, tt.want)
		}
	}
}

func FuzzCodec(f *testing.F) {
	f.Add([]byte(dataA21), false, byte(0))
	f.Add([]byte(dataA23), true, byte(1))
	f.Add([]byte(data2017), true, byte(2))
	f.Add([]byte(headA2+"{0x00,&&"), false, byte(0))
	f.Add([]byte("MN="+testMN+";CN=1014;Flag=8;CP=&&a=3456789ABCDEF\x00&&"), false, byte(0))
	key := newKey(f, "", "Kp3zX9vQ7rT1mW5c")
	f.Fuzz(func(t *testing.T, b []byte, braces bool, crc byte) {
		c := withKeys(key)
		c.Braces, c.CRC = braces, hj212.Dialect(crc%3)

		// Whatever comes: every byte is accounted for, and more bytes behind a frame
		// change nothing.
		if g, rest, err := c.Cut(b); err == nil {
			if len(g.Raw)+len(rest) != len(b) || !bytes.HasPrefix(b, g.Raw) || !bytes.HasSuffix(b, rest) {
				t.Fatalf("Cut(%q) = raw %q, rest %q", b, g.Raw, rest)
			}
			again, _, err := c.Cut(append(bytes.Clone(g.Raw), '#'))
			if err != nil || !bytes.Equal(again.Data, g.Data) {
				t.Fatalf("Cut(%q) = %q, and alone %q, %v", b, g.Data, again.Data, err)
			}
			g.Violations()
		}

		if len(b) < 1 || len(b) > hj212.MaxData {
			return
		}
		frame := c.AppendFrame(nil, b)
		g, rest, err := c.Cut(frame)
		if errors.Is(err, hj212.ErrKey) { // not text: it is not taken from a peer with keys
			return
		}
		if err != nil || len(rest) > 0 || !bytes.Equal(g.Data, b) {
			t.Fatalf("Cut(%q) = %q, rest %q, %v; want %q", frame, g.Data, rest, err, b)
		}
	})
}

func BenchmarkAppendMessage(b *testing.B) {
	m, _ := hj212.ParseMessage(minuteData)
	var c *hj212.Codec
	buf := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		c.AppendMessage(buf, &m)
	}
}

func BenchmarkCutEncrypted(b *testing.B) {
	c := withKeys(newKey(b, "", "Kp3zX9vQ7rT1mW5c"))
	data := bytes.Replace(minuteData, []byte("Flag=5"), []byte("Flag=9"), 1)
	frame := c.AppendFrame(nil, data)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Cut(frame); err != nil {
			b.Fatal(err)
		}
	}
}
