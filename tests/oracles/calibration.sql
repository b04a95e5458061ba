-- How deals fare in each stage, and how predictions would have fared (DEFINITIONS sections 5 and 9): rows
-- of (where in the answer, figure). asked (today) holds one row.

CREATE TEMP TABLE recorded AS
  SELECT m.* FROM matching m WHERE m.has_history;

-- Since which step, and which day, each deal had entered a stage. A stage skipped on the way counts from
-- the step that skipped it.
CREATE TEMP TABLE entry AS
WITH every AS (
  SELECT step.deal, s.place AS stage, CASE WHEN s.place = step.stage THEN step.n ELSE next.n END AS n,
    CASE WHEN s.place = step.stage THEN step.at ELSE step.next_at END AS at
  FROM step JOIN recorded d ON d.id = step.deal
  JOIN stage s ON s.place < 4 AND (s.place = step.stage
    OR (step.stage < 4 AND step.next_stage <= 4 AND s.place > step.stage AND s.place < step.next_stage))
  LEFT JOIN step next ON next.deal = step.deal AND next.n = (SELECT min(n) FROM step later WHERE later.deal = step.deal AND later.n > step.n))
SELECT deal, stage, n, at FROM (SELECT *, row_number() OVER (PARTITION BY deal, stage ORDER BY n) AS first FROM every) WHERE first = 1;

-- From when to when a deal was closed, and how.
CREATE TEMP TABLE close AS
  SELECT step.deal, step.n, step.stage = 4 AS won, step.at, step.next_at FROM step JOIN recorded d ON d.id = step.deal
  WHERE step.stage >= 4 AND step.at IS NOT NULL;

CREATE TEMP TABLE fate AS
  SELECT s.place, s.name, s.probability, count(CASE d.stage WHEN 4 THEN 1 END) AS won, count(CASE WHEN d.stage >= 4 THEN 1 END) AS closed
  FROM stage s LEFT JOIN entry e ON e.stage = s.place LEFT JOIN recorded d ON d.id = e.deal WHERE s.place < 4 GROUP BY s.place;

-- For each closed deal and stage, how the others that had closed by the day it entered had fared.
CREATE TEMP TABLE known AS
  SELECT e.deal, e.stage, d.stage = 4 AS came, s.probability,
    count(c.deal) AS n, coalesce(sum(c.won), 0) AS won
  FROM entry e JOIN recorded d ON d.id = e.deal AND d.stage >= 4 JOIN stage s ON s.place = e.stage
  LEFT JOIN (SELECT c.*, o.stage, o.n AS since FROM close c JOIN entry o ON o.deal = c.deal) c
    ON c.stage = e.stage AND c.since <= c.n AND c.deal <> e.deal AND c.at <= e.at AND (c.next_at IS NULL OR c.next_at > e.at)
  WHERE e.at IS NOT NULL GROUP BY e.deal, e.stage;

CREATE TEMP TABLE prediction AS
  SELECT came, probability / 10000.0 AS configured,
    CASE WHEN n >= 20 THEN (won * 10000 + 20 * probability) / ((n + 20) * 10000.0) ELSE probability / 10000.0 END AS predicted
  FROM known;

CREATE TEMP TABLE band AS
  SELECT row_number() OVER (ORDER BY lower) - 1 AS place, * FROM (
    SELECT min(CAST(predicted * 10 + 1e-9 AS INTEGER), 9) AS lower, count(*) AS n, sum(came) AS won, avg(predicted) AS predicted
    FROM prediction GROUP BY lower);

CREATE TEMP TABLE figures AS
SELECT '/calibration/stages/' || place || '/stage', name FROM fate
UNION ALL SELECT '/calibration/stages/' || place || '/won', won FROM fate
UNION ALL SELECT '/calibration/stages/' || place || '/closed', closed FROM fate
UNION ALL SELECT '/calibration/stages/' || place || '/configured', probability / 10000.0 FROM fate
UNION ALL SELECT '/calibration/stages/' || place || '/calibrated', CASE WHEN closed >= 20
  THEN ((won * 10000 + 20 * probability) * 2 + closed + 20) / ((closed + 20) * 2) / 10000.0 ELSE probability / 10000.0 END FROM fate
UNION ALL SELECT '/calibration/predictions', count(*) FROM prediction
UNION ALL SELECT '/calibration/brier', round(avg((predicted - came) * (predicted - came)) + 1e-12, 4) FROM prediction
UNION ALL SELECT '/calibration/brier_configured', round(avg((configured - came) * (configured - came)) + 1e-12, 4) FROM prediction
UNION ALL SELECT '/calibration/reliability#', count(*) FROM band
UNION ALL SELECT '/calibration/reliability/' || place || '/from', lower / 10.0 FROM band
UNION ALL SELECT '/calibration/reliability/' || place || '/predicted', round(predicted + 1e-12, 4) FROM band
UNION ALL SELECT '/calibration/reliability/' || place || '/won/part', won FROM band
UNION ALL SELECT '/calibration/reliability/' || place || '/won/of', n FROM band
UNION ALL SELECT '/calibration/without_history', count(*) FROM matching WHERE NOT has_history
UNION ALL SELECT '/calibration/undated', count(*) FROM entry e JOIN recorded d ON d.id = e.deal AND d.stage >= 4 WHERE e.at IS NULL
UNION ALL SELECT '/calibration/pending', count(*) FROM entry e JOIN recorded d ON d.id = e.deal AND d.open;
