//! Whether the probabilities of stages hold: calibrated from what closed, and the report card of such
//! predictions, replayed day by day.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::calibration::{self, BANDS};
use crate::domain::filter::Filter;
use crate::domain::ratio::Ratio;
use crate::domain::stage::Stage;
use crate::domain::statistics::Share;
use crate::language::figures::{Fraction, Rate, or_dash};
use crate::reports::Asked;

/// The definition it follows.
pub const DEFINITION: &str = "calibrated = (won + 20 × configured) ÷ (closed + 20) of deals that ever entered the stage, from 20 closed on; \
    Brier score = mean (predicted − outcome)², one prediction a closed deal and stage at first entry, from what had closed by then";

/// One open stage.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StageProbability {
    stage: &'static str,
    configured: Fraction,
    /// The configured one below 20 closed
    calibrated: Fraction,
    won: i64,
    /// Won and lost
    closed: i64,
}

/// Predictions of ten points.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Band {
    /// Lower bound, included
    from: Fraction,
    predicted: Option<Fraction>,
    won: Rate,
}

/// How deals have fared, and how good predictions would have been.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Calibration {
    stages: Vec<StageProbability>,
    predictions: i64,
    /// 0 is best
    brier: Option<Fraction>,
    /// Had the configured ones been predicted
    brier_configured: Option<Fraction>,
    /// Bands that hold predictions
    reliability: Vec<Band>,
    /// Deals left out
    without_history: u64,
    /// Predictions left out: stage entered nobody knows when
    undated: u64,
    /// Of deals still open
    pending: u64,
}

impl Calibration {
    /// Reads the deals a filter lets through.
    pub fn of(asked: &Asked<'_>, filter: &Filter) -> Calibration {
        let settings = asked.portfolio.settings();
        let found = calibration::Calibration::of(asked.portfolio, filter, asked.until);
        let stages = Stage::OPEN.into_iter().zip(found.stages);
        let stages = stages.map(|(stage, fate)| StageProbability {
            stage: stage.word(),
            configured: Fraction(Ratio::basis_points(i64::from(settings.probability(stage)))),
            calibrated: Fraction(fate.probability(settings.probability(stage))),
            won: fate.won,
            closed: fate.closed,
        });
        let bands = (0_i64..).zip(&found.bands);
        let bands = bands
            .filter(|(_, band)| band.count > 0)
            .map(|(place, band)| Band {
                from: Fraction(Ratio::basis_points(place * 10_000 / BANDS as i64)),
                predicted: band.predicted().map(Fraction),
                won: Share {
                    part: band.won.unsigned_abs(),
                    whole: band.count.unsigned_abs(),
                }
                .into(),
            });
        Calibration {
            stages: stages.collect(),
            predictions: found.predictions,
            brier: found.brier().map(Fraction),
            brier_configured: found.brier_configured().map(Fraction),
            reliability: bands.collect(),
            without_history: found.without_history,
            undated: found.undated,
            pending: found.pending,
        }
    }

    /// A few lines.
    pub fn text(&self) -> String {
        let stages: Vec<String> = self
            .stages
            .iter()
            .map(|stage| {
                format!(
                    "{} {} (configured {}, {} of {} won)",
                    stage.stage, stage.calibrated, stage.configured, stage.won, stage.closed
                )
            })
            .collect();
        let score = |score: Option<Fraction>| score.map(|score| score.0.in_parts(10_000));
        let shown = |score: Option<i64>| {
            or_dash(score.map(|score| format!("{}.{:04}", score / 10_000, score % 10_000)))
        };
        format!(
            "Calibrated: {}. Brier score {} of {} predictions (configured {}).",
            stages.join(", "),
            shown(score(self.brier)),
            self.predictions,
            shown(score(self.brier_configured))
        )
    }
}
