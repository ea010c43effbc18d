package hj212

//go:generate go run ./gen

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// The vocabulary is what the standard says of codes and names, by edition. It is
// data: the CSV files in hj212/data, each row with its source, of which gen makes
// the tables in the z files.
//
// A code that is not found is no error. The standard lets makers and authorities
// add their own, and of HJ 212-2025 the tables are not
// complete: what is not known is passed on as it came.

// A Pattern is how an exchange goes that begins with a command (HJ 212-2017, 6.1).
type Pattern uint8

// The patterns.
const (
	NoPattern    Pattern = iota // nothing known
	Request                     // 9011, then 9012
	RequestData                 // 9011, then data, then 9012
	Upload                      // 9014 where Flag wants an answer; so with data that were asked for
	Notification                // 9013; of a heartbeat (9015) where Flag wants an answer
	Answer                      // is one itself, and ends there: 9011 to 9014
)

var patternNames = [...]string{"none", "request", "request-data", "upload", "notification", "answer"}

// String is the word for the pattern, as commands.csv has it: "request-data".
func (p Pattern) String() string {
	if int(p) < len(patternNames) {
		return patternNames[p]
	}
	return "Pattern(" + strconv.Itoa(int(p)) + ")"
}

// A Command is what an edition says of a CN in one direction.
type Command struct {
	CN        string
	Edition   Edition
	Direction Direction
	Pattern   Pattern
	// History is the pattern of a command with BeginTime in its CP, where that makes
	// another of it, else NoPattern. There is one: 2011 of HJ 212-2025 begins sending
	// real-time data, and with BeginTime asks for the history of power data.
	History          Pattern
	Chinese, English string
	// Required and Optional are parameters of CP; "*-Rtd" stands for any factor's, and
	// "*-RS" for any equipment's. Others may be there, too. The slices are shared: they
	// are not to be written to.
	Required, Optional []string
	Table              string // first example in appendix C of the edition, "C.10"; "" where it is not known
	Secret             bool   // encrypted where there are keys, see [Secret]
	Uncertain          bool   // inferred, or sources do not agree: see commands.csv
}

// PatternOf is the pattern of an exchange that begins with this command and that
// data area: History where it applies, else Pattern.
func (c *Command) PatternOf(cp Area) Pattern {
	if c.History != NoPattern {
		if _, ok := cp.Get("BeginTime"); ok {
			return c.History
		}
	}
	return c.Pattern
}

// LookupCommand finds what the edition says of a command in one direction, as CN
// alone does not tell: 2051 down asks for minute data, 2051 up brings them.
//
// A field machine answers a request that is not found with QnRtn=8; a platform
// takes what it does not know, and answers as Flag wants it.
func LookupCommand(e Edition, d Direction, cn string) (Command, bool) {
	i, ok := editionIndex(e)
	if !ok {
		return Command{}, false
	}
	all := commands()[i]
	n, ok := sort.Find(len(all), func(i int) int {
		// Down comes before up.
		return cmp.Or(strings.Compare(cn, all[i].CN), cmp.Compare(all[i].Direction, d))
	})
	if !ok {
		return Command{}, false
	}
	return all[n], true
}

// Commands returns all commands of an edition, by CN, down before up. The slice is
// the caller's, those in it are shared.
func Commands(e Edition) []Command {
	i, ok := editionIndex(e)
	if !ok {
		return nil
	}
	return slices.Clone(commands()[i])
}

// commands is commandTable taken apart, at first use: for each edition, by CN
// and direction.
var commands = sync.OnceValue(func() [len(editions)][]Command {
	var all [len(editions)][]Command
	var chinese, english string
	for line := range strings.Lines(commandTable) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if f[8] != "" { // else as in the line above
			chinese, english = f[8], f[9]
		}
		c := Command{
			CN:       f[0],
			Pattern:  Pattern(f[3][0] - '0'),
			History:  Pattern(f[4][0] - '0'),
			Chinese:  chinese,
			English:  english,
			Required: strings.Fields(f[5]),
			Optional: strings.Fields(f[6]),
		}
		if f[1] == "down" {
			c.Direction = Down
		}
		tables := strings.Split(f[7], ",")
		for i, e := range editions {
			if f[2][i] == '-' {
				continue
			}
			c.Edition = e
			c.Table = tables[i]
			c.Secret = Secret(e, c.Direction, c.CN)
			c.Uncertain = f[2][i] == '?'
			all[i] = append(all[i], c)
		}
	}
	return all
})

// Secret reports whether frames with that CN are encrypted where the two sides
// have keys: the data of a field machine, 2000 to 2999, the exchange of keys, and
// field information (HJ 212-2025, 6.4.4). It holds for CN that the vocabulary has
// not. Before 2025 nothing is.
func Secret(e Edition, d Direction, cn string) bool {
	if len(cn) != 4 {
		return false
	}
	for _, r := range secretRanges {
		if r.edition == e && r.direction == d && r.from <= cn && cn <= r.to && isDigits(cn) {
			return true
		}
	}
	return false
}

// A secretRange is a row of secret.csv.
type secretRange struct {
	edition   Edition
	direction Direction
	from, to  string // four digits, both included
}

// A Code is a code of one of the small tables and what it stands for.
type Code struct {
	Code             string
	Chinese, English string
	Uncertain        bool // inferred, or from one weak source: see the CSV files
}

// LookupSystem finds a system code (ST), as "31". A code that is not found is
// passed on: authorities have their own, A0 to Z9 are set apart for them.
func LookupSystem(e Edition, st string) (Code, bool) { return lookupCode(systemTable, e, st) }

