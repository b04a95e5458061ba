-- How expansion performs, read afresh (DEFINITIONS section 4): rows of (where in the answer, figure).
-- asked (today, period_from, period_to, dimension) holds one row; without a period the trailing twelve
-- months. due_history (deal, at, due) says when each expected close was set, and to what; deals that are
-- not in it have none on record before their import.

CREATE TEMP TABLE span AS
  SELECT coalesce(period_from, date(today, '-12 months', 'floor', '+1 day')) AS first, coalesce(period_to, today) AS last,
    period_from IS NOT NULL OR coalesce(dimension, '') = 'month' AS is_said, coalesce(dimension, '') = 'month' AS by_month
  FROM asked;

CREATE TEMP TABLE month AS
WITH RECURSIVE month (first) AS (
  SELECT date(first, 'start of month') FROM span
  UNION ALL SELECT date(month.first, '+1 month') FROM month, span WHERE date(month.first, '+1 month') <= last)
SELECT row_number() OVER (ORDER BY month.first) - 1 AS place, strftime('%Y-%m', month.first) AS name,
  max(month.first, span.first) AS first, min(date(month.first, '+1 month', '-1 day'), last) AS last,
  month.first < span.first OR date(month.first, '+1 month', '-1 day') > last AS is_partial
FROM month, span;

CREATE TEMP TABLE band AS
WITH band (least, name) AS (VALUES (0, '<10k'), (1000000, '10–25k'), (2500000, '25–50k'), (5000000, '50–100k'), (10000000, '100–250k'), (25000000, '≥250k'))
SELECT * FROM band;

CREATE TEMP TABLE all_of_it AS
  SELECT m.*, CASE dimension
      WHEN 'type' THEN type WHEN 'csm' THEN coalesce(csm_name, csm) WHEN 'sales_rep' THEN coalesce(rep_name, rep)
      WHEN 'source' THEN source WHEN 'product_line' THEN line WHEN 'customer' THEN coalesce(customer_name, customer)
      WHEN 'customer_segment' THEN segment WHEN 'attribute:region' THEN region
      WHEN 'stage_reached' THEN (SELECT name FROM stage WHERE place = (SELECT max(stage) FROM entered WHERE entered.deal = m.id))
      WHEN 'size_band' THEN (SELECT name FROM band WHERE least <= estimate ORDER BY least DESC LIMIT 1) END AS seg,
    CASE WHEN NOT open AND closed_on >= identified THEN CAST(julianday(closed_on) - julianday(identified) AS INTEGER) END AS cycle
  FROM matching m, asked;

CREATE TEMP TABLE closed AS
  SELECT a.*, CASE WHEN by_month THEN strftime('%Y-%m', closed_on) ELSE seg END AS of
  FROM all_of_it a, span WHERE NOT open AND closed_on BETWEEN first AND last;

CREATE TEMP TABLE found AS
  SELECT a.*, CASE WHEN by_month THEN strftime('%Y-%m', identified) ELSE seg END AS of
  FROM all_of_it a, span WHERE NOT is_said OR identified BETWEEN first AND last;

-- The whole period, and each month of it where months are asked for: those that have begun.
CREATE TEMP TABLE part AS
  SELECT '' AS name, first, last, date(first, '-1 day') AS eve, 1 AS is_whole FROM span, asked WHERE first <= today
  UNION ALL SELECT month.name, month.first, month.last, date(month.first, '-1 day'), 0 FROM month, span, asked WHERE by_month AND month.first <= today;

