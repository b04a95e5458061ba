//! "What happened to Acme's premium tier?" One deal: how it stands, its way through the stages, every
//! change with who made it and why, and what led to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Asked, CURRENCY, Report};
use crate::domain::change::{Change, EMPTY, NO_DAY, Position, field};
use crate::domain::days::date;
use crate::domain::fold::way;
use crate::domain::money::Currency;
use crate::domain::portfolio::Found;
use crate::domain::stage::Stage;
use crate::domain::texts::NONE;
use crate::language::arguments::{Elsewhere, Words};
use crate::language::basis::Basis;
use crate::language::figures::count_of;
use crate::language::filters::{FilterWords, Understood};
use crate::language::opportunity::{Form, Opportunity, find, show};
use crate::language::vocabulary::pick;
use crate::language::{cell, clean, fields};
use crate::refusal::{Code, Refusal, Result};

/// The report.
pub struct GetOpportunity;

/// The question.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Query {
    /// Id, or a name only one opportunity has
    opportunity: String,
    /// Any of history, notes, signals, tcv
    #[serde(default)]
    #[schemars(with = "Words")]
    include: Option<Words>,
}

/// A stay in a stage.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Stay {
    stage: &'static str,
    /// Null when not on record
    entered: Option<String>,
    /// Null while it lasts
    left: Option<String>,
    days: Option<i32>,
}

/// One change of one field.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Edit {
    /// For undo_change and as_of
    position: Position,
    /// When it was true
    at: String,
    recorded_at: String,
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    actor: String,
    through: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Counts for nothing
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    undone: bool,
}

/// Something that led to it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignalShown {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detected_at: Option<String>,
    /// Untrusted text
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    opportunity: Opportunity,
    stages: Vec<Stay>,
    /// How often its expected close moved later
    pushes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Edit>>,
    /// Untrusted text
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
    /// Untrusted text
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<Vec<SignalShown>>,
    basis: Basis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    History,
    Notes,
    Signals,
    ContractValue,
}

const INCLUDE: [(&str, Include); 4] = [
    ("history", Include::History),
    ("notes", Include::Notes),
    ("signals", Include::Signals),
    ("tcv", Include::ContractValue),
];

/// The longest free text shown, in characters.
const TEXT: usize = 10_000;

impl Report for GetOpportunity {
    const NAME: &'static str = "get_opportunity";
    const TITLE: &'static str = "One opportunity";
    const DESCRIPTION: &'static str = "One opportunity in full: how it stands, days in each stage, pushes of its close; \
        include history for every change with who, when and why, notes, signals. Use for \"What happened to Acme's \
        premium tier?\". For several use list_opportunities.";
    const FILTERS: bool = false;
    const ELSEWHERE: Elsewhere = &[CURRENCY];
    type Query = Query;
    type Answer = Answer;

    fn answer(asked: &Asked<'_>, _: &FilterWords, query: Query) -> Result<Answer> {
        let portfolio = asked.portfolio;
        let include: Vec<Include> = query
            .include
            .iter()
            .flat_map(|words| &words.0)
            .map(|word| pick("part to include", word, &INCLUDE))
            .collect::<Result<_>>()?;
        let (number, note) = find(&query.opportunity, portfolio)?;
        let found = portfolio.deal(number).ok_or_else(|| {
            let message = "The opportunity was not on record then, or was withdrawn.";
            Refusal::new(Code::UnknownName, message)
                .hint("Ask for a later as_of, or for another one.")
        })?;
        let mut basis = asked.basis(&Understood::default(), &[], 1, std::iter::once(found.deal));
        basis.assumptions.extend(note);
        if found.deal.foreign {
            basis.assumptions.push(format!(
                "There is no rate for its currency, {}: it is counted, but in no sum of money.",
                clean(portfolio.text(found.detail.currency), 10)
            ));
        }
        let wants = |part| include.contains(&part);
        let text = |number: u32| {
            let is_shown = number != NONE && wants(Include::Notes);
            is_shown.then(|| clean_lines(&(asked.note)(number)))
        };
        let mut opportunity = show(found, portfolio, asked.day(), Form::Full);
        if wants(Include::ContractValue) {
            opportunity.add_contract_value(found, portfolio);
        }
        Ok(Answer {
            opportunity,
            stages: stages(asked, found),
            pushes: pushes(asked, found),
            history: wants(Include::History).then(|| history(asked, found)),
            notes: text(found.detail.notes),
            lost_note: text(found.detail.lost_note),
            signals: wants(Include::Signals).then(|| signals(asked, found)),
            basis,
        })
    }

