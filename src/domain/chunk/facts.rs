//! What the deals of a chunk come to in figures over all deals: part of the fold, so that a report on the
//! whole portfolio need not look at each deal that closed years ago.

use std::collections::BTreeMap;

use crate::domain::by_close::ByClose;
use crate::domain::change::{Day, NO_DAY};
use crate::domain::deal::{Deal, Stay};
use crate::domain::stage::OPEN_STAGES;

/// What the deals of a chunk come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How many deals are in each state (open, won, lost: 0, 1, 2) having entered each set of stages.
    pub fates: Vec<(u8, u8, u32)>,
    /// How many finished stays in each stage took how many days.
    pub stays: Vec<(u8, i32, u32)>,
    /// The latest identified date of a deal that closed before it; `Day::MIN` when there is none.
    pub latest_backwards: Day,
    /// What the deals without stage history are worth in each state; one without a rate adds nothing.
    pub unrecorded: [i64; 3],
}

impl Default for Facts {
    fn default() -> Facts {
        Facts {
            fates: Vec::new(),
            stays: Vec::new(),
            latest_backwards: Day::MIN,
            unrecorded: [0; 3],
        }
    }
}

/// Stays shorter than this are counted in a table, the few longer ones in a list.
const SHORT: usize = 512;

/// Facts while deals are taken from them and added to them.
pub(super) struct Counting {
    fates: [[u32; 256]; 3],
    short: [[u32; SHORT]; OPEN_STAGES],
    long: BTreeMap<(u8, i32), u32>,
    latest_backwards: Day,
    /// Whether the latest of those may have been taken away.
    is_latest_taken: bool,
    unrecorded: [i64; 3],
}

impl Counting {
    /// Goes on from some facts.
    pub(super) fn from(facts: &Facts) -> Counting {
        let mut counting = Counting {
            fates: [[0; 256]; 3],
            short: [[0; SHORT]; OPEN_STAGES],
            long: BTreeMap::new(),
            latest_backwards: facts.latest_backwards,
            is_latest_taken: false,
            unrecorded: facts.unrecorded,
        };
        for (state, entered, count) in &facts.fates {
            counting.count_fate(*state, *entered, |sum| sum + count);
        }
        for (stage, days, count) in &facts.stays {
            counting.count_stay(*stage, *days, |sum| sum + count);
        }
        counting
    }

    /// Adds a deal.
    pub(super) fn add(&mut self, deal: &Deal) {
        self.count_fate(deal.state(), deal.entered, |sum| sum + 1);
        self.add_worth(deal, worth(deal));
        if let Some(identified) = backwards(deal) {
            self.latest_backwards = self.latest_backwards.max(identified);
        }
    }

    /// Takes a deal away that was added.
    pub(super) fn take(&mut self, deal: &Deal) {
        self.count_fate(deal.state(), deal.entered, |sum| sum.saturating_sub(1));
        self.add_worth(deal, -worth(deal));
        self.is_latest_taken |= backwards(deal) == Some(self.latest_backwards);
    }

    /// Adds a finished stay.
    pub(super) fn add_stay(&mut self, stay: &Stay) {
        self.count_stay(stay.stage, stay.days, |sum| sum + 1);
    }

    /// Takes a finished stay away that was added.
    pub(super) fn take_stay(&mut self, stay: &Stay) {
        self.count_stay(stay.stage, stay.days, |sum| sum.saturating_sub(1));
    }

    /// The facts of the deals there are now, of which these are closed.
    pub(super) fn done(self, closed: &ByClose) -> Facts {
        let latest_backwards = if self.is_latest_taken {
            let backwards = closed.all().iter().filter_map(backwards);
            backwards.max().unwrap_or(Day::MIN)
        } else {
            self.latest_backwards
        };
        let mut fates = Vec::new();
        for (state, sets) in (0..).zip(&self.fates) {
            for (entered, count) in (0..=u8::MAX).zip(sets) {
                if *count > 0 {
                    fates.push((state, entered, *count));
                }
            }
        }
        let mut stays = Vec::new();
        for (stage, lengths) in (0..).zip(&self.short) {
            for (days, count) in (0..).zip(lengths) {
                if *count > 0 {
                    stays.push((stage, days, *count));
                }
            }
        }
        let long = self.long.into_iter().filter(|(_, count)| *count > 0);
        stays.extend(long.map(|((stage, days), count)| (stage, days, count)));
        Facts {
            fates,
            stays,
            latest_backwards,
            unrecorded: self.unrecorded,
        }
    }

    fn count_fate(&mut self, state: u8, entered: u8, count: impl Fn(u32) -> u32) {
        let sets = self.fates.get_mut(usize::from(state));
        if let Some(sum) = sets.and_then(|sets| sets.get_mut(usize::from(entered))) {
            *sum = count(*sum);
        }
    }

    fn count_stay(&mut self, stage: u8, days: i32, count: impl Fn(u32) -> u32) {
        let lengths = self.short.get_mut(usize::from(stage));
        let short = usize::try_from(days).unwrap_or(SHORT);
        let sum = match lengths.and_then(|lengths| lengths.get_mut(short)) {
            Some(sum) => sum,
            None => self.long.entry((stage, days)).or_default(),
        };
        *sum = count(*sum);
    }

    fn add_worth(&mut self, deal: &Deal, worth: i64) {
        if let Some(sum) = self.unrecorded.get_mut(usize::from(deal.state())) {
            *sum += worth;
        }
    }
}

/// The identified date of a deal that closed before it.
fn backwards(deal: &Deal) -> Option<Day> {
    let is_backwards = !deal.is_open() && deal.identified != NO_DAY && deal.close < deal.identified;
    is_backwards.then_some(deal.identified)
}

/// What a deal is worth among those without stage history.
fn worth(deal: &Deal) -> i64 {
    if deal.has_history() || deal.foreign {
        0
    } else {
        deal.value
    }
}

/// What the deals without stage history are worth in each state.
pub(super) fn unrecorded<'a>(deals: impl Iterator<Item = &'a Deal>) -> [i64; 3] {
    let mut sums = [0; 3];
    for deal in deals {
        if let Some(sum) = sums.get_mut(usize::from(deal.state())) {
            *sum += worth(deal);
        }
    }
    sums
}
