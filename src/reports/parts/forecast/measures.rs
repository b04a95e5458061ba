//! The figures of a forecast that a what-if compares: every measure, the target and what is measured
//! against it, where it lands; of the months what they are forecast to close at.

use super::ForecastData;
use crate::language::figures::{Amount, Fraction, Multiple};
use crate::reports::parts::what_if::{Figure, Measured};

impl ForecastData {
    /// The figures, the essential ones first.
    pub fn measures(&self) -> Vec<Measured> {
        let landing = self.landing.as_ref();
        let chance = landing.and_then(|landing| landing.chance_of_target);
        let mut measures = vec![
            self.amount("forecast", Some(self.forecast)),
            self.amount("closed", Some(self.closed)),
            self.amount("worst_case", Some(self.worst_case)).detail(),
            self.amount("commit", Some(self.commit)),
            self.amount("best_case", Some(self.best_case)),
            self.amount("weighted", Some(self.weighted)),
            self.amount("upside", Some(self.upside)),
            self.amount("target", self.target),
            self.amount("gap_to_target", self.gap_to_target),
            self.fraction("attainment", self.attainment),
            self.multiple("pipeline_coverage", self.pipeline_coverage),
            self.multiple("coverage_of_remaining", self.coverage_of_remaining)
                .detail(),
            self.multiple("coverage_needed", self.coverage_needed)
                .detail(),
            self.fraction("landing.chance_of_target", chance),
            self.amount("landing.p10", landing.map(|landing| landing.p10))
                .detail(),
            self.amount("landing.p50", landing.map(|landing| landing.p50)),
            self.amount("landing.p90", landing.map(|landing| landing.p90))
                .detail(),
            Measured::new("open.count", Some(Figure::count(self.open.count))).detail(),
            self.amount("open.value", Some(self.open.value)).detail(),
        ];
        for (name, counted) in [("overdue", &self.overdue), ("omitted", &self.omitted)] {
            let value = Figure::Amount(counted.value);
            measures.push(Measured::part("count", Figure::count(counted.count)).within(name));
            measures.push(Measured::part("value", value).within(name));
        }
        // A single month is the period.
        for month in self.by_month.iter().filter(|_| self.by_month.len() > 1) {
            let within = format!("by_month.{}", month.month);
            let rows = [("closed", month.closed), ("forecast", month.forecast)];
            measures.extend(rows.into_iter().map(|(name, amount)| {
                Measured::part(name, Figure::Amount(amount)).within(&within)
            }));
        }
        measures
    }

    fn amount(&self, path: &str, amount: Option<Amount>) -> Measured {
        self.measured(path, amount.map(Figure::Amount))
    }

    fn fraction(&self, path: &str, fraction: Option<Fraction>) -> Measured {
        self.measured(path, fraction.map(Figure::Fraction))
    }

    fn multiple(&self, path: &str, multiple: Option<Multiple>) -> Measured {
        self.measured(path, multiple.map(Figure::Multiple))
    }

    /// A figure with the reason why it is null, which may be that of the part it stands in.
    fn measured(&self, path: &str, figure: Option<Figure>) -> Measured {
        let part = path.split('.').next().unwrap_or(path);
        let reason = self.reasons.get(path).or_else(|| self.reasons.get(part));
        Measured::new(path, figure).because(reason.copied())
    }
}
