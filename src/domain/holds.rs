//! What the number that a change sets stands for, and the name under which the log is written out:
//! one table, so that writing the log, reading it back and looking it over agree. A field that is not
//! in the table is none.

use super::change::{Subject, field};

/// What a value stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The number of a text.
    Text,
    /// The number of a long text.
    Note,
    /// A person.
    Person,
    /// A customer.
    Customer,
    /// A signal.
    Signal,
    /// A day.
    Day,
    /// The code of a stage.
    Stage,
    /// The code of a type of expansion.
    Kind,
    /// The code of a forecast category.
    Category,
    /// A position of the log.
    Position,
    /// Itself: money, basis points, a count.
    Number,
}

/// Every field with its name in the log and what its value stands for.
pub const FIELDS: [(u32, &str, Holds); 36] = [
    (field::NAME, "name", Holds::Text),
    (field::KIND, "type", Holds::Kind),
    (field::PRODUCT_LINE, "product_line", Holds::Text),
    (field::ESTIMATED_VALUE, "estimated_value", Holds::Number),
    (field::PROBABILITY, "probability", Holds::Number),
    (field::IDENTIFIED, "identified_date", Holds::Day),
    (field::EXPECTED_CLOSE, "expected_close", Holds::Day),
    (field::ACTUAL_CLOSE, "actual_close", Holds::Day),
    (field::STAGE, "stage", Holds::Stage),
    (field::STAGE_ASSERTED, "stage_asserted", Holds::Stage),
    (field::STAGE_UNDATED, "stage_undated", Holds::Stage),
    (field::CLOSED_VALUE, "closed_value", Holds::Number),
    (field::LOST_REASON, "lost_reason", Holds::Text),
    (field::LOST_NOTE, "lost_note", Holds::Note),
    (field::CSM, "csm", Holds::Person),
    (field::SALES_REP, "sales_rep", Holds::Person),
    (field::CHAMPION, "champion", Holds::Text),
    (field::SOURCE, "source", Holds::Text),
    (field::USE_CASE, "use_case", Holds::Text),
    (field::NOTES, "notes", Holds::Note),
    (field::CUSTOMER, "customer", Holds::Customer),
    (field::CURRENCY, "currency", Holds::Text),
    (field::TERM_MONTHS, "term_months", Holds::Number),
    (field::CATEGORY, "forecast_category", Holds::Category),
    (field::SIGNAL, "signal", Holds::Signal),
    (field::ID, "id", Holds::Text),
    (field::ARR, "arr", Holds::Number),
    (field::SEGMENT, "segment", Holds::Text),
    (field::HEALTH_SCORE, "health_score", Holds::Number),
    (field::MANAGER, "manager", Holds::Text),
    // Of a setting and a rate it is a text, of anything else an amount: see `of`.
    (field::VALUE, "value", Holds::Number),
    (field::SIGNAL_KIND, "kind", Holds::Text),
    (field::DETECTED, "detected_at", Holds::Day),
    (field::EVIDENCE, "evidence", Holds::Note),
    (field::STAGE_ENTERED, "stage_entered", Holds::Day),
    (field::VOID, "void", Holds::Position),
];

/// The field of which a change only keeps in mind what an import said, if it is such a change.
pub const fn said_of(field: u32) -> Option<u32> {
    if field < field::ATTRIBUTES {
        field.checked_sub(field::SAID)
    } else {
        None
    }
}

/// Whether there is such a field.
pub fn is_known(field: u32) -> bool {
    FIELDS.iter().any(|(known, ..)| *known == field)
}

/// What the value of a field of a subject stands for.
pub fn of(subject: Subject, field: u32) -> Holds {
    if field >= field::ATTRIBUTES {
        return Holds::Text;
    }
    if let Some(said) = said_of(field) {
        return match of(subject, said) {
            // Of long texts a fingerprint is kept.
            Holds::Note => Holds::Number,
            holds => holds,
        };
    }
    if field == field::VALUE && matches!(subject, Subject::Setting(_) | Subject::Rate(_)) {
        return Holds::Text;
    }
    FIELDS
        .iter()
        .find(|(known, ..)| *known == field)
        .map_or(Holds::Number, |(.., holds)| *holds)
}

/// The word for a kind of subject, and whether its number is that of a text.
pub const fn word(subject: Subject) -> (&'static str, bool) {
    match subject {
        Subject::Deal(_) => ("deal", false),
        Subject::Customer(_) => ("customer", false),
        Subject::Person(_) => ("person", false),
        Subject::Setting(_) => ("setting", true),
        Subject::Target(_) => ("target", true),
        Subject::Forecast(_) => ("forecast", true),
        Subject::Signal(_) => ("signal", false),
        Subject::Rate(_) => ("rate", true),
    }
}

/// The subject of a word and a number; `None` for a word that is none. It goes by the codes, so a new
/// kind of subject is read back as soon as it has a word.
pub fn subject(of: &str, number: u32) -> Option<Subject> {
    (1..=u8::MAX)
        .map_while(|kind| Subject::from_code(kind, number))
        .find(|subject| word(*subject).0 == of)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_field_there_is_has_a_name_of_its_own() {
        let source = include_str!("change.rs");
        let constants = source.lines().filter_map(|line| {
            let (name, number) = line
                .trim()
                .strip_prefix("pub const ")?
                .split_once(": u32 = ")?;
            let number = number
                .strip_suffix(';')?
                .replace('_', "")
                .parse::<u32>()
                .ok()?;
            Some((name.to_owned(), number))
        });
        let fields: Vec<_> = constants
            .filter(|(name, _)| !matches!(name.as_str(), "SAID" | "ATTRIBUTES"))
            .collect();
        assert!(
            fields.len() >= 36,
            "the constants were not found: {fields:?}"
        );
        for (name, number) in &fields {
            let known = FIELDS.iter().filter(|(field, ..)| field == number).count();
            assert_eq!(known, 1, "{name} stands {known} times in FIELDS");
        }
        let mut names: Vec<&str> = FIELDS.iter().map(|(_, name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIELDS.len());
    }

    #[test]
    fn subjects_are_read_back_as_they_are_written() {
        for kind in 1..=u8::MAX {
            let Some(known) = Subject::from_code(kind, 7) else {
                assert!((kind..=u8::MAX).all(|kind| Subject::from_code(kind, 7).is_none()));
                break;
            };
            assert_eq!(subject(word(known).0, 7), Some(known));
        }
        assert_eq!(subject("nothing", 7), None);
    }
}
