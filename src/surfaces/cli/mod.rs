//! The command line: the same tools for people and scripts, and what only an operator does (import,
//! settings, contracts). Answers go to standard output, everything else to standard error.

mod global;
mod import;
mod operations;
mod serve;
mod tokens;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use serde_json::{Map, Value};

use self::global::Global;
use super::arguments::{arguments_of, key_value};
use super::contracts;
use super::telemetry::Telemetry;
use crate::engine::{Caller, Door, Engine, Error, Role, clean};
use crate::refusal::{Code, Refusal};
use crate::registry::{self};

/// Answers questions about the expansion pipeline, exactly: upsell, cross-sell, add-on,
/// seat-expansion and tier-upgrade opportunities, for AI agents over MCP and for people here.
///
/// Try it without data of your own: `expansion-pipeline --demo call get_forecast period=Q1`.
#[derive(Debug, Parser)]
///
/// Exit codes: 0 done, 1 a failure of ours, 2 wrong usage, 3 refused (a bad row, an unknown name, no
/// database) or found wrong; what was refused, and what to do about it, is on standard error.
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP over standard input and output, or with --http over HTTP
    Serve(serve::Serve),
    /// Make, list and revoke the tokens that callers over HTTP come in with
    #[command(subcommand)]
    Token(tokens::Tokens),
    /// Import CSV exports: folders or files (opportunities.csv, customers.csv, csms.csv,
    /// stage_history.csv, field_history.csv, targets.csv, forecasts.csv, rates.csv,
    /// signals.csv, settings.csv, log.csv)
    ///
    /// Nothing at all is written when a row is bad. Importing the same files twice changes nothing;
    /// a newer export changes only what differs from what the last import said.
    Import {
        /// Folders or files
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Import the good rows and write the bad ones to rejected.csv beside the first input
        #[arg(long)]
        skip_bad_rows: bool,
    },
    /// Write everything into a new or empty folder: the files that `import` reads, as things stand,
    /// and log.csv, the whole log
    ///
    /// An import of the folder into an empty database makes the same log again: every report is the
    /// same, at every as_of.
    Export {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Show the log, a position a line: position, recorded at, true since, actor, through, what, which,
    /// field, from, to, reason, role, program, trace, parted by tabs
    Log(operations::Log),
    /// Copy the database, all organisations, into a new file while everybody goes on
    ///
    /// The copy is looked over before it gets its name. A file that is there is never replaced.
    Backup {
        /// The new file
        #[arg(value_name = "PATH")]
        to: PathBuf,
    },
    /// Look the database over: the file, every position of the log, the present folded again, sums
    ///
    /// Exit code 3 when something is wrong. Nothing is changed.
    Check,
    /// Call a tool, as an agent would: `call get_forecast period=Q1 type=upsell`
    ///
    /// Without a tool, all tools are listed with their arguments. Repeat a key for several values
    /// (type=upsell type=add_on); a dot names a part of an object (signal.kind=usage, exclude.csm=Sarah).
    Call {
        /// The tool
        tool: Option<String>,
        /// Its arguments
        #[arg(value_name = "KEY=VALUE")]
        arguments: Vec<String>,
        /// Its arguments as one JSON object
        #[arg(long, value_name = "OBJECT")]
        json: Option<String>,
        /// How to print the answer
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show the organisation's settings, or change some: `settings currency=EUR week_start=sunday`
    ///
    /// time_zone (Europe/Berlin), fiscal_year_start (a month), fiscal_year_named_by (start or end),
    /// week_start (a weekday), currency (ISO 4217), probability.STAGE (40%), category.STAGE (pipeline,
    /// best_case, commit, omitted), lost_reasons (separated by commas), headline_measure (closed,
    /// worst_case, commit, best_case, upside, weighted), goal.win_rate (60%), goal.coverage (3),
    /// goal.accuracy (85%), goal.cycle_days (45), ranking_minimum (10). The time zone and the currency
    /// are fixed by the first import.
    Settings {
        /// What to change
        #[arg(value_name = "KEY=VALUE")]
        changes: Vec<String>,
    },
    /// Write or check the published tool contracts in tools/ and the table in README.md
    Contracts {
        /// Write them
        #[arg(long, required_unless_present = "check")]
        write: bool,
        /// Fail when they are stale
        #[arg(long, conflicts_with = "write")]
        check: bool,
    },
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What ends a command other than well: each has an exit code of its own.
enum Ended {
    Usage(anyhow::Error),
    Refused(Refusal),
    Ours(anyhow::Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Ended::Refused(refusal),
            Error::Ours(error) => Ended::Ours(error),
        }
    }
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Ended::Refused(refusal)
    }
}

impl From<anyhow::Error> for Ended {
    fn from(error: anyhow::Error) -> Self {
        Ended::Ours(error)
    }
}

/// Runs one command: 0 done, 1 a failure of ours, 2 usage, 3 refused.
pub fn run(cli: Cli) -> ExitCode {
    let database = cli.global.database().ok().flatten();
    // It is dropped last, so that the last spans are delivered.
    let telemetry = Telemetry::start(serve::collector(&cli.command)).map_err(Ended::Usage);
    let ended = match telemetry.and_then(|telemetry| Ok((telemetry, execute(cli)?))) {
        Ok((_, code)) => return code,
        Err(ended) => ended,
    };
    let (code, message) = match ended {
        Ended::Usage(error) => (2, format!("{error:#}")),
        Ended::Refused(refusal) => (3, told(&refusal, database.as_deref())),
        Ended::Ours(error) if is_broken_pipe(&error) => return ExitCode::SUCCESS,
        Ended::Ours(error) => (1, format!("{error:#}")),
    };
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::from(code)
}

