package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// cmdHJ212 looks at what came by HJ 212. The receiver itself is part of run.
func cmdHJ212(ctx context.Context, args []string, out, _ io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "list":
			return hj212List(ctx, args[1:], out)
		case "export":
			return hj212Export(ctx, args[1:], out)
		case "compare":
			return hj212Compare(ctx, args[1:], out)
		}
	}
	return fmt.Errorf("%w: hj212 list, export or compare", errUsage)
}

// hj212List says what is there of each station and kind of data, and what was counted.
func hj212List(ctx context.Context, args []string, out io.Writer) error {
	f := flags("hj212 list")
	configPath := f.String("c", "", "configuration")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	s, err := openNamed(ctx, rest, *configPath)
	if err != nil {
		return err
	}
	defer s.Close()
	sums, err := s.hj212Sums(ctx)
	if err != nil {
		return fmt.Errorf("hj212 list: %w", err)
	}
	tallies, err := s.hj212Tallies(ctx)
	if err != nil {
		return fmt.Errorf("hj212 list: %w", err)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "mn\tcn\trecords\tbackfilled\tfirst\tlast")
	for _, one := range sums {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\n", one.MN, one.CN, one.Records, one.Backfills, siteTime(one.First), siteTime(one.Last))
	}
	w.Flush()
	fmt.Fprint(out, "\nmessages\n")
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range slices.SortedFunc(maps.Keys(tallies), func(a, b hjTally) int { return strings.Compare(a.MN+" "+a.Kind, b.MN+" "+b.Kind) }) {
		mn := t.MN
		if mn == "" {
			mn = "(no station)"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\n", mn, t.Kind, tallies[t])
	}
	return w.Flush()
}

var hj212Headings = []string{"mn", "st", "cn", "time", "factor", "name", "kind", "value", "flag", "rf", "qn", "received"}

// hj212Export writes the values as a table as spreadsheets like it.
func hj212Export(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flags("hj212 export")
	configPath := f.String("c", "", "configuration")
	sel := hj212Selection{from: math.MinInt64, to: math.MaxInt64}
	f.StringVar(&sel.mn, "mn", "", "this station alone")
	f.StringVar(&sel.cn, "cn", "", "this code alone, such as 2051")
	f.Func("from", "site time", func(s string) (err error) { sel.from, err = parseTime(s); return err })
	f.Func("to", "site time, not included", func(s string) (err error) { sel.to, err = parseTime(s); return err })
	f.Bool("csv", true, "as a table, the only form there is")
	target := f.String("out", "", "file; without it the screen")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	s, err := openNamed(ctx, rest, *configPath)
	if err != nil {
		return err
	}
	defer s.Close()
	if *target != "" {
		file, ferr := os.Create(*target)
		if ferr != nil {
			return fmt.Errorf("hj212 export: %w", ferr)
		}
		defer func() { err = errors.Join(err, file.Sync(), file.Close()) }()
		out = file
	}
	if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	w.UseCRLF = true
	_ = w.Write(hj212Headings) // the writer keeps the error
	err = s.hj212Rows(ctx, sel, func(r *hj212Row) error {
		cells := []string{
			r.MN, r.ST, r.CN, siteTime(r.Time), r.Factor, pointName(r.Factor), r.Kind, r.Value, r.Flag,
			strconv.Itoa(oneIf(r.RF)), r.QN, siteTime(r.Received),
		}
		for i, c := range cells {
			cells[i] = plainCell(c)
		}
		return w.Write(cells)
	})
	if err != nil {
		return fmt.Errorf("hj212 export: %w", err)
	}
	w.Flush()
	return w.Error()
}
