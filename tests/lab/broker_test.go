package main

import (
	"bytes"
	"compress/gzip"
	"net"
	"path/filepath"
	"testing"
)

func TestBroker(t *testing.T) {
	b, err := startBroker(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	address := b.address
	b.stop()
	if c, err := net.Dial("tcp", address); err == nil || b.up() {
		c.Close()
		t.Error("a broker that was stopped takes connections")
	}
	if err := b.start(); err != nil || b.address != address || !b.up() {
		t.Fatalf("start = %v at %s, want %s again", err, b.address, address)
	}

	receipt := []byte("eyJ9..sig\n{\"gw\":\"demo\",\"upto\":17}")
	for _, m := range []struct {
		topic   string
		payload []byte
	}{
		{"envgate/demo/b/live", []byte("12345")},
		{"envgate/demo/b/live", []byte("12345")},
		{"envgate/demo/receipt/live", receipt},
		{"envgate/demo/receipt/live", receipt}, // retained, seen once more
		{"envgate/demo/state", []byte("online")},
	} {
		if err := b.server.Publish(m.topic, m.payload, false, 1); err != nil {
			t.Fatal(err)
		}
	}
	got := b.traffic()["live"]
	if got.blocks != 2 || got.bytes != 10 || got.receipts != 1 || got.upto != 17 {
		t.Errorf("traffic %+v, want 2 blocks of 10 bytes, 1 receipt up to 17", got)
	}
}

func TestUpto(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte("a..b\nc..d\n{\"upto\":5}"))
	z.Close()
	for _, tt := range []struct {
		message []byte
		want    uint64
	}{
		{packed.Bytes(), 5},
		{[]byte("a..b\n{\"upto\":6}"), 6},
		{[]byte("a..b\n{\"upto\":"), 0},
		{nil, 0},
	} {
		if got := upto(tt.message); got != tt.want {
			t.Errorf("upto(%q) = %d, want %d", tt.message, got, tt.want)
		}
	}
}
