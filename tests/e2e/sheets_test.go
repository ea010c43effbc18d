package e2e

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

// What a simulated instrument of each template holds, what mbpoll (libmodbus)
// reads there, and what the program shows are three opinions of one table of
// registers. mbpoll cannot ask with a maker's own function: there a question
// written down by python, with pymodbus' checksum, takes its place.
func TestEveryTemplateIsReadAlike(t *testing.T) {
	t.Parallel()
	mbpoll := need(t, "mbpoll", "mbpoll")
	files, err := filepath.Glob("../../drivers/templates/*.yaml")
	if err != nil || len(files) < 24 {
		t.Fatalf("%d templates, %v: want 24 at least", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sheet, err := sim.OpenSheet(file)
			if err != nil {
				t.Fatal(err)
			}
			in, err := sim.Play(name, sheet)
			if err != nil {
				t.Fatal(err)
			}
			in.Still(time.Now())
			values := in.Values()
			line, ask := playOn(t, in, private(values), mbpoll)
			for _, r := range ranges(values) {
				compareRange(t, r, ask)
			}
			device := "{name: it, unit: 9, template: " + name + "}"
			if !slices.ContainsFunc(values, func(v sim.Value) bool { return v.Role == sim.Point }) {
				return // an I/O module: what is wired to it gives the readings
			}
			compareReadings(t, values, readTable(t, line, device))
			none := takeValues(in, values)
			rows := readTable(t, line, device)
			for _, name := range none {
				if r := rows[name]; r.value != "-" || r.cause != "sentinel" {
					t.Errorf("%s: the program shows %+v, the simulator has no value", name, r)
				}
			}
		})
	}
}

// An instrument that is set to another unit: simulator and program turn its
// values into the template's, each in its own way.
func TestUnitOfAnInstrumentIsReadAlike(t *testing.T) {
	t.Parallel()
	sheet, err := sim.OpenSheet("../../drivers/templates/hach-nitratax.yaml")
	if err != nil {
		t.Fatal(err)
	}
	in, err := sim.Play("it", sheet)
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"unit": "1", "w21007": "0.00425"} { // g/L
		if err := in.Set(name, to); err != nil {
			t.Fatal(err)
		}
	}
	line, _ := playOn(t, in, false, "")
	rows := readTable(t, line, "{name: it, unit: 9, template: hach-nitratax}")
	if got := rows["w21007"]; got != (row{"4.25000", "mg/L", "N", ""}) {
		t.Errorf("0.00425 g/L is shown as %+v", got)
	}
	compareReadings(t, in.Values(), rows)
}

// takeValues gives every point that can be without a value the number that says
// so, and returns their names.
func takeValues(in *sim.Instrument, values []sim.Value) (none []string) {
	for _, v := range values {
		if v.Role == sim.Point && in.Set(v.Name, "sentinel") == nil {
			none = append(none, v.Name)
		}
	}
	return none
}

// private says whether one of the values is asked for with a maker's function.
func private(values []sim.Value) bool {
	return slices.ContainsFunc(values, func(v sim.Value) bool { return v.Function > 4 })
}

// An asker has one range of registers read by a program that is not ours, as
// unit 9, and returns what it says of each address.
type asker func(r registers) map[int]uint16

// playOn puts an instrument on a line as unit 9: Modbus TCP, or a serial bus
// where it must be one. It returns the line for a site file, and who asks there.
func playOn(t *testing.T, in *sim.Instrument, serial bool, mbpoll string) (line string, ask asker) {
	t.Helper()
	if serial {
		bus, err := sim.OpenBus(sim.BusOptions{Name: filepath.Join(t.TempDir(), "tty")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { bus.Close() })
		bus.Attach(9, in)
		return fmt.Sprintf("serial: {port: %s, baud: 115200, parity: none, stop_bits: 1}", bus.Path()), func(r registers) map[int]uint16 {
			return words(t, "/usr/bin/python3", "testdata/ask.py", bus.Path(), "9", fmt.Sprint(r.function), fmt.Sprint(r.first), fmt.Sprint(r.count))
		}
	}
	server, err := sim.Listen(sim.ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	server.Attach(9, in)
	host, port, _ := net.SplitHostPort(server.Addr())
	return "url: " + server.URL(), func(r registers) map[int]uint16 {
		table := map[byte]string{1: "0", 2: "1", 3: "4:hex", 4: "3:hex"}[r.function]
		return words(t, mbpoll, "-m", "tcp", "-a", "9", "-p", port, "-t", table, "-0", "-r", fmt.Sprint(r.first), "-c", fmt.Sprint(r.count), "-o", "10", "-1", host)
	}
}

// words runs a program that prints [address]: value, as mbpoll does.
func words(t *testing.T, program string, args ...string) map[int]uint16 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	got := map[int]uint16{}
	for l := range strings.Lines(string(out)) {
		at, value, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(l), "["), "]:")
		address, err := strconv.Atoi(at)
		if !found || err != nil {
			continue
		}
		v, err := strconv.ParseUint(strings.TrimSpace(value), 0, 16)
		if err != nil {
			t.Fatalf("%s says %q", filepath.Base(program), l)
		}
		got[address] = uint16(v)
	}
	return got
}

