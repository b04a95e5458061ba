-- The pipeline read afresh (DEFINITIONS sections 3 and 9): rows of (where in the answer, figure).
-- asked (today, period_from, period_to) holds one row; without a period both ends are NULL.

-- Without a period, closed stages show this fiscal quarter.
CREATE TEMP TABLE quarter AS
  SELECT date(today, 'start of month', '-' || ((CAST(strftime('%m', today) AS INTEGER) - start + 12) % 3) || ' months') AS first
  FROM asked, (SELECT coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'fiscal_year_start'), 1) AS start);

CREATE TEMP TABLE span AS
  SELECT coalesce(period_from, first) AS closed_from, coalesce(period_to, date(first, '+3 months', '-1 day')) AS closed_to
  FROM asked, quarter;

CREATE TEMP TABLE open AS
  SELECT m.* FROM matching m, asked
  WHERE m.in_stage AND m.open AND (period_from IS NULL OR m.expected BETWEEN period_from AND period_to);

CREATE TEMP TABLE closed AS
  SELECT m.* FROM matching m, span WHERE m.in_stage AND NOT m.open AND m.closed_on BETWEEN closed_from AND closed_to;

CREATE TEMP TABLE shown AS
  SELECT * FROM open UNION ALL SELECT * FROM closed;

CREATE TEMP TABLE by_stage AS
  SELECT s.place, s.name, count(d.id) AS deals, coalesce(sum(d.value), 0) AS value, coalesce(sum(d.weighted), 0) AS weighted,
    sum(julianday(asked.today) - julianday(CASE WHEN d.open THEN d.entered END)) AS days,
    count(CASE WHEN d.open THEN d.entered END) AS dated
  FROM stage s CROSS JOIN asked LEFT JOIN shown d ON d.stage = s.place GROUP BY s.place;

CREATE TEMP TABLE total AS
  SELECT count(*) AS deals, coalesce(sum(value), 0) AS value, coalesce(sum(weighted), 0) AS weighted FROM open;

-- One fate for each deal that ever entered a stage.
CREATE TEMP TABLE fate AS
  SELECT e.stage,
    CASE WHEN m.stage = 4 OR EXISTS (SELECT 1 FROM entered later WHERE later.deal = e.deal AND later.stage > e.stage) THEN 'converted'
         WHEN m.stage = 5 THEN 'lost' ELSE 'unresolved' END AS fate
  FROM entered e JOIN matching m ON m.id = e.deal;

CREATE TEMP TABLE conversion AS
  SELECT s.place, count(CASE fate WHEN 'converted' THEN 1 END) AS converted, count(CASE fate WHEN 'lost' THEN 1 END) AS lost,
    count(CASE fate WHEN 'unresolved' THEN 1 END) AS unresolved
  FROM stage s LEFT JOIN fate ON fate.stage = s.place GROUP BY s.place;

CREATE TEMP TABLE exits AS
  SELECT s.place, count(days) AS n, sum(days) AS days
  FROM stage s LEFT JOIN (SELECT stay.* FROM stay JOIN matching m ON m.id = stay.deal) x ON x.stage = s.place GROUP BY s.place;

-- The middle one, or the mean of the middle two.
CREATE TEMP TABLE ranked AS
  SELECT stay.stage, days, row_number() OVER (PARTITION BY stay.stage ORDER BY days) AS rank, count(*) OVER (PARTITION BY stay.stage) AS n
  FROM stay JOIN matching m ON m.id = stay.deal;

CREATE TEMP TABLE middle AS
  SELECT stage, sum(days) AS days, count(*) AS n FROM ranked WHERE rank IN ((n + 1) / 2, n / 2 + 1) GROUP BY stage;

