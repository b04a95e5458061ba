//! Bearer tokens: who may come in over HTTP, and as what.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;

use super::{Ended, print, role};
use crate::engine::{Engine, Role};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Tokens {
    /// Make a token for the person or agent that --actor names, and print it, this once
    ///
    /// Only a hash of it is kept.
    Create {
        /// What the token allows: viewer, orchestrator, researcher, expansion or admin
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: Role,
        /// How long it lasts, such as 90d or 12h; without it, until it is revoked
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        expires: Option<Duration>,
    },
    /// List all tokens: number, state, actor, role, made at, expires at, parted by tabs
    List,
    /// Put a token out of force, in every process at once
    Revoke {
        /// Its number
        number: u32,
    },
}

/// Does it.
pub(super) fn tokens(
    engine: &Engine,
    actor: Option<&str>,
    asked: &Tokens,
) -> Result<ExitCode, Ended> {
    let text = match asked {
        Tokens::Create { role, expires } => {
            let Some(actor) = actor.filter(|actor| !actor.is_empty()) else {
                let message = "say with --actor whom the token stands for";
                return Err(Ended::Usage(anyhow::anyhow!(message)));
            };
            let made = engine.make_token(actor, *role, *expires)?;
            let ends = made.expires_at.map_or_else(
                || "until it is revoked".to_owned(),
                |at| format!("until {at}"),
            );
            let note = format!(
                "Token {} for {actor} in the role {}, good {ends}. It is shown this once.\n",
                made.number,
                role.word()
            );
            super::note(&note);
            format!("{}\n", made.token)
        }
        Tokens::List => engine
            .tokens()?
            .iter()
            .map(|token| {
                let ends = token.expires_at.as_deref().unwrap_or_default();
                format!(
                    "{}\t{}\t{}\t{}\t{}\t{ends}\n",
                    token.number, token.state, token.actor, token.role, token.made_at
                )
            })
            .collect(),
        Tokens::Revoke { number } => {
            let actor = engine.revoke_token(*number)?;
            format!("Token {number} of {actor} is revoked.\n")
        }
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
