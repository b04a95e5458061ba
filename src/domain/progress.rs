//! How deals move through the stages (DEFINITIONS section 3): finished stays, conversion, when a
//! deal is stale, and in which stage a deal stood on a day.

use super::change::{Day, NO_DAY, field};
use super::deal::{Deal, HISTORY};
use super::filter::{Filter, Tally};
use super::measure::Span;
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
    /// Deals without stage history, left out of both: open, won, lost. Of those open the weighted value
    /// is that of the settings asked under.
    pub without_history: [Tally; 3],
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
            for deal in chunk.deals() {
                if !filter.matches(deal, portfolio) {
                    continue;
                }
                if let Some(place) =
                    counted.get_mut(usize::from(super::deal::place_of(deal.number)))
                {
                    *place = true;
                }
                let state = usize::from(deal.state());
                if let Some(tally) = progress.without_history.get_mut(state)
                    && !deal.has_history()
                {
                    tally.add(deal, portfolio);
                }
                let sets = fates.get_mut(state);
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
            let facts = chunk.facts();
            for (state, entered, count) in &facts.fates {
                let count = u64::from(*count);
                progress.add_fate(*state, *entered, count);
                if let Some(tally) = progress.without_history.get_mut(usize::from(*state))
                    && entered & HISTORY == 0
                {
                    tally.count += count;
                }
            }
            for (tally, worth) in progress.without_history.iter_mut().zip(facts.unrecorded) {
                tally.value += worth;
            }
            let open = chunk.open().all().iter();
            let unrecorded = open.filter(|deal| !deal.has_history());
            let weighted = unrecorded.map(|deal| Tally::of(deal, portfolio.settings()).weighted);
            let [open, ..] = &mut progress.without_history;
            open.weighted += weighted.sum::<i64>();
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

/// The stage a deal stood in before each span of days and at its end; `None` where it did not exist.
fn stages_around<const N: usize>(
    portfolio: &Portfolio,
    deal: u32,
    spans: &[Span; N],
) -> [(Option<Stage>, Option<Stage>); N] {
    let mut around = [(None, None); N];
    let Some(origin) = portfolio.origin(deal) else {
        return around;
    };
    let days = portfolio.days();
    let began = days.of(origin.at);
    let first = Stage::from_code(origin.stage);
    let moves = portfolio
        .changes(deal)
        .iter()
        .filter(|change| field::is_stage(change.field))
        .filter_map(|change| {
            let to = u8::try_from(change.value).ok().and_then(Stage::from_code)?;
            Some((days.of(change.at).max(began), Some(to)))
        });
    for (day, to) in std::iter::once((began, first)).chain(moves) {
        for ((before, after), span) in around.iter_mut().zip(spans) {
            if day < span.start {
                *before = to;
            }
            if day <= span.end {
                *after = to;
            }
        }
    }
    around
}

/// Lost deals by reason: how many and how much. There are few reasons, so a list is searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons(Vec<(Text, u64, i64)>);

impl Reasons {
    /// Counts a lost deal.
    pub fn add(&mut self, reason: Text, value: i64) {
        self.add_several(reason, 1, value);
    }

    /// Counts what others counted.
    pub fn merge(&mut self, other: &Reasons) {
        for (reason, count, value) in other.iter() {
            self.add_several(*reason, *count, *value);
        }
    }

    fn add_several(&mut self, reason: Text, more: u64, value: i64) {
        match self.0.iter_mut().find(|(known, _, _)| *known == reason) {
            Some((_, count, sum)) => {
                *count += more;
                *sum += value;
            }
            None => self.0.push((reason, more, value)),
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
pub fn activity<const N: usize>(
    portfolio: &Portfolio,
    filter: &Filter,
    spans: &[Span; N],
) -> [Activity; N] {
    let mut activities: [Activity; N] = std::array::from_fn(|_| Activity::default());
    let everything = filter.is_everything();
    let earliest = spans.iter().map(|span| span.start).min().unwrap_or(NO_DAY);
    for chunk in portfolio.chunks() {
        // An open deal that entered its stage before all spans has neither moved nor is it new,
        // unless it was identified later than it says it entered.
        let open = chunk.open().since(earliest);
        let closed = chunk.closed().between(earliest, Day::MAX);
        // Of the deals closed before, only one that closed before it was identified can be new.
        let backwards = (chunk.facts().latest_backwards >= earliest)
            .then(|| chunk.closed().since(earliest))
            .into_iter()
            .flatten()
            .filter(|deal| deal.close < earliest);
        for deal in open.chain(closed).chain(backwards) {
            if everything || filter.matches(deal, portfolio) {
                add_activity(deal, portfolio, spans, &mut activities);
            }
        }
    }
    activities
}

/// Adds what one deal did in each span.
fn add_activity<const N: usize>(
    deal: &Deal,
    portfolio: &Portfolio,
    spans: &[Span; N],
    activities: &mut [Activity; N],
) {
    // What a deal was before and after a span is looked up once, when some span asks for it.
    let mut around = None;
    for (place, (span, activity)) in spans.iter().zip(activities).enumerate() {
        if activity.is_counted(deal, span) {
            continue;
        }
        // It has stood where it stands since before the span; or since when is not on record, and
        // then no move of these days is either.
        let entered = deal.stage_entered;
        if entered < span.start || deal.is_open() && entered == NO_DAY {
            continue;
        }
        let around = around.get_or_insert_with(|| stages_around(portfolio, deal.number, spans));
        if let Some((Some(before), Some(after))) = around.get(place).copied() {
            activity.add_move(before, after);
        }
    }
}

impl Activity {
    /// Counts a deal that is new or closed in the span: it counts only as such.
    fn is_counted(&mut self, deal: &Deal, span: &Span) -> bool {
        let money = |amount: i64| if deal.foreign { 0 } else { amount };
        let is_new = deal.identified != NO_DAY && span.contains(deal.identified);
        if is_new {
            self.new.0 += 1;
            self.new.1 += money(deal.estimate);
        }
        let is_closed = !deal.is_open() && span.contains(deal.close);
        if is_closed {
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
        }
        is_new || is_closed
    }

    /// Counts a deal that stood in one stage before the span and in another at its end.
    fn add_move(&mut self, before: Stage, after: Stage) {
        match (before.is_open(), after.is_open()) {
            (true, true) if after > before => self.moved_forward += 1,
            (true, true) if after < before => self.moved_back += 1,
            (false, true) => self.reopened += 1,
            _ => {}
        }
    }
}
