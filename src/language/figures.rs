//! Figures as they go out: money in major units, rates as fractions, days with one decimal; each
//! rounded once, here, and each able to say itself in text.

use std::fmt;

use schemars::{JsonSchema, Schema, json_schema};
use serde::{Serialize, Serializer};

use crate::domain::money::Currency;
use crate::domain::ratio::Ratio;
use crate::domain::statistics::Share;

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// Minor units.
    pub minor: i64,
    /// Of this currency.
    pub currency: Currency,
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.currency.json(self.minor).serialize(serializer)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.currency.show(self.minor))
    }
}

/// A fraction: to four decimals in JSON, as a percentage with one in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction(pub Ratio);

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        decimal(self.0.in_parts(10_000), 10_000).serialize(serializer)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", shown(self.0.in_parts(1_000), 1))
    }
}

/// A multiple to two decimals: coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiple(pub Ratio);

impl Serialize for Multiple {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        decimal(self.0.in_parts(100), 100).serialize(serializer)
    }
}

impl fmt::Display for Multiple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x", shown(self.0.in_parts(100), 2))
    }
}

/// Days to one decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(pub Ratio);

impl Serialize for Days {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        decimal(self.0.in_parts(10), 10).serialize(serializer)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.0.in_parts(10), 1))
    }
}

/// A number for a reader, always with so many decimals: "12.5" of 125 tenths.
fn shown(parts: i64, decimals: u32) -> String {
    let per_unit = 10_u64.pow(decimals);
    let (whole, rest) = (
        parts.unsigned_abs() / per_unit,
        parts.unsigned_abs() % per_unit,
    );
    let sign = if parts < 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:0width$}", width = decimals as usize)
}

/// A whole number of parts as the JSON number it stands for; whole when whole.
fn decimal(parts: i64, per_unit: i64) -> serde_json::Number {
    if parts % per_unit == 0 {
        return (parts / per_unit).into();
    }
    let digits = per_unit.ilog10() as usize;
    let (whole, rest) = (
        parts.unsigned_abs() / per_unit.unsigned_abs(),
        parts.unsigned_abs() % per_unit.unsigned_abs(),
    );
    let sign = if parts < 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:0digits$}")
        .parse()
        .ok()
        .and_then(serde_json::Number::from_f64)
        .unwrap_or_else(|| (parts / per_unit).into())
}

macro_rules! number_schema {
    ($($name:ident),+) => { $(
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
                json_schema!({ "type": "number" })
            }
        }
    )+ };
}

number_schema!(Amount, Fraction, Multiple, Days);

/// A rate with what it rests on: numerator, denominator and the 95 % Wilson interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rate {
    // Fraction; null of nothing.
    pub(crate) rate: Option<Fraction>,
    // Numerator.
    pub(crate) part: u64,
    // Denominator.
    pub(crate) of: u64,
    // 95 % Wilson interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval: Option<[Fraction; 2]>,
}

impl Rate {
    /// "70.4% (51.5% to 84.2%)", where what it is of stands beside it; nothing of nothing.
    pub fn short(&self) -> Option<String> {
        let (rate, [low, high]) = (self.rate?, self.interval?);
        Some(format!("{rate} ({low} to {high})"))
    }
}

impl From<Share> for Rate {
    fn from(share: Share) -> Self {
        Rate {
            rate: share.rate().map(Fraction),
            part: share.part,
            of: share.whole,
            interval: share
                .interval()
                .map(|(low, high)| [Fraction(low), Fraction(high)]),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rate, self.interval) {
            (Some(rate), Some([low, high])) => {
                write!(
                    f,
                    "{rate} ({} of {}; 95% interval {low} to {high})",
                    self.part, self.of
                )
            }
            _ => write!(f, "n/a (0 of 0)"),
        }
    }
}

/// A mean with its median and n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Average<T> {
    // The mean; null of nothing.
    pub(crate) mean: Option<T>,
    // The median.
    pub(crate) median: Option<T>,
    // How many it is of.
    pub(crate) n: u64,
}

/// A figure of an answer that shows only those asked for: left out when it was not, null where it has
/// no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen<T>(Option<Option<T>>);

impl<T: Copy> Chosen<T> {
    /// A figure that is shown when it is chosen.
    pub fn when(is_chosen: bool, figure: Option<T>) -> Self {
        Chosen(is_chosen.then_some(figure))
    }

    /// The figure, where it is shown and has a meaning.
    pub fn get(self) -> Option<T> {
        self.0.flatten()
    }

    /// Whether it is left out.
    pub fn is_left_out(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: Serialize> Serialize for Chosen<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T> JsonSchema for Chosen<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Chosen".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
        // Null stands first and so is kept: see `schema`, which takes a last one for what is left out.
        json_schema!({ "type": ["null", "number"] })
    }
}

/// "1 deal", "2 deals": a number of things in the form that goes with it.
pub fn count_of<N: fmt::Display + PartialEq + From<u8>>(
    count: N,
    one: &str,
    several: &str,
) -> String {
    let word = if count == N::from(1) { one } else { several };
    format!("{count} {word}")
}

/// Shows a figure, or a dash where there is none.
pub fn or_dash<T: fmt::Display>(figure: Option<T>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| figure.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: impl Serialize) -> String {
        serde_json::to_string(&value).unwrap_or_default()
    }

    #[test]
    fn figures_are_sent_and_shown_with_their_decimals() {
        let fraction = |part| Fraction(Ratio::basis_points(part));
        assert_eq!(
            (json(fraction(7_500)), fraction(7_500).to_string()),
            ("0.75".into(), "75.0%".into())
        );
        assert_eq!(
            (json(fraction(10_000)), fraction(-1_234).to_string()),
            ("1".into(), "-12.3%".into())
        );
        assert_eq!(fraction(12_345).to_string(), "123.5%");
        let multiple = Multiple(Ratio::hundredths(147));
        assert_eq!(
            (json(multiple), multiple.to_string()),
            ("1.47".into(), "1.47x".into())
        );
        let days = |half_days| Days(Ratio::of(half_days, 2).unwrap_or(Ratio::whole(0)));
        assert_eq!(
            (json(days(-25)), days(61).to_string()),
            ("-12.5".into(), "30.5".into())
        );
    }

    #[test]
    fn a_percentage_is_rounded_once_from_its_exact_ratio() {
        // 7 ÷ 13 = 0.538461…: 0.5385 in JSON, and 53.8 % in text, not 53.85 % rounded again.
        let rate = Rate::from(Share { part: 7, whole: 13 });
        assert_eq!(json(rate.rate), "0.5385");
        assert_eq!(or_dash(rate.rate), "53.8%");
        // Its interval by hand: (0.53846 + 0.14775 ± 0.30866) ÷ 1.29550, that is 0.29144 to 0.76794.
        assert_eq!(json(rate.interval), "[0.2914,0.7679]");
        let text = "53.8% (7 of 13; 95% interval 29.1% to 76.8%)";
        assert_eq!(rate.to_string(), text);
        // −1 ÷ 3,000 is nothing in text, and no negative nothing.
        let little = Ratio::of(-1, 3_000).map(Fraction);
        assert_eq!(
            (json(little), or_dash(little)),
            ("-0.0003".into(), "0.0%".into())
        );
    }
}
