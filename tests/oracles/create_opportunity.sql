-- What the raw log says after an opportunity was created: how many deals it holds, what the open
-- ones come to by type, and the new one (temp table about). Nothing is created closed, so the new
-- deal stands as its row of origin says; the others are folded up by hand, the last change of a
-- field in the order (at, seq) before what they came on record with.
-- Fields: 2 type, 4 estimate, 9 to 11 stage, 22 currency.

CREATE TEMP TABLE figures AS
WITH
type (kind, name) AS (VALUES (0, 'upsell'), (1, 'cross_sell'), (2, 'add_on'), (3, 'seat_expansion'), (4, 'tier_upgrade')),
stage (stage, name) AS (VALUES (0, 'identified'), (1, 'qualified'), (2, 'proposal'), (3, 'negotiation')),
category (category, name) AS (VALUES (0, 'pipeline'), (1, 'best_case'), (2, 'commit'), (4, 'omitted')),
last AS (
  SELECT number AS deal, CASE WHEN field IN (10, 11) THEN 9 ELSE field END AS field, value,
    row_number() OVER (PARTITION BY number, CASE WHEN field IN (10, 11) THEN 9 ELSE field END ORDER BY at DESC, seq DESC) AS age
  FROM change WHERE kind = 1),
-- The rates, in ten-thousandths: the key of one says the currency (a text) and the day.
rate AS (
  SELECT CAST(substr(k.text, 1, instr(k.text, '|') - 1) AS INTEGER) AS currency, CAST(substr(k.text, instr(k.text, '|') + 1) AS INTEGER) AS day,
    CAST(round(v.text * 10000) AS INTEGER) AS rate, row_number() OVER (PARTITION BY c.number ORDER BY c.at DESC, c.seq DESC) AS age
  FROM change c JOIN text k ON k.org = c.org AND k.number = c.number JOIN text v ON v.org = c.org AND v.number = c.value WHERE c.kind = 8),
folded AS (
  SELECT o.deal, coalesce((SELECT value FROM last l WHERE l.deal = o.deal AND field = 9 AND age = 1), o.stage) AS stage,
    coalesce((SELECT value FROM last l WHERE l.deal = o.deal AND field = 4 AND age = 1), o.estimate) AS estimate,
    coalesce((SELECT value FROM last l WHERE l.deal = o.deal AND field = 2 AND age = 1), o.kind) AS kind,
    CASE WHEN EXISTS (SELECT 1 FROM last l WHERE l.deal = o.deal AND field = 22)
      THEN (SELECT value FROM last l WHERE l.deal = o.deal AND field = 22 AND age = 1) ELSE o.currency END AS currency
  FROM origin o),
deal AS (
  -- By the latest rate, which is that of every open deal.
  SELECT *, CASE WHEN currency IS NULL THEN estimate ELSE (estimate * CASE WHEN (SELECT text FROM text WHERE number = currency) = 'JPY' THEN 100 ELSE 1 END
    * (SELECT rate FROM rate WHERE rate.currency = folded.currency AND age = 1 ORDER BY day DESC LIMIT 1) * 2 + 10000) / 20000 END AS worth FROM folded),
made AS (SELECT o.* FROM origin o JOIN text t ON t.org = o.org AND t.number = o.id JOIN about ON about.id = t.text)

SELECT '/pipeline/summary/total_opportunities', count(*) FROM deal WHERE stage < 4
UNION ALL SELECT '/pipeline/summary/total_value', coalesce(sum(worth), 0) / 100.0 FROM deal WHERE stage < 4
UNION ALL SELECT '/pipeline/summary/by_type/' || type.kind || '/count', count(deal.deal)
  FROM type LEFT JOIN deal ON deal.kind = type.kind AND stage < 4 GROUP BY type.kind
UNION ALL SELECT '/pipeline/summary/by_type/' || type.kind || '/value', coalesce(sum(worth), 0) / 100.0
  FROM type LEFT JOIN deal ON deal.kind = type.kind AND stage < 4 GROUP BY type.kind
UNION ALL SELECT '/deal/type', type.name FROM made JOIN type USING (kind)
UNION ALL SELECT '/deal/stage', stage.name FROM made JOIN stage USING (stage)
UNION ALL SELECT '/deal/estimated_value', estimate / 100.0 FROM made
UNION ALL SELECT '/deal/expected_close', date(expected_close * 86400, 'unixepoch') FROM made
UNION ALL SELECT '/deal/probability_source', CASE WHEN probability IS NULL THEN 'stage' ELSE 'manual' END FROM made
UNION ALL SELECT '/deal/probability', probability / 10000.0 FROM made WHERE probability IS NOT NULL
UNION ALL SELECT '/deal/forecast_category', category.name FROM made JOIN category USING (category);