// LookupQnRtn finds the meaning of a QnRtn, the answer to a request (9011). Only 1
// means that the request will be executed; one that is not found is a refusal.
func LookupQnRtn(e Edition, n int) (Code, bool) { return lookupNumber(qnRtnTable, e, n) }

// LookupExeRtn finds the meaning of an ExeRtn, the result of a request (9012). Only
// 1 means that it was done, and 100 that there are no such data; one that is not
// found is a failure.
func LookupExeRtn(e Edition, n int) (Code, bool) { return lookupNumber(exeRtnTable, e, n) }

func lookupNumber(table string, e Edition, n int) (Code, bool) {
	var b [20]byte
	return lookupCode(table, e, string(strconv.AppendInt(b[:0], int64(n), 10)))
}

func lookupCode(table string, e Edition, code string) (Code, bool) {
	r, ok := find(table, e, code)
	if !ok {
		return Code{}, false
	}
	c := Code{Code: r.key, Uncertain: r.uncertain}
	c.Chinese, c.English, _ = strings.Cut(r.rest, "\t")
	return c, true
}

// A ParamInfo is what an edition says of a parameter of the data area (CP).
type ParamInfo struct {
	Name string // "SystemTime"; "*-Rtd" for the kind Rtd of any factor; "SBn-RS" for equipment
	// Format is the data type: C6 is up to six characters, N5 up to five digits, N14.2
	// up to 14 digits before the point and two behind it. "" where the factor decides
	// ([Factor].Format), or none is stated.
	Format           string
	Range            string // of the value: "30..3600", or "1|2|3" for one of these; "" where none is stated
	Chinese, English string
	Editions         []Edition // that have it so; not to be written to
	Uncertain        bool      // inferred, or from one weak source: see params.csv
}

// LookupParam finds a parameter of the data area by its name, "SystemTime", by a
// name with a code before it, "a21026-Rtd" or "SB1-RS", or by its kind alone, "Rtd".
// Upper and lower case differ (HJ 212-2017, 6.3). The code is not looked at.
//
// A parameter that is not found is passed on as it came: local rules have many.
func LookupParam(e Edition, name string) (ParamInfo, bool) {
	const longest = 24 // no kind is so long, and no long ones are made
	var r row
	var ok bool
	kind := name
	switch i := strings.LastIndexByte(name, '-'); {
	case i < 0:
		r, ok = find(paramTable, e, name)
	case i > 0: // with no code before it, it is no kind
		kind = name[i+1:]
	}
	if !ok && len(kind) <= longest {
		r, ok = find(paramTable, e, "*-"+kind)
	}
	if !ok && len(kind) <= longest {
		r, ok = find(paramTable, e, "SBn-"+kind)
	}
	if !ok {
		return ParamInfo{}, false
	}
	var f [4]string
	r.split(f[:])
	return ParamInfo{r.key, f[0], f[1], f[2], f[3], r.editions(), r.uncertain}, true
}

// editions in the order of the marks in the tables.
var editions = [...]Edition{Ed2005, Ed2017, Ed2025}

func editionIndex(e Edition) (int, bool) {
	i := slices.Index(editions[:], e)
	return i, i >= 0
}

// editionSets are the editions of each set of marks: bit 0 for the first edition.
var editionSets = func() (sets [1 << len(editions)][]Edition) {
	for n := range sets {
		for i, e := range editions {
			if n&(1<<i) != 0 {
				sets[n] = append(sets[n], e)
			}
		}
	}
	return sets
}()

// A row is a line of a table. It begins with the key and a mark for each edition:
// x, ? for uncertain, - where the edition has not that line.
type row struct {
	key, marks, rest string
	uncertain        bool
}

// editions are those that have the row.
func (r *row) editions() []Edition {
	var set int
	for i := range r.marks {
		if r.marks[i] != '-' {
			set |= 1 << i
		}
	}
	return editionSets[set]
}

// split fills f with the fields after the marks.
func (r *row) split(f []string) {
	rest := r.rest
	for i := range f {
		f[i], rest, _ = strings.Cut(rest, "\t")
	}
}

// find returns the row that the edition has under a key. Rows are in the order of
// their keys. The key may be any text: it is compared with whole keys, so that
// one with a tab or an end of line in it finds nothing.
func find(table string, e Edition, key string) (row, bool) {
	edition, ok := editionIndex(e)
	if !ok {
		return row{}, false
	}
	for at := search(table, key); at < len(table); {
		line := table[at:]
		line = line[:strings.IndexByte(line, '\n')]
		at += len(line) + 1
		k, rest, _ := strings.Cut(line, "\t")
		if k != key {
			break
		}
		marks, rest, _ := strings.Cut(rest, "\t")
		if marks[edition] != '-' {
			return row{k, marks, rest, marks[edition] == '?'}, true
		}
	}
	return row{}, false
}

// search returns where in the table the first line begins whose key is not less
// than key: it halves the table down to a few lines, and then goes line by line.
func search(table, key string) int {
	next := func(at int) int { return at + strings.IndexByte(table[at:], '\n') + 1 }
	less := func(at int) bool {
		k := table[at:]
		return k[:strings.IndexByte(k, '\t')] < key
	}
	low, high := 0, len(table) // both where a line begins, or the end
	for high-low > 256 {
		mid := next(low + (high-low)/2)
		if mid >= high { // lines are that long
			break
		}
		if less(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	for low < high && less(low) {
		low = next(low)
	}
	return low
}
