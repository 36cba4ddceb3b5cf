-- The newest `last_iat` of the tickets that were forgotten, by organization: whoever has no ticket may have had one so new.
CREATE TABLE forgotten_tickets (
    organization TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    last_iat     BIGINT NOT NULL
);
