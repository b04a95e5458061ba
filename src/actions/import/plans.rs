//! Settings, targets, recorded forecasts and rates: what is first said of one holds from the beginning,
//! from the day a forecast was made, or from the day of the rate.

use super::parties::Parties;
use super::record::Verdict;
use super::summary::{Conflict, Fate};
use super::writing::Writing;
use crate::domain::change::{BEGINNING, EMPTY, Millis, Subject, field};
use crate::domain::days::{DayTable, day};
use crate::domain::rates::RateKey;
use crate::domain::reference::{ForecastKey, TargetKey};
use crate::domain::settings::{Settings, may_change};
use crate::domain::statement::{Named, Place};
use crate::domain::texts::NONE;

/// Puts the settings of the files in force, for everything that is planned after them.
pub(super) fn settings(writing: &mut Writing<'_>) {
    let stated = writing.stated;
    for row in &stated.settings {
        let new = stated.text(row.value);
        let subject = Subject::Setting(writing.draft.text(row.name));
        let held = writing.ledger.held(subject, field::VALUE);
        // Values are compared as the setting shows them, however they were typed when they were set.
        let shown = |value: i64| {
            let mut settings = Settings::default();
            let text = writing.before.text(super::values::number(value));
            settings
                .set(row.name, text)
                .ok()
                .and_then(|()| settings.get(row.name))
        };
        let here = writing.before.settings().get(row.name).unwrap_or_default();
        let said = held.and_then(|held| held.said).and_then(shown);
        let verdict = match held {
            _ if said.as_deref() == Some(new) => Verdict::Stays,
            Some(_) if here == new => Verdict::Agrees,
            Some(_) if said.as_deref() != Some(here.as_str()) => Verdict::Conflicts,
            _ => Verdict::Takes,
        };
        let has_deals = !writing.before.is_empty();
        if let Verdict::Takes = verdict
            && here != new
            && let Err(refusal) = may_change(row.name, has_deals)
        {
            writing.reject(row.place, "value", refusal.message);
            continue;
        }
        match verdict {
            Verdict::Stays => {}
            Verdict::Conflicts => writing.summary.conflicts.add(|| Conflict {
                id: row.name.to_owned(),
                field: "value".to_owned(),
                file: new.to_owned(),
                here: here.clone(),
            }),
            Verdict::Takes | Verdict::Agrees => {
                let at = if held.is_some() {
                    writing.now()
                } else {
                    BEGINNING
                };
                let value = writing.text_value(row.value);
                writing.draft.set(subject, field::VALUE, at, value);
                // It was checked when it was read.
                let _ = writing.settings.set(row.name, new);
            }
        }
        writing.summary.settings.add(match verdict {
            Verdict::Takes if held.is_none() => Fate::New,
            Verdict::Takes => Fate::Changed,
            _ => Fate::Unchanged,
        });
        if verdict == Verdict::Conflicts && row.name == "currency" {
            let reason = format!(
                "the currency was changed here to {here}, so no amount of the files can be read as {new}"
            );
            writing.reject(row.place, "value", reason);
        }
    }
    if writing.settings.calendar != writing.clock.calendar {
        writing.clock.calendar = writing.settings.calendar;
        writing.clock.days = DayTable::new(writing.settings.calendar);
    }
}

/// Writes down the targets and the recorded forecasts.
pub(super) fn plans(writing: &mut Writing<'_>, people: &Parties) {
    let stated = writing.stated;
    for row in &stated.targets {
        let Some(csm) = whose(writing, people, row.csm, row.place) else {
            continue;
        };
        let key = TargetKey {
            month: day(row.month),
            csm,
            kind: row.kind.map_or(u8::MAX, |kind| kind.code()),
        };
        let subject = Subject::Target(writing.draft.text(&key.text()));
        let fate = plan(
            writing,
            subject,
            BEGINNING,
            row.amount,
            &row.month.format("target of %Y-%m").to_string(),
        );
        writing.summary.targets.add(fate);
    }
    for row in &stated.forecasts {
        let Some(csm) = whose(writing, people, row.csm, row.place) else {
            continue;
        };
        let key = ForecastKey {
            start: day(row.period.start),
            end: day(row.period.end),
            measure: row.measure.to_owned(),
            csm,
            as_of: day(row.as_of),
        };
        let subject = Subject::Forecast(writing.draft.text(&key.text()));
        let made = writing.clock.calendar.start_of(row.as_of);
        let fate = plan(
            writing,
            subject,
            made,
            row.amount,
            &format!("forecast of {}", row.period.label),
        );
        writing.summary.forecasts.add(fate);
    }
}

/// Writes down the rates. A corrected one holds from its own day, as the one it corrects did: when we
/// learned of it is the other clock.
pub(super) fn rates(writing: &mut Writing<'_>) {
    let stated = writing.stated;
    for row in &stated.rates {
        if day(row.date) > writing.today {
            writing.reject(
                row.place,
                "date",
                format!("{} lies in the future", row.date),
            );
            continue;
        }
        let key = RateKey {
            currency: writing.draft.text(row.currency.code()),
            day: day(row.date),
        };
        let subject = Subject::Rate(writing.draft.text(&key.text()));
        let new = super::values::of_number(writing.draft.text(&row.rate.text()));
        let held = writing.ledger.held(subject, field::VALUE);
        let fate = match held.map(|held| held.current) {
            None | Some(EMPTY) => Fate::New,
            Some(current) if current == new => Fate::Unchanged,
            Some(_) => Fate::Changed,
        };
        if fate != Fate::Unchanged {
            let since = writing.clock.calendar.start_of(row.date);
            writing.draft.set(subject, field::VALUE, since, new);
        }
        writing.summary.rates.add(fate);
    }
}

/// The CSM a row names, [`NONE`] for the organisation; `None` when it cannot be told.
fn whose(writing: &mut Writing<'_>, people: &Parties, csm: Named, place: Place) -> Option<u32> {
    let value = people.value(writing, csm, place, "csm_name")?;
    Some(value.map_or(NONE, super::values::number))
}

fn plan(
    writing: &mut Writing<'_>,
    subject: Subject,
    since: Millis,
    amount: i64,
    what: &str,
) -> Fate {
    let Some(held) = writing.ledger.held(subject, field::VALUE) else {
        writing.draft.set(subject, field::VALUE, since, amount);
        return Fate::New;
    };
    match held.verdict(&held, amount) {
        Verdict::Takes => {
            writing
                .draft
                .set(subject, field::VALUE, writing.clock.now.max(since), amount);
            return Fate::Changed;
        }
        Verdict::Conflicts => {
            let currency = writing.settings.currency;
            writing.summary.conflicts.add(|| Conflict {
                id: what.to_owned(),
                field: "amount".to_owned(),
                file: currency.show(amount),
                here: currency.show(held.current),
            });
        }
        Verdict::Agrees | Verdict::Stays => {}
    }
    writing.keep_said(subject, field::VALUE, &held, amount);
    Fate::Unchanged
}