-- What was open on the eve of each, when it was due for all that was known then, and what became of it.
-- When a deal was due of which nothing is on record, nobody knows, be it dated now or not.
CREATE TEMP TABLE stood AS
  SELECT p.name AS part, p.is_whole, p.first, p.last, a.id, a.seg,
    -- By the rates of that day.
    coalesce(CASE WHEN a.is_other THEN (a.own_estimate * 2 * (SELECT CAST(round(r.rate * 10000) AS INTEGER) FROM rates r
      WHERE r.currency = a.currency AND r.date <= p.eve ORDER BY r.date DESC LIMIT 1) + 10000) / 20000 ELSE a.own_estimate END, 0) AS worth,
    EXISTS (SELECT 1 FROM due_history h WHERE h.deal = a.id) AS is_known, a.expected,
    CASE WHEN EXISTS (SELECT 1 FROM due_history h WHERE h.deal = a.id)
      THEN (SELECT due FROM due_history h WHERE h.deal = a.id AND h.at <= p.eve ORDER BY h.at DESC LIMIT 1) ELSE a.expected END AS due,
    CASE WHEN NOT a.open AND a.closed_on BETWEEN p.first AND p.last THEN 'closed'
         WHEN p.last < today THEN 'slipped'
         WHEN a.expected IS NULL OR a.expected > p.last OR (a.expected < today AND a.expected >= p.first) THEN 'slipped'
         ELSE 'pending' END AS fate
  FROM part p CROSS JOIN asked JOIN all_of_it a ON a.identified <= p.eve
  WHERE coalesce((SELECT step.stage FROM step WHERE step.deal = a.id AND step.at <= p.eve ORDER BY n DESC LIMIT 1), 0) < 4;

CREATE TEMP TABLE slip AS
  SELECT part, is_whole, CASE WHEN by_month THEN part ELSE seg END AS of,
    CASE WHEN due BETWEEN stood.first AND stood.last THEN fate END AS fate,
    CASE WHEN is_known AND due BETWEEN stood.first AND stood.last THEN worth END AS known, CASE WHEN NOT is_known THEN worth END AS unknown
  FROM stood, span WHERE due BETWEEN stood.first AND stood.last OR NOT is_known;

-- The whole, and every segment in which there is anything.
CREATE TEMP TABLE piece AS
  SELECT 0 AS is_segment, '' AS name, 0 AS is_unassigned
  UNION SELECT 1, coalesce(of, CASE dimension WHEN 'stage_reached' THEN 'not recorded' ELSE 'Unassigned' END), of IS NULL
  FROM asked CROSS JOIN (SELECT of FROM closed UNION SELECT of FROM found UNION SELECT seg FROM all_of_it WHERE open UNION SELECT of FROM slip WHERE is_whole)
  WHERE dimension IS NOT NULL AND dimension <> 'month'
  UNION SELECT 1, month.name, 0 FROM month, span WHERE by_month;

CREATE TEMP TABLE closings AS
  SELECT p.is_segment, p.name, count(CASE c.stage WHEN 4 THEN 1 END) AS won, count(CASE c.stage WHEN 5 THEN 1 END) AS lost,
    coalesce(sum(CASE c.stage WHEN 4 THEN value END), 0) AS won_value, coalesce(sum(CASE c.stage WHEN 5 THEN value END), 0) AS lost_value,
    count(CASE c.stage WHEN 4 THEN value END) AS sized,
    count(CASE c.stage WHEN 4 THEN cycle END) AS won_n, coalesce(sum(CASE c.stage WHEN 4 THEN cycle END), 0) AS won_days,
    count(cycle) AS all_n, coalesce(sum(cycle), 0) AS all_days
  FROM piece p LEFT JOIN closed c ON NOT p.is_segment OR (p.is_unassigned AND c.of IS NULL) OR c.of = p.name GROUP BY 1, 2;

CREATE TEMP TABLE opened AS
  SELECT p.is_segment, p.name, count(o.id) AS n, coalesce(sum(o.value), 0) AS value, coalesce(sum(o.weighted), 0) AS weighted,
    count(CASE WHEN o.stage >= 1 THEN 1 END) AS qualified
  FROM piece p LEFT JOIN all_of_it o ON o.open AND (NOT p.is_segment OR (p.is_unassigned AND o.seg IS NULL) OR o.seg = p.name) GROUP BY 1, 2;

