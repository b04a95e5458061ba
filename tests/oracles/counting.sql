-- What the raw log says counts: asked (position, before) cuts it, by place and by instant. An undo is a
-- change of field 36 whose value is the position it takes back. Only a later one can take one back, so
-- they are gone through from the last: one that is itself taken back takes nothing back.

CREATE TEMP TABLE logged AS
  SELECT c.* FROM change c, asked WHERE c.seq <= asked.position AND c.at < asked.before;

CREATE TEMP TABLE undo AS
  SELECT row_number() OVER (ORDER BY seq DESC) AS place, seq, value AS target FROM logged WHERE field = 36;

CREATE TEMP TABLE undone AS
WITH RECURSIVE walk (place, seqs) AS (
  SELECT 0, ','
  UNION ALL
  SELECT u.place, CASE WHEN instr(w.seqs, ',' || u.seq || ',') > 0 THEN w.seqs ELSE w.seqs || u.target || ',' END
  FROM walk w JOIN undo u ON u.place = w.place + 1)
SELECT seqs FROM walk ORDER BY place DESC LIMIT 1;

CREATE TEMP TABLE counting AS
  SELECT logged.* FROM logged, undone WHERE instr(undone.seqs, ',' || logged.seq || ',') = 0;

CREATE TEMP TABLE there AS
  SELECT o.*, t.text AS name_of FROM origin o JOIN text t ON t.org = o.org AND t.number = o.id, asked, undone
  WHERE o.seq <= asked.position AND o.at < asked.before AND instr(undone.seqs, ',' || o.seq || ',') = 0;
