//! The commands of a what-if as they are given: a list of objects, each with the name of a write tool
//! and its arguments. Here they are only read; what they come to is `Supposing`'s business.

use serde_json::{Map, Value};

use super::OPPORTUNITY;
use crate::actions::DRY_RUN;
use crate::engine::request::IDEMPOTENCY_KEY;
use crate::language::question::{AS_OF, KNOWN_AT};
use crate::language::{arguments, vocabulary};
use crate::refusal::{Code, Refusal, Result};
use crate::registry::{self, Does, Tool};
use crate::reports::{WHAT_IF, WHERE};

/// The most commands that are supposed at once, counted by deal: each is planned, and answered with.
pub(super) const MOST: usize = 500;

/// A command as it was given.
pub(in crate::engine) struct Command {
    /// Its place in the list, from 1.
    pub(super) place: usize,
    pub(super) tool: &'static Tool,
    pub(super) arguments: Map<String, Value>,
}

/// Takes the commands off the arguments of a question; `None` when it supposes nothing.
pub(in crate::engine) fn commands(
    arguments: &mut Map<String, Value>,
) -> Result<Option<Vec<Command>>> {
    let given = match arguments.remove(WHAT_IF).map(spelt_out) {
        None | Some(Value::Null) => return Ok(None),
        // Like everywhere, one stands for a list of one.
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
    };
    // On the command line a whole list is one text.
    let items: Vec<Value> = given
        .into_iter()
        .flat_map(|item| match spelt_out(item) {
            Value::Array(items) => items,
            one => vec![one],
        })
        .collect();
    if items.len() > MOST {
        return Err(too_many(&format!(
            "'{WHAT_IF}' holds {} commands",
            items.len()
        )));
    }
    let commands: Vec<Command> = (1..)
        .zip(items)
        .map(|(place, item)| Command::read(place, item))
        .collect::<Result<_>>()?;
    Ok((!commands.is_empty()).then_some(commands))
}

/// JSON that came as a text, as itself.
pub(super) fn spelt_out(value: Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => other,
    }
}

/// The refusal of commands that would have had to be given in the past.
pub(in crate::engine) fn not_of_the_past() -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        format!("'{WHAT_IF}' is about the present: commands are supposed as of today."),
    )
    .hint(format!(
        "Leave {AS_OF} and {KNOWN_AT} out, or leave {WHAT_IF} out."
    ))
}

/// The refusal of more commands than are supposed at once.
pub(super) fn too_many(what: &str) -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        format!("{what}; at most {MOST} are supposed at once."),
    )
    .hint(format!(
        "Narrow '{WHERE}' by filters or a limit, or ask in parts."
    ))
}

impl Command {
    fn read(place: usize, item: Value) -> Result<Command> {
        let names = || {
            let tools = registry::tools().iter();
            tools
                .filter(|tool| is_supposable(tool))
                .map(|tool| tool.name)
        };
        let misshapen = |what: &str| {
            let all: Vec<&str> = names().collect();
            Refusal::new(
                Code::InvalidArgument,
                format!("Command {place} of {WHAT_IF} {what}."),
            )
            .hint(format!(
                "Give {{\"TOOL\": {{its arguments}}}}, TOOL being one of {}.",
                all.join(", ")
            ))
            .candidates(all)
        };
        let Value::Object(item) = item else {
            return Err(misshapen("is no object"));
        };
        let mut keys = item.into_iter();
        let (name, arguments) = match (keys.next(), keys.next()) {
            (Some(only), None) => only,
            (None, _) => return Err(misshapen("names no write tool")),
            _ => return Err(misshapen("has several keys")),
        };
        let tool = registry::tools()
            .iter()
            .find(|tool| tool.name == name && is_supposable(tool))
            .ok_or_else(|| unknown(place, &name, &names().collect::<Vec<_>>()))?;
        let Value::Object(arguments) = spelt_out(arguments) else {
            return Err(misshapen(&format!("gives {name} no object of arguments")));
        };
        let mut command = Command {
            place,
            tool,
            arguments: Map::new(),
        };
        let said = arguments::said(arguments, "");
        command.arguments = said.map_err(|refusal| command.refused(refusal, None))?;
        if let Some(name) = [DRY_RUN, IDEMPOTENCY_KEY]
            .into_iter()
            .find(|name| command.arguments.contains_key(*name))
        {
            let refusal = Refusal::new(
                Code::InvalidArgument,
                format!("'{name}' says nothing here: a what-if writes nothing."),
            );
            let refusal = refusal.hint(format!("Leave '{name}' out."));
            return Err(command.refused(refusal, None));
        }
        if command.arguments.contains_key(WHERE) && command.arguments.contains_key(OPPORTUNITY) {
            let refusal = Refusal::new(
                Code::InvalidArgument,
                format!("It has both '{OPPORTUNITY}' and '{WHERE}'."),
            );
            let hint = format!("Name one deal by '{OPPORTUNITY}', or several by '{WHERE}'.");
            return Err(command.refused(refusal.hint(hint), None));
        }
        Ok(command)
    }

    /// A refusal, with which command it is of.
    pub(super) fn refused(&self, refusal: Refusal, deal: Option<&str>) -> Refusal {
        let (place, tool) = (self.place, self.tool.name);
        let of = deal.map_or_else(String::new, |deal| format!(" of {deal}"));
        Refusal {
            message: format!(
                "Command {place} of {WHAT_IF}, {tool}{of}: {}",
                refusal.message
            ),
            ..refusal
        }
    }
}

/// Whether a report may be asked what it would say if a tool were called.
fn is_supposable(tool: &Tool) -> bool {
    matches!(tool.does, Does::Action(entry) if entry.what_if)
}

fn unknown(place: usize, name: &str, known: &[&str]) -> Refusal {
    let shown = vocabulary::quoted(name);
    let is_tool = registry::tools().iter().any(|tool| tool.name == name);
    let refusal = if is_tool {
        let message = format!("Command {place} of {WHAT_IF}: {shown} cannot be supposed.");
        Refusal::new(Code::InvalidArgument, message)
    } else {
        let message = format!("Command {place} of {WHAT_IF}: there is no tool {shown}.");
        Refusal::new(Code::UnknownTool, message)
    };
    match vocabulary::nearest(name, known) {
        near if near.is_empty() => refusal
            .hint(format!("What can be is {}.", known.join(", ")))
            .candidates(known.iter().copied()),
        near => refusal
            .hint(vocabulary::did_you_mean(&near))
            .candidates(near),
    }
}
