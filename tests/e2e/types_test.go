package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// held is a value as a slave is told to hold it, and what the program must
// show of it: value, flag and cause.
type held struct {
	kind  string // as the slave is told: bits are hexadecimal, high byte first
	value string
	as    string // type and more for the program, where it is not kind
	want  string
}

var numbers = []held{
	{"uint16", "0", "", "0 N"},
	{"uint16", "65535", "", "65535 N"},
	{"uint16", "4660", "", "4660 N"},
	{"uint16", "42435", "uint16, bits: 4-7", "12 N"}, // A5C3
	{"int16", "-1", "", "-1 N"},
	{"int16", "-32768", "", "-32768 N"},
	{"int16", "32767", "", "32767 N"},
	{"int16", "-123", "int16, scale: 0.1, offset: -40", "-52.3 N"},
	{"uint32", "1", "", "1 N"},
	{"uint32", "4294967295", "", "4294967295 N"},
	{"uint32", "305419896", "", "305419896 N"},
	{"int32", "-2", "", "-2 N"},
	{"int32", "-2147483648", "", "-2147483648 N"},
	{"int32", "2147483647", "", "2147483647 N"},
	{"int32", "-305419896", "int32, scale: 0.001", "-305419.896 N"},
	{"uint64", "1", "", "1 N"},
	{"uint64", "18446744073709551615", "", "18446744073709551615 N"},
	{"uint64", "81985529216486895", "", "81985529216486895 N"},
	{"int64", "-2", "", "-2 N"},
	{"int64", "-9223372036854775808", "", "-9223372036854775808 N"},
	{"int64", "9223372036854775807", "", "9223372036854775807 N"},
	{"float32", "0", "", "0 N"},
	{"float32", "-0.0", "", "0 N"},
	{"float32", "-118.625", "", "-118.625 N"},
	{"float32", "41.35", "", "41.35 N"},
	{"float32", "3.4028235e38", "", "340282350000000000000000000000000000000 N"},
	{"float32", "-3.4028235e38", "", "-340282350000000000000000000000000000000 N"},
	{"float32", "1e-45", "", "0.000000000000000000000000000000000000000000001 N"},
	{"float32", "nan", "", "- D sentinel"},
	{"float32", "inf", "", "- D sentinel"},
	{"float32", "-inf", "", "- D sentinel"},
	{"bits", "7FA00000", "float32", "- D sentinel"}, // a number that is none, as Endress+Hauser writes it
	{"bits", "FFC00001", "float32, sentinel_flag: F", "- F sentinel"},
	{"float64", "0.1", "", "0.1 N"},
	{"float64", "-123456789.015625", "", "-123456789.015625 N"},
	{"float64", "2.5e-9", "", "0.0000000025 N"},
	{"float64", "nan", "", "- D sentinel"},
	{"float64", "-inf", "", "- D sentinel"},
	{"float64", "1.7976931348623157e308", "", "- D unreadable"}, // 309 digits
	{"bits", "7FF0000000000001", "float64", "- D sentinel"},
	{"string", "Envgate-4", "string, length: 5", "Envgate-4 N"},
	{"string", "OK", "string, length: 1", "OK N"},
}

// contacts are bits in a row, over the edges of bytes.
const contacts = "1011001110001111000011111000001"

