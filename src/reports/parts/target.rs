//! The target of a period (DEFINITIONS section 5): whose it is, and why there is none.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::segments::told_apart;
use crate::domain::days::{date, day};
use crate::domain::filter::{Filter, Scope};
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::domain::reference::TargetKey;
use crate::domain::texts::NONE;
use crate::language::clean;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The target of the whole period in minor units.
    pub total: Option<i64>,
    /// Why there is none.
    pub reason: Option<&'static str>,
    /// Each month's, where there is one.
    pub months: Vec<(NaiveDate, Option<i64>)>,
    /// What to say about it.
    pub notes: Vec<String>,
}

/// Finds the target that answers for exactly this filter.
pub fn find(portfolio: &Portfolio, filter: &Filter, period: &Period) -> Target {
    let months = period.months();
    let none = |reason| Target {
        reason: Some(reason),
        months: months.iter().map(|month| (*month, None)).collect(),
        ..Target::default()
    };
    if !period.is_whole_months() {
        return none("partial_months");
    }
    let Some(scope) = filter.scope() else {
        return none("filtered");
    };
    let targets = &portfolio.reference().targets;
    let of = |scope: Scope, month: &NaiveDate| {
        targets
            .get(&TargetKey {
                month: day(*month),
                csm: scope.csm,
                kind: scope.kind,
            })
            .copied()
    };
    let by_month: Vec<(NaiveDate, Option<i64>)> = months
        .iter()
        .map(|month| (*month, of(scope, month)))
        .collect();
    let missing: Vec<String> = by_month
        .iter()
        .filter(|(_, amount)| amount.is_none())
        .map(|(month, _)| month.format("%b %Y").to_string())
        .collect();
    if missing.is_empty() {
        let total = by_month.iter().filter_map(|(_, amount)| *amount).sum();
        return Target {
            total: Some(total),
            months: by_month,
            ..Target::default()
        };
    }
    if missing.len() < months.len() {
        return Target {
            reason: Some("incomplete_target"),
            notes: vec![format!("There is no target for {}.", missing.join(", "))],
            months: by_month,
            ..Target::default()
        };
    }
    if scope
        == (Scope {
            csm: NONE,
            kind: u8::MAX,
        })
    {
        return sum_of_csms(portfolio, &months).unwrap_or_else(|| none("no_target"));
    }
    none("no_target")
}

/// Without any organisation target, the sum of those CSMs who have one for every month.
fn sum_of_csms(portfolio: &Portfolio, months: &[NaiveDate]) -> Option<Target> {
    let targets = &portfolio.reference().targets;
    let of = |csm: u32, month: &NaiveDate| {
        targets
            .get(&TargetKey {
                month: day(*month),
                csm,
                kind: u8::MAX,
            })
            .copied()
    };
    let has_organisation_target = targets
        .keys()
        .any(|key| key.csm == NONE && key.kind == u8::MAX);
    if has_organisation_target {
        return None;
    }
    let mut csms: Vec<u32> = targets
        .keys()
        .filter(|key| key.csm != NONE && key.kind == u8::MAX)
        .map(|key| key.csm)
        .collect();
    csms.sort_unstable();
    csms.dedup();
    let (with, without): (Vec<u32>, Vec<u32>) = csms
        .into_iter()
        .partition(|csm| months.iter().all(|month| of(*csm, month).is_some()));
    if with.is_empty() {
        return None;
    }
    let others = csms_on_record(portfolio);
    let left_out: BTreeSet<u32> = without
        .into_iter()
        .chain(others.filter(|csm| !with.contains(csm)))
        .collect();
    let by_month: Vec<(NaiveDate, Option<i64>)> = months
        .iter()
        .map(|month| {
            (
                *month,
                Some(with.iter().filter_map(|csm| of(*csm, month)).sum()),
            )
        })
        .collect();
    let targets = match with.len() {
        1 => "1 CSM target".to_owned(),
        several => format!("{several} CSM targets"),
    };
    let mut note = format!("There is no organisation target; the target is the sum of {targets}.");
    if !left_out.is_empty() {
        let names = told_apart(left_out.iter().chain(&with).map(|csm| {
            let id = portfolio
                .person(*csm)
                .map_or("", |person| portfolio.text(person.id));
            (clean(portfolio.person_name(*csm), 60), clean(id, 60))
        }));
        let named: Vec<String> = names.into_iter().take(left_out.len().min(NAMED)).collect();
        let more = match left_out.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        note.push_str(&format!(" Without a target: {}{more}.", named.join(", ")));
    }
    Some(Target {
        total: Some(by_month.iter().filter_map(|(_, amount)| *amount).sum()),
        reason: None,
        months: by_month,
        notes: vec![note],
    })
}

/// How many CSMs without a target are named; all are counted.
const NAMED: usize = 20;

/// Everyone who is a CSM for all that is on record: of a deal or a customer, or else listed among the
/// people without being anybody's sales rep.
fn csms_on_record(portfolio: &Portfolio) -> impl Iterator<Item = u32> {
    let people = portfolio.reference().people.len();
    let (mut csms, mut reps) = (vec![false; people], vec![false; people]);
    let mark = |marks: &mut Vec<bool>, person: u32| {
        if let Some(mark) = marks.get_mut(person as usize) {
            *mark = true;
        }
    };
    for deal in portfolio.chunks().flat_map(|chunk| chunk.deals()) {
        mark(&mut csms, deal.csm);
        mark(&mut reps, deal.sales_rep);
    }
    for customer in portfolio.reference().customers.iter() {
        mark(&mut csms, customer.csm);
    }
    let is_csm = csms.into_iter().zip(reps);
    (0_u32..)
        .zip(is_csm)
        .filter(|(_, (is_csm, is_rep))| *is_csm || !is_rep)
        .map(|(person, _)| person)
}

/// A forecast that was recorded before a period began: the latest made on or before the day before,
/// with that day.
pub fn recorded_forecast(
    portfolio: &Portfolio,
    filter: &Filter,
    period: &Period,
    measure: &str,
) -> Option<(NaiveDate, i64)> {
    let scope = filter.scope().filter(|scope| scope.kind == u8::MAX)?;
    let (start, end) = (day(period.start), day(period.end));
    portfolio
        .reference()
        .forecasts
        .iter()
        .filter(|(key, _)| {
            key.start == start
                && key.end == end
                && key.measure == measure
                && key.csm == scope.csm
                && date(key.as_of).is_some_and(|as_of| as_of < period.start)
        })
        .max_by_key(|(key, _)| key.as_of)
        .and_then(|(key, amount)| Some((date(key.as_of)?, *amount)))
}
