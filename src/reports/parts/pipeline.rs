//! The pipeline by stage and type, and what changed lately (DEFINITIONS section 3).

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use super::metrics::LostReason;
use super::what_if::{Figure, Measured};
use crate::domain::calendar::add_days;
use crate::domain::change::{Day, NO_DAY};
use crate::domain::days::day;
use crate::domain::filter::{Filter, Tally, is_overdue};
use crate::domain::measure::Span;
use crate::domain::money::Currency;
use crate::domain::period::Period;
use crate::domain::portfolio::Portfolio;
use crate::domain::progress::{Activity, Progress, activity};
use crate::domain::ratio::Ratio;
use crate::domain::stage::{ExpansionType, OPEN_STAGES, Stage};
use crate::domain::statistics::Spread;
use crate::domain::texts::NONE;
use crate::language::figures::{Amount, Average, Days, Fraction};

/// One stage of the pipeline.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StageBreakdown {
    pub stage: &'static str,
    pub count: u64,
    pub value: Amount,
    pub weighted_value: Amount,
    /// Of open value
    share: Option<Fraction>,
    /// Deals now in the stage
    pub avg_days_in_stage: Option<Days>,
    median_days_in_stage: Option<Days>,
    /// Finished stays
    avg_days_to_exit: Average<Days>,
    /// converted ÷ (converted + lost)
    pub conversion_rate: Option<Fraction>,
    converted: u64,
    lost: u64,
    /// Not decided yet, left out
    unresolved: u64,
    conversion_interval: Option<[Fraction; 2]>,
}

/// One type.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TypeTotal {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub count: u64,
    pub value: Amount,
    weighted_value: Amount,
}

impl StageBreakdown {
    /// The figures that a what-if compares.
    pub fn measures(&self) -> Vec<Measured> {
        of_row(self.stage, self.count, self.value, self.weighted_value)
    }
}

impl TypeTotal {
    /// The figures that a what-if compares.
    pub fn measures(&self) -> Vec<Measured> {
        of_row(self.kind, self.count, self.value, self.weighted_value)
    }
}

fn of_row(row: &str, count: u64, value: Amount, weighted: Amount) -> Vec<Measured> {
    vec![
        Measured::part("count", Figure::count(count)).within(row),
        Measured::part("value", Figure::Amount(value)).within(row),
        Measured::part("weighted_value", Figure::Amount(weighted)).within(row),
    ]
}

/// What happened in a span of days.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Window {
    start: String,
    end: String,
    new: u64,
    new_value: Amount,
    moved_forward: u64,
    moved_back: u64,
    reopened: u64,
    closed_won: u64,
    won_value: Amount,
    closed_lost: u64,
    lost_value: Amount,
}

/// This week to date, last week to the same weekday, and the trailing seven days.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changes {
    pub new_this_week: u64,
    pub new_value: Amount,
    pub moved_forward: u64,
    moved_back: u64,
    reopened: u64,
    pub closed_won: u64,
    pub won_value: Amount,
    pub closed_lost: u64,
    pub lost_value: Amount,
    lost_reasons: Vec<LostReason>,
    week_start: String,
    /// To the same weekday
    last_week: Window,
    trailing_seven_days: Window,
}

impl StageBreakdown {
    /// Whether it is an open stage.
    pub fn is_open(&self) -> bool {
        Stage::OPEN.iter().any(|stage| stage.word() == self.stage)
    }
}

impl Changes {
    /// This week, last week and the trailing seven days, a line each.
    pub fn text(&self) -> String {
        let lost: Vec<String> = self.lost_reasons.iter().map(LostReason::text).collect();
        let lost = if lost.is_empty() {
            String::new()
        } else {
            format!(": {}", lost.join(", "))
        };
        format!(
            "This week: {} new ({}), {} moved forward, {} back, {} reopened, {} won ({}), {} lost ({}{lost}).\n\
             Last week to the same day: {}.\nTrailing seven days: {}.",
            self.new_this_week,
            self.new_value,
            self.moved_forward,
            self.moved_back,
            self.reopened,
            self.closed_won,
            self.won_value,
            self.closed_lost,
            self.lost_value,
            self.last_week.text(),
            self.trailing_seven_days.text(),
        )
    }
}

impl Window {
    fn text(&self) -> String {
        format!(
            "{} new ({}), {} forward, {} back, {} reopened, {} won ({}), {} lost ({})",
            self.new,
            self.new_value,
            self.moved_forward,
            self.moved_back,
            self.reopened,
            self.closed_won,
            self.won_value,
            self.closed_lost,
            self.lost_value,
        )
    }
}

