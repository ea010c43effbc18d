#!/usr/bin/env python3
"""Figures of a site, made a second time.

This is the calculation of docs/figures.md written from the standards' formulas
(HJ 212-2017 appendix D, HJ 75-2017 appendix C, GB 3096-2008, HJ 633-2012) and from
nothing of the agent: if both give the same digits, then hardly by the same mistake.
It needs Python 3 and its standard library, and keeps a day of samples in memory:
it is made to be read, not to be fast.

    figures.py samples.csv settings.json > figures.csv
    figures.py --of stack,outlet samples.csv settings.json    of some sources alone
    figures.py --derived samples.csv settings.json > derived.csv
    figures.py --explain          the tables of docs/figures.md
    figures.py --indices          indices of ambient air: code, mean, concentration, index

samples.csv, in the order of arrival: source,point,time,interval,text,zs,flag,arrival;
times are Unix milliseconds by the clock of the site, so arrival goes back where that
clock was set back. All decimals are exact (fractions); float is in the energy means of
noise and the vector means of wind alone.
"""

import bisect
import csv
import functools
import json
import math
import re
import sys
from collections import defaultdict, namedtuple
from fractions import Fraction

Sample = namedtuple("Sample", "source point time interval text zs flag arrival")

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")

# Decimals of the formats in HJ 212-2017 appendix B (N5.2 has two), of the factors used here.
FORMATS = {
    "w00000": 2, "w01001": 2, "w01010": 1, "w01018": 1, "w21003": 2,
    "a00000": 1, "a01001": 1, "a01002": 1, "a01006": 3, "a01007": 1, "a01008": 0, "a01011": 2,
    "a01012": 1, "a01013": 3, "a01014": 1, "a19001": 1, "a21001": 3, "a21002": 1, "a21003": 1,
    "a21004": 1, "a21005": 3, "a21024": 3, "a21026": 2, "a34002": 3, "a34004": 3, "a34013": 0,
    "LA": 1, "L5": 1, "L10": 1, "L50": 1, "L90": 1, "L95": 1, "Leq": 1, "LMx": 1, "LMn": 1,
    "Ld": 1, "Ln": 1, "Ldn": 1,
}

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


# --- decimals ---------------------------------------------------------------------

class F:
    """An exact number, a whole one over another. It is never reduced, which is what fractions.Fraction spends its time on."""

    __slots__ = "n", "d"

    def __init__(self, n, d=1):
        if isinstance(n, (str, float)):
            n, d = Fraction(n).as_integer_ratio()
        self.n, self.d = (n, d) if d > 0 else (-n, -d)

    def __add__(self, o):
        if type(o) is int:
            return F(self.n + o * self.d, self.d)
        if self.d == o.d:
            return F(self.n + o.n, self.d)
        return F(self.n * o.d + o.n * self.d, self.d * o.d)

    def __neg__(self):
        return F(-self.n, self.d)

    def __sub__(self, o):
        return self + -o

    def __rsub__(self, o):
        return -self + o

    def __mul__(self, o):
        return F(self.n * o, self.d) if type(o) is int else F(self.n * o.n, self.d * o.d)

    def __truediv__(self, o):
        return F(self.n, self.d * o) if type(o) is int else F(self.n * o.d, self.d * o.n)

    def __rtruediv__(self, o):
        return F(o * self.d, self.n)

    def __lt__(self, o):
        return self.n < o * self.d if type(o) is int else self.n * o.d < o.n * self.d

    def __ge__(self, o):
        return not self < o

    def __gt__(self, o):
        return self.n > o * self.d if type(o) is int else o < self

    def __le__(self, o):
        return not self > o

    def __eq__(self, o):
        return self.n == o * self.d if type(o) is int else self.n * o.d == o.n * self.d

    def __float__(self):
        return self.n / self.d

    __radd__, __rmul__ = __add__, __mul__


@functools.lru_cache(100_000)
def number(text):
    """The exact value of a decimal text, None where it is none."""
    return F(text) if text is not None and NUMBER.match(text) else None


@functools.lru_cache(100_000)
def decimals(text):
    """How many digits stand behind the point."""
    return len(text.partition(".")[2])


def rounded(value, places):
    """value as text with so many decimals, half to even (GB/T 8170)."""
    n, rest = divmod(value.n * 10**places, value.d)
    if 2 * rest > value.d or 2 * rest == value.d and n % 2:
        n += 1
    sign, digits = ("-" if n < 0 else ""), str(abs(n)).rjust(places + 1, "0")
    return sign + digits if places == 0 else sign + digits[:-places] + "." + digits[-places:]


def mean(texts):
    """The arithmetic mean of decimal texts."""
    places = max(map(decimals, texts))
    return F(sum(scaled(t, places) for t in texts), len(texts) * 10**places)


