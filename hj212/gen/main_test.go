package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// The files that are checked in must be the ones that the CSV files make.
func TestUpToDate(t *testing.T) {
	dir := t.TempDir()
	if err := run(os.DirFS("../data"), dir); err != nil {
		t.Fatal(err)
	}
	checked, err := filepath.Glob("../z*.go")
	if err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != 4 || len(checked) != len(made) {
		t.Errorf("%d files are made, and %d checked in", len(made), len(checked))
	}
	for _, f := range made {
		want, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("..", f.Name())); err != nil || string(got) != string(want) {
			t.Errorf("%s is not what the CSV files make (error %v): run go generate ./hj212", f.Name(), err)
		}
	}
}

// Each case breaks one row of the real files.
func TestGenerateRefuses(t *testing.T) {
	whole := make(map[string]string)
	for file := range columns {
		b, err := os.ReadFile("../data/" + file)
		if err != nil {
			t.Fatal(err)
		}
		whole[file] = string(b)
	}
	const stop = "2012,down,2017,notification,,,,C.11,停止察看污染物实时数据,stop sending real-time data,S17,no\n"
	for _, tt := range []struct{ name, file, old, new, want string }{
		{"other columns", "flags.csv", "code,edition,chinese", "code,year,chinese", "flags.csv: first row is not code,edition"},
		{"too few fields", "flags.csv", "N,2017,监测仪器正常,", "N,2017,", "flags.csv: record on line "},
		{"twice", "commands.csv", stop, stop + stop, "2012 down 2017 is in line "},
		{"twice of one edition", "flags.csv", "P,2005,", "D,2005,", "D 2005 is in line "},
		{"edition", "commands.csv", stop, strings.Replace(stop, "2017", "2018", 1), `edition is "2018": want 2005, 2017, 2025`},
		{"uncertain", "commands.csv", stop, strings.Replace(stop, "S17,no", "S17,maybe", 1), `uncertain is "maybe"`},
		{"pattern", "commands.csv", stop, strings.Replace(stop, "notification", "note", 1), `pattern is "note": want request, request-data`},
		{"no pattern", "commands.csv", stop, strings.Replace(stop, "notification", "", 1), `pattern is ""`},
		{"history", "commands.csv", stop, strings.Replace(stop, "notification,", "notification,x", 1), `history is "x"`},
		{"CN", "commands.csv", stop, strings.Replace(stop, "2012", "201", 1), `cn is "201"`},
		{"direction", "commands.csv", stop, strings.Replace(stop, "down", "both", 1), `direction is "both": want up, down`},
		{"table", "commands.csv", stop, strings.Replace(stop, "C.11", "C11", 1), `table is "C11"`},
		{"parameter", "commands.csv", stop, strings.Replace(stop, ",C.11", "NoSuch,C.11", 1), "parameter NoSuch is not in params.csv for 2017"},
		{"parameter of another edition", "commands.csv", stop, strings.Replace(stop, ",C.11", "NewSK,C.11", 1), "parameter NewSK is not in params.csv for 2017"},
		{"parameter of no factor", "commands.csv", stop, strings.Replace(stop, ",C.11", "b01-Rtd,C.11", 1), "parameter b01-Rtd is not in"},
		{"parameter twice", "commands.csv", stop, strings.Replace(stop, ",C.11", "PolId PolId,C.11", 1), "parameter PolId is there twice"},
		{"no name", "commands.csv", stop, strings.Replace(stop, "停止察看污染物实时数据", "", 1), "chinese is empty"},
		{"no source", "commands.csv", stop, strings.Replace(stop, "S17", "", 1), "source is empty"},
		{"source of another edition", "commands.csv", stop, strings.Replace(stop, "S17", "S05", 1), `source is "S05": want "S17"`},
		{"uncertain without reason", "commands.csv", stop, strings.Replace(stop, "S17,no", "S17,yes", 1), "want what is uncertain"},
		{"tab", "commands.csv", stop, strings.Replace(stop, "stop ", "stop\t", 1), "english has a tab"},
		{"blank", "commands.csv", stop, strings.Replace(stop, "stop ", " stop ", 1), "english has a tab, an end of line, a backquote, or blanks"},
		{"range of CN", "secret.csv", "2000,2999", "2999,2000", "from is 2999, which is after 2000"},
		{"CN of secret", "secret.csv", "2000,2999", "2000,299", `to is "299"`},
		{"system", "systems.csv", "21,2005", "021,2005", `code is "021"`},
		{"field", "returns.csv", "QnRtn,9,2017", "QxRtn,9,2017", `field is "QxRtn": want QnRtn, ExeRtn`},
		{"result", "returns.csv", "QnRtn,9,2017", "QnRtn,09,2017", `code is "09"`},
		{"flag", "flags.csv", "P,2005,", "PPP,2005,", `code is "PPP"`},
		{"param", "params.csv", "ReportTarget,2005", "reportTarget,2005", `name is "reportTarget"`},
		{"format", "params.csv", "VaseNo,2017,N2", "VaseNo,2017,2", `format is "2"`},
		{"range", "params.csv", "VaseNo,2017,N2,1..99", "VaseNo,2017,N2,1-99", `range is "1-99"`},
		{"factor", "factors.csv", "a00000,2017", "a0000,2017", `code is "a0000"`},
		{"medium", "factors.csv", "N6.1,air", "N6.1,fire", `medium is "fire": want air, condition`},
		{"factor's format", "factors.csv", "N6.1,air", "6.1,air", `format is "6.1"`},
		{"legacy", "factors.csv", "N6.1,air,B02", "N6.1,air,B0022", `legacy is "B0022"`},
		{"legacy of two", "factors.csv", "N6.1,air,B02", "N6.1,air,B01", "legacy B01 is that of "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := make(fstest.MapFS)
			for file, text := range whole {
				if file == tt.file {
					at := strings.Index(text, tt.old)
					if at < 0 {
						t.Fatalf("%s has no %q", file, tt.old)
					}
					text = text[:at] + tt.new + text[at+len(tt.old):]
				}
				files[file] = &fstest.MapFile{Data: []byte(text)}
			}
			_, err := generate(files)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), tt.file+":") {
				t.Errorf("generate: error %v, want %q in %s", err, tt.want, tt.file)
			}
		})
	}
	t.Run("no rows", func(t *testing.T) {
		files := make(fstest.MapFS)
		for file, names := range columns {
			files[file] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(names, " ", ",") + "\n")}
		}
		if _, err := generate(files); err == nil || !strings.Contains(err.Error(), "params.csv: has no rows") {
			t.Errorf("generate: error %v", err)
		}
	})
	t.Run("no file", func(t *testing.T) {
		if _, err := generate(fstest.MapFS{}); err == nil {
			t.Error("generate: no error")
		}
	})
}

// The line that an error names is the row's, comments and all.
func TestErrorNamesLine(t *testing.T) {
	files := make(fstest.MapFS)
	for file := range columns {
		b, err := os.ReadFile("../data/" + file)
		if err != nil {
			t.Fatal(err)
		}
		files[file] = &fstest.MapFile{Data: b}
	}
	files["secret.csv"] = &fstest.MapFile{Data: []byte("# one\n# two\nfrom,to,direction,edition,source,uncertain\n" +
		"2000,2999,up,2025,second hand,no\n# a note\n1014,1014,sideways,2025,second hand,no\n")}
	const want = `secret.csv:6: direction is "sideways": want up, down`
	if _, err := generate(files); err == nil || err.Error() != want {
		t.Errorf("generate: error %v, want %s", err, want)
	}
}
