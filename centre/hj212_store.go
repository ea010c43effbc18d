package main

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"math"
	"strings"
)

//go:embed hj212.sql
var hj212Schema string

// An hj212Row is one value of a message, as in hj212.sql.
type hj212Row struct {
	MN, ST, CN   string
	Time         int64 // UTC ms
	Factor, Kind string
	Value, Flag  string // Value "" = the flag alone came
	RF           bool
	QN           string
	Received     int64 // UTC ms
}

// What became of a message, and what else of HJ 212 is counted.
const (
	hjStored  = "stored"
	hjAgain   = "again"
	hjDoubled = "doubled"
	hjDiffers = "differs"
	hjOdd     = "odd"
	hjNotice  = "notice"
	hjDenied  = "denied"
	hjBad     = "bad"
)

// hjTally names a counter of HJ 212.
type hjTally struct{ MN, Kind string }

// openHJ212 makes the tables where they are not there yet.
func (s *sqlStore) openHJ212(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, hj212Schema); err != nil {
		return fmt.Errorf("make tables of HJ 212: %w", err)
	}
	return nil
}

// putHJ212 stores the rows of one message, all or none of them, and says what became of
// it: stored, doubled or differs. What is there stays as it is.
func (s *sqlStore) putHJ212(ctx context.Context, rows []hj212Row) (kind string, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer tx.Rollback()
	fresh, differs := 0, 0
	for i := range rows {
		is, err := putHJ212Row(ctx, tx, &rows[i])
		if err != nil {
			return "", err
		}
		switch is {
		case hjStored:
			fresh++
		case hjDiffers:
			differs++
		}
	}
	if err := tx.Commit(); err != nil {
		return "", err
	}
	switch {
	case differs > 0:
		return hjDiffers, nil
	case fresh > 0:
		return hjStored, nil
	}
	return hjDoubled, nil
}

