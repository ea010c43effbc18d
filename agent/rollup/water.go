package rollup

// Waste water: HJ 212-2017, appendix D (water). Flow is in L/s, volumes in m3,
// concentrations in mg/L, loads in kg.

// Volume is the water, m3, that a flow q, L/s, brings in so many seconds:
//
//	D = Q × T × 10^-3
func Volume(q Exact, seconds int64) Exact { return q.Mul(Ratio(seconds, 1e3)) }

// Load is the mass, kg, in a volume d, m3, at a concentration c, mg/L:
//
//	G = D × C × 10^-3
func Load(d, c Exact) Exact { return d.Mul(c).Mul(Ratio(1, 1e3)) }

// MeanFlow is the mean flow, L/s, of a volume d, m3, in so many seconds:
//
//	Q = D × 1000 / T
//
// Erratum: formulas (5) to (7) of HJ 212-2017 are printed without the factor 1000, which
// is needed to come from m3 to L.
func MeanFlow(d Exact, seconds int64) Exact { return d.Mul(Ratio(1e3, seconds)) }

// WeightedMean is the mean concentration, mg/L, of a load g, kg, in a volume d, m3, that is
// not 0: the mean weighted by flow.
//
//	C = G / D × 10^3
func WeightedMean(g, d Exact) Exact { return g.Quo(d).Mul(Ratio(1e3, 1)) }

// Counted is what a totaliser has counted from one reading to the next. One that has run
// over is modulus ahead: the number at which it begins anew, such as 10^6.
func Counted(from, to, modulus Exact) Exact {
	d := to.Sub(from)
	if d.Sign() < 0 {
		d = d.Add(modulus)
	}
	return d
}

// FromHours is a flow in L/s of one in m3/h.
func FromHours(q Exact) Exact { return q.Mul(Ratio(1000, 3600)) }
