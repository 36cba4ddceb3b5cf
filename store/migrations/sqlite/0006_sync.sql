-- The policy that a store put in force last: only a store with the same reconciles.
CREATE TABLE policy_in_force (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    digest TEXT    NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

-- Who reconciles a parent's memberships, and until when that holds if nothing more is heard of them.
CREATE TABLE syncs (
    parent TEXT    NOT NULL PRIMARY KEY,
    holder TEXT    NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
