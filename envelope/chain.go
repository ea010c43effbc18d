package envelope

import "fmt"

// chainMemory is how many of the newest hashes a Chain remembers, to tell a
// block sent twice from two blocks under one number. It is twice the usual
// window of an uplink.
const chainMemory = 64

// A Chain verifies that the blocks of one gateway, stream and epoch follow one
// another: each number once, each naming the hash of the payload before it. It
// judges payloads; who signed them is [OpenBlock]'s part.
//
// A chain begins at block 1, or behind the block that [Chain.Anchor] names. It
// is not safe for concurrent use.
type Chain struct {
	gateway, stream, epoch string

	last  uint64 // number of the newest block; 0 = none
	head  string // its hash; "" = none
	known [chainMemory]Head
}

// NewChain begins the chain of one gateway, stream and epoch, with no block.
func NewChain(gateway, stream, epoch string) *Chain {
	return &Chain{gateway: gateway, stream: stream, epoch: epoch}
}

// Head returns the number and hash of the newest block; 0 and "" if there is none.
func (c *Chain) Head() (seq uint64, hash string) { return c.last, c.head }

// Anchor says that block seq has this hash: the next block is seq+1. It is the
// way to begin past block 1, with a hash from a signed receipt, from the signed
// event of an eviction or from a store; and to go on behind a gap, where what
// follows shall still be judged. An anchor at or before the newest block, out of
// range, or without a whole hash is ErrAnchor.
func (c *Chain) Anchor(seq uint64, hash string) error {
	if seq <= c.last || seq > MaxSeq || !isHash(hash) {
		return fmt.Errorf("envelope: %w: block %d, hash %q, newest block is %d", ErrAnchor, seq, hash, c.last)
	}
	c.move(seq, hash)
	return nil
}

// Next takes b, whose payload has this hash, as the next block. After an error
// the chain is where it was. The errors:
//
//   - ErrForeign: b is of another gateway, stream or epoch
//   - ErrSeq: its number is out of range
//   - ErrGenesis: it says GENESIS and is not block 1, or the other way round
//   - ErrAnchor: it is not block 1, and there is neither block nor anchor yet
//   - ErrGap: blocks between the newest and b are missing
//   - ErrPrev: its prev is not the hash of the newest block
//   - ErrRepeat: the same block was taken before, or is the anchor
//   - ErrFork: another block was taken under its number, or is the anchor
//   - ErrReorder: it lies before the newest block and was not taken in its
//     place, or so long ago that its hash is forgotten
func (c *Chain) Next(b *Block, hash string) error {
	if err := c.next(b, hash); err != nil {
		return fmt.Errorf("envelope: %s %s epoch %s block %d: %w", c.gateway, c.stream, c.epoch, b.Seq, err)
	}
	c.move(b.Seq, hash)
	return nil
}

func (c *Chain) next(b *Block, hash string) error {
	if b.Gateway != c.gateway || b.Stream != c.stream || b.Epoch != c.epoch {
		return fmt.Errorf("%w: %q %q epoch %q", ErrForeign, b.Gateway, b.Stream, b.Epoch)
	}
	if err := checkSeq(b.Seq, b.Prev); err != nil {
		return err
	}
	if b.Seq <= c.last {
		switch k := c.known[b.Seq%chainMemory]; {
		case k.Seq != b.Seq:
			return fmt.Errorf("%w: newest is %d", ErrReorder, c.last)
		case k.Hash != hash:
			return fmt.Errorf("%w: hash %s, and %s before", ErrFork, hash, k.Hash)
		}
		return ErrRepeat
	}
	switch {
	case c.last == 0 && b.Seq > 1:
		return fmt.Errorf("%w: first block of a chain is 1", ErrAnchor)
	case b.Seq > c.last+1:
		return fmt.Errorf("%w: %d to %d", ErrGap, c.last+1, b.Seq-1)
	case c.last > 0 && b.Prev != c.head:
		return fmt.Errorf("%w: prev %s, block %d has %s", ErrPrev, b.Prev, c.last, c.head)
	}
	return nil
}

func (c *Chain) move(seq uint64, hash string) {
	c.last, c.head = seq, hash
	c.known[seq%chainMemory] = Head{Seq: seq, Hash: hash}
}
