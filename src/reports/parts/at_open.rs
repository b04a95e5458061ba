//! What was forecast for a period before it began (DEFINITIONS section 5, `forecast_at_open`), without
//! hindsight: as recorded then, or rebuilt from what the log held.

use super::{target, unrecorded};
use crate::domain::calendar::add_days;
use crate::domain::days::day;
use crate::domain::filter::Filter;
use crate::domain::measure::{Measures, Span};
use crate::domain::past;
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::domain::ratio::Ratio;
use crate::domain::settings::Measure;
use crate::language::figures::Fraction;

/// A forecast as it stood at the end of the day before its period began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AtOpen {
    /// The measure asked for; `None` where too much was not on record.
    pub amount: Option<i64>,
    /// Of a rebuilt one, the share of value in ten-thousandths that was not on record then.
    pub unrecorded: Option<i64>,
}

/// The forecast of a period as it was recorded before it began, or else rebuilt from the log.
pub fn forecast_at_open(
    portfolio: &Portfolio,
    filter: &Filter,
    period: &Period,
    measure: Measure,
) -> AtOpen {
    match target::recorded_forecast(portfolio, filter, period, measure.word()) {
        Some(recorded) => AtOpen {
            amount: Some(recorded),
            unrecorded: None,
        },
        None => rebuild(portfolio, filter, period, measure).unwrap_or_default(),
    }
}

impl AtOpen {
    /// What to say about a rebuilt one.
    pub fn note(&self, period: &Period) -> Option<String> {
        let share = self.amount.and(self.unrecorded)?;
        let unknown = match share {
            0 => String::new(),
            share => format!(
                "; {} of the value it rests on was not on record then",
                Fraction(Ratio::basis_points(share))
            ),
        };
        Some(format!(
            "forecast_at_open of {} is rebuilt from the log{unknown}.",
            period.label
        ))
    }
}

/// Rebuilds a forecast from the log as it stood on the eve of the period: what was open and due then.
/// `None` before the first deal.
fn rebuild(
    portfolio: &Portfolio,
    filter: &Filter,
    period: &Period,
    measure: Measure,
) -> Option<AtOpen> {
    let eve = add_days(period.start, -1);
    let end = portfolio.settings().calendar.end_of(eve);
    portfolio.first_at().filter(|first| *first <= end)?;
    let span = Span::of(period);
    let settings = portfolio.settings_at(end);
    let mut then = past::due_then(portfolio, day(eve), end, span);
    then.retain(|deal| !deal.foreign && filter.matches(deal, portfolio));
    let unrecorded = unrecorded::share(portfolio, &then, end);
    let mut measures = Measures::default();
    for deal in &then {
        measures.add(&Measures::of(deal, &settings, span, day(eve)));
    }
    let known = unrecorded.is_none_or(|share| share <= MOST_UNRECORDED);
    Some(AtOpen {
        amount: known.then(|| measures.get(measure)),
        unrecorded: Some(unrecorded.unwrap_or(0)),
    })
}

/// The largest share of value not on record, in ten-thousandths, that a rebuilt figure may rest on.
const MOST_UNRECORDED: i64 = 1_000;
