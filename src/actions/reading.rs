//! What several commands read alike: short texts, people, probabilities, categories, terms. Each is
//! refused in words a caller can act on.

use std::collections::BTreeSet;

use crate::domain::origin::{FOLLOWS, FOLLOWS_CATEGORY};
use crate::domain::portfolio::Portfolio;
use crate::domain::settings::Settings;
use crate::domain::stage::{Category, Stage};
use crate::domain::texts::Text;
use crate::language::arguments::AmountWords;
use crate::language::clean;
use crate::language::names;
use crate::language::records::{Role, find_person, find_text, only};
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};

/// The longest name or id, in characters.
const NAME: usize = 200;

/// The longest term, in months.
const LONGEST_TERM: u16 = 600;

/// A short text: not empty, not longer than names may be.
pub fn short(name: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NAME {
        return Err(Refusal::new(
            Code::InvalidText,
            format!("'{name}' is empty or longer than {NAME} characters."),
        )
        .hint("Give a short text."));
    }
    Ok(text.to_owned())
}

/// A word of a list that grows with the deals, as it is spelled on record, so that no second spelling
/// comes up. A new word that comes near to known ones is taken, with a note.
pub fn spelled_as_known(
    name: &str,
    word: &str,
    list: &BTreeSet<Text>,
    portfolio: &Portfolio,
    notes: &mut Vec<String>,
) -> String {
    let known = list.iter().map(|text| (*text, portfolio.text(*text)));
    if let Some(known) = names::written(word, known).first() {
        return portfolio.text(*known).to_owned();
    }
    let near = find_text(word, list, portfolio).names;
    if !near.is_empty() {
        notes.push(format!(
            "The {name} '{}' is new; near it on record: {}.",
            clean(word, 60),
            near.join(", ")
        ));
    }
    word.to_owned()
}

/// The one person that words name; what was understood otherwise than written is noted.
pub fn person(
    what: &str,
    words: &str,
    role: Option<Role>,
    portfolio: &Portfolio,
    notes: &mut Vec<String>,
) -> Result<u32> {
    let found = find_person(words, role, portfolio);
    only(what, words, found, notes)
}

/// A probability in basis points; the stage's own follows the stage ([`FOLLOWS`]).
pub fn probability(words: &AmountWords, stage: Stage, settings: &Settings) -> Result<u16> {
    let basis_points = words.fraction().ok_or_else(|| {
        Refusal::new(
            Code::InvalidArgument,
            "'probability' is not a fraction from 0 to 1 with at most four decimals.",
        )
        .hint("Write 0.45 for 45 %.")
    })?;
    let is_usual = basis_points == settings.probability(stage);
    Ok(if is_usual { FOLLOWS } else { basis_points })
}

/// The code of a forecast category; the stage's own follows the stage ([`FOLLOWS_CATEGORY`]).
pub fn category(word: &str, stage: Stage, settings: &Settings) -> Result<u8> {
    let open = Category::WORDS
        .iter()
        .copied()
        .filter(|(_, category)| *category != Category::Closed);
    let category = pick("forecast category", word, &open.collect::<Vec<_>>())?;
    Ok(if category == settings.category(stage) {
        FOLLOWS_CATEGORY
    } else {
        category.code()
    })
}

/// A contract term in months.
pub fn term(months: u16) -> Result<u16> {
    if (1..=LONGEST_TERM).contains(&months) {
        return Ok(months);
    }
    let message = format!("'term_months' is not from 1 to {LONGEST_TERM}.");
    Err(Refusal::new(Code::InvalidArgument, message)
        .hint("Give the contract term in months, such as 12."))
}
