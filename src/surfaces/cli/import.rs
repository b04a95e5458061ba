//! The import command: what came of it in lines, and the rows that were left out.

use std::fs;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{Ended, print};
use crate::engine::{Caller, Conflict, Counts, Engine, Error, KeepRejected, Rejection, Summary};
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
    let kept = Arc::new(OnceLock::new());
    let skipping = skip_bad_rows.then(|| {
        let (kept, sources, folder) = (Arc::clone(&kept), sources.clone(), folder_of(paths));
        let keep: KeepRejected = Box::new(move |rejections| {
            let rejected = files::write_rejected(&sources, rejections);
            let _ = kept.set(keep_rejected(&folder, &rejected)?);
            Ok(())
        });
        keep
    });
    let imported = engine.import(sources, skipping, caller);
    if let Some(progress) = progress {
        progress.finish_and_clear();
    }
    let kept = kept.get();
    let imported = match imported {
        Ok(imported) => imported,
        Err(error) => {
            // Nothing was left out of what was not written.
            kept.map(fs::remove_file);
            return Err(error.into());
        }
    };
    if !imported.written {
        return Err(not_written(&imported.rejections, skip_bad_rows).into());
    }
    print(&said(&imported.summary))?;
    if let Some(path) = kept {
        let rows = counted(
            imported.rejections.len() as u64,
            "bad row was",
            "bad rows were",
        );
        let path = path.display();
        print(&format!(
            "{rows} left out; mend {path} and import it by its name.\n"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists the bad rows of an import that was refused.
fn not_written(rejections: &[Rejection], skip_bad_rows: bool) -> Refusal {
    const LISTED: usize = 20;
    let shown: String = rejections
        .iter()
        .take(LISTED)
        .map(|rejection| format!("{}\n", shown(rejection)))
        .collect();
    let _ = std::io::stderr().write_all(shown.as_bytes());
    let more = match rejections.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" ({more} more are not listed)"),
    };
    let rows = counted(rejections.len() as u64, "row", "rows");
    let message = format!("{rows} cannot be right{more}, so nothing was written.");
    let hint = if skip_bad_rows {
        "A file no row of which can be read ends an import of the good rows, too: mend it or leave it out."
    } else {
        "Mend them, or import the good rows with --skip-bad-rows."
    };
    Refusal::new(Code::ImportRejected, message).hint(hint)
}

/// "1 entry", "2 entries".
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The folder of the first input.
fn folder_of(paths: &[PathBuf]) -> PathBuf {
    let first = paths.first().map_or(Path::new("."), PathBuf::as_path);
    match first.parent() {
        _ if first.is_dir() => first.to_owned(),
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Writes the rows that are left out into a new file: one that is there may be half mended.
fn keep_rejected(folder: &Path, rejected: &[u8]) -> Result<PathBuf, Error> {
    let names = (1..).map(|nth| match nth {
        1 => "rejected.csv".to_owned(),
        nth => format!("rejected-{nth}.csv"),
    });
    for path in names.map(|name| folder.join(name)) {
        let mut file = match fs::File::create_new(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(not_writable(&path, &error)),
        };
        return match file.write_all(rejected).and_then(|()| file.sync_all()) {
            Ok(()) => Ok(path),
            Err(error) => {
                let _ = fs::remove_file(&path);
                Err(not_writable(&path, &error))
            }
        };
    }
    Err(Error::Ours(anyhow::anyhow!("no name is left for the rows")))
}

fn not_writable(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("{} cannot be written: {error}.", path.display());
    Refusal::new(Code::FileNotWritable, message)
        .hint("Nothing was imported; name files in a folder that can be written.")
        .into()
}

/// What an import did, in lines.
fn said(summary: &Summary) -> String {
    let mut lines: Vec<String> = summary
        .files
        .iter()
        .map(|file| format!("{}: {}", file.file, super::rows_of(file.rows)))
        .collect();
    let counts = [
        ("opportunities", summary.opportunities),
        ("customers", summary.customers),
        ("people", summary.people),
        ("targets", summary.targets),
        ("forecasts", summary.forecasts),
        ("rates", summary.rates),
        ("signals", summary.signals),
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
            "history: {}, {}",
            counted(summary.stage_moves, "stage move", "stage moves"),
            counted(summary.field_changes, "field change", "field changes")
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
