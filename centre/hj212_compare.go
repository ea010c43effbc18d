package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"envgate/hj212"
)

// This file holds the figures of a gateway that came by MQTT, signed, against those that
// came by HJ 212.

// figureKinds are the figures by their kind in HJ 212, in the order in which they are told.
var figureKinds = []struct {
	kind string
	of   func(*figure) string
}{
	{"Avg", func(f *figure) string { return f.Avg }},
	{"Min", func(f *figure) string { return f.Min }},
	{"Max", func(f *figure) string { return f.Max }},
	{"Cou", func(f *figure) string { return f.Cou }},
	{"ZsAvg", func(f *figure) string { return f.ZsAvg }},
	{"ZsMin", func(f *figure) string { return f.ZsMin }},
	{"ZsMax", func(f *figure) string { return f.ZsMax }},
}

// periodsOf are the codes of figures (HJ 212-2017, table 9).
var periodsOf = []struct{ period, cn, name string }{
	{"min", "2051", "minute"}, {"hour", "2061", "hour"}, {"day", "2031", "day"},
}

// A figureAt is one figure by either way.
type figureAt struct {
	time int64
	code string
}

// A byHJ212 is what a platform was told of one figure.
type byHJ212 struct {
	flag   string
	values map[string]string // by kind
}

// A comparison counts and names what is not the same by both ways.
type comparison struct {
	out    io.Writer
	most   int // so many are named
	same   int
	differ int
	onlyM  int // by MQTT
	onlyH  int // by HJ 212
	named  int
}

func (c *comparison) bad() int { return c.differ + c.onlyM + c.onlyH }

func (c *comparison) tell(format string, args ...any) {
	if c.named++; c.named <= c.most {
		fmt.Fprintf(c.out, "  "+format+"\n", args...)
	}
}

