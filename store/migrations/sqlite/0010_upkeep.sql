-- When upkeep was last, and when it last found that the clock had leapt ahead, by that clock.
CREATE TABLE upkeep (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    at       INTEGER NOT NULL,
    leapt_at INTEGER
) STRICT;
