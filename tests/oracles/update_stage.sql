-- What the raw log says after a stage was moved: the open deals it comes to by stage, and the deal
-- that was moved (temp table about). Only origin, change and text are read, each deal folded up by
-- hand: the last change of a field in the order (at, seq) stands, else what it came on record with; a
-- change that another one voids (its value is the position) never was.
-- Fields: 4 estimate, 5 probability, 8 actual close, 9 to 11 stage, 12 closed value, 13 lost reason, 22 currency, 36 void.

CREATE TEMP TABLE figures AS
WITH
default_probability (stage, probability) AS (VALUES (0, 1000), (1, 4000), (2, 6000), (3, 8000), (4, 10000), (5, 0)),
stage_name (stage, name) AS (VALUES (0, 'identified'), (1, 'qualified'), (2, 'proposal'), (3, 'negotiation'), (4, 'closed_won'), (5, 'closed_lost')),
setting AS (
  SELECT n.text AS name, v.text AS value, row_number() OVER (PARTITION BY n.text ORDER BY c.at DESC, c.seq DESC) AS age
  FROM change c JOIN text n ON n.org = c.org AND n.number = c.number JOIN text v ON v.org = c.org AND v.number = c.value WHERE c.kind = 4),
stage AS (
  SELECT d.stage, s.name, coalesce((SELECT CAST(round(replace(value, '%', '') * 100) AS INTEGER) FROM setting
    WHERE age = 1 AND setting.name = 'probability.' || s.name), d.probability) AS probability
  FROM default_probability d JOIN stage_name s USING (stage)),
last AS (
  SELECT number AS deal, CASE WHEN field IN (10, 11) THEN 9 ELSE field END AS field, value,
    row_number() OVER (PARTITION BY number, CASE WHEN field IN (10, 11) THEN 9 ELSE field END ORDER BY at DESC, seq DESC) AS age
  FROM change WHERE kind = 1 AND seq NOT IN (SELECT value FROM change WHERE kind = 1 AND field = 36)),
folded AS (
  SELECT o.deal, t.text AS id,
    coalesce((SELECT value FROM last WHERE last.deal = o.deal AND field = 9 AND age = 1), o.stage) AS stage,
    coalesce((SELECT value FROM last WHERE last.deal = o.deal AND field = 4 AND age = 1), o.estimate) AS estimate,
    CASE WHEN EXISTS (SELECT 1 FROM last WHERE last.deal = o.deal AND field = 5)
      THEN (SELECT value FROM last WHERE last.deal = o.deal AND field = 5 AND age = 1) ELSE o.probability END AS by_hand,
    (SELECT value FROM last WHERE last.deal = o.deal AND field = 12 AND age = 1) AS closed_value,
    (SELECT value FROM last WHERE last.deal = o.deal AND field = 8 AND age = 1) AS closed_on,
    (SELECT r.text FROM last JOIN text r ON r.org = o.org AND r.number = last.value WHERE last.deal = o.deal AND field = 13 AND age = 1) AS reason,
    CASE WHEN EXISTS (SELECT 1 FROM last WHERE last.deal = o.deal AND field = 22)
      THEN (SELECT value FROM last WHERE last.deal = o.deal AND field = 22 AND age = 1) ELSE o.currency END AS currency
  FROM origin o JOIN text t ON t.org = o.org AND t.number = o.id),
-- The rates, in ten-thousandths: the key of one says the currency (a text) and the day.
rate AS (
  SELECT CAST(substr(k.text, 1, instr(k.text, '|') - 1) AS INTEGER) AS currency, CAST(substr(k.text, instr(k.text, '|') + 1) AS INTEGER) AS day,
    CAST(round(v.text * 10000) AS INTEGER) AS rate, row_number() OVER (PARTITION BY c.number ORDER BY c.at DESC, c.seq DESC) AS age
  FROM change c JOIN text k ON k.org = c.org AND k.number = c.number JOIN text v ON v.org = c.org AND v.number = c.value WHERE c.kind = 8),
held AS (
  SELECT f.*, CASE WHEN f.stage = 4 THEN closed_value ELSE estimate END AS value,
    -- Hundredths in one minor unit.
    CASE WHEN (SELECT text FROM text WHERE number = f.currency) = 'JPY' THEN 100 ELSE 1 END AS hundredths,
    (SELECT rate FROM rate WHERE rate.currency = f.currency AND age = 1 AND (f.stage < 4 OR day <= f.closed_on) ORDER BY day DESC LIMIT 1) AS rate
  FROM folded f),
deal AS (
  SELECT f.*, s.name, coalesce(CASE WHEN f.stage < 4 THEN by_hand END, s.probability) AS probability,
    CASE WHEN currency IS NULL THEN value ELSE (value * hundredths * rate * 2 + 10000) / 20000 END AS worth
  FROM held f JOIN stage s ON s.stage = f.stage),
by_stage AS (
  SELECT s.stage, count(d.deal) AS n, coalesce(sum(worth), 0) AS value,
    coalesce(sum((worth * d.probability + 5000) / 10000), 0) AS weighted
  FROM stage s LEFT JOIN deal d ON d.stage = s.stage WHERE s.stage < 4 GROUP BY s.stage),
moved AS (SELECT deal.*, 100.0 / hundredths AS per_major
  FROM deal JOIN about USING (id))

SELECT '/pipeline/summary/total_opportunities', sum(n) FROM by_stage
UNION ALL SELECT '/pipeline/summary/total_value', sum(value) / 100.0 FROM by_stage
UNION ALL SELECT '/pipeline/summary/weighted_value', sum(weighted) / 100.0 FROM by_stage
UNION ALL SELECT '/pipeline/by_stage/' || stage || '/count', n FROM by_stage
UNION ALL SELECT '/pipeline/by_stage/' || stage || '/value', value / 100.0 FROM by_stage
UNION ALL SELECT '/pipeline/by_stage/' || stage || '/weighted_value', weighted / 100.0 FROM by_stage
UNION ALL SELECT '/deal/stage', name FROM moved
UNION ALL SELECT '/deal/probability', probability / 10000.0 FROM moved
UNION ALL SELECT '/deal/closed_value', CASE WHEN stage = 4 THEN closed_value / per_major END FROM moved
UNION ALL SELECT '/deal/actual_close', CASE WHEN stage >= 4 THEN date(closed_on * 86400, 'unixepoch') END FROM moved
UNION ALL SELECT '/deal/lost_reason', CASE WHEN stage = 5 THEN coalesce(reason, 'not recorded') END FROM moved;
