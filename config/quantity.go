package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Durations and sizes are one number and one unit. A number alone is refused:
// whether 500 is milliseconds or seconds is not ours to guess.

const (
	wantDuration = "a number and one of ms, s, m, h, d, such as 500ms, 5s, 10m, 2h or 14d"
	wantSize     = "a number and one of MB, GB (decimal: 1 MB is 1000000 bytes) or MiB, GiB, such as 512MB"
)

type durationUnit struct {
	name string
	d    time.Duration
}

// durationUnits go from large to small, as formatDuration wants them.
var durationUnits = []durationUnit{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

// foreignUnits are other ways to write a unit of time, for hints. A year is
// 365 of our days and a week 7.
var foreignUnits = map[string]string{
	"msec": "ms", "msecs": "ms", "millis": "ms", "毫秒": "ms",
	"sec": "s", "secs": "s", "second": "s", "seconds": "s", "秒": "s",
	"min": "m", "mins": "m", "minute": "m", "minutes": "m", "分": "m", "分钟": "m",
	"hr": "h", "hrs": "h", "hour": "h", "hours": "h", "时": "h", "小时": "h",
	"day": "d", "days": "d", "天": "d", "日": "d",
	"w": "7d", "week": "7d", "weeks": "7d", "周": "7d",
	"y": "365d", "year": "365d", "years": "365d", "年": "365d",
}

// parseDuration reads a duration of whole milliseconds. The hint is what was
// probably meant, something from lo to hi; it may be empty.
func parseDuration(text string, lo, hi time.Duration) (d time.Duration, hint string, ok bool) {
	number, unit := cutUnit(text)
	for _, u := range durationUnits {
		if u.name == unit {
			n, ok := scaled(number, int64(u.d))
			if !ok || n%int64(time.Millisecond) != 0 {
				return 0, "", false
			}
			return time.Duration(n), "", true
		}
	}
	if _, ok := scaled(number, 1000); !ok {
		return 0, "", false
	}
	if unit == "" {
		var fit []string
		for _, u := range durationUnits {
			if n, ok := scaled(number, int64(u.d)); ok && time.Duration(n) >= lo && time.Duration(n) <= hi {
				fit = append(fit, number+u.name)
			}
		}
		if fit == nil {
			return 0, "", false
		}
		return 0, number + " of what? write " + or(fit), false
	}
	if ours, ok := foreignUnits[strings.ToLower(unit)]; ok {
		if days, ok := strings.CutSuffix(ours, "d"); ok && days != "" {
			if per, err := strconv.Atoi(days); err == nil {
				if n, ok := scaled(number, int64(per)); ok {
					return 0, fmt.Sprintf("write %dd", n), false
				}
			}
			return 0, "", false
		}
		return 0, "write " + number + ours, false
	}
	if d, err := time.ParseDuration(number + unit); err == nil && d > 0 && d%time.Millisecond == 0 {
		return 0, "write it in one unit: " + formatDuration(d), false // 1h30m
	}
	for _, u := range durationUnits {
		if strings.EqualFold(u.name, unit) {
			return 0, "units are written in small letters: " + number + u.name, false
		}
	}
	return 0, "", false
}

// formatDuration writes d in the largest unit that needs no fraction. d is
// whole milliseconds.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	for _, u := range durationUnits {
		if d%u.d == 0 {
			return strconv.FormatInt(int64(d/u.d), 10) + u.name
		}
	}
	return d.String()
}

// sizeUnits go from large to small, the decimal ones first, as formatSize
// wants them.
var sizeUnits = []struct {
	name string
	n    int64
}{
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"KB", 1e3},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"B", 1},
}

// parseSize reads a number of bytes.
func parseSize(text string) (n int64, hint string, ok bool) {
	number, unit := cutUnit(text)
	for _, u := range sizeUnits {
		if u.name == unit {
			n, ok := scaled(number, u.n)
			return n, "", ok
		}
	}
	if _, ok := scaled(number, 1000); !ok {
		return 0, "", false
	}
	if unit == "" {
		return 0, number + " of what? write " + number + "MB for instance", false
	}
	for _, u := range sizeUnits {
		if strings.EqualFold(u.name, unit) || strings.EqualFold(u.name, unit+"B") {
			return 0, "write " + number + u.name, false
		}
	}
	return 0, "", false
}

// formatSize writes n in the largest unit that needs no fraction.
func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if n != 0 && n%u.n == 0 {
			return strconv.FormatInt(n/u.n, 10) + u.name
		}
	}
	return "0B"
}

// parsePercent reads a share such as 50%, whole percents only.
func parsePercent(text string) (share float64, hint string, ok bool) {
	number, unit := cutUnit(text)
	if unit == "%" {
		n, err := strconv.ParseUint(number, 10, 16)
		return float64(n) / 100, "", err == nil
	}
	if f, err := strconv.ParseFloat(number, 64); err == nil && unit == "" {
		switch {
		case f > 0 && f < 1:
			return 0, fmt.Sprintf("%s looks like a fraction: write %.0f%%", number, f*100), false
		case f >= 1 && f <= 100:
			return 0, "write " + number + "%", false
		}
	}
	return 0, "", false
}

func formatPercent(share float64) string {
	return strconv.Itoa(int(math.Round(share*100))) + "%"
}

// cutUnit cuts "5 s" into "5" and "s".
func cutUnit(text string) (number, unit string) {
	i := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimLeftFunc(text[i:], unicode.IsSpace)
}

// scaled is number times unit, exactly. number is digits with at most three
// after a point; ok is false for anything else, and where the product is no
// whole number or does not fit.
func scaled(number string, unit int64) (n int64, ok bool) {
	whole, part, point := strings.Cut(number, ".")
	if whole == "" || len(whole) > 18 || len(part) > 3 || point && part == "" {
		return 0, false
	}
	w, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || int64(w) > (math.MaxInt64-unit)/unit {
		return 0, false
	}
	n = int64(w) * unit
	if part != "" {
		p, err := strconv.ParseUint(part, 10, 63)
		if err != nil {
			return 0, false
		}
		div := int64(math.Pow10(len(part)))
		more := int64(p) * unit // below 1000 days in nanoseconds
		if more%div != 0 {
			return 0, false
		}
		n += more / div
	}
	return n, true
}
