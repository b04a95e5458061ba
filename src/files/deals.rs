//! `opportunities.csv`: what a row of it may and must say (DEFINITIONS section 2, "Required on import").

use rustc_hash::FxHashMap;

use super::row::Row;
use super::table::{Look, columns};
use super::{Source, close, open};
use crate::domain::money::{Currency, weighted};
use crate::domain::settings::Settings;
use crate::domain::stage::{Category, ExpansionType, Stage};
use crate::domain::statement::{Place, Rejection, Remarks, Said, StatedDeal, Statements};
use crate::domain::texts::Text;
use crate::language::vocabulary::quoted;

/// A term is at most fifty years.
const LONGEST_TERM: u16 = 600;

columns! { Columns {
    id required,
    customer_id,
    customer_name,
    name,
    kind = "type" required,
    product_line,
    estimated_value required,
    probability,
    weighted_value,
    identified_date,
    expected_close,
    actual_close,
    stage required,
    stage_entered_at,
    csm_id,
    csm_name,
    sales_rep_id,
    sales_rep_name,
    champion_id,
    source,
    use_case,
    notes,
    closed_value,
    lost_reason,
    lost_note,
    currency,
    term_months,
    forecast_category,
} }

const LOOKS: [(&str, Look); 8] = [
    ("estimated_value", Look::Number),
    ("closed_value", Look::Number),
    ("weighted_value", Look::Number),
    ("probability", Look::Share),
    ("identified_date", Look::Date),
    ("expected_close", Look::Date),
    ("actual_close", Look::Date),
    ("stage_entered_at", Look::Date),
];

/// Reads the file.
pub(super) fn deals(
    source: &Source,
    settings: &Settings,
    stated: &mut Statements,
) -> Result<(), Rejection> {
    let table = open(stated, source, Columns::SPECS, &LOOKS, true)?;
    let columns = Columns::of(&table);
    let mut remarks = Remarks::default();
    // Ids of earlier files count too: the same opportunity twice in one import is a mistake.
    let mut places: FxHashMap<Text, Place> = stated
        .deals
        .iter()
        .map(|deal| (deal.id, deal.place))
        .collect();
    let (deals, tally) = table.read(stated, |row| {
        let said = row.name(&columns.id);
        let id = row.required(&columns.id, said)?;
        if row.is_repeated(&columns.id, places.insert(id, row.place)) {
            return None;
        }
        let deal = deal(row, id, &columns, settings, &mut remarks);
        if !row.is_sound() {
            row.statements.rejected_deals.insert(id);
        }
        deal
    });
    stated.deals.extend(deals);
    close(stated, source, &tally);
    stated.notes.extend(
        remarks
            .sentences()
            .map(|sentence| format!("{}: {sentence}", source.name)),
    );
    Ok(())
}

/// Reads one row. Every cell is read before the first missing one ends it, so that all faults show.
fn deal(
    row: &mut Row<'_>,
    id: Text,
    columns: &Columns,
    settings: &Settings,
    remarks: &mut Remarks,
) -> Option<StatedDeal> {
    let calendar = &settings.calendar;
    let kind = row.word(&columns.kind, "type", &ExpansionType::WORDS);
    let kind = row.required(&columns.kind, kind);
    let stage = row.word(&columns.stage, "stage", &Stage::SPOKEN);
    let stage = row.required(&columns.stage, stage);
    let (currency, code) = currency(row, columns, settings);
    let estimate = row.amount(&columns.estimated_value, currency);
    let estimate = row.required(&columns.estimated_value, estimate);
    let closed_value = row.amount(&columns.closed_value, currency);
    let mut deal = StatedDeal {
        place: row.place,
        id,
        customer: row.named(&columns.customer_id, &columns.customer_name),
        name: row.name(&columns.name),
        kind: ExpansionType::Upsell,
        product_line: row.text(&columns.product_line),
        estimated_value: 0,
        probability: row.share(&columns.probability),
        identified: row.day(&columns.identified_date, calendar),
        expected_close: row.day(&columns.expected_close, calendar),
        actual_close: row.day(&columns.actual_close, calendar),
        stage: Stage::Identified,
        stage_entered: row.moment(&columns.stage_entered_at, calendar),
        csm: row.named(&columns.csm_id, &columns.csm_name),
        sales_rep: row.named(&columns.sales_rep_id, &columns.sales_rep_name),
        champion: row.name(&columns.champion_id),
        source: row.text(&columns.source),
        use_case: row.text(&columns.use_case),
        notes: row.note(&columns.notes),
        closed_value,
        lost_reason: row.text(&columns.lost_reason),
        lost_note: row.note(&columns.lost_note),
        currency: code,
        term_months: row.count(&columns.term_months, 1..=LONGEST_TERM),
        category: row.word(
            &columns.forecast_category,
            "forecast category",
            &Category::WORDS,
        ),
        attributes: row.attributes(),
    };
    (deal.kind, deal.stage, deal.estimated_value) = (kind?, stage?, estimate?);
    match deal.stage {
        Stage::ClosedWon => won(row, columns, &deal),
        Stage::ClosedLost => lost(row, columns, &mut deal, remarks),
        _ => still_open(row, columns, &mut deal, remarks),
    }
    if !row.is_sound() {
        return None;
    }
    remark(row, columns, &mut deal, currency, settings, remarks);
    Some(deal)
}

