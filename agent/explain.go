package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"envgate/hj212"
)

// An explainer writes frames field by field, for a person with a laptop on a roof: the
// byte, what stands there, what it means; then what is wrong, and what would be right.
type explainer struct {
	out        io.Writer
	zh         bool
	codec      hj212.Codec
	edition    hj212.Edition     // 0 = each message's own
	directions []hj212.Direction // none = by command

	frames, wrong, rubbish int
	err                    error // of out
}

func (x *explainer) printf(format string, args ...any) {
	if x.err == nil {
		_, x.err = fmt.Fprintf(x.out, format, args...)
	}
}

// say is the text in the language of the reader.
func (x *explainer) say(en, zh string) string {
	if x.zh {
		return zh
	}
	return en
}

// row is one line of a frame.
func (x *explainer) row(at int, text, meaning string) {
	x.printf("%6d  %s%*s %s\n", at, text, max(36-width(text), 0), "", meaning)
}

// width is how many columns of a terminal s takes: Chinese has two a character.
func width(s string) (n int) {
	for _, r := range s {
		n++
		if r >= 0x2E80 {
			n++
		}
	}
	return n
}

// capture explains all frames of b. A frame given as an argument is one, whatever it
// looks like.
func (x *explainer) capture(b []byte, isHex, isArgument bool) error {
	if isHex {
		var err error
		if b, err = fromHex(b); err != nil {
			return err
		}
	}
	if isArgument {
		if !bytes.Contains(b, []byte("##")) {
			x.segment(b)
			return x.err
		}
		if !bytes.HasSuffix(b, []byte("\n")) { // which nobody types
			b = append(b, "\r\n"...)
		}
	} else if !bytes.ContainsRune(b, '\r') { // a text file, which is not what was on the wire
		b = bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
	}
	for at := 0; at < len(b); {
		i := bytes.Index(b[at:], []byte("##"))
		if i < 0 {
			x.noFrame(b[at:])
			break
		}
		x.noFrame(b[at : at+i])
		at += i
		at += x.frame(b[at:])
	}
	return x.err
}

// noFrame says what stood between frames; line ends do not matter.
func (x *explainer) noFrame(b []byte) {
	if len(bytes.Trim(b, "\r\n")) == 0 {
		return
	}
	x.rubbish += len(b)
	x.printf("%s: %s\n", fmt.Sprintf(x.say("%d bytes in no frame", "%d 字节不属于任何帧"), len(b)), shown(b, 48))
}

// frame explains the frame at the beginning of b, and returns how many bytes it took.
func (x *explainer) frame(b []byte) int {
	f, _, err := x.codec.Cut(b)
	if errors.Is(err, hj212.ErrShort) { // the capture may end with the CRC
		if f, _, err = x.codec.Cut(append(bytes.Clone(b), '#')); err != nil {
			err = hj212.ErrShort
		}
	}
	x.frames++
	if err != nil {
		return x.badFrame(b, err)
	}
	size := len(f.Raw)
	m, wrong := hj212.ParseMessage(f.Data)
	e, d := x.title(&m, size)
	x.row(0, "##", x.say("mark", "包头"))
	x.row(2, string(f.Raw[2:6]), fmt.Sprintf(x.say("length: %d bytes of data", "数据段长度：%d 字节"), len(f.Data)))
	if f.Encrypted {
		x.row(6, "", x.say("the data area is encrypted; decrypted it reads", "数据区已加密，解密后为"))
	}
	x.pairs(&m, f.Data, 6, e)
	end := len(bytes.TrimRight(f.Raw, "\r\n"))
	x.row(end-4, string(f.Raw[end-4:end]), x.say("CRC: right", "CRC：正确"))
	x.row(end, ends(f.Raw[end:]), x.say("end", "包尾"))
	all := f.Violations()
	for _, v := range append(wrong, m.Check(e, d)...) {
		v.Offset += 6
		all = append(all, v)
	}
	x.verdict(all)
	return size
}

// ends writes the bytes of a frame's end by their names.
func ends(b []byte) string {
	s := strings.NewReplacer("\r", "CR ", "\n", "LF ").Replace(string(b))
	if s = strings.TrimSpace(s); s == "" {
		return "-"
	}
	return s
}

