//! What the figures of answers are measured in, by their names, and how one is said in text: "$1,200",
//! "24.38%", "42.1 days". Text about figures of any answer (`explain`) has nothing else to go by.

use serde_json::Value;

use crate::domain::money::Currency;

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The organisation's money, in major units.
    Money,
    /// A fraction, said in percent.
    Percent,
    /// Days.
    Days,
    /// So many times something: coverage.
    Times,
    /// A plain number.
    Number,
}

const MONEY: &[&str] = &[
    "actual",
    "best_case",
    "bias",
    "closed",
    "closed_value",
    "commit",
    "error",
    "estimated_value",
    "forecast",
    "forecast_at_open",
    "gap_to_target",
    "lost_value",
    "net",
    "new_value",
    "p10",
    "p50",
    "p90",
    "target",
    "tcv",
    "total_value",
    "upside",
    "value",
    "value_lost",
    "value_won",
    "variance",
    "velocity",
    "weighted",
    "weighted_value",
    "won_value",
    "won_without_arr",
    "worst_case",
];

const PERCENT: &[&str] = &[
    "accuracy",
    "accuracy_of_closed",
    "attainment",
    "avg_probability",
    "calibrated",
    "chance_of_target",
    "configured",
    "conversion_rate",
    "expansion_rate",
    "from",
    "goal",
    "high",
    "low",
    "observed",
    "predicted",
    "probability",
    "rate",
    "share",
    "still_open",
    "to",
    "unrecorded",
    "wape",
    "win_rate",
    "win_rate_by_value",
];

const TIMES: &[&str] = &[
    "coverage_needed",
    "coverage_of_remaining",
    "pipeline_coverage",
];

const NUMBER: &[&str] = &[
    "brier",
    "brier_configured",
    "closed_lost",
    "closed_won",
    "converted",
    "count",
    "customers",
    "deals",
    "deals_total",
    "lost",
    "lost_count",
    "moved_back",
    "moved_forward",
    "n",
    "new",
    "new_this_week",
    "of",
    "open",
    "opportunities",
    "opportunities_total",
    "part",
    "pending",
    "predictions",
    "pushes",
    "qualified",
    "rank",
    "reopened",
    "segments_total",
    "signals",
    "signals_without_deal",
    "slipped",
    "term_months",
    "total",
    "total_opportunities",
    "undated",
    "unresolved",
    "version",
    "without_history",
    "without_term",
    "won",
    "won_count",
];

/// What the figure at a path is measured in; `None` when no figure has that name.
pub fn unit(path: &str) -> Option<Unit> {
    // Only the last parts name a figure: one before may be the name of a segment.
    let mut parts = path.rsplit('.');
    let (name, of) = (parts.next().unwrap_or(path), parts.next().unwrap_or(""));
    let is_of_days = || {
        path.split('.')
            .any(|name| name.split('_').any(|word| word == "days"))
    };
    Some(match name {
        // Contract values stand by state.
        "open" | "won" | "lost" if of == "tcv" => Unit::Money,
        "avg_deal_size" => Unit::Money,
        "mean" | "median" if of == "avg_deal_size" || !is_of_days() => Unit::Money,
        "mean" | "median" => Unit::Days,
        name if MONEY.contains(&name) => Unit::Money,
        name if PERCENT.contains(&name) => Unit::Percent,
        name if TIMES.contains(&name) => Unit::Times,
        name if NUMBER.contains(&name) => Unit::Number,
        name if name.split('_').any(|word| word == "days") => Unit::Days,
        _ => return None,
    })
}

/// A figure of an answer in text, as what stands at its path is measured; a dash where there is none.
pub fn said(path: &str, value: &Value, currency: Currency) -> String {
    let Some(exact) = ten_thousandths(value) else {
        return if value.is_null() {
            "-".to_owned()
        } else {
            value.to_string()
        };
    };
    match unit(path) {
        Some(Unit::Money) => {
            let minor = exact * 10_i128.pow(currency.exponent()) / 10_000;
            i64::try_from(minor).map_or_else(|_| value.to_string(), |minor| currency.show(minor))
        }
        Some(Unit::Percent) => format!("{}%", decimal(exact, 2)),
        Some(Unit::Days) if exact == 10_000 => "1 day".to_owned(),
        Some(Unit::Days) => format!("{} days", decimal(exact, 4)),
        Some(Unit::Times) => format!("{}x", decimal(exact, 4)),
        Some(Unit::Number) | None => value.to_string(),
    }
}

/// A number with up to four decimals, exactly.
fn ten_thousandths(value: &Value) -> Option<i128> {
    let text = value.as_number()?.to_string();
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text.as_str()), |digits| (-1, digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    if decimals.len() > 4 {
        return None;
    }
    format!("{whole}{decimals:0<4}")
        .parse::<i128>()
        .ok()
        .map(|number| sign * number)
}

/// A number of ten-thousandths with its point so many places from the right, without needless zeros.
fn decimal(exact: i128, places: usize) -> String {
    let sign = if exact < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", exact.unsigned_abs(), width = places + 1);
    let (whole, decimals) = digits.split_at(digits.len() - places);
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{decimals}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_said_as_what_they_are() {
        for (path, value, expected) in [
            ("by_stage.proposal.value", json!(320_000), "$320,000"),
            ("velocity", json!(4_445.67), "$4,445.67"),
            ("gaps.upside", json!(-119_500), "-$119,500"),
            ("overall.avg_deal_size.mean", json!(26_000.5), "$26,000.50"),
            ("attainment", json!(0.2438), "24.38%"),
            ("overall.win_rate.rate", json!(0.5), "50%"),
            ("summary.avg_probability", json!(0.0024), "0.24%"),
            (
                "segments.30_days.avg_deal_size.mean",
                json!(26_000),
                "$26,000",
            ),
            ("segments.tcv.found.won", json!(3), "3"),
            ("overall.cycle_days.won.mean", json!(97.9), "97.9 days"),
            ("by_stage.proposal.avg_days_in_stage", json!(1), "1 day"),
            ("pipeline_coverage", json!(0.91), "0.91x"),
            ("by_stage.proposal.count", json!(12), "12"),
            ("tcv.open", json!(1_616_000), "$1,616,000"),
            ("segments.A.found.open", json!(34), "34"),
            ("target", Value::Null, "-"),
        ] {
            assert_eq!(said(path, &value, Currency::default()), expected, "{path}");
        }
    }
}
