//! A name as names are compared. Finding the record a name means is `language::names`.

use unicode_normalization::UnicodeNormalization;

/// The endings that companies also write as initials: "S.A." folds to two words.
const LEGAL_INITIALS: &[&str] = &[
    "l l c", "l l p", "l p", "p l c", "g m b h", "a g", "k g", "s a", "s a s", "s a r l", "b v",
    "n v", "a s", "s p a", "s r l", "s l", "k k",
];
/// A word as it is compared: lower case, no accents, punctuation as spaces, single spaces.
pub fn plain(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    if word.is_ascii() {
        push_words(&mut folded, word.chars().map(|c| c.to_ascii_lowercase()));
    } else {
        push_words(&mut folded, unaccented(word).nfc());
    }
    folded
}

/// A name as it is compared: a plain word without a legal ending, unless nothing else is left.
pub fn fold(name: &str) -> String {
    let mut folded = plain(name);
    while let Some(kept) = without_legal_ending(&folded).map(str::len) {
        folded.truncate(kept);
    }
    folded
}

/// What stands before an ending that says which kind of company it is; `None` when there is no
/// such ending, or nothing before it.
fn without_legal_ending(folded: &str) -> Option<&str> {
    let (before, last) = folded.rsplit_once(' ')?;
    match last {
        "inc" | "incorporated" | "corp" | "corporation" | "co" | "company" | "llc" | "llp"
        | "lp" | "ltd" | "limited" | "plc" | "pty" | "pte" | "pvt" | "gmbh" | "mbh" | "ag"
        | "kg" | "kgaa" | "se" | "sa" | "sas" | "sarl" | "bv" | "nv" | "oy" | "oyj" | "ab"
        | "as" | "aps" | "spa" | "srl" | "sl" | "kk" => Some(before),
        initial if initial.len() == 1 => LEGAL_INITIALS
            .iter()
            .find_map(|initials| folded.strip_suffix(initials)?.strip_suffix(' ')),
        _ => None,
    }
}

/// Whether a character can be seen: not one that only steers how others are shown.
pub fn is_visible(c: char) -> bool {
    !matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Adds letters and digits as they come, and one space for anything between words.
fn push_words(folded: &mut String, characters: impl Iterator<Item = char>) {
    let mut apart = false;
    for c in characters {
        if !c.is_alphanumeric() {
            apart = true;
            continue;
        }
        if apart && !folded.is_empty() {
            folded.push(' ');
        }
        folded.push(c);
        apart = false;
    }
}

/// Small letters without accents, for names with other letters than English ones.
fn unaccented(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name
        .chars()
        .filter(|c| is_visible(*c))
        .nfkd()
        .filter(|c| !is_accent(*c))
        .flat_map(char::to_lowercase)
    {
        match c {
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'þ' => plain.push_str("th"),
            'ø' => plain.push('o'),
            'ð' | 'đ' => plain.push('d'),
            'ł' => plain.push('l'),
            'ı' => plain.push('i'),
            'ς' => plain.push('σ'),
            c => plain.push(c),
        }
    }
    plain
}

/// The marks that Latin, Greek and Cyrillic letters carry. Those of other scripts make another
/// letter (カ and ガ) and stay.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folding_forgets_what_people_forget() {
        for (name, folded) in [
            ("Acme Corp", "acme"),
            ("ACME, Inc.", "acme"),
            ("  Acme   Co., Ltd. ", "acme"),
            ("Müller & Söhne GmbH", "muller sohne"),
            ("Société Générale S.A.", "societe generale"),
            ("Ørsted A/S", "orsted"),
            ("Weiß AG", "weiss"),
            ("Łódź Sp.", "lodz sp"),
            ("İstanbul", "istanbul"),
            ("ΛΟΓΟΣ", "λογοσ"),
            ("O'Brien-Smith", "o brien smith"),
            ("ガス 株式会社", "ガス 株式会社"),
            ("AT&T", "at t"),
            ("3M Company", "3m"),
            ("Ac\u{ad}me\u{200b} LLC", "acme"),
            ("Inc", "inc"),
            ("Co Ltd", "co"),
            ("S.A.", "s a"),
            ("Incorporated Foods", "incorporated foods"),
            ("!?", ""),
            ("", ""),
        ] {
            assert_eq!(fold(name), folded, "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn folding_twice_changes_nothing(name in any::<String>()) {
            let folded = fold(&name);
            prop_assert_eq!(fold(&folded), folded);
        }

        #[test]
        fn english_letters_fold_alike_both_ways(name in "[ -~]{0,30}( Inc\\.| S\\.A\\.| Ltd)?") {
            prop_assert_eq!(unaccented(&name), name.to_ascii_lowercase());
        }
    }
}
