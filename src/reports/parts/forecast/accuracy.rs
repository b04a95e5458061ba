//! How near forecasts came: the last four completed quarters, each as it was forecast on its eve
//! against what closed (DEFINITIONS section 5, "accuracy").

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::calendar::{add_days, add_months};
use crate::domain::filter::Filter;
use crate::domain::measure::{PeriodFigures, Span};
use crate::domain::period::Period;
use crate::domain::ratio::Ratio;
use crate::domain::settings::Measure;
use crate::language::figures::{Amount, Fraction, or_dash};
use crate::language::periods::label;
use crate::reports::Asked;
use crate::reports::parts::at_open::forecast_at_open;
use crate::reports::parts::reasons;

/// The definition it follows.
pub const DEFINITION: &str = "accuracy = 1 − |forecast at open − closed| ÷ forecast at open, at least 0; WAPE = Σ|forecast − closed| ÷ Σ closed; \
    bias = forecast − closed";

/// How many quarters are judged.
const QUARTERS: i32 = 4;

/// One quarter.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Quarter {
    period: String,
    forecast_at_open: Option<Amount>,
    closed: Amount,
    /// Against the forecast
    accuracy: Option<Fraction>,
    /// Against closed
    accuracy_of_closed: Option<Fraction>,
    bias: Option<Amount>,
    /// From the forecast's day to the quarter's end
    horizon_days: i64,
    /// recorded, or rebuilt from the log
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    /// Why accuracy is null
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    goal_met: Option<bool>,
}

/// The last completed quarters.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Accuracy {
    quarters: Vec<Quarter>,
    /// Σ|forecast − closed| ÷ Σ closed, of those forecast
    wape: Option<Fraction>,
}

impl Accuracy {
    /// Judges the last quarters that are over.
    pub fn of(asked: &Asked<'_>, filter: &Filter, measure: Measure) -> Accuracy {
        let portfolio = asked.portfolio;
        let settings = portfolio.settings();
        let amount = |minor| Amount {
            minor,
            currency: settings.currency,
        };
        let this = settings.calendar.quarter_of(asked.today);
        let (mut missed, mut closed_of_all) = (0_i64, 0_i64);
        let quarter = |back: i32| {
            let start = add_months(this, -3 * back);
            let end = add_days(add_months(start, 3), -1);
            let period = Period::new(start, end, label(start, end, &settings.calendar));
            let span = Span::of(&period);
            let figures = PeriodFigures::of(portfolio, filter, span, &[], asked.day());
            let closed = figures.measures.closed;
            let then = forecast_at_open(portfolio, filter, &period, measure);
            let off = then.amount.map(|forecast| (forecast - closed).abs());
            if let Some(off) = off {
                missed += off;
                closed_of_all += closed;
            }
            let near = |base: i64| Ratio::of((base - off?).max(0), base);
            let accuracy = then.amount.and_then(near);
            let made_on = then.made_on.unwrap_or(add_days(start, -1));
            Quarter {
                forecast_at_open: then.amount.map(amount),
                closed: amount(closed),
                accuracy: accuracy.map(Fraction),
                accuracy_of_closed: near(closed).map(Fraction),
                bias: then.amount.map(|forecast| amount(forecast - closed)),
                horizon_days: (end - made_on).num_days(),
                source: then.amount.map(|_| match then.made_on {
                    Some(_) => "recorded",
                    None => "rebuilt",
                }),
                reason: match (then.amount, accuracy) {
                    (None, _) => Some("not_recorded"),
                    (Some(_), None) => Some("zero_forecast"),
                    _ => None,
                },
                goal_met: accuracy.map(|accuracy| {
                    accuracy >= Ratio::basis_points(i64::from(settings.goals.accuracy))
                }),
                period: period.label,
            }
        };
        let quarters = (1..=QUARTERS).rev().map(quarter).collect();
        Accuracy {
            quarters,
            wape: Ratio::of(missed, closed_of_all).map(Fraction),
        }
    }

    /// A few lines.
    pub fn text(&self) -> String {
        let quarters = self.quarters.iter().map(|quarter| {
            format!(
                "{} {} ({} forecast, {} closed)",
                quarter.period,
                quarter.accuracy.map_or_else(
                    || {
                        let reason = quarter.reason.map(reasons::spoken);
                        reason.unwrap_or_else(|| "-".to_owned())
                    },
                    |accuracy| accuracy.to_string()
                ),
                or_dash(quarter.forecast_at_open),
                quarter.closed
            )
        });
        let quarters: Vec<String> = quarters.collect();
        format!(
            "Accuracy: {}; WAPE {}.",
            quarters.join(", "),
            or_dash(self.wape)
        )
    }
}
