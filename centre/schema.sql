-- The store of the centre. The same text makes it in SQLite and in PostgreSQL.
--
-- All times are UTC milliseconds since 1970. Numbers of readings are kept as the
-- text that the instrument gave. Whoever only looks (dashboards, reports) opens
-- the file read only, and may do so while the centre runs: in SQLite
--     file:centre.db?mode=ro
-- Tables and columns named here stay; new ones may come.

-- One row, so that a later centre knows what it opens.
CREATE TABLE layout (
    version BIGINT NOT NULL -- 1
);
INSERT INTO layout (version) VALUES (1);

-- One row for each chain: one stream of one log (epoch) of one gateway.
CREATE TABLE chain (
    chain      BIGINT NOT NULL PRIMARY KEY,
    gateway    TEXT   NOT NULL,
    stream     TEXT   NOT NULL, -- live, stat, event
    epoch      TEXT   NOT NULL,
    first_seq  BIGINT NOT NULL, -- lowest and highest number stored, 0 = none
    last_seq   BIGINT NOT NULL,
    head       BIGINT NOT NULL, -- up to here nothing is missing but what an eviction names
    head_hash  TEXT   NOT NULL, -- hash of that block, GENESIS where head is 0
    head_boot  TEXT   NOT NULL, -- '' where the head is an evicted block
    head_mono  BIGINT NOT NULL,
    claim      BIGINT NOT NULL, -- highest number that a signed block of another stream names
    claim_hash TEXT   NOT NULL,
    began      BIGINT NOT NULL, -- arrival of the first block
    updated    BIGINT NOT NULL, -- arrival of the newest block
    UNIQUE (gateway, stream, epoch)
);

-- The blocks as they came. message is evidence: signatures and payload, byte for
-- byte; the other columns are read from it and can be made again.
CREATE TABLE block (
    arrival   BIGINT NOT NULL PRIMARY KEY, -- order of arrival, over all gateways
    chain     BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    hash      TEXT   NOT NULL, -- base64url SHA-256 of the payload
    prev      TEXT   NOT NULL, -- hash of the block before, GENESIS for block 1
    boot      TEXT   NOT NULL,
    mono      BIGINT NOT NULL, -- ms since boot at sealing
    t0        BIGINT NOT NULL, -- base time of the block
    clock     TEXT   NOT NULL, -- sync, holdover, unsync, stepped
    config    TEXT   NOT NULL,
    catalogue TEXT   NOT NULL,
    firmware  TEXT   NOT NULL,
    readings  BIGINT NOT NULL, -- number of values in it, missing ones too
    events    BIGINT NOT NULL,
    received  BIGINT NOT NULL,
    message   BYTEA  NOT NULL,
    UNIQUE (chain, seq)
);

-- Starts of a gateway's system, as seen in a chain.
CREATE TABLE life (
    chain     BIGINT NOT NULL,
    boot      TEXT   NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq  BIGINT NOT NULL,
    seen      BIGINT NOT NULL, -- order in which they first showed
    PRIMARY KEY (chain, boot)
);

-- What a gateway deleted before anybody had it, by its own signed word.
CREATE TABLE eviction (
    chain     BIGINT NOT NULL, -- the chain of which blocks went
    from_seq  BIGINT NOT NULL,
    to_seq    BIGINT NOT NULL,
    hash      TEXT   NOT NULL, -- of block to_seq
    readings  BIGINT NOT NULL,
    t0        BIGINT NOT NULL, -- first and last reading that went
    t1        BIGINT NOT NULL,
    event_seq BIGINT NOT NULL, -- block of the event stream of the same epoch
    received  BIGINT NOT NULL,
    PRIMARY KEY (chain, from_seq, to_seq)
);

-- Contradictions under a gateway's own key, with both messages as proof. At most
-- so many in an hour are kept, of each gateway and kind; all are in tally.
CREATE TABLE anomaly (
    chain          BIGINT NOT NULL,
    seq            BIGINT NOT NULL,
    kind           TEXT   NOT NULL, -- fork, rewrite, break, anchor, head, rollback, backwards, clone
    hash           TEXT   NOT NULL, -- of the second message's payload
    gateway        TEXT   NOT NULL,
    text           TEXT   NOT NULL,
    first_message  BYTEA,
    second_message BYTEA,
    received       BIGINT NOT NULL,
    PRIMARY KEY (chain, seq, kind, hash)
);

-- Messages that were no block of their topic. At most so many in an hour are
-- kept, of each gateway and kind, for some days; all are in tally.
CREATE TABLE reject (
    gateway  TEXT   NOT NULL, -- '' = not in the register
    kind     TEXT   NOT NULL, -- unknown, signature, foreign, oversize, garbage
    topic    TEXT   NOT NULL,
    reason   TEXT   NOT NULL,
    size     BIGINT NOT NULL, -- bytes of the whole message
    message  BYTEA  NOT NULL, -- perhaps cut
    received BIGINT NOT NULL
);
CREATE INDEX reject_received ON reject (received);

-- How many of what came: blocks stored, duplicates, and the kinds above.
CREATE TABLE tally (
    gateway TEXT   NOT NULL,
    stream  TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    n       BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (gateway, stream, kind)
);

-- Minute, hour and day figures, one row for each point and period. NULL = could
-- not be had; the flag says why.
CREATE TABLE figure (
    chain   BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    source  TEXT   NOT NULL, -- instrument
    period  TEXT   NOT NULL, -- min, hour, day
    time    BIGINT NOT NULL,
    point   TEXT   NOT NULL,
    gateway TEXT   NOT NULL,
    avg     TEXT,
    min     TEXT,
    max     TEXT,
    cou     TEXT,
    zsavg   TEXT,
    zsmin   TEXT,
    zsmax   TEXT,
    n       TEXT,
    flag    TEXT   NOT NULL,
    cause   TEXT   NOT NULL,
    PRIMARY KEY (chain, seq, source, period, time, point)
);
CREATE INDEX figure_time ON figure (gateway, point, period, time);

-- Live readings, for so many days as live_rows in centre.yaml says; the blocks
-- keep them for ever.
CREATE TABLE reading (
    chain    BIGINT NOT NULL,
    source   TEXT   NOT NULL,
    idx      BIGINT NOT NULL, -- counts up for ever in an epoch and source
    point    TEXT   NOT NULL,
    gateway  TEXT   NOT NULL,
    seq      BIGINT NOT NULL,
    time     BIGINT NOT NULL,
    value    TEXT,            -- NULL = could not be had
    zs       TEXT,            -- converted value; NULL = none, or not computable
    flag     TEXT   NOT NULL,
    cause    TEXT   NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (chain, source, idx, point)
);
CREATE INDEX reading_time ON reading (gateway, point, time);
CREATE INDEX reading_received ON reading (received);

-- Events: starts, stops, configurations, alarms, evictions.
CREATE TABLE event (
    chain   BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    n       BIGINT NOT NULL, -- place in the block, from 0
    gateway TEXT   NOT NULL,
    time    BIGINT NOT NULL,
    type    TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    old     TEXT   NOT NULL,
    new     TEXT   NOT NULL,
    who     TEXT   NOT NULL,
    why     TEXT   NOT NULL,
    PRIMARY KEY (chain, seq, n)
);
CREATE INDEX event_time ON event (gateway, time);
