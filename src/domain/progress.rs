//! How deals move through the stages (DEFINITIONS section 3): finished stays, conversion, when a
//! deal is stale, and in which stage a deal stood on a day.

use super::change::{Day, NO_DAY, field};
use super::chunk::Chunk;
use super::deal::{Deal, HISTORY};
use super::filter::Filter;
use super::portfolio::Portfolio;
use super::stage::{OPEN_STAGES, Stage};
use super::statistics::{Share, Spread};
use super::texts::Text;

/// Without enough finished stays in a stage, a deal there is stale after this many days.
const STALE_DAYS: i64 = 90;
/// How many finished stays make enough.
const STALE_MINIMUM: u64 = 10;

/// What became of the deals that entered an open stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conversion {
    /// They reached a later open stage, or are won.
    pub converted: u64,
    /// They are lost without that.
    pub lost: u64,
    /// Still undecided: left out of the rate.
    pub unresolved: u64,
}

impl Conversion {
    /// Converted of decided.
    pub fn share(self) -> Share {
        Share {
            part: self.converted,
            whole: self.converted + self.lost,
        }
    }
}

/// Stays and conversion of every open stage.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Finished stays, in days.
    pub stays: [Spread; OPEN_STAGES],
    /// Conversion.
    pub conversion: [Conversion; OPEN_STAGES],
    /// Deals without stage history, left out of both.
    pub without_history: u64,
}

impl Progress {
    /// Reads the deals a filter lets through, whatever their stage or period.
    pub fn of(portfolio: &Portfolio, filter: &Filter) -> Progress {
        if filter.is_everything() {
            return Progress::of_all(portfolio);
        }
        let mut progress = Progress::default();
        // How many deals there are of each state and set of stages entered: states × sets.
        let mut fates = [[0_u32; 256]; 3];
        let mut counted = vec![false; super::chunk::SIZE as usize];
        for chunk in portfolio.chunks() {
            counted.fill(false);
            for deal in chunk.open().iter().chain(chunk.closed()) {
                if !filter.matches(deal, portfolio) {
                    continue;
                }
                if let Some(place) =
                    counted.get_mut(usize::from(super::deal::place_of(deal.number)))
                {
                    *place = true;
                }
                let sets = fates.get_mut(usize::from(deal.state()));
                if let Some(count) = sets.and_then(|sets| sets.get_mut(usize::from(deal.entered))) {
                    *count += 1;
                }
            }
            for stay in chunk.stays() {
                if counted
                    .get(usize::from(stay.place))
                    .copied()
                    .unwrap_or(false)
                {
                    progress.add_stays(stay.stage, stay.days, 1);
                }
            }
        }
        for (state, sets) in (0_u8..).zip(&fates) {
            for (entered, count) in (0_u8..=255).zip(sets).filter(|(_, count)| **count > 0) {
                progress.add_fate(state, entered, u64::from(*count));
            }
        }
        progress
    }

    /// Reads all deals, from what their chunks come to.
    fn of_all(portfolio: &Portfolio) -> Progress {
        let mut progress = Progress::default();
        for chunk in portfolio.chunks() {
            for (state, entered, count) in &chunk.facts().fates {
                progress.add_fate(*state, *entered, u64::from(*count));
            }
            for (stage, days, count) in &chunk.facts().stays {
                progress.add_stays(*stage, *days, *count);
            }
        }
        progress
    }

    fn add_stays(&mut self, stage: u8, days: i32, count: u32) {
        if let Some(spread) = self.stays.get_mut(usize::from(stage)) {
            spread.add_times(i64::from(days), count);
        }
    }

    /// Counts deals of one state and one set of stages entered.
    fn add_fate(&mut self, state: u8, entered: u8, count: u64) {
        if entered & HISTORY == 0 {
            self.without_history += count;
            return;
        }
        for (stage, conversion) in Stage::OPEN.iter().zip(&mut self.conversion) {
            if entered & stage.bit() == 0 {
                continue;
            }
            let later = entered & super::stage::OPEN_BITS & !(stage.bit() | (stage.bit() - 1));
            if later != 0 || state == 1 {
                conversion.converted += count;
            } else if state == 2 {
                conversion.lost += count;
            } else {
                conversion.unresolved += count;
            }
        }
    }

    /// After how many days in a stage a deal is stale.
    pub fn stale_after(&self, stage: Stage) -> i64 {
        self.stays
            .get(usize::from(stage.code()))
            .filter(|stays| stays.count() >= STALE_MINIMUM)
            .and_then(|stays| stays.percentile(90))
            .unwrap_or(STALE_DAYS)
    }

    /// Whether an open deal is stale.
    pub fn is_stale(&self, deal: &Deal, today: Day) -> bool {
        deal.is_open()
            && deal
                .days_in_stage(today)
                .is_some_and(|days| i64::from(days) > self.stale_after(deal.stage))
    }
}