/// Everything one pass over the portfolio gives.
pub struct Pipeline {
    /// Open deals that match, in the period if there is one.
    pub open: Tally,
    /// All six stages.
    pub by_stage: Vec<StageBreakdown>,
    /// All five types.
    pub by_type: Vec<TypeTotal>,
    /// Open deals by what a reader should know of them.
    pub overdue: Tally,
    /// Stale ones.
    pub stale: Tally,
    /// Ones without an expected close, left out of the period if there is one.
    pub undated: Tally,
    /// Ones without a customer.
    pub unassigned: Tally,
    /// Ones without an owner.
    pub no_owner: Tally,
    /// Ones whose value is far from the norm of their customer.
    pub off_norm: Tally,
    /// Ones whose probability by hand their stage contradicts.
    pub odd_probability: Tally,
    /// Ones without the date they entered their stage.
    pub undated_stage: Tally,
    /// Ones without a rate for their currency.
    pub foreign: Vec<u32>,
    /// Deals left out of conversion: open, won, lost.
    pub without_history: [Tally; 3],
    /// How many were read.
    pub read: u64,
}

/// Reads the pipeline. `closed` is the period for the closed stages.
pub fn compute(
    portfolio: &Portfolio,
    filter: &Filter,
    period: Option<&Period>,
    closed: &Period,
    today: Day,
) -> Pipeline {
    let settings = portfolio.settings();
    let currency = settings.currency;
    let amount = |minor| Amount { minor, currency };
    let progress = Progress::of(portfolio, &filter.without_stage());
    // Staleness is the organisation's norm, whatever part of it is asked about.
    let norm = if filter.without_stage().is_everything() {
        None
    } else {
        Some(Progress::of(portfolio, &Filter::default()))
    };
    let stale_after =
        Stage::OPEN.map(|stage| norm.as_ref().unwrap_or(&progress).stale_after(stage));
    let everything = filter.is_everything();
    let window = period.map(|period| (day(period.start), day(period.end)));

    let stale_before = stale_after.map(|days| i64::from(today) - days);
    let mut cells = [[Tally::default(); ExpansionType::ALL.len()]; Stage::ALL.len()];
    let mut ages: [Spread; OPEN_STAGES] = Default::default();
    let mut pipeline = Pipeline {
        open: Tally::default(),
        by_stage: Vec::new(),
        by_type: Vec::new(),
        overdue: Tally::default(),
        stale: Tally::default(),
        undated: Tally::default(),
        unassigned: Tally::default(),
        no_owner: Tally::default(),
        off_norm: Tally::default(),
        odd_probability: Tally::default(),
        undated_stage: Tally::default(),
        foreign: Vec::new(),
        without_history: progress.without_history,
        read: 0,
    };
    for deal in portfolio.due(NO_DAY, NO_DAY) {
        if everything || filter.matches(deal, portfolio) {
            pipeline.undated.add(deal, portfolio);
            pipeline.read += u64::from(window.is_some());
        }
    }
    let norms = portfolio.norms();
    let (from, to) = window.unwrap_or((Day::MIN, Day::MAX));
    for deal in portfolio.due(from, to) {
        if !everything && !filter.matches(deal, portfolio) {
            continue;
        }
        pipeline.read += 1;
        let tally = Tally::of(deal, settings);
        let place = usize::from(deal.stage.code());
        if let Some(cell) = cells
            .get_mut(place)
            .and_then(|types| types.get_mut(usize::from(deal.kind.code())))
        {
            cell.merge(&tally);
        }
        match (deal.days_in_stage(today), ages.get_mut(place)) {
            (Some(days), Some(ages)) => ages.add(i64::from(days)),
            _ => pipeline.undated_stage.merge(&tally),
        }
        if stale_before
            .get(place)
            .is_some_and(|before| i64::from(deal.stage_entered) < *before)
        {
            pipeline.stale.merge(&tally);
        }
        if is_overdue(deal, today) {
            pipeline.overdue.merge(&tally);
        }
        if deal.customer == NONE {
            pipeline.unassigned.merge(&tally);
        }
        if deal.csm == NONE && deal.sales_rep == NONE {
            pipeline.no_owner.merge(&tally);
        }
        if norms.is_far(deal) {
            pipeline.off_norm.merge(&tally);
        }
        if deal.is_contradicted(settings) {
            pipeline.odd_probability.merge(&tally);
        }
        if deal.foreign {
            pipeline.foreign.push(deal.number);
        }
    }
    for deal in portfolio.closed(day(closed.start), day(closed.end)) {
        if everything || filter.matches(deal, portfolio) {
            pipeline.read += 1;
            pipeline.foreign.extend(deal.foreign.then_some(deal.number));
            if let Some(cell) = cells
                .get_mut(usize::from(deal.stage.code()))
                .and_then(|types| types.first_mut())
            {
                cell.add(deal, portfolio);
            }
        }
    }
    let mut types = [Tally::default(); ExpansionType::ALL.len()];
    for of_stage in cells.iter().take(OPEN_STAGES) {
        for (kind, cell) in types.iter_mut().zip(of_stage) {
            kind.merge(cell);
        }
    }
    let stages = cells.map(|of_stage| {
        let mut stage = Tally::default();
        of_stage.iter().for_each(|cell| stage.merge(cell));
        stage
    });
    stages
        .iter()
        .take(Stage::OPEN.len())
        .for_each(|tally| pipeline.open.merge(tally));
    let total = pipeline.open.value;
    for (stage, tally) in Stage::ALL.into_iter().zip(&stages) {
        let place = usize::from(stage.code());
        let age = ages.get(place);
        let stays = progress.stays.get(place);
        let conversion = progress.conversion.get(place).copied().unwrap_or_default();
        let share = Ratio::of(tally.value, total);
        pipeline.by_stage.push(StageBreakdown {
            stage: stage.word(),
            count: tally.count,
            value: amount(tally.value),
            weighted_value: amount(tally.weighted),
            share: share.filter(|_| stage.is_open()).map(Fraction),
            avg_days_in_stage: age.and_then(Spread::mean).map(Days),
            median_days_in_stage: age.and_then(Spread::median).map(Days),
            avg_days_to_exit: Average {
                mean: stays.and_then(Spread::mean).map(Days),
                median: stays.and_then(Spread::median).map(Days),
                n: stays.map_or(0, Spread::count),
            },
            conversion_rate: conversion.share().rate().map(Fraction),
            converted: conversion.converted,
            lost: conversion.lost,
            unresolved: conversion.unresolved,
            conversion_interval: conversion
                .share()
                .interval()
                .map(|(low, high)| [Fraction(low), Fraction(high)]),
        });
    }
    pipeline.by_type = ExpansionType::ALL
        .into_iter()
        .zip(&types)
        .map(|(kind, tally)| TypeTotal {
            kind: kind.word(),
            count: tally.count,
            value: amount(tally.value),
            weighted_value: amount(tally.weighted),
        })
        .collect();
    pipeline
}

