package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"
)

// cmdGaps prints the account of a database: for each stream what is there, what
// is missing and what was evicted, then what was refused and what contradicts
// itself. It opens the database to read, also while a centre writes it.
func cmdGaps(ctx context.Context, args []string, out, _ io.Writer) error {
	f := flags("gaps")
	configPath := f.String("c", "", "configuration")
	gateway := f.String("gateway", "", "this gateway alone")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	s, err := openNamed(ctx, rest, *configPath)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.reportGaps(ctx, out, *gateway); err != nil {
		return fmt.Errorf("gaps: %w", err)
	}
	return nil
}

func (s *sqlStore) reportGaps(ctx context.Context, out io.Writer, gateway string) error {
	a, err := s.Load(ctx)
	if err != nil {
		return err
	}
	wanted := func(id string) bool { return gateway == "" || id == gateway }
	evicted := make(map[int64][]eviction)
	if err := s.evictions(ctx, func(row int64, ev eviction) { evicted[row] = append(evicted[row], ev) }); err != nil {
		return err
	}
	tallies, err := s.tallies(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(a.Chains, compareChains)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GATEWAY\tSTREAM\tEPOCH\tFIRST\tLAST\tRECEIPT TO\tMISSING\tEVICTED\tREADINGS GONE\tNEWEST")
	for _, c := range a.Chains {
		if !wanted(c.Gateway) {
			continue
		}
		var gone uint64
		for _, ev := range evicted[c.row] {
			gone += ev.Readings
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%d\t%s\n", c.Gateway, c.Stream, c.Epoch, c.first, c.last, c.head.Seq,
			gapsText(c.gaps()), evictedText(evicted[c.row]), gone, siteTime(c.updated))
	}
	reportTallies(w, tallies, wanted)
	if err := s.reportAnomalies(ctx, w, wanted); err != nil {
		return err
	}
	return w.Flush()
}

// shownRanges bounds a cell of the table.
const shownRanges = 12

func gapsText(gaps iter.Seq[gap]) string {
	var parts []string
	for g := range gaps {
		parts = append(parts, rangeText(g.from, g.to))
	}
	return listText(parts)
}

func evictedText(evs []eviction) string {
	parts := make([]string, 0, len(evs))
	for _, ev := range evs {
		parts = append(parts, rangeText(ev.From, ev.To))
	}
	return listText(parts)
}

func listText(parts []string) string {
	switch n := len(parts); {
	case n == 0:
		return "none"
	case n > shownRanges:
		return fmt.Sprintf("%s and %d more", strings.Join(parts[:shownRanges], " "), n-shownRanges)
	}
	return strings.Join(parts, " ")
}

// kindOrder is the order of the columns of counters.
var kindOrder = []string{
	kindBlock, kindDuplicate,
	kindFork, kindRewrite, kindBreak, kindAnchor, kindHead, kindRollback, kindBackwards, kindClone,
	kindSignature, kindForeign, kindOversize, kindGarbage, kindUnknown,
}

// reportTallies prints the counters that are not zero, a line for each gateway
// and stream.
func reportTallies(w io.Writer, tallies map[tally]int64, wanted func(string) bool) {
	lines := make(map[[2]string][]string)
	for _, kind := range kindOrder {
		for t, n := range tallies {
			if t.Kind == kind && n > 0 && wanted(t.Gateway) {
				k := [2]string{t.Gateway, t.Stream}
				lines[k] = append(lines[k], fmt.Sprintf("%d %s", n, kind))
			}
		}
	}
	keys := make([][2]string, 0, len(lines))
	for k := range lines {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return strings.Compare(a[0]+"\x00"+a[1], b[0]+"\x00"+b[1]) })
	fmt.Fprintln(w, "\nGATEWAY\tSTREAM\tCAME")
	for _, k := range keys {
		name := k[0]
		if name == "" {
			name = "(not in the register)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, dash(k[1]), strings.Join(lines[k], ", "))
	}
}

func (s *sqlStore) reportAnomalies(ctx context.Context, w io.Writer, wanted func(string) bool) error {
	first := true
	return s.anomalies(ctx, func(a anomaly) {
		if !wanted(a.ID.Gateway) {
			return
		}
		if first {
			fmt.Fprintln(w, "\nANOMALY\tGATEWAY\tSTREAM\tEPOCH\tBLOCK\tWHEN\tWHAT")
			first = false
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", a.Kind, a.ID.Gateway, a.ID.Stream, a.ID.Epoch, a.Seq, siteTime(a.At), a.Text)
	})
}
