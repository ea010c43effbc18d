package hj212

// The fields in the order of the standard.
const (
	fieldQN = iota
	fieldST
	fieldCN
	fieldPW
	fieldMN
	fieldFlag
	fieldPNUM
	fieldPNO
	fieldRF
	fieldCount
)

var fieldNames = [fieldCount]string{"QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF"}

// fieldOf returns the number of a field, -1 where no edition has it.
func fieldOf(name string) int {
	switch name {
	case "QN":
		return fieldQN
	case "ST":
		return fieldST
	case "CN":
		return fieldCN
	case "PW":
		return fieldPW
	case "MN":
		return fieldMN
	case "Flag":
		return fieldFlag
	case "PNUM":
		return fieldPNUM
	case "PNO":
		return fieldPNO
	case "RF":
		return fieldRF
	}
	return -1
}

// header reports what is wrong with the fields by the rules of an edition, field by
// field.
func (m *Message) header(e Edition, report func(f int, kind Kind, got, want string)) {
	switch {
	case m.QN == "":
		if e != Ed2005 {
			report(fieldQN, MissingField, "", "")
		}
	case len(m.QN) == 13 && only(m.QN, isDigit):
		report(fieldQN, QNEpoch, m.QN, "17 digits")
	case len(m.QN) != 17 || !isTime(m.QN):
		report(fieldQN, QNForm, m.QN, "17 digits, YYYYMMDDhhmmssmmm")
	}
	if m.ST == "" {
		report(fieldST, MissingField, "", "")
	} else if len(m.ST) != 2 || !only(m.ST, isDigit|isUpper) {
		report(fieldST, STForm, m.ST, "2 digits or capitals")
	}
	if m.CN == "" {
		report(fieldCN, MissingField, "", "")
	} else if len(m.CN) != 4 || !only(m.CN, isDigit) {
		report(fieldCN, CNForm, m.CN, "4 digits")
	}
	// The data answer of 2005 has neither (HJ/T 212-2005, appendix C.6).
	bare := e == Ed2005 && m.CN == "9014"
	switch {
	case m.PW == "":
		if !bare {
			report(fieldPW, MissingField, "", "")
		}
	case len(m.PW) != 6 || !only(m.PW, isDigit|isUpper|isLower):
		report(fieldPW, PWForm, m.PW, "6 letters and digits")
	}
	old := len(m.MN) == 14 && only(m.MN, isDigit)
	hex := len(m.MN) == 24 && only(m.MN, isDigit|isHexLetter)
	switch {
	case m.MN == "":
		if !bare && !(m.EmptyMN && m.registers()) {
			report(fieldMN, MissingField, "", "")
		}
	case e == Ed2005:
		// Without a Flag it may be any edition's.
		if !old && (m.HasFlag || !hex) {
			report(fieldMN, MNForm, m.MN, "14 digits")
		}
	case !hex:
		report(fieldMN, MNForm, m.MN, "24 digits and letters A to F")
	}
	if e == Ed2005 && !m.HasFlag && m.Flag == 0 && hex { // later editions have such an MN, and a Flag
		report(fieldFlag, MissingField, "", "")
	}
	switch {
	case m.PNUM == 0 && m.PNO == 0:
		if m.Flag&IsSplit != 0 {
			report(fieldFlag, FlagNoPacket, "", "")
		}
	case m.PNUM == 0:
		report(fieldPNO, HalfPacket, "", "")
	case m.PNO == 0:
		report(fieldPNUM, HalfPacket, "", "")
	case m.Flag&IsSplit == 0:
		report(fieldPNUM, PacketNoFlag, "", "")
	}
}

// registers reports whether the message is one of a device without an MN (HJ
// 212-2025, table C.2).
func (m *Message) registers() bool { return m.CN == "1001" && m.Flag.Version() >= 2 }

// number reads up to nine digits and nothing else; strconv.Atoi takes a sign.
func number(s string) (n int, ok bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// Sets of characters for only.
const (
	isDigit = 1 << iota
	isUpper
	isLower
	isHexLetter // A to F
)

// only reports whether s is of these characters alone.
func only(s string, set int) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9' && set&isDigit != 0:
		case c >= 'A' && c <= 'F' && set&isHexLetter != 0:
		case c >= 'A' && c <= 'Z' && set&isUpper != 0:
		case c >= 'a' && c <= 'z' && set&isLower != 0:
		default:
			return false
		}
	}
	return true
}
