package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/envelope"
)

// A figurative database: two gateways, three streams, a gap, an eviction, a fork
// and refused messages.
func exampleDesk(t *testing.T) (*desk, *site) {
	t.Helper()
	p, q := newPlant(t, "gw-1"), newPlant(t, "gw-2")
	d := newDesk(t, p, q)
	s := newSite(t, "127.0.0.1:1", p, q)
	d.store.Close()
	d.path = filepath.Join(s.folder, "centre.db")
	d.open()
	b := p.lives(8)
	fork := newPlant(t, "gw-1")
	fork.boot = "boot2"
	d.take(p.evict(envelope.StreamLive, 1, 2, b[1].hash), b[2], b[3], b[3], b[6], b[7])
	d.take(p.seal(envelope.StreamStat, statBlock))
	d.take(p.event(envelope.Event{Type: "line.down", At: 250, Subject: "dust", Why: "=cmd|'/c calc'!A1", New: "a, \"b\"\nc"}))
	d.take(q.live())
	q2 := newPlant(t, "gw-2")
	q2.mono = 3
	d.take(q2.live())
	d.take(sealed{topic: "envgate/gw-1/b/live", message: []byte("junk")}, newPlant(t, "gw-9").live())
	d.store.Close()
	return d, s
}

// cli runs one command line and returns what it said.
func cli(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = program(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestExport(t *testing.T) {
	d, _ := exampleDesk(t)
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"live.csv", []string{"--csv"}},
		{"stat.csv", []string{"--csv", "--stream", "stat"}},
		{"event.csv", []string{"--csv", "--stream", "event", "--gateway", "gw-1"}},
		{"all.ndjson", []string{"--ndjson"}},
		{"some.ndjson", []string{"--ndjson", "--gateway", "gw-1", "--stream", "live", "--from", "2026-03-01T08:00:20", "--to", "2026-03-01 08:00:36"}},
		{"nothing.csv", []string{"--csv", "--gateway", "gw-7"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := cli(t, append([]string{"export", d.path}, tt.args...)...)
			if code != 0 || errs != "" {
				t.Fatalf("code %d, %s", code, errs)
			}
			golden(t, tt.name, out)
			path := filepath.Join(t.TempDir(), "x")
			if code, screen, _ := cli(t, append([]string{"export", d.path, "--out", path}, tt.args...)...); code != 0 || screen != "" {
				t.Fatalf("with --out: code %d, %q on the screen", code, screen)
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != out {
				t.Errorf("with --out the file differs from the screen: %v", err)
			}
		})
	}
}

func TestGaps(t *testing.T) {
	d, s := exampleDesk(t)
	code, out, errs := cli(t, "gaps", d.path)
	if code != 0 || errs != "" {
		t.Fatalf("code %d, %s", code, errs)
	}
	golden(t, "gaps", out)
	if _, again, _ := cli(t, "gaps", "-c", s.config); again != out {
		t.Error("with -c it says something else")
	}
	if _, one, _ := cli(t, "gaps", d.path, "--gateway", "gw-2"); strings.Contains(one, "gw-1") || !strings.Contains(one, "gw-2") {
		t.Errorf("--gateway gw-2 says\n%s", one)
	}
}

// Lines of a follower come while blocks do, each once.
func TestExportFollow(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	d.take(p.live())
	r, err := openReader(t.Context(), d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	e := &countExport{got: make(chan uint64, 100)}
	done := make(chan error, 1)
	go func() { done <- r.exportArrivals(ctx, &selection{stream: envelope.StreamLive, to: 1 << 62}, e) }()
	next := func() uint64 {
		select {
		case n := <-e.got:
			return n
		case <-time.After(20 * time.Second):
			t.Fatal("nothing came in 20 s")
			return 0
		}
	}
	if n := next(); n != 1 {
		t.Fatalf("block %d first, want 1", n)
	}
	b := p.lives(3)
	d.take(b[2], p.event(), b[0])
	if a, b := next(), next(); a != 4 || b != 2 {
		t.Errorf("blocks %d and %d, want 4 and 2: the order of arrival", a, b)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(e.got) != 0 {
		t.Errorf("%d blocks more", len(e.got))
	}
}

type countExport struct{ got chan uint64 }

func (c *countExport) block(_ chainID, b *envelope.Block, _ []byte) error { c.got <- b.Seq; return nil }
func (c *countExport) flush() error                                       { return nil }

func TestPlainCell(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "35.2": "35.2", "-2.5": "-2.5", "+1": "+1", "dust": "dust",
		"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-cmd": "'-cmd", "\t=1": "'\t=1",
	} {
		if got := plainCell(in); got != want {
			t.Errorf("plainCell(%q) = %q, want %q", in, got, want)
		}
	}
}
