//! A caller's JSON arguments → a typed question, with refusals a language model can act on: an
//! unknown argument is told its nearest neighbour, a wrong type is told where it stands.

use std::any::TypeId;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use schemars::{JsonSchema, Schema, json_schema};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::vocabulary::{did_you_mean, nearest};
use super::{schema, shapes, visible};
use crate::domain::money::Currency;
use crate::refusal::{Code, Refusal, Result};

/// The longest text an argument may carry, in bytes; notes and evidence are the long ones.
pub const LONGEST: usize = 10_000;
/// Lists longer than this, and objects nested deeper, say nothing that a tool could use.
const ITEMS: usize = 1_000;
const DEPTH: usize = 8;

/// Refuses arguments that are not among the known ones. `within` is the argument they stand in;
/// empty for those of the tool itself.
pub fn check_names(arguments: &Map<String, Value>, known: &[String], within: &str) -> Result<()> {
    arguments
        .keys()
        .find(|name| !known.contains(name))
        .map_or(Ok(()), |name| Err(unknown(within, name, known)))
}

/// Arguments that are looked for in a place where they do not stand, and what to do instead.
pub type Elsewhere = &'static [(&'static str, &'static str)];

/// The same as [`check_names`] for the arguments of a tool, where some that it does not have lead on to
/// what was meant.
pub fn check_own_names(
    arguments: &Map<String, Value>,
    known: &[String],
    elsewhere: Elsewhere,
) -> Result<()> {
    check_names(arguments, known, "").map_err(|refusal| {
        let mut looked_for = arguments.keys().filter(|name| !known.contains(name));
        let led_on = looked_for
            .next()
            .and_then(|name| elsewhere.iter().find(|(known, _)| known == name));
        match led_on {
            Some((_, instead)) => refusal.hint(*instead).candidates(Vec::<String>::new()),
            None => refusal,
        }
    })
}

/// Reads arguments as a `T`; `null` and an empty list count as not given, and characters that cannot
/// be seen say nothing.
pub fn read<T: DeserializeOwned + JsonSchema + 'static>(
    arguments: Map<String, Value>,
    within: &str,
) -> Result<T> {
    read_up_to(arguments, within, LONGEST)
}

/// The same with longer texts, for arguments that carry what an answer gave.
pub fn read_up_to<T: DeserializeOwned + JsonSchema + 'static>(
    arguments: Map<String, Value>,
    within: &str,
    longest: usize,
) -> Result<T> {
    let said = said_up_to(arguments, within, longest)?;
    let schema = schema_of::<T>();
    let fitted = shapes::fit(Value::Object(said), &schema, within)?;
    serde_path_to_error::deserialize(&fitted).map_err(|error| {
        // All that is left to be wrong is a number that is out of bounds.
        let place = error.path().to_string();
        let value = fitted.pointer(&format!("/{}", place.replace('.', "/")));
        shapes::misfit(
            value.unwrap_or(&Value::Null),
            shapes::at(&schema, &place).unwrap_or(&Value::Null),
            &shapes::below(within, &place),
        )
    })
}

/// The arguments that say something, without characters that cannot be seen.
pub fn said(arguments: Map<String, Value>, within: &str) -> Result<Map<String, Value>> {
    said_up_to(arguments, within, LONGEST)
}

fn said_up_to(
    arguments: Map<String, Value>,
    within: &str,
    longest: usize,
) -> Result<Map<String, Value>> {
    // Models send null and [] for what they do not mean to say.
    let says =
        |value: &Value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty());
    let mut said = Map::new();
    for (name, value) in arguments.into_iter().filter(|(_, value)| says(value)) {
        let value = seen(value, &shapes::below(within, &name), 0, longest)?;
        said.insert(name, value);
    }
    Ok(said)
}

/// The schema of a type of arguments, made once.
fn schema_of<T: JsonSchema + 'static>() -> Arc<Value> {
    static SCHEMAS: LazyLock<Mutex<FxHashMap<TypeId, Arc<Value>>>> = LazyLock::new(Mutex::default);
    let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = schemas.entry(TypeId::of::<T>());
    Arc::clone(known.or_insert_with(|| Arc::new(Value::Object(schema::input::<T>()))))
}

/// The refusal of an argument that is not among the known ones.
pub(super) fn unknown(within: &str, name: &str, known: &[String]) -> Refusal {
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let refusal = Refusal::new(
        Code::InvalidArgument,
        format!("There is no argument '{}'.", shapes::below(within, name)),
    );
    match nearest(name, &names) {
        near if near.is_empty() => refusal
            .hint(format!("The arguments are {}.", names.join(", ")))
            .candidates(names),
        near => refusal.hint(did_you_mean(&near)).candidates(near),
    }
}

