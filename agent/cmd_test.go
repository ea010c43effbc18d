package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"envgate": func() { os.Exit(program(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the program as a person types it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
