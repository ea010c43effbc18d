package main

import (
	"bufio"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"envgate/envelope"
	"envgate/hj212"
)

// A csvExport writes a table as spreadsheets like it: UTF-8 with a byte order
// mark, headings, CR LF.
type csvExport struct {
	w       *csv.Writer
	raw     io.Writer
	sel     *selection
	placer  placer
	started bool
}

func newCSVExport(w io.Writer, sel *selection, p placer) *csvExport {
	c := &csvExport{w: csv.NewWriter(w), raw: w, sel: sel, placer: p}
	c.w.UseCRLF = true
	return c
}

// headings of the three kinds of tables.
var (
	liveHeadings  = []string{"gateway", "source", "index", "time", "point", "name", "value", "zs", "flag", "cause", "epoch", "seq", "clock", "placed"}
	statHeadings  = []string{"gateway", "source", "index", "time", "period", "point", "name", "avg", "min", "max", "cou", "zsavg", "zsmin", "zsmax", "n", "flag", "cause", "epoch", "seq", "clock"}
	eventHeadings = []string{"gateway", "time", "type", "subject", "old", "new", "who", "why", "epoch", "seq", "clock", "placed"}
)

func (c *csvExport) head() error {
	if c.started {
		return nil
	}
	c.started = true
	if _, err := io.WriteString(c.raw, "\ufeff"); err != nil {
		return err
	}
	switch c.sel.stream {
	case envelope.StreamStat:
		return c.w.Write(statHeadings)
	case envelope.StreamEvent:
		return c.w.Write(eventHeadings)
	}
	return c.w.Write(liveHeadings)
}

func (c *csvExport) block(id chainID, b *envelope.Block, _ []byte) error {
	if err := c.head(); err != nil {
		return err
	}
	seq := strconv.FormatUint(b.Seq, 10)
	switch id.Stream {
	case envelope.StreamStat:
		for f := range figures(b) {
			if c.sel.time(f.Time) {
				c.row(id.Gateway, f.Source, strconv.FormatUint(f.Index, 10), siteTime(f.Time), f.Period, f.Point, pointName(f.Point),
					f.Avg, f.Min, f.Max, f.Cou, f.ZsAvg, f.ZsMin, f.ZsMax, f.Count, f.Flag, f.Cause, id.Epoch, seq, b.Clock.State)
			}
		}
	case envelope.StreamEvent:
		for _, e := range b.Events {
			t := b.T0 + e.At
			if clock, placed, when := c.placer.marks(id.Gateway, b, t); c.sel.time(when) {
				c.row(id.Gateway, siteTime(t), e.Type, e.Subject, e.Old, e.New, e.Who, e.Why, id.Epoch, seq, clock, placed)
			}
		}
	default:
		for r := range readings(b) {
			if clock, placed, when := c.placer.marks(id.Gateway, b, r.Time); c.sel.time(when) {
				c.row(id.Gateway, r.Source, strconv.FormatUint(r.Index, 10), siteTime(r.Time), r.Point, pointName(r.Point), r.Value, r.Zs, r.Flag, r.Cause, id.Epoch, seq, clock, placed)
			}
		}
	}
	return c.w.Error()
}

// row writes one row. The writer keeps the first error.
func (c *csvExport) row(cells ...string) {
	for i, s := range cells {
		cells[i] = plainCell(s)
	}
	_ = c.w.Write(cells)
}

func (c *csvExport) flush() error {
	if err := c.head(); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}

// plainCell keeps a text from being taken for a formula by a spreadsheet, which
// would run it. Numbers may begin with a sign.
func plainCell(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return "'" + s
}

// pointName is the Chinese name of a factor of the standard, or "".
func pointName(code string) string {
	f, _ := hj212.LookupFactor(hj212.Ed2017, code)
	return f.Chinese
}

// A jsonExport writes one object a line: a reading, a figure or an event, each
// with the gateway, stream, epoch and number of its block.
type jsonExport struct {
	w      *bufio.Writer
	sel    *selection
	placer placer
}