@functools.lru_cache(100_000)
def scaled(text, places):
    x = number(text) * 10**places
    return x.n // x.d


# --- periods ----------------------------------------------------------------------

class Site:
    """The settings, with what follows from them."""

    def __init__(self, settings):
        self.settings = settings
        self.zone = settings.get("zone_minutes", 480) * MINUTE
        self.length = {"min": settings.get("minute", 1) * MINUTE, "hour": HOUR, "day": DAY}
        self.grace = settings.get("grace", 0)
        self.hour_minutes = settings.get("hour_minutes", 45)
        self.day_hours = settings.get("day_hours", 20)
        self.count_flags = settings.get("count_flags", ["N"])
        self.sources = settings["sources"]

    def start(self, kind, t):
        """The start of the period that holds t; periods are those of the local clock."""
        return (t + self.zone) // self.length[kind] * self.length[kind] - self.zone

    def point(self, source, point):
        return self.sources.get(source, {}).get("points", {}).get(point, {})

    def places(self, source, point):
        """Decimals of the point's format: of the site, else of the standard, else none."""
        return self.point(source, point).get("decimals", FORMATS.get(point, 0))

    def counts(self, s):
        """A value counts if its flag may and it is a number."""
        return s.flag in self.count_flags and number(s.text) is not None


class Clock:
    """The clock of the site: where it was set back, its time comes again.

    A run is the time between two steps back. Periods that were closed in an earlier run
    are opened again by what comes in them: their turn is how often that was."""

    def __init__(self, site, happenings):
        self.site = site
        self.steps = [h for h in happenings if h["what"] == "clock"]
        self.runs = [[-math.inf, math.inf]]  # first and last time shown
        for h in self.steps:
            if h["by"] < 0:
                self.runs[-1][1] = h["at"]
                self.runs.append([h["at"] + h["by"], math.inf])

    def turn(self, kind, start, run):
        end = start + self.site.length[kind] + self.site.grace
        return sum(1 for first, last in self.runs[:run] if first < end <= last)

    def run_of(self, samples):
        """(sample, run) of those whose minute was still open when they came."""
        run, before = 0, -math.inf
        for s in samples:
            if s.arrival < before:
                run += 1
            before = s.arrival
            if self.site.start("min", s.time) + self.site.length["min"] > s.arrival - self.site.grace:
                yield s, run

    def closing(self, kind, start, run):
        """The run in which an open period closes."""
        end = start + self.site.length[kind] + self.site.grace
        return next(r for r in range(run, len(self.runs)) if self.runs[r][1] >= end)

    def set_in(self, kind):
        """(start, turn) of the periods in which the clock was set by a quarter of their length or more.

        A period that only begins with the step is judged by its values alone."""
        out, run = set(), 0
        for h in self.steps:
            if 4 * abs(h["by"]) >= self.site.length[kind]:
                start = self.site.start(kind, h["at"] - 1)
                out.add((start, self.turn(kind, start, run)))
            run += h["by"] < 0
        return out


# --- figures ----------------------------------------------------------------------

EMPTY = dict(avg="", min="", max="", zsavg="", zsmin="", zsmax="", cou="", n=0, flag="N", cause="")


def worst(site, source, flags):
    """The flag of a period that is not N, from the flags of what was abnormal in it, in order."""
    if site.sources[source].get("abnormal", "D") == "most" and flags:
        return max(dict.fromkeys(flags), key=flags.count)  # the first of those that are level
    return "D"


def least_most(texts):
    """The texts of the least and the greatest value, the first of equals."""
    texts = list(texts)
    return min(texts, key=number), max(texts, key=number)


def average(site, source, point, texts):
    """The arithmetic mean, with the decimals of the format or of the longest text."""
    return rounded(mean(texts), max([site.places(source, point)] + [decimals(t) for t in texts]))


def of_samples(site, source, point, samples, expected):
    """The figure of a period made of samples (HJ 212-2017 D.1 and D.2; C.16 to C.18 for the flag)."""
    fig = dict(EMPTY)
    good = [s for s in samples if site.counts(s)]
    fig["n"] = len(good)
    if good:
        fig["min"], fig["max"] = least_most(s.text for s in good)
        fig["avg"] = average(site, source, point, [s.text for s in good])
    zs = [s.zs for s in good if number(s.zs) is not None]
    if zs:
        fig["zsmin"], fig["zsmax"] = least_most(zs)
        fig["zsavg"] = average(site, source, point, zs)
    odd = [s.flag if s.flag != "N" else "D" for s in samples if s.flag != "N" or number(s.text) is None]
    normal = sum(1 for s in good if s.flag == "N")
    enough = normal >= 1 and 4 * normal >= 3 * expected
    spoilt = site.sources[source].get("rule", "share") == "any" and odd
    if spoilt or not enough:
        fig["flag"] = worst(site, source, odd)
        fig["cause"] = "abnormal" if spoilt else "few"
    return fig


