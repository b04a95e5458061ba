//! Cells that a spreadsheet would take for a formula. Written, they get an apostrophe in front, which
//! marks text there; read, they lose it again, so that out and in is the same text.

use std::borrow::Cow;

/// What a formula begins with; the wide signs are taken for the narrow ones in some languages.
const BEGINNINGS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The sign of a cell that is text.
const MARK: char = '\'';

/// A cell as it is written.
pub(super) fn marked(text: &str) -> Cow<'_, str> {
    if is_formula(text) {
        format!("{MARK}{text}").into()
    } else {
        text.into()
    }
}

/// A cell as it was before it was marked.
pub(super) fn unmarked(cell: &str) -> &str {
    cell.strip_prefix(MARK)
        .filter(|_| is_formula(cell))
        .unwrap_or(cell)
}

/// A cell of somebody's file, marked unless it is.
pub(super) fn copied(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(MARK) {
        cell.into()
    } else {
        marked(cell)
    }
}

/// Whether a text would be a formula, whatever marks it has; a number with its sign is none.
fn is_formula(text: &str) -> bool {
    let bare = text.trim_start_matches(MARK);
    let is_number = |rest: &str| {
        rest.contains(|c: char| c.is_ascii_digit())
            && rest
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '%'))
    };
    bare.starts_with(BEGINNINGS) && !bare.strip_prefix(['+', '-']).is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_marked_and_come_back_as_they_were() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("'=1+1", "''=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-5+cmd|' /C calc'!A0", "'-5+cmd|' /C calc'!A0"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("+", "'+"),
            ("-12.50%", "-12.50%"),
            ("'-5", "'-5"),
            ("O'Brien", "O'Brien"),
            ("'quoted'", "'quoted'"),
            ("", ""),
        ] {
            assert_eq!(marked(text), written);
            assert_eq!(unmarked(&marked(text)), text);
            assert_eq!(copied(&marked(text)), written);
        }
    }
}
