package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"envgate/envelope"
)

// siteZone is the time zone of what people read. Machines may have no zone files.
var siteZone = time.FixedZone("+08:00", 8*60*60)

func siteTime(ms int64) string {
	return time.UnixMilli(ms).In(siteZone).Format("2006-01-02T15:04:05.000-07:00")
}

// A selection says what an export holds.
type selection struct {
	gateway, stream string // "" = all
	from, to        int64  // UTC ms, from inclusive, to exclusive
}

func (s *selection) chain(id chainID) bool {
	return (s.gateway == "" || s.gateway == id.Gateway) && (s.stream == "" || s.stream == id.Stream)
}

func (s *selection) time(ms int64) bool { return s.from <= ms && ms < s.to }

// An exporter writes the blocks that it is given.
type exporter interface {
	block(id chainID, b *envelope.Block, message []byte) error
	flush() error
}

// followEvery is how often --follow looks for new blocks.
const followEvery = 250 * time.Millisecond

func cmdExport(ctx context.Context, args []string, out, _ io.Writer) (err error) {
	f := flags("export")
	configPath := f.String("c", "", "configuration")
	asCSV := f.Bool("csv", false, "rows for a spreadsheet")
	asNDJSON := f.Bool("ndjson", false, "one JSON object a line")
	asRaw := f.Bool("raw", false, "the blocks as they came, a file each, into the folder --out")
	follow := f.Bool("follow", false, "go on with what arrives, with --ndjson")
	sel := selection{from: math.MinInt64, to: math.MaxInt64}
	f.StringVar(&sel.gateway, "gateway", "", "this gateway alone")
	f.StringVar(&sel.stream, "stream", "", "live, stat or event")
	f.Func("from", "site time, such as 2026-03-01 or 2026-03-01T08:00", func(s string) (err error) { sel.from, err = parseTime(s); return err })
	f.Func("to", "site time, not included", func(s string) (err error) { sel.to, err = parseTime(s); return err })
	target := f.String("out", "", "file; without it the screen")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	n := 0
	for _, on := range []bool{*asCSV, *asNDJSON, *asRaw} {
		if on {
			n++
		}
	}
	switch {
	case n != 1:
		return fmt.Errorf("%w: one of --csv, --ndjson and --raw", errUsage)
	case *follow && !*asNDJSON:
		return fmt.Errorf("%w: --follow goes with --ndjson", errUsage)
	case *asRaw && *target == "":
		return fmt.Errorf("%w: --raw needs a folder: --out", errUsage)
	}
	s, err := openNamed(ctx, rest, *configPath)
	if err != nil {
		return err
	}
	defer s.Close()

	var p placer
	if !*follow && !*asRaw {
		if p, err = s.placer(ctx, sel.gateway); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	var e exporter
	switch {
	case *asRaw:
		if err := os.MkdirAll(*target, 0o755); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		e = rawExport{*target}
	default:
		w := out
		if *target != "" {
			file, ferr := os.Create(*target)
			if ferr != nil {
				return fmt.Errorf("export: %w", ferr)
			}
			defer func() { err = errors.Join(err, file.Sync(), file.Close()) }()
			w = file
		}
		if *asNDJSON {
			e = &jsonExport{w: bufio.NewWriter(w), sel: &sel, placer: p}
		} else {
			if sel.stream == "" {
				sel.stream = envelope.StreamLive // a table has one kind of rows
			}
			e = newCSVExport(w, &sel, p)
		}
	}
	if *follow {
		err = s.exportArrivals(ctx, &sel, e)
	} else {
		err = s.exportChains(ctx, &sel, e)
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// parseTime reads a site time.
func parseTime(s string) (int64, error) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(form, s, siteZone); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("%q: a time such as 2026-03-01, 2026-03-01T08:00 or 2026-03-01T00:00:00Z", s)
}

// exportChains writes the blocks by gateway, stream, log and number.
func (s *sqlStore) exportChains(ctx context.Context, sel *selection, e exporter) error {
	a, err := s.Load(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(a.Chains, compareChains)
	for _, c := range a.Chains {
		if !sel.chain(c.chainID) {
			continue
		}
		err := s.blocks(ctx, c, 0, func(b *stored) error { return exportBlock(b, e) })
		if err != nil {
			return err
		}
	}
	return e.flush()
}

// exportArrivals writes the blocks in the order in which they came, and then
// those that come, until ctx ends.
func (s *sqlStore) exportArrivals(ctx context.Context, sel *selection, e exporter) error {
	at := int64(0)
	for {
		next, err := s.arrivals(ctx, at, func(b *stored) error {
			if !sel.chain(b.ID) {
				return nil
			}
			return exportBlock(b, e)
		})
		if ctx.Err() != nil {
			return e.flush()
		}
		if err != nil {
			return err
		}
		if err := e.flush(); err != nil {
			return err
		}
		if next != at {
			at = next
			continue
		}
		if !pause(ctx, followEvery) {
			return nil
		}
	}
}

func exportBlock(b *stored, e exporter) error {
	block, err := b.open()
	if err != nil {
		return err
	}
	return e.block(b.ID, block, b.Message)
}
