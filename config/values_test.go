package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"envgate/config"
)

// TestOneChange changes one place of a good file. want is the text of what is
// wrong with it then, without the program's name; empty where nothing is.
func TestOneChange(t *testing.T) {
	const wire = "        template: boling-dust\n"
	tests := []struct {
		name, old, new string
		want           string
	}{
		{"comment and document start", "gateway:", "# site\n---\ngateway:", ""},
		{"byte order mark and CRLF", "gateway:\n", "\uFEFFgateway:\r\n", ""},
		{"JSON style", "  id: gw-1", `  {"id":"gw-1"}`, ""},
		{"list without indent", "uplinks:\n  - name: centre\n    broker: mqtts://mqtt.example.org:8883\n    centre_keys: [/etc/envgate/centre.pub]\n", "uplinks:\n- name: centre\n  broker: mqtts://mqtt.example.org:8883\n  centre_keys:\n  - a.pub\n", ""},
		{"digits for a name", "gw-1", "007", ""},
		{"unit at the top", "unit: 1", "unit: 247", ""},
		{
			"unit past the top", "unit: 1", "unit: 248",
			"error: site.yaml:16:15: lines[0].devices[0].unit is 248: a Modbus unit is 1 to 247\n" +
				"hint: some instruments with a network socket say 248; they answer 1 as well, as a rule\n",
		},
		{"unit in octal", "unit: 1", "unit: 010", "error: site.yaml:16:15: lines[0].devices[0].unit is 010: a Modbus unit is 1 to 247\n"},
		{"unit too large for a number", "unit: 1", "unit: 99999999999999999999", "error: site.yaml:16:15: lines[0].devices[0].unit is 99999999999999999999: a Modbus unit is 1 to 247\n"},
		{"unit as a list", "unit: 1", "unit: [1]", "error: site.yaml:16:15: lines[0].devices[0].unit is a list: a Modbus unit is 1 to 247\n"},
		{"unit left empty", "unit: 1", "unit:", "error: site.yaml:16:14: lines[0].devices[0].unit is empty: a Modbus unit is 1 to 247\n"},
		{"interval at the bottom", "unit: 1", "unit: 1\n        interval: 0.2s", ""},
		{"interval below", "unit: 1", "unit: 1\n        interval: 199ms", "error: site.yaml:17:19: lines[0].devices[0].interval is 199ms: an interval is 200ms to 1h\n"},
		{"interval at the top", "unit: 1", "unit: 1\n        interval: 60m", ""},
		{"interval above", "unit: 1", "unit: 1\n        interval: 3601s", "error: site.yaml:17:19: lines[0].devices[0].interval is 3601s: an interval is 200ms to 1h\n"},
		{"timeout at the bottom", "unit: 1", "unit: 1\n        timeout: 20ms", ""},
		{"timeout below", "unit: 1", "unit: 1\n        timeout: 19ms", "error: site.yaml:17:18: lines[0].devices[0].timeout is 19ms: a timeout is 20ms to 1m\n"},
		{"timeout at the top", "unit: 1", "unit: 1\n        timeout: 60s", ""},
		{"timeout above", "unit: 1", "unit: 1\n        timeout: 61s", "error: site.yaml:17:18: lines[0].devices[0].timeout is 61s: a timeout is 20ms to 1m\n"},
		{
			"no parity", "      parity: none\n", "",
			"error: site.yaml:8:5: lines[0].serial.parity is missing: want none, even or odd, as the instrument is set; there is no safe default\n",
		},
		{
			"no stop bits", "      stop_bits: 1\n", "",
			"error: site.yaml:8:5: lines[0].serial.stop_bits is missing: want 1 or 2, as the instrument is set; there is no safe default\n",
		},
		{"7 data bits", "parity: none", "parity: none\n      data_bits: 7", "error: site.yaml:12:18: lines[0].serial.data_bits is 7: Modbus RTU has 8 data bits\nhint: 7 bits are Modbus ASCII, which envgate does not speak; set the instrument to RTU\n"},
		{"sealing at the bottom", "key:", "sealing: {interval: 1s}\nkey:", ""},
		{"sealing too often", "key:", "sealing: {interval: 0.999s}\nkey:", "error: site.yaml:3:21: sealing.interval is 0.999s: a sealing interval is 1s to 1m\n"},
		{"sealing too seldom", "key:", "sealing: {interval: 61s}\nkey:", "error: site.yaml:3:21: sealing.interval is 61s: a sealing interval is 1s to 1m\n"},
		{"budget at the bottom", "  path: /var", "  budget: 8MB\n  path: /var", ""},
		{"budget below", "  path: /var", "  budget: 7999999B\n  path: /var", "error: site.yaml:5:11: storage.budget is 7999999B: a budget is 8MB to 64GB\n"},
		{"budget in bits", "  path: /var", "  budget: 512mb\n  path: /var", "error: site.yaml:5:11: storage.budget is 512mb: want a number and one of MB, GB (decimal: 1 MB is 1000000 bytes) or MiB, GiB, such as 512MB\nhint: write 512MB\n"},
		{"minutes off", "key:", "rollup: {minutes: 0}\nkey:", ""},
		{"minutes that do not divide", "key:", "rollup: {minutes: 7}\nkey:", "error: site.yaml:3:19: rollup.minutes is 7: want a number of minutes that divides the hour: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30; 0 for none\n"},
		{"all of rollup", "key:", "rollup: {minutes: 1, rule: any, hour_minutes: 30, day_hours: 18, abnormal: most, count_flags: [N, M], night: '23:00-07:00', decimals: [{point: a34004, decimals: 0}], devices: [{device: dust-1, rule: share, noise: true}]}\nkey:", ""},
		{"rule of nobody", "key:", "rollup: {rule: water}\nkey:", "error: site.yaml:3:16: rollup.rule is water: want share or any\n"},
		{"too long an hour", "key:", "rollup: {hour_minutes: 61, day_hours: 0}\nkey:", "error: site.yaml:3:24: rollup.hour_minutes is 61: want the minutes that make a good hour, 1 to 60; HJ 75 and GB 3095 ask for 45\nerror: site.yaml:3:39: rollup.day_hours is 0: want the hours that make a good day, 1 to 24; GB 3095 asks for 20, three quarters are 18\n"},
		{"flags without N", "key:", "rollup: {count_flags: [M]}\nkey:", "error: site.yaml:3:23: rollup.count_flags has no N: good values always count\n"},
		{"flags in words", "key:", "rollup: {count_flags: [N, good]}\nkey:", "error: site.yaml:3:27: rollup.count_flags[1] is good: want a flag of HJ 212, each once: N F M S D C T B\n"},
		{"night in half hours", "key:", "rollup: {night: '22:30-06:00'}\nkey:", "error: site.yaml:3:17: rollup.night is \"22:30-06:00\": want two whole hours of the day, such as 22:00-06:00\nhint: GB 3096 has 22:00-06:00 where the county says nothing else\n"},
		{"decimals twice", "key:", "rollup: {decimals: [{point: LA, decimals: 1}, {point: LA, decimals: 2}]}\nkey:", "error: site.yaml:3:55: rollup.decimals[1].point is LA: it stands in line 3 already\nhint: keep the right one and delete the other\n"},
		{"rule of no device", "key:", "rollup: {devices: [{device: dust-9, rule: any}]}\nkey:", "error: site.yaml:3:29: rollup.devices[0].device is dust-9: no device has that name\n"},
		{"position without longitude", "key:", "  position: {latitude: -90}\nkey:", "error: site.yaml:3:3: gateway.position.longitude is missing: a longitude is -180 to 180 degrees, east positive, such as 114.3055\n"},
		{"position past the pole", "key:", "  position: {latitude: -90.1, longitude: 180}\nkey:", "error: site.yaml:3:24: gateway.position.latitude is -90.1: a latitude is -90 to 90 degrees, north positive, such as 30.5928\n"},
		{"position past the date line", "key:", "  position: {latitude: 90, longitude: -180.1}\nkey:", "error: site.yaml:3:39: gateway.position.longitude is -180.1: a longitude is -180 to 180 degrees, east positive, such as 114.3055\n"},
		{"position is no number", "key:", "  position: {latitude: .nan, longitude: 0x10}\nkey:", "error: site.yaml:3:24: gateway.position.latitude is .nan: a latitude is -90 to 90 degrees, north positive, such as 30.5928\nerror: site.yaml:3:41: gateway.position.longitude is 0x10: a longitude is -180 to 180 degrees, east positive, such as 114.3055\n"},
		{"no centre's keys", "    centre_keys: [/etc/envgate/centre.pub]\n", "", "error: site.yaml:18:5: uplinks[0].centre_keys is missing: want a list of the files with the centre's public keys, which sign receipts; with ack: receipt nothing counts as delivered without them\n"},
		{"no centre's keys with puback", "centre_keys: [/etc/envgate/centre.pub]", "ack: puback", ""},
		{"unverified receipt", "    broker", "    puback_unverified: true\n    broker", "error: site.yaml:19:24: uplinks[0].puback_unverified is true: it says something only with ack: puback\n"},
		{"certificate without key", "    broker", "    tls: {certificate: a.pem}\n    broker", "error: site.yaml:19:5: uplinks[0].tls.key is missing: a certificate needs its key\n"},
		{"key without certificate", "    broker", "    tls: {key: a.pem}\n    broker", "error: site.yaml:19:5: uplinks[0].tls.certificate is missing: a key needs its certificate\n"},
		{"wildcard in the prefix", "    broker", "    prefix: a/+/b\n    broker", "error: site.yaml:19:13: uplinks[0].prefix is a/+/b: want the first levels of the topics, such as envgate or city/dust, without + # and without / at the ends\n"},
		{"window at the top", "    broker", "    window: 1000\n    broker", ""},
		{"no window", "    broker", "    window: 0\n    broker", "error: site.yaml:19:13: uplinks[0].window is 0: a window is 1 to 1000 publishes\n"},
		{"whole share", "    broker", "    backlog_share: 100%\n    broker", "error: site.yaml:19:20: uplinks[0].backlog_share is 100%: want whole percents from 1% to 90%, such as 50%\n"},
		{"metered", "    broker", "    metered: {bytes_per_day: 20 MB, hours: ['22:00-06:00', '12:00-13:30', '23:00-24:00']}\n    broker", ""},
		{"metered by hours alone", "    broker", "    metered:\n      hours: [\"00:00-24:00\"]\n    broker", ""},
		{"metered by nothing", "    broker", "    metered: {}\n    broker", "error: site.yaml:19:14: uplinks[0].metered says nothing: want bytes_per_day, hours or both\n"},
		{"bytes without a unit", "    broker", "    metered: {bytes_per_day: 20}\n    broker", "error: site.yaml:19:30: uplinks[0].metered.bytes_per_day is 20: want 1MB to 1000GB, such as 20MB\nhint: 20 of what? write 20MB for instance\n"},
		{"too few bytes", "    broker", "    metered: {bytes_per_day: 999KB}\n    broker", "error: site.yaml:19:30: uplinks[0].metered.bytes_per_day is 999KB: want 1MB to 1000GB, such as 20MB\n"},
		{"hours in short", "    broker", "    metered: {hours: [22-6]}\n    broker", "error: site.yaml:19:23: uplinks[0].metered.hours[0] is 22-6: want two times of the day, such as 22:00-06:00\nhint: all digits are written, 06:00 and not 6; the day ends at 24:00\n"},
		{"hours in Chinese", "    broker", "    metered: {hours: [22：00至6：00]}\n    broker", "error: site.yaml:19:23: uplinks[0].metered.hours[0] is \"22：00至6：00\": want two times of the day, such as 22:00-06:00\nhint: all digits are written, 06:00 and not 6; the day ends at 24:00\n"},
		{"hours to midnight", "    broker", "    metered: {hours: ['22:00-00:00']}\n    broker", "error: site.yaml:19:23: uplinks[0].metered.hours[0] is \"22:00-00:00\": want two times of the day, such as 22:00-06:00\nhint: all digits are written, 06:00 and not 6; the day ends at 24:00\n"},
		{"no hours", "    broker", "    metered: {hours: ['06:00-06:00']}\n    broker", "error: site.yaml:19:23: uplinks[0].metered.hours[0] is \"06:00-06:00\": want two times of the day, such as 22:00-06:00\nhint: all digits are written, 06:00 and not 6; the day ends at 24:00\n"},
		{"hours that are none", "    broker", "    metered: {hours: ['25:00-06:00', night]}\n    broker", "error: site.yaml:19:23: uplinks[0].metered.hours[0] is \"25:00-06:00\": want two times of the day, such as 22:00-06:00\nerror: site.yaml:19:38: uplinks[0].metered.hours[1] is night: want two times of the day, such as 22:00-06:00\nhint: all digits are written, 06:00 and not 6; the day ends at 24:00\n"},
		{"hours in place of metered", "    broker", "    hours: ['22:00-06:00']\n    broker", "error: site.yaml:19:5: uplinks[0].hours is not a key: here may stand name, broker, tls, username, password_file, client_id, prefix, ack, puback_unverified, centre_keys, window, backlog_share, reconnect_max, receipt_timeout, streams, metered\nhint: hours belongs under uplinks[].metered: is the line indented as it should be?\n"},
		{"no uplink", small[strings.Index(small, "uplinks:"):], "", ""},
		{"key where a device has it", "unit: 1", "unit: 1\n        parity: none", "error: site.yaml:17:9: lines[0].devices[0].parity is not a key: here may stand name, template, template_file, registers, unit, inputs, interval, timeout, pause, priority, evidence\nhint: parity belongs under lines[].serial: is the line indented as it should be?\n"},
		{"double section", "lines:", "storage:\n  path: /x\nlines:", "error: site.yaml:6:1: storage stands here a second time: the first is in line 4\nhint: keep the right one and delete the other\n"},
		{"two sources", "unit: 1", "unit: 1\n        template_file: own.yaml", "error: site.yaml:17:24: lines[0].devices[0].template_file stands beside template: a device has one of template, template_file and registers\n"},
		{
			"a bus with TLS, without files", small[strings.Index(small, "    serial:"):strings.Index(small, "    devices:")], "    url: tcp+tls://10.0.0.9:802\n",
			"error: site.yaml:7:5: lines[0].tls is missing: want ca, certificate and key, which tcp+tls needs\n",
		},
		{
			"a bus with TLS, with one file", small[strings.Index(small, "    serial:"):strings.Index(small, "    devices:")], "    url: tcp+tls://10.0.0.9:802\n    tls: {ca: ca.pem}\n",
			"error: site.yaml:9:5: lines[0].tls.key is missing: a certificate needs its key\n" +
				"error: site.yaml:9:5: lines[0].tls.certificate is missing: a key needs its certificate\n",
		},
		{
			"a password in the address", "mqtts://mqtt", "mqtts://u:hunter2@mqtt",
			"error: site.yaml:19:13: uplinks[0].broker is mqtts://…@mqtt.example.org:8883: want mqtts:// or mqtt:// with host and port, such as mqtts://mqtt.example.org:8883\n" +
				"hint: give the name as username, and the password's file as password_file\n",
		},
		{
			"an escape in a user's name", "    broker", "    username: \"a\\x07\"\n    broker",
			"error: site.yaml:19:15: uplinks[0].username is \"a\\a\": want 1 to 128 characters\n",
		},
		{
			"two lines on one address", "uplinks:",
			"  - {name: a, url: 'tcp://conv:502', devices: [{name: a, unit: 1, template: boling-dust}]}\n" +
				"  - {name: b, url: 'rtuovertcp://CONV:502', devices: [{name: b, unit: 1, template: boling-dust}]}\nuplinks:",
			"error: site.yaml:18:20: lines[2].url is rtuovertcp://CONV:502: lines[1].url is that address already (line 17)\n" +
				"hint: instruments behind one address stand under one line, as its devices\n",
		},
		{
			"one client id for two uplinks", "    broker", "    client_id: a\n    broker: mqtts://h:1\n    ack: puback\n  - name: b\n    ack: puback\n    client_id: a\n    broker: mqtts://h:1\n  - name: c\n    client_id: a\n    broker",
			"error: site.yaml:24:16: uplinks[1].client_id is a: uplinks[0] has the same at this broker (line 18)\n" +
				"hint: a broker closes the first connection when a second one has its client id\n",
		},
		{
			"a platform with the gateway's MN and another's device", "uplinks:",
			"platforms:\n  - {name: a, address: 'h:1', st: 39, password_file: p, factors: [{device: dust-1, point: a34002}, {device: dust-2, point: a34002}]}\nuplinks:",
			"error: site.yaml:18:6: platforms[0].mn is missing: a platform knows the gateway by its MN; give it here or under gateway\n" +
				"error: site.yaml:18:109: platforms[0].factors[1].device is dust-2: no device above has that name\nhint: did you mean dust-1?\n",
		},
		{
			"commands of a platform that are none", "uplinks:",
			"platforms:\n  - {name: a, address: 'h:1', st: 39, mn: 010000A8900016F000169DC0, password_file: p, commands: {allow: [read, reboot], clock: {from: ntp, max_step: 2d}, identities: [a]}}\nuplinks:",
			"error: site.yaml:18:112: platforms[0].commands.allow[1] is reboot: want read, history, timing, stop, password or key, or [none]\n" +
				"error: site.yaml:18:135: platforms[0].commands.clock.from is ntp: want none or platform\n" +
				"error: site.yaml:18:150: platforms[0].commands.clock.max_step is 2d: a step of the clock is 1s to 1d\n" +
				"error: site.yaml:18:168: platforms[0].commands.identities[0] is a: want a list of factor code, = and identity, such as a34004=010000A8900016F000169DC1\n",
		},
		{
			"a platform of 2025 that assigns the MN", "uplinks:",
			"platforms:\n  - {name: a, address: 'h:1', edition: 2025, st: 39, password_file: p, commands: {registration: [SJ1]}}\nuplinks:", "",
		},
		{
			"registers that name each other, one misspelt", "        template: boling-dust\n",
			"        registers:\n          - {pointt: a, address: 1, unit: '1'}\n          - {status: b, address: 2, type: uint16, flags: [{flag: D, points: [a]}]}\n",
			"error: site.yaml:16:14: lines[0].devices[0].registers[0].pointt is not a key: here may stand point, status, zh, en, function, address, type, order, length, bits, scale, offset, decimals, unit, sentinels, sentinel_flag, range, signal, when_0, when_1, flags, confidence\nhint: did you mean point?\n",
		},
		{"inputs of a module", wire, "        template: io-module\n        inputs: {ai1: {point: w01018, signal: 4-20mA, range: [0, 500], unit: mg/L}, di8: {point: door, when_0: off, when_1: on}}\n", ""},
		{
			"a module without inputs", wire, "        template: io-module\n",
			"error: site.yaml:14:9: lines[0].devices[0].inputs is missing: want what is wired to the channels of io-module, which are ai1 to ai8, di1 to di8, do1 to do8\n",
		},
		{
			"inputs of an instrument", "unit: 1", "unit: 1\n        inputs: {ai1: {point: w01018, signal: 4-20mA, range: [0, 500], unit: mg/L}}",
			"error: site.yaml:17:24: lines[0].devices[0].inputs.ai1 is no channel: template boling-dust has none\n",
		},
		{
			"inputs that are nothing", wire, "        template: io-module\n        inputs: {}\n",
			"error: site.yaml:16:17: lines[0].devices[0].inputs is a group of keys: want the module's channels and what is wired to each, such as ai1: {point: w01018, ...}\n",
		},
		{
			"several mistakes in inputs", wire,
			"        template: io-module\n        inputs:\n          ai1: {point: w01018, signal: 4-20, range: [0], unit: mg/L}\n          ai9: {point: a, signal: 4-20mA, range: [0, 1], unit: m}\n" +
				"          di1: {point: w01018, when_0: shut, when1: open}\n          di2: {point: door}\n          di2: {point: gate}\n          di3: here\n",
			"error: site.yaml:17:40: lines[0].devices[0].inputs.ai1.signal is \"4-20\": want 4-20mA, 0-20mA, 1-5V, 0-5V or 0-10V\nhint: write 4-20mA\n" +
				"error: site.yaml:17:53: lines[0].devices[0].inputs.ai1.range has 1 numbers: want the lowest and the highest value\n" +
				"error: site.yaml:18:17: lines[0].devices[0].inputs.ai9 is no channel: template io-module has ai1 to ai8, di1 to di8, do1 to do8\n" +
				"error: site.yaml:19:46: lines[0].devices[0].inputs.di1.when1 is not a key: here may stand point, zh, en, signal, range, unit, decimals, when_0, when_1\nhint: did you mean when_1?\n" +
				"error: site.yaml:20:17: lines[0].devices[0].inputs.di2.when_0 is missing: want what 0 and 1 of the contact mean, such as when_0: closed, when_1: open\nhint: switch the contact by hand, watch it with envgate read, and swap the two if they are the wrong way round\n" +
				"error: site.yaml:21:11: lines[0].devices[0].inputs.di2 stands here a second time\nhint: keep the right one and delete the other\n" +
				"error: site.yaml:22:16: lines[0].devices[0].inputs.di3 is here: want keys and values below it: point, zh, en, signal, range, unit, decimals, when_0, when_1\nhint: a colon is missing behind here\n",
		},
		{
			"a name that no channel has", wire, "        template: io-module\n        inputs:\n          \"ai\\n1\": {point: a}\n",
			"error: site.yaml:17:11: lines[0].devices[0].inputs.\"ai\\n1\" is no channel: want the name of one, such as ai1\n",
		},
		{
			"inputs beside registers", wire, "        registers: [{point: a, address: 1, type: int16, unit: m}]\n        inputs: {ai1: {point: b, signal: 4-20mA, range: [0, 500], unit: mg/L}}\n",
			"error: site.yaml:16:18: lines[0].devices[0].inputs stands beside registers: inputs are for the channels of a template\n" +
				"hint: give the register of an analogue input a signal: and a range:, and that of a contact when_0: and when_1:\n",
		},
		{
			"an escape in a name", "gw-1", `"gw\x07"`,
			"error: site.yaml:2:7: gateway.id is \"gw\\a\": want 1 to 32 letters (a to z), digits, _ or -\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(small, tt.old) == 0 {
				t.Fatalf("%q is not in the file", tt.old)
			}
			_, err := config.Parse("site.yaml", []byte(strings.Replace(small, tt.old, tt.new, 1)))
			if got := strings.ReplaceAll(text(t, err), "envgate: ", ""); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"a port that changes", "/dev/serial/by-id/a", "/dev/ttyACM0", "warning: site.yaml:9:13: lines[0].serial.port is /dev/ttyACM0: that name changes when adapters are plugged in or start in another order"},
		{"an MN that is not the standard's", "key:", "  mn: ABC123\nkey:", "warning: site.yaml:3:7: gateway.mn is ABC123, which has 6 characters: the standard's MN has 24 of 0-9 A-F (14 digits in 2005)"},
		{"no TLS", "mqtts://", "mqtt://", "warning: site.yaml:19:13: uplinks[0].broker is mqtt://mqtt.example.org:8883, without TLS: readings can be read on the way, though not changed unseen"},
		{"no TLS, with a password", "broker: mqtts://", "username: a\n    password_file: b\n    broker: tcp://", "warning: site.yaml:21:13: uplinks[0].broker is tcp://mqtt.example.org:8883, without TLS: readings and password can be read on the way"},
		{"no TLS on this machine", "mqtts://mqtt.example.org", "mqtt://127.0.0.1", ""},
		{"no uplinks", small[strings.Index(small, "uplinks:"):], "", "warning: site.yaml:1:1: uplinks is missing: readings are sealed and kept here, and sent nowhere"},
		{"puback without proof", "centre_keys: [/etc/envgate/centre.pub]", "ack: puback\n    puback_unverified: true", "warning: site.yaml:21:24: uplinks[0].puback_unverified is true: what the broker throws away counts as delivered"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mustParse(t, strings.Replace(small, tt.old, tt.new, 1))
			var b strings.Builder
			if err := s.Warnings.WriteText(&b, "envgate"); err != nil {
				t.Fatal(err)
			}
			got, _, _ := strings.Cut(strings.ReplaceAll(b.String(), "envgate: ", ""), "\n")
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestOnePort: two names of one device are found, as they lead to one node.
func TestOnePort(t *testing.T) {
	dir := t.TempDir()
	node := filepath.Join(dir, "ttyX")
	if err := os.WriteFile(node, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"by-id", "by-path"} {
		if err := os.Symlink(node, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	second := strings.ReplaceAll(small[strings.Index(small, "  - name: dust"):strings.Index(small, "uplinks:")], "dust\n", "mast\n")
	second = strings.ReplaceAll(strings.ReplaceAll(second, "name: dust-1", "name: dust-2"), "boling-mast", "boling-dust")
	for _, tt := range []struct{ one, two, want string }{
		{"by-id", "by-id", "lines[0].serial.port is that port already (line 9)"},
		{"by-id", "by-path", "that is the same device as lines[0].serial.port (line 9)"},
		{"by-id", "gone", ""},
		{"by-id", "../" + filepath.Base(dir) + "/by-id", "lines[0].serial.port is that port already (line 9)"},
	} {
		file := strings.Replace(small, "/dev/serial/by-id/a", dir+"/"+tt.one, 1)
		file = strings.Replace(file, "uplinks:", strings.Replace(second, "/dev/serial/by-id/a", dir+"/"+tt.two, 1)+"uplinks:", 1)
		_, err := config.Parse("site.yaml", []byte(file))
		got := text(t, err)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) || strings.Count(got, "error:") > 1 {
			t.Errorf("%s and %s: got %q, want %q", tt.one, tt.two, got, tt.want)
		}
	}
}
