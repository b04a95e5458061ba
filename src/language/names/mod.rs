//! Names as people say them: how a name is made comparable, and which record a name was meant for.
//! What the records are, and what a caller does about several of them, is decided elsewhere.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::clean;
pub use crate::domain::name::{fold, plain};

/// At most this many records are offered in "did you mean".
const NEAR: usize = 5;
/// Longer words than this are not compared letter by letter.
const COMPARED: usize = 100;

/// A record as its name is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a, T> {
    /// What is found.
    pub value: T,
    /// Its id.
    pub id: &'a str,
    /// Its name as it is spelt on record.
    pub name: &'a str,
    /// Its name as names are compared.
    pub folded: &'a str,
}

/// How a name led to its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is the record's id, alone or behind the name, as in "Acme Corp (C-1)".
    Id,
    /// It is the record's name.
    Exact,
    /// It is the first whole words of the record's name.
    Prefix,
    /// It is the record's name, misspelt; an answer says so.
    Misspelt,
}

/// Which records a name may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match<T> {
    /// This one.
    One(T, How),
    /// Any of these, in the order of the records; all answer to the name equally well.
    Several(Vec<T>, How),
    /// None.
    None {
        /// What may have been meant, best first, at most five.
        near: Vec<T>,
        /// How many of those come equally near.
        tied: usize,
    },
}

/// Finds the record that words mean.
///
/// An id comes before a name, a whole name before a beginning, and only when none of those fits is
/// a misspelling considered, which must leave no doubt: with two candidates it names neither. A
/// record may be listed under several names, one after the other.
pub fn find<'a, T: Copy + PartialEq + 'a>(
    words: &str,
    records: impl Iterator<Item = Record<'a, T>> + Clone,
) -> Match<T> {
    let asked = Asked::of(words);
    let (mut ids, mut ids_in_any_case, mut called, mut labelled, mut beginnings) =
        (vec![], vec![], vec![], vec![], vec![]);
    for record in records.clone() {
        let id = as_shown(record.id);
        if !id.is_empty() && id.eq_ignore_ascii_case(asked.words) {
            if id == asked.words {
                ids.push(record.value)
            } else {
                ids_in_any_case.push(record.value)
            }
        }
        if asked.is_name_of(&record) {
            called.push((record.value, record.name));
        } else if asked.begins(record.folded) {
            beginnings.push(record.value);
        }
        if without_id(asked.words, &id).is_some_and(|name| agrees(name, &record)) {
            labelled.push(record.value);
        }
    }
    let levels = [
        (ids, How::Id),
        (ids_in_any_case, How::Id),
        (nearest_spelling(asked.words, &called), How::Exact),
        (labelled, How::Id),
        (beginnings, How::Prefix),
    ];
    match levels.into_iter().find(|(found, _)| !found.is_empty()) {
        Some((mut found, how)) => {
            found.dedup();
            match *found {
                [one] => Match::One(one, how),
                _ => Match::Several(found, how),
            }
        }
        None => misspelt(&asked, records),
    }
}

/// The values of a list that are written like this: letter for letter but for case, else those that
/// differ in accents and punctuation only.
pub fn written<'a, T: Copy>(words: &str, list: impl Iterator<Item = (T, &'a str)>) -> Vec<T> {
    let wanted = plain(words);
    let alike: Vec<(T, &str)> = list
        .filter(|(_, text)| match wanted.as_str() {
            "" => has_letters_of(text, words),
            wanted => plain(text) == wanted,
        })
        .collect();
    nearest_spelling(words, &alike)
}

/// An id as answers show it, so that what they call a record finds it again.
pub fn as_shown(id: &str) -> Cow<'_, str> {
    if id.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return id.into();
    }
    clean(id, usize::MAX).into()
}

/// What stands before an id in parentheses, as in "Acme Corp (C-1)"; `None` when that id does not
/// stand at the end.
pub fn without_id<'a>(words: &'a str, id: &str) -> Option<&'a str> {
    let inner = words.trim_end().strip_suffix(')')?;
    let (before, last) = inner.split_at_checked(inner.len().checked_sub(id.len())?)?;
    if id.is_empty() || !last.eq_ignore_ascii_case(id) {
        return None;
    }
    before.strip_suffix('(').map(str::trim)
}