/// A value without the characters in its texts that cannot be seen. Texts that are too long or hold
/// control characters are refused, wherever they stand.
fn seen(value: Value, path: &str, depth: usize, longest: usize) -> Result<Value> {
    match value {
        Value::String(text) if text.len() > longest => Err(Refusal::new(
            Code::InvalidText,
            format!("The text of '{path}' is {} bytes long.", text.len()),
        )
        .hint(format!("Shorten it to at most {longest} bytes."))),
        Value::String(text)
            if text
                .chars()
                .any(|c| c.is_control() && c != '\n' && c != '\t') =>
        {
            Err(Refusal::new(
                Code::InvalidText,
                format!("The text of '{path}' holds control characters."),
            )
            .hint("Send plain text."))
        }
        Value::String(text) => Ok(Value::String(visible(&text))),
        Value::Array(items) if items.len() > ITEMS => Err(Refusal::new(
            Code::InvalidArgument,
            format!("'{path}' has {} items.", items.len()),
        )
        .hint("Give at most 1,000.")),
        Value::Array(items) if depth < DEPTH => {
            let items = items.into_iter().enumerate();
            items
                .map(|(place, item)| seen(item, &format!("{path}[{place}]"), depth + 1, longest))
                .collect::<Result<_>>()
                .map(Value::Array)
        }
        Value::Object(fields) if depth < DEPTH => {
            let fields = fields.into_iter().map(|(name, value)| {
                let value = seen(value, &shapes::below(path, &name), depth + 1, longest)?;
                Ok((name, value))
            });
            fields.collect::<Result<_>>().map(Value::Object)
        }
        Value::Array(_) | Value::Object(_) => Err(Refusal::new(
            Code::InvalidArgument,
            format!("'{path}' is nested too deeply."),
        )
        .hint("Send it as flat as the tool's input schema shows.")),
        plain => Ok(plain),
    }
}

/// A list of words of which one bare word is accepted too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let word = |value: Value| match value {
            Value::String(word) => Ok(word),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(D::Error::custom(format!(
                "expected a text, got {}",
                kind_of(&other)
            ))),
        };
        match Value::deserialize(deserializer)? {
            Value::Array(items) => items
                .into_iter()
                .map(word)
                .collect::<std::result::Result<_, _>>()
                .map(Words),
            one => Ok(Words(vec![word(one)?])),
        }
    }
}

impl JsonSchema for Words {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Words".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": { "type": "string" } })
    }
}

/// An amount of money as callers give it: a number in major units, or words such as "85k".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountWords {
    text: String,
    /// A JSON number: its point parts decimals, whatever the words of a person would leave in doubt.
    is_number: bool,
}

impl AmountWords {
    /// The amount in minor units of a currency; never negative.
    pub fn minor(&self, name: &str, currency: Currency) -> Result<i64> {
        let minor = if self.is_number {
            super::amounts::number(&self.text, currency)?
        } else {
            super::amounts::amount(&self.text, currency)?
        };
        if minor < 0 {
            return Err(
                Refusal::new(Code::InvalidArgument, format!("'{name}' is negative."))
                    .hint("Give an amount of 0 or more: a contraction is not an expansion."),
            );
        }
        Ok(minor)
    }

    /// The basis points of a fraction from 0 to 1, exactly; `None` when it is none, or has more
    /// than four decimals.
    pub fn fraction(&self) -> Option<u16> {
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let text = self.text.trim();
        let (whole, decimals) = match text.split_once(['.', ',']) {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None if text.is_empty() => return None,
            None => (text, ""),
        };
        // Zeros at the end say nothing.
        let kept = decimals.trim_end_matches('0');
        if kept.len() > 4 || !is_digits(whole) || !is_digits(kept) {
            return None;
        }
        let places: u16 = format!("{kept:0<4}").parse().ok()?;
        match whole.trim_start_matches('0') {
            "" => Some(places),
            "1" if places == 0 => Some(10_000),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for AmountWords {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            // The decimal digits as they were sent, so that no cent is lost on the way.
            Value::Number(number) => Ok(AmountWords {
                text: plain(&number.to_string()),
                is_number: true,
            }),
            Value::String(text) => Ok(AmountWords {
                text,
                is_number: false,
            }),
            other => Err(D::Error::custom(format!(
                "expected a number, got {}",
                kind_of(&other)
            ))),
        }
    }
}

/// Exponents ("1e6") written out.
fn plain(number: &str) -> String {
    let Some((digits, exponent)) = number.split_once(['e', 'E']) else {
        return number.to_owned();
    };
    let Ok(exponent) = exponent.parse::<i32>() else {
        return number.to_owned();
    };
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits), |digits| ("-", digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    if !(0..=18).contains(&exponent) {
        return number.to_owned();
    }
    let exponent = exponent as usize;
    let padded = format!("{decimals:0<exponent$}");
    let (more, rest) = padded.split_at(exponent);
    format!("{sign}{whole}{more}.{rest}")
        .trim_end_matches('.')
        .to_owned()
}

impl JsonSchema for AmountWords {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0 })
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_read_exactly_into_basis_points() {
        for (words, basis_points) in [
            ("0", 0),
            ("0.45", 4_500),
            (" .5 ", 5_000),
            ("0,45", 4_500),
            ("0.0001", 1),
            ("0.9999", 9_999),
            ("0.450000", 4_500),
            ("1", 10_000),
            ("1.0000", 10_000),
        ] {
            let given: AmountWords = serde_json::from_value(words.into()).unwrap();
            assert_eq!(given.fraction(), Some(basis_points), "{words}");
        }
        let given: AmountWords = serde_json::from_str("0.29").unwrap();
        assert_eq!(given.fraction(), Some(2_900));
        for words in [
            "", ".", "1.", "0.00005", "1.0001", "2", "10", "45", "45%", "-0.1", "+0.1", "0.5k",
            "$0.5", "0.4.5", "1e-1", "half", "０.5",
        ] {
            let given: AmountWords = serde_json::from_value(words.into()).unwrap();
            assert_eq!(given.fraction(), None, "{words}");
        }
    }
}
