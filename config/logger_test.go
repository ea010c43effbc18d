package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"envgate/config"
)

// pushing is a site whose instruments speak by themselves.
const pushing = `gateway: {id: gw-1}
key: /etc/envgate/gateway.key
storage: {path: /var/lib/envgate/log.db}
lines:
  - name: stack
    protocol: hj212
    listen: 192.168.1.1:9001
    devices:
      - name: stack-1
        mn: 010000A8900016F000169DC0
        factors:
          - {code: a21026, point: so2, unit: mg/m3}
          - {code: a21026-ZsRtd}
uplinks:
  - {name: centre, broker: "mqtts://h:8883", ack: puback}
`

func TestLogger(t *testing.T) {
	s := mustParse(t, pushing)
	want := []config.Line{{
		Name: "stack", Protocol: "hj212", Listen: "192.168.1.1:9001", CRC: "standard",
		Devices: []config.Device{{
			Name: "stack-1", MN: "010000A8900016F000169DC0", Interval: 30 * time.Second,
			Factors: []config.LoggerFactor{{Code: "a21026", Point: "so2", Unit: "mg/m3"}, {Code: "a21026-ZsRtd", Point: "a21026_ZsRtd"}},
		}},
	}}
	if !reflect.DeepEqual(s.Lines, want) {
		t.Errorf("got  %+v\nwant %+v", s.Lines, want)
	}
	// Saying what is the default changes nothing, for Modbus neither.
	said := strings.Replace(pushing, "    listen", "    crc: standard\n    listen", 1)
	if got := string(mustParse(t, said).Canonical()); got != string(s.Canonical()) {
		t.Errorf("canonical form with the default said:\n%s", got)
	}
	said = strings.Replace(small, "  - name: dust\n", "  - name: dust\n    protocol: modbus\n", 1)
	if got := string(mustParse(t, said).Canonical()); got != string(mustParse(t, small).Canonical()) {
		t.Errorf("canonical form with protocol: modbus said:\n%s", got)
	}
}

