-- The deals behind figures of get_changes, after its own oracle.
CREATE TEMP TABLE behind AS
SELECT moment || '.value' AS figure, id, value / 100.0 AS adds FROM member WHERE moment IN ('start', 'end')
UNION ALL SELECT moment || '.count', id, 1 FROM member WHERE moment IN ('start', 'end')
UNION ALL SELECT 'buckets.' || bucket || '.count', id, 1 FROM part
UNION ALL SELECT 'buckets.' || bucket || '.value', id, value / 100.0 FROM part;
