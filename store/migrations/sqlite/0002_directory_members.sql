-- Whose place in the directory entitles to the membership, and since when a member waits for a seat.
ALTER TABLE members ADD COLUMN directory_user TEXT;
ALTER TABLE members ADD COLUMN pending_since INTEGER;
UPDATE members SET pending_since = updated_at WHERE status = 'pending';

CREATE UNIQUE INDEX members_directory_user ON members (organization, directory_user) WHERE directory_user IS NOT NULL;
CREATE INDEX members_pending ON members (organization, pending_since, id) WHERE status = 'pending';
