//! What is usual for a customer: how the value of a deal compares with that of the customer's others
//! (DEFINITIONS section 4, "far from the customer's norm").

use rustc_hash::FxHashSet;

use super::deal::Deal;
use super::portfolio::Portfolio;
use super::texts::NONE;

/// From so many other deals on there is a norm.
const ENOUGH: usize = 3;

/// This many times the norm, or this part of it, is far from it.
const FAR: i128 = 10;

/// The deals whose value is far from their customer's norm.
#[derive(Debug, Clone, Default)]
pub struct Norms {
    far: FxHashSet<u32>,
}

/// The values of each customer's deals, whatever became of them, in order.
struct Values {
    values: Vec<i64>,
    /// Where the values of each customer begin, and after the last where they end.
    starts: Vec<u32>,
}

impl Norms {
    /// Compares every deal with the others of its customer.
    pub fn of(portfolio: &Portfolio) -> Norms {
        let values = Values::of(portfolio);
        let deals = portfolio.chunks().flat_map(|chunk| chunk.deals());
        let far = deals.filter(|deal| values.is_far(deal));
        Norms {
            far: far.map(|deal| deal.number).collect(),
        }
    }

    /// Whether a deal's value is ten times or more, or a tenth or less, of the median of at least three
    /// other deals of its customer.
    pub fn is_far(&self, deal: &Deal) -> bool {
        self.far.contains(&deal.number)
    }
}

impl Values {
    /// Sorts the deals of every customer.
    fn of(portfolio: &Portfolio) -> Values {
        let deals = || {
            let deals = portfolio.chunks().flat_map(|chunk| chunk.deals());
            deals.filter(|deal| has_norm(deal))
        };
        let mut starts: Vec<u32> = Vec::new();
        for deal in deals() {
            let place = deal.customer as usize + 2;
            if starts.len() <= place {
                starts.resize(place + 1, 0);
            }
            if let Some(count) = starts.get_mut(place) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        // Each start moves to the end of its customer's values, which is where the next one's begin.
        let mut values = vec![0; sum as usize];
        for deal in deals() {
            if let Some(next) = starts.get_mut(deal.customer as usize + 1) {
                if let Some(value) = values.get_mut(*next as usize) {
                    *value = deal.value;
                }
                *next += 1;
            }
        }
        let mut norms = Values { values, starts };
        for customer in 0..norms.starts.len().saturating_sub(1) {
            let (from, to) = norms.ends(customer);
            if let Some(values) = norms.values.get_mut(from..to) {
                values.sort_unstable();
            }
        }
        norms
    }

    fn ends(&self, customer: usize) -> (usize, usize) {
        let at = |place: usize| self.starts.get(place).map_or(0, |start| *start as usize);
        (at(customer), at(customer + 1))
    }

    fn is_far(&self, deal: &Deal) -> bool {
        if !has_norm(deal) {
            return false;
        }
        let (from, to) = self.ends(deal.customer as usize);
        let values = self.values.get(from..to).unwrap_or_default();
        let (Ok(own), Some(others)) = (
            values.binary_search(&deal.value),
            values.len().checked_sub(1),
        ) else {
            return false;
        };
        if others < ENOUGH {
            return false;
        }
        // The others in order are the values without one that is the deal's own.
        let other = |place: usize| {
            let place = if place < own { place } else { place + 1 };
            values.get(place).copied().unwrap_or_default()
        };
        let twice = i128::from(other((others - 1) / 2)) + i128::from(other(others / 2));
        is_above(deal.value, twice) || twice > 0 && 2 * FAR * i128::from(deal.value) <= twice
    }
}

/// Whether a value is far above a median, of which this is twice.
fn is_above(value: i64, twice: i128) -> bool {
    twice > 0 && 2 * i128::from(value) >= FAR * twice
}

/// What one deal is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Norm {
    /// How many other deals the customer has.
    pub others: usize,
    /// The median of their values.
    pub median: i64,
    /// Whether the deal's value is ten times that or more.
    pub is_above: bool,
}

impl Norm {
    /// The norm for a deal; `None` where there is none. It costs what the customer's deals cost to look at.
    pub fn of(deal: &Deal, portfolio: &Portfolio) -> Option<Norm> {
        if !has_norm(deal) {
            return None;
        }
        let all = portfolio.deals_of(deal.customer).iter();
        let others = all.filter_map(|number| portfolio.deal(*number));
        let mut values: Vec<i64> = others
            .map(|found| found.deal)
            .filter(|other| other.customer == deal.customer && other.number != deal.number)
            .filter(|other| has_norm(other))
            .map(|other| other.value)
            .collect();
        if values.len() < ENOUGH {
            return None;
        }
        values.sort_unstable();
        let at = |place: usize| i128::from(values.get(place).copied().unwrap_or_default());
        let twice = at((values.len() - 1) / 2) + at(values.len() / 2);
        Some(Norm {
            others: values.len(),
            median: i64::try_from(twice / 2).unwrap_or(i64::MAX),
            is_above: is_above(deal.value, twice),
        })
    }
}

/// Whether a deal has a customer, and a value to compare.
fn has_norm(deal: &Deal) -> bool {
    deal.customer != NONE && !deal.foreign
}