// badFrame explains what can be made out of a frame that does not hold, and says what
// would be right.
func (x *explainer) badFrame(b []byte, err error) int {
	data, head, size := guess(b)
	if data == nil {
		x.wrong++
		x.printf(x.say("frame %d, cut off or no frame at all: %s\n", "第 %d 帧，不完整或不是帧：%s\n"), x.frames, shown(b[:size], 60))
		x.printf("  ! %s\n", x.fault(err))
		return size
	}
	m, wrong := hj212.ParseMessage(data)
	e, d := x.title(&m, size)
	x.row(0, "##", x.say("mark", "包头"))
	x.row(2, shown(b[2:head], 8), fmt.Sprintf(x.say("length; the data segment has %d bytes", "长度；数据段实际为 %d 字节"), len(data)))
	end := head + len(data)
	if x.codec.Keys == nil && hj212.Secret(m.Edition(), hj212.Up, m.CN) && cipher(data) {
		x.row(end, shown(b[end:min(end+4, len(b))], 8), x.say("CRC of the plain data", "明文数据的 CRC"))
		x.wrong++
		x.printf("  > %s\n", x.say("the data area seems to be encrypted: -key FILE names the file with the SM4 key", "数据区似已加密：用 -key 文件 指定 SM4 密钥"))
		return size
	}
	x.pairs(&m, data, head, e)
	x.row(end, shown(b[end:min(end+4, len(b))], 8),
		fmt.Sprintf(x.say("CRC; the data give %04X", "CRC；按数据计算为 %04X"), x.codec.CRC.Sum(data)))
	x.printf("  ! %s\n", x.fault(err))
	for _, v := range append(wrong, m.Check(e, d)...) {
		v.Offset += head
		x.violation(v)
	}
	x.wrong++
	if len(data) <= hj212.MaxData {
		x.right(data)
	}
	return size
}

// cipher reports whether the data area looks encrypted: by its braces, or by bytes that
// are no text.
func cipher(data []byte) bool {
	_, area, _ := bytes.Cut(data, []byte("CP=&&"))
	return bytes.HasPrefix(area, []byte("{0x")) || bytes.ContainsFunc(area, func(r rune) bool { return r < ' ' }) || !utf8.Valid(area)
}

// segment explains a data segment without a frame.
func (x *explainer) segment(b []byte) {
	x.frames++
	x.wrong++
	b = bytes.TrimRight(b, "\r\n")
	m, wrong := hj212.ParseMessage(b)
	e, d := x.title(&m, len(b))
	x.pairs(&m, b, 0, e)
	x.printf("  ! %s\n", x.say("no frame around it: no ##, length and CRC", "缺少帧结构：没有 ##、长度和 CRC"))
	for _, v := range append(wrong, m.Check(e, d)...) {
		x.violation(v)
	}
	if len(b) > 0 && len(b) <= hj212.MaxData {
		x.right(b)
	}
}

// guess finds the data segment of a bad frame by its fences, as a person would: up to
// the && before four hexadecimal digits, or the last && of the line. head is where it
// begins, behind the digits of a length; size is how many bytes belong to the frame.
// data is nil where there is nothing like it.
func guess(b []byte) (data []byte, head, size int) {
	line := b[:min(len(b), hj212.MaxLength+12)]
	if i := bytes.Index(line[2:], []byte("##")); i >= 0 {
		line = line[:2+i]
	}
	for head = 2; head < min(6, len(line)) && (line[head] < 'A' || line[head] > 'Z'); head++ {
	}
	size = len(line)
	area := bytes.Index(line, []byte("CP=&&"))
	if area < head {
		return nil, head, size
	}
	for i := area + 5; i+2 <= len(line); i++ {
		if string(line[i:i+2]) != "&&" || i+2 < len(line) && line[i+2] == '&' {
			continue
		}
		tail := line[i+2:]
		if len(tail) < 4 || isHex(tail[:4]) {
			size = i + 2 + min(4, len(tail))
			size += len(line[size:]) - len(bytes.TrimLeft(line[size:], "\r\n"))
			return line[head : i+2], head, size
		}
	}
	if i := bytes.LastIndex(line, []byte("&&")); i >= area+5 {
		return line[head : i+2], head, size
	}
	return nil, head, size
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !strings.ContainsRune("0123456789ABCDEFabcdef", rune(c)) {
			return false
		}
	}
	return true
}

// title is the first line of a frame. It returns what the message is held against.
func (x *explainer) title(m *hj212.Message, size int) (hj212.Edition, hj212.Direction) {
	e := x.edition
	if e == 0 {
		e = m.Edition()
	}
	d, c := x.direction(m, e)
	way := x.say("field to platform", "现场机→上位机")
	if d == hj212.Down {
		way = x.say("platform to field", "上位机→现场机")
	}
	x.printf(x.say("frame %d, %d bytes, %v, %s: CN %s %s\n", "第 %d 帧，%d 字节，%v，%s：CN %s %s\n"),
		x.frames, size, e, way, shown([]byte(m.CN), 24), x.say(c.English, c.Chinese))
	return e, d
}

