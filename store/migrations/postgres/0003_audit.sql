-- Who changed what, when, why, by which request. Entries are JSON where they show something as it was or became.
CREATE TABLE audit (
    position      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor         TEXT   COLLATE "C" NOT NULL,
    actor_name    TEXT   COLLATE "C" NOT NULL,
    request_id    TEXT   COLLATE "C" NOT NULL,
    parent        TEXT   COLLATE "C",
    organization  TEXT   COLLATE "C",
    member        TEXT   COLLATE "C",
    action        TEXT   COLLATE "C" NOT NULL,
    reason        TEXT   COLLATE "C" NOT NULL,
    notes         TEXT   COLLATE "C" NOT NULL,
    before_change TEXT   COLLATE "C",
    after_change  TEXT   COLLATE "C",
    at            BIGINT NOT NULL
);

CREATE INDEX audit_organization ON audit (organization, position);
CREATE INDEX audit_member ON audit (member, position);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
