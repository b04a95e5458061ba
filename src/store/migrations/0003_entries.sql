-- How many entries a log has: one that is gone leaves no gap in the positions.
ALTER TABLE head ADD COLUMN entries INTEGER NOT NULL DEFAULT 0;
UPDATE head SET entries = (SELECT count(*) FROM entry WHERE entry.org = head.org);
-- Counted here, so that a process of an older version that is still connected counts them too.
CREATE TRIGGER entry_counted AFTER INSERT ON entry
BEGIN UPDATE head SET entries = entries + 1 WHERE org = NEW.org; END;

-- From this version on `origin.estimate` may be -1: the deal came on record without an estimate.
