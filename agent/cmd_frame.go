package main

import (
	"bytes"
	"encoding/hex"
	goflag "flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"envgate/hj212"
)

// cmdFrame explains HJ 212 frames, or makes one.
func cmdFrame(args []string, out, errs io.Writer) error {
	if len(args) > 0 && args[0] == "make" {
		return makeFrame(args[1:], out, errs)
	}
	return explainFrames(args, os.Stdin, out)
}

// maxCapture is how much of a capture is looked at: a day of frames of a busy site.
const maxCapture = 64 << 20

func explainFrames(args []string, in io.Reader, out io.Writer) error {
	f := flags("frame")
	lang := f.String("lang", language(), "zh or en")
	crc := f.String("crc", "standard", "standard, modbus or modbus-swapped")
	keyFile := f.String("key", "", "file with the SM4 key, 16 characters")
	isHex := f.Bool("x", false, "the capture is hexadecimal text")
	edition := f.Int("edition", 0, "hold frames against this edition")
	down := f.Bool("down", false, "frames go from the platform to the field machine")
	up := f.Bool("up", false, "frames go from the field machine to the platform")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	x := explainer{out: out, zh: *lang == "zh", edition: hj212.Edition(*edition)}
	switch {
	case *lang != "zh" && *lang != "en":
		return fmt.Errorf("%w: -lang is zh or en, not %q", errUsage, *lang)
	case *edition != 0 && !isEdition(*edition):
		return fmt.Errorf("%w: -edition is 2005, 2017 or 2025, not %d", errUsage, *edition)
	case *up && *down:
		return fmt.Errorf("%w: -up or -down, not both", errUsage)
	case *down:
		x.directions = []hj212.Direction{hj212.Down}
	case *up:
		x.directions = []hj212.Direction{hj212.Up}
	}
	if x.codec.CRC, err = dialect(*crc); err != nil {
		return err
	}
	if *keyFile != "" {
		keys, err := readSM4Key(*keyFile)
		if err != nil {
			return err
		}
		x.codec.Keys = func(string) hj212.Keys { return keys }
	}
	if len(rest) > 0 {
		for _, frame := range rest {
			if err := x.capture([]byte(unescape(frame)), *isHex, true); err != nil {
				return err
			}
		}
	} else {
		b, err := io.ReadAll(io.LimitReader(in, maxCapture+1))
		if err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
		if len(b) > maxCapture {
			return fmt.Errorf("read standard input: over %d bytes; cut it into parts", maxCapture)
		}
		if err := x.capture(b, *isHex, false); err != nil {
			return err
		}
	}
	return x.end()
}

func isEdition(n int) bool { return n == 2005 || n == 2017 || n == 2025 }

