#!/usr/bin/env python3
"""A day of a simulated site, always the same for a seed: samples.csv and settings.json
in the folder that is named. See figures.py for their form.

    day.py FOLDER [SEED]

Stack, water and ambient air speak each 5 s and noise each second. In the day there are
gaps, calibrations, maintenance, faults with a value and without one, over-range,
oxygen of 21 % and more, a totaliser that rolls over, an analyser that speaks once an
hour, values that come late, times in which the gateway was off, and a clock that is
set forward and back.
"""

import csv
import json
import os
import random
import sys

S, M, H = 1000, 60_000, 3_600_000
MIDNIGHT = 1_773_504_000_000  # 2026-03-15 00:00 at +08:00


def hm(h, m=0, s=0):
    return MIDNIGHT + h * H + m * M + s * S


# By the hours that really passed; what the clock of the site said then is `shown`.
OFF = [(hm(5, 20, 30), hm(5, 32, 10)), (hm(11, 11, 11), hm(11, 11, 31)), (hm(17, 59, 50), hm(18, 3, 20)),
       (hm(23, 31, 20), hm(23, 34, 5))]
STEPS = [(hm(14, 20, 10), 90 * S), (hm(20, 20, 25), -40 * M)]
END = hm(24, 45)


def off(t):
    return any(start <= t < end for start, end in OFF)


def shown(t):
    """What the site's clock says when t has really come."""
    return t + sum(by for at, by in STEPS if t >= at)


class Wander:
    """A value that drifts about its middle, as text with so many decimals."""

    def __init__(self, rnd, middle, spread, places):
        self.rnd, self.middle, self.spread, self.places, self.at = rnd, middle, spread, places, 0.0

    def next(self):
        self.at = 0.98 * self.at + 0.2 * self.rnd.uniform(-1, 1)
        return "%.*f" % (self.places, self.middle + self.spread * self.at)


class Instrument:
    def __init__(self, rnd, source, interval, phase, points):
        self.rnd, self.source, self.interval, self.phase = rnd, source, interval, phase
        self.points = {p: Wander(rnd, *w) if isinstance(w, tuple) else w for p, w in points.items()}
        self.troubles = []  # (from, to, what): a flag, "gap", "none" (no value, D), or (point, text, flag)

    def trouble(self, start, end, what):
        self.troubles.append((start, end, what))

    def times(self):
        return range(MIDNIGHT + self.phase, END, self.interval)

    def reading(self, t):
        """[(point, text, flag)] of a moment, [] in a gap."""
        values = {p: [w.next(), "N"] for p, w in self.points.items()}
        for start, end, what in self.troubles:
            if not start <= t < end:
                continue
            if what == "gap":
                return []
            if isinstance(what, tuple):
                point, text, flag = what
                values[point] = [values[point][0] if text is None else text, flag]
            else:
                for v in values.values():
                    v[0], v[1] = ("", "D") if what == "none" else (v[0], what)
        return [(p, text, flag) for p, (text, flag) in values.items()]


class Totaliser:
    """m3 since it was mounted; it rolls over at a million."""

    def __init__(self, flow):
        self.flow, self.at = flow, 999_950.0

    def next(self):
        self.at = (self.at + (self.flow.middle + self.flow.spread * self.flow.at) * 5 / 3600) % 1_000_000
        return "%.3f" % self.at


def site(rnd):
    flue = Instrument(rnd, "flue", 5 * S, 0, {
        "a01012": (128, 6, 1), "a01013": (-0.62, 0.15, 3), "a01014": (7.8, 0.6, 1), "a01011": (9.4, 1.1, 2)})
    gas = Instrument(rnd, "gas", 5 * S, 300, {
        "a19001": (8.3, 1.2, 2), "a21026": (14.2, 4, 1), "a21003": (38.5, 7, 1), "a21004": (2.1, 0.5, 1), "a34013": (6.4, 2.2, 2)})
    gas.trouble(hm(3, 0), hm(3, 12), "C")
    gas.trouble(hm(9, 10), hm(9, 52), "M")
    gas.trouble(hm(10, 30), hm(10, 34), ("a21026", None, "D"))
    gas.trouble(hm(10, 40, 20), hm(10, 40, 37), ("a21026", "", "D"))
    gas.trouble(hm(12, 3, 3), hm(12, 6), ("a21003", "200.0", "T"))
    gas.trouble(hm(13, 0), hm(13, 15), ("a19001", "21.00", "N"))
    gas.trouble(hm(13, 20, 8), hm(13, 20, 40), ("a19001", "21.36", "N"))
    gas.trouble(hm(15, 5), hm(15, 25), "none")
    flue.trouble(hm(6, 30), hm(6, 37), ("a01014", None, "M"))
    flue.trouble(hm(7, 40), hm(7, 41, 30), "gap")
    well = Instrument(rnd, "well", 5 * S, 700, {
        "w00000": (86.4, 12, 2), "w21003": (1.8, 0.4, 3), "w01001": (7.3, 0.2, 2)})
    well.points["w00000"].spread = 12
    well.points["total"] = Totaliser(well.points["w00000"])
    well.trouble(hm(2, 14, 31), hm(2, 14, 34), ("w21003", None, "D"))
    well.trouble(hm(8, 0), hm(8, 9), ("w21003", None, "C"))
    well.trouble(hm(16, 30), hm(16, 33), "gap")
    well.trouble(hm(19, 2), hm(19, 8), ("w00000", "0.00", "N"))
    cod = Instrument(rnd, "cod", H, 7 * M + 13 * S, {"w01018": (31, 6, 1)})
    cod.trouble(hm(4), hm(5), "M")
    air = Instrument(rnd, "air", 5 * S, 1100, {
        "a05024": (41, 14, 1), "a21004": (18, 5, 1), "a21005": (0.62, 0.2, 3), "a34004": (34, 12, 0),
        "a01007": (1.6, 0.9, 1), "a01008": (350, 30, 0)})
    air.trouble(hm(1, 10), hm(1, 28), ("a34004", "", "D"))
    air.trouble(hm(21, 3), hm(21, 4), ("a01007", "0.0", "N"))
    noise = Instrument(rnd, "noise", S, 0, {"LA": (52, 9, 1)})
    noise.trouble(hm(22, 5), hm(22, 22), "gap")
    every = [flue, gas, well, cod, air, noise]
    for i in every:  # short gaps, some of which leave three quarters of a minute
        for _ in range({cod: 0, well: 4}.get(i, 25)):
            t = rnd.randrange(MIDNIGHT, END)
            i.trouble(t, t + rnd.choice([6, 11, 16, 21, 40]) * S, "gap")
    return every


