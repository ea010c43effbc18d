package hj212

// A Factor is what the standard says of one monitoring factor (appendix B). Frames
// carry neither names nor units; both are for people and for conversions.
type Factor struct {
	Code    string  // a34004; of process factors with the equipment's number, e10201
	Edition Edition // the one whose text gives what is said here: 2017 where 2025 is not known to differ
	Chinese string
	English string // ours
	Unit    string // default unit in ASCII (ug/m3, degC); "1": none; "": not stated
	Format  string // data type, N4.2: four digits before the point and two behind; "": not stated
	Medium  string // air, water, noise, process, power, condition or info
	Legacy  string // code of HJ/T 212-2005, "" if it had none

	Uncertain bool // inferred, or from one weak source: see factors.csv
}

// LookupFactor finds the factor that has the code in that edition. Codes of process,
// power and condition factors and of probes end in a number (01 to 99, and 0 to 9),
// which is taken as it comes.
//
// Of HJ 212-2025 only some rows are known; for a code that is not among them the
// row of 2017 is returned, and Factor.Edition says so.
//
// For HJ/T 212-2005, code is one of its own of two or three characters (011), and
// Factor.Code the one that took its place (w01018). Names and units are those of
// 2017. Seen in the field: new codes in frames of 2005. They are taken as well.
//
// A code that is not found is passed on as it came: authorities and makers have
// their own. The unit is the standard's default, and not to be taken for what an
// instrument gives or a platform expects: dust stands there in ng/m3.
func LookupFactor(e Edition, code string) (Factor, bool) {
	switch e {
	case Ed2005:
		if r, ok := find(legacyTable, Ed2005, code); ok {
			code = r.rest
		}
		return lookupFactor(Ed2017, code)
	case Ed2017:
		return lookupFactor(Ed2017, code)
	case Ed2025:
		if f, ok := lookupFactor(Ed2025, code); ok {
			return f, true
		}
		return lookupFactor(Ed2017, code)
	}
	return Factor{}, false
}

// lookupFactor finds the factor in that edition's rows alone.
func lookupFactor(e Edition, code string) (Factor, bool) {
	r, ok := find(factorTable, e, code)
	if n := len(code); !ok && n == 6 && isDigits(code[1:]) {
		switch code[0] {
		case 'd', 'e', 'g', 'p':
			if code[n-2:] != "00" {
				r, ok = find(factorTable, e, code[:n-2]+"xx")
			}
		case 'i':
			r, ok = find(factorTable, e, code[:n-1]+"x")
		}
	}
	if !ok {
		return Factor{}, false
	}
	var f [6]string
	r.split(f[:])
	return Factor{code, e, f[0], f[1], f[2], f[3], f[4], f[5], r.uncertain}, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
