package hj212

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Violation is one thing that is not as the standard has it.
type Violation struct {
	Offset int // bytes from the beginning of what was looked at: segment or frame
	Kind   Kind
	Name   string // of the field, "" where there is none; ends where a password or key begins in it
	Got    string // what is there, shortened, of a password or key only how long it is; "" where something is missing
	Want   string // what the standard has, "" where the kind says it
}

// String is one line: where, what, the field with what it has, and what it should
// have.
func (v Violation) String() string {
	b := fmt.Appendf(nil, "byte %d: %s", v.Offset, v.Kind.English())
	if v.Name != "" || v.Got != "" {
		b = fmt.Appendf(b, ": %s", printable(v.Name))
		if v.Got != "" {
			b = fmt.Appendf(b, "=%q", v.Got)
		}
	}
	if v.Want != "" {
		b = fmt.Appendf(b, ", want %s", visible(v.Want))
	}
	return string(b)
}

// A Kind says what is wrong. The zero value is none.
//
// To add one: a constant, a row of kinds, and a row of TestKinds that shows it.
type Kind uint8

// The kinds. Those of them that are seen in the field ([Kind.Seen]) are no reason
// to refuse a message, and [ParseMessage] takes it with all of them.
const (
	// Of the frame.
	LowerCRC Kind = iota + 1 // the four digits of the check sum are written in lower case
	NoEnd                    // CR, LF or both are missing after the frame
	LongData                 // the data segment is longer than [MaxData]

	// Of the data segment: what [ParseMessage] says.
	NoArea            // the data area does not begin with CP=&&, or there is none
	OpenArea          // the && that ends the data area is missing
	AfterArea         // bytes stand between the && that ends the area and the end of the segment
	AreaMark          // && stands within the area; the last one ends it
	Blank             // blanks stand where there should be none; they are taken away
	CommaForSemicolon // a comma stands between header fields or between BeginTime and EndTime
	NoSemicolon       // as in Flag=5CP=&&
	TrailingSeparator // the last item is followed by a semicolon or comma
	EmptyItem         // as in ;;
	NoEquals          // a part has no =; it is taken as a name without a value
	NoName            // a part begins with =
	EqualsInValue     // a separator is missing, or the value has one of its own
	ControlByte       // a byte under 20H or 7FH stands in a name or a value; it is kept
	NotASCII          // Chinese text is for log values only
	NotUTF8           // most likely GBK; see [Text]
	OpenLog           // a log value has no // at its end; it ends at the next separator
	NameTwice         // both are kept; [Area.Get] gives the first
	FieldTwice        // the first is taken
	UnknownField      // kept in [Message.More]
	FieldOrder        // fields in another order
	MissingField      // field missing
	EmptyField        // field empty
	QNForm            // QN is not a time of 17 digits
	QNEpoch           // milliseconds since 1970, it seems
	STForm            // ST is not two characters
	CNForm            // CN is not four digits
	PWForm            // PW is not six letters and digits
	MNForm            // 14 digits in 2005, 24 digits and letters A to F later
	FlagForm          // up to 255 it is taken, though no edition has more than 11
	PacketForm        // PNUM or PNO is not a number from 1 to 9999
	HalfPacket        // PNUM without PNO, or PNO without PNUM
	PacketNoFlag      // PNUM and PNO, and Flag does not say so
	FlagNoPacket      // Flag says PNUM and PNO, and there are none
	RFForm            // there is no RF=0; the field is left out
	TimeForm          // time is not 14 digits
	TimeMillis        // with milliseconds, as QN has them

	// Of what is in it: what [Message.Check] says, with the tables of an edition.
	OtherEdition   // Flag says another edition than the one asked for
	UnknownST      // system code unknown
	UnknownCN      // command code unknown
	WrongDirection // command does not go this way
	MissingParam   // parameter missing
	UnknownParam   // parameter unknown
	UnknownFactor  // factor code unknown
	NoPrefix       // as 01018 for w01018
	MixedItem      // several factors in one item
	ValueForm      // value does not fit its format
	UnknownReturn  // of QnRtn or ExeRtn
	UnknownMark    // data flag unknown
	Interval       // interval not in the list
	LongArea       // 960 bytes in 2005, 950 later, CP=&& and && counted
	PacketOver     // PNO over PNUM
	PacketDigits   // PNUM has more than one digit
	EditionField   // RF before 2025

	// Of a message that is to be written: what [Message.Strict] says beside others.
	BreaksForm // a separator, &&, a line end or an open log in a name or value that is to be written

	// Of the list itself.
	MoreLeft // the last one of a list that was full
)

