//! What a request carries beside a tool's own arguments: a past day or instant to look back to, a
//! page of an earlier answer, a key under which it may be repeated.

use std::hash::{BuildHasher, Hash, Hasher};

use chrono::NaiveDate;
use rustc_hash::FxBuildHasher;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Error, Result};
use crate::actions::{CONFIRM, DRY_RUN};
use crate::domain::change::{Cut, Millis, Position};
use crate::domain::portfolio::Portfolio;
use crate::language::periods::{self, Direction};
use crate::language::question::{AS_OF, KNOWN_AT};
use crate::language::{clean, visible};
use crate::refusal::{self, Code, Refusal};
use crate::store::Store;

/// The portfolio a question is asked of: cut where the caller said, and the words for it.
pub(super) struct Past {
    /// The cut.
    pub cut: Cut,
    /// The day that is then today.
    pub today: NaiveDate,
    /// How `as_of` was understood.
    pub as_of: Option<String>,
    /// How `known_at` was understood.
    pub known_at: Option<String>,
}

/// Takes `as_of` and `known_at` off the arguments; `None` when neither asks for the past.
pub(super) fn past(
    arguments: &mut Map<String, Value>,
    head: &Portfolio,
    today: NaiveDate,
    now: Millis,
) -> refusal::Result<Option<Past>> {
    let mut given = |name| arguments.remove(name).filter(|value| !value.is_null());
    let (as_of, known_at) = (given(AS_OF), given(KNOWN_AT));
    if as_of.is_none() && known_at.is_none() {
        return Ok(None);
    }
    let mut past = Past {
        cut: Cut::NOW,
        today,
        as_of: None,
        known_at: None,
    };
    if let Some(value) = as_of {
        match position(&value) {
            Some(asked) if asked > u64::from(head.position()) => {
                let end = head.position();
                let message = format!("as_of position {asked} lies beyond the log.");
                let refusal = Refusal::new(Code::FutureAsOf, message);
                return Err(refusal.hint(format!("The log ends at position {end}.")));
            }
            Some(asked) => {
                past.cut.position = u32::try_from(asked).unwrap_or(Position::MAX);
                past.as_of = Some(format!("log position {asked}"));
            }
            None => {
                let moment = moment(AS_OF, &value, head, today, now)?;
                (past.cut.at, past.today) = (moment.at, moment.on);
                past.as_of = Some(moment.words);
            }
        }
    }
    if let Some(value) = known_at {
        let moment = moment(KNOWN_AT, &value, head, today, now)?;
        past.cut.recorded_at = moment.at;
        past.known_at = Some(moment.words);
    }
    Ok(Some(past))
}

/// A log position: 120, "@120" or "position 120".
fn position(value: &Value) -> Option<u64> {
    let words = match value {
        Value::Number(number) => return number.as_u64(),
        other => other.as_str()?.trim(),
    };
    let number = words
        .strip_prefix('@')
        .or_else(|| words.strip_prefix("position "))?;
    number.trim().parse().ok()
}

struct Moment {
    at: Millis,
    on: NaiveDate,
    words: String,
}

fn moment(
    name: &str,
    value: &Value,
    head: &Portfolio,
    today: NaiveDate,
    now: Millis,
) -> refusal::Result<Moment> {
    let Some(words) = value.as_str() else {
        let message = format!("'{name}' is neither a date nor an instant.");
        let refusal = Refusal::new(Code::InvalidArgument, message);
        return Err(refusal.hint("Give a date such as \"2026-01-15\"."));
    };
    let words = &visible(words);
    let calendar = &head.settings().calendar;
    let future = || {
        Refusal::new(
            Code::FutureAsOf,
            format!("{name} {} lies in the future.", clean(words, 40)),
        )
        .hint(format!(
            "Today is {today}; give that day or an earlier one."
        ))
    };
    let on = periods::date(words, calendar, today, Direction::Back)?;
    if let Some(instant) = periods::instant(words, calendar) {
        if instant.at > now {
            return Err(future());
        }
        return Ok(Moment {
            at: instant.at,
            on,
            words: instant.written,
        });
    }
    if on > today {
        return Err(future());
    }
    Ok(Moment {
        at: calendar.end_of(on),
        on,
        words: format!("end of {on}"),
    })
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

/// The argument under which a change is made once, however often it is asked for.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency_key";

/// What a person was asked about a call, whose arguments grow by what they say.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    /// The arguments that the call was first made with.
    pub given: Map<String, Value>,
    /// The key under which its change is made once, where it can be gone on with more than once.
    pub key: Option<String>,
}

