//! Where two answers to the same question differ: their numbers, by where they stand.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::Reply;
use crate::domain::money::Currency;
use crate::language::cell;
use crate::language::units::said;

/// Parts of an answer that hold rows of deals, or words.
const NO_FIGURES: [&str; 10] = [
    "basis",
    "warnings",
    "opportunities",
    "by_customer",
    "deals",
    "history",
    "stages",
    "signals",
    "reasons",
    "what_if",
];

/// What names an element of an array.
const KEYS: [&str; 9] = [
    "stage", "type", "month", "segment", "bucket", "period", "reason", "source", "from",
];

/// A figure that is another now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Difference {
    pub figure: String,
    #[schemars(with = "Option<f64>")]
    pub then: Value,
    /// From what is on record now, asked on the same day
    #[schemars(with = "Option<f64>")]
    pub after_changes: Value,
    /// Asked today, of the present
    #[schemars(with = "Option<f64>")]
    pub today: Value,
    #[serde(skip)]
    currency: Currency,
}

impl Difference {
    /// In a line.
    pub fn text(&self) -> String {
        let of = |value| said(&self.figure, value, self.currency);
        format!(
            "{}: {} then, {} after changes, {} today.",
            cell(&self.figure),
            of(&self.then),
            of(&self.after_changes),
            of(&self.today)
        )
    }
}

/// Every figure that differs between the answers.
pub fn differences(
    then: &Reply,
    changed: Option<&Reply>,
    today: Option<&Reply>,
) -> Vec<Difference> {
    let read = |reply: &Reply| {
        let mut figures = BTreeMap::new();
        collect(&reply.structured, "", &mut figures);
        figures
    };
    let Some(changed) = changed.map(read) else {
        return Vec::new();
    };
    let currency = then.portfolio.settings().currency;
    let (then, today) = (read(then), today.map(read));
    let today = today.as_ref().unwrap_or(&changed);
    let mut paths: Vec<&String> = then
        .keys()
        .chain(changed.keys())
        .chain(today.keys())
        .collect();
    paths.sort();
    paths.dedup();
    let of = |figures: &BTreeMap<String, Value>, path: &String| {
        figures.get(path).cloned().unwrap_or(Value::Null)
    };
    paths
        .into_iter()
        .map(|path| Difference {
            figure: path.clone(),
            then: of(&then, path),
            after_changes: of(&changed, path),
            today: of(today, path),
            currency,
        })
        .filter(|row| row.then != row.after_changes || row.then != row.today)
        .collect()
}

/// The numbers of an answer by where they stand.
fn collect(value: &Value, path: &str, into: &mut BTreeMap<String, Value>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Number(_) => {
            into.insert(path.to_owned(), value.clone());
        }
        Value::Object(fields) => {
            let is_figure = |name: &str| !path.is_empty() || !NO_FIGURES.contains(&name);
            for (name, field) in fields.iter().filter(|(name, _)| is_figure(name)) {
                collect(field, &below(name), into);
            }
        }
        Value::Array(rows) => {
            for row in rows {
                if let Some(name) = name_of(row) {
                    collect(row, &below(&name), into);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// What an element of an array is called.
fn name_of(row: &Value) -> Option<String> {
    KEYS.iter().find_map(|key| match row.get(key)? {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// The value at a path of an answer; `None` where it has no such figure. Names of elements may hold
/// points themselves.
pub fn at(answer: &Value, path: &str) -> Option<Value> {
    if path.is_empty() {
        return Some(answer.clone());
    }
    let below = |name: &str| {
        let rest = path.strip_prefix(name)?;
        rest.strip_prefix('.').or(rest.is_empty().then_some(""))
    };
    match answer {
        Value::Array(rows) => rows.iter().find_map(|row| at(row, below(&name_of(row)?)?)),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, field)| at(field, below(name)?)),
        _ => None,
    }
}
