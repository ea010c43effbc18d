package config_test

import (
	"os"
	"strings"
	"testing"

	"envgate/config"
)

// TestExampleShare takes the comment marks off the part that a site seldom has.
func TestExampleShare(t *testing.T) {
	b, err := os.ReadFile("site.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), "# share:\n")
	if !ok {
		t.Fatal("no share in the example")
	}
	part, after, _ := strings.Cut("# share:\n"+rest, "\n\n")
	s := mustParse(t, before+strings.ReplaceAll("\n"+part, "\n# ", "\n")+"\n\n"+after)
	want := config.ShareRule{Device: "dust-1", Unit: 1, Function: 3, First: 0, Last: 17}
	if s.Share == nil || s.Share.Listen != "127.0.0.1:1502" || len(s.Share.Allow) != 1 || s.Share.Allow[0] != want {
		t.Errorf("share is %+v", s.Share)
	}
}

func TestShare(t *testing.T) {
	for share, want := range map[string]string{
		"{listen: 0.0.0.0:502, allow: [{device: dust-1, registers: 1}]}":     "share.listen is 0.0.0.0:502: want a loopback address",
		"{listen: 192.168.1.1:502, allow: [{device: dust-1, registers: 1}]}": "for programs on this gateway alone",
		"{listen: 'localhost:502', allow: [{device: dust-1, registers: 1}]}": "write 127.0.0.1:502",
		"{listen: 127.0.0.1:502}": "share.allow is missing",
		"{listen: 127.0.0.1:502, allow: [{device: dust-2, registers: 1}]}":               "no device above has that name",
		"{listen: 127.0.0.1:502, allow: [{device: dust-1}]}":                             "registers is missing",
		"{listen: 127.0.0.1:502, allow: [{device: dust-1, registers: 9-1}]}":             "want addresses from 0 to 65535",
		"{listen: 127.0.0.1:502, allow: [{device: dust-1, registers: 1, function: 6}]}":  "sharing only reads",
		"{listen: 127.0.0.1:502, allow: [{device: dust-1, registers: 1, as_unit: 300}]}": "a Modbus unit is 1 to 247",
	} {
		_, err := config.Parse("site.yaml", []byte(small+"share: "+share+"\n"))
		if got := text(t, err); !strings.Contains(got, want) {
			t.Errorf("%s:\n%swant %q", share, got, want)
		}
	}
	two := strings.Replace(small, "uplinks:", `  - name: lan
    url: tcp://10.0.0.5:502
    devices: [{name: dust-9, template: boling-dust, unit: 1}]
uplinks:`, 1)
	rules := "share: {listen: 127.0.0.1:502, allow: [{device: dust-1, registers: 1}, {device: dust-9, registers: 1}]}\n"
	if _, err := config.Parse("site.yaml", []byte(two+rules)); !strings.Contains(text(t, err), "clients already reach dust-1 as unit 1") {
		t.Errorf("two devices as one unit: %s", text(t, err))
	}
	mustParse(t, two+strings.Replace(rules, "device: dust-9,", "device: dust-9, as_unit: 2,", 1))
}
