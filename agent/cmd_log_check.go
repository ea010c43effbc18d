package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"envgate/buffer"
	"envgate/envelope"
)

// maxTold is how many places of trouble are written down for each stream.
const maxTold = 20

// logCheck holds every block of a log against its signature, its number and the block
// before it.
func logCheck(args []string, out, errs io.Writer) error {
	f := flags("log check")
	var l logFlags
	l.add(f)
	path, site, err := l.parse(f, args, errs)
	if err != nil {
		return err
	}
	ctx, stop := untilStopped()
	defer stop()
	v, err := viewLog(ctx, path, site)
	if err != nil {
		return fmt.Errorf("log check: %w", err)
	}
	defer v.Close()
	if v.file != nil && v.file.Bad() != nil {
		fmt.Fprintf(out, "BAD  %s: %v\n", path, v.file.Bad())
		return hinted{
			fmt.Errorf("log check: the file is damaged, and would be set aside at the next start"),
			"envgate log repair takes out all that is whole, and says what is missing 可取出完好的数据",
		}
	}
	if len(l.keys) == 0 {
		fmt.Fprintln(errs, "envgate: warning: no key: hashes and chains are checked, signatures are not; -k PUBLIC names a key")
	}
	var total int64
	for _, s := range v.info.Streams {
		total += s.Bytes
	}
	bar := newProgress(errs, "check", total)
	places := 0
	for _, stream := range v.streams() {
		c := &checker{view: v, stream: stream, keys: l.keys, out: out, bar: bar}
		if site != nil {
			c.gateway = site.Gateway.ID
		}
		err := c.run(ctx)
		bar.clear()
		if err != nil {
			return fmt.Errorf("log check: %w", err)
		}
		places += c.places
		c.verdict()
	}
	if places > 0 {
		return hinted{
			fmt.Errorf("log check: %s of trouble in %s", plural(places, "place"), path),
			"keep the file as it is: what is wrong is evidence too; envgate log repair takes out all that is whole",
		}
	}
	return nil
}

// A checker checks one stream.
type checker struct {
	view    *logView
	stream  string
	gateway string // "": the first block's
	keys    envelope.KeySet
	out     io.Writer
	bar     *progress

	chain  *envelope.Chain
	blocks int
	places int
	missed uint64
}

func (c *checker) run(ctx context.Context) error {
	s := c.view.info.Streams[c.stream]
	if s.Blocks == 0 {
		return nil
	}
	var last uint64
	missed, err := c.view.walk(ctx, c.stream, [2]uint64{s.First, s.Last}, func(seq, page uint64, block []byte) error {
		c.bar.add(int64(len(block)))
		c.blocks++
		if last > 0 && seq != last+1 && c.view.file != nil {
			c.tell(seq, page, fmt.Errorf("%d to %d are not there", last+1, seq-1))
		}
		last = seq
		if err := c.block(seq, block); err != nil {
			c.tell(seq, page, err)
		}
		return nil
	})
	c.missed = missed
	if errors.Is(err, buffer.ErrDamaged) {
		c.tell(last+1, 0, err)
		return nil
	}
	return err
}

// block checks one block, and goes on behind one that is wrong.
func (c *checker) block(seq uint64, message []byte) error {
	b, hash, err := openMessage(message, c.keys)
	if err != nil {
		return err
	}
	if c.gateway == "" {
		c.gateway = b.Gateway
	}
	if b.Seq != seq || b.Stream != c.stream || b.Epoch != c.view.info.Epoch || b.Gateway != c.gateway {
		return fmt.Errorf("it is block %d of %s %s, epoch %s; want %s %s, epoch %s", b.Seq, b.Gateway, b.Stream, b.Epoch, c.gateway, c.stream, c.view.info.Epoch)
	}
	if c.chain == nil {
		c.chain = envelope.NewChain(b.Gateway, b.Stream, b.Epoch)
		if seq > 1 {
			if err := c.chain.Anchor(seq-1, b.Prev); err != nil {
				return err
			}
		}
	}
	if last, _ := c.chain.Head(); last+1 < seq { // those between were told of already
		if err := c.chain.Anchor(seq-1, b.Prev); err != nil {
			return err
		}
	}
	err = c.chain.Next(b, hash)
	if err != nil {
		_ = c.chain.Anchor(seq, hash)
	}
	return err
}

// openMessage opens a block with keys, or without where there are none.
func openMessage(message []byte, keys envelope.KeySet) (*envelope.Block, string, error) {
	if len(keys) > 0 {
		return envelope.OpenBlock(message, keys)
	}
	payload, err := envelope.Peek(message)
	if err != nil {
		return nil, "", err
	}
	b, err := envelope.ParsePayload(payload)
	return b, envelope.Hash(payload), err
}

func (c *checker) tell(seq, page uint64, err error) {
	if c.places++; c.places > maxTold {
		return
	}
	c.bar.clear()
	where := ""
	if page > 0 {
		where = fmt.Sprintf(", page at byte %d", page*4096)
	}
	fmt.Fprintf(c.out, "BAD  %s %d%s: %v\n", c.stream, seq, where, err)
}

func (c *checker) verdict() {
	s := c.view.info.Streams[c.stream]
	if c.places > maxTold {
		fmt.Fprintf(c.out, "BAD  %s: and %d places more\n", c.stream, c.places-maxTold)
	}
	word, what := "good", "whole"
	if c.places > 0 {
		word, what = "BAD ", plural(c.places, "place")+" of trouble"
	}
	switch {
	case s.Blocks == 0:
		what = "no blocks"
	case len(c.keys) == 0:
		what += ", signatures not checked"
	}
	if c.missed > 0 {
		what += fmt.Sprintf(", %d evicted meanwhile", c.missed)
	}
	fmt.Fprintf(c.out, "%s %s: %d to %d, %s, %s: %s\n", word, c.stream, s.First, s.Last, plural(c.blocks, "block"), megabytes(s.Bytes), what)
}