// kinds is what is known of each kind.
var kinds = [...]struct {
	word, english, chinese, clause string
	seen                           bool
}{
	LowerCRC:          {"lower-crc", "CRC in lower-case digits", "CRC 用小写字母书写", "HJ 212-2017, table 2", true},
	NoEnd:             {"no-end", "no CR LF after the CRC", "CRC 之后没有回车换行", "HJ 212-2017, table 2", true},
	LongData:          {"long-data", "data segment over 1024 bytes", "数据段超过 1024 字节", "HJ 212-2017, table 2", true},
	NoArea:            {"no-area", "no CP=&&", "没有 CP=&&", "HJ 212-2017, table 3", false},
	OpenArea:          {"open-area", "no && at the end of the data area", "数据区末尾没有 &&", "HJ 212-2017, table 3", false},
	AfterArea:         {"after-area", "text after the data area", "数据区之后还有内容", "HJ 212-2017, table 3", false},
	AreaMark:          {"area-mark", "&& within the data area", "数据区内部出现 &&", "HJ 212-2017, table 3", false},
	Blank:             {"blank", "blank around a name, a value or a separator", "名称、值或分隔符前后有空格", "HJ 212-2025, 6.3.4.1", true},
	CommaForSemicolon: {"comma-for-semicolon", "comma where a semicolon is meant", "应使用分号处用了逗号", "HJ 212-2025, 6.3.4.1", true},
	NoSemicolon:       {"no-semicolon", "no semicolon before CP", "CP 之前缺少分号", "HJ 212-2017, table 3", true},
	TrailingSeparator: {"trailing-separator", "separator at the end of the data area", "数据区末尾多余分隔符", "HJ 212-2025, 6.3.4.1", true},
	EmptyItem:         {"empty-item", "nothing between two separators", "两个分隔符之间没有内容", "HJ 212-2025, 6.3.4.1", false},
	NoEquals:          {"no-equals", "name without =", "名称之后没有等号", "HJ 212-2025, 6.3.4.1", false},
	NoName:            {"no-name", "value without a name", "有值而没有名称", "HJ 212-2025, 6.3.4.1", false},
	EqualsInValue:     {"equals-in-value", "= within a value", "值中出现等号", "HJ 212-2025, 6.3.4.1", false},
	ControlByte:       {"control-byte", "control byte", "出现控制字符", "HJ 212-2017, 6.3", false},
	NotASCII:          {"not-ascii", "not ASCII, outside a log", "日志以外出现非 ASCII 字符", "HJ 212-2017, 6.3", false},
	NotUTF8:           {"not-utf8", "text is not UTF-8", "文字不是 UTF-8 编码", "HJ 212-2017, 6.3", false},
	OpenLog:           {"open-log", "// is not closed", "日志内容缺少结束的 //", "HJ 212-2017, table C.40", false},
	NameTwice:         {"name-twice", "name twice in the data area", "数据区中名称重复", "HJ 212-2025, 6.3.4.1", true},
	FieldTwice:        {"field-twice", "field twice", "字段重复", "HJ 212-2017, table 3", false},
	UnknownField:      {"unknown-field", "field unknown", "未知字段", "HJ 212-2017, table 3", false},
	FieldOrder:        {"field-order", "fields in another order", "字段顺序不同", "HJ 212-2017, table 3", true},
	MissingField:      {"missing-field", "field missing", "缺少字段", "HJ 212-2017, table 3", true},
	EmptyField:        {"empty-field", "field empty", "字段为空", "HJ 212-2017, table 3", false},
	QNForm:            {"qn-form", "QN is not a time of 17 digits", "QN 不是 17 位时间", "HJ 212-2017, table 3", false},
	QNEpoch:           {"qn-epoch", "QN is a number of 13 digits", "QN 为 13 位毫秒数", "HJ 212-2017, table 3", true},
	STForm:            {"st-form", "ST is not two characters", "ST 不是 2 个字符", "HJ 212-2017, table 3", true},
	CNForm:            {"cn-form", "CN is not four digits", "CN 不是 4 位数字", "HJ 212-2017, table 3", false},
	PWForm:            {"pw-form", "PW is not six letters and digits", "PW 不是 6 位字母数字", "HJ 212-2017, table 3", true},
	MNForm:            {"mn-form", "MN is not as the edition has it", "MN 不符合该版本格式", "HJ 212-2017, table 3", true},
	FlagForm:          {"flag-form", "Flag is not a number from 0 to 11", "Flag 不是 0 到 11 的数", "HJ 212-2017, table 3", false},
	PacketForm:        {"packet-form", "PNUM or PNO is not a number from 1 to 9999", "PNUM 或 PNO 不是 1 到 9999 的数", "HJ 212-2017, table 3", false},
	HalfPacket:        {"half-packet", "PNUM without PNO, or PNO without PNUM", "PNUM 与 PNO 只有其一", "HJ 212-2017, table 3", false},
	PacketNoFlag:      {"packet-no-flag", "PNUM and PNO, and Flag does not say so", "有 PNUM 和 PNO 而 Flag 未标明", "HJ 212-2017, table 3", true},
	FlagNoPacket:      {"flag-no-packet", "Flag says PNUM and PNO, and there are none", "Flag 标明分包而没有 PNUM 和 PNO", "HJ 212-2017, table 3", true},
	RFForm:            {"rf-form", "RF is not 1", "RF 不是 1", "HJ 212-2025, table 3", false},
	TimeForm:          {"time-form", "time is not 14 digits", "时间不是 14 位数字", "HJ 212-2017, 6.3", false},
	TimeMillis:        {"time-millis", "time of 17 digits", "时间为 17 位数字", "HJ 212-2017, 6.3", true},
	OtherEdition:      {"other-edition", "message of another edition", "报文属于其他版本", "HJ 212-2017, table 3", false},
	UnknownST:         {"unknown-st", "system code unknown", "未知系统编码", "HJ 212-2025, table 7", true},
	UnknownCN:         {"unknown-cn", "command code unknown", "未知命令编码", "HJ 212-2025, table 12", true},
	WrongDirection:    {"wrong-direction", "command does not go this way", "命令方向不符", "HJ 212-2025, table 12", false},
	MissingParam:      {"missing-param", "parameter missing", "缺少参数", "HJ 212-2017, appendix C", false},
	UnknownParam:      {"unknown-param", "parameter unknown", "未知参数", "HJ 212-2017, 6.3", true},
	UnknownFactor:     {"unknown-factor", "factor code unknown", "未知因子编码", "HJ 212-2017, appendix B", true},
	NoPrefix:          {"no-prefix", "factor code without its letter", "因子编码缺少前缀字母", "HJ 212-2017, appendix B", true},
	MixedItem:         {"mixed-item", "several factors in one item", "同一项目中有多个因子", "HJ 212-2025, 6.3.4.1", false},
	ValueForm:         {"value-form", "value does not fit its format", "值不符合格式", "HJ 212-2017, 6.3", true},
	UnknownReturn:     {"unknown-return", "return code unknown", "未知返回代码", "HJ 212-2017, table 6", false},
	UnknownMark:       {"unknown-mark", "data flag unknown", "未知数据标记", "HJ 212-2017", true},
	Interval:          {"interval", "interval not in the list", "间隔不在规定范围", "HJ 212-2017, 6.3", false},
	LongArea:          {"long-area", "data area too long", "数据区过长", "HJ 212-2017, table 3", false},
	PacketOver:        {"packet-over", "PNO over PNUM", "PNO 大于 PNUM", "HJ 212-2017, table 3", false},
	PacketDigits:      {"packet-digits", "PNUM has more than one digit", "PNUM 超过一位数字", "HJ 212-2025, table 3", false},
	EditionField:      {"edition-field", "field this edition does not have", "该版本没有此字段", "HJ 212-2025, table 3", false},
	BreaksForm:        {"breaks-form", "bytes that would be read as form", "内容会被误读为格式", "HJ 212-2025, 6.3.4.1", false},
	MoreLeft:          {"more", "more violations than are listed", "还有未列出的问题", "", false},
}

