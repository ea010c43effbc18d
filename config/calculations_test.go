package config_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"envgate/config"
)

// plant is a site with instruments of every medium.
const plant = `gateway:
  id: gw-1
key: /etc/envgate/gateway.key
storage:
  path: /var/lib/envgate/log.db
lines:
  - name: stack
    url: tcp://10.0.0.5:502
    devices:
      - {name: cems-1, template: cems-float-block, unit: 1}
      - {name: weather-1, template: vaisala-wxt530, unit: 2}
      - {name: noise-1, template: sonbest-sm7901b, unit: 3, interval: 1s}
      - {name: o3-1, template: teledyne-t400, unit: 4}
      - {name: flow-1, template: siemens-mag6000, unit: 5}
      - name: gas-1
        unit: 6
        registers:
          - {point: no, en: NO, address: 0, type: uint16, unit: ppm}
          - {point: odd, en: odd, address: 1, type: uint16, unit: "1"}
      - {name: water-1, template: supmea-ph8001, unit: 7}
uplinks:
  - name: centre
    broker: mqtts://mqtt.example.org:8883
    centre_keys: [/etc/envgate/centre.pub]
calculations:
`

const typical = `  - name: outlet-1
    medium: stack
    device: cems-1
    state: wet-actual
    area: 12.56
    reference_oxygen: coal-power
    inputs:
      ambient: {value: 101.3, unit: kPa}
`

func TestCalculation(t *testing.T) {
	s := mustParse(t, plant+typical)
	if len(s.Calculations) != 1 {
		t.Fatalf("%d calculations", len(s.Calculations))
	}
	c := s.Calculations[0]
	if c.Kv != "1" || c.ReferenceOxygen != "6" || c.Area != "12.56" {
		t.Errorf("kv %s, oxygen %s, area %s", c.Kv, c.ReferenceOxygen, c.Area)
	}
	var roles []string
	for _, in := range c.Inputs {
		roles = append(roles, in.Role)
	}
	// The device's own flow gives way to the velocity.
	want := "oxygen temperature pressure ambient moisture velocity a21002 a21026 a34013"
	if got := strings.Join(roles, " "); got != want {
		t.Errorf("inputs %s, want %s", got, want)
	}
	if in := c.Input("a21026"); in.Device != "cems-1" || in.Unit != "mg/m3" || !in.Actual() || !in.Wet() {
		t.Errorf("a21026 is %+v", in)
	}
	again, err := config.Parse("again.json", s.Canonical())
	if err != nil {
		t.Fatal(text(t, err))
	}
	if !reflect.DeepEqual(again.Calculations, s.Calculations) {
		t.Errorf("from the canonical form came\n%+v, want\n%+v", again.Calculations, s.Calculations)
	}
}

func TestCalculationMedia(t *testing.T) {
	s := mustParse(t, plant+`  - {name: air-1, medium: air, device: o3-1}
  - {name: noise-a, medium: noise, device: noise-1}
  - {name: wind-1, medium: wind, device: weather-1}
  - name: outfall-1
    medium: water
    device: flow-1
    modulus: 1000000
    inputs:
      total: {point: total_1}
      w01001: {device: water-1, point: `+waterPoint+`}
`)
	if in := s.Calculations[0].Input("a05024"); in == nil || in.MolarMass != "48.00" || in.Unit != "ppb" {
		t.Errorf("ozone is %+v", in)
	}
	if len(s.Calculations[2].Inputs) != 2 {
		t.Errorf("wind is %+v", s.Calculations[2].Inputs)
	}
	water := s.Calculations[3]
	if water.Mean != "flow-weighted" || len(water.Inputs) != 3 || water.Input("total").Unit != "m3" {
		t.Errorf("water is %+v", water)
	}
	if num, den := water.Input("flow").Factor(); num != 1 || den != 1 {
		t.Errorf("flow is times %d/%d", num, den)
	}
}

const waterPoint = "w01001"

