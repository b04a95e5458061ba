//! QUESTIONS ABOUT ANSWERS. Tools that ask other tools by name and hold no figure of their own. One
//! file is one tool; [`ALL`] lists them in order.

mod explain;

use std::sync::Arc;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::change::Position;
use crate::domain::portfolio::Portfolio;
use crate::language::arguments;
use crate::language::behind::Behind;
use crate::language::question::Question;
use crate::language::schema;
use crate::refusal::Result;

/// The longest reference to an answer: as long as all that a question may carry.
const LONGEST: usize = 4_000_000;

/// Every tool that asks others, in the order it is listed.
pub const ALL: &[Entry] = &[entry::<explain::Explain>()];

/// What a tool that asks others has to work with.
pub struct Desk<'a> {
    /// The portfolio as it stands.
    pub portfolio: &'a Portfolio,
    /// Today.
    pub today: NaiveDate,
    /// Asks a report, as of the position and the day of the question.
    pub ask: &'a dyn Fn(&Question) -> Result<Reply>,
}

/// The answer of a report.
pub struct Reply {
    /// The structured answer.
    pub structured: Value,
    /// What stands behind its figures.
    pub behind: Behind,
    /// The portfolio it was asked of.
    pub portfolio: Arc<Portfolio>,
}

impl Desk<'_> {
    /// A question of the whole log.
    pub fn now(&self, question: &Question, today: NaiveDate) -> Question {
        let position: Position = self.portfolio.position();
        Question {
            position,
            today,
            ..question.clone()
        }
    }
}

/// A tool that asks others.
trait Asking {
    const NAME: &'static str;
    const TITLE: &'static str;
    /// For a language model: what it answers, when to use it, an example.
    const DESCRIPTION: &'static str;
    type Query: DeserializeOwned + JsonSchema + 'static;
    type Answer: Serialize + JsonSchema;

    fn answer(desk: &Desk<'_>, query: Self::Query) -> Result<Self::Answer>;

    /// The answer in a few lines that carry every essential figure.
    fn text(answer: &Self::Answer) -> String;
}

/// Asks it, given its arguments and their names: the structured answer and the text of it.
pub type Answer = fn(&Desk<'_>, Map<String, Value>, &[String]) -> Result<(Value, String)>;

/// Such a tool as a value: what a surface needs to list it and to ask it.
pub struct Entry {
    /// The tool's name.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// Its description for models.
    pub description: &'static str,
    /// The JSON Schema of its arguments.
    pub input: fn() -> Map<String, Value>,
    /// The JSON Schema of its answer.
    pub output: fn() -> Map<String, Value>,
    /// Asks it.
    pub answer: Answer,
}

const fn entry<A: Asking>() -> Entry {
    Entry {
        name: A::NAME,
        title: A::TITLE,
        description: A::DESCRIPTION,
        input: schema::input::<A::Query>,
        output: schema::output::<A::Answer>,
        answer: answer::<A>,
    }
}

fn answer<A: Asking>(
    desk: &Desk<'_>,
    arguments: Map<String, Value>,
    known: &[String],
) -> Result<(Value, String)> {
    arguments::check_names(&arguments, known, "")?;
    let query = arguments::read_up_to(arguments, "", LONGEST)?;
    let answer = A::answer(desk, query)?;
    let text = A::text(&answer);
    // An answer type serialises by construction: maps with text keys and finite numbers only.
    Ok((serde_json::to_value(&answer).unwrap_or(Value::Null), text))
}
