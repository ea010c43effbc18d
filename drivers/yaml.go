package drivers

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// This file makes a template of the tree that the YAML library's parser gives.
// The library's own decoder is not used: it makes 0.10 to 0.1 and 0x7FFF to
// 32767, stops at its first mistake, sets no bound to what aliases unfold to,
// and is 270 KB of the agent.

// maxValues bounds the values of a template, counted anew for each alias (*) of
// theirs: without it a short file could unfold to more than there is memory.
// Templates of a thousand points have some ten thousand.
const maxValues = 50000

// parseYAML leaves out the mark (U+FEFF) that editors of Windows put at the
// beginning.
func parseYAML(b []byte) (*ast.File, error) {
	return parser.ParseBytes(bytes.TrimPrefix(b, []byte("\uFEFF")), 0)
}

// yamlError leaves out of err what the parser prints of the file itself, as an
// error is one line.
func yamlError(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(text)
}

// A filler fills in a value from a tree, by the yaml tags of the value's type.
type filler struct {
	anchors map[string]ast.Node
	values  int
	strange SpecErrors // keys that the type does not have
	err     error      // the first value of a wrong kind
}

// fill fills in what to points to. It goes on behind what is wrong, so that all
// strange keys are said at once.
func fill(to any, from ast.Node) *filler {
	f := &filler{anchors: map[string]ast.Node{}}
	f.value(reflect.ValueOf(to).Elem(), from, "")
	return f
}

func (f *filler) fail(at ast.Node, format string, args ...any) {
	if f.err == nil {
		p := at.GetToken().Position
		f.err = fmt.Errorf("[%d:%d] %s", p.Line, p.Column, fmt.Sprintf(format, args...))
	}
}

// plain is node without anchor, alias and the tags that change nothing here; nil
// where there is no value.
func (f *filler) plain(node ast.Node) ast.Node {
	for {
		if f.values++; f.values > maxValues {
			f.fail(node, "is value %d: a template has %d at most, with those of aliases (*)", f.values, maxValues)
			return nil
		}
		switch n := node.(type) {
		case nil:
			return nil
		case *ast.NullNode:
			return nil
		case *ast.AnchorNode:
			f.anchors[n.Name.GetToken().Value] = n.Value
			node = n.Value
		case *ast.AliasNode:
			name := n.Value.GetToken().Value
			if node = f.anchors[name]; node == nil {
				f.fail(n, "alias *%s has no anchor &%s before it", name, name)
				return nil
			}
		case *ast.TagNode:
			if tag := n.GetToken().Value; tag != "!!str" && tag != "!!int" && tag != "!!float" {
				f.fail(n, "a value begins with !, which is a tag to YAML: put the value in quotes")
				return nil
			}
			node = n.Value
		default:
			return node
		}
	}
}

// value fills in v. path is where it stands, for strange keys.
func (f *filler) value(v reflect.Value, node ast.Node, path string) {
	if node = f.plain(node); node == nil {
		return
	}
	text, scalar := letters(node)
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.value(v.Elem(), node, path)
	case reflect.Struct:
		f.fields(v, node, path)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		f.each(node, func(key, value ast.Node) {
			item := reflect.New(v.Type().Elem()).Elem()
			f.value(item, value, path)
			v.SetMapIndex(reflect.ValueOf(key.GetToken().Value).Convert(v.Type().Key()), item)
		})
	case reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		if !ok {
			f.fail(node, "want a list, got %s", kindOf(node))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		for i, n := range list.Values {
			if f.values > maxValues {
				return
			}
			item := reflect.New(v.Type().Elem()).Elem()
			f.value(item, n, fmt.Sprintf("%s[%d]", path, i))
			v.Set(reflect.Append(v, item))
		}
	case reflect.Int:
		if n, ok := node.(*ast.IntegerNode); ok {
			text = fmt.Sprint(n.Value) // 1_000 and 0x10 are numbers to YAML
		}
		i, err := strconv.Atoi(text)
		if err != nil {
			f.fail(node, "want a whole number, got %s", kindOf(node))
			return
		}
		v.SetInt(int64(i))
	case reflect.String:
		want, number := "a text", v.Type() == reflect.TypeFor[Number]()
		if number {
			want = "a number"
		}
		switch node.(type) {
		case *ast.LiteralNode, *ast.BoolNode:
			scalar = scalar && !number
		}
		if !scalar {
			f.fail(node, "want %s, got %s", want, kindOf(node))
			return
		}
		v.SetString(text)
	}
}