func TestCalculationMistakes(t *testing.T) {
	for _, c := range []struct{ name, file, want, hint string }{
		{"name of a device", `  - {name: cems-1, medium: noise, device: noise-1}`, "calculations[0].name is cems-1: a device above has that name already", "cems-1-figures"},
		{"no name", `  - {medium: noise, device: noise-1}`, "calculations[0].name is \"\": want 1 to 32 letters", ""},
		{"medium", `  - {name: a, medium: stak, device: cems-1}`, "calculations[0].medium is stak: want a medium: stack, water, air, noise or wind", "did you mean stack?"},
		{"device", `  - {name: a, medium: noise, device: noise-2}`, "calculations[0].device is noise-2: no device above has that name", "did you mean noise-1?"},
		{"state", strings.Replace(typical, "    state: wet-actual\n", "", 1), "calculations[0].state is missing: want wet-actual, dry-actual, wet-standard or dry-standard", "behind a cooler"},
		{"area", strings.Replace(typical, "    area: 12.56\n", "", 1), "calculations[0].area is missing", ""},
		{"no area", strings.Replace(typical, "12.56", "-3", 1), "calculations[0].area is -3: want the duct's area in m2", ""},
		{"ambient", strings.Split(typical, "    inputs")[0], "calculations[0].inputs.ambient is missing: the standard state cannot be had without it", "ambient: {value: 8.5}, in kPa"},
		{"point", typical + "      a21026: {point: so2}\n", "calculations[0].inputs.a21026.point is so2: cems-1 has no such point", "it has a00000"},
		{"unit", typical + "      a21026: {unit: ppm}\n", "calculations[0].inputs.a21026.unit is ppm: the template of cems-1 says mg/m3", ""},
		{"no unit", typical + "      a21003: {device: gas-1, point: odd}\n", "calculations[0].inputs.a21003.unit is 1: want mg/m3, ug/m3, g/m3, ppm or ppb", "unit: does"},
		{"role", typical + "      temprature: {value: 120}\n", "calculations[0].inputs.temprature is no input of medium stack", "did you mean temperature?"},
		{"twice", typical + "      ambient: {value: 101.3}\n", "calculations[0].inputs.ambient stands here a second time", ""},
		{"fixed and measured", typical + "      moisture: {value: 8, point: a01014}\n", "calculations[0].inputs.moisture.value is 8: want a number, without device and point", ""},
		{"fixed pollutant", typical + "      a21026: {value: 8}\n", "what is fixed is not measured", ""},
		{"fixed word", typical + "      moisture: {value: wet}\n", "calculations[0].inputs.moisture.value is wet: want a number", ""},
		{"oxygen", strings.Replace(typical, "coal-power", "coal-powr", 1), "calculations[0].reference_oxygen is coal-powr: want 0 to 20 percent, or the type of the source: coal-power", "did you mean coal-power?"},
		{"molar mass", typical + "      a24088: {device: gas-1, point: no}\n", "calculations[0].inputs.a24088.molar_mass is missing: that of a24088, which is in ppm, is not known", ""},
		{"setting of another medium", `  - {name: a, medium: noise, device: noise-1, area: 3}`, "calculations[0].area is of medium stack, and this is noise", ""},
		{"nothing", `  - {name: a, medium: air, device: noise-1}`, "calculations[0] has nothing to compute", ""},
		{"no flow", `  - {name: a, medium: water, device: water-1, mean: flow-weighted}`, "calculations[0].inputs.flow is missing: means and loads cannot be had without it", ""},
		{"same name", typical + typical, "calculations[1].name is outlet-1: calculations[0] has that name already", ""},
		{"unknown key", typical + "    oxygen: 6\n", "calculations[0].oxygen is not a key", ""},
	} {
		_, err := config.Parse("site.yaml", []byte(plant+c.file+"\n"))
		got := text(t, err)
		if !strings.Contains(got, c.want) || !strings.Contains(got, c.hint) {
			t.Errorf("%s: said\n%s\nwant %q and %q", c.name, got, c.want, c.hint)
		}
		if !strings.Contains(got, "site.yaml:2") && !strings.Contains(got, "site.yaml:3") && err != nil {
			t.Errorf("%s: no line in\n%s", c.name, got)
		}
	}
}

// TestExampleCalculations takes the comment marks off the part of the example, with
// devices as it names them.
func TestExampleCalculations(t *testing.T) {
	b, err := os.ReadFile("site.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "# calculations:\n")
	if !ok {
		t.Fatal("no calculations in the example")
	}
	part, _, _ := strings.Cut(rest, "\n\n")
	devices := strings.NewReplacer("uplinks:", `      - name: rh-1
        unit: 8
        registers: [{point: humidity, en: humidity, address: 0, type: uint16, unit: "1"}]
      - name: dust-2
        unit: 9
        registers: [{point: a34013, address: 0, type: uint16, unit: mg/m3}]
      - {name: air-monitor, template: teledyne-t400, unit: 10}
uplinks:`, "point: no,", "point: so2,", "name: water-1, template: supmea-ph8001", "name: water-0, template: supmea-ph8001",
		"name: flow-1", "name: water-1", `en: odd, address: 1, type: uint16, unit: "1"`, `en: odd, address: 1, type: uint16, unit: "1"`)
	s := mustParse(t, devices.Replace(plant)+strings.ReplaceAll("\n"+part, "\n# ", "\n")+"\n")
	if len(s.Calculations) != 5 {
		t.Fatalf("%d calculations, want 5", len(s.Calculations))
	}
	if in := s.Calculations[0].Input("a21026"); in.MolarMass != "64.06" || in.Wet() || in.Actual() {
		t.Errorf("a21026 is %+v", in)
	}
}
