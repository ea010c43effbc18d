package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"envgate/envelope"
)

// An arrival is one message from the broker, before anybody looked into it.
type arrival struct {
	topic   string
	message []byte
	at      time.Time
	ack     func() // tells the broker that the message need not come again; may be nil
}

// A verdict is an arrival that was looked into: a block signed by the gateway
// whose topic it came by, or the kind of reject that it is.
type verdict struct {
	arrival
	kind  string // "" = a good block
	err   error  // why not
	id    chainID
	block *envelope.Block
	hash  string
}

func (v *verdict) edge() edge {
	b := v.block
	return edge{Seq: b.Seq, Prev: b.Prev, Hash: v.hash, Boot: b.Boot, Mono: b.Clock.MonoMs}
}

// judge decides what a message is. It decides by the topic and by what is signed, and
// needs nothing of the account, so that many can be judged at once.
func judge(reg *register, prefix string, a arrival) *verdict {
	v := &verdict{arrival: a}
	gateway, stream, err := cutTopic(prefix, a.topic)
	if err != nil {
		v.kind, v.err = kindGarbage, err
		return v
	}
	if !reg.has(gateway) {
		// Nothing of it is looked at: a stranger gets no work done here.
		v.kind, v.err = kindUnknown, fmt.Errorf("gateway %q is not in the register", gateway)
		return v
	}
	v.id = chainID{Gateway: gateway, Stream: stream}
	if len(a.message) > envelope.MaxEvent {
		v.kind, v.err = kindOversize, fmt.Errorf("message of %d bytes: at most %d", len(a.message), envelope.MaxEvent)
		return v
	}
	if v = inspect(reg, a); v.kind != "" {
		v.id = chainID{Gateway: gateway, Stream: stream}
		return v
	}
	if b := v.block; b.Gateway != gateway || b.Stream != stream {
		v.kind, v.err = kindForeign, fmt.Errorf("block of gateway %q, stream %q came by the topic of %q, %q", b.Gateway, b.Stream, gateway, stream)
		v.id = chainID{Gateway: gateway, Stream: stream}
	}
	return v
}

// inspect verifies a message by itself, wherever it came from.
func inspect(reg *register, a arrival) *verdict {
	v := &verdict{arrival: a}
	v.block, v.hash, v.err = envelope.OpenBlock(a.message, reg.keys)
	if v.err != nil {
		v.kind = kindOf(v.err)
		return v
	}
	v.id = chainID{v.block.Gateway, v.block.Stream, v.block.Epoch}
	return v
}

// kindOf says which kind of reject an error of the envelope is.
func kindOf(err error) string {
	for _, k := range []struct {
		err  error
		kind string
	}{
		{envelope.ErrForeign, kindForeign},
		{envelope.ErrTooLarge, kindOversize},
		{envelope.ErrSignature, kindSignature},
		{envelope.ErrKeyID, kindSignature},
		{envelope.ErrAlgorithm, kindSignature},
		{envelope.ErrType, kindSignature},
	} {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	return kindGarbage
}

// judgeAll judges the arrivals side by side and keeps their order.
func judgeAll(reg *register, prefix string, arrivals []arrival) []*verdict {
	out := make([]*verdict, len(arrivals))
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(arrivals))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(arrivals); i += workers {
				out[i] = judge(reg, prefix, arrivals[i])
			}
		})
	}
	wg.Wait()
	return out
}

// topics of one gateway, below the prefix.
func receiptTopic(prefix, gateway, stream string) string {
	return prefix + "/" + gateway + "/receipt/" + stream
}

func blockTopics(prefix string) string { return prefix + "/+/b/+" }

// cutTopic reads {prefix}/{gateway}/b/{stream}.
func cutTopic(prefix, topic string) (gateway, stream string, err error) {
	rest, ok := strings.CutPrefix(topic, prefix+"/")
	gateway, stream, found := strings.Cut(rest, "/b/")
	if !ok || !found || !isName(gateway) || !isName(stream) {
		return "", "", fmt.Errorf("topic %q is not %s/GATEWAY/b/STREAM", topic, prefix)
	}
	return gateway, stream, nil
}

// isName reports whether s may be a gateway's id or a stream's name.
func isName(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
