package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"envgate/drivers/modbus"
)

// What registers may mean: each plausible type in each order of bytes, as manuals are
// silent about either, or wrong.

// printBits shows the answer of functions 1 and 2, ten a line.
func printBits(out io.Writer, r modbus.Read, b []byte) {
	for i := range int(r.Quantity) {
		if i%10 == 0 {
			fmt.Fprintf(out, "%6d ", int(r.Address)+i)
		}
		fmt.Fprintf(out, " %d", b[i/8]>>(i%8)&1)
		if i%10 == 9 || i == int(r.Quantity)-1 {
			fmt.Fprintln(out)
		}
	}
}

// printRegisters shows each register, and then each two and each four together.
func printRegisters(out io.Writer, address uint16, b []byte) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ADDRESS\tHEX\tUINT16\tINT16\tBCD\tTEXT")
	for i := 0; i+2 <= len(b); i += 2 {
		v := binary.BigEndian.Uint16(b[i:])
		signed := "-"
		if int16(v) < 0 {
			signed = fmt.Sprint(int16(v))
		}
		fmt.Fprintf(w, "%d\t%04X\t%d\t%s\t%s\t%s\n", int(address)+i/2, v, v, signed, bcd(b[i:i+2]), quoted(b[i:i+2]))
	}
	w.Flush()
	for _, n := range []int{4, 8} {
		if len(b) >= n {
			printOrders(out, address, b, n)
		}
	}
	if swapped := swapBytes(b); len(b) > 2 {
		for _, text := range []string{quoted(b), quoted(swapped)} {
			if text != "-" {
				fmt.Fprintf(out, "\ntext  %s\n", text)
			}
		}
	}
}

var orders = []struct {
	name         string
	words, bytes bool // turned round
}{{"ABCD", false, false}, {"CDAB", true, false}, {"BADC", false, true}, {"DCBA", true, true}}

// A plausibleType reads bytes as a number; "-" where that makes no sense.
type plausibleType struct {
	name string
	read func(b []byte) string
}

// printOrders shows numbers of n bytes, 4 or 8, in each order. Rows without a plausible
// number are left out.
func printOrders(out io.Writer, address uint16, b []byte, n int) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\nADDRESS\tTYPE")
	for _, o := range orders {
		fmt.Fprintf(w, "\t%s", o.name)
	}
	fmt.Fprintln(w)
	bits := strconv.Itoa(8 * n)
	types := []plausibleType{{"float" + bits, float}}
	if n == 4 {
		types = append(types, plausibleType{"uint32", unsigned}, plausibleType{"int32", negative}, plausibleType{"bcd", bcd})
	}
	rows := 0
	for i := 0; i+n <= len(b); i += n {
		for _, t := range types {
			row, plausible := "", false
			for _, o := range orders {
				text := t.read(ordered(b[i:i+n], o.words, o.bytes))
				row += "\t" + text
				plausible = plausible || text != "-"
			}
			if plausible {
				fmt.Fprintf(w, "%d\t%s%s\n", int(address)+i/2, t.name, row)
				rows++
			}
		}
	}
	if rows > 0 {
		w.Flush()
	}
}

// ordered is b with its words, or the bytes within each, turned round.
func ordered(b []byte, words, bytes bool) []byte {
	out := append([]byte(nil), b...)
	if bytes {
		out = swapBytes(out)
	}
	if words {
		for i, j := 0, len(out)-2; i < j; i, j = i+2, j-2 {
			out[i], out[i+1], out[j], out[j+1] = out[j], out[j+1], out[i], out[i+1]
		}
	}
	return out
}

func swapBytes(b []byte) []byte {
	out := append([]byte(nil), b...)
	for i := 0; i+2 <= len(out); i += 2 {
		out[i], out[i+1] = out[i+1], out[i]
	}
	return out
}

func unsigned(b []byte) string { return fmt.Sprint(binary.BigEndian.Uint32(b)) }

// negative is a number below zero; others look the same without a sign.
func negative(b []byte) string {
	if v := int32(binary.BigEndian.Uint32(b)); v < 0 {
		return fmt.Sprint(v)
	}
	return "-"
}

// float is a number that may have been measured: neither huge nor minute. Zero says
// nothing, as it is zero in every type.
func float(b []byte) string {
	f, width, digits := 0.0, 64, 10
	if len(b) == 4 {
		f, width, digits = float64(math.Float32frombits(binary.BigEndian.Uint32(b))), 32, -1
	} else {
		f = math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	if a := math.Abs(f); !(a >= 1e-5 && a <= 1e9) { // NaN as well
		return "-"
	}
	return strconv.FormatFloat(f, 'g', digits, width)
}

// bcd is a number whose half bytes are decimal digits.
func bcd(b []byte) string {
	text := fmt.Sprintf("%X", b)
	if strings.ContainsAny(text, "ABCDEF") {
		return "-"
	}
	if text = strings.TrimLeft(text, "0"); text == "" {
		return "-"
	}
	return text
}

// quoted is b as text, if it is all letters and signs up to closing NULs.
func quoted(b []byte) string {
	text := strings.TrimRight(string(b), "\x00")
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return "-"
		}
	}
	if text == "" {
		return "-"
	}
	return strconv.Quote(text)
}