/// The currency of a row, and its code when the row names one.
fn currency(row: &mut Row<'_>, columns: &Columns, settings: &Settings) -> (Currency, Said<Text>) {
    let said = row.name(&columns.currency);
    let Said::Is(code) = said else {
        return (settings.currency, said);
    };
    let code = row.statements.text(code).to_owned();
    match Currency::from_code(&code) {
        Some(currency) => (currency, Said::Is(row.statements.number(currency.code()))),
        None => {
            let reason = format!(
                "{} is not an ISO 4217 currency with no or two decimals",
                quoted(&code)
            );
            row.fault(&columns.currency, reason);
            (settings.currency, Said::Empty)
        }
    }
}

fn won(row: &mut Row<'_>, columns: &Columns, deal: &StatedDeal) {
    row.required(&columns.actual_close, deal.actual_close);
    row.required(&columns.closed_value, deal.closed_value);
}

fn lost(row: &mut Row<'_>, columns: &Columns, deal: &mut StatedDeal, remarks: &mut Remarks) {
    row.required(&columns.actual_close, deal.actual_close);
    no_closed_value(row, columns, deal, remarks);
}

fn still_open(row: &mut Row<'_>, columns: &Columns, deal: &mut StatedDeal, remarks: &mut Remarks) {
    if let Said::Is(_) = deal.actual_close {
        row.fault(
            &columns.actual_close,
            format!(
                "an opportunity in {} has no actual close",
                deal.stage.word()
            ),
        );
    }
    if deal.category == Said::Is(Category::Closed) {
        row.fault(
            &columns.forecast_category,
            format!(
                "an opportunity in {} cannot be in closed",
                deal.stage.word()
            ),
        );
    }
    no_closed_value(row, columns, deal, remarks);
}

/// Only a won opportunity has a closed value; a zero is how some programs write that there is none.
fn no_closed_value(
    row: &mut Row<'_>,
    columns: &Columns,
    deal: &mut StatedDeal,
    remarks: &mut Remarks,
) {
    match deal.closed_value {
        Said::Is(0) => {
            deal.closed_value = Said::Empty;
            let id = row.statements.text(deal.id);
            remarks.add(
                "A closed_value of 0 on opportunities that are not won reads as none",
                id,
            );
        }
        Said::Is(_) => {
            row.fault(
                &columns.closed_value,
                format!(
                    "an opportunity in {} has no closed value",
                    deal.stage.word()
                ),
            );
        }
        Said::Empty | Said::Nothing => {}
    }
}

/// What is left out of a row that is right, and what is odd about it.
fn remark(
    row: &mut Row<'_>,
    columns: &Columns,
    deal: &mut StatedDeal,
    currency: Currency,
    settings: &Settings,
    remarks: &mut Remarks,
) {
    let id = row.statements.text(deal.id).to_owned();
    let certain = settings.probability(deal.stage);
    if !deal.stage.is_open()
        && deal
            .probability
            .value()
            .is_some_and(|probability| probability != certain)
    {
        remarks.add(
            "A probability of closed opportunities is ignored, they are at 100 % or 0 %",
            &id,
        );
    }
    if !deal.stage.is_open()
        && deal
            .category
            .value()
            .is_some_and(|category| !matches!(category, Category::Closed | Category::Omitted))
    {
        remarks.add(
            "A forecast_category of closed opportunities is ignored",
            &id,
        );
    }
    if deal.stage != Stage::ClosedLost
        && (deal.lost_reason.value().is_some() || deal.lost_note.as_ref().value().is_some())
    {
        (deal.lost_reason, deal.lost_note) = (Said::Empty, Said::Empty);
        remarks.add(
            "A lost_reason or lost_note of opportunities that are not lost is ignored",
            &id,
        );
    }
    if deal.estimated_value == 0 || deal.closed_value == Said::Is(0) {
        remarks.add("Worth nothing", &id);
    }
    let value = match (deal.stage, deal.closed_value) {
        (Stage::ClosedWon, Said::Is(closed)) => closed,
        _ => deal.estimated_value,
    };
    let probability = if deal.stage.is_open() {
        deal.probability.value().unwrap_or(certain)
    } else {
        certain
    };
    if let Some(stated) = row.ignored_amount(&columns.weighted_value, currency)
        // Whether a half rounds up or down is the other program's business.
        && (stated - weighted(value, probability)).abs() > 1
    {
        remarks.add(
            "weighted_value is ignored; it differs from value × probability",
            &id,
        );
    }
}
