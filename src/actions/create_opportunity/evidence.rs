//! The signal that led to a deal: kept as evidence on it, once. One that a file told of already, or an
//! earlier command, is taken as it is on record.

use chrono::NaiveDate;

use super::SignalWords;
use crate::actions::Commanded;
use crate::actions::reading::short;
use crate::domain::change::{Subject, field};
use crate::domain::days::day;
use crate::domain::draft::Draft;
use crate::domain::portfolio::Portfolio;
use crate::domain::texts::NONE;
use crate::language::clean;
use crate::language::opportunity::label;
use crate::refusal::{Code, Refusal, Result};

/// A signal understood.
pub(super) struct Signal {
    kind: String,
    id: Option<String>,
    detected: NaiveDate,
    evidence: String,
}

impl Signal {
    /// Understands a caller's words, given the day they mean. The id alone says which one is meant when
    /// it is on record.
    pub(super) fn read(
        words: &SignalWords,
        detected: NaiveDate,
        portfolio: &Portfolio,
    ) -> Result<Signal> {
        let id = words.id.as_deref().map(|id| short("signal.id", id));
        let id = id.transpose()?;
        let on_record = || {
            let number = portfolio.signal_by_id(id.as_deref()?)?;
            portfolio.reference().signals.get(number)
        };
        let kind = match (&words.kind, on_record()) {
            (Some(kind), _) => short("signal.kind", kind)?
                .replace([' ', '-'], "_")
                .to_lowercase(),
            (None, Some(known)) => portfolio.text(known.kind).to_owned(),
            (None, None) => {
                let message = "The argument 'signal.kind' is missing.";
                return Err(Refusal::new(Code::InvalidArgument, message).hint(
                    "Give the kind, such as usage or qbr, or the id of a signal on record.",
                ));
            }
        };
        Ok(Signal {
            kind,
            id,
            detected,
            evidence: words.evidence.clone().unwrap_or_default(),
        })
    }

    /// What kind it is.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// Keeps it as evidence on a deal of a customer, unless it is there already.
    pub(super) fn attach(
        &self,
        deal: u32,
        customer: u32,
        commanded: &Commanded<'_>,
        draft: &mut Draft,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        let portfolio = commanded.portfolio;
        let known = self.id.as_deref().and_then(|id| portfolio.signal_by_id(id));
        let (number, detected) = match known {
            None => (
                self.put_on_record(customer, commanded, draft),
                day(self.detected),
            ),
            Some(number) => {
                self.check(number, customer, portfolio)?;
                let led_to = led_to(number, portfolio);
                if led_to.contains(&deal) {
                    notes.push("The signal is on record there already.".to_owned());
                    return Ok(());
                }
                if let Some(other) = led_to.first() {
                    let other = label(*other, portfolio);
                    notes.push(format!("The signal led to {other}, too."));
                }
                let signal = portfolio.reference().signals.get(number);
                (
                    number,
                    signal.map_or(day(self.detected), |signal| signal.detected),
                )
            }
        };
        let calendar = &commanded.portfolio.settings().calendar;
        let at = match crate::domain::days::date(detected) {
            Some(detected) if detected != commanded.today => calendar.start_of(detected),
            _ => commanded.author.now,
        };
        let subject = Subject::Deal(deal);
        draft.set(subject, field::SIGNAL, at, i64::from(number));
        Ok(())
    }

    fn put_on_record(&self, customer: u32, commanded: &Commanded<'_>, draft: &mut Draft) -> u32 {
        let now = commanded.author.now;
        let number = draft.new_signal();
        let subject = Subject::Signal(number);
        let (id, kind, evidence) = (
            draft.text(self.id.as_deref().unwrap_or_default()),
            draft.text(&self.kind),
            draft.note(self.evidence.trim()),
        );
        draft.set_number(subject, field::ID, now, id);
        draft.set_number(subject, field::SIGNAL_KIND, now, kind);
        draft.set(subject, field::DETECTED, now, i64::from(day(self.detected)));
        draft.set_number(subject, field::EVIDENCE, now, evidence);
        draft.set_number(subject, field::CUSTOMER, now, customer);
        number
    }

    /// Refuses a signal that is on record as another one.
    fn check(&self, number: u32, customer: u32, portfolio: &Portfolio) -> Result<()> {
        let Some(known) = portfolio.reference().signals.get(number) else {
            return Ok(());
        };
        let here = if portfolio.text(known.kind) != self.kind {
            portfolio.text(known.kind)
        } else if ![NONE, customer].contains(&known.customer) {
            portfolio.customer_name(known.customer)
        } else {
            return Ok(());
        };
        let id = clean(portfolio.text(known.id), 60);
        let message = format!(
            "The signal {id} is on record as one of {}.",
            clean(here, 60)
        );
        Err(Refusal::new(Code::SignalContradicted, message)
            .hint("Give the kind and the customer it has, or another id."))
    }
}

/// The deals that a signal on record led to.
fn led_to(signal: u32, portfolio: &Portfolio) -> Vec<u32> {
    let is_it = |deal: &u32| {
        let mut changes = portfolio.changes(*deal).iter();
        changes.any(|change| change.field == field::SIGNAL && change.value == i64::from(signal))
    };
    let known = portfolio.reference().signals.get(signal);
    let customer = known.map_or(NONE, |known| known.customer);
    let mut deals: Vec<u32> = portfolio.deals_of(customer).to_vec();
    deals.retain(is_it);
    deals
}