/// A request that is carried out once, however often it is sent.
#[derive(Debug)]
pub(super) struct Once {
    key: String,
    /// A hash of everything else in it.
    hash: String,
    /// Whether the key is that of a conversation, not of the arguments.
    is_of_conversation: bool,
}

/// Under which key a request is carried out once: its idempotency key, else that of the conversation about
/// it. Under its own key it is the same as long as its caller says the same, whatever a person adds.
pub(super) fn once(
    tool: &str,
    arguments: &Map<String, Value>,
    conversation: Option<&Conversation>,
) -> Result<Option<Once>> {
    let own = arguments.get(IDEMPOTENCY_KEY).filter(|key| !key.is_null());
    let of_conversation = conversation.and_then(|it| it.key.as_ref());
    let (key, arguments) = match (own, of_conversation) {
        (Some(key), _) => {
            let key = key.as_str().map(visible);
            let key = key.filter(|key| (1..=255).contains(&key.len()));
            let key = key.ok_or_else(|| {
                let message = "'idempotency_key' is not a text of 1 to 255 bytes.";
                let refusal = Refusal::new(Code::InvalidArgument, message);
                refusal.hint("Give a unique text, such as a UUID.")
            })?;
            (key, conversation.map_or(arguments, |it| &it.given))
        }
        (None, Some(key)) => (key.clone(), arguments),
        (None, None) => return Ok(None),
    };
    // What says no more than leaving it out is left out, so a retry spelt otherwise is the same request.
    let mut said = arguments.clone();
    said.retain(|name, value| {
        let says_nothing = name == CONFIRM || name == DRY_RUN && *value == Value::Bool(false);
        !(value.is_null() || says_nothing)
    });
    let digest = Sha256::digest(format!("{tool} {}", Value::Object(said)));
    Ok(Some(Once {
        key,
        hash: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        is_of_conversation: own.is_none(),
    }))
}

impl Once {
    /// What the request was answered before; the same key with another request is refused.
    pub(super) fn answered_before(&self, store: &Store) -> Result<Option<Answer>> {
        let Some((known, answer)) = store.request(&self.key)? else {
            return Ok(None);
        };
        if known != self.hash {
            let (message, hint) = if self.is_of_conversation {
                (
                    "This question was answered before; nothing was written now.",
                    "To change it again, make the call anew.",
                )
            } else {
                (
                    "This idempotency key was used before, with other arguments.",
                    "Use a new key for a new request; to repeat one, send it unchanged.",
                )
            };
            let refusal = Refusal::new(Code::IdempotencyConflict, message);
            return Err(refusal.hint(hint).into());
        }
        let answer: Value =
            serde_json::from_str(&answer).map_err(|error| Error::Ours(error.into()))?;
        Ok(Some(Answer {
            structured: answer.get("structured").cloned().unwrap_or(Value::Null),
            text: answer
                .get("text")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            is_untrusted: true,
        }))
    }

    /// Keeps the answer, within the write that it is of.
    pub(super) fn keep(&self, store: &Store, answer: &Answer) -> Result<()> {
        let kept = json!({ "structured": answer.structured, "text": answer.text });
        Ok(store.keep_request(&self.key, &self.hash, &kept.to_string())?)
    }
}
