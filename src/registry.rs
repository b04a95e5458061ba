//! Every tool there is, those that only read first, in one list. Surfaces, contracts and tests loop over it;
//! none of them knows a tool by name.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use crate::domain::role::Role;
use crate::language::{schema, vocabulary};
use crate::refusal::{Code, Refusal, Result};
use crate::{actions, asking, reports};

/// What calling a tool does.
#[derive(Clone, Copy)]
pub enum Does {
    /// It answers a question.
    Report(&'static reports::Entry),
    /// It asks reports about their answers.
    Asking(&'static asking::Entry),
    /// It changes something.
    Action(&'static actions::Entry),
}

/// A tool as surfaces list it.
pub struct Tool {
    /// What calling it does.
    pub does: Does,
    /// Its name.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// Its description for models.
    pub description: &'static str,
    /// Whether calling it twice changes no more than once.
    pub idempotent: bool,
    /// The JSON Schema of its arguments.
    pub input: Arc<Map<String, Value>>,
    /// The JSON Schema of its answer.
    pub output: Arc<Map<String, Value>>,
    /// The names of its arguments.
    pub arguments: Vec<String>,
}

impl Tool {
    /// Whether a role may call it.
    pub fn allows(&self, role: Role) -> bool {
        match self.does {
            Does::Report(_) | Does::Asking(_) => true,
            Does::Action(entry) => role == Role::Admin || entry.roles.contains(&role),
        }
    }

    /// Refuses a role that may not call it, and says which may.
    pub fn check_role(&self, role: Role) -> Result<()> {
        if self.allows(role) {
            return Ok(());
        }
        let may = Role::ALL.into_iter().filter(|role| self.allows(*role));
        let may: Vec<&str> = may.map(Role::word).collect();
        let message = format!("The role {} may not use {}.", role.word(), self.name);
        Err(Refusal::new(Code::ForbiddenByRole, message)
            .hint(format!("May use it: {}.", may.join(", ")))
            .candidates(may))
    }

    /// Whether it only reads.
    pub fn is_read_only(&self) -> bool {
        !matches!(self.does, Does::Action(_))
    }
}

/// All tools, in the order they are listed.
pub fn tools() -> &'static [Tool] {
    static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
        let reports = reports::ALL.iter().map(Does::Report);
        let asking = asking::ALL.iter().map(Does::Asking);
        let actions = actions::ALL.iter().map(Does::Action);
        reports.chain(asking).chain(actions).map(tool).collect()
    });
    &TOOLS
}

fn tool(does: Does) -> Tool {
    macro_rules! listed {
        ($entry:expr, $idempotent:expr) => {{
            let input = ($entry.input)();
            Tool {
                does,
                name: $entry.name,
                title: $entry.title,
                description: $entry.description,
                idempotent: $idempotent,
                arguments: schema::properties(&input),
                input: Arc::new(input),
                output: Arc::new(($entry.output)()),
            }
        }};
    }
    match does {
        Does::Report(entry) => listed!(entry, true),
        Does::Asking(entry) => listed!(entry, true),
        Does::Action(entry) => listed!(entry, entry.idempotent),
    }
}

/// The tool of a name, or a refusal that names the nearest.
pub fn find(name: &str) -> Result<&'static Tool> {
    tools()
        .iter()
        .find(|tool| tool.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = tools().iter().map(|tool| tool.name).collect();
            let refusal = Refusal::new(
                Code::UnknownTool,
                format!("There is no tool {}.", vocabulary::quoted(name)),
            );
            match vocabulary::nearest(name, &names) {
                near if near.is_empty() => refusal
                    .hint(format!("The tools are {}.", names.join(", ")))
                    .candidates(names),
                near => refusal
                    .hint(vocabulary::did_you_mean(&near))
                    .candidates(near),
            }
        })
}
