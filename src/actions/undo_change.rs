//! Undoes an earlier change: an entry that voids all that one command wrote. Both then count for
//! nothing. What something later builds on cannot be undone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parts::effect::Effect;
use super::{Action, Commanded};
use crate::domain::change::{Change, Door, Entry, Logged, Position, Subject, field, voided};
use crate::domain::draft::{Author, Draft, Planned};
use crate::domain::money::Currency;
use crate::domain::origin::Origin;
use crate::domain::portfolio::Portfolio;
use crate::domain::role::Role;
use crate::language::opportunity::{Form, Opportunity, label, show};
use crate::language::{clean, fields};
use crate::refusal::{Code, Refusal, Result};

/// The action.
pub struct UndoChange;

/// The command.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Command {
    /// Position of it, as get_opportunity (history) or the write's answer gave it
    change: u32,
    #[serde(default)]
    #[schemars(with = "String", description = "Why")]
    reason: Option<String>,
}

/// One thing that counts for nothing any more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Undone {
    position: u32,
    /// What was changed
    field: String,
    /// To what
    value: Option<String>,
}

/// What the command came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Outcome {
    dry_run: bool,
    undone: Vec<Undone>,
    /// As it now stands; none when its creation was undone
    #[serde(skip_serializing_if = "Option::is_none")]
    opportunity: Option<Opportunity>,
    effect: Option<Effect>,
    /// In the quarter it leaves
    #[serde(skip_serializing_if = "Option::is_none")]
    effect_left: Option<Effect>,
    notes: Vec<String>,
    /// Log position of it; null when nothing was written
    position: Option<u32>,
}

impl Action for UndoChange {
    const NAME: &'static str = "undo_change";
    const TITLE: &'static str = "Undo a change";
    const DESCRIPTION: &'static str = "Undoes what one earlier command changed, a creation too; refused when later changes \
        build on it. Nothing is erased: undoing the undo restores it. Use for \"That was the wrong deal, take it back\".";
    const IDEMPOTENT: bool = false;
    const ROLES: &'static [Role] = &[];
    const WHAT_IF: bool = false;
    type Command = Command;
    type Outcome = Outcome;

    fn plan(commanded: &Commanded<'_>, command: Command) -> Result<(Planned, Outcome)> {
        let portfolio = commanded.portfolio;
        let written = Written::find(command.change, portfolio)?;
        written.check(portfolio)?;
        let author = Author {
            reason: command.reason.clone().unwrap_or_default(),
            ..commanded.author.clone()
        };
        let mut draft = Draft::new(portfolio, &author);
        let mut undone = Vec::new();
        let mut notes = Vec::new();
        for origin in &written.origins {
            let subject = Subject::Deal(origin.deal);
            draft.set(subject, field::VOID, origin.at, i64::from(origin.seq));
            undone.push(Undone {
                position: origin.seq,
                field: "opportunity".to_owned(),
                value: Some(label(origin.deal, portfolio)),
            });
        }
        for Logged { subject, change } in &written.changes {
            if matches!(subject, Subject::Customer(_)) {
                let note = "The customer that was created with it stays on record.".to_owned();
                if !notes.contains(&note) {
                    notes.push(note);
                }
                continue;
            }
            draft.set(*subject, field::VOID, change.at, i64::from(change.seq));
            undone.extend(shown(*subject, change, portfolio));
        }
        let planned = draft.finish();
        let deal = written.deal();
        let after = deal.and_then(|deal| planned.after.deal(deal));
        let before = deal.and_then(|deal| portfolio.deal(deal));
        let outcome = Outcome {
            dry_run: commanded.dry_run,
            undone,
            opportunity: after
                .map(|found| show(found, &planned.after, commanded.day(), Form::Full)),
            effect: after.and_then(|found| {
                let before = before.map(|found| found.deal);
                Effect::of(commanded, before, found.deal, &planned.after)
            }),
            effect_left: before.zip(after).and_then(|(before, after)| {
                Effect::of_leaving(commanded, before.deal, after.deal, &planned.after)
            }),
            notes,
            position: commanded.written(&planned),
        };
        Ok((planned, outcome))
    }

    fn notes(outcome: &Outcome) -> &[String] {
        &outcome.notes
    }

    fn text(outcome: &Outcome) -> String {
        let did = if outcome.dry_run {
            "Would undo (nothing written)"
        } else {
            "Undone"
        };
        let undone: Vec<String> = outcome
            .undone
            .iter()
            .map(|undone| match &undone.value {
                Some(value) => format!("{} {value}", undone.field),
                None => format!("{} emptied", undone.field),
            })
            .collect();
        let mut text = format!("{did}: {}.", undone.join(", "));
        if let Some(deal) = &outcome.opportunity {
            text.push_str(&format!(
                "\nOpportunity {} ({}) is in {}.",
                deal.id,
                deal.customer(),
                deal.stage
            ));
        }
        let effects = [&outcome.effect_left, &outcome.effect];
        for effect in effects.into_iter().flatten() {
            text.push_str(&format!("\n{}", effect.text()));
        }
        for note in &outcome.notes {
            text.push_str(&format!("\n{note}"));
        }
        text
    }
}

/// What one command wrote.
struct Written<'a> {
    entry: &'a Entry,
    end: Position,
    origins: Vec<&'a Origin>,
    changes: Vec<Logged>,
}

