-- The log of every organisation. Rows are only ever added: the present is the log folded up.
-- Instants are milliseconds since 1970 UTC, days are days since 1970, money is minor units,
-- probabilities are basis points. Every key starts with the organisation.

CREATE TABLE organisation (
  org  INTEGER NOT NULL PRIMARY KEY,
  name TEXT    NOT NULL UNIQUE
) STRICT;

-- The counters of each organisation, updated in the transaction that appends: positions have no gaps.
CREATE TABLE head (
  org      INTEGER NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL,
  texts    INTEGER NOT NULL,
  notes    INTEGER NOT NULL
) STRICT;

CREATE TABLE text (
  org    INTEGER NOT NULL,
  number INTEGER NOT NULL,
  text   TEXT    NOT NULL,
  PRIMARY KEY (org, number)
) STRICT, WITHOUT ROWID;

-- Long free text, read only when asked for.
CREATE TABLE note (
  org    INTEGER NOT NULL,
  number INTEGER NOT NULL,
  text   TEXT    NOT NULL,
  PRIMARY KEY (org, number)
) STRICT;

-- Who changed something, when it was recorded, through which door, and why.
CREATE TABLE entry (
  org         INTEGER NOT NULL,
  first       INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  door        INTEGER NOT NULL,
  actor       INTEGER,
  reason      INTEGER,
  PRIMARY KEY (org, first)
) STRICT, WITHOUT ROWID;

-- How a deal first came on record.
CREATE TABLE origin (
  org            INTEGER NOT NULL,
  deal           INTEGER NOT NULL,
  seq            INTEGER NOT NULL,
  at             INTEGER NOT NULL,
  known_at       INTEGER NOT NULL,
  recorded       INTEGER NOT NULL,
  id             INTEGER NOT NULL,
  name           INTEGER,
  customer       INTEGER,
  kind           INTEGER NOT NULL,
  stage          INTEGER NOT NULL,
  history        INTEGER NOT NULL,
  probability    INTEGER,
  category       INTEGER,
  term_months    INTEGER,
  estimate       INTEGER NOT NULL,
  product_line   INTEGER,
  identified     INTEGER,
  stage_entered  INTEGER,
  expected_close INTEGER,
  csm            INTEGER,
  sales_rep      INTEGER,
  champion       INTEGER,
  source         INTEGER,
  use_case       INTEGER,
  notes          INTEGER,
  currency       INTEGER,
  PRIMARY KEY (org, deal)
) STRICT, WITHOUT ROWID;

-- Every later change: kind and number say what it is about, field and value what was set.
CREATE TABLE change (
  org    INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  kind   INTEGER NOT NULL,
  number INTEGER NOT NULL,
  field  INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  value  INTEGER,
  PRIMARY KEY (org, seq)
) STRICT, WITHOUT ROWID;

-- What was answered to a request that carried an idempotency key, kept with the write it made.
CREATE TABLE request (
  org    INTEGER NOT NULL,
  key    TEXT    NOT NULL,
  hash   TEXT    NOT NULL,
  answer TEXT    NOT NULL,
  PRIMARY KEY (org, key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER text_stays    BEFORE UPDATE ON text    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER text_is_kept  BEFORE DELETE ON text    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER note_stays    BEFORE UPDATE ON note    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER note_is_kept  BEFORE DELETE ON note    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER entry_stays   BEFORE UPDATE ON entry   BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry   BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER origin_stays   BEFORE UPDATE ON origin BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER origin_is_kept BEFORE DELETE ON origin BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER change_stays   BEFORE UPDATE ON change BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER change_is_kept BEFORE DELETE ON change BEGIN SELECT RAISE(ABORT, 'append-only'); END;
