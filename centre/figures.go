package main

import (
	"iter"

	"envgate/envelope"
)

// A reading is one live value as a row.
type reading struct {
	Source string
	Index  uint64
	Time   int64 // UTC ms
	Point  string
	Value  string // "" = could not be had
	Zs     string // converted value; "" = none, or it could not be computed
	Flag   string
	Cause  string
	Raw    []byte // the register bytes of its request, where the site keeps them as evidence
}

// A figure is what one period says of one point, as a row. A text is "" where
// the figure could not be had or was not given.
type figure struct {
	Source, Period                                 string
	Index                                          uint64
	Time                                           int64 // UTC ms
	Point                                          string
	Avg, Min, Max, Cou, ZsAvg, ZsMin, ZsMax, Count string
	Flag, Cause                                    string
}

// readings yields the live values of a block in its order: by group, time and
// point.
func readings(b *envelope.Block) iter.Seq[reading] {
	return func(yield func(reading) bool) {
		for i := range b.Groups {
			g := &b.Groups[i]
			if g.Kind != envelope.GroupLive {
				continue
			}
			for t := range g.Times {
				for j := range g.Columns {
					c := &g.Columns[j]
					if c.Kind == envelope.ColumnZs {
						continue // stands in the row of its point
					}
					flag, cause := mark(c, t)
					r := reading{
						Source: g.Source, Index: g.Index + uint64(t), Time: b.T0 + g.Times[t],
						Point: c.Point, Value: c.Values[t], Flag: flag, Cause: cause,
					}
					if zs := convertedOf(g, c.Point); zs != nil {
						r.Zs = zs.Values[t]
					}
					if g.Raw != nil {
						r.Raw = g.Raw[t]
					}
					if !yield(r) {
						return
					}
				}
			}
		}
	}
}

// convertedOf is the column of a point's converted values, nil if it has none.
func convertedOf(g *envelope.Group, point string) *envelope.Column {
	for i := range g.Columns {
		if c := &g.Columns[i]; c.Kind == envelope.ColumnZs && c.Point == point {
			return c
		}
	}
	return nil
}

// figures yields the figures of a block, one for each period, source and point.
func figures(b *envelope.Block) iter.Seq[figure] {
	return func(yield func(figure) bool) {
		for i := range b.Groups {
			g := &b.Groups[i]
			if g.Kind == envelope.GroupLive {
				continue
			}
			points := pointsOf(g)
			for t := range g.Times {
				for _, p := range points {
					f := figure{
						Source: g.Source, Period: g.Kind, Index: g.Index + uint64(t), Time: b.T0 + g.Times[t],
						Point: p, Flag: "N",
					}
					for j := range g.Columns {
						if c := &g.Columns[j]; c.Point == p {
							f.set(c, t)
						}
					}
					if !yield(f) {
						return
					}
				}
			}
		}
	}
}

// pointsOf lists the points of a group, each once, in the order of its columns.
func pointsOf(g *envelope.Group) []string {
	var points []string
	seen := make(map[string]bool)
	for j := range g.Columns {
		if p := g.Columns[j].Point; !seen[p] {
			seen[p] = true
			points = append(points, p)
		}
	}
	return points
}

func (f *figure) set(c *envelope.Column, t int) {
	if flag, cause := mark(c, t); flag != "N" {
		f.Flag, f.Cause = flag, cause
	}
	v := c.Values[t]
	switch c.Kind {
	case envelope.ColumnAvg:
		f.Avg = v
	case envelope.ColumnMin:
		f.Min = v
	case envelope.ColumnMax:
		f.Max = v
	case envelope.ColumnCou:
		f.Cou = v
	case envelope.ColumnZsAvg:
		f.ZsAvg = v
	case envelope.ColumnZsMin:
		f.ZsMin = v
	case envelope.ColumnZsMax:
		f.ZsMax = v
	case envelope.ColumnN:
		f.Count = v
	}
}

// mark returns flag and cause of a column's entry.
func mark(c *envelope.Column, t int) (flag, cause string) {
	flag = "N"
	if c.Flags != nil && c.Flags[t] != "" {
		flag = c.Flags[t]
	}
	if c.Causes != nil {
		cause = c.Causes[t]
	}
	return flag, cause
}

// countReadings counts the values of a block, those that could not be had too.
func countReadings(b *envelope.Block) (n int) {
	for i := range b.Groups {
		n += len(b.Groups[i].Times) * len(b.Groups[i].Columns)
	}
	return n
}
