package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"envgate/buffer"
	"envgate/config"
	"envgate/envelope"
)

// cmdLog looks at a log, of a running agent or a file that nobody has open. None of its
// words changes anything in it.
func cmdLog(args []string, out, errs io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "stat":
			return logStat(args[1:], out, errs)
		case "check":
			return logCheck(args[1:], out, errs)
		case "repair":
			return logRepair(args[1:], out, errs)
		case "export":
			return logExport(args[1:], out, errs)
		}
	}
	return fmt.Errorf("%w: log stat, log check, log repair or log export", errUsage)
}

// logFlags are those that say which log.
type logFlags struct {
	site string
	keys envelope.KeySet
}

func (l *logFlags) add(f *flag.FlagSet) {
	l.keys = envelope.KeySet{}
	f.StringVar(&l.site, "c", "site.yaml", "site file, where no log file is named")
	f.Func("k", "public key file, PEM; may be given again; default: the site's key", func(path string) error {
		return addKey(l.keys, path)
	})
}

// addKey adds a public key file to a set.
func addKey(keys envelope.KeySet, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	k, err := envelope.ParsePublicKey(b)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	keys[k.KeyID] = k
	return nil
}

// parse takes a command line that has nothing beside its flags but the log.
func (l *logFlags) parse(f *flag.FlagSet, args []string, errs io.Writer) (path string, site *config.Site, err error) {
	rest, err := parse(f, args)
	if err != nil {
		return "", nil, err
	}
	return l.path(rest, errs)
}

// path is the log that was named, by its file or by the site; site is nil for a file.
func (l *logFlags) path(rest []string, errs io.Writer) (path string, site *config.Site, err error) {
	switch len(rest) {
	case 0:
		if site, err = loadSite(l.site, errs); err != nil {
			return "", nil, err
		}
		if len(l.keys) == 0 {
			key, err := loadKey(site)
			if err != nil {
				return "", nil, err
			}
			l.keys[key.KeyID()] = key.Public()
		}
		return site.Storage.Path, site, nil
	case 1:
		return rest[0], nil, nil
	}
	return "", nil, fmt.Errorf("%w: one log, not %d", errUsage, len(rest))
}

// A logView is a log to be looked at. An agent that runs has its file locked, and pages
// are used again at any time: it is asked for blocks then.
type logView struct {
	path    string
	budget  int64
	info    buffer.Info
	file    *buffer.File // nil: the agent has it
	agent   *agentConn
	process int
}

// viewLog opens the log at path.
func viewLog(ctx context.Context, path string, site *config.Site) (*logView, error) {
	v := &logView{path: path}
	if site != nil {
		v.budget = site.Storage.Budget
	}
	var at config.Site
	at.Storage.Path = path
	a, err := dialAgent(&at)
	if err == nil {
		return v, v.viewLive(ctx, a)
	}
	if !errors.Is(err, errNoAgent) {
		return nil, err
	}
	v.file, err = buffer.Inspect(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hinted{err, "-c SITE finds the log by the site file; files set aside are named like it, with .aside- and a time"}
	case errors.Is(err, buffer.ErrLocked):
		return nil, hinted{err, "an agent has it, and its socket is not there: is it just starting? Try again"}
	case err != nil:
		return nil, err
	}
	v.info = v.file.Info()
	return v, nil
}

func (v *logView) viewLive(ctx context.Context, a *agentConn) error {
	v.agent = a
	r, err := a.ask(ctx, &request{Do: "log"})
	if err == nil && r.Log == nil {
		err = errors.New("the running agent did not say what its log holds: it is of another version")
	}
	if err != nil {
		a.Close()
		return err
	}
	v.info = *r.Log
	if info, err := a.site(); err == nil {
		v.process = info.Process
	}
	return nil
}

func (v *logView) Close() {
	if v.agent != nil {
		v.agent.Close()
	}
}

// streams are those that the log has, ours first.
func (v *logView) streams() []string {
	names := make([]string, 0, len(v.info.Streams))
	for name := range v.info.Streams {
		names = append(names, name)
	}
	rank := map[string]int{live: 1, stat: 2, event: 3}
	sort.Slice(names, func(i, j int) bool {
		a, b := rank[names[i]], rank[names[j]]
		if a == 0 || b == 0 || a == b {
			return a > b || a == b && names[i] < names[j]
		}
		return a < b
	})
	return names
}