// slavePlan is what a slave is told, and what the program is told of it: by
// function the registers of a device, and what must come out.
func slavePlan() (plan string, devices map[int]string, want map[string]string) {
	var b strings.Builder
	rows := map[int][]string{}
	want = map[string]string{}
	add := func(function, address int, order string, h held) {
		name := fmt.Sprintf("f%d_%d", function, address)
		fmt.Fprintln(&b, function, address, h.kind, order, h.value)
		as := h.kind
		if h.as != "" {
			as = h.as
		}
		if order != "-" {
			as += ", order: " + order
		}
		if !strings.HasPrefix(as, "string") {
			as += `, unit: "1"`
		}
		rows[function] = append(rows[function], fmt.Sprintf("{point: %s, function: %d, address: %d, type: %s}", name, function, address, as))
		want[name] = h.want
	}
	for _, function := range []int{3, 4} {
		address := 7
		for _, order := range []string{"ABCD", "CDAB", "BADC", "DCBA"} {
			for _, h := range numbers {
				add(function, address, order, h)
				address += map[string]int{"uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "float32": 2, "string": (len(h.value) + 1) / 2, "bits": len(h.value) / 4}[h.kind]
				if strings.HasSuffix(h.kind, "64") {
					address += 4
				}
			}
		}
	}
	for i, c := range contacts {
		add(1, 13+i, "-", held{"bit", string(c), "", string(c) + " N"})
		add(2, 22+i, "-", held{"bit", string('0' + '1' - c), "", string('0'+'1'-c) + " N"})
	}
	devices = map[int]string{}
	for function, list := range rows {
		devices[function] = "name: it\n        unit: 1\n        registers:\n          - " + strings.Join(list, "\n          - ")
	}
	return b.String(), devices, want
}

// pymodbus and libmodbus hold values of every type in every order, in all four
// tables, put there by python's struct and by C. What they were told is what
// the program shows.
func TestForeignSlavesAreReadInEveryTypeAndOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plan, devices, want := slavePlan()
	write(t, filepath.Join(dir, "plan"), plan)
	libmodbus := filepath.Join(dir, "libmodbus")
	if out, err := exec.Command(need(t, "gcc", "gcc libc6-dev"), "-Wall", "-Werror", "-O1", "-o", libmodbus, "testdata/every_type.c", "-lmodbus").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v (apt-get install -y libmodbus-dev)\n%s", err, out)
	}
	for name, slave := range map[string]string{"pymodbus": "exec /usr/bin/python3 testdata/every_type.py", "libmodbus": "exec " + libmodbus} {
		for _, kind := range []string{"tcp", "rtu"} {
			t.Run(name+"-"+kind, func(t *testing.T) {
				t.Parallel()
				line, where := slaveLine(t, kind)
				p := start(t, filepath.Join(t.TempDir(), "slave.log"), "/bin/sh", "-c", slave+" "+kind+" "+where+" <"+filepath.Join(dir, "plan"))
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("the slave says:\n%s", p.tail())
					}
				})
				got := map[string]row{}
				for _, device := range devices {
					rows := tableOnce(t, line, device)
					for code, r := range rows {
						got[code] = r
					}
				}
				if len(got) != len(want) {
					t.Errorf("%d values are shown, want %d", len(got), len(want))
				}
				wrong := 0
				for code, w := range want {
					r := got[code]
					if g := strings.TrimSpace(r.value + " " + r.flag + " " + r.cause); g != w {
						if wrong++; wrong <= 10 {
							t.Errorf("%s is %s, want %s; the slave was told: %s", code, g, w, told(plan, code))
						}
					}
				}
				if wrong > 10 {
					t.Errorf("%d of %d values are wrong", wrong, len(want))
				}
			})
		}
	}
}

// slaveLine makes a line with nobody on it yet: for a site file, and the port
// at which the slave is to be.
func slaveLine(t *testing.T, kind string) (line, where string) {
	t.Helper()
	if kind == "tcp" {
		port := fmt.Sprint(freePort(t))
		return "url: tcp://" + net.JoinHostPort("127.0.0.1", port), port
	}
	dir := t.TempDir()
	near, far := filepath.Join(dir, "near"), filepath.Join(dir, "far")
	start(t, filepath.Join(dir, "socat.log"), need(t, "socat", "socat"), "pty,raw,echo=0,link="+near, "pty,raw,echo=0,link="+far)
	await(t, 10*time.Second, "socat makes the pair", func() bool {
		_, a := os.Stat(near)
		_, b := os.Stat(far)
		return a == nil && b == nil
	})
	return fmt.Sprintf("serial: {port: %s, baud: 19200, parity: none, stop_bits: 1}", near), far
}

// tableOnce reads a device as soon as it answers.
func tableOnce(t *testing.T, line, device string) (rows map[string]row) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if rows, err = tryTable(t, line, device); err == nil {
			return rows
		}
	}
	t.Fatal(err)
	return nil
}

// told is the line of the plan that made a point.
func told(plan, code string) string {
	function, address, _ := strings.Cut(strings.TrimPrefix(code, "f"), "_")
	for l := range strings.Lines(plan) {
		if strings.HasPrefix(l, function+" "+address+" ") {
			return strings.TrimSpace(l)
		}
	}
	return "nothing"
}
