//! The words for metrics: what an analysis is asked to show.

use crate::language::arguments::Words;
use crate::language::vocabulary::pick_spoken;
use crate::refusal::Result;
use crate::reports::parts::performance::Column;

const COLUMNS: [(&str, Column); 11] = [
    ("win_rate", Column::WinRate),
    ("avg_deal_size", Column::DealSize),
    ("cycle_days", Column::Cycle),
    ("velocity", Column::Velocity),
    ("open", Column::Open),
    ("slip_rate", Column::SlipRate),
    ("found", Column::Found),
    ("lost_reasons", Column::LostReasons),
    ("expansion_rate", Column::ExpansionRate),
    ("by_period", Column::ByPeriod),
    ("top_sources", Column::TopSources),
];

/// Other words for them: names of fields, and what people say.
const SPOKEN: [(&str, Column); 9] = [
    ("win_rate_by_value", Column::WinRate),
    ("avg_sales_cycle_days", Column::Cycle),
    ("sales_cycle", Column::Cycle),
    ("cycle", Column::Cycle),
    ("deal_size", Column::DealSize),
    ("size", Column::DealSize),
    ("pipeline", Column::Open),
    ("open_pipeline", Column::Open),
    ("slip", Column::SlipRate),
];

/// The metrics that words name, each once; all of them for "all".
pub fn columns(words: &Words) -> Result<Vec<Column>> {
    let mut columns = Vec::new();
    for word in &words.0 {
        if word.trim().eq_ignore_ascii_case("all") {
            return Ok(COLUMNS.map(|(_, column)| column).to_vec());
        }
        let column = pick_spoken("metric", word, &COLUMNS, &SPOKEN)?;
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    Ok(columns)
}
