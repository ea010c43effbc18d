// Frames writes the test vectors of package hj212. Every run writes the same
// bytes.
//
//	go run ./tests/vectors/frames
//
// A vector is a good frame with exactly one thing wrong, or one that a standard
// prints. Nothing here comes from package hj212: the check sum is the standard's
// text put into Go (crc.go), offsets are found by the text that stands there, and
// cipher text is literal. So one mistake cannot cancel another.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	folder := flag.String("o", "tests/vectors/hj212", "folder to write to")
	flag.Parse()
	if err := write(*folder, all()); err != nil {
		fmt.Fprintln(os.Stderr, "frames: error:", err)
		os.Exit(1)
	}
}

func all() []vector {
	var list []vector
	// The name begins with what the vector is about.
	add := func(about string, vectors []vector) {
		for _, v := range vectors {
			if !strings.HasPrefix(v.name, about+"-") {
				v.name = about + "-" + v.name
			}
			list = append(list, v)
		}
	}
	add("printed", printed())
	add("mark", marks())
	add("length", lengths())
	add("crc", sums())
	add("end", ends())
	add("short", parts())
	add("stream", streams())
	add("cipher", ciphers())
	add("field", segments())
	add("area", areas())
	add("text", texts())
	add("split", splits())
	add("check", checks())
	return list
}

// write replaces the vectors of a folder by these.
func write(folder string, vectors []vector) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.vec"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for _, v := range vectors {
		if err := os.WriteFile(filepath.Join(folder, v.name+".vec"), v.append(nil), 0o644); err != nil {
			return err
		}
	}
	return nil
}
