//! The forecast of a period: PRD-155's ForecastData, completed as DEFINITIONS section 5 says.

pub mod accuracy;
pub mod calibration;
mod landing;
mod measures;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use self::landing::Landing;
use super::at_open::{self, AtOpen, forecast_at_open};
use super::target::{self, Target};
use crate::domain::calendar::{add_days, add_months};
use crate::domain::days::day;
use crate::domain::filter::{Filter, Tally};
use crate::domain::measure::{Measures, PeriodFigures, Span, WonLost};
use crate::domain::money::Currency;
use crate::domain::period::Period;
use crate::domain::ratio::Ratio;
use crate::domain::settings::Measure;
use crate::domain::statistics::Share;
use crate::language::basis::Warning;
use crate::language::figures::{Amount, Fraction, Multiple};
use crate::reports::Asked;

/// A null figure's reason, by the figure's name.
pub type Reasons = BTreeMap<String, &'static str>;

/// Open deals counted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Counted {
    // Deals.
    pub(crate) count: u64,
    // Value.
    pub(crate) value: Amount,
    // Weighted.
    pub(crate) weighted: Amount,
}

impl Counted {
    /// A tally in a currency.
    pub fn new(tally: &Tally, currency: Currency) -> Self {
        let amount = |minor| Amount { minor, currency };
        Counted {
            count: tally.count,
            value: amount(tally.value),
            weighted: amount(tally.weighted),
        }
    }
}

/// One month of the period, or its overdue deals.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MonthRow {
    /// "2026-01", or "overdue"
    pub month: String,
    target: Option<Amount>,
    closed: Amount,
    commit: Amount,
    best_case: Amount,
    weighted: Amount,
    forecast: Amount,
    /// Closed, once the month has begun
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<Amount>,
    /// What was forecast when the month began, once it is over
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast_at_open: Option<Amount>,
}

/// Target − measure, for every measure.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Gaps {
    closed: Amount,
    commit: Amount,
    best_case: Amount,
    upside: Amount,
    weighted: Amount,
}

/// The forecast of a period.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForecastData {
    /// Label; dates are in basis
    pub period: String,
    /// The headline measure
    pub measure: &'static str,
    /// The headline
    pub forecast: Amount,
    pub target: Option<Amount>,
    pub closed: Amount,
    worst_case: Amount,
    pub commit: Amount,
    pub best_case: Amount,
    pub upside: Amount,
    pub weighted: Amount,
    /// target − forecast
    pub gap_to_target: Option<Amount>,
    /// −gap
    variance: Option<Amount>,
    gaps: Option<Gaps>,
    /// closed ÷ target
    pub attainment: Option<Fraction>,
    /// Open value due ÷ target
    pub pipeline_coverage: Option<Multiple>,
    /// The same ÷ (target − closed)
    coverage_of_remaining: Option<Multiple>,
    /// 1 ÷ win rate of the trailing twelve months
    pub coverage_needed: Option<Multiple>,
    goal_coverage_met: Option<bool>,
    /// Once the period is over
    forecast_at_open: Option<Amount>,
    /// Open deals due that count
    pub open: Counted,
    by_month: Vec<MonthRow>,
    /// Where closed may end up
    landing: Option<Landing>,
    /// In the period
    pub overdue: Counted,
    /// From before, left out
    overdue_earlier: Counted,
    omitted: Counted,
    /// Why a figure is null
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: Reasons,
    // Whether the period is over, which the text words differently.
    #[serde(skip)]
    ended: bool,
}

/// A forecast with what its basis should say.
pub struct Forecast {
    /// The figures.
    pub data: ForecastData,
    /// How many deals were read.
    pub read: u64,
    /// Definitions that carry a figure of their own.
    pub definitions: Option<String>,
    /// What to say about it.
    pub assumptions: Vec<String>,
    /// What to warn of.
    pub warnings: Vec<Warning>,
}

/// The definitions the figures follow.
pub const DEFINITIONS: &[&str] = &[
    "commit = closed + open due in category commit; best_case adds category best_case; upside all but omitted",
    "weighted = closed + Σ value × probability, rounded per deal",
    "gap = target − forecast; attainment = closed ÷ target; coverage = open value due ÷ target",
    landing::DEFINITION,
];

