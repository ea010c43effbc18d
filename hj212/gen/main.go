// Command gen writes zfactors.go from factors.csv. It is run by go generate in
// the folder above.
package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"go/format"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if err := run("factors.csv", "zfactors.go"); err != nil {
		fmt.Fprintln(os.Stderr, "gen: error:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	out, err := generate(b)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return os.WriteFile(to, out, 0o644)
}

var (
	header = []string{"code", "chinese", "english", "unit", "format", "medium", "legacy"}
	code   = regexp.MustCompile(`^([wa]\d{5}|[eg]\d{3}xx|[iI]\d{5}|i\d{4}x|L[A-Za-z0-9]{1,2})$`)
	form   = regexp.MustCompile(`^([NC]\d+(\.\d)?)?$`)
	media  = []string{"air", "info", "noise", "process", "water"}
)

// generate makes the Go file: one string, a line a factor, fields between
// tabs. A table of structs would be three times as large in the program.
func generate(b []byte) ([]byte, error) {
	r := csv.NewReader(bytes.NewReader(b))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 || !slices.Equal(rows[0], header) {
		return nil, fmt.Errorf("first row is not %s", strings.Join(header, ","))
	}
	rows = rows[1:]
	var errs []error
	seen := make(map[string]bool)
	for _, row := range rows {
		switch {
		case seen[row[0]]:
			errs = append(errs, fmt.Errorf("%s: is there twice", row[0]))
		case !code.MatchString(row[0]):
			errs = append(errs, fmt.Errorf("%s: is no code", row[0]))
		case row[1] == "" || row[2] == "":
			errs = append(errs, fmt.Errorf("%s: has no name", row[0]))
		case !form.MatchString(row[4]):
			errs = append(errs, fmt.Errorf("%s: format is %q", row[0], row[4]))
		case !slices.Contains(media, row[5]):
			errs = append(errs, fmt.Errorf("%s: medium is %q", row[0], row[5]))
		case strings.ContainsAny(strings.Join(row, ""), "\t\n\r`"):
			errs = append(errs, fmt.Errorf("%s: has a tab, an end of line or a backquote", row[0]))
		}
		seen[row[0]] = true
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	var out bytes.Buffer
	out.WriteString("// Code generated from factors.csv by hj212/gen. DO NOT EDIT.\n\n")
	out.WriteString("package hj212\n\n")
	out.WriteString("// factorTable has a line for each factor: code, chinese, english, unit, format,\n// medium and legacy code, with tabs between them.\n")
	out.WriteString("const factorTable = `\n")
	for _, row := range rows {
		out.WriteString(strings.Join(row, "\t") + "\n")
	}
	out.WriteString("`\n")
	return format.Source(out.Bytes())
}
