//! Names as people say them: how a name is made comparable, and which record a name was meant for.
//! What the records are, and what a caller does about several of them, is decided elsewhere.

pub use crate::domain::name::{fold, plain};

/// At most this many records are offered in "did you mean".
const NEAR: usize = 5;
/// Longer words than this are not compared letter by letter.
const COMPARED: usize = 100;

/// How a name led to its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is the record's id.
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
    Several(Vec<T>),
    /// None.
    None {
        /// What may have been meant, best first, at most five.
        near: Vec<T>,
    },
}

/// Finds the record that words mean, among records of (value, id, folded name).
///
/// An id comes before a name, a whole name before a beginning, and only when none of those fits is
/// a misspelling considered, which must leave no doubt: with two candidates it names neither.
pub fn find<'a, T: Copy>(
    words: &str,
    records: impl Iterator<Item = (T, &'a str, &'a str)> + Clone,
) -> Match<T> {
    let asked = words.trim();
    let name = fold(asked);
    let (mut ids, mut ids_in_any_case, mut names, mut beginnings) =
        (vec![], vec![], vec![], vec![]);
    for (value, id, folded) in records.clone() {
        if id.eq_ignore_ascii_case(asked) {
            if id == asked {
                ids.push(value)
            } else {
                ids_in_any_case.push(value)
            }
        }
        if let Some(rest) = folded
            .strip_prefix(name.as_str())
            .filter(|_| !name.is_empty())
        {
            if rest.is_empty() {
                names.push(value);
            } else if rest.starts_with(' ') {
                beginnings.push(value);
            }
        }
    }
    let levels = [
        (ids, How::Id),
        (ids_in_any_case, How::Id),
        (names, How::Exact),
        (beginnings, How::Prefix),
    ];
    match levels.into_iter().find(|(found, _)| !found.is_empty()) {
        Some((found, how)) => match *found {
            [one] => Match::One(one, how),
            _ => Match::Several(found),
        },
        None => misspelt(&name, records),
    }
}

/// The record whose name is so few letters away that it must be the one, or those that come near.
fn misspelt<'a, T: Copy>(
    name: &str,
    records: impl Iterator<Item = (T, &'a str, &'a str)>,
) -> Match<T> {
    let asked = Spelling::of(name);
    if asked.letters == 0 || asked.length > COMPARED {
        return Match::None { near: Vec::new() };
    }
    let allowed = (if asked.letters <= 7 { 1 } else { 2 }).min(asked.letters - 1);
    // A long word may be one letter further off and still be worth asking about.
    let reach = if asked.letters > 4 {
        allowed + 1
    } else {
        allowed
    };

    let mut close: Vec<(usize, &str, T)> = Vec::new();
    for (value, _, folded) in records {
        let beginning = first_words(folded, asked.words);
        let whole = asked.distance(folded, reach);
        let distance = if beginning == folded {
            whole
        } else {
            whole.min(asked.distance(beginning, reach))
        };
        // Words from the middle of a name do not mean it, but are worth asking about too.
        let distance = if distance > reach && holds_words(folded, name) {
            reach
        } else {
            distance
        };
        if distance <= reach {
            close.push((distance, folded, value));
        }
    }
    close.sort_by_key(|(distance, folded, _)| (*distance, *folded));
    match *close {
        [(distance, _, one), ..]
            if distance <= allowed && close.get(1).is_none_or(|next| next.0 > allowed) =>
        {
            Match::One(one, How::Misspelt)
        }
        _ => Match::None {
            near: close
                .into_iter()
                .take(NEAR)
                .map(|(_, _, value)| value)
                .collect(),
        },
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

/// Whether words occur, whole, somewhere in a folded name.
fn holds_words(name: &str, words: &str) -> bool {
    name.match_indices(words).any(|(at, _)| {
        let (before, after) = (name.get(..at), name.get(at + words.len()..));
        before.is_some_and(|text| text.is_empty() || text.ends_with(' '))
            && after.is_some_and(|text| text.is_empty() || text.starts_with(' '))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Looks words up among names, whose ids are c1, c2 …; the value is the number.
    fn look(words: &str, names: &[&str]) -> Match<usize> {
        let records: Vec<_> = names
            .iter()
            .zip(1..)
            .map(|(name, n)| (n, format!("c{n}"), fold(name)))
            .collect();
        find(
            words,
            records
                .iter()
                .map(|(n, id, name)| (*n, id.as_str(), name.as_str())),
        )
    }

    const NAMES: &[&str] = &[
        "Acme Corp",
        "Globex GmbH",
        "Globex Energy",
        "Initech",
        "Umbrella Industries",
        "Umbrella Health",
        "C1",
    ];

    #[test]
    fn the_first_level_that_fits_decides() {
        for (words, expected) in [
            ("c1", Match::One(1, How::Id)),
            ("C2", Match::One(2, How::Id)),
            ("acme", Match::One(1, How::Exact)),
            ("ACME, Inc.", Match::One(1, How::Exact)),
            ("globex", Match::One(2, How::Exact)),
            ("globex energy", Match::One(3, How::Exact)),
            ("umbrella", Match::Several(vec![5, 6])),
            ("umbrella i", Match::None { near: vec![] }),
            ("Acne", Match::One(1, How::Misspelt)),
            ("initehc", Match::One(4, How::Misspelt)),
            ("umbrela industris", Match::One(5, How::Misspelt)),
            ("umbrela", Match::None { near: vec![6, 5] }),
            ("industries", Match::None { near: vec![5] }),
            ("intech co", Match::One(4, How::Misspelt)),
            ("x", Match::None { near: vec![] }),
            ("", Match::None { near: vec![] }),
            ("?!", Match::None { near: vec![] }),
        ] {
            assert_eq!(look(words, NAMES), expected, "{words}");
        }
    }

    #[test]
    fn a_misspelling_of_the_first_words_is_one_too() {
        assert_eq!(
            look("inittech", &["Initech Software Group"]),
            Match::One(1, How::Misspelt)
        );
        assert_eq!(
            look("Fabrkiam", &["Contoso", "Fabrikam"]),
            Match::One(2, How::Misspelt)
        );
    }

    #[test]
    fn up_to_seven_letters_one_change_is_allowed_and_above_two() {
        assert_eq!(look("initxxh", &["Initech"]), Match::None { near: vec![1] });
        assert_eq!(
            look("umbrxxla", &["Umbrella"]),
            Match::One(1, How::Misspelt)
        );
        assert_eq!(
            look("umbxxxla", &["Umbrella"]),
            Match::None { near: vec![1] }
        );
    }

    #[test]
    fn two_records_of_one_name_are_several() {
        assert_eq!(
            look("acme", &["Acme Inc", "ACME", "Acme Foods"]),
            Match::Several(vec![1, 2])
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_cheap_cut_never_hides_a_near_name(one in "[a-cйがx ]{0,9}", other in "[a-cйがx ]{0,9}", reach in 0..4usize) {
            let exact = strsim::osa_distance(&one, &other);
            let distance = Spelling::of(&one).distance(&other, reach);
            prop_assert_eq!(distance.min(reach + 1), exact.min(reach + 1));
        }

        #[test]
        fn no_words_make_it_panic(asked in any::<String>(), names in proptest::collection::vec(any::<String>(), 0..9)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let _ = look(&asked, &names);
        }
    }
}
