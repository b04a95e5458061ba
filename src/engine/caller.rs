//! Who is calling: as the log will name them, and whether they still want to know.

use std::sync::Arc;

use super::{Door, Result, Role};
use crate::language::clean;
use crate::refusal::{Code, Refusal};

/// Who is calling, in which role, through which door, with what.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(super) actor: String,
    pub(super) door: Door,
    pub(super) role: Role,
    pub(super) client: String,
    pub(super) trace: String,
    cancelled: Cancelled,
}

/// Whether a caller has taken the request back meanwhile; without an answer, never.
#[derive(Clone, Default)]
struct Cancelled(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl std::fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_asked = if self.0.is_some() { "asked" } else { "never" };
        f.write_str(is_asked)
    }
}

impl Caller {
    /// A caller by the name of the person or agent, made fit for the audit trail, who may do everything.
    pub fn new(actor: &str, door: Door) -> Caller {
        Caller {
            actor: clean(actor, 100),
            door,
            role: Role::Admin,
            client: String::new(),
            trace: String::new(),
            cancelled: Cancelled::default(),
        }
    }

    /// The same in a role.
    #[must_use]
    pub fn in_role(self, role: Role) -> Caller {
        Caller { role, ..self }
    }

    /// The same with the program that calls for them.
    #[must_use]
    pub fn with_client(self, client: &str) -> Caller {
        let client = clean(client, 100);
        Caller { client, ..self }
    }

    /// The same with the trace of the request.
    #[must_use]
    pub fn with_trace(self, trace: &str) -> Caller {
        let trace = clean(trace, 100);
        Caller { trace, ..self }
    }

    /// The same who may take the request back: a change that still waits to be written is then not made.
    #[must_use]
    pub fn unless(self, cancelled: impl Fn() -> bool + Send + Sync + 'static) -> Caller {
        Caller {
            cancelled: Cancelled(Some(Arc::new(cancelled))),
            ..self
        }
    }

    /// The role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The name of the person or agent.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// Refuses what was taken back.
    pub(super) fn check_cancelled(&self) -> Result<()> {
        let cancelled = self.cancelled.0.as_ref();
        if !cancelled.is_some_and(|cancelled| cancelled()) {
            return Ok(());
        }
        let message = "The request was cancelled before it was carried out.";
        let refusal = Refusal::new(Code::Cancelled, message);
        Err(refusal.hint("Nothing was written.").into())
    }
}
