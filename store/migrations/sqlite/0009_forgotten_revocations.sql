-- The newest `not_before` of the tickets that were forgotten, where one had any: whoever has no ticket may have been revoked so lately.
ALTER TABLE forgotten_tickets ADD COLUMN not_before INTEGER;
