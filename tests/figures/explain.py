"""The tables of docs/figures.md: for one hour of each medium the way from samples to figures."""

import datetime
import random

import day
import figures as fg
from figures import F


def clock_text(t):
    at = datetime.datetime.fromtimestamp(t / 1000, datetime.timezone(datetime.timedelta(hours=8)))
    return at.strftime("%H:%M:%S") + (".%d" % (at.microsecond // 100_000) if at.microsecond else "")


class Hour:
    """The samples of some devices around an hour, and what is made of them."""

    def __init__(self, rows, hour, source):
        start = day.hm(hour)
        near = [r for r in rows if start - 70 * fg.MINUTE <= r[2] < start + fg.HOUR + 600_000]
        settings = fg.part(day.SETTINGS, [source])
        samples = fg.derive(settings, [fg.Sample(*r) for r in near])
        self.start, self.source = start, source
        self.samples = [s for s in samples if start <= s.time < start + fg.HOUR]
        self.site = fg.Site(settings)
        self.made, _ = fg.figures(self.site, samples)

    def first(self, source, point):
        return next(s for s in self.samples if (s.source, s.point) == (source, point))

    def figure(self, kind, point, start=None):
        return self.made[self.source, kind, self.start if start is None else start, 0, point]

    def minutes(self, point):
        return [(k[2], f) for k, f in sorted(self.made.items())
                if k[0] == self.source and k[1] == "min" and k[4] == point and self.start <= k[2] < self.start + fg.HOUR]


def row(out, *cells):
    out.write("| " + " | ".join(str(c) for c in cells) + " |\n")


def head(out, *cells):
    row(out, *cells)
    out.write("|" + "---|" * len(cells) + "\n")


def minute_rows(out, hour, points, starts, columns):
    head(out, "minute", "point", *columns)
    for t in starts:
        for p in points:
            f = hour.figure("min", p, t)
            row(out, clock_text(t)[:5], p, *(f[c] for c in columns))


def hour_rows(out, hour, points, columns):
    head(out, "hour", "point", "good minutes", *columns)
    for p in points:
        f = hour.figure("hour", p)
        good = sum(1 for _, m in hour.minutes(p) if m["flag"] == "N")
        row(out, clock_text(hour.start)[:5], p, good, *(f[c] for c in columns))


def sent(out, hour, points, extra=("cou", "min", "avg", "max")):
    """The data area of the hour's upload (CN=2061)."""
    names = {"cou": "Cou", "min": "Min", "avg": "Avg", "max": "Max", "zsmin": "ZsMin", "zsavg": "ZsAvg", "zsmax": "ZsMax"}
    at = datetime.datetime.fromtimestamp(hour.start / 1000, datetime.timezone(datetime.timedelta(hours=8)))
    parts = ["DataTime=" + at.strftime("%Y%m%d%H%M%S")]
    for p in points:
        f = hour.figure("hour", p)
        parts.append(",".join(["%s-%s=%s" % (p, names[c], f[c]) for c in extra if f[c]] + ["%s-Flag=%s" % (p, f["flag"])]))
    out.write("\n```text\n" + ";\n".join(parts) + "\n```\n")


def stack(out, rows):
    h = Hour(rows, 10, "stack")
    s = h.first("gas", "a21026")
    at = lambda source, point: fg.number(next(
        x for x in reversed(h.samples) if (x.source, x.point) == (source, point) and x.time <= s.time).text)
    ppm, o2 = fg.number(s.text), at("gas", "a19001")
    ts, ps, xsw, ba = at("flue", "a01012"), at("flue", "a01013"), at("flue", "a01014"), F("100.8")
    standard = F("64.06") / F("22.4") * ppm
    dry, o2dry = standard * fg.to_dry(xsw), o2 * fg.to_dry(xsw)
    zs = dry * fg.to_reference(F(6), o2dry)
    vp = at("flue", "a01011")
    flow = F("4.91") * F("0.84") * vp * 273 / (273 + ts) * (ba + ps) / F("101.325") * (1 - xsw / 100)
    show = lambda x, n=6: fg.rounded(x, n)
    plain = lambda x: str(float(x))
    head(out, "step", "formula", "with the numbers of " + clock_text(s.time), "result")
    row(out, "ppm to mg/m3", "M/22.4 × C", "64.06/22.4 × " + s.text, show(standard))
    row(out, "dry gas (标干)", "C/(1−Xsw/100)", show(standard) + "/(1−" + plain(xsw) + "/100)", show(dry))
    row(out, "dry oxygen", "O2/(1−Xsw/100)", plain(o2) + "/(1−" + plain(xsw) + "/100)", show(o2dry))
    row(out, "converted (折算)", "C×(21−6)/(21−O2)", show(dry) + "×15/(21−" + show(o2dry) + ")", show(zs))
    row(out, "dry flow (标干流量)", "F×Kv×Vp×273/(273+ts)×(Ba+Ps)/101.325×(1−Xsw/100)",
        "4.91×0.84×%s×273/(273+%s)×(100.8%+.3f)/101.325×(1−%s/100)" % (plain(vp), plain(ts), float(ps), plain(xsw)), show(flow))
    d = h.first("stack", "a21026")
    q = next(x for x in h.samples if (x.source, x.point) == ("stack", "a00000"))
    out.write("\nSealed: a21026 text %s, zs %s, flag %s; a00000 text %s. Steps are shown with six decimals; nothing is rounded between them.\n\n" % (d.text, d.zs, d.flag, q.text))
    minute_rows(out, h, ["a21026", "a00000"], [h.start, h.start + 31 * fg.MINUTE], ["avg", "zsavg", "cou", "n", "flag", "cause"])
    out.write("\n")
    hour_rows(out, h, ["a21026", "a00000"], ["avg", "min", "max", "zsavg", "cou", "n", "flag"])
    f, q = h.figure("hour", "a21026"), h.figure("hour", "a00000")
    out.write("\nEmission of the hour: %s mg/m3 × %s m3/s × 3600 s × 1e-6 = %s kg.\n" % (f["avg"], q["avg"], f["cou"]))
    sent(out, h, ["a21026", "a00000"], ("cou", "min", "avg", "max", "zsmin", "zsavg", "zsmax"))


def water(out, rows):
    h = Hour(rows, 9, "outlet")
    raw, q = h.first("well", "w00000"), h.first("outlet", "w00000")
    out.write("Flow: %s m3/h × 1000/3600 = %s L/s.\n\n" % (raw.text, q.text))
    head(out, "time", "q, L/s", "NH3-N, mg/L", "q×5 s/1000, m3", "×C/1000, kg")
    t0 = h.start
    flows = [s for s in h.samples if (s.source, s.point) == ("outlet", "w00000") and s.time < t0 + fg.MINUTE]
    volume = load = 0
    for s in flows:
        c = next(x for x in h.samples if (x.source, x.point, x.time) == ("outlet", "w21003", s.time))
        d = fg.number(s.text) * 5 / 1000
        volume, load = volume + d, load + d * fg.number(c.text) / 1000
        row(out, clock_text(s.time), s.text, c.text, fg.rounded(d, 6), fg.rounded(d * fg.number(c.text) / 1000, 9))
    row(out, "sum", "", "", fg.rounded(volume, 6), fg.rounded(load, 9))
    f = h.figure("min", "w21003", t0)
    out.write("\nMean of the minute: 1000 × %s / %s = %s mg/L.\n\n" % (fg.rounded(load, 9), fg.rounded(volume, 6), f["avg"]))
    minute_rows(out, h, ["w00000", "w21003"], [t0, t0 + fg.MINUTE], ["avg", "cou", "n", "flag", "cause"])
    out.write("\n")
    hour_rows(out, h, ["w00000", "w21003", "w01018"], ["avg", "min", "max", "cou", "n", "flag", "cause"])
    sent(out, h, ["w00000", "w21003", "w01018"])


def air(out, rows):
    h = Hour(rows, 13, "station")
    head(out, "gas", "formula", "numbers", "result")
    for code, raw_unit, mass in (("a05024", "ppb", "48.00"), ("a21004", "ppb", "46.01"), ("a21005", "ppm", "28.01")):
        raw, d = h.first("air", code), h.first("station", code)
        row(out, code + " " + raw_unit, "C × M/24.45", "%s × %s/24.45" % (raw.text, mass), d.text)
    out.write("\n")
    minute_rows(out, h, ["a05024"], [h.start, h.start + fg.MINUTE], ["avg", "min", "max", "n", "flag"])
    out.write("\n")
    hour_rows(out, h, ["a05024", "a21004", "a21005"], ["avg", "min", "max", "n", "flag"])
    out.write("\n")
    head(out, "IAQI of the hour (HJ 633-2012)", "concentration", "index")
    for code in ("a05024", "a21004", "a21005"):
        c = h.figure("hour", code)["avg"]
        row(out, code, c, fg.sub_index(code, "hour", fg.number(c)))
    sent(out, h, ["a05024", "a21004", "a21005"], ("min", "avg", "max"))


def noise(out, rows):
    h = Hour(rows, 22, "street")
    m = [s for s in h.samples if (s.source, s.point) == ("street", "LA") and s.time < h.start + 60_000]
    out.write("First values of the minute: %s … (%d values).\n\n" % (", ".join(s.text for s in m[:6]), len(m)))
    columns = ["avg", "n", "flag", "cause"]
    minute_rows(out, h, ["LA", "L10", "L50", "L90"], [h.start], columns)
    out.write("\n")
    hour_rows(out, h, ["LA"], ["avg", "min", "max", "n", "flag", "cause"])
    out.write("\n")
    head(out, "hour", "Leq", "L5", "L10", "L50", "L90", "L95", "LMx", "LMn")
    row(out, clock_text(h.start)[:5], *(h.figure("hour", p)["avg"] for p in ("Leq", "L5", "L10", "L50", "L90", "L95", "LMx", "LMn")))
    sent(out, h, ["Leq", "L10", "L50", "L90"], ("avg",))


def tables(out):
    rows = day.samples(random.Random(1))
    for name, table in (("stack", stack), ("water", water), ("air", air), ("noise", noise)):
        out.write("<!-- %s -->\n" % name)
        table(out, rows)
        out.write("<!-- end -->\n")
