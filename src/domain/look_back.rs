//! A portfolio as it stood at an earlier cut. What lies wholly before the cut is taken as it stands;
//! only the deals of which something lies after it are folded again.

use std::sync::{Arc, OnceLock};

use super::change::{Cut, Logged, Position, field};
use super::chunk::{Back, Knowledge, Terms};
use super::chunked::Chunked;
use super::days::DayTable;
use super::parallel;
use super::portfolio::Portfolio;
use super::pricing::{By, Pricing};
use super::reference::Reference;

impl Portfolio {
    /// The same organisation as it stood at a cut; where the cut limits what was known, as it was then
    /// thought to stand.
    #[must_use]
    pub fn at(&self, cut: &Cut) -> Portfolio {
        let is_recorded = |position: Position| {
            self.entry_of(position)
                .is_some_and(|entry| entry.recorded_at <= cut.recorded_at)
        };
        let known = cut.limits_knowledge().then(|| Knowledge {
            is_recorded: &is_recorded,
            position: cut.position,
            through: self.known_through(cut),
        });
        let known = known.as_ref();
        let mut then = self.clone();
        then.norms = OnceLock::new();
        then.until = Some(cut.at);
        if let Some(known) = known {
            let rows = self.ledger.iter();
            then.ledger = Chunked::default();
            for row in rows.filter(|row| known.holds(row.change.seq)) {
                then.ledger.push(*row);
            }
            Arc::make_mut(&mut then.setting_changes).retain(|row| known.holds(row.change.seq));
            then.position = self.known_up_to(known);
        }
        // Up to here this portfolio and the look back are the same.
        let same = cut.at.min(self.until.unwrap_or(cut.at));
        let is_same = |row: &Logged| {
            // These are listed from the start, whatever the cut.
            row.change.at <= same || matches!(row.change.field, field::ID | field::NAME)
        };
        if then.ledger.len() != self.ledger.len() || !self.ledger.iter().all(is_same) {
            then.reference = Reference::fold(&then.ledger, &self.texts, cut.at);
        }
        let calendar = then.reference.settings.calendar;
        if calendar != *self.days.calendar() {
            then.days = Arc::new(DayTable::new(calendar));
        }
        then.by = By::LATEST;
        let (one, other) = (&self.reference, &then.reference);
        let is_same_zone = one.settings.calendar.zone == other.settings.calendar.zone;
        let back = Back {
            terms: Terms {
                days: &then.days,
                until: cut.at,
                pricing: Pricing::of(&then.reference, then.by),
            },
            known,
            same: is_same_zone.then_some(same),
            is_repriced: self.by != then.by
                || one.rates != other.rates
                || one.settings.currency != other.settings.currency,
        };
        parallel::for_each(&mut then.chunks, parallel::CHUNKS, |chunk| {
            *chunk = chunk.at(&back)
        });
        if known.is_some() {
            let on_record = then.chunks.iter().flat_map(|chunk| chunk.deals());
            let origins = on_record.filter_map(|deal| self.origin(deal.number));
            then.first_at = origins.map(|origin| origin.at).min();
        }
        then
    }

    /// The last position up to which everything was known at a cut.
    fn known_through(&self, cut: &Cut) -> Position {
        let mut entries = self.entries.iter();
        let unknown = entries.find(|entry| entry.recorded_at > cut.recorded_at);
        unknown.map_or(cut.position, |entry| cut.position.min(entry.first - 1))
    }

