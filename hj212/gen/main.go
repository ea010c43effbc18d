// Command gen writes the tables of the vocabulary, the z files of package hj212,
// from the CSV files in hj212/data. It is run by go generate in the folder above.
// With an argument it writes into that folder.
//
// The tables are strings, a line a row, with tabs between the fields: tables of
// structs would be three times as large in the program. Rows that differ in the
// edition alone become one line with a mark for each edition.
package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"go/format"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	to := "."
	if len(os.Args) > 1 {
		to = os.Args[1]
	}
	if err := run(os.DirFS("data"), to); err != nil {
		fmt.Fprintln(os.Stderr, "gen: error:", err)
		os.Exit(1)
	}
}

func run(from fs.FS, to string) error {
	files, err := generate(from)
	if err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(to, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A row is a row of a CSV file: its fields by the names of their columns.
type row struct {
	file  string
	line  int
	field map[string]string
}

// columns are the files and their columns. All have edition, source and uncertain.
var columns = map[string]string{
	"commands.csv": "cn direction edition pattern history required optional table chinese english source uncertain",
	"secret.csv":   "from to direction edition source uncertain",
	"systems.csv":  "code edition chinese english source uncertain",
	"returns.csv":  "field code edition chinese english source uncertain",
	"flags.csv":    "code edition chinese english source uncertain",
	"params.csv":   "name edition format range chinese english source uncertain",
	"factors.csv":  "code edition chinese english unit format medium legacy source uncertain",
}

// read reads a file. Columns must be those above, in their order.
func read(from fs.FS, file string) ([]row, error) {
	f, err := from.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	want := strings.Fields(columns[file])
	r := csv.NewReader(f)
	r.Comment = '#'
	var rows []row
	for head := true; ; head = false {
		fields, err := r.Read()
		if err == io.EOF && !head {
			return rows, nil
		}
		if head && (err == io.EOF || err == nil && !slices.Equal(fields, want)) {
			return nil, fmt.Errorf("%s: first row is not %s", file, strings.Join(want, ","))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if head {
			continue
		}
		line, _ := r.FieldPos(0)
		row := row{file, line, make(map[string]string)}
		for i, s := range fields {
			row.field[want[i]] = s
		}
		rows = append(rows, row)
	}
}

// generate makes the Go files, by name.
func generate(from fs.FS) (map[string][]byte, error) {
	rows := make(map[string][]row)
	for file := range columns {
		var err error
		if rows[file], err = read(from, file); err != nil {
			return nil, err
		}
	}
	if err := check(rows); err != nil {
		return nil, err
	}
	returns := func(field string) []row {
		return slices.DeleteFunc(slices.Clone(rows["returns.csv"]), func(r row) bool { return r.field["field"] != field })
	}
	files := map[string]string{
		"zcommands.go": "// Code generated from commands.csv and secret.csv by hj212/gen. DO NOT EDIT.\n\npackage hj212\n\n" +
			commandTable(rows["commands.csv"]) + "\n" +
			secretRanges(rows["secret.csv"]),
		"zcodes.go": "// Code generated from systems.csv, returns.csv and flags.csv by hj212/gen. DO NOT EDIT.\n\npackage hj212\n\n" +
			table("systemTable", rows["systems.csv"], "code", "chinese english") + "\n" +
			table("qnRtnTable", returns("QnRtn"), "code", "chinese english") + "\n" +
			table("exeRtnTable", returns("ExeRtn"), "code", "chinese english") + "\n" +
			table("flagTable", rows["flags.csv"], "code", "chinese english"),
		"zparams.go": "// Code generated from params.csv by hj212/gen. DO NOT EDIT.\n\npackage hj212\n\n" +
			table("paramTable", rows["params.csv"], "name", "format range chinese english"),
		"zfactors.go": "// Code generated from factors.csv by hj212/gen. DO NOT EDIT.\n\npackage hj212\n\n" +
			table("factorTable", rows["factors.csv"], "code", "chinese english unit format medium legacy") + "\n" +
			legacyTable(rows["factors.csv"]),
	}
	out := make(map[string][]byte)
	for name, text := range files {
		b, err := format.Source([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = b
	}
	return out, nil
}

// A line is a line of a table in the making.
type line struct {
	key    []string // what the table is ordered by
	marks  []byte   // for each edition x, ? or -
	rest   []string
	tables []string // of commands, for each edition
}

// lines puts rows together that differ in the edition alone.
func lines(rows []row, key, rest string) []*line {
	var all []*line
	byText := make(map[string]*line)
	for _, r := range rows {
		k, fields := r.fields(key), r.fields(rest)
		text := strings.Join(slices.Concat(k, fields), "\t")
		l := byText[text]
		if l == nil {
			l = &line{k, bytes.Repeat([]byte{'-'}, len(editions)), fields, make([]string, len(editions))}
			byText[text] = l
			all = append(all, l)
		}
		i := slices.Index(editions, r.field["edition"])
		l.marks[i] = 'x'
		if r.field["uncertain"] == "yes" {
			l.marks[i] = '?'
		}
		l.tables[i] = r.field["table"]
	}
	slices.SortStableFunc(all, func(a, b *line) int { return slices.Compare(a.key, b.key) })
	return all
}

func (r row) fields(names string) []string {
	var f []string
	for name := range strings.FieldsSeq(names) {
		f = append(f, r.field[name])
	}
	return f
}

// table makes a table of lines: key, marks, the rest.
func table(name string, rows []row, key, rest string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// %s has lines of %s, marks of the editions, %s, with tabs between them.\n", name, key, strings.ReplaceAll(rest, " ", ", "))
	fmt.Fprintf(&b, "const %s = `", name)
	for _, l := range lines(rows, key, rest) {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", l.key[0], l.marks, strings.Join(l.rest, "\t"))
	}
	b.WriteString("`\n")
	return b.String()
}

// commandTable makes the table of commands. Names are left out where they are those
// of the line above.
func commandTable(rows []row) string {
	var b strings.Builder
	b.WriteString("// commandTable has lines of CN, direction, marks of the editions, pattern, history,\n" +
		"// required, optional, tables of the editions, chinese and english, with tabs\n" +
		"// between them. Without names a line has those of the line above.\n")
	b.WriteString("const commandTable = `")
	var names string
	for _, l := range lines(rows, "cn direction", "pattern history required optional chinese english") {
		pattern, history := slices.Index(patterns, l.rest[0]), slices.Index(patterns, l.rest[1])
		own := strings.Join(l.rest[4:], "\t")
		if own == names {
			own = "\t"
		} else {
			names = own
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", l.key[0], l.key[1], l.marks,
			pattern, history, l.rest[2], l.rest[3], strings.Join(l.tables, ","), own)
	}
	b.WriteString("`\n")
	return b.String()
}

func secretRanges(rows []row) string {
	var b strings.Builder
	b.WriteString("var secretRanges = [...]secretRange{\n")
	for _, r := range rows {
		direction := map[string]string{"up": "Up", "down": "Down"}[r.field["direction"]]
		fmt.Fprintf(&b, "\t{Ed%s, %s, %q, %q},\n", r.field["edition"], direction, r.field["from"], r.field["to"])
	}
	b.WriteString("}\n")
	return b.String()
}

// legacyTable makes the table from codes of 2005 to the ones that took their place.
func legacyTable(rows []row) string {
	codes := make(map[string]string)
	for _, r := range rows {
		if r.field["legacy"] != "" {
			codes[r.field["legacy"]] = r.field["code"]
		}
	}
	var text []row
	for legacy, code := range codes {
		text = append(text, row{field: map[string]string{"legacy": legacy, "code": code, "edition": "2005"}})
	}
	return table("legacyTable", text, "legacy", "code")
}
