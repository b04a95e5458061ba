//! When a move is logged. A move is true on a day, which may lie before what the log has learned since.

use chrono::NaiveDate;

use crate::actions::Commanded;
use crate::domain::change::{Change, Door, Millis, NO_DAY, Position, Subject, field};
use crate::domain::days::date;
use crate::domain::deal::Deal;
use crate::domain::draft::Draft;
use crate::domain::portfolio::Portfolio;
use crate::language::basis::spoken;
use crate::language::periods::{self, Direction};
use crate::refusal::{Code, Refusal, Result};

/// The day a deal closed: not in the future, not before it entered the stage it leaves. Where that day
/// is not on record, not before the last one on which it is known to have been open.
pub fn closing_day(
    commanded: &Commanded<'_>,
    words: Option<&str>,
    deal: &Deal,
) -> Result<NaiveDate> {
    let Some(words) = words else {
        return Ok(commanded.today);
    };
    let portfolio = commanded.portfolio;
    let on = past_day(commanded, words)?;
    let stage = deal.stage.word();
    let (least, before, why) = match date(deal.stage_entered) {
        Some(entered) => (
            Some(entered),
            format!("it entered {stage}"),
            format!("It entered {stage}"),
        ),
        None => (
            date(deal.identified).max(last_known(portfolio, deal.number)),
            "the last day on which it is known to have been open".to_owned(),
            "It was open".to_owned(),
        ),
    };
    if let Some(least) = least.filter(|least| on < *least) {
        return Err(Refusal::new(
            Code::ImpossibleDate,
            format!("actual_close {on} lies before {before}."),
        )
        .hint(format!(
            "{why} on {}; give that day or a later one.",
            spoken(least)
        )));
    }
    Ok(on)
}

/// The day of a close, which is not in the future.
pub fn past_day(commanded: &Commanded<'_>, words: &str) -> Result<NaiveDate> {
    let (today, calendar) = (commanded.today, &commanded.portfolio.settings().calendar);
    let on = periods::date(words, calendar, today, Direction::Back)?;
    if on > today {
        let message = format!("actual_close {on} lies in the future.");
        return Err(Refusal::new(Code::ImpossibleDate, message)
            .hint(format!("Today is {today}; a deal closes today or before.")));
    }
    Ok(on)
}

/// The instant a move that was true on a day is logged at: now when that is today, else the start of
/// the day, and never before a move of which it is on record when it was.
///
/// When a deal entered its stage may not be on record: then a file said so when it was imported, and
/// that instant says nothing about the deal. Such a statement moves to the instant of the move it comes
/// before, so that the order is kept and a look back sees the move on its day.
pub fn dated(commanded: &Commanded<'_>, deal: u32, on: NaiveDate, draft: &mut Draft) -> Millis {
    let portfolio = commanded.portfolio;
    let wanted = if on == commanded.today {
        commanded.author.now
    } else {
        portfolio.settings().calendar.start_of(on)
    };
    let at = earliest(portfolio, deal).map_or(wanted, |earliest| wanted.max(earliest));
    let undated = undated_stages(portfolio, deal);
    let subject = Subject::Deal(deal);
    for change in undated.iter().filter(|change| change.at > at) {
        draft.set(subject, field::VOID, change.at, i64::from(change.seq));
        draft.set(subject, change.field, at, change.value);
        if last_said(portfolio, deal) == Some(change.seq) {
            // It stays what the last import said, with which the next one compares.
            let said = field::SAID + field::STAGE;
            draft.set(subject, said, change.at, change.value);
        }
    }
    at
}

/// The day of the last instant at which it is on record where a deal stood.
fn last_known(portfolio: &Portfolio, deal: u32) -> Option<NaiveDate> {
    date(portfolio.days().of(earliest(portfolio, deal)?))
}

/// The instant of the last move on record that has a date; without one, since when the deal exists,
/// if that is on record.
fn earliest(portfolio: &Portfolio, deal: u32) -> Option<Millis> {
    let moves = portfolio
        .changes(deal)
        .iter()
        .filter(|change| field::is_stage(change.field) && change.field != field::STAGE_UNDATED);
    let exists = portfolio
        .origin(deal)
        .filter(|origin| origin.identified != NO_DAY)
        .map(|origin| origin.at);
    moves.map(|change| change.at).chain(exists).max()
}

/// The stages without a date that a deal entered after its last move that has one.
fn undated_stages(portfolio: &Portfolio, deal: u32) -> Vec<Change> {
    let stages = portfolio.changes(deal).iter();
    let mut undated: Vec<Change> = stages
        .rev()
        .filter(|change| field::is_stage(change.field))
        .take_while(|change| change.field == field::STAGE_UNDATED)
        .copied()
        .collect();
    undated.reverse();
    undated
}

/// The position at which an import last said where a deal stands.
fn last_said(portfolio: &Portfolio, deal: u32) -> Option<Position> {
    let is_import = |change: &&Change| {
        let entry = portfolio.entry_of(change.seq);
        entry.is_some_and(|entry| entry.door == Door::Import)
    };
    let said = portfolio.changes(deal).iter().filter(|change| {
        change.field == field::SAID + field::STAGE
            || field::is_stage(change.field) && is_import(change)
    });
    said.map(|change| change.seq).max()
}