CREATE TEMP TABLE finds AS
  SELECT p.is_segment, p.name, count(f.id) AS n, count(CASE f.stage WHEN 4 THEN 1 END) AS won, count(CASE f.stage WHEN 5 THEN 1 END) AS lost,
    count(CASE f.stage WHEN 4 THEN f.cycle END) AS days_n, sum(CASE f.stage WHEN 4 THEN f.cycle END) AS days
  FROM piece p LEFT JOIN found f ON NOT p.is_segment OR (p.is_unassigned AND f.of IS NULL) OR f.of = p.name GROUP BY 1, 2;

CREATE TEMP TABLE slips AS
  SELECT p.is_segment, p.name, count(fate) AS due, count(CASE fate WHEN 'slipped' THEN 1 END) AS slipped, count(CASE fate WHEN 'pending' THEN 1 END) AS pending,
    coalesce(sum(known), 0) AS known, coalesce(sum(unknown), 0) AS unknown, count(unknown) AS unknowns
  FROM piece p CROSS JOIN span LEFT JOIN slip s ON CASE WHEN NOT p.is_segment THEN s.is_whole
    WHEN by_month THEN NOT s.is_whole AND s.of = p.name ELSE s.is_whole AND ((p.is_unassigned AND s.of IS NULL) OR s.of = p.name) END GROUP BY 1, 2;

CREATE TEMP TABLE piece_figures AS
  SELECT p.is_segment, p.name, p.is_unassigned, won, lost, won + lost AS n, won_value, lost_value, won_n, all_n, all_days, by_month,
    CASE WHEN sized > 0 THEN (won_value * 2 + sized) / (sized * 2) END AS size,
    CASE WHEN won + lost > 0 THEN (won * 20000 + won + lost) / ((won + lost) * 2) END AS rate,
    CASE WHEN won_n > 0 THEN (won_days * 20 + won_n) / (won_n * 2) END AS tenths,
    won + lost >= coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'ranking_minimum'), 10)
      AND NOT p.is_unassigned AND p.is_segment AND NOT by_month AS is_ranked
  FROM piece p JOIN closings USING (is_segment, name), span;

CREATE TEMP TABLE placed AS
  SELECT *, CASE WHEN is_segment THEN '/segments/' || (row_number() OVER (PARTITION BY is_segment ORDER BY
      is_unassigned, CASE WHEN by_month THEN name END, is_ranked DESC, CASE WHEN is_ranked THEN won * 1.0 / n END DESC, n DESC, name) - 1) ELSE '' END AS at,
    CASE WHEN is_ranked THEN row_number() OVER (PARTITION BY is_segment, is_ranked ORDER BY won * 1.0 / n DESC, n DESC, name) END AS rank
  FROM piece_figures;

CREATE TEMP TABLE sources AS
  SELECT coalesce(a.source, 'Unassigned') AS name, count(CASE WHEN period_from IS NULL OR a.identified BETWEEN first AND last THEN 1 END) AS n,
    count(CASE WHEN c.stage = 4 THEN 1 END) AS won, count(CASE WHEN c.stage = 5 THEN 1 END) AS lost, coalesce(sum(CASE WHEN c.stage = 4 THEN c.value END), 0) AS won_value
  FROM all_of_it a CROSS JOIN asked CROSS JOIN span LEFT JOIN closed c ON c.id = a.id
  WHERE c.id IS NOT NULL OR period_from IS NULL OR a.identified BETWEEN first AND last GROUP BY 1;

CREATE TEMP TABLE source_placed AS
  SELECT *, '/top_sources/' || (row_number() OVER (ORDER BY name = 'Unassigned', won_value DESC, n DESC, name) - 1) AS at FROM sources;

CREATE TEMP TABLE reason AS
  SELECT coalesce(reason, 'not recorded') AS reason, count(*) AS n, coalesce(sum(value), 0) AS value,
    '/lost_reasons/' || (row_number() OVER (ORDER BY count(*) DESC, coalesce(reason, 'not recorded')) - 1) AS at
  FROM closed WHERE stage = 5 GROUP BY 1;

