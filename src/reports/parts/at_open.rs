//! What was forecast for a period before it began (DEFINITIONS section 5, `forecast_at_open`), without
//! hindsight: as recorded then, or rebuilt from what the log held.

use chrono::NaiveDate;

use super::target;
use super::unrecorded::Record;
use crate::domain::calendar::add_days;
use crate::domain::change::{Millis, field};
use crate::domain::days::day;
use crate::domain::deal::Deal;
use crate::domain::filter::Filter;
use crate::domain::measure::{Measures, Span};
use crate::domain::origin::{FOLLOWS, FOLLOWS_CATEGORY};
use crate::domain::past::{self, Then};
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::domain::ratio::Ratio;
use crate::domain::settings::{Measure, Settings};
use crate::language::figures::Fraction;

/// A forecast as it stood at the end of the day before its period began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AtOpen {
    /// The measure asked for; `None` where too much was not on record.
    pub amount: Option<i64>,
    /// Of a rebuilt one, the share of the value it rests on that was not on record then.
    pub unrecorded: Option<Ratio>,
    /// Of a rebuilt one, how many deals had no rate then, and are left out.
    pub no_rate: u64,
    /// Of a recorded one, the day it was made; a rebuilt one is of the eve of its period.
    pub made_on: Option<NaiveDate>,
}

/// The forecast of a period as it was recorded before it began, or else rebuilt from the log.
pub fn forecast_at_open(
    portfolio: &Portfolio,
    filter: &Filter,
    period: &Period,
    measure: Measure,
) -> AtOpen {
    match target::recorded_forecast(portfolio, filter, period, measure.word()) {
        Some((made_on, recorded)) => AtOpen {
            amount: Some(recorded),
            unrecorded: None,
            no_rate: 0,
            made_on: Some(made_on),
        },
        None => rebuild(portfolio, filter, period, measure).unwrap_or_default(),
    }
}

/// What to say about those that are rebuilt: of which periods, and what of them was not on record.
pub fn notes<'a>(all: impl Iterator<Item = (&'a Period, AtOpen)>) -> Vec<String> {
    let rebuilt = "forecast_at_open is rebuilt from the log for";
    let (mut whole, mut notes) = (Vec::new(), Vec::new());
    for (period, at_open) in all {
        if at_open.amount.is_some() && at_open.no_rate > 0 {
            notes.push(format!(
                "forecast_at_open of {} leaves out {} without a rate for the currency then.",
                period.label,
                super::warnings::deals(at_open.no_rate)
            ));
        }
        match at_open.amount.and(at_open.unrecorded) {
            Some(share) if share == Ratio::whole(0) => whole.push(period.label.as_str()),
            Some(share) => notes.push(format!(
                "{rebuilt} {}; {} of the value it rests on was not on record then.",
                period.label,
                Fraction(share)
            )),
            None => {}
        }
    }
    if !whole.is_empty() {
        notes.insert(0, format!("{rebuilt} {}.", whole.join(", ")));
    }
    notes
}

/// Rebuilds a forecast from the log as it stood on the eve of the period: what was open and due then.
/// `None` before the first deal, and where too much of what it rests on was not on record.
///
/// It rests on the values of the deals that were open on the eve and that the measure counts, or may
/// count for all that was on record: a deal is left out only by what was on record, its expected close
/// outside the period or its category. So a deal of which nobody knew on the eve when it was due is
/// part of what is not known, wherever it was due or closed afterwards, because choosing by that would
/// be hindsight. With everything on record this is what the log says, with nothing it is null.
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
    let asks = |deal: &Deal| filter.matches(deal, portfolio);
    let mut no_rate = 0;
    let eve_of = Eve {
        portfolio,
        settings: &settings,
        end,
        measure,
    };
    let (mut measures, mut record) = (Measures::default(), Record::default());
    for Then { deal, .. } in &past::due_then(portfolio, day(eve), end, span) {
        if !asks(deal) {
            continue;
        }
        no_rate += u64::from(deal.foreign);
        if deal.foreign {
            continue;
        }
        measures.add(&Measures::of(deal, &settings, span, day(eve)));
        // Those without a date on record come with all the others of them.
        if portfolio.is_on_record(deal.number, field::EXPECTED_CLOSE, end) {
            match eve_of.standing(deal) {
                Standing::Known => record.add_known(deal.value),
                Standing::Unknown => record.add_unknown(deal.value),
                Standing::LeftOut => {}
            }
        }
    }
    for Then { deal, .. } in past::undated_then(portfolio, day(eve), end) {
        if deal.foreign || !asks(&deal) {
            continue;
        }
        if eve_of.standing(&deal) != Standing::LeftOut {
            record.add_unknown(deal.value);
        }
        if record.is_too_little() {
            break;
        }
    }
    if record.is_too_little() {
        return None;
    }
    Some(AtOpen {
        amount: Some(measures.get(measure)),
        unrecorded: Some(record.unknown_share()),
        no_rate,
        made_on: None,
    })
}

/// How a deal that was due stands to a measure, by what was on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is counted, and all that it is counted by was on record.
    Known,
    /// It is counted, or may be.
    Unknown,
    /// It was on record that the measure does not count it.
    LeftOut,
}

/// The eve of a period, and what is asked of it.
struct Eve<'a> {
    portfolio: &'a Portfolio,
    settings: &'a Settings,
    end: Millis,
    measure: Measure,
}

impl Eve<'_> {
    /// How a deal stands to the measure, apart from when it was due: a measure goes by its category and
    /// its value, `weighted` by its probability too; what was not set by hand follows the stage.
    fn standing(&self, deal: &Deal) -> Standing {
        let Some(origin) = self.portfolio.origin(deal.number) else {
            return Standing::Unknown;
        };
        let changes = self.portfolio.changes(deal.number);
        let knows = |field| origin.is_on_record(field, changes, self.end);
        let by_hand = |is_by_hand: bool, field: u32| if is_by_hand { field } else { field::STAGE };
        let category = by_hand(deal.category != FOLLOWS_CATEGORY, field::CATEGORY);
        let probability = by_hand(deal.probability != FOLLOWS, field::PROBABILITY);
        // Closed counts no deal that is open. What might close is what upside counts, so the question
        // whether it was on record is asked of that.
        let counting = match self.measure {
            Measure::Closed | Measure::WorstCase => Measure::Upside,
            measure => measure,
        };
        if !knows(category) {
            Standing::Unknown
        } else if !counting.counts(deal.category(self.settings)) {
            Standing::LeftOut
        } else if knows(field::ESTIMATED_VALUE)
            && (counting != Measure::Weighted || knows(probability))
        {
            Standing::Known
        } else {
            Standing::Unknown
        }
    }
}
