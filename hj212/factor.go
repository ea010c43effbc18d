package hj212

//go:generate go run ./gen

import "strings"

// A Factor is what the standard says of one monitoring factor (HJ 212-2017,
// appendix B). Frames carry neither names nor units; both are for people and
// for conversions.
type Factor struct {
	Code    string // a34004; of process factors with the equipment's number, e10201
	Chinese string
	English string // ours
	Unit    string // default unit in ASCII (ug/m3, degC); "1": none; "": not stated
	Format  string // data type, N4.2: four digits before the point and two behind; "": not stated
	Medium  string // air, water, noise, process or info
	Legacy  string // code of HJ/T 212-2005, "" if it had none
}

// LookupFactor finds the factor with that code. Codes of process factors and
// of probes end in a number (01 to 99, and 0 to 9), which is taken as it comes.
//
// The unit is the standard's default, and not to be taken for what an
// instrument gives or a platform expects: dust stands there in ng/m3.
func LookupFactor(code string) (Factor, bool) {
	f, ok := lookup(code)
	if n := len(code); !ok && n == 6 && isDigits(code[1:]) {
		switch {
		case (code[0] == 'e' || code[0] == 'g') && code[n-2:] != "00":
			f, ok = lookup(code[:n-2] + "xx")
		case code[0] == 'i':
			f, ok = lookup(code[:n-1] + "x")
		}
		f.Code = code
	}
	if !ok {
		return Factor{}, false
	}
	return f, true
}

func lookup(code string) (Factor, bool) {
	// A code from a file or a wire must not be able to span fields.
	if code == "" || strings.ContainsAny(code, "\t\n") {
		return Factor{}, false
	}
	_, line, ok := strings.Cut(factorTable, "\n"+code+"\t")
	if !ok {
		return Factor{}, false
	}
	line, _, _ = strings.Cut(line, "\n")
	var p [6]string
	for i := range p {
		p[i], line, _ = strings.Cut(line, "\t")
	}
	return Factor{code, p[0], p[1], p[2], p[3], p[4], p[5]}, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
