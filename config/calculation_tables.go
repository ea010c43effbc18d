package config

import "strings"

// The tables of calculations: media, units, molar masses, reference oxygen. A mistake in
// a standard's number is mended here and nowhere else.

// Media of calculations.
const (
	Stack = "stack" // flue gas of a stationary source
	Water = "water" // waste water
	Air   = "air"   // ambient air
	Noise = "noise"
	Wind  = "wind"
)

var media = []string{Stack, Water, Air, Noise, Wind}

// Roles of inputs beside the factors, and the code under which instruments have them.
const (
	RoleTemperature = "temperature" // of the flue gas
	RolePressure    = "pressure"    // static, in the duct, with its sign
	RoleAmbient     = "ambient"     // pressure of the air around
	RoleMoisture    = "moisture"    // of the flue gas
	RoleOxygen      = "oxygen"
	RoleVelocity    = "velocity" // of the flue gas, or of the wind
	RoleFlow        = "flow"     // of water; of dry flue gas at standard state
	RoleTotal       = "total"    // a totaliser of water
	RoleDirection   = "direction"
	RoleLevel       = "level" // sound, A-weighted
)

// A calcRole says what an input of a medium is.
type calcRole struct{ name, code, quantity string }

// roles are in the order in which they are told.
type roles []calcRole

// index is where a role stands; behind the last where it is none.
func (r roles) index(name string) int {
	for i := range r {
		if r[i].name == name {
			return i
		}
	}
	return len(r)
}

func (r roles) names() string {
	var names []string
	for i := range r {
		names = append(names, r[i].name)
	}
	return strings.Join(names, ", ")
}

var (
	stackRoles = roles{
		{RoleOxygen, "a19001", percent},
		{RoleTemperature, "a01012", degrees},
		{RolePressure, "a01013", pressure},
		{RoleAmbient, "a01006", pressure},
		{RoleMoisture, "a01014", percent},
		{RoleVelocity, "a01011", speed},
		{RoleFlow, "a00000", flow},
	}
	waterRoles = roles{{RoleFlow, "w00000", flow}, {RoleTotal, "", volume}}
	noiseRoles = roles{{RoleLevel, "LA", level}}
	windRoles  = roles{{RoleDirection, "a01008", direction}, {RoleVelocity, "a01007", speed}}
)

func calcRoles(medium string) roles {
	switch medium {
	case Stack:
		return stackRoles
	case Water:
		return waterRoles
	case Noise:
		return noiseRoles
	case Wind:
		return windRoles
	}
	return nil
}

// Quantities of units.
const (
	massPart  = "mg/m3" // a gas or dust in air
	volPart   = "ppm"
	massWater = "mg/L"
	percent   = "%"
	degrees   = "degC"
	pressure  = "kPa"
	speed     = "m/s"
	flow      = "m3/s"
	volume    = "m3"
	level     = "dB"
	direction = "deg"
)

// A measure is a unit: num/den of its quantity's own.
type measure struct {
	unit, quantity string
	num, den       int64
}

var measures = []measure{
	{"mg/m3", massPart, 1, 1},
	{"ug/m3", massPart, 1, 1000},
	{"g/m3", massPart, 1000, 1},
	{"ppm", volPart, 1, 1},
	{"ppb", volPart, 1, 1000},
	{"mg/L", massWater, 1, 1},
	{"ug/L", massWater, 1, 1000},
	{"g/L", massWater, 1000, 1},
	{"%", percent, 1, 1},
	{"degC", degrees, 1, 1},
	{"kPa", pressure, 1, 1},
	{"hPa", pressure, 1, 10},
	{"Pa", pressure, 1, 1000},
	{"m/s", speed, 1, 1},
	{"m3/s", flow, 1, 1},
	{"L/s", flow, 1, 1000},
	{"m3/h", flow, 1, 3600},
	{"m3", volume, 1, 1},
	{"L", volume, 1, 1000},
	{"dB", level, 1, 1},
	{"deg", direction, 1, 1},
}

// unitSpellings are other ways to write a unit.
var unitSpellings = strings.NewReplacer("³", "3", "µ", "u", "μ", "u", "℃", "degC", "°C", "degC", "Nm3", "m3", "mbar", "hPa", "dB(A)", "dB", "dBA", "dB",
	"mg/l", "mg/L", "ug/l", "ug/L", "l/s", "L/s", "umol/mol", "ppm", "nmol/mol", "ppb")

// plainUnit is a unit as the table spells it.
func plainUnit(unit string) string {
	if unit == "°" {
		return "deg"
	}
	return unitSpellings.Replace(unit)
}

// measureOf finds a unit of the table.
func measureOf(unit string) (m measure, ok bool) {
	for _, m := range measures {
		if m.unit == unit {
			return m, true
		}
	}
	return measure{}, false
}

// unitsOf are the units of some quantities.
func unitsOf(quantities []string) (units []string) {
	for _, m := range measures {
		for _, q := range quantities {
			if m.quantity == q {
				units = append(units, m.unit)
			}
		}
	}
	return units
}

// A SourceType is a kind of stationary source and the oxygen, percent of volume in dry
// gas, to which its emission standard refers concentrations.
type SourceType struct {
	Name, Percent string
	Standard      string
	Uncertain     bool // not read in the standard's text
}

// SourceTypes are those that a site file may name.
var SourceTypes = []SourceType{
	{"coal-power", "6", "GB 13223-2011, table 4", false},
	{"oil-gas-power", "3", "GB 13223-2011, table 4", false},
	{"gas-turbine", "15", "GB 13223-2011, table 4", true},
	{"coal-boiler", "9", "GB 13271-2014", false},
	{"oil-gas-boiler", "3.5", "GB 13271-2014", true},
	{"cement-kiln", "10", "GB 4915-2013", false},
	{"waste-incineration", "11", "GB 18485-2014", false},
	{"hazardous-waste-incineration", "11", "GB 18484-2020", false},
}

// molarMasses are in g/mol, by medium and factor: those of SO2, NO and NO2 in flue gas are
// printed in HJ 212-2017, appendix D; NOx counts as NO2 there, with 46. The others are of
// atomic weights.
var molarMasses = [...][3]string{
	{Stack, "a21026", "64.06"},
	{Stack, "a21003", "30.006"},
	{Stack, "a21004", "46.005"},
	{Stack, "a21002", "46"},
	{Stack, "a21005", "28.01"},
	{Stack, "a21024", "36.46"},
	{Stack, "a21001", "17.03"},
	{Air, "a05024", "48.00"},
	{Air, "a21004", "46.01"},
	{Air, "a21026", "64.06"},
	{Air, "a21005", "28.01"},
	{Air, "a21003", "30.01"},
	{Air, "a21002", "46.01"},
	{Air, "a21001", "17.03"},
	{Air, "a21028", "34.08"},
}

func molarMass(medium, code string) string {
	for _, m := range molarMasses {
		if m[0] == medium && m[1] == code {
			return m[2]
		}
	}
	return ""
}

var means = []string{"flow-weighted", "arithmetic"}

// States of what an analyser gives of flue gas: moisture, and temperature with pressure.
const (
	WetActual   = "wet-actual"
	DryActual   = "dry-actual"
	WetStandard = "wet-standard"
	DryStandard = "dry-standard"
)

var gasStates = []string{WetActual, DryActual, WetStandard, DryStandard}