/// What happened this week to date, last week to the same weekday, and in the trailing seven days.
pub struct Lately {
    spans: [(NaiveDate, NaiveDate); 3],
    found: [Activity; 3],
}

impl Lately {
    /// Looks through the deals that a filter lets through.
    pub fn of(portfolio: &Portfolio, filter: &Filter, today: NaiveDate) -> Lately {
        let week = portfolio.settings().calendar.week_of(today);
        let spans = [
            (week, today),
            (add_days(week, -7), add_days(today, -7)),
            (add_days(today, -6), today),
        ];
        let days = spans.map(|(from, to)| Span {
            start: day(from),
            end: day(to),
        });
        Lately {
            spans,
            found: activity(portfolio, filter, &days),
        }
    }

    /// What changed this week against last week.
    pub fn shown(&self, portfolio: &Portfolio) -> Changes {
        let currency = portfolio.settings().currency;
        let [this, last_week, trailing] = &self.found;
        let [(week, _), last, seven] = self.spans;
        let amount = |minor| Amount { minor, currency };
        let window = |activity, (start, end)| show_window(activity, start, end, currency);
        Changes {
            new_this_week: this.new.0,
            new_value: amount(this.new.1),
            moved_forward: this.moved_forward,
            moved_back: this.moved_back,
            reopened: this.reopened,
            closed_won: this.won.0,
            won_value: amount(this.won.1),
            closed_lost: this.lost.0,
            lost_value: amount(this.lost.1),
            lost_reasons: super::metrics::lost_reasons(&this.lost_reasons, portfolio),
            week_start: week.to_string(),
            last_week: window(last_week, last),
            trailing_seven_days: window(trailing, seven),
        }
    }
}

fn show_window(
    activity: &Activity,
    start: NaiveDate,
    end: NaiveDate,
    currency: Currency,
) -> Window {
    let amount = |minor| Amount { minor, currency };
    Window {
        start: start.to_string(),
        end: end.to_string(),
        new: activity.new.0,
        new_value: amount(activity.new.1),
        moved_forward: activity.moved_forward,
        moved_back: activity.moved_back,
        reopened: activity.reopened,
        closed_won: activity.won.0,
        won_value: amount(activity.won.1),
        closed_lost: activity.lost.0,
        lost_value: amount(activity.lost.1),
    }
}
