//! The import command: what came of it in lines, and the rows that were left out.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use super::{Ended, print};
use crate::engine::{Caller, Conflict, Counts, Engine, Rejection, Summary};
use crate::files;
use crate::refusal::{Code, Refusal};

/// Imports files and says what came of it; bad rows are listed, or written to `rejected.csv`.
pub(super) fn import(
    engine: &Engine,
    paths: &[PathBuf],
    skip_bad_rows: bool,
    caller: &Caller,
) -> Result<ExitCode, Ended> {
    let progress = std::io::stderr().is_terminal().then(|| {
        let spinner = indicatif::ProgressBar::new_spinner().with_message("Reading and importing …");
        spinner.enable_steady_tick(Duration::from_millis(100));
        spinner
    });
    let sources = files::sources(paths)?;
    let imported = engine.import(sources.clone(), skip_bad_rows, caller)?;
    if let Some(progress) = progress {
        progress.finish_and_clear();
    }
    if !imported.written {
        let shown: String = imported
            .rejections
            .iter()
            .take(20)
            .map(|rejection| format!("{}\n", shown(rejection)))
            .collect();
        let _ = std::io::stderr().write_all(shown.as_bytes());
        let rows = match imported.rejections.len() {
            1 => "1 row".to_owned(),
            count => format!("{count} rows"),
        };
        let message = format!("{rows} cannot be right, so nothing was written.");
        return Err(Refusal::new(Code::ImportRejected, message)
            .hint("Mend them, or import the good rows with --skip-bad-rows.")
            .into());
    }
    print(&said(&imported.summary))?;
    if !imported.rejections.is_empty() {
        let folder = paths
            .first()
            .map(PathBuf::as_path)
            .unwrap_or(Path::new("."));
        let folder = if folder.is_dir() {
            folder
        } else {
            folder.parent().unwrap_or(Path::new(""))
        };
        let path = folder.join("rejected.csv");
        let rejected = files::write_rejected(&sources, &imported.rejections);
        std::fs::write(&path, rejected)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        print(&format!(
            "{} bad rows were left out; see {}.\n",
            imported.rejections.len(),
            path.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What an import did, in lines.
fn said(summary: &Summary) -> String {
    let mut lines: Vec<String> = summary
        .files
        .iter()
        .map(|file| format!("{}: {} rows", file.file, file.rows))
        .collect();
    let counts = [
        ("opportunities", summary.opportunities),
        ("customers", summary.customers),
        ("people", summary.people),
        ("targets", summary.targets),
        ("forecasts", summary.forecasts),
        ("settings", summary.settings),
    ];
    for (what, counts) in counts {
        if counts.new + counts.changed + counts.unchanged > 0 {
            let Counts {
                new,
                changed,
                unchanged,
            } = counts;
            lines.push(format!(
                "{what}: {new} new, {changed} changed, {unchanged} unchanged"
            ));
        }
    }
    if summary.stage_moves + summary.field_changes > 0 {
        lines.push(format!(
            "history: {} stage moves, {} field changes",
            summary.stage_moves, summary.field_changes
        ));
    }
    if summary.changes_nothing() {
        lines.push("Nothing changed.".to_owned());
    }
    if summary.conflicts.count > 0 {
        lines.push(format!(
            "{} fields were changed here since the last import and keep their value:",
            summary.conflicts.count
        ));
        for conflict in &summary.conflicts.named {
            let Conflict {
                id,
                field,
                file,
                here,
            } = conflict;
            lines.push(format!(
                "  {id}, {field}: the file says {file}, here it is {here}"
            ));
        }
    }
    lines.extend(summary.notes.iter().cloned());
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// "opportunities.csv, line 7, stage: …".
fn shown(rejection: &Rejection) -> String {
    let column = if rejection.column.is_empty() {
        String::new()
    } else {
        format!(", {}", rejection.column)
    };
    format!(
        "{}, line {}{column}: {}",
        rejection.file, rejection.line, rejection.reason
    )
}
