package rollup

// Flue gas of stationary sources. The formulas are those of HJ 212-2017, appendix D (flue
// gas), which are those of HJ 75-2017, appendix C (C.8), and HJ 76-2017, appendix B; the
// clauses are given by what they are about, as the three number them differently.
//
// Standard state is 273 K and 101.325 kPa, and the standards write 273 and not 273.15: so
// do we. Temperatures are in °C, pressures in kPa, moisture and oxygen in percent of
// volume.

var (
	kelvin    = Ratio(273, 1)
	standard  = Ratio(101325, 1000) // kPa
	molarGas  = Ratio(224, 10)      // L/mol of a gas at standard state
	oxygenAir = Ratio(21, 1)        // percent
	massNOx   = Ratio(46, 1)        // g/mol, NOx counted as NO2: the standards' 46 and not 46.005
	noAsNO2   = Ratio(46, 30)       // by mass: their 46/30 and not 46.005/30.006
)

// StandardState is what a concentration at actual state in mg/m3 is multiplied by to be
// one at standard state; wet stays wet, and dry dry:
//
//	C_sn = C × 101.325/(Ba+Ps) × (273+ts)/273
//
// ts is the flue gas's temperature, ba the pressure of the air, ps the static pressure in
// the duct, with its sign. It is not ok where there can be no such gas.
func StandardState(ts, ba, ps Exact) (k Exact, ok bool) {
	t, p := kelvin.Add(ts), ba.Add(ps)
	if t.Sign() <= 0 || p.Sign() <= 0 {
		return Exact{}, false
	}
	return standard.Quo(p).Mul(t).Quo(kelvin), true
}

// DryBasis is what a concentration in wet gas is multiplied by to be one in dry gas, and
// the part of oxygen likewise:
//
//	C_dry = C_wet / (1 − Xsw/100)
//
// It is not ok where there is nothing but water.
func DryBasis(xsw Exact) (k Exact, ok bool) {
	dry := hundred.Sub(xsw)
	if dry.Sign() <= 0 {
		return Exact{}, false
	}
	return hundred.Quo(dry), true
}

// FromPPM is what a part of volume in ppm (umol/mol) is multiplied by to be mg/m3 at
// standard state, by the molar mass in g/mol:
//
//	C_Q = M/22.4 × C_V
func FromPPM(m Exact) Exact { return m.Quo(molarGas) }

// NOx is what nitrogen oxides are made of their parts by, counted as NO2: mass of NO in
// mg/m3 times 46/30, mass of NO2 as it is; parts of volume in ppm of both times 46/22.4.
//
//	C_NOx = C_NO × 46/30 + C_NO2        (mg/m3)
//	C_NOx = (V_NO + V_NO2) × 46/22.4    (ppm)
func NOx(monoxide, ppm bool) (k Exact) {
	switch {
	case ppm:
		return FromPPM(massNOx)
	case monoxide:
		return noAsNO2
	}
	return one
}

// ReferenceOxygen is what a dry concentration at standard state is multiplied by to be
// the converted one (折算浓度):
//
//	C_zs = C_dry × (21 − O2_ref) / (21 − O2_dry)
//
// ref is the reference oxygen of the source's emission standard. It is not ok where o2,
// in dry gas, is 21 or more: HJ 212-2017 then sends nothing, HJ 212-2025 (8.1.1 d) the
// greatest number of the factor's format.
func ReferenceOxygen(o2, ref Exact) (k Exact, ok bool) {
	left := oxygenAir.Sub(o2)
	if left.Sign() <= 0 {
		return Exact{}, false
	}
	return oxygenAir.Sub(ref).Quo(left), true
}

// Velocity is that of the flue gas, m/s, averaged over the duct's area: kv × vp, with the
// velocity coefficient kv (速度场系数) and the velocity vp at the probe.
func Velocity(kv, vp Exact) Exact { return kv.Mul(vp) }

// Flow is what flows of dry gas at standard state, m3/s, through a duct of the area f, m2,
// at the velocity v, m/s:
//
//	Q_sn = F × V × 273/(273+ts) × (Ba+Ps)/101.325 × (1 − Xsw/100)
//
// The standards give it in m3/h, 3600 times as much; the default unit of a00000 is m3/s.
func Flow(f, v, ts, ba, ps, xsw Exact) (q Exact, ok bool) {
	k, ok := StandardState(ts, ba, ps)
	dry := hundred.Sub(xsw)
	if !ok || dry.Sign() < 0 {
		return Exact{}, false
	}
	return f.Mul(v).Mul(dry).Quo(k.Mul(hundred)), true
}

// Emission is the mass, kg, that left in so many seconds, by the mean dry concentration at
// standard state c, mg/m3, not converted, and the mean flow q, m3/s, of dry gas at
// standard state:
//
//	G = C × Q × T × 10^-6
//
// Erratum: HJ 212-2017, formula (34), which sums the hours of a day, is printed with a
// second factor 10^-6, although the hours are kg already. A day is their plain sum.
func Emission(c, q Exact, seconds int64) Exact {
	return c.Mul(q).Mul(Ratio(seconds, 1e6))
}
