package config

import (
	"slices"
	"strings"
)

// sections are the keys that may stand in each group of a site file, in the
// order in which they are told. config/site.example.yaml shows them all.
var sections = withTags(table(`
= gateway key sealing storage rollup lines calculations checks maintenance uplinks platforms share log
gateway = id name mn position
gateway.position = latitude longitude altitude
sealing = interval
storage = path budget endurance retention
storage.retention = live stat event
rollup = minutes rule hour_minutes day_hours abnormal count_flags night decimals devices
rollup.decimals[] = point decimals
rollup.devices[] = device rule noise
lines[] = name protocol serial url tls timeout late_window pause devices
lines[].serial = port baud data_bits parity stop_bits echo
lines[].devices[] = name template template_file registers unit inputs interval timeout pause priority evidence
lines[] with protocol: hj212 = name protocol serial url listen crc devices
lines[].devices[] with protocol: hj212 = name mn interval factors
lines[].devices[].factors[] = code point unit
checks[] = device point limit range rate stuck twin sum
checks[].limit = high low warn_high warn_low after back converted flag
checks[].range = low high flag
checks[].rate = most flag
checks[].stuck = for except flag
checks[].twin = device point most percent for flag
checks[].sum = parts tolerance flag
checks[].sum.parts[] = device point
maintenance = longest
uplinks[] = name broker tls username password_file client_id prefix ack puback_unverified centre_keys window backlog_share reconnect_max receipt_timeout streams metered
uplinks[].tls = ca certificate key
uplinks[].metered = bytes_per_day hours
lines[].tls = ca certificate key
platforms[] = name address edition st password_file mn send rtd_interval ack timeout retries heartbeat digits mark_backfill crc key_file cipher private_network factors commands
platforms[].factors[] = device point code st times unit decimals figures
platforms[].commands = allow clock registration identities
platforms[].commands.clock = from max_step
share = listen allow
share.allow[] = device as_unit function registers
log = level
`))

// withTags adds the groups that are read as a whole: their keys are the tags of a type.
func withTags(t map[string][]string) map[string][]string {
	t[inputSection] = inputKeys
	t["lines[].devices[].registers"] = pointKeys
	t["lines[].devices[].registers[].flags"] = flagKeys
	t[calcSection] = calcKeys
	t[calcInputSection] = calcInputKeys
	return t
}

// table reads lines of a word and its list: a map that is written out in Go costs the
// program three times the memory of its text.
func table(text string) map[string][]string {
	t := map[string][]string{}
	for line := range strings.Lines(strings.TrimPrefix(text, "\n")) {
		key, list, _ := strings.Cut(line, "=")
		t[strings.TrimSpace(key)] = strings.Fields(list)
	}
	return t
}

// synonyms are words that people use, and the key that is meant. They serve
// hints only.
var synonyms = table(`
baud = baudrate baud_rate speed bps
data_bits = databits bytesize bits
stop_bits = stopbits stop
port = device_path tty dev
url = host endpoint tcp addr
unit = slave slave_id slaveid unit_id unitid address addr station
interval = period poll cycle every poll_interval rate
timeout = time_out wait
registers = points register
inputs = channels input wiring
signal = current voltage input_type
template = profile model type driver
broker = url server host address mqtt
password_file = password passwd pass pw pwd secret
username = user login
prefix = topic topic_prefix base_topic
certificate = cert crt client_cert cert_file
key = key_file private_key signing_key client_key
ca = ca_file cafile root ca_cert
centre_keys = center_keys centre_key center_key public_keys
latitude = lat 纬度
longitude = lon lng long 经度
altitude = alt height elevation 海拔
budget = max_bytes size limit max_size
path = file dir database
lines = buses bus ports serial
devices = instruments sensors meters
uplinks = mqtt brokers upload
ack = acknowledge mode acknowledgement qos
level = loglevel log_level verbosity
id = name gateway_id
point = code factor
st = system system_code
address = host url register
`)

// hintUnknown says what an unknown key of a group was probably meant to be.
func hintUnknown(key, section string) string {
	known := sections[section]
	plain := strings.ToLower(strings.NewReplacer("-", "_", " ", "_").Replace(key))
	if plain != key && slices.Contains(known, plain) {
		return "did you mean " + plain + "? keys are small letters and _"
	}
	for _, k := range known {
		if slices.Contains(synonyms[k], plain) {
			if k == "password_file" {
				return "a password stands in a file of its own, readable by the agent only: give its path as password_file"
			}
			return "did you mean " + k + "?"
		}
	}
	if near := nearest(plain, known); near != "" {
		return "did you mean " + near + "?"
	}
	home, ok := home(plain, section)
	switch {
	case !ok:
		return ""
	case home == "":
		return key + " belongs to the left margin of the file: is the line indented as it should be?"
	}
	return key + " belongs under " + home + ": is the line indented as it should be?"
}

// home is the group that has a key; of several, one of the same part of the file as from,
// and of those the one with the shortest name.
func home(key, from string) (section string, ok bool) {
	part, _, _ := strings.Cut(from, "[]")
	kin := func(s string) bool { return part != "" && strings.HasPrefix(s, part) }
	for s, keys := range sections {
		switch {
		case !slices.Contains(keys, key):
		case !ok, kin(s) && !kin(section), kin(s) == kin(section) && (len(s) < len(section) || len(s) == len(section) && s < section):
			section, ok = s, true
		}
	}
	return section, ok
}

// nearest is the word that text was probably meant to be, or empty: at most a
// third of its letters are wrong.
func nearest(text string, words []string) string {
	best, most := "", 1000
	for _, w := range words {
		if d := distance(text, w); d < most {
			best, most = w, d
		}
	}
	if most > max(1, max(len(best), len(text))/3) || most >= len(best) {
		return ""
	}
	return best
}

// distance is how many letters must be put in, taken out, changed or swapped
// with their neighbour to make b of a. It looks at the first 64 characters.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	x, y = x[:min(len(x), 64)], y[:min(len(y), 64)]
	var before []int
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		next := make([]int, len(y)+1)
		next[0] = i + 1
		for j := range y {
			same := 1
			if x[i] == y[j] {
				same = 0
			}
			next[j+1] = min(next[j]+1, row[j+1]+1, row[j]+same)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(y)]
}
