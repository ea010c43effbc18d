package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"envgate/buffer"
	"envgate/config"
	"envgate/envelope"
)

// sealedLog makes a log of two days: live blocks, figures, and events with a birth.
func sealedLog(t *testing.T, path string, key *envelope.Key) {
	t.Helper()
	log, err := buffer.Open(path, buffer.Options{Streams: []buffer.StreamOptions{{Name: live}, {Name: stat}, {Name: event}}, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	cat := mustJSON(catalogue{Version: 1, Gateway: "gw-test", Sources: []source{{Source: "unit1", Device: "=dust", Points: []point{
		{Point: "a10000", Chinese: "颗粒物, \"粗\"", Unit: "ug/m3"}, {Point: "a10001", English: "second"},
	}}}})
	p := testPress(t, key)
	p.epoch, p.catalogue = log.Epoch(), envelope.Hash(cat)
	clk := envelope.Clock{State: envelope.ClockSync}
	put := func(records []buffer.Record, err error) {
		t.Helper()
		if err == nil {
			err = log.Append(buffer.Batch{Records: records})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	at := epoch0
	put(p.events(clk, at, []envelope.Event{
		{Type: envelope.EventBirth, At: at.UnixMilli(), Subject: p.catalogue, New: string(cat)},
		{Type: envelope.EventStart, At: at.UnixMilli(), Why: "=HYPERLINK(\"x\")"},
	}))
	for i := range 120 {
		at = epoch0.Add(time.Duration(i) * 24 * time.Minute) // 2 days
		rows := noisy(1, 3, 20)
		for k := range rows {
			rows[k].at = at.Add(time.Duration(k)*time.Second + 5*time.Millisecond).UnixMilli()
			rows[k].cells[0].value = fmt.Sprintf("-%d.50", k)
			if k == 3 {
				rows[k].cells[1] = cell{"a10001", "x", "", "B", "no-answer"}
			}
		}
		p.number(rows)
		put(p.rows(live, clk, at, rows))
		if i%10 == 0 {
			w := []row{{source: "unit1", kind: envelope.GroupHour, at: at.UnixMilli(), cells: []cell{
				{"a10000", "avg", "1.5", "N", ""},
				{"a10000", "min", "1", "", ""},
				{"a10000", "max", "2", "", ""},
				{"a10000", "n", "60", "", ""},
				{"a10001", "avg", "7", "D", "few"},
				{"a10001", "min", "6", "", ""},
				{"a10001", "max", "8", "", ""},
				{"a10001", "n", "3", "", ""},
			}}}
			p.number(w)
			put(p.rows(stat, clk, at, w))
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// keyFile writes the public key of a test.
func keyFile(t *testing.T, dir string, key *envelope.Key) string {
	t.Helper()
	path := filepath.Join(dir, "pub.pem")
	if err := os.WriteFile(path, key.Public().PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// said runs log commands as a person does.
func said(args ...string) (string, error) {
	var out bytes.Buffer
	err := cmdLog(args, &out, io.Discard)
	return out.String(), err
}

// A bit that flips in a value, and a page that is gone, are found and placed; what is
// whole is said to be whole.
func TestLogCheck(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	path, pub := filepath.Join(dir, "log.db"), keyFile(t, dir, key)
	sealedLog(t, path, key)
	if out, err := said("check", "-k", pub, path); err != nil || !strings.Contains(out, "good live: 1 to 120, 120 blocks") {
		t.Errorf("%v\n%s", err, out)
	}
	_, blocks, pages := readAll(t, path, live)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b, blocks[60])
	b[i+len(blocks[60])/2] ^= 4
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := said("check", "-k", pub, path)
	if err == nil || !strings.Contains(out, fmt.Sprintf("BAD  live 61, page at byte %d: ", pages[60]*4096)) || !strings.Contains(out, "BAD  live: 1 to 120") ||
		!strings.Contains(out, "good event") || strings.Count(out, "\n") != 4 {
		t.Errorf("%v\n%s", err, out)
	}
	other := testKey(t)
	if out, err := said("check", "-k", keyFile(t, dir, other), path); err == nil || !strings.Contains(out, "and 100 places more") {
		t.Errorf("another key: %v\n%s", err, out)
	}
	if err := os.WriteFile(path, b[:len(b)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := said("check", "-k", pub, path); err == nil || !strings.Contains(out, "BAD  "+path) {
		t.Errorf("half a file: %v\n%s", err, out)
	}
}

func readAll(t *testing.T, path, stream string) (*buffer.File, [][]byte, []uint64) {
	t.Helper()
	f, err := buffer.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	_, blocks, pages, err := f.Read(stream, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return f, blocks, pages
}

// A salvage takes what is signed, in order, and says what is missing, between which
// hashes. The damaged file stays as it is.
func TestSalvage(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	path, pub := filepath.Join(dir, "log.db"), keyFile(t, dir, key)
	sealedLog(t, path, key)
	_, blocks, pages := readAll(t, path, live)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gone := map[uint64]bool{pages[40]: true, pages[41]: true, pages[80]: true}
	for page := range gone {
		clear(b[page*4096:][:4096])
	}
	for { // freed pages may hold older copies of them
		again := false
		for i, p := range pages {
			if at := bytes.Index(b, blocks[i]); gone[p] && at >= 0 {
				clear(b[at:][:len(blocks[i])])
				again = true
			}
		}
		if !again {
			break
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := said("repair", path); !errors.Is(err, errUsage) {
		t.Errorf("without a key: %v", err)
	}
	if out, err := said("repair", "-k", pub, path); err != nil || !strings.Contains(out, "missing") {
		t.Fatalf("%v\n%s", err, out)
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(now, b) {
		t.Error("the damaged file was changed")
	}
	var r salvageReport
	text, err := os.ReadFile(path + ".report.json")
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	var want []uint64
	for i, p := range pages {
		if !gone[p] {
			want = append(want, uint64(i+1))
		}
	}
	var got []uint64
	hashes := map[uint64]string{}
	f, err := os.Open(path + ".blocks")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = envelope.ReadFile(f, func(_ int64, message []byte) error {
		b, hash, err := envelope.OpenBlock(message, envelope.NewKeySet(key.Public()))
		if err == nil && b.Stream == live {
			got = append(got, b.Seq)
			hashes[b.Seq] = hash
		}
		return err
	})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: found %v, want %v", err, got, want)
	}
	for _, p := range r.Streams {
		if p.Stream != live {
			continue
		}
		if p.Head != 120 || p.Blocks != len(want) || len(p.Missing) != len(p.Runs)-1 || len(p.Missing) == 0 {
			t.Errorf("report: %+v", p)
		}
		for i, m := range p.Missing {
			if m.From != p.Runs[i].To+1 || m.To != p.Runs[i+1].From-1 || m.After != hashes[m.From-1] || m.Before != p.Runs[i+1].Prev || m.Before == "" {
				t.Errorf("missing %+v between %+v and %+v", m, p.Runs[i], p.Runs[i+1])
			}
		}
	}
	var out bytes.Buffer
	if err := cmdVerify([]string{"-k", pub, path + ".blocks"}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "are not here") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if out, err := said("export", "-k", pub, "-to", dir, path); err == nil {
		t.Errorf("export of a damaged file:\n%s", out)
	}
}

// Of several blocks under one number that one counts which the next one names; what a
// commit left that was cut short is not taken for a second story.
func TestChoose(t *testing.T) {
	at := func(seq, hash, prev uint64) relic { return relic{seq: seq, hash: hash, prev: prev} }
	for _, c := range []struct {
		name string
		all  []relic
		head uint64
		want string // hashes
		out  int
	}{
		{"a chain", []relic{at(1, 11, 0), at(2, 12, 11), at(3, 13, 12)}, 0, "11 12 13", 0},
		{"copies", []relic{at(2, 12, 11), at(1, 11, 0), at(2, 12, 11)}, 0, "11 12", 0},
		{"cut short at 2", []relic{at(1, 11, 0), at(2, 92, 11), at(2, 12, 11), at(3, 13, 12)}, 0, "11 12 13", 0},
		{"cut short, two of them", []relic{at(1, 11, 0), at(2, 92, 11), at(3, 93, 92), at(2, 12, 11), at(3, 13, 12), at(4, 14, 13)}, 0, "11 12 13 14", 0},
		{"the real 3 is gone", []relic{at(1, 11, 0), at(2, 92, 11), at(3, 93, 92), at(2, 12, 11), at(4, 14, 13)}, 0, "11 14", 2},
		{"beyond the head", []relic{at(1, 11, 0), at(2, 12, 11)}, 1, "11", 1},
		{"two ends", []relic{at(1, 11, 0), at(2, 12, 11), at(2, 92, 11)}, 0, "11", 1},
		{"a hole", []relic{at(1, 11, 0), at(5, 15, 14)}, 0, "11 15", 0},
		{"nothing", nil, 0, "", 0},
	} {
		kept, out := choose(c.all, c.head)
		var got []string
		for _, k := range kept {
			got = append(got, fmt.Sprint(k.hash))
		}
		if strings.Join(got, " ") != c.want || len(out) != c.out {
			t.Errorf("%s: kept %v, left out %v; want %s and %d", c.name, got, out, c.want, c.out)
		}
	}
}

// stopper ends a context when the n-th file of an export is complete.
type stopper struct {
	n    int
	stop func()
}

func (s *stopper) Write(b []byte) (int, error) {
	if s.n--; s.n == 0 {
		s.stop()
	}
	return len(b), nil
}

// An export that is broken off after any file goes on with the next one, writes none
// twice, and ends as one that was never broken off. A file that is not what was written
// is written again.
func TestExportGoesOn(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	path, pub := filepath.Join(dir, "log.db"), keyFile(t, dir, key)
	sealedLog(t, path, key)
	whole := filepath.Join(dir, "whole")
	os.Mkdir(whole, 0o755)
	if out, err := said("export", "-k", pub, "-to", whole, path); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := sums(t, whole)
	if len(want) < 8 {
		t.Fatalf("files: %v", want)
	}
	for n := 1; n < len(want); n++ {
		to := filepath.Join(dir, fmt.Sprint("broken", n))
		os.Mkdir(to, 0o755)
		ctx, stop := context.WithCancel(context.Background())
		err := exportTo(t, ctx, path, to, key, &stopper{n, stop})
		stop()
		if err == nil && n < len(want)-1 {
			t.Fatalf("export was not broken off after %d files", n)
		}
		os.WriteFile(filepath.Join(to, "envgate-gw-test", "live-2026-11-23.csv.part"), []byte("rubbish"), 0o644)
		seen := times(t, to)
		if n == 3 { // one goes bad on the stick
			for name := range seen {
				os.WriteFile(filepath.Join(to, "envgate-gw-test", name), []byte("rotten"), 0o644)
				delete(seen, name)
				break
			}
		}
		if err := exportTo(t, context.Background(), path, to, key, io.Discard); err != nil {
			t.Fatalf("after %d files: %v", n, err)
		}
		if got := sums(t, to); !reflect.DeepEqual(got, want) {
			t.Errorf("after %d files: %v\nwant %v", n, got, want)
		}
		for name, when := range times(t, to) {
			if before, ok := seen[name]; ok && !before.Equal(when) {
				t.Errorf("after %d files: %s was written twice", n, name)
			}
		}
	}
	var out bytes.Buffer
	if err := cmdVerify([]string{"-k", pub, whole}, &out, io.Discard); err != nil || strings.Contains(out.String(), "note") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func exportTo(t *testing.T, ctx context.Context, path, to string, key *envelope.Key, out io.Writer) error {
	t.Helper()
	v, err := viewLog(ctx, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	e := exporter{view: v, keys: envelope.NewKeySet(key.Public()), streams: streams, csv: true, blocks: true, out: out, errs: io.Discard}
	if err := e.target(to); err != nil {
		t.Fatal(err)
	}
	return e.run(ctx)
}

// sums are the files of an export but the manifest.
func sums(t *testing.T, to string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name := range times(t, to) {
		_, sum, err := sumOf(filepath.Join(to, "envgate-gw-test", name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = sum
	}
	return all
}

func times(t *testing.T, to string) map[string]time.Time {
	t.Helper()
	all := map[string]time.Time{}
	entries, err := os.ReadDir(filepath.Join(to, "envgate-gw-test"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.Name() != "manifest.json" && !strings.HasSuffix(e.Name(), ".part") {
			all[e.Name()] = info.ModTime()
		}
	}
	return all
}

// A range takes the blocks that begin in it, and another range beside it on the same
// stick the others.
func TestExportRange(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	path, pub := filepath.Join(dir, "log.db"), keyFile(t, dir, key)
	sealedLog(t, path, key)
	if out, err := said("export", "-k", pub, "-to", dir, "-from", "2026-11-24", "-until", "2026-11-24T06:00", "-stream", "live", path); err != nil ||
		!strings.Contains(out, "with 15 blocks") || !strings.Contains(out, "live-2026-11-24.csv") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := said("export", "-k", pub, "-to", dir, "-stream", "live", "-blocks", path); err != nil || !strings.Contains(out, "with 120 blocks") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := said("export", "-k", pub, "-to", dir, "-until", "2026-11-01", path); err != nil || !strings.Contains(out, "0 files new") {
		t.Errorf("nothing in the range: %v\n%s", err, out)
	}
	if _, err := said("export", "-k", pub, "-to", dir, "-stream", "more", path); !errors.Is(err, errUsage) {
		t.Errorf("unknown stream: %v", err)
	}
	if _, err := said("export", "-k", pub, "-to", filepath.Join(dir, "nowhere"), path); err == nil || !strings.Contains(hintFor(err), "存储盘") {
		t.Errorf("no folder: %v, hint %q", err, hintFor(err))
	}
}

// The tables hold what the blocks hold, as another program reads them.
func TestTables(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3")
	}
	dir, key := t.TempDir(), testKey(t)
	path, pub := filepath.Join(dir, "log.db"), keyFile(t, dir, key)
	sealedLog(t, path, key)
	if out, err := said("export", "-k", pub, "-to", dir, path); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	read := func(pattern string) (rows []map[string]string) {
		t.Helper()
		files, _ := filepath.Glob(filepath.Join(dir, "envgate-gw-test", pattern))
		cmd := exec.Command("python3", append([]string{"-c", `
import csv, json, sys
rows = []
for name in sys.argv[1:]:
    raw = open(name, "rb").read()
    assert raw.startswith(b"\xef\xbb\xbf") and raw.endswith(b"\r\n") and raw.count(b"\n") == raw.count(b"\r\n"), name
    rows += csv.DictReader(open(name, encoding="utf-8-sig", newline=""), strict=True)
json.dump(rows, sys.stdout)`}, files...)...)
		b, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(b, &rows)
		}
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		return rows
	}
	rows := read("live-*.csv")
	_, blocks, _ := readAll(t, path, live)
	n := 0
	for _, message := range blocks {
		b := blockOf(t, message)
		for _, g := range b.Groups {
			for i, at := range g.Times {
				for _, c := range g.Columns {
					r := rows[n]
					n++
					when := time.UnixMilli(b.T0 + at).In(siteZone)
					want := map[string]string{
						"时间": when.Format("2006-01-02 15:04:05"), "毫秒": fmt.Sprint(when.Nanosecond() / 1e6), "来源": "unit1", "因子": c.Point,
						"数值": c.Values[i], "折算值": "", "序号": fmt.Sprint(g.Index + uint64(i)), "块号": fmt.Sprint(b.Seq), "设备": "'=dust", "标记": "N", "原因": "",
					}
					switch c.Point {
					case "a10000":
						want["名称"], want["单位"] = "颗粒物, \"粗\"", "ug/m3"
					case "a10001":
						want["名称"], want["单位"] = "second", ""
					default:
						want["名称"], want["单位"] = "", ""
					}
					if c.Values[i] == "" {
						want["标记"], want["原因"] = "B", "no-answer"
					}
					if !reflect.DeepEqual(r, want) {
						t.Fatalf("row %d: %v\nwant %v", n, r, want)
					}
				}
			}
		}
	}
	if n != len(rows) || n < 7000 {
		t.Errorf("%d rows, the blocks have %d readings", len(rows), n)
	}
	hours := read("stat-*.csv")
	if len(hours) != 24 || hours[1]["平均值"] != "7" || hours[1]["最大值"] != "8" || hours[1]["样本数"] != "3" || hours[1]["标记"] != "D" || hours[1]["周期"] != "小时" || hours[0]["标记"] != "N" {
		t.Errorf("%d figures: %v", len(hours), hours[:min(2, len(hours))])
	}
	events := read("event-*.csv")
	if len(events) != 2 || events[1]["说明"] != "'=HYPERLINK(\"x\")" {
		t.Errorf("events: %v", events)
	}
}

// What a running agent has in its log is read by its socket, the same as from the file;
// a repair of it is refused, with what to do.
func TestLogOfARunningAgent(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	path, pub := filepath.Join(dir, "log.db"), keyFile(t, dir, key)
	sealedLog(t, path, key)
	dead, blocks, _ := readAll(t, path, live)
	log, err := buffer.Open(path, buffer.Options{Streams: []buffer.StreamOptions{{Name: live}, {Name: stat}, {Name: event}}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	site := &config.Site{}
	site.Storage.Path = path
	a := newAgent(site, false, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	if err := a.startLocal(ctx, nil, &all); err != nil {
		t.Fatal(err)
	}
	if _, err := said("stat", path); err == nil || !strings.Contains(err.Error(), "not opened its log yet") {
		t.Errorf("before the log is open: %v", err)
	}
	a.board.setLog(log)
	v, err := viewLog(ctx, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if !reflect.DeepEqual(v.info.Streams, dead.Info().Streams) || v.info.Epoch != dead.Info().Epoch {
		t.Errorf("%+v of the agent, %+v of the file", v.info, dead.Info())
	}
	n := 0
	missed, err := v.walk(ctx, live, [2]uint64{1, 120}, func(seq, _ uint64, block []byte) error {
		if !bytes.Equal(block, blocks[n]) || seq != uint64(n+1) {
			t.Errorf("block %d is another", seq)
		}
		n++
		return nil
	})
	if err != nil || missed != 0 || n != 120 {
		t.Errorf("%d blocks, %d missed, %v", n, missed, err)
	}
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, siteZone)
	runs, err := v.find(ctx, live, day, day.Add(time.Hour))
	if err != nil || !reflect.DeepEqual(runs, dead.Find(live, day, day.Add(time.Hour))) {
		t.Errorf("find: %v, %v", runs, err)
	}
	if out, err := said("check", "-k", pub, path); err != nil || !strings.Contains(out, "good live: 1 to 120") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := said("repair", "-k", pub, path); !errors.Is(err, buffer.ErrLocked) || !strings.Contains(hintFor(err), "stop the agent first") {
		t.Errorf("repair of a live log: %v", err)
	}
	if err := log.Rotate("test"); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := v.read(ctx, live, 0, 1); err != nil && !strings.Contains(err.Error(), buffer.ErrRotated.Error()) || err == nil {
		t.Errorf("after a new epoch: %v", err)
	}
}

// A log that was set aside is salvaged beside the agent's work; an event says so before
// the report counts.
func TestAsideIsSalvaged(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	path := filepath.Join(dir, "log.db")
	aside := path + ".aside-20261123T100000"
	sealedLog(t, aside, key)
	b, err := os.ReadFile(aside)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[:8192]) // both meta pages
	if err := os.WriteFile(aside, b, 0o600); err != nil {
		t.Fatal(err)
	}
	site := &config.Site{}
	site.Gateway.ID, site.Storage.Path = "gw-test", path
	a := newAgent(site, false, slog.New(slog.DiscardHandler))
	log, err := buffer.Open(path, buffer.Options{Streams: []buffer.StreamOptions{{Name: live}, {Name: stat}, {Name: event}}, MaxBytes: buffer.MinBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	a.startSalvage(ctx, log, key, &all)
	<-a.in.wake // the event waits to be sealed
	if _, err := os.Stat(aside + ".report.json"); err == nil {
		t.Error("the salvage counts as done, and its event is not sealed")
	}
	events, _ := a.in.takeEvents()
	if len(events) != 1 || events[0].Type != envelope.EventLogSalvaged {
		t.Fatalf("events: %+v", events)
	}
	var e salvagedEvent
	if err := json.Unmarshal([]byte(events[0].New), &e); err != nil || e.Blocks != 120+12+2 || len(e.Streams) != 3 {
		t.Errorf("%v: %+v", err, e)
	}
	p := testPress(t, key)
	p.epoch = log.Epoch()
	records, err := p.events(envelope.Clock{State: envelope.ClockSync}, epoch0, events)
	if err == nil {
		err = log.Append(buffer.Batch{Records: records})
	}
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(aside + ".report.json"); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no report")
		}
	}
	if _, sum, err := sumOf(aside + ".blocks"); err != nil || sum != e.SHA256 {
		t.Errorf("%v: sum %s, the event says %s", err, sum, e.SHA256)
	}
}

// A log in which a stream never had a block is exported without it.
func TestExportOfAYoungLog(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	path, pub := filepath.Join(dir, "log.db"), keyFile(t, dir, key)
	log, err := buffer.Open(path, buffer.Options{Streams: []buffer.StreamOptions{{Name: live}, {Name: stat}, {Name: event}}})
	if err != nil {
		t.Fatal(err)
	}
	p := testPress(t, key)
	p.epoch = log.Epoch()
	records, err := p.events(envelope.Clock{State: envelope.ClockSync}, epoch0, []envelope.Event{{Type: envelope.EventStart, At: epoch0.UnixMilli()}})
	if err == nil {
		err = log.Append(buffer.Batch{Records: records})
	}
	if err = errors.Join(err, log.Close()); err != nil {
		t.Fatal(err)
	}
	if out, err := said("export", "-k", pub, "-to", dir, path); err != nil || !strings.Contains(out, "with 1 block and 1 rows") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := said("check", "-k", pub, path); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A text that a spreadsheet would run is none any more; numbers stay numbers.
func TestCells(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "-2.5": "-2.5", "+1": "+1", "1e-3": "1e-3", "-1.5E+3": "-1.5E+3", "=1+1": "'=1+1", "-": "'-", "+x": "'+x", "@a": "'@a",
		"-1-1": "'-1-1", "\tx": "'\tx", "a,b": `"a,b"`, `a"b`: `"a""b"`, "a\nb": "\"a\nb\"", "-e": "'-e", "-1.2.3": "'-1.2.3",
	} {
		if got := string(appendCell(nil, in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := appendCell(nil, strings.Repeat("字", 20_000)); len(got) > maxCell+8 || !strings.HasSuffix(string(got), "字…") {
		t.Errorf("a long cell has %d bytes", len(got))
	}
}
