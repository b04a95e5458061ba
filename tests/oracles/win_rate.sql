-- Won against lost read afresh (DEFINITIONS section 4): rows of (where in the answer, figure).
-- asked (today, period_from, period_to, by, created) holds one row; without a period the trailing
-- twelve months, from the day after the same day a year ago, clamped at month ends.

CREATE TEMP TABLE span AS
  SELECT coalesce(period_from, date(today, '-12 months', 'floor', '+1 day')) AS first, coalesce(period_to, today) AS last FROM asked;

CREATE TEMP TABLE band AS
WITH band (least, name) AS (VALUES (0, '<10k'), (1000000, '10–25k'), (2500000, '25–50k'), (5000000, '50–100k'), (10000000, '100–250k'), (25000000, '≥250k'))
SELECT * FROM band;

CREATE TEMP TABLE found AS
  SELECT m.*, CASE by
      WHEN 'type' THEN type WHEN 'csm' THEN coalesce(csm_name, csm) WHEN 'sales_rep' THEN coalesce(rep_name, rep)
      WHEN 'source' THEN source WHEN 'product_line' THEN line WHEN 'customer' THEN coalesce(customer_name, customer)
      WHEN 'customer_segment' THEN segment WHEN 'region' THEN region
      WHEN 'stage_reached' THEN (SELECT name FROM stage WHERE place = (SELECT max(stage) FROM entered WHERE entered.deal = m.id))
      WHEN 'size_band' THEN (SELECT name FROM band WHERE least <= estimate ORDER BY least DESC LIMIT 1)
      WHEN 'month' THEN strftime('%Y-%m', closed_on) END AS segment_name,
    -- A deal closed before it was identified has no cycle.
    CASE WHEN NOT open AND closed_on >= identified THEN CAST(julianday(closed_on) - julianday(identified) AS INTEGER) END AS cycle
  FROM matching m, span, asked
  WHERE CASE WHEN created THEN identified BETWEEN first AND last ELSE NOT open AND closed_on BETWEEN first AND last END;

-- Everything, and each segment, as groups of the same deals.
CREATE TEMP TABLE grouped AS
  SELECT '/overall' AS part, 0 AS is_segment, '' AS name, found.* FROM found
  UNION ALL SELECT 'segment', 1, coalesce(segment_name, CASE by WHEN 'stage_reached' THEN 'not recorded' ELSE 'Unassigned' END), found.* FROM found, asked WHERE by IS NOT NULL;

CREATE TEMP TABLE figure AS
  SELECT part, is_segment, g.name, max(segment_name IS NULL) AS is_unassigned,
    count(CASE g.stage WHEN 4 THEN 1 END) AS won, count(CASE g.stage WHEN 5 THEN 1 END) AS lost, count(CASE WHEN open THEN 1 END) AS still_open,
    coalesce(sum(CASE g.stage WHEN 4 THEN value END), 0) AS won_value, coalesce(sum(CASE g.stage WHEN 5 THEN value END), 0) AS lost_value,
    count(CASE g.stage WHEN 4 THEN value END) AS sized,
    count(CASE g.stage WHEN 4 THEN cycle END) AS won_n, coalesce(sum(CASE g.stage WHEN 4 THEN cycle END), 0) AS won_days,
    count(CASE g.stage WHEN 5 THEN cycle END) AS lost_n, coalesce(sum(CASE g.stage WHEN 5 THEN cycle END), 0) AS lost_days
  FROM grouped g GROUP BY part, g.name;

-- Nothing closed is still an answer.
CREATE TEMP TABLE everything AS
  SELECT * FROM figure UNION ALL SELECT '/overall', 0, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM found);

CREATE TEMP TABLE rated AS
  SELECT *, won + lost AS closed, won + lost + CASE WHEN created THEN still_open ELSE 0 END AS n,
    won + lost >= coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'ranking_minimum'), 10)
      AND NOT is_unassigned AND coalesce(by, '') <> 'month' AS is_ranked
  FROM everything, asked;

