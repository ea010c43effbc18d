package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"envgate/envelope"
)

const (
	exportBlocks = 16 << 20  // bytes of a file of blocks
	exportRows   = 1_000_000 // of a table; a spreadsheet takes 48,576 more
	exportLate   = 48 * time.Hour
)

// An exporter copies a log to a folder, in files that cover runs of blocks. A file has
// its name when it is complete and on the disk, and stands in the manifest then; so an
// export that was broken off, at any point, goes on behind the last one.
type exporter struct {
	view        *logView
	keys        envelope.KeySet
	gateway     string
	dir         string
	from, until time.Time
	streams     []string
	csv, blocks bool
	out, errs   io.Writer

	manifest manifest
	names    *naming
	bar      *progress
	wrote    int // files
	gone     uint64
}

// manifest says what is in the folder, for those who take the files on.
type manifest struct {
	Version int            `json:"v"`
	Gateway string         `json:"gateway"`
	Agent   string         `json:"agent"`
	Updated string         `json:"updated"`
	Files   []exportedFile `json:"files"`
}

type exportedFile struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"` // blocks, csv
	Stream string `json:"stream"`
	Epoch  string `json:"epoch"`
	First  uint64 `json:"first"` // blocks; all between are there
	Last   uint64 `json:"last"`
	Blocks int    `json:"blocks"`
	Rows   int    `json:"rows,omitempty"`
	From   string `json:"from"` // when the first block begins
	Until  string `json:"until"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func (e *exporter) manifestPath() string { return filepath.Join(e.dir, "manifest.json") }

// readManifest takes what is in the folder already. A file that is not what it was is
// written again.
func (e *exporter) readManifest() error {
	e.manifest = manifest{Version: 1, Gateway: e.gateway, Files: []exportedFile{}}
	b, err := readBounded(e.manifestPath(), 16<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var old manifest
	if err := json.Unmarshal(b, &old); err != nil || old.Version != 1 || old.Gateway != e.gateway {
		fmt.Fprintf(e.errs, "envgate: warning: %s cannot be read: all is written again\n", e.manifestPath())
		return nil
	}
	for _, f := range old.Files {
		size, sum, err := sumOf(filepath.Join(e.dir, filepath.Base(f.Name)))
		switch {
		case err == nil && size == f.Bytes && sum == f.SHA256:
			e.manifest.Files = append(e.manifest.Files, f)
		case err == nil || errors.Is(err, fs.ErrNotExist):
			fmt.Fprintf(e.errs, "envgate: warning: %s is not what was written: it is written again\n", f.Name)
		default:
			return err
		}
	}
	return nil
}

func sumOf(path string) (int64, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// run does the export.
func (e *exporter) run(ctx context.Context) error {
	var total int64
	for _, s := range e.streams {
		total += e.view.info.Streams[s].Bytes
	}
	if e.csv && e.blocks {
		total *= 2
	}
	e.bar = newProgress(e.errs, "export", total)
	defer e.bar.clear()
	if e.csv {
		e.names = newNaming()
		if err := e.learn(ctx); err != nil {
			return err
		}
	}
	for _, s := range e.streams {
		if e.blocks {
			if err := e.copy(ctx, s, "blocks"); err != nil {
				return err
			}
		}
		if e.csv {
			if err := e.copy(ctx, s, "csv"); err != nil {
				return err
			}
		}
	}
	if err := syncFolder(e.dir); err != nil {
		return err
	}
	e.bar.clear()
	blocks, rows := 0, 0
	for _, f := range e.manifest.Files {
		if f.Kind == "blocks" {
			blocks += f.Blocks
		}
		rows += f.Rows
	}
	if e.gone > 0 {
		fmt.Fprintf(e.out, "%d blocks were evicted from the log meanwhile\n", e.gone)
	}
	fmt.Fprintf(e.out, "%s: %s new, %d in all, with %s and %d rows\n", e.dir, plural(e.wrote, "file"), len(e.manifest.Files), plural(blocks, "block"), rows)
	fmt.Fprintln(e.out, "all of it is on the disk: the stick can be unmounted and pulled 已全部写入，可卸载并拔出存储盘")
	return nil
}

// syncFolder has a folder's names, and all else on its disk, written.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}

// learn reads what points are called from the births in the log.
func (e *exporter) learn(ctx context.Context) error {
	s := e.view.info.Streams[event]
	if s.Blocks == 0 {
		return nil
	}
	_, err := e.view.walk(ctx, event, [2]uint64{s.First, s.Last}, func(_, _ uint64, message []byte) error {
		if b, _, err := envelope.OpenBlock(message, e.keys); err == nil {
			e.names.learn(b)
		}
		return nil
	})
	return err
}

// covered says up to where the files of a kind cover a stream from seq on; 0: not at all.
func (e *exporter) covered(stream, kind string, seq uint64) uint64 {
	for _, f := range e.manifest.Files {
		if f.Stream == stream && f.Kind == kind && f.Epoch == e.view.info.Epoch && f.First <= seq && seq <= f.Last {
			return f.Last
		}
	}
	return 0
}

// copy writes what is not covered yet of one stream.
func (e *exporter) copy(ctx context.Context, stream, kind string) (err error) {
	until := e.until
	if !until.IsZero() {
		until = until.Add(exportLate) // figures of a day are sealed when it is over
	}
	runs, err := e.view.find(ctx, stream, e.from, until)
	if err != nil {
		return err
	}
	c := &copier{e: e, stream: stream, kind: kind}
	defer c.drop()
	for _, run := range runs {
		for from := run[0]; from <= run[1]; {
			if end := e.covered(stream, kind, from); end > 0 {
				s := e.view.info.Streams[stream]
				e.bar.add(s.Bytes / int64(s.Blocks) * int64(end-from+1))
				from = end + 1
				continue
			}
			to := run[1]
			for _, f := range e.manifest.Files { // up to what is covered
				if f.Stream == stream && f.Kind == kind && f.Epoch == e.view.info.Epoch && f.First > from {
					to = min(to, f.First-1)
				}
			}
			missed, err := e.view.walk(ctx, stream, [2]uint64{from, to}, func(seq, _ uint64, message []byte) error {
				e.bar.add(int64(len(message)))
				return c.block(seq, message)
			})
			e.gone += missed
			if err == nil {
				err = c.finish()
			}
			if err != nil {
				return err
			}
			from = to + 1
		}
	}
	return nil
}

// A copier writes the files of one stream and kind.
type copier struct {
	e            *exporter
	stream, kind string

	w     *whole // nil: no file is open
	entry exportedFile
	buf   []byte
	bad   int
}

// block puts a block into a file, a new one where it does not follow.
func (c *copier) block(seq uint64, message []byte) error {
	e := c.e
	b, _, err := envelope.OpenBlock(message, e.keys)
	if err != nil {
		if c.bad++; c.bad <= maxTold {
			e.bar.clear()
			fmt.Fprintf(e.errs, "envgate: warning: %s %d is left out: %v; envgate log check says more\n", c.stream, seq, err)
		}
		return c.finish()
	}
	at := time.UnixMilli(b.T0)
	if !e.from.IsZero() && at.Before(e.from) || !e.until.IsZero() && !at.Before(e.until) {
		return c.finish()
	}
	day := at.In(siteZone).Format("2006-01-02")
	if c.w != nil && (seq != c.entry.Last+1 || c.full(day)) {
		if err := c.finish(); err != nil {
			return err
		}
	}
	if c.w == nil {
		if err := c.begin(seq, day); err != nil {
			return err
		}
		c.entry.From = stamp(at)
	}
	rows := 0
	if c.kind == "blocks" {
		c.buf = envelope.AppendToFile(c.buf[:0], message)
	} else {
		c.buf, rows = e.names.rows(c.buf[:0], b)
	}
	if _, err := c.w.Write(c.buf); err != nil {
		return err
	}
	c.entry.Last, c.entry.Until = seq, stamp(at)
	c.entry.Blocks++
	c.entry.Rows += rows
	return nil
}

// full says that the next block begins another file.
func (c *copier) full(day string) bool {
	if c.kind == "blocks" {
		return c.w.size >= exportBlocks
	}
	return c.entry.Rows >= exportRows || c.entry.From[:10] != day
}

// begin opens a file. Its name is one that FAT takes.
func (c *copier) begin(seq uint64, day string) error {
	e := c.e
	epoch := e.view.info.Epoch
	name := fmt.Sprintf("%s-%s-%010d.blocks", inName(c.stream), inName(epoch[:min(len(epoch), 8)]), seq)
	head := envelope.FileHead
	if c.kind == "csv" {
		head = tableHead(c.stream)
		name = c.stream + "-" + day + ".csv"
		for n := 2; e.has(name); n++ {
			name = fmt.Sprintf("%s-%s-%d.csv", c.stream, day, n)
		}
	}
	w, err := newWhole(filepath.Join(e.dir, name))
	if err != nil {
		return err
	}
	c.w = w
	c.entry = exportedFile{Name: name, Kind: c.kind, Stream: c.stream, Epoch: epoch, First: seq, Last: seq}
	_, err = io.WriteString(w, head)
	return err
}

func (e *exporter) has(name string) bool {
	for _, f := range e.manifest.Files {
		if f.Name == name {
			return true
		}
	}
	return false
}

// finish gives the file its name, and puts it into the manifest.
func (c *copier) finish() (err error) {
	if c.w == nil {
		return nil
	}
	e, w := c.e, c.w
	c.w = nil
	if c.entry.Bytes, c.entry.SHA256, err = w.finish(); err != nil {
		return err
	}
	e.manifest.Files = append(e.manifest.Files, c.entry)
	e.manifest.Agent, e.manifest.Updated = version, stamp(time.Now())
	b, err := json.MarshalIndent(e.manifest, "", " ")
	if err != nil {
		return err
	}
	if err := writeWhole(e.manifestPath(), append(b, '\n')); err != nil {
		return err
	}
	e.wrote++
	if e.bar.width == 0 {
		fmt.Fprintf(e.out, "%s: blocks %d to %d, %s\n", c.entry.Name, c.entry.First, c.entry.Last, megabytes(c.entry.Bytes))
	}
	return nil
}

func (c *copier) drop() {
	if c.w != nil {
		c.w.drop()
		c.w = nil
	}
}

// The tables, in the words of those who read them.
func tableHead(stream string) string {
	const mark = "\ufeff" // without it a spreadsheet takes the letters for another code
	switch stream {
	case live:
		return mark + "时间,毫秒,设备,来源,因子,名称,数值,折算值,单位,标记,原因,序号,块号\r\n"
	case stat:
		return mark + "时间,周期,设备,来源,因子,名称,平均值,最小值,最大值,累计值,折算平均值,折算最小值,折算最大值,样本数,单位,标记,原因,序号,块号\r\n"
	}
	return mark + "时间,毫秒,类型,对象,原值,新值,操作者,说明,块号\r\n"
}

// naming knows what points are called, by the catalogue that a block names.
type naming struct {
	known  map[string]map[string]named // catalogue, source|point
	newest string
}

type named struct{ device, name, unit string }

// maxCatalogues bounds how many catalogues are remembered; each is some 64 KB at most.
const maxCatalogues = 64

func newNaming() *naming { return &naming{known: map[string]map[string]named{}} }

// learn takes the catalogues out of a block of events.
func (n *naming) learn(b *envelope.Block) {
	for _, ev := range b.Events {
		if ev.Type != envelope.EventBirth && ev.Type != envelope.EventCatalogue || len(n.known) >= maxCatalogues {
			continue
		}
		var c struct {
			Sources []struct {
				Source string `json:"src"`
				Device string `json:"device"`
				Points []struct {
					Point   string `json:"point"`
					Chinese string `json:"zh"`
					English string `json:"en"`
					Unit    string `json:"unit"`
				} `json:"points"`
			} `json:"sources"`
		}
		if json.Unmarshal([]byte(ev.New), &c) != nil {
			continue
		}
		points := map[string]named{}
		for _, s := range c.Sources {
			points[s.Source+"|"] = named{device: s.Device}
			for _, p := range s.Points {
				name := p.Chinese
				if name == "" {
					name = p.English
				}
				points[s.Source+"|"+p.Point] = named{s.Device, name, p.Unit}
			}
		}
		n.newest = envelope.Hash([]byte(ev.New))
		n.known[n.newest] = points
	}
}

// of is what a point of a block is called. Where its catalogue is gone, a newer one
// serves, and where that does not know it either it has its code alone.
func (n *naming) of(b *envelope.Block, source, point string) named {
	points, ok := n.known[b.Catalogue]
	if !ok {
		points = n.known[n.newest]
	}
	x, ok := points[source+"|"+point]
	if !ok {
		x = points[source+"|"]
	}
	if x.device == "" {
		x.device = source
	}
	return x
}

// rows appends the rows of a block.
func (n *naming) rows(dst []byte, b *envelope.Block) ([]byte, int) {
	rows := 0
	for _, ev := range b.Events {
		day, ms := tableTime(b.T0 + ev.At)
		dst = tableRow(dst, day, ms, ev.Type, ev.Subject, ev.Old, ev.New, ev.Who, ev.Why, fmt.Sprint(b.Seq))
		rows++
	}
	for _, g := range b.Groups {
		for i, t := range g.Times {
			if g.Kind == envelope.GroupLive {
				for c := range g.Columns {
					if g.Columns[c].Kind == envelope.ColumnZs {
						continue // in the row of its point
					}
					dst = n.live(dst, b, &g, &g.Columns[c], i, b.T0+t)
					rows++
				}
				continue
			}
			for c := range g.Columns {
				if !isFirst(g.Columns, c) {
					continue // in the row of the point's first column
				}
				dst = n.stat(dst, b, &g, c, i, b.T0+t)
				rows++
			}
		}
	}
	return dst, rows
}

func (n *naming) live(dst []byte, b *envelope.Block, g *envelope.Group, col *envelope.Column, i int, at int64) []byte {
	what := n.of(b, g.Source, col.Point)
	day, ms := tableTime(at)
	flag, cause := marks(col, i)
	zs := ""
	for k := range g.Columns {
		if c := &g.Columns[k]; c.Kind == envelope.ColumnZs && c.Point == col.Point {
			zs = c.Values[i]
		}
	}
	return tableRow(dst, day, ms, what.device, g.Source, col.Point, what.name, col.Values[i], zs, what.unit, flag, cause,
		fmt.Sprint(g.Index+uint64(i)), fmt.Sprint(b.Seq))
}

// stat appends the row of the point whose first column is c.
func (n *naming) stat(dst []byte, b *envelope.Block, g *envelope.Group, c, i int, at int64) []byte {
	first := &g.Columns[c]
	figures := map[string]string{}
	flag, cause := marks(first, i)
	for k := range g.Columns[c:] {
		col := &g.Columns[c+k]
		if col.Point != first.Point {
			continue
		}
		figures[col.Kind] = col.Values[i]
		if col.Flags != nil {
			flag, cause = marks(col, i)
		}
	}
	period := map[string]string{envelope.GroupMinute: "分钟", envelope.GroupHour: "小时", envelope.GroupDay: "日"}[g.Kind]
	what := n.of(b, g.Source, first.Point)
	day, _ := tableTime(at)
	return tableRow(dst, day, period, what.device, g.Source, first.Point, what.name,
		figures[envelope.ColumnAvg], figures[envelope.ColumnMin], figures[envelope.ColumnMax], figures[envelope.ColumnCou],
		figures[envelope.ColumnZsAvg], figures[envelope.ColumnZsMin], figures[envelope.ColumnZsMax], figures[envelope.ColumnN],
		what.unit, flag, cause, fmt.Sprint(g.Index+uint64(i)), fmt.Sprint(b.Seq))
}

// isFirst says whether column c is the first one of its point.
func isFirst(columns []envelope.Column, c int) bool {
	for i := range c {
		if columns[i].Point == columns[c].Point {
			return false
		}
	}
	return true
}

// marks are flag and cause of a value.
func marks(c *envelope.Column, i int) (flag, cause string) {
	flag = "N"
	if c.Flags != nil && c.Flags[i] != "" {
		flag = c.Flags[i]
	}
	if c.Causes != nil {
		cause = c.Causes[i]
	}
	return flag, cause
}

// tableTime is a time as spreadsheets read it, to the second: with a part of one they
// would show minutes and seconds alone.
func tableTime(ms int64) (text, part string) {
	t := time.UnixMilli(ms).In(siteZone)
	return t.Format("2006-01-02 15:04:05"), fmt.Sprint(t.Nanosecond() / 1e6)
}

// maxCell is a little less than a spreadsheet's cell holds.
const maxCell = 32_000

// row appends a row of a table.
func tableRow(dst []byte, cells ...string) []byte {
	for i, s := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCell(dst, s)
	}
	return append(dst, '\r', '\n')
}

// appendCell appends a text that a spreadsheet takes for nothing else: no formula, which
// it would run.
func appendCell(dst []byte, s string) []byte {
	if len(s) > maxCell {
		s = string(bytes.ToValidUTF8([]byte(s[:maxCell]), nil)) + "…"
	}
	if s != "" && isSpecial(s[0]) && !isNumber(s) {
		s = "'" + s
	}
	if !bytes.ContainsAny([]byte(s), "\",\r\n") {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

func isSpecial(c byte) bool {
	switch c {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		return true
	}
	return false
}

// isNumber says whether s is a sign and digits, with a point at most, and an exponent.
func isNumber(s string) bool {
	digits, point, exp := 0, false, false
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c == '.' && !point && !exp:
			point = true
		case (c == 'e' || c == 'E') && digits > 0 && !exp:
			exp, digits = true, 0
		case (c == '-' || c == '+') && (i == 0 || s[i-1] == 'e' || s[i-1] == 'E'):
		default:
			return false
		}
	}
	return digits > 0
}

// inName is what of a text may stand in a file's name: an inspected file may call its
// epoch and its streams anything.
func inName(text string) string {
	var out []byte
	for _, c := range []byte(text) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' {
			out = append(out, c)
		}
	}
	return string(out)
}
