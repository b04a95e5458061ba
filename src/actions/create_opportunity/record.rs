//! The new opportunity as it goes into the log: one origin, and where it stands today when it was found
//! earlier.

use super::Command;
use super::asked::Asked;
use crate::actions::Commanded;
use crate::actions::reading::short;
use crate::domain::change::{Subject, field};
use crate::domain::days::day;
use crate::domain::draft::Draft;
use crate::domain::origin::Origin;
use crate::domain::stage::Stage;
use crate::refusal::Result;

/// Puts the opportunity of a customer and a CSM on record, and returns its number.
pub(super) fn put_on_record(
    commanded: &Commanded<'_>,
    command: &Command,
    asked: &Asked,
    customer: u32,
    csm: u32,
    draft: &mut Draft,
) -> Result<u32> {
    let now = commanded.author.now;
    let calendar = &commanded.portfolio.settings().calendar;
    let is_today = asked.identified == commanded.today;
    let mut id = format!("EXP-{}", draft.next_position());
    while commanded.portfolio.deal_by_id(&id).is_some() {
        // Only an imported deal can carry such an id already.
        id.push('x');
    }
    let long = |name: &str, text: &Option<String>| -> Result<String> {
        text.as_deref()
            .map_or(Ok(String::new()), |text| short(name, text))
    };
    // Found earlier and further on by now: what lay between is not known, only where it stands today.
    let was_earlier = !is_today && asked.stage != Stage::Identified;
    let first_stage = if was_earlier {
        Stage::Identified
    } else {
        asked.stage
    };
    let origin = Origin {
        at: if is_today {
            now
        } else {
            calendar.start_of(asked.identified)
        },
        known_at: now,
        recorded: if is_today { u32::MAX } else { 0 },
        id: draft.text(&id),
        name: draft.text(&asked.name),
        customer,
        kind: asked.kind.code(),
        stage: first_stage.code(),
        history: !was_earlier,
        probability: asked.probability,
        category: asked.category,
        term_months: command.term_months.unwrap_or(0),
        estimate: asked.estimate,
        product_line: draft.text(asked.product_line.as_deref().unwrap_or_default()),
        identified: day(asked.identified),
        stage_entered: day(asked.identified),
        expected_close: day(asked.expected_close),
        csm,
        sales_rep: asked.sales_rep,
        champion: draft.text(&long("champion", &command.champion)?),
        source: draft.text(asked.source.as_deref().unwrap_or_default()),
        use_case: draft.text(command.use_case.as_deref().unwrap_or_default().trim()),
        notes: draft.note(command.notes.as_deref().unwrap_or_default().trim()),
        ..Origin::default()
    };
    let number = draft.deal(origin);
    if was_earlier {
        draft.set(
            Subject::Deal(number),
            field::STAGE_ASSERTED,
            now,
            i64::from(asked.stage.code()),
        );
    }
    Ok(number)
}
