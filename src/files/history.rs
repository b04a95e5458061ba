//! `stage_history.csv` and `field_history.csv`: what happened to opportunities before the export.

use super::dialect::squeeze;
use super::row::Row;
use super::table::{Column, Format, Look, columns};
use super::{Source, close, note_percent, open};
use crate::domain::change::field;
use crate::domain::days::day;
use crate::domain::settings::Settings;
use crate::domain::stage::{Category, ExpansionType, Stage};
use crate::domain::statement::{
    Rejection, Remarks, Said, StatedEdit, StatedMove, Statements, Value,
};

columns! { MoveColumns { opportunity_id required, from_stage, to_stage required, at required } }

columns! { EditColumns { opportunity_id required, field required, from, to required, at required } }

/// How the values of a field are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Money,
    Day,
    Share,
    Category,
    Kind,
    Count,
    Person,
    Customer,
    Name,
    Words,
}

impl Sort {
    fn look(self) -> Option<Look> {
        match self {
            Sort::Money => Some(Look::Number),
            Sort::Share => Some(Look::Share),
            Sort::Day => Some(Look::Date),
            _ => None,
        }
    }
}

/// The fields whose history is kept, under the names of their columns.
const FIELDS: [(&str, (u32, Sort)); 15] = [
    ("estimated_value", (field::ESTIMATED_VALUE, Sort::Money)),
    ("expected_close", (field::EXPECTED_CLOSE, Sort::Day)),
    ("probability", (field::PROBABILITY, Sort::Share)),
    ("forecast_category", (field::CATEGORY, Sort::Category)),
    ("csm_id", (field::CSM, Sort::Person)),
    ("sales_rep_id", (field::SALES_REP, Sort::Person)),
    ("customer_id", (field::CUSTOMER, Sort::Customer)),
    ("name", (field::NAME, Sort::Name)),
    ("type", (field::KIND, Sort::Kind)),
    ("product_line", (field::PRODUCT_LINE, Sort::Words)),
    ("source", (field::SOURCE, Sort::Words)),
    ("use_case", (field::USE_CASE, Sort::Words)),
    ("champion_id", (field::CHAMPION, Sort::Name)),
    ("identified_date", (field::IDENTIFIED, Sort::Day)),
    ("term_months", (field::TERM_MONTHS, Sort::Count)),
];

/// Reads the stage moves.
pub(super) fn moves(
    source: &Source,
    settings: &Settings,
    stated: &mut Statements,
) -> Result<(), Rejection> {
    let table = open(
        stated,
        source,
        MoveColumns::SPECS,
        &[("at", Look::Date)],
        false,
    )?;
    let columns = MoveColumns::of(&table);
    let (moves, tally) = table.read(stated, |row| {
        let opportunity = row.name(&columns.opportunity_id);
        let opportunity = row.required(&columns.opportunity_id, opportunity);
        let from = row
            .word(&columns.from_stage, "stage", &Stage::SPOKEN)
            .value();
        let to = row.word(&columns.to_stage, "stage", &Stage::SPOKEN);
        let to = row.required(&columns.to_stage, to);
        let at = row.moment(&columns.at, &settings.calendar);
        let at = row.required(&columns.at, at);
        Some(StatedMove {
            place: row.place,
            opportunity: opportunity?,
            from,
            to: to?,
            at: at?,
        })
    });
    stated.moves.extend(moves);
    close(stated, source, &tally);
    Ok(())
}

/// Reads the field changes. Values of many fields share two columns, so how numbers and dates are
/// written is learnt for each field apart.
pub(super) fn edits(
    source: &Source,
    settings: &Settings,
    stated: &mut Statements,
) -> Result<(), Rejection> {
    let table = open(
        stated,
        source,
        EditColumns::SPECS,
        &[("at", Look::Date)],
        false,
    )?;
    let columns = EditColumns::of(&table);
    let mut formats = [Format::default(); FIELDS.len()];
    table.look(|raw| {
        let known = raw.cell(&columns.field).and_then(place_of);
        let look = known
            .and_then(|place| FIELDS.get(place))
            .and_then(|(_, (_, sort))| sort.look());
        if let (Some(look), Some(format)) = (look, known.and_then(|place| formats.get_mut(place))) {
            for cell in [&columns.from, &columns.to]
                .into_iter()
                .filter_map(|column| raw.cell(column))
            {
                format.note(cell, look);
            }
        }
    });
    for ((_, (number, _)), format) in FIELDS.iter().zip(&formats) {
        if *number == field::PROBABILITY {
            note_percent(stated, source, *format);
        }
    }
    let mut not_kept = Remarks::default();
    let (edits, tally) = table.read(stated, |row| {
        let opportunity = row.name(&columns.opportunity_id);
        let opportunity = row.required(&columns.opportunity_id, opportunity);
        let at = row.moment(&columns.at, &settings.calendar);
        let at = row.required(&columns.at, at);
        let name = row.text(&columns.field);
        let name = row.required(&columns.field, name)?;
        let name = row.statements.text(name);
        let Some(place) = place_of(name) else {
            not_kept.add(NOT_KEPT, name);
            return None;
        };
        let ((_, (number, sort)), format) = (
            FIELDS.get(place)?,
            formats.get(place).copied().unwrap_or_default(),
        );
        let from = value(
            row,
            &Column {
                format,
                ..columns.from
            },
            *sort,
            settings,
        )
        .value();
        let to = value(
            row,
            &Column {
                format,
                ..columns.to
            },
            *sort,
            settings,
        )
        .value();
        if *number == field::KIND && (from.is_none() || to.is_none()) {
            row.fault(&columns.field, "an opportunity always has a type");
        }
        Some(StatedEdit {
            place: row.place,
            opportunity: opportunity?,
            field: *number,
            from,
            to,
            at: at?,
        })
    });
    stated.edits.extend(edits);
    close(stated, source, &tally);
    let sentences = not_kept.sentences();
    let notes = sentences.map(|sentence| format!("{}: {sentence}", source.name));
    stated.notes.extend(notes);
    Ok(())
}

/// What is said of rows about other fields, once: an export of a CRM system tells of all it has.
const NOT_KEPT: &str =
    "Rows about fields whose history is not kept are skipped (that of stages is stage_history.csv)";

/// The place of a field by its name, written as names of columns may be.
fn place_of(name: &str) -> Option<usize> {
    let name = squeeze(name);
    FIELDS.iter().position(|(word, _)| squeeze(word) == name)
}

fn value(row: &mut Row<'_>, column: &Column, sort: Sort, settings: &Settings) -> Said<Value> {
    match sort {
        Sort::Money => row.hundredths(column).map(Value::Hundredths),
        Sort::Day => row
            .day(column, &settings.calendar)
            .map(|date| Value::Day(day(date))),
        Sort::Share => row.share(column).map(Value::Share),
        Sort::Category => row
            .word(column, "forecast category", &Category::WORDS)
            .map(Value::Category),
        Sort::Kind => row
            .word(column, "type", &ExpansionType::WORDS)
            .map(Value::Kind),
        Sort::Count => row.count(column, 1..=600).map(Value::Count),
        Sort::Person => row.name(column).map(Value::Person),
        Sort::Customer => row.name(column).map(Value::Customer),
        Sort::Name => row.name(column).map(Value::Words),
        Sort::Words => row.text(column).map(Value::Words),
    }
}
