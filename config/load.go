package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Load reads the site file of that path. Its error is [Problems], from which
// errors.Is finds the cause where the file cannot be read at all. Relative
// paths in the file begin at the file's folder, and are made absolute.
func Load(path string) (*Site, error) { return LoadFor(path, strconv.IntSize) }

// LoadFor is Load on a system whose pointers have so many bits, 32 or 64: they decide how
// large a log may be, and is by default.
func LoadFor(path string, bits int) (*Site, error) {
	b, err := readFile(path)
	if err != nil {
		hint := ""
		switch {
		case errors.Is(err, fs.ErrNotExist):
			hint = "site.example.yaml is a complete one; copy it and change it"
		case errors.Is(err, fs.ErrPermission):
			hint = "it must be readable by the user that the agent runs as"
		}
		return nil, fileProblem(path, err, hint)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fileProblem(path, err, "")
	}
	return parse(path, filepath.Dir(abs), b, bits)
}

// readFile reads a file that is not to be larger than maxFile; of a larger one
// it reads one byte more.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// Parse reads a site file from memory. file is its name for messages, and the
// place where relative paths begin. The error is [Problems]: all that is wrong
// with the file. Parse keeps nothing of b.
func Parse(file string, b []byte) (*Site, error) {
	return parse(file, filepath.Dir(file), b, strconv.IntSize)
}

func parse(file, dir string, b []byte, bits int) (*Site, error) {
	r := &reader{findings: findings{file: file}, dir: dir, bits: bits}
	site := r.site(b)
	problems, warnings := r.split()
	if problems != nil {
		return nil, problems
	}
	site.Warnings = warnings
	return site, nil
}

// site reads the file from its top. Where there is no site to be had, problems
// have been kept.
func (r *reader) site(b []byte) *Site {
	lines, ok := r.lines(b)
	if !ok {
		return nil
	}
	tree := r.read(lines)
	if tree == nil {
		return nil
	}
	g, ok := r.group(&place{node: tree}, "", "a site file begins with gateway: and its id")
	if !ok {
		return nil
	}
	s := &Site{
		Sealing: Sealing{Interval: 5 * time.Second},
		Storage: Storage{
			Budget:    defaultBudget(r.bits),
			Endurance: 2e12,
			Retention: Retention{Live: 14 * day, Stat: 400 * day, Event: 1095 * day},
		},
		Rollup: defaultRollup(),
		Log:    LogOptions{Level: "info"},

		Maintenance: Maintenance{Longest: 24 * time.Hour},
	}
	if g.need("gateway", "want the gateway's id at least") {
		r.gateway(g.at("gateway"), &s.Gateway)
	}
	const wantKey = "want the path of the file with the key that signs blocks, such as /etc/envgate/gateway.key"
	if g.need("key", wantKey) {
		g.file("key", &s.Key, wantKey)
	}
	if g.has("sealing") {
		if g, ok := r.group(g.at("sealing"), "sealing", "interval"); ok {
			g.duration("interval", &s.Sealing.Interval, time.Second, time.Minute, "a sealing interval")
		}
	}
	if g.need("storage", "want the log's path at least") {
		r.storage(g.at("storage"), &s.Storage)
	}
	const wantLines = "want a list of at least one line, which is a bus with its instruments"
	if g.need("lines", wantLines) {
		s.Lines = r.lineList(g.list("lines", wantLines, 64))
	}
	if g.has("rollup") {
		r.rollup(g.at("rollup"), &s.Rollup, s)
	}
	if g.has("calculations") {
		s.Calculations = r.calculations(g.list("calculations", "want a list of what is computed, or no calculations: at all", 32), s)
	}
	if g.has("checks") {
		s.Checks = r.checks(g.list("checks", "want a list of points and what is checked, or no checks: at all", maxChecks), s)
	}
	if g.has("maintenance") {
		if g, ok := r.group(g.at("maintenance"), "maintenance", "longest"); ok {
			g.duration("longest", &s.Maintenance.Longest, 10*time.Minute, 7*day, "the longest maintenance")
		}
	}
	if g.has("uplinks") {
		s.Uplinks = r.uplinks(g.list("uplinks", "want a list of brokers, or no uplinks: at all", 8), s)
	} else if !g.holes {
		r.add(Problem{
			Line: 1, Column: 1, Path: "uplinks", Text: "is missing: readings are sealed and kept here, and sent nowhere",
			Warning: true,
		})
	}
	if g.has("platforms") {
		s.Platforms = r.platforms(g.list("platforms", "want a list of HJ 212 platforms, or no platforms: at all", 8), s)
	}
	if g.has("share") {
		s.Share = r.sharing(g.at("share"), s)
	}
	if g.has("log") {
		if g, ok := r.group(g.at("log"), "log", "level"); ok {
			g.choice("level", &s.Log.Level, []string{"debug", "info", "warn", "error"})
		}
	}
	return s
}

