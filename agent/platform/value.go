package platform

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"envgate/hj212"
)

// Figures of a factor that may be chosen: the total, the period's three, the real-time
// value, and all that is converted to reference oxygen.
var figureNames = []string{"cou", "min", "avg", "max", "rtd", "zs"}

// A way is how the values of one code go out. The nil way leaves them as they are.
type way struct {
	st      string   // "" = the platform's
	times   *big.Int // unit factor × 10^places, nil = 1
	places  int      // of times
	most    int      // digits behind the point, -1 = as many as come
	highest string   // maximum of the format (HJ 212-2025, 8.1.1 d); "" where it is not sent
	noise   bool     // one value of a period, named Data
	figures []string // none = all
}

// way makes the way of a factor.
func (o *Options) way(f Factor) (*way, error) {
	w := &way{st: f.ST, most: -1, figures: f.Figures}
	edition := hj212.Edition(o.Edition)
	std, _ := hj212.LookupFactor(edition, f.Code)
	whole, places, known := parseFormat(std.Format)
	if known && !o.AllDigits {
		w.most = places
	}
	if f.Decimals != nil {
		w.most = *f.Decimals
	}
	if known && edition == hj212.Ed2025 {
		w.highest = strings.Repeat("9", whole)
		if places > 0 {
			w.highest += "." + strings.Repeat("9", places)
		}
	}
	w.noise = std.Medium == "noise"
	if f.Times != "" && f.Times != "1" {
		if !isNumber(f.Times) || strings.Trim(f.Times, "0.") == "" || f.Times[0] == '-' {
			return nil, fmt.Errorf("times is %q: a decimal number above 0", f.Times)
		}
		w.times, w.places = parseExact(f.Times)
	}
	if w.most > maxPlaces10 || f.Decimals != nil && w.most < 0 {
		return nil, fmt.Errorf("decimals are %d: 0 to %d", w.most, maxPlaces10)
	}
	for i, name := range f.Figures {
		if !slices.Contains(figureNames, name) || slices.Contains(f.Figures[:i], name) {
			return nil, fmt.Errorf("figure %q: one of %s, and each once", name, strings.Join(figureNames, ", "))
		}
	}
	if f.ST != "" && (len(f.ST) != 2 || !isWord(f.ST, "")) {
		return nil, fmt.Errorf("st is %q: two letters or digits", f.ST)
	}
	return w, nil
}

const maxPlaces10 = 9 // digits behind the point that may be asked for

// wants says whether figures of that suffix go out.
func (w *way) wants(suffix string) bool {
	if w == nil || len(w.figures) == 0 {
		return true
	}
	if strings.HasPrefix(suffix, "Zs") {
		suffix = "zs"
	}
	return slices.Contains(w.figures, strings.ToLower(suffix))
}

// write is a value by the unit factor and the digits of the way. A total (Cou) is of
// another unit, kg or m3, and goes out as it is. v is a number.
func (w *way) write(v, suffix string) string {
	if w == nil || suffix == "Cou" {
		return v
	}
	_, part, _ := strings.Cut(v, ".")
	if w.times == nil && (w.most < 0 || len(part) <= w.most) {
		return v
	}
	n, places := parseExact(v)
	if w.times != nil {
		n.Mul(n, w.times)
		places += w.places
	}
	if w.most >= 0 && places > w.most {
		n, places = halfEven(n, places-w.most), w.most
	}
	return textOf(n, places)
}

// parseExact is a number as digits × 10^-places.
func parseExact(s string) (digits *big.Int, places int) {
	whole, part, _ := strings.Cut(s, ".")
	digits, _ = new(big.Int).SetString(whole+part, 10)
	return digits, len(part)
}

// halfEven takes n's last places off, and rounds to the nearest, a half to the even one.
func halfEven(n *big.Int, places int) *big.Int {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
	rest := new(big.Int)
	q, _ := new(big.Int).QuoRem(n, unit, rest) // towards zero
	side := rest.Lsh(rest.Abs(rest), 1).Cmp(unit)
	if side > 0 || side == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(int64(cmp.Or(n.Sign(), 1))))
	}
	return q
}

func textOf(n *big.Int, places int) string {
	s := new(big.Int).Abs(n).String()
	if d := places + 1 - len(s); d > 0 {
		s = strings.Repeat("0", d) + s
	}
	if places > 0 {
		s = s[:len(s)-places] + "." + s[len(s)-places:]
	}
	if n.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// parseFormat reads a data type such as N4.2: digits before the point, and behind it.
func parseFormat(s string) (whole, places int, ok bool) {
	a, b, point := strings.Cut(strings.TrimPrefix(s, "N"), ".")
	whole, err := strconv.Atoi(a)
	if point {
		var bad error
		places, bad = strconv.Atoi(b)
		err = errors.Join(err, bad)
	}
	return whole, places, err == nil && s[0] == 'N' && 0 < whole && whole+places < maxValue
}
