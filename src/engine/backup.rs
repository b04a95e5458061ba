//! A copy of the database under a name that is free, while everybody goes on.

use std::path::Path;

use super::check::look_over;
use super::{Engine, Error, Result};
use crate::files::export::Copy;
use crate::refusal::{Code, Refusal};
use crate::store;

/// A backup that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackedUp {
    /// How many positions it holds, of all organisations together.
    pub positions: i64,
    /// Its size.
    pub bytes: u64,
}

impl Engine {
    /// Copies the whole database, all organisations, into a new file. The copy is looked over, as by `check`,
    /// before it gets its name; a file that is there is never touched.
    pub fn backup(&self, to: &Path) -> Result<BackedUp> {
        self.guarded(|| {
            let Some(from) = &self.config.database else {
                let refusal =
                    Refusal::new(Code::NoDatabase, "The demo has no database to back up.");
                return Err(refusal.hint("Leave out --demo.").into());
            };
            if !from.exists() {
                return Err(store::Error::Missing(from.clone()).into());
            }
            let original = store::Original::open(from)?;
            let copy = Copy::begin(from, to)?;
            let positions = original.copy(copy.path()).map_err(|error| match error {
                // What cannot be written here is the copy.
                store::Error::ReadOnly(detail) => Error::Refused(
                    Refusal::new(
                        Code::FileNotWritable,
                        format!("{} cannot be written: {detail}.", to.display()),
                    )
                    .hint("Name a file in a folder that can be written."),
                ),
                error => error.into(),
            })?;
            // A copy that `check` would find fault with is no backup.
            let findings = look_over(copy.path())?;
            if let Some(found) = findings.iter().find(|found| !found.faults.is_empty()) {
                let faults = found.faults.join("; ");
                return Err(store::Error::Damaged(format!("{}: {faults}", found.about)).into());
            }
            let bytes = copy.finish()?;
            Ok(BackedUp { positions, bytes })
        })
    }
}
