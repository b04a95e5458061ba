-- The deals of one source by the raw log, after counting.sql: how they stand, their way through the
-- stages, conversion, stays, pushes and this week's changes, from what counts alone. They were made here,
-- so every move is recorded (field 9). asked.today is a day, asked.source the source.
-- Fields: 4 estimate, 5 probability, 7 expected close, 8 actual close, 9 stage, 12 closed value, 13 lost reason.

CREATE TEMP TABLE stage (stage, name, probability);
INSERT INTO stage VALUES (0, 'identified', 1000), (1, 'qualified', 4000), (2, 'proposal', 6000), (3, 'negotiation', 8000), (4, 'closed_won', 10000), (5, 'closed_lost', 0);

CREATE TEMP TABLE made AS
  SELECT there.* FROM there JOIN text s ON s.org = there.org AND s.number = there.source, asked WHERE s.text = asked.source;

CREATE TEMP TABLE last AS
  SELECT * FROM (SELECT number AS deal, field, value, row_number() OVER (PARTITION BY number, field ORDER BY at DESC, seq DESC) AS age
    FROM counting WHERE kind = 1) WHERE age = 1;

-- Every stage a deal entered, in turn: a move to where it stands is none.
CREATE TEMP TABLE step AS
WITH
move AS (
  SELECT deal, 0 AS at, 0 AS seq, stage, stage_entered AS day FROM made
  UNION ALL SELECT made.deal, c.at, c.seq, c.value, c.at / 86400000 FROM counting c JOIN made ON made.deal = c.number WHERE c.kind = 1 AND c.field = 9),
new AS (
  SELECT * FROM (SELECT *, lag(stage) OVER (PARTITION BY deal ORDER BY at, seq) AS was FROM move) WHERE was IS NULL OR was <> stage)
SELECT deal, stage, day, row_number() OVER each AS n, lead(stage) OVER each AS next_stage, lead(day) OVER each AS next_day
FROM new WINDOW each AS (PARTITION BY deal ORDER BY at, seq);

CREATE TEMP TABLE deal AS
SELECT made.deal, made.name_of AS id, made.history, made.identified, s.stage, s.name, s.probability AS usual,
  (SELECT day FROM step WHERE step.deal = made.deal ORDER BY n DESC LIMIT 1) AS entered,
  coalesce((SELECT value FROM last WHERE last.deal = made.deal AND field = 4), made.estimate) AS estimate,
  CASE WHEN EXISTS (SELECT 1 FROM last WHERE last.deal = made.deal AND field = 5)
    THEN (SELECT value FROM last WHERE last.deal = made.deal AND field = 5) ELSE made.probability END AS by_hand,
  CASE WHEN EXISTS (SELECT 1 FROM last WHERE last.deal = made.deal AND field = 7)
    THEN (SELECT value FROM last WHERE last.deal = made.deal AND field = 7) ELSE made.expected_close END AS expected,
  (SELECT value FROM last WHERE last.deal = made.deal AND field = 8) AS closed_on,
  (SELECT value FROM last WHERE last.deal = made.deal AND field = 12) AS closed_value,
  (SELECT r.text FROM last JOIN text r ON r.number = last.value WHERE last.deal = made.deal AND field = 13) AS reason
FROM made JOIN stage s ON s.stage = (SELECT stage FROM step WHERE step.deal = made.deal ORDER BY n DESC LIMIT 1);

CREATE TEMP TABLE worth AS
  SELECT *, coalesce(CASE WHEN stage < 4 THEN by_hand END, usual) AS probability, CASE WHEN stage = 4 THEN closed_value ELSE estimate END AS value FROM deal;

CREATE TEMP TABLE by_stage AS
  SELECT s.stage, count(w.deal) AS n, coalesce(sum(value), 0) AS value, coalesce(sum((value * w.probability + 5000) / 10000), 0) AS weighted
  FROM stage s LEFT JOIN worth w ON w.stage = s.stage WHERE s.stage < 4 GROUP BY s.stage;

