//! Who may come in: making, listing and revoking bearer tokens, whom one stands for, and the key that
//! all processes on a database sign with.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::{Caller, Door, Engine, Error, Result, Role};
use crate::domain::change::Millis;
use crate::domain::draft::Planned;
use crate::language::clean;
use crate::refusal::{Code, Refusal};

/// How every token begins, so that one that leaked is recognised for what it is.
const PREFIX: &str = "expl_";
/// How much randomness a token holds, in bytes: too much to be guessed, so a plain hash of it is enough.
const RANDOM: usize = 32;
/// The name of the key that is signed with.
const SIGNING: &str = "signing";

/// A token that was made. It is shown this once.
#[derive(Debug)]
pub struct Made {
    /// Its number, by which it is revoked.
    pub number: u32,
    /// The token itself.
    pub token: String,
    /// When it ends, in the organisation's time zone; none when it does not.
    pub expires_at: Option<String>,
}

/// A token as it is listed.
#[derive(Debug)]
pub struct Listed {
    /// Its number.
    pub number: u32,
    /// Whom it stands for.
    pub actor: String,
    /// The role.
    pub role: &'static str,
    /// When it was made.
    pub made_at: String,
    /// When it ends; none when it does not.
    pub expires_at: Option<String>,
    /// Whether it is in force, expired or revoked.
    pub state: &'static str,
}

impl Engine {
    /// Whether nothing may be written.
    pub fn is_read_only(&self) -> bool {
        self.config.read_only
    }

    /// Refuses a change where nothing may be written. The connections would, too, but not say why.
    pub(super) fn check_writes(&self) -> Result<()> {
        if !self.is_read_only() {
            return Ok(());
        }
        let refusal = Refusal::new(
            Code::ReadOnly,
            "This server only answers questions (--read-only).",
        );
        let hint = "Nothing was written. With dry_run, a change shows what it would do.";
        Err(refusal.hint(hint).into())
    }

    /// Makes a token for a person or agent in a role. Only its hash is kept.
    pub fn make_token(&self, actor: &str, role: Role, lasts: Option<Duration>) -> Result<Made> {
        self.guarded(|| {
            let actor = clean(actor, 100);
            if actor.is_empty() {
                let refusal = Refusal::new(Code::InvalidText, "The name of the actor is empty.");
                return Err(refusal.hint("Say whom the token stands for.").into());
            }
            if lasts.is_some_and(|lasts| lasts.is_zero()) {
                let refusal = Refusal::new(
                    Code::InvalidArgument,
                    "The token would be good for no time.",
                );
                return Err(refusal.hint("Say how long, such as 90d or 12h.").into());
            }
            let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random()?));
            let hash = hash(&token);
            let now = self.wall_clock();
            let lasts =
                lasts.map(|lasts| Millis::try_from(lasts.as_millis()).unwrap_or(Millis::MAX));
            let expires_at = lasts.map(|lasts| now.saturating_add(lasts));
            self.running(false)?.writer.write(move |portfolio, store| {
                let number = store.add_token(&hash, &actor, role, now, expires_at)?;
                let show = |at| portfolio.settings().calendar.show(at);
                let made = Made {
                    number,
                    token,
                    expires_at: expires_at.map(show),
                };
                Ok((Planned::nothing(portfolio), made))
            })
        })
    }

    /// All tokens there are, in the order they were made.
    pub fn tokens(&self) -> Result<Vec<Listed>> {
        self.guarded(|| {
            let now = self.wall_clock();
            self.running(false)?.writer.write(move |portfolio, store| {
                let tokens = store.tokens()?;
                let listed = tokens.into_iter().map(|token| {
                    let show = |at| portfolio.settings().calendar.show(at);
                    Listed {
                        number: token.number,
                        role: token.role.map_or("unknown", Role::word),
                        made_at: show(token.made_at),
                        expires_at: token.expires_at.map(show),
                        state: match (token.revoked_at, token.is_good(now)) {
                            (Some(_), _) => "revoked",
                            (None, true) => "in force",
                            (None, false) => "expired",
                        },
                        actor: token.actor,
                    }
                });
                Ok((Planned::nothing(portfolio), listed.collect()))
            })
        })
    }

    /// Puts a token out of force, in every process at once, and returns whom it stood for.
    pub fn revoke_token(&self, number: u32) -> Result<String> {
        self.guarded(|| {
            let now = self.wall_clock();
            self.running(false)?.writer.write(move |portfolio, store| {
                let token = store.revoke_token(number, now)?.ok_or_else(|| {
                    let message = format!("There is no token {number}.");
                    Error::from(
                        Refusal::new(Code::UnknownName, message)
                            .hint("See `expansion-pipeline token list`."),
                    )
                })?;
                Ok((Planned::nothing(portfolio), token.actor))
            })
        })
    }

    /// Whether a token is one of our own by its looks.
    pub fn made(token: &str) -> bool {
        token.starts_with(PREFIX)
    }

    /// The caller that a token stands for; `None` when it stands for nobody, or no longer.
    pub fn bearer(&self, token: &str, door: Door) -> Result<Option<Caller>> {
        if !Engine::made(token) {
            return Ok(None);
        }
        self.guarded(|| {
            let running = self.running(false)?;
            let hash = hash(token);
            let found = match &running.watch {
                Some(watch) => watch.token(&hash)?,
                None => running.writer.write(move |portfolio, store| {
                    Ok((Planned::nothing(portfolio), store.token_of(&hash)?))
                })?,
            };
            let now = self.wall_clock();
            let found = found.filter(|token| token.is_good(now));
            Ok(found.and_then(|token| {
                let role = token.role?;
                Some(Caller::new(&token.actor, door).in_role(role))
            }))
        })
    }

    /// The key that all processes on this database sign with. It is made when it is first asked for.
    pub fn signing_key(&self) -> Result<Vec<u8>> {
        self.guarded(|| {
            let fresh = random()?;
            self.running(false)?.writer.write(move |portfolio, store| {
                Ok((Planned::nothing(portfolio), store.secret(SIGNING, &fresh)?))
            })
        })
    }
}

fn random() -> Result<[u8; RANDOM]> {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Ours(anyhow::anyhow!("no randomness: {error}")))?;
    Ok(bytes)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
