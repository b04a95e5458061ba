//! `stage_history.csv` and `field_history.csv`: how every deal came to stand as it does, from what
//! counts. Deals whose way nobody recorded have no rows, so that an import does not take them for
//! deals that have a history.

use std::io;

use super::{Exported, Rows, day, percent};
use crate::domain::change::{Change, Day, EMPTY, NO_DAY, field};
use crate::domain::chunk::Chunk;
use crate::domain::deal::{Deal, place_of};
use crate::domain::holds::{FIELDS, Holds};
use crate::domain::money::{BasisPoints, Currency};
use crate::domain::origin::Origin;
use crate::domain::stage::{Category, ExpansionType, Stage};
use crate::domain::texts::NONE;

/// One row of a stage history.
struct Move {
    from: Option<Stage>,
    to: Stage,
    at: String,
}

/// Writes the stage moves, deal by deal.
pub(super) fn moves(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    rows.header(["opportunity_id", "from_stage", "to_stage", "at"])?;
    each(exported, |chunk, deal, origin| {
        if !deal.has_history() {
            return Ok(());
        }
        let id = exported.text(origin.id);
        for row in way(exported, origin, chunk.changes(place_of(deal.number))) {
            rows.row([id, row.from.map_or("", Stage::word), row.to.word(), &row.at])?;
        }
        Ok(())
    })
}

/// Hands over every deal on record with its origin, in the order in which they came on record.
fn each(
    exported: &Exported<'_>,
    mut take: impl FnMut(&Chunk, &Deal, &Origin) -> io::Result<()>,
) -> io::Result<()> {
    for chunk in exported.portfolio.chunks() {
        let mut deals: Vec<&Deal> = chunk.deals().collect();
        deals.sort_by_key(|deal| deal.number);
        for deal in deals {
            if let Some(origin) = chunk.origins().get(usize::from(place_of(deal.number))) {
                take(chunk, deal, origin)?;
            }
        }
    }
    Ok(())
}

/// The recorded way of a deal: where it is first known to stand, and its moves from there. The fold
/// (`domain::fold`) reads the same changes; an assertion before any move is where the way begins.
fn way(exported: &Exported<'_>, origin: &Origin, changes: &[Change]) -> Vec<Move> {
    let start = Stage::from_code(origin.stage).unwrap_or(Stage::Identified);
    let mut begins = (start, dated(origin.stage_entered));
    let mut before_assertion = None;
    let mut moves: Vec<Move> = Vec::new();
    let mut has_undated_end = false;
    for change in changes
        .iter()
        .filter(|change| field::is_stage(change.field))
    {
        let stage = moves.last().map_or(begins.0, |last| last.to);
        let to = u8::try_from(change.value).ok().and_then(Stage::from_code);
        let to = to.unwrap_or(stage);
        let is_move = change.field == field::STAGE;
        if to == stage {
            match before_assertion.take().filter(|_| is_move) {
                Some(before) => begins = before,
                None => {
                    if change.field == field::STAGE_ASSERTED && moves.is_empty() {
                        begins.1 = Some(exported.instant(change.at));
                    }
                    continue;
                }
            }
        }
        if !is_move && moves.is_empty() {
            before_assertion = Some(begins);
            let at = (change.field != field::STAGE_UNDATED).then(|| exported.instant(change.at));
            begins = (to, at);
            continue;
        }
        before_assertion = None;
        let from = moves.last().map_or(begins.0, |last| last.to);
        has_undated_end = change.field == field::STAGE_UNDATED;
        moves.push(Move {
            from: Some(from),
            to,
            at: exported.instant(change.at),
        });
    }
    // The row of a deal says by itself that nobody knows since when it is where it is.
    if has_undated_end {
        moves.pop();
    }
    let (stage, at) = begins;
    let first = at.map(|at| Move {
        from: None,
        to: stage,
        at,
    });
    first.into_iter().chain(moves).collect()
}

fn dated(on: Day) -> Option<String> {
    (on != NO_DAY).then(|| day(on))
}

/// The columns of the fields whose history an import keeps.
const KEPT: [(u32, &str); 15] = [
    (field::ESTIMATED_VALUE, "estimated_value"),
    (field::EXPECTED_CLOSE, "expected_close"),
    (field::PROBABILITY, "probability"),
    (field::CATEGORY, "forecast_category"),
    (field::CSM, "csm_id"),
    (field::SALES_REP, "sales_rep_id"),
    (field::CUSTOMER, "customer_id"),
    (field::NAME, "name"),
    (field::KIND, "type"),
    (field::PRODUCT_LINE, "product_line"),
    (field::SOURCE, "source"),
    (field::USE_CASE, "use_case"),
    (field::CHAMPION, "champion_id"),
    (field::IDENTIFIED, "identified_date"),
    (field::TERM_MONTHS, "term_months"),
];

/// Writes the changes of fields, deal by deal and field by field.
pub(super) fn edits(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    rows.header(["opportunity_id", "field", "from", "to", "at"])?;
    each(exported, |chunk, deal, origin| {
        let place = place_of(deal.number);
        let changes = chunk.changes(place);
        let code = chunk.detail(place).map_or(NONE, |detail| detail.currency);
        let currency = Currency::from_code(exported.text(code)).unwrap_or(exported.currency());
        let id = exported.text(origin.id);
        // Amounts of another currency cannot stand in a history that is read in the one of the deal.
        let is_recurrent = changes.iter().any(|change| change.field == field::CURRENCY);
        for (number, name) in KEPT {
            if number == field::ESTIMATED_VALUE && is_recurrent {
                continue;
            }
            let mut from = origin.value(number);
            for change in changes.iter().filter(|change| change.field == number) {
                let (before, to) = (
                    cell(exported, number, from, currency),
                    cell(exported, number, change.value, currency),
                );
                rows.row([id, name, &before, &to, &exported.instant(change.at)])?;
                from = change.value;
            }
        }
        Ok(())
    })
}

fn cell(exported: &Exported<'_>, number: u32, value: i64, currency: Currency) -> String {
    if value == EMPTY {
        return String::new();
    }
    let code = u8::try_from(value).ok();
    let record = u32::try_from(value).unwrap_or(NONE);
    let holds = FIELDS.iter().find(|(known, ..)| *known == number);
    let word = match holds.map_or(Holds::Number, |(.., holds)| *holds) {
        Holds::Text => exported.text(record),
        Holds::Person => exported.person_id(record),
        Holds::Customer => exported.customer_id(record),
        Holds::Kind => code
            .and_then(ExpansionType::from_code)
            .map_or("", ExpansionType::word),
        Holds::Category => code
            .and_then(Category::from_code)
            .map_or("", Category::word),
        Holds::Stage => code.and_then(Stage::from_code).map_or("", Stage::word),
        Holds::Day => return day(Day::try_from(value).unwrap_or(NO_DAY)),
        Holds::Number if number == field::ESTIMATED_VALUE => {
            return exported.amount(value, currency);
        }
        Holds::Number if number == field::PROBABILITY => {
            return percent(BasisPoints::try_from(value).unwrap_or(0));
        }
        Holds::Number | Holds::Note | Holds::Signal | Holds::Position => {
            return value.to_string();
        }
    };
    word.to_owned()
}
