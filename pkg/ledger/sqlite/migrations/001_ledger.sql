-- The first layout. Times are Unix milliseconds, 0 for none; seconds where a column says so. Numbers stand for words
-- where a million rows would repeat them:
--   format  1 getlink, 2 sendlink
--   state   1 claimed, 2 unknown, 3 invited, 4 rejected, 5 not_sent, 6 revoked
-- There are no foreign keys: records outlive what purge forgets, and each check would cost every claim a look-up.

CREATE TABLE accounts (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE, -- the base URL's host, /, --account
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE campaigns (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- AUTOINCREMENT: the id of a forgotten run is never given to another one.
CREATE TABLE runs (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    started  INTEGER NOT NULL,
    ended    INTEGER NOT NULL DEFAULT 0,
    host     TEXT NOT NULL,
    pid      INTEGER NOT NULL,
    files    TEXT NOT NULL, -- JSON
    settings TEXT NOT NULL, -- JSON, secrets left out
    reason   TEXT NOT NULL DEFAULT '',
    counts   TEXT NOT NULL DEFAULT '{}' -- JSON
) STRICT;

-- One per key and format. The key begins with what a person is looked up by, so that one range holds all campaigns and
-- formats of that person.
CREATE TABLE records (
    account      INTEGER NOT NULL,
    assessment   INTEGER NOT NULL,
    email        TEXT NOT NULL, -- normalised
    campaign     INTEGER NOT NULL,
    format       INTEGER NOT NULL,
    name         TEXT NOT NULL,
    address      TEXT,          -- as it was sent, NULL if it equals email
    fingerprint  BLOB NOT NULL, -- of what was sent
    state        INTEGER NOT NULL,
    prior        INTEGER NOT NULL, -- the state before this one, 0 for none
    fence        INTEGER NOT NULL, -- rises with every claim
    run          INTEGER NOT NULL,
    claimed_at   INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    file         INTEGER NOT NULL,
    line         INTEGER NOT NULL,
    link         TEXT NOT NULL DEFAULT '',
    candidate_id TEXT NOT NULL DEFAULT '',
    report_id    TEXT NOT NULL DEFAULT '',
    api_status   TEXT NOT NULL DEFAULT '',
    error        TEXT NOT NULL DEFAULT '',
    expires      TEXT NOT NULL DEFAULT '',
    at           INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, assessment, email, campaign, format)
) STRICT, WITHOUT ROWID;

-- Few records are open at any time: recovery and the list of unknown ones must not read a million others.
CREATE INDEX records_open ON records (account, claimed_at) WHERE state IN (1, 2);

-- Requests per second of their answer, or of their claim while there is none.
CREATE TABLE usage (
    account INTEGER NOT NULL,
    second  INTEGER NOT NULL,
    calls   INTEGER NOT NULL,
    PRIMARY KEY (account, second)
) STRICT, WITHOUT ROWID;

-- What people decided about records. It is only ever added to.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    action     TEXT NOT NULL,
    who        TEXT NOT NULL,
    why        TEXT NOT NULL,
    campaign   TEXT NOT NULL,
    assessment INTEGER NOT NULL,
    email      TEXT NOT NULL,
    format     INTEGER NOT NULL,
    state      INTEGER NOT NULL, -- the new one
    link       TEXT NOT NULL
) STRICT;

-- Results files, so that one which somebody changed since is not overwritten.
CREATE TABLE written (
    account INTEGER NOT NULL,
    path    TEXT NOT NULL,
    hash    TEXT NOT NULL,
    run     INTEGER NOT NULL,
    PRIMARY KEY (account, path)
) STRICT, WITHOUT ROWID;
