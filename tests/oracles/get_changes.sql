-- What changed, read afresh (DEFINITIONS section 3, "waterfall"): rows of (where in the answer, figure).
-- asked (today, eve, last, window_from, window_to) holds one row: the two days compared, at whose ends every
-- deal is looked at. field_history holds the estimates, expected closes and CSMs before the present ones.

CREATE TEMP TABLE moment AS
WITH moment (name, day) AS (SELECT 'start', eve FROM asked UNION ALL SELECT 'end', last FROM asked)
SELECT * FROM moment;

-- The step that each deal had come to by the end.
CREATE TEMP TABLE at_end AS
  SELECT d.id, max(s.n) AS n FROM deal d JOIN asked LEFT JOIN step s ON s.deal = d.id AND (s.at <= last OR last = today) GROUP BY d.id;

-- The last open stage that a deal, closed at the end, left by then, and when.
CREATE TEMP TABLE left_open AS
  SELECT s.deal AS id, s.stage, s.next_at AS day, max(s.n) AS n
  FROM step s JOIN at_end e ON e.id = s.deal AND s.n < e.n JOIN step now ON now.deal = e.id AND now.n = e.n
  WHERE now.stage >= 4 AND s.stage < 4 AND s.next_stage >= 4 GROUP BY s.deal;

-- The moments at which a deal is looked at: the two ends, and, closed at the end, the one it closed at.
CREATE TEMP TABLE seen AS
  SELECT d.id, m.name AS moment, m.day,
    coalesce((SELECT s.stage FROM step s WHERE s.deal = d.id AND (s.at <= m.day OR m.day = today) ORDER BY s.n DESC LIMIT 1),
      (SELECT s.stage FROM step s WHERE s.deal = d.id ORDER BY s.n LIMIT 1)) AS stage,
    -- It exists from its identified date, an undated one from its import, which is today's.
    coalesce(d.identified, today) <= m.day AS exists_then
  FROM deal d CROSS JOIN moment m CROSS JOIN asked
  UNION ALL
  SELECT d.id, 'close', l.day, l.stage, 1 FROM deal d JOIN left_open l USING (id);

-- A field as it stood: the last row by then says to what, else the first one from what, else the export.
CREATE TEMP TABLE held AS
  SELECT s.*,
    (SELECT h.at FROM field_history h WHERE h.opportunity_id = s.id AND h.field = 'estimated_value' AND h.at <= s.day ORDER BY h.at DESC LIMIT 1) AS value_at,
    (SELECT h.at FROM field_history h WHERE h.opportunity_id = s.id AND h.field = 'expected_close' AND h.at <= s.day ORDER BY h.at DESC LIMIT 1) AS close_at,
    (SELECT h.at FROM field_history h WHERE h.opportunity_id = s.id AND h.field = 'csm_id' AND h.at <= s.day ORDER BY h.at DESC LIMIT 1) AS csm_at
  FROM seen s;

CREATE TEMP TABLE said AS
  SELECT k.id, k.moment, f.field, CASE
    WHEN f.since IS NOT NULL THEN (SELECT h."to" FROM field_history h WHERE h.opportunity_id = k.id AND h.field = f.field AND h.at = f.since)
    WHEN EXISTS (SELECT 1 FROM field_history h WHERE h.opportunity_id = k.id AND h.field = f.field)
      THEN (SELECT h."from" FROM field_history h WHERE h.opportunity_id = k.id AND h.field = f.field ORDER BY h.at LIMIT 1)
    ELSE (SELECT CASE f.field WHEN 'estimated_value' THEN o.estimated_value WHEN 'expected_close' THEN o.expected_close ELSE o.csm_id END
      FROM opportunities o WHERE o.id = k.id) END AS value
  FROM held k JOIN (
    SELECT id, moment, 'estimated_value' AS field, value_at AS since FROM held
    UNION ALL SELECT id, moment, 'expected_close', close_at FROM held
    UNION ALL SELECT id, moment, 'csm_id', csm_at FROM held) f ON f.id = k.id AND f.moment = k.moment;

CREATE TEMP TABLE person AS
  SELECT csm AS id, csm_name AS name FROM deal WHERE csm_name IS NOT NULL
  UNION SELECT rep, rep_name FROM deal WHERE rep_name IS NOT NULL
  UNION SELECT id, name FROM csms WHERE name <> '';