// registers is a range that one question can ask for, and what is in it.
type registers struct {
	function     byte
	first, count int
	values       []sim.Value
}

// ranges are the values' registers without any between them, 100 at most in one.
func ranges(values []sim.Value) []registers {
	values = slices.Clone(values)
	slices.SortStableFunc(values, func(a, b sim.Value) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), a.Address-b.Address)
	})
	var out []registers
	for _, v := range values {
		end := v.Address + len(v.Words)
		if n := len(out) - 1; n >= 0 && out[n].function == v.Function && v.Address <= out[n].first+out[n].count && end <= out[n].first+100 {
			out[n].count = max(out[n].count, end-out[n].first)
			out[n].values = append(out[n].values, v)
			continue
		}
		out = append(out, registers{v.Function, v.Address, len(v.Words), []sim.Value{v}})
	}
	return out
}

// compareRange holds what another program reads against what the simulator has.
func compareRange(t *testing.T, r registers, ask asker) {
	t.Helper()
	got := ask(r)
	if len(got) != r.count {
		t.Errorf("function %d address %d: %d registers read, want %d", r.function, r.first, len(got), r.count)
	}
	for _, v := range r.values {
		for k, want := range v.Words {
			if w, ok := got[v.Address+k]; !ok || w != want {
				t.Errorf("%s: function %d address %d: other program reads %#04x (%t), simulator has %#04x", v.Name, v.Function, v.Address+k, w, ok, want)
			}
		}
	}
}

// compareReadings holds what the program shows against what the simulator means.
func compareReadings(t *testing.T, values []sim.Value, rows map[string]row) {
	t.Helper()
	shown := 0
	for _, v := range values {
		if v.Role != sim.Point {
			continue
		}
		shown++
		got, ok := rows[v.Name]
		switch {
		case !ok:
			t.Errorf("%s: the program shows nothing of it", v.Name)
		case got.flag != "N" || got.cause != "":
			t.Errorf("%s: flag %s cause %q, the simulator is in good health", v.Name, got.flag, got.cause)
		case got.unit != v.Unit:
			t.Errorf("%s: unit %q, want %q", v.Name, got.unit, v.Unit)
		case v.Text != "" && got.value != v.Text:
			t.Errorf("%s: the program shows %q, the simulator has %q", v.Name, got.value, v.Text)
		case v.Text == "" && !near(got.value, v.Number, v.Decimals):
			t.Errorf("%s: the program shows %s, the simulator has %s", v.Name, got.value, v.Number.FloatString(6))
		}
	}
	if len(rows) != shown {
		t.Errorf("the program shows %d points, the simulator has %d", len(rows), shown)
	}
}

// near says whether a decimal is the number, rounded to so many decimals; with
// -1 it must be the number itself.
func near(text string, want *big.Rat, decimals int) bool {
	got, ok := new(big.Rat).SetString(text)
	if !ok || want == nil {
		return false
	}
	if _, behind, _ := strings.Cut(text, "."); decimals >= 0 && len(behind) != decimals {
		return false
	}
	off := got.Sub(got, want)
	if decimals < 0 {
		return off.Sign() == 0
	}
	half := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil))
	return off.Abs(off).Cmp(half.Mul(half, big.NewRat(1, 2))) <= 0
}

// row is what the program shows of a point.
type row struct{ value, unit, flag, cause string }

// readTable reads the one device of a line with the program, and returns its
// table by point.
func readTable(t *testing.T, line, device string) map[string]row {
	t.Helper()
	rows, err := tryTable(t, line, device)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func tryTable(t *testing.T, line, device string) (map[string]row, error) {
	t.Helper()
	site := filepath.Join(t.TempDir(), "site.yaml")
	write(t, site, `gateway: {id: gw-peers}
key: gw.sign
storage: {path: log.db}
lines:
  - name: line
    `+line+`
    timeout: 3s
    devices:
      - `+device+"\n")
	out, err := exec.Command(envgate, "read", "-c", site, "it").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("envgate read: %w\n%s", err, out)
	}
	rows := map[string]row{}
	var columns []int // where they begin, in letters
	for l := range strings.Lines(string(out)) {
		letters := []rune(strings.TrimRight(l, "\n"))
		if columns == nil {
			if strings.HasPrefix(l, "POINT") {
				for _, head := range []string{"POINT", "VALUE", "UNIT", "FLAG", "CAUSE", "NAME"} {
					columns = append(columns, strings.Index(l, head))
				}
			}
			continue
		}
		if strings.HasPrefix(l, "it: ") {
			break // what comes after the table
		}
		for len(letters) < columns[5] { // a point without a name
			letters = append(letters, ' ')
		}
		cell := func(n int) string { return strings.TrimSpace(string(letters[columns[n]:columns[n+1]])) }
		rows[cell(0)] = row{cell(1), cell(2), cell(3), cell(4)}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("envgate read shows no table:\n%s", out)
	}
	return rows, nil
}
