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

    /// How far it lies above another: exact, unless the fraction has no room for that. Then it is off by
    /// less than any figure shows.
    #[must_use]
    pub fn minus(self, other: Ratio) -> Ratio {
        let [a, b, c, d] = [self.part, self.whole, other.part, other.whole].map(i128::from);
        let (mut part, mut whole) = if b == d {
            (a - c, b)
        } else {
            (a * d - c * b, b * d)
        };
        let shared = divisor(part.unsigned_abs(), whole.unsigned_abs()).cast_signed();
        (part, whole) = (part / shared, whole / shared);
        loop {
            match (i64::try_from(part), i64::try_from(whole)) {
                (Ok(part), Ok(whole)) => return Ratio { part, whole },
                _ => (part, whole) = (part / 2, (whole / 2).max(1)),
            }
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

/// The greatest whole number that divides both, of which the second is not 0.
fn divisor(mut a: u128, mut b: u128) -> u128 {
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
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

    #[test]
    fn the_difference_of_two_ratios_is_exact_or_as_good() {
        let of = |part, whole| Ratio::of(part, whole).unwrap();
        assert_eq!(of(1, 3).minus(of(1, 2)), of(-1, 6));
        assert_eq!(of(7, 9).minus(of(7, 9)), Ratio::whole(0));
        assert_eq!(of(0, 9).minus(of(0, 7)), Ratio::whole(0));
        // 10⁻¹⁵ above a half less as much below it: the exact fraction needs a hundred bits.
        let near = of(500_000_000_000_001, 1_000_000_000_000_000);
        let far = of(250_000_000_000_000, 500_000_000_000_001);
        assert_eq!(near.minus(far).in_parts(1_000_000_000_000_000), 2);
        assert_eq!(far.minus(near).in_parts(1_000_000_000_000_000), -2);
    }
}
