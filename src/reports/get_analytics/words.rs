//! An analysis in words: its definitions, what it rests on, and its text.

use super::Answer;
use crate::language::basis::Warning;
use crate::language::cell;
use crate::language::figures::or_dash;
use crate::reports::parts::metrics::LostReason;
use crate::reports::parts::performance::{Column, Figures};
use crate::reports::parts::segments::{Dimension, in_order};
use crate::reports::parts::slip::Slips;
use crate::reports::parts::tail::tail;
use crate::reports::parts::{by_period, reasons, sources};

/// The definitions of the figures shown, and whether segments add up to the whole.
pub fn definitions(
    columns: &[Column],
    dimension: Option<Dimension>,
    is_period_said: bool,
) -> Vec<&'static str> {
    let found = if is_period_said || dimension.as_ref().is_some_and(in_order) {
        "found = deals identified in the period, as they stand"
    } else {
        "found = all deals on record, as they stand"
    };
    let of_columns = [
        (
            Column::WinRate,
            "win_rate = won ÷ (won + lost), actual close in the period",
        ),
        (Column::DealSize, "avg_deal_size = mean closed value of won"),
        (
            Column::Velocity,
            "velocity = open deals at qualified or later × average won size × win rate ÷ average won cycle, per day",
        ),
        (
            Column::SlipRate,
            "slip_rate = of the deals due in the period when it opened, those that did not close in it and are not pending",
        ),
        (Column::Found, found),
        (
            Column::ExpansionRate,
            "expansion_rate = won value ÷ ARR, customers with ARR on record",
        ),
    ];
    let mut definitions: Vec<&str> = of_columns
        .into_iter()
        .filter(|(column, _)| columns.contains(column))
        .map(|(_, definition)| definition)
        .collect();
    match dimension {
        None => {}
        Some(time) if in_order(&time) => definitions.push(
            "segments add up to the whole in counts and money of closed deals and deals found; each slip_rate is of \
             what was due in that segment when it opened; open deals have closed in none",
        ),
        Some(_) => definitions.push(
            "segments add up to the whole in counts and money (of slips where all of it was recorded); rates, averages \
             and velocity do not",
        ),
    }
    definitions
}

/// The warning about won deals that are in no `days_to_win`.
pub fn without_days(won: u64) -> Option<Warning> {
    (won > 0).then(|| {
        let (deals, are, they) = match won {
            1 => ("deal", "is", "it"),
            _ => ("deals", "are", "they"),
        };
        let message = format!(
            "{won} won {deals} {are} not known to have been found before {they} closed and {are} in no days_to_win."
        );
        Warning::new("no_days_to_win", message)
    })
}

/// The warning about metrics that no row can have; rows without what was asked for would look like an
/// oversight.
pub fn of_the_whole_only(columns: &[Column], has_rows: bool) -> Option<Warning> {
    let names = [
        (Column::ExpansionRate, "expansion_rate"),
        (Column::ByPeriod, "by_period"),
        (Column::TopSources, "top_sources"),
    ];
    let names: Vec<&str> = names
        .into_iter()
        .filter(|(column, _)| has_rows && columns.contains(column))
        .map(|(_, name)| name)
        .collect();
    let are = match names.as_slice() {
        [] => return None,
        [_] => "is",
        _ => "are",
    };
    let message = format!(
        "{} {are} of the whole only; no segment has one.",
        names.join(", ")
    );
    Some(Warning::new("of_the_whole", message))
}

/// What of a slip rate was not on record, where it is shown all the same.
pub fn unrecorded(slips: &Slips) -> Option<String> {
    slips.unrecorded().map(|share| {
        format!(
            "When the period opened, the expected close of {share} of the value that slip_rate rests on was not on \
             record; the earliest known is used."
        )
    })
}

/// The answer in a few lines.
pub fn text(answer: &Answer) -> String {
    let mut text = sentences(&answer.overall);
    if !answer.expansion_rate.is_left_out() {
        text.push_str(&format!(
            " Expansion rate {}.",
            or_dash(answer.expansion_rate.get())
        ));
    }
    if let Some(period) = &answer.basis.period {
        text.push_str(&format!(
            "\nPeriod {} ({} to {}).",
            period.label, period.start, period.end
        ));
    }
    let goals = [
        (Column::WinRate, answer.goals.of_win_rate()),
        (Column::Cycle, answer.goals.of_cycle()),
    ];
    // A goal says nothing beside figures that it is not about.
    let shown = goals
        .into_iter()
        .filter(|(column, _)| answer.columns.contains(column));
    for goal in shown.filter_map(|(_, goal)| goal) {
        text.push_str(&format!(" {goal}"));
    }
    if let Some(totals) = &answer.by_period {
        text.push_str(&format!("\nBy period: {}.", by_period::text(totals)));
    }
    if let Some(all) = answer.top_sources.as_ref().filter(|all| !all.is_empty()) {
        text.push_str(&format!("\nSources: {}.", sources::text(all)));
    }
    let lost = answer.overall.lost_reasons.as_ref();
    if let Some(reasons) = lost.filter(|reasons| !reasons.is_empty()) {
        let reasons: Vec<String> = reasons.iter().map(LostReason::text).collect();
        text.push_str(&format!("\nLost: {}.", reasons.join(", ")));
    }
    text.push_str(&table(answer));
    text.push_str(&tail(&answer.basis, &answer.warnings));
    text
}

