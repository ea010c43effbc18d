package envelope_test

import (
	"errors"
	"fmt"

	"envgate/envelope"
)

// A gateway seals two blocks, a centre opens them and holds them to their chain.
func Example() {
	key, err := envelope.NewKey("hb-01")
	if err != nil {
		panic(err)
	}
	sealer := envelope.NewSealer(key)
	prev := envelope.Genesis
	var sent [][]byte
	for seq := uint64(1); seq <= 2; seq++ {
		b := envelope.Block{
			Gateway: "hb-01", Stream: envelope.StreamLive, Epoch: "5e9d00a1c3f7b284", Seq: seq, Prev: prev,
			T0: 1772323200000, Clock: envelope.Clock{State: envelope.ClockSync},
			Groups: []envelope.Group{{
				Source: "stack", Times: []int64{0, 1000}, Index: 2 * (seq - 1),
				Columns: []envelope.Column{{Point: "a21026", Kind: envelope.ColumnLive, Values: []string{"12.40", "12.38"}}},
			}},
		}
		payload := b.AppendPayload(nil)
		message, err := sealer.Seal(envelope.TypeBlock, payload)
		if err != nil {
			panic(err)
		}
		sent, prev = append(sent, message), envelope.Hash(payload)
	}

	keys := envelope.NewKeySet(key.Public())
	chain := envelope.NewChain("hb-01", envelope.StreamLive, "5e9d00a1c3f7b284")
	for _, message := range sent {
		b, hash, err := envelope.OpenBlock(message, keys)
		if err != nil {
			panic(err)
		}
		fmt.Println(b.Seq, b.Groups[0].Columns[0].Values, chain.Next(b, hash))
	}
	// Output:
	// 1 [12.40 12.38] <nil>
	// 2 [12.40 12.38] <nil>
}

// A chain that begins past block 1 needs to be told what lies before.
func ExampleChain_Anchor() {
	before := envelope.Hash([]byte("payload of block 6, which the gateway evicted"))
	b := &envelope.Block{Gateway: "hb-01", Stream: envelope.StreamLive, Epoch: "5e9d00a1c3f7b284", Seq: 7, Prev: before}
	hash := envelope.Hash([]byte("payload of block 7"))

	chain := envelope.NewChain("hb-01", envelope.StreamLive, "5e9d00a1c3f7b284")
	fmt.Println(errors.Is(chain.Next(b, hash), envelope.ErrAnchor))

	if err := chain.Anchor(6, before); err != nil { // as the signed event of the eviction says
		panic(err)
	}
	fmt.Println(chain.Next(b, hash))
	// Output:
	// true
	// <nil>
}

func ExampleBlock_AppendPayload() {
	b := envelope.Block{
		Gateway: "hb-01", Stream: envelope.StreamEvent, Epoch: "5e9d00a1c3f7b284", Seq: 1, Prev: envelope.Genesis,
		Boot: "7d1c0b52", T0: 1772323200000, Clock: envelope.Clock{State: envelope.ClockUnsync, ErrMs: -1, MonoMs: 4100},
		Firmware: "1.0.0",
		Events:   []envelope.Event{{Type: envelope.EventStart, Why: "power"}},
	}
	fmt.Printf("%s\n", b.AppendPayload(nil))
	// Output:
	// {"v":1,"gw":"hb-01","stream":"event","epoch":"5e9d00a1c3f7b284","seq":1,"prev":"GENESIS","boot":"7d1c0b52","t0":1772323200000,"clk":{"st":"unsync","err_ms":-1,"mono_ms":4100},"cfg":"","cat":"","fw":"1.0.0","ev":[{"type":"start","t":0,"why":"power"}]}
}

func ExamplePublicKey_Fingerprint() {
	key, err := envelope.KeyFromSeed("hb-01/EdDSA/1", make([]byte, 32)) // never so outside of tests
	if err != nil {
		panic(err)
	}
	fmt.Println(key.Public().Fingerprint())
	// Output:
	// 339e 2ff9 1763 0507 b6a4 23b5 ce08 4e28 5d1f a65d 93b3 e27a 6195 d3bb ebc9 ae23
}
