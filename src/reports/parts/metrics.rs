//! Won and lost deals of a span, counted once for every figure that rests on them: rates, sizes,
//! cycles, reasons (DEFINITIONS section 4).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::warnings;
use crate::domain::change::NO_DAY;
use crate::domain::deal::Deal;
use crate::domain::filter::{Filter, Tally};
use crate::domain::measure::Span;
use crate::domain::money::Currency;
use crate::domain::portfolio::Portfolio;
use crate::domain::progress::Reasons;
use crate::domain::ratio::Ratio;
use crate::domain::settings::Settings;
use crate::domain::statistics::{Amounts, Share, Spread};
use crate::domain::texts::NONE;
use crate::language::basis::Warning;
use crate::language::clean;
use crate::language::figures::{Amount, Average, Days, Fraction, Rate, or_dash};
use crate::reports::Asked;

/// How a lost deal without a reason is listed.
pub const NOT_RECORDED: &str = "not recorded";

/// Won and lost deals counted.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    /// Won and lost.
    pub won: u64,
    /// Lost deals.
    pub lost: u64,
    /// Deals still open (with `basis: created` only).
    pub open: u64,
    lost_value: i64,
    sizes: Amounts,
    cycle_won: Spread,
    cycle_lost: Spread,
    reasons: Reasons,
    /// Closed before they were identified: in rates and totals, not in the cycle.
    pub backwards: u64,
    /// Closed without an identified date, by state: not in the cycle either.
    pub unidentified: [Tally; 3],
    /// Without a rate for their currency: counted, in no sum.
    pub foreign: Vec<u32>,
}

impl Outcomes {
    /// Counts a deal.
    pub fn add(&mut self, deal: &Deal) {
        if deal.is_open() {
            self.open += 1;
            return;
        }
        let won = deal.is_won();
        if won {
            self.won += 1
        } else {
            self.lost += 1
        }
        if deal.foreign {
            self.foreign.push(deal.number);
        } else if won {
            self.sizes.add(deal.value);
        } else {
            self.lost_value += deal.value;
        }
        if !won {
            let value = if deal.foreign { 0 } else { deal.value };
            self.reasons.add(deal.lost_reason, value);
        }
        if deal.identified == NO_DAY {
            self.add_unidentified(deal);
        } else if deal.close < deal.identified {
            self.backwards += 1;
        } else {
            let days = i64::from(deal.close - deal.identified);
            if won {
                self.cycle_won.add(days)
            } else {
                self.cycle_lost.add(days)
            }
        }
    }

    // Few lack the date, and counting them must not slow down the others.
    #[cold]
    fn add_unidentified(&mut self, deal: &Deal) {
        if let Some(of_state) = self.unidentified.get_mut(usize::from(deal.state())) {
            of_state.count += 1;
            of_state.value += if deal.foreign { 0 } else { deal.value };
        }
    }

    /// Counts what others counted.
    pub fn merge(&mut self, other: &Outcomes) {
        self.won += other.won;
        self.lost += other.lost;
        self.open += other.open;
        self.lost_value += other.lost_value;
        self.sizes.merge(&other.sizes);
        self.cycle_won.merge(&other.cycle_won);
        self.cycle_lost.merge(&other.cycle_lost);
        self.reasons.merge(&other.reasons);
        self.backwards += other.backwards;
        for (all, more) in self.unidentified.iter_mut().zip(&other.unidentified) {
            all.merge(more);
        }
        self.foreign.extend_from_slice(&other.foreign);
    }

    /// What to say about the deals that are in no cycle: of these figures a reader would expect all.
    pub fn warnings(&self, currency: Currency) -> impl Iterator<Item = Warning> {
        let backwards = (self.backwards > 0).then(|| {
            let message = format!(
                "Closed before identified, left out of the cycle: {}.",
                self.backwards
            );
            Warning::new("no_cycle", message)
        });
        let what = "without identified date, left out of the cycle.";
        let unidentified = warnings::about_all("no_cycle", &self.unidentified, currency, what);
        backwards.into_iter().chain(unidentified)
    }

