-- Who changed what, when, why, by which request. Entries are JSON where they show something as it was or became.
CREATE TABLE audit (
    position      INTEGER PRIMARY KEY AUTOINCREMENT,
    actor         TEXT    NOT NULL,
    actor_name    TEXT    NOT NULL,
    request_id    TEXT    NOT NULL,
    parent        TEXT,
    organization  TEXT,
    member        TEXT,
    action        TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    notes         TEXT    NOT NULL,
    before_change TEXT,
    after_change  TEXT,
    at            INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_organization ON audit (organization, position);
CREATE INDEX audit_member ON audit (member, position);

CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit BEGIN
    SELECT raise(ABORT, 'the audit is append-only');
END;
