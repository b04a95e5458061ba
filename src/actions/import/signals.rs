//! Signals: what was noticed about customers. One that names an opportunity becomes evidence on it; the
//! others wait for a deal that names them. A signal is a fact of one day, so a file that says something
//! else of one on record contradicts it; only its evidence may be written anew.

use rustc_hash::FxHashMap;

use super::deals::{Deals, Fresh, fingerprint};
use super::summary::Fate;
use super::values::{of_day, of_number};
use crate::domain::change::{Day, EMPTY, Millis, Subject, field};
use crate::domain::portfolio::Portfolio;
use crate::domain::statement::{Said, StatedSignal};
use crate::domain::texts::{NONE, Text};

/// What a row comes to, once everything it names is found.
struct Sorted {
    /// The customer it names.
    customer: u32,
    /// The deal that came of it.
    deal: Option<Fresh>,
    detected: Day,
    at: Millis,
}

/// Goes over all signals of the files, when the deals are settled.
pub(super) fn signals(deals: &mut Deals<'_, '_>) {
    let stated = deals.writing.stated;
    if stated.signals.is_empty() {
        return;
    }
    let led_to = led_to(deals.writing.before);
    for row in &stated.signals {
        if let Some(sorted) = deals.sorted(row) {
            deals.signal(row, &sorted, &led_to);
        }
    }
}

/// The deals that signals on record led to.
fn led_to(before: &Portfolio) -> FxHashMap<u32, Vec<u32>> {
    let mut led_to: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for deal in before.chunks().flat_map(|chunk| chunk.deals()) {
        let changes = before.changes(deal.number).iter();
        for change in changes.filter(|change| change.field == field::SIGNAL) {
            let signal = super::values::number(change.value);
            led_to.entry(signal).or_default().push(deal.number);
        }
    }
    led_to
}

impl Deals<'_, '_> {
    /// Finds what a row names. `None` when it is rejected.
    fn sorted(&mut self, row: &StatedSignal) -> Option<Sorted> {
        let (detected, at) = self.writing.clock.of(row.detected);
        if detected > self.writing.today {
            let reason = "a signal cannot be detected in the future";
            self.writing.reject(row.place, "detected_at", reason);
            return None;
        }
        let customer =
            self.customers
                .value(self.writing, row.customer, row.place, "customer_name")?;
        let customer = customer.map_or(NONE, super::values::number);
        let deal = match row.opportunity {
            None => None,
            Some(id) => Some(self.led_to(id).or_else(|| {
                let reason = if self.writing.stated.rejected_deals.contains(&id) {
                    "the row of this opportunity was rejected"
                } else {
                    "no opportunity on record has this id"
                };
                self.writing.reject(row.place, "opportunity_id", reason);
                None
            })?),
        };
        Some(Sorted {
            customer,
            deal,
            detected,
            at,
        })
    }

    /// The opportunity that has an id, on record or coming on it with these files.
    fn led_to(&self, id: Text) -> Option<Fresh> {
        if let Some(fresh) = self.fresh.get(&id) {
            return Some(*fresh);
        }
        let before = self.writing.before;
        let number = before.deal_by_id(self.writing.stated.text(id))?;
        let customer = before.deal(number)?.deal.customer;
        Some(Fresh { number, customer })
    }

    /// Puts a signal on record, or compares it with the one that is.
    fn signal(&mut self, row: &StatedSignal, sorted: &Sorted, led_to: &FxHashMap<u32, Vec<u32>>) {
        let before = self.writing.before;
        let known = before.signal_by_id(self.writing.stated.text(row.id));
        let others = known.and_then(|number| led_to.get(&number));
        let others = others.map_or(&[][..], Vec::as_slice);
        let news = sorted.deal.filter(|deal| !others.contains(&deal.number));
        if let Some(reason) = news.and_then(|deal| self.bars(sorted, deal, others)) {
            self.writing.reject(row.place, "opportunity_id", reason);
            return;
        }
        let (number, fate) = match known {
            None => (self.fresh_signal(row, sorted), Fate::New),
            Some(number) => match self.known_signal(row, sorted, number) {
                Some(fate) => (number, fate),
                None => return,
            },
        };
        let fate = match news {
            Some(deal) => {
                let (subject, link) = (Subject::Deal(deal.number), i64::from(number));
                let draft = &mut self.writing.draft;
                draft.set(subject, field::SIGNAL, sorted.at, link);
                match fate {
                    Fate::Unchanged => Fate::Changed,
                    fate => fate,
                }
            }
            None => fate,
        };
        self.writing.summary.signals.add(fate);
    }

