-- Of a long audit, what happened since a moment, or in one parent, is found without reading what was before.
CREATE INDEX audit_at ON audit (at, position);
CREATE INDEX audit_parent ON audit (parent, position);