CREATE TEMP TABLE by_period AS
  SELECT '/by_period/' || m.place AS at, m.name, m.is_partial, count(CASE c.stage WHEN 4 THEN 1 END) AS won, count(CASE c.stage WHEN 5 THEN 1 END) AS lost,
    coalesce(sum(CASE c.stage WHEN 4 THEN c.value END), 0) AS won_value, coalesce(sum(CASE c.stage WHEN 5 THEN c.value END), 0) AS lost_value
  FROM month m LEFT JOIN closed c ON c.closed_on BETWEEN m.first AND m.last WHERE (SELECT count(*) FROM month) <= 13 GROUP BY m.place;

-- Where no filter is about customers: what was won from those with ARR, by the ARR of all.
CREATE TEMP TABLE expansion AS
  SELECT (SELECT coalesce(sum(CAST(round(arr * 100) AS INTEGER)), 0) FROM customers WHERE arr <> '') AS arr,
    coalesce(sum(CASE WHEN k.arr <> '' THEN value END), 0) AS won, coalesce(sum(CASE WHEN coalesce(k.arr, '') = '' THEN value END), 0) AS without
  FROM (SELECT 1) LEFT JOIN closed c ON c.stage = 4 LEFT JOIN customers k ON k.id = c.customer
  WHERE NOT EXISTS (SELECT 1 FROM filter WHERE key = 'customer' OR key LIKE 'where:%') HAVING count(*) > 0;

CREATE TEMP TABLE figures AS
SELECT at || '/won', won FROM placed
UNION ALL SELECT at || '/lost', lost FROM placed
UNION ALL SELECT at || '/won_value', won_value / 100.0 FROM placed
UNION ALL SELECT at || '/lost_value', lost_value / 100.0 FROM placed
UNION ALL SELECT at || '/win_rate/rate', rate / 10000.0 FROM placed
UNION ALL SELECT at || '/win_rate/of', n FROM placed
UNION ALL SELECT at || '/win_rate_by_value', CASE WHEN won_value + lost_value > 0
  THEN (won_value * 20000 + won_value + lost_value) / ((won_value + lost_value) * 2) / 10000.0 END FROM placed
UNION ALL SELECT at || '/avg_deal_size/mean', size / 100.0 FROM placed
UNION ALL SELECT at || '/avg_sales_cycle_days', tenths / 10.0 FROM placed
UNION ALL SELECT at || '/cycle_days/won/n', won_n FROM placed
UNION ALL SELECT at || '/cycle_days/all/n', all_n FROM placed
UNION ALL SELECT at || '/cycle_days/all/mean', CASE WHEN all_n > 0 THEN (all_days * 20 + all_n) / (all_n * 2) / 10.0 END FROM placed
-- The four figures as they are shown.
UNION ALL SELECT at || '/velocity', CASE WHEN NOT (is_segment AND by_month) AND tenths > 0
  THEN (qualified * size * rate * 2 + tenths * 1000) / (tenths * 2000) / 100.0 END FROM placed JOIN opened USING (is_segment, name)