/// A name that is looked for.
struct Asked<'a> {
    words: &'a str,
    folded: String,
    /// The same with its legal ending: "Acme Corp" is the beginning of no "Acme Foods".
    plain: String,
}

impl<'a> Asked<'a> {
    fn of(words: &'a str) -> Self {
        let words = words.trim();
        Asked {
            words,
            folded: fold(words),
            plain: plain(words),
        }
    }

    fn is_name_of<T>(&self, record: &Record<'_, T>) -> bool {
        if self.folded.is_empty() {
            // A name of signs only ("!!!") has nothing to compare but itself.
            !self.words.is_empty() && has_letters_of(record.name, self.words)
        } else {
            record.folded == self.folded
        }
    }

    /// Whether it is the first whole words of a longer name.
    fn begins(&self, folded: &str) -> bool {
        !self.plain.is_empty()
            && folded
                .strip_prefix(self.plain.as_str())
                .is_some_and(|rest| rest.starts_with(' '))
    }
}

/// Of records that all answer to a name, those that are spelt most like it: its very letters before
/// its words with their legal ending, and those before what is left without one.
fn nearest_spelling<T: Copy>(words: &str, called: &[(T, &str)]) -> Vec<T> {
    let those = |fits: &dyn Fn(&str) -> bool| -> Vec<T> {
        let fitting = called.iter().filter(|(_, name)| fits(name));
        fitting.map(|(value, _)| *value).collect()
    };
    if called.len() < 2 {
        return those(&|_| true);
    }
    let wanted = plain(words);
    [
        those(&|name| has_letters_of(name, words)),
        those(&|name| plain(name) == wanted),
    ]
    .into_iter()
    .find(|found| !found.is_empty())
    .unwrap_or_else(|| those(&|_| true))
}

fn has_letters_of(text: &str, words: &str) -> bool {
    let (text, words) = (text.trim(), words.trim());
    text.eq_ignore_ascii_case(words) || text.to_lowercase() == words.to_lowercase()
}

/// Whether a name in front of an id is the record's, be it cut short where answers cut long names.
fn agrees<T>(name: &str, record: &Record<'_, T>) -> bool {
    if !name.contains('…') {
        return fold(name) == record.folded;
    }
    let whole = plain(record.name);
    let mut rest = whole.as_str();
    name.split('…').map(plain).enumerate().all(|(place, part)| {
        let found = rest.find(part.as_str()).filter(|at| place > 0 || *at == 0);
        let after = found.and_then(|at| rest.get(at + part.len()..));
        rest = after.unwrap_or_default();
        after.is_some()
    })
}

/// How a record comes near to a name: the best way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// It holds the words somewhere, or begins with them and an unfinished word, or has the id that
    /// stands behind another name.
    Holds,
    /// It is so many letters away.
    Letters(usize),
    /// The same, but a digit is another one: digits tell records apart, so this is no misspelling.
    Digits(usize),
}