    fn text(answer: &Answer) -> String {
        let deal = &answer.opportunity;
        let mut text = format!(
            "Opportunity {} of {}: {}, {} {} in {} ({}), close {}, CSM {}, version {}.",
            deal.id,
            cell(deal.customer()),
            cell(&deal.name),
            deal.value_text(),
            deal.kind,
            deal.stage,
            crate::language::figures::or_dash(deal.probability),
            deal.close(),
            cell(deal.csm()),
            deal.version(),
        );
        if let Some(tcv) = deal.tcv() {
            text.push_str(&format!("\nContract value over its term: {tcv}."));
        }
        let stays: Vec<String> = answer.stages.iter().map(Stay::text).collect();
        text.push_str(&format!("\nStages: {}.", stays.join(", ")));
        if answer.pushes > 0 {
            text.push_str(&format!(
                "\nIts close was pushed {}.",
                count_of(answer.pushes, "time", "times")
            ));
        }
        for edit in answer.history.iter().flatten() {
            text.push_str(&format!("\n{}", edit.text()));
        }
        for signal in answer.signals.iter().flatten() {
            text.push_str(&format!(
                "\nSignal {} of {}.",
                cell(&signal.kind),
                signal.detected_at.as_deref().unwrap_or("-")
            ));
        }
        if answer.notes.is_some() || answer.lost_note.is_some() {
            text.push_str("\nNotes are in the structured answer, as untrusted text.");
        }
        text.push_str(&super::parts::tail::tail(&answer.basis, &[]));
        text
    }
}

impl Stay {
    fn text(&self) -> String {
        let days = self.days.map_or_else(
            || "days not recorded".to_owned(),
            |days| count_of(days, "day", "days"),
        );
        let since = self.entered.as_deref().unwrap_or("?");
        let is_closed = [Stage::ClosedWon, Stage::ClosedLost].map(Stage::word);
        match &self.left {
            // Nobody counts the days since a close.
            None if is_closed.contains(&self.stage) => format!("{} since {since}", self.stage),
            None => format!("{} since {since} ({days})", self.stage),
            Some(_) => format!("{} {days}", self.stage),
        }
    }
}

impl Edit {
    fn text(&self) -> String {
        let value = |value: &Option<String>| value.as_deref().map_or("-".to_owned(), cell);
        let undone = if self.undone { " (undone)" } else { "" };
        let why = self
            .reason
            .as_deref()
            .map(|reason| format!(", because \"{}\"", cell(reason)))
            .unwrap_or_default();
        format!(
            "{}: {} {} → {}{undone}, by {} through {}{why} (position {})",
            self.at,
            self.field,
            value(&self.from),
            value(&self.to),
            cell(&self.actor),
            self.through,
            self.position
        )
    }
}

/// Free text made fit to show, its line breaks kept.
fn clean_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| clean(line, TEXT)).collect();
    lines.join("\n").chars().take(TEXT).collect()
}

/// Its way through the stages, from what counts.
fn stages(asked: &Asked<'_>, found: Found<'_>) -> Vec<Stay> {
    let portfolio = asked.portfolio;
    let Some(origin) = portfolio.origin(found.deal.number) else {
        return Vec::new();
    };
    let changes = portfolio.changes(found.deal.number);
    let entries = way(origin, changes, portfolio.days(), asked.until);
    let shown = |day| date(day).map(|date| date.to_string());
    let ends = entries
        .iter()
        .skip(1)
        .map(|next| Some(next.day))
        .chain([None]);
    let stays = entries.iter().zip(ends);
    stays
        .map(|(passage, left)| {
            let (stage, entered) = (passage.stage, passage.day);
            let until = match left {
                None if stage.is_open() => Some(asked.day()),
                left => left,
            };
            let until = until.filter(|until| *until != NO_DAY && entered != NO_DAY);
            Stay {
                stage: stage.word(),
                entered: shown(entered),
                left: left.and_then(shown),
                days: until.map(|until| (until - entered).max(0)),
            }
        })
        .collect()
}

