//! What is usual for a customer: how the value of a deal compares with that of the customer's others
//! (DEFINITIONS section 4, "far from the customer's norm").

use super::deal::Deal;
use super::parallel;
use super::portfolio::Portfolio;
use super::texts::NONE;

/// From so many other deals on there is a norm.
const ENOUGH: u32 = 3;

/// This many times the norm, or this part of it, is far from it.
const FAR: i128 = 10;

/// What is usual for each customer, by customer number.
#[derive(Debug, Clone, Default)]
pub struct Norms(Vec<Middle>);

/// The middle of the values of a customer's deals: with one of them left out, the median lies in it.
#[derive(Debug, Clone, Copy, Default)]
struct Middle {
    /// How many deals beside one.
    others: u32,
    /// The values in order, from the lower median of so many on.
    middle: [i64; 3],
}

impl Norms {
    /// Sorts the deals of every customer, whatever became of them.
    pub fn of(portfolio: &Portfolio) -> Norms {
        // Nobody has more deals than were ever listed with them.
        let listed = portfolio.customer_deals.iter().map(|deals| deals.len());
        let mut ends: Vec<usize> = vec![0];
        ends.extend(listed.scan(0, |sum, listed| {
            *sum += listed;
            Some(*sum)
        }));
        let mut values = vec![0; ends.last().copied().unwrap_or(0)];
        let starts = ends.clone();
        let deals = portfolio.chunks().flat_map(|chunk| chunk.deals());
        for deal in deals.filter(|deal| has_norm(deal)) {
            if let Some(end) = ends.get_mut(deal.customer as usize) {
                if let Some(value) = values.get_mut(*end) {
                    *value = deal.value;
                }
                *end += 1;
            }
        }
        let mut rest = values.as_mut_slice();
        let mut of_customers = Vec::with_capacity(starts.len());
        let mut from = 0;
        for (start, end) in starts.into_iter().zip(ends) {
            let (_, after) = rest.split_at_mut_checked(start - from).unwrap_or_default();
            let (of_customer, after) = after.split_at_mut_checked(end - start).unwrap_or_default();
            of_customers.push(of_customer);
            (rest, from) = (after, end);
        }
        parallel::for_each(&mut of_customers, parallel::CUSTOMERS, |values| {
            values.sort_unstable()
        });
        Norms(
            of_customers
                .iter()
                .map(|values| Middle::of(values))
                .collect(),
        )
    }

    /// Whether a deal's value is ten times or more, or a tenth or less, of the median of at least three
    /// other deals of its customer.
    pub fn is_far(&self, deal: &Deal) -> bool {
        let norm = self.0.get(deal.customer as usize);
        has_norm(deal) && norm.is_some_and(|norm| norm.is_far(deal.value))
    }
}

impl Middle {
    /// The middle of sorted values.
    fn of(values: &[i64]) -> Middle {
        let others = values.len().saturating_sub(1);
        let mut middle = [0; 3];
        let lower = values.iter().skip(others.saturating_sub(1) / 2);
        middle
            .iter_mut()
            .zip(lower)
            .for_each(|(middle, value)| *middle = *value);
        Middle {
            others: others as u32,
            middle,
        }
    }

    /// Whether one of the values is far from the median of the others.
    fn is_far(&self, value: i64) -> bool {
        if self.others < ENOUGH {
            return false;
        }
        let [first, second, third] = self.middle;
        // Those from the left-out one on move down a place.
        let lower = if first < value { first } else { second };
        let upper = match self.others % 2 {
            1 => lower,
            _ if second < value => second,
            _ => third,
        };
        let twice = i128::from(lower) + i128::from(upper);
        is_above(value, twice) || twice > 0 && 2 * FAR * i128::from(value) <= twice
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
        if values.len() < ENOUGH as usize {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by leaving each value out in turn.
    fn is_far(values: &[i64], place: usize) -> bool {
        let mut others = values.to_vec();
        let value = i128::from(others.remove(place));
        let middle = |place: usize| others.get(place).copied().map_or(0, i128::from);
        let twice = middle(others.len().saturating_sub(1) / 2) + middle(others.len() / 2);
        others.len() >= 3 && twice > 0 && (value * 2 >= twice * 10 || value * 20 <= twice)
    }

    proptest! {
        #[test]
        fn each_value_is_compared_with_the_median_of_the_others(
            mut values in proptest::collection::vec(0..40_i64, 0..9),
        ) {
            values.sort_unstable();
            let norm = Middle::of(&values);
            for (place, value) in values.iter().enumerate() {
                prop_assert_eq!(norm.is_far(*value), is_far(&values, place));
            }
        }
    }
}
