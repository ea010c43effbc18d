package main

import (
	"os"
	"strings"
	"testing"
)

// The file that is checked in must be the one that the CSV makes.
func TestUpToDate(t *testing.T) {
	b, err := os.ReadFile("../factors.csv")
	if err != nil {
		t.Fatal(err)
	}
	want, err := generate(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../zfactors.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("zfactors.go is not what factors.csv makes: run go generate ./hj212")
	}
}

func TestGenerateRefuses(t *testing.T) {
	const head = "code,chinese,english,unit,format,medium,legacy\n"
	for _, tt := range []struct{ name, csv, want string }{
		{"nothing", "", "first row"},
		{"other columns", "code,name\na00000,x\n", "first row"},
		{"twice", head + "a00000,废气,gas,m3/s,N6.1,air,\na00000,废气,gas,m3/s,N6.1,air,\n", "a00000: is there twice"},
		{"no code", head + "a0,废气,gas,m3/s,N6.1,air,\n", "a0: is no code"},
		{"no name", head + "a00000,,gas,m3/s,N6.1,air,\n", "a00000: has no name"},
		{"format", head + "a00000,废气,gas,m3/s,6.1,air,\n", `a00000: format is "6.1"`},
		{"medium", head + "a00000,废气,gas,m3/s,N6.1,fire,\n", `a00000: medium is "fire"`},
		{"tab", head + "a00000,废\t气,gas,m3/s,N6.1,air,\n", "a00000: has a tab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := generate([]byte(tt.csv)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("generate(%q): error %v, want %q", tt.csv, err, tt.want)
			}
		})
	}
}
