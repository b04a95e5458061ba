//! An exact ratio: two whole numbers that are divided only where a figure is written. So no figure is
//! rounded twice, and comparing two of them sees what rounding would hide.

use std::cmp::Ordering;

use super::money::divide;

/// A ratio of two whole numbers; the lower one is positive.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    part: i64,
    whole: i64,
}

impl Ratio {
    /// The ratio of a part to a whole; `None` unless the whole is positive.
    pub const fn of(part: i64, whole: i64) -> Option<Ratio> {
        if whole > 0 {
            Some(Ratio { part, whole })
        } else {
            None
        }
    }

    /// So many of ten thousand: how settings and probabilities are kept.
    pub const fn basis_points(part: i64) -> Ratio {
        Ratio {
            part,
            whole: 10_000,
        }
    }

    /// So many of a hundred.
    pub const fn hundredths(part: i64) -> Ratio {
        Ratio { part, whole: 100 }
    }

    /// A whole number.
    pub const fn whole(number: i64) -> Ratio {
        Ratio {
            part: number,
            whole: 1,
        }
    }

    /// How many parts of a unit it comes to when a unit has so many, rounded half-up once.
    pub fn in_parts(self, per_unit: i64) -> i64 {
        let parts = i128::from(self.part) * i128::from(per_unit);
        // Beyond an `i64` lies no figure of a portfolio; the nearest one stands for it.
        divide(parts, i128::from(self.whole)).unwrap_or(if self.part < 0 {
            i64::MIN
        } else {
            i64::MAX
        })
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let (this, that) = (
            i128::from(self.part) * i128::from(other.whole),
            i128::from(other.part) * i128::from(self.whole),
        );
        this.cmp(&that)
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_compared_exactly_and_rounded_once() {
        let (a, b) = (Ratio::of(50, 101).unwrap(), Ratio::of(99, 200).unwrap());
        assert!(a > b); // 10,000 of 20,200 against 9,999 of 20,200
        assert_eq!(a.in_parts(1_000), b.in_parts(1_000)); // 495 of a thousand, both
        assert_eq!(Ratio::of(1, 2), Ratio::of(2, 4));
        assert_eq!(Ratio::of(7, 13).unwrap().in_parts(1_000), 538); // 53.846…
        assert_eq!(Ratio::of(-1, 8).unwrap().in_parts(100), -13);
        assert_eq!(Ratio::of(1, 0), None);
    }
}
