//! What an organisation set itself and foresaw: `targets.csv`, `forecasts.csv`, `settings.csv`.

use rustc_hash::FxHashMap;

use super::table::{Look, columns};
use super::{Source, close, open};
use crate::domain::settings::{Measure, NAMES, Settings};
use crate::domain::stage::ExpansionType;
use crate::domain::statement::{
    Named, Place, Rejection, Said, StatedForecast, StatedSetting, StatedTarget, Statements,
};
use crate::domain::texts::Text;
use crate::language::periods::{Direction, period};

columns! { TargetColumns { month required, amount required, csm_id, csm_name, kind = "type" } }

columns! { ForecastColumns {
    period required,
    measure required,
    amount required,
    as_of required,
    csm_id,
    csm_name,
} }

columns! { SettingColumns { name required, value required } }

/// Reads the targets.
pub(super) fn targets(
    source: &Source,
    settings: &Settings,
    stated: &mut Statements,
) -> Result<(), Rejection> {
    let table = open(
        stated,
        source,
        TargetColumns::SPECS,
        &[("amount", Look::Number)],
        false,
    )?;
    let columns = TargetColumns::of(&table);
    let mut places: FxHashMap<_, Place> = stated
        .targets
        .iter()
        .map(|target| ((target.month, whose(target.csm), target.kind), target.place))
        .collect();
    let (targets, tally) = table.read(stated, |row| {
        let month = row.month(&columns.month);
        let month = row.required(&columns.month, month);
        let amount = row.amount(&columns.amount, settings.currency);
        let amount = row.required(&columns.amount, amount);
        let csm = row.named(&columns.csm_id, &columns.csm_name);
        let kind = row
            .word(&columns.kind, "type", &ExpansionType::WORDS)
            .value();
        let target = StatedTarget {
            place: row.place,
            month: month?,
            amount: amount?,
            csm,
            kind,
        };
        row.is_repeated(
            &columns.month,
            places.insert((target.month, whose(csm), kind), row.place),
        );
        Some(target)
    });
    stated.targets.extend(targets);
    close(stated, source, &tally);
    Ok(())
}

/// Whom a row names: by id, else by name.
fn whose(csm: Named) -> Option<Text> {
    csm.id.value().or(csm.name.value())
}

/// Reads the recorded forecasts.
pub(super) fn forecasts(
    source: &Source,
    settings: &Settings,
    stated: &mut Statements,
) -> Result<(), Rejection> {
    let looks = [("amount", Look::Number), ("as_of", Look::Date)];
    let table = open(stated, source, ForecastColumns::SPECS, &looks, false)?;
    let columns = ForecastColumns::of(&table);
    let mut places: FxHashMap<_, Place> = FxHashMap::default();
    let (forecasts, tally) = table.read(stated, |row| {
        let as_of = row.day(&columns.as_of, &settings.calendar);
        let as_of = row.required(&columns.as_of, as_of);
        let measure = row.word(&columns.measure, "measure", &Measure::WORDS);
        let measure = row.required(&columns.measure, measure);
        let amount = row.amount(&columns.amount, settings.currency);
        let amount = row.required(&columns.amount, amount);
        let csm = row.named(&columns.csm_id, &columns.csm_name);
        let words = row.text(&columns.period);
        let words = row.required(&columns.period, words);
        let as_of = as_of?;
        // Words that need a today, such as "Q1", mean what they meant on the day they were written.
        let read = period(
            row.statements.text(words?),
            &settings.calendar,
            as_of,
            Direction::Forward,
        );
        let period = match read {
            Ok(read) => read.whole.unwrap_or(read.period),
            Err(refusal) => {
                row.fault(
                    &columns.period,
                    format!("{} {}", refusal.message, refusal.hint),
                );
                return None;
            }
        };
        let measure = measure?.word();
        row.is_repeated(
            &columns.period,
            places.insert(
                (period.start, period.end, measure, whose(csm), as_of),
                row.place,
            ),
        );
        Some(StatedForecast {
            place: row.place,
            period,
            measure,
            amount: amount?,
            as_of,
            csm,
        })
    });
    stated.forecasts.extend(forecasts);
    close(stated, source, &tally);
    Ok(())
}

/// Reads the settings, and puts them in force for the files that follow.
pub(super) fn settings(
    source: &Source,
    settings: &mut Settings,
    stated: &mut Statements,
) -> Result<(), Rejection> {
    let table = open(stated, source, SettingColumns::SPECS, &[], false)?;
    let columns = SettingColumns::of(&table);
    let list = NAMES.map(|name| (name, name));
    let mut places: FxHashMap<&str, Place> = FxHashMap::default();
    let (set, tally) = table.read(stated, |row| {
        let name = row.word(&columns.name, "setting", &list);
        let name = row.required(&columns.name, name)?;
        let value = match row.note(&columns.value) {
            Said::Is(value) => value,
            Said::Empty | Said::Nothing => {
                row.fault(&columns.value, "it is empty");
                return None;
            }
        };
        if row.is_repeated(&columns.name, places.insert(name, row.place)) || !row.is_sound() {
            return None;
        }
        if let Err(refusal) = settings.set(name, &value) {
            row.fault(
                &columns.value,
                format!("{} {}", refusal.message, refusal.hint),
            );
            return None;
        }
        // As the setting shows it, so that "40 %" and "0.4" are the same value.
        let value = settings.get(name).unwrap_or_default();
        Some(StatedSetting {
            place: row.place,
            name,
            value: row.statements.number(&value),
        })
    });
    stated.settings.extend(set);
    close(stated, source, &tally);
    Ok(())
}