// find returns the runs in which a stream's blocks of a time range are.
func (v *logView) find(ctx context.Context, stream string, from, to time.Time) ([][2]uint64, error) {
	if v.agent == nil {
		return v.file.Find(stream, from, to), nil
	}
	q := &request{Do: "log", Stream: stream}
	if !from.IsZero() {
		q.From = from.UnixMilli()
	}
	if !to.IsZero() {
		q.To = to.UnixMilli()
	}
	r, err := v.agent.ask(ctx, q)
	return r.Runs, err
}

// viewBatch is how many blocks are read at once.
const viewBatch = 256

// read is as buffer.Log.Read; pages are nil where an agent has the log.
func (v *logView) read(ctx context.Context, stream string, after uint64, n int) (first uint64, blocks [][]byte, pages []uint64, err error) {
	if v.agent == nil {
		first, blocks, pages, err = v.file.Read(stream, after, n)
		if errors.Is(err, buffer.ErrLocked) {
			err = hinted{err, "an agent was started meanwhile: run the command again, it asks the agent then"}
		}
		return first, blocks, pages, err
	}
	r, err := v.agent.ask(ctx, &request{Do: "blocks", Stream: stream, After: after, Quantity: uint16(min(n, viewBatch)), Epoch: v.info.Epoch})
	return r.First, r.Blocks, nil, err
}

// walk gives fn each block of a run, with its page (0: not known). What is evicted
// meanwhile is not given; missed is how much.
func (v *logView) walk(ctx context.Context, stream string, run [2]uint64, fn func(seq, page uint64, block []byte) error) (missed uint64, err error) {
	for next := run[0]; next <= run[1]; {
		if err := ctx.Err(); err != nil {
			return missed, err
		}
		first, blocks, pages, err := v.read(ctx, stream, next-1, int(min(viewBatch, run[1]-next+1)))
		if err != nil {
			return missed, err
		}
		if len(blocks) == 0 || first > run[1] {
			return missed + run[1] - next + 1, nil
		}
		missed += first - next
		for i, b := range blocks {
			seq, page := first+uint64(i), uint64(0)
			if seq > run[1] {
				break
			}
			if pages != nil {
				page = pages[i]
			}
			if err := fn(seq, page, b); err != nil {
				return missed, err
			}
		}
		next = first + uint64(len(blocks))
	}
	return missed, nil
}

// times are when a stream's first and last block begin, as far as they can be read.
func (v *logView) times(ctx context.Context, stream string) (gateway string, t0, t1 int64) {
	s := v.info.Streams[stream]
	if s.Blocks == 0 {
		return "", 0, 0
	}
	for i, seq := range []uint64{s.First, s.Last} {
		_, blocks, _, err := v.read(ctx, stream, seq-1, 1)
		if err != nil || len(blocks) == 0 {
			continue
		}
		b, err := envelope.PeekBlock(blocks[0])
		if err != nil {
			continue
		}
		gateway = b.Gateway
		if i == 0 {
			t0 = b.T0
		} else {
			t1 = b.T0
		}
	}
	return gateway, t0, t1
}

// logStats is what log stat says, as JSON.
type logStats struct {
	Path      string        `json:"path"`
	Gateway   string        `json:"gateway,omitempty"`
	Epoch     string        `json:"epoch"`
	Process   int           `json:"process,omitempty"` // of the agent that has it open
	Bad       string        `json:"bad,omitempty"`     // why it would be set aside
	Budget    int64         `json:"budget,omitempty"`
	FileBytes int64         `json:"file_bytes"`
	UsedBytes int64         `json:"used_bytes,omitempty"`
	Streams   []streamStats `json:"streams"`
	Cursors   []logCursor   `json:"cursors"`
	Former    *formerStats  `json:"former,omitempty"`
	Asides    []string      `json:"set_aside,omitempty"`
}

type streamStats struct {
	Stream string `json:"stream"`
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	Blocks uint64 `json:"blocks"`
	Bytes  int64  `json:"bytes"`
	From   string `json:"from,omitempty"` // when the first block begins
	Until  string `json:"until,omitempty"`
}