def of_figures(site, source, point, parts, enough):
    """The figure of an hour of minutes, or of a day of hours, as those were sealed."""
    fig = dict(EMPTY)
    good = [p for p in parts if p["flag"] == "N"]
    fig["n"] = sum(p["n"] for p in good)
    for prefix in ("", "zs"):
        have = [p for p in good if p[prefix + "avg"]]
        if have:
            fig[prefix + "avg"] = average(site, source, point, [p[prefix + "avg"] for p in have])
        have = [p for p in good if p[prefix + "min"]]
        if have:
            fig[prefix + "min"] = least_most(p[prefix + "min"] for p in have)[0]
            fig[prefix + "max"] = least_most(p[prefix + "max"] for p in have)[1]
    odd = [p["flag"] for p in parts if p["flag"] != "N"]
    spoilt = site.sources[source].get("rule", "share") == "any" and odd
    if spoilt or not enough(len(good)):
        fig["flag"] = worst(site, source, odd)
        fig["cause"] = "abnormal" if spoilt else "few"
    return fig


# --- means of other kinds ---------------------------------------------------------

def vector(pairs):
    """The direction of the sum of (degrees, weight), None where they cancel out."""
    pairs = list(pairs)
    u = sum(w * math.sin(math.radians(d)) for d, w in pairs)
    v = sum(w * math.cos(math.radians(d)) for d, w in pairs)
    if math.hypot(u, v) <= 1e-9 * sum(w for _, w in pairs):
        return None
    return math.degrees(math.atan2(u, v)) % 360


def direction(degrees, places):
    """0 to under 360 after rounding too."""
    text = rounded(F(degrees), places)
    return text if number(text) < 360 else rounded(F(0), places)


def energy(counts):
    """The level of the mean energy of (level, how often), dB."""
    counts = list(counts)
    total = sum(n for _, n in counts)
    return 10 * math.log10(math.fsum(n * 10 ** (level / 10) for level, n in counts) / total)


def exceeded(tenths, percent):
    """The greatest level that so many percent of the values reach: tenths is {tenth of a dB: how often}."""
    total, above = sum(tenths.values()), 0
    for level in sorted(tenths, reverse=True):
        above += tenths[level]
        if 100 * above >= percent * total:
            return level
    return None


# --- the day of a site ------------------------------------------------------------

Part = namedtuple("Part", "start turn run figure")  # a period that goes into a longer one; run: in which it closed


def figures(site, samples, happenings=()):
    """All figures: {(source, kind, start, turn, point): figure}."""
    clock = Clock(site, happenings)
    by_point = defaultdict(list)
    kept = 0
    wanted = [s for s in samples if s.source in site.sources]
    for s, run in clock.run_of(wanted):
        kept += 1
        by_point[s.source, s.point].append((s, run))
    out = {}
    # What a figure of another point is made with comes first: speeds, flows.
    for source, point in sorted(by_point, key=lambda k: rank(site, *k)):
        of_point(site, clock, source, point, by_point, out)
    for source, settings in site.sources.items():
        if "noise" in settings:
            noise(site, clock, source, settings["noise"], by_point, out)
        if "ozone8h" in settings:
            eight_hours(site, source, settings["ozone8h"], out)
    return out, len(wanted) - kept


def rank(site, source, point):
    p = site.point(source, point)
    return ("flow" in p or "speed" in p), source, point


def group(items, key):
    out = defaultdict(list)
    for i in items:
        out[key(i)].append(i)
    return out


def by_period(site, clock, kind, values):
    """{(start, turn): samples}"""
    def key(v):
        start = site.start(kind, v[0].time)
        return start, clock.turn(kind, start, v[1])
    return group(values, key)