// direction is that in which the command goes. Where it goes both ways, the parameters
// tell: data go up, and what asks for them down.
func (x *explainer) direction(m *hj212.Message, e hj212.Edition) (hj212.Direction, hj212.Command) {
	if len(x.directions) == 1 {
		c, _ := hj212.LookupCommand(e, x.directions[0], m.CN)
		return x.directions[0], c
	}
	up, isUp := hj212.LookupCommand(e, hj212.Up, m.CN)
	down, isDown := hj212.LookupCommand(e, hj212.Down, m.CN)
	_, asks := m.CP.Get("BeginTime")
	switch {
	case !isDown:
	case !isUp, asks, up.Pattern == hj212.Answer: // most answers that go both ways are a platform's
		return hj212.Down, down
	case fits(m.CP, down) && (!fits(m.CP, up) || len(down.Required) > len(up.Required)):
		return hj212.Down, down
	}
	return hj212.Up, up
}

// fits says whether all parameters are there that a command must have.
func fits(cp hj212.Area, c hj212.Command) bool {
	for _, name := range c.Required {
		if !cp.Has(name) {
			return false
		}
	}
	return true
}

// pairs explains the fields of a data segment that begins at byte head.
func (x *explainer) pairs(m *hj212.Message, data []byte, head int, e hj212.Edition) {
	area := false
	for p := range hj212.Pairs(data) {
		text := shown(p.Name, 24)
		if p.Value != nil {
			text += "=" + x.value(p.Value)
		}
		if p.Item < 0 {
			x.row(head+p.Offset, text, x.header(m, string(p.Name), string(p.Value), e))
			continue
		}
		if !area {
			area = true
			at := bytes.Index(data, []byte("CP=&&"))
			x.row(head+max(at, 0), "CP=&&", x.say("data area", "数据区"))
		}
		x.row(head+p.Offset, "  "+text, x.param(string(p.Name), string(p.Value), e))
	}
	if !area {
		if at := bytes.Index(data, []byte("CP=&&")); at >= 0 {
			x.row(head+at, "CP=&&&&", x.say("data area, empty", "数据区为空"))
		}
	}
}

func (x *explainer) value(b []byte) string { return shown(b, 48) }

