package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

// centreDB makes a database as the centre does, from the centre's own schema.
func centreDB(t *testing.T, statements ...string) string {
	t.Helper()
	schema, err := os.ReadFile("../../centre/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "centre.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range append([]string{string(schema)}, statements...) {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return path
}

func chainRow(chain, stream, epoch, head, last, began string) string {
	return `INSERT INTO chain VALUES (` + chain + `, 'demo', '` + stream + `', '` + epoch + `', 1, ` + last + `, ` + head +
		`, '', '', 0, 0, '', ` + began + `, 0)`
}

func readingRow(chain, source, index, point, at, value, flag string) string {
	return `INSERT INTO reading (chain, source, idx, point, gateway, seq, time, value, flag, cause, received) VALUES (` + chain + `, '` + source + `', ` + index + `, '` + point + `', 'demo', 1, ` + at +
		`, ` + value + `, '` + flag + `', '', ` + at + ` + 700)`
}

func blockRow(arrival, chain, seq string) string {
	return `INSERT INTO block VALUES (` + arrival + `, ` + chain + `, ` + seq + `, '', '', '', 0, 0, '', '', '', '', 0, 0, 0, '')`
}

func TestStore(t *testing.T) {
	path := centreDB(
		t,
		chainRow("2", "live", "new", "1", "3", "2000"), chainRow("5", "live", "old", "1", "1", "1000"),
		blockRow("1", "5", "1"), blockRow("2", "2", "1"), blockRow("3", "2", "3"), // block 2 of the new epoch is not there
		readingRow("2", "dust", "0", "a34001", "5000", "'203'", "N"),
		readingRow("5", "dust", "0", "a34001", "3000", "'201'", "N"),
		readingRow("5", "dust", "1", "a34001", "4000", "NULL", "B"),
		readingRow("2", "weather/2", "0", "a01001", "5000", "'21.5'", "N"),
		`INSERT INTO event VALUES (2, 1, 0, 'demo', 0, 'birth', '', '',
			'{"sources":[{"src":"dust","points":[{"point":"a34001","zh":"总悬浮颗粒物","unit":"ug/m3"}]}]}', '', '')`,
		`INSERT INTO tally VALUES ('demo', 'live', 'block', 3, 0), ('demo', 'live', 'duplicate', 2, 0), ('', '', 'unknown', 1, 0)`,
	)
	s := openStore(path)
	defer s.Close()
	for range 2 { // what was seen is not counted again
		if err := s.read(); err != nil {
			t.Fatal(err)
		}
	}
	if s.arrived != 3 || s.empty != 1 {
		t.Errorf("%d arrived, %d without a value, want 3 and 1", s.arrived, s.empty)
	}
	p := place{"dust", "a34001"}
	if r := s.latest[p]; r.value != "203" || r.received.Sub(r.time) != 700*time.Millisecond {
		t.Errorf("latest %+v, want 203, the newest by time, 0.7 s under way", r)
	}
	if s.latest[place{"weather", "a01001"}].value != "21.5" {
		t.Errorf("second request of weather: %+v", s.latest)
	}
	if s.units[p] != "ug/m3" || s.names[p] != "总悬浮颗粒物" {
		t.Errorf("catalogue: unit %q, name %q", s.units[p], s.names[p])
	}
	if s.gaps() != 1 || s.blocks() != 3 || s.refused() != 1 {
		t.Errorf("%d gaps, %d blocks, %d refused, want 1, 3, 1", s.gaps(), s.blocks(), s.refused())
	}
	err := s.complaint()
	for _, want := range []string{"stream live: 1 blocks are missing", "refused 1 messages"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("complaint %v, want %s", err, want)
		}
	}

	var got []string
	err = s.rows(func(r sim.Row) {
		got = append(got, strings.Join([]string{r.Epoch, r.Instrument, r.Value, r.Flag, r.Time.UTC().Format("05")}, " "))
	})
	want := "old dust 201 N 03, old dust  B 04, new dust 203 N 05, new weather 21.5 N 05"
	if text := strings.Join(got, ", "); err != nil || text != want {
		t.Errorf("rows are %s, %v, want %s", text, err, want)
	}
}

func TestStoreNotYetThere(t *testing.T) {
	s := openStore(filepath.Join(t.TempDir(), "centre.db"))
	if err := s.read(); err != nil {
		t.Errorf("read without a database: %v", err)
	}
	if err := s.rows(func(sim.Row) {}); err == nil {
		t.Error("rows without a database: no error")
	}
}