UNION ALL SELECT at || '/open/count', CASE WHEN NOT (is_segment AND by_month) THEN opened.n END FROM placed JOIN opened USING (is_segment, name)
UNION ALL SELECT at || '/open/value', CASE WHEN NOT (is_segment AND by_month) THEN opened.value / 100.0 END FROM placed JOIN opened USING (is_segment, name)
UNION ALL SELECT at || '/open/weighted_value', CASE WHEN NOT (is_segment AND by_month) THEN opened.weighted / 100.0 END FROM placed JOIN opened USING (is_segment, name)
UNION ALL SELECT at || '/open/qualified', CASE WHEN NOT (is_segment AND by_month) THEN opened.qualified END FROM placed JOIN opened USING (is_segment, name)
UNION ALL SELECT at || '/found/deals', finds.n FROM placed JOIN finds USING (is_segment, name)
UNION ALL SELECT at || '/found/won', finds.won FROM placed JOIN finds USING (is_segment, name)
UNION ALL SELECT at || '/found/lost', finds.lost FROM placed JOIN finds USING (is_segment, name)
UNION ALL SELECT at || '/found/open', finds.n - finds.won - finds.lost FROM placed JOIN finds USING (is_segment, name)
UNION ALL SELECT at || '/found/days_to_win/n', days_n FROM placed JOIN finds USING (is_segment, name)
UNION ALL SELECT at || '/found/days_to_win/mean', CASE WHEN days_n > 0 THEN (days * 20 + days_n) / (days_n * 2) / 10.0 END FROM placed JOIN finds USING (is_segment, name)
-- Judging the past without hindsight: nothing at all where more than a tenth of the value was not on record.
UNION ALL SELECT at || '/slip_rate/of', CASE WHEN NOT (unknown * 10 > known + unknown OR (known + unknown = 0 AND unknowns > 0)) THEN due END FROM placed JOIN slips USING (is_segment, name)
UNION ALL SELECT at || '/slip_rate/part', CASE WHEN NOT (unknown * 10 > known + unknown OR (known + unknown = 0 AND unknowns > 0)) THEN slipped END FROM placed JOIN slips USING (is_segment, name)
UNION ALL SELECT at || '/slip_rate/pending', CASE WHEN NOT (unknown * 10 > known + unknown OR (known + unknown = 0 AND unknowns > 0)) THEN pending END FROM placed JOIN slips USING (is_segment, name)
UNION ALL SELECT at || '/slip_rate/rate', CASE WHEN NOT (unknown * 10 > known + unknown OR (known + unknown = 0 AND unknowns > 0)) AND due > 0
  THEN (slipped * 20000 + due) / (due * 2) / 10000.0 END FROM placed JOIN slips USING (is_segment, name)
UNION ALL SELECT '/segments#', count(*) FROM placed, asked WHERE is_segment AND dimension IS NOT NULL HAVING max(dimension) IS NOT NULL
UNION ALL SELECT at || '/segment', name FROM placed WHERE is_segment
UNION ALL SELECT at || '/rank', rank FROM placed WHERE is_segment
UNION ALL SELECT at || '/partial', CASE WHEN is_partial THEN 'true' END FROM placed JOIN month USING (name) WHERE is_segment AND by_month
UNION ALL SELECT '/top_sources#', count(*) FROM source_placed
UNION ALL SELECT at || '/source', name FROM source_placed
UNION ALL SELECT at || '/count', n FROM source_placed
UNION ALL SELECT at || '/won', won FROM source_placed
UNION ALL SELECT at || '/lost', lost FROM source_placed
UNION ALL SELECT at || '/won_value', won_value / 100.0 FROM source_placed
UNION ALL SELECT at || '/win_rate', CASE WHEN won + lost > 0 THEN (won * 20000 + won + lost) / ((won + lost) * 2) / 10000.0 END FROM source_placed
UNION ALL SELECT '/lost_reasons#', count(*) FROM reason
UNION ALL SELECT at || '/reason', reason FROM reason
UNION ALL SELECT at || '/count', n FROM reason
UNION ALL SELECT at || '/value_lost', value / 100.0 FROM reason
UNION ALL SELECT at || '/period', name FROM by_period
UNION ALL SELECT at || '/partial', CASE WHEN is_partial THEN 'true' END FROM by_period
UNION ALL SELECT at || '/won', won FROM by_period
UNION ALL SELECT at || '/lost', lost FROM by_period
UNION ALL SELECT at || '/value_won', won_value / 100.0 FROM by_period
UNION ALL SELECT at || '/value_lost', lost_value / 100.0 FROM by_period
UNION ALL SELECT '/won_without_arr', without / 100.0 FROM expansion
UNION ALL SELECT '/expansion_rate', CASE WHEN arr > 0 THEN (won * 20000 + arr) / (arr * 2) / 10000.0 END FROM expansion;
