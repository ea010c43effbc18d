package main

import (
	"strings"
	"time"
)

// This file is about what is kept of what should not be: contradictions with
// both messages, and messages that are no blocks.

// A limit bounds what is kept of bad messages and of proofs, for each gateway,
// kind and hour, so that nobody can fill the disk with them. The rest is
// counted.
type limit struct {
	count int
	bytes int
}

// unknownStream stands for the streams of gateways that nobody knows, whose
// names are a stranger's to choose.
const unknownStream = ""

// anomaly counts a contradiction, and keeps it with both messages if the budget
// of the hour allows. first may be nil.
func (l *ledger) anomaly(c *chain, first, second *stored, kind, text string) {
	l.count(c.Gateway, c.Stream, kind)
	a := anomaly{
		Row: c.row, ID: c.chainID, Seq: second.Edge.Seq, Kind: kind, Text: text,
		Second: second.Message, Hash: second.Edge.Hash, At: second.Received,
	}
	if first != nil {
		a.First = first.Message
	}
	if !l.spend(c.Gateway, kind, len(a.First)+len(a.Second), second.Received) {
		return
	}
	l.batch.Anomalies = append(l.batch.Anomalies, a)
	l.log.Warn("anomaly", "kind", kind, "gateway", c.Gateway, "stream", c.Stream, "epoch", c.Epoch, "seq", a.Seq, "text", text)
}

// maxOversize is how much is kept of a message that is too long.
const maxOversize = 4 << 10

// reject counts a message that is no block of its topic, and keeps its bytes if
// the budget of the hour allows.
func (l *ledger) reject(v *verdict) {
	stream := v.id.Stream
	if v.id.Gateway == "" {
		stream = unknownStream
	}
	l.count(v.id.Gateway, stream, v.kind)
	body := v.message
	if v.kind == kindOversize && len(body) > maxOversize {
		body = body[:maxOversize]
	}
	if !l.spend(v.id.Gateway, v.kind, len(body), v.at.UnixMilli()) {
		return
	}
	l.batch.Rejects = append(l.batch.Rejects, reject{
		Gateway: v.id.Gateway, Kind: v.kind, Topic: short(v.topic), Reason: short(v.err.Error()),
		Message: body, Size: len(v.message), At: v.at.UnixMilli(),
	})
	l.log.Warn("message refused", "kind", v.kind, "topic", short(v.topic), "bytes", len(v.message), "err", short(v.err.Error()))
}

// short cuts a text that a stranger may have chosen.
func short(s string) string {
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}

// spend takes from the hour's budget and reports whether it was enough.
func (l *ledger) spend(gateway, kind string, bytes int, now int64) bool {
	hour := now / time.Hour.Milliseconds()
	p := purse{gateway, kind}
	s := l.spent[p]
	if s.Hour != hour {
		s = spending{Hour: hour}
	}
	if s.Count >= l.keep.count || s.Bytes+bytes > l.keep.bytes {
		return false
	}
	s.Count++
	s.Bytes += bytes
	l.spent[p] = s
	return true
}

func (l *ledger) count(gateway, stream, kind string) {
	l.batch.Tallies[tally{gateway, stream, kind}]++
}