func putHJ212Row(ctx context.Context, tx *sql.Tx, r *hj212Row) (kind string, err error) {
	done, err := tx.ExecContext(ctx, `INSERT INTO hj212_record (mn, st, cn, time, factor, kind, value, flag, rf, qn, received)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		r.MN, r.ST, r.CN, r.Time, r.Factor, r.Kind, null(r.Value), r.Flag, oneIf(r.RF), r.QN, r.Received)
	if err != nil {
		return "", err
	}
	if n, err := done.RowsAffected(); err != nil || n > 0 {
		return hjStored, err
	}
	var value, flag string
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(value, ''), flag FROM hj212_record
		WHERE mn = $1 AND st = $2 AND cn = $3 AND time = $4 AND factor = $5 AND kind = $6`,
		r.MN, r.ST, r.CN, r.Time, r.Factor, r.Kind).Scan(&value, &flag)
	if err != nil {
		return "", err
	}
	if value == r.Value && flag == r.Flag {
		return hjDoubled, nil
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO hj212_other (mn, st, cn, time, factor, kind, value, flag, rf, qn, received)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		r.MN, r.ST, r.CN, r.Time, r.Factor, r.Kind, r.Value, r.Flag, oneIf(r.RF), r.QN, r.Received)
	return hjDiffers, err
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// countHJ212 adds to the counters.
func (s *sqlStore) countHJ212(ctx context.Context, counts map[hjTally]int64, now int64) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for t, n := range counts {
		_, err := tx.ExecContext(ctx, `INSERT INTO hj212_tally (mn, kind, n, updated) VALUES ($1, $2, $3, $4)
			ON CONFLICT (mn, kind) DO UPDATE SET n = hj212_tally.n + excluded.n, updated = excluded.updated`, t.MN, t.Kind, n, now)
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// An hj212Sum says what is there of one MN and CN.
type hj212Sum struct {
	MN, CN             string
	Records, Backfills int
	First, Last        int64 // DataTime, UTC ms
}

// hj212Sums lists what is there, by MN and CN. A database that never had HJ 212 has
// nothing.
func (s *sqlStore) hj212Sums(ctx context.Context) (all []hj212Sum, err error) {
	err = s.each(ctx, `SELECT mn, cn, COUNT(*), SUM(rf), MIN(time), MAX(time)
		FROM (SELECT mn, st, cn, time, MAX(rf) AS rf FROM hj212_record GROUP BY mn, st, cn, time) AS one
		GROUP BY mn, cn ORDER BY mn, cn`, func(scan func(...any) error) error {
		var one hj212Sum
		err := scan(&one.MN, &one.CN, &one.Records, &one.Backfills, &one.First, &one.Last)
		all = append(all, one)
		return err
	})
	return all, unlessNoTable(err)
}

func (s *sqlStore) hj212Tallies(ctx context.Context) (map[hjTally]int64, error) {
	all := map[hjTally]int64{}
	err := s.each(ctx, `SELECT mn, kind, n FROM hj212_tally`, func(scan func(...any) error) error {
		var t hjTally
		var n int64
		err := scan(&t.MN, &t.Kind, &n)
		all[t] = n
		return err
	})
	return all, unlessNoTable(err)
}

// An hj212Selection says which rows an export holds.
type hj212Selection struct {
	mn, cn   string // "" = all
	from, to int64  // UTC ms, to not included
}

// hj212Rows calls f for rows by station, code, time, factor and kind. It asks for some at
// a time, as [sqlStore.blocks] does, and f is called between two queries.
func (s *sqlStore) hj212Rows(ctx context.Context, sel hj212Selection, f func(*hj212Row) error) error {
	last := hj212Row{Time: math.MinInt64}
	for {
		var got []hj212Row
		err := s.each(ctx, `SELECT mn, st, cn, time, factor, kind, COALESCE(value, ''), flag, rf, qn, received FROM hj212_record
			WHERE ($1 = '' OR mn = $1) AND ($2 = '' OR cn = $2) AND time >= $3 AND time < $4
			AND (mn, st, cn, time, factor, kind) > ($5, $6, $7, $8, $9, $10)
			ORDER BY mn, st, cn, time, factor, kind LIMIT $11`, func(scan func(...any) error) error {
			var r hj212Row
			rf := 0
			err := scan(&r.MN, &r.ST, &r.CN, &r.Time, &r.Factor, &r.Kind, &r.Value, &r.Flag, &rf, &r.QN, &r.Received)
			r.RF = rf != 0
			got = append(got, r)
			return err
		}, sel.mn, sel.cn, sel.from, sel.to, last.MN, last.ST, last.CN, last.Time, last.Factor, last.Kind, hj212Page)
		if err != nil {
			return unlessNoTable(err)
		}
		for i := range got {
			if err := f(&got[i]); err != nil {
				return err
			}
		}
		if len(got) < hj212Page {
			return nil
		}
		last = got[len(got)-1]
	}
}

const hj212Page = 2000

// unlessNoTable drops the error of tables that were never made.
func unlessNoTable(err error) error {
	if err != nil && strings.Contains(err.Error(), "no such table: hj212_") {
		return nil
	}
	return err
}

// hj212Bounds are the first and last time of a station's records; ok is false where there
// are none.
func (s *sqlStore) hj212Bounds(ctx context.Context, mn, cn string) (first, last int64, ok bool, err error) {
	var a, b sql.NullInt64
	err = s.db.QueryRowContext(ctx, `SELECT (SELECT MIN(time) FROM hj212_record WHERE mn = $1 AND cn = $2),
		(SELECT MAX(time) FROM hj212_record WHERE mn = $1 AND cn = $2)`, mn, cn).Scan(&a, &b)
	return a.Int64, b.Int64, a.Valid, unlessNoTable(err)
}

// A figureSpan is a part of the figures of a gateway that came by MQTT.
type figureSpan struct {
	gateway, period string
	points          []string
	from, to        int64 // UTC ms, to not included
}

// figureRows calls f for the figures of a span, by point, time and source, without those
// of times that the gateway did not know. It goes point by point, as the index does.
func (s *sqlStore) figureRows(ctx context.Context, span figureSpan, f func(*figure)) error {
	for _, point := range span.points {
		err := s.each(ctx, `SELECT source, time, COALESCE(avg, ''), COALESCE(min, ''), COALESCE(max, ''), COALESCE(cou, ''),
			COALESCE(zsavg, ''), COALESCE(zsmin, ''), COALESCE(zsmax, ''), flag, cause FROM figure
			WHERE gateway = $1 AND point = $2 AND period = $3 AND time >= $4 AND time < $5 AND cause <> 'no-clock'
			ORDER BY time, source`, func(scan func(...any) error) error {
			g := &figure{Period: span.period, Point: point}
			err := scan(&g.Source, &g.Time, &g.Avg, &g.Min, &g.Max, &g.Cou, &g.ZsAvg, &g.ZsMin, &g.ZsMax, &g.Flag, &g.Cause)
			f(g)
			return err
		}, span.gateway, point, span.period, span.from, span.to)
		if err != nil {
			return err
		}
	}
	return nil
}

// figurePoints are the points of a gateway that have figures, and their newest time.
func (s *sqlStore) figurePoints(ctx context.Context, gateway, period string) (points []string, last int64, err error) {
	err = s.each(ctx, `SELECT point, MAX(time) FROM figure WHERE gateway = $1 AND period = $2 AND cause <> 'no-clock'
		GROUP BY point ORDER BY point`, func(scan func(...any) error) error {
		var point string
		var newest int64
		err := scan(&point, &newest)
		points, last = append(points, point), max(last, newest)
		return err
	}, gateway, period)
	return points, last, err
}
