package platform

import "strings"

// Command codes (HJ 212-2017, table 9).
const (
	cnRealTime = "2011"
	cnDay      = "2031"
	cnMinute   = "2051"
	cnHour     = "2061"
	cnBoot     = "2081"
)

// systemAnswers is the ST of answers (HJ 212-2017, table 5).
const systemAnswers = "91"

// qnRefused is the QnRtn of a request that is not executed (HJ 212-2017, table 6).
const qnRefused = 2

// maxValue is the longest value that goes out, in bytes. The longest item of all kinds
// then fits a packet.
const maxValue = 24

// isNumber reports whether s is a decimal number as the standard writes them: sign,
// digits, point, digits (HJ 212-2017, 6.3.4).
func isNumber(s string) bool {
	if len(s) > maxValue {
		return false
	}
	whole, part, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return isDigits(whole) && (!point || isDigits(part))
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isFlag reports whether s can be a data flag, in any edition.
func isFlag(s string) bool { return len(s) <= 4 && isWord(s, "") }
