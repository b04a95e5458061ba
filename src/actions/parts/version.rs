//! Whether an opportunity still is as the caller saw it.

use crate::domain::portfolio::{Found, Portfolio};
use crate::language::opportunity::label;
use crate::refusal::{Code, Refusal, Result};

/// Refuses when the opportunity was changed since the version the caller expects.
pub fn check(expected: Option<u32>, found: Found<'_>, portfolio: &Portfolio) -> Result<()> {
    let version = found.detail.version;
    match expected {
        Some(expected) if expected != version => Err(Refusal::new(
            Code::VersionChanged,
            format!(
                "{} is at version {version}, not {expected}.",
                label(found.deal.number, portfolio)
            ),
        )
        .hint("Look at it again with get_opportunity, then change what is still to be changed.")
        .candidates([version.to_string()])),
        _ => Ok(()),
    }
}
