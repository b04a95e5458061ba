//! Rates, means, medians and intervals, exact until they are written. The only floats of the domain
//! are here, inside the Wilson interval; no money passes through them.

use super::money::divide;
use super::ratio::Ratio;

/// A won–lost style share: how many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub part: u64,
    /// The whole.
    pub whole: u64,
}

impl Share {
    /// The share; `None` of nothing.
    pub fn rate(self) -> Option<Ratio> {
        Ratio::of(self.part.cast_signed(), self.whole.cast_signed())
    }

    /// The 95 % Wilson interval; `None` of nothing.
    pub fn interval(self) -> Option<(Ratio, Ratio)> {
        let (low, high) = wilson(self.part, self.whole)?;
        Some((Ratio::of(low, FINE)?, Ratio::of(high, FINE)?))
    }
}

/// Parts of one that a bound is given in: so fine that rounding it again for the eye is rounding once.
const FINE: i64 = 1_000_000_000_000;

/// The 95 % Wilson interval (z = 1.959964) of `part` in `whole`, in parts of [`FINE`].
#[allow(clippy::float_arithmetic, reason = "a confidence bound, not money")]
fn wilson(part: u64, whole: u64) -> Option<(i64, i64)> {
    if whole == 0 {
        return None;
    }
    let z = 1.959_964_f64;
    let (part, whole) = (part as f64, whole as f64);
    let rate = part / whole;
    let centre = rate + z * z / (2.0 * whole);
    let spread = z * (rate * (1.0 - rate) / whole + z * z / (4.0 * whole * whole)).sqrt();
    let scale = 1.0 + z * z / whole;
    let bound = |value: f64| (value.clamp(0.0, 1.0) * FINE as f64).round() as i64;
    Some((
        bound((centre - spread) / scale),
        bound((centre + spread) / scale),
    ))
}

/// Whole numbers counted one by one: how many, their sum, and how often each small one came, so the
/// mean, the median and any percentile are exact without keeping a list.
#[derive(Debug, Clone, Default)]
pub struct Spread {
    count: u64,
    sum: i64,
    /// How often each number from 0 to [`DENSE`] came.
    dense: Vec<u32>,
    /// The rest.
    sparse: Vec<i64>,
}

const DENSE: usize = 4_096;

impl Spread {
    /// Counts a number.
    pub fn add(&mut self, number: i64) {
        let known = usize::try_from(number)
            .ok()
            .and_then(|place| self.dense.get_mut(place));
        match known {
            Some(times) => {
                *times += 1;
                self.count += 1;
                self.sum += number;
            }
            None => self.add_times(number, 1),
        }
    }

    /// Counts a number that came several times.
    pub fn add_times(&mut self, number: i64, times: u32) {
        self.count += u64::from(times);
        self.sum += number * i64::from(times);
        match usize::try_from(number) {
            Ok(place) if place < DENSE => {
                if self.dense.len() <= place {
                    self.dense.resize((place + 1).next_multiple_of(64), 0);
                }
                if let Some(known) = self.dense.get_mut(place) {
                    *known += times;
                }
            }
            _ => self
                .sparse
                .extend(std::iter::repeat_n(number, times as usize)),
        }
    }

    /// Counts what another spread counted.
    pub fn merge(&mut self, other: &Spread) {
        self.count += other.count;
        self.sum += other.sum;
        if self.dense.len() < other.dense.len() {
            self.dense.resize(other.dense.len(), 0);
        }
        for (times, more) in self.dense.iter_mut().zip(&other.dense) {
            *times += more;
        }
        self.sparse.extend_from_slice(&other.sparse);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean.
    pub fn mean(&self) -> Option<Ratio> {
        Ratio::of(self.sum, self.count.cast_signed())
    }

    /// The median: of an even number, the mean of the middle two.
    pub fn median(&self) -> Option<Ratio> {
        let (low, high) = (
            self.at(self.count.checked_sub(1)? / 2)?,
            self.at(self.count / 2)?,
        );
        Ratio::of(low + high, 2)
    }

    /// The nearest-rank percentile: the smallest number that at least `percent` of all do not exceed.
    pub fn percentile(&self, percent: u64) -> Option<i64> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        self.at(rank.checked_sub(1)?)
    }

    /// The number at a place in ascending order, from 0.
    fn at(&self, place: u64) -> Option<i64> {
        if place >= self.count {
            return None;
        }
        let mut sparse = self.sparse.clone();
        sparse.sort_unstable();
        let below = sparse.partition_point(|number| *number < 0) as u64;
        if place < below {
            return sparse.get(place as usize).copied();
        }
        let mut before = below;
        for (number, times) in self.dense.iter().enumerate() {
            before += u64::from(*times);
            if place < before {
                return i64::try_from(number).ok();
            }
        }
        sparse.get((place - before + below) as usize).copied()
    }
}

/// Amounts of money kept one by one, for a mean and a median.
#[derive(Debug, Clone, Default)]
pub struct Amounts {
    amounts: Vec<i64>,
    sum: i64,
}

impl Amounts {
    /// Keeps an amount in minor units.
    pub fn add(&mut self, amount: i64) {
        self.amounts.push(amount);
        self.sum += amount;
    }

    /// Keeps what others kept.
    pub fn merge(&mut self, other: &Amounts) {
        self.amounts.extend_from_slice(&other.amounts);
        self.sum += other.sum;
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.amounts.len() as u64
    }

    /// The sum.
    pub fn sum(&self) -> i64 {
        self.sum
    }

    /// The mean, rounded half-up to the minor unit.
    pub fn mean(&self) -> Option<i64> {
        divide(i128::from(self.sum), self.amounts.len() as i128)
    }

    /// The median, rounded half-up: of an even number, the mean of the middle two.
    pub fn median(&self) -> Option<i64> {
        let mut amounts = self.amounts.clone();
        let (before, middle, _) =
            (!amounts.is_empty()).then(|| amounts.select_nth_unstable(self.amounts.len() / 2))?;
        let middle = *middle;
        if self.amounts.len() % 2 == 1 {
            return Some(middle);
        }
        let below = before.iter().copied().max()?;
        divide(i128::from(below) + i128::from(middle), 2)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_of_twenty() {
        let share = Share {
            part: 15,
            whole: 20,
        };
        assert_eq!(share.rate(), Some(Ratio::basis_points(7_500)));
        let (low, high) = share.interval().unwrap();
        let bounds = [low, high].map(|bound| bound.in_parts(10_000));
        assert_eq!(bounds, [5_313, 8_881]); // by hand, and by two published tables
        assert_eq!(Share::default().rate(), None);
    }

    #[test]
    fn a_spread_agrees_with_a_sorted_list() {
        let numbers = [7_i64, 3, -4, 9_000, 3, 12, 5_000, 0];
        let mut spread = Spread::default();
        numbers.iter().for_each(|number| spread.add(*number));
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        let in_order: Vec<i64> = (0..8).map(|place| spread.at(place).unwrap()).collect();
        assert_eq!(in_order, sorted);
        assert_eq!(spread.median(), Some(Ratio::whole(5))); // 3 and 7
        assert_eq!(spread.percentile(90), Some(9_000));
        assert_eq!(spread.mean(), Ratio::of(14_021, 8));
    }
}
