//! Moves an opportunity to another stage, by the rules of DEFINITIONS section 2, "Moves".

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::closing::{Close, Words};
use super::parts::dating::dated;
use super::parts::doubts;
use super::parts::effect::Effect;
use super::parts::version;
use super::{Action, Commanded};
use crate::domain::change::{EMPTY, NO_DAY, Subject, field};
use crate::domain::days::{date, day};
use crate::domain::draft::{Author, Draft, Planned};
use crate::domain::portfolio::{Found, Portfolio};
use crate::domain::ratio::Ratio;
use crate::domain::role::Role;
use crate::domain::stage::Stage;
use crate::language::arguments::AmountWords;
use crate::language::basis::spoken;
use crate::language::clean;
use crate::language::figures::{Fraction, count_of};
use crate::language::opportunity::{Form, Opportunity, find, label, show};
use crate::language::vocabulary::pick;
use crate::refusal::{Code, Refusal, Result};

/// The action.
pub struct UpdateStage;

/// The command.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Command {
    /// Id, or a name only one opportunity has
    opportunity: String,
    /// identified, qualified, proposal, negotiation, closed_won, closed_lost
    stage: String,
    /// Refuse unless it is in this stage now
    #[serde(default)]
    #[schemars(with = "String")]
    expected_stage: Option<String>,
    /// Refuse unless this is its version
    #[serde(default)]
    #[schemars(with = "u32")]
    expected_version: Option<u32>,
    /// Required to win
    #[serde(default)]
    #[schemars(with = "AmountWords")]
    closed_value: Option<AmountWords>,
    /// Date; default today
    #[serde(default)]
    #[schemars(with = "String")]
    actual_close: Option<String>,
    /// Required to lose: budget, competitor, no_decision, timing, product_gap, champion_left, price, other
    #[serde(default)]
    #[schemars(with = "String")]
    lost_reason: Option<String>,
    /// Detail of a loss
    #[serde(default)]
    #[schemars(with = "String")]
    note: Option<String>,
    /// Why; required to move back or reopen
    #[serde(default)]
    #[schemars(with = "String")]
    reason: Option<String>,
    /// Keep a probability set by hand
    #[serde(default)]
    #[schemars(with = "bool")]
    keep_probability: Option<bool>,
    /// Write it though it looks wrong
    #[serde(default)]
    #[schemars(with = "bool")]
    confirm: Option<bool>,
}

/// Where the deal stood before.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Before {
    stage: &'static str,
    stage_entered_at: Option<String>,
    opportunity: Opportunity,
}

/// What the move came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Outcome {
    /// False when it was there already
    changed: bool,
    dry_run: bool,
    before: Before,
    after: Opportunity,
    days_in_previous_stage: Option<i32>,
    effect: Option<Effect>,
    /// On the quarter it leaves
    #[serde(skip_serializing_if = "Option::is_none")]
    effect_left: Option<Effect>,
    notes: Vec<String>,
    /// Log position of it; null when nothing was written
    position: Option<u32>,
}

/// The stages between which a researcher moves opportunities.
const QUALIFYING: [Stage; 2] = [Stage::Identified, Stage::Qualified];

impl Action for UpdateStage {
    const NAME: &'static str = "update_stage";
    const TITLE: &'static str = "Move an opportunity";
    const DESCRIPTION: &'static str = "Moves one opportunity to another stage, closing and reopening included, with \
        audit trail. Use for \"Acme's premium tier is won at 85k\". Give expected_stage when others write too.";
    const IDEMPOTENT: bool = true;
    const ROLES: &'static [Role] = &[Role::Researcher, Role::Expansion];
    type Command = Command;
    type Outcome = Outcome;

