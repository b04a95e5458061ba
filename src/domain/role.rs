//! Who may do what: the roles of agents and people. What a role may do with one tool the tool says
//! itself; belongs here what roles there are and what each is for.

/// What a caller is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// A person who reads.
    Viewer = 1,
    /// The agent that answers questions: reads.
    Orchestrator = 2,
    /// The agent that qualifies opportunities: reads, moves up to qualified, edits what it found out.
    Researcher = 3,
    /// The agent that works on opportunities: reads, creates, moves, edits.
    Expansion = 4,
    /// Everything, targets, undoing, settings and tokens included.
    Admin = 5,
}

impl Role {
    /// Every role, those that may least first.
    pub const ALL: [Role; 5] = [
        Role::Viewer,
        Role::Orchestrator,
        Role::Researcher,
        Role::Expansion,
        Role::Admin,
    ];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Orchestrator => "orchestrator",
            Role::Researcher => "researcher",
            Role::Expansion => "expansion",
            Role::Admin => "admin",
        }
    }

    /// What a name stands for.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }

    /// The small number it is stored as.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What a stored number stands for.
    pub fn from_code(code: u8) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.code() == code)
    }
}
