-- How many hold a seat of each tier: changed together with the member's record, by the statement that checks the cap.
CREATE TABLE seats (
    organization TEXT    NOT NULL,
    tier         TEXT    NOT NULL,
    used         INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (organization, tier)
) STRICT, WITHOUT ROWID;
INSERT INTO seats (organization, tier, used)
SELECT organization, seat_tier, count(*) FROM members WHERE seat_tier IS NOT NULL GROUP BY organization, seat_tier;
DROP INDEX members_seat_tier;

-- A random mark for each change: where history was written anew after a restore, the same number has another mark.
ALTER TABLE changes ADD COLUMN mark TEXT NOT NULL DEFAULT '';
UPDATE changes SET mark = lower(hex(randomblob(8)));
