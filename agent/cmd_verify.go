package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"envgate/envelope"
)

// cmdVerify checks files of blocks, one or many in each, in the order given: signatures
// by the public keys named, and the chain where blocks of one stream follow each other.
// Of a folder it takes the files that an export or a salvage wrote.
func cmdVerify(args []string, out, _ io.Writer) error {
	f := flags("verify")
	v := verifier{out: out, keys: envelope.KeySet{}, chains: map[streamID]*envelope.Chain{}}
	f.Func("k", "public key file, PEM; may be given again", func(path string) error { return addKey(v.keys, path) })
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(v.keys) == 0 || len(rest) == 0 {
		return fmt.Errorf("%w: verify needs -k PUBLIC and at least one file", errUsage)
	}
	files, err := blockFiles(rest)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	bad := 0
	for _, path := range files {
		if !v.file(path) {
			bad++
		}
	}
	if bad > 0 {
		return hinted{
			fmt.Errorf("verify: %d of %d files are not as they were sealed", bad, len(files)),
			"keep the files as they are: a bad one is evidence too",
		}
	}
	return nil
}

// blockFiles puts the files of folders that end in .blocks in their place, in the order
// of their names, which is that of the blocks.
func blockFiles(paths []string) (files []string, err error) {
	for _, p := range paths {
		if info, err := os.Stat(p); err != nil || !info.IsDir() {
			files = append(files, p) // what cannot be read is told of as a bad file
			continue
		}
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".blocks") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, errors.New("no files that end in .blocks")
	}
	return files, nil
}

type streamID struct{ gateway, stream, epoch string }

// A verifier holds blocks against keys and against those before them.
type verifier struct {
	out    io.Writer
	keys   envelope.KeySet
	chains map[streamID]*envelope.Chain
}

// file verifies one file, and says whether it is good.
func (v *verifier) file(path string) bool {
	blocks, bad := 0, 0
	tell := func(what string, err error) {
		if bad++; bad <= maxTold {
			fmt.Fprintf(v.out, "BAD  %s:%s %v\n", path, what, err)
		}
	}
	in, err := os.Open(path)
	if err != nil {
		tell("", err)
		return false
	}
	defer in.Close()
	var first, last *envelope.Block
	err = envelope.ReadFile(in, func(at int64, message []byte) error {
		blocks++
		b, err := v.block(path, message, at > 0)
		switch {
		case err != nil && at > 0:
			tell(fmt.Sprintf(" message at byte %d:", at), err)
		case err != nil:
			tell("", err)
		}
		if err == nil && first == nil {
			first = b
		}
		last = b
		return nil
	})
	if err != nil {
		tell("", err)
	}
	switch {
	case bad > maxTold:
		fmt.Fprintf(v.out, "BAD  %s: and %d more\n", path, bad-maxTold)
	case bad > 0:
	case blocks == 1:
		fmt.Fprintf(v.out, "good %s: %s %s %s %d, %s\n", path, first.Gateway, first.Stream, first.Epoch, first.Seq, stampMs(first.T0))
	case blocks == 0:
		fmt.Fprintf(v.out, "good %s: no blocks\n", path)
	default:
		fmt.Fprintf(v.out, "good %s: %d blocks, %s from %s %s %d, %s to %s %d, %s\n", path, blocks, first.Gateway,
			first.Stream, first.Epoch, first.Seq, stampMs(first.T0), last.Stream, last.Seq, stampMs(last.T0))
	}
	return bad == 0
}

// block verifies one block. In a file of many, blocks may be missing, as its manifest or
// report says: that is told, and no fault of those that are there.
func (v *verifier) block(path string, message []byte, many bool) (*envelope.Block, error) {
	b, hash, err := envelope.OpenBlock(message, v.keys)
	if err != nil {
		return nil, err
	}
	id := streamID{b.Gateway, b.Stream, b.Epoch}
	c := v.chains[id]
	if c == nil {
		c = envelope.NewChain(b.Gateway, b.Stream, b.Epoch)
		v.chains[id] = c
		if b.Seq > 1 {
			if err := c.Anchor(b.Seq-1, b.Prev); err != nil {
				return b, err
			}
		}
	}
	err = c.Next(b, hash)
	if last, _ := c.Head(); many && errors.Is(err, envelope.ErrGap) {
		fmt.Fprintf(v.out, "note %s: %s %d to %d are not here\n", path, b.Stream, last+1, b.Seq-1)
		if err = c.Anchor(b.Seq-1, b.Prev); err == nil {
			err = c.Next(b, hash)
		}
	}
	return b, err
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = errors.New("larger than it can be")
	}
	return b, err
}
