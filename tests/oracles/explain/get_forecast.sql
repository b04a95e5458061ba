-- The deals behind figures of get_forecast, after its own oracle.
CREATE TEMP TABLE behind AS
SELECT 'closed' AS figure, id, closed / 100.0 AS adds FROM part
UNION ALL SELECT 'commit', id, commits / 100.0 FROM part
UNION ALL SELECT 'best_case', id, best_case / 100.0 FROM part
UNION ALL SELECT 'upside', id, upside / 100.0 FROM part
UNION ALL SELECT 'weighted', id, weighted / 100.0 FROM part;