def of_point(site, clock, source, point, by_point, out):
    values = by_point[source, point]
    m = site.length["min"]
    interval = values[-1][0].interval
    parts, direct = [], by_period(site, clock, "hour", values) if interval > m else {}
    minutes = by_period(site, clock, "min", values)
    marked = clock.set_in("min")
    for (start, turn), inside in minutes.items():
        inside_samples = [s for s, _ in inside]
        fig = of_samples(site, source, point, inside_samples, max(1, m // interval))
        settle(site, source, point, "min", (start, turn), fig, inside, by_point, out, (start, turn) in marked)
        seal(source, "min", start, turn, point, fig, marked, out)
        parts.append(Part(start, turn, clock.closing("min", start, inside[-1][1]), fig))
    for kind, need in (("hour", lambda n: n * (m // MINUTE) >= site.hour_minutes), ("day", lambda n: n >= site.day_hours)):
        marked, longer = clock.set_in(kind), []
        whole = group(parts, lambda p: (site.start(kind, p.start), clock.turn(kind, site.start(kind, p.start), p.run)))
        for (start, turn), inside in whole.items():
            inside.sort(key=lambda p: (p.run, p.start))
            if kind == "hour" and direct:
                fig = of_samples(site, source, point, [s for s, _ in direct[start, turn]], max(1, HOUR // interval))
            else:
                fig = of_figures(site, source, point, [p.figure for p in inside], need)
            settle(site, source, point, kind, (start, turn), fig, inside, by_point, out, (start, turn) in marked)
            seal(source, kind, start, turn, point, fig, marked, out)
            longer.append(Part(start, turn, clock.closing(kind, start, inside[-1].run), fig))
        parts = longer


def seal(source, kind, start, turn, point, fig, marked, out):
    if (start, turn) in marked:
        fig["flag"], fig["cause"] = "D", "clock"
    out[source, kind, start, turn, point] = fig


def settle(site, source, point, kind, period, fig, parts, by_point, out, spoilt):
    """Gives a figure its total (HJ 212-2017 D.1, D.2) and the mean that its point asks for.

    parts are the (sample, run) of a minute, and the Parts of an hour or day."""
    p = site.point(source, point)
    cou = p.get("cou", "")
    if cou in ("flow-water", "load-water") and kind == "min":
        water_minute(site, source, point, p, period, fig, parts, by_point, spoilt)
    elif cou in ("flow-water", "load-water") or cou and kind == "day":
        have = [q.figure["cou"] for q in parts if q.figure["cou"]]
        fig["cou"] = rounded(sum(map(number, have)), 6) if have else ""
    elif cou == "flow-rate" and fig["avg"]:
        fig["cou"] = rounded(number(fig["avg"]) * site.length[kind] / 1000, 6)
    elif cou == "load-gas":
        flow = out.get((source, kind) + period + (p["flow"],))
        if fig["avg"] and flow and flow["avg"]:
            fig["cou"] = rounded(number(fig["avg"]) * number(flow["avg"]) * site.length[kind] / 1000 / 10**6, 6)
    average_of = p.get("mean", "arithmetic")
    if average_of == "flow-weighted" and kind != "min":
        weigh(site, source, point, p, kind, fig, parts, out)
    elif average_of == "vector":
        winds(site, source, point, p, kind, fig, parts, by_point, out)
    elif average_of == "energy":
        levels(site, kind, fig, parts)
    elif average_of == "last":
        last = [s.text for s, _ in parts if site.counts(s)] if kind == "min" else \
               [q.figure["avg"] for q in parts if q.figure["flag"] == "N" and q.figure["avg"]]
        fig["avg"] = last[-1] if last else ""


def seconds(s):
    return F(s.interval, 1000)


def water_minute(site, source, point, p, period, fig, values, by_point, spoilt):
    """Volume in m3 and load in kg of a minute: D = Q T 1e-3, G = D C 1e-3 (HJ 212-2017 D.1).

    Where the clock was set, the values of the minute are of two times, and what the
    totaliser did between them is counted in the minutes that came again."""
    good = [(s, run) for s, run in values if site.counts(s)]
    if p["cou"] == "flow-water":
        counted = None if spoilt else totalised(site, source, p, period[0], values[-1][1], by_point)
        if counted is not None:
            fig["cou"] = rounded(counted, 6)
        elif good:
            fig["cou"] = rounded(sum(number(s.text) * seconds(s) / 1000 for s, _ in good), 6)
        return
    flows = same_time(site, source, p["flow"], by_point)
    both = [(number(s.text), number(flows[s.time, run].text) * seconds(s) / 1000) for s, run in good if (s.time, run) in flows]
    if not both:
        return
    load = sum(c * d / 1000 for c, d in both)
    fig["cou"] = rounded(load, 6)
    flow = sum(d for _, d in both)
    if p.get("mean") == "flow-weighted" and flow != 0:
        places = max([site.places(source, point)] + [decimals(s.text) for s, _ in good])
        fig["avg"] = rounded(1000 * load / flow, places)


def same_time(site, source, point, by_point, cache={}):
    """The samples of another point of the source that count, by (time, run)."""
    key = id(by_point), source, point
    if key not in cache:
        cache.clear()
        cache[key] = {(s.time, run): s for s, run in by_point[source, point] if site.counts(s)}
    return cache[key]


def totalised(site, source, p, start, run, by_point):
    """The totaliser's way through a minute in m3, None where there is no reading before it."""
    if "total" not in p:
        return None
    end = start + site.length["min"]
    readings, times, before = of_run(site, source, p["total"], run, by_point)
    at = functools.partial(bisect.bisect_right, times)
    first = readings[at(start) - 1] if at(start) > 0 else before
    last = readings[at(end) - 1] if at(end) > 0 else before
    if first is None:
        return None
    way = number(last.text) - number(first.text)
    if way < 0 and "modulus" in p:
        way += number(str(p["modulus"]))  # it rolled over
    return way


def of_run(site, source, point, run, by_point, cache={}):
    """The samples of a run that count, their times, and the last one of the run before."""
    key = id(by_point), source, point, run
    if key not in cache:
        cache.clear()
        readings = sorted((s for s, r in by_point[source, point] if r == run and site.counts(s)), key=lambda s: s.time)
        earlier = [s for s, r in by_point[source, point] if r < run and site.counts(s)]
        cache[key] = readings, [s.time for s in readings], earlier[-1] if earlier else None
    return cache[key]


def weigh(site, source, point, p, kind, fig, parts, out):
    """The flow-weighted mean of an hour or day from what was sealed: sum(C D)/sum(D) (HJ 355, HJ 356)."""
    smaller = {"hour": "min", "day": "hour"}[kind]
    good = []
    for q in parts:
        flow = out.get((source, smaller, q.start, q.turn, p["flow"]))
        if q.figure["flag"] == "N" and q.figure["avg"] and flow and flow["cou"]:
            good.append((q.figure["avg"], number(flow["cou"])))
    volume = sum(d for _, d in good)
    if volume != 0:
        places = max([site.places(source, point)] + [decimals(c) for c, _ in good])
        fig["avg"] = rounded(sum(number(c) * d for c, d in good) / volume, places)


def winds(site, source, point, p, kind, fig, parts, by_point, out):
    fig["min"] = fig["max"] = ""
    if kind == "min":
        speeds = same_time(site, source, p["speed"], by_point) if "speed" in p else None
        pairs = [(s.text, speeds[s.time, run].text if speeds is not None else "1")
                 for s, run in parts if site.counts(s) and (speeds is None or (s.time, run) in speeds)]
    else:
        smaller = {"hour": "min", "day": "hour"}[kind]
        pairs = []
        for q in parts:
            speed = out.get((source, smaller, q.start, q.turn, p.get("speed")))
            if q.figure["flag"] == "N" and q.figure["avg"]:
                pairs.append((q.figure["avg"], speed["avg"] if speed else "1"))
    fig["avg"] = ""
    if pairs:
        places = max([site.places(source, point)] + [decimals(d) for d, _ in pairs])
        degrees = vector((float(d), float(w)) for d, w in pairs)
        if degrees is not None:
            fig["avg"] = direction(degrees, places)


def levels(site, kind, fig, parts):
    texts = [s.text for s, _ in parts if site.counts(s)] if kind == "min" else \
            [q.figure["avg"] for q in parts if q.figure["flag"] == "N" and q.figure["avg"]]
    if texts:
        fig["avg"] = rounded(F(energy((float(t), 1) for t in texts)), 1)


# --- noise (GB 3096-2008) ---------------------------------------------------------

LEVELS = {"L5": 5, "L10": 10, "L50": 50, "L90": 90, "L95": 95}


def noise(site, clock, source, settings, by_point, out):
    """Leq, the levels exceeded by all values that count, and of days Ld, Ln and Ldn by the hours."""
    point = settings.get("point", "LA")
    good = [(s, run) for s, run in by_point[source, point] if site.counts(s)]
    dark = dusk(settings.get("night", "22:00-06:00"))
    for kind in ("min", "hour", "day"):
        heard = by_period(site, clock, kind, good)
        for key in [k for k in out if k[0] == source and k[1] == kind and k[4] == point]:
            of = out[key]
            made = {"Leq": of["avg"], "LMx": of["max"], "LMn": of["min"]}
            tenths = tally(s for s, _ in heard[key[2:4]])
            for percent in LEVELS.values():
                level = exceeded(tenths, percent)
                made["L%d" % percent] = "" if level is None else rounded(F(level, 10), 1)
            for name, text in made.items():
                out[key[:4] + (name,)] = dict(EMPTY, avg=text, n=of["n"], flag=of["flag"], cause=of["cause"])
            if kind == "day":
                for name, text in day_and_night(site, clock, source, point, key, dark, out).items():
                    few = {} if text else {"flag": "D", "cause": "few"}
                    out[key[:4] + (name,)] = {**EMPTY, "avg": text, "n": of["n"], "flag": of["flag"], "cause": of["cause"], **few}


@functools.lru_cache(10_000)
def tenth(text):
    return min(2000, max(0, int(rounded(number(text) * 10, 0))))


def tally(samples):
    """How often each tenth of a dB came."""
    out = defaultdict(int)
    for s in samples:
        out[tenth(s.text)] += 1
    return out


def dusk(text):
    """Whether an hour of the day is night, of a text as 22:00-06:00."""
    first, last = (int(t[:2]) for t in text.split("-"))
    return lambda hour: first <= hour or hour < last if first > last else first <= hour < last


def day_and_night(site, clock, source, point, key, dark, out):
    """Ld, Ln and Ldn of a day by its hours that are good (GB 3096-2008 3.4 and appendix)."""
    texts = {False: [], True: []}
    for (_, kind, start, turn, p), f in list(out.items()):
        if kind == "hour" and p == point and site.start("day", start) == key[2] and _ == source and f["flag"] == "N" and f["avg"]:
            texts[dark(hour_of_day(site, start))].append(f["avg"])
    d, n = ([float(t) for t in texts[at_night]] for at_night in (False, True))
    made = {"Ld": "", "Ln": "", "Ldn": ""}
    if d:
        made["Ld"] = rounded(F(energy((l, 1) for l in d)), 1)
    if n:
        made["Ln"] = rounded(F(energy((l, 1) for l in n)), 1)
    if d and n:  # of the levels as they are given out
        ld, ln = float(made["Ld"]), float(made["Ln"])
        made["Ldn"] = rounded(F(10 * math.log10((len(d) * 10 ** (ld / 10) + len(n) * 10 ** ((ln + 10) / 10)) / (len(d) + len(n)))), 1)
    return made


def hour_of_day(site, t):
    return (t + site.zone) // HOUR % 24


# --- ambient air ------------------------------------------------------------------

def eight_hours(site, source, point, out):
    """The running 8 h means of ozone, six valid hours at least, and the day's greatest of 08:00 to 24:00."""
    hours = {k[2]: f for k, f in out.items()
             if k[0] == source and k[1] == "hour" and k[4] == point and f["flag"] == "N" and f["avg"]}
    best = defaultdict(list)
    for start in range(min(hours), max(hours) + 1, HOUR) if hours else ():
        good = [hours[h]["avg"] for h in range(start - 7 * HOUR, start + 1, HOUR)
                if h in hours]
        if len(good) < 6:
            continue
        fig = dict(EMPTY, n=len(good), avg=average(site, source, point, good))
        out[source, "8h", start, 0, point] = fig
        if hour_of_day(site, start) >= 7:
            best[site.start("day", start)].append(fig["avg"])
    for day, texts in best.items():
        out[source, "8hmax", day, 0, point] = dict(EMPTY, n=len(texts), avg=least_most(texts)[1])


IAQI = (0, 50, 100, 150, 200, 300, 400, 500)
# HJ 633-2012 table 1; ug/m3, CO mg/m3. Where a row ends early, the index of the other mean is taken.
BREAKS = {
    ("a21026", "day"): (0, 50, 150, 475, 800, 1600, 2100, 2620),
    ("a21026", "hour"): (0, 150, 500, 650, 800),
    ("a21004", "day"): (0, 40, 80, 180, 280, 565, 750, 940),
    ("a21004", "hour"): (0, 100, 200, 700, 1200, 2340, 3090, 3840),
    ("a34002", "day"): (0, 50, 150, 250, 350, 420, 500, 600),
    ("a21005", "day"): (0, 2, 4, 14, 24, 36, 48, 60),
    ("a21005", "hour"): (0, 5, 10, 35, 60, 90, 120, 150),
    ("a05024", "hour"): (0, 160, 200, 300, 400, 800, 1000, 1200),
    ("a05024", "8h"): (0, 100, 160, 215, 265, 800),
    ("a34004", "day"): (0, 35, 75, 115, 150, 250, 350, 500),
}


def sub_index(code, kind, c):
    """The individual air quality index of a concentration, rounded up (HJ 633-2012 4.2), None beyond its row."""
    row = BREAKS[code, kind]
    for i in range(1, len(row)):
        if c <= row[i]:
            index = F(IAQI[i] - IAQI[i - 1], row[i] - row[i - 1]) * (c - row[i - 1]) + IAQI[i - 1]
            return -(-index.n // index.d)
    return 500 if len(row) == len(IAQI) else None


# --- derived samples --------------------------------------------------------------

GAS_MASS = {"a21026": "64.06", "a21003": "30.006", "a21004": "46.005", "a21005": "28.01", "a21024": "36.46", "a21001": "17.03"}
AIR_MASS = {"a05024": "48.00", "a21004": "46.01", "a21026": "64.06", "a21005": "28.01", "a21003": "30.01"}


class Newest:
    """The last values of each input that came: so many are remembered."""

    def __init__(self, remembered):
        self.values = defaultdict(list)
        self.remembered = remembered

    def hear(self, s):
        self.values[s.source, s.point] = self.values[s.source, s.point][1 - self.remembered:] + [s]

    def at(self, key, t):
        """The newest value of the input that is not newer than t, None where it is missing or too old."""
        best = None
        for s in self.values[key]:
            if s.time <= t and (best is None or s.time >= best.time):
                best = s
        if best is None or t - best.time > max(3 * best.interval, 10_000):
            return None
        return best


def derive(settings, samples):
    """The samples with those that the calculations make of them behind each reading."""
    newest, out = Newest(settings.get("remembered", 4)), []
    triggers = defaultdict(list)  # the calculations that a device's values may start
    for c in settings.get("calculations", []):
        for device in c["devices"]:
            triggers[device].append(c)
    for reading in readings(samples):
        for s in reading:
            newest.hear(s)
        out += reading
        for c in triggers[reading[0].source]:
            for s in reading:
                out += DERIVE[c["kind"]](c, s, newest)
    return out


def readings(samples):
    """Values of one source and time that came together."""
    one = []
    for s in samples:
        if one and (s.source, s.time, s.arrival) != (one[0].source, one[0].time, one[0].arrival):
            yield one
            one = []
        one.append(s)
    if one:
        yield one


def derived(c, point, s, inputs, formula):
    """A derived sample: formula makes (value, zs) of the inputs' numbers; None: the value goes on as it came.

    inputs are samples in the order of the flags; a None among them is an input that is missing."""
    if any(i is None for i in inputs):
        return Sample(c["source"], point, s.time, s.interval, "", "", "D", s.arrival)
    flag = next((i.flag for i in inputs if i.flag != "N"), "N")
    if formula is None:
        return Sample(c["source"], point, s.time, s.interval, inputs[0].text, "", flag, s.arrival)
    numbers = [number(i.text) for i in inputs]
    value = zs = None
    if all(n is not None for n in numbers):
        value, zs = formula(*numbers)
    if value is None and flag == "N":
        flag = "D"
    places = max(FORMATS.get(point, 0), 3)
    text, zs = ("" if v is None else rounded(v, places) for v in (value, zs))
    return Sample(c["source"], point, s.time, s.interval, text, zs, flag, s.arrival)


def constant(c, name, like):
    """A fixed setting in an input's place."""
    return like._replace(text=str(c[name]), flag="N", zs="")


def stack_input(c, name, s, newest):
    """An input of a stack: of an instrument, or fixed."""
    where = c[name]
    return newest.at(tuple(where), s.time) if isinstance(where, list) else constant(c, name, s)


def stack(c, s, newest):
    """Appendix C of HJ 75-2017, which is D.2 of HJ 212-2017, per reading of the pollutant."""
    out = []
    for p in c["pollutants"]:
        if [s.source, s.point] == p["in"]:
            out.append(pollutant(c, p, s, newest))
    if [s.source, s.point] == c.get("velocity"):
        kv = number(str(c.get("kv", 1)))
        out.append(derived(c, "a01011", s, [s], None if kv == 1 else lambda v: (kv * v, None)))
        out.append(flow(c, s, newest))
    if [s.source, s.point] == c.get("o2") and c.get("state", "dry") == "wet":
        xsw = stack_input(c, "xsw", s, newest)
        out.append(derived(c, "a19001", s, [s, xsw], lambda o, x: (None if x >= 100 else o / (1 - x / 100), None)))
    return out


def to_standard(ts, ps, ba):
    """To 273 K and 101.325 kPa."""
    return number("101.325") / (ba + ps) * (273 + ts) / 273


def to_dry(xsw):
    return 1 / (1 - xsw / 100)


def to_reference(reference, oxygen):
    return (21 - reference) / (21 - oxygen)


def pollutant(c, p, s, newest):
    names = []
    if "no2" in p:
        names.append("no2")
    if "reference_o2" in c and p.get("converted", True):
        names.append("o2")
    wet = c.get("state", "dry") == "wet"
    actual = c.get("at", "actual") == "actual" and p["unit"] != "ppm"
    if actual:
        names += ["ts", "ps", "ba"]
    if wet:
        names.append("xsw")
    inputs = [s] + [newest.at(tuple(p["no2"]), s.time) if n == "no2" else stack_input(c, n, s, newest) for n in names]

    def formula(first, *others):
        v = dict(zip(names, others))
        mass = number(p.get("mass") or GAS_MASS.get(p["out"], "0"))
        if p.get("nox"):  # as NO2
            if p["unit"] == "ppm":
                value = (first + v.get("no2", 0)) * F(46) / number("22.4")
            else:
                value = first * F(46, 30) + v.get("no2", 0)
        elif p["unit"] == "ppm":
            value = mass / number("22.4") * first
        else:
            value = first
        if actual:
            if v["ba"] + v["ps"] <= 0:
                return None, None
            value *= to_standard(v["ts"], v["ps"], v["ba"])
        if wet:
            if v["xsw"] >= 100:
                return None, None
            value *= to_dry(v["xsw"])
        if "o2" not in v:
            return value, None
        oxygen = v["o2"] * to_dry(v["xsw"]) if wet else v["o2"]
        if oxygen >= 21:
            return value, None
        return value, value * to_reference(number(c["reference_o2"]), oxygen)

    return derived(c, p["out"], s, inputs, formula)


def flow(c, s, newest):
    """Flow of dry gas at standard state, m3/s."""
    inputs = [stack_input(c, n, s, newest) for n in ("ts", "ps", "ba", "xsw")] + [s]

    def formula(ts, ps, ba, xsw, vp):
        if xsw >= 100 or ts <= -273:
            return None, None
        return (number(str(c["area"])) * number(str(c.get("kv", 1))) * vp * 273 / (273 + ts) * (ba + ps) / number("101.325")
                * (1 - xsw / 100)), None

    return derived(c, "a00000", s, inputs, formula)


def water(c, s, newest):
    """With each flow: itself, m3/h to L/s; the totaliser; and the newest of each factor."""
    if [s.source, s.point] != c["flow"]:
        return []
    out = [derived(c, "w00000", s, [s], lambda q: (q * 1000 / 3600, None))]
    for point, where in c["copies"].items():
        out.append(derived(c, point, s, [newest.at(tuple(where), s.time)], None))
    return out


def air(c, s, newest):
    """ppb to ug/m3 and ppm to mg/m3 at 298.15 K and 1013.25 hPa (GB 3095-2012, amendment of 2018); dust as it is."""
    out = [derived(c, g["out"], s, [s], lambda x, g=g: (x * number(AIR_MASS[g["out"]]) / number("24.45"), None))
           for g in c["gases"] if [s.source, s.point] == g["in"]]
    return out + copies(c, s, newest)


def copies(c, s, newest):
    return [derived(c, point, s, [s], None) for point, where in c["copies"].items() if [s.source, s.point] == where]


def wind(c, s, newest):
    """With each direction the speed, as the mean wants both of one time."""
    if [s.source, s.point] != c["direction"]:
        return []
    return [derived(c, "a01008", s, [s], None),
            derived(c, "a01007", s, [newest.at(tuple(c["speed"]), s.time)], None)]


DERIVE = {"stack": stack, "water": water, "air": air, "noise": copies, "wind": wind}


# --- files ------------------------------------------------------------------------

def part(settings, sources):
    """The settings of some sources: no source's figures need another's."""
    return {**settings, "sources": {s: settings["sources"][s] for s in sources},
            "calculations": [c for c in settings["calculations"] if c["source"] in sources]}


def read(file):
    rows = csv.reader(file)
    next(rows)
    return [Sample(r[0], r[1], int(r[2]), int(r[3]), r[4], r[5], r[6], int(r[7])) for r in rows]


def indices(out):
    """The indices of concentrations about all limits."""
    for code, kind in BREAKS:
        for limit in BREAKS[code, kind]:
            for c in (F(limit), F(limit) + F(1, 10), F(limit) * F(3, 2) + F(1, 4), F(limit) * F(7, 8)):
                index = sub_index(code, kind, c)
                out.writerow((code, kind, rounded(c, 4), "" if index is None else index))


FIELDS = ("avg", "min", "max", "zsavg", "zsmin", "zsmax", "cou", "n", "flag", "cause")


def main(args):
    if args == ["--explain"]:
        sys.dont_write_bytecode = True
        from explain import tables
        return tables(sys.stdout)
    if args == ["--indices"]:
        return indices(csv.writer(sys.stdout, lineterminator="\n"))
    only_derived = args[:1] == ["--derived"]
    samples_file, settings_file = args[-2:]
    with open(settings_file) as f:
        settings = json.load(f)
    if args[0] == "--of":
        settings = part(settings, args[1].split(","))
    with open(samples_file, newline="") as f:
        samples = derive(settings, read(f))
    out = csv.writer(sys.stdout, lineterminator="\n")
    if only_derived:
        out.writerow(Sample._fields)
        out.writerows(samples)
        return
    made, late = figures(Site(settings), samples, settings.get("happenings", []))
    out.writerow(("source", "kind", "start", "turn", "point") + FIELDS)
    for key in sorted(made):
        out.writerow(key + tuple(made[key][f] for f in FIELDS))
    print("late: %d" % late, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