/// A refusal in words; of one that is about the database file, with its path.
fn told(refusal: &Refusal, database: Option<&Path>) -> String {
    match (refusal.code, database) {
        (Code::NoDatabase | Code::NotADatabase | Code::DamagedDatabase, Some(path)) => {
            format!("{refusal} (--db {})", path.display())
        }
        _ => refusal.to_string(),
    }
}

/// Whoever read our output has seen enough of it.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn execute(cli: Cli) -> Result<ExitCode, Ended> {
    let Cli { global, command } = cli;
    if global.demo
        && let Some(vain) = in_vain(&command)
    {
        let message = format!("--demo keeps nothing, so {vain}: name a database with --db instead");
        return Err(Ended::Usage(anyhow::anyhow!(message)));
    }
    let caller = Caller::new(&global.actor(), Door::Cli);
    match command {
        Command::Serve(asked) => {
            let engine = global.engine_that(asked.read_only)?;
            serve::serve(engine, global.actor, asked)?;
        }
        Command::Token(asked) => {
            return tokens::tokens(&global.engine()?, global.actor.as_deref(), &asked);
        }
        Command::Import {
            paths,
            skip_bad_rows,
        } => {
            return import::import(&global.engine()?, &paths, skip_bad_rows, &caller);
        }
        Command::Export { folder } => {
            return operations::export(&global.engine()?, folder);
        }
        Command::Log(asked) => return operations::log(&global.engine()?, &asked),
        Command::Backup { to } => return operations::backup(&global.engine()?, &to),
        Command::Check => return operations::check(&global.engine()?),
        Command::Call { tool: None, .. } => {
            let list: Vec<String> = registry::tools().iter().map(listed).collect();
            print(&list.join("\n"))?;
        }
        Command::Call {
            tool: Some(name),
            arguments,
            json,
            format,
        } => {
            let tool = registry::find(&name)?;
            let arguments = called_with(tool, &arguments, json.as_deref());
            let arguments = arguments.map_err(Ended::Usage)?;
            let answer = global.engine()?.call(tool, arguments, &caller)?;
            match format {
                Format::Text => print(&format!("{}\n", answer.text))?,
                Format::Json => print(&format!("{:#}\n", answer.structured))?,
            }
        }
        Command::Settings { changes } => {
            let changes: Vec<(String, String)> = changes
                .iter()
                .map(|pair| key_value(pair))
                .collect::<Result<_>>()
                .map_err(Ended::Usage)?;
            let engine = global.engine()?;
            let settings = match changes.is_empty() {
                false => engine.change_settings(changes, &caller)?,
                true => match engine.settings() {
                    Err(Error::Refused(refusal)) if refusal.code == Code::NoDatabase => {
                        note("There is no database yet; these are the defaults.\n");
                        Engine::default_settings()
                    }
                    settings => settings?,
                },
            };
            let lines: String = settings
                .iter()
                .map(|(name, value)| format!("{name}={}\n", clean(value, 1_000)))
                .collect();
            print(&lines)?;
        }
        Command::Contracts { write, .. } => {
            let root = Path::new(".");
            if write {
                let written = contracts::write(root)?;
                print(&format!("{} files written.\n", written.len()))?;
            } else {
                let stale = contracts::stale(root)?;
                if !stale.is_empty() {
                    let files = stale.join(", ");
                    let message = format!(
                        "Stale: {files}. Run `expansion-pipeline contracts --write` and commit."
                    );
                    return Err(Ended::Ours(anyhow::anyhow!(message)));
                }
                print("The contracts are up to date.\n")?;
            }
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                env!("CARGO_PKG_NAME"),
                &mut script,
            );
            print(&String::from_utf8_lossy(&script))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What a command would do in vain with a portfolio that is forgotten at the end.
fn in_vain(command: &Command) -> Option<&'static str> {
    match command {
        Command::Import { .. } => Some("there is nothing to import into"),
        Command::Token(_) => Some("no token would let anybody in"),
        Command::Serve(asked) if asked.lets_in_our_tokens_only() => {
            Some("with --auth nobody could come in")
        }
        _ => None,
    }
}

/// The arguments of a call: those of `--json`, and pairs.
fn called_with(
    tool: &registry::Tool,
    pairs: &[String],
    json: Option<&str>,
) -> Result<Map<String, Value>> {
    let json = match json {
        Some(json) => serde_json::from_str(json).context("--json is not a JSON object")?,
        None => Map::new(),
    };
    let pairs: Vec<_> = pairs
        .iter()
        .map(|pair| key_value(pair))
        .collect::<Result<_>>()?;
    arguments_of(tool, pairs, json)
}

/// A tool with its arguments, for a person.
fn listed(tool: &registry::Tool) -> String {
    let text = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let properties = tool.input.get("properties").and_then(Value::as_object);
    let required = tool.input.get("required").and_then(Value::as_array);
    let arguments = properties.into_iter().flatten().map(|(name, schema)| {
        let is_required = required.is_some_and(|names| names.iter().any(|known| known == name));
        let mark = if is_required { " (required)" } else { "" };
        format!("    {name}{mark}: {}\n", text(schema, "description"))
    });
    let arguments: String = arguments.collect();
    format!("{}: {}\n{arguments}", tool.name, tool.description)
}

fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Says something beside the data.
fn note(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A role by its name.
fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| {
        let known = Role::ALL.map(Role::word).join(", ");
        format!("there is no such role; there are {known}")
    })
}

/// "1 row", "2 rows".
fn rows_of(count: u64) -> String {
    format!("{count} {}", if count == 1 { "row" } else { "rows" })
}
