package main

import "envgate/envelope"

func receipt(change func(*envelope.Receipt)) string {
	r := &envelope.Receipt{
		Gateway: gateway, Stream: envelope.StreamLive, Epoch: epoch,
		UpTo: 120, Head: hash("block 120"),
		Have: [][2]uint64{{123, 130}}, Want: [][2]uint64{{121, 122}},
		At: midnight,
	}
	if change != nil {
		change(r)
	}
	return string(r.AppendPayload(nil))
}

func receipts() []vector {
	base := receipt(nil)
	rows := []struct{ name, expect, comment, old, text string }{
		{"upto-2-53", "seq", "upto is 2^53+1", `"upto":120`, `"upto":9007199254740993`},
		{"run-2-53", "seq", "a run ends past 2^53", `[123,130]`, `[123,9007199254740993]`},
		{"head-genesis", "payload", "GENESIS where upto is not 0", hash("block 120"), `GENESIS`},
		{"head-hash", "payload", "a hash where upto is 0", `"upto":120`, `"upto":0`},
		{"head-short", "payload", "head is no whole hash", hash("block 120"), hash("block 120")[1:]},
		{"run-backward", "payload", "a run that ends before it begins", `[123,130]`, `[130,123]`},
		{"run-overlap", "payload", "runs that overlap", `[121,122]`, `[121,122],[122,122]`},
		{"run-zero", "payload", "a run from block 0", `[121,122]`, `[0,122]`},
		{"run-one", "payload", "a run of one number", `[121,122]`, `[121]`},
		{"run-three", "payload", "a run of three numbers", `[121,122]`, `[121,122,123]`},
		{"none-want", "payload", "no want", `,"want":[[121,122]]`, ``},
		{"none-at", "payload", "no at", `,"at":1772323200000`, ``},
		{"twice", "payload", "upto twice", `"upto":120`, `"upto":120,"upto":120`},
		{"unknown", "payload", "a member that is not listed", `"upto":120`, `"upto":120,"seq":1`},
		{"trailing", "payload", "a signed line end after the last brace", `]],"at":1772323200000}`, "]],\"at\":1772323200000}\n"},
		{"at-negative", "payload", "given before 1970", `"at":1772323200000`, `"at":-1`},
		{"gw-empty", "payload", "gateway is empty", `"gw":"hb-01"`, `"gw":""`},
	}
	keys := []envelope.PublicKey{centre.Public()}
	list := []vector{
		{
			name: "receipt-typ", expect: "type", comment: "a receipt's payload signed as a block", typ: "receipt", keys: keys,
			messages: one([]byte(line(headFor(centre.KeyID(), envelope.TypeBlock), base, centre) + base)),
		},
		{name: "receipt-key", expect: "key-id", comment: "a receipt by a gateway", typ: "receipt", keys: keys, messages: one([]byte(
			line(headFor(kid1, envelope.TypeReceipt), base, key1) + base))},
		{name: "receipt-edited", expect: "signature", comment: "upto 120 made 129", typ: "receipt", keys: keys, messages: one([]byte(
			swap(string(sealReceipt(base)), `"upto":120`, `"upto":129`)))},
	}
	for _, r := range rows {
		list = append(list, vector{
			name: "receipt-" + r.name, expect: r.expect, comment: r.comment, typ: "receipt", keys: keys,
			messages: one(sealReceipt(swap(base, r.old, r.text))),
		})
	}
	return list
}
