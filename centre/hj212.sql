-- What came by HJ 212, in tables of their own, made when `hj212:` is first given. The
-- same text makes them in SQLite and in PostgreSQL. Times are UTC milliseconds since
-- 1970; values are kept as the text that came.

-- One row for each value: factor a34002 and kind Avg of a34002-Avg. What has no factor
-- (RestartTime) has factor '', and a factor of which only the flag came has kind ''.
CREATE TABLE IF NOT EXISTS hj212_record (
    mn       TEXT   NOT NULL,
    st       TEXT   NOT NULL,
    cn       TEXT   NOT NULL,
    time     BIGINT NOT NULL, -- DataTime: of a period its start
    factor   TEXT   NOT NULL,
    kind     TEXT   NOT NULL, -- Rtd, Min, Avg, Max, Cou, ZsAvg, ...
    value    TEXT,            -- NULL = the flag alone came
    flag     TEXT   NOT NULL, -- '' = none came
    rf       BIGINT NOT NULL, -- 1 = backfilled (HJ 212-2025, RF)
    qn       TEXT   NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (mn, st, cn, time, factor, kind)
);
CREATE INDEX IF NOT EXISTS hj212_record_time ON hj212_record (mn, cn, time);

-- What came for a row that was there, and says something else. The first stays in
-- hj212_record; each other content stands here once.
CREATE TABLE IF NOT EXISTS hj212_other (
    mn       TEXT   NOT NULL,
    st       TEXT   NOT NULL,
    cn       TEXT   NOT NULL,
    time     BIGINT NOT NULL,
    factor   TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    value    TEXT   NOT NULL, -- '' = the flag alone came
    flag     TEXT   NOT NULL,
    rf       BIGINT NOT NULL,
    qn       TEXT   NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (mn, st, cn, time, factor, kind, value, flag)
);

-- How many messages of what came: stored, again (same QN, same connection), doubled
-- (nothing in it was new), differs, odd (no time in it), notice, denied, bad.
CREATE TABLE IF NOT EXISTS hj212_tally (
    mn      TEXT   NOT NULL, -- '' = of no station
    kind    TEXT   NOT NULL,
    n       BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (mn, kind)
);
