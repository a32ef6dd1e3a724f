-- What status, export, import, purge and revoke need. Words and times are as in the first layout.

ALTER TABLE records ADD COLUMN already INTEGER NOT NULL DEFAULT 0; -- 1: the vendor said that it had invited this person before

ALTER TABLE runs ADD COLUMN command TEXT NOT NULL DEFAULT 'run';
ALTER TABLE runs ADD COLUMN who TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN cause TEXT NOT NULL DEFAULT ''; -- the first of the reasons
ALTER TABLE runs ADD COLUMN closed TEXT NOT NULL DEFAULT '{}'; -- JSON, why it called for some assessments no more
ALTER TABLE runs ADD COLUMN died INTEGER NOT NULL DEFAULT 0; -- 1: a later holder of the lock found it without an end

CREATE INDEX runs_account ON runs (account);

-- The last revocation of a record, or the mark that one is about to be sent. The record itself stays invited until the
-- vendor says otherwise.
CREATE TABLE revocations (
    account    INTEGER NOT NULL,
    assessment INTEGER NOT NULL,
    email      TEXT NOT NULL,
    campaign   INTEGER NOT NULL,
    format     INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    prior      INTEGER NOT NULL,
    fence      INTEGER NOT NULL, -- rises with every claim
    run        INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL,
    error      TEXT NOT NULL DEFAULT '',
    at         INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, assessment, email, campaign, format)
) STRICT, WITHOUT ROWID;

CREATE INDEX revocations_open ON revocations (run) WHERE state = 1;

-- The secret behind the digests that stand where a purged record's address was. One row, made by the first purge. Somebody
-- who has the file can try addresses, and nobody who has only a digest can.
CREATE TABLE digest (
    key BLOB NOT NULL
) STRICT;
