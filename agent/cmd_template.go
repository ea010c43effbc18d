package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"envgate/drivers"
)

// cmdTemplate is for the person with a manual: what instruments are known, what is
// known of one, and whether a template of one's own is right.
func cmdTemplate(args []string, out, errs io.Writer) error {
	f := flags("template")
	source := f.Bool("yaml", false, "show the file itself")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	word := ""
	if len(rest) > 0 {
		word, rest = rest[0], rest[1:]
	}
	switch {
	case word == "list" && len(rest) == 0:
		return listTemplates(out)
	case word == "show" && len(rest) == 1:
		t, _, err := loadTemplate(rest[0])
		if err != nil {
			return tellTemplate(errs, rest[0], err)
		}
		if *source {
			_, err := out.Write(t.Source())
			return err
		}
		showTemplate(out, t)
		return nil
	case word == "test" && len(rest) == 1:
		return testTemplate(out, errs, rest[0])
	}
	return fmt.Errorf("%w: template takes list, show ID or FILE, or test FILE", errUsage)
}

// loadTemplate loads a built-in template by its name, or a file.
func loadTemplate(name string) (t *drivers.Template, place string, err error) {
	if slices.Contains(drivers.Builtin(), name) {
		t, err = drivers.LoadBuiltin(name)
		return t, name, err
	}
	if !strings.ContainsAny(name, "./") {
		return nil, "", hinted{fmt.Errorf("no template %q", name), "envgate template list names them; a file of your own ends in .yaml"}
	}
	b, err := readTemplate(name)
	if err != nil {
		return nil, "", err
	}
	t, err = drivers.ParseTemplate(strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), b)
	if _, ok := errors.AsType[drivers.SpecErrors](err); err != nil && !ok {
		err = hinted{err, "YAML: two blanks deeper for each level and no tabs, a blank behind each colon and hyphen"}
	}
	return t, name, err
}

// readTemplate reads no more than a template may be, and is told so by the parser.
func readTemplate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}

// tellTemplate says each thing that is wrong with a file, as check does of a site file.
func tellTemplate(errs io.Writer, name string, err error) error {
	list, ok := errors.AsType[drivers.SpecErrors](err)
	if !ok {
		return err
	}
	for _, e := range list {
		tellPlace(errs, "error", name, e)
	}
	fmt.Fprintf(errs, "envgate: error: %s: %s\n", name, plural(len(list), "problem"))
	return errSaid
}

func tellPlace(errs io.Writer, word, name string, e *drivers.SpecError) {
	sep := ":"
	if e.Line == 0 {
		sep = ": "
	}
	fmt.Fprintf(errs, "envgate: %s: %s%s%v\n", word, name, sep, e)
	if e.Hint != "" {
		fmt.Fprintf(errs, "envgate: hint: %s\n", e.Hint)
	}
}

func listTemplates(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tMEDIUM\tPOINTS\tINSTRUMENT")
	for _, medium := range drivers.Media {
		for _, name := range drivers.Builtin() {
			t, err := drivers.LoadBuiltin(name)
			if err != nil {
				return err
			}
			if t.Medium != medium {
				continue
			}
			n := 0
			for _, p := range t.Points() {
				if p.Point != "" || p.Channel != "" {
					n++
				}
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%s %s\n", name, t.Medium, n, t.Title.English, t.Title.Chinese)
		}
	}
	return w.Flush()
}

// showTemplate writes down all that is known of an instrument. What is uncertain has a
// question mark.
func showTemplate(out io.Writer, t *drivers.Template) {
	fmt.Fprintf(out, "%s: %s\n%s\n\n", t.Name, t.Title.English, t.Title.Chinese)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, text string) {
		if text != "" {
			fmt.Fprintf(w, "%s\t%s\n", what, text)
		}
	}
	row("medium", t.Medium)
	row("manual", t.Manual)
	row("confidence", t.Confidence)
	row("serial line", serialDefaults(t.Serial))
	row("asked each", orMore(t.MinInterval))
	row("answers in", upTo(t.Timeout))
	row("warms up", upTo(t.WarmUp))
	w.Flush()

	var status []drivers.PointSpec
	if len(t.Channels()) < len(t.Points()) {
		fmt.Fprintln(w, "\nPOINT\tREGISTERS\tTYPE\tVALUE\tUNIT\tNAME")
	}
	for _, p := range t.Points() {
		if p.Point != "" {
			fmt.Fprintf(w, "%s%s\t%s\t%s\t%s\t%s\t%s %s\n", p.Point, doubt(p.Confidence), registers(p), typeOf(p), valueOf(p), p.Unit, p.English, p.Chinese)
		}
		if len(p.Flags) > 0 {
			status = append(status, p)
		}
	}
	w.Flush()
	showChannels(w, t)
	if len(status) > 0 {
		fmt.Fprintln(w, "\nSTATUS\tREGISTERS\tTYPE\tMEANS")
		for _, p := range status {
			name := cmp.Or(p.Status, p.Point) + doubt(p.Confidence)
			for _, r := range p.Flags {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, registers(p), typeOf(p), ruleText(r))
				name = ""
			}
		}
		w.Flush()
	}
	showSettings(w, t)
	if commands := t.Commands(); len(commands) > 0 {
		fmt.Fprintln(w, "\nCOMMAND\tWRITES\tNAME (declared only: nothing sends them)")
		for _, c := range commands {
			kind := "register"
			if c.Function == 5 {
				kind = "coil"
			}
			fmt.Fprintf(w, "%s%s\tfunction %d, %s %d, value %d\t%s %s\n", c.Name, doubt(c.Confidence), c.Function, kind, c.Address, c.Value, c.English, c.Chinese)
		}
		w.Flush()
	}
	if len(t.Notes) > 0 {
		fmt.Fprintln(out, "\nNOTES")
		for _, n := range t.Notes {
			fmt.Fprintf(out, "- %s\n", n)
		}
	}
	fmt.Fprintf(out, "\n%s written down by hand. ? is uncertain: compare with the display\n", plural(len(t.Exchanges), "exchange"))
}

