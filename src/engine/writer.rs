//! The one writer of a process. Commands wait in a queue; each turn takes all that wait, plans them
//! one after another at the head of the log inside one transaction, commits once, and only then
//! publishes the new portfolio and answers, so several commands share one sync to disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::error::{Error, Result};
use super::snapshot::Snapshot;
use crate::domain::draft::Planned;
use crate::domain::portfolio::Portfolio;
use crate::store::Store;

/// The most commands one transaction takes.
const TURN: usize = 64;

type Plan = Box<dyn FnOnce(&Portfolio, &Store) -> Result<Planned> + Send>;

struct Command {
    plan: Plan,
    done: SyncSender<Result<()>>,
}

/// Where commands are handed in.
pub struct Writer {
    queue: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    /// Lets the thread end and waits for it: the last to close the file tidies up beside it.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Writer {
    /// Starts the writer's thread. It ends when the last handle is dropped.
    pub fn start(store: Store, snapshot: Arc<Snapshot>) -> std::io::Result<Writer> {
        let (queue, commands) = channel();
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || run(&store, &snapshot, &commands))?;
        Ok(Writer {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Plans at the head of the log and writes what was planned. Returns when it is safe on disk.
    pub fn write<T: Send + 'static>(
        &self,
        plan: impl FnOnce(&Portfolio, &Store) -> Result<(Planned, T)> + Send + 'static,
    ) -> Result<T> {
        let outcome = Arc::new(Mutex::new(None));
        let (done, finished) = sync_channel(1);
        let slot = Arc::clone(&outcome);
        let plan: Plan = Box::new(move |portfolio, store| {
            let (planned, outcome) = plan(portfolio, store)?;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            Ok(planned)
        });
        let stopped = || Error::Ours(anyhow::anyhow!("the writer has stopped"));
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(Command { plan, done }).map_err(|_| stopped())?;
        finished.recv().map_err(|_| stopped())??;
        outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(stopped)
    }
}

fn run(store: &Store, snapshot: &Snapshot, commands: &Receiver<Command>) {
    while let Ok(first) = commands.recv() {
        let mut waiting = vec![first];
        waiting.extend(commands.try_iter().take(TURN - 1));
        turn(store, snapshot, waiting);
    }
}

fn turn(store: &Store, snapshot: &Snapshot, waiting: Vec<Command>) {
    let mut portfolio = match begin(store, snapshot) {
        Ok(portfolio) => portfolio,
        Err(error) => {
            store.rollback();
            return fail(waiting.into_iter().map(|command| command.done), error);
        }
    };
    let mut written = Vec::new();
    let mut answers = Vec::new();
    for Command { plan, done } in waiting {
        let planned = store.savepoint(|| {
            // A panic must end as an error here, inside, or what it had written would be kept.
            catch_unwind(AssertUnwindSafe(|| {
                let planned = plan(&portfolio, store)?;
                if !planned.batch.is_empty() {
                    store.append(&planned.batch)?;
                }
                Ok(planned)
            }))
            .unwrap_or_else(|_| Err(Error::Ours(anyhow::anyhow!("a command panicked"))))
        });
        match planned {
            Ok(planned) => {
                if !planned.batch.is_empty() {
                    portfolio = Arc::new(planned.after);
                }
                written.push(done);
            }
            Err(error) => answers.push((done, error)),
        }
    }
    match store.commit() {
        Ok(()) => {
            snapshot.publish(portfolio);
            for done in written {
                // A caller that went away has nobody left to tell.
                let _ = done.send(Ok(()));
            }
        }
        Err(error) => {
            store.rollback();
            fail(written.into_iter(), error.into());
        }
    }
    for (done, error) in answers {
        let _ = done.send(Err(error));
    }
}

/// Takes the lock and brings the portfolio to the head of the log.
fn begin(store: &Store, snapshot: &Snapshot) -> Result<Arc<Portfolio>> {
    // Most of what other processes wrote is absorbed before the lock is taken.
    snapshot.absorb(store)?;
    store.begin()?;
    snapshot.absorb(store)
}

/// Tells every caller of a turn why it failed: the first gets the error itself, the others its words.
fn fail(callers: impl Iterator<Item = SyncSender<Result<()>>>, error: Error) {
    let refusal = match &error {
        Error::Refused(refusal) => Some(refusal.clone()),
        Error::Ours(_) => None,
    };
    let mut error = Some(error);
    for done in callers {
        let own = error.take().unwrap_or_else(|| match &refusal {
            Some(refusal) => Error::Refused(refusal.clone()),
            None => Error::Ours(anyhow::anyhow!("a write failed together with others")),
        });
        let _ = done.send(Err(own));
    }
}
