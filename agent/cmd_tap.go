package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"envgate/drivers/modbus"
)

// cmdTap shows the frames on a line of the running agent as they come.
func cmdTap(args []string, out, errs io.Writer) error {
	f := flags("tap")
	path := f.String("c", "site.yaml", "site file")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: tap needs the name of one line", errUsage)
	}
	site, err := loadSite(*path, errs)
	if err != nil {
		return err
	}
	line, err := findLine(site, rest[0])
	if err != nil {
		return err
	}
	a, _, err := agentOf(site, line)
	if errors.Is(err, errNoAgent) {
		return hinted{err, "tap listens along with an agent that runs; without one, envgate read --raw shows the bytes of one instrument"}
	}
	if err != nil {
		return err
	}
	defer a.Close()
	ctx, stop := untilStopped()
	defer stop()
	_, err = a.ask(ctx, &request{Do: "tap", Line: line.Name})
	if err != nil {
		return err
	}
	fmt.Fprintf(errs, "envgate: line %s, %s; > out, < in; Ctrl-C ends\n", line.Name, placeOf(line))
	defer context.AfterFunc(ctx, func() { a.Close() })()
	p := tapPrinter{out: out}
	for {
		r, err := a.next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if r.Frame == nil {
			continue
		}
		if err := p.print(r.Frame); err != nil {
			return err
		}
	}
}

// A tapPrinter puts frames into words. It remembers the question, as answers do not say
// what they answer.
type tapPrinter struct {
	out  io.Writer
	last modbus.Read
	at   time.Time
}

const (
	tapFirst = 8  // bytes in the first line of a frame
	tapMore  = 20 // in each further one
)

func (p *tapPrinter) print(f *frameInfo) error {
	b, err := hex.DecodeString(f.Bytes)
	if err != nil {
		return fmt.Errorf("the running agent's frame: %w", err)
	}
	var text strings.Builder
	if f.Lost > 0 {
		fmt.Fprintf(&text, "... %s lost: this terminal is too slow\n", plural(int(f.Lost), "frame"))
	}
	kind := modbus.ParseKind(f.Kind)
	mark := map[modbus.Kind]string{modbus.TapQuestion: ">", modbus.TapSilence: "-", modbus.TapFault: "-"}[kind]
	if mark == "" {
		mark = "<"
	}
	meaning := p.meaning(kind, f, b)
	n := min(len(b), tapFirst)
	fmt.Fprintf(&text, "%s %s %-*s  %s\n", f.Time.In(siteZone).Format("15:04:05.000"), mark, 3*tapFirst-1, spaced(b[:n], 1), meaning)
	for b = b[n:]; len(b) > 0; b = b[n:] {
		n = min(len(b), tapMore)
		fmt.Fprintf(&text, "%15s%s\n", "", spaced(b[:n], 1))
	}
	_, err = io.WriteString(p.out, text.String())
	return err
}

func (p *tapPrinter) meaning(kind modbus.Kind, f *frameInfo, b []byte) string {
	body := b
	if f.CRC && len(b) >= 2 {
		body = b[:len(b)-2]
	}
	switch kind {
	case modbus.TapQuestion:
		p.last, p.at = modbus.Read{}, f.Time
		return p.question(body)
	case modbus.TapAnswer:
		return fmt.Sprintf("%s (%d ms)", p.answer(body), f.Time.Sub(p.at).Milliseconds())
	case modbus.TapEcho:
		return "echo: the adapter hears what it sends"
	case modbus.TapLate:
		return "late: the time-out had passed; dropped"
	case modbus.TapForeign:
		if len(b) < 2 {
			return "a frame of others"
		}
		return fmt.Sprintf("not ours: unit %d function %d; another master?", b[0], b[1])
	case modbus.TapDamaged:
		return "CRC wrong: parity, baud rate, termination, or two units at once"
	case modbus.TapNoise:
		return fmt.Sprintf("noise: %s of no frame", plural(len(b), "byte"))
	case modbus.TapSilence:
		return fmt.Sprintf("no answer in %d ms", f.Time.Sub(p.at).Milliseconds())
	case modbus.TapFault:
		return "the connection broke, or sent what is no Modbus"
	}
	return f.Kind
}

func (p *tapPrinter) question(b []byte) string {
	if len(b) < 6 {
		return "a question of the maker's"
	}
	address, value := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b[4:])
	switch function := b[1]; function {
	case 5, 6:
		return fmt.Sprintf("unit %d write %d = %d", b[0], address, value)
	case 15, 16:
		return fmt.Sprintf("unit %d write %d, %d of them", b[0], address, value)
	default:
		p.last = modbus.Read{Unit: b[0], Function: function, Address: address, Quantity: value}
		return p.last.String()
	}
}

// tapValues is how many values of an answer are shown; the bytes beside them are all.
const tapValues = 6

func (p *tapPrinter) answer(b []byte) string {
	switch {
	case len(b) < 3:
		return "an answer of the maker's"
	case b[1]&0x80 != 0:
		return (&modbus.Exception{Unit: b[0], Function: b[1] &^ 0x80, Address: p.last.Address, Quantity: p.last.Quantity, Code: b[2]}).Error()
	case p.last.Quantity == 0:
		return fmt.Sprintf("unit %d obeys", b[0])
	}
	data, values := b[3:], []string{}
	for i := 0; p.last.Function > 2 && i+2 <= len(data) && len(values) < tapValues; i += 2 {
		values = append(values, fmt.Sprint(binary.BigEndian.Uint16(data[i:])))
	}
	if p.last.Function <= 2 {
		for i := range min(int(p.last.Quantity), 8*len(data), 2*tapValues) {
			values = append(values, fmt.Sprint(data[i/8]>>(i%8)&1))
		}
	}
	if len(values) < int(p.last.Quantity) {
		values = append(values, "...")
	}
	return fmt.Sprintf("unit %d: %s", b[0], strings.Join(values, " "))
}
