package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"envgate/envelope"
)

// cmdVerify checks files that hold one message each, in the order given: signatures
// by the public keys named, and the chain where files of one stream follow each other.
func cmdVerify(args []string, out, _ io.Writer) error {
	f := flags("verify")
	keys := envelope.KeySet{}
	f.Func("k", "public key file, PEM; may be given again", func(path string) error {
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
	})
	files, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(keys) == 0 || len(files) == 0 {
		return fmt.Errorf("%w: verify needs -k PUBLIC and at least one file", errUsage)
	}
	type stream struct{ gateway, stream, epoch string }
	chains := map[stream]*envelope.Chain{}
	bad := 0
	for _, path := range files {
		b, hash, err := openBlock(path, keys)
		if err == nil {
			id := stream{b.Gateway, b.Stream, b.Epoch}
			c := chains[id]
			if c == nil {
				c = envelope.NewChain(b.Gateway, b.Stream, b.Epoch)
				if b.Seq > 1 {
					err = c.Anchor(b.Seq-1, b.Prev)
				}
				chains[id] = c
			}
			if err == nil {
				err = c.Next(b, hash)
			}
		}
		if err != nil {
			bad++
			fmt.Fprintf(out, "BAD  %s: %v\n", path, err)
			continue
		}
		fmt.Fprintf(out, "good %s: %s %s %s %d, %s\n", path, b.Gateway, b.Stream, b.Epoch, b.Seq, stampMs(b.T0))
	}
	if bad > 0 {
		return hinted{
			fmt.Errorf("verify: %d of %d files are not as they were sealed", bad, len(files)),
			"keep the files as they are: a bad one is evidence too",
		}
	}
	return nil
}

func openBlock(path string, keys envelope.Keys) (*envelope.Block, string, error) {
	message, err := readBounded(path, envelope.MaxInflated)
	if err != nil {
		return nil, "", err
	}
	return envelope.OpenBlock(message, keys)
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = errors.New("larger than any message")
	}
	return b, err
}