// shown is text as a terminal can bear it, most bytes of it at most.
func shown(b []byte, most int) string {
	more := ""
	if len(b) > most {
		b, more = b[:most], "..."
		for len(b) > most-utf8.UTFMax && !utf8.Valid(b) && len(b) > 0 {
			b = b[:len(b)-1]
		}
	}
	q := strconv.QuoteToGraphic(string(b))
	if q = q[1 : len(q)-1]; !strings.Contains(q, `\`) || !utf8.Valid(b) {
		return q + more
	}
	return strings.ReplaceAll(q, `\"`, `"`) + more
}

// header says what a field before CP means.
func (x *explainer) header(m *hj212.Message, name, value string, e hj212.Edition) string {
	switch name {
	case "QN":
		if t, err := hj212.ParseTime(value); err == nil {
			return x.say("exchange, begun ", "请求编码，时间 ") + t.Format("2006-01-02 15:04:05.000")
		}
		return x.say("exchange", "请求编码")
	case "ST":
		c, ok := hj212.LookupSystem(e, value)
		return x.code(x.say("system: ", "系统：")+x.say(c.English, c.Chinese), ok)
	case "CN":
		d, c := x.direction(m, e)
		_, ok := hj212.LookupCommand(e, d, value)
		return x.code(x.say("command: ", "命令：")+x.say(c.English, c.Chinese), ok)
	case "PW":
		return x.say("password", "访问密码")
	case "MN":
		return x.say("field machine", "现场机标识")
	case "Flag":
		n := x.say("no answer wanted", "不需应答")
		if m.Flag&hj212.WantAnswer != 0 {
			n = x.say("answer wanted", "需要应答")
		}
		if m.Flag&hj212.IsSplit != 0 {
			n += x.say(", one of several packets", "，分包")
		}
		return fmt.Sprintf("%v%s%s", m.Edition(), x.say(", ", "，"), n)
	case "PNUM":
		return x.say("packets in all", "总包数")
	case "PNO":
		return x.say("number of this packet", "本包序号")
	case "RF":
		return x.say("sent after the event", "补传")
	}
	return x.code("", false)
}

func (x *explainer) code(s string, known bool) string {
	if known {
		return s
	}
	return x.say("not in the tables", "标准表中没有")
}

// param says what a parameter of the data area means.
func (x *explainer) param(name, value string, e hj212.Edition) string {
	code, kind := hj212.Param{Name: name}.Cut()
	if kind == "" {
		p, ok := hj212.LookupParam(e, name)
		s := x.say(p.English, p.Chinese)
		if r := x.returned(name, value, e); r != "" {
			s += x.say(": ", "：") + r
		}
		return x.code(s, ok)
	}
	p, known := hj212.LookupParam(e, kind)
	what := x.say(p.English, p.Chinese)
	if !known {
		what = kind
	}
	f, ok := hj212.LookupFactor(e, code)
	if !ok {
		if q, is := hj212.LookupParam(e, name); is { // SB1-RS
			return x.say(q.English, q.Chinese)
		}
		return x.say("factor not in the tables, ", "表中没有的因子，") + what
	}
	s := x.say(f.English, f.Chinese) + x.say(", ", "，") + what
	switch {
	case kind == "Flag":
		if c, ok := hj212.LookupFlag(e, value); ok {
			s += x.say(": ", "：") + x.say(c.English, c.Chinese)
		}
	case f.Unit != "" && f.Unit != "1" && kind != "EFlag" && kind != "SampleTime":
		s += x.say(" (by the table ", "（表列单位 ") + f.Unit + x.say(")", "）")
	}
	return s
}

// returned is the meaning of a return code.
func (x *explainer) returned(name, value string, e hj212.Edition) string {
	n, err := strconv.Atoi(value)
	if err != nil {
		return ""
	}
	var c hj212.Code
	switch name {
	case "QnRtn":
		c, _ = hj212.LookupQnRtn(e, n)
	case "ExeRtn":
		c, _ = hj212.LookupExeRtn(e, n)
	}
	return x.say(c.English, c.Chinese)
}

// verdict lists what is not as it should be.
func (x *explainer) verdict(all []hj212.Violation) {
	if len(all) == 0 {
		x.printf("  = %s\n", x.say("as the standard has it", "符合标准"))
		return
	}
	x.wrong++
	for _, v := range all {
		x.violation(v)
	}
}

func (x *explainer) violation(v hj212.Violation) {
	s := fmt.Sprintf(x.say("byte %d: %s", "第 %d 字节：%s"), v.Offset, x.say(v.Kind.English(), v.Kind.Chinese()))
	if v.Name != "" {
		s += x.say(": ", "：") + shown([]byte(v.Name), 48)
	}
	if v.Got != "" {
		s += x.say(", got ", "，实为 ") + shown([]byte(v.Got), 48)
	}
	if v.Want != "" {
		s += x.say(", want ", "，应为 ") + shown([]byte(v.Want), 80)
	}
	if c := v.Kind.Clause(); c != "" {
		s += x.say(" (", "（") + c + x.say(")", "）")
	}
	x.printf("  ! %s\n", s)
}

// fault is the error of a frame in the reader's language.
func (x *explainer) fault(err error) string {
	f, ok := errors.AsType[*hj212.FrameError](err)
	if !x.zh {
		return strings.TrimPrefix(err.Error(), "hj212: ")
	}
	zh := map[error]string{
		hj212.ErrShort: "帧不完整", hj212.ErrMark: "帧不以 ## 开头", hj212.ErrLength: "长度不是 1 到 9999 的四位数字",
		hj212.ErrCRC: "CRC 不符", hj212.ErrEnd: "帧不以回车换行结束", hj212.ErrKey: "没有可用的密钥",
	}
	if !ok {
		return zh[hj212.ErrShort]
	}
	s := fmt.Sprintf("第 %d 字节：%s", f.Offset, zh[f.Err])
	for _, d := range f.Fits {
		s += fmt.Sprintf("；按 %s 算法则相符", d)
	}
	return s
}

// right is the frame as it should be. Bytes that a terminal would obey are not written:
// its length and CRC then have to do.
func (x *explainer) right(data []byte) {
	frame := bytes.TrimRight(x.codec.AppendFrame(nil, data), "\r\n")
	if text := string(frame); shown(frame, len(frame)) == text {
		x.printf("  > %s%s\n", x.say("right would be: ", "正确的帧："), text)
		return
	}
	x.printf("  > %s\n", fmt.Sprintf(x.say("right would be: length %s, CRC %s", "正确的长度 %s，CRC %s"), frame[2:6], frame[len(frame)-4:]))
}

// end is the last line, and the error where not all was right.
func (x *explainer) end() error {
	switch {
	case x.err != nil:
		return x.err
	case x.frames == 0:
		return hinted{errNoFrames, "a frame begins with ## and four digits; quote it: envgate frame '##...'"}
	}
	if x.frames > 1 || x.rubbish > 0 {
		x.printf(x.say("%d frames, %d not as they should be, %d bytes in no frame\n", "共 %d 帧，%d 帧有问题，%d 字节不属于任何帧\n"), x.frames, x.wrong, x.rubbish)
	}
	if x.wrong > 0 {
		return errSaid
	}
	return x.err
}

var errNoFrames = errors.New("no frame in it")