    /// Why figures are null, by their names.
    fn why_null(&self, whole: u64) -> BTreeMap<&'static str, &'static str> {
        let mut reasons = BTreeMap::new();
        let mut null = |figure, is_null: bool, reason| {
            if is_null {
                reasons.insert(figure, reason);
            }
        };
        null("win_rate", whole == 0, "no_closed_deals");
        null(
            "win_rate_by_value",
            self.won_value() + self.lost_value == 0,
            "no_closed_value",
        );
        null("avg_deal_size", self.sizes.count() == 0, "no_won_deals");
        null(
            "cycle_days",
            self.cycle_won.count() + self.cycle_lost.count() == 0,
            "no_closed_deals",
        );
        reasons
    }

    /// How many are closed.
    pub fn closed(&self) -> u64 {
        self.won + self.lost
    }

    /// The win rate: won of closed or, for deals created in a period, won of all.
    pub fn share(&self, created: bool) -> Share {
        let open = if created { self.open } else { 0 };
        Share {
            part: self.won,
            whole: self.closed() + open,
        }
    }

    /// Won value, in minor units.
    pub fn won_value(&self) -> i64 {
        self.sizes.sum()
    }

    /// The mean closed value of won deals, in minor units.
    pub fn avg_won(&self) -> Option<i64> {
        self.sizes.mean()
    }

    /// The mean cycle of won deals, in days.
    pub fn cycle_of_won(&self) -> Option<Ratio> {
        self.cycle_won.mean()
    }

    /// Days from identified to closed.
    pub fn cycle(&self) -> Cycle {
        let mut all = self.cycle_won.clone();
        all.merge(&self.cycle_lost);
        Cycle {
            won: days(&self.cycle_won),
            lost: days(&self.cycle_lost),
            all: days(&all),
        }
    }

    /// As an answer shows it.
    pub fn show(&self, portfolio: &Portfolio, created: bool) -> WinLoss {
        let currency = portfolio.settings().currency;
        let amount = |minor| Amount { minor, currency };
        let share = self.share(created);
        let whole = share.whole;
        WinLoss {
            won: self.won,
            lost: self.lost,
            win_rate: share.into(),
            still_open: Ratio::of(self.open.cast_signed(), whole.cast_signed())
                .filter(|_| created)
                .map(Fraction),
            win_rate_by_value: Ratio::of(self.won_value(), self.won_value() + self.lost_value)
                .map(Fraction),
            won_value: amount(self.won_value()),
            lost_value: amount(self.lost_value),
            avg_deal_size: Average {
                mean: self.sizes.mean().map(amount),
                median: self.sizes.median().map(amount),
                n: self.sizes.count(),
            },
            cycle_days: self.cycle(),
            lost_reasons: lost_reasons(&self.reasons, portfolio),
            reasons: self.why_null(whole),
        }
    }
}

/// The goals for closed deals, met or missed by the exact figures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Goals {
    pub goal: Fraction,
    /// Null of nothing
    pub goal_met: Option<bool>,
    pub goal_cycle_days: i64,
    /// All closed, on average below it
    pub goal_cycle_met: Option<bool>,
}

impl Goals {
    /// Compares a win rate and the cycle of all closed deals with the goals.
    pub fn of(share: Share, cycle: &Cycle, settings: &Settings) -> Goals {
        let goal = Ratio::basis_points(i64::from(settings.goals.win_rate));
        let days = Ratio::whole(settings.goals.cycle_days);
        Goals {
            goal: Fraction(goal),
            goal_met: share.rate().map(|rate| rate >= goal),
            goal_cycle_days: settings.goals.cycle_days,
            goal_cycle_met: cycle.all.mean.map(|mean| mean.0 < days),
        }
    }

