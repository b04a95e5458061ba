-- The forecast of a period read afresh (DEFINITIONS section 5): rows of (where in the answer, figure).
-- asked (today, period_from, period_to, measure) holds one row; measure is NULL for the organisation's.

CREATE TEMP TABLE mine AS
  SELECT * FROM matching WHERE in_stage;

CREATE TEMP TABLE ended AS
WITH ended (period) AS (SELECT period_to < today FROM asked)
SELECT * FROM ended;

-- What each deal adds to the period: won in it, or open and due in it unless that is over.
CREATE TEMP TABLE due AS
  SELECT m.*, m.expected < today AS overdue FROM mine m, asked WHERE m.open AND m.expected BETWEEN period_from AND period_to;

CREATE TEMP TABLE part AS
  SELECT id, closed_on AS day, 0 AS overdue, value AS closed, value AS commits, value AS best_case, value AS upside, value AS weighted, NULL AS still_open, NULL AS still_weighted
  FROM mine, asked WHERE stage = 4 AND closed_on BETWEEN period_from AND period_to
  UNION ALL
  SELECT id, expected, overdue, 0, CASE WHEN category = 'commit' THEN value END,
    CASE WHEN category IN ('commit', 'best_case') THEN value END, value, weighted, value, weighted
  FROM due, ended WHERE category <> 'omitted' AND NOT ended.period;

CREATE TEMP TABLE total AS
  SELECT coalesce(sum(closed), 0) AS closed, coalesce(sum(commits), 0) AS commits, coalesce(sum(best_case), 0) AS best_case,
    coalesce(sum(upside), 0) AS upside, coalesce(sum(weighted), 0) AS weighted, coalesce(sum(still_open), 0) AS still_open FROM part;

CREATE TEMP TABLE headline AS
WITH headline (measure) AS (
  SELECT coalesce(measure, (SELECT value FROM settings WHERE name = 'headline_measure'), 'weighted') FROM asked)
SELECT * FROM headline;

CREATE TEMP TABLE named AS
  SELECT total.*, measure, CASE measure WHEN 'closed' THEN closed WHEN 'worst_case' THEN closed WHEN 'commit' THEN commits
    WHEN 'best_case' THEN best_case WHEN 'upside' THEN upside ELSE weighted END AS forecast
  FROM total, headline;

CREATE TEMP TABLE month AS
WITH RECURSIVE month (place, first, last) AS (
  SELECT 0, date(period_from, 'start of month'), date(period_from, 'start of month', '+1 month', '-1 day') FROM asked
  UNION ALL
  SELECT place + 1, date(first, '+1 month'), date(first, '+2 months', '-1 day') FROM month, asked WHERE date(first, '+1 month') <= period_to)
SELECT * FROM month;

-- A target answers for exactly its scope: everything, one CSM, one type, or one of each.
CREATE TEMP TABLE csm_asked AS
WITH csm_asked (id) AS (
  SELECT (SELECT min(d.csm) FROM deal d WHERE f.value IN (d.csm, d.csm_name)) FROM filter f WHERE f.side = 'only' AND f.key = 'csm')
SELECT * FROM csm_asked;

CREATE TEMP TABLE scope AS
  SELECT (SELECT id FROM csm_asked) AS csm, (SELECT value FROM filter WHERE side = 'only' AND key = 'type') AS type,
    NOT EXISTS (SELECT 1 FROM filter WHERE side = 'exclude' OR key NOT IN ('csm', 'type'))
    AND (SELECT count(DISTINCT id) FROM csm_asked) <= 1 AND (SELECT count(*) FROM filter WHERE key = 'type') <= 1 AS fits;

CREATE TEMP TABLE target AS
  SELECT month || '-01' AS month, CAST(round(amount * 100) AS INTEGER) AS amount, nullif(csm_id, '') AS csm, nullif(type, '') AS type FROM targets;

CREATE TEMP TABLE own AS
  SELECT m.place, (SELECT amount FROM target t, scope s WHERE t.month = m.first AND t.csm IS s.csm AND t.type IS s.type) AS amount FROM month m;

-- Without any organisation target at all, the sum of the CSMs who have one for every month.
CREATE TEMP TABLE whole_csm AS
  SELECT t.csm FROM target t JOIN month m ON m.first = t.month WHERE t.csm IS NOT NULL AND t.type IS NULL
  GROUP BY t.csm HAVING count(*) = (SELECT count(*) FROM month);

CREATE TEMP TABLE falls_back AS
WITH falls_back (does) AS (
  SELECT fits AND csm IS NULL AND type IS NULL AND NOT EXISTS (SELECT 1 FROM target t WHERE t.csm IS NULL AND t.type IS NULL)
    AND EXISTS (SELECT 1 FROM whole_csm) FROM scope)
