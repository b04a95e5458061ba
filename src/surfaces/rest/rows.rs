//! Rows of an answer as CSV, fit to be opened in a spreadsheet: a text that such a program would take
//! for a formula is marked as text.

use csv::Writer;
use serde_json::{Map, Value};

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A line of names, then a line for each row. A part of a part is named with a dot, a list is JSON.
pub fn csv(rows: &[Value]) -> anyhow::Result<String> {
    let rows: Vec<Map<String, Value>> = rows.iter().map(flat).collect();
    let mut names: Vec<&String> = Vec::new();
    for name in rows.iter().flat_map(Map::keys) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut table = Writer::from_writer(Vec::new());
    if !names.is_empty() {
        table.write_record(&names)?;
    }
    for row in &rows {
        table.write_record(names.iter().map(|name| cell(row.get(*name))))?;
    }
    Ok(String::from_utf8(table.into_inner()?)?)
}

fn flat(row: &Value) -> Map<String, Value> {
    let mut cells = Map::new();
    fill("", row, &mut cells);
    cells
}

fn fill(name: &str, value: &Value, cells: &mut Map<String, Value>) {
    match value {
        Value::Object(parts) => {
            for (part, value) in parts {
                let name = match name {
                    "" => part.clone(),
                    name => format!("{name}.{part}"),
                };
                fill(&name, value, cells);
            }
        }
        value => {
            cells.insert(name.to_owned(), value.clone());
        }
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text.starts_with(FORMULA) => format!("'{text}"),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_flat_and_no_text_is_a_formula() {
        let rows = [
            json!({"name": "=HYPERLINK(\"x\")", "value": -5, "rate": {"low": 0.1, "high": null}}),
            json!({"name": "plain, with a comma", "stages": ["a", "b"]}),
        ];
        assert_eq!(
            csv(&rows).unwrap(),
            "name,rate.high,rate.low,value,stages\n\
             \"'=HYPERLINK(\"\"x\"\")\",,0.1,-5,\n\
             \"plain, with a comma\",,,,\"[\"\"a\"\",\"\"b\"\"]\"\n"
        );
        assert_eq!(csv(&[]).unwrap(), "");
    }
}
