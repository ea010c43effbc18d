package main

import (
	"context"

	"envgate/envelope"
)

// A store keeps what the centre received. The ledger is its only writer.
//
// After Commit returned nil the whole batch is on the disk, and survives a kill
// and a power cut; after an error none of it is, or, where the connection broke
// in the last moment, all of it. The ledger then loads the account again.
type store interface {
	// Load returns the account as it was committed.
	Load(ctx context.Context) (*account, error)
	// Block returns a stored block, or nil if there is none of that number.
	Block(ctx context.Context, row int64, seq uint64) (*stored, error)
	Commit(ctx context.Context, b *batch) error
}

// An account is what a store knows at the start.
type account struct {
	Chains  []*chain
	Arrival int64 // number of the newest block
	Spent   map[purse]spending
}

// A stored block: the message as it came, and what the account needs of it.
type stored struct {
	Arrival  int64 // counts up for ever over all gateways, in the order of commit
	Row      int64 // number of its chain
	ID       chainID
	Edge     edge
	Received int64  // UTC ms
	Message  []byte // the bytes as they came: signatures and payload, perhaps gzip

	Block *envelope.Block // set on the way in only
}

// A reject is a message that could not be taken for a block of its topic.
type reject struct {
	Gateway string // of the topic; "" where no such gateway is in the register
	Kind    string
	Topic   string
	Reason  string
	Message []byte // cut where it is too long
	Size    int    // of the whole message
	At      int64  // UTC ms
}

// An anomaly is a contradiction that the gateway signed, with both messages.
type anomaly struct {
	Row    int64 // number of the chain
	ID     chainID
	Seq    uint64
	Kind   string
	Text   string
	First  []byte // what we had
	Second []byte // what came; nil where one message says it all
	Hash   string // of what came: one anomaly is told once
	At     int64  // UTC ms
}

// A tally names a counter.
type tally struct {
	Gateway string // "" = of no gateway in the register
	Stream  string
	Kind    string
}

// A purse is a budget for kept bytes, a spending what is gone of it this hour.
type purse struct{ Gateway, Kind string }

type spending struct {
	Hour  int64 // hours since 1970
	Count int
	Bytes int
}

// A batch is everything that one transaction writes.
type batch struct {
	Blocks    []*stored
	Chains    []*chain // new state of the chains touched
	Evictions []evictionRow
	Rejects   []reject
	Anomalies []anomaly
	Tallies   map[tally]int64
	At        int64 // UTC ms
	LiveRows  bool  // also write a row for each live reading
}

type evictionRow struct {
	Row int64 // number of the chain of which blocks went
	eviction
}

// What is counted. The kinds of rejects and anomalies are kept as well.
const (
	kindBlock     = "block"     // stored
	kindDuplicate = "duplicate" // came again, byte for byte the same payload

	kindUnknown   = "unknown"   // gateway not in the register
	kindSignature = "signature" // signature, key or algorithm wrong
	kindForeign   = "foreign"   // of another gateway or stream than the topic says
	kindOversize  = "oversize"
	kindGarbage   = "garbage" // not in form

	kindFork      = "fork"      // two payloads for one number past the head
	kindRewrite   = "rewrite"   // other content for a number that was acknowledged
	kindBreak     = "break"     // a block does not name its neighbour's hash
	kindAnchor    = "anchor"    // an eviction event names another hash than the block has
	kindHead      = "head"      // a block names another hash for a block of another stream
	kindRollback  = "rollback"  // a new log says that the former one ended before blocks that we have
	kindBackwards = "backwards" // the clock since boot ran backwards
	kindClone     = "clone"     // two boots or two logs alternate under one key
)
