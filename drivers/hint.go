package drivers

import (
	"fmt"
	"strconv"
	"strings"
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

// nearestKey is the key that differs from a misspelt one by two letters at
// most, and by fewer than half of them.
func nearestKey(key string, fields map[string]int) string {
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
