package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"envgate/config"
)

// TestSyntax has files that are no YAML, or more YAML than is taken, among good
// sections. Beside the mistake itself nothing may be reported.
func TestSyntax(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           string
	}{
		{
			"tabs", "  - name: dust\n    serial:\n", "\t- name: dust\n\t  serial:\n",
			"error: site.yaml:7:1: lines 7 to 8 begin with tabs: YAML takes spaces only\n" +
				"hint: put two spaces for each tab; nothing else is checked in a section with tabs\n",
		},
		{
			"tab after spaces", "      baud", "    \tbaud",
			"error: site.yaml:10:5: the line begins with a tab: YAML takes spaces only\n" +
				"hint: put two spaces for each tab; nothing else is checked in a section with tabs\n",
		},
		{
			"quote left open", "id: gw-1", "id: \"gw-1",
			"error: site.yaml:2:7: a quote (\") opens here and is never closed\n",
		},
		{
			"bracket left open", "centre_keys: [/etc/envgate/centre.pub]", "centre_keys: [/etc/envgate/centre.pub",
			"error: site.yaml:20:18: a bracket ([) opens here and is never closed\n",
		},
		{
			"colon forgotten", "      baud: 9600", "      baud 9600",
			"error: site.yaml:10:7: this line is not key: value, as the lines around it are\nhint: a colon is missing behind baud\n",
		},
		{
			"colon forgotten behind a section", "storage:\n", "storage\n",
			"error: site.yaml:4:1: this line is not key: value\nhint: a colon is missing behind storage\n",
		},
		{
			"space forgotten", "        template: boling-dust", "        template:boling-dust",
			"error: site.yaml:15:9: this line is not key: value, as the lines around it are\nhint: a space is missing behind template:\n",
		},
		{
			"Chinese colon", "        unit: 1", "        unit：1",
			"error: site.yaml:16:9: this line is not key: value, as the lines around it are\nhint: the colon behind unit is a Chinese one (：): write an ASCII colon and a space\n",
		},
		{
			"indented too far", "        template:", "          template:",
			"error: site.yaml:14:15: a second colon in one line, or a line that is indented too far\n" +
				"hint: indent the keys of one group alike, two spaces more than the key they belong to\n",
		},
		{
			"indented too little", "        unit: 1", "     unit: 1",
			"error: site.yaml:16:6: this line does not fit the ones above: its indent is that of no group that is open\n" +
				"hint: indent the keys of one group alike, two spaces more than the key they belong to\n",
		},
		{
			"anchor and alias", "uplinks:", "  - &a\n    name: x\n  - *a\nuplinks:",
			"error: site.yaml:17:5: an anchor (&) is not taken: write the value where it is wanted\n" +
				"error: site.yaml:19:5: an alias (*) is not taken: write the value itself\n",
		},
		{
			"tag", "id: gw-1", "id: !!str gw-1",
			"error: site.yaml:2:7: a tag (!) is not taken: write the value alone\n",
		},
		{
			"two documents", "lines:", "---\nlines:",
			"error: site.yaml:6:1: a second document begins here: a site file is one\n" +
				"hint: delete the line with ---, or put the second document into a file of its own\n",
		},
		{
			"an end before the end", "lines:", "...\nlines:",
			"error: site.yaml:7:1: something stands behind the end (...) of the site file\n" +
				"hint: delete the line with ...\n",
		},
		{
			"reserved character", "id: gw-1", "id: @gw-1",
			"error: site.yaml:2:7: a value must not begin with this character: put the value in quotes\n",
		},
		{
			"text block", "id: gw-1", "id: |\n    gw-1",
			"error: site.yaml:2:7: a text block (|) is not taken: write the value in one line\n",
		},
		{
			"GBK", "id: gw-1", "id: gw-1\n  name: \xce\xe4\xba\xba",
			"error: site.yaml:3:9: byte 0xCE is not UTF-8: a site file is UTF-8 throughout\n" +
				"hint: was it saved as GBK or ANSI? save it again with the encoding UTF-8\n",
		},
		{
			"what is taken out is not missed elsewhere", "  - name: dust\n", "  - name: dust\n    @\nplatforms:\n  - {name: a, address: 'h:1', mn: 010000A8900016F000169DC0, st: 39, password_file: p, factors: [{device: dust-1, point: a34002}]}\nx:\n  - name: dust\n",
			"error: site.yaml:8:5: a value must not begin with this character: put the value in quotes\n" +
				"error: site.yaml:11:1: x is not a key: here may stand gateway, key, sealing, storage, rollup, lines, calculations, checks, maintenance, uplinks, platforms, share, log\n",
		},
		{
			"two mistakes in two places", "uplinks:\n  - name: centre", "uplinks:\n  - name centre\n  - name: \"x",
			"error: site.yaml:18:5: uplinks[0] is \"name centre\": want keys and values below it: name and broker at least\nhint: a colon is missing behind name\n" +
				"error: site.yaml:19:11: a quote (\") opens here and is never closed\n",
		},
		{"whole file is a list", small, "- a\n- b\n", "error: site.yaml:1:1: the file is a list: want keys and values below it: a site file begins with gateway: and its id\n"},
		{"whole file is a word", small, "hello\n", "error: site.yaml:1:1: the file is hello: want keys and values below it: a site file begins with gateway: and its id\nhint: a colon is missing behind hello\n"},
		{"nothing", small, "", "error: site.yaml: is empty: a site file begins with gateway: and its id\nhint: site.example.yaml shows every key; copy it and change it\n"},
		{"nothing but comments", small, "# one\n\n---\n# two\n", "error: site.yaml: is empty: a site file begins with gateway: and its id\nhint: site.example.yaml shows every key; copy it and change it\n"},
		{"UTF-16", small, "\xff\xfeg\x00", "error: site.yaml:1:1: the file is UTF-16: want UTF-8\nhint: save it again with the encoding UTF-8\n"},
		{"a program", small, "\x7fELF\x00\x00", "error: site.yaml:1:1: character U+007F does not show and has no place in a site file\nhint: delete it, or write the line anew\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(small, tt.old) == 0 {
				t.Fatalf("%q is not in the file", tt.old)
			}
			_, err := config.Parse("site.yaml", []byte(strings.Replace(small, tt.old, tt.new, 1)))
			if got := strings.ReplaceAll(text(t, err), "envgate: ", ""); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// TestOtherMistakesStay: a mistake of syntax hides nothing but its own item.
func TestOtherMistakesStay(t *testing.T) {
	file := strings.Replace(small, "  - name: centre", "  - name: \"centre", 1)
	file = strings.Replace(file, "unit: 1", "unit: 0", 1)
	file = strings.Replace(file, "id: gw-1", "id: gw 1\n  nam: x", 1)
	_, err := config.Parse("site.yaml", []byte(file))
	got := text(t, err)
	for _, want := range []string{"gateway.id is", "gateway.nam is not a key", "unit is 0", "a quote"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "error:"); n != 4 {
		t.Errorf("%d problems, want 4:\n%s", n, got)
	}
}

// TestBounds: what is made to blow up gives a problem, and soon.
func TestBounds(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'z'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 8), c-1)
	}
	var deep strings.Builder
	for i := range 400 {
		deep.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	tests := []struct{ name, file, want string }{
		{"too large", strings.Repeat("# a\n", 1<<18+1), "more than 1048576 bytes"},
		{"too many lines", strings.Repeat("a:\n", 10_001), "10002 lines: at most 10000"},
		{"a long line", "a: " + strings.Repeat("x", 1000), "the line has 1003 bytes"},
		{"brackets", strings.Repeat(strings.Repeat("[", 900)+"\n", 100), "groups within each other"},
		{"more brackets", strings.Repeat(strings.Repeat("[", 900)+"\n", 1000), "brackets, colons and the like"},
		{"hyphens", strings.Repeat("- ", 400), "groups within each other"},
		{"levels", deep.String(), "groups within each other"},
		{"keys", strings.Repeat("a: b\n", 9000), "entry 1001 of its group"},
		{"documents", strings.Repeat("---\na: b\n", 4000), "a second document"},
		{"aliases", bomb, "an anchor (&) is not taken"},
		{"problems", strings.Repeat("  - a: b\n", 0) + "lines:\n" + strings.Repeat("  - x: y\n", 60) + "uplinks: 1\n", "problems more: mend these first"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse("site.yaml", []byte(tt.file))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %.300v, want %q in it", err, tt.want)
			}
			problems, _ := errors.AsType[config.Problems](err)
			if len(problems) > 201 {
				t.Errorf("%d problems", len(problems))
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range []string{"site.example.yaml", "testdata/bad.yaml"} {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(small))
	f.Add([]byte("- a: {b: [c, \"d\n"))
	f.Add([]byte("gateway:\n\tid：x\n...\n---\n? a\n: *b\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		site, err := config.Parse("site.yaml", b)
		if err == nil {
			c := site.Canonical()
			again, err := config.Parse("site.yaml", c)
			if err != nil {
				t.Fatalf("Parse(%q): %v\ncanonical form of %q", c, err, b)
			}
			if !bytes.Equal(again.Canonical(), c) {
				t.Fatalf("Canonical() = %s\nafter Parse: %s", c, again.Canonical())
			}
			return
		}
		problems, ok := errors.AsType[config.Problems](err)
		if !ok || len(problems) == 0 || site != nil {
			t.Fatalf("site %v, error %T with %d problems", site, err, len(problems))
		}
		lines, hard := bytes.Count(b, []byte("\n"))+bytes.Count(b, []byte("\r"))+2, 0
		for i, p := range problems {
			if !p.Warning {
				hard++
			}
			if p.Text == "" || p.Line < 0 || p.Line > lines || p.Line > 0 && p.Column < 1 || strings.ContainsAny(p.Error()+p.Hint, "\n\r") {
				t.Errorf("problem %d of %q is %+v", i, b, p)
			}
			if i > 0 && p.Line < problems[i-1].Line && p.Line > 0 {
				t.Errorf("problem %d (%v) comes after line %d", i, p, problems[i-1].Line)
			}
		}
		if hard == 0 {
			t.Errorf("only warnings: %v", err)
		}
	})
}
