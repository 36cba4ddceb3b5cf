-- Times are seconds since the Unix epoch. `*_key` columns are lowercased (ASCII) for comparison.
-- COLLATE "C": the order of bytes, which no update of the system's locales changes under an index.

CREATE TABLE members (
    organization  TEXT   COLLATE "C" NOT NULL,
    id            TEXT   COLLATE "C" NOT NULL,
    email         TEXT   COLLATE "C" NOT NULL,
    email_key     TEXT   COLLATE "C" NOT NULL,
    name          TEXT   COLLATE "C",
    issuer        TEXT   COLLATE "C",
    subject       TEXT   COLLATE "C",
    external_id   TEXT   COLLATE "C",
    role          TEXT   COLLATE "C" NOT NULL,
    seat_tier     TEXT   COLLATE "C",
    status        TEXT   COLLATE "C" NOT NULL CHECK (status IN ('active', 'pending', 'suspended')),
    source        TEXT   COLLATE "C" NOT NULL CHECK (source IN ('jit', 'manual', 'scim')),
    primary_owner TEXT   COLLATE "C",
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    last_login_at BIGINT,
    -- Whose place in the directory entitles to the membership, and since when a member waits for a seat.
    directory_user TEXT  COLLATE "C",
    pending_since BIGINT,
    PRIMARY KEY (organization, id),
    UNIQUE (organization, email_key),
    CHECK ((issuer IS NULL) = (subject IS NULL))
);

CREATE UNIQUE INDEX members_identity ON members (organization, issuer, subject) WHERE issuer IS NOT NULL;
CREATE INDEX members_external_id ON members (organization, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX members_directory_user ON members (organization, directory_user) WHERE directory_user IS NOT NULL;
CREATE INDEX members_pending ON members (organization, pending_since, id) WHERE status = 'pending';
CREATE INDEX members_primary_owner ON members (organization, primary_owner) WHERE primary_owner IS NOT NULL;
CREATE INDEX members_role ON members (organization, role, status, id);
CREATE INDEX members_status ON members (organization, status, id);

-- What is kept about an identity's assertions, member or not.
CREATE TABLE tickets (
    organization TEXT   COLLATE "C" NOT NULL,
    issuer       TEXT   COLLATE "C" NOT NULL,
    subject      TEXT   COLLATE "C" NOT NULL,
    last_iat     BIGINT NOT NULL,
    not_before   BIGINT,
    PRIMARY KEY (organization, issuer, subject)
);

-- The same for those who were removed before they were ever linked.
CREATE TABLE email_blocks (
    organization TEXT   COLLATE "C" NOT NULL,
    email_key    TEXT   COLLATE "C" NOT NULL,
    not_before   BIGINT NOT NULL,
    PRIMARY KEY (organization, email_key)
);

-- Removals by logins in the last hour.
CREATE TABLE removals_by_login (organization TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL);
CREATE INDEX removals_by_login_at ON removals_by_login (organization, at);

-- How many hold a seat of each tier: changed together with the member's record, by the statement that checks the cap.
CREATE TABLE seats (
    organization TEXT   COLLATE "C" NOT NULL,
    tier         TEXT   COLLATE "C" NOT NULL,
    used         BIGINT NOT NULL CHECK (used >= 0),
    PRIMARY KEY (organization, tier)
);

-- The change feed. A change's mark is random: where history was written anew after a restore, the same number has another.
CREATE TABLE changes (
    position     BIGINT PRIMARY KEY,
    mark         TEXT   COLLATE "C" NOT NULL,
    organization TEXT   COLLATE "C" NOT NULL,
    member       TEXT   COLLATE "C" NOT NULL,
    status       TEXT   COLLATE "C" NOT NULL CHECK (status IN ('active', 'pending', 'suspended', 'removed')),
    role         TEXT   COLLATE "C",
    seat_tier    TEXT   COLLATE "C",
    at           BIGINT NOT NULL
);

-- The newest position. Who appends locks this row until the commit: positions are given in the order of commits.
CREATE TABLE feed_head (database TEXT COLLATE "C" NOT NULL, position BIGINT NOT NULL, mark TEXT COLLATE "C" NOT NULL);
INSERT INTO feed_head (database, position, mark) VALUES (replace(gen_random_uuid()::text, '-', ''), 0, '0');
