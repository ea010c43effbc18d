package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/hj212"
)

const (
	stationMN  = "010000A8900016F000169DC0"
	stationKey = "Qm8vXc2ZrT5yLp0K"
)

// A hjRig is a receiver on a port of its own, with one station.
type hjRig struct {
	t      *testing.T
	path   string // of centre.yaml
	config *config
	store  *sqlStore
	r      *hj212Receiver
	stop   context.CancelFunc
	done   chan struct{}
}

func newHJRig(t *testing.T) *hjRig {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("pw", "123456\n")
	put("sm4", stationKey+"\n")
	put("centre.yaml", `broker: tcp://localhost:1883
key: k
database: centre.db
gateways:
  - id: gw-1
    keys:
      - kid: gw-1/EdDSA/1
        pem: |
          -----BEGIN PUBLIC KEY-----
          MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
          -----END PUBLIC KEY-----
hj212:
  listen: 127.0.0.1:0
  stations:
    - {mn: `+stationMN+`, password_file: pw, keys: [sm4], gateway: gw-1}
    - {mn: OTHER, password_file: pw}
`)
	g := &hjRig{t: t, path: filepath.Join(dir, "centre.yaml")}
	var err error
	if g.config, err = loadConfig(g.path); err != nil {
		t.Fatal(err)
	}
	g.start()
	t.Cleanup(g.end)
	return g
}

func (g *hjRig) start() {
	g.t.Helper()
	var err error
	if g.store, err = openStore(context.Background(), g.config.Database); err != nil {
		g.t.Fatal(err)
	}
	for _, s := range g.config.HJ212.Stations {
		s.keys = nil
	}
	if g.r, err = listenHJ212(context.Background(), g.config.HJ212, g.store, slog.New(slog.DiscardHandler)); err != nil {
		g.t.Fatal(err)
	}
	var ctx context.Context
	ctx, g.stop = context.WithCancel(context.Background())
	g.done = make(chan struct{})
	go func() {
		defer close(g.done)
		g.r.run(ctx)
	}()
}

// end stops the receiver, and leaves the database with all that it counted.
func (g *hjRig) end() {
	g.stop()
	<-g.done
	g.store.Close()
}

