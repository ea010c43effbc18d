package envelope_test

import (
	"errors"
	"testing"

	"envgate/envelope"
)

// link is block seq behind a block with this hash, and its own hash.
func link(seq uint64, prev string) (*envelope.Block, string) {
	b := shapes()["empty"]
	b.Seq, b.Prev = seq, prev
	return b, envelope.Hash(b.AppendPayload(nil))
}

func TestChainAnchor(t *testing.T) {
	hash := envelope.Hash([]byte("anchor"))
	c := envelope.NewChain("hb-01", "live", "e1")
	for _, bad := range []struct {
		seq  uint64
		hash string
	}{{0, hash}, {envelope.MaxSeq + 1, hash}, {7, ""}, {7, envelope.Genesis}, {7, hash[1:]}} {
		if err := c.Anchor(bad.seq, bad.hash); !errors.Is(err, envelope.ErrAnchor) {
			t.Errorf("Anchor(%d, %q) = %v, want ErrAnchor", bad.seq, bad.hash, err)
		}
	}
	if err := c.Anchor(7, hash); err != nil {
		t.Fatal(err)
	}
	b, h := link(8, hash)
	if err := c.Next(b, h); err != nil {
		t.Errorf("block behind the anchor: %v", err)
	}
	for _, seq := range []uint64{7, 8} { // never back: that would be a way to another story
		if err := c.Anchor(seq, hash); !errors.Is(err, envelope.ErrAnchor) {
			t.Errorf("Anchor(%d) behind block 8 = %v, want ErrAnchor", seq, err)
		}
	}
}

// TestChainErrorsDoNotMove: after each error the block that was due is still due.
func TestChainErrorsDoNotMove(t *testing.T) {
	c := envelope.NewChain("hb-01", "live", "e1")
	one, hash1 := link(1, envelope.Genesis)
	two, hash2 := link(2, hash1)
	three, hash3 := link(3, hash2)
	if err := c.Next(one, hash1); err != nil {
		t.Fatal(err)
	}
	zero, far, genesis, early := *two, *two, *two, *two
	zero.Seq, far.Seq, genesis.Prev, early.Seq, early.Prev = 0, envelope.MaxSeq+1, envelope.Genesis, 1, hash1
	wrong, foreign := *two, *two
	wrong.Prev, foreign.Gateway = hash3, "hb-02"
	for _, r := range []struct {
		b    *envelope.Block
		want error
	}{
		{&zero, envelope.ErrSeq},
		{&far, envelope.ErrSeq},
		{&genesis, envelope.ErrGenesis},
		{&early, envelope.ErrGenesis},
		{&wrong, envelope.ErrPrev},
		{&foreign, envelope.ErrForeign},
		{three, envelope.ErrGap},
		{one, envelope.ErrRepeat},
	} {
		hash := hash2
		if r.b == one {
			hash = hash1
		}
		if err := c.Next(r.b, hash); !errors.Is(err, r.want) {
			t.Errorf("Next(%+v) = %v, want %v", r.b, err, r.want)
		}
		if seq, head := c.Head(); seq != 1 || head != hash1 {
			t.Fatalf("after %v the head is %d %s", r.want, seq, head)
		}
	}
	if err := c.Next(two, hash2); err != nil {
		t.Error(err)
	}
}

func TestChainMemory(t *testing.T) {
	c := envelope.NewChain("hb-01", "live", "e1")
	prev := envelope.Genesis
	var blocks []*envelope.Block
	var hashes []string
	for seq := uint64(1); seq <= 100; seq++ {
		b, hash := link(seq, prev)
		if err := c.Next(b, hash); err != nil {
			t.Fatal(err)
		}
		blocks, hashes, prev = append(blocks, b), append(hashes, hash), hash
	}
	for i, b := range blocks {
		again, other := envelope.ErrRepeat, envelope.ErrFork
		if i < 100-64 {
			again, other = envelope.ErrReorder, envelope.ErrReorder
		}
		if err := c.Next(b, hashes[i]); !errors.Is(err, again) {
			t.Errorf("block %d again: %v, want %v", b.Seq, err, again)
		}
		if err := c.Next(b, prev); i < 99 && !errors.Is(err, other) {
			t.Errorf("block %d with another hash: %v, want %v", b.Seq, err, other)
		}
	}
}