SELECT * FROM falls_back;

CREATE TEMP TABLE monthly AS
  SELECT m.place, CASE WHEN does THEN (SELECT sum(amount) FROM target t WHERE t.month = m.first AND t.type IS NULL AND t.csm IN (SELECT csm FROM whole_csm))
    ELSE (SELECT amount FROM own WHERE own.place = m.place) END AS amount
  FROM month m, falls_back;

CREATE TEMP TABLE why AS
WITH why (reason) AS (
  SELECT CASE
    WHEN strftime('%d', period_from) <> '01' OR strftime('%d', date(period_to, '+1 day')) <> '01' THEN 'partial_months'
    WHEN NOT fits THEN 'filtered'
    WHEN NOT EXISTS (SELECT 1 FROM monthly WHERE amount IS NOT NULL) THEN 'no_target'
    WHEN EXISTS (SELECT 1 FROM monthly WHERE amount IS NULL) THEN 'incomplete_target' END
  FROM asked, scope)
SELECT * FROM why;

CREATE TEMP TABLE goal AS
  SELECT CASE WHEN reason IS NULL THEN (SELECT sum(amount) FROM monthly) END AS target FROM why;

-- Won and lost in the trailing twelve months under the same filters, whatever the stage.
CREATE TEMP TABLE year AS
  SELECT count(CASE stage WHEN 4 THEN 1 END) AS won, count(*) AS closed FROM matching, asked
  WHERE NOT open AND closed_on BETWEEN date(today, '-12 months', 'floor', '+1 day') AND today;

CREATE TEMP TABLE row AS
  -- A month has begun when the part of it that lies in the period has.
  SELECT m.place, strftime('%Y-%m', m.first) AS name, max(m.first, period_from) <= today AS begun,
    coalesce(sum(p.closed), 0) AS closed, coalesce(sum(p.commits), 0) AS commits, coalesce(sum(p.best_case), 0) AS best_case,
    coalesce(sum(p.upside), 0) AS upside, coalesce(sum(p.weighted), 0) AS weighted
  FROM month m CROSS JOIN asked LEFT JOIN part p ON NOT p.overdue AND p.day BETWEEN m.first AND m.last GROUP BY m.place
  UNION ALL
  -- Overdue deals of a running period are one extra row.
  SELECT (SELECT count(*) FROM month), 'overdue', 0, coalesce(sum(closed), 0), coalesce(sum(commits), 0), coalesce(sum(best_case), 0),
    coalesce(sum(upside), 0), coalesce(sum(weighted), 0) FROM part WHERE overdue HAVING count(*) > 0;

CREATE TEMP TABLE tallied AS
WITH tallied (name, n, value, weighted) AS (
  SELECT '/open', count(still_open) + count(CASE WHEN upside IS NULL THEN 1 END), coalesce(sum(still_open), 0), coalesce(sum(still_weighted), 0)
  FROM part WHERE id IN (SELECT id FROM mine WHERE open)
  UNION ALL SELECT '/overdue', count(*), coalesce(sum(value), 0), coalesce(sum(weighted), 0) FROM due WHERE overdue AND category <> 'omitted'
  UNION ALL SELECT '/omitted', count(*), coalesce(sum(value), 0), coalesce(sum(weighted), 0) FROM due WHERE category = 'omitted'
  UNION ALL SELECT '/overdue_earlier', count(*), coalesce(sum(value), 0), coalesce(sum(weighted), 0) FROM mine, asked
    WHERE open AND expected < period_from AND expected < today AND category <> 'omitted')
SELECT * FROM tallied;

-- Where it lands: every outcome of up to twelve deals written down, each deal closing by itself or not at all.
CREATE TEMP TABLE play AS
  SELECT row_number() OVER (ORDER BY due.id) AS n, value, probability FROM due, ended
  WHERE category <> 'omitted' AND NOT ended.period AND value > 0 AND probability > 0;

CREATE TEMP TABLE outcome AS
WITH RECURSIVE outcome (n, amount, chance) AS (
  SELECT 0, closed, 1.0 FROM total WHERE (SELECT count(*) FROM play) <= 12
  UNION ALL
  SELECT o.n + 1, o.amount + closes * value, o.chance * CASE closes WHEN 1 THEN probability ELSE 10000 - probability END / 10000.0
  FROM outcome o JOIN play ON play.n = o.n + 1 CROSS JOIN (SELECT 0 AS closes UNION ALL SELECT 1)
  WHERE closes OR probability < 10000)
