package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"envgate/tests/sim"
)

// store looks at the centre's database, read only, while the centre writes it.
// What stands there was verified before.
type store struct {
	path string
	db   *sql.DB // nil until the centre has made it

	row     int64 // newest row seen
	latest  map[place]reading
	arrived uint64 // readings with a value
	empty   uint64 // readings that could not be had, each with its reason

	streams  map[string]streamState
	tallies  map[string]int64 // by kind
	units    map[place]string
	names    map[place]string
	resolved bool // units and names are there
}

// place names one value of one instrument.
type place struct{ instrument, point string }

// reading is the newest row of a place.
type reading struct {
	value, flag, cause string
	time, received     time.Time
}

// streamState is the account of one stream of the gateway, over all epochs.
type streamState struct {
	blocks, head, last int64
	gaps               int64 // numbers up to last without a block
	epochs             int
}

func openStore(path string) *store {
	return &store{
		path: path, latest: map[place]reading{}, units: map[place]string{}, names: map[place]string{},
		streams: map[string]streamState{}, tallies: map[string]int64{},
	}
}

// Close closes the database.
func (s *store) Close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

// open opens the database, and returns false where it is not there yet.
func (s *store) open() bool {
	if s.db != nil {
		return true
	}
	if _, err := os.Stat(s.path); err != nil {
		return false
	}
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: s.path, RawQuery: q.Encode()}).String())
	if err != nil {
		return false
	}
	db.SetMaxOpenConns(1)
	var n int
	if db.QueryRow(`SELECT version FROM layout`).Scan(&n) != nil { // the centre is still making it
		db.Close()
		return false
	}
	s.db = db
	return true
}

// read takes in what has arrived since the last time.
func (s *store) read() error {
	if !s.open() {
		return nil
	}
	if err := s.readRows(); err != nil {
		return err
	}
	clear(s.streams)
	err := s.each(`SELECT c.stream, c.head, c.last_seq, (SELECT COUNT(*) FROM block b WHERE b.chain = c.chain) FROM chain c ORDER BY c.began`,
		func(scan func(...any) error) error {
			var stream string
			var head, last, blocks int64
			if err := scan(&stream, &head, &last, &blocks); err != nil {
				return err
			}
			st := s.streams[stream]
			st.blocks, st.gaps, st.epochs = st.blocks+blocks, st.gaps+last-blocks, st.epochs+1
			st.head, st.last = head, last
			s.streams[stream] = st
			return nil
		})
	if err != nil {
		return err
	}
	clear(s.tallies)
	err = s.each(`SELECT kind, SUM(n) FROM tally GROUP BY kind`, func(scan func(...any) error) error {
		var kind string
		var n int64
		if err := scan(&kind, &n); err != nil {
			return err
		}
		s.tallies[kind] = n
		return nil
	})
	if err != nil || s.resolved {
		return err
	}
	return s.readCatalogue()
}

// readRows takes in new rows of readings.
func (s *store) readRows() error {
	return s.each(`SELECT rowid, source, point, time, value, flag, cause, received FROM reading WHERE rowid > $1 ORDER BY rowid`,
		func(scan func(...any) error) error {
			var source, point, flag, cause string
			var value sql.NullString
			var at, received int64
			if err := scan(&s.row, &source, &point, &at, &value, &flag, &cause, &received); err != nil {
				return err
			}
			if value.Valid {
				s.arrived++
			} else {
				s.empty++
			}
			p := place{instrumentOf(source), point}
			r := reading{value.String, flag, cause, time.UnixMilli(at), time.UnixMilli(received)}
			if !r.time.Before(s.latest[p].time) { // the backlog may come later
				s.latest[p] = r
			}
			return nil
		}, s.row)
}

// readCatalogue takes names and units from the newest catalogue that the
// gateway has sealed.
func (s *store) readCatalogue() error {
	var text string
	err := s.db.QueryRow(`SELECT new FROM event WHERE type IN ('birth', 'catalogue') AND new <> '' ORDER BY chain DESC, seq DESC LIMIT 1`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	var c struct {
		Sources []struct {
			Source string `json:"src"`
			Points []struct {
				Point   string `json:"point"`
				Chinese string `json:"zh"`
				Unit    string `json:"unit"`
			} `json:"points"`
		} `json:"sources"`
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	for _, src := range c.Sources {
		for _, p := range src.Points {
			at := place{instrumentOf(src.Source), p.Point}
			s.units[at], s.names[at] = p.Unit, p.Chinese
		}
	}
	s.resolved = true
	return nil
}

// rows calls f with every reading of every log, in the order of its place there.
func (s *store) rows(f func(sim.Row)) error {
	if !s.open() {
		return errors.New("there is none")
	}
	return s.each(`SELECT c.epoch, r.source, r.idx, r.point, r.time, r.value, r.flag
		FROM reading r JOIN chain c ON c.chain = r.chain ORDER BY c.began, c.chain, r.source, r.idx, r.point`,
		func(scan func(...any) error) error {
			var r sim.Row
			var source string
			var at int64
			var value sql.NullString
			if err := scan(&r.Epoch, &source, &r.Index, &r.Point, &at, &value, &r.Flag); err != nil {
				return err
			}
			r.Instrument, r.Value, r.Time = instrumentOf(source), value.String, time.UnixMilli(at)
			f(r)
			return nil
		})
}

// each calls f for each row of a query.
func (s *store) each(query string, f func(scan func(...any) error) error, args ...any) error {
	rows, err := s.db.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// refused is the number of messages that the centre did not take for blocks,
// and of contradictions among blocks.
func (s *store) refused() (n int64) {
	for kind, k := range s.tallies {
		if kind != "block" && kind != "duplicate" {
			n += k
		}
	}
	return n
}

// blocks is the number of blocks in all streams.
func (s *store) blocks() (n int64) {
	for _, st := range s.streams {
		n += st.blocks
	}
	return n
}

// gaps is the number of blocks that are missing in all streams.
func (s *store) gaps() (n int64) {
	for _, st := range s.streams {
		n += st.gaps
	}
	return n
}

// complete says whether there is something later than at of every instrument,
// and nothing missing before it.
func (s *store) complete(at time.Time, where *site) bool {
	for _, in := range where.instruments() {
		p := place{in.Name(), in.Channels()[0].Point}
		if !s.latest[p].time.After(at) {
			return false
		}
	}
	return s.gaps() == 0
}

// complaint is an error where the centre has a gap, or refused anything.
func (s *store) complaint() error {
	var errs []error
	for name, st := range s.streams {
		if st.gaps > 0 {
			errs = append(errs, fmt.Errorf("stream %s: %d blocks are missing at the centre", name, st.gaps))
		}
	}
	if n := s.refused(); n > 0 {
		errs = append(errs, fmt.Errorf("the centre refused %d messages: %v", n, s.tallies))
	}
	return errors.Join(errs...)
}

// instrumentOf is the instrument of a source: what comes of its second request
// is called INSTRUMENT/2.
func instrumentOf(source string) string {
	name, _, _ := strings.Cut(source, "/")
	return name
}