// The lines of an NDJSON export. A value that could not be had is null.
type (
	jsonBlock struct {
		Gateway string `json:"gateway"`
		Stream  string `json:"stream"`
		Epoch   string `json:"epoch"`
		Seq     uint64 `json:"seq"`
	}
	// What a time is worth: the clock's state, if it is not sync, and when it really was.
	jsonClock struct {
		Clock  string `json:"clock,omitempty"`
		Placed string `json:"placed,omitempty"`
	}
	jsonReading struct {
		jsonBlock
		Source string  `json:"source"`
		Index  uint64  `json:"index"`
		Time   string  `json:"time"`
		Point  string  `json:"point"`
		Value  *string `json:"value"`
		Zs     string  `json:"zs,omitempty"` // converted
		Flag   string  `json:"flag"`
		Cause  string  `json:"cause,omitempty"`
		Raw    string  `json:"raw,omitempty"` // hexadecimal
		jsonClock
	}
	jsonFigure struct {
		jsonBlock
		Source string            `json:"source"`
		Index  uint64            `json:"index"`
		Time   string            `json:"time"`
		Period string            `json:"period"`
		Point  string            `json:"point"`
		Values map[string]string `json:"values"`
		Flag   string            `json:"flag"`
		Cause  string            `json:"cause,omitempty"`
		Clock  string            `json:"clock,omitempty"`
	}
	jsonEvent struct {
		jsonBlock
		Time    string `json:"time"`
		Type    string `json:"type"`
		Subject string `json:"subject,omitempty"`
		Old     string `json:"old,omitempty"`
		New     string `json:"new,omitempty"`
		Who     string `json:"who,omitempty"`
		Why     string `json:"why,omitempty"`
		jsonClock
	}
)

func (j *jsonExport) block(id chainID, b *envelope.Block, _ []byte) error {
	head := jsonBlock{id.Gateway, id.Stream, id.Epoch, b.Seq}
	enc := json.NewEncoder(j.w)
	enc.SetEscapeHTML(false)
	for r := range readings(b) {
		clock, when := j.clock(id, b, r.Time)
		if !j.sel.time(when) {
			continue
		}
		line := jsonReading{head, r.Source, r.Index, siteTime(r.Time), r.Point, nil, r.Zs, r.Flag, r.Cause, hex.EncodeToString(r.Raw), clock}
		if r.Value != "" {
			line.Value = &r.Value
		}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	for f := range figures(b) {
		if !j.sel.time(f.Time) {
			continue
		}
		if err := enc.Encode(jsonFigure{head, f.Source, f.Index, siteTime(f.Time), f.Period, f.Point, f.values(), f.Flag, f.Cause, unlessSync(b)}); err != nil {
			return err
		}
	}
	for _, e := range b.Events {
		t := b.T0 + e.At
		clock, when := j.clock(id, b, t)
		if !j.sel.time(when) {
			continue
		}
		if err := enc.Encode(jsonEvent{head, siteTime(t), e.Type, e.Subject, e.Old, e.New, e.Who, e.Why, clock}); err != nil {
			return err
		}
	}
	return nil
}

// clock says what a time of a block is worth, and by which it is selected.
func (j *jsonExport) clock(id chainID, b *envelope.Block, ms int64) (jsonClock, int64) {
	_, placed, when := j.placer.marks(id.Gateway, b, ms)
	return jsonClock{unlessSync(b), placed}, when
}

func unlessSync(b *envelope.Block) string {
	if b.Clock.State == envelope.ClockSync {
		return ""
	}
	return b.Clock.State
}

func (j *jsonExport) flush() error { return j.w.Flush() }

// values are the figures that could be had, by kind.
func (f *figure) values() map[string]string {
	v := make(map[string]string)
	for _, p := range []struct{ kind, value string }{
		{envelope.ColumnAvg, f.Avg},
		{envelope.ColumnMin, f.Min},
		{envelope.ColumnMax, f.Max},
		{envelope.ColumnCou, f.Cou},
		{envelope.ColumnZsAvg, f.ZsAvg},
		{envelope.ColumnZsMin, f.ZsMin},
		{envelope.ColumnZsMax, f.ZsMax},
		{envelope.ColumnN, f.Count},
	} {
		if p.value != "" {
			v[p.kind] = p.value
		}
	}
	return v
}

// A rawExport writes each block as it came into a file of its own, for verifiers
// of other hands.
type rawExport struct{ folder string }

func (r rawExport) block(id chainID, b *envelope.Block, message []byte) error {
	name := fmt.Sprintf("%s-%s-%s-%010d.block", id.Gateway, id.Stream, id.Epoch, b.Seq)
	return os.WriteFile(filepath.Join(r.folder, name), message, 0o644)
}

func (r rawExport) flush() error { return nil }
