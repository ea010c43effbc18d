package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"envgate/envelope"
)

// cmdImport takes blocks from files: what a technician brought on a stick, or what was
// salvaged from a damaged log. They go the way of those that come by MQTT: the same
// checks, the same account, the same bytes kept. Gateways get their receipts when the
// centre runs again.
func cmdImport(ctx context.Context, args []string, out, errs io.Writer) (err error) {
	f := flags("import")
	path := f.String("c", "centre.yaml", "configuration")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: import needs files or folders", errUsage)
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	files, err := expand(rest)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	st, err := openStore(ctx, c.Database)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	log := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	i := &importer{
		register: c.Register, prefix: c.Prefix, counts: make(map[string]int64),
		ledger: &ledger{store: st, keep: c.Keep, liveRows: c.LiveRows > 0, log: log, unordered: true},
	}
	if err := i.ledger.load(ctx); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	bad, taken := 0, 0
	for _, file := range files {
		if !isBlocks(file) {
			if slices.Contains(rest, file) {
				return withHint(fmt.Errorf("import: %s is no file of blocks", file), "they end in .blocks, and begin with the line %s", strings.TrimSpace(envelope.FileHead))
			}
			continue
		}
		taken++
		clear(i.counts)
		if err := i.file(ctx, file); err != nil {
			if !errors.Is(err, envelope.ErrForm) && !errors.Is(err, envelope.ErrTooLarge) {
				return fmt.Errorf("import %s: %w", file, err)
			}
			bad++ // the end of the file is missing: what was before is taken
			fmt.Fprintf(out, "%s: %v\n", file, err)
		}
		bad += i.report(out, file)
	}
	if taken == 0 {
		return withHint(errors.New("import: no file of blocks"), "`envgate log export` and `envgate log repair` write them, with names that end in .blocks")
	}
	if bad > 0 {
		return withHint(errors.New("import: not all was taken"), "what was refused is kept as evidence, bounded; `centre gaps` says what is still missing")
	}
	return nil
}

// isBlocks says whether a file may hold blocks: an export has tables and a manifest
// beside them.
func isBlocks(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // says why when it is read
	}
	defer f.Close()
	head := make([]byte, len(envelope.FileHead))
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	return string(head) == envelope.FileHead || strings.HasSuffix(path, ".block")
}

// An importer takes messages without a broker.
type importer struct {
	register *register
	prefix   string
	ledger   *ledger
	batch    []arrival
	bytes    int
	counts   map[string]int64 // by kind, of the file
}

// file takes one file, in transactions of bounded size.
func (i *importer) file(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	readErr := envelope.ReadFile(f, func(_ int64, message []byte) error {
		i.batch = append(i.batch, arrival{topic: i.topic(message), message: slices.Clone(message), at: time.Now()})
		i.bytes += len(message)
		if len(i.batch) < maxBatch && i.bytes < maxBatchBytes {
			return nil
		}
		return i.flush(ctx)
	})
	if err := i.flush(ctx); err != nil {
		return err // worse than a file that is cut short
	}
	return readErr
}

// topic is the one by which a message would have come. Nothing is believed by it: the
// judge holds what is signed against it.
func (i *importer) topic(message []byte) string {
	b, err := envelope.PeekBlock(message)
	if err != nil {
		return "file"
	}
	return i.prefix + "/" + b.Gateway + "/b/" + b.Stream
}

// flush accounts for what was gathered, and commits it.
func (i *importer) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l := i.ledger
	for _, v := range judgeAll(i.register, i.prefix, i.batch) {
		restore := i.standing(v)
		if err := l.take(ctx, v); err != nil {
			return err
		}
		restore()
	}
	for t, n := range l.batch.Tallies {
		i.counts[t.Kind] += n
	}
	i.batch, i.bytes = i.batch[:0], 0
	_, err := l.commit(ctx, time.Now())
	return err
}

// standing returns what sets a chain's last change back. The chain that changed last is
// the one that its gateway is thought to write now, and a file says nothing of that.
func (i *importer) standing(v *verdict) func() {
	if v.kind != "" {
		return func() {}
	}
	before := int64(1)
	if c := i.ledger.chains[v.id]; c != nil {
		before = c.updated
	} else if i.ledger.presence(v.id.Gateway).current == "" {
		return func() {} // the first word of this gateway
	}
	return func() { i.ledger.chains[v.id].updated = before }
}

// report says what became of a file's messages, and returns how many were not taken.
func (i *importer) report(out io.Writer, path string) (bad int) {
	fmt.Fprintf(out, "%s: %d new, %d there already", path, i.counts[kindBlock], i.counts[kindDuplicate])
	kinds := make([]string, 0, len(i.counts))
	for k := range i.counts {
		if k != kindBlock && k != kindDuplicate {
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		bad += int(i.counts[k])
		fmt.Fprintf(out, ", %d %s", i.counts[k], k)
	}
	fmt.Fprintln(out)
	return bad
}
