//! The way of a deal through the stages, from its stage history and from what its row says.

use super::order::Clock;
use crate::domain::change::{Day, Millis, NO_DAY, field};
use crate::domain::days::day;
use crate::domain::stage::Stage;
use crate::domain::statement::{Said, StatedDeal, StatedMove};

/// An entry into a stage that a history tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The stage it left; `None` when the history begins with it.
    pub from: Option<Stage>,
    pub to: Stage,
    pub day: Day,
    pub at: Millis,
}

/// A stage history in order.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The stage before the first entry, when its row names it.
    pub start: Option<Stage>,
    pub entries: Vec<Entry>,
    /// Whether some row leaves another stage than the rows before it lead to.
    pub has_gap: bool,
}

/// A change of stage to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub to: Stage,
    pub at: Millis,
    /// Whether it is recorded, asserted or undated.
    pub field: u32,
}

/// The whole way of a new deal.
#[derive(Debug)]
pub(super) struct Path {
    pub start: Stage,
    pub entered: Day,
    pub has_history: bool,
    pub steps: Vec<Step>,
    /// From when on it exists, when that is not its identified date.
    pub exists_at: Option<Millis>,
    /// What is odd about it.
    pub remark: Option<&'static str>,
    /// Whether its history leaves out moves.
    pub has_gap: bool,
}

const EARLY: &str = "Closed before it was identified; its history is one entry at actual_close";
/// What is said when a history ends elsewhere than the row.
pub(super) const CONTRADICTED: &str = "stage_history contradicts the stage column, which wins";
/// What is said of a history in which a row leaves another stage than the rows before it lead to.
pub(super) const GAP: &str = "stage_history leaves out moves: a row leaves another stage than the one before it entered, and is taken as a move from that one";
pub(super) const REDATED: &str = "stage_entered_at differs from stage_history, whose date is taken";

/// Brings the rows of one deal into order. The close it ends with is dated by actual_close, and rows
/// that move nowhere are left out.
pub(super) fn told(moves: &[StatedMove], deal: Option<&StatedDeal>, clock: &Clock) -> Told {
    if moves.is_empty() {
        return Told::default();
    }
    let ordered = clock.in_order(moves, |row| row.at, |row, next| next.from == Some(row.to));
    let start = ordered.first().and_then(|first| first.row.from);
    let mut stage = start;
    let mut entries: Vec<Entry> = Vec::with_capacity(ordered.len());
    let mut has_gap = false;
    for dated in ordered {
        has_gap |= stage.is_some() && dated.row.from.is_some() && dated.row.from != stage;
        if stage != Some(dated.row.to) {
            entries.push(Entry {
                from: stage,
                to: dated.row.to,
                day: dated.day,
                at: dated.at,
            });
            stage = Some(dated.row.to);
        }
    }
    let closed = deal.and_then(|deal| Some((deal.stage, deal.actual_close.value()?)));
    let before = entries
        .len()
        .checked_sub(2)
        .and_then(|place| entries.get(place))
        .map_or(Millis::MIN, |entry| entry.at);
    if let (Some((stage, date)), Some(last)) = (closed, entries.last_mut())
        && last.to == stage
        && last.day != day(date)
    {
        last.at = clock.calendar.start_of(date).max(before);
        last.day = clock.days.of(last.at);
    }
    Told {
        start,
        entries,
        has_gap,
    }
}

/// When a deal entered the stage its row names: a close on its actual close, at the time of day the
/// row gives for that date.
pub(super) fn entered(deal: &StatedDeal, clock: &Clock) -> Option<(Day, Millis)> {
    let stated = deal.stage_entered.value().map(|moment| clock.of(moment));
    match deal.actual_close {
        Said::Is(date) if !deal.stage.is_open() => {
            let close = (day(date), clock.calendar.start_of(date));
            Some(stated.filter(|(on, _)| *on == close.0).unwrap_or(close))
        }
        _ => stated,
    }
}

/// The step into the stage that a row names, not before the last step on record.
pub(super) fn column_step(deal: &StatedDeal, clock: &Clock, not_before: Millis) -> Step {
    match entered(deal, clock) {
        Some((_, at)) => Step {
            to: deal.stage,
            at: at.max(not_before),
            field: field::STAGE,
        },
        None => Step {
            to: deal.stage,
            at: clock.now.max(not_before),
            field: field::STAGE_UNDATED,
        },
    }
}

/// The way of a deal that comes on record.
pub(super) fn of_new(deal: &StatedDeal, moves: &[StatedMove], clock: &Clock) -> Path {
    let identified = deal.identified.value().map_or(NO_DAY, day);
    let close = deal.actual_close.value();
    if let Some(date) = close
        .filter(|date| !deal.stage.is_open() && identified != NO_DAY && day(*date) < identified)
    {
        return Path {
            start: deal.stage,
            entered: day(date),
            has_history: false,
            steps: Vec::new(),
            exists_at: entered(deal, clock).map(|(_, at)| at),
            remark: Some(EARLY),
            has_gap: false,
        };
    }
    let told = told(moves, Some(deal), clock);
    let mut path = Path {
        start: Stage::Identified,
        entered: identified,
        has_history: !moves.is_empty(),
        steps: Vec::new(),
        exists_at: None,
        remark: None,
        has_gap: told.has_gap,
    };
    if moves.is_empty() {
        match entered(deal, clock) {
            dated if deal.stage == Stage::Identified => {
                path.entered = dated.map_or(NO_DAY, |(on, _)| on)
            }
            Some((_, at)) => path.steps.push(Step {
                to: deal.stage,
                at,
                field: field::STAGE_ASSERTED,
            }),
            None => path.steps.push(Step {
                to: deal.stage,
                at: clock.now,
                field: field::STAGE_UNDATED,
            }),
        }
        return path;
    }
    let mut entries = told.entries.as_slice();
    match (told.start, entries.split_first()) {
        (Some(start), _) => path.start = start,
        (None, Some((first, rest))) => {
            entries = rest;
            let begins_there =
                identified == NO_DAY || first.day <= identified || first.to == Stage::Identified;
            if begins_there {
                (path.start, path.entered) = (first.to, first.day);
            } else {
                // Until its first recorded stage it stood in identified, but nobody recorded a stay there.
                path.steps.push(Step {
                    to: first.to,
                    at: first.at,
                    field: field::STAGE_ASSERTED,
                });
            }
        }
        (None, None) => {}
    }
    path.steps.extend(entries.iter().map(|entry| Step {
        to: entry.to,
        at: entry.at,
        field: field::STAGE,
    }));
    let last = told.entries.last();
    let (stage, since) = last.map_or((path.start, Millis::MIN), |last| (last.to, last.at));
    if stage != deal.stage {
        path.steps.push(column_step(deal, clock, since));
        path.remark = Some(CONTRADICTED);
    } else if deal.stage.is_open()
        && let (Some(last), Some((on, _))) = (last, entered(deal, clock))
        && on != last.day
    {
        path.remark = Some(REDATED);
    }
    path
}
