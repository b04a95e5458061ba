//! Money: exact integer minor units of one currency, never a float. Belongs here: currencies,
//! weighting, rounding and how an amount is shown. Reading what people type is `language::amounts`.

use std::str::FromStr;

use iso_currency::Currency as Iso;

/// The largest amount one deal, target or customer may carry, in minor units.
///
/// Ten billion dollars: a million deals of that size still add up inside an `i64`.
pub const LARGEST: i64 = 1_000_000_000_000;

/// A currency of ISO 4217 whose minor unit has no or two decimals; others are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency(Iso);

impl Default for Currency {
    fn default() -> Self {
        Currency(Iso::USD)
    }
}

impl Currency {
    /// The currency of an ISO 4217 code, in any case; `None` for unknown ones and for those whose
    /// minor unit is neither the whole nor the hundredth.
    pub fn from_code(code: &str) -> Option<Self> {
        let iso = Iso::from_str(&code.trim().to_ascii_uppercase()).ok()?;
        matches!(iso.exponent(), Some(0 | 2)).then_some(Currency(iso))
    }

    /// Its ISO 4217 code: "USD".
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The decimals of its minor unit: 0 or 2.
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }

    /// Minor units in one major unit: 1 or 100.
    pub fn minor_per_major(self) -> i64 {
        10_i64.pow(self.exponent())
    }

    /// An amount for a reader: "$1,200,000", "$1,234.50", "EUR 1,200".
    pub fn show(self, minor: i64) -> String {
        let mark = if self.code() == "USD" {
            "$".to_owned()
        } else {
            format!("{} ", self.code())
        };
        let per_major = self.minor_per_major().unsigned_abs();
        let (major, cents) = (
            minor.unsigned_abs() / per_major,
            minor.unsigned_abs() % per_major,
        );
        let cents = if cents == 0 {
            String::new()
        } else {
            format!(".{cents:02}")
        };
        format!(
            "{}{mark}{}{cents}",
            if minor < 0 { "-" } else { "" },
            thousands(major)
        )
    }

    /// An amount as the JSON number that stands for it: whole when whole, else with two decimals.
    pub fn json(self, minor: i64) -> serde_json::Number {
        let per_major = self.minor_per_major();
        if minor % per_major == 0 {
            return (minor / per_major).into();
        }
        // Two decimals of at most sixteen digits: the nearest double prints as exactly these digits.
        let sign = if minor < 0 { "-" } else { "" };
        let (whole, cents) = (minor.unsigned_abs() / 100, minor.unsigned_abs() % 100);
        f64::from_str(&format!("{sign}{whole}.{cents:02}"))
            .ok()
            .and_then(serde_json::Number::from_f64)
            .unwrap_or_else(|| (minor / per_major).into())
    }
}

/// Digits in groups of three: "1,200,000".
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A probability in whole basis points: 10,000 is certain.
pub type BasisPoints = u16;

/// One deal's weighted value: value × probability, rounded half-up to the minor unit
/// (DEFINITIONS section 1). Totals add these, so a list always adds up to its total.
///
/// A value is never negative, and unsigned numbers are divided faster.
pub const fn weighted(value: i64, probability: BasisPoints) -> i64 {
    ((value.unsigned_abs() * probability as u64 + 5_000) / 10_000).cast_signed()
}

/// What a contract of so many months comes to at an annual value, rounded half-up to the minor unit
/// (DEFINITIONS section 8, "Multi-year deals"); `None` where no term is known, or it cannot be kept.
pub fn contract_value(annual: i64, months: u16) -> Option<i64> {
    (months > 0).then(|| divide(i128::from(annual) * i128::from(months), 12))?
}

/// A quotient rounded half-up, away from zero on both sides; `None` when the denominator is not positive.
pub fn divide(numerator: i128, denominator: i128) -> Option<i64> {
    if denominator <= 0 {
        return None;
    }
    let rounded = (numerator.abs() * 2 + denominator) / (denominator * 2);
    i64::try_from(if numerator < 0 { -rounded } else { rounded }).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn weighting_rounds_half_up_to_the_cent() {
        assert_eq!(weighted(123_450, 1_500), 18_518); // 1,234.50 × 15 % = 185.175
        assert_eq!(weighted(100, 50), 1); // 1.00 × 0.5 % = 0.005
        assert_eq!(weighted(100, 49), 0);
    }

    #[test]
    fn amounts_are_shown_and_sent_exactly() {
        let usd = Currency::from_code("usd").unwrap();
        assert_eq!(usd.show(123_456_789), "$1,234,567.89");
        assert_eq!(usd.show(-100_000), "-$1,000");
        assert_eq!(usd.json(123_400).to_string(), "1234");
        assert_eq!(usd.json(-10).to_string(), "-0.1");
        assert_eq!(usd.json(123_456_789_012).to_string(), "1234567890.12");
        assert_eq!(Currency::from_code("JPY").unwrap().show(1_500), "JPY 1,500");
        assert!(Currency::from_code("BHD").is_none());
        assert!(Currency::from_code("XYZ").is_none());
    }

    #[test]
    fn division_is_half_up_away_from_zero() {
        assert_eq!(divide(5, 10), Some(1));
        assert_eq!(divide(-5, 10), Some(-1));
        assert_eq!(divide(4, 10), Some(0));
        assert_eq!(divide(1, 0), None);
    }
}