    /// The last position that was known.
    fn known_up_to(&self, known: &Knowledge<'_>) -> Position {
        let entries = (0..self.entries.len() as u32).rev();
        let firsts = entries.filter_map(|number| self.entries.get(number).map(|entry| entry.first));
        let mut end = self.position;
        for first in firsts {
            if known.holds(first) {
                return end.min(known.position);
            }
            end = first - 1;
        }
        0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::domain::role::Role;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::change::{BEGINNING, Door, EMPTY, Millis, Subject};
    use crate::domain::chunk::Chunk;
    use crate::domain::draft::{Author, Draft};
    use crate::domain::origin::Origin;

    const DAY: i64 = 86_400_000;
    const DEALS: u32 = 6;

    /// A change of a deal, or of what deals refer to, on some day.
    type Step = (u32, u32, i64, i64);

    /// A portfolio that each of the steps was written to, each on a day of its own.
    fn written(steps: &[Step]) -> Portfolio {
        let author = |now| Author {
            role: Role::Admin,
            client: String::new(),
            trace: String::new(),
            actor: "somebody".to_owned(),
            door: Door::Cli,
            reason: String::new(),
            now: now * DAY,
        };
        let mut draft = Draft::new(&Portfolio::default(), &author(0));
        let euro = draft.text("EUR");
        let customer = Subject::Customer(draft.new_customer());
        let name = draft.text("Acme Inc");
        draft.set_number(customer, field::ID, BEGINNING, name);
        for deal in 0..DEALS {
            draft.deal(Origin {
                at: i64::from(deal) * 3 * DAY,
                known_at: 10 * DAY,
                id: name,
                customer: 0,
                estimate: 100,
                currency: if deal == 1 {
                    euro
                } else {
                    super::super::texts::NONE
                },
                ..Origin::default()
            });
        }
        let mut portfolio = draft.finish().after;
        for (now, (deal, kind, day, value)) in (1_i64..).zip(steps) {
            let mut draft = Draft::new(&portfolio, &author(now));
            let subject = Subject::Deal(*deal);
            let at = day * DAY;
            let last = portfolio.logged(*deal).last().copied();
            let texts = ["probability.proposal", "0.5", "fiscal_year_start", "3"];
            let [probability, half, year, march] = texts.map(|text| draft.text(text));
            let rate = draft.text(&format!("{euro}|{day}"));
            let one = draft.text("1.5");
            match kind {
                0 => draft.set(subject, field::STAGE, at, value % 6),
                1 => draft.set(subject, field::ESTIMATED_VALUE, at, *value),
                2 => draft.set(subject, field::EXPECTED_CLOSE, at, *value),
                3 => draft.set(subject, field::ATTRIBUTES + name, at, i64::from(name)),
                4 => draft.set(
                    subject,
                    field::CLOSED_VALUE,
                    at,
                    if *value > 20 { EMPTY } else { *value },
                ),
                5 => match last {
                    Some(last) => draft.set(subject, field::VOID, last.at, i64::from(last.seq)),
                    None => draft.set(subject, field::NAME, at, i64::from(name)),
                },
                6 => draft.set(customer, field::ARR, at, *value),
                7 => draft.set(
                    Subject::Setting(probability),
                    field::VALUE,
                    at,
                    i64::from(half),
                ),
                8 => draft.set(Subject::Setting(year), field::VALUE, at, i64::from(march)),
                9 => draft.set(Subject::Rate(rate), field::VALUE, at, i64::from(one)),
                _ => draft.set(customer, field::NAME, at, i64::from(name)),
            }
            portfolio = draft.finish().after;
        }
        portfolio
    }

    /// What a chunk holds, in words.
    fn shown(chunk: &Chunk) -> String {
        let details: Vec<_> = (0..DEALS as u16).map(|place| chunk.detail(place)).collect();
        let mut stays: Vec<_> = chunk.stays().collect();
        stays.sort_by_key(|stay| stay.place);
        let mut attributes: Vec<_> = chunk.all_attributes().collect();
        attributes.sort_by_key(|known| known.place);
        format!(
            "{:?} {:?} {stays:?} {attributes:?} {:?} {:?} {details:?}",
            chunk.open().all(),
            chunk.closed().all(),
            chunk.all_own(),
            chunk.facts()
        )
    }

    /// Compares a look back with one that takes nothing as it stands.
    fn compare(now: &Portfolio, cut: &Cut) -> std::result::Result<Portfolio, TestCaseError> {
        let then = now.at(cut);
        let afresh = Reference::fold(&then.ledger, &then.texts, cut.at);
        prop_assert_eq!(format!("{:?}", then.reference), format!("{afresh:?}"));
        let is_recorded =
            |position: Position| now.entry_of(position).unwrap().recorded_at <= cut.recorded_at;
        let known = Knowledge {
            is_recorded: &is_recorded,
            position: cut.position,
            through: 0,
        };
        let back = Back {
            terms: Terms {
                days: &DayTable::new(afresh.settings.calendar),
                until: cut.at,
                pricing: Pricing::of(&afresh, By::LATEST),
            },
            known: cut.limits_knowledge().then_some(&known),
            same: None,
            is_repriced: true,
        };
        for (chunk, then) in now.chunks.iter().zip(&then.chunks) {
            prop_assert_eq!(shown(then), shown(&chunk.at(&back)));
        }
        Ok(then)
    }

    proptest! {
        #[test]
        fn what_is_taken_as_it_stands_is_what_a_fold_gives(
            steps in proptest::collection::vec((0..DEALS, 0..11_u32, 0..40_i64, 0..40_i64), 0..30),
            cuts in [(0..45_i64, 0..45_i64, 1..60_u32), (0..45, 0..45, 1..60)],
        ) {
            let now = written(&steps);
            for chunk in &now.chunks {
                let mut afresh = Chunk::clone(chunk);
                afresh.fold(Terms {
                    days: &now.days,
                    until: Millis::MAX,
                    pricing: Pricing::of(&now.reference, now.by),
                });
                prop_assert_eq!(shown(chunk), shown(&afresh));
            }
            let [(at, recorded, position), (later, ..)] = cuts;
            let cut = Cut::at(at * DAY);
            compare(&now, &cut)?;
            compare(&now, &Cut { recorded_at: recorded * DAY, ..cut })?;
            compare(&now, &Cut { position, ..Cut::NOW })?;
            let once = compare(&now, &Cut::at(later * DAY))?;
            compare(&once, &cut)?;
        }
    }
}
