//! How likely deals in a stage have proved to be won, and how good such predictions would have been
//! (DEFINITIONS section 5, "calibrated probability"). The replay goes through the days in order and
//! knows, on each of them, only what had closed by then.

use super::change::{Day, Millis, NO_DAY};
use super::deal::{Deal, HISTORY};
use super::filter::Filter;
use super::fold::{Passage, way};
use super::money::BasisPoints;
use super::portfolio::Portfolio;
use super::ratio::Ratio;
use super::stage::{OPEN_STAGES, Stage};

/// As many closed deals as the configured probability weighs; with fewer, it stands.
const WEIGHT: i64 = 20;

/// Predictions and what a squared error is measured in.
const FINE: i64 = 1_000_000_000;

/// The bands of the report card, of ten points each.
pub const BANDS: usize = 10;

/// What became of the deals that ever entered a stage and are closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fate {
    /// Won.
    pub won: i64,
    /// Won or lost.
    pub closed: i64,
}

impl Fate {
    fn add(&mut self, is_won: bool, times: i64) {
        self.won += if is_won { times } else { 0 };
        self.closed += times;
    }

    /// Whether there are enough to say more than the configured probability.
    pub const fn is_enough(self) -> bool {
        self.closed >= WEIGHT
    }

    /// The calibrated probability, or the configured one while there are too few.
    pub fn probability(self, configured: BasisPoints) -> Ratio {
        let configured = i64::from(configured);
        let calibrated = Ratio::of(
            self.won * 10_000 + WEIGHT * configured,
            (self.closed + WEIGHT) * 10_000,
        );
        calibrated
            .filter(|_| self.is_enough())
            .unwrap_or(Ratio::basis_points(configured))
    }
}

/// The predictions of one band.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Band {
    /// How many.
    pub count: i64,
    /// How many were won.
    pub won: i64,
    /// The sum of what was predicted, in parts of [`FINE`].
    predicted: i64,
}

impl Band {
    /// The mean of what was predicted.
    pub fn predicted(&self) -> Option<Ratio> {
        Ratio::of(self.predicted, self.count * FINE)
    }
}

/// What is known of how deals fare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calibration {
    /// By open stage.
    pub stages: [Fate; OPEN_STAGES],
    /// Predictions that proved true or false: one for each closed deal and stage.
    pub predictions: i64,
    /// The sum of their squared errors, in parts of the square of [`FINE`].
    errors: i128,
    /// The same had the configured probability been predicted each time.
    configured_errors: i128,
    /// By band of what was predicted.
    pub bands: [Band; BANDS],
    /// Deals without stage history, left out.
    pub without_history: u64,
    /// Predictions left out because nobody knows when the stage was entered.
    pub undated: u64,
    /// Predictions about deals that are still open.
    pub pending: u64,
}

/// A deal that closes (or is opened again), with the stages it had entered.
struct Closing {
    day: Day,
    entered: u8,
    is_won: bool,
    times: i64,
}

/// A stage entered for the first time.
struct Prediction {
    day: Day,
    stage: Stage,
    is_won: bool,
    /// The deal's own close, when it came that same day: no prediction may know of it.
    own: Option<bool>,
}

impl Calibration {
    /// Reads the deals a filter lets through, from the changes up to an instant.
    pub fn of(portfolio: &Portfolio, filter: &Filter, until: Millis) -> Calibration {
        let mut all = Calibration::default();
        let (mut closings, mut predictions) = (Vec::new(), Vec::new());
        let everything = filter.is_everything();
        for deal in portfolio.chunks().flat_map(|chunk| chunk.deals()) {
            if !(everything || filter.matches(deal, portfolio)) {
                continue;
            }
            let Some(origin) = portfolio
                .origin(deal.number)
                .filter(|_| deal.entered & HISTORY != 0)
            else {
                all.without_history += 1;
                continue;
            };
            let changes = portfolio.changes(deal.number);
            let way = way(origin, changes, portfolio.days(), until);
            closings.extend(closings_of(&way));
            all.add(deal, &way, &mut predictions);
        }
        closings.sort_by_key(|closing| closing.day);
        predictions.sort_by_key(|prediction| prediction.day);
        all.replay(&closings, &predictions, &Configured::of(portfolio));
        all
    }

    /// Counts what became of a deal, and what would have been predicted of it.
    fn add(&mut self, deal: &Deal, way: &[Passage], predictions: &mut Vec<Prediction>) {
        for stage in Stage::OPEN {
            if deal.entered & stage.bit() == 0 {
                continue;
            }
            if !deal.is_open()
                && let Some(fate) = self.stages.get_mut(usize::from(stage.code()))
            {
                fate.add(deal.is_won(), 1);
            }
            let day = first_entry(way, stage);
            if deal.is_open() {
                self.pending += 1;
            } else if day == NO_DAY {
                self.undated += 1;
            } else {
                let then = way.iter().rfind(|passage| passage.day <= day);
                let own = then.filter(|then| !then.stage.is_open());
                predictions.push(Prediction {
                    day,
                    stage,
                    is_won: deal.is_won(),
                    own: own.map(|then| then.stage == Stage::ClosedWon),
                });
            }
        }
    }