CREATE TEMP TABLE stood AS
WITH raw AS (
  SELECT k.id, k.moment, k.stage, k.exists_then,
    CAST(round((SELECT value FROM said s WHERE s.id = k.id AND s.moment = k.moment AND field = 'estimated_value') * 100) AS INTEGER) AS estimate,
    nullif((SELECT value FROM said s WHERE s.id = k.id AND s.moment = k.moment AND field = 'expected_close'), '') AS expected,
    nullif((SELECT value FROM said s WHERE s.id = k.id AND s.moment = k.moment AND field = 'csm_id'), '') AS csm,
    (SELECT CAST(round(r.rate * 10000) AS INTEGER) FROM rates r, asked WHERE r.currency = o.currency AND r.date <= last ORDER BY r.date DESC LIMIT 1) AS rate
  FROM held k JOIN opportunities o ON o.id = k.id)
SELECT d.place, d.id, d.type, d.customer, d.customer_name, d.rep, d.rep_name, d.source, d.line, d.identified,
  raw.moment, raw.stage, st.name AS stage_name, raw.exists_then, raw.stage < 4 AS open, raw.expected, raw.csm,
  (SELECT name FROM person p WHERE p.id = raw.csm) AS csm_name,
  CASE WHEN d.is_other THEN (raw.estimate * raw.rate * 2 + 10000) / 20000 ELSE raw.estimate END AS value,
  -- A win's closed value, of the last close only: what an earlier one was closed at is not in the export.
  CASE WHEN d.is_other THEN (CAST(round(o.closed_value * 100) AS INTEGER) * raw.rate * 2 + 10000) / 20000
    ELSE CAST(round(o.closed_value * 100) AS INTEGER) END AS closed_value,
  (SELECT n FROM at_end WHERE at_end.id = d.id) = (SELECT max(n) FROM step WHERE step.deal = d.id) AS is_last,
  coalesce(nullif(o.region, ''), (SELECT nullif(c.region, '') FROM customers c WHERE c.id = o.customer_id),
    (SELECT nullif(p.region, '') FROM csms p WHERE p.id = raw.csm)) AS region
FROM raw JOIN deal d ON d.id = raw.id JOIN opportunities o ON o.id = d.id JOIN stage st ON st.place = raw.stage;

-- Which parts of the filter hold for which deal when.
CREATE TEMP TABLE holds AS
SELECT DISTINCT f.side, f.key, d.id, d.moment FROM filter f JOIN stood d ON CASE f.key
  WHEN 'type' THEN d.type = f.value
  WHEN 'stage' THEN f.value = d.stage_name OR f.value = 'all' OR f.value = CASE WHEN d.open THEN 'open' ELSE 'closed' END
  WHEN 'csm' THEN f.value IN (d.csm, d.csm_name)
  WHEN 'sales_rep' THEN f.value IN (d.rep, d.rep_name)
  WHEN 'owner' THEN f.value IN (d.csm, d.csm_name) OR f.value IN (d.rep, d.rep_name)
  WHEN 'customer' THEN f.value IN (d.customer, d.customer_name)
  WHEN 'source' THEN d.source = f.value
  WHEN 'product_line' THEN d.line = f.value
  WHEN 'where:region' THEN d.region = f.value
  WHEN 'min_value' THEN d.value >= round(f.value * 100)
  WHEN 'max_value' THEN d.value <= round(f.value * 100)
END;

-- Open, in the window and matching the filters.
CREATE TEMP TABLE member AS
SELECT s.* FROM stood s, asked
WHERE s.exists_then AND s.open AND (window_from IS NULL OR s.expected BETWEEN window_from AND window_to)
  AND NOT EXISTS (SELECT 1 FROM filter f WHERE f.side = 'only'
    AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.side = 'only' AND h.key = f.key AND h.id = s.id AND h.moment = s.moment))
  AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.side = 'exclude' AND h.id = s.id AND h.moment = s.moment);

CREATE TEMP TABLE part AS
WITH
s AS (SELECT * FROM member WHERE moment = 'start'),
e AS (SELECT * FROM member WHERE moment = 'end'),
-- A deal that first existed after the start and was closed by the end is both new and won or lost.
came_and_went AS (
  SELECT c.*, now.stage AS became FROM member c JOIN stood now ON now.id = c.id AND now.moment = 'end'
  JOIN left_open l ON l.id = c.id, asked
  WHERE c.moment = 'close' AND now.exists_then AND c.identified > eve AND l.day >= c.identified)