/// Forecasts a period.
pub fn compute(
    asked: &Asked<'_>,
    filter: &Filter,
    period: &Period,
    measure: Option<Measure>,
    assumed_target: Option<i64>,
) -> Forecast {
    let portfolio = asked.portfolio;
    let settings = portfolio.settings();
    let (currency, today) = (settings.currency, asked.day());
    let measure = measure.unwrap_or(settings.headline_measure);
    let amount = |minor: i64| Amount { minor, currency };
    let ended = period.has_ended(asked.today);

    let months: Vec<Period> = period
        .months()
        .into_iter()
        .map(|first| period.clip(&Period::month(first)))
        .collect();
    let spans: Vec<Span> = months.iter().map(Span::of).collect();
    let figures = PeriodFigures::of(portfolio, filter, Span::of(period), &spans, today);
    let measures = &figures.measures;
    let forecast = measures.get(measure);

    let mut reasons = Reasons::new();
    let mut assumptions = Vec::new();
    let mut target = target::find(portfolio, filter, period);
    if let Some(assumed) = assumed_target {
        assumptions.push(format!(
            "The target of {} is assumed for this question only; no month has a part of it.",
            currency.show(assumed)
        ));
        // The months of a target on record would not add up to the one assumed.
        target = Target {
            total: Some(assumed),
            ..Target::default()
        };
    }
    assumptions.append(&mut target.notes);
    let mut null = |figure: &'static str, reason: &'static str| {
        reasons.insert(figure.to_owned(), reason);
    };
    if let Some(reason) = target.reason {
        for figure in [
            "target",
            "gap_to_target",
            "attainment",
            "pipeline_coverage",
            "coverage_of_remaining",
        ] {
            null(figure, reason);
        }
    }
    let attainment = target
        .total
        .and_then(|target| Ratio::of(measures.closed, target))
        .map(Fraction);
    if target.total == Some(0) {
        null("attainment", "zero_target");
    }
    let (mut coverage, mut remaining) = (None, None);
    if let Some(target) = target.total {
        if ended {
            null("pipeline_coverage", "period_ended");
            null("coverage_of_remaining", "period_ended");
        } else {
            coverage = Ratio::of(figures.open.value, target);
            remaining = Ratio::of(figures.open.value, target - measures.closed);
            if coverage.is_none() {
                null("pipeline_coverage", "zero_target");
            }
            if remaining.is_none() {
                null("coverage_of_remaining", "target_met");
            }
        }
    }
    let year = Span {
        start: day(add_days(add_months(asked.today, -12), 1)),
        end: today,
    };
    let closed = WonLost::of(portfolio, &filter.without_stage(), year);
    let win_rate = Share {
        part: closed.won,
        whole: closed.won + closed.lost,
    };
    let needed = Ratio::of(win_rate.whole.cast_signed(), closed.won.cast_signed());
    if needed.is_none() {
        null(
            "coverage_needed",
            if closed.lost == 0 {
                "no_closed_deals"
            } else {
                "no_won_deals"
            },
        );
    }
    let definitions = win_rate.rate().map(|rate| {
        format!(
            "coverage_needed = 1 ÷ win rate of the trailing twelve months ({})",
            Fraction(rate)
        )
    });

    let at_open = ended.then(|| forecast_at_open(portfolio, filter, period, measure));
    if at_open.is_some_and(|at_open| at_open.amount.is_none()) {
        null("forecast_at_open", "not_recorded");
    }
    let of_months: Vec<Option<AtOpen>> = months
        .iter()
        .map(|month| {
            let is_period = month.start == period.start && month.end == period.end;
            let over = month.has_ended(asked.today) && !is_period;
            over.then(|| forecast_at_open(portfolio, filter, month, measure))
        })
        .collect();
    for (month, at_open) in months.iter().zip(&of_months) {
        if at_open.is_some_and(|at_open| at_open.amount.is_none()) {
            reasons.insert(
                format!("by_month.{}.forecast_at_open", month.label),
                "not_recorded",
            );
        }
    }
    let of_months_over = months
        .iter()
        .zip(&of_months)
        .filter_map(|(month, at_open)| Some((month, (*at_open)?)));
    let of_all = at_open.map(|at_open| (period, at_open)).into_iter();
    assumptions.extend(at_open::notes(of_all.chain(of_months_over)));

    let month_row = |(place, month): (usize, &Period)| {
        let of_month = figures.parts.get(place).copied().unwrap_or_default();
        let begun = month.start <= asked.today;
        let then = of_months.get(place).copied().flatten().or(at_open);
        MonthRow {
            month: month.label.clone(),
            target: target
                .months
                .get(place)
                .and_then(|(_, target)| *target)
                .map(amount),
            actual: begun.then(|| amount(of_month.closed)),
            forecast_at_open: then.and_then(|then| then.amount).map(amount),
            ..row(String::new(), &of_month, measure, currency)
        }
    };
    let mut by_month: Vec<MonthRow> = months.iter().enumerate().map(month_row).collect();
    if figures.overdue.count > 0 && !ended {
        by_month.push(row(
            "overdue".to_owned(),
            &figures.overdue_measures,
            measure,
            currency,
        ));
    }

    let landing = (!ended).then(|| {
        let span = Span::of(period);
        Landing::of(portfolio, filter, span, measures.closed, target.total)
    });
    if ended {
        reasons.insert("landing".to_owned(), "period_ended");
    } else if let (Some(reason), None) = (target.reason, target.total) {
        reasons.insert("landing.chance_of_target".to_owned(), reason);
    }

    let mut warnings = Vec::new();
    warnings.extend(super::warnings::about(
        "overdue",
        &figures.overdue,
        currency,
        &if ended {
            "due in the period and still open, in no measure.".to_owned()
        } else {
            let listed = super::warnings::listed("overdue", Some(period));
            format!("overdue in the period, still counted: {listed}.")
        },
    ));
    warnings.extend(super::warnings::about(
        "overdue_earlier",
        &figures.overdue_before,
        currency,
        "overdue since before the period, left out.",
    ));
    warnings.extend(super::warnings::about(
        "undated",
        &figures.undated,
        currency,
        &format!(
            "without expected close, in no period: {}.",
            super::warnings::listed("undated", None)
        ),
    ));
    warnings.extend(super::warnings::no_rate(&figures.foreign, portfolio));

    let gap = |measure: i64| target.total.map(|target| amount(target - measure));
    let data = ForecastData {
        period: period.label.clone(),
        measure: measure.word(),
        forecast: amount(forecast),
        target: target.total.map(amount),
        closed: amount(measures.closed),
        worst_case: amount(measures.closed),
        commit: amount(measures.commit),
        best_case: amount(measures.best_case),
        upside: amount(measures.upside),
        weighted: amount(measures.weighted),
        gap_to_target: gap(forecast),
        variance: target.total.map(|target| amount(forecast - target)),
        gaps: target.total.map(|target| Gaps {
            closed: amount(target - measures.closed),
            commit: amount(target - measures.commit),
            best_case: amount(target - measures.best_case),
            upside: amount(target - measures.upside),
            weighted: amount(target - measures.weighted),
        }),
        attainment,
        goal_coverage_met: coverage
            .map(|coverage| coverage >= Ratio::hundredths(settings.goals.coverage)),
        pipeline_coverage: coverage.map(Multiple),
        coverage_of_remaining: remaining.map(Multiple),
        coverage_needed: needed.map(Multiple),
        forecast_at_open: at_open.and_then(|at_open| at_open.amount).map(amount),
        open: Counted::new(&figures.open, currency),
        by_month,
        landing,
        overdue: Counted::new(&figures.overdue, currency),
        overdue_earlier: Counted::new(&figures.overdue_before, currency),
        omitted: Counted::new(&figures.omitted, currency),
        reasons,
        ended,
    };
    Forecast {
        data,
        definitions,
        read: figures.read,
        assumptions,
        warnings,
    }
}

fn row(month: String, measures: &Measures, measure: Measure, currency: Currency) -> MonthRow {
    let amount = |minor: i64| Amount { minor, currency };
    MonthRow {
        month,
        target: None,
        closed: amount(measures.closed),
        commit: amount(measures.commit),
        best_case: amount(measures.best_case),
        weighted: amount(measures.weighted),
        forecast: amount(measures.get(measure)),
        actual: None,
        forecast_at_open: None,
    }
}
