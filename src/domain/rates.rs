//! Exchange rates (DEFINITIONS section 1, "Currency"): exact decimals, reporting units per one unit of
//! a currency, each from a day on. What they make of deals is `pricing`.

use std::collections::BTreeMap;

use super::change::Day;
use super::money::{Currency, LARGEST, divide};
use super::texts::{Text, Texts};

/// The most digits of a rate, before and after the point together: what a spreadsheet keeps, and
/// what still multiplies with the largest amount exactly.
const DIGITS: u32 = 18;

/// An exact decimal above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    digits: u64,
    decimals: u32,
}

impl Rate {
    /// Reads a rate as the log keeps it: digits with at most one point.
    pub fn parse(text: &str) -> Option<Rate> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{decimals}");
        // `parse` would take a sign, too.
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Rate::of(digits.parse().ok()?, u32::try_from(decimals.len()).ok()?)
    }

    /// The rate of so many units of 10^-decimals; `None` when it is not above zero or has more digits
    /// than are kept.
    pub fn of(mut digits: i128, mut decimals: u32) -> Option<Rate> {
        while decimals > 0 && digits % 10 == 0 {
            (digits, decimals) = (digits / 10, decimals - 1);
        }
        let fits = (1..10_i128.pow(DIGITS)).contains(&digits) && decimals <= DIGITS;
        Some(Rate {
            digits: u64::try_from(digits).ok().filter(|_| fits)?,
            decimals,
        })
    }

    /// The one way to write it: "1.08", "0.0067", "2".
    pub fn text(self) -> String {
        let places = self.decimals as usize;
        let digits = format!("{:0>width$}", self.digits, width = places + 1);
        let (whole, decimals) = digits.split_at(digits.len() - places);
        if decimals.is_empty() {
            whole.to_owned()
        } else {
            format!("{whole}.{decimals}")
        }
    }

    /// An amount in minor units of one currency as minor units of another, rounded half-up; `None`
    /// where it comes to more than [`LARGEST`], which sums are not made for.
    pub fn convert(self, minor: i64, from: Currency, to: Currency) -> Option<i64> {
        let scaled = i128::from(minor) * i128::from(self.digits);
        let numerator = scaled * i128::from(to.minor_per_major());
        let denominator = 10_i128.pow(self.decimals) * i128::from(from.minor_per_major());
        divide(numerator, denominator).filter(|converted| *converted <= LARGEST)
    }
}

/// Which rate: of a currency, on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateKey {
    /// The code of the currency (text).
    pub currency: Text,
    /// The day from which it holds.
    pub day: Day,
}

impl RateKey {
    /// The text under which the log keeps it: currency and day.
    pub fn text(&self) -> String {
        format!("{}|{}", self.currency, self.day)
    }

    /// Reads that text.
    pub fn parse(text: &str) -> Option<RateKey> {
        let (currency, day) = text.split_once('|')?;
        Some(RateKey {
            currency: currency.parse().ok()?,
            day: day.parse().ok()?,
        })
    }
}

/// The rates on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    of_day: BTreeMap<RateKey, (Currency, Rate)>,
    /// The latest day there ever was a rate of: every question asks for it.
    latest: Day,
}

impl Default for Rates {
    fn default() -> Self {
        Rates {
            of_day: BTreeMap::new(),
            latest: Day::MIN,
        }
    }
}

impl Rates {
    /// Puts a rate on record, or takes it off.
    pub(super) fn set(&mut self, key: RateKey, rate: Option<Rate>, texts: &Texts) {
        let currency = Currency::from_code(texts.get(key.currency));
        self.latest = self.latest.max(key.day);
        match currency.zip(rate) {
            Some(rate) => self.of_day.insert(key, rate),
            None => self.of_day.remove(&key),
        };
    }