-- This week to date, last week to the same weekday, the trailing seven days.
CREATE TEMP TABLE week AS
  SELECT today, date(today, '-' || ((CAST(strftime('%w', today) AS INTEGER)
    - CASE (SELECT value FROM settings WHERE name = 'week_start') WHEN 'sunday' THEN 0 WHEN 'thursday' THEN 4 ELSE 1 END + 7) % 7) || ' days') AS first
  FROM asked;

CREATE TEMP TABLE frame AS
WITH frame (place, name, first, last) AS (
  SELECT 0, '/summary/changes/', first, today FROM week
  UNION ALL SELECT 1, '/summary/changes/last_week/', date(first, '-7 days'), date(today, '-7 days') FROM week
  UNION ALL SELECT 2, '/summary/changes/trailing_seven_days/', date(today, '-6 days'), today FROM week)
SELECT * FROM frame;

-- Where each deal stood at the end of the day before a frame and at the end of its last day. Before
-- its first recorded date it stands in its earliest stage; before it was identified it was not there.
CREATE TEMP TABLE stood AS
  SELECT f.place AS frame, m.id, m.identified BETWEEN f.first AND f.last AS is_new,
    m.closed_on BETWEEN f.first AND f.last AS is_closed, m.stage, m.estimate, m.value, m.reason,
    CASE WHEN m.identified < f.first THEN coalesce(
      (SELECT step.stage FROM step WHERE step.deal = m.id AND step.at < f.first ORDER BY n DESC LIMIT 1), 0) END AS before,
    CASE WHEN m.identified <= f.last THEN coalesce(
      (SELECT step.stage FROM step WHERE step.deal = m.id AND step.at <= f.last ORDER BY n DESC LIMIT 1), 0) END AS after
  FROM matching m CROSS JOIN frame f WHERE m.in_stage;

CREATE TEMP TABLE moved AS
  SELECT * FROM stood WHERE before IS NOT NULL AND coalesce(is_new, 0) = 0 AND coalesce(is_closed, 0) = 0;

CREATE TEMP TABLE change AS
  SELECT f.place, f.name, f.first, f.last,
    (SELECT count(*) FROM stood WHERE frame = f.place AND is_new) AS new,
    (SELECT coalesce(sum(estimate), 0) FROM stood WHERE frame = f.place AND is_new) AS new_value,
    (SELECT count(*) FROM moved WHERE frame = f.place AND before < 4 AND after < 4 AND after > before) AS forward,
    (SELECT count(*) FROM moved WHERE frame = f.place AND before < 4 AND after < before) AS back,
    (SELECT count(*) FROM moved WHERE frame = f.place AND before >= 4 AND after < 4) AS reopened,
    (SELECT count(*) FROM stood WHERE frame = f.place AND is_closed AND stage = 4) AS won,
    (SELECT coalesce(sum(value), 0) FROM stood WHERE frame = f.place AND is_closed AND stage = 4) AS won_value,
    (SELECT count(*) FROM stood WHERE frame = f.place AND is_closed AND stage = 5) AS lost,
    (SELECT coalesce(sum(value), 0) FROM stood WHERE frame = f.place AND is_closed AND stage = 5) AS lost_value
  FROM frame f;

CREATE TEMP TABLE reason AS
  SELECT coalesce(reason, 'not recorded') AS reason, count(*) AS n, coalesce(sum(value), 0) AS value,
    row_number() OVER (ORDER BY count(*) DESC, coalesce(reason, 'not recorded')) - 1 AS place
  FROM stood WHERE frame = 0 AND is_closed AND stage = 5 GROUP BY 1;

