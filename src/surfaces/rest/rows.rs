//! Rows of an answer as CSV, fit to be opened in a spreadsheet: a text that such a program would take
//! for a formula is marked as text.

use csv::Writer;
use serde_json::{Map, Value};

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The columns of the rows in a part of an answer, as its schema has them, so that every page has the same.
/// None where the schema says nothing of the rows.
pub fn columns(schema: &Map<String, Value>, part: &str) -> Vec<String> {
    let row = schema.get("properties").and_then(|parts| parts.get(part));
    let mut columns = Vec::new();
    if let Some(row) = row.and_then(|part| part.get("items")) {
        name(schema, "", row, &mut columns);
    }
    columns.sort_by_key(|column| column != "id");
    columns
}

/// Adds the names of the cells of what a schema describes.
fn name(schema: &Map<String, Value>, path: &str, of: &Value, columns: &mut Vec<String>) {
    if let Some(place) = of.get("$ref").and_then(Value::as_str) {
        let name_of = place.rsplit('/').next().unwrap_or(place);
        if let Some(of) = schema.get("$defs").and_then(|all| all.get(name_of)) {
            name(schema, path, of, columns);
        }
        return;
    }
    let either = of.get("anyOf").and_then(Value::as_array);
    let object = either.and_then(|either| either.iter().find(|one| one.get("$ref").is_some()));
    if let Some(object) = object {
        return name(schema, path, object, columns);
    }
    let Some(parts) = of.get("properties").and_then(Value::as_object) else {
        if !path.is_empty() {
            columns.push(path.to_owned());
        }
        return;
    };
    for (part, of) in parts {
        name(schema, &within(path, part), of, columns);
    }
}

/// A line of names, then a line for each row. A part of a part is named with a dot, a list is JSON. What
/// the columns do not name and some row has follows them.
pub fn csv(mut columns: Vec<String>, rows: &[Value]) -> anyhow::Result<String> {
    let rows: Vec<Map<String, Value>> = rows.iter().map(flat).collect();
    for (name, value) in rows.iter().flatten() {
        let is_there = columns.contains(name) || value.is_null() && is_parted(&columns, name);
        if !is_there {
            columns.push(name.clone());
        }
    }
    let mut table = Writer::from_writer(Vec::new());
    if !columns.is_empty() {
        table.write_record(&columns)?;
    }
    for row in &rows {
        table.write_record(columns.iter().map(|name| cell(row.get(name))))?;
    }
    Ok(String::from_utf8(table.into_inner()?)?)
}

/// Whether the parts of something have columns.
fn is_parted(columns: &[String], name: &str) -> bool {
    let parts = within(name, "");
    columns.iter().any(|column| column.starts_with(&parts))
}

fn within(path: &str, part: &str) -> String {
    match path {
        "" => part.to_owned(),
        path => format!("{path}.{part}"),
    }
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
                fill(&within(name, part), value, cells);
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
            csv(Vec::new(), &rows).unwrap(),
            "name,rate.high,rate.low,value,stages\n\
             \"'=HYPERLINK(\"\"x\"\")\",,0.1,-5,\n\
             \"plain, with a comma\",,,,\"[\"\"a\"\",\"\"b\"\"]\"\n"
        );
        assert_eq!(csv(Vec::new(), &[]).unwrap(), "");
    }

    #[test]
    fn every_page_has_the_columns_of_the_schema() {
        let schema = json!({
            "properties": {"rows": {"items": {"$ref": "#/$defs/Row"}}},
            "$defs": {
                "Row": {"properties": {
                    "age": {"type": "integer"}, "id": {"type": "string"}, "open": {"$ref": "#/$defs/Open"},
                    "rate": {"anyOf": [{"$ref": "#/$defs/Open"}, {"type": "null"}]},
                }},
                "Open": {"properties": {"count": {}, "value": {}}},
            },
        });
        let columns = columns(schema.as_object().unwrap(), "rows");
        let line = "id,age,open.count,open.value,rate.count,rate.value";
        assert_eq!(csv(columns.clone(), &[]).unwrap(), format!("{line}\n"));
        let rows = [json!({"id": "a", "open": {"count": 1}, "rate": null, "more": "x"})];
        let expected = format!("{line},more\na,,1,,,,x\n");
        assert_eq!(csv(columns, &rows).unwrap(), expected);
    }
}
