//! The measures of a forecast (DEFINITIONS section 5): what one deal adds to each, and what a
//! portfolio comes to in a period. One reading for the forecast, the pipeline and a write's effect.

use super::change::Day;
use super::days::day;
use super::deal::Deal;
use super::filter::{Filter, Tally, is_overdue};
use super::money::weighted;
use super::period::Period;
use super::portfolio::Portfolio;
use super::settings::{Measure, Settings};
use super::stage::Category;

/// A span of days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub start: Day,
    /// The last day.
    pub end: Day,
}

impl Span {
    /// The days of a period.
    pub fn of(period: &Period) -> Span {
        Span {
            start: day(period.start),
            end: day(period.end),
        }
    }

    /// Whether a day lies in it.
    pub const fn contains(&self, day: Day) -> bool {
        self.start <= day && day <= self.end
    }

    /// Whether it is over.
    pub const fn has_ended(&self, today: Day) -> bool {
        self.end < today
    }
}

impl Measure {
    /// Whether it counts an open deal of a category that is due in its period.
    pub fn counts(self, category: Category) -> bool {
        match self {
            Measure::Closed | Measure::WorstCase => false,
            Measure::Commit => category == Category::Commit,
            Measure::BestCase => matches!(category, Category::Commit | Category::BestCase),
            Measure::Upside | Measure::Weighted => category != Category::Omitted,
        }
    }
}

/// The measures of a forecast, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measures {
    /// Won in the period; worst case is the same.
    pub closed: i64,
    /// Closed and the open deals in category commit.
    pub commit: i64,
    /// Commit and the open deals in category best_case.
    pub best_case: i64,
    /// Closed and all open deals due that are not omitted.
    pub upside: i64,
    /// Closed and the weighted value of the same deals.
    pub weighted: i64,
}

impl Measures {
    /// What one deal adds to the measures of a period. A period that has ended counts closed only.
    pub fn of(deal: &Deal, settings: &Settings, span: Span, today: Day) -> Measures {
        if deal.foreign || !span.contains(deal.close) {
            return Measures::default();
        }
        if deal.is_won() {
            let closed = deal.value;
            return Measures {
                closed,
                commit: closed,
                best_case: closed,
                upside: closed,
                weighted: closed,
            };
        }
        if !deal.is_open() || span.has_ended(today) {
            return Measures::default();
        }
        let category = deal.category(settings);
        if category == Category::Omitted {
            return Measures::default();
        }
        let counted = |measure: Measure, amount: i64| {
            if measure.counts(category) { amount } else { 0 }
        };
        let of_chance = weighted(deal.value, deal.probability(settings));
        Measures {
            closed: counted(Measure::Closed, deal.value),
            commit: counted(Measure::Commit, deal.value),
            best_case: counted(Measure::BestCase, deal.value),
            upside: counted(Measure::Upside, deal.value),
            weighted: counted(Measure::Weighted, of_chance),
        }
    }

    /// Adds another deal's or part's measures.
    pub fn add(&mut self, other: &Measures) {
        self.closed += other.closed;
        self.commit += other.commit;
        self.best_case += other.best_case;
        self.upside += other.upside;
        self.weighted += other.weighted;
    }

    /// One of them.
    pub const fn get(&self, measure: Measure) -> i64 {
        match measure {
            Measure::Closed | Measure::WorstCase => self.closed,
            Measure::Commit => self.commit,
            Measure::BestCase => self.best_case,
            Measure::Upside => self.upside,
            Measure::Weighted => self.weighted,
        }
    }
}

/// What a period comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeriodFigures {
    /// The measures of the whole period, overdue deals of the period included.
    pub measures: Measures,
    /// The measures of each part asked for, without overdue deals.
    pub parts: Vec<Measures>,
    /// The measures that the overdue deals of the period add.
    pub overdue_measures: Measures,
    /// Open deals due in the period that count in the measures.
    pub open: Tally,
    /// Those of them that are overdue.
    pub overdue: Tally,
    /// Open deals due before the period, left out of it.
    pub overdue_before: Tally,
    /// Open deals due in the period that are omitted.
    pub omitted: Tally,
    /// Deals won in the period.
    pub won: u64,
    /// Open deals without an expected close, left out.
    pub undated: Tally,
    /// Deals in the period whose currency has no rate, left out of all sums.
    pub foreign: Vec<u32>,
    /// How many deals were read.
    pub read: u64,
}

