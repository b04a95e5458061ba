//! What several commands read alike: short texts, people, probabilities, categories, terms. Each is
//! refused in words a caller can act on.

use std::collections::BTreeSet;

use crate::domain::change::{FOLLOWS, FOLLOWS_CATEGORY};
use crate::domain::portfolio::Portfolio;
use crate::domain::settings::Settings;
use crate::domain::stage::{Category, Stage};
use crate::domain::texts::Text;
use crate::language::arguments::AmountWords;
use crate::language::clean;
use crate::language::filters::{ambiguous, find_person, not_found};
use crate::language::names::{self, How, Match};
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

/// A word of an open list as it is spelled on record, so that no second spelling comes up.
pub fn spelled_as_known(word: &str, list: &BTreeSet<Text>, portfolio: &Portfolio) -> String {
    let wanted = names::plain(word);
    let known = list
        .iter()
        .map(|text| portfolio.text(*text))
        .find(|known| names::plain(known) == wanted);
    known.unwrap_or(word).to_owned()
}

/// The one person that words name; a misspelling that was understood is noted.
pub fn person(
    what: &str,
    words: &str,
    portfolio: &Portfolio,
    notes: &mut Vec<String>,
) -> Result<u32> {
    match find_person(words, portfolio) {
        (Match::One(number, how), names) => {
            if how == How::Misspelt {
                notes.push(format!(
                    "Read '{}' as {}.",
                    clean(words, 60),
                    names.join("")
                ));
            }
            Ok(number)
        }
        (Match::Several(_), names) => Err(ambiguous(what, words, names)),
        (Match::None { .. }, names) => Err(not_found(what, words, names)),
    }
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