def bound(point, text):
    """Readings as an instrument gives them: 0 to under 360 degrees, no wind below 0."""
    if not text:
        return text
    if point == "a01008":
        return str(int(text) % 360)
    if point in ("a01007", "a34013", "a34004", "w00000") and text.startswith("-"):
        return text.replace("-", "")
    return text


def samples(rnd):
    """Rows in the order in which they really came."""
    came = []
    for n, i in enumerate(site(rnd)):
        for t in i.times():
            reading = i.reading(t)
            if off(t):
                continue
            late = 4 * M + 50 if S < i.interval < H and rnd.randrange(401) == 400 else 0
            at = t + 150 + late
            if off(at):
                continue
            time, arrival = shown(t), shown(at)
            for k, (point, text, flag) in enumerate(reading):
                came.append((at, n, k, [i.source, point, time, i.interval, bound(point, text), "", flag, arrival]))
    came.sort()
    return [c[3] for c in came]


SETTINGS = {
    "minute": 1, "hour_minutes": 45, "day_hours": 20, "grace": 0,
    "calculations": [
        {"kind": "stack", "source": "stack", "devices": ["gas", "flue"], "o2": ["gas", "a19001"], "ts": ["flue", "a01012"],
         "ps": ["flue", "a01013"], "xsw": ["flue", "a01014"], "velocity": ["flue", "a01011"], "ba": "100.8", "area": "4.91",
         "kv": "0.84", "reference_o2": "6", "state": "wet", "at": "actual",
         "pollutants": [
             {"out": "a21026", "in": ["gas", "a21026"], "unit": "ppm"},
             {"out": "a21003", "in": ["gas", "a21003"], "unit": "ppm"},
             {"out": "a21004", "in": ["gas", "a21004"], "unit": "ppm"},
             {"out": "a21002", "in": ["gas", "a21003"], "no2": ["gas", "a21004"], "unit": "ppm", "nox": True},
             {"out": "a34013", "in": ["gas", "a34013"], "unit": "mg/m3"}]},
        {"kind": "water", "source": "outlet", "devices": ["well"], "flow": ["well", "w00000"], "copies": {
            "total": ["well", "total"], "w21003": ["well", "w21003"], "w01001": ["well", "w01001"],
            "w01018": ["cod", "w01018"]}},
        {"kind": "air", "source": "station", "devices": ["air"], "copies": {"a34004": ["air", "a34004"]}, "gases": [
            {"out": "a05024", "in": ["air", "a05024"]}, {"out": "a21004", "in": ["air", "a21004"]},
            {"out": "a21005", "in": ["air", "a21005"]}]},
        {"kind": "wind", "source": "mast", "devices": ["air"], "direction": ["air", "a01008"], "speed": ["air", "a01007"]},
        {"kind": "noise", "source": "street", "devices": ["noise"], "copies": {"LA": ["noise", "LA"]}},
    ],
    "sources": {
        "stack": {"points": {
            "a00000": {"cou": "flow-rate"},
            **{code: {"cou": "load-gas", "flow": "a00000"} for code in ("a21026", "a21003", "a21004", "a21002", "a34013")}}},
        "outlet": {"rule": "any", "points": {
            "w00000": {"cou": "flow-water", "total": "total", "modulus": "1000000"},
            "total": {"mean": "last"},
            "w21003": {"mean": "flow-weighted", "cou": "load-water", "flow": "w00000"},
            "w01018": {"mean": "flow-weighted", "cou": "load-water", "flow": "w00000"}}},
        "cod": {"rule": "any"},
        "station": {"ozone8h": "a05024"},
        "mast": {"points": {"a01008": {"mean": "vector", "speed": "a01007"}}},
        "street": {"points": {"LA": {"mean": "energy"}}, "noise": {"point": "LA", "night": "22:00-06:00"}},
    },
    "happenings": [h for _, h in sorted(
        [(at, {"what": "clock", "at": shown(at - 1) + 1, "by": by}) for at, by in STEPS]
        + [(start, {"what": "restart", "from": shown(start), "to": shown(end)}) for start, end in OFF], key=lambda h: h[0])],
}


def main(folder, seed="1"):
    with open(os.path.join(folder, "samples.csv"), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(("source", "point", "time", "interval", "text", "zs", "flag", "arrival"))
        out.writerows(samples(random.Random(int(seed))))
    with open(os.path.join(folder, "settings.json"), "w") as f:
        json.dump(SETTINGS, f, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
