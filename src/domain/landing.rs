//! Where a period may close: the distribution of what is won already and of what each open deal adds,
//! every deal independent at its probability (DEFINITIONS section 5, "landing distribution"). Amounts
//! go in and come out as exact minor units; probabilities are floats, and no money is one.
#![allow(
    clippy::float_arithmetic,
    reason = "probabilities are floats; amounts are not"
)]

use super::money::BasisPoints;
use super::ratio::Ratio;

/// Up to this many deals every outcome counts by itself.
const EXACT: usize = 20;
/// Of more deals than this, the largest so many are added up and the others enter by their moments.
const CONVOLVED: usize = 2_000;
/// What is less likely than this at either end is left out.
const NEGLIGIBLE: f64 = 1e-13;
/// Sums of floats may miss a probability they should reach by this much.
const SLACK: f64 = 1e-11;

/// Where a period closes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Landing {
    /// The smallest amount that closing stays at or below with probability 10 %.
    pub p10: i64,
    /// With 50 %.
    pub p50: i64,
    /// With 90 %.
    pub p90: i64,
    /// The chance of reaching the target, when there is one.
    pub chance: Option<f64>,
    /// How many deals may or may not close.
    pub deals: usize,
    /// How it was found.
    pub method: Method,
}

/// How a distribution was found, and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Over all outcomes.
    Exact,
    /// On a fine grid: within a thousandth of the spread.
    Convolved,
    /// The largest on a grid, the others by matched moments: no chance is off by more than this.
    Matched(f64),
}

/// Parts of one that a probability is written down in, finer than any is known.
const FINE: i64 = 1_000_000_000;

/// A probability as a ratio, to be rounded when it is shown.
pub fn ratio(probability: f64) -> Option<Ratio> {
    Ratio::of((probability * FINE as f64).round() as i64, FINE)
}

/// One deal that may close: what it adds, and how likely.
#[derive(Debug, Clone, Copy)]
struct Bet {
    value: i64,
    chance: f64,
}

impl Bet {
    /// What it adds to the variance of a sum when it is shared by the two points of a grid around it.
    fn widens(self, step: f64) -> f64 {
        let upper = (self.value as f64 / step).fract();
        self.chance * upper * (1.0 - upper) * step * step
    }

    fn variance(self) -> f64 {
        let value = self.value as f64;
        value * value * self.chance * (1.0 - self.chance)
    }

    fn third_moment(self) -> f64 {
        let (p, q) = (self.chance, 1.0 - self.chance);
        (self.value as f64).powi(3) * p * q * (p * p + q * q)
    }
}

/// Finds where a period closes that has `closed` already, may win each of some deals (value,
/// probability), and is to reach a target.
pub fn landing(
    closed: i64,
    deals: impl Iterator<Item = (i64, BasisPoints)>,
    target: Option<i64>,
) -> Landing {
    let mut certain = closed;
    let mut bets = Vec::new();
    for (value, probability) in deals {
        match probability {
            0 => {}
            10_000.. => certain += value,
            _ if value == 0 => {}
            _ => bets.push(Bet {
                value,
                chance: f64::from(probability) / 10_000.0,
            }),
        }
    }
    // What is still to be won for the target, beyond what is certain.
    let needed = target.map(|target| target - certain);
    let count = bets.len();
    let (quantiles, chance, method) = if count <= EXACT {
        let halves = Halves::of(&bets);
        let chance = needed.map(|needed| 1.0 - halves.at_most(needed - 1));
        let quantile = |share| halves.quantile(share);
        ([0.1, 0.5, 0.9].map(quantile), chance, Method::Exact)
    } else {
        on_a_grid(bets, needed)
    };
    let [p10, p50, p90] = quantiles.map(|amount| certain + amount);
    Landing {
        p10,
        p50,
        p90,
        chance: chance.map(|chance| match needed {
            Some(..=0) => 1.0,
            _ => chance.clamp(0.0, 1.0),
        }),
        deals: count,
        method,
    }
}

/// All outcomes of two halves of some deals: a million of both together are never written down.
struct Halves {
    /// Sums with their probabilities, ascending.
    left: Vec<(i64, f64)>,
    /// Sums, ascending, with the probability of being at or below each.
    right: Vec<(i64, f64)>,
}

impl Halves {
    fn of(bets: &[Bet]) -> Halves {
        let (one, other) = bets.split_at(bets.len() / 2);
        let mut right = outcomes(other);
        let mut below = 0.0;
        for (_, probability) in &mut right {
            below += *probability;
            *probability = below;
        }
        Halves {
            left: outcomes(one),
            right,
        }
    }