// String is the kind's word, as "comma-for-semicolon". Words do not change once
// they are published.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kinds) {
		return "kind-" + strconv.Itoa(int(k))
	}
	return kinds[k].word
}

// English says in a few words what is wrong.
func (k Kind) English() string {
	if k == 0 || int(k) >= len(kinds) {
		return k.String()
	}
	return kinds[k].english
}

// Chinese says the same as English, in Chinese.
func (k Kind) Chinese() string {
	if k == 0 || int(k) >= len(kinds) {
		return k.String()
	}
	return kinds[k].chinese
}

// Clause is the place in the standard, with its edition; "" where there is none.
func (k Kind) Clause() string {
	if int(k) >= len(kinds) {
		return ""
	}
	return kinds[k].clause
}

// Seen reports whether the deviation is found in frames of real devices or in the
// standard's own examples. Those are taken as a matter of course; the others are
// taken too, but are more likely a fault.
func (k Kind) Seen() bool { return int(k) < len(kinds) && kinds[k].seen }

// Kinds returns all kinds, in their order.
func Kinds() []Kind {
	all := make([]Kind, 0, len(kinds)-1)
	for k := range kinds[1:] {
		all = append(all, Kind(k+1))
	}
	return all
}

// maxViolations is how many are listed of one message. A segment of separators
// would otherwise yield thousands.
const maxViolations = 64