CREATE TEMP TABLE figures AS
SELECT '/summary/total_opportunities', deals FROM total
UNION ALL SELECT '/summary/total_value', value / 100.0 FROM total
UNION ALL SELECT '/summary/weighted_value', weighted / 100.0 FROM total
UNION ALL SELECT '/summary/avg_probability', CASE WHEN value > 0 THEN (weighted * 20000 + value) / (value * 2) / 10000.0 END FROM total
UNION ALL SELECT '/summary/by_type/' || t.place || '/type', t.name FROM type t
UNION ALL SELECT '/summary/by_type/' || t.place || '/count', count(o.id) FROM type t LEFT JOIN open o ON o.type = t.name GROUP BY t.place
UNION ALL SELECT '/summary/by_type/' || t.place || '/value', coalesce(sum(o.value), 0) / 100.0 FROM type t LEFT JOIN open o ON o.type = t.name GROUP BY t.place
UNION ALL SELECT '/summary/by_type/' || t.place || '/weighted_value', coalesce(sum(o.weighted), 0) / 100.0 FROM type t LEFT JOIN open o ON o.type = t.name GROUP BY t.place
UNION ALL SELECT '/by_stage/' || place || '/stage', name FROM by_stage
UNION ALL SELECT '/by_stage/' || place || '/count', deals FROM by_stage
UNION ALL SELECT '/by_stage/' || place || '/value', value / 100.0 FROM by_stage
UNION ALL SELECT '/by_stage/' || place || '/weighted_value', weighted / 100.0 FROM by_stage
UNION ALL SELECT '/by_stage/' || b.place || '/share', CASE WHEN b.place < 4 AND total.value > 0
  THEN (b.value * 20000 + total.value) / (total.value * 2) / 10000.0 END FROM by_stage b, total
UNION ALL SELECT '/by_stage/' || place || '/avg_days_in_stage', CASE WHEN dated > 0
  THEN (CAST(days AS INTEGER) * 20 + dated) / (dated * 2) / 10.0 END FROM by_stage
UNION ALL SELECT '/by_stage/' || place || '/avg_days_to_exit/n', n FROM exits
UNION ALL SELECT '/by_stage/' || place || '/avg_days_to_exit/mean', CASE WHEN n > 0 THEN (days * 20 + n) / (n * 2) / 10.0 END FROM exits
UNION ALL SELECT '/by_stage/' || stage || '/avg_days_to_exit/median', (days * 20 + n) / (n * 2) / 10.0 FROM middle
UNION ALL SELECT '/by_stage/' || place || '/converted', converted FROM conversion
UNION ALL SELECT '/by_stage/' || place || '/lost', lost FROM conversion
UNION ALL SELECT '/by_stage/' || place || '/unresolved', unresolved FROM conversion
UNION ALL SELECT '/by_stage/' || place || '/conversion_rate', CASE WHEN converted + lost > 0
  THEN (converted * 20000 + converted + lost) / ((converted + lost) * 2) / 10000.0 END FROM conversion
UNION ALL SELECT '/summary/changes/week_start', first FROM week
UNION ALL SELECT '/summary/changes/new_this_week', new FROM change WHERE place = 0
UNION ALL SELECT name || 'new', new FROM change WHERE place > 0
UNION ALL SELECT name || 'start', first FROM change WHERE place > 0
UNION ALL SELECT name || 'end', last FROM change WHERE place > 0
UNION ALL SELECT name || 'new_value', new_value / 100.0 FROM change
UNION ALL SELECT name || 'moved_forward', forward FROM change
UNION ALL SELECT name || 'moved_back', back FROM change
UNION ALL SELECT name || 'reopened', reopened FROM change
UNION ALL SELECT name || 'closed_won', won FROM change
UNION ALL SELECT name || 'won_value', won_value / 100.0 FROM change
UNION ALL SELECT name || 'closed_lost', lost FROM change
UNION ALL SELECT name || 'lost_value', lost_value / 100.0 FROM change
UNION ALL SELECT '/summary/changes/lost_reasons#', count(*) FROM reason
UNION ALL SELECT '/summary/changes/lost_reasons/' || place || '/reason', reason FROM reason
UNION ALL SELECT '/summary/changes/lost_reasons/' || place || '/count', n FROM reason
UNION ALL SELECT '/summary/changes/lost_reasons/' || place || '/value_lost', value / 100.0 FROM reason;
