//! `signals.csv`: what was noticed, and the opportunity it led to.

use std::io;

use rustc_hash::FxHashMap;

use super::{Exported, Rows, day};
use crate::domain::change::{NO_DAY, field};
use crate::domain::texts::NONE;

/// Writes the signals. One without an id of its own gets one, because the file tells signals apart by it.
pub(super) fn signals(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    let portfolio = exported.portfolio;
    rows.header([
        "id",
        "customer_id",
        "kind",
        "detected_at",
        "evidence",
        "opportunity_id",
    ])?;
    let mut led: FxHashMap<u32, u32> = FxHashMap::default();
    for deal in portfolio.chunks().flat_map(|chunk| chunk.deals()) {
        for change in portfolio.changes(deal.number) {
            if let (field::SIGNAL, Ok(signal)) = (change.field, u32::try_from(change.value)) {
                led.insert(signal, deal.number);
            }
        }
    }
    for (number, signal) in (0_u32..).zip(portfolio.reference().signals.iter()) {
        // Of one whose only mention was undone nothing is left but its number.
        if signal.kind == NONE && signal.detected == NO_DAY {
            continue;
        }
        let deal = led.get(&number).and_then(|deal| portfolio.deal(*deal));
        let own = exported.text(signal.id);
        let id = if signal.id == NONE {
            format!("signal-{number}")
        } else {
            own.to_owned()
        };
        // A signal that says nothing of its customer is of that of its deal.
        let customer = match deal {
            Some(found) if signal.customer == NONE => found.deal.customer,
            _ => signal.customer,
        };
        rows.row([
            id.as_str(),
            exported.customer_id(customer),
            exported.text(signal.kind),
            &day(signal.detected),
            &exported.note(signal.evidence)?,
            exported.text(deal.map_or(NONE, |found| found.detail.id)),
        ])?;
    }
    Ok(())
}
