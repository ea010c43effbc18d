package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "pack the words anew")

// What the program carries is what stands in the folder.
func TestWords(t *testing.T) {
	paths, err := filepath.Glob("words/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	var plain bytes.Buffer
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readWords(bufio.NewScanner(bytes.NewReader(b))); err != nil {
			t.Errorf("%s: %v", p, err)
		}
		plain.Write(b)
	}
	want, err := readWords(bufio.NewScanner(&plain))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("words.gz", pack(t, want), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Skip("written; the next build carries it")
	}
	if !maps.Equal(words(), want) {
		t.Error("words.gz is not the folder: go test ./agent -run TestWords -update")
	}
}

func pack(t *testing.T, words map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	escapes := strings.NewReplacer("\n", `\n`, "\t", `\t`)
	for _, english := range slices.Sorted(maps.Keys(words)) {
		escapes.WriteString(z, english)
		z.Write([]byte("\n"))
		escapes.WriteString(z, words[english])
		z.Write([]byte("\n"))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Whatever is said is there in Chinese, with the same values in the same order, and nothing
// is there that nobody says.
func TestWordsComplete(t *testing.T) {
	said, literals := sourceTexts(t)
	for _, c := range commands() {
		said[c.about] = "commands"
	}
	for english, where := range said {
		if words()[english] == "" {
			t.Errorf("%s: not in words/*.txt: %q", where, english)
		}
	}
	verb := regexp.MustCompile(`%[-+# 0-9.*\[\]]*[a-zA-Z]`)
	for english, zh := range words() {
		if !literals[english] {
			t.Errorf("words: nobody says %q", english)
		}
		if got, want := verb.FindAllString(zh, -1), verb.FindAllString(english, -1); !slices.Equal(got, want) && !strings.Contains(zh, "%[") {
			t.Errorf("words: %q has %v, %q has %v", zh, got, english, want)
		}
	}
}

// sourceTexts reads the package: what is said, with its place, and every text there is.
func sourceTexts(t *testing.T) (said map[string]string, literals map[string]bool) {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said, literals = make(map[string]string), make(map[string]bool)
	files := token.NewFileSet()
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if text, ok := literal(n); ok {
				literals[text] = true
			}
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if f, ok := call.Fun.(*ast.Ident); ok && (f.Name == "say" || f.Name == "failure") {
				if text, ok := literal(call.Args[0]); ok {
					said[text] = files.Position(call.Pos()).String()
				}
			}
			return true
		})
	}
	return said, literals
}

// literal is a string constant as it stands in the source, joined where it goes over lines.
func literal(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(n.Value)
		return text, n.Kind == token.STRING && err == nil
	case *ast.BinaryExpr:
		left, ok := literal(n.X)
		right, ok2 := literal(n.Y)
		return left + right, ok && ok2 && n.Op == token.ADD
	}
	return "", false
}
