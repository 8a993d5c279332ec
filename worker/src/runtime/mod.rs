//! The worker's runtime: pull, run, commit, report.
//!
//! A worker has slots of two kinds, for I/O and for computing; a task occupies one slot of its stage's kind from its delivery to
//! its acknowledgement. A task whose commit exists is acknowledged at once. Everything else about a task is in `task`;
//! how parts get committed is in `committer`; `resources` keeps stores, run specifications and sources open between
//! tasks.

mod committer;
mod resources;
mod task;

use std::sync::Arc;

use bytes::Bytes;
use fovflow_common::message::{Event, EventKind, FailureKind, Task, wire};
use fovflow_common::plan::Pool;
use fovflow_common::queue::{Channel, Delivery, Queue, QueueError, Settlement};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use self::resources::Resources;

/// How a worker is set up.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The worker's name in reports and commits.
    pub name: String,
    /// Tasks that wait for the source and the store at the same time.
    pub io_slots: usize,
    /// Tasks that compute at the same time.
    pub cpu_slots: usize,
}

/// How a worker is told to stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take no more tasks; finish those in hand.
    pub drain: CancellationToken,
    /// Leave the tasks in hand, between two frames.
    pub abandon: CancellationToken,
}

/// A worker.
pub struct Worker {
    queue: Arc<dyn Queue>,
    options: WorkerOptions,
    resources: Arc<Resources>,
    shutdown: Shutdown,
}

impl Worker {
    /// A worker that pulls from a queue.
    pub fn new(queue: Arc<dyn Queue>, options: WorkerOptions, shutdown: Shutdown) -> Self {
        Self { queue, options, resources: Arc::default(), shutdown }
    }

    /// Works until it's told to drain, then finishes what's in hand.
    ///
    /// # Errors
    /// Where the queue fails.
    pub async fn run(self) -> Result<(), QueueError> {
        let worker = Arc::new(self);
        let mut slots = JoinSet::new();
        for (pool, count) in [(Pool::Io, worker.options.io_slots), (Pool::Cpu, worker.options.cpu_slots)] {
            for _ in 0..count {
                slots.spawn(Arc::clone(&worker).run_slot(pool));
            }
        }
        while let Some(ended) = slots.join_next().await {
            match ended {
                Ok(result) => result?,
                Err(error) => warn!(%error, "a worker slot ended unexpectedly"),
            }
        }
        Ok(())
    }

    /// One slot: one task at a time.
    async fn run_slot(self: Arc<Self>, pool: Pool) -> Result<(), QueueError> {
        let mut consumer = self.queue.consume(Channel::Tasks(pool), 1).await?;
        loop {
            let delivery = tokio::select! {
                biased;
                () = self.shutdown.drain.cancelled() => return Ok(()),
                delivery = consumer.next() => delivery?,
            };
            self.handle(delivery).await?;
        }
    }

    /// Does what a delivery asks for and settles it.
    async fn handle(&self, delivery: Delivery) -> Result<(), QueueError> {
        let task: Task = match wire::decode(&delivery.payload) {
            Ok(task) => task,
            Err(error) => {
                warn!(%error, "a message on the task queue cannot be understood, it goes to the dead");
                return delivery.settle(Settlement::Reject).await;
            }
        };
        debug!(run = %task.run, fov = task.fov, stage = %task.stage, attempt = task.attempt, "task begins");
        self.report(&task, EventKind::Started).await?;
        let kind = self.execute(&task).await?;
        self.report(&task, kind).await?;
        delivery.settle(Settlement::Acknowledge).await
    }

    /// Runs the task on a thread of its own and passes its progress on.
    async fn execute(&self, task: &Task) -> Result<EventKind, QueueError> {
        let (progress, mut reports) = mpsc::channel(1);
        let job = task::Job {
            task: task.clone(),
            worker: self.options.name.clone(),
            resources: Arc::clone(&self.resources),
            abandon: self.shutdown.abandon.clone(),
            runtime: tokio::runtime::Handle::current(),
            progress,
        };
        let running = tokio::task::spawn_blocking(move || job.run());
        while let Some(task::Progress { done, total }) = reports.recv().await {
            self.report(task, EventKind::Progress { done, total }).await?;
        }
        Ok(match running.await {
            Ok(Ok(completion)) => EventKind::Completed(completion),
            Ok(Err(error)) => EventKind::Failed { kind: error.kind(), cause: wire::shorten(&error.to_string()) },
            Err(panic) => {
                let cause = format!("a bug in fovflow stopped the stage, please report it: {panic}");
                EventKind::Failed { kind: FailureKind::Permanent, cause: wire::shorten(&cause) }
            }
        })
    }

    async fn report(&self, task: &Task, kind: EventKind) -> Result<(), QueueError> {
        let event = Event {
            run: task.run.clone(),
            fov: task.fov,
            stage: task.stage,
            attempt: task.attempt,
            worker: self.options.name.clone(),
            kind,
        };
        match wire::encode(&event) {
            Ok(bytes) => self.queue.publish(Channel::Events, Bytes::from(bytes)).await,
            Err(error) => {
                warn!(%error, fov = task.fov, stage = %task.stage, "a report cannot be sent");
                Ok(())
            }
        }
    }
}
