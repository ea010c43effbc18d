package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"envgate/envelope"
)

// TestConverted holds that converted values stand in the row of their point, in the
// database and in both exports.
func TestConverted(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	d.take(p.seal(envelope.StreamLive, func(b *envelope.Block) {
		b.Groups = []envelope.Group{{
			Source: "outlet-1", Times: []int64{0, 5000},
			Columns: []envelope.Column{
				{Point: "a21026", Kind: envelope.ColumnLive, Values: []string{"100.000", "90.000"}},
				{Point: "a00000", Kind: envelope.ColumnLive, Values: []string{"72.000", "72.000"}},
				{Point: "a21026", Kind: envelope.ColumnZs, Values: []string{"125.000", ""}},
			},
		}}
	}))
	if got, want := query[string](t, d.store, `SELECT point || ' ' || idx || ' ' || value || ' ' || COALESCE(zs, 'null') FROM reading ORDER BY idx, point`),
		[]string{"a00000 0 72.000 null", "a21026 0 100.000 125.000", "a00000 1 72.000 null", "a21026 1 90.000 null"}; !slices.Equal(got, want) {
		t.Errorf("readings %q, want %q", got, want)
	}
	d.store.Close()
	if _, out, _ := cli(t, "export", d.path, "--csv"); !strings.Contains(out, ",100.000,125.000,N,") || !strings.Contains(out, ",90.000,,N,") || strings.Count(out, "\r\n") != 5 {
		t.Errorf("csv is\n%s", out)
	}
	if _, out, _ := cli(t, "export", d.path, "--ndjson"); !strings.Contains(out, `"value":"100.000","zs":"125.000"`) || strings.Count(out, "zs") != 1 {
		t.Errorf("ndjson is\n%s", out)
	}
}

// TestAddColumns opens a database of a centre that knew no converted values.
func TestAddColumns(t *testing.T) {
	p := newPlant(t, "gw-1")
	d := newDesk(t, p)
	d.take(p.live())
	if _, err := d.store.db.ExecContext(context.Background(), `ALTER TABLE reading DROP COLUMN zs`); err != nil {
		t.Fatal(err)
	}
	d.store.Close()
	d.open()
	d.take(p.live())
	if n := query[int64](t, d.store, `SELECT COUNT(*) FROM reading WHERE zs IS NULL`)[0]; n != 8 {
		t.Errorf("%d readings, want 8", n)
	}
}
