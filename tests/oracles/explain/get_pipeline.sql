-- The deals behind figures of get_pipeline, after its own oracle.
CREATE TEMP TABLE behind AS
SELECT 'summary.total_value' AS figure, id, value / 100.0 AS adds FROM open
UNION ALL SELECT 'summary.total_opportunities', id, 1 FROM open
UNION ALL SELECT 'summary.weighted_value', id, weighted / 100.0 FROM open
UNION ALL SELECT 'by_stage.' || stage_name || '.value', id, value / 100.0 FROM open;
