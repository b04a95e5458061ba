//! How a segment, or all of a portfolio, performs (DEFINITIONS section 4): what is counted of it, and the
//! figures that are shown of that, as far as they are asked for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::metrics::{Cycle, LostReason, Outcomes};
use super::slip::{SlipRate, Slips};
use super::warnings;
use crate::domain::change::Day;
use crate::domain::deal::Deal;
use crate::domain::filter::Tally;
use crate::domain::money::divide;
use crate::domain::portfolio::Portfolio;
use crate::domain::stage::Stage;
use crate::domain::statistics::Spread;
use crate::language::figures::{Amount, Average, Chosen, Days, Fraction, Rate, count_of};

/// A figure, or a few that belong together, that may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Win rate by count and by value.
    WinRate,
    /// Average deal size.
    DealSize,
    /// Days from identified to closed.
    Cycle,
    /// Money per day.
    Velocity,
    /// The open pipeline.
    Open,
    /// Slip rate.
    SlipRate,
    /// How many deals were found, and what became of them.
    Found,
    /// Lost deals by reason.
    LostReasons,
    /// Of all only: expansion rate.
    ExpansionRate,
    /// Of all only: won and lost by month or the like.
    ByPeriod,
    /// Of all only: sources.
    TopSources,
}

/// What is counted of a segment.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Won and lost in the period.
    pub outcomes: Outcomes,
    /// Open now.
    open: Tally,
    /// Open now, at qualified or later.
    qualified: u64,
    /// Due in the period when it opened.
    pub slips: Slips,
    /// How deals came to be, and what became of them.
    pub found: Finds,
    /// Open deals without a rate for their currency.
    pub foreign: Vec<u32>,
}

/// What was found, and what became of it.
#[derive(Debug, Clone, Default)]
pub struct Finds {
    deals: u64,
    won: u64,
    lost: u64,
    days_to_win: Spread,
    /// Signals detected, and those of them that led to no deal; of signals only.
    signals: Option<(u64, u64)>,
    /// Won before the day they are counted from.
    pub backwards: u64,
}

impl Finds {
    /// Counts a deal, which came from what was seen on a day.
    pub fn add(&mut self, deal: &Deal, seen: Day) {
        self.deals += 1;
        if deal.is_won() {
            self.won += 1;
            // A day that is not known lies after every other.
            match deal.close.checked_sub(seen) {
                Some(days) if days >= 0 => self.days_to_win.add(i64::from(days)),
                _ => self.backwards += 1,
            }
        } else if !deal.is_open() {
            self.lost += 1;
        }
    }

    /// Counts a signal.
    pub fn add_signal(&mut self, led_to_a_deal: bool) {
        let (detected, without_deal) = self.signals.get_or_insert_default();
        *detected += 1;
        *without_deal += u64::from(!led_to_a_deal);
    }

    /// How many deals.
    pub fn deals(&self) -> u64 {
        self.deals
    }

    fn merge(&mut self, other: &Finds) {
        self.deals += other.deals;
        self.won += other.won;
        self.lost += other.lost;
        self.days_to_win.merge(&other.days_to_win);
        self.backwards += other.backwards;
        if let Some((detected, without_deal)) = other.signals {
            let all = self.signals.get_or_insert_default();
            all.0 += detected;
            all.1 += without_deal;
        }
    }

    fn show(&self) -> Found {
        Found {
            signals: self.signals.map(|(detected, _)| detected),
            signals_without_deal: self.signals.map(|(_, without_deal)| without_deal),
            deals: self.deals,
            won: self.won,
            lost: self.lost,
            open: self.deals - self.won - self.lost,
            days_to_win: Average {
                mean: self.days_to_win.mean().map(Days),
                median: self.days_to_win.median().map(Days),
                n: self.days_to_win.count(),
            },
        }
    }
}

impl Account {
    /// Counts an open deal.
    pub fn add_open(&mut self, deal: &Deal, portfolio: &Portfolio) {
        self.open.add(deal, portfolio);
        self.qualified += u64::from(deal.stage >= Stage::Qualified);
        self.foreign.extend(deal.foreign.then_some(deal.number));
    }

    /// Counts what others counted.
    pub fn merge(&mut self, other: &Account) {
        self.outcomes.merge(&other.outcomes);
        self.open.merge(&other.open);
        self.qualified += other.qualified;
        self.slips.merge(&other.slips);
        self.found.merge(&other.found);
        self.foreign.extend_from_slice(&other.foreign);
    }

    /// The open deals.
    pub fn open(&self) -> Tally {
        self.open
    }

