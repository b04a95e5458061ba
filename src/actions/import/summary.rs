//! What an import came to, counted and in sentences.

use serde::Serialize;

use crate::domain::statement::Statements;

/// At most this many conflicts are named; all are counted.
const NAMED: usize = 20;

/// What an import came to, or would come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The files that were read, with how many rows each has.
    pub files: Vec<FileRows>,
    /// Opportunities.
    pub opportunities: Counts,
    /// Customers.
    pub customers: Counts,
    /// CSMs and sales reps.
    pub people: Counts,
    /// Targets.
    pub targets: Counts,
    /// Recorded forecasts.
    pub forecasts: Counts,
    /// Exchange rates.
    pub rates: Counts,
    /// Signals.
    pub signals: Counts,
    /// Settings.
    pub settings: Counts,
    /// Stage moves that were added from a stage history.
    pub stage_moves: u64,
    /// Changes of fields that were added from a field history.
    pub field_changes: u64,
    /// Fields that keep what was changed here.
    pub conflicts: Conflicts,
    /// What one should know besides.
    pub notes: Vec<String>,
    /// Rows that cannot be right.
    pub rejected: u64,
}

/// A file and its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileRows {
    /// The file.
    pub file: String,
    /// How many rows it has, bad ones included.
    pub rows: u64,
}

/// How many of one sort the files hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// They were not on record.
    pub new: u64,
    /// Something about them changes.
    pub changed: u64,
    /// They stand as they were.
    pub unchanged: u64,
}

/// Fields that a file would have changed, had they not been changed here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Conflicts {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub named: Vec<Conflict>,
}

/// One such field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The id of the opportunity, customer or person, or the name of the setting, target or forecast.
    pub id: String,
    /// The field.
    pub field: String,
    /// What the file says.
    pub file: String,
    /// What it is here, and stays.
    pub here: String,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    New,
    Changed,
    Unchanged,
}

impl Counts {
    pub(super) fn add(&mut self, fate: Fate) {
        match fate {
            Fate::New => self.new += 1,
            Fate::Changed => self.changed += 1,
            Fate::Unchanged => self.unchanged += 1,
        }
    }
}

impl Conflicts {
    /// Counts a conflict, and names it while there is room.
    pub(super) fn add(&mut self, conflict: impl FnOnce() -> Conflict) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(conflict());
        }
    }
}

impl Summary {
    pub(super) fn new(stated: &Statements) -> Self {
        let files = stated
            .files
            .iter()
            .map(|file| FileRows {
                file: file.name.clone(),
                rows: file.rows,
            })
            .collect();
        Summary {
            files,
            notes: stated.notes.clone(),
            ..Summary::default()
        }
    }

    /// Whether the files say nothing that is not on record.
    pub fn changes_nothing(&self) -> bool {
        let counts = [
            self.opportunities,
            self.customers,
            self.people,
            self.targets,
            self.forecasts,
            self.rates,
            self.signals,
            self.settings,
        ];
        counts.iter().all(|counts| counts.new + counts.changed == 0)
            && self.stage_moves + self.field_changes == 0
    }
}
