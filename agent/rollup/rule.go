package rollup

import "envgate/hj212"

// A Rule says how the figures of one point are made. The zero Rule is the arithmetic
// mean, validity by the site's rule, and no total.
type Rule struct {
	Mean Mean

	// With is the other point of the same source that Mean or Cou needs: the flow for
	// FlowWeighted, LoadGas and LoadWater, the speed for Vector. Values of one source and
	// one time belong together.
	With string

	Cou Cou

	// Total is the totaliser (m3) of the same source by which FlowWater counts, empty
	// where there is none. Modulus is where it begins at 0 again, such as 100000; empty
	// where it does not.
	Total, Modulus string

	Valid    Valid
	Decimals int  // of the means at least; 0: by Options.Decimals or the factor's format; -1: those of the values
	Noise    bool // the statistics of a sound level stand beside it: L5 to Ldn
}

// Mean is how a period's Avg is made.
type Mean int

const (
	Arithmetic   Mean = iota
	FlowWeighted      // of a concentration, by the flow With: the sum of flow × value over that of the flow
	Vector            // of a direction in degrees: of vectors as long as the speed With, or all of one length
	Energy            // of a level in dB: 10 lg of the mean of 10^(L/10), with one decimal
	Last              // of a state or a totaliser: the last one
)

// Cou is what a period's total is made of. It has six decimals.
type Cou int

const (
	NoCou     Cou = iota
	FlowRate      // m3 of a flow in m3/s: mean times length
	LoadGas       // kg of mg/m3 and the flow With in m3/s: the product of the means times length
	FlowWater     // m3 of a flow in L/s, value by value, or by the totaliser
	LoadWater     // kg of mg/L and the flow With in L/s, value by value
)

// Valid is what makes a period's flag N.
type Valid int

const (
	BySite  Valid = iota
	ByShare       // enough good values (HJ 212-2017, C.16 to C.18, flue gas and air)
	ByAny         // that, and no value that was not good (surface and waste water)
)

// The points that [Rule.Noise] adds to the source of a sound level: Leq is its mean, LMx
// and LMn its extremes; L5 to L95 are the levels that were exceeded for so many per cent
// of the time (GB 3096-2008, 3.6); a day has the means of day and night, and Ldn of both.
const (
	pointLeq = "Leq"
	pointMax = "LMx"
	pointMin = "LMn"
	pointLd  = "Ld"
	pointLn  = "Ln"
	pointLdn = "Ldn"
)

// DefaultRule is the rule of a point that no calculation of the site makes: by its
// factor code, wind direction is a vector and sound levels are energies.
func DefaultRule(_, point string) Rule {
	switch point {
	case "a01008":
		return Rule{Mean: Vector, With: "a01007"}
	case "LA", pointLeq, pointLd, pointLn, pointLdn, pointMax, pointMin, "L5", "L10", "L50", "L90", "L95":
		return Rule{Mean: Energy}
	}
	return Rule{}
}

// decimals is how many decimals the means of a point have at least.
func (r *Rollup) decimals(point string, rule Rule) int {
	switch {
	case rule.Decimals < 0:
		return 0
	case rule.Decimals > 0:
		return min(rule.Decimals, maxScale)
	}
	if n, ok := r.o.Decimals[point]; ok {
		return min(max(n, 0), maxScale)
	}
	f, _ := hj212.LookupFactor(hj212.Ed2017, point)
	for i := range len(f.Format) { // N4.2
		if f.Format[i] == '.' && i+1 < len(f.Format) {
			return int(f.Format[i+1] - '0')
		}
	}
	return 0
}