SELECT amount, sum(chance) AS chance, sum(sum(chance)) OVER (ORDER BY amount) AS at_most
FROM outcome WHERE n = (SELECT count(*) FROM play) GROUP BY amount;

CREATE TEMP TABLE figures AS
SELECT '/measure', measure FROM headline
UNION ALL SELECT '/forecast', forecast / 100.0 FROM named
UNION ALL SELECT '/closed', closed / 100.0 FROM total
UNION ALL SELECT '/worst_case', closed / 100.0 FROM total
UNION ALL SELECT '/commit', commits / 100.0 FROM total
UNION ALL SELECT '/best_case', best_case / 100.0 FROM total
UNION ALL SELECT '/upside', upside / 100.0 FROM total
UNION ALL SELECT '/weighted', weighted / 100.0 FROM total
UNION ALL SELECT '/target', target / 100.0 FROM goal
UNION ALL SELECT '/reasons/target', reason FROM why
UNION ALL SELECT '/gap_to_target', (target - forecast) / 100.0 FROM goal, named
UNION ALL SELECT '/variance', (forecast - target) / 100.0 FROM goal, named
UNION ALL SELECT '/gaps/closed', (target - closed) / 100.0 FROM goal, total
UNION ALL SELECT '/gaps/commit', (target - commits) / 100.0 FROM goal, total
UNION ALL SELECT '/gaps/best_case', (target - best_case) / 100.0 FROM goal, total
UNION ALL SELECT '/gaps/upside', (target - upside) / 100.0 FROM goal, total
UNION ALL SELECT '/gaps/weighted', (target - weighted) / 100.0 FROM goal, total
UNION ALL SELECT '/attainment', CASE WHEN target > 0 THEN (closed * 20000 + target) / (target * 2) / 10000.0 END FROM goal, total
UNION ALL SELECT '/pipeline_coverage', CASE WHEN target > 0 AND NOT period THEN (still_open * 200 + target) / (target * 2) / 100.0 END FROM goal, total, ended
UNION ALL SELECT '/coverage_of_remaining', CASE WHEN target - closed > 0 AND NOT period
  THEN (still_open * 200 + target - closed) / ((target - closed) * 2) / 100.0 END FROM goal, total, ended
UNION ALL SELECT '/coverage_needed', CASE WHEN won > 0 THEN (closed * 200 + won) / (won * 2) / 100.0 END FROM year
UNION ALL SELECT name || '/count', n FROM tallied
UNION ALL SELECT name || '/value', value / 100.0 FROM tallied
UNION ALL SELECT name || '/weighted', weighted / 100.0 FROM tallied
UNION ALL SELECT '/by_month#', count(*) FROM row
UNION ALL SELECT '/by_month/' || place || '/month', name FROM row
UNION ALL SELECT '/by_month/' || place || '/closed', closed / 100.0 FROM row
UNION ALL SELECT '/by_month/' || place || '/commit', commits / 100.0 FROM row
UNION ALL SELECT '/by_month/' || place || '/best_case', best_case / 100.0 FROM row
UNION ALL SELECT '/by_month/' || place || '/weighted', weighted / 100.0 FROM row
UNION ALL SELECT '/by_month/' || place || '/actual', CASE WHEN begun THEN closed / 100.0 END FROM row
UNION ALL SELECT '/by_month/' || place || '/forecast', CASE measure WHEN 'closed' THEN closed WHEN 'worst_case' THEN closed WHEN 'commit' THEN commits
  WHEN 'best_case' THEN best_case WHEN 'upside' THEN upside ELSE weighted END / 100.0 FROM row, headline
-- A month of a period in part has no target of its own.
UNION ALL SELECT '/by_month/' || place || '/target', CASE WHEN reason IN ('partial_months', 'filtered') THEN NULL ELSE amount / 100.0 END FROM monthly, why
UNION ALL SELECT '/landing/' || name, CASE WHEN NOT period THEN (SELECT min(amount) FROM outcome WHERE at_most >= share - 1e-11) / 100.0 END
  FROM (SELECT 'p10' AS name, 0.1 AS share UNION ALL SELECT 'p50', 0.5 UNION ALL SELECT 'p90', 0.9), ended
  WHERE EXISTS (SELECT 1 FROM outcome)
UNION ALL SELECT '/landing/chance_of_target', CASE WHEN NOT period AND target IS NOT NULL
  THEN CAST(round((SELECT coalesce(sum(chance), 0) FROM outcome WHERE amount >= target) * 1e9) + 50000 AS INTEGER) / 100000 / 10000.0 END
  FROM goal, ended WHERE EXISTS (SELECT 1 FROM outcome)
UNION ALL SELECT '/reasons/landing', CASE WHEN period THEN 'period_ended' END FROM ended;
