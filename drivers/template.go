package drivers

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// What a template may say of its own confidence, and a point of its own.
const (
	Seen      = "seen"      // read in the manual that is named
	Uncertain = "uncertain" // general knowledge or inference; to be compared with the display
)

// DefaultGap is how many registers that nobody asked for may be read along to
// save a question, where a template does not say.
const DefaultGap = 8

// maxSource bounds a template's file, in bytes.
const maxSource = 256 << 10

// A Template is what is known of one kind of instrument, as data. It is read
// only once made, and devices of a kind share it.
type Template struct {
	// Name is the file's name without .yaml.
	Name string `yaml:"name"`

	// Title names the instrument for people.
	Title Title `yaml:"title"`

	// Manual is the document that the rows were read in.
	Manual string `yaml:"manual"`

	// Confidence is [Seen] or [Uncertain]; empty for points of a site file.
	Confidence string `yaml:"confidence"`

	// Notes are what to look out for when the instrument is put into service.
	Notes []string `yaml:"notes"`

	// Serial is how the instrument comes out of the box, where known.
	Serial *Serial `yaml:"serial"`

	// Function and Order stand for points that do not name their own.
	Function Number `yaml:"function"`
	Order    string `yaml:"order"`

	// Gap is how many registers between two points may be read along (bits:
	// sixteen times as many), 0 to 124; [DefaultGap] if empty.
	Gap Number `yaml:"gap"`

	// MaxRegisters and MaxBits bound one question, 125 and 2000 if empty.
	MaxRegisters Number `yaml:"max_registers"`
	MaxBits      Number `yaml:"max_bits"`

	// Specs are the points as written.
	Specs []PointSpec `yaml:"points"`

	source []byte
	points []point
	plan   []group
}

// A Title is a name in two languages.
type Title struct {
	Chinese string `yaml:"zh"`
	English string `yaml:"en"`
}

// Serial is an instrument's serial settings as delivered; zero and empty where
// the manual does not say.
type Serial struct {
	Baud     int    `yaml:"baud"`
	DataBits int    `yaml:"data_bits"`
	Parity   string `yaml:"parity"` // none, even, odd
	StopBits int    `yaml:"stop_bits"`
	Unit     int    `yaml:"unit"`
}

//go:embed templates/*.yaml
var templates embed.FS

// Builtin returns the names of the built-in templates, sorted.
func Builtin() []string {
	entries, err := templates.ReadDir("templates")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// LoadBuiltin returns the built-in template of that name. The error names the
// ones there are.
func LoadBuiltin(name string) (*Template, error) {
	if !slices.Contains(Builtin(), name) {
		return nil, fmt.Errorf("no template %q: there are %s", name, strings.Join(Builtin(), ", "))
	}
	b, err := templates.ReadFile("templates/" + name + ".yaml")
	if err != nil {
		return nil, err
	}
	return ParseTemplate(name, b)
}

// ParseTemplate reads a template's YAML. name is the file's name without
// .yaml, and must be the name that stands in it. Unknown and double keys are
// errors. What is wrong with the points comes as [SpecErrors], with lines. The
// template keeps a copy of b.
func ParseTemplate(name string, b []byte) (*Template, error) {
	t, err := parseTemplate(name, b)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return t, nil
}

func parseTemplate(name string, b []byte) (*Template, error) {
	if len(b) > maxSource {
		return nil, fmt.Errorf("%d bytes: a template has %d at most", len(b), maxSource)
	}
	file, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, yamlError(err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("%d documents: a template is one", len(file.Docs))
	}
	t := &Template{source: bytes.Clone(b)}
	if err := yaml.NodeToValue(file.Docs[0].Body, t, yaml.Strict()); err != nil {
		return nil, yamlError(err)
	}
	switch {
	case t.Name != name:
		return nil, fmt.Errorf("name is %q: want the file's name, %q", t.Name, name)
	case t.Title.Chinese == "" || t.Title.English == "":
		return nil, errors.New("title is missing: want a name in zh and in en")
	case t.Manual == "":
		return nil, errors.New("manual is missing: name the document, or write that there is none")
	case t.Confidence != Seen && t.Confidence != Uncertain:
		return nil, fmt.Errorf("confidence is %q: want seen or uncertain", t.Confidence)
	}
	if err := t.compile(); err != nil {
		var list SpecErrors
		if errors.As(err, &list) {
			list.locate(file)
		}
		return nil, err
	}
	return t, nil
}

// NewTemplate makes a template of points that stand in a site file. What is
// wrong with them comes as [SpecErrors]. points are not to be changed
// afterwards.
func NewTemplate(name string, points []PointSpec) (*Template, error) {
	t := &Template{Name: name, Specs: points}
	if err := t.compile(); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return t, nil
}

// Source returns the YAML that the template was read from; nil for one made by
// NewTemplate. It is not to be written to.
func (t *Template) Source() []byte { return t.source }

// A SpecError says what is wrong with one place of a template.
type SpecError struct {
	// Point is the index of the point, -1 for the template's own fields.
	Point int

	// Field is the path below the point, such as flags[0].points; empty for
	// the point as a whole.
	Field string

	// Text goes on after the path: `is 70000: an address is 0 to 65535`.
	Text string

	// Line and Column are the place in the template's file, 0 if unknown.
	Line, Column int
}

// Path is where the mistake is, as in points[2].address.
func (e *SpecError) Path() string {
	switch {
	case e.Point < 0:
		return e.Field
	case e.Field == "":
		return fmt.Sprintf("points[%d]", e.Point)
	}
	return fmt.Sprintf("points[%d].%s", e.Point, e.Field)
}

func (e *SpecError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%d:%d: %s %s", e.Line, e.Column, e.Path(), e.Text)
	}
	return e.Path() + " " + e.Text
}

// SpecErrors is everything that is wrong with a template's points.
type SpecErrors []*SpecError

func (l SpecErrors) Error() string {
	texts := make([]string, len(l))
	for i, e := range l {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the single errors.
func (l SpecErrors) Unwrap() []error {
	errs := make([]error, len(l))
	for i, e := range l {
		errs[i] = e
	}
	return errs
}

// locate finds the lines in the file. A field that is missing stands at its
// point's line, and a point at its list's.
func (l SpecErrors) locate(file *ast.File) {
	for _, e := range l {
		paths := []string{"$." + e.Path()}
		if e.Point >= 0 {
			paths = append(paths, fmt.Sprintf("$.points[%d]", e.Point), "$.points")
		}
		for _, p := range paths {
			path, err := yaml.PathString(p)
			if err != nil {
				continue
			}
			node, err := path.FilterFile(file)
			if err != nil || node == nil || node.GetToken() == nil {
				continue
			}
			if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
				node = m.Values[0].Key // a mapping's own token is its first colon
			}
			at := node.GetToken().Position
			e.Line, e.Column = at.Line, at.Column
			break
		}
	}
}

// yamlError leaves out of err what the decoder prints of the file itself, as
// an error is one line.
func yamlError(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(text)
}