    /// The probability of at most an amount.
    fn at_most(&self, amount: i64) -> f64 {
        let mut end = self.right.len();
        let mut sum = 0.0;
        for (value, probability) in &self.left {
            while end > 0
                && self
                    .right
                    .get(end - 1)
                    .is_some_and(|(other, _)| value + other > amount)
            {
                end -= 1;
            }
            let below = end.checked_sub(1).and_then(|last| self.right.get(last));
            sum += probability * below.map_or(0.0, |(_, below)| *below);
        }
        sum
    }

    /// The smallest amount that the sum stays at or below with a probability.
    fn quantile(&self, share: f64) -> i64 {
        let last = |sums: &[(i64, f64)]| sums.last().map_or(0, |(value, _)| *value);
        let (mut low, mut high) = (0, last(&self.left) + last(&self.right));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at_most(middle) + SLACK >= share {
                high = middle
            } else {
                low = middle + 1
            }
        }
        low
    }
}

/// Every sum that some deals may come to, with its probability, ascending.
fn outcomes(bets: &[Bet]) -> Vec<(i64, f64)> {
    let mut sums = vec![(0, 1.0)];
    for bet in bets {
        let won: Vec<(i64, f64)> = sums
            .iter()
            .map(|(sum, probability)| (sum + bet.value, probability * bet.chance))
            .collect();
        for (_, probability) in &mut sums {
            *probability *= 1.0 - bet.chance;
        }
        sums.extend(won);
        sums.sort_unstable_by_key(|(sum, _)| *sum);
    }
    sums
}

/// The same for many deals: the quantiles, the chance and the method.
fn on_a_grid(mut bets: Vec<Bet>, needed: Option<i64>) -> ([i64; 3], Option<f64>, Method) {
    let spread = bets.iter().map(|bet| bet.variance()).sum::<f64>().sqrt();
    let largest = bets.len().min(CONVOLVED);
    // The largest go onto the grid, the smallest first: the sums stay short for long.
    bets.sort_unstable_by_key(|bet| std::cmp::Reverse(bet.value));
    let (on_grid, others) = bets.split_at(largest);
    let step = step_of(on_grid, spread, needed);
    let mut grid = Grid::new(step);
    on_grid.iter().rev().for_each(|bet| grid.add(*bet));

    let rest = Rest::of(others, grid.added_variance);
    let sum = Sum::of(&grid, &rest);
    let quantile = |share: f64| sum.amount(sum.quantile(share)).round() as i64;
    let chance = needed.map(|needed| {
        // What stands on a point counts as reaching it; halfway to the point below does not.
        let places = (needed as f64 - step / 2.0 - sum.amount(0)) / step;
        1.0 - sum.at_most(places.ceil() as i64 - 1)
    });
    let method = if others.is_empty() {
        Method::Convolved
    } else {
        Method::Matched(rest.error)
    };
    ([0.1, 0.5, 0.9].map(quantile), chance, method)
}

/// The step of a grid on which the quantiles of a spread are within a thousandth of it. Putting a deal
/// between two points widens the sum a little; the step is fine enough that all deals together add less
/// than a thousandth of the variance.
fn step_of(bets: &[Bet], spread: f64, needed: Option<i64>) -> f64 {
    let by_target = needed.filter(|needed| *needed > 0);
    let by_target = by_target.map_or(f64::INFINITY, |needed| needed as f64 / 1_000.0);
    let mut step = (spread / 500.0).min(by_target).floor().max(1.0);
    while step > 1.0 {
        let added: f64 = bets.iter().map(|bet| bet.widens(step)).sum();
        if added <= spread * spread / 1_000.0 {
            break;
        }
        step = (step * 0.8).floor().max(1.0);
    }
    step
}

/// Probabilities of sums on evenly spaced points.
struct Grid {
    step: f64,
    /// The place of the first point.
    first: i64,
    points: Vec<f64>,
    /// How many at the front are as good as impossible, and passed over.
    passed: usize,
    /// What the next deal is added into; its room is used again.
    spare: Vec<f64>,
    /// By how much putting deals between points widened the sum.
    added_variance: f64,
}

impl Grid {
    fn new(step: f64) -> Grid {
        Grid {
            step,
            first: 0,
            points: vec![1.0],
            passed: 0,
            spare: Vec::new(),
            added_variance: 0.0,
        }
    }

