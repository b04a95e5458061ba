//! Other people's text made fit to show. All text of the portfolio passes here on its way into an
//! answer, so here it is also noticed that an answer has some.

use std::cell::Cell;

use unicode_normalization::char::is_combining_mark;

use crate::domain::name::is_visible;

/// The most marks on one letter; more of them are there to cover what stands around.
const MARKS: u32 = 6;

/// Joins two pictures into one, such as a family.
const JOINER: char = '\u{200d}';

thread_local! {
    static SHOWN: Cell<bool> = const { Cell::new(false) };
}

/// What a question comes to, and whether other people's text was made fit to show meanwhile, on this
/// thread.
pub fn watched<T>(ask: impl FnOnce() -> T) -> (T, bool) {
    let before = SHOWN.replace(false);
    let answer = ask();
    let shown = SHOWN.replace(before);
    SHOWN.set(before || shown);
    (answer, shown)
}

/// A text without the characters that cannot be seen: as it was meant when it was copied from
/// somewhere, and nothing at all when it is made of them.
pub fn visible(text: &str) -> String {
    seen(text).collect()
}

/// Other people's text made fit to show: no control, bidi or invisible characters, no line breaks, no
/// towers of marks, at most `longest` characters.
pub fn clean(text: &str, longest: usize) -> String {
    if !text.is_empty() {
        SHOWN.set(true);
    }
    let mut marks = 0;
    let mut shown = seen(text).filter_map(|c| match c {
        c if c.is_whitespace() || c.is_control() => Some(' '),
        c if c.is_ascii() => Some(c),
        c => {
            marks = if is_combining_mark(c) { marks + 1 } else { 0 };
            (marks <= MARKS).then_some(c)
        }
    });
    let mut cleaned: String = shown.by_ref().take(longest).collect();
    if shown.next().is_some() {
        cleaned.push('…');
    }
    cleaned
}

/// The same for a cell of a Markdown table: a bar would end the cell.
pub fn cell(text: &str) -> String {
    clean(text, 60).replace('|', "\\|")
}

/// What can be seen of a text. What joins two pictures or says how one is drawn belongs to them.
fn seen(text: &str) -> impl Iterator<Item = char> {
    let mut characters = text.chars().peekable();
    let mut before = ' ';
    std::iter::from_fn(move || {
        loop {
            let c = characters.next()?;
            let is_seen = match c {
                JOINER => {
                    let joins = is_picture(before) || before == '\u{fe0f}';
                    joins && characters.peek().is_some_and(|next| is_picture(*next))
                }
                '\u{fe0e}' | '\u{fe0f}' => {
                    is_picture(before) || matches!(before, '0'..='9' | '#' | '*' | '©' | '®')
                }
                c => is_visible(c),
            };
            if is_seen {
                before = c;
                return Some(c);
            }
        }
    })
}

/// Whether a character is of the blocks that hold pictures.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{203c}' | '\u{2049}' | '\u{2122}'..='\u{2bff}' | '\u{3030}'..='\u{303d}' | '\u{3297}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_left_out_and_pictures_stay_whole() {
        for (text, shown) in [
            ("Ac\u{ad}me\u{200b}\u{202e} Corp\u{2066}", "Acme Corp"),
            ("a\u{e0041}\u{e0042}b\u{fe01}\u{fe0f}c\u{3164}d", "abcd"),
            ("one\r\n\ttwo\u{1b}[31m\0\u{85}", "one   two [31m  "),
            (
                "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3}",
                "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3}",
            ),
            ("a\u{200d}b 👩👧\u{200d} 👩\u{200d}b", "ab 👩👧 👩b"),
            ("❤\u{fe0f}\u{fe0f}\u{fe0f}", "❤\u{fe0f}"),
            ("café e\u{301} שלום", "café e\u{301} שלום"),
        ] {
            assert_eq!(clean(text, 100), shown, "{text:?}");
        }
        let tower = format!("Z{}", "\u{336}".repeat(50));
        assert_eq!(clean(&tower, 100).chars().count(), 1 + MARKS as usize);
        assert_eq!(clean("abcdef", 3), "abc…");
    }

    #[test]
    fn it_is_noticed_that_text_was_shown() {
        assert!(!watched(|| clean("", 9)).1);
        assert!(watched(|| clean("a", 9)).1);
        let ((inner, after), outer) = watched(|| {
            let (_, inner) = watched(|| clean("a", 9));
            (inner, watched(|| ()).1)
        });
        assert!(inner && outer && !after);
    }
}
