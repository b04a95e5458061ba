//! What every command may be told: which database, for whom, on which day.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use clap::Args;

use crate::engine::{Config, Engine};

const DEFAULT_ORGANISATION: &str = "default";

/// What may stand before and after every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// The database file [default: expansion-pipeline/pipeline.db in the data directory]
    #[arg(long, global = true, env = "EXPANSION_DB", value_name = "PATH", value_parser = Maybe::<PathBuf>::read)]
    db: Option<Maybe<PathBuf>>,
    /// The organisation within it
    #[arg(
        long,
        global = true,
        env = "EXPANSION_ORG",
        value_name = "NAME",
        default_value = DEFAULT_ORGANISATION
    )]
    org: String,
    /// Take this business date as today (YYYY-MM-DD)
    #[arg(long, global = true, env = "EXPANSION_TODAY", value_name = "DATE", value_parser = date)]
    today: Option<Maybe<NaiveDate>>,
    /// Who is asking: named in the audit trail of every change
    #[arg(long, global = true, env = "EXPANSION_ACTOR", value_name = "NAME")]
    pub(super) actor: Option<String>,
    /// Use the built-in demo portfolio (today: 29 January 2026); writes to it are forgotten at the end
    ///
    /// It goes before EXPANSION_DB.
    #[arg(long, global = true)]
    pub(super) demo: bool,
}

/// A value that may be empty: a variable that is set to nothing says nothing.
#[derive(Debug, Clone)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

impl<T: FromStr> Maybe<T> {
    pub(super) fn read(text: &str) -> std::result::Result<Self, T::Err> {
        match text.trim() {
            "" => Ok(Maybe(None)),
            text => text.parse().map(|value| Maybe(Some(value))),
        }
    }
}

/// A date, or nothing.
fn date(text: &str) -> std::result::Result<Maybe<NaiveDate>, String> {
    Maybe::read(text).map_err(|_| "there is no such date; give one such as 2026-02-12".to_owned())
}

impl Global {
    /// Who asks: whoever is named, else the user of the machine.
    pub(super) fn actor(&self) -> String {
        let user = || {
            std::env::var("USER")
                .or_else(|_| std::env::var("USERNAME"))
                .unwrap_or_else(|_| "cli".to_owned())
        };
        let given = self.actor.clone().filter(|actor| !actor.is_empty());
        given.unwrap_or_else(user)
    }

    /// The database file; `None` for the demo.
    pub(super) fn database(&self) -> Result<Option<PathBuf>> {
        let given = self.db.as_ref().and_then(|path| path.0.clone());
        Ok(match (given, self.demo) {
            (_, true) => None,
            (Some(path), _) => Some(path),
            (None, _) => Some(default_database()?),
        })
    }

    /// An engine over it.
    pub(super) fn engine(&self) -> Result<Engine> {
        self.engine_that(false)
    }

    /// An engine over it, which may be told to read only.
    pub(super) fn engine_that(&self, read_only: bool) -> Result<Engine> {
        let organisation = match self.org.as_str() {
            "" => DEFAULT_ORGANISATION.to_owned(),
            name => name.to_owned(),
        };
        Ok(Engine::new(Config {
            database: self.database()?,
            organisation,
            today: self.today.as_ref().and_then(|today| today.0),
            read_only,
        }))
    }
}

fn default_database() -> Result<PathBuf> {
    let directories = directories::BaseDirs::new().context("no home directory; give --db PATH")?;
    Ok(directories
        .data_dir()
        .join("expansion-pipeline")
        .join("pipeline.db"))
}