func hj212Compare(ctx context.Context, args []string, out io.Writer) error {
	f := flags("hj212 compare")
	configPath := f.String("c", "", "configuration, with hj212.stations")
	gateway := f.String("gateway", "", "this gateway alone")
	all := f.Bool("all", false, "name all differences, not the first 20 of each kind")
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	f.Func("from", "site time; else from the first that came by HJ 212", func(s string) (err error) { from, err = parseTime(s); return err })
	f.Func("to", "site time, not included; else to the last by either way", func(s string) (err error) { to, err = parseTime(s); return err })
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 || *configPath == "" {
		return fmt.Errorf("%w: hj212 compare needs -c with a configuration", errUsage)
	}
	c, err := loadConfig(*configPath)
	if err != nil {
		return err
	}
	if c.HJ212 == nil {
		return withHint(fmt.Errorf("%s has no hj212", *configPath), "centre.example.yaml shows it")
	}
	s, err := openReader(ctx, c.Database)
	if err != nil {
		return err
	}
	defer s.Close()
	bad := 0
	for _, station := range c.HJ212.Stations {
		if station.Gateway == "" || *gateway != "" && station.Gateway != *gateway {
			continue
		}
		fmt.Fprintf(out, "%s, by HJ 212 as %s\n", station.Gateway, station.MN)
		for _, p := range periodsOf {
			one := comparison{out: out, most: 20}
			if *all {
				one.most = math.MaxInt
			}
			if err := s.compare(ctx, &one, station, p.period, p.cn, from, to); err != nil {
				return fmt.Errorf("hj212 compare: %w", err)
			}
			if one.named > one.most {
				fmt.Fprintf(out, "  and %d more: --all names them\n", one.named-one.most)
			}
			fmt.Fprintf(out, "%s figures: %d the same, %d differ, %d by MQTT alone, %d by HJ 212 alone\n", p.name, one.same, one.differ, one.onlyM, one.onlyH)
			bad += one.bad()
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d figures are not the same by both ways", bad)
	}
	return nil
}

// compare goes through the figures of one period day by day, so that it holds one day in
// memory.
func (s *sqlStore) compare(ctx context.Context, c *comparison, st *station, period, cn string, from, to int64) error {
	first, newest, some, err := s.hj212Bounds(ctx, st.MN, cn)
	if err != nil {
		return err
	}
	points, last, err := s.figurePoints(ctx, st.Gateway, period)
	if err != nil {
		return err
	}
	switch {
	case !some && (len(points) == 0 || from == math.MinInt64):
		return nil // nothing came by HJ 212, and nobody says from when it should have
	case !some:
		from = max(from, 0)
	default:
		from, last = max(from, first), max(last, newest)
	}
	for to = min(to, last+1); from < to; from += day.Milliseconds() {
		span := figureSpan{st.Gateway, period, points, from, min(to, from+day.Milliseconds())}
		if err := s.compareSpan(ctx, c, st, span, cn); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqlStore) compareSpan(ctx context.Context, c *comparison, st *station, span figureSpan, cn string) error {
	theirs := map[figureAt]*byHJ212{}
	err := s.hj212Rows(ctx, hj212Selection{st.MN, cn, span.from, span.to}, func(r *hj212Row) error {
		at := figureAt{r.Time, r.Factor}
		if theirs[at] == nil {
			theirs[at] = &byHJ212{values: map[string]string{}}
		}
		theirs[at].flag = r.Flag
		if r.Kind != "" {
			theirs[at].values[r.Kind] = r.Value
		}
		return nil
	})
	if err != nil {
		return err
	}
	ours := map[figureAt][]*figure{} // of several sources, or sealed again after a clock was set
	err = s.figureRows(ctx, span, func(f *figure) {
		for _, code := range st.codesOf(f) {
			at := figureAt{f.Time, code}
			ours[at] = append(ours[at], f)
		}
	})
	if err != nil {
		return err
	}
	order := slices.AppendSeq(slices.Collect(maps.Keys(ours)), maps.Keys(theirs))
	slices.SortFunc(order, func(a, b figureAt) int { return cmp.Or(cmp.Compare(a.time, b.time), strings.Compare(a.code, b.code)) })
	for _, at := range slices.Compact(order) {
		c.one(st, at, ours[at], theirs[at])
	}
	return nil
}

// codesOf are the codes under which a figure goes out.
func (st *station) codesOf(f *figure) (codes []string) {
	if len(st.Points) == 0 {
		if _, ok := hj212.LookupFactor(hj212.Ed2025, f.Point); ok {
			return []string{f.Point}
		}
		if _, ok := hj212.LookupFactor(hj212.Ed2017, f.Point); ok {
			return []string{f.Point}
		}
		return nil
	}
	device, _, _ := strings.Cut(f.Source, "/")
	for code, p := range st.Points {
		if p.Point == f.Point && (p.Device == "" || p.Device == device) {
			codes = append(codes, code)
		}
	}
	return codes
}

// one holds a figure by one way against that by the other. Where several sources have it
// or it was sealed again, one that is the same will do.
func (c *comparison) one(st *station, at figureAt, ours []*figure, theirs *byHJ212) {
	when := time.UnixMilli(at.time).In(siteZone).Format("2006-01-02 15:04")
	switch {
	case len(ours) == 0:
		c.onlyH++
		c.tell("%s %s by HJ 212 alone", when, at.code)
		return
	case theirs == nil:
		c.onlyM++
		c.tell("%s %s by MQTT alone (%s)", when, at.code, ours[0].Source)
		return
	}
	scale := big.NewRat(1, 1)
	if p, ok := st.Points[at.code]; ok {
		scale = p.scale
	}
	first := ""
	for _, f := range ours {
		what := difference(f, theirs, scale)
		if what == "" {
			c.same++
			return
		}
		first = cmp.Or(first, what+" ("+f.Source+")")
	}
	c.differ++
	c.tell("%s %s %s", when, at.code, first)
}

// difference says in what two figures are not the same, "" in nothing.
func difference(f *figure, theirs *byHJ212, scale *big.Rat) string {
	if f.Flag != theirs.flag {
		return fmt.Sprintf("flag is %s by MQTT, %s by HJ 212", f.Flag, cmp.Or(theirs.flag, "none"))
	}
	for _, k := range figureKinds {
		a, b := k.of(f), theirs.values[k.kind]
		if a != b && !sameNumber(a, b, scale) {
			return fmt.Sprintf("%s is %s by MQTT, %s by HJ 212", k.kind, cmp.Or(a, "none"), cmp.Or(b, "none"))
		}
	}
	return ""
}

// sameNumber says whether b is a, scaled and rounded to the digits that b has.
func sameNumber(a, b string, scale *big.Rat) bool {
	x, y := number(a), number(b)
	if x == nil || y == nil {
		return false
	}
	_, decimals, _ := strings.Cut(b, ".")
	half := new(big.Rat).SetFrac64(1, 2)
	for range len(decimals) {
		half.Quo(half, big.NewRat(10, 1))
	}
	off := new(big.Rat).Sub(x.Mul(x, scale), y)
	if decimals == "" && scale.Cmp(big.NewRat(1, 1)) == 0 && !strings.Contains(a, ".") {
		return off.Sign() == 0
	}
	return off.Abs(off).Cmp(half) <= 0
}

// number reads a decimal number of some digits; nil for anything else.
func number(s string) *big.Rat {
	if s == "" || len(s) > 64 || strings.Trim(s, "-0123456789.") != "" {
		return nil
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return r
}
