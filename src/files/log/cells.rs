//! How one cell of `log.csv` is spelt: instants, names of fields, and values by what they stand for.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::domain::change::{Door, EMPTY, Millis, NO_DAY, Subject, field};
use crate::domain::days::{date, day};
use crate::domain::holds::{FIELDS, Holds, of, said_of};
use crate::domain::stage::{Category, ExpansionType, Stage};
use crate::domain::texts::{NONE, Text, Texts};

const ATTRIBUTE: &str = "attribute:";
const SAID: &str = "said:";
const FIELD: &str = "field:";

/// An instant in UTC, to the millisecond where it has any. One beyond the calendar is none.
pub(in crate::files) fn instant(at: Millis) -> String {
    DateTime::<Utc>::from_timestamp_millis(at).map_or_else(
        || at.to_string(),
        |instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    )
}

/// Reads an instant.
pub(super) fn read_instant(cell: &str) -> Option<Millis> {
    let instant = DateTime::parse_from_rfc3339(cell).ok()?;
    Some(instant.timestamp_millis())
}

/// The name of a field.
pub(super) fn field_name(number: u32, texts: &Texts) -> Cow<'_, str> {
    if let Some(name) = number.checked_sub(field::ATTRIBUTES) {
        return format!("{ATTRIBUTE}{}", texts.get(name)).into();
    }
    if let Some(said) = said_of(number) {
        return format!("{SAID}{}", field_name(said, texts)).into();
    }
    FIELDS
        .iter()
        .find(|(known, ..)| *known == number)
        .map_or_else(
            || format!("{FIELD}{number}").into(),
            |(_, name, _)| (*name).into(),
        )
}

/// Reads the name of a field.
pub(super) fn read_field(name: &str, texts: &Texts) -> Option<u32> {
    if let Some(attribute) = name.strip_prefix(ATTRIBUTE) {
        return field::ATTRIBUTES.checked_add(texts.find(attribute)?);
    }
    if let Some(said) = name.strip_prefix(SAID) {
        return Some(field::SAID + read_field(said, texts)?)
            .filter(|said| *said < field::ATTRIBUTES);
    }
    if let Some(number) = name.strip_prefix(FIELD) {
        return number.parse().ok().filter(|number| *number < field::SAID);
    }
    let known = FIELDS.iter().find(|(_, known, _)| *known == name)?;
    Some(known.0)
}

/// A value as its cell, which is empty for none; `None` when it stands for nothing.
pub(super) fn value(
    subject: Subject,
    field: u32,
    value: i64,
    texts: &Texts,
) -> Option<Cow<'_, str>> {
    if value == EMPTY {
        return Some("".into());
    }
    let code = u8::try_from(value).ok();
    Some(match of(subject, field) {
        Holds::Text => {
            let number = Text::try_from(value)
                .ok()
                .filter(|number| *number < texts.len())?;
            texts.get(number).into()
        }
        Holds::Day => date(i32::try_from(value).ok()?)?.to_string().into(),
        Holds::Stage => code.and_then(Stage::from_code)?.word().into(),
        Holds::Kind => code.and_then(ExpansionType::from_code)?.word().into(),
        Holds::Category => code.and_then(Category::from_code)?.word().into(),
        Holds::Note
        | Holds::Person
        | Holds::Customer
        | Holds::Signal
        | Holds::Position
        | Holds::Number => value.to_string().into(),
    })
}

/// Reads a value; `None` when the cell cannot be one.
pub(super) fn read_value(subject: Subject, field: u32, cell: &str, texts: &Texts) -> Option<i64> {
    if cell.is_empty() {
        return Some(EMPTY);
    }
    let code = |code: Option<u8>| code.map(i64::from);
    match of(subject, field) {
        Holds::Text => texts.find(cell).map(i64::from),
        Holds::Day => cell
            .parse::<NaiveDate>()
            .ok()
            .map(day)
            .filter(|day| *day != NO_DAY)
            .map(i64::from),
        Holds::Stage => code(word(&Stage::WORDS, cell).map(Stage::code)),
        Holds::Kind => code(word(&ExpansionType::WORDS, cell).map(ExpansionType::code)),
        Holds::Category => code(word(&Category::WORDS, cell).map(Category::code)),
        Holds::Note
        | Holds::Person
        | Holds::Customer
        | Holds::Signal
        | Holds::Position
        | Holds::Number => cell.parse().ok().filter(|value| *value != EMPTY),
    }
}

/// A text that may be none.
pub(super) fn text(number: Text, texts: &Texts) -> Option<&str> {
    if number == NONE {
        return Some("");
    }
    (number < texts.len()).then(|| texts.get(number))
}

/// Reads a text that may be none.
pub(super) fn read_text(cell: &str, texts: &Texts) -> Option<Text> {
    if cell.is_empty() {
        Some(NONE)
    } else {
        texts.find(cell)
    }
}

/// Reads a door.
pub(super) fn read_door(cell: &str) -> Option<Door> {
    (1..=u8::MAX)
        .filter_map(Door::from_code)
        .find(|door| door.word() == cell)
}

fn word<T: Copy>(words: &[(&str, T)], cell: &str) -> Option<T> {
    words
        .iter()
        .find(|(word, _)| *word == cell)
        .map(|(_, value)| *value)
}
