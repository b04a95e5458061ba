//! IMPORT. What a set of export files changes: a pure plan over the portfolio, like every other
//! change. What the files state was read by `files`; here it is compared with what is on record, and
//! written as one entry of the log.
//!
//! `parties` settles customers and people, `plans` settings, targets, forecasts and rates, `fresh` deals
//! that come on record and `known` those that are, `signals` what led to them; `record` holds the rule of what a newer file may change.

mod added;
mod deals;
mod fresh;
mod known;
mod order;
mod parties;
mod path;
mod plans;
mod record;
mod redate;
mod signals;
mod summary;
#[cfg(test)]
mod tests;
mod values;
mod writing;

use std::ops::Range;

use rustc_hash::FxHashMap;

use self::deals::Deals;
use self::writing::Writing;
use crate::domain::change::Day;
use crate::domain::draft::{Author, Planned};
use crate::domain::portfolio::Portfolio;
use crate::domain::statement::{Place, Rejection, Statements};
use crate::domain::texts::Text;
use crate::language::clean;

pub use self::summary::{Conflict, Conflicts, Counts, FileRows, Summary};

/// At most this many lost reasons outside the list are named.
const NAMED: usize = 20;

/// What an import would do.
#[derive(Debug)]
pub struct Import {
    /// The portfolio after it and the rows to append; empty when the files say nothing new.
    pub planned: Planned,
    /// What it comes to.
    pub summary: Summary,
    /// The rows that are left out, in the order of the files and their lines. Unless the caller asked
    /// for the good ones alone, nothing is to be written while there are any.
    pub rejections: Vec<Rejection>,
}

/// Plans the import of what some files state.
pub fn plan(portfolio: &Portfolio, stated: &Statements, author: &Author, today: Day) -> Import {
    let mut writing = Writing::new(portfolio, stated, author, today);
    plans::settings(&mut writing);
    let (customers, people) = parties::parties(&mut writing);
    plans::plans(&mut writing, &people);
    plans::rates(&mut writing);
    let mut deals = Deals::new(&mut writing, customers, people);
    opportunities(&mut deals);
    signals::signals(&mut deals);
    let outside = deals.outside.iter().take(NAMED);
    let outside: Vec<String> = outside.map(|reason| clean(reason, 60)).collect();
    let more = deals.outside.len().saturating_sub(NAMED);
    if !outside.is_empty() {
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        writing.summary.notes.push(format!(
            "Lost reasons that are not on the list are kept as they stand: {}{more}.",
            outside.join(", ")
        ));
    }
    writing.summary.notes.extend(writing.remarks.sentences());
    let Writing {
        draft,
        mut summary,
        rejections,
        ..
    } = writing;
    let mut rejections: Vec<Rejection> = stated
        .unreadable
        .iter()
        .chain(&stated.rejections)
        .cloned()
        .chain(rejections)
        .collect();
    let place_of = |rejection: &Rejection| {
        stated
            .files
            .iter()
            .position(|file| file.name == rejection.file)
    };
    rejections.sort_by_cached_key(|rejection| (place_of(rejection), rejection.line));
    let rejections = each_row_once(rejections);
    summary.rejected = rejections.len() as u64;
    Import {
        planned: draft.finish(),
        summary,
        rejections,
    }
}

/// What is wrong with one row as one rejection: the first fault in full, the others after it.
fn each_row_once(rejections: Vec<Rejection>) -> Vec<Rejection> {
    let mut rows: Vec<Rejection> = Vec::with_capacity(rejections.len());
    for rejection in rejections {
        match rows.last_mut() {
            Some(row) if (&row.file, row.line) == (&rejection.file, rejection.line) => {
                let Rejection { column, reason, .. } = rejection;
                row.reason.push_str(&format!("; {column}: {reason}"));
            }
            _ => rows.push(rejection),
        }
    }
    rows
}

/// Goes over all deals the files speak of, each with its history.
fn opportunities(deals: &mut Deals<'_, '_>) {
    let (before, stated) = (deals.writing.before, deals.writing.stated);
    let mut moves = Histories::of(&stated.moves, |row| row.opportunity);
    let mut edits = Histories::of(&stated.edits, |row| row.opportunity);
    for deal in &stated.deals {
        let (moves, edits) = (moves.take(deal.id), edits.take(deal.id));
        match before.deal_by_id(stated.text(deal.id)) {
            Some(number) => deals.known(number, deal.id, Some(deal), moves, edits),
            None => deals.fresh(deal, moves, edits),
        }
    }
    // What is left are histories of deals that have no row in these files.
    let mut others: Vec<Text> = moves
        .ranges
        .keys()
        .chain(edits.ranges.keys())
        .copied()
        .collect();
    others.sort_unstable();
    others.dedup();
    for id in others {
        let (moves, edits) = (moves.take(id), edits.take(id));
        match before.deal_by_id(stated.text(id)) {
            Some(number) => deals.known(number, id, None, moves, edits),
            None if stated.rejected_deals.contains(&id) => deals.reject_history(moves, edits),
            None => {
                let places: Vec<Place> = moves
                    .iter()
                    .map(|row| row.place)
                    .chain(edits.iter().map(|row| row.place))
                    .collect();
                for place in places {
                    deals.writing.reject(
                        place,
                        "opportunity_id",
                        "no opportunity on record has this id",
                    );
                }
            }
        }
    }
}

/// Rows of history by opportunity, each opportunity's in the order of the file.
struct Histories<T> {
    rows: Vec<T>,
    ranges: FxHashMap<Text, Range<usize>>,
}

impl<T: Copy> Histories<T> {
    fn of(rows: &[T], opportunity: impl Fn(&T) -> Text) -> Self {
        let mut rows = rows.to_vec();
        rows.sort_by_key(&opportunity);
        let mut ranges = FxHashMap::default();
        let mut start = 0;
        for of_deal in rows.chunk_by(|one, other| opportunity(one) == opportunity(other)) {
            if let Some(first) = of_deal.first() {
                ranges.insert(opportunity(first), start..start + of_deal.len());
            }
            start += of_deal.len();
        }
        Histories { rows, ranges }
    }

    /// The rows of an opportunity, which are then no longer waiting.
    fn take(&mut self, id: Text) -> &[T] {
        self.ranges
            .remove(&id)
            .and_then(|range| self.rows.get(range))
            .unwrap_or_default()
    }
}
