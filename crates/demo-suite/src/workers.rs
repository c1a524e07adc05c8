//! Independent pieces of work on a fixed number of threads.
//!
//! Pieces go to plain threads, each with a pool of its own for the engine's lanes, and not to one
//! shared work-stealing pool: there, a thread that waits for its lanes would start another whole
//! piece and leave the first waiting. The engine's bits do not depend on the size of a pool.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::ThreadPoolBuilder;

use crate::{Error, Result};

/// Runs `work` for every piece and gives the outcomes in the pieces' order, or the first error.
///
/// Pieces start in the order given. After an error no further piece starts; those under way end.
pub(crate) fn for_each<T: Sync, R: Send>(
    threads: usize,
    pieces: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let workers = threads.min(pieces.len()).max(1);
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let outcomes: Vec<Mutex<Option<Result<R>>>> = pieces.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| -> Result<()> {
        for worker in 0..workers {
            // Spare threads widen the pools of the first workers.
            let width = threads / workers + usize::from(worker < threads % workers);
            let pool = ThreadPoolBuilder::new().num_threads(width.max(1)).build().map_err(|error| {
                Error::Setting { flag: "--threads", found: threads.to_string(), wanted: error.to_string() }
            })?;
            let (next, failed, outcomes, work) = (&next, &failed, &outcomes, &work);
            scope.spawn(move || {
                pool.install(|| {
                    while !failed.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(piece) = pieces.get(index) else { break };
                        let outcome = work(piece);
                        if outcome.is_err() {
                            failed.store(true, Ordering::Relaxed);
                        }
                        if let Ok(mut slot) = outcomes[index].lock() {
                            *slot = Some(outcome);
                        }
                    }
                });
            });
        }
        Ok(())
    })?;
    // A piece without an outcome was never started, which only an error elsewhere can cause; that
    // error comes first or later in the list, so look for it before giving up.
    let mut finished = Vec::with_capacity(pieces.len());
    let mut missing = false;
    for slot in outcomes {
        match slot.into_inner().ok().flatten() {
            Some(outcome) => finished.push(outcome?),
            None => missing = true,
        }
    }
    if missing { Err(Error::Interrupted) } else { Ok(finished) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_keep_their_order() {
        let pieces: Vec<usize> = (0..50).collect();
        for threads in [1, 3, 64] {
            let squares = for_each(threads, &pieces, |&n| Ok(n * n)).unwrap();
            assert!(squares.iter().enumerate().all(|(n, &square)| square == n * n));
        }
        assert!(for_each(2, &[] as &[usize], |&n| Ok(n)).unwrap().is_empty());
    }

    #[test]
    fn the_error_is_told_and_stops_the_rest() {
        let started = AtomicUsize::new(0);
        let outcome = for_each(1, &[0, 1, 2, 3], |&n| {
            started.fetch_add(1, Ordering::Relaxed);
            if n == 1 {
                return Err(Error::Unknown { what: "set", found: "x".into(), hint: String::new() });
            }
            Ok(n)
        });
        assert!(matches!(outcome, Err(Error::Unknown { .. })));
        assert_eq!(started.load(Ordering::Relaxed), 2);
    }
}
