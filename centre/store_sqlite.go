package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed schema.sql
var schema string

// layout is the version of schema.sql.
const layout = 1

// Errors of opening a database.
var (
	errInUse     = errors.New("another centre has it open")
	errLayout    = errors.New("not a database of this centre")
	errNoStore   = errors.New("no such database")
	errReadStore = errors.New("cannot be read")
)

// A sqlStore is the store on SQLite: one file with a write-ahead log beside it,
// each commit synced. Statements keep to what PostgreSQL knows as well.
type sqlStore struct {
	db   *sql.DB
	lock *os.File // held by the one writer; nil for readers
	stmt struct {
		block, chain, life, eviction, anomaly, reject, tally, figure, reading, event, find *sql.Stmt
	}
}

// openStore opens the database for the one centre that writes it, and makes it
// if it is not there.
func openStore(ctx context.Context, path string) (_ *sqlStore, err error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	s := &sqlStore{lock: lock}
	defer func() {
		if err != nil {
			s.Close()
			err = fmt.Errorf("database %s: %w", path, err)
		}
	}()
	// FULL, so that a power cut cannot take back what a receipt was given for.
	if s.db, err = openSQLite(path, "rwc", "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)"); err != nil {
		return nil, err
	}
	if err := s.init(ctx); err != nil {
		return nil, err
	}
	return s, s.prepare(ctx)
}

// openReader opens the database to look at it, also while a centre writes it.
func openReader(ctx context.Context, path string) (*sqlStore, error) {
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errNoStore
		}
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	db, err := openSQLite(path, "ro")
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	s := &sqlStore{db: db}
	if err := s.checkLayout(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	if s.stmt.find, err = db.PrepareContext(ctx, findBlock); err != nil {
		s.Close()
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return s, nil
}

func openSQLite(path, mode string, pragmas ...string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}}
	for _, p := range append(pragmas, "busy_timeout(5000)") {
		q.Add("_pragma", p)
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // so prepared statements stay with their connection
	return db, nil
}

// lockFile keeps a second centre out: the account in memory is only true for one.
// The kernel lets go of it when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errInUse
		}
		return nil, err
	}
	return f, nil
}

func (s *sqlStore) init(ctx context.Context) error {
	var tables int
	if err := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master`).Scan(&tables); err != nil {
		return fmt.Errorf("%w: %w", errReadStore, err)
	}
	if tables == 0 {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return fmt.Errorf("make tables: %w", err)
		}
		return tx.Commit()
	}
	if err := s.checkLayout(ctx); err != nil {
		return err
	}
	return s.addColumns(ctx)
}

// addColumns brings a database of an earlier centre up to schema.sql.
func (s *sqlStore) addColumns(ctx context.Context) error {
	var there int
	if err := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM pragma_table_info('reading') WHERE name = 'zs'`).Scan(&there); err != nil || there > 0 {
		return err
	}
	if _, err := s.db.ExecContext(ctx, `ALTER TABLE reading ADD COLUMN zs TEXT`); err != nil {
		return fmt.Errorf("add column reading.zs: %w", err)
	}
	return nil
}

