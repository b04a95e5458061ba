-- The deals behind figures of win_rate, after its own oracle.
CREATE TEMP TABLE behind AS
SELECT 'overall.won' AS figure, id, 1 AS adds FROM found WHERE stage = 4
UNION ALL SELECT 'overall.won_value', id, value / 100.0 FROM found WHERE stage = 4
UNION ALL SELECT 'overall.lost', id, 1 FROM found WHERE stage = 5
UNION ALL SELECT 'overall.lost_value', id, value / 100.0 FROM found WHERE stage = 5;
