package drivers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
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

	// Medium is what it measures in: stack, ambient, weather, water, noise or
	// other.
	Medium string `yaml:"medium"`

	// Notes are what to look out for when the instrument is put into service.
	Notes []string `yaml:"notes"`

	// Serial is how the instrument comes out of the box, where known.
	Serial *Serial `yaml:"serial"`

	// MinInterval is the shortest time between two polls that it can bear, as
	// in 1s. Timeout is how long an answer may take; a device waits for at
	// least so long. WarmUp is how long after power-on its values are not to
	// be trusted: within it after a silence they have flag F, as a broken line
	// and an instrument without power cannot be told apart. All up to 1h.
	MinInterval Number `yaml:"min_interval"`
	Timeout     Number `yaml:"timeout"`
	WarmUp      Number `yaml:"warm_up"`

	// Function and Order stand for points that do not name their own.
	Function Number `yaml:"function"`
	Order    string `yaml:"order"`

	// Gap is how many registers between two points may be read along (bits:
	// sixteen times as many), 0 to 124; [DefaultGap] if empty.
	Gap Number `yaml:"gap"`

	// MaxRegisters and MaxBits bound one question, 125 and 2000 if empty.
	MaxRegisters Number `yaml:"max_registers"`
	MaxBits      Number `yaml:"max_bits"`

	// Forbidden are addresses that no question may touch, not even where one
	// would only read along: 100, 100-199, or with the function 4:100-199. Some
	// instruments hang or start an action when they are read there.
	Forbidden []Number `yaml:"forbidden"`

	// Specs are the points as written, and Blocks those of channels.
	Specs  []PointSpec `yaml:"points"`
	Blocks []Block     `yaml:"blocks"`

	// ParameterSpecs are what is set in the instrument and decides its figures,
	// and ClockSpec is its own clock.
	ParameterSpecs []ParameterSpec `yaml:"parameters"`
	ClockSpec      *ParameterSpec  `yaml:"clock"`

	// CommandSpecs are what it can be told to do.
	CommandSpecs []CommandSpec `yaml:"commands"`

	// Exchanges are questions and answers written down by hand, and what is
	// to be read out of them; see [Template.Try].
	Exchanges []Exchange `yaml:"exchanges"`

	minInterval, timeout, warmUp time.Duration

	source   []byte
	written  []written
	points   []point
	plan     []group
	settings []setting // parameters, then the clock
	surveyed []point   // where each of settings stands
	survey   []group   // how they are read
	commands []Command
	dialogs  []dialog // of Exchanges
}

// Media are what instruments measure in, for lists.
var Media = []string{"stack", "ambient", "weather", "water", "noise", "other"}

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

// LoadBuiltin returns the built-in template of that name.
func LoadBuiltin(name string) (*Template, error) {
	if !slices.Contains(Builtin(), name) {
		return nil, fmt.Errorf("no built-in template %q: envgate template list shows what there is", name)
	}
	return ParseTemplate(name, builtin()[name])
}

// ParseTemplate reads a template's YAML. name is the file's name without
// .yaml, and must be the name that stands in it. Unknown and double keys are
// errors. All that is wrong comes as [SpecErrors], with lines, once the file is
// YAML at all. The template keeps a copy of b.
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
	file, err := parseYAML(b)
	if err != nil {
		return nil, yamlError(err)
	}
	if len(file.Docs) == 1 && file.Docs[0].Body == nil {
		return nil, errors.New("nothing in the file")
	}
	if len(file.Docs) != 1 {
		return nil, fmt.Errorf("%d documents: a template is one", len(file.Docs))
	}
	t := &Template{source: bytes.Clone(b)}
	filled := fill(t, file.Docs[0].Body)
	strange := filled.strange
	if err := filled.err; err != nil {
		if len(strange) > 0 {
			return nil, append(strange, &SpecError{Point: -1, Text: "cannot be read further: " + err.Error()})
		}
		return nil, err
	}
	errs := append(slices.Clone(strange), t.head(name)...)
	if err := t.compile(); err != nil {
		var list SpecErrors
		if errors.As(err, &list) {
			errs = append(errs, list...)
		}
	}
	// What is missing beside a strange key is most likely that key, misspelt.
	errs = slices.DeleteFunc(errs, func(e *SpecError) bool {
		return strings.HasPrefix(e.Text, "is missing") && slices.ContainsFunc(strange, func(s *SpecError) bool {
			parent, _ := cutLast(e.Path(), ".")
			return parent == s.Field
		})
	})
	if len(errs) > 0 {
		errs.locate(file)
		return nil, errs
	}
	return t, nil
}

