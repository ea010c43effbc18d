package main

import "envgate/envelope"

// chains are of blocks each of which is right in itself.
func chains() []vector {
	b := follow(4)
	fork := block(2, hash(b[0]), func(b *envelope.Block) { b.Groups[0].Columns[0].Values[0] = "9.40" })
	edited := block(1, envelope.Genesis, func(b *envelope.Block) { b.Groups[0].Columns[0].Values[0] = "9.40" })
	from := func(change func(*envelope.Block)) string { return block(2, hash(b[0]), change) }
	hb02 := from(func(b *envelope.Block) { b.Gateway = "hb-02" })
	return []vector{
		{name: "chain-missing", expect: "ok gap ok", comment: "block 2 is missing", messages: sealed(b[0], b[2], b[3])},
		{name: "chain-missing-first", expect: "anchor", comment: "begins at block 2; nothing says with what hash", messages: sealed(b[1])},
		{name: "chain-evicted", expect: "anchor", comment: "begins at block 3 after an eviction, without the hash that its event names", messages: sealed(b[2])},
		{name: "chain-evicted-other", expect: "prev", comment: "begins at block 3; the event names another hash of block 2", anchor: "2 " + hash(fork), messages: sealed(b[2])},
		{name: "chain-repeated", expect: "ok ok repeat ok", comment: "block 2 comes twice", messages: sealed(b[0], b[1], b[1], b[2])},
		{name: "chain-reordered", expect: "ok gap reorder ok", comment: "block 2 comes after block 3", messages: sealed(b[0], b[2], b[1], b[3])},
		{name: "chain-gateway", expect: "ok foreign", comment: "a block of hb-02, signed by hb-02", messages: [][]byte{seal(b[0], key1), seal(hb02, other)}},
		{name: "chain-stream", expect: "ok foreign", comment: "a block of another stream", messages: sealed(b[0], from(func(b *envelope.Block) { b.Stream = envelope.StreamStat }))},
		{name: "chain-epoch", expect: "ok foreign", comment: "a block of another epoch", messages: sealed(b[0], from(func(b *envelope.Block) { b.Epoch = "0123456789abcdef" }))},
		{name: "chain-prev", expect: "ok prev", comment: "block 2 names the hash of another block 1", messages: sealed(b[0], block(2, hash(edited), nil))},
		{name: "chain-edited", expect: "ok prev", comment: "block 1 was edited by a holder of the key; block 2 still names the first form", messages: sealed(edited, b[1])},
		{name: "chain-fork", expect: "ok ok fork ok", comment: "two payloads for block 2", messages: sealed(b[0], b[1], fork, b[2])},
		{name: "chain-fork-first", expect: "ok fork", comment: "two payloads for block 1", messages: sealed(b[0], edited)},
		{name: "chain-fork-anchor", expect: "fork ok", comment: "another payload for the block that the anchor names", anchor: "2 " + hash(b[1]), messages: sealed(fork, b[2])},
		{name: "chain-before-anchor", expect: "reorder", comment: "a block before the anchor", anchor: "2 " + hash(b[1]), messages: sealed(b[0])},
	}
}