func (s *sqlStore) checkLayout(ctx context.Context) error {
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT version FROM layout`).Scan(&n); err != nil {
		return fmt.Errorf("%w: %w", errLayout, err)
	}
	if n != layout {
		return fmt.Errorf("%w: layout %d: this centre writes %d", errLayout, n, layout)
	}
	return nil
}

const findBlock = `SELECT arrival, seq, prev, hash, boot, mono, received, message FROM block WHERE chain = $1 AND seq = $2`

func (s *sqlStore) prepare(ctx context.Context) error {
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&s.stmt.find, findBlock},
		{&s.stmt.block, `INSERT INTO block (arrival, chain, seq, hash, prev, boot, mono, t0, clock, config, catalogue, firmware, readings, events, received, message)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`},
		{&s.stmt.chain, `INSERT INTO chain (chain, gateway, stream, epoch, first_seq, last_seq, head, head_hash, head_boot, head_mono, claim, claim_hash, began, updated)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
			ON CONFLICT (chain) DO UPDATE SET first_seq = excluded.first_seq, last_seq = excluded.last_seq,
			head = excluded.head, head_hash = excluded.head_hash, head_boot = excluded.head_boot, head_mono = excluded.head_mono,
			claim = excluded.claim, claim_hash = excluded.claim_hash, updated = excluded.updated`},
		{&s.stmt.life, `INSERT INTO life (chain, boot, first_seq, last_seq, seen) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (chain, boot) DO UPDATE SET first_seq = excluded.first_seq, last_seq = excluded.last_seq`},
		{&s.stmt.eviction, `INSERT INTO eviction (chain, from_seq, to_seq, hash, readings, t0, t1, event_seq, received)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`},
		{&s.stmt.anomaly, `INSERT INTO anomaly (chain, seq, kind, hash, gateway, text, first_message, second_message, received)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`},
		{&s.stmt.reject, `INSERT INTO reject (gateway, kind, topic, reason, size, message, received) VALUES ($1, $2, $3, $4, $5, $6, $7)`},
		{&s.stmt.tally, `INSERT INTO tally (gateway, stream, kind, n, updated) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (gateway, stream, kind) DO UPDATE SET n = tally.n + excluded.n, updated = excluded.updated`},
		{&s.stmt.figure, `INSERT INTO figure (chain, seq, source, period, time, point, gateway, avg, min, max, cou, zsavg, zsmin, zsmax, n, flag, cause)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT DO NOTHING`},
		{&s.stmt.reading, `INSERT INTO reading (chain, source, idx, point, gateway, seq, time, value, zs, flag, cause, received)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`},
		{&s.stmt.event, `INSERT INTO event (chain, seq, n, gateway, time, type, subject, old, new, who, why)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`},
	} {
		var err error
		if *p.to, err = s.db.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("prepare %.40q: %w", p.text, err)
		}
	}
	return nil
}

// Close ends the use of the database. It is safe to call it twice.
func (s *sqlStore) Close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
		s.lock = nil
	}
	return err
}

func (s *sqlStore) Commit(ctx context.Context, b *batch) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	w := &writer{ctx: ctx, tx: tx, mine: make(map[*sql.Stmt]*sql.Stmt)}
	for _, c := range b.Chains {
		w.exec(s.stmt.chain, c.row, c.Gateway, c.Stream, c.Epoch, c.first, c.last,
			c.head.Seq, c.head.Hash, c.head.Boot, c.head.Mono, c.claim, c.claimHash, c.began, c.updated)
		for i, l := range c.lives {
			if l.changed {
				w.exec(s.stmt.life, c.row, l.Boot, l.First, l.Last, i)
			}
		}
	}
	for _, v := range b.Blocks {
		s.putBlock(w, v, b.LiveRows)
	}
	for _, v := range b.Evictions {
		w.exec(s.stmt.eviction, v.Row, v.From, v.To, v.Hash, v.Readings, v.T0, v.T1, v.EventSeq, v.Received)
	}
	for _, a := range b.Anomalies {
		w.exec(s.stmt.anomaly, a.Row, a.Seq, a.Kind, a.Hash, a.ID.Gateway, a.Text, a.First, a.Second, a.At)
	}
	for _, r := range b.Rejects {
		w.exec(s.stmt.reject, r.Gateway, r.Kind, r.Topic, r.Reason, r.Size, append([]byte{}, r.Message...), r.At)
	}
	for t, n := range b.Tallies {
		w.exec(s.stmt.tally, t.Gateway, t.Stream, t.Kind, n, b.At)
	}
	if w.err != nil {
		return w.err
	}
	return tx.Commit()
}

// putBlock writes a block and the rows that are read from it.
func (s *sqlStore) putBlock(w *writer, v *stored, liveRows bool) {
	b, e := v.Block, v.Edge
	w.exec(s.stmt.block, v.Arrival, v.Row, e.Seq, e.Hash, e.Prev, e.Boot, e.Mono, b.T0, b.Clock.State,
		b.Config, b.Catalogue, b.Firmware, countReadings(b), len(b.Events), v.Received, v.Message)
	for f := range figures(b) {
		w.exec(s.stmt.figure, v.Row, e.Seq, f.Source, f.Period, f.Time, f.Point, v.ID.Gateway,
			null(f.Avg), null(f.Min), null(f.Max), null(f.Cou), null(f.ZsAvg), null(f.ZsMin), null(f.ZsMax), null(f.Count), f.Flag, f.Cause)
	}
	if liveRows {
		for r := range readings(b) {
			w.exec(s.stmt.reading, v.Row, r.Source, r.Index, r.Point, v.ID.Gateway, e.Seq, r.Time, null(r.Value), null(r.Zs), r.Flag, r.Cause, v.Received)
		}
	}
	for i, ev := range b.Events {
		w.exec(s.stmt.event, v.Row, e.Seq, i, v.ID.Gateway, b.T0+ev.At, ev.Type, ev.Subject, ev.Old, ev.New, ev.Who, ev.Why)
	}
}

// A writer runs statements in a transaction until the first that fails.
type writer struct {
	ctx  context.Context
	tx   *sql.Tx
	mine map[*sql.Stmt]*sql.Stmt // those of the transaction
	err  error
}

func (w *writer) exec(stmt *sql.Stmt, args ...any) {
	if w.err != nil {
		return
	}
	s := w.mine[stmt]
	if s == nil {
		s = w.tx.StmtContext(w.ctx, stmt)
		w.mine[stmt] = s
	}
	_, w.err = s.ExecContext(w.ctx, args...)
}

// null is a value that could not be had.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// expire deletes rows of live readings and of rejects that arrived before the
// given times, a bounded number, and reports whether there are more.
func (s *sqlStore) expire(ctx context.Context, readings, rejects time.Time) (more bool, err error) {
	for _, t := range []struct {
		table  string
		before time.Time
	}{{"reading", readings}, {"reject", rejects}} {
		var oldest sql.NullInt64
		if err := s.db.QueryRowContext(ctx, `SELECT MIN(received) FROM `+t.table).Scan(&oldest); err != nil {
			return false, fmt.Errorf("expire %ss: %w", t.table, err)
		}
		until := t.before.UnixMilli()
		if !oldest.Valid || oldest.Int64 >= until {
			continue
		}
		if step := oldest.Int64 + expireStep.Milliseconds(); step < until {
			until, more = step, true
		}
		if _, err := s.db.ExecContext(ctx, `DELETE FROM `+t.table+` WHERE received < $1`, until); err != nil {
			return false, fmt.Errorf("expire %ss: %w", t.table, err)
		}
	}
	return more, nil
}

// expireStep bounds one deletion by the time that its rows span, so that blocks
// need not wait for it.
const expireStep = time.Minute

// isSQLite reports whether a file begins as a SQLite database does.
func isSQLite(head []byte) bool { return strings.HasPrefix(string(head), "SQLite format 3\x00") }
