package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"envgate/envelope"
)

func TestVerifyStore(t *testing.T) {
	d, s := exampleDesk(t)
	code, out, errs := cli(t, "verify", "-c", s.config)
	if code != 1 || !strings.Contains(errs, "findings") {
		t.Errorf("code %d, %q, want 1: there are findings", code, errs)
	}
	golden(t, "verify", out)
	if _, again, _ := cli(t, "verify", d.path, "-k", filepath.Join(s.folder, "gw-1.pub"), "-k", filepath.Join(s.folder, "gw-2.pub")); again != out {
		t.Error("with -k it says something else")
	}
}

// A whole database has no findings; what is changed in it is found, though the
// centre's own columns agree with the change.
func TestVerifyFindsChanges(t *testing.T) {
	other := newPlant(t, "gw-1")
	other.lives(3)
	forged := other.live() // block 4 of the same gateway, of another past
	for _, tt := range []struct {
		name string
		edit string
		args []any
		want string
	}{
		{"nothing", ``, nil, ""},
		{"a digit in a message", `UPDATE block SET message = $1 WHERE seq = 4`, []any{[]byte("edited")}, "garbage"},
		{"a message by another of the same gateway", `UPDATE block SET message = $1, hash = '` + forged.hash + `' WHERE seq = 3`, []any{forged.message}, "row"},
		{"a row removed", `DELETE FROM block WHERE seq = 3`, nil, "missing"},
		{"the end removed", `DELETE FROM block WHERE seq >= 5`, nil, "lost"},
		{"a row's hash", `UPDATE block SET hash = 'x' WHERE seq = 2`, nil, "row"},
		{"two messages swapped", `UPDATE block SET seq = CASE seq WHEN 2 THEN -3 ELSE -2 END WHERE seq IN (2, 3)`, nil, "row"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlant(t, "gw-1")
			d := newDesk(t, p)
			d.take(p.lives(6)...)
			if tt.edit != "" {
				if _, err := d.store.db.Exec(tt.edit, tt.args...); err != nil {
					t.Fatal(err)
				}
				if _, err := d.store.db.Exec(`UPDATE block SET seq = -seq WHERE seq < 0`); err != nil {
					t.Fatal(err)
				}
			}
			a, err := newAudit(context.Background(), d.reg)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.auditStore(context.Background(), d.store); err != nil {
				t.Fatal(err)
			}
			found := ""
			for _, f := range a.findings {
				if f.kind == tt.want {
					found = f.kind
				}
			}
			if tt.want == "" && len(a.findings) > 0 || found != tt.want {
				t.Errorf("findings %+v, want %q", a.findings, tt.want)
			}
		})
	}
}

// A new log is no second device, though the chains are verified one after the other; two
// devices that seal in turns are found in the order in which their blocks came.
func TestVerifyEpochs(t *testing.T) {
	all := func(p *plant) []sealed {
		stat := p.seal(envelope.StreamStat, func(b *envelope.Block) {
			b.Groups = []envelope.Group{{
				Source: "dust", Kind: envelope.GroupMinute, Times: []int64{0}, Index: p.index,
				Columns: []envelope.Column{{Point: "a34004", Kind: envelope.ColumnAvg, Values: []string{"35.6"}}},
			}}
			p.index++
		})
		return []sealed{p.live(), stat}
	}
	for _, tt := range []struct {
		name   string
		blocks func(p *plant) []sealed
		clones int
	}{
		{"a new log", func(p *plant) []sealed {
			b := append([]sealed{p.event(envelope.Event{Type: envelope.EventEpoch, Subject: "epoch1"})}, all(p)...)
			heads := p.heads
			return append(append(b, p.newEpoch("epoch2", heads)), all(p)...)
		}, 0},
		{"two devices", func(p *plant) []sealed {
			q := p.clone()
			q.epoch, q.boot = "epoch2", "boot2"
			return []sealed{p.live(), q.live(), p.live(), q.live(), p.live(), q.live()}
		}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlant(t, "gw-1")
			d := newDesk(t, p)
			d.take(tt.blocks(p)...)
			if _, err := d.store.db.Exec(`DELETE FROM anomaly`); err != nil { // what was noticed as they came
				t.Fatal(err)
			}
			a, err := newAudit(context.Background(), d.reg)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.auditStore(context.Background(), d.store); err != nil {
				t.Fatal(err)
			}
			clones := 0
			for _, f := range a.findings {
				if f.kind == kindClone {
					clones++
				}
			}
			if clones != tt.clones || len(a.findings) != clones {
				t.Errorf("findings %+v, want %d clones", a.findings, tt.clones)
			}
		})
	}
}

func TestVerifyFiles(t *testing.T) {
	p, q := newPlant(t, "gw-1"), newPlant(t, "gw-2")
	s := newSite(t, "127.0.0.1:1", p, q)
	b := p.lives(9)
	word := p.evict(envelope.StreamLive, 4, 5, b[4].hash)
	fork := newPlant(t, "gw-1")
	fork.boot = "boot2"
	for _, tt := range []struct {
		name  string
		files map[string][]byte
		code  int
		want  []string
	}{
		{"one alone", map[string][]byte{"a": b[6].message}, 0, []string{"begins at block 7", "whole"}},
		{"in a row, in whatever order", map[string][]byte{"a": b[2].message, "b": b[0].message, "c": b[1].message}, 0, []string{"3 blocks"}},
		{"one of them twice", map[string][]byte{"a": b[0].message, "b": b[0].message}, 0, []string{"1 block,"}},
		{"with a gap", map[string][]byte{"a": b[0].message, "b": b[3].message}, 1, []string{"missing 2-3"}},
		{"with a gap that an event explains", map[string][]byte{"a": b[2].message, "b": b[5].message, "c": word.message}, 0, []string{"1 range evicted"}},
		{"two for one number", map[string][]byte{"a": b[0].message, "b": fork.live().message}, 1, []string{"rewrite"}},
		{"of a key that is not given", map[string][]byte{"a": q.live().message}, 1, []string{"signature"}},
		{"no message", map[string][]byte{"a": []byte("{}")}, 1, []string{"garbage"}},
		{"empty", map[string][]byte{"a": nil}, 1, []string{"garbage"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			for name, m := range tt.files {
				if err := os.WriteFile(filepath.Join(folder, name), m, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			code, out, errs := cli(t, "verify", "-k", filepath.Join(s.folder, "gw-1.pub"), folder)
			if code != tt.code {
				t.Errorf("code %d (%s), want %d", code, errs, tt.code)
			}
			for _, w := range tt.want {
				if !strings.Contains(out, w) {
					t.Errorf("says\n%swant %q in it", out, w)
				}
			}
		})
	}
}

// What goes out with --raw comes back through verify, byte for byte.
func TestExportRaw(t *testing.T) {
	p := newPlant(t, "gw-1")
	s := newSite(t, "127.0.0.1:1", p)
	d := newDesk(t, p)
	b := p.lives(3)
	d.take(b...)
	folder := filepath.Join(t.TempDir(), "raw")
	if code, _, errs := cli(t, "export", d.path, "--raw", "--out", folder); code != 0 {
		t.Fatal(errs)
	}
	got, err := os.ReadFile(filepath.Join(folder, "gw-1-live-epoch1-0000000002.block"))
	if err != nil || !bytes.Equal(got, b[1].message) {
		t.Errorf("block 2 is not what was received: %v", err)
	}
	if code, out, _ := cli(t, "verify", "-k", filepath.Join(s.folder, "gw-1.pub"), folder); code != 0 || !strings.Contains(out, "3 blocks") {
		t.Errorf("verify: code %d\n%s", code, out)
	}
}
