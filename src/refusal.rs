//! The only error a caller ever sees: something in the request that the caller can mend.
//! Belongs here: the codes, what kind each is, and the shape of the sentence. Failures of our own
//! (a bug, a disk that breaks) are `anyhow::Error` and never become a [`Refusal`] with details.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What sort of refusal it is. It decides an exit code today and an HTTP status later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself cannot be right.
    Invalid,
    /// It names something that is not on record.
    NotFound,
    /// It names something that several records answer to.
    Ambiguous,
    /// It was right once, but the record has moved on.
    Conflict,
    /// The caller may not do this.
    Forbidden,
    /// The database cannot serve it now.
    Unavailable,
}

impl Kind {
    /// The stable name of the kind, as it stands in `_meta`.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Invalid => "invalid",
            Kind::NotFound => "not_found",
            Kind::Ambiguous => "ambiguous",
            Kind::Conflict => "conflict",
            Kind::Forbidden => "forbidden",
            Kind::Unavailable => "unavailable",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $name:literal $kind:ident $doc:literal),+ $(,)?) => {
        /// The stable codes. A code never changes its meaning; a new situation gets a new code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $doc] $variant),+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];

            /// The code as callers see it.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),+ }
            }

            /// The kind of refusal this code is.
            pub const fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind),+ }
            }

            /// What the code means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $doc.trim_ascii()),+ }
            }
        }
    };
}

codes! {
    InvalidArgument "invalid_argument" Invalid "An argument is unknown, of the wrong type, missing or out of range.",
    InvalidText "invalid_text" Invalid "A text is empty, too long or holds control characters.",
    UnknownTool "unknown_tool" NotFound "No tool has this name.",
    UnknownValue "unknown_value" Invalid "A word is not one of a closed list (a stage, a type, a field to sort by).",
    UnknownName "unknown_name" NotFound "No opportunity, customer or person answers to this name or id.",
    AmbiguousName "ambiguous_name" Ambiguous "Several records answer to this name.",
    PeriodNotUnderstood "period_not_understood" Invalid "The words do not name a period.",
    DateNotUnderstood "date_not_understood" Invalid "The words do not name a date.",
    AmountNotUnderstood "amount_not_understood" Invalid "The words do not name an amount of money.",
    FutureAsOf "future_as_of" Invalid "`as_of` lies in the future.",
    ImpossibleDate "impossible_date" Invalid "A date that cannot be right, such as a close in the future.",
    ClosedValueRequired "closed_value_required" Invalid "A win needs the value it closed at.",
    LostReasonRequired "lost_reason_required" Invalid "A loss needs a reason.",
    ReasonRequired "reason_required" Invalid "A backward move or a reopening needs a reason.",
    ConfirmationRequired "confirmation_required" Invalid "A change looks wrong, and nobody has confirmed it.",
    ForbiddenByRole "forbidden_by_role" Forbidden "The caller's role may not do this.",
    ForbiddenByStage "forbidden_by_stage" Invalid "The stage does not allow this, such as a probability on a closed deal.",
    StageChanged "stage_changed" Conflict "The opportunity is no longer in the stage the caller expected.",
    VersionChanged "version_changed" Conflict "The opportunity was changed since the version the caller expected.",
    AlreadyUndone "already_undone" Conflict "The change is undone already.",
    BuiltUpon "built_upon" Conflict "Later changes build on the one to be undone.",
    ContradictoryCommands "contradictory_commands" Invalid "Commands of a what-if contradict each other.",
    NothingMatches "nothing_matches" NotFound "No opportunity matches the filters that choose the deals of a command.",
    SignalContradicted "signal_contradicted" Conflict "A signal on record under this id is another one.",
    IdempotencyConflict "idempotency_conflict" Conflict "The idempotency key was used before, with another request.",
    Cancelled "cancelled" Conflict "The request was taken back before it was carried out.",
    InvalidCursor "invalid_cursor" Invalid "The cursor is damaged or belongs to another question.",
    ImportRejected "import_rejected" Invalid "Rows of an import cannot be right, so nothing was written.",
    DamagedLog "damaged_log" Invalid "A change log to import has a gap or holds what cannot be read, so nothing was written.",
    NotEmpty "not_empty" Conflict "What is to be written is there already: a folder with files, a file, a database with a log.",
    FileNotReadable "file_not_readable" NotFound "A file to import is missing or cannot be read.",
    FileNotWritable "file_not_writable" Unavailable "A file beside the database, such as rejected.csv, cannot be written.",
    NoDatabase "no_database" Unavailable "There is no database yet.",
    UnknownOrganisation "unknown_organisation" NotFound "The database holds no organisation of this name.",
    NotADatabase "not_a_database" Unavailable "The file is not a database of this program.",
    NewerDatabase "newer_database" Unavailable "The database was written by a newer version.",
    OlderDatabase "older_database" Unavailable "The database was written by an older version, and the server may not bring it up to date.",
    DamagedDatabase "damaged_database" Unavailable "The database file is damaged.",
    DatabaseReadOnly "database_read_only" Unavailable "The database cannot be written.",
    ReadOnly "read_only" Forbidden "The server serves questions only.",
    DatabaseLocked "database_locked" Unavailable "Another process held the database for too long.",
    DiskFull "disk_full" Unavailable "The disk is full.",
}

/// What an argument that is wanted takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "choices", rename_all = "snake_case")]
pub enum Takes {
    /// Words.
    Text,
    /// One of these.
    Choice(Vec<String>),
    /// Yes.
    Yes,
}

/// The one argument that would mend a refused request, and the question that a person can answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The argument's name.
    pub argument: String,
    /// The question, in words.
    pub question: String,
    /// What it takes.
    #[serde(flatten)]
    pub takes: Takes,
}

/// A request refused: what was wrong, what to do about it, and what would have fitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// One sentence that says what is wrong, in the caller's words.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
    /// What would have fitted, best first; may be empty.
    pub candidates: Vec<String>,
    /// The argument that only a person can give, when there is one.
    pub wants: Option<Box<Wanted>>,
}

impl Refusal {
    /// A refusal with a code and a message only.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Refusal {
            code,
            message: message.into(),
            hint: String::new(),
            candidates: Vec::new(),
            wants: None,
        }
    }

    /// The same with the argument that it wants from a person.
    #[must_use]
    pub fn wants(mut self, argument: &str, question: impl Into<String>, takes: Takes) -> Self {
        self.wants = Some(Box::new(Wanted {
            argument: argument.to_owned(),
            question: question.into(),
            takes,
        }));
        self
    }

    /// The same with a hint: what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with candidates: what would have fitted, best first.
    #[must_use]
    pub fn candidates<T: Into<String>>(mut self, candidates: impl IntoIterator<Item = T>) -> Self {
        self.candidates = candidates.into_iter().map(Into::into).collect();
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)?;
        if !self.hint.is_empty() {
            write!(f, " {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// The result of anything a caller may get wrong.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;