/// The stage a deal stood in at the end of a day; `None` when it did not exist yet.
pub fn stage_at(portfolio: &Portfolio, deal: u32, day: Day) -> Option<Stage> {
    let days = portfolio.days();
    let origin = portfolio.origin(deal)?;
    if days.of(origin.at) > day {
        return None;
    }
    let mut stage = Stage::from_code(origin.stage)?;
    for change in portfolio.changes(deal) {
        if days.of(change.at) > day {
            break;
        }
        if field::is_stage(change.field) {
            stage = u8::try_from(change.value)
                .ok()
                .and_then(Stage::from_code)
                .unwrap_or(stage);
        }
    }
    Some(stage)
}

/// Lost deals by reason: how many and how much. There are few reasons, so a list is searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons(Vec<(Text, u64, i64)>);

impl Reasons {
    /// Counts a lost deal.
    pub fn add(&mut self, reason: Text, value: i64) {
        match self.0.iter_mut().find(|(known, _, _)| *known == reason) {
            Some((_, count, sum)) => {
                *count += 1;
                *sum += value;
            }
            None => self.0.push((reason, 1, value)),
        }
    }

    /// The reasons as they came up: (reason, count, value).
    pub fn iter(&self) -> impl Iterator<Item = &(Text, u64, i64)> {
        self.0.iter()
    }
}

/// What happened in some days: counts with values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// Identified: how many, at their estimate.
    pub new: (u64, i64),
    /// Won: how many, at closed value.
    pub won: (u64, i64),
    /// Lost: how many, at their last estimate.
    pub lost: (u64, i64),
    /// Lost, by reason.
    pub lost_reasons: Reasons,
    /// Open deals that stand in a later stage at the end than at the start.
    pub moved_forward: u64,
    /// Open deals that stand in an earlier one.
    pub moved_back: u64,
    /// Closed at the start, open at the end.
    pub reopened: u64,
}

/// What happened in each of some spans of days (DEFINITIONS section 3, "changes"). The spans may overlap.
pub fn activity(portfolio: &Portfolio, filter: &Filter, spans: &[(Day, Day)]) -> Vec<Activity> {
    let mut activities = vec![Activity::default(); spans.len()];
    let everything = filter.is_everything();
    let earliest = spans.iter().map(|(from, _)| *from).min().unwrap_or(NO_DAY);
    for chunk in portfolio.chunks() {
        let recent = Chunk::between(chunk.closed(), earliest, Day::MAX);
        // Of the deals closed before, only one that closed before it was identified can be new.
        let older = if chunk.facts().latest_backwards >= earliest {
            Chunk::between(chunk.closed(), Day::MIN, earliest - 1)
        } else {
            &[]
        };
        // An open deal that entered its stage before all spans has neither moved nor is it new,
        // unless it was identified later than it says it entered.
        let candidates = chunk
            .open()
            .iter()
            .filter(|deal| {
                (deal.stage_entered >= earliest && deal.stage_entered != NO_DAY)
                    || (deal.identified >= earliest && deal.identified != NO_DAY)
            })
            .chain(recent)
            .chain(
                older
                    .iter()
                    .filter(|deal| deal.identified >= earliest && deal.identified != NO_DAY),
            );
        for deal in candidates {
            if !everything && !filter.matches(deal, portfolio) {
                continue;
            }
            for ((from, to), activity) in spans.iter().zip(&mut activities) {
                activity.add(deal, portfolio, *from, *to);
            }
        }
    }
    activities
}

impl Activity {
    fn add(&mut self, deal: &Deal, portfolio: &Portfolio, from: Day, to: Day) {
        let money = |amount: i64| if deal.foreign { 0 } else { amount };
        let within = |day: Day| from <= day && day <= to;
        let is_new = deal.identified != NO_DAY && within(deal.identified);
        if is_new {
            self.new.0 += 1;
            self.new.1 += money(deal.estimate);
        }
        if !deal.is_open() && within(deal.close) {
            let closed = if deal.is_won() {
                &mut self.won
            } else {
                &mut self.lost
            };
            closed.0 += 1;
            closed.1 += money(deal.value);
            if !deal.is_won() {
                self.lost_reasons.add(deal.lost_reason, money(deal.value));
            }
            return;
        }
        // When it entered its stage is not on record, so no move of these days is either.
        if is_new || deal.is_open() && deal.stage_entered == NO_DAY {
            return;
        }
        let (Some(before), Some(after)) = (
            stage_at(portfolio, deal.number, from - 1),
            stage_at(portfolio, deal.number, to),
        ) else {
            return;
        };
        match (before.is_open(), after.is_open()) {
            (true, true) if after > before => self.moved_forward += 1,
            (true, true) if after < before => self.moved_back += 1,
            (false, true) => self.reopened += 1,
            _ => {}
        }
    }
}
