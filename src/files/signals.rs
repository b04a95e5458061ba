//! `signals.csv`: what was noticed about customers, and which opportunity came of it, if one did.

use rustc_hash::FxHashMap;

use super::table::{Look, columns};
use super::{Source, close, open};
use crate::domain::settings::Settings;
use crate::domain::statement::{Rejection, Said, StatedSignal, Statements};
use crate::domain::texts::Text;

columns! { SignalColumns {
    id required,
    customer_id,
    customer_name,
    kind required,
    detected_at required,
    evidence,
    opportunity_id,
} }

/// Reads the signals. The same signal twice is one; two that differ under one id contradict each other.
pub(super) fn signals(
    source: &Source,
    settings: &Settings,
    stated: &mut Statements,
) -> Result<(), Rejection> {
    let looks = [("detected_at", Look::Date)];
    let table = open(stated, source, SignalColumns::SPECS, &looks, false)?;
    let columns = SignalColumns::of(&table);
    let mut known: FxHashMap<Text, StatedSignal> = stated
        .signals
        .iter()
        .map(|signal| (signal.id, signal.clone()))
        .collect();
    let (signals, tally) = table.read(stated, |row| {
        let said = row.name(&columns.id);
        let id = row.required(&columns.id, said)?;
        let kind = row.text(&columns.kind);
        let kind = row.required(&columns.kind, kind);
        let detected = row.moment(&columns.detected_at, &settings.calendar);
        let detected = row.required(&columns.detected_at, detected);
        let customer = row.named(&columns.customer_id, &columns.customer_name);
        let opportunity = row.name(&columns.opportunity_id);
        let evidence = row.note(&columns.evidence);
        if customer.id.value().or(customer.name.value()).is_none() && opportunity.value().is_none()
        {
            let reason = "a signal is of a customer or of an opportunity; both are empty";
            row.fault(&columns.customer_id, reason);
        }
        // "Health score" and "health_score" are one kind.
        let kind = row.statements.text(kind?).to_lowercase();
        let kind = row.statements.number(&kind.replace([' ', '-'], "_"));
        let signal = StatedSignal {
            place: row.place,
            id,
            customer,
            kind,
            detected: detected?,
            evidence: match evidence {
                Said::Is(text) => text,
                Said::Empty | Said::Nothing => "".into(),
            },
            opportunity: opportunity.value(),
        };
        if let Some(other) = known.get(&id) {
            if let Some(column) = difference(&signal, other) {
                let place = other.place;
                row.is_repeated(&columns.id, Some(place));
                row.fault(&table.column(column), "it differs there");
            }
            return None;
        }
        known.insert(id, signal.clone());
        Some(signal)
    });
    stated.signals.extend(signals);
    close(stated, source, &tally);
    Ok(())
}

/// The column in which two signals under one id differ, if they do.
fn difference(one: &StatedSignal, other: &StatedSignal) -> Option<&'static str> {
    [
        ("customer_id", one.customer == other.customer),
        ("kind", one.kind == other.kind),
        ("detected_at", one.detected == other.detected),
        ("evidence", one.evidence == other.evidence),
        ("opportunity_id", one.opportunity == other.opportunity),
    ]
    .into_iter()
    .find_map(|(column, is_same)| (!is_same).then_some(column))
}