impl PeriodFigures {
    /// Reads a portfolio for a period and its parts (months), which must not overlap.
    pub fn of(
        portfolio: &Portfolio,
        filter: &Filter,
        span: Span,
        parts: &[Span],
        today: Day,
    ) -> PeriodFigures {
        let settings = portfolio.settings();
        let mut figures = PeriodFigures {
            parts: vec![Measures::default(); parts.len()],
            ..PeriodFigures::default()
        };
        let everything = filter.is_everything();
        let running = !span.has_ended(today);
        for deal in portfolio.closed(span.start, span.end) {
            if !deal.is_won() || !(everything || filter.matches(deal, portfolio)) {
                continue;
            }
            figures.read += 1;
            figures.won += 1;
            figures.foreign.extend(deal.foreign.then_some(deal.number));
            let added = Measures::of(deal, settings, span, today);
            figures.measures.add(&added);
            figures.add_to_part(parts, deal.close, &added);
        }
        for deal in portfolio.due(Day::MIN, span.end) {
            if !(everything || filter.matches(deal, portfolio)) {
                continue;
            }
            figures.read += 1;
            if deal.close < span.start {
                if is_overdue(deal, today) && deal.category(settings) != Category::Omitted {
                    figures.overdue_before.add(deal, portfolio);
                }
                continue;
            }
            figures.foreign.extend(deal.foreign.then_some(deal.number));
            if deal.category(settings) == Category::Omitted {
                figures.omitted.add(deal, portfolio);
                continue;
            }
            if !running {
                // Still open after the period: overdue, and in none of its measures.
                figures.overdue.add(deal, portfolio);
                continue;
            }
            figures.open.add(deal, portfolio);
            let added = Measures::of(deal, settings, span, today);
            figures.measures.add(&added);
            if is_overdue(deal, today) {
                figures.overdue.add(deal, portfolio);
                figures.overdue_measures.add(&added);
            } else {
                figures.add_to_part(parts, deal.close, &added);
            }
        }
        for deal in portfolio.due(Day::MAX, Day::MAX) {
            if everything || filter.matches(deal, portfolio) {
                figures.undated.add(deal, portfolio);
            }
        }
        figures
    }

    fn add_to_part(&mut self, parts: &[Span], day: Day, added: &Measures) {
        let part = parts.iter().position(|part| part.contains(day));
        if let Some(measures) = part.and_then(|part| self.parts.get_mut(part)) {
            measures.add(added);
        }
    }
}

/// The deals that may still add to the weighted measure of a period: open, due in it, not omitted.
pub fn in_play<'a>(
    portfolio: &'a Portfolio,
    filter: &'a Filter,
    span: Span,
) -> impl Iterator<Item = &'a Deal> {
    let settings = portfolio.settings();
    let everything = filter.is_everything();
    portfolio.due(span.start, span.end).filter(move |deal| {
        !deal.foreign
            && (everything || filter.matches(deal, portfolio))
            && deal.category(settings) != Category::Omitted
    })
}

/// Won and lost deals of a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WonLost {
    /// Deals won.
    pub won: u64,
    /// Deals lost.
    pub lost: u64,
}

impl WonLost {
    /// Counts the deals closed in a span.
    pub fn of(portfolio: &Portfolio, filter: &Filter, span: Span) -> WonLost {
        let mut counted = WonLost::default();
        if filter.is_everything() {
            for chunk in portfolio.chunks() {
                let (won, all) = chunk.closed().won_between(span.start, span.end);
                counted.won += won;
                counted.lost += all - won;
            }
            return counted;
        }
        for deal in portfolio.closed(span.start, span.end) {
            if filter.matches(deal, portfolio) {
                if deal.is_won() {
                    counted.won += 1
                } else {
                    counted.lost += 1
                }
            }
        }
        counted
    }
}