func (g *hjRig) dial() net.Conn {
	g.t.Helper()
	c, err := net.Dial("tcp", g.r.listener.Addr().String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// says sends a data segment and returns the next answer, "" where the connection ends.
func (g *hjRig) says(c net.Conn, frame []byte) string {
	g.t.Helper()
	if _, err := c.Write(frame); err != nil {
		return ""
	}
	data, err := hj212.NewReader(c).Next()
	if err != nil {
		return ""
	}
	return string(data)
}

func plain(data string) []byte { return hj212.AppendFrame(nil, []byte(data)) }

func (g *hjRig) command(args ...string) (string, error) {
	var out strings.Builder
	err := cmdHJ212(context.Background(), args, &out, io.Discard)
	return out.String(), err
}

const minuteData = "QN=20260301001000001;ST=22;CN=2051;PW=123456;MN=" + stationMN + ";Flag=5;CP=&&DataTime=20260301000000;a34002-Min=1.1,a34002-Avg=2.5,a34002-Max=3.9,a34002-Flag=N;a05024-Flag=D&&"

// What comes is stored, once, before it is answered; what came again, differs, or is
// denied is counted.
func TestHJ212Receive(t *testing.T) {
	t.Parallel()
	g := newHJRig(t)
	c := g.dial()
	const answer = "QN=20260301001000001;ST=91;CN=9014;PW=123456;MN=" + stationMN + ";Flag=4;CP=&&&&"
	ask := func(name string, frame []byte, want string) {
		t.Helper()
		if got := g.says(c, frame); got != want {
			t.Errorf("%s: the answer is %q, want %q", name, got, want)
		}
	}
	ask("first", plain(minuteData), answer)
	ask("again", plain(minuteData), answer)
	ask("another QN", plain(strings.Replace(minuteData, "001;ST", "002;ST", 1)), strings.Replace(answer, "001;ST", "002;ST", 1))
	ask("other content", plain(strings.NewReplacer("001;ST", "003;ST", "=2.5", "=2.6").Replace(minuteData)), strings.Replace(answer, "001;ST", "003;ST", 1))
	ask("a heartbeat", plain("QN=20260301001000009;ST=91;CN=9015;PW=123456;MN="+stationMN+";Flag=9;CP=&&&&"),
		"QN=20260301001000009;ST=91;CN=9013;PW=123456;MN="+stationMN+";Flag=8;CP=&&&&")

	// Encrypted, backfilled, in two packets.
	key, err := hj212.NewKey("", []byte(stationKey))
	if err != nil {
		t.Fatal(err)
	}
	codec := &hj212.Codec{Sends: hj212.Up, Keys: func(string) hj212.Keys { return hj212.Keys{key} }}
	for i, item := range []string{"a34004-Avg=7,a34004-Flag=N", "a21026-Avg=8,a21026-Flag=T"} {
		data := fmt.Sprintf("QN=2026030100100010%d;ST=22;CN=2061;PW=123456;MN=%s;Flag=11;PNUM=2;PNO=%d;RF=1;CP=&&DataTime=20260301000000;%s&&", i, stationMN, i+1, item)
		ask("encrypted", codec.AppendFrame(nil, []byte(data)), fmt.Sprintf("QN=2026030100100010%d;ST=91;CN=9014;PW=123456;MN=%s;Flag=8;CP=&&&&", i, stationMN))
	}
	// 2005: no answer is wanted.
	c.Write(plain("ST=22;CN=2011;PW=123456;MN=OTHER;CP=&&DataTime=20260301000030;101-Rtd=5&&"))
	// Not answered: of nobody, with another password, with a wrong sum.
	c.Write(plain(strings.Replace(minuteData, stationMN, "NOBODY", 1)))
	c.Write(plain(strings.Replace(minuteData, "PW=123456", "PW=654321", 1)))
	c.Write([]byte(strings.Replace(string(plain(minuteData)), "a34002-Avg=2.5", "a34002-Avg=2.7", 1)))
	ask("after all that", plain(strings.Replace(minuteData, "001;ST", "004;ST", 1)), strings.Replace(answer, "001;ST", "004;ST", 1))
	g.end()

	out, err := g.command("list", g.config.Database)
	if err != nil {
		t.Fatal(err)
	}
	want := `mn                        cn    records  backfilled  first                          last
010000A8900016F000169DC0  2051  1        0           2026-03-01T00:00:00.000+08:00  2026-03-01T00:00:00.000+08:00
010000A8900016F000169DC0  2061  1        1           2026-03-01T00:00:00.000+08:00  2026-03-01T00:00:00.000+08:00
OTHER                     2011  1        0           2026-03-01T00:00:30.000+08:00  2026-03-01T00:00:30.000+08:00

messages
(no station)              bad      1
(no station)              denied   1
010000A8900016F000169DC0  again    1
010000A8900016F000169DC0  denied   1
010000A8900016F000169DC0  differs  1
010000A8900016F000169DC0  doubled  2
010000A8900016F000169DC0  notice   1
010000A8900016F000169DC0  stored   3
OTHER                     stored   1
`
	if out != want {
		t.Errorf("list is\n%s, want\n%s", out, want)
	}
	out, err = g.command("export", "-c", g.path, "--mn", stationMN)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"\ufeffmn,st,cn,time,factor,name,kind,value,flag,rf,qn,received\r\n",
		stationMN + ",22,2051,2026-03-01T00:00:00.000+08:00,a05024,臭氧,,,D,0,20260301001000001,",
		",a34002,可吸入颗粒物PM10,Avg,2.5,N,0,20260301001000001,",
		",a34002,可吸入颗粒物PM10,Max,3.9,N,0,",
		",2061,2026-03-01T00:00:00.000+08:00,a21026,二氧化硫,Avg,8,T,1,20260301001000101,",
	} {
		if !strings.Contains(out, row) {
			t.Errorf("export has no %q:\n%s", row, out)
		}
	}
	if n := strings.Count(out, "\r\n"); n != 7 {
		t.Errorf("export has %d lines, want 7:\n%s", n, out)
	}

	// A start anew keeps what is there.
	g.start()
	c = g.dial()
	ask("after a start", plain(minuteData), answer)
	g.end()
	if out, _ = g.command("list", g.config.Database); !strings.Contains(out, "doubled  3") || !strings.Contains(out, "2051  1 ") {
		t.Errorf("after a start list is\n%s", out)
	}
	g.start()
}

// What cannot be stored is not answered.
func TestHJ212NotStored(t *testing.T) {
	t.Parallel()
	g := newHJRig(t)
	c := g.dial()
	g.store.db.Close()
	if got := g.says(c, plain(minuteData)); got != "" {
		t.Errorf("the answer is %q, and nothing is stored", got)
	}
}

// Who sends nothing but rubbish is thrown out.
func TestHJ212Patience(t *testing.T) {
	t.Parallel()
	g := newHJRig(t)
	c := g.dial()
	for range hjPatience {
		c.Write(plain(strings.Replace(minuteData, "PW=123456", "PW=000000", 1)))
	}
	if n, err := io.Copy(io.Discard, c); n > 0 || err != nil {
		t.Errorf("%d bytes come, %v; want the end of the connection", n, err)
	}
}

// compare names each figure that is not the same by both ways, and no other.
// Strangers who take all places and say nothing keep no station out, and no station is
// thrown out for them.
func TestHJ212Crowd(t *testing.T) {
	g := newHJRig(t)
	const data = "QN=20160801085857223;ST=39;CN=2011;PW=123456;MN=" + stationMN + ";Flag=5;CP=&&DataTime=20160801085857;a34002-Rtd=1.1,a34002-Flag=N&&"
	first := g.dial()
	if got := g.says(first, plain(data)); !strings.Contains(got, "CN=9014") {
		t.Fatalf("answer %q", got)
	}
	for range hjConnections {
		g.dial()
	}
	if got := g.says(g.dial(), plain(strings.Replace(data, "223", "224", 1))); !strings.Contains(got, "CN=9014") {
		t.Errorf("a station in the crowd was answered %q", got)
	}
	if got := g.says(first, plain(strings.Replace(data, "223", "225", 1))); !strings.Contains(got, "CN=9014") {
		t.Errorf("the first station was answered %q", got)
	}
}

func TestHJ212Compare(t *testing.T) {
	t.Parallel()
	g := newHJRig(t)
	ctx := context.Background()
	put := func(minute int, source, point, avg, flag, cause string) {
		at := time.Date(2026, 3, 1, 0, minute, 0, 0, siteZone).UnixMilli()
		_, err := g.store.db.ExecContext(ctx, `INSERT INTO figure (chain, seq, source, period, time, point, gateway, avg, min, max, n, flag, cause)
			VALUES (1, $1, $2, 'min', $3, $4, 'gw-1', $5, '1', '9', '60', $6, $7)`, minute, source, at, point, null(avg), flag, cause)
		if err != nil {
			t.Fatal(err)
		}
	}
	c := g.dial()
	send := func(minute int, item string) {
		t.Helper()
		data := fmt.Sprintf("QN=202603010010%05d;ST=22;CN=2051;PW=123456;MN=%s;Flag=5;CP=&&DataTime=2026030100%02d00;%s&&", minute, stationMN, minute, item)
		if g.says(c, plain(data)) == "" {
			t.Fatal("no answer")
		}
	}
	put(0, "dust-1", "a34002", "2.50", "N", "")
	send(0, "a34002-Avg=2.5,a34002-Min=1,a34002-Max=9,a34002-Flag=N") // the same number
	put(1, "dust-1", "a34002", "2.54", "N", "")
	send(1, "a34002-Avg=2.5,a34002-Min=1.0,a34002-Max=9,a34002-Flag=N") // rounded
	put(2, "dust-1", "a34002", "2.5", "N", "")
	send(2, "a34002-Avg=2.6,a34002-Min=1,a34002-Max=9,a34002-Flag=N") // differs
	put(3, "dust-1", "a34002", "2.5", "N", "")
	send(3, "a34002-Avg=2.5,a34002-Min=1,a34002-Max=9,a34002-Flag=D") // flag
	put(4, "dust-1", "a34002", "2.5", "N", "")                        // by MQTT alone
	send(5, "a34002-Avg=2.5,a34002-Flag=N")                           // by HJ 212 alone
	put(6, "dust-1", "a34002", "", "D", "silent")
	send(6, "a34002-Flag=D,a34002-Min=1,a34002-Max=9") // could not be had, either way
	put(7, "dust-1", "a34002", "7", "N", "")
	put(7, "dust-2", "a34002", "8", "N", "")
	send(7, "a34002-Avg=8,a34002-Min=1,a34002-Max=9,a34002-Flag=N") // of the second source
	put(8, "dust-1", "voltage", "230", "N", "")                     // no code of the standard
	put(9, "dust-1", "a34002", "2.5", "N", "no-clock")
	var out strings.Builder
	all := comparison{out: &out, most: 20}
	st := g.config.HJ212.Stations[0]
	compare := func() {
		t.Helper()
		if err := g.store.compare(ctx, &all, st, "min", "2051", -1<<62, 1<<62); err != nil {
			t.Fatal(err)
		}
	}
	compare()
	want := `  2026-03-01 00:02 a34002 Avg is 2.5 by MQTT, 2.6 by HJ 212 (dust-1)
  2026-03-01 00:03 a34002 flag is N by MQTT, D by HJ 212 (dust-1)
  2026-03-01 00:04 a34002 by MQTT alone (dust-1)
  2026-03-01 00:05 a34002 by HJ 212 alone
`
	if out.String() != want || all.same != 4 || all.differ != 2 || all.onlyM != 1 || all.onlyH != 1 {
		t.Errorf("%+v:\n%s, want\n%s", all, out.String(), want)
	}
	told, err := g.command("compare", "-c", g.path, "--gateway", "gw-1", "--to", "2026-03-01T00:02:30")
	want = "gw-1, by HJ 212 as " + stationMN + "\n" + strings.SplitAfter(want, "\n")[0] + "minute figures: 2 the same, 1 differ, 0 by MQTT alone, 0 by HJ 212 alone\n"
	if err == nil || err.Error() != "1 figures are not the same by both ways" || !strings.HasPrefix(told, want) {
		t.Errorf("compare: %v\n%s, want\n%s", err, told, want)
	}
	if _, err := g.command("compare", "-c", g.path, "--to", "2026-03-01T00:02"); err != nil {
		t.Errorf("compare of what is the same: %v", err)
	}

	// With a map of its own, in another unit.
	put(20, "dust-1", "pm10", "0.0254", "N", "")
	if _, err := g.store.db.ExecContext(ctx, `UPDATE figure SET min = '0.001', max = '0.009' WHERE point = 'pm10'`); err != nil {
		t.Fatal(err)
	}
	send(20, "x1-Avg=25,x1-Min=1,x1-Max=9,x1-Flag=N")
	if _, err := g.store.db.ExecContext(ctx, `DELETE FROM figure WHERE point <> 'pm10'`); err != nil {
		t.Fatal(err)
	}
	if _, err := g.store.db.ExecContext(ctx, `DELETE FROM hj212_record WHERE factor <> 'x1'`); err != nil {
		t.Fatal(err)
	}
	d := &document{}
	st.addPoint(d, pointEntry{Code: "x1", Point: "pm10", Device: "dust-1", Scale: "1000"}, "x")
	out.Reset()
	all = comparison{out: &out, most: 20}
	compare()
	if all.same != 1 || all.bad() != 0 || len(d.found) > 0 {
		t.Errorf("scaled: %+v: %s", all, out.String())
	}
}

func TestHJ212Config(t *testing.T) {
	t.Parallel()
	_, err := parseConfig("x/centre.yaml", []byte(`broker: tcp://localhost:1883
key: k
database: d
gateways: []
hj212:
  listen: 9001
  stations:
    - {mn: "", password_file: p}
    - {mn: A, password_file: p, gateway: gw-9}
    - {mn: A, password_file: p}
    - {mn: B, points: [{code: a, scale: x}, {code: a}, {point: b}]}
`))
	if err == nil {
		t.Fatal("no problem")
	}
	want := `x/centre.yaml:6:11: hj212.listen is "9001": HOST:PORT or :PORT
x/centre.yaml:8:12: hj212.stations[0].mn is "": 1 to 32 letters and digits, 24 by the standard
x/centre.yaml:9:42: hj212.stations[1].gateway is "gw-9": it is not in the register
x/centre.yaml:10:12: hj212.stations[2].mn is "A": it stands further up already
x/centre.yaml:11:8: hj212.stations[3].password_file is missing: a file with the 6 characters
x/centre.yaml:11:41: hj212.stations[3].points[0].scale is "x": a number over 0, such as 1000 or 0.001
x/centre.yaml:11:52: hj212.stations[3].points[1].code is "a": a code, and each once
x/centre.yaml:11:57: hj212.stations[3].points[2].code is "": a code, and each once`
	if err.Error() != want {
		t.Errorf("problems are\n%v, want\n%s", err, want)
	}
}

// A database that never had HJ 212 has nothing of it, and says so.
func TestHJ212NoTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "centre.db")
	s, err := openStore(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	var out strings.Builder
	for _, command := range []string{"list", "export"} {
		if err := cmdHJ212(context.Background(), []string{command, path}, &out, io.Discard); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
}

// An export is asked for in pages, and no row is on two of them.
func TestHJ212Pages(t *testing.T) {
	t.Parallel()
	g := newHJRig(t)
	const n = 2*hj212Page + 1
	var rows []hj212Row
	for i := range n {
		rows = append(rows, hj212Row{MN: stationMN, ST: "22", CN: "2051", Time: int64(i / 7), Factor: fmt.Sprint("x", i%7), Kind: "Avg", Value: fmt.Sprint(i)})
	}
	if kind, err := g.store.putHJ212(t.Context(), rows); kind != hjStored || err != nil {
		t.Fatal(kind, err)
	}
	if kind, err := g.store.putHJ212(t.Context(), rows[:3]); kind != hjDoubled || err != nil {
		t.Error(kind, err)
	}
	seen := map[string]bool{}
	err := g.store.hj212Rows(t.Context(), hj212Selection{cn: "2051", from: 0, to: 1 << 60}, func(r *hj212Row) error {
		seen[r.Value] = true
		return nil
	})
	if err != nil || len(seen) != n {
		t.Errorf("%d rows of %d, %v", len(seen), n, err)
	}
}