    fn plan(commanded: &Commanded<'_>, command: Command) -> Result<(Planned, Outcome)> {
        let portfolio = commanded.portfolio;
        let to = pick("stage", &command.stage, &Stage::SPOKEN)?;
        let expected = command
            .expected_stage
            .as_deref()
            .map(|word| pick("stage", word, &Stage::SPOKEN))
            .transpose()?;
        let (number, note) = find(&command.opportunity, portfolio)?;
        let found = portfolio
            .deal(number)
            .ok_or_else(|| Refusal::new(Code::UnknownName, "The opportunity is not on record."))?;
        let from = found.deal.stage;
        if expected.is_some_and(|expected| expected != from) {
            return Err(moved_meanwhile(number, from, portfolio));
        }
        version::check(command.expected_version, found, portfolio)?;
        let qualifies = [from, to].iter().all(|stage| QUALIFYING.contains(stage));
        commanded.check_researcher(qualifies, || {
            let (from, to) = (from.word(), to.word());
            format!(
                "The role researcher moves opportunities up to qualified, not from {from} to {to}."
            )
        })?;
        let words = Words {
            closed_value: command.closed_value.as_ref(),
            actual_close: command.actual_close.as_deref(),
            lost_reason: command.lost_reason.as_deref(),
        };
        let close = Close::read(commanded, &words, found, to)?;
        let mut notes: Vec<String> = note.into_iter().collect();
        let author = Author {
            reason: command.reason.clone().unwrap_or_default(),
            ..commanded.author.clone()
        };
        let mut draft = Draft::new(portfolio, &author);
        let subject = Subject::Deal(number);
        draft.says(subject, field::STAGE, i64::from(to.code()));
        close.say(subject, &mut draft);
        if to == from {
            notes.push(format!("It is in {} already; nothing changes.", to.word()));
            notes.extend(not_applied(&command));
        } else {
            plan_move(
                commanded, &command, &close, found, to, &mut draft, &mut notes,
            )?;
        }
        let planned = draft.finish();
        let after = planned
            .after
            .deal(number)
            .ok_or_else(|| Refusal::new(Code::UnknownName, "The opportunity is not on record."))?;
        if to != from && to == Stage::ClosedWon {
            let doubts = doubts::of_value(number, portfolio, &planned.after);
            let doubts = doubts.into_iter().collect();
            doubts::settle(commanded, command.confirm, doubts, &mut notes)?;
        }
        if to != from && after.deal.foreign {
            // A close may lie before the first rate there is.
            notes.push(format!(
                "There is no rate for its currency, {}: it is counted, but in no sum of money.",
                clean(planned.after.text(after.detail.currency), 10)
            ));
        }
        let today = commanded.day();
        let days = (to != from
            && after.deal.stage_entered != NO_DAY
            && found.deal.stage_entered != NO_DAY)
            .then(|| after.deal.stage_entered - found.deal.stage_entered);
        let outcome = Outcome {
            changed: to != from,
            dry_run: commanded.dry_run,
            before: Before {
                stage: from.word(),
                stage_entered_at: date(found.deal.stage_entered).map(|date| date.to_string()),
                opportunity: show(found, portfolio, today, Form::Short),
            },
            after: show(after, &planned.after, today, Form::Full),
            days_in_previous_stage: days,
            effect: Effect::of(commanded, Some(found.deal), after.deal, &planned.after),
            effect_left: Effect::of_leaving(commanded, found.deal, after.deal, &planned.after),
            notes,
            position: commanded.written(&planned),
        };
        Ok((planned, outcome))
    }

    fn notes(outcome: &Outcome) -> &[String] {
        &outcome.notes
    }

    fn text(outcome: &Outcome) -> String {
        let after = &outcome.after;
        let would = if outcome.dry_run {
            "Would move (nothing written)"
        } else {
            "Moved"
        };
        let mut text = if outcome.changed {
            format!(
                "{would} {} from {} to {}.",
                after.id, outcome.before.stage, after.stage
            )
        } else {
            format!("Opportunity {} stays in {}.", after.id, after.stage)
        };
        if let Some(days) = outcome.days_in_previous_stage {
            text.push_str(&format!(
                " It was in {} for {}.",
                outcome.before.stage,
                count_of(days, "day", "days")
            ));
        }
        if let Some(value) = after.closed_value() {
            text.push_str(&format!(" Closed at {value} on {}.", after.close()));
        }
        let effects = outcome.effect.iter().chain(&outcome.effect_left);
        for effect in effects.filter(|_| outcome.changed) {
            text.push_str(&format!("\n{}", effect.text()));
        }
        for note in &outcome.notes {
            text.push_str(&format!("\n{note}"));
        }
        text
    }
}

/// What was given to go with a move that does not happen.
fn not_applied(command: &Command) -> Option<String> {
    let given = [
        ("closed_value", command.closed_value.is_some()),
        ("actual_close", command.actual_close.is_some()),
        ("lost_reason", command.lost_reason.is_some()),
        ("note", command.note.is_some()),
    ];
    let names: Vec<&str> = given
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| *name)
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "Not applied, because they go with a move: {}.",
            names.join(", ")
        )
    })
}