    /// Why a signal cannot have led to a deal, if it cannot.
    fn bars(&self, sorted: &Sorted, deal: Fresh, others: &[u32]) -> Option<String> {
        let before = self.writing.before;
        if let Some(other) = others.first().and_then(|other| before.deal(*other)) {
            let id = before.text(other.detail.id);
            return Some(format!("this signal led to {id} already"));
        }
        let is_other = sorted.customer != deal.customer;
        (is_other && ![sorted.customer, deal.customer].contains(&NONE))
            .then(|| "the opportunity is another customer's".to_owned())
    }

    fn fresh_signal(&mut self, row: &StatedSignal, sorted: &Sorted) -> u32 {
        let number = self.writing.draft.new_signal();
        let subject = Subject::Signal(number);
        let of_deal = sorted.deal.map_or(NONE, |deal| deal.customer);
        let customer = if sorted.customer == NONE {
            of_deal
        } else {
            sorted.customer
        };
        let (id, kind) = (
            self.writing.text_value(row.id),
            self.writing.text_value(row.kind),
        );
        for (field, value) in [
            (field::ID, id),
            (field::SIGNAL_KIND, kind),
            (field::DETECTED, of_day(sorted.detected)),
            (field::CUSTOMER, of_number(customer)),
        ] {
            if value != EMPTY {
                self.writing.draft.set(subject, field, sorted.at, value);
            }
        }
        self.evidence(subject, row, sorted.at);
        number
    }

    /// The text a signal rests on, and the fingerprint by which the next import knows it.
    fn evidence(&mut self, subject: Subject, row: &StatedSignal, at: Millis) {
        if let Some((note, print)) = self.note(&Said::Is(row.evidence.clone())) {
            let draft = &mut self.writing.draft;
            draft.set(subject, field::EVIDENCE, at, of_number(note));
            draft.set(subject, field::SAID + field::EVIDENCE, at, print);
        }
    }

    /// What becomes of a signal on record. `None` when the row contradicts it and is rejected.
    fn known_signal(&mut self, row: &StatedSignal, sorted: &Sorted, number: u32) -> Option<Fate> {
        let (before, stated) = (self.writing.before, self.writing.stated);
        let known = *before.reference().signals.get(number)?;
        let contradiction = if before.text(known.kind) != stated.text(row.kind) {
            Some(("kind", before.text(known.kind).to_owned()))
        } else if known.detected != sorted.detected {
            let date = crate::domain::days::date(known.detected);
            let date = date.map_or_else(String::new, |date| date.to_string());
            Some(("detected_at", date))
        } else if ![NONE, sorted.customer].contains(&known.customer) && sorted.customer != NONE {
            let name = before.customer_name(known.customer);
            Some(("customer_id", name.to_owned()))
        } else {
            None
        };
        if let Some((column, here)) = contradiction {
            let reason = format!("this signal is on record with {here}");
            self.writing.reject(row.place, column, reason);
            return None;
        }
        let subject = Subject::Signal(number);
        let mut fate = Fate::Unchanged;
        if known.customer == NONE && sorted.customer != NONE {
            let customer = of_number(sorted.customer);
            self.writing
                .draft
                .set(subject, field::CUSTOMER, sorted.at, customer);
            fate = Fate::Changed;
        }
        let held = self.writing.ledger.held(subject, field::EVIDENCE);
        let said = held.and_then(|held| held.said).unwrap_or(EMPTY);
        let is_ours = held.is_some_and(|held| held.said.is_none());
        if !row.evidence.is_empty() && !is_ours && said != fingerprint(&row.evidence) {
            self.evidence(subject, row, self.writing.clock.now);
            fate = Fate::Changed;
        }
        Some(fate)
    }
}