func dialect(s string) (hj212.Dialect, error) {
	for _, d := range []hj212.Dialect{hj212.Standard, hj212.Modbus, hj212.ModbusSwapped} {
		if d.String() == s {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%w: -crc is standard, modbus or modbus-swapped, not %q", errUsage, s)
}

func readSM4Key(name string) (hj212.Keys, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	k, err := hj212.NewKey("", bytes.TrimRight(b, "\r\n"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return hj212.Keys{k}, nil
}

// unescape takes \r \n and \x41 in a frame given as an argument for the bytes they
// stand for, as logs write them.
func unescape(s string) string {
	if u, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`); err == nil {
		return u
	}
	return s
}

// makeFrame writes one frame.
func makeFrame(args []string, out, errs io.Writer) error {
	f := flags("frame make")
	edition := f.Int("edition", 2017, "2005, 2017 or 2025")
	down := f.Bool("down", false, "from the platform to the field machine")
	crc := f.String("crc", "standard", "standard, modbus or modbus-swapped")
	keyFile := f.String("key", "", "file with the SM4 key, 16 characters: encrypt what has to be")
	braces := f.Bool("braces", false, "write cipher text as {0xE4,...}")
	force := f.Bool("force", false, "make it even if it departs from the standard")
	var m hj212.Message
	qn := f.String("qn", "now", "17 digits, now, or none")
	f.StringVar(&m.ST, "st", "", "system code, as 31")
	f.StringVar(&m.CN, "cn", "", "command code, as 2011")
	f.StringVar(&m.PW, "pw", "123456", "password")
	f.StringVar(&m.MN, "mn", "", "identity of the field machine")
	flag := f.Uint("flag", 0, "0 to 255; by edition and command if left out")
	f.BoolVar(&m.RF, "rf", false, "marked as sent after the event (2025)")
	f.IntVar(&m.PNUM, "pnum", 0, "packets in all")
	f.IntVar(&m.PNO, "pno", 0, "number of this packet")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	switch {
	case !isEdition(*edition):
		return fmt.Errorf("%w: -edition is 2005, 2017 or 2025, not %d", errUsage, *edition)
	case m.CN == "" || m.ST == "":
		return fmt.Errorf("%w: frame make needs -cn and -st", errUsage)
	case *flag > 255:
		return fmt.Errorf("%w: -flag is 0 to 255, not %d", errUsage, *flag)
	}
	e, d := hj212.Edition(*edition), hj212.Up
	if *down {
		d = hj212.Down
	}
	switch *qn {
	case "now":
		m.QN = hj212.StampMillis(time.Now())
	case "none":
	default:
		m.QN = *qn
	}
	m.Flag, m.HasFlag = hj212.NewFlag(e, 0), true
	if c, ok := hj212.LookupCommand(e, d, m.CN); ok && c.Pattern != hj212.Answer {
		m.Flag |= hj212.WantAnswer
	}
	if m.PNUM > 0 {
		m.Flag |= hj212.IsSplit
	}
	f.Visit(func(given *goflag.Flag) {
		if given.Name == "flag" {
			m.Flag = hj212.Flag(*flag)
		}
	})
	m.EmptyMN = m.MN == "" && m.CN == "1001" // HJ 212-2025, table C.2
	if m.CP, err = parseArea(rest); err != nil {
		return err
	}
	codec := hj212.Codec{Sends: d, Braces: *braces}
	if codec.CRC, err = dialect(*crc); err != nil {
		return err
	}
	if *keyFile != "" {
		keys, err := readSM4Key(*keyFile)
		if err != nil {
			return err
		}
		codec.Keys = func(string) hj212.Keys { return keys }
	}
	wrong := m.Strict(e)
	for _, v := range m.Check(e, d) {
		if !slices.Contains(wrong, v) {
			wrong = append(wrong, v)
		}
	}
	if len(wrong) > 0 && !*force {
		for _, v := range wrong {
			fmt.Fprintf(errs, "envgate: error: %s\n", v)
		}
		fmt.Fprintln(errs, "envgate: hint: -force makes the frame all the same")
		return errSaid
	}
	if data := m.Append(nil); len(data) > hj212.MaxData {
		return fmt.Errorf("the data segment has %d bytes, and a frame holds %d: split it", len(data), hj212.MaxData)
	}
	_, err = out.Write(codec.AppendMessage(nil, &m))
	return err
}

// parseArea reads the parameters of the data area: an argument is an item, its
// parts with commas between them. Semicolons within an argument separate items, too.
func parseArea(args []string) (hj212.Area, error) {
	var area hj212.Area
	for _, arg := range args {
		m, wrong := hj212.ParseMessage([]byte("CP=&&" + arg + "&&"))
		for _, v := range wrong {
			switch v.Kind {
			case hj212.NoEquals, hj212.NoName, hj212.AreaMark, hj212.EqualsInValue:
				return nil, fmt.Errorf("%w: %q: %s", errUsage, arg, v.Kind.English())
			}
		}
		area = append(area, m.CP...)
	}
	return area, nil
}

// fromHex reads hexadecimal text, as terminals and loggers show it: in any case, with
// blanks, line ends, colons and 0x between the bytes.
func fromHex(b []byte) ([]byte, error) {
	s := strings.NewReplacer("0x", "", "0X", "", " ", "", "\t", "", "\r", "", "\n", "", ":", "", ",", "", "-", "").Replace(string(b))
	out, err := hex.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("hexadecimal text: %w", err)
	}
	return out, nil
}