    /// "Goal: win rate 30.0%, met."; `None` where nothing can be held against it.
    pub fn of_win_rate(&self) -> Option<String> {
        let met = met(self.goal_met?);
        Some(format!("Goal: win rate {}, {met}.", self.goal))
    }

    /// "Goal: sales cycle under 45 days, missed."
    pub fn of_cycle(&self) -> Option<String> {
        let (days, met) = (self.goal_cycle_days, met(self.goal_cycle_met?));
        Some(format!("Goal: sales cycle under {days} days, {met}."))
    }
}

const fn met(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

/// The reasons deals were lost for, the most frequent first.
pub fn lost_reasons(counted: &Reasons, portfolio: &Portfolio) -> Vec<LostReason> {
    let currency = portfolio.settings().currency;
    let mut reasons: Vec<LostReason> = counted
        .iter()
        .map(|(reason, count, value)| LostReason {
            reason: if *reason == NONE {
                NOT_RECORDED.to_owned()
            } else {
                clean(portfolio.text(*reason), 60)
            },
            count: *count,
            value_lost: Amount {
                minor: *value,
                currency,
            },
        })
        .collect();
    reasons.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
    reasons
}

fn days(spread: &Spread) -> Average<Days> {
    Average {
        mean: spread.mean().map(Days),
        median: spread.median().map(Days),
        n: spread.count(),
    }
}

/// A reason deals were lost for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LostReason {
    reason: String,
    count: u64,
    value_lost: Amount,
}

impl LostReason {
    /// "budget 2 ($20,000)".
    pub fn text(&self) -> String {
        format!("{} {} ({})", self.reason, self.count, self.value_lost)
    }
}

/// Days from identified to closed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Cycle {
    /// Won
    pub won: Average<Days>,
    lost: Average<Days>,
    /// Won and lost
    pub all: Average<Days>,
}

/// Won and lost deals in figures.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WinLoss {
    pub won: u64,
    pub lost: u64,
    pub win_rate: Rate,
    /// basis created: share still open
    #[serde(skip_serializing_if = "Option::is_none")]
    still_open: Option<Fraction>,
    pub win_rate_by_value: Option<Fraction>,
    pub won_value: Amount,
    pub lost_value: Amount,
    pub avg_deal_size: Average<Amount>,
    pub cycle_days: Cycle,
    pub lost_reasons: Vec<LostReason>,
    /// Why a figure is null
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<&'static str, &'static str>,
}

impl WinLoss {
    /// Deals still open, of those counted by when they were identified.
    pub fn open(&self) -> Option<u64> {
        self.still_open
            .map(|_| self.win_rate.of - self.won - self.lost)
    }

    /// The figures in a line or two.
    pub fn text(&self) -> String {
        let (so_far, open) = match (self.still_open, self.open()) {
            (Some(share), Some(open)) => (
                " of all identified so far",
                format!(", {open} still open ({share})"),
            ),
            _ => ("", String::new()),
        };
        format!(
            "Win rate{so_far} {}: {} won, {} lost{open}. By value {} ({} won, {} lost). \
             Average deal {} (median {}). Cycle {} days won, {} lost, {} all.",
            self.win_rate,
            self.won,
            self.lost,
            or_dash(self.win_rate_by_value),
            self.won_value,
            self.lost_value,
            or_dash(self.avg_deal_size.mean),
            or_dash(self.avg_deal_size.median),
            or_dash(self.cycle_days.won.mean),
            or_dash(self.cycle_days.lost.mean),
            or_dash(self.cycle_days.all.mean),
        )
    }
}

/// The deals a win rate counts: closed in a span, or created (identified) in it.
pub fn counted<'a>(
    asked: &'a Asked<'_>,
    filter: &'a Filter,
    span: Span,
    created: bool,
) -> impl Iterator<Item = &'a Deal> {
    asked.each(filter).filter(move |deal| {
        if created {
            span.contains(deal.identified)
        } else {
            !deal.is_open() && span.contains(deal.close)
        }
    })
}
