//! Answers kept for whoever asks the same again, as every viewer of one dashboard does. A report of the
//! present follows from the log, the day and the arguments alone, so an answer holds until the log grows
//! or the day ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::Answer;
use crate::domain::change::Position;
use crate::language::question::{AS_OF, KNOWN_AT};
use crate::reports::WHAT_IF;

/// How many answers are kept. When there are more, all are forgotten.
const MOST: usize = 64;
/// The longest text of an answer that is kept, in bytes; what is structured is a few times as long, beside
/// the arguments, which it holds.
const LONGEST: usize = 16 * 1024;
/// The longest arguments of a question that is kept, as JSON in bytes.
const LONGEST_ARGUMENTS: usize = 2 * 1024;

/// Answers given lately.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Where the log ended and on which day they were given.
    given: Option<(Position, NaiveDate)>,
    /// By report and arguments.
    answers: HashMap<(&'static str, String), Arc<Answer>>,
}

/// A question that may be asked again.
pub(super) struct Repeatable {
    given: (Position, NaiveDate),
    key: (&'static str, String),
}

impl Repeatable {
    /// A question of the present that is not too long. One about the past or about what is supposed costs
    /// much to keep and is seldom asked twice.
    pub(super) fn new(
        report: &'static str,
        arguments: &Map<String, Value>,
        given: (Position, NaiveDate),
    ) -> Option<Repeatable> {
        let is_present = ![AS_OF, KNOWN_AT, WHAT_IF]
            .iter()
            .any(|name| arguments.contains_key(*name));
        let arguments = is_present.then(|| serde_json::to_string(arguments).ok())??;
        if arguments.len() > LONGEST_ARGUMENTS {
            return None;
        }
        Some(Repeatable {
            given,
            key: (report, arguments),
        })
    }
}

impl Remembered {
    /// The answer to a question, if it was given.
    pub(super) fn recall(&self, question: &Repeatable) -> Option<Answer> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = kept.given == Some(question.given);
        let answer = kept.answers.get(&question.key).filter(|_| is_current)?;
        let answer = Arc::clone(answer);
        // Others look for theirs while this one is copied.
        drop(kept);
        Some(Arc::unwrap_or_clone(answer))
    }

    /// Keeps an answer; those of another log or day are forgotten.
    pub(super) fn keep(&self, question: Repeatable, answer: &Answer) {
        if answer.text.len() > LONGEST {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.given > Some(question.given) {
            return;
        }
        if kept.given != Some(question.given) || kept.answers.len() >= MOST {
            kept.answers.clear();
            kept.given = Some(question.given);
        }
        kept.answers.insert(question.key, Arc::new(answer.clone()));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, day).unwrap()
    }

    fn question(period: &str, given: (Position, NaiveDate)) -> Repeatable {
        let arguments = Map::from_iter([("period".to_owned(), period.into())]);
        Repeatable::new("get_forecast", &arguments, given).unwrap()
    }

    fn answer(text: &str) -> Answer {
        Answer {
            structured: Value::Null,
            text: text.to_owned(),
            is_untrusted: false,
        }
    }

    #[test]
    fn an_answer_holds_until_the_log_grows_or_the_day_ends() {
        let remembered = Remembered::default();
        let given = (5, day(1));
        remembered.keep(question("Q1", given), &answer("one"));
        let recalled = |period, given| remembered.recall(&question(period, given));
        assert_eq!(recalled("Q1", given), Some(answer("one")));
        assert_eq!(recalled("Q2", given), None);
        for other in [(6, day(1)), (5, day(2)), (4, day(1))] {
            assert_eq!(recalled("Q1", other), None, "{other:?}");
        }
        // Whoever was slow does not bring an older log back.
        remembered.keep(question("Q1", (6, day(1))), &answer("two"));
        remembered.keep(question("Q1", given), &answer("one"));
        assert_eq!(recalled("Q1", given), None);
        assert_eq!(recalled("Q1", (6, day(1))), Some(answer("two")));
    }

    #[test]
    fn only_so_much_is_kept() {
        let remembered = Remembered::default();
        let given = (5, day(1));
        remembered.keep(question("long", given), &answer(&"x".repeat(LONGEST + 1)));
        assert_eq!(remembered.recall(&question("long", given)), None);
        for n in 0..=MOST {
            remembered.keep(question(&n.to_string(), given), &answer("some"));
            assert!(
                remembered
                    .recall(&question(&n.to_string(), given))
                    .is_some()
            );
            assert!(remembered.0.lock().unwrap().answers.len() <= MOST);
        }
    }

    #[test]
    fn the_past_and_what_is_supposed_are_not_kept() {
        for name in [AS_OF, KNOWN_AT, WHAT_IF] {
            let arguments = Map::from_iter([(name.to_owned(), Value::Null)]);
            assert!(Repeatable::new("get_forecast", &arguments, (5, day(1))).is_none());
        }
    }

    #[test]
    fn a_question_that_is_long_to_say_is_not_kept() {
        let asked = |spaces: usize| {
            let words = Value::from(format!("Q1{}", " ".repeat(spaces)));
            let arguments = Map::from_iter([("period".to_owned(), words)]);
            Repeatable::new("get_forecast", &arguments, (5, day(1)))
        };
        assert!(asked(10).is_some());
        assert!(asked(LONGEST_ARGUMENTS).is_none());
    }
}