    /// Adds a deal, its value shared by the two points around it so that the mean stays exact.
    fn add(&mut self, bet: Bet) {
        let places = bet.value as f64 / self.step;
        let whole = places.floor();
        let upper = places - whole;
        let shift = whole as usize;
        let lost = 1.0 - bet.chance;
        let (low, high) = (bet.chance * (1.0 - upper), bet.chance * upper);
        self.added_variance += bet.widens(self.step);
        let from = self.points.get(self.passed..).unwrap_or_default();
        self.spare.clear();
        // Where the deal is lost the points stay, where it is won they move up; what overlaps is summed
        // in one go, because this is where the time goes.
        let overlap = from.len().saturating_sub(shift + 1);
        let (alone, lost_too) = from.split_at(from.len() - overlap);
        self.spare.extend(alone.iter().map(|point| point * lost));
        self.spare.resize(shift + 1, 0.0);
        if let (Some(at), Some(point)) = (self.spare.get_mut(shift), from.first()) {
            *at += point * low;
        }
        let (lower, upper) = (from.get(1..).unwrap_or_default(), from);
        let won = lower.iter().zip(upper);
        let both = lost_too.iter().zip(won.clone());
        self.spare
            .extend(both.map(|(point, (below, above))| point * lost + below * low + above * high));
        let won_only = won.skip(overlap);
        self.spare
            .extend(won_only.map(|(below, above)| below * low + above * high));
        self.spare.extend(from.last().map(|point| point * high));
        std::mem::swap(&mut self.points, &mut self.spare);
        self.passed = 0;
        self.trim();
    }

    /// Drops the ends that are as good as impossible.
    fn trim(&mut self) {
        let is_likely = |probability: &f64| *probability > NEGLIGIBLE;
        let start = self.points.iter().position(is_likely).unwrap_or(0);
        let end = self
            .points
            .iter()
            .rposition(is_likely)
            .map_or(1, |last| last + 1);
        self.points.truncate(end);
        self.passed = start;
        self.first += start as i64;
    }

    fn points(&self) -> &[f64] {
        self.points.get(self.passed..).unwrap_or_default()
    }
}

/// The deals that are too many to be added up one by one.
struct Rest {
    mean: f64,
    spread: f64,
    /// No chance is off by more than this.
    error: f64,
}

impl Rest {
    /// `widened` is what the grid added to the variance of the others; here it is taken off again.
    fn of(bets: &[Bet], widened: f64) -> Rest {
        let mean = bets.iter().map(|bet| bet.value as f64 * bet.chance).sum();
        let variance: f64 = bets.iter().map(|bet| bet.variance()).sum();
        let third: f64 = bets.iter().map(|bet| bet.third_moment()).sum();
        // The bound of Berry and Esseen, with the constant that was proved for unequal parts.
        let error = if variance > 0.0 {
            (0.56 * third / variance.powf(1.5)).min(1.0)
        } else {
            0.0
        };
        Rest {
            mean,
            spread: (variance - widened).max(0.0).sqrt(),
            error,
        }
    }
}

/// Grid and rest together. Only what is asked of it is ever added up.
struct Sum<'a> {
    grid: &'a Grid,
    mean: f64,
    /// The probability that the grid stays below each of its points, and one more of all.
    below: Vec<f64>,
    /// How many steps up or down the rest reaches, for all that matters.
    reach: i64,
    /// The probability that the rest adds at most so many steps to its mean, from −reach to reach.
    rest: Vec<f64>,
}

impl Sum<'_> {
    fn of<'a>(grid: &'a Grid, rest: &Rest) -> Sum<'a> {
        let mut below = vec![0.0];
        let mut sum = 0.0;
        below.extend(grid.points().iter().map(|probability| {
            sum += probability;
            sum
        }));
        let reach = (rest.spread * 8.0 / grid.step).ceil() as i64;
        let steps = |steps: i64| normal((steps as f64 + 0.5) * grid.step / rest.spread);
        Sum {
            grid,
            mean: rest.mean,
            below,
            reach,
            rest: if reach == 0 {
                vec![1.0]
            } else {
                (-reach..=reach).map(steps).collect()
            },
        }
    }

    /// The amount that a place stands for.
    fn amount(&self, place: i64) -> f64 {
        (self.grid.first + place) as f64 * self.grid.step + self.mean
    }

    /// The probability of staying at or below a place.
    fn at_most(&self, place: i64) -> f64 {
        let points = self.grid.points().len() as i64;
        // Points so far below that the rest cannot matter count whole.
        let from = (place - self.reach).clamp(0, points);
        let to = (place + self.reach + 1).clamp(from, points);
        let whole = self.below.get(from as usize).copied().unwrap_or(1.0);
        let near = self.grid.points().get(from as usize..to as usize);
        // The nearest point needs the most of the rest: its table is read from the top.
        let top = (place - from + self.reach + 1).clamp(0, self.rest.len() as i64);
        let rest = self.rest.get(..top as usize).unwrap_or_default();
        let pairs = near.unwrap_or_default().iter().zip(rest.iter().rev());
        whole + pairs.map(|(point, rest)| point * rest).sum::<f64>()
    }

    /// The lowest place that the sum stays at or below with a probability.
    fn quantile(&self, share: f64) -> i64 {
        let (mut low, mut high) = (
            -self.reach,
            self.grid.points().len() as i64 - 1 + self.reach,
        );
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at_most(middle) + SLACK < share {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The standard normal distribution, to seven decimals (Abramowitz and Stegun 26.2.17).
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let polynomial = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let upper = density * polynomial;
    if z >= 0.0 { 1.0 - upper } else { upper }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
