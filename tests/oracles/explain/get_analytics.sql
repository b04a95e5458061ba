-- The deals behind figures of get_analytics, after its own oracle.
CREATE TEMP TABLE behind AS
SELECT 'won' AS figure, id, 1 AS adds FROM closed WHERE stage = 4
UNION ALL SELECT 'won_value', id, value / 100.0 FROM closed WHERE stage = 4
UNION ALL SELECT 'lost', id, 1 FROM closed WHERE stage = 5
UNION ALL SELECT 'lost_value', id, value / 100.0 FROM closed WHERE stage = 5;
