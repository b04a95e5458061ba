//! The forecast in a few lines, for a reader or a host that passes on the text alone.

use super::{ForecastData, MonthRow};
use crate::language::figures::Amount;
use crate::reports::parts::reasons;

/// How many months the text says the forecast of.
const MONTHS_TOLD: usize = 12;

impl ForecastData {
    /// The forecast in a few lines.
    pub fn text(&self) -> String {
        let mut lines = vec![format!(
            "Forecast for {}: {} ({}).",
            self.period, self.forecast, self.measure
        )];
        lines.push(format!(
            "Closed {}, commit {}, best case {}, weighted {}, upside {}.",
            self.closed, self.commit, self.best_case, self.weighted, self.upside
        ));
        match (self.target, self.gap_to_target) {
            (Some(target), Some(gap)) => {
                let gap = if gap.minor >= 0 {
                    format!("gap {gap}")
                } else {
                    format!(
                        "{} above",
                        Amount {
                            minor: -gap.minor,
                            currency: gap.currency
                        }
                    )
                };
                let attained = self
                    .attainment
                    .map(|share| format!(", {share} attained"))
                    .unwrap_or_default();
                let needed = self
                    .coverage_needed
                    .map(|needed| format!(" (need {needed})"))
                    .unwrap_or_default();
                let coverage = self
                    .pipeline_coverage
                    .map(|coverage| format!(", coverage {coverage}{needed}"))
                    .unwrap_or_default();
                lines.push(format!("Target {target}: {gap}{attained}{coverage}."));
            }
            _ => lines.push(match self.reasons.get("target") {
                None | Some(&"no_target") => "No target is set.".to_owned(),
                Some(reason) => format!("No target: {}.", reasons::spoken(reason)),
            }),
        }
        lines.extend(self.landing.as_ref().map(|landing| landing.text()));
        let overdue = if self.ended {
            "Due in it, still open and in no measure"
        } else {
            "Overdue"
        };
        for (what, counted) in [(overdue, &self.overdue), ("Omitted", &self.omitted)] {
            if counted.count > 0 {
                let deals = if counted.count == 1 { "deal" } else { "deals" };
                let (count, value) = (counted.count, counted.value);
                lines.push(format!("{what}: {count} {deals}, {value}."));
            }
        }
        lines.extend(self.text_at_open());
        lines.join("\n")
    }

    /// What the period and its months that are over were forecast at when they began.
    fn text_at_open(&self) -> Vec<String> {
        let then = |amount: Option<Amount>| {
            amount.map_or_else(|| "not recorded".to_owned(), |amount| amount.to_string())
        };
        let mut lines = Vec::new();
        if self.ended {
            let of_period = then(self.forecast_at_open);
            lines.push(format!("Forecast when it began: {of_period}."));
        }
        let is_over = |row: &&MonthRow| {
            let reason = format!("by_month.{}.forecast_at_open", row.month);
            row.forecast_at_open.is_some() || self.reasons.contains_key(&reason)
        };
        let months: Vec<String> = self
            .by_month
            .iter()
            .filter(is_over)
            .map(|row| {
                let of_month = then(row.forecast_at_open);
                format!("{} {of_month} (closed {})", row.month, row.closed)
            })
            .collect();
        // A single month is the period, which has its line.
        if self.by_month.len() > 1 && !months.is_empty() {
            let more = match months.len().saturating_sub(MONTHS_TOLD) {
                0 => String::new(),
                more => format!("; {more} more in by_month"),
            };
            let told: Vec<String> = months.into_iter().take(MONTHS_TOLD).collect();
            lines.push(format!(
                "Forecast when the month began: {}{more}.",
                told.join(", ")
            ));
        }
        lines
    }
}
