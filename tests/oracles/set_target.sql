-- The target of some months by the raw log, after counting.sql: changes of kind 5, whose number is that
-- of the text "month|csm|type" ('-' for none), field 31 the amount. month (place, day) are the months
-- asked about, scope (csm, type) whose target, asked.earlier the position before the last command.

CREATE TEMP TABLE whose AS
  SELECT (SELECT c.number FROM counting c JOIN text t ON t.org = c.org AND t.number = c.value
    WHERE c.kind = 3 AND c.field = 26 AND t.text = scope.csm) AS csm, type FROM scope;

CREATE TEMP TABLE said AS
WITH keyed AS (
  SELECT c.at, c.seq, c.value AS amount, CAST(t.text AS INTEGER) AS month, substr(t.text, instr(t.text, '|') + 1) AS rest
  FROM counting c JOIN text t ON t.org = c.org AND t.number = c.number WHERE c.kind = 5 AND c.field = 31)
SELECT at, seq, amount, month, CAST(nullif(substr(rest, 1, instr(rest, '|') - 1), '-') AS INTEGER) AS csm,
  CAST(nullif(substr(rest, instr(rest, '|') + 1), '-') AS INTEGER) AS type FROM keyed;

-- The one that was true last, of several the one recorded last; and the same without the last command.
CREATE TEMP TABLE target AS
  SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY month, csm, type ORDER BY at DESC, seq DESC) AS age FROM said) WHERE age = 1;
CREATE TEMP TABLE before AS
  SELECT * FROM (SELECT said.*, row_number() OVER (PARTITION BY month, csm, type ORDER BY at DESC, seq DESC) AS age
    FROM said, asked WHERE seq <= earlier) WHERE age = 1;

CREATE TEMP TABLE own AS
  SELECT m.place, m.day,
    (SELECT amount FROM target t, whose w WHERE t.month = m.day AND t.csm IS w.csm AND t.type IS w.type) AS amount,
    (SELECT amount FROM before t, whose w WHERE t.month = m.day AND t.csm IS w.csm AND t.type IS w.type) AS was
  FROM month m;

-- Without any target of the organisation, the sum of the CSMs who have one for every month.
CREATE TEMP TABLE whole_csm AS
  SELECT csm FROM target JOIN month ON month.day = target.month WHERE csm IS NOT NULL AND type IS NULL
  GROUP BY csm HAVING count(*) = (SELECT count(*) FROM month);
CREATE TEMP TABLE falls_back AS
  SELECT csm IS NULL AND type IS NULL AND NOT EXISTS (SELECT 1 FROM target t WHERE t.csm IS NULL AND t.type IS NULL)
    AND EXISTS (SELECT 1 FROM whole_csm) AS does FROM whose;

CREATE TEMP TABLE monthly AS
  SELECT place, CASE WHEN does THEN
      (SELECT sum(amount) FROM target t WHERE t.month = own.day AND t.type IS NULL AND t.csm IN (SELECT csm FROM whole_csm))
    ELSE amount END AS amount FROM own, falls_back;

CREATE TEMP TABLE figures AS
SELECT '/forecast/target', CASE WHEN count(amount) = count(*) THEN sum(amount) / 100.0 END FROM monthly
UNION ALL SELECT '/forecast/by_month/' || place || '/target', amount / 100.0 FROM monthly
UNION ALL SELECT '/forecast/reasons/target', CASE WHEN count(amount) = 0 THEN 'no_target' WHEN count(amount) < count(*) THEN 'incomplete_target' END FROM monthly
UNION ALL SELECT '/set/months#', CASE WHEN is_set THEN (SELECT count(*) FROM month) END FROM asked
UNION ALL SELECT '/set/months/' || place || '/after', CASE WHEN is_set THEN amount / 100.0 END FROM own, asked
UNION ALL SELECT '/set/months/' || place || '/before', CASE WHEN is_set THEN was / 100.0 END FROM own, asked
UNION ALL SELECT '/set/after', CASE WHEN is_set THEN (SELECT sum(amount) FROM own) / 100.0 END FROM asked
UNION ALL SELECT '/set/before', CASE WHEN is_set AND NOT EXISTS (SELECT 1 FROM own WHERE was IS NULL)
  THEN (SELECT sum(was) FROM own) / 100.0 END FROM asked;
