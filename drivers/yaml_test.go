package drivers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"envgate/drivers"
)

// TestTemplateValues tells how a template's values are taken from its YAML.
func TestTemplateValues(t *testing.T) {
	tmpl, err := drivers.ParseTemplate("x", []byte(head+onePoint+`notes:
- 0x10
- 1.50
- 010
- yes
- "a\tb"
- !!str 7
- |
  two
  lines
- ~
serial: {<<: [&s {baud: 1_200, unit: 2}, {unit: 3, stop_bits: 1}], baud: 9600}
forbidden: [&f 100-199, *f]
gap: 0x7
`))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"0x10", "1.50", "010", "yes", "a\tb", "7", "two\nlines\n", ""}; !slices.Equal(tmpl.Notes, want) {
		t.Errorf("notes are %q, want %q", tmpl.Notes, want)
	}
	if want := (drivers.Serial{Baud: 9600, Unit: 2, StopBits: 1}); *tmpl.Serial != want {
		t.Errorf("serial is %+v, want %+v: what a merge key brings stands behind", *tmpl.Serial, want)
	}
	if want := []drivers.Number{"100-199", "100-199"}; !slices.Equal(tmpl.Forbidden, want) || tmpl.Gap != "0x7" {
		t.Errorf("forbidden %q, gap %q, want %q, 0x7", tmpl.Forbidden, tmpl.Gap, want)
	}
}

func TestTemplateKinds(t *testing.T) {
	for yaml, want := range map[string]string{
		"serial: 5":              "[6:9] want keys with values, got an integer",
		"serial: {baud: abc}":    "[6:16] want a whole number, got a string",
		"serial: {baud: 9.6}":    "[6:16] want a whole number, got a float",
		"notes: a":               "[6:8] want a list, got a string",
		"medium: [water]":        "[6:9] want a text, got a sequence",
		"gap: true":              "[6:6] want a number, got a bool",
		"gap: !a 5":              "[6:6] a value begins with !, which is a tag to YAML: put the value in quotes",
		"notes: [*a]":            "[6:9] alias *a has no anchor &a before it",
		"1: 5":                   `6:1: template has no key "1"`,
		"exchanges: [&a {b: 1}]": `6:17: exchanges[0] has no key "b"`,
	} {
		_, err := drivers.ParseTemplate("x", []byte(head+onePoint+yaml+"\n"))
		if err == nil || err.Error() != "template x: "+want {
			t.Errorf("%s:\n error %v\n want  template x: %s", yaml, err, want)
		}
	}
}

// TestTemplateAliases has short files that unfold to more than there is memory.
func TestTemplateAliases(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s+", ", 99) + s }
	laughs := fmt.Sprintf("points: [{flags: &f [&r {points: [%s]}, %s]}, %s]\n", many("b"), many("*r"), many("{flags: *f}"))
	for name, yaml := range map[string]string{
		"lists of lists": laughs,
		"itself":         onePoint + "serial: &s {<<: *s}\n",
	} {
		_, err := drivers.ParseTemplate("x", []byte(head+yaml))
		if err == nil || !strings.Contains(err.Error(), "a template has 50000 at most") {
			t.Errorf("%s: error %.200v, want one that names the bound", name, err)
		}
	}
}