CREATE TEMP TABLE placed AS
  SELECT *, CASE WHEN is_segment THEN '/segments/' || (row_number() OVER (PARTITION BY is_segment ORDER BY
      is_unassigned, CASE WHEN by = 'month' THEN name END, is_ranked DESC,
      CASE WHEN is_ranked THEN won * 1.0 / n END DESC, closed DESC, name) - 1) ELSE part END AS at,
    CASE WHEN is_ranked THEN row_number() OVER (PARTITION BY is_segment, is_ranked ORDER BY won * 1.0 / n DESC, closed DESC, name) END AS rank
  FROM rated;

CREATE TEMP TABLE sized AS
  SELECT part, g.name, value, row_number() OVER (PARTITION BY part, g.name ORDER BY value) AS rank, count(*) OVER (PARTITION BY part, g.name) AS n
  FROM grouped g WHERE g.stage = 4 AND value IS NOT NULL;

CREATE TEMP TABLE middle AS
  SELECT part, name, sum(value) AS value, count(*) AS n FROM sized WHERE rank IN ((n + 1) / 2, n / 2 + 1) GROUP BY part, name;

CREATE TEMP TABLE reason AS
  SELECT coalesce(reason, 'not recorded') AS reason, count(*) AS n, coalesce(sum(value), 0) AS value,
    row_number() OVER (ORDER BY count(*) DESC, coalesce(reason, 'not recorded')) - 1 AS place
  FROM found WHERE stage = 5 GROUP BY 1;

CREATE TEMP TABLE figures AS
SELECT at || '/won', won FROM placed
UNION ALL SELECT at || '/lost', lost FROM placed
UNION ALL SELECT at || '/win_rate/rate', CASE WHEN n > 0 THEN (won * 20000 + n) / (n * 2) / 10000.0 END FROM placed
UNION ALL SELECT at || '/win_rate/part', won FROM placed
UNION ALL SELECT at || '/win_rate/of', n FROM placed
UNION ALL SELECT at || '/still_open', CASE WHEN created AND n > 0 THEN (still_open * 20000 + n) / (n * 2) / 10000.0 END FROM placed
UNION ALL SELECT at || '/win_rate_by_value', CASE WHEN won_value + lost_value > 0
  THEN (won_value * 20000 + won_value + lost_value) / ((won_value + lost_value) * 2) / 10000.0 END FROM placed
UNION ALL SELECT at || '/won_value', won_value / 100.0 FROM placed
UNION ALL SELECT at || '/lost_value', lost_value / 100.0 FROM placed
UNION ALL SELECT at || '/avg_deal_size/n', sized FROM placed
UNION ALL SELECT at || '/avg_deal_size/mean', CASE WHEN sized > 0 THEN (won_value * 2 + sized) / (sized * 2) / 100.0 END FROM placed
UNION ALL SELECT at || '/avg_deal_size/median', (value * 2 + m.n) / (m.n * 2) / 100.0 FROM placed JOIN middle m USING (part, name)
UNION ALL SELECT at || '/cycle_days/won/n', won_n FROM placed
UNION ALL SELECT at || '/cycle_days/won/mean', CASE WHEN won_n > 0 THEN (won_days * 20 + won_n) / (won_n * 2) / 10.0 END FROM placed
UNION ALL SELECT at || '/cycle_days/lost/n', lost_n FROM placed
UNION ALL SELECT at || '/cycle_days/lost/mean', CASE WHEN lost_n > 0 THEN (lost_days * 20 + lost_n) / (lost_n * 2) / 10.0 END FROM placed
UNION ALL SELECT at || '/cycle_days/all/n', won_n + lost_n FROM placed
UNION ALL SELECT at || '/cycle_days/all/mean', CASE WHEN won_n + lost_n > 0
  THEN ((won_days + lost_days) * 20 + won_n + lost_n) / ((won_n + lost_n) * 2) / 10.0 END FROM placed
UNION ALL SELECT '/segments#', count(*) FROM placed, asked WHERE is_segment HAVING max(asked.by) IS NOT NULL
UNION ALL SELECT at || '/segment', name FROM placed WHERE is_segment
UNION ALL SELECT at || '/rank', rank FROM placed WHERE is_segment
UNION ALL SELECT '/overall/lost_reasons#', count(*) FROM reason
UNION ALL SELECT '/overall/lost_reasons/' || place || '/reason', reason FROM reason
UNION ALL SELECT '/overall/lost_reasons/' || place || '/count', n FROM reason
UNION ALL SELECT '/overall/lost_reasons/' || place || '/value_lost', value / 100.0 FROM reason;
