// Gen writes the test vectors of package envelope. Every run writes the same
// bytes: keys come from seeds that stand here, times are fixed.
//
//	go run ./tests/vectors/gen
//
// A vector is a valid base with exactly one thing wrong, and the thing is to be
// seen in the line that makes it. The forgeries are made by hand (forge.go), not
// by package envelope, which would refuse to.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	folder := flag.String("o", "tests/vectors/envelope", "folder to write to")
	flag.Parse()
	if err := write(*folder, all()); err != nil {
		fmt.Fprintln(os.Stderr, "gen: error:", err)
		os.Exit(1)
	}
}

func all() []vector {
	var v []vector
	v = append(v, good()...)
	v = append(v, messages()...)
	v = append(v, payloads()...)
	v = append(v, chains()...)
	v = append(v, receipts()...)
	return v
}

// write replaces the vectors of a folder by these.
func write(folder string, vectors []vector) error {
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
