-- The deals behind figures of list_opportunities, after its own oracle.
CREATE TEMP TABLE behind AS
SELECT 'total' AS figure, id, 1 AS adds FROM found
UNION ALL SELECT 'open.value', id, value / 100.0 FROM found WHERE open
UNION ALL SELECT 'open.weighted', id, weighted / 100.0 FROM found WHERE open
UNION ALL SELECT 'won_value', id, value / 100.0 FROM found WHERE stage = 4
UNION ALL SELECT 'lost_count', id, 1 FROM found WHERE stage = 5;