/// Checks the move against the rules and writes its changes on the draft.
fn plan_move(
    commanded: &Commanded<'_>,
    command: &Command,
    close: &Close,
    found: Found<'_>,
    to: Stage,
    draft: &mut Draft,
    notes: &mut Vec<String>,
) -> Result<()> {
    let (deal, from) = (found.deal, found.deal.stage);
    let reopens = !from.is_open();
    let has_reason = command
        .reason
        .as_deref()
        .is_some_and(|reason| !reason.trim().is_empty());
    if (reopens || (to.is_open() && to < from)) && !has_reason {
        let what = if reopens {
            "Leaving a closed stage"
        } else {
            "A backward move"
        };
        return Err(Refusal::new(
            Code::ReasonRequired,
            format!("{what} ({} to {}) needs a reason.", from.word(), to.word()),
        )
        .hint("Give 'reason': why it moves."));
    }
    if command.keep_probability == Some(true) && !to.is_open() {
        return Err(Refusal::new(
            Code::ForbiddenByStage,
            format!("A deal in {} has no probability to keep.", to.word()),
        )
        .hint("Leave keep_probability out: a closed deal is always at 100 % or 0 %."));
    }
    check_argument(
        "closed_value",
        command.closed_value.is_some(),
        to == Stage::ClosedWon,
        to,
    )?;
    check_argument(
        "lost_reason",
        command.lost_reason.is_some(),
        to == Stage::ClosedLost,
        to,
    )?;
    check_argument("note", command.note.is_some(), to == Stage::ClosedLost, to)?;
    check_argument(
        "actual_close",
        command.actual_close.is_some(),
        !to.is_open(),
        to,
    )?;

    let on = close.day(commanded);
    let subject = Subject::Deal(deal.number);
    let at = dated(commanded, deal.number, on, draft);
    let value = close.value(found, to, commanded.portfolio)?;
    let lost = close.reason(found, to, commanded.portfolio)?;
    draft.set(subject, field::STAGE, at, i64::from(to.code()));
    if !to.is_open() {
        draft.set(subject, field::ACTUAL_CLOSE, at, i64::from(day(on)));
    }
    if let Some(value) = value {
        draft.set(subject, field::CLOSED_VALUE, at, value);
    }
    if let Some(reason) = lost {
        let reason = draft.text(reason);
        let note = draft.note(command.note.as_deref().unwrap_or_default().trim());
        draft.set_number(subject, field::LOST_REASON, at, reason);
        draft.set_number(subject, field::LOST_NOTE, at, note);
    }
    let settings = commanded.portfolio.settings();
    let manual_category = deal.category != crate::domain::origin::FOLLOWS_CATEGORY;
    let manual_probability = deal.probability != crate::domain::origin::FOLLOWS;
    if to.is_open() && manual_probability && (reopens || command.keep_probability != Some(true)) {
        draft.set(subject, field::PROBABILITY, at, EMPTY);
        if !reopens {
            let (old, new) = (percent(deal.probability), percent(settings.probability(to)));
            notes.push(format!(
                "The probability set by hand ({old}) gives way to the stage's ({new})."
            ));
        }
    } else if to.is_open() && manual_probability {
        notes.push(format!(
            "The probability set by hand ({}) is kept.",
            percent(deal.probability)
        ));
    }
    if reopens && command.keep_probability == Some(true) {
        notes.push(
            "keep_probability is not applied: a reopened deal takes its stage's probability."
                .to_owned(),
        );
    }
    if !to.is_open() {
        // A close writes neither, yet what was set by hand stops counting: who names it and then closes
        // the deal says two things.
        for (is_set, field) in [
            (manual_probability, field::PROBABILITY),
            (manual_category, field::CATEGORY),
        ] {
            if is_set {
                draft.says(subject, field, EMPTY);
            }
        }
    }
    if to.is_open() && manual_category {
        if reopens {
            draft.set(subject, field::CATEGORY, at, EMPTY);
        } else {
            notes.push(format!(
                "The forecast category set by hand ({}) is kept.",
                deal.category(settings).word()
            ));
        }
    }
    if reopens && to.is_open() {
        notes.push("Reopened: the actual close, closed value and lost reason are cleared; the log keeps them.".to_owned());
    } else if reopens {
        notes.push(format!(
            "It was {} before; the log keeps that.",
            from.word()
        ));
    }
    if value == Some(0) {
        notes.push("Its closed value is 0.".to_owned());
    }
    Ok(())
}

fn check_argument(name: &str, given: bool, fits: bool, to: Stage) -> Result<()> {
    if given && !fits {
        return Err(Refusal::new(
            Code::InvalidArgument,
            format!("'{name}' does not go with a move to {}.", to.word()),
        )
        .hint(format!(
            "Leave '{name}' out, or choose the stage it belongs to."
        )));
    }
    Ok(())
}

fn percent(basis_points: u16) -> String {
    Fraction(Ratio::basis_points(i64::from(basis_points))).to_string()
}

/// The refusal when another caller has moved the deal: where it is, since when and by whom.
fn moved_meanwhile(number: u32, stage: Stage, portfolio: &Portfolio) -> Refusal {
    let last = portfolio
        .changes(number)
        .iter()
        .rev()
        .find(|change| field::is_stage(change.field));
    let by = last
        .and_then(|change| portfolio.entry_of(change.seq))
        .map(|entry| clean(portfolio.text(entry.actor), 60));
    let since = last
        .and_then(|change| date(portfolio.days().of(change.at)))
        .map(spoken);
    let detail = match (since, by) {
        (Some(since), Some(by)) if !by.is_empty() => format!(", since {since}, moved by {by}"),
        (Some(since), _) => format!(", since {since}"),
        _ => String::new(),
    };
    Refusal::new(
        Code::StageChanged,
        format!(
            "{} is in {}{detail}.",
            label(number, portfolio),
            stage.word()
        ),
    )
    .hint("Look at it again, then move it from where it stands now.")
    .candidates([stage.word()])
}
