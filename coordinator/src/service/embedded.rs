//! Coordinator, queue and worker in one process, with nothing installed.

use std::sync::Arc;

use fovflow_common::ids;
use fovflow_common::queue::memory::MemoryQueue;
use fovflow_worker::runtime::{Shutdown, Worker, WorkerOptions};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::Notice;
use super::coordinator::{Coordinator, CoordinatorError};
use crate::scheduler::{RunOutcome, RunRequest};

/// Runs a request with so many worker slots. See [`Coordinator::run`] for `cancel`.
///
/// # Errors
/// As [`Coordinator::run`].
pub async fn run(
    request: RunRequest,
    workers: usize,
    cancel: CancellationToken,
    notices: UnboundedSender<Notice>,
) -> Result<RunOutcome, CoordinatorError> {
    let queue = Arc::new(MemoryQueue::default());
    let shutdown = Shutdown { drain: CancellationToken::new(), abandon: cancel.clone() };
    // Copying decodes, so it computes too: half as many slots keep the others fed.
    let options = WorkerOptions { name: ids::worker_name(), io_slots: workers.div_ceil(2), cpu_slots: workers };
    let worker = Worker::new(queue.clone(), options, shutdown.clone());
    let mut working = tokio::spawn(worker.run());
    let coordinating = Coordinator::new(queue, notices).run(request, cancel);
    let result = tokio::select! {
        result = coordinating => result,
        // Without a worker nothing would ever report.
        ended = &mut working => return Err(CoordinatorError::WorkerEnded(format!("{ended:?}"))),
    };
    shutdown.drain.cancel();
    if let Err(error) = working.await {
        tracing::warn!(%error, "the worker ended unexpectedly");
    }
    result
}
