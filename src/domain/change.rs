//! What the log says: entries (who, when, through which door, why) and the changes they made.
//! The present is these folded up (`deal`, `portfolio`); nothing here knows how a report reads them.

use super::origin::Origin;
use super::role::Role;
use super::texts::Text;

/// A place in the log: 0 before the first change, then one for each change, without gaps.
pub type Position = u32;

/// An instant in milliseconds since 1970 UTC.
pub type Millis = i64;

/// The instant before everything: imported targets, customers and people hold from here.
pub const BEGINNING: Millis = -62_135_596_800_000;

/// A day since 1970-01-01; [`NO_DAY`] stands for no date.
pub type Day = i32;

/// No date. It sorts after every date, so undated deals stand last and lie in no period.
pub const NO_DAY: Day = Day::MAX;

/// The value of a change that empties a field.
pub const EMPTY: i64 = i64::MIN;

/// Through which door a change came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Door {
    /// An MCP client.
    Mcp = 1,
    /// The command line.
    Cli = 2,
    /// An imported file.
    Import = 3,
    /// The REST API.
    Rest = 4,
}

impl Door {
    /// The small number it is stored as.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name for readers.
    pub const fn word(self) -> &'static str {
        match self {
            Door::Mcp => "mcp",
            Door::Cli => "cli",
            Door::Import => "import",
            Door::Rest => "rest",
        }
    }

    /// What a stored number stands for.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Door::Mcp,
            2 => Door::Cli,
            3 => Door::Import,
            4 => Door::Rest,
            _ => return None,
        })
    }
}

/// Who changed something, when we learned of it, through which door, and why. The changes it made
/// are those from `first` up to the next entry's first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The position of its first change.
    pub first: Position,
    /// When it was recorded.
    pub recorded_at: Millis,
    /// The door it came through.
    pub door: Door,
    /// Who made it: a person or an agent, by name.
    pub actor: Text,
    /// Why it was made, in the caller's words; [`NONE`](super::texts::NONE) when not said.
    pub reason: Text,
    /// The role it was made in; none when that was not recorded.
    pub role: Option<Role>,
    /// The program that made it, such as the MCP client; [`NONE`](super::texts::NONE) when not known.
    pub client: Text,
    /// The trace of the request (W3C trace context); [`NONE`](super::texts::NONE) without one.
    pub trace: Text,
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// An opportunity, by number.
    Deal(u32),
    /// A customer, by number.
    Customer(u32),
    /// A CSM or sales rep, by number.
    Person(u32),
    /// A setting, by the number of its name.
    Setting(Text),
    /// A target, by the number of its key (`targets::TargetKey`).
    Target(Text),
    /// A forecast recorded elsewhere, by the number of its key.
    Forecast(Text),
    /// A signal, by number.
    Signal(u32),
    /// An exchange rate, by the number of its key (`rates::RateKey`).
    Rate(Text),
}

impl Subject {
    /// The two small numbers it is stored as.
    pub const fn code(self) -> (u8, u32) {
        match self {
            Subject::Deal(n) => (1, n),
            Subject::Customer(n) => (2, n),
            Subject::Person(n) => (3, n),
            Subject::Setting(n) => (4, n),
            Subject::Target(n) => (5, n),
            Subject::Forecast(n) => (6, n),
            Subject::Signal(n) => (7, n),
            Subject::Rate(n) => (8, n),
        }
    }

    /// What two stored numbers stand for.
    pub const fn from_code(kind: u8, number: u32) -> Option<Self> {
        Some(match kind {
            1 => Subject::Deal(number),
            2 => Subject::Customer(number),
            3 => Subject::Person(number),
            4 => Subject::Setting(number),
            5 => Subject::Target(number),
            6 => Subject::Forecast(number),
            7 => Subject::Signal(number),
            8 => Subject::Rate(number),
            _ => return None,
        })
    }
}

