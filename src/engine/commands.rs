//! Commands: planned at the head of the log and written, or only shown. Several may be one change.

use std::time::Instant;

use serde_json::{Map, Value};

use super::request::{Conversation, IDEMPOTENCY_KEY, Once, once};
use super::{Answer, Called, Caller, Ending, Engine, Result, author};
use crate::actions::{self, Commanded, DRY_RUN};
use crate::domain::draft::Planned;
use crate::domain::portfolio::Portfolio;
use crate::refusal::{Code, Refusal};
use crate::registry::{Does, Tool};

/// A command with its arguments.
struct Command {
    entry: &'static actions::Entry,
    arguments: Map<String, Value>,
    names: Vec<String>,
}

/// Where an answer tells what a change does to the forecast: of the period the deal is in, and of one that
/// it left.
const EFFECTS: [&str; 2] = ["effect", "effect_left"];

/// Has the last of several answers tell what a period was like before all of them, not only before itself.
fn tell_whole_effect(answers: &mut [Answer]) {
    let Some((last, earlier)) = answers.split_last_mut() else {
        return;
    };
    for answer in earlier.iter().rev() {
        for told in EFFECTS
            .iter()
            .filter_map(|name| answer.structured.get(name))
        {
            for name in EFFECTS {
                let effect = last.structured.get_mut(name).and_then(Value::as_object_mut);
                if let Some(effect) =
                    effect.filter(|effect| effect.get("period") == told.get("period"))
                    && let Some(before) = told.get("before")
                {
                    effect.insert("before".to_owned(), before.clone());
                }
            }
        }
    }
}

impl Engine {
    /// Calls several tools that change something, each on what the one before left: all of them are
    /// written, or none. The effect that the last one tells of is that of all.
    pub fn call_together(
        &self,
        calls: Vec<(&Tool, Map<String, Value>)>,
        caller: &Caller,
    ) -> Result<Vec<Answer>> {
        let started = Instant::now();
        let tools: Vec<&'static str> = calls.iter().map(|(tool, _)| tool.name).collect();
        let answered = self.guarded(|| {
            let mut commands = Vec::new();
            let mut dry_runs = Vec::new();
            for (tool, mut arguments) in calls {
                tool.check_role(caller.role)?;
                let Does::Action(entry) = tool.does else {
                    let message = format!("{} changes nothing.", tool.name);
                    return Err(Refusal::new(Code::InvalidArgument, message).into());
                };
                dry_runs.push(dry_run(&mut arguments)?);
                let names = tool.arguments.clone();
                commands.push(Command {
                    entry,
                    arguments,
                    names,
                });
            }
            let is_dry = dry_runs.contains(&true);
            let mut answers = self.carry_out(commands, is_dry, None, caller)?;
            tell_whole_effect(&mut answers);
            Ok(answers)
        });
        for tool in tools {
            self.tell(&Called {
                tool,
                ending: Ending::of(&answered),
                took: started.elapsed(),
            });
        }
        answered
    }

    pub(super) fn command(
        &self,
        tool: &Tool,
        entry: &'static actions::Entry,
        mut arguments: Map<String, Value>,
        conversation: Option<&Conversation>,
        caller: &Caller,
    ) -> Result<Answer> {
        let once = once(tool.name, &arguments, conversation)?;
        // Every change may carry a key. Only the tools that mostly need one say so, for schemas are to be small.
        if !tool.arguments.iter().any(|name| name == IDEMPOTENCY_KEY) {
            arguments.remove(IDEMPOTENCY_KEY);
        }
        let is_dry = dry_run(&mut arguments)?;
        let command = Command {
            entry,
            arguments,
            names: tool.arguments.clone(),
        };
        let mut answers = self.carry_out(vec![command], is_dry, once, caller)?;
        let answer = answers.pop();
        answer.ok_or_else(|| super::Error::Ours(anyhow::anyhow!("a command has no outcome")))
    }

    fn carry_out(
        &self,
        commands: Vec<Command>,
        is_dry: bool,
        once: Option<Once>,
        caller: &Caller,
    ) -> Result<Vec<Answer>> {
        let (waiting, caller, clock) = (caller.clone(), caller.clone(), self.clock());
        let plan = move |portfolio: &Portfolio| {
            let now = clock.at(portfolio);
            let author = author(caller, now);
            let today = portfolio.settings().calendar.date_of(now);
            let mut planned: Option<Planned> = None;
            let mut answers = Vec::new();
            for command in commands {
                let commanded = Commanded {
                    portfolio: planned.as_ref().map_or(portfolio, |planned| &planned.after),
                    today,
                    author: &author,
                    dry_run: is_dry,
                };
                let outcome = (command.entry.plan)(&commanded, command.arguments, &command.names)?;
                answers.push(Answer {
                    structured: outcome.structured,
                    text: outcome.text,
                    is_untrusted: true,
                });
                // What changes nothing leaves nothing behind, not even words.
                if !outcome.planned.batch.is_empty() {
                    planned = Some(match planned {
                        None => outcome.planned,
                        Some(before) => before.then(outcome.planned),
                    });
                }
            }
            let planned = planned.unwrap_or_else(|| Planned::nothing(portfolio));
            Ok::<_, Refusal>((planned, answers))
        };
        if is_dry {
            return Ok(plan(&*self.portfolio()?)?.1);
        }
        self.check_writes()?;
        self.running(false)?.writer.write(move |portfolio, store| {
            waiting.check_cancelled()?;
            if let Some(once) = &once
                && let Some(answer) = once.answered_before(store)?
            {
                return Ok((Planned::nothing(portfolio), vec![answer]));
            }
            let (planned, answers) = plan(portfolio)?;
            if let (Some(once), Some(answer)) = (&once, answers.first()) {
                once.keep(store, answer)?;
            }
            Ok((planned, answers))
        })
    }
}

/// Takes off the arguments whether the caller only wants to see what would happen.
fn dry_run(arguments: &mut Map<String, Value>) -> Result<bool> {
    match arguments.remove(DRY_RUN) {
        None | Some(Value::Null | Value::Bool(false)) => Ok(false),
        Some(Value::Bool(true)) => Ok(true),
        Some(_) => {
            let message = "'dry_run' is neither true nor false.";
            let refusal = Refusal::new(Code::InvalidArgument, message);
            Err(refusal.hint("Send a boolean.").into())
        }
    }
}
