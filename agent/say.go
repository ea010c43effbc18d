package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // words.gz
	"fmt"
	"os"
	"strings"
	"sync"
)

// chinese says what the person reads. Set once, before a command runs, from the environment
// or envgate --lang=zh COMMAND.
var chinese bool

// language is that of the terminal.
func language() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(v, "zh") {
				return "zh"
			}
			return "en"
		}
	}
	return "en"
}

// say is fmt.Sprintf for a person: the format is written in English, and taken in Chinese
// from the folder words where that is the language. Without args the format is the text.
// What goes into the agent's own log, a block or JSON is never said: it is in English, so
// that programs can look for it.
func say(format string, args ...any) string {
	format = inLanguage(format)
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// failure is fmt.Errorf, said.
func failure(format string, args ...any) error {
	return fmt.Errorf(inLanguage(format), args...)
}

func inLanguage(english string) string {
	if chinese {
		if zh, ok := words()[english]; ok {
			return zh
		}
	}
	return english
}

// packedWords are the files of the folder words, which people edit, as they travel in the
// program. Written by
//
//	go test ./agent -run TestWords -update
//
//go:embed words.gz
var packedWords []byte

// words are the Chinese texts by the English ones.
var words = sync.OnceValue(func() map[string]string {
	z, err := gzip.NewReader(bytes.NewReader(packedWords))
	if err != nil {
		panic(err) // they are part of the program, and its tests read them
	}
	w, err := readWords(bufio.NewScanner(z))
	if err != nil {
		panic(err)
	}
	return w
})

// readWords reads pairs of lines, the English one and the Chinese one, between which empty
// lines and lines that begin with # may stand. \n and \t stand for what they do in Go.
func readWords(s *bufio.Scanner) (map[string]string, error) {
	w := make(map[string]string)
	escapes := strings.NewReplacer(`\n`, "\n", `\t`, "\t")
	english := ""
	for s.Scan() {
		switch line := escapes.Replace(s.Text()); {
		case line == "" || strings.HasPrefix(line, "#"):
		case english == "":
			english = line
		default:
			w[english], english = line, ""
		}
	}
	if english != "" {
		return nil, fmt.Errorf("words: %q has no Chinese line", english)
	}
	return w, s.Err()
}