-- Stages skipped between two open ones, or from an open one to won, were passed.
CREATE TEMP TABLE entered AS
  SELECT DISTINCT step.deal, s.stage FROM step JOIN stage s ON s.stage < 4 AND (s.stage = step.stage
    OR (step.stage < 4 AND step.next_stage <= 4 AND s.stage > step.stage AND s.stage < step.next_stage));
CREATE TEMP TABLE fate AS
  SELECT e.stage, CASE WHEN d.stage = 4 OR EXISTS (SELECT 1 FROM entered later WHERE later.deal = e.deal AND later.stage > e.stage) THEN 'converted'
    WHEN d.stage = 5 THEN 'lost' ELSE 'unresolved' END AS fate
  FROM entered e JOIN deal d ON d.deal = e.deal;
CREATE TEMP TABLE stay AS
  SELECT stage, max(next_day - day, 0) AS days FROM step WHERE stage < 4 AND next_stage IS NOT NULL;

CREATE TEMP TABLE push AS
WITH close AS (
  SELECT deal, 0 AS at, 0 AS seq, expected_close AS day FROM made
  UNION ALL SELECT made.deal, c.at, c.seq, c.value FROM counting c JOIN made ON made.deal = c.number WHERE c.kind = 1 AND c.field = 7),
pair AS (SELECT deal, day, lag(day) OVER (PARTITION BY deal ORDER BY at, seq) AS was FROM close)
SELECT deal, count(*) AS n FROM pair WHERE day > was GROUP BY deal;

-- This week to date, last week to the same weekday, the trailing seven days. Day 4 was a Monday.
CREATE TEMP TABLE frame AS
  SELECT '/pipeline/summary/changes/' AS name, today - (today - 4) % 7 AS first, today AS last FROM asked
  UNION ALL SELECT '/pipeline/summary/changes/last_week/', today - (today - 4) % 7 - 7, today - 7 FROM asked
  UNION ALL SELECT '/pipeline/summary/changes/trailing_seven_days/', today - 6, today FROM asked;
CREATE TEMP TABLE stood AS
  SELECT f.name, d.stage, d.identified BETWEEN f.first AND f.last AS is_new, coalesce(d.stage >= 4 AND d.closed_on BETWEEN f.first AND f.last, 0) AS is_closed,
    (SELECT step.stage FROM step WHERE step.deal = d.deal AND step.day < f.first ORDER BY n DESC LIMIT 1) AS before,
    (SELECT step.stage FROM step WHERE step.deal = d.deal AND step.day <= f.last ORDER BY n DESC LIMIT 1) AS after
  FROM deal d CROSS JOIN frame f;
CREATE TEMP TABLE moved AS SELECT * FROM stood WHERE before IS NOT NULL AND NOT is_new AND NOT is_closed;