type logCursor struct {
	Cursor string `json:"cursor"`
	Stream string `json:"stream"`
	UpTo   uint64 `json:"upto"`
	Lacks  uint64 `json:"lacks"`
}

type formerStats struct {
	Path   string `json:"path"`
	Epoch  string `json:"epoch"`
	Reason string `json:"reason"`
}

func logStat(args []string, out, errs io.Writer) error {
	f := flags("log stat")
	var l logFlags
	l.add(f)
	asJSON := f.Bool("json", false, "for programs")
	path, site, err := l.parse(f, args, errs)
	if err != nil {
		return err
	}
	ctx, stop := untilStopped()
	defer stop()
	v, err := viewLog(ctx, path, site)
	if err != nil {
		return fmt.Errorf("log stat: %w", err)
	}
	defer v.Close()
	s := v.stats(ctx)
	if *asJSON {
		b, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		_, err = out.Write(append(b, '\n'))
		return err
	}
	return s.table(out)
}

func (v *logView) stats(ctx context.Context) logStats {
	i := v.info
	s := logStats{
		Path: v.path, Epoch: i.Epoch, Process: v.process, Budget: v.budget,
		FileBytes: i.FileBytes, UsedBytes: i.UsedBytes, Streams: []streamStats{}, Cursors: []logCursor{},
	}
	if v.file != nil && v.file.Bad() != nil {
		s.Bad = v.file.Bad().Error()
	}
	for _, name := range v.streams() {
		st := i.Streams[name]
		one := streamStats{Stream: name, First: st.First, Last: st.Last, Blocks: st.Blocks, Bytes: st.Bytes}
		if st.Blocks == 0 {
			one.First = 0
		}
		if s.Bad == "" {
			gateway, t0, t1 := v.times(ctx, name)
			if gateway != "" {
				s.Gateway = gateway
			}
			one.From, one.Until = stampMs(t0), stampMs(t1)
		}
		s.Streams = append(s.Streams, one)
	}
	for _, c := range i.Cursors {
		s.Cursors = append(s.Cursors, logCursor{c.Name, c.Stream, c.UpTo, c.Lacks})
	}
	if f := i.Former; f != nil {
		s.Former = &formerStats{f.Path, f.Epoch, f.Reason}
	}
	s.Asides, _ = buffer.Asides(v.path) // a word more, where the folder can be read
	return s
}

func (s *logStats) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, text string) { fmt.Fprintf(w, "%s\t%s\n", what, text) }
	switch {
	case s.Process > 0:
		row("log", fmt.Sprintf("%s, open in process %d", s.Path, s.Process))
	case s.Bad != "":
		row("log", s.Path+", damaged: "+s.Bad)
	default:
		row("log", s.Path+", nobody has it open")
	}
	if s.Gateway != "" {
		row("gateway", s.Gateway)
	}
	row("epoch", s.Epoch)
	size := megabytes(s.FileBytes)
	if s.UsedBytes > 0 {
		size += ", in use " + megabytes(s.UsedBytes)
	}
	if s.Budget > 0 {
		size += ", budget " + megabytes(s.Budget)
	}
	row("file", size)
	if s.Former != nil {
		row("former", fmt.Sprintf("epoch %s, set aside: %s", s.Former.Epoch, s.Former.Reason))
	}
	for _, name := range s.Asides {
		row("set aside", name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	fmt.Fprintln(w, "STREAM\tFIRST\tLAST\tBLOCKS\tSIZE\tFROM\tUNTIL")
	for _, t := range s.Streams {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\t%s\n", t.Stream, t.First, t.Last, t.Blocks, megabytes(t.Bytes), shortTime(t.From), shortTime(t.Until))
	}
	if err := w.Flush(); err != nil || len(s.Cursors) == 0 {
		return err
	}
	fmt.Fprintln(out)
	fmt.Fprintln(w, "CURSOR\tSTREAM\tDELIVERED TO\tNOT DELIVERED")
	for _, c := range s.Cursors {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", c.Cursor, c.Stream, c.UpTo, c.Lacks)
	}
	return w.Flush()
}

// shortTime is a stamp to the second, without its zone.
func shortTime(stamp string) string {
	if len(stamp) < 19 {
		return "-"
	}
	return strings.Replace(stamp[:19], "T", " ", 1)
}

func megabytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
