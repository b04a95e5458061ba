//! Changes that look wrong: refused once, so that somebody says that they are right.

use chrono::NaiveDate;

use crate::actions::Commanded;
use crate::domain::norm::Norm;
use crate::domain::portfolio::Portfolio;
use crate::refusal::{Code, Refusal, Result, Takes};

/// The argument that says a change is right though it looks wrong.
pub const CONFIRM: &str = "confirm";

/// Why a close date to come looks wrong, if it does.
pub fn of_expected_close(on: NaiveDate, today: NaiveDate) -> Option<String> {
    (on < today).then(|| format!("Its expected close {on} lies in the past, so it is overdue."))
}

/// Why the value of a deal looks wrong after a change, if it does and did not so before.
pub fn of_value(number: u32, before: &Portfolio, after: &Portfolio) -> Option<String> {
    let norm = |portfolio: &Portfolio| Norm::of(portfolio.deal(number)?.deal, portfolio);
    let far = norm(after).filter(|norm| norm.is_above)?;
    if norm(before).is_some_and(|norm| norm.is_above) {
        return None;
    }
    let currency = after.settings().currency;
    Some(format!(
        "Its value {} is ten times the median of the customer's {} other deals, {}, or more.",
        currency.show(after.deal(number)?.deal.value),
        far.others,
        currency.show(far.median)
    ))
}

/// Refuses a change that looks wrong until it is confirmed. One that is not written is only noted.
pub fn settle(
    commanded: &Commanded<'_>,
    confirmed: Option<bool>,
    doubts: Vec<String>,
    notes: &mut Vec<String>,
) -> Result<()> {
    if doubts.is_empty() {
        return Ok(());
    }
    let is_confirmed = confirmed == Some(true);
    if !is_confirmed && !commanded.dry_run {
        let doubts = doubts.join(" ");
        let question = format!("{doubts} Write it all the same?");
        let message = format!("This looks wrong. {doubts} Nothing was written.");
        return Err(Refusal::new(Code::ConfirmationRequired, message)
            .hint("Ask whether it is right; if it is, add confirm: true.")
            .wants(CONFIRM, question, Takes::Yes));
    }
    notes.extend(doubts);
    if !is_confirmed {
        notes.push("To write it, add confirm: true.".to_owned());
    }
    Ok(())
}
