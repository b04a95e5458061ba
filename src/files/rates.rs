//! `rates.csv`: what one unit of another currency is worth in the organisation's, from a day on.

use rustc_hash::FxHashMap;

use super::table::{Look, columns};
use super::{Source, close, open};
use crate::domain::money::Currency;
use crate::domain::rates::Rate;
use crate::domain::settings::Settings;
use crate::domain::statement::{Place, Rejection, StatedRate, Statements};
use crate::language::vocabulary::quoted;

columns! { RateColumns { currency required, date required, rate required } }

/// Reads the rates. The same rate of the same day twice is one; two different ones contradict each
/// other.
pub(super) fn rates(
    source: &Source,
    settings: &Settings,
    stated: &mut Statements,
) -> Result<(), Rejection> {
    let looks = [("date", Look::Date), ("rate", Look::Number)];
    let table = open(stated, source, RateColumns::SPECS, &looks, false)?;
    let columns = RateColumns::of(&table);
    let mut known: FxHashMap<_, (Rate, Place)> = stated
        .rates
        .iter()
        .map(|row| ((row.currency.code(), row.date), (row.rate, row.place)))
        .collect();
    let (rates, tally) = table.read(stated, |row| {
        let date = row.day(&columns.date, &settings.calendar);
        let date = row.required(&columns.date, date);
        let rate = row.rate(&columns.rate);
        let rate = row.required(&columns.rate, rate);
        let code = row.name(&columns.currency);
        let code = row.required(&columns.currency, code)?;
        let code = row.statements.text(code).to_owned();
        let currency = match Currency::from_code(&code) {
            None => {
                let reason = format!(
                    "{} is not an ISO 4217 currency with no or two decimals",
                    quoted(&code)
                );
                row.fault(&columns.currency, reason);
                return None;
            }
            Some(currency) if currency == settings.currency => {
                let reason = format!(
                    "{} is the organisation's own currency, which has no rate",
                    currency.code()
                );
                row.fault(&columns.currency, reason);
                return None;
            }
            Some(currency) => currency,
        };
        let (date, rate) = (date?, rate?);
        if let Some((other, place)) = known.get(&(currency.code(), date)).copied() {
            if other != rate {
                row.is_repeated(&columns.currency, Some(place));
                row.fault(&columns.rate, format!("it is {} there", other.text()));
            }
            return None;
        }
        known.insert((currency.code(), date), (rate, row.place));
        Some(StatedRate {
            place: row.place,
            currency,
            date,
            rate,
        })
    });
    stated.rates.extend(rates);
    close(stated, source, &tally);
    Ok(())
}
