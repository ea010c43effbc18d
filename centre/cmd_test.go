package main

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"centre": func() { os.Exit(program(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// Each script is what a person types and what must come back.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
