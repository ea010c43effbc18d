package config_test

import (
	"os"
	"strings"
	"testing"

	"envgate/config"
)

// TestExampleChecks takes the comment marks off the checks of the example.
func TestExampleChecks(t *testing.T) {
	b, err := os.ReadFile("site.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), "# checks:\n")
	if !ok {
		t.Fatal("no checks in the example")
	}
	part, after, _ := strings.Cut("# checks:\n"+rest, "\n\n")
	s := mustParse(t, before+strings.ReplaceAll("\n"+part, "\n# ", "\n")+"\n\n"+after)
	if len(s.Checks) != 1 || len(s.Warnings) != 0 {
		t.Fatalf("%d checks, warnings %v", len(s.Checks), s.Warnings)
	}
	const want = "range: low 0, high 1000, flag D; rate: most 200, flag D; stuck: except 0, for 30m, flag D; " +
		"twin: device cabinet, point cabinet_temperature, most 20, percent 10, for 1h, flag D; " +
		"sum: parts [device dust-1, point a34002], tolerance 2, flag D; " +
		"limit: low 1, warn_low 2, warn_high 100, high 150, back 5, after 1m, flag none"
	if got := s.Checks[0].Words(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestChecks has one check for dust-1/a34004 in a good file; want is what is wrong.
func TestChecks(t *testing.T) {
	tests := []struct{ name, check, want string }{
		{"one level", "limit: {high: 0}", ""},
		{"all levels", "limit: {low: -2, warn_low: -1, warn_high: 1, high: 2, flag: T}", ""},
		{"no check", "", "checks[0] checks nothing: want limit, range, rate, stuck, twin or sum\n"},
		{"no level", "limit: {after: 5s}", "checks[0].limit.high is missing: want high, low, warn_high or warn_low\n"},
		{"levels that changed places", "limit: {high: 100, warn_high: 150}", "checks[0].limit.high is 100: want more than warn_high\nhint: did the two change places?\n"},
		{"a level with its unit", "limit: {high: 100ppm}", "checks[0].limit.high is 100ppm: want a number in the point's unit, without the unit\n"},
		{"a delay too long", "limit: {high: 1, after: 61m}", "checks[0].limit.after is 61m: that time is 0s to 1h\n"},
		{"the flag of good readings", "range: {high: 1, flag: N}", "checks[0].range.flag is N: want D, T, M, C, F, S, B or none\n"},
		{"an empty range", "range: {low: 5, high: 5}", "checks[0].range.high is 5: want more than low\nhint: did the two change places?\n"},
		{"no rate", "rate: {most: 0}", "checks[0].rate.most is 0: want a number above 0, without a unit\n"},
		{"stuck for how long", "stuck: {except: 0}", "checks[0].stuck.for is missing: want how long it may stay the same, such as 30m\n"},
		{"stuck too soon", "stuck: {for: 59s}", "checks[0].stuck.for is 59s: that time is 1m to 7d\n"},
		{"a twin that is the point", "twin: {device: dust-1, point: a34004, most: 1}", "checks[0].twin.point is a34004: that is the point itself\n"},
		{"a twin without measure", "twin: {device: dust-1, point: a34002}", "checks[0].twin.percent is missing: want by how much the two may differ: most, percent or both\n"},
		{"a twin that nobody knows", "twin: {device: dust-2, point: a34002, most: 1}", "checks[0].twin.device is dust-2: no device above has that name\n"},
		{"a sum of nothing", "sum: {parts: []}", "checks[0].sum.parts is empty: want a list of device and point, which together are no more than this one\n"},
		{"a part without point", "sum: {parts: [{device: dust-1}]}", "checks[0].sum.parts[0].point is missing: want a point of that device\n"},
		{"a key of another check", "rate: {for: 5m, most: 1}", "checks[0].rate.for is not a key: here may stand most, flag\n"},
		{"a second item of the point", "limit: {high: 1}}\n  - {device: dust-1, point: a34004, rate: {most: 1}", "checks[1].point is a34004: dust-1/a34004 has its checks already (line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check := tt.check
			if check != "" {
				check = ", " + check
			}
			_, err := config.Parse("site.yaml", []byte(strings.Replace(small, "uplinks:", "checks:\n  - {device: dust-1, point: a34004"+check+"}\nuplinks:", 1)))
			got := strings.ReplaceAll(text(t, err), "envgate: ", "")
			if tt.want == "" && got != "" || !strings.Contains(withoutPlaces(got), tt.want) {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// withoutPlaces leaves file, line and column out.
func withoutPlaces(s string) string {
	lines := strings.SplitAfter(s, "\n")
	for i, line := range lines {
		if at := strings.Index(line, "checks["); at > 0 {
			lines[i] = "error: " + line[at:]
		}
	}
	return strings.Join(lines, "")
}