func doubt(confidence string) string {
	if confidence == drivers.Uncertain {
		return " ?"
	}
	return ""
}

func orMore(n drivers.Number) string {
	if n == "" {
		return ""
	}
	return string(n) + " or more"
}

func upTo(n drivers.Number) string {
	if n == "" {
		return ""
	}
	return "up to " + string(n)
}

func serialDefaults(s *drivers.Serial) string {
	if s == nil {
		return ""
	}
	var words []string
	if s.Baud > 0 {
		words = append(words, fmt.Sprintf("%d baud", s.Baud))
	}
	if s.DataBits > 0 && s.Parity != "" && s.StopBits > 0 {
		words = append(words, fmt.Sprintf("%d%s%d", s.DataBits, strings.ToUpper(s.Parity[:1]), s.StopBits))
	}
	if s.Unit > 0 {
		words = append(words, fmt.Sprintf("unit %d", s.Unit))
	}
	return strings.Join(words, ", ")
}

// registers is a point's place: "holding 18", with the maker's own function if it has
// one.
func registers(p drivers.PointSpec) string {
	kind := map[drivers.Number]string{"1": "coil", "2": "discrete input", "3": "holding", "4": "input"}[p.Function]
	if kind == "" {
		kind = "function " + string(p.Function)
	}
	place := kind + " " + string(p.Address)
	if p.Bits != "" {
		place += " bits " + string(p.Bits)
	}
	return place
}

func typeOf(p drivers.PointSpec) string {
	if p.Order == "" || p.Order == "ABCD" {
		return p.Type
	}
	return p.Type + " " + p.Order
}

// valueOf is what becomes of the number: "x 0.1, 0 to 500, D if 0x7FFF".
func valueOf(p drivers.PointSpec) string {
	var parts []string
	if p.Scale != "" {
		parts = append(parts, "x "+string(p.Scale))
	}
	if p.Offset != "" {
		parts = append(parts, "+ "+string(p.Offset))
	}
	if len(p.Range) == 2 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s to %s", p.Signal, p.Range[0], p.Range[1])))
	}
	if p.When0 != "" {
		parts = append(parts, fmt.Sprintf("0 %s, 1 %s", p.When0, p.When1))
	}
	if len(p.Sentinels) > 0 {
		parts = append(parts, cmp.Or(p.SentinelFlag, "D")+" if "+numbers(p.Sentinels))
	}
	return strings.Join(parts, ", ")
}

func numbers(list []drivers.Number) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = string(n)
	}
	return strings.Join(words, " or ")
}

// ruleText is a rule in words: "D if a bit of 0x0005: a21026".
func ruleText(r drivers.FlagRule) string {
	what := r.Flag
	if r.Times != "" {
		what = "value x " + string(r.Times)
	}
	switch {
	case r.Any != "":
		what += " if a bit of " + string(r.Any)
	case len(r.Is) > 0:
		what += " if " + numbers(r.Is)
	case len(r.Not) > 0:
		what += " if not " + numbers(r.Not)
	default:
		what += " if not 0"
	}
	if len(r.Points) == 0 {
		return what + ": all points"
	}
	return what + ": " + strings.Join(r.Points, " ")
}

// testTemplate says all that is wrong with a file, and runs its exchanges.
func testTemplate(out, errs io.Writer, name string) error {
	t, place, err := loadTemplate(name)
	if err != nil {
		return tellTemplate(errs, name, err)
	}
	points, bad := 0, 0
	for _, p := range t.Points() {
		if p.Point != "" || p.Channel != "" {
			points++
		}
	}
	for i, e := range t.Exchanges {
		text := cmp.Or(e.About, "(nothing said about it)")
		err := t.Try(i)
		if err == nil {
			fmt.Fprintf(out, "good  %s\n", text)
			continue
		}
		fmt.Fprintf(out, "BAD   %s\n", text)
		bad++
		list, ok := errors.AsType[drivers.SpecErrors](err)
		if !ok {
			return err
		}
		for _, e := range list {
			tellPlace(errs, "error", place, e)
		}
	}
	for _, r := range t.Remarks() {
		tellPlace(errs, "warning", place, &r)
	}
	if bad > 0 {
		return fmt.Errorf("%s: %d of %s bad", place, bad, plural(len(t.Exchanges), "exchange"))
	}
	what := plural(points, "point")
	if n := len(t.Parameters()); n > 0 {
		what += ", " + plural(n, "parameter")
	}
	if t.Clock() != nil {
		what += ", a clock"
	}
	fmt.Fprintf(out, "%s is good: %s, %s\n", place, what, plural(len(t.Exchanges), "exchange"))
	return nil
}
