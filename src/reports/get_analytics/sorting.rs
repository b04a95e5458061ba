//! What segments are sorted by. Rates, averages and what rests on them say little of few deals, so by
//! those only segments with enough deals are ranked (DEFINITIONS section 4); sums are what they are.

use crate::domain::ratio::Ratio;
use crate::language::vocabulary::pick_spoken;
use crate::refusal::Result;
use crate::reports::parts::performance::{Account, Column};
use crate::reports::parts::ranking::{Candidate, First, in_time, ranked};

/// A figure to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    WinRate,
    LowerBound,
    WonValue,
    DealSize,
    Cycle,
    Velocity,
    Open,
    SlipRate,
    Found,
}

const FIGURES: [(&str, By); 9] = [
    ("win_rate", By::WinRate),
    ("lower_bound", By::LowerBound),
    ("won_value", By::WonValue),
    ("avg_deal_size", By::DealSize),
    ("cycle_days", By::Cycle),
    ("velocity", By::Velocity),
    ("open", By::Open),
    ("slip_rate", By::SlipRate),
    ("found", By::Found),
];

const SPOKEN: [(&str, By); 4] = [
    ("rate", By::WinRate),
    ("avg_sales_cycle_days", By::Cycle),
    ("open_pipeline", By::Open),
    ("deals", By::Found),
];

/// An order of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    by: By,
    first: First,
}

/// The best first, by the rate observed.
const BEST: Sort = Sort {
    by: By::WinRate,
    first: First::Highest,
};

impl Sort {
    /// Reads "-won_value" or "cycle_days"; the hyphen in front puts the highest first. By lower_bound the
    /// best come first with it and without it.
    pub fn read(words: &str) -> Result<Sort> {
        let words = words.trim();
        let (first, name) = match words.strip_prefix('-') {
            Some(name) => (First::Highest, name),
            None => (First::Lowest, words),
        };
        let best_and_worst = [
            ("best", BEST),
            (
                "worst",
                Sort {
                    first: First::Lowest,
                    ..BEST
                },
            ),
        ];
        if let Some((_, sort)) = best_and_worst.iter().find(|(word, _)| *word == words) {
            return Ok(*sort);
        }
        let by = pick_spoken("figure to sort by", name, &FIGURES, &SPOKEN)?;
        // A low lower bound may only mean few deals, so it ranks the best and never the worst.
        let first = if by == By::LowerBound {
            First::Highest
        } else {
            first
        };
        Ok(Sort { by, first })
    }

    /// The column that shows what is sorted by.
    pub fn column(self) -> Column {
        match self.by {
            By::WinRate | By::LowerBound | By::WonValue => Column::WinRate,
            By::DealSize => Column::DealSize,
            By::Cycle => Column::Cycle,
            By::Velocity => Column::Velocity,
            By::Open => Column::Open,
            By::SlipRate => Column::SlipRate,
            By::Found => Column::Found,
        }
    }

    fn figure(self, of: &Account) -> Option<Ratio> {
        let closed = &of.outcomes;
        match self.by {
            By::WinRate => closed.share(false).rate(),
            By::LowerBound => closed.share(false).interval().map(|(low, _)| low),
            By::WonValue => Some(Ratio::whole(closed.won_value())),
            By::DealSize => closed.avg_won().map(Ratio::whole),
            By::Cycle => closed.cycle_of_won(),
            By::Velocity => of.velocity().ok().map(Ratio::whole),
            By::Open => Some(Ratio::whole(of.open().value)),
            By::SlipRate => of.slips.rate(),
            By::Found => Some(Ratio::whole(of.found.deals().cast_signed())),
        }
    }

    /// How many deals the figure rests on.
    fn size(self, of: &Account) -> u64 {
        match self.by {
            By::Open => of.open().count,
            By::SlipRate => of.slips.due(),
            By::Found => of.found.deals(),
            _ => of.outcomes.closed(),
        }
    }

    /// Which deals are counted to see whether they are enough.
    pub const fn rests_on(self) -> &'static str {
        match self.by {
            By::SlipRate => "due",
            _ => "closed",
        }
    }

    const fn is_of_a_sum(self) -> bool {
        matches!(self.by, By::WonValue | By::Open | By::Found)
    }
}

/// Segments in the order asked for; without one the best first, and stretches of time as time goes on.
pub fn ordered(
    named: Vec<(u64, String, Account)>,
    sort: Option<Sort>,
    is_of_time: bool,
    minimum: u64,
) -> Vec<(Option<usize>, Candidate<Account>)> {
    let by = sort.unwrap_or(BEST);
    let candidate = |(key, name, of): (u64, String, Account)| {
        let size = by.size(&of);
        Candidate {
            key,
            name,
            figure: by.figure(&of),
            size,
            is_enough: by.is_of_a_sum() || size >= minimum,
            of,
        }
    };
    let candidates = named.into_iter().map(candidate).collect();
    if is_of_time && sort.is_none() {
        in_time(candidates)
    } else {
        ranked(candidates, by.first)
    }
}
