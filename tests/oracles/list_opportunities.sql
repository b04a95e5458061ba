-- The list read afresh: rows of (where in the answer, figure). asked (today, closing_from, closing_to,
-- closed_from, closed_to, identified_from, identified_to, attention, search, min_days, min_age, sort,
-- descending, page) holds one row, NULL for what was not asked.

-- Stale is judged by the finished stays of the whole organisation: longer than the 90th percentile
-- (nearest rank) of at least ten, otherwise more than 90 days.
CREATE TEMP TABLE ranked AS
  SELECT stage, days, row_number() OVER (PARTITION BY stage ORDER BY days) AS rank, count(*) OVER (PARTITION BY stage) AS n FROM stay;

CREATE TEMP TABLE norm AS
  SELECT s.place AS stage, coalesce((SELECT days FROM ranked r WHERE r.stage = s.place AND n >= 10 AND rank = (n * 90 + 99) / 100), 90) AS days
  FROM stage s WHERE s.place < 4;

-- The median of the other deals of a deal's customer, of which there must be three.
CREATE TEMP TABLE usual AS
  WITH other AS (
    SELECT d.id, o.value, row_number() OVER (PARTITION BY d.id ORDER BY o.value) AS rank, count(*) OVER (PARTITION BY d.id) AS n
    FROM deal d JOIN deal o ON o.customer = d.customer AND o.id <> d.id AND NOT o.no_rate)
  SELECT id, avg(value) AS median FROM other WHERE n >= 3 AND rank IN ((n + 1) / 2, (n + 2) / 2) GROUP BY id;

CREATE TEMP TABLE aged AS
  SELECT m.*, CASE WHEN open THEN expected ELSE closed_on END AS close,
    CAST(julianday(today) - julianday(entered) AS INTEGER) AS days_in_stage,
    CAST(julianday(today) - julianday(identified) AS INTEGER) AS age,
    EXISTS (SELECT 1 FROM filter WHERE side = 'only' AND key = 'stage') AS stage_given
  FROM matching m, asked;

CREATE TEMP TABLE found AS
  SELECT a.* FROM aged a, asked
  WHERE in_stage AND (stage_given OR CASE WHEN closed_from IS NULL AND attention IS NOT 'no_history' THEN open ELSE NOT open END)
    AND (closing_from IS NULL OR (open AND expected BETWEEN closing_from AND closing_to))
    AND (asked.closed_from IS NULL OR (NOT open AND closed_on BETWEEN closed_from AND closed_to))
    AND (identified_from IS NULL OR identified BETWEEN identified_from AND identified_to)
    AND (min_days IS NULL OR days_in_stage >= min_days)
    AND (min_age IS NULL OR age >= min_age)
    AND (search IS NULL OR instr(lower(coalesce(a.name, '')), search) OR instr(lower(coalesce(customer_name, customer, '')), search)
      OR instr(lower(coalesce(line, '')), search))
    AND CASE attention WHEN 'overdue' THEN open AND expected < today WHEN 'undated' THEN open AND expected IS NULL
      WHEN 'unassigned' THEN customer IS NULL WHEN 'no_owner' THEN csm IS NULL AND rep IS NULL
      WHEN 'off_norm' THEN EXISTS (SELECT 1 FROM usual u WHERE u.id = a.id AND median > 0
        AND (a.value >= 10 * median OR 10 * a.value <= median))
      WHEN 'odd_probability' THEN open AND a.probability <> (SELECT s.probability FROM stage s WHERE s.place = a.stage)
        AND (a.probability < (SELECT s.probability FROM stage s WHERE s.place = a.stage - 1)
          OR a.probability > (SELECT s.probability FROM stage s WHERE s.place = a.stage + 1))
      WHEN 'no_history' THEN NOT has_history
      WHEN 'stale' THEN open AND days_in_stage > (SELECT days FROM norm WHERE norm.stage = a.stage) ELSE 1 END;

CREATE TEMP TABLE keyed AS
  SELECT f.id, f.place,
    CASE sort WHEN 'value' THEN value WHEN 'weighted_value' THEN weighted WHEN 'probability' THEN probability
      WHEN 'expected_close' THEN julianday(close) WHEN 'identified_date' THEN julianday(identified)
      WHEN 'stage' THEN stage WHEN 'days_in_stage' THEN days_in_stage END AS key
  FROM found f, asked;

-- What has no value to sort by comes last either way; equals follow the order of the file.
CREATE TEMP TABLE paged AS
  SELECT id, row_number() OVER (ORDER BY key IS NULL, CASE WHEN descending THEN -key ELSE key END, place) - 1 AS row
  FROM keyed, asked;

CREATE TEMP TABLE figures AS
SELECT '/total', count(*) FROM found
UNION ALL SELECT '/customers', count(DISTINCT customer) FROM found
UNION ALL SELECT '/open/count', count(*) FROM found WHERE open
UNION ALL SELECT '/open/value', coalesce(sum(value), 0) / 100.0 FROM found WHERE open
UNION ALL SELECT '/open/weighted', coalesce(sum(weighted), 0) / 100.0 FROM found WHERE open
UNION ALL SELECT '/won_count', count(*) FROM found WHERE stage = 4
UNION ALL SELECT '/won_value', coalesce(sum(value), 0) / 100.0 FROM found WHERE stage = 4
UNION ALL SELECT '/lost_count', count(*) FROM found WHERE stage = 5
UNION ALL SELECT '/lost_value', coalesce(sum(value), 0) / 100.0 FROM found WHERE stage = 5
UNION ALL SELECT '/by_stage#', count(DISTINCT stage) FROM found
UNION ALL SELECT '/by_stage/' || (row_number() OVER (ORDER BY stage) - 1) || '/stage', stage_name FROM found GROUP BY stage
UNION ALL SELECT '/by_stage/' || (row_number() OVER (ORDER BY stage) - 1) || '/count', count(*) FROM found GROUP BY stage
UNION ALL SELECT '/by_stage/' || (row_number() OVER (ORDER BY stage) - 1) || '/value', coalesce(sum(value), 0) / 100.0 FROM found GROUP BY stage
UNION ALL SELECT '/opportunities#', min((SELECT count(*) FROM found), page) FROM asked
UNION ALL SELECT '/opportunities/' || row || '/id', id FROM paged, asked WHERE row < page
UNION ALL SELECT '/truncated', CASE WHEN (SELECT count(*) FROM found) > page THEN 'true' ELSE 'false' END FROM asked;