/// Which field a change sets. The numbers are the stored ones; they are never given again.
pub mod field {
    /// A deal's or record's name (text).
    pub const NAME: u32 = 1;
    /// The type of expansion (its code).
    pub const KIND: u32 = 2;
    /// The product line (text).
    pub const PRODUCT_LINE: u32 = 3;
    /// The estimated value (minor units).
    pub const ESTIMATED_VALUE: u32 = 4;
    /// A probability set by hand (basis points); empty follows the stage.
    pub const PROBABILITY: u32 = 5;
    /// The day the deal was identified.
    pub const IDENTIFIED: u32 = 6;
    /// The expected close (day).
    pub const EXPECTED_CLOSE: u32 = 7;
    /// The actual close (day).
    pub const ACTUAL_CLOSE: u32 = 8;
    /// A recorded move into a stage (its code).
    pub const STAGE: u32 = 9;
    /// A stage that a file asserts, with its date but without the moves that led there.
    pub const STAGE_ASSERTED: u32 = 10;
    /// The same without a date.
    pub const STAGE_UNDATED: u32 = 11;
    /// The value it closed at (minor units).
    pub const CLOSED_VALUE: u32 = 12;
    /// The reason of a loss (text).
    pub const LOST_REASON: u32 = 13;
    /// The detail of a loss (a note).
    pub const LOST_NOTE: u32 = 14;
    /// The CSM (person).
    pub const CSM: u32 = 15;
    /// The sales rep (person).
    pub const SALES_REP: u32 = 16;
    /// The champion at the customer (text).
    pub const CHAMPION: u32 = 17;
    /// How the deal was found (text).
    pub const SOURCE: u32 = 18;
    /// The use case (text).
    pub const USE_CASE: u32 = 19;
    /// Free notes (a note).
    pub const NOTES: u32 = 20;
    /// The customer (its number).
    pub const CUSTOMER: u32 = 21;
    /// The currency (text); empty is the organisation's.
    pub const CURRENCY: u32 = 22;
    /// The term in months.
    pub const TERM_MONTHS: u32 = 23;
    /// A forecast category set by hand (its code); empty follows the stage.
    pub const CATEGORY: u32 = 24;
    /// A signal that led to the deal (its number).
    pub const SIGNAL: u32 = 25;
    /// A record's id in the system it comes from (text).
    pub const ID: u32 = 26;
    /// A customer's annual recurring revenue (minor units).
    pub const ARR: u32 = 27;
    /// A customer's segment (text).
    pub const SEGMENT: u32 = 28;
    /// A customer's health score (hundredths).
    pub const HEALTH_SCORE: u32 = 29;
    /// A person's manager (text).
    pub const MANAGER: u32 = 30;
    /// The value of a setting or rate (text), target or recorded forecast (minor units).
    pub const VALUE: u32 = 31;
    /// What kind of signal it is (text).
    pub const SIGNAL_KIND: u32 = 32;
    /// When a signal was detected (day).
    pub const DETECTED: u32 = 33;
    /// What a signal rests on (a note).
    pub const EVIDENCE: u32 = 34;
    /// The day a deal entered its stage, in a file's words: only ever kept as what was said.
    pub const STAGE_ENTERED: u32 = 35;
    /// Voids an earlier change of the same subject, a void among them: the value is its position. It
    /// is true since when the voided change was, so a look back sees both or neither.
    pub const VOID: u32 = 36;
    /// This number plus that of a field: what the last import said of the field, where that is not
    /// what stands on record because it was changed here since. It changes nothing that is shown;
    /// the next import compares with it. Of notes it is a fingerprint, since no text of them is held.
    pub const SAID: u32 = 500;
    /// Fields from here on are attributes: this number plus the number of the attribute's name.
    pub const ATTRIBUTES: u32 = 1_000;

    /// Whether the field is one of the three ways to say a stage.
    pub const fn is_stage(field: u32) -> bool {
        matches!(field, STAGE | STAGE_ASSERTED | STAGE_UNDATED)
    }
}

/// One change of one field of a deal, as it is held in memory: 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// When it was true.
    pub at: Millis,
    /// The new value; [`EMPTY`] for none.
    pub value: i64,
    /// Its place in the log.
    pub seq: Position,
    /// Which field.
    pub field: u32,
}

/// A change together with what it is about, as the log keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    /// What it is about.
    pub subject: Subject,
    /// The change.
    pub change: Change,
}

/// Where a look back stops: nothing after any of the three counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// What was true up to this instant (`as_of`).
    pub at: Millis,
    /// What was recorded up to this instant (`known_at`).
    pub recorded_at: Millis,
    /// What the log held up to this position.
    pub position: Position,
}

impl Cut {
    /// No cut: the present, which is the whole log.
    pub const NOW: Cut = Cut {
        at: Millis::MAX,
        recorded_at: Millis::MAX,
        position: Position::MAX,
    };

    /// Everything that was true at an instant, whenever it was recorded.
    pub const fn at(at: Millis) -> Cut {
        Cut { at, ..Cut::NOW }
    }

    /// Whether it limits what was known, rather than only what was true.
    pub const fn limits_knowledge(&self) -> bool {
        self.recorded_at != Millis::MAX || self.position != Position::MAX
    }
}

/// The positions that some changes of one subject void, given all of its changes: a void that is
/// itself voided voids nothing.
pub fn voided<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<Position> {
    let mut voids: Vec<(Position, Position)> = changes
        .filter(|change| change.field == field::VOID)
        .filter_map(|change| Some((change.seq, Position::try_from(change.value).ok()?)))
        .collect();
    // Only a later void can void one, so the last of them stands for sure.
    voids.sort_unstable();
    let mut voided = Vec::new();
    for (void, target) in voids.into_iter().rev() {
        if !voided.contains(&void) {
            voided.push(target);
        }
    }
    voided
}

/// What one write adds to the log, already in numbers: what the store appends and a portfolio absorbs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Texts that are new, in the order of their numbers, the first of which is `first_text`.
    pub texts: Vec<String>,
    /// The number of the first new text.
    pub first_text: Text,
    /// Long texts that are new: (number, text).
    pub notes: Vec<(u32, String)>,
    /// The entries, in order.
    pub entries: Vec<Entry>,
    /// Deals that came on record.
    pub deals: Vec<Origin>,
    /// Everything else, in log order.
    pub changes: Vec<Logged>,
}

impl Batch {
    /// Whether it holds nothing to append.
    pub fn is_empty(&self) -> bool {
        self.deals.is_empty() && self.changes.is_empty()
    }

    /// How many log positions it takes.
    pub fn len(&self) -> usize {
        self.deals.len() + self.changes.len()
    }
}
