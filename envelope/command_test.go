package envelope_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"envgate/envelope"
)

func order() *envelope.Command {
	return &envelope.Command{
		Gateway: "hb-01", ID: "a1", At: 1772323200000, Until: 1772409600000,
		Do: "limit", Subject: "gas-1/a21026/high", Value: "50", Why: "permit 2026-7", Who: "li",
	}
}

func TestCommandRoundTrip(t *testing.T) {
	c := order()
	p := c.AppendPayload(nil)
	want := `{"gw":"hb-01","id":"a1","at":1772323200000,"until":1772409600000,"do":"limit","subject":"gas-1/a21026/high","value":"50","why":"permit 2026-7","who":"li"}`
	if string(p) != want {
		t.Errorf("AppendPayload = %s, want %s", p, want)
	}
	if got, err := envelope.ParseCommand(p); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("ParseCommand(%s) = %+v, %v", p, got, err)
	}
}

func TestCommandCheck(t *testing.T) {
	for name, do := range map[string]func(c *envelope.Command){
		"gateway":    func(c *envelope.Command) { c.Gateway = "a/b" },
		"id":         func(c *envelope.Command) { c.ID = "" },
		"at":         func(c *envelope.Command) { c.At = -1 },
		"until":      func(c *envelope.Command) { c.Until = c.At - 1 },
		"until past": func(c *envelope.Command) { c.Until = envelope.MaxSeq + 1 },
		"do":         func(c *envelope.Command) { c.Do = "rm -rf" },
		"no do":      func(c *envelope.Command) { c.Do = "" },
		"long":       func(c *envelope.Command) { c.Why = strings.Repeat("x", 1025) },
	} {
		c := order()
		do(c)
		if err := c.Check(); !errors.Is(err, envelope.ErrPayload) {
			t.Errorf("%s: Check() = %v, want ErrPayload", name, err)
		}
		if _, err := envelope.ParseCommand(c.AppendPayload(nil)); !errors.Is(err, envelope.ErrPayload) {
			t.Errorf("%s: ParseCommand = %v, want ErrPayload", name, err)
		}
	}
}

// A receipt is no command, whoever signed it: the type stands in the signed header.
func TestOpenCommandType(t *testing.T) {
	key, err := envelope.NewKey("centre")
	if err != nil {
		t.Fatal(err)
	}
	keys := envelope.NewKeySet(key.Public())
	payload := order().AppendPayload(nil)
	for typ, want := range map[string]error{envelope.TypeCommand: nil, envelope.TypeReceipt: envelope.ErrType, envelope.TypeBlock: envelope.ErrType} {
		m, err := envelope.NewSealer(key).Seal(typ, payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := envelope.OpenCommand(m, keys); !errors.Is(err, want) {
			t.Errorf("OpenCommand of %s = %v, want %v", typ, err, want)
		}
	}
}
