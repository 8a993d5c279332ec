//! Frames in parallel.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;

use super::{StageContext, StageError};

/// Calls `work` for every frame, on as many threads as the pool has, and gathers what it returns in the order of frames.
///
/// `work` reads, computes and writes its frame by itself, so that memory grows with the threads and not with the movie.
/// After a failure no further frame is begun, and the error of the earliest frame that failed is returned.
pub(super) fn for_each_frame<T: Send>(
    context: &StageContext<'_>,
    steps: &Steps,
    work: impl Fn(usize) -> Result<T, StageError> + Sync,
) -> Result<Vec<T>, StageError> {
    let has_failed = AtomicBool::new(false);
    let one_frame = |t: usize| {
        if has_failed.load(Ordering::Relaxed) {
            return None;
        }
        let result = context.check_cancelled().and_then(|()| work(t));
        match &result {
            Ok(_) => steps.advance(context),
            Err(_) => has_failed.store(true, Ordering::Relaxed),
        }
        Some(result)
    };
    let results: Vec<_> = (0..context.frames()).into_par_iter().with_max_len(1).map(one_frame).collect();
    results.into_iter().flatten().collect()
}

/// Counts steps towards a stage's end and reports them.
pub(super) struct Steps {
    done: AtomicU64,
    total: u64,
}

impl Steps {
    /// A stage of so many steps.
    pub(super) fn new(total: usize) -> Self {
        Self { done: AtomicU64::new(0), total: total as u64 }
    }

    /// One more is done.
    pub(super) fn advance(&self, context: &StageContext<'_>) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (context.progress)(done, self.total);
    }
}
