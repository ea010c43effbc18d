package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"envgate/config"
	"envgate/drivers"
	"envgate/drivers/modbus"
)

// cmdPoke puts one question by hand, and shows the bytes and all that they may mean.
func cmdPoke(args []string, out, errs io.Writer) error {
	f := flags("poke")
	path := f.String("c", "site.yaml", "site file")
	timeout := f.Duration("timeout", 0, "how long the unit may take to answer; 0 is the line's")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 5 {
		return fmt.Errorf("%w: poke needs line, unit, function, address and number: poke dust 1 3 0 2", errUsage)
	}
	r, err := parsePoke(rest[1:])
	if err != nil {
		return err
	}
	r.Timeout = *timeout
	limitFiles()
	bus, rtu, done, err := pokeBus(*path, rest[0], errs)
	if err != nil {
		return err
	}
	defer done()
	ctx, stop := untilStopped()
	defer stop()
	return poke(ctx, out, bus, r, rtu)
}

// pokeBus is a line of the site, or a URL that stands for itself. rtu says that frames on
// it have a CRC.
func pokeBus(path, name string, errs io.Writer) (bus drivers.Bus, rtu bool, done func(), err error) {
	rtu = strings.HasPrefix(name, "rtuovertcp://")
	if strings.Contains(name, "://") {
		l, err := modbus.NewNetwork(name, modbus.Options{})
		if err != nil {
			return nil, false, nil, err
		}
		return l, rtu, func() { l.Close() }, nil
	}
	site, err := loadSite(path, errs)
	if err != nil {
		return nil, false, nil, err
	}
	c, err := findLine(site, name)
	if err != nil {
		return nil, false, nil, err
	}
	l := &siteLine{config: *c}
	if err := l.open(); err != nil {
		return nil, false, nil, fmt.Errorf("line %s: %w", name, err)
	}
	bus, _, end, err := lineBus(site, l)
	if err != nil {
		return nil, false, nil, err
	}
	done = func() {
		end()
		closeLines([]*siteLine{l})
	}
	return bus, c.Serial != nil || strings.HasPrefix(c.URL, "rtuovertcp:"), done, nil
}

// findLine is the line of that name, which must be one that can be asked.
func findLine(site *config.Site, name string) (*config.Line, error) {
	var names []string
	for i := range site.Lines {
		c := &site.Lines[i]
		if c.Name == name && pushes(*c) {
			return nil, hinted{fmt.Errorf("line %s: %w", name, errSpeaks), "envgate frame explains what such instruments send"}
		}
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return nil, hinted{fmt.Errorf("%w: %q", errNoLine, name), "the site file has " + strings.Join(names, ", ")}
}

// parsePoke reads unit, function, address and number, in decimal or with 0x.
func parsePoke(args []string) (r modbus.Read, err error) {
	var v [4]uint64
	for i, what := range []string{"unit", "function", "address", "number"} {
		most := []int{8, 8, 16, 16}[i]
		if v[i], err = strconv.ParseUint(args[i], 0, most); err != nil {
			return r, fmt.Errorf("%w: %s is %q: a whole number, 0 to %d, in decimal or with 0x", errUsage, what, args[i], 1<<most-1)
		}
	}
	if v[1] < 1 || v[1] > 4 {
		return r, noRead(v[1])
	}
	return modbus.Read{Unit: byte(v[0]), Function: byte(v[1]), Address: uint16(v[2]), Quantity: uint16(v[3])}, nil
}

// noRead says why a function is refused.
func noRead(function uint64) error {
	what := "is not one that only reads"
	if slices.Contains([]uint64{5, 6, 15, 16, 22, 23}, function) {
		what = "writes: it could start a calibration or change what is measured"
	}
	return hinted{
		fmt.Errorf("poke function %d: it %s; poke asks and changes nothing", function, what),
		"1 coils, 2 discrete inputs, 3 holding registers, 4 input registers; 功能码只能是 1 至 4，poke 只读不写",
	}
}

// poke puts the question and explains what came of it.
func poke(ctx context.Context, out io.Writer, bus drivers.Bus, r modbus.Read, rtu bool) error {
	frame := func(pdu ...byte) string {
		if rtu {
			return spaced(modbus.AppendRTU(nil, r.Unit, pdu), 1)
		}
		return spaced(append([]byte{r.Unit}, pdu...), 1)
	}
	question := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{r.Function}, r.Address), r.Quantity)
	began := time.Now()
	b, err := bus.Read(ctx, r)
	took := time.Since(began)
	if remote, ok := bus.(*remoteBus); ok && remote.took > 0 {
		took = remote.took
	}
	if errors.Is(err, modbus.ErrQuestion) {
		return err
	}
	fmt.Fprintf(out, "out  %s\n", frame(question...))
	if e, ok := errors.AsType[*modbus.Exception](err); ok {
		fmt.Fprintf(out, "in   %s  (%s)\n\n", frame(r.Function|0x80, e.Code), round(took))
		x := explainException(e.Code)
		fmt.Fprintf(out, "%s\n%s\n", x.english, x.chinese)
		return err
	}
	if errors.Is(err, modbus.ErrNoAnswer) {
		fmt.Fprintf(out, "in   nothing (%s)\n\n%s", took.Round(time.Millisecond), nothingCame)
		return err
	}
	if err != nil {
		return err
	}
	answer := frame(append([]byte{r.Function, byte(len(b))}, b...)...)
	for i := 0; i < len(answer); i += 72 {
		lead := "     "
		if i == 0 {
			lead = "in   "
		}
		fmt.Fprintf(out, "%s%s\n", lead, strings.TrimRight(answer[i:min(i+72, len(answer))], " "))
	}
	fmt.Fprintf(out, "     (%s)\n\n", round(took))
	if r.Function <= 2 {
		printBits(out, r, b)
		return nil
	}
	printRegisters(out, r.Address, b)
	return nil
}

