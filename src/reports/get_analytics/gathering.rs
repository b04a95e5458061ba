//! The deals themselves that an analysis counts, for what stands behind its figures: the same deals as
//! in `counting`, each in the segment it belongs to.

use rustc_hash::FxHashMap;

use super::counting::Analysis;
use crate::domain::deal::Deal;
use crate::reports::parts::behind::Gathered;
use crate::reports::parts::performance::Column;
use crate::reports::parts::segments::Dating;

impl<'a> Analysis<'a> {
    /// Gathers them, given the deals that closed in the period: all, and by the keys of the dimension.
    pub fn gather(&self, closed: &[&'a Deal]) -> (Gathered<'a>, FxHashMap<u64, Gathered<'a>>) {
        let (asked, portfolio) = (self.asked, self.asked.portfolio);
        let shows = |column| self.columns.contains(&column);
        let mut all = Gathered::default();
        let mut segments: FxHashMap<u64, Gathered<'a>> = FxHashMap::default();
        for deal in closed {
            all.closed.push(deal);
            let key = self.key(deal, Dating::Closed);
            segments.entry(key).or_default().closed.push(deal);
        }
        if shows(Column::Open) {
            for deal in portfolio.open().filter(|deal| self.matches(deal)) {
                all.open.push(deal);
                if !self.is_of_time() {
                    let key = self.key(deal, Dating::Closed);
                    segments.entry(key).or_default().open.push(deal);
                }
            }
        }
        if shows(Column::Found) {
            let days = self.found_in;
            let found = asked.each(self.filter);
            for deal in found.filter(|deal| days.is_none_or(|days| days.contains(deal.identified)))
            {
                all.found.push(deal);
                let key = self.key(deal, Dating::Identified);
                segments.entry(key).or_default().found.push(deal);
            }
        }
        if shows(Column::SlipRate) {
            all.due = self.due(self.period);
            if self.is_of_time() {
                for part in self.parts {
                    let key = self.key_of_day(part.span.start);
                    segments.entry(key).or_default().due = self.due(&part.period);
                }
            } else {
                for (deal, slips) in &all.due {
                    let key = self.key(deal, Dating::Closed);
                    segments.entry(key).or_default().due.push((deal, *slips));
                }
            }
        }
        (all, segments)
    }
}
