//! The thin shell around the scheduler: its inputs come from the queue and the clock, its commands go to the queue and to
//! whoever watches.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fovflow_common::message::{Event, EventKind, Task, wire};
use fovflow_common::queue::{Channel, Delivery, Queue, QueueError, Settlement};
use thiserror::Error;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Notice;
use crate::scheduler::{Command, Input, Millis, RunOutcome, RunRequest, Scheduler};

/// Events taken ahead of being handled.
const EVENT_PREFETCH: usize = 256;

/// Why a run can't go on.
#[derive(Debug, Error)]
pub enum CoordinatorError {
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The worker of this process ended before the run did.
    #[error("the worker ended before the run did ({0}); please report this, and run the same command again")]
    WorkerEnded(String),
    /// A task can't be written as a message.
    #[error("cannot publish a task: {0}; a shorter output location may help")]
    Wire(#[from] wire::WireError),
}

/// Drives one run to its end.
pub struct Coordinator {
    queue: Arc<dyn Queue>,
    scheduler: Scheduler,
    notices: UnboundedSender<Notice>,
    started: Instant,
    wake_at: Option<Instant>,
    outcome: Option<RunOutcome>,
}

impl Coordinator {
    /// A coordinator that publishes to a queue and tells `notices` what happens.
    pub fn new(queue: Arc<dyn Queue>, notices: UnboundedSender<Notice>) -> Self {
        let started = Instant::now();
        Self { queue, scheduler: Scheduler::new(), notices, started, wake_at: None, outcome: None }
    }

    /// Runs a request to its end. When `cancel` fires, nothing further is published, and the run ends as soon as the tasks in
    /// flight have reported.
    ///
    /// # Errors
    /// Where the queue fails. What is committed stays, and the next run goes on from there.
    pub async fn run(mut self, request: RunRequest, cancel: CancellationToken) -> Result<RunOutcome, CoordinatorError> {
        let mut events = self.queue.consume(Channel::Events, EVENT_PREFETCH).await?;
        let run = request.run.clone();
        let mut is_cancelled = false;
        self.handle(Input::Submit(request)).await?;
        loop {
            if let Some(outcome) = self.outcome {
                return Ok(outcome);
            }
            let wake_at = self.wake_at.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                biased;
                () = cancel.cancelled(), if !is_cancelled => {
                    is_cancelled = true;
                    self.handle(Input::Cancel(run.clone())).await?;
                }
                delivery = events.next() => self.receive(delivery?).await?,
                () = tokio::time::sleep_until(wake_at) => {
                    self.wake_at = None;
                    self.handle(Input::Tick).await?;
                }
            }
        }
    }

    async fn receive(&mut self, delivery: Delivery) -> Result<(), CoordinatorError> {
        let event: Event = match wire::decode(&delivery.payload) {
            Ok(event) => event,
            Err(error) => {
                warn!(%error, "an event cannot be understood, it goes to the dead");
                return Ok(delivery.settle(Settlement::Reject).await?);
            }
        };
        if let EventKind::Progress { done, total } = event.kind {
            self.tell(Notice::Progress { fov: event.fov, stage: event.stage, done, total });
        }
        self.handle(Input::Event(event)).await?;
        Ok(delivery.settle(Settlement::Acknowledge).await?)
    }

    async fn handle(&mut self, input: Input) -> Result<(), CoordinatorError> {
        let now = Millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX));
        for command in self.scheduler.handle(input, now) {
            match command {
                Command::Publish(task) => self.publish(&task).await?,
                Command::WakeAt(Millis(at)) => self.wake_at = Some(self.started + Duration::from_millis(at)),
                // Workers of this process are told by their own token.
                Command::CancelRun(_) => {}
                Command::StageDone { fov, stage, completion, .. } => {
                    self.tell(Notice::StageDone { fov, stage, completion });
                }
                Command::StageFailed { fov, stage, attempt, cause, verdict, .. } => {
                    self.tell(Notice::StageFailed { fov, stage, attempt, cause, verdict });
                }
                Command::FovFinished { fov, outcome, .. } => self.tell(Notice::FovFinished { fov, outcome }),
                Command::RunFinished { outcome, .. } => {
                    self.outcome = Some(outcome);
                    self.tell(Notice::RunFinished { outcome });
                }
            }
        }
        Ok(())
    }

    async fn publish(&self, task: &Task) -> Result<(), CoordinatorError> {
        let bytes = Bytes::from(wire::encode(task)?);
        Ok(self.queue.publish(Channel::Tasks(task.stage.pool()), bytes).await?)
    }

    fn tell(&self, notice: Notice) {
        // Nobody has to watch.
        let _ = self.notices.send(notice);
    }
}
