-- Directories: one for each parent. `*_key` columns are folded for comparison without case.

-- The next place in a directory; places are given in order and never twice.
CREATE TABLE directories (
    parent     TEXT    NOT NULL PRIMARY KEY,
    next_place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE directory_users (
    parent           TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    place            INTEGER NOT NULL,
    user_name_key    TEXT    NOT NULL,
    display_name_key TEXT,
    external_id      TEXT,
    -- What the provider said, as JSON without id, meta, schemas and groups.
    document         TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    PRIMARY KEY (parent, id),
    UNIQUE (parent, place),
    UNIQUE (parent, user_name_key)
) STRICT;

CREATE INDEX directory_users_display_name ON directory_users (parent, display_name_key, place);
CREATE INDEX directory_users_external_id ON directory_users (parent, external_id, place);

CREATE TABLE directory_emails (
    parent    TEXT NOT NULL,
    email_key TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    PRIMARY KEY (parent, email_key, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX directory_emails_user ON directory_emails (parent, user_id);

CREATE TABLE directory_groups (
    parent           TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    place            INTEGER NOT NULL,
    display_name     TEXT    NOT NULL,
    display_name_key TEXT    NOT NULL,
    external_id      TEXT,
    document         TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    members          INTEGER NOT NULL CHECK (members >= 0),
    PRIMARY KEY (parent, id),
    UNIQUE (parent, place),
    UNIQUE (parent, display_name_key)
) STRICT;

CREATE INDEX directory_groups_external_id ON directory_groups (parent, external_id, place);

CREATE TABLE directory_group_members (
    parent   TEXT NOT NULL,
    group_id TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    PRIMARY KEY (parent, group_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX directory_group_members_user ON directory_group_members (parent, user_id, group_id);

-- How many resources there are in each thousand of places: a page of a list is found without counting from the first.
CREATE TABLE directory_blocks (
    parent    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    block     INTEGER NOT NULL,
    resources INTEGER NOT NULL CHECK (resources >= 0),
    PRIMARY KEY (parent, kind, block)
) STRICT, WITHOUT ROWID;