const nothingCame = `Nothing answered. Try in this order:
  1. power of the instrument; A and B swapped (swapping does no harm)
  2. the unit's address: its display, DIP switches, or envgate scan
  3. baud, parity, stop bits: envgate scan PORT tries them all
  4. a slow instrument: -timeout 2s
  5. the function: some answer 4 and not 3
没有应答，请依次检查：
  1. 仪器电源；A、B 线是否接反（对调不会损坏）
  2. 从站地址：看仪器显示屏、拨码开关，或用 envgate scan
  3. 波特率、校验、停止位：envgate scan 串口 会逐一尝试
  4. 仪器应答慢：加 -timeout 2s
  5. 功能码：有的仪器只答 4 不答 3
`

type bilingual struct{ english, chinese string }

var exceptions = map[byte]bilingual{
	1:  {"The unit is there, but does not know this function. Try 4 in place of 3, or 3 for 4.", "仪器在线，但不支持该功能码：3 与 4 换着试。"},
	2:  {"The unit is there, but has no such address, or not so many. Addresses on the wire\nbegin at 0: 40019 in a manual is function 3, address 18. Ask for one register first.", "仪器在线，但没有该地址或数量过多。线上地址从 0 开始：说明书的 40019 是功能码 3、地址 18。\n先只读一个寄存器。"},
	3:  {"The unit does not like the number of registers. Ask for fewer, or an even number.", "寄存器数量不被接受：减少数量，或读偶数个。"},
	4:  {"The unit has failed while it made the answer: look at its display for a fault.", "仪器内部故障：查看仪器显示的故障信息。"},
	5:  {"The unit needs longer, and says so. Ask again later.", "仪器正在处理，稍后再读。"},
	6:  {"The unit is busy, perhaps calibrating. Ask again later.", "仪器忙（可能正在校准），稍后再读。"},
	8:  {"The unit found a fault in its memory.", "仪器存储器校验出错。"},
	10: {"The gateway on the way has no path to this unit: look at its serial settings.", "中间网关没有通往该从站的路径：检查网关的串口设置。"},
	11: {"The gateway on the way asked, and the unit behind it did not answer: its address,\nwiring, or the gateway's baud rate and parity.", "中间网关已转发，但其后的从站没有应答：检查从站地址、接线，以及网关的波特率和校验。"},
}

func explainException(code byte) bilingual {
	if x, ok := exceptions[code]; ok {
		return x
	}
	return bilingual{"The unit refused for a reason of its maker's: see its manual.", "厂家自定义的异常码，请查仪器说明书。"}
}
