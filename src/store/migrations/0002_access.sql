-- Beside who wrote an entry: in which role, with which program, and the trace of the request.
ALTER TABLE entry ADD COLUMN role INTEGER;
ALTER TABLE entry ADD COLUMN client INTEGER;
ALTER TABLE entry ADD COLUMN trace INTEGER;

-- Bearer tokens, as hashes only: whoever reads this file cannot use them. Days and instants are
-- milliseconds since 1970 UTC; one without `expires_at` does not expire.
CREATE TABLE token (
  org        INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  hash       BLOB    NOT NULL UNIQUE,
  actor      TEXT    NOT NULL,
  role       INTEGER NOT NULL,
  made_at    INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  PRIMARY KEY (org, number)
) STRICT, WITHOUT ROWID;

-- Keys that all processes on this file share, to sign what a client hands back later.
CREATE TABLE secret (
  org  INTEGER NOT NULL,
  name TEXT    NOT NULL,
  key  BLOB    NOT NULL,
  PRIMARY KEY (org, name)
) STRICT, WITHOUT ROWID;
