//! A tool's arguments as pairs of words, as they are typed at the command line and stand in the query
//! of a URL, read as the tool's schema says.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

use crate::registry::Tool;

/// A pair as it is typed: KEY=VALUE.
pub fn key_value(pair: &str) -> Result<(String, String)> {
    let (key, value) = pair
        .split_once('=')
        .with_context(|| format!("'{pair}' is not KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// The arguments of a call, read as the tool's schema says: a key given twice is a list, a dot in a
/// key a part of an object.
pub fn arguments_of(
    tool: &Tool,
    pairs: impl IntoIterator<Item = (String, String)>,
    mut arguments: Map<String, Value>,
) -> Result<Map<String, Value>> {
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in pairs {
        given.entry(key).or_default().push(value);
    }
    for (key, values) in given {
        let path: Vec<&str> = key.split('.').collect();
        let schema = path
            .iter()
            .try_fold(Value::Object((*tool.input).clone()), |schema, part| {
                schema
                    .get("properties")
                    .and_then(|properties| properties.get(part))
                    .cloned()
            });
        let kind = schema
            .as_ref()
            .and_then(|schema| schema.get("type"))
            .and_then(Value::as_str)
            .unwrap_or("array");
        let value = match (kind, values.as_slice()) {
            ("array", [one]) if schema.is_none() => Value::String(one.clone()),
            ("array", several) => several.iter().cloned().map(Value::String).collect(),
            (kind, [one]) => typed(kind, one),
            (_, _) => bail!("'{key}' takes one value"),
        };
        insert(&mut arguments, &path, value).with_context(|| format!("'{key}' is given twice"))?;
    }
    Ok(arguments)
}

/// A word as the type the schema asks for; what does not fit is passed on as text, for the tool to refuse.
/// So is an amount: the tool reads it from words, exactly, and knows "85.000" for what it is.
fn typed(kind: &str, word: &str) -> Value {
    let text = || Value::String(word.to_owned());
    match kind {
        "boolean" => word.parse().map_or_else(|_| text(), Value::Bool),
        "integer" => word
            .trim()
            .parse::<i64>()
            .map_or_else(|_| text(), Value::from),
        "object" => serde_json::from_str(word).unwrap_or_else(|_| text()),
        _ => text(),
    }
}

fn insert(arguments: &mut Map<String, Value>, path: &[&str], value: Value) -> Option<()> {
    match path {
        [] => None,
        [key] => arguments
            .insert((*key).to_owned(), value)
            .is_none()
            .then_some(()),
        [key, rest @ ..] => {
            let part = arguments
                .entry((*key).to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
            insert(part.as_object_mut()?, rest, value)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(tool: &str, pairs: &[&str]) -> Value {
        let tool = crate::registry::find(tool).unwrap();
        let pairs = pairs.iter().map(|pair| key_value(pair).unwrap());
        Value::Object(arguments_of(tool, pairs, Map::new()).unwrap())
    }

    #[test]
    fn amounts_stay_words_and_whole_numbers_are_exact() {
        assert_eq!(
            given(
                "create_opportunity",
                &[
                    "estimated_value=85.000",
                    "probability=0.45",
                    "term_months=24",
                    "new_customer=true",
                ],
            ),
            json!({
                "estimated_value": "85.000",
                "probability": "0.45",
                "term_months": 24,
                "new_customer": true,
            })
        );
        assert_eq!(
            given(
                "list_opportunities",
                &[
                    "min_value=99999999999999999999",
                    "exclude.max_value=1e3",
                    "limit= 5",
                    "min_days_in_stage=99999999999999999999",
                ],
            ),
            json!({
                "min_value": "99999999999999999999",
                "exclude": { "max_value": "1e3" },
                "limit": 5,
                "min_days_in_stage": "99999999999999999999",
            })
        );
    }
}
