//! CHANGES. Pure. One file is one command is one tool; [`ALL`] lists them in order. `import` is the
//! change that files make; it is no tool. An action plans on a copy of the portfolio: what it
//! answers is what the engine then writes, or throws away when it was a dry run.

mod closing;
mod create_opportunity;
pub mod import;
mod parts;
mod reading;
mod set_target;
mod undo_change;
mod update_opportunity;
mod update_stage;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::change::{Day, Position};
use crate::domain::days::day;
use crate::domain::draft::{Author, Planned};
use crate::domain::portfolio::Portfolio;
use crate::domain::role::Role;
use crate::language::arguments::{self, Elsewhere};
use crate::language::schema;
use crate::refusal::{Code, Refusal, Result};

pub use parts::doubts::CONFIRM;

/// Every action, in the order it is listed.
pub const ALL: &[Entry] = &[
    entry::<update_stage::UpdateStage>(),
    entry::<create_opportunity::CreateOpportunity>(),
    entry::<update_opportunity::UpdateOpportunity>(),
    entry::<set_target::SetTarget>(),
    entry::<undo_change::UndoChange>(),
];

/// What an action is commanded with beside its own arguments.
#[derive(Debug)]
pub struct Commanded<'a> {
    /// The head of the log.
    pub portfolio: &'a Portfolio,
    /// Today.
    pub today: NaiveDate,
    /// Who commands it, and the clock.
    pub author: &'a Author,
    /// Whether the caller only wants to see what would happen.
    pub dry_run: bool,
}

impl Commanded<'_> {
    /// Today as a number.
    pub fn day(&self) -> Day {
        day(self.today)
    }

    /// Refuses what the researcher may not do: the role that finds out, and does not sell.
    fn check_researcher(&self, may: bool, message: impl FnOnce() -> String) -> Result<()> {
        if may || self.author.role != Role::Researcher {
            return Ok(());
        }
        let roles = [Role::Expansion, Role::Admin].map(Role::word);
        Err(Refusal::new(Code::ForbiddenByRole, message())
            .hint(format!("The roles {} may.", roles.join(" and ")))
            .candidates(roles))
    }

    /// The position that the outcome names for undoing it. None when nothing is written: what stands
    /// at the head of the log then is somebody else's, and undoing that would undo theirs.
    fn written(&self, planned: &Planned) -> Option<Position> {
        let writes = !self.dry_run && !planned.batch.is_empty();
        writes.then(|| planned.after.position())
    }
}

/// A command: a pure function from a portfolio to the change it makes and what that comes to.
trait Action {
    const NAME: &'static str;
    const TITLE: &'static str;
    /// For a language model: what it does, when to use it, an example.
    const DESCRIPTION: &'static str;
    /// Whether doing it twice changes no more than once.
    const IDEMPOTENT: bool;
    /// Whether a report may be asked what it would say if this were done.
    const WHAT_IF: bool = true;
    /// The roles that may command it, beside admin, who may everything. What one of them may not do with
    /// it, the plan refuses.
    const ROLES: &'static [Role];
    /// Arguments that it is commanded with and does not have, and what to do instead.
    const ELSEWHERE: Elsewhere = &[];
    type Command: DeserializeOwned + JsonSchema + 'static;
    type Outcome: Serialize + JsonSchema;

    fn plan(commanded: &Commanded<'_>, command: Self::Command) -> Result<(Planned, Self::Outcome)>;

    /// What was assumed, or is worth a look.
    fn notes(outcome: &Self::Outcome) -> &[String];

    /// The outcome in a few lines.
    fn text(outcome: &Self::Outcome) -> String;
}

/// What a command came to.
pub struct Outcome {
    /// The change.
    pub planned: Planned,
    /// The structured answer.
    pub structured: Value,
    /// The text of it.
    pub text: String,
    /// What was assumed, or is worth a look.
    pub notes: Vec<String>,
}

/// Plans an action, given its arguments and their names.
pub type Plan = fn(&Commanded<'_>, Map<String, Value>, &[String]) -> Result<Outcome>;

/// An action as a value: what a surface needs to list it and to command it.
pub struct Entry {
    /// The tool's name.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// Its description for models.
    pub description: &'static str,
    /// Whether doing it twice changes no more than once.
    pub idempotent: bool,
    /// Whether a report may be asked what it would say if this were done.
    pub what_if: bool,
    /// The roles that may command it, beside admin.
    pub roles: &'static [Role],
    /// The JSON Schema of its arguments.
    pub input: fn() -> Map<String, Value>,
    /// The JSON Schema of its answer.
    pub output: fn() -> Map<String, Value>,
    /// Plans it.
    pub plan: Plan,
}

const fn entry<A: Action>() -> Entry {
    Entry {
        name: A::NAME,
        title: A::TITLE,
        description: A::DESCRIPTION,
        idempotent: A::IDEMPOTENT,
        what_if: A::WHAT_IF,
        roles: A::ROLES,
        input: input::<A>,
        output: schema::output::<A::Outcome>,
        plan: plan::<A>,
    }
}

/// The envelope argument that every action takes; the engine plans and does not write.
pub const DRY_RUN: &str = "dry_run";

fn input<A: Action>() -> Map<String, Value> {
    let mut own = schema::input::<A::Command>();
    if let Some(Value::Object(properties)) = own.get_mut("properties") {
        let dry_run = serde_json::json!({ "type": "boolean", "description": "Show the outcome, write nothing" });
        properties.insert(DRY_RUN.to_owned(), dry_run);
    }
    own
}

fn plan<A: Action>(
    commanded: &Commanded<'_>,
    arguments: Map<String, Value>,
    known: &[String],
) -> Result<Outcome> {
    arguments::check_own_names(&arguments, known, A::ELSEWHERE)?;
    let command: A::Command = arguments::read(arguments, "")?;
    let (planned, outcome) = A::plan(commanded, command)?;
    let (text, notes) = (A::text(&outcome), A::notes(&outcome).to_vec());
    // An outcome type serialises by construction: maps with text keys and finite numbers only.
    let structured = serde_json::to_value(&outcome).unwrap_or(Value::Null);
    Ok(Outcome {
        planned,
        structured,
        text,
        notes,
    })
}
