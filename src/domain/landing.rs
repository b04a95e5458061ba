//! Where a period may close: the distribution of what is won already and of what each open deal adds,
//! every deal independent at its probability (DEFINITIONS section 5, "landing distribution"). Amounts
//! go in and come out as exact minor units; probabilities are floats, and no money is one.
#![allow(
    clippy::float_arithmetic,
    reason = "probabilities are floats; amounts are not"
)]

mod grid;

use super::money::BasisPoints;
use super::ratio::Ratio;

/// Up to this many deals every outcome counts by itself.
const EXACT: usize = 20;
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
    /// On a fine grid: within a thousandth of the spread, and exact where the values share a step that
    /// is coarse enough.
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
        grid::landing(bets, needed)
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