/// How often its expected close moved later (DEFINITIONS section 4, "push_count").
fn pushes(asked: &Asked<'_>, found: Found<'_>) -> u32 {
    let portfolio = asked.portfolio;
    let origin = portfolio.origin(found.deal.number);
    let mut close = origin.map_or(NO_DAY, |origin| origin.expected_close);
    let mut pushes = 0;
    let changes = portfolio.changes(found.deal.number).iter();
    for change in
        changes.filter(|change| change.field == field::EXPECTED_CLOSE && change.at <= asked.until)
    {
        let next = i32::try_from(change.value).unwrap_or(NO_DAY);
        if close != NO_DAY && next != NO_DAY && next > close {
            pushes += 1;
        }
        close = next;
    }
    pushes
}

/// Every change of a field, in the order in which they were true; what only an import kept in mind is
/// none.
fn history(asked: &Asked<'_>, found: Found<'_>) -> Vec<Edit> {
    let portfolio = asked.portfolio;
    let number = found.deal.number;
    let currency = Currency::from_code(portfolio.text(found.detail.currency))
        .unwrap_or(portfolio.settings().currency);
    let counting: Vec<Position> = portfolio
        .changes(number)
        .iter()
        .map(|change| change.seq)
        .collect();
    let mut edits = Vec::new();
    if let Some(origin) = portfolio.origin(number) {
        let created = Change {
            at: origin.at,
            value: EMPTY,
            seq: origin.seq,
            field: field::ID,
        };
        edits.push(edit(
            asked,
            &created,
            "created".to_owned(),
            (None, None),
            false,
        ));
    }
    let mut last: Vec<(u32, i64)> = Vec::new();
    for change in portfolio
        .logged(number)
        .iter()
        .filter(|change| change.at <= asked.until)
    {
        let is_said = (field::SAID..field::ATTRIBUTES).contains(&change.field);
        let Some(name) = fields::name(change.field, portfolio).filter(|_| !is_said) else {
            continue;
        };
        if change.field == field::VOID {
            let of = Some(format!("position {}", change.value));
            edits.push(edit(asked, change, name, (None, of), false));
            continue;
        }
        let undone = !counting.contains(&change.seq);
        let key = if field::is_stage(change.field) {
            field::STAGE
        } else {
            change.field
        };
        let before = last
            .iter()
            .find(|(field, _)| *field == key)
            .map_or_else(|| original(found, key, portfolio), |(_, value)| *value);
        let shown = |value| fields::value(change.field, value, portfolio, currency);
        edits.push(edit(
            asked,
            change,
            name,
            (shown(before), shown(change.value)),
            undone,
        ));
        if !undone {
            last.retain(|(field, _)| *field != key);
            last.push((key, change.value));
        }
    }
    edits
}

/// What a deal came on record with.
fn original(found: Found<'_>, field: u32, portfolio: &crate::domain::portfolio::Portfolio) -> i64 {
    let origin = portfolio.origin(found.deal.number);
    origin.map_or(EMPTY, |origin| origin.value(field))
}

fn edit(
    asked: &Asked<'_>,
    change: &Change,
    field: String,
    (from, to): (Option<String>, Option<String>),
    undone: bool,
) -> Edit {
    let portfolio = asked.portfolio;
    let entry = portfolio.entry_of(change.seq);
    let text = |text: u32| (text != NONE).then(|| clean(portfolio.text(text), 500));
    let calendar = &portfolio.settings().calendar;
    Edit {
        position: change.seq,
        at: calendar.show(change.at),
        recorded_at: entry.map_or_else(String::new, |entry| calendar.show(entry.recorded_at)),
        field,
        from,
        to,
        actor: entry
            .and_then(|entry| text(entry.actor))
            .unwrap_or_default(),
        through: entry.map_or("", |entry| entry.door.word()),
        reason: entry.and_then(|entry| text(entry.reason)),
        undone,
    }
}

fn signals(asked: &Asked<'_>, found: Found<'_>) -> Vec<SignalShown> {
    let portfolio = asked.portfolio;
    let text = |text: u32| (text != NONE).then(|| clean(portfolio.text(text), 200));
    portfolio
        .changes(found.deal.number)
        .iter()
        .filter(|change| change.field == field::SIGNAL && change.at <= asked.until)
        .filter_map(|change| {
            let number = u32::try_from(change.value).ok()?;
            portfolio.reference().signals.get(number)
        })
        .map(|signal| SignalShown {
            id: text(signal.id),
            kind: text(signal.kind).unwrap_or_default(),
            detected_at: date(signal.detected).map(|date| date.to_string()),
            evidence: (signal.evidence != NONE)
                .then(|| clean_lines(&(asked.note)(signal.evidence))),
        })
        .collect()
}