/// The figures of everything asked about.
fn sentences(figures: &Figures) -> String {
    let none = |name: &str, figure: &str| {
        let reason = figures.reasons.get(figure).copied().unwrap_or_default();
        format!("No {name}: {}", reasons::spoken(reason))
    };
    let mut said = vec![format!(
        "Won {} ({}), lost {} ({})",
        figures.won, figures.won_value, figures.lost, figures.lost_value
    )];
    if let Some(rate) = figures.win_rate {
        let by_value = or_dash(figures.win_rate_by_value.get());
        said.push(format!("Win rate {rate}, by value {by_value}"));
    }
    if let Some(size) = figures.avg_deal_size {
        said.push(format!(
            "Average deal {} (median {})",
            or_dash(size.mean),
            or_dash(size.median)
        ));
    }
    if let Some(cycle) = &figures.cycle_days {
        said.push(format!(
            "Cycle {} days won (median {}), {} all",
            or_dash(cycle.won.mean),
            or_dash(cycle.won.median),
            or_dash(cycle.all.mean)
        ));
    }
    if !figures.velocity.is_left_out() {
        said.push(match figures.velocity.get() {
            Some(velocity) => format!("Velocity {velocity} a day"),
            None => none("velocity", "velocity"),
        });
    }
    if let Some(open) = &figures.open {
        said.push(format!(
            "Open {} ({}, weighted {})",
            open.count, open.value, open.weighted_value
        ));
    }
    if let Some(slip) = &figures.slip_rate {
        said.push(match slip.text() {
            Some(rate) => format!("Slip rate {rate}"),
            None => none("slip rate", "slip_rate"),
        });
    }
    if let Some(found) = &figures.found {
        said.push(format!("Found: {}", found.text()));
    }
    said.join(". ") + "."
}

/// A column of the table: its head, and what it shows of a segment.
type Shown = (Column, &'static str, fn(&Figures) -> Option<String>);

const TABLE: [Shown; 9] = [
    (Column::WinRate, "rate (95% interval)", |it| {
        it.win_rate?.short()
    }),
    (Column::DealSize, "avg deal", |it| {
        Some(it.avg_deal_size?.mean?.to_string())
    }),
    (Column::Cycle, "cycle", |it| {
        Some(it.avg_sales_cycle_days.get()?.to_string())
    }),
    (Column::Velocity, "velocity/day", |it| {
        Some(it.velocity.get()?.to_string())
    }),
    (Column::Open, "open", |it| {
        let open = it.open.as_ref()?;
        Some(format!("{} ({})", open.count, open.value))
    }),
    (Column::Open, "weighted", |it| {
        Some(it.open.as_ref()?.weighted_value.to_string())
    }),
    (Column::SlipRate, "slip", |it| it.slip_rate.as_ref()?.text()),
    (Column::Found, "found", |it| Some(it.found.as_ref()?.text())),
    (Column::LostReasons, "lost for", |it| {
        let reasons = it.lost_reasons.iter().flatten();
        let reasons: Vec<String> = reasons.map(LostReason::text).collect();
        // A bar would end the cell.
        (!reasons.is_empty()).then(|| reasons.join(", ").replace('|', "\\|"))
    }),
];

/// The segments as a Markdown table; those not shown are its last row.
fn table(answer: &Answer) -> String {
    let Some(segments) = &answer.segments else {
        return String::new();
    };
    let is_asked = |(column, ..): &&Shown| answer.columns.contains(column);
    let shown: Vec<&Shown> = TABLE.iter().filter(is_asked).collect();
    let heads: String = shown
        .iter()
        .map(|(_, head, _)| format!(" {head} |"))
        .collect();
    let lines = "---|".repeat(shown.len());
    let mut table = format!(
        "\n\n| # | segment | won | lost | won value |{heads}\n|---|---|---|---|---|{lines}"
    );
    let mut row = |rank: String, name: &str, figures: &Figures| {
        let cells = shown.iter().map(|(.., show)| or_dash(show(figures)));
        let cells: String = cells.map(|shown| format!(" {shown} |")).collect();
        table.push_str(&format!(
            "\n| {rank} | {} | {} | {} | {} |{cells}",
            cell(name),
            figures.won,
            figures.lost,
            figures.won_value
        ));
    };
    for segment in segments {
        let partial = if segment.partial { " (partial)" } else { "" };
        let name = format!("{}{partial}", segment.segment);
        row(or_dash(segment.rank), &name, &segment.figures);
    }
    if let Some(others) = &answer.others {
        row("-".to_owned(), "all others", others);
    }
    if let (Some(total), Some(true)) = (answer.segments_total, answer.truncated) {
        table.push_str(&format!(
            "\nShown: {} of {total} segments; raise limit for more.",
            segments.len()
        ));
    }
    if let Some(unranked) = &answer.unranked {
        table.push_str(&format!("\n{unranked}"));
    }
    table
}
