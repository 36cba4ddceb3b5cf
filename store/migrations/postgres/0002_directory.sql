-- Directories: one for each parent. `*_key` columns are folded for comparison without case.

-- The next place in a directory; places are given in order and never twice.
CREATE TABLE directories (
    parent     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    next_place BIGINT NOT NULL
);

CREATE TABLE directory_users (
    parent           TEXT COLLATE "C" NOT NULL,
    id               TEXT COLLATE "C" NOT NULL,
    place            BIGINT NOT NULL,
    user_name_key    TEXT COLLATE "C" NOT NULL,
    display_name_key TEXT COLLATE "C",
    external_id      TEXT COLLATE "C",
    -- What the provider said, as JSON without id, meta, schemas and groups.
    document         TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    PRIMARY KEY (parent, id),
    UNIQUE (parent, place),
    UNIQUE (parent, user_name_key)
);

CREATE INDEX directory_users_display_name ON directory_users (parent, display_name_key, place);
CREATE INDEX directory_users_external_id ON directory_users (parent, external_id, place);

CREATE TABLE directory_emails (
    parent    TEXT COLLATE "C" NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    user_id   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (parent, email_key, user_id)
);

CREATE INDEX directory_emails_user ON directory_emails (parent, user_id);

CREATE TABLE directory_groups (
    parent           TEXT COLLATE "C" NOT NULL,
    id               TEXT COLLATE "C" NOT NULL,
    place            BIGINT NOT NULL,
    display_name     TEXT COLLATE "C" NOT NULL,
    display_name_key TEXT COLLATE "C" NOT NULL,
    external_id      TEXT COLLATE "C",
    document         TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    members          BIGINT NOT NULL CHECK (members >= 0),
    PRIMARY KEY (parent, id),
    UNIQUE (parent, place),
    UNIQUE (parent, display_name_key)
);

CREATE INDEX directory_groups_external_id ON directory_groups (parent, external_id, place);

CREATE TABLE directory_group_members (
    parent   TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    user_id  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (parent, group_id, user_id)
);

CREATE INDEX directory_group_members_user ON directory_group_members (parent, user_id, group_id);

-- How many resources there are in each thousand of places: a page of a list is found without counting from the first.
CREATE TABLE directory_blocks (
    parent    TEXT COLLATE "C" NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    block     BIGINT NOT NULL,
    resources BIGINT NOT NULL CHECK (resources >= 0),
    PRIMARY KEY (parent, kind, block)
);
