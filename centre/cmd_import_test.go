package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/envelope"
)

// blocksFile writes sealed blocks as an export or a salvage does.
func blocksFile(t *testing.T, path string, blocks ...sealed) string {
	t.Helper()
	b := []byte(envelope.FileHead)
	for _, s := range blocks {
		b = envelope.AppendToFile(b, s.message)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// importSite is a configuration whose database is beside it.
func importSite(t *testing.T, dir string, p *plant) (config string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "gw.pub"), p.key.Public().PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(dir, "centre.yaml")
	text := "broker: tcp://127.0.0.1:1883\ndatabase: centre.db\nkey: centre.key\ngateways:\n  - id: " + p.id + "\n    keys: [{file: gw.pub}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

func imported(args ...string) (string, error) {
	var out, errs strings.Builder
	err := cmdImport(context.Background(), args, &out, &errs)
	return out.String(), err
}

// Blocks from a file are accounted for as those from a broker are: once, verified, and
// what is missing stays missing until it comes. Afterwards the store verifies.
func TestImport(t *testing.T) {
	dir, p := t.TempDir(), newPlant(t, "gw-1")
	config := importSite(t, dir, p)
	blocks := p.lives(700)
	first := blocksFile(t, filepath.Join(dir, "a.blocks"), append(blocks[:300:300], blocks[310:]...)...)
	if out, err := imported("-c", config, first); err != nil || !strings.Contains(out, "690 new, 0 there already\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	var gaps strings.Builder
	if err := cmdGaps(context.Background(), []string{"-c", config}, &gaps, &gaps); err != nil || !strings.Contains(gaps.String(), "301-310") {
		t.Errorf("%v\n%s", err, gaps.String())
	}
	folder := filepath.Join(dir, "stick")
	os.Mkdir(folder, 0o755)
	os.WriteFile(filepath.Join(folder, "live.csv"), []byte("a,b\n"), 0o600)
	blocksFile(t, filepath.Join(folder, "b.blocks"), blocks[290:320]...)
	for range 2 {
		if out, err := imported("-c", config, folder); err != nil || strings.Contains(out, "csv") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	var verdict strings.Builder
	if err := cmdVerify(context.Background(), []string{"-c", config}, &verdict, &verdict); err != nil || !strings.Contains(verdict.String(), "700 blocks") {
		t.Errorf("%v\n%s", err, verdict.String())
	}
	if err := cmdVerify(context.Background(), []string{"-k", filepath.Join(dir, "gw.pub"), filepath.Join(folder, "b.blocks")}, &verdict, &verdict); err != nil {
		t.Errorf("%v\n%s", err, verdict.String())
	}
}

// What is not signed by a gateway of the register is refused and counted, a file that
// is cut short gives what is whole, and neither makes the rest go.
func TestImportRefuses(t *testing.T) {
	dir, p := t.TempDir(), newPlant(t, "gw-1")
	config := importSite(t, dir, p)
	blocks := p.lives(10)
	forged := newPlant(t, "gw-1")
	forged.key = newPlant(t, "gw-2").key
	forged.sealer = envelope.NewSealer(forged.key)
	path := blocksFile(t, filepath.Join(dir, "a.blocks"), blocks[0], forged.live(), newPlant(t, "gw-3").live(), sealed{message: []byte("rubbish")}, blocks[1])
	out, err := imported("-c", config, path)
	if err == nil || !strings.Contains(out, "2 new, 0 there already") || !strings.Contains(out, "1 garbage") || !strings.Contains(out, "1 unknown") {
		t.Errorf("%v\n%s", err, out)
	}
	b, _ := os.ReadFile(blocksFile(t, path, blocks...))
	os.WriteFile(path, b[:len(b)-5], 0o600)
	if out, err := imported("-c", config, path); err == nil || !strings.Contains(out, "7 new, 2 there already") || !strings.Contains(out, "ends within the message") {
		t.Errorf("cut short: %v\n%s", err, out)
	}
	if out, err := imported("-c", config, config); err == nil || !strings.Contains(err.Error(), "no file of blocks") {
		t.Errorf("another file: %v\n%s", err, out)
	}
	d, err := openStore(t.Context(), filepath.Join(dir, "centre.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := imported("-c", config, path); err == nil || !strings.Contains(err.Error(), errInUse.Error()) {
		t.Errorf("beside a running centre: %v", err)
	}
}

// The blocks of a former log do not make it the one that the gateway writes now, to
// which receipts go.
func TestImportOfAFormerLog(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	config := importSite(t, filepath.Dir(d.path), p)
	old := p.lives(20)
	d.take(old[:10]...)
	p.newEpoch("epoch2", p.heads)
	d.now = d.now.Add(time.Hour)
	d.take(p.lives(5)...)
	d.store.Close()
	path := filepath.Join(t.TempDir(), "a.blocks")
	for _, blocks := range [][]sealed{old[10:], newPlant(t, "gw-1").lives(1)} {
		if out, err := imported("-c", config, blocksFile(t, path, blocks...)); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	d.open()
	if got := d.ledger.gateways["gw-1"].current; got != "epoch2" {
		t.Errorf("the gateway is thought to write %s, want epoch2", got)
	}
	if c := d.ledger.chains[chainID{"gw-1", envelope.StreamLive, "epoch1"}]; c == nil || c.head.Seq != 20 {
		t.Errorf("the former log: %+v, want all 20", c)
	}
}
