//! What an operator does with the database as a whole: write it out, follow its log, back it up, look
//! it over. Standard output carries data only, so that each fits into a pipe or a cron job.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::import::counted;
use super::serve::told_to_stop;
use super::{Ended, is_broken_pipe, print};
use crate::engine::{Engine, Line, Written};

/// How long following waits before it looks again.
const NAP: Duration = Duration::from_millis(250);

/// What to show of the log.
#[derive(Debug, Args)]
pub(super) struct Log {
    /// Show what comes after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    since: u32,
    /// Go on as the log grows, whoever writes, until told to stop or nobody reads any more
    #[arg(long, short)]
    follow: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Writes everything into a folder.
pub(super) fn export(engine: &Engine, folder: PathBuf) -> Result<ExitCode, Ended> {
    let written = engine.export(folder)?;
    let lines = written
        .iter()
        .map(|Written { file, rows }| format!("{file}: {}\n", super::rows_of(*rows)));
    print(&lines.collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

/// Copies the database into a file.
pub(super) fn backup(engine: &Engine, to: &Path) -> Result<ExitCode, Ended> {
    let copy = engine.backup(to)?;
    print(&format!(
        "{}: {}, {} bytes, looked over.\n",
        to.display(),
        counted(copy.positions.cast_unsigned(), "position", "positions"),
        copy.bytes
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Looks the database over: 3 when something is wrong.
pub(super) fn check(engine: &Engine) -> Result<ExitCode, Ended> {
    let findings = engine.check()?;
    let mut lines = String::new();
    for finding in &findings {
        if finding.faults.is_empty() {
            lines.push_str(&format!("ok    {}\n", finding.about));
        }
        for fault in &finding.faults {
            lines.push_str(&format!("WRONG {}: {fault}\n", finding.about));
        }
    }
    let wrong: usize = findings.iter().map(|finding| finding.faults.len()).sum();
    lines.push_str(&match wrong {
        0 => "Everything is well.\n".to_owned(),
        1 => "1 thing is wrong; restore a backup.\n".to_owned(),
        wrong => format!("{wrong} things are wrong; restore a backup.\n"),
    });
    // What was found decides, whether or not anybody reads all of it.
    let code = match wrong {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(3),
    };
    match print(&lines) {
        Err(error) if !is_broken_pipe(&error) => Err(error.into()),
        _ => Ok(code),
    }
}

/// Prints the log, and goes on when asked to.
pub(super) fn log(engine: &Engine, asked: &Log) -> Result<ExitCode, Ended> {
    let stop = match asked.follow {
        true => Some(stopping()?),
        false => None,
    };
    let is_told = || {
        let told = stop.as_ref().map(Receiver::try_recv);
        matches!(told, Some(Ok(()) | Err(TryRecvError::Disconnected)))
    };
    let mut since = asked.since;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    loop {
        if engine.position()? != since {
            let mut is_stopped = false;
            since = engine.log(since, |line| {
                is_stopped = is_stopped || is_told();
                if is_stopped {
                    return Ok(());
                }
                let line = match asked.json {
                    true => serde_json::to_string(&line).context("a line cannot be written")?,
                    false => tabbed(&line),
                };
                writeln!(out, "{line}").map_err(|error| Ended::Ours(error.into()))
            })?;
            out.flush().map_err(|error| Ended::Ours(error.into()))?;
            if is_stopped {
                return Ok(ExitCode::SUCCESS);
            }
        }
        match stop.as_ref().map(|stop| stop.recv_timeout(NAP)) {
            Some(Err(RecvTimeoutError::Timeout)) => {}
            _ => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// A line as cells parted by tabs, none of which holds one.
fn tabbed(line: &Line) -> String {
    let mut text = line.position.to_string();
    for cell in line.cells() {
        text.push('\t');
        text.push_str(cell);
    }
    text
}

/// Hears when it is time to stop: a signal, or, where the system tells, that nobody reads any more.
fn stopping() -> anyhow::Result<Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let told = {
        let _within = runtime.enter();
        told_to_stop()?
    };
    let (tell, stop) = channel();
    std::thread::Builder::new()
        .name("stop".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = told => {}
                    () = nobody_reads() => {}
                }
            });
            let _ = tell.send(());
        })?;
    Ok(stop)
}

/// Waits until the other end of standard output is closed; for ever where it has none.
async fn nobody_reads() {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        use tokio::io::Interest;
        use tokio::net::unix::pipe::Sender;
        // Unchecked, because the checking one would make standard output give up when it should wait.
        let out = std::io::stdout().as_fd().try_clone_to_owned();
        if let Ok(out) = out.and_then(Sender::from_owned_fd_unchecked)
            && out.ready(Interest::ERROR).await.is_ok()
        {
            return;
        }
    }
    std::future::pending().await
}
