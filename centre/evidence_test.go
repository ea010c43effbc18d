package main

import (
	"bufio"
	"bytes"
	"math"
	"strings"
	"testing"

	"envgate/envelope"
)

// Register bytes that a site keeps as evidence stand beside each value of their request;
// a request without them has none.
func TestExportEvidence(t *testing.T) {
	b := &envelope.Block{Stream: envelope.StreamLive, Groups: []envelope.Group{{
		Source: "dust", Times: []int64{0, 1000}, Raw: [][]byte{{0, 0x7B, 0, 0x42}, nil},
		Columns: []envelope.Column{
			{Point: "a34001", Kind: "x", Values: []string{"123", ""}},
			{Point: "a34002", Kind: "x", Values: []string{"66", ""}},
		},
	}}}
	var out bytes.Buffer
	e := &jsonExport{w: bufio.NewWriter(&out), sel: &selection{from: math.MinInt64, to: math.MaxInt64}}
	if err := e.block(chainID{Gateway: "g", Stream: envelope.StreamLive}, b, nil); err != nil {
		t.Fatal(err)
	}
	if err := e.flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, want := range []bool{true, true, false, false} {
		if got := strings.Contains(lines[i], `"raw":"007b0042"`); got != want || !want && strings.Contains(lines[i], "raw") {
			t.Errorf("line %d: %s", i, lines[i])
		}
	}
}