// TestLoggerOneChange is TestOneChange for lines of HJ 212.
func TestLoggerOneChange(t *testing.T) {
	const second = "\n  - name: b\n    protocol: hj212\n    listen: 10.0.0.1:9001\n    devices: [{name: b, mn: B23456789012345678901234}]\nuplinks:"
	tests := []struct{ name, old, new, want string }{
		{"connecting", "listen: 192.168.1.1:9001", "url: tcp://10.0.0.5:4001", ""},
		{"serial", "listen: 192.168.1.1:9001", "serial: {port: /dev/serial/by-id/a, baud: 9600, parity: none, stop_bits: 1}", ""},
		{"another sum", "listen", "crc: modbus\n    listen", ""},
		{"an MN that another port has", "\nuplinks:", strings.Replace(second, "B23456789012345678901234", "010000A8900016F000169DC0", 1), ""},
		{
			"no such protocol", "protocol: hj212", "protocol: HJ212-2017",
			"error: site.yaml:6:15: lines[0].protocol is HJ212-2017: want modbus or hj212\nhint: write protocol: hj212\n",
		},
		{
			"a Modbus of its own", "protocol: hj212", "protocol: modbus-rtu",
			"error: site.yaml:6:15: lines[0].protocol is modbus-rtu: want modbus or hj212\nhint: write protocol: modbus, or leave it out; the url or serial: says which kind of Modbus it is\n",
		},
		{
			"nothing to hear on", "    listen: 192.168.1.1:9001\n", "",
			"error: site.yaml:5:5: lines[0] has no serial, url or listen: want serial: with port, baud, parity and stop_bits, url: tcp://10.0.0.5:4001 to connect, or listen: 0.0.0.0:9001 to be connected to\n",
		},
		{
			"two ways", "    listen", "    url: tcp://10.0.0.5:4001\n    listen",
			"error: site.yaml:8:13: lines[0].listen stands beside url: a line is one of serial, url and listen\nhint: make two lines of it, each with its devices\n",
		},
		{
			"another scheme", "listen: 192.168.1.1:9001", "url: udp://10.0.0.5:4001",
			"error: site.yaml:7:10: lines[0].url is udp://10.0.0.5:4001: want tcp:// with host and port, such as tcp://10.0.0.5:4001\n",
		},
		{
			"a bare port", "listen: 192.168.1.1:9001", `listen: ":9001"`,
			"error: site.yaml:7:13: lines[0].listen is \":9001\": want address and port, such as 0.0.0.0:9001 (any network) or 192.168.1.1:9001\nhint: for any network write 0.0.0.0:9001\n",
		},
		{
			"an address with a scheme", "listen: 192.168.1.1:9001", "listen: tcp://192.168.1.1:9001",
			"error: site.yaml:7:13: lines[0].listen is tcp://192.168.1.1:9001: want address and port, such as 0.0.0.0:9001 (any network) or 192.168.1.1:9001\nhint: leave out what comes before the address: 192.168.1.1:9001\n",
		},
		{"one port in two networks", "\nuplinks:", second, ""},
		{
			"one port twice", "\nuplinks:", strings.Replace(second, "10.0.0.1", "0.0.0.0", 1),
			"warning: site.yaml:16:13: lines[1].listen is 0.0.0.0:9001: that port is open to every network that the gateway is in, and frames are neither signed nor secret\nhint: give the address of the network in which the instruments are\n" +
				"error: site.yaml:16:13: lines[1].listen is 0.0.0.0:9001: lines[0].listen has that port already (line 7)\nhint: one line takes the frames of many instruments, as its devices\n",
		},
		{
			"no such sum", "listen", "crc: ccitt\n    listen",
			"error: site.yaml:7:10: lines[0].crc is ccitt: want standard, modbus or modbus-swapped\n",
		},
		{
			"keys of Modbus", "listen", "timeout: 1s\n    listen",
			"error: site.yaml:7:5: lines[0].timeout is not a key: here may stand name, protocol, serial, url, listen, crc, devices\nhint: timeout belongs under lines[]: is the line indented as it should be?\n",
		},
		{
			"a unit", "        mn:", "        unit: 1\n        mn:",
			"error: site.yaml:10:9: lines[0].devices[0].unit is not a key: here may stand name, mn, interval, factors\nhint: unit belongs under lines[].devices[]: is the line indented as it should be?\n",
		},
		{
			"no MN", "        mn: 010000A8900016F000169DC0\n", "",
			"error: site.yaml:9:9: lines[0].devices[0].mn is missing: want the MN that stands in the instrument's frames\n",
		},
		{
			"one MN twice", "\nuplinks:", "\n      - {name: x, mn: 010000A8900016F000169DC0}\nuplinks:",
			"error: site.yaml:14:23: lines[0].devices[1].mn is 010000A8900016F000169DC0: lines[0].devices[0].mn is that MN already (line 10)\nhint: each instrument has an MN of its own; set one of them anew\n",
		},
		{
			"a factor without its code", "{code: a21026-ZsRtd}", "{unit: mg/m3}",
			"error: site.yaml:13:14: lines[0].devices[0].factors[1].code is missing: want the factor as it stands in frames, such as a34004, or a21026-ZsRtd for the converted value\n",
		},
		{
			"a factor with its kind", "a21026-ZsRtd", "a21026-Rtd",
			"error: site.yaml:13:20: lines[0].devices[0].factors[1].code is a21026-Rtd: want the factor as it stands in frames, such as a34004, or a21026-ZsRtd for the converted value\nhint: leave out -Rtd: it is what is meant\n",
		},
		{
			"a factor of minutes", "a21026-ZsRtd", "a21026-Avg",
			"error: site.yaml:13:20: lines[0].devices[0].factors[1].code is a21026-Avg: want the factor as it stands in frames, such as a34004, or a21026-ZsRtd for the converted value\nhint: of real-time data Rtd and ZsRtd are taken; minute and hour data are made here\n",
		},
		{
			"a factor whose point would be too long", "a21026-ZsRtd", "a12345678901234567890123456-ZsRtd",
			"error: site.yaml:13:20: lines[0].devices[0].factors[1].code is a12345678901234567890123456-ZsRtd: want the factor as it stands in frames, such as a34004, or a21026-ZsRtd for the converted value\n",
		},
		{
			"one factor twice", "a21026-ZsRtd", "a21026",
			"error: site.yaml:13:20: lines[0].devices[0].factors[1].code is a21026: lines[0].devices[0].factors[0].code has that code already (line 12)\n",
		},
		{
			"one point twice", "{code: a21026-ZsRtd}", "{code: x, point: so2}",
			"error: site.yaml:13:30: lines[0].devices[0].factors[1].point is so2: lines[0].devices[0].factors[0].point has that point already (line 12)\n",
		},
		{
			"a default point that is taken", "{code: a21026-ZsRtd}", "{code: so2}",
			"error: site.yaml:13:14: lines[0].devices[0].factors[1] is so2: lines[0].devices[0].factors[0].point has that point already (line 12)\n",
		},
		{
			"a point that cannot be one", "point: so2", "point: so-2",
			"error: site.yaml:12:35: lines[0].devices[0].factors[0].point is so-2: want a factor code of HJ 212, or a name of your own: up to 32 letters, digits or _\n",
		},
		{"a unit that is no unit", "unit: mg/m3", "unit: milligrams per cubic metre", "error: site.yaml:12:46: lines[0].devices[0].factors[0].unit is \"milligrams per cubic metre\": want the unit of the values in frames, such as mg/m3\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(pushing, tt.old) == 0 {
				t.Fatalf("%q is not in the file", tt.old)
			}
			_, err := config.Parse("site.yaml", []byte(strings.Replace(pushing, tt.old, tt.new, 1)))
			if got := strings.ReplaceAll(text(t, err), "envgate: ", ""); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// TestLoggerKeysOnModbus: the keys of one protocol are not those of the other.
func TestLoggerKeysOnModbus(t *testing.T) {
	_, err := config.Parse("site.yaml", []byte(strings.Replace(small, "    devices:", "    crc: modbus\n    devices:", 1)))
	want := "hint: crc belongs under lines[] with protocol: hj212: is the line indented as it should be?\n"
	if got := text(t, err); !strings.Contains(got, want) {
		t.Errorf("got\n%swant %s", got, want)
	}
}

// TestLoggerDevices: what the site file takes, package drivers takes too.
func TestLoggerDevices(t *testing.T) {
	d := mustParse(t, pushing).Lines[0].Devices[0].Logger()
	if d.Name != "stack-1" || d.MN != "010000A8900016F000169DC0" || d.Interval != 30*time.Second || len(d.Factors) != 2 || d.Factors[1].Point != "a21026_ZsRtd" {
		t.Errorf("device %+v", d)
	}
}
