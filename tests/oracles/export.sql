-- The export files, as they stand in the tables opportunities, customers, csms, stage_history,
-- targets, rates and settings (all columns TEXT, rowid = row of the file), read once for every oracle.
-- Nothing here has been near the engine. Money is in hundredths, probabilities in basis points.

CREATE TABLE stage AS
WITH known (place, name, probability, category) AS (VALUES
  (0, 'identified', 1000, 'pipeline'), (1, 'qualified', 4000, 'pipeline'), (2, 'proposal', 6000, 'best_case'),
  (3, 'negotiation', 8000, 'commit'), (4, 'closed_won', 10000, 'closed'), (5, 'closed_lost', 0, 'omitted'))
SELECT place, name,
  coalesce((SELECT CAST(round(replace(value, '%', '') * 100) AS INTEGER) FROM settings
            WHERE settings.name = 'probability.' || known.name), probability) AS probability,
  coalesce((SELECT value FROM settings WHERE settings.name = 'category.' || known.name), category) AS category
FROM known;

CREATE TABLE type (place, name);
INSERT INTO type VALUES (0, 'upsell'), (1, 'cross_sell'), (2, 'add_on'), (3, 'seat_expansion'), (4, 'tier_upgrade');

-- One row for each deal. A deal in another currency is worth what the latest rate on or before its close
-- makes of it, while it is open the latest of all (rates of later days than today are not imported). One
-- without a rate is counted, and its money is in no sum (value, estimate and weighted are NULL, which no
-- sum takes). Rates are in ten-thousandths.
CREATE TABLE deal AS
WITH
-- A column with % signs, or with any value above 1, is percent throughout (DEFINITIONS 1).
percent (is_so) AS (
  SELECT coalesce(max(probability LIKE '%\%%' ESCAPE '\' OR CAST(replace(probability, '%', '') AS REAL) > 1), 0)
  FROM opportunities),
typed AS (
  SELECT o.rowid AS place, o.id, o.name, o.type, s.place AS stage, s.name AS stage_name, s.place < 4 AS open,
    nullif(o.currency, '') AS currency, nullif(o.currency, '') IS NOT NULL AND o.currency <> coalesce((SELECT value FROM settings WHERE name = 'currency'), 'USD') AS is_other,
    CAST(round((SELECT r.rate FROM rates r WHERE r.currency = o.currency AND (s.place < 4 OR r.date <= o.actual_close)
      ORDER BY r.date DESC LIMIT 1) * 10000) AS INTEGER) AS rate,
    CAST(round(o.estimated_value * 100) AS INTEGER) AS estimate,
    CAST(round(o.closed_value * 100) AS INTEGER) AS closed_value,
    -- Closed deals are always at 100 % or 0 %; an open one follows its stage unless the file says otherwise.
    CASE WHEN s.place < 4 AND o.probability <> ''
      THEN CAST(round(replace(o.probability, '%', '') * CASE WHEN is_so THEN 100 ELSE 10000 END) AS INTEGER)
      ELSE s.probability END AS probability,
    CASE WHEN s.place < 4 AND o.forecast_category <> '' THEN o.forecast_category ELSE s.category END AS category,
    nullif(o.customer_id, '') AS customer, nullif(o.customer_name, '') AS customer_name,
    nullif(o.csm_id, '') AS csm, nullif(o.csm_name, '') AS csm_name,
    nullif(o.sales_rep_id, '') AS rep, nullif(o.sales_rep_name, '') AS rep_name,
    nullif(o.product_line, '') AS line, nullif(o.source, '') AS source,
    nullif(o.identified_date, '') AS identified, nullif(o.expected_close, '') AS expected,
    CASE WHEN s.place >= 4 THEN nullif(o.actual_close, '') END AS closed_on,
    nullif(o.stage_entered_at, '') AS entered, nullif(o.lost_reason, '') AS reason,
    -- Looked up on the deal, then the customer, then the CSM.
    coalesce(nullif(o.region, ''), nullif(c.region, ''), nullif(p.region, '')) AS region,
    nullif(c.segment, '') AS segment
  FROM opportunities o CROSS JOIN percent
  JOIN stage s ON s.name = o.stage
  LEFT JOIN customers c ON c.id = o.customer_id
  LEFT JOIN csms p ON p.id = o.csm_id),
own AS (
  -- A deal's value: closed_value once won, the estimate otherwise.
  SELECT *, CASE WHEN stage = 4 THEN closed_value ELSE estimate END AS own_value, is_other AND rate IS NULL AS no_rate FROM typed),
worth AS (
  -- Converted, half-up to the cent.
  SELECT *, CASE WHEN is_other THEN (own_value * rate * 2 + 10000) / 20000 ELSE own_value END AS value,
    CASE WHEN is_other THEN (estimate * rate * 2 + 10000) / 20000 ELSE estimate END AS last_estimate FROM own)
SELECT place, id, name, type, stage, stage_name, open, no_rate, is_other, currency, estimate AS own_estimate, last_estimate AS estimate,
  value, probability, (value * probability + 5000) / 10000 AS weighted, category,
  customer, customer_name, csm, csm_name, rep, rep_name, line, source, identified, expected, closed_on,
  reason, region, segment,
  -- When it entered the stage it stands in: a close by its actual close, else the last row of its
  -- history that says so, else what the file says.
  CASE WHEN stage >= 4 THEN closed_on ELSE coalesce(
    (SELECT max(h.at) FROM stage_history h WHERE h.opportunity_id = id
     AND h.rowid = (SELECT l.rowid FROM stage_history l WHERE l.opportunity_id = id ORDER BY l.at DESC, l.rowid DESC LIMIT 1)
     AND h.to_stage = stage_name), entered) END AS entered,
  EXISTS (SELECT 1 FROM stage_history h WHERE h.opportunity_id = id) AS has_history
FROM worth;

-- The stages each deal stood in, one after another. With a history: the stage its first row leaves,
-- since the identified date, then the stage each row enters. Without one: identified at its
-- identified date, its stage at stage_entered_at, a closed one at actual_close. A close is dated by
-- actual_close, and where the history ends in another stage than the deal is in, the column wins.
CREATE TABLE step AS
WITH
row AS (
  SELECT h.opportunity_id AS deal, row_number() OVER (PARTITION BY h.opportunity_id ORDER BY h.at, h.rowid) AS n,
    nullif(h.from_stage, '') AS left_stage, s.place AS stage, h.at,
    row_number() OVER (PARTITION BY h.opportunity_id ORDER BY h.at DESC, h.rowid DESC) = 1 AS is_last
  FROM stage_history h JOIN stage s ON s.name = h.to_stage),
recorded AS (
  SELECT d.id AS deal, 0 AS n, s.place AS stage, d.identified AS at
  FROM deal d JOIN row ON row.deal = d.id AND row.n = 1 JOIN stage s ON s.name = row.left_stage
  UNION ALL
  SELECT row.deal, row.n, row.stage, CASE WHEN is_last AND d.stage = row.stage AND d.stage >= 4 THEN d.closed_on ELSE row.at END
  FROM row JOIN deal d ON d.id = row.deal
  UNION ALL
  SELECT d.id, row.n + 1, d.stage, d.entered FROM deal d JOIN row ON row.deal = d.id AND row.is_last AND row.stage <> d.stage
  UNION ALL
  SELECT id, 0, 0, identified FROM deal WHERE NOT has_history AND stage > 0
  UNION ALL
  SELECT id, 1, stage, CASE WHEN stage = 0 THEN coalesce(identified, entered) ELSE entered END FROM deal WHERE NOT has_history)
SELECT deal, n, stage, at,
  lead(stage) OVER (PARTITION BY deal ORDER BY n) AS next_stage, lead(at) OVER (PARTITION BY deal ORDER BY n) AS next_at
FROM recorded;

-- The open stages each deal with a history entered. Stages skipped on a forward move between two
-- open stages, or from an open stage to won, count as entered.
CREATE TABLE entered AS
SELECT DISTINCT step.deal, s.place AS stage
FROM step JOIN deal d ON d.id = step.deal AND d.has_history
JOIN stage s ON s.place < 4 AND (s.place = step.stage
  OR (step.stage < 4 AND step.next_stage <= 4 AND s.place > step.stage AND s.place < step.next_stage));

-- Finished stays in open stages, in days; a stay whose beginning nobody knows has no length.
CREATE TABLE stay AS
SELECT step.deal, step.stage, CAST(julianday(next_at) - julianday(at) AS INTEGER) AS days
FROM step JOIN deal d ON d.id = step.deal AND d.has_history
WHERE step.stage < 4 AND next_stage IS NOT NULL AND at IS NOT NULL AND next_at IS NOT NULL;

-- Which parts of the filter hold for which deal. filter (side, key, value) holds what was asked.
CREATE TABLE fits AS
SELECT DISTINCT f.side, f.key, d.id AS deal FROM filter f JOIN deal d ON CASE f.key
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

-- The deals asked about, and the same whatever the stage.
CREATE TABLE matching AS
SELECT d.*,
  NOT EXISTS (SELECT 1 FROM filter f WHERE f.side = 'only' AND f.key = 'stage'
    AND NOT EXISTS (SELECT 1 FROM fits WHERE fits.side = 'only' AND fits.key = 'stage' AND fits.deal = d.id))
  AND NOT EXISTS (SELECT 1 FROM fits WHERE fits.side = 'exclude' AND fits.key = 'stage' AND fits.deal = d.id) AS in_stage
FROM deal d
WHERE NOT EXISTS (SELECT 1 FROM filter f WHERE f.side = 'only' AND f.key <> 'stage'
    AND NOT EXISTS (SELECT 1 FROM fits WHERE fits.side = 'only' AND fits.key = f.key AND fits.deal = d.id))
  AND NOT EXISTS (SELECT 1 FROM fits WHERE fits.side = 'exclude' AND fits.key <> 'stage' AND fits.deal = d.id);
