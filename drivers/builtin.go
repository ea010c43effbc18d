package drivers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // templates.gz
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// packed are the files of the folder templates, which people edit, as they travel in
// the program: a quarter of their size. Written by
//
//	go test ./drivers -run TestPacked -update
//
//go:embed templates.gz
var packed []byte

// builtin unpacks the built-in templates, by name.
var builtin = sync.OnceValue(func() map[string][]byte {
	files, err := unpack(packed)
	if err != nil {
		panic(err) // they are part of the program, and its tests read them
	}
	return files
})

// unpack reads files one after the other: a line of name and size, and the bytes.
func unpack(packed []byte) (map[string][]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for r := bufio.NewReader(z); ; {
		var name string
		var size int
		if _, err := fmt.Fscanf(r, "%s %d\n", &name, &size); err == io.EOF {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		files[name] = make([]byte, size)
		if _, err := io.ReadFull(r, files[name]); err != nil {
			return nil, err
		}
	}
}

// Builtin returns the names of the built-in templates, sorted.
func Builtin() []string { return slices.Sorted(maps.Keys(builtin())) }
