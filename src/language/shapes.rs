//! A caller's JSON beside the schema of what was asked for: what says the same in another type is
//! made to fit ("20" for 20), and what does not fit is told in plain words what would.

use serde_json::{Map, Value};

use super::vocabulary::quoted;
use crate::refusal::{Code, Refusal, Result};

/// A value as its schema has it. `path` is where it stands, for the refusal.
pub(super) fn fit(value: Value, schema: &Value, path: &str) -> Result<Value> {
    let kind = schema.get("type").and_then(Value::as_str);
    match (kind, value) {
        (Some("object"), Value::Object(fields)) => {
            Ok(Value::Object(fields_of(fields, schema, path)?))
        }
        (Some("array"), Value::Array(items)) => {
            let of_items = schema.get("items").unwrap_or(&Value::Null);
            let items = items
                .into_iter()
                .enumerate()
                .map(|(place, item)| match item {
                    Value::Number(_) => Ok(item),
                    item => fit(item, of_items, &format!("{path}[{place}]")),
                });
            items.collect::<Result<_>>().map(Value::Array)
        }
        // One word stands for a list of one, and an amount may be in words ("85k").
        (Some("array" | "number"), value @ (Value::String(_) | Value::Number(_))) => Ok(value),
        (Some("string"), value @ Value::String(_)) => Ok(value),
        (Some("boolean"), value @ Value::Bool(_)) => Ok(value),
        (Some("boolean"), Value::String(word)) if word.eq_ignore_ascii_case("true") => {
            Ok(true.into())
        }
        (Some("boolean"), Value::String(word)) if word.eq_ignore_ascii_case("false") => {
            Ok(false.into())
        }
        (Some("integer"), value @ (Value::Number(_) | Value::String(_))) => whole(&value)
            .map(Value::from)
            .ok_or_else(|| misfit(&value, schema, path)),
        (None, value) => Ok(value),
        (_, value) => Err(misfit(&value, schema, path)),
    }
}

/// The fields of an object: none that the schema does not know, and all that it requires. A null
/// counts as not given.
fn fields_of(fields: Map<String, Value>, schema: &Value, path: &str) -> Result<Map<String, Value>> {
    let known = schema.get("properties").and_then(Value::as_object);
    let mut fitted = Map::new();
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
        let below = below(path, &name);
        let value = match known.and_then(|known| known.get(&name)) {
            Some(schema) => fit(value, schema, &below)?,
            None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                let known = known.into_iter().flat_map(Map::keys).cloned();
                return Err(super::arguments::unknown(
                    path,
                    &name,
                    &known.collect::<Vec<_>>(),
                ));
            }
            None => value,
        };
        fitted.insert(name, value);
    }
    let required = schema.get("required").and_then(Value::as_array);
    let missing = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find(|name| !fitted.contains_key(*name));
    match missing {
        None => Ok(fitted),
        Some(name) => {
            let described = described(known.and_then(|known| known.get(name)));
            let name = below(path, name);
            Err(Refusal::new(
                Code::InvalidArgument,
                format!("The argument '{name}' is missing."),
            )
            .hint(format!("Give '{name}'{described} and call again.")))
        }
    }
}

/// Where a field of an object stands: "signal.kind".
pub(super) fn below(path: &str, name: &str) -> String {
    let name = super::clean(name, 60);
    if path.is_empty() {
        name
    } else {
        format!("{path}.{name}")
    }
}

/// The schema of what stands at a path.
pub(super) fn at<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(schema, |schema, name| {
        let name = name.split('[').next().unwrap_or(name);
        schema.get("properties")?.get(name)
    })
}

/// The whole number that a number or a text says, exactly.
fn whole(value: &Value) -> Option<i64> {
    let digits = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let digits = match digits.split_once('.') {
        Some((whole, zeros)) if value.is_number() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => &digits,
    };
    let only_digits = digits
        .trim_start_matches('-')
        .bytes()
        .all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| only_digits)
}

/// The refusal of a value that is not what its schema wants.
pub(super) fn misfit(value: &Value, schema: &Value, path: &str) -> Refusal {
    let wanted = wanted(schema);
    Refusal::new(
        Code::InvalidArgument,
        format!("'{path}' is {}, not {wanted}.", given(value)),
    )
    .hint(format!(
        "Give '{path}' as {wanted}{}.",
        described(Some(schema))
    ))
}

/// What a schema says of what it describes, in brackets.
fn described(schema: Option<&Value>) -> String {
    let description = schema.and_then(|schema| schema.get("description")?.as_str());
    description.map_or_else(String::new, |description| format!(" ({description})"))
}

/// What a schema wants, in words.
fn wanted(schema: &Value) -> String {
    let kind = schema.get("type").and_then(Value::as_str);
    let bound = |name: &str| schema.get(name).filter(|bound| bound.is_number());
    let within = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of {least} or more"),
        _ => String::new(),
    };
    match kind {
        Some("integer") => format!("a whole number{within}"),
        Some("number") => format!("a number{within}"),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => "a text or a list of texts".to_owned(),
        Some("object") => object(schema),
        _ => "a text".to_owned(),
    }
}

/// "an object with kind, and detected_at, evidence or id if known".
fn object(schema: &Value) -> String {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let others: Vec<&str> = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .filter(|name| !required.contains(name))
        .collect();
    match (required.as_slice(), others.as_slice()) {
        ([], []) => "an object".to_owned(),
        ([], others) => format!("an object with any of {}", others.join(", ")),
        (required, []) => format!("an object with {}", required.join(", ")),
        (required, others) => format!(
            "an object with {}, and any of {}",
            required.join(", "),
            others.join(", ")
        ),
    }
}

/// What was given, in words.
fn given(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