impl<'a> Written<'a> {
    fn find(position: Position, portfolio: &'a Portfolio) -> Result<Self> {
        let known = (1..=portfolio.position()).contains(&position);
        let entry = portfolio.entry_of(position).filter(|_| known);
        let (Some(entry), Some((first, end))) = (entry, portfolio.entry_span(position)) else {
            let message = format!("The log has no position {position}.");
            return Err(Refusal::new(Code::UnknownName, message)
                .hint("get_opportunity with include: history lists the positions of changes."));
        };
        if entry.door == Door::Import {
            let message =
                format!("Position {position} belongs to an import, which cannot be undone.");
            return Err(Refusal::new(Code::InvalidArgument, message)
                .hint("Correct the files and import them again, or set the field with update_opportunity."));
        }
        let (origins, changes) = portfolio.logged_between(first, end);
        Ok(Written {
            entry,
            end,
            origins,
            changes,
        })
    }

    /// The deal it is about, when it is about one.
    fn deal(&self) -> Option<u32> {
        let of_origin = self.origins.first().map(|origin| origin.deal);
        of_origin.or_else(|| {
            self.changes.iter().find_map(|row| match row.subject {
                Subject::Deal(deal) => Some(deal),
                _ => None,
            })
        })
    }

    /// Refuses what is undone already, and what something later builds on.
    fn check(&self, portfolio: &Portfolio) -> Result<()> {
        let first = self.entry.first;
        let origins = self
            .origins
            .iter()
            .map(|origin| (Subject::Deal(origin.deal), origin.seq));
        // A customer that came with it stays on record, so it is nothing that was undone.
        let of_customer = |row: &&Logged| matches!(row.subject, Subject::Customer(_));
        let rows: Vec<&Logged> = self
            .changes
            .iter()
            .filter(|row| !of_customer(row))
            .collect();
        let changes = rows.iter().map(|row| (row.subject, row.change.seq));
        let is_void = |subject: Subject, seq: Position| {
            voided(logged(subject, portfolio).iter()).contains(&seq)
        };
        if origins
            .chain(changes)
            .all(|(subject, seq)| is_void(subject, seq))
        {
            let message = format!("The change at position {first} is undone already.");
            return Err(Refusal::new(Code::AlreadyUndone, message)
                .hint("To restore it, undo the change that undid it."));
        }
        for origin in &self.origins {
            let subject = Subject::Deal(origin.deal);
            self.refuse_if(portfolio, subject, |_| true)?;
        }
        for Logged { subject, change } in rows {
            // What an undone undo brings back must fit what was decided since, too.
            let all = logged(*subject, portfolio);
            let about = match change.field {
                field::VOID => all
                    .iter()
                    .find(|target| i64::from(target.seq) == change.value)
                    .map_or(field::VOID, |target| target.field),
                field => field,
            };
            self.refuse_if(portfolio, *subject, |later| group(later) == group(about))?;
        }
        Ok(())
    }

    /// Refuses when a later change of a subject that counts is of the kind asked for.
    fn refuse_if(
        &self,
        portfolio: &Portfolio,
        subject: Subject,
        builds: impl Fn(u32) -> bool,
    ) -> Result<()> {
        let all = logged(subject, portfolio);
        let void = voided(all.iter());
        let later = all.iter().find(|change| {
            let counts = change.seq >= self.end
                && change.field != field::VOID
                && change.field < field::SAID
                && !void.contains(&change.seq);
            counts && builds(change.field)
        });
        let Some(later) = later else { return Ok(()) };
        let what = fields::name(later.field, portfolio).unwrap_or_default();
        let entry = portfolio.entry_of(later.seq);
        let by = entry.map_or("", |entry| portfolio.text(entry.actor));
        let message = format!(
            "A later change of {what} at position {} by {} builds on it.",
            later.seq,
            clean(by, 60)
        );
        Err(Refusal::new(Code::BuiltUpon, message)
            .hint("Undo the later change first, or set the field with update_opportunity or update_stage.")
            .candidates([later.seq.to_string()]))
    }
}

/// Fields that are changed together count as one.
fn group(field: u32) -> u32 {
    match field {
        field::STAGE_ASSERTED
        | field::STAGE_UNDATED
        | field::ACTUAL_CLOSE
        | field::CLOSED_VALUE
        | field::LOST_REASON
        | field::LOST_NOTE => field::STAGE,
        other => other,
    }
}

/// Everything that was logged of a subject.
fn logged(subject: Subject, portfolio: &Portfolio) -> Vec<Change> {
    match subject {
        Subject::Deal(deal) => portfolio.logged(deal).to_vec(),
        _ => portfolio
            .ledger()
            .iter()
            .filter(|row| row.subject == subject)
            .map(|row| row.change)
            .collect(),
    }
}

fn shown(subject: Subject, change: &Change, portfolio: &Portfolio) -> Option<Undone> {
    let currency = match subject {
        Subject::Deal(deal) => portfolio
            .deal(deal)
            .and_then(|found| Currency::from_code(portfolio.text(found.detail.currency))),
        _ => None,
    };
    let currency = currency.unwrap_or(portfolio.settings().currency);
    let (field, value) = match (subject, change.field) {
        // Parts of a signal are undone with its attachment, which says what it was.
        (Subject::Signal(_), _) => return None,
        // What an undo says is a position, whatever it is about.
        (_, field::VOID) => (
            fields::name(field::VOID, portfolio)?,
            Some(change.value.to_string()),
        ),
        (Subject::Target(_) | Subject::Forecast(_), _) => {
            ("target".to_owned(), Some(currency.show(change.value)))
        }
        (Subject::Setting(name), _) => (
            clean(portfolio.text(name), 60),
            fields::value(field::NAME, change.value, portfolio, currency),
        ),
        (_, field) => (
            fields::name(field, portfolio)?,
            fields::value(field, change.value, portfolio, currency),
        ),
    };
    Some(Undone {
        position: change.seq,
        field,
        value,
    })
}
