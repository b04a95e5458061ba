//! `targets.csv`, `forecasts.csv`, `rates.csv` and `settings.csv`: what stands now.

use std::io;

use super::{Exported, Rows, day};
use crate::domain::change::Subject;
use crate::domain::days::date;
use crate::domain::settings::NAMES;
use crate::domain::stage::ExpansionType;

/// Writes the targets.
pub(super) fn targets(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    rows.header(["month", "amount", "csm_id", "csm_name", "type"])?;
    for (key, amount) in exported.portfolio.reference().targets.iter() {
        let month = date(key.month).map(|month| month.format("%Y-%m").to_string());
        rows.row([
            month.unwrap_or_default().as_str(),
            &exported.amount(*amount, exported.currency()),
            exported.person_id(key.csm),
            exported.person_name(key.csm),
            ExpansionType::from_code(key.kind).map_or("", ExpansionType::word),
        ])?;
    }
    Ok(())
}

/// Writes the recorded forecasts.
pub(super) fn forecasts(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    rows.header(["period", "measure", "amount", "as_of", "csm_id", "csm_name"])?;
    for (key, amount) in exported.portfolio.reference().forecasts.iter() {
        rows.row([
            format!("{}..{}", day(key.start), day(key.end)).as_str(),
            &key.measure,
            &exported.amount(*amount, exported.currency()),
            &day(key.as_of),
            exported.person_id(key.csm),
            exported.person_name(key.csm),
        ])?;
    }
    Ok(())
}

/// Writes the exchange rates.
pub(super) fn rates(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    rows.header(["currency", "date", "rate"])?;
    for (currency, since, rate) in exported.portfolio.reference().rates.iter() {
        rows.row([currency.code(), &day(since), &rate.text()])?;
    }
    Ok(())
}

/// Writes the settings that were ever set; the others are what they are by default.
pub(super) fn settings(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    let portfolio = exported.portfolio;
    rows.header(["name", "value"])?;
    let set = |name: &str| {
        portfolio.ledger().iter().any(|row| match row.subject {
            Subject::Setting(text) => portfolio.text(text) == name,
            _ => false,
        })
    };
    for name in NAMES.into_iter().filter(|name| set(name)) {
        let value = portfolio.settings().get(name).unwrap_or_default();
        rows.row([name, &value])?;
    }
    Ok(())
}
