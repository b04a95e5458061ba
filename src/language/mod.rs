//! WORDS. People's and models' words → domain values, and domain values → the words of an answer:
//! periods, names, amounts, filters, arguments; figures and opportunities as they go out. Pure.

pub mod amounts;
pub mod arguments;
pub mod attributes;
pub mod basis;
pub mod behind;
pub mod completion;
pub mod fields;
pub mod figures;
pub mod filters;
pub mod journal;
pub mod names;
pub mod opportunity;
pub mod periods;
pub mod question;
pub mod records;
pub mod schema;
mod shapes;
pub mod units;
pub mod vocabulary;

use crate::domain::name::is_visible;

/// A text without the characters that cannot be seen: as it was meant when it was copied from
/// somewhere, and nothing at all when it is made of them.
pub fn visible(text: &str) -> String {
    text.chars().filter(|c| is_visible(*c)).collect()
}

/// Other people's text made fit to show: no control, bidi or invisible characters, no line breaks,
/// at most `longest` characters.
pub fn clean(text: &str, longest: usize) -> String {
    let seen = |c: char| {
        if c.is_whitespace() || c.is_control() {
            ' '
        } else {
            c
        }
    };
    let mut visible = text.chars().filter(|c| is_visible(*c)).map(seen);
    let mut cleaned: String = visible.by_ref().take(longest).collect();
    if visible.next().is_some() {
        cleaned.push('…');
    }
    cleaned
}

/// The same for a cell of a Markdown table: a bar would end the cell.
pub fn cell(text: &str) -> String {
    clean(text, 60).replace('|', "\\|")
}