    /// Every rate with its currency and the day from which it holds.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Day, Rate)> + '_ {
        self.of_day
            .iter()
            .map(|(key, (currency, rate))| (*currency, key.day, *rate))
    }

    /// The latest rate of a currency on or before a day, and since when it holds.
    pub fn on(&self, currency: Text, day: Day) -> Option<(Day, Rate)> {
        let (since, (_, rate)) = self.find(currency, day)?;
        Some((since, *rate))
    }

    /// Whether some rate may hold only from later than a day.
    pub fn reach_beyond(&self, day: Day) -> bool {
        self.latest > day
    }

    /// The same with the currency itself.
    pub(super) fn find(&self, currency: Text, day: Day) -> Option<(Day, &(Currency, Rate))> {
        let first = RateKey {
            currency,
            day: Day::MIN,
        };
        let (key, found) = self
            .of_day
            .range(first..=RateKey { currency, day })
            .next_back()?;
        Some((key.day, found))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    #[test]
    fn a_rate_is_an_exact_decimal_written_one_way() {
        let written = |text: &str| Rate::parse(text).map(Rate::text);
        assert_eq!(written("1.0800").unwrap(), "1.08");
        assert_eq!(written("0.0067").unwrap(), "0.0067");
        assert_eq!(written("002").unwrap(), "2");
        assert_eq!(written(".5").unwrap(), "0.5");
        assert_eq!(
            written("0.000034123456789012").unwrap(),
            "0.000034123456789012"
        );
        for bad in [
            "",
            "0",
            "0.00",
            "-1",
            "1e3",
            "1,2",
            "1234567890123456789",
            "1.2.3",
        ] {
            assert_eq!(written(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_amount_is_converted_to_the_cent_half_up() {
        let convert = |rate: &str, minor, from, to| {
            Rate::parse(rate)
                .unwrap()
                .convert(minor, code(from), code(to))
        };
        assert_eq!(convert("1.085", 10_000, "EUR", "USD"), Some(10_850));
        assert_eq!(convert("1.005", 100, "EUR", "USD"), Some(101)); // 1.005 → 1.01
        assert_eq!(convert("0.0067", 1_500, "JPY", "USD"), Some(1_005)); // ¥1,500 → $10.05
        assert_eq!(convert("149.5", 1_001, "USD", "JPY"), Some(1_496)); // 10.01 → 1,496.495
        assert_eq!(convert("1000", LARGEST, "EUR", "USD"), None);
    }

    #[test]
    fn the_latest_rate_on_or_before_a_day_holds() {
        let mut texts = Texts::default();
        let (eur, gbp) = (texts.intern("EUR"), texts.intern("GBP"));
        let mut rates = Rates::default();
        for (currency, day, rate) in [(eur, 10, "1.1"), (eur, 20, "1.2"), (gbp, 15, "1.3")] {
            rates.set(RateKey { currency, day }, Rate::parse(rate), &texts);
        }
        let on = |currency, day| {
            rates
                .on(currency, day)
                .map(|(since, rate)| (since, rate.text()))
        };
        assert_eq!(on(eur, 9), None);
        assert_eq!(on(eur, 10), Some((10, "1.1".to_owned())));
        assert_eq!(on(eur, 19), Some((10, "1.1".to_owned())));
        assert_eq!(on(eur, Day::MAX), Some((20, "1.2".to_owned())));
        assert_eq!(on(gbp, 14), None);
        assert!(rates.reach_beyond(19) && !rates.reach_beyond(20));
    }

    proptest! {
        #[test]
        fn a_rate_reads_as_it_is_written(digits in 1_u64..=999_999_999_999_999_999, decimals in 0_u32..=18) {
            let text = Rate { digits, decimals }.text();
            let read = Rate::parse(&text).unwrap();
            prop_assert_eq!(read.text(), read.text());
            prop_assert_eq!(
                i128::from(read.digits) * 10_i128.pow(decimals),
                i128::from(digits) * 10_i128.pow(read.decimals)
            );
        }
    }
}
