-- The policy that a replica put in force last: only replicas with the same reconcile.
CREATE TABLE policy_in_force (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    digest TEXT    COLLATE "C" NOT NULL,
    at     BIGINT  NOT NULL
);

-- Who reconciles a parent's memberships, and until when that holds if nothing more is heard of them.
CREATE TABLE syncs (
    parent TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    holder TEXT   COLLATE "C" NOT NULL,
    until  BIGINT NOT NULL
);