    /// Money per day in minor units, from its four figures as they are shown; or why there is none.
    pub fn velocity(&self) -> Result<i64, &'static str> {
        let rate = self.outcomes.share(false).rate().ok_or("no_closed_deals")?;
        let size = self.outcomes.avg_won().ok_or("no_won_deals")?;
        let cycle = self.outcomes.cycle_of_won().ok_or("no_cycle")?;
        let (rate, tenths_of_days) = (rate.in_parts(10_000), cycle.in_parts(10));
        let money = i128::from(self.qualified) * i128::from(size) * i128::from(rate);
        divide(money, i128::from(tenths_of_days) * 1_000).ok_or("no_cycle")
    }

    /// The figures asked for. Those of open deals have no meaning in a segment of time: such deals have
    /// not closed in any.
    pub fn show(&self, portfolio: &Portfolio, columns: &[Column], is_of_time: bool) -> Figures {
        let currency = portfolio.settings().currency;
        let amount = |minor| Amount { minor, currency };
        let shows = |column| columns.contains(&column);
        let shown = self.outcomes.show(portfolio, false);
        let velocity = if is_of_time {
            Err("open_deals_have_not_closed")
        } else {
            self.velocity()
        };
        let mut reasons = shown.reasons;
        reasons.retain(|figure, _| match *figure {
            "win_rate" | "win_rate_by_value" => shows(Column::WinRate),
            "avg_deal_size" => shows(Column::DealSize),
            _ => shows(Column::Cycle),
        });
        if shows(Column::Cycle) && shown.cycle_days.won.mean.is_none() {
            reasons.insert("avg_sales_cycle_days", "no_won_cycle");
        }
        if let Err(reason) = velocity
            && shows(Column::Velocity)
        {
            reasons.insert("velocity", reason);
        }
        if shows(Column::Open) && is_of_time {
            reasons.insert("open", "open_deals_have_not_closed");
        }
        if let Some(reason) = self.slips.reason()
            && shows(Column::SlipRate)
        {
            reasons.insert("slip_rate", reason);
        }
        Figures {
            won: shown.won,
            lost: shown.lost,
            won_value: shown.won_value,
            lost_value: shown.lost_value,
            win_rate: shows(Column::WinRate).then_some(shown.win_rate),
            win_rate_by_value: Chosen::when(shows(Column::WinRate), shown.win_rate_by_value),
            avg_deal_size: shows(Column::DealSize).then_some(shown.avg_deal_size),
            avg_sales_cycle_days: Chosen::when(shows(Column::Cycle), shown.cycle_days.won.mean),
            cycle_days: shows(Column::Cycle).then_some(shown.cycle_days),
            velocity: Chosen::when(shows(Column::Velocity), velocity.ok().map(amount)),
            open: (shows(Column::Open) && !is_of_time).then(|| Open {
                count: self.open.count,
                value: amount(self.open.value),
                weighted_value: amount(self.open.weighted),
                qualified: self.qualified,
            }),
            slip_rate: shows(Column::SlipRate).then(|| self.slips.show()),
            found: shows(Column::Found).then(|| self.found.show()),
            lost_reasons: shows(Column::LostReasons).then_some(shown.lost_reasons),
            reasons,
        }
    }
}

/// The open pipeline of a segment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Open {
    pub count: u64,
    pub value: Amount,
    pub weighted_value: Amount,
    /// At qualified or later
    qualified: u64,
}

/// What was found, and what became of it by now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signals_without_deal: Option<u64>,
    deals: u64,
    won: u64,
    lost: u64,
    open: u64,
    /// From identified, or detected by signal
    days_to_win: Average<Days>,
}

impl Found {
    /// "8 deals: 4 won in 39.5 days, 2 lost, 2 open".
    pub fn text(&self) -> String {
        let days = self.days_to_win.mean;
        let days = days.map_or_else(String::new, |days| format!(" in {days} days"));
        let signals = match (self.signals, self.signals_without_deal) {
            (Some(signals), Some(0)) => {
                format!("{}, ", count_of(signals, "signal", "signals"))
            }
            (Some(signals), Some(without)) => {
                let signals = count_of(signals, "signal", "signals");
                format!("{signals} ({without} without a deal), ")
            }
            _ => String::new(),
        };
        format!(
            "{signals}{}: {} won{days}, {} lost, {} open",
            warnings::deals(self.deals),
            self.won,
            self.lost,
            self.open
        )
    }
}

/// A segment in figures.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Figures {
    pub won: u64,
    pub lost: u64,
    pub won_value: Amount,
    pub lost_value: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub win_rate: Option<Rate>,
    #[serde(skip_serializing_if = "Chosen::is_left_out")]
    pub win_rate_by_value: Chosen<Fraction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg_deal_size: Option<Average<Amount>>,
    /// Won deals
    #[serde(skip_serializing_if = "Chosen::is_left_out")]
    pub avg_sales_cycle_days: Chosen<Days>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle_days: Option<Cycle>,
    /// Money per day
    #[serde(skip_serializing_if = "Chosen::is_left_out")]
    pub velocity: Chosen<Amount>,
    /// Now, whatever the period
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Open>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slip_rate: Option<SlipRate>,
    /// Identified in the period asked, else all on record
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_reasons: Option<Vec<LostReason>>,
    /// Why a figure is null
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<&'static str, &'static str>,
}