// letters are those of a scalar as it is written: 0.10, 0x7FFF. Those of a
// block (after a |) keep their lines.
func letters(node ast.Node) (text string, ok bool) {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func kindOf(node ast.Node) string {
	switch kind := strings.ToLower(node.Type().String()); kind {
	case "integer":
		return "an integer"
	default:
		return "a " + kind
	}
}

// fields fills in a struct.
func (f *filler) fields(v reflect.Value, node ast.Node, path string) {
	index := make(map[string]int)
	for i := range v.NumField() {
		if key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); key != "" && key != "-" {
			index[key] = i
		}
	}
	f.each(node, func(key, value ast.Node) {
		token := key.GetToken()
		if i, ok := index[token.Value]; ok {
			f.value(v.Field(i), value, strings.TrimPrefix(path+"."+token.Value, "."))
			return
		}
		e := &SpecError{
			Point: -1, Field: path, Text: fmt.Sprintf("has no key %q", token.Value),
			Line: token.Position.Line, Column: token.Position.Column,
		}
		for _, s := range f.strange {
			if s.Line == e.Line && s.Column == e.Column {
				return // an alias of what was said already
			}
		}
		if near := nearestKey(token.Value, index); near != "" {
			e.Hint = "did you mean " + near + "?"
		}
		f.strange = append(f.strange, e)
	})
}

// each calls do for each key of a mapping. What a merge key (<<) brings comes
// last, without the keys that were there.
func (f *filler) each(node ast.Node, do func(key, value ast.Node)) {
	f.unseen(node, map[string]bool{}, do)
}

func (f *filler) unseen(node ast.Node, seen map[string]bool, do func(key, value ast.Node)) {
	group, ok := node.(ast.MapNode)
	if !ok {
		f.fail(node, "want keys with values, got %s", kindOf(node))
		return
	}
	var merged []ast.Node
	for at := group.MapRange(); at.Next(); {
		if at.Key().IsMergeKey() {
			merged = append(merged, at.Value())
		} else if key := at.Key().GetToken().Value; !seen[key] {
			seen[key] = true
			do(at.Key(), at.Value())
		}
	}
	for _, m := range merged {
		if m = f.plain(m); m == nil {
			continue
		}
		from := []ast.Node{m}
		if list, ok := m.(*ast.SequenceNode); ok {
			from = list.Values
		}
		for _, m := range from {
			if m = f.plain(m); m != nil {
				f.unseen(m, seen, do)
			}
		}
	}
}

// find is the node at a path such as points[2].flags[0].points, nil if there is
// none.
func (f *filler) find(node ast.Node, path string) (found ast.Node) {
	for path != "" && node != nil {
		step := path
		if i := strings.IndexAny(path[1:], ".["); i >= 0 {
			step = path[:i+1]
		}
		path = path[len(step):]
		inner := f.plain(node)
		node = nil
		if number, ok := strings.CutPrefix(step, "["); ok {
			i, err := strconv.Atoi(strings.TrimSuffix(number, "]"))
			if list, ok := inner.(*ast.SequenceNode); ok && err == nil && i < len(list.Values) {
				node = list.Values[i]
			}
		} else if _, ok := inner.(ast.MapNode); ok {
			f.each(inner, func(key, value ast.Node) {
				if key.GetToken().Value == strings.TrimPrefix(step, ".") {
					node = value
				}
			})
		}
	}
	return node
}
