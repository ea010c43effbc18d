package config

import (
	"fmt"
	"reflect"
	"strings"

	"envgate/drivers"
)

// Registers in place are [drivers.PointSpec], which says by its yaml tags what
// keys it has. So that a new field there is a new key here, they are read and
// written by these tags. Its fields are texts, lists of texts, and lists of
// such structs.

var (
	pointKeys = tags(reflect.TypeFor[drivers.PointSpec]())
	flagKeys  = tags(reflect.TypeFor[drivers.FlagRule]())
)

// tags are the keys of a struct in the order of its fields. Channels are for
// templates: in a site file stands what is wired to them.
func tags(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); key != "" && key != "-" && key != "channel" {
			keys = append(keys, key)
		}
	}
	return keys
}

// spec reads the struct that to points to.
func (r *reader) spec(p *place, to any, section string) {
	g, ok := r.group(p, section, strings.Join(sections[section], ", "))
	if !ok {
		return
	}
	v := reflect.ValueOf(to).Elem()
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		p, there := g.values[key]
		if !there {
			continue
		}
		switch f := v.Field(i); {
		case f.Kind() == reflect.String:
			r.specText(p, f)
		case f.Type().Elem().Kind() == reflect.String:
			for _, item := range g.list(key, "want a list, such as ["+sample(f)+"]", maxKeys) {
				text := reflect.New(f.Type().Elem()).Elem()
				r.specText(item, text)
				f.Set(reflect.Append(f, text))
			}
		default:
			for _, item := range g.list(key, "want a list", maxKeys) {
				one := reflect.New(f.Type().Elem())
				r.spec(item, one.Interface(), section+"[]."+key)
				f.Set(reflect.Append(f, one.Elem()))
			}
		}
	}
}

func sample(f reflect.Value) string {
	if f.Type().Elem() == reflect.TypeFor[drivers.Number]() {
		return "1, 2"
	}
	return "a, b"
}

func (r *reader) specText(p *place, to reflect.Value) {
	switch {
	case p.kind != scalar || p.text == "" || len(p.text) > 200 || strangeLetter(p.text) >= 0:
		want := "want a word or text of at most 200 bytes"
		if to.Type() == reflect.TypeFor[drivers.Number]() {
			want = "want a number"
		}
		r.bad(p, want, "")
	default:
		to.SetString(p.text)
	}
}

// find is the place of a field such as flags[0].points below a place: as near
// as there is one.
func (p *place) find(field string) *place {
	at := *p
	for field != "" {
		var key string
		key, field, _ = strings.Cut(field, ".")
		key, index, indexed := strings.Cut(key, "[")
		next, ok := at.child(key)
		at.path = join(at.path, key)
		if indexed {
			at.path += "[" + index
			var i int
			if _, err := fmt.Sscanf(index, "%d]", &i); err == nil && ok && next.kind == list && i >= 0 && i < len(next.items) {
				next.node = next.items[i]
			}
		}
		if ok {
			at.node = next.node
		}
	}
	return &at
}

// child is the value of a mapping's key.
func (p *place) child(key string) (*place, bool) {
	for _, e := range p.entries {
		if e.key == key {
			return &place{node: e.value, path: join(p.path, key), keyLine: e.line, keyColumn: e.column}, true
		}
	}
	return p, false
}