    fn replay(
        &mut self,
        closings: &[Closing],
        predictions: &[Prediction],
        configured: &Configured,
    ) {
        let mut known = [Fate::default(); OPEN_STAGES];
        let mut closings = closings.iter().peekable();
        for prediction in predictions {
            while let Some(closing) = closings.next_if(|closing| closing.day <= prediction.day) {
                for (stage, fate) in Stage::OPEN.iter().zip(&mut known) {
                    if closing.entered & stage.bit() != 0 {
                        fate.add(closing.is_won, closing.times);
                    }
                }
            }
            let place = usize::from(prediction.stage.code());
            let mut fate = known.get(place).copied().unwrap_or_default();
            if let Some(is_won) = prediction.own {
                fate.add(is_won, -1);
            }
            let default = configured.on(prediction.day, place);
            let predicted = fate.probability(default).in_parts(FINE);
            self.judge(
                predicted,
                i64::from(default) * (FINE / 10_000),
                prediction.is_won,
            );
        }
    }

    fn judge(&mut self, predicted: i64, configured: i64, is_won: bool) {
        let came = if is_won { FINE } else { 0 };
        let square = |predicted: i64| i128::from(predicted - came) * i128::from(predicted - came);
        self.predictions += 1;
        self.errors += square(predicted);
        self.configured_errors += square(configured);
        let band = (predicted / (FINE / BANDS as i64)).clamp(0, BANDS as i64 - 1);
        if let Some(band) = self.bands.get_mut(band as usize) {
            band.count += 1;
            band.won += i64::from(is_won);
            band.predicted += predicted;
        }
    }

    /// The Brier score: the mean squared error of the predictions, 0 at best.
    pub fn brier(&self) -> Option<Ratio> {
        self.mean(self.errors)
    }

    /// What it would have been of the configured probabilities.
    pub fn brier_configured(&self) -> Option<Ratio> {
        self.mean(self.configured_errors)
    }

    fn mean(&self, errors: i128) -> Option<Ratio> {
        let fine = i128::from(FINE);
        let mean = (errors / fine).checked_div(i128::from(self.predictions))?;
        Ratio::of(i64::try_from(mean).ok()?, FINE)
    }
}

/// The day a stage was first entered, in the run of passages that leads to the end.
fn first_entry(way: &[Passage], stage: Stage) -> Day {
    let has = |passage: &&Passage| passage.entered & stage.bit() != 0;
    let run = way.iter().rev().take_while(has);
    run.last().map_or(NO_DAY, |passage| passage.day)
}

/// The closes of a deal, and the reopenings that take them back.
fn closings_of(way: &[Passage]) -> Vec<Closing> {
    let mut closings = Vec::new();
    let mut add = |day: Day, of: &Passage, times: i64| {
        if !of.stage.is_open() && of.day != NO_DAY && day != NO_DAY {
            closings.push(Closing {
                day,
                entered: of.entered,
                is_won: of.stage == Stage::ClosedWon,
                times,
            });
        }
    };
    for (place, passage) in way.iter().enumerate() {
        add(passage.day, passage, 1);
        if let Some(next) = way.get(place + 1) {
            add(next.day, passage, -1);
        }
    }
    closings
}

/// The configured probabilities of the open stages, as they were in force over time.
struct Configured(Vec<(Day, [BasisPoints; OPEN_STAGES])>);

impl Configured {
    fn of(portfolio: &Portfolio) -> Configured {
        let mut instants: Vec<Millis> = portfolio.settings_changed().collect();
        instants.push(Millis::MIN);
        instants.sort_unstable();
        instants.dedup();
        let at = |instant: &Millis| {
            let settings = portfolio.settings_at(*instant);
            let day = if *instant == Millis::MIN {
                Day::MIN
            } else {
                portfolio.days().of(*instant)
            };
            (day, Stage::OPEN.map(|stage| settings.probability(stage)))
        };
        Configured(instants.iter().map(at).collect())
    }

    /// What was in force at the end of a day.
    fn on(&self, day: Day, stage: usize) -> BasisPoints {
        let next = self.0.partition_point(|(since, _)| *since <= day);
        let last = next.checked_sub(1).and_then(|last| self.0.get(last));
        last.and_then(|(_, stages)| stages.get(stage).copied())
            .unwrap_or_default()
    }
}
