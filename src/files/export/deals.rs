//! `opportunities.csv` as an import reads it: every deal that is on record, as it stands.

use std::io;

use super::{Exported, Rows, attribute_columns, day, percent};
use crate::domain::chunk::Chunk;
use crate::domain::deal::{Deal, place_of};
use crate::domain::money::Currency;
use crate::domain::portfolio::Found;
use crate::domain::stage::Stage;
use crate::domain::texts::{NONE, Text};

pub(super) const COLUMNS: [&str; 27] = [
    "id",
    "customer_id",
    "customer_name",
    "name",
    "type",
    "product_line",
    "estimated_value",
    "probability",
    "identified_date",
    "expected_close",
    "actual_close",
    "stage",
    "stage_entered_at",
    "csm_id",
    "csm_name",
    "sales_rep_id",
    "sales_rep_name",
    "champion_id",
    "source",
    "use_case",
    "notes",
    "closed_value",
    "lost_reason",
    "lost_note",
    "currency",
    "term_months",
    "forecast_category",
];

/// Writes the deals, in the order in which they came on record.
pub(super) fn deals(exported: &Exported<'_>, rows: &mut Rows<'_>) -> io::Result<()> {
    let attributes = attributes(exported);
    let names: Vec<&str> = attributes.iter().map(|name| exported.text(*name)).collect();
    let columns = attribute_columns(&COLUMNS, &names);
    rows.header(
        COLUMNS
            .iter()
            .copied()
            .chain(columns.iter().map(String::as_str)),
    )?;
    for chunk in exported.portfolio.chunks() {
        let mut deals: Vec<&Deal> = chunk.deals().collect();
        deals.sort_by_key(|deal| deal.number);
        for deal in deals {
            let Some(detail) = chunk.detail(place_of(deal.number)) else {
                continue;
            };
            let cells = row(
                exported,
                Found {
                    deal,
                    detail,
                    chunk,
                },
            )?;
            let own = of_deal(exported, chunk, deal, &attributes);
            rows.row(cells.iter().map(String::as_str).chain(own))?;
        }
    }
    Ok(())
}

/// The names of the attributes that any deal has, in alphabetical order.
fn attributes(exported: &Exported<'_>) -> Vec<Text> {
    let all = exported.portfolio.chunks().flat_map(Chunk::all_attributes);
    let mut names: Vec<Text> = all
        .filter(|attribute| attribute.value != NONE)
        .map(|attribute| attribute.name)
        .collect();
    names.sort_unstable();
    names.dedup();
    names.sort_by_key(|name| exported.text(*name));
    names
}

fn of_deal<'a>(
    exported: &'a Exported<'_>,
    chunk: &'a Chunk,
    deal: &Deal,
    names: &'a [Text],
) -> impl Iterator<Item = &'a str> {
    let place = place_of(deal.number);
    names.iter().map(move |name| {
        let mut own = chunk.attributes(place);
        let value = own.find(|attribute| attribute.name == *name);
        exported.text(value.map_or(NONE, |attribute| attribute.value))
    })
}

fn row(exported: &Exported<'_>, found: Found<'_>) -> io::Result<[String; 27]> {
    let Found { deal, detail, .. } = found;
    let portfolio = exported.portfolio;
    let settings = portfolio.settings();
    let text = |text: Text| exported.text(text).to_owned();
    let code = exported.text(detail.currency);
    let currency = Currency::from_code(code).unwrap_or(settings.currency);
    let customer = portfolio.customer(deal.customer);
    let (is_won, is_open) = (deal.stage == Stage::ClosedWon, deal.is_open());
    let some = |is: bool, cell: String| if is { cell } else { String::new() };
    Ok([
        text(detail.id),
        exported.customer_id(deal.customer).to_owned(),
        text(customer.map_or(NONE, |customer| customer.name)),
        text(detail.name),
        deal.kind.word().to_owned(),
        text(deal.product_line),
        exported.amount(found.own_estimate(), currency),
        percent(deal.probability(settings)),
        day(deal.identified),
        day(detail.expected_close),
        some(!is_open, day(deal.close)),
        deal.stage.word().to_owned(),
        day(deal.stage_entered),
        exported.person_id(deal.csm).to_owned(),
        exported.person_name(deal.csm).to_owned(),
        exported.person_id(deal.sales_rep).to_owned(),
        exported.person_name(deal.sales_rep).to_owned(),
        text(detail.champion),
        text(deal.source),
        text(detail.use_case),
        exported.note(detail.notes)?,
        some(is_won, exported.amount(found.own_value(), currency)),
        text(deal.lost_reason),
        exported.note(detail.lost_note)?,
        code.to_owned(),
        some(detail.term_months != 0, detail.term_months.to_string()),
        deal.category(settings).word().to_owned(),
    ])
}