/// The record whose name is so few letters away that it must be the one, or those that come near.
fn misspelt<'a, T: Copy + PartialEq + 'a>(
    asked: &Asked<'_>,
    records: impl Iterator<Item = Record<'a, T>>,
) -> Match<T> {
    let (whole, beginning) = (Spelling::of(&asked.folded), Spelling::of(&asked.plain));
    if whole.letters == 0 || beginning.length > COMPARED {
        return Match::None {
            near: Vec::new(),
            tied: 0,
        };
    }
    let allowed = (if whole.letters <= 7 { 1 } else { 2 }).min(whole.letters - 1);
    // A long word may be one letter further off and still be worth asking about.
    let reach = if whole.letters > 4 {
        allowed + 1
    } else {
        allowed
    };

    let is_meant =
        |near: Nearness| matches!(near, Nearness::Letters(distance) if distance <= allowed);

    let mut close: Vec<(Nearness, &str, T)> = Vec::new();
    for record in records {
        let first = first_words(record.folded, beginning.words);
        let mut spelling = whole.nearness(record.folded, reach);
        if first != record.folded {
            let of_first = beginning.nearness(first, reach);
            spelling = spelling.into_iter().chain(of_first).min();
        }
        let near =
            if holds(record.folded, whole.name) || without_id(asked.words, record.id).is_some() {
                Some(Nearness::Holds)
            } else if spelling.is_some_and(is_meant) {
                spelling
            } else if whole.letters > 1 && record.folded.starts_with(whole.name) {
                Some(Nearness::Holds)
            } else {
                spelling
            };
        close.extend(near.map(|near| (near, record.folded, record.value)));
    }
    close.sort_by_key(|(near, folded, _)| (*near, *folded));
    let mut near: Vec<(Nearness, T)> = Vec::new();
    for (nearness, _, value) in close {
        if near.len() > NEAR {
            break;
        }
        if !near.iter().any(|(_, known)| *known == value) {
            near.push((nearness, value));
        }
    }
    if let [one, others @ ..] = near.as_slice()
        && is_meant(one.0)
        && !others.first().is_some_and(|(other, _)| is_meant(*other))
    {
        return Match::One(one.1, How::Misspelt);
    }
    near.truncate(NEAR);
    let best = near.first().map(|(best, _)| *best);
    Match::None {
        tied: near.iter().filter(|(it, _)| Some(*it) == best).count(),
        near: near.into_iter().map(|(_, value)| value).collect(),
    }
}

/// A folded name, and what is needed to see cheaply that another one is far from it.
struct Spelling<'a> {
    name: &'a str,
    words: usize,
    /// Characters without the spaces.
    letters: usize,
    /// Characters, spaces included.
    length: usize,
    /// Which characters occur.
    kinds: u64,
}

impl<'a> Spelling<'a> {
    fn of(name: &'a str) -> Self {
        let (length, words) = (length(name), name.split(' ').count());
        Spelling {
            name,
            words,
            letters: (length + 1).saturating_sub(words),
            length,
            kinds: kinds(name),
        }
    }

    /// How near another name comes; `None` when more than `reach` changes lie between.
    fn nearness(&self, other: &str, reach: usize) -> Option<Nearness> {
        let distance = self.distance(other, reach);
        if distance > reach {
            None
        } else if numbers(self.name).eq(numbers(other)) {
            Some(Nearness::Letters(distance))
        } else {
            Some(Nearness::Digits(distance))
        }
    }

    /// How many insertions, deletions, replacements and swaps of neighbours lie between the two
    /// names; some large number when there are more than `reach`.
    fn distance(&self, other: &str, reach: usize) -> usize {
        // One change adds or removes at most one character, and touches at most two kinds of them.
        // These two checks spare all but a few names the real comparison.
        if length(other).abs_diff(self.length) > reach {
            return usize::MAX;
        }
        if (kinds(other) ^ self.kinds).count_ones() as usize > 2 * reach {
            return usize::MAX;
        }
        strsim::osa_distance(self.name, other)
    }
}

/// The number of characters.
fn length(name: &str) -> usize {
    if name.is_ascii() {
        name.len()
    } else {
        name.chars().count()
    }
}

/// A set of bits that says which characters occur; distinct ones may share a bit.
fn kinds(name: &str) -> u64 {
    name.chars()
        .fold(0, |kinds, c| kinds | 1 << (u32::from(c) % 64))
}

/// The first so many words of a folded name; all of it when it has no more.
fn first_words(name: &str, count: usize) -> &str {
    let end = name
        .match_indices(' ')
        .nth(count.saturating_sub(1))
        .map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or(name)
}

/// The numbers in a name, in order.
fn numbers(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_numeric())
        .filter(|number| !number.is_empty())
}

/// Whether words occur, whole, somewhere in a folded name.
fn holds(name: &str, words: &str) -> bool {
    name.match_indices(words).any(|(at, _)| {
        let (before, after) = (name.get(..at), name.get(at + words.len()..));
        before.is_some_and(|text| text.is_empty() || text.ends_with(' '))
            && after.is_some_and(|text| text.is_empty() || text.starts_with(' '))
    })
}