// violations collects up to maxViolations; the last one then says that there were
// more.
type violations []Violation

func (vs *violations) add(offset int, kind Kind, name, got, want string) {
	switch n := len(*vs); {
	case n < maxViolations-1:
		if isSecret(name, got) {
			got = strconv.Itoa(len(got)) + " bytes"
		}
		*vs = append(*vs, Violation{offset, kind, shorten(hideName(name)), shorten(got), want})
	case n == maxViolations-1:
		*vs = append(*vs, Violation{Offset: offset, Kind: MoreLeft})
	}
}

// isSecret reports whether a value is, or has in it, what must not come into logs:
// a missing semicolon puts PW into the value before it, and not all write the name, or
// what is behind it, as the standard does.
func isSecret(name, value string) bool {
	return value != "" && (secretAt(name+"=") > 0 || secretAt(value) > 0)
}

// hideName is a name up to where a password or key begins in it, as in "PW:123456",
// which has no =.
func hideName(name string) string {
	if i := secretAt(name); i > 0 && i < len(name) {
		return name[:i] + "..."
	}
	return name
}

// secretAt is where in s a password or key may begin: behind PW, NewPW or NewSK in
// letters of either case, and =, a colon or a blank. It is 0 where there is none.
func secretAt(s string) int {
	for i := 1; i < len(s); i++ {
		if c := s[i]; c != '=' && c != ':' && !isBlankByte(c) {
			continue
		}
		for _, word := range [...]string{"PW", "NewSK"} {
			if n := len(word); i >= n && strings.EqualFold(s[i-n:i], word) {
				return i + 1
			}
		}
	}
	return 0
}

// sorted returns the list in the order of the bytes.
func (vs violations) sorted() []Violation {
	n := len(vs)
	if n > 0 && vs[n-1].Kind == MoreLeft {
		n--
	}
	sort.SliceStable(vs[:n], func(i, j int) bool { return vs[i].Offset < vs[j].Offset })
	return vs
}

// shorten keeps what a message needs of s.
func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// visible is s as it is where all of it can be seen, with blanks, else quoted.
func visible(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// printable is s as it is where it is plain ASCII, else quoted.
func printable(s string) string {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7F {
			return strconv.Quote(s)
		}
	}
	return s
}
