-- Whether the command at a position may be undone, by the raw log, after counting.sql: nothing, or the
-- code it is refused with. asked.change is the position.

CREATE TEMP TABLE span AS
  SELECT max(first) AS first, (SELECT door FROM entry WHERE first = (SELECT max(e.first) FROM entry e, asked WHERE e.first <= change)) AS door,
    coalesce((SELECT min(e.first) FROM entry e, asked WHERE e.first > change), (SELECT position + 1 FROM head)) AS next
  FROM entry, asked WHERE first <= change;

-- Fields that are changed together count as one; what an undo takes back counts as what that was. A
-- customer (kind 2) that came with a deal stays, so nothing of it is undone.
CREATE TEMP TABLE wrote AS
  SELECT c.seq, c.kind, c.number, CASE WHEN c.field = 36 THEN coalesce((SELECT l.field FROM logged l WHERE l.seq = c.value), 36) ELSE c.field END AS field, 0 AS is_origin
  FROM logged c, span WHERE c.seq >= span.first AND c.seq < span.next AND c.kind <> 2
  UNION ALL SELECT o.seq, 1, o.deal, 0, 1 FROM origin o, span WHERE o.seq >= span.first AND o.seq < span.next;

CREATE TEMP TABLE later AS
  SELECT kind, number, field FROM counting, span WHERE seq >= span.next AND field <> 36 AND field < 500;

CREATE TEMP TABLE figures AS
SELECT '/refused', CASE
  WHEN door = 3 THEN 'invalid_argument'
  WHEN NOT EXISTS (SELECT 1 FROM wrote, undone WHERE instr(undone.seqs, ',' || wrote.seq || ',') = 0) THEN 'already_undone'
  WHEN EXISTS (SELECT 1 FROM wrote w JOIN later l USING (kind, number) WHERE w.is_origin
    OR CASE WHEN w.field IN (8, 9, 10, 11, 12, 13, 14) THEN 9 ELSE w.field END = CASE WHEN l.field IN (8, 9, 10, 11, 12, 13, 14) THEN 9 ELSE l.field END) THEN 'built_upon' END
FROM span;
