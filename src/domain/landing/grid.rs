//! The same for many deals: their sums on evenly spaced points. Every deal is put onto the points so
//! that its mean and its variance stay what they are, so that however many there are nothing widens,
//! neither the whole nor the narrow heaps that a few large deals among many small ones make.

use super::{Bet, Method};

/// Of more deals than this, the largest so many are added up and the others enter by their moments.
const CONVOLVED: usize = 2_000;
/// What is less likely than this at either end is left out.
const NEGLIGIBLE: f64 = 1e-16;
/// What is left out and how floats are rounded may make a sum miss a probability by this much.
const SLACK: f64 = 1e-9;
/// How many times points to the spread go into deals: the work there is to be.
const WORK: usize = 2_000_000;

/// The quantiles, the chance and the method.
pub(super) fn landing(mut bets: Vec<Bet>, needed: Option<i64>) -> ([i64; 3], Option<f64>, Method) {
    let spread = bets.iter().map(|bet| bet.variance()).sum::<f64>().sqrt();
    let all: i64 = bets.iter().map(|bet| bet.value).sum();
    let unit = bets.iter().fold(0, |unit, bet| gcd(unit, bet.value)).max(1);
    let largest = bets.len().min(CONVOLVED);
    // The largest go onto the grid, the smallest first: the sums stay short for long.
    bets.sort_unstable_by_key(|bet| std::cmp::Reverse(bet.value));
    let (on_grid, others) = bets.split_at(largest);
    let step = Step::of(on_grid, spread, needed);
    let mut grid = Grid::new(step);
    on_grid.iter().rev().for_each(|bet| grid.add(*bet));

    let rest = Rest::of(others);
    let sum = Sum::of(&grid, &rest);
    let quantile = |share: f64| {
        // All sums are whole units, and none is beyond nothing and everything.
        let units = sum.amount(sum.quantile(share)) / unit as f64;
        (units.round() as i64 * unit).clamp(0, all)
    };
    let is_exact = others.is_empty() && on_grid.iter().all(|bet| step.holds(bet.value));
    let chance = needed.map(|needed| {
        // What stands on a point counts as reaching it. Where points only stand for what is around them,
        // halfway to the point below does not.
        let halfway = if is_exact { 0.0 } else { step.size() / 2.0 };
        let places = (needed as f64 - halfway - sum.amount(0)) / step.size();
        1.0 - sum.at_most(places.ceil() as i64 - 1)
    });
    let method = if others.is_empty() {
        Method::Convolved
    } else {
        Method::Matched(rest.error)
    };
    ([0.1, 0.5, 0.9].map(quantile), chance, method)
}

/// The greatest common divisor.
fn gcd(mut one: i64, mut other: i64) -> i64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// How far apart the points are: an amount divided by a whole number.
#[derive(Debug, Clone, Copy)]
struct Step {
    amount: i64,
    parts: i64,
}

impl Step {
    /// The step of a grid for some deals, the largest first. It divides what the deals share as far as
    /// that is not too fine, those that weigh most first: these lie on points, and where all do, and
    /// the step may be as coarse as what they share, every sum is exact.
    fn of(bets: &[Bet], spread: f64, needed: Option<i64>) -> Step {
        let fine = (WORK / bets.len().max(1)).clamp(1_000, 5_000) as f64;
        let finest = spread / fine / 2.0;
        let by_target = needed.filter(|needed| *needed > 0);
        let by_target = by_target.map_or(f64::INFINITY, |needed| needed as f64 / 1_000.0);
        let coarsest = (spread / fine).min(by_target).max(finest).floor().max(1.0) as i64;
        let shared = bets.iter().fold(0, |shared, bet| {
            let both = gcd(shared, bet.value);
            if shared == 0 || both as f64 >= finest {
                both
            } else {
                shared
            }
        });
        let whole = Step {
            amount: shared.max(1),
            parts: 1,
        };
        if bets.iter().all(|bet| whole.holds(bet.value)) {
            return whole;
        }
        Step {
            parts: whole.amount / coarsest + i64::from(whole.amount % coarsest != 0),
            ..whole
        }
    }

    fn size(self) -> f64 {
        self.amount as f64 / self.parts as f64
    }

    /// How many whole steps a value is, and which part of one is left.
    fn places(self, value: i64) -> (i64, f64) {
        let (parts, amount) = (
            i128::from(value) * i128::from(self.parts),
            i128::from(self.amount),
        );
        (
            (parts / amount) as i64,
            (parts % amount) as f64 / amount as f64,
        )
    }

    /// Whether a value is whole steps.
    fn holds(self, value: i64) -> bool {
        i128::from(value) * i128::from(self.parts) % i128::from(self.amount) == 0
    }
}

/// Probabilities of sums on evenly spaced points.
struct Grid {
    step: Step,
    /// The place of the first point.
    first: i64,
    /// What the place 0 stands for.
    origin: f64,
    points: Vec<f64>,
    /// How many at the front are as good as impossible, and passed over.
    passed: usize,
    /// What the next deal is added into; its room is used again.
    spare: Vec<f64>,
}

impl Grid {
    fn new(step: Step) -> Grid {
        Grid {
            step,
            first: 0,
            origin: 0.0,
            points: vec![1.0],
            passed: 0,
            spare: Vec::new(),
        }
    }

    /// Adds a deal: won, it is shared by the two points around its value, at weights that keep its mean
    /// and its variance.
    fn add(&mut self, bet: Bet) {
        let (whole, part) = self.step.places(bet.value);
        let steps = whole as f64 + part;
        if whole == 0 {
            // Smaller than a step: one down or up around its mean, for its variance.
            let side = steps * steps * bet.chance * (1.0 - bet.chance) / 2.0;
            self.first -= 1;
            self.origin += bet.value as f64 * bet.chance;
            self.join([side, 1.0 - 2.0 * side, side], 1);
            return;
        }
        let low = |chance: f64| chance * steps * (1.0 - part) / whole as f64;
        let high = |chance: f64| chance * steps * part / (whole as f64 + 1.0);
        let lost = |chance: f64| 1.0 - low(chance) - high(chance);
        let shift = whole as usize;
        if lost(bet.chance) >= 0.0 {
            self.join([lost(bet.chance), low(bet.chance), high(bet.chance)], shift);
            return;
        }
        // All but certain, and only a few steps: won, and then lost again the other way round.
        let again = 1.0 - bet.chance;
        self.origin += bet.value as f64;
        self.turn();
        self.join([lost(again), low(again), high(again)], shift);
        self.turn();
    }

    /// Turns the points about the place 0.
    fn turn(&mut self) {
        self.points.drain(..std::mem::take(&mut self.passed));
        self.points.reverse();
        self.first = 1 - self.first - self.points.len() as i64;
    }

    /// Adds what is 0, so many steps, or one more, with these probabilities.
    fn join(&mut self, [lost, low, high]: [f64; 3], shift: usize) {
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
    fn of(bets: &[Bet]) -> Rest {
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
            spread: variance.sqrt(),
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
        let step = grid.step.size();
        let reach = (rest.spread * 8.0 / step).ceil() as i64;
        let steps = |steps: i64| normal((steps as f64 + 0.5) * step / rest.spread);
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
        let Step { amount, parts } = self.grid.step;
        let steps = i128::from(self.grid.first + place) * i128::from(amount);
        steps as f64 / parts as f64 + self.grid.origin + self.mean
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
