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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::domain::days::DayTable;
    use crate::domain::deal::HISTORY;
    use crate::domain::fold::{Record, fold};
    use crate::domain::origin::Origin;
    use crate::domain::stage::Stage;

    /// A deal lost on a day, identified on another, with or without stage history.
    fn lost(number: u32, close: Day, identified: Day, has_history: bool) -> Deal {
        let origin = Origin {
            deal: number,
            identified,
            estimate: 100,
            ..Origin::default()
        };
        let record = Record::whole(&origin, &[]);
        let days = DayTable::default();
        let folded = fold(record, &days, &mut Vec::new(), &mut Vec::new());
        Deal {
            stage: Stage::ClosedLost,
            close,
            entered: 0b0011 | if has_history { HISTORY } else { 0 },
            ..folded.deal
        }
    }

    fn stay(days: i32) -> Stay {
        Stay {
            place: 0,
            stage: 1,
            days,
        }
    }

    #[test]
    fn what_is_taken_away_is_as_if_it_never_was() {
        // The first two closed before they were identified, the second of them latest.
        let deals = [
            lost(0, 10, 20, true),
            lost(1, 10, 30, false),
            lost(2, 40, 35, true),
        ];
        let closed = |deals: &[Deal]| ByClose::default().with(deals.to_vec(), |_| false);
        let counted = |deals: &[Deal], stays: &[i32]| {
            let mut facts = Counting::from(&Facts::default());
            deals.iter().for_each(|deal| facts.add(deal));
            stays.iter().for_each(|days| facts.add_stay(&stay(*days)));
            facts.done(&closed(deals))
        };
        let all = counted(&deals, &[3, 600, 600, 3]);
        assert_eq!(all.fates, [(2, 0b0011, 1), (2, 0b0011 | HISTORY, 2)]);
        assert_eq!(all.stays, [(1, 3, 2), (1, 600, 2)]);
        assert_eq!(all.latest_backwards, 30);
        assert_eq!(all.unrecorded, [0, 0, 100]);

        let [first, second, third] = deals;
        let mut facts = Counting::from(&all);
        facts.take(&second);
        facts.take_stay(&stay(3));
        facts.take_stay(&stay(600));
        let left = facts.done(&closed(&[first, third]));
        assert_eq!(left, counted(&[first, third], &[600, 3]));
        assert_eq!(left.latest_backwards, 20);
    }
}
