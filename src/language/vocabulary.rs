//! Words of a closed list (a stage, a type, a field to sort by), and how a person's own words are
//! quoted back to them. What the lists hold is the business of `domain` and of each question.

use crate::refusal::{Code, Refusal, Result};

/// A refusal quotes at most this many characters of what was said.
const QUOTED: usize = 60;
/// Longer words than this are not compared letter by letter: nothing on a list is close to them.
const COMPARED: usize = 40;

/// Finds a word in a closed list, or says which word was probably meant.
///
/// Case, spaces, hyphens and underscores make no difference, nor does a plural. `what` is the noun
/// that the list enumerates ("stage"); it stands in the refusal.
pub fn pick<T: Copy>(what: &str, word: &str, list: &[(&str, T)]) -> Result<T> {
    let asked = letters(word);
    let same = list.iter().find(|(entry, _)| letters(entry) == asked);
    let found = same.or_else(|| {
        list.iter()
            .find(|(entry, _)| same_but_for_plural(&letters(entry), &asked))
    });
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| not_on_the_list(what, word, list))
}

/// The same for a list of which people also say other words. Those are understood and never offered.
pub fn pick_spoken<T: Copy>(
    what: &str,
    word: &str,
    list: &[(&str, T)],
    spoken: &[(&str, T)],
) -> Result<T> {
    pick(what, word, list).or_else(|refusal| pick(what, word, spoken).map_err(|_| refusal))
}

/// The word by which a list has a value: the first that means it.
pub fn word_for<'a, T: PartialEq>(value: &T, list: &[(&'a str, T)]) -> &'a str {
    list.iter()
        .find(|(_, known)| known == value)
        .map_or("", |(entry, _)| entry)
}

/// The words of a list that were probably meant, all equally; none when none is close.
pub fn nearest<'a>(word: &str, list: &[&'a str]) -> Vec<&'a str> {
    let close = closest(word, list);
    let best = close.first().map(|(distance, _)| *distance);
    let tied = close
        .into_iter()
        .take_while(|(distance, _)| Some(*distance) == best);
    tied.map(|(_, entry)| entry).collect()
}

/// "Did you mean 'a', 'b' or 'c'?"
pub fn did_you_mean(names: &[&str]) -> String {
    one_of("'", names)
}

fn one_of(mark: &str, words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|it| format!("{mark}{it}{mark}")).collect();
    match words.as_slice() {
        [first @ .., last] if !first.is_empty() => {
            format!("Did you mean {} or {last}?", first.join(", "))
        }
        _ => format!("Did you mean {}?", words.join("")),
    }
}

/// What somebody said, fit to stand inside a sentence of ours: in quotation marks, on one line,
/// without characters that cannot be seen, and cut when long.
pub fn quoted(words: &str) -> String {
    format!(
        "\"{}\"",
        super::clean(words.trim(), QUOTED).replace('"', "'")
    )
}

/// The letters of a word as they are compared.
fn letters(word: &str) -> String {
    let kept = word
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_' | '‐' | '‑' | '–'));
    kept.flat_map(char::to_lowercase).collect()
}

/// Whether one of two words is a plural of the other.
fn same_but_for_plural(one: &str, other: &str) -> bool {
    let is_plural = |many: &str, single: &str| {
        let ending = many.strip_prefix(single);
        let y_ending = single
            .strip_suffix('y')
            .and_then(|stem| many.strip_prefix(stem));
        !single.is_empty() && (matches!(ending, Some("s" | "es")) || y_ending == Some("ies"))
    };
    is_plural(one, other) || is_plural(other, one)
}

fn not_on_the_list<T>(what: &str, word: &str, list: &[(&str, T)]) -> Refusal {
    let all: Vec<&str> = list.iter().map(|(entry, _)| *entry).collect();
    let near = nearest(word, &all);
    let hint = if near.is_empty() {
        format!("Use one of: {}.", all.join(", "))
    } else {
        one_of("\"", &near)
    };
    let close: Vec<&str> = closest(word, &all)
        .into_iter()
        .map(|(_, entry)| entry)
        .collect();
    let far = all.iter().filter(|entry| !close.contains(entry));
    let candidates = close.iter().chain(far).copied();
    Refusal::new(Code::UnknownValue, format!("No {what} {}.", quoted(word)))
        .hint(hint)
        .candidates(candidates)
}

