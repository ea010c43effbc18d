package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"envgate/agent/uplink"
	"envgate/buffer"
	"envgate/config"
	"envgate/drivers"
	"envgate/drivers/modbus"
	"envgate/envelope"
)

// testSite is a site with an instrument behind the address, and a broker that is not
// there.
func testSite(t *testing.T, address string) *config.Site {
	t.Helper()
	dir := t.TempDir()
	key := testKey(t)
	if err := envelope.WriteKey(filepath.Join(dir, "gw.key"), key); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "site.yaml")
	text := fmt.Sprintf(`gateway: {id: gw-test}
key: gw.key
storage: {path: log/gw.db}
lines:
  - name: lan
    url: tcp://%s
    devices:
      - name: noise
        unit: 1
        interval: 200ms
        registers: [{point: LA, address: 0, type: uint16, unit: dB}]
uplinks:
  - {name: city, broker: "mqtt://127.0.0.1:1", ack: puback}
`, address)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	site, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// Polls go on while the log cannot be opened, and the agent still stops in time, with
// a broker that is not there and an instrument that says nothing (promises P1, P7).
func TestAgentPollsWithoutALog(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	site := testSite(t, l.Addr().String())
	if err := os.WriteFile(filepath.Dir(site.Storage.Path), nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	a := newAgent(site, false, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		a.in.mu.Lock()
		held := a.in.held
		a.in.mu.Unlock()
		if held > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no reading in 10 s")
		}
	}
	began := time.Now()
	cancel(errors.New("test"))
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("the stop took %s", took)
	}
}

// A part that fails is said, and takes nothing else with it.
func TestAgentCatchesAPart(t *testing.T) {
	a := newAgent(&config.Site{}, false, slog.New(slog.DiscardHandler))
	func() {
		defer a.caught("line lan")
		panic("index out of range")
	}()
	events, _ := a.in.takeEvents()
	if len(events) != 1 || events[0].Type != envelope.EventFault || events[0].Subject != "line lan" {
		t.Errorf("events %+v, want one fault of line lan", events)
	}
}

func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		if err := within(time.Second, func() error { <-free; return nil }); !errors.Is(err, errHangs) {
			t.Errorf("within of what hangs: %v, want errHangs", err)
		}
		close(free)
		if err := within(time.Second, func() error { return buffer.ErrFull }); err != buffer.ErrFull {
			t.Errorf("within: %v, want the function's error", err)
		}
	})
}

// Two template files of one name in two folders are two documents, each under the hash
// that the catalogue names.
func TestDocumentsOfTemplatesWithOneName(t *testing.T) {
	var lines []*siteLine
	for i := range 2 {
		text := fmt.Sprintf(`name: meter
title: {zh: 表, en: Meter %d}
manual: none
confidence: uncertain
points:
  - {point: LA, address: %d, type: uint16, unit: dB}
`, i, i)
		tmpl, err := drivers.ParseTemplate("meter", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint("noise", i)
		d, err := drivers.NewDevice(drivers.DeviceOptions{Name: name, Unit: 1, Template: tmpl})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, &siteLine{devices: []*siteDevice{{config.Device{Name: name}, tmpl, d}}})
	}
	docs := makeDocuments(testSite(t, "127.0.0.1:1"), testKey(t), lines)
	if len(docs.templates) != 2 {
		t.Fatalf("%d templates, want 2", len(docs.templates))
	}
	for _, d := range docs.templates {
		if hash := envelope.Hash([]byte(d.text)); !strings.Contains(string(docs.catalogue), hash) {
			t.Errorf("the catalogue does not name template %s", hash)
		}
	}
}

// A line whose certificates are wrong is not one whose address is wrong.
func TestHintNamesTheCause(t *testing.T) {
	_, err := brokenBus{uplink.ErrCertificateForm}.Read(t.Context(), modbus.Read{})
	if !lineFault(err) || !strings.Contains(hintFor(err), "PEM") {
		t.Errorf("hint for %q is %q, want one about the certificate", err, hintFor(err))
	}
}