SELECT e.place, e.id, coalesce(e.value, 0) AS value, NULL AS closed_value, 1 AS is_last, CASE
    WHEN NOT was.exists_then THEN CASE WHEN e.identified IS NULL THEN 'moved_in' ELSE 'new' END
    WHEN NOT was.open THEN 'reopened'
    WHEN window_to IS NOT NULL AND (was.expected IS NULL OR was.expected > window_to) THEN 'pulled_in'
    WHEN was.expected < window_from THEN 'pushed_in'
    ELSE 'moved_in' END AS bucket
  FROM e JOIN stood was ON was.id = e.id AND was.moment = 'start', asked WHERE e.id NOT IN (SELECT id FROM s)
UNION ALL
SELECT s.place, s.id, coalesce(s.value, 0), CASE WHEN now.stage = 4 THEN coalesce(now.closed_value, 0) END, now.is_last, CASE
    WHEN now.stage = 4 THEN 'won'
    WHEN now.stage = 5 THEN 'lost'
    WHEN window_to IS NOT NULL AND (now.expected IS NULL OR now.expected > window_to) THEN 'pushed_out'
    WHEN now.expected < window_from THEN 'pulled_out'
    ELSE 'moved_out' END
  FROM s JOIN stood now ON now.id = s.id AND now.moment = 'end', asked WHERE s.id NOT IN (SELECT id FROM e)
UNION ALL
SELECT e.place, e.id, abs(e.value - s.value), NULL, 1, CASE WHEN e.value > s.value THEN 'value_up' ELSE 'value_down' END
  FROM e JOIN s USING (id) WHERE e.value <> s.value
UNION ALL
SELECT place, id, coalesce(value, 0), NULL, 1, 'new' FROM came_and_went
UNION ALL
SELECT c.place, c.id, coalesce(c.value, 0), CASE WHEN became = 4 THEN coalesce(now.closed_value, 0) END, now.is_last,
    CASE became WHEN 4 THEN 'won' ELSE 'lost' END
  FROM came_and_went c JOIN stood now ON now.id = c.id AND now.moment = 'end';

CREATE TEMP TABLE bucket AS
WITH known (place, name, adds) AS (VALUES (0, 'new', 1), (1, 'reopened', 1), (2, 'pulled_in', 1), (3, 'pushed_in', 1), (4, 'moved_in', 1),
  (5, 'value_up', 1), (6, 'value_down', 0), (7, 'won', 0), (8, 'lost', 0), (9, 'pushed_out', 0), (10, 'pulled_out', 0), (11, 'moved_out', 0))
SELECT row_number() OVER (ORDER BY known.place) - 1 AS place, name, adds, count(*) AS n, sum(value) AS value,
  sum(closed_value) AS closed_value, min(is_last) AS is_known
FROM known JOIN part ON part.bucket = known.name GROUP BY known.place;

CREATE TEMP TABLE named AS
SELECT bucket.place AS bucket, part.id, part.value, row_number() OVER (PARTITION BY bucket.place ORDER BY part.value DESC, part.place) - 1 AS place
FROM part JOIN bucket ON bucket.name = part.bucket;

CREATE TEMP TABLE total AS
SELECT m.name, m.day, count(d.id) AS n, coalesce(sum(d.value), 0) AS value
FROM moment m LEFT JOIN member d ON d.moment = m.name GROUP BY m.name;

CREATE TEMP TABLE figures AS
SELECT '/' || name || '/date', day FROM total
UNION ALL SELECT '/' || name || '/count', n FROM total
UNION ALL SELECT '/' || name || '/value', value / 100.0 FROM total
UNION ALL SELECT '/net', sum(CASE name WHEN 'end' THEN value ELSE -value END) / 100.0 FROM total
UNION ALL SELECT '/buckets#', count(*) FROM bucket
UNION ALL SELECT '/buckets/' || place || '/bucket', name FROM bucket
UNION ALL SELECT '/buckets/' || place || '/adds', CASE adds WHEN 1 THEN 'true' ELSE 'false' END FROM bucket
UNION ALL SELECT '/buckets/' || place || '/count', n FROM bucket
UNION ALL SELECT '/buckets/' || place || '/value', value / 100.0 FROM bucket
UNION ALL SELECT '/buckets/' || place || '/closed_value', closed_value / 100.0 FROM bucket WHERE is_known
UNION ALL SELECT '/buckets/' || bucket || '/deals/' || place || '/id', id FROM named
UNION ALL SELECT '/buckets/' || bucket || '/deals/' || place || '/value', value / 100.0 FROM named;