/// The entries that somebody may have meant by a word, best first, with how far off they are.
fn closest<'a>(word: &str, list: &[&'a str]) -> Vec<(usize, &'a str)> {
    let asked = letters(word);
    let mut close: Vec<(usize, &str)> = list
        .iter()
        .filter_map(|entry| Some((distance(&asked, &letters(entry))?, *entry)))
        .collect();
    close.sort_by_key(|(distance, _)| *distance);
    close
}

/// How far a word is from an entry of the list; `None` when nobody would take one for the other.
/// The beginning of an entry is nearer than a misspelling of it.
fn distance(asked: &str, entry: &str) -> Option<usize> {
    let length = asked.chars().count();
    if !(2..=COMPARED).contains(&length) {
        return None;
    }
    if entry.starts_with(asked) {
        return Some(0);
    }
    let allowed = if length <= 4 { 1 } else { 2 };
    Some(strsim::osa_distance(asked, entry)).filter(|distance| *distance <= allowed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const STAGES: &[(&str, u8)] = &[
        ("identified", 1),
        ("proposal", 2),
        ("closed_won", 3),
        ("closed_lost", 4),
        ("cross_sell", 5),
        ("upsell", 6),
    ];

    #[test]
    fn a_word_is_found_however_it_is_written() {
        for (word, value) in [
            ("proposal", 2),
            (" Proposal ", 2),
            ("Closed Won", 3),
            ("closed-won", 3),
            ("CLOSED_WON", 3),
            ("cross-sell", 5),
            ("CrossSell", 5),
            ("upsells", 6),
            ("up-sell", 6),
        ] {
            assert_eq!(pick("stage", word, STAGES), Ok(value), "{word}");
        }
        assert_eq!(pick("thing", "category", &[("categories", 1)]), Ok(1));
        assert_eq!(pick("thing", "losses", &[("loss", 1)]), Ok(1));
    }

    #[test]
    fn a_misspelling_is_refused_and_the_word_it_may_be_comes_first() {
        let refusal = pick("stage", "propsal", STAGES).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "unknown_value: No stage \"propsal\". Did you mean \"proposal\"?"
        );
        assert_eq!(refusal.candidates.len(), STAGES.len());
        assert_eq!(
            refusal.candidates.first().map(String::as_str),
            Some("proposal")
        );
        assert_eq!(
            pick("stage", "closed", STAGES).unwrap_err().hint,
            "Did you mean \"closed_won\" or \"closed_lost\"?"
        );
    }

    #[test]
    fn a_word_close_to_nothing_is_refused_with_the_whole_list() {
        for word in ["", "s", "banana", &"x".repeat(10_000)] {
            let refusal = pick("stage", word, STAGES).unwrap_err();
            assert!(
                refusal.hint.starts_with("Use one of: identified, proposal"),
                "{refusal}"
            );
            assert_eq!(refusal.candidates.len(), STAGES.len());
        }
    }

    #[test]
    fn what_people_also_say_is_understood_and_never_offered() {
        let spoken = [("seat", 4), ("x_sell", 5)];
        for (word, value) in [("seats", 4), ("Seat", 4), ("x-sell", 5), ("upsell", 6)] {
            let picked = pick_spoken("type", word, STAGES, &spoken);
            assert_eq!(picked, Ok(value), "{word}");
        }
        let refusal = pick_spoken("type", "seating", STAGES, &spoken).unwrap_err();
        assert_eq!(refusal.candidates.len(), STAGES.len());
        assert_eq!(word_for(&3, &[("won", 3), ("closed_won", 3)]), "won");
    }

    #[test]
    fn quoted_words_are_short_and_cannot_hide_anything() {
        assert_eq!(quoted(" Q7\u{202e}\n "), "\"Q7\"");
        assert_eq!(quoted("say \"no\""), "\"say 'no'\"");
        assert_eq!(quoted(&"x".repeat(60)).chars().count(), 62);
        assert!(quoted(&"x".repeat(61)).ends_with("x…\""));
    }

    #[test]
    fn the_nearest_word_is_close_or_none() {
        let list = ["customer", "csm", "stage"];
        assert_eq!(nearest("costumer", &list), ["customer"]);
        assert_eq!(nearest("cust", &list), ["customer"]);
        assert_eq!(nearest("banana", &list), [""; 0]);
        assert_eq!(
            nearest("cost", &["host", "most", "best", "lost"]),
            ["host", "most", "lost"]
        );
        assert_eq!(did_you_mean(&["a"]), "Did you mean 'a'?");
        assert_eq!(
            did_you_mean(&["a", "b", "c"]),
            "Did you mean 'a', 'b' or 'c'?"
        );
    }
}