CREATE TEMP TABLE figures AS
SELECT '/pipeline/summary/total_opportunities', sum(n) FROM by_stage
UNION ALL SELECT '/pipeline/summary/total_value', sum(value) / 100.0 FROM by_stage
UNION ALL SELECT '/pipeline/summary/weighted_value', sum(weighted) / 100.0 FROM by_stage
UNION ALL SELECT '/pipeline/by_stage/' || stage || '/count', n FROM by_stage
UNION ALL SELECT '/pipeline/by_stage/' || stage || '/value', value / 100.0 FROM by_stage
UNION ALL SELECT '/pipeline/by_stage/' || stage || '/weighted_value', weighted / 100.0 FROM by_stage
UNION ALL SELECT '/pipeline/by_stage/' || s.stage || '/converted', (SELECT count(*) FROM fate f WHERE f.stage = s.stage AND fate = 'converted') FROM stage s WHERE s.stage < 4
UNION ALL SELECT '/pipeline/by_stage/' || s.stage || '/lost', (SELECT count(*) FROM fate f WHERE f.stage = s.stage AND fate = 'lost') FROM stage s WHERE s.stage < 4
UNION ALL SELECT '/pipeline/by_stage/' || s.stage || '/unresolved', (SELECT count(*) FROM fate f WHERE f.stage = s.stage AND fate = 'unresolved') FROM stage s WHERE s.stage < 4
UNION ALL SELECT '/pipeline/by_stage/' || s.stage || '/avg_days_to_exit/n', (SELECT count(*) FROM stay WHERE stay.stage = s.stage) FROM stage s WHERE s.stage < 4
UNION ALL SELECT '/pipeline/by_stage/' || s.stage || '/avg_days_to_exit/mean', (SELECT (sum(days) * 20 + count(*)) / (count(*) * 2) / 10.0 FROM stay WHERE stay.stage = s.stage HAVING count(*) > 0) FROM stage s WHERE s.stage < 4
UNION ALL SELECT name || CASE name WHEN '/pipeline/summary/changes/' THEN 'new_this_week' ELSE 'new' END, coalesce(sum(is_new), 0) FROM frame LEFT JOIN stood USING (name) GROUP BY name
UNION ALL SELECT name || 'closed_won', coalesce(sum(is_closed AND stage = 4), 0) FROM frame LEFT JOIN stood USING (name) GROUP BY name
UNION ALL SELECT name || 'closed_lost', coalesce(sum(is_closed AND stage = 5), 0) FROM frame LEFT JOIN stood USING (name) GROUP BY name
UNION ALL SELECT name || 'moved_forward', coalesce(sum(before < 4 AND after < 4 AND after > before), 0) FROM frame LEFT JOIN moved USING (name) GROUP BY name
UNION ALL SELECT name || 'moved_back', coalesce(sum(before < 4 AND after < before), 0) FROM frame LEFT JOIN moved USING (name) GROUP BY name
UNION ALL SELECT name || 'reopened', coalesce(sum(before >= 4 AND after < 4), 0) FROM frame LEFT JOIN moved USING (name) GROUP BY name
UNION ALL SELECT '/deals/' || t.text || '/opportunity/id', deal.id FROM origin o JOIN text t ON t.number = o.id LEFT JOIN deal ON deal.deal = o.deal JOIN text s ON s.number = o.source, asked WHERE s.text = asked.source
UNION ALL SELECT '/deals/' || id || '/opportunity/stage', name FROM worth
UNION ALL SELECT '/deals/' || id || '/opportunity/estimated_value', estimate / 100.0 FROM worth
UNION ALL SELECT '/deals/' || id || '/opportunity/probability', probability / 10000.0 FROM worth
UNION ALL SELECT '/deals/' || id || '/opportunity/expected_close', date(expected * 86400, 'unixepoch') FROM worth
UNION ALL SELECT '/deals/' || id || '/opportunity/actual_close', CASE WHEN stage >= 4 THEN date(closed_on * 86400, 'unixepoch') END FROM worth
UNION ALL SELECT '/deals/' || id || '/opportunity/closed_value', CASE WHEN stage = 4 THEN closed_value / 100.0 END FROM worth
UNION ALL SELECT '/deals/' || id || '/opportunity/lost_reason', CASE WHEN stage = 5 THEN reason END FROM worth
UNION ALL SELECT '/deals/' || id || '/pushes', coalesce((SELECT n FROM push WHERE push.deal = worth.deal), 0) FROM worth
UNION ALL SELECT '/deals/' || id || '/stages#', (SELECT count(*) FROM step WHERE step.deal = worth.deal) FROM worth
UNION ALL SELECT '/deals/' || id || '/stages/' || (n - 1) || '/stage', s.name FROM worth JOIN step USING (deal) JOIN stage s ON s.stage = step.stage
UNION ALL SELECT '/deals/' || id || '/stages/' || (n - 1) || '/entered', date(day * 86400, 'unixepoch') FROM worth JOIN step USING (deal)
UNION ALL SELECT '/deals/' || id || '/stages/' || (n - 1) || '/left', date(next_day * 86400, 'unixepoch') FROM worth JOIN step USING (deal)
UNION ALL SELECT '/deals/' || id || '/undone', (SELECT count(*) FROM logged l WHERE l.kind = 1 AND l.number = worth.deal AND l.field < 36
  AND NOT EXISTS (SELECT 1 FROM counting c WHERE c.seq = l.seq)) FROM worth;