// head checks what a template says of itself.
func (t *Template) head(name string) (errs SpecErrors) {
	fail := func(field, hint, format string, args ...any) {
		errs = append(errs, &SpecError{Point: -1, Field: field, Text: fmt.Sprintf(format, args...), Hint: hint})
	}
	if t.Name != name {
		fail("name", "", "is %q: want the file's name, %q", t.Name, name)
	}
	if t.Title.Chinese == "" || t.Title.English == "" {
		fail("title", "", "is missing: want a name in zh and in en")
	}
	if t.Manual == "" {
		fail("manual", "", "is missing: name the document, or write that there is none")
	}
	if t.Confidence != Seen && t.Confidence != Uncertain {
		fail("confidence", "uncertain, until the values were compared with the display", "is %q: want seen or uncertain", t.Confidence)
	}
	if s := t.Serial; s != nil {
		for _, f := range []struct {
			name     string
			value    int
			low, top int
		}{{"baud", s.Baud, 300, 1000000}, {"data_bits", s.DataBits, 7, 8}, {"stop_bits", s.StopBits, 1, 2}, {"unit", s.Unit, 1, 247}} {
			if f.value != 0 && (f.value < f.low || f.value > f.top) {
				fail("serial."+f.name, "", "is %d: want %d to %d", f.value, f.low, f.top)
			}
		}
		if !slices.Contains([]string{"", "none", "even", "odd"}, s.Parity) {
			fail("serial.parity", "", "is %q: want none, even or odd", s.Parity)
		}
	}
	if t.Medium != "" && !slices.Contains(Media, t.Medium) {
		fail("medium", "", "is %q: want %s", t.Medium, strings.Join(Media, ", "))
	}
	return errs
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

// Points returns the points with blocks written out and defaults filled in.
func (t *Template) Points() []PointSpec {
	out := make([]PointSpec, len(t.written))
	for i, w := range t.written {
		p := &t.points[i]
		w.Chinese, w.English, w.Confidence = p.names[0], p.names[1], p.confidence
		w.Function = Number(strconv.Itoa(int(p.function)))
		w.Address = Number(strconv.Itoa(p.address))
		if p.kind == kindBit {
			w.Type = "bit"
		}
		if w.Order == "" && p.width > 16 {
			w.Order = cmp.Or(t.Order, "ABCD")
		}
		out[i] = w.PointSpec
	}
	return out
}

// Source returns the YAML that the template was read from; nil for one made by
// NewTemplate. It is not to be written to.
func (t *Template) Source() []byte { return t.source }

// A SpecError says what is wrong with one place of a template.
type SpecError struct {
	// Point is the index of the point, -1 for the template's own fields and
	// those of its blocks.
	Point int

	// Field is the path below the point, such as flags[0].points; empty for
	// the point as a whole.
	Field string

	// Text goes on after the path: `is 70000: an address is 0 to 65535`.
	Text string

	// Hint is what to do about it, or empty.
	Hint string

	// Line and Column are the place in the template's file, 0 if unknown.
	Line, Column int
}

// Path is where the mistake is, as in points[2].address.
func (e *SpecError) Path() string {
	switch {
	case e.Point < 0 && e.Field == "":
		return "template"
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

// locate finds the lines in the file. A field that is missing stands at the
// line of what it belongs to.
func (l SpecErrors) locate(file *ast.File) {
	body := file.Docs[0].Body
	f := fill(new(Template), body) // which learns the anchors
	f.values = 0
	for _, e := range l {
		if e.Line > 0 {
			continue
		}
		for p := e.Path(); p != ""; p = p[:max(0, strings.LastIndexAny(p, ".["))] {
			node := f.find(body, p)
			if node == nil {
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

// cutLast cuts s at the last sep; before is empty if there is none.
func cutLast(s, sep string) (before, after string) {
	i := strings.LastIndex(s, sep)
	return s[:max(0, i)], s[i+1:]
}
