//! What a request carries beside a tool's own arguments: a past day or instant to look back to, a
//! page of an earlier answer, a key under which it may be repeated.

use std::hash::{BuildHasher, Hash, Hasher};

use chrono::NaiveDate;
use rustc_hash::FxBuildHasher;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Answer, Error, Result};
use crate::actions::DRY_RUN;
use crate::domain::change::{Cut, Millis};
use crate::domain::portfolio::Portfolio;
use crate::language::periods::{self, Direction};
use crate::language::{clean, visible};
use crate::refusal::{Code, Refusal};
use crate::store::Store;

/// How a past day or instant was meant: the cut, the day that is then today, and the words for it.
pub(super) fn past(
    as_of: &Value,
    head: &Portfolio,
    today: NaiveDate,
    now: Millis,
) -> Result<(Cut, NaiveDate, String)> {
    let Some(words) = as_of.as_str() else {
        let refusal = Refusal::new(Code::InvalidArgument, "'as_of' is not a text.");
        return Err(refusal.hint("Give a date such as \"2026-01-15\".").into());
    };
    let words = &visible(words);
    let calendar = &head.settings().calendar;
    let future = || {
        Refusal::new(
            Code::FutureAsOf,
            format!("as_of {} lies in the future.", clean(words, 40)),
        )
        .hint(format!(
            "Today is {today}; give that day or an earlier one."
        ))
    };
    let on = periods::date(words, calendar, today, Direction::Back)?;
    if let Some(instant) = periods::instant(words, calendar) {
        if instant.at > now {
            return Err(future().into());
        }
        return Ok((Cut::at(instant.at), on, instant.written));
    }
    if on > today {
        return Err(future().into());
    }
    Ok((Cut::at(calendar.end_of(on)), on, format!("end of {on}")))
}

/// A number for a question without its page: a cursor fits no other question.
pub(super) fn question(tool: &str, arguments: &Map<String, Value>) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    tool.hash(&mut hasher);
    for (name, value) in arguments
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "cursor" | "limit"))
    {
        name.hash(&mut hasher);
        value.to_string().hash(&mut hasher);
    }
    hasher.finish()
}

/// The idempotency key of a request, with a hash of everything else in it.
pub(super) fn request_of(
    tool: &str,
    arguments: &Map<String, Value>,
) -> Result<Option<(String, String)>> {
    let Some(key) = arguments
        .get("idempotency_key")
        .filter(|key| !key.is_null())
    else {
        return Ok(None);
    };
    let key = key.as_str().map(visible);
    let Some(key) = key.filter(|key| (1..=255).contains(&key.len())) else {
        let refusal = Refusal::new(
            Code::InvalidArgument,
            "'idempotency_key' is not a text of 1 to 255 bytes.",
        );
        return Err(refusal.hint("Give a unique text, such as a UUID.").into());
    };
    // What says no more than leaving it out is left out, so a retry spelt otherwise is the same request.
    let mut said = arguments.clone();
    said.retain(|name, value| {
        !(value.is_null() || name == DRY_RUN && *value == Value::Bool(false))
    });
    let digest = Sha256::digest(format!("{tool} {}", Value::Object(said)));
    Ok(Some((
        key,
        digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    )))
}

/// What the same request was answered before; the same key with another request is refused.
pub(super) fn answered_before(store: &Store, key: &str, hash: &str) -> Result<Option<Answer>> {
    let Some((known, answer)) = store.request(key)? else {
        return Ok(None);
    };
    if known != hash {
        let refusal = Refusal::new(
            Code::IdempotencyConflict,
            "This idempotency key was used before, with other arguments.",
        );
        return Err(refusal
            .hint("Use a new key for a new request; to repeat one, send it unchanged.")
            .into());
    }
    let answer: Value = serde_json::from_str(&answer).map_err(|error| Error::Ours(error.into()))?;
    Ok(Some(Answer {
        structured: answer.get("structured").cloned().unwrap_or(Value::Null),
        text: answer
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    }))
}
