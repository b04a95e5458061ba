//! Work on large portfolios, done on several processors. Starting a thread takes some tens of
//! microseconds, so small ones are worked on by the thread that asks.

use std::num::NonZero;

/// From so many chunks on it pays to start another thread for some of them.
pub(super) const CHUNKS: usize = 16;

/// From so many customers on: sorting the few deals of each takes well below a microsecond.
pub(super) const CUSTOMERS: usize = 4_096;

/// Works on every item, on as many threads as there are processors when there are so many items that it
/// pays.
pub(super) fn for_each<T: Send>(items: &mut [T], pays_from: usize, work: impl Fn(&mut T) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    if items.len() < pays_from || threads == 1 {
        return items.iter_mut().for_each(work);
    }
    let work = &work;
    std::thread::scope(|scope| {
        let mut shares = items.chunks_mut(items.len().div_ceil(threads));
        let own = shares.next();
        for share in shares {
            scope.spawn(move || share.iter_mut().for_each(work));
        }
        own.into_iter().flatten().for_each(work);
    });
}

/// Does two things at once, when they are about so many chunks that it pays.
pub fn both<A: Send, B>(
    chunks: usize,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B,
) -> (A, B) {
    if chunks < CHUNKS {
        return (one(), other());
    }
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        match one.join() {
            Ok(one) => (one, other),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
