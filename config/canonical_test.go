package config_test

import (
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"envgate/config"
)

// full says everything, and nothing as it would be by default.
const full = `gateway:
  id: gw-1
  name: "示例 \"1\" 号 <&>"
  mn: 010000A8900016F000169DC0
  position: {latitude: -30.5, longitude: 114.25, altitude: 3.75}
key: /k
sealing: {interval: 7s}
storage: {path: /l, budget: 9000001B, retention: {live: 1d, stat: 36h, event: 90m}}
rollup: {minutes: 0, rule: any, hour_minutes: 44, day_hours: 18, abnormal: most, count_flags: [N, S], night: '21:00-05:00', decimals: [{point: x, decimals: 0}], devices: [{device: a1, rule: share, noise: true}]}
lines:
  - name: a
    serial: {port: /dev/serial/by-id/a, baud: 115200, parity: odd, stop_bits: 2, echo: true}
    timeout: 70ms
    late_window: 80ms
    pause: 9ms
    devices:
      - {name: a1, template_file: /t.yaml, unit: 247, interval: 1.5s, timeout: 90ms, pause: 40ms, priority: alarm, evidence: raw}
  - name: b
    url: tcp+tls://h:802
    tls: {ca: /a, certificate: /b, key: /c}
    devices:
      - name: b1
        unit: 2
        registers:
          - {point: x, address: 0x10, type: uint16, scale: 0.10, unit: "%", sentinels: [0x7FFF, 65535], range: [0, 100]}
          - {status: y, address: 17, type: uint16, bits: 4-7, flags: [{flag: M, any: 3, points: [x]}, {flag: D, is: [8]}]}
  - name: c
    protocol: hj212
    listen: "[::1]:9001"
    crc: modbus-swapped
    devices:
      - {name: c1, mn: A, interval: 60s}
      - {name: c2, mn: B, factors: [{code: a21026-ZsRtd, point: q, unit: mg/m3}, {code: "011"}]}
  - {name: d, protocol: hj212, url: "tcp://h:4001", devices: [{name: d1, mn: A}]}
  - name: e
    protocol: hj212
    serial: {port: /dev/serial/by-id/e, baud: 9600, parity: none, stop_bits: 1}
    devices: [{name: e1, mn: A}]
checks:
  - device: b1
    point: x
    limit: {high: 150.5, low: -1, warn_high: 100, warn_low: 0, after: 90s, back: 0.1, converted: true, flag: T}
    range: {low: 0, high: 1e3, flag: none}
    rate: {most: 0.2, flag: M}
    stuck: {for: 36h, except: 0, flag: F}
    twin: {device: c1, point: y, most: 1, percent: 12.5, for: 1h, flag: S}
    sum: {parts: [{device: b1, point: z}, {device: c1, point: z}], tolerance: 3, flag: B}
  - {device: b1, point: y, limit: {warn_low: 0}, range: {low: 0}, twin: {device: c1, point: y, percent: 1}, sum: {parts: [{device: b1, point: z}]}}
maintenance: {longest: 90m}
uplinks:
  - name: u
    broker: ssl://h:1
    tls: {ca: /d, certificate: /e, key: /f}
    username: "n n"
    password_file: /g
    client_id: c
    prefix: p/q
    ack: puback
    puback_unverified: true
    centre_keys: [/h, /i]
    window: 33
    backlog_share: 29%
    reconnect_max: 2s
    receipt_timeout: 3s
    streams: [event, live]
    metered: {bytes_per_day: 20MB, hours: ["22:00-06:00", "12:00-13:30"]}
platforms:
  - {name: p, address: "[::1]:9001", edition: 2025, st: 22, password_file: /j, mn: A, send: [day], rtd_interval: 60s, ack: none, timeout: 5s, retries: 4,
     heartbeat: 90s, digits: instrument, mark_backfill: true, crc: modbus, key_file: /k2, cipher: braces, private_network: true,
     factors: [{device: b1, point: x, code: a34002, st: 44, times: 0.0010, unit: mg/m3, decimals: 2, figures: [zs, avg]}],
     commands: {allow: [stop, key], clock: {from: platform, max_step: 7m}, registration: [s, c, "0:1", m], identities: ["a34002=A1"]}}
share: {listen: "[::1]:1502", allow: [{device: b1, as_unit: 9, function: 4, registers: 2-8}, {device: b1, as_unit: 9, registers: 7}]}
log: {level: debug}
`

// TestCanonicalWhole: whatever is set stands in the canonical form.
func TestCanonicalWhole(t *testing.T) {
	s := mustParse(t, full)
	again, err := config.Parse("site.yaml", s.Canonical())
	if err != nil {
		t.Fatalf("Parse of the canonical form: %v\n%s", err, s.Canonical())
	}
	s.Warnings, again.Warnings = nil, nil // of other lines
	if !reflect.DeepEqual(again, s) {
		t.Errorf("parsed again\n%s\nwant\n%s", again.Canonical(), s.Canonical())
	}
}

func TestCanonical(t *testing.T) {
	s, err := config.Load("site.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b := s.Canonical()
	if !json.Valid(b) {
		t.Fatalf("no JSON: %s", b)
	}
	// Another form of the same settings would change cfg on every gateway.
	golden(t, "testdata/example.golden", b)
	again, err := config.Parse("site.yaml", b)
	if err != nil {
		t.Fatalf("Parse of the canonical form: %v\n%s", err, b)
	}
	if !reflect.DeepEqual(again, s) {
		t.Errorf("parsed again\n%+v\nwant\n%+v", again, s)
	}
	// Order, comments, quotes and defaults that are said make no difference;
	// a value does.
	same := "log: {level: info}\n" + strings.Replace(small, "id: gw-1", "id: 'gw-1' # here", 1)
	sum := func(file string) [32]byte { return sha256.Sum256(mustParse(t, file).Canonical()) }
	if sum(same) != sum(small) {
		t.Error("the same settings in another order have another hash")
	}
	if sum(strings.Replace(small, "unit: 1", "unit: 2", 1)) == sum(small) {
		t.Error("another unit has the same hash")
	}
}