const day = 24 * time.Hour

func (r *reader) gateway(p *place, to *Gateway) {
	g, ok := r.group(p, "gateway", "the gateway's id at least")
	if !ok {
		return
	}
	if g.need("id", wantName) {
		g.word("id", &to.ID, wantName, isName, hintName)
	}
	g.word("name", &to.Name, "want 1 to 64 characters", isTitle)
	r.mn(g, &to.MN)
	r.mnAt = g.values["mn"]
	if !g.has("position") {
		return
	}
	g, ok = r.group(g.at("position"), "gateway.position", "latitude and longitude")
	if !ok {
		return
	}
	const (
		wantLatitude  = "a latitude is -90 to 90 degrees, north positive, such as 30.5928"
		wantLongitude = "a longitude is -180 to 180 degrees, east positive, such as 114.3055"
	)
	to.Position = &Position{}
	if g.need("latitude", wantLatitude) {
		g.decimal("latitude", &to.Position.Latitude, -90, 90, wantLatitude, hintDegrees, func(text string) string {
			if f, err := strconv.ParseFloat(text, 64); err == nil && f > 90 && f <= 180 {
				return text + " looks like a longitude; did latitude and longitude change places?"
			}
			return ""
		})
	}
	if g.need("longitude", wantLongitude) {
		g.decimal("longitude", &to.Position.Longitude, -180, 180, wantLongitude, hintDegrees)
	}
	g.decimal("altitude", &to.Position.Altitude, -500, 9000, "an altitude is -500 to 9000 metres above sea level, without the unit")
}

func hintDegrees(text string) string {
	if strings.ContainsAny(text, "°′'\"NESW北东") {
		return "write degrees as one decimal number: 30°35'34\" N is 30.5928"
	}
	return ""
}

// isTitle says whether s is a name for people.
func isTitle(s string) bool {
	return s != "" && len([]rune(s)) <= 64 && strings.TrimSpace(s) == s && strangeLetter(s) < 0 && !strings.Contains(s, "\t")
}

// mn reads an identity of HJ 212. The standard's forms are 24 hexadecimal
// digits in capitals (2017, 2025) and 14 digits (2005).
//
// Seen in the field: platforms that give out others. They are taken, with a
// warning, as long as they fit the field.
func (r *reader) mn(g *group, to *string) {
	if !g.word("mn", to, "want the 24 characters 0-9 A-F that the platform gave out", func(s string) bool { return isWord(s, 24, "") }) || *to == "" {
		return
	}
	s := *to
	hex := len(s) == 24 && strings.Trim(s, "0123456789ABCDEF") == ""
	digits := len(s) == 14 && strings.Trim(s, "0123456789") == ""
	if g.has("mn") && !hex && !digits {
		r.warn(g.at("mn"), fmt.Sprintf("is %s, which has %d characters: the standard's MN has 24 of 0-9 A-F (14 digits in 2005)", s, len(s)),
			"compare it with what the platform gave out")
	}
}

func defaultBudget(bits int) int64 {
	if bits == 32 {
		return 200e6
	}
	return 512e6
}

func (r *reader) storage(p *place, to *Storage) {
	g, ok := r.group(p, "storage", "the log's path at least")
	if !ok {
		return
	}
	const wantPath = "want the path of the log's file, such as /var/lib/envgate/log.db"
	if g.need("path", wantPath) {
		g.file("path", &to.Path, wantPath)
	}
	if p, there := g.values["budget"]; there {
		n, hint, ok := parseSize(p.text)
		switch {
		case p.kind != scalar:
			r.bad(p, "want "+wantSize, "")
		case !ok:
			r.bad(p, "want "+wantSize, hint)
		case r.bits == 32 && n > MaxBudget32:
			r.bad(p, "a log on a system of 32 bits has at most 256MB", "the whole file is mapped into memory, and there is no room for more")
		case n < 8e6 || n > MaxBudget:
			r.bad(p, "a budget is 8MB to 64GB", "")
		default:
			to.Budget = n
		}
	}
	if p, there := g.values["endurance"]; there {
		const want = "want how much the card or chip can be written in its life, such as 40TB: its data sheet has it as TBW"
		n, hint, ok := parseSize(p.text)
		switch {
		case p.kind != scalar || !ok:
			r.bad(p, want, hint)
		case n < 1e9 || n > 1e16:
			r.bad(p, "an endurance is 1GB to 10000TB", "")
		default:
			to.Endurance = n
		}
	}
	if !g.has("retention") {
		return
	}
	if g, ok := r.group(g.at("retention"), "storage.retention", "live, stat and event"); ok {
		g.duration("live", &to.Retention.Live, time.Hour, 3660*day, "a retention")
		g.duration("stat", &to.Retention.Stat, time.Hour, 3660*day, "a retention")
		g.duration("event", &to.Retention.Event, time.Hour, 3660*day, "a retention")
	}
}
