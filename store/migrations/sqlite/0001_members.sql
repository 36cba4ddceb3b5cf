-- Times are seconds since the Unix epoch. `*_key` columns are lowercased (ASCII) for comparison.

-- Who this database is: a feed position of another one is noticed by it.
CREATE TABLE identity (database TEXT NOT NULL) STRICT;
INSERT INTO identity (database) VALUES (lower(hex(randomblob(16))));

CREATE TABLE members (
    organization  TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    email_key     TEXT    NOT NULL,
    name          TEXT,
    issuer        TEXT,
    subject       TEXT,
    external_id   TEXT,
    role          TEXT    NOT NULL,
    seat_tier     TEXT,
    status        TEXT    NOT NULL CHECK (status IN ('active', 'pending', 'suspended')),
    source        TEXT    NOT NULL CHECK (source IN ('jit', 'manual', 'scim')),
    primary_owner TEXT,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    last_login_at INTEGER,
    PRIMARY KEY (organization, id),
    UNIQUE (organization, email_key),
    CHECK ((issuer IS NULL) = (subject IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX members_identity ON members (organization, issuer, subject) WHERE issuer IS NOT NULL;
CREATE INDEX members_external_id ON members (organization, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX members_primary_owner ON members (organization, primary_owner) WHERE primary_owner IS NOT NULL;
CREATE INDEX members_seat_tier ON members (organization, seat_tier) WHERE seat_tier IS NOT NULL;
CREATE INDEX members_role ON members (organization, role, status, id);
CREATE INDEX members_status ON members (organization, status, id);

-- What is kept about an identity's assertions, member or not.
CREATE TABLE tickets (
    organization TEXT    NOT NULL,
    issuer       TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    last_iat     INTEGER NOT NULL,
    not_before   INTEGER,
    PRIMARY KEY (organization, issuer, subject)
) STRICT, WITHOUT ROWID;

-- The same for those who were removed before they were ever linked.
CREATE TABLE email_blocks (
    organization TEXT    NOT NULL,
    email_key    TEXT    NOT NULL,
    not_before   INTEGER NOT NULL,
    PRIMARY KEY (organization, email_key)
) STRICT, WITHOUT ROWID;

-- Removals by logins in the last hour.
CREATE TABLE removals_by_login (organization TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX removals_by_login_at ON removals_by_login (organization, at);

-- The change feed. AUTOINCREMENT: a position is never given twice, even when the newest row is gone.
CREATE TABLE changes (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    organization TEXT    NOT NULL,
    member       TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('active', 'pending', 'suspended', 'removed')),
    role         TEXT,
    seat_tier    TEXT,
    at           INTEGER NOT NULL
) STRICT;
