package main

import "envgate/envelope"

// first is block 1, the base of most forgeries.
var first = block(1, envelope.Genesis, nil)

// good are vectors that a verifier must take.
func good() []vector {
	stat := block(1, envelope.Genesis, func(b *envelope.Block) {
		b.Stream = envelope.StreamStat
		b.Groups = []envelope.Group{{
			Source: "stack", Kind: envelope.GroupMinute, Times: []int64{0}, Index: 0,
			Columns: []envelope.Column{
				{Point: "a21026", Kind: envelope.ColumnAvg, Values: []string{"12.4"}, Flags: []string{"T"}, Causes: []string{"range"}},
				{Point: "a21026", Kind: envelope.ColumnMin, Values: []string{"12.38"}},
				{Point: "a21026", Kind: envelope.ColumnMax, Values: []string{"12.41"}},
				{Point: "a21026", Kind: envelope.ColumnCou, Values: []string{"0.31"}},
				{Point: "a21026", Kind: envelope.ColumnZsAvg, Values: []string{"14.1"}},
				{Point: "a21026", Kind: envelope.ColumnN, Values: []string{"600"}},
			},
		}}
	})
	event := block(1, envelope.Genesis, func(b *envelope.Block) {
		b.Stream, b.Heads, b.Groups = envelope.StreamEvent, nil, nil
		b.Clock = envelope.Clock{State: envelope.ClockUnsync, ErrMs: -1, MonoMs: 4100}
		b.Events = []envelope.Event{
			{Type: envelope.EventStart, Old: "2026-02-28T23:59:55Z", Why: "power"},
			{Type: envelope.EventConfig, At: 20, Subject: "湖北 \"一号\"\n", New: `{"gateway":"hb-01"}`, Who: "site"},
		}
	})
	raw := block(1, envelope.Genesis, func(b *envelope.Block) {
		b.Groups[0].Raw = [][]byte{{0x41, 0x46, 0x66, 0x66}, nil, nil}
	})
	converted := block(1, envelope.Genesis, func(b *envelope.Block) {
		zs := envelope.Column{Point: b.Groups[0].Columns[0].Point, Kind: envelope.ColumnZs}
		for range b.Groups[0].Times {
			zs.Values = append(zs.Values, "15.5")
		}
		zs.Values[len(zs.Values)-1] = ""
		b.Groups[0].Columns = append(b.Groups[0].Columns, zs)
	})
	empty := block(1, envelope.Genesis, func(b *envelope.Block) { b.Heads, b.Groups = nil, nil })
	two := line(head, first, key1) + line(headFor(kid2, envelope.TypeBlock), first, key2)
	list := follow(4)
	receipt := receipt(nil)
	return []vector{
		{name: "ok-block", expect: "ok", comment: "a block of one instrument, one value flagged", messages: sealed(first)},
		{name: "ok-gzip", expect: "ok", comment: "the same, compressed", messages: one(zip(seal(first, key1)))},
		{name: "ok-stat", expect: "ok", comment: "figures of a minute", chain: gateway + " stat " + epoch, messages: sealed(stat)},
		{name: "ok-event", expect: "ok", comment: "events; text with escapes; clock not set", chain: gateway + " event " + epoch, messages: sealed(event)},
		{name: "ok-raw", expect: "ok", comment: "register bytes kept as evidence", messages: sealed(raw)},
		{name: "ok-zs", expect: "ok", comment: "samples with converted values, of which the last could not be computed", messages: sealed(converted)},
		{name: "ok-empty", expect: "ok", comment: "a block that says only that nothing was due", messages: sealed(empty)},
		{name: "ok-space", expect: "ok", comment: "white space between members is no error", messages: sealed(swap(first, `,"stream":`, ` ,"stream" : `))},
		{name: "ok-order", expect: "ok", comment: "nor is another order of members", messages: sealed(swap(swap(first, `{"v":1,`, `{`), `"fw":"1.0.0"`, `"fw":"1.0.0","v":1`))},
		{name: "ok-seq-2-53", expect: "ok", comment: "the last number there is", anchor: "9007199254740991 " + hash("before"), messages: sealed(block(1<<53, hash("before"), func(b *envelope.Block) { b.Groups = nil }))},
		{
			name: "ok-two-signatures", expect: "ok", comment: "old and new key sign while keys change",
			keys: []envelope.PublicKey{key1.Public(), key2.Public()}, messages: one([]byte(two + first)),
		},
		{name: "ok-chain", expect: "ok ok ok ok", comment: "four blocks that follow one another", messages: sealed(list...)},
		{name: "ok-anchor", expect: "ok ok", comment: "blocks 1 and 2 were evicted; the event names the hash of 2", anchor: "2 " + hash(list[1]), messages: sealed(list[2:]...)},
		{
			name: "ok-key-change", expect: "ok ok", comment: "another key signs from block 2 on; the chain goes through payloads and does not break",
			keys: []envelope.PublicKey{key1.Public(), key2.Public()}, messages: [][]byte{seal(list[0], key1), seal(list[1], key2)},
		},
		{name: "ok-receipt", expect: "ok", comment: "a centre's receipt", typ: "receipt", keys: []envelope.PublicKey{centre.Public()}, messages: one(sealReceipt(receipt))},
	}
}
