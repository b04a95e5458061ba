//! Who may come in: bearer tokens, by their hashes, and the keys that all processes on a file share.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Result, Store};
use crate::domain::change::Millis;
use crate::domain::role::Role;

/// A bearer token as it is kept. The token itself is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number within the organisation, from 1.
    pub number: u32,
    /// Whom it stands for.
    pub actor: String,
    /// The role; none when a newer version of the program knows one that this one does not.
    pub role: Option<Role>,
    /// When it was made.
    pub made_at: Millis,
    /// When it ends; none when it does not.
    pub expires_at: Option<Millis>,
    /// When it was revoked; none when it is in force.
    pub revoked_at: Option<Millis>,
}

impl Token {
    /// Whether it is in force at an instant.
    pub fn is_good(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

const TOKEN: &str = "number, actor, role, made_at, expires_at, revoked_at";

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        number: row.get(0)?,
        actor: row.get(1)?,
        role: Role::from_code(row.get(2)?),
        made_at: row.get(3)?,
        expires_at: row.get(4)?,
        revoked_at: row.get(5)?,
    })
}

impl Store {
    /// Keeps a token by its hash, and returns its number. The caller holds the transaction.
    pub fn add_token(
        &self,
        hash: &[u8],
        actor: &str,
        role: Role,
        made_at: Millis,
        expires_at: Option<Millis>,
    ) -> Result<u32> {
        Ok(self.connection.query_row(
            "INSERT INTO token (org, number, hash, actor, role, made_at, expires_at) \
             SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM token WHERE org = ?1 \
             RETURNING number",
            params![self.org, hash, actor, role.code(), made_at, expires_at],
            |row| row.get(0),
        )?)
    }

    /// The token of a hash, in force or not.
    pub fn token_of(&self, hash: &[u8]) -> Result<Option<Token>> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {TOKEN} FROM token WHERE org = ?1 AND hash = ?2"
        ))?;
        Ok(statement
            .query_row(params![self.org, hash], token)
            .optional()?)
    }

    /// All tokens, in the order they were made.
    pub fn tokens(&self) -> Result<Vec<Token>> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT {TOKEN} FROM token WHERE org = ?1 ORDER BY number"
        ))?;
        let tokens = statement
            .query_map([self.org], token)?
            .collect::<rusqlite::Result<_>>()?;
        Ok(tokens)
    }

    /// Puts a token out of force from now on, and returns it; none of this number, none. The caller holds
    /// the transaction.
    pub fn revoke_token(&self, number: u32, now: Millis) -> Result<Option<Token>> {
        let mut statement = self.connection.prepare(&format!(
            "UPDATE token SET revoked_at = coalesce(revoked_at, ?3) WHERE org = ?1 AND number = ?2 RETURNING {TOKEN}"
        ))?;
        Ok(statement
            .query_row(params![self.org, number, now], token)
            .optional()?)
    }

    /// The key of a name; the one given becomes it when there is none yet. The caller holds the
    /// transaction.
    pub fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>> {
        self.connection.execute(
            "INSERT INTO secret (org, name, key) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![self.org, name, fresh],
        )?;
        Ok(self.connection.query_row(
            "SELECT key FROM secret WHERE org = ?1 AND name = ?2",
            params![self.org, name],
            |row| row.get(0),
        )?)
    }
}
