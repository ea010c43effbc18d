package drivers

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// What manuals call things, and what templates do. Both sides in small letters
// without blanks and hyphens.
var (
	typeWords = map[string]string{
		"float": "float32", "real": "float32", "real32": "float32", "single": "float32", "f32": "float32",
		"double": "float64", "real64": "float64", "f64": "float64",
		"word": "uint16", "ushort": "uint16", "u16": "uint16", "unsigned16": "uint16", "unsigned": "uint16",
		"int": "int16", "short": "int16", "s16": "int16", "i16": "int16", "signed16": "int16", "integer": "int16",
		"dword": "uint32", "ulong": "uint32", "u32": "uint32", "uint": "uint32",
		"long": "int32", "s32": "int32", "i32": "int32", "dint": "int32",
		"bool": "bit", "boolean": "bit", "coil": "bit", "char": "string", "ascii": "string", "text": "string",
	}
	orderWords = map[string]string{
		"big": "ABCD", "bigendian": "ABCD", "1234": "ABCD", "abcd": "ABCD", "highwordfirst": "ABCD",
		"3412": "CDAB", "cdab": "CDAB", "lowwordfirst": "CDAB", "wordswapped": "CDAB",
		"2143": "BADC", "badc": "BADC", "byteswapped": "BADC",
		"little": "DCBA", "littleendian": "DCBA", "4321": "DCBA", "dcba": "DCBA",
	}
)

func didYouMean(word string, words map[string]string) string {
	word = strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(word))
	if w := words[word]; w != "" {
		return "did you mean " + w + "?"
	}
	for w := range words {
		if words[w] == word {
			return "did you mean " + word + "?"
		}
	}
	return ""
}

// addressHint explains addresses that cannot be. Numbers such as 400019 name
// kind and place of a register in one, the first being 1.
func addressHint(text string) string {
	v, err := strconv.Atoi(text)
	if err != nil || len(text) != 6 {
		return ""
	}
	_, hint := plcHint(v, 100000)
	return hint
}

// plcHint reads such a number, with kind the first digit's worth. Function is 0
// if it is none.
func plcHint(v, kind int) (function byte, hint string) {
	function = map[int]byte{1: 2, 3: 4, 4: 3}[v/kind]
	if function == 0 || v%kind == 0 {
		return 0, ""
	}
	return function, fmt.Sprintf("%d in a manual is address %d with function %d", v, v%kind-1, function)
}

// strangeKeys finds the keys that no template has, so that all misspelt ones
// are said at once.
func strangeKeys(node ast.Node, t reflect.Type, path string) (errs SpecErrors) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if a, ok := node.(*ast.AnchorNode); ok {
		node = a.Value
	}
	switch t.Kind() {
	case reflect.Slice:
		if list, ok := node.(*ast.SequenceNode); ok {
			for i, item := range list.Values {
				errs = append(errs, strangeKeys(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))...)
			}
		}
	case reflect.Struct:
		fields := make(map[string]reflect.Type)
		for i := range t.NumField() {
			if key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); key != "" {
				fields[key] = t.Field(i).Type
			}
		}
		group, ok := node.(ast.MapNode)
		if !ok {
			return nil
		}
		for at := group.MapRange(); at.Next(); {
			token := at.Key().GetToken()
			key := token.Value
			if f, ok := fields[key]; ok {
				errs = append(errs, strangeKeys(at.Value(), f, strings.TrimPrefix(path+"."+key, "."))...)
				continue
			}
			if at.Key().IsMergeKey() {
				continue
			}
			e := &SpecError{Point: -1, Field: path, Text: fmt.Sprintf("has no key %q", key), Line: token.Position.Line, Column: token.Position.Column}
			if near := nearestKey(key, fields); near != "" {
				e.Hint = "did you mean " + near + "?"
			}
			errs = append(errs, e)
		}
	}
	return errs
}

// nearestKey is the key that differs from a misspelt one by two letters at
// most, and by fewer than half of them.
func nearestKey(key string, fields map[string]reflect.Type) string {
	best, least := "", min(2, len(key)/2)+1
	for f := range fields {
		if d := distance(key, f); d < least || d == least && best != "" && f < best {
			best, least = f, d
		}
	}
	return best
}

// distance is how many letters must be changed, added or taken away.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
