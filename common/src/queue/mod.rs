//! How tasks and events travel: named channels with at-least-once delivery.
//!
//! A delivery stays the consumer's until it's acknowledged. If it's given back, or dropped, or its process dies, it's delivered
//! again; after [`DELIVERY_LIMIT`] deliveries it goes to [`Channel::Dead`]. So a consumer must be prepared to see a message twice.
//!
//! [`memory`] is the queue within one process.

pub mod memory;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use crate::plan::Pool;

/// How often a message is delivered before it counts as one that kills its consumers.
pub const DELIVERY_LIMIT: u32 = 5;

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Tasks for workers with slots of a pool.
    Tasks(Pool),
    /// Reports of workers for the coordinator.
    Events,
    /// Messages that can't be understood, or that kill their consumers.
    Dead,
}

impl Channel {
    /// The channel's name in logs, metrics and queue names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tasks(Pool::Io) => "tasks.io",
            Self::Tasks(Pool::Cpu) => "tasks.cpu",
            Self::Events => "events",
            Self::Dead => "dead",
        }
    }
}

/// What can go wrong with a queue.
#[derive(Debug, Error)]
pub enum QueueError {
    /// The queue is closed: the process is ending.
    #[error("the queue {0} is closed")]
    Closed(&'static str),
}

/// A message broker.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Hands a message over. When this returns, the message is the queue's to keep.
    async fn publish(&self, channel: Channel, payload: Bytes) -> Result<(), QueueError>;

    /// Begins to receive. At most `prefetch` deliveries are out unacknowledged at a time.
    async fn consume(&self, channel: Channel, prefetch: usize) -> Result<Box<dyn Consumer>, QueueError>;
}

/// Receives from one channel.
#[async_trait]
pub trait Consumer: Send {
    /// Waits for the next delivery.
    async fn next(&mut self) -> Result<Delivery, QueueError>;
}

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Done with.
    Acknowledge,
    /// To be delivered again, to anyone.
    GiveBack,
    /// To [`Channel::Dead`].
    Reject,
}

/// The queue's side of a delivery.
#[async_trait]
pub trait Receipt: Send {
    /// Tells the queue what becomes of the delivery. Dropping the receipt instead gives it back.
    async fn settle(self: Box<Self>, settlement: Settlement) -> Result<(), QueueError>;
}

/// A message that was delivered.
pub struct Delivery {
    /// The message.
    pub payload: Bytes,
    /// 1 for the first delivery.
    pub count: u32,
    receipt: Box<dyn Receipt>,
}

impl Delivery {
    /// A delivery, made by a queue.
    pub fn new(payload: Bytes, count: u32, receipt: Box<dyn Receipt>) -> Self {
        Self { payload, count, receipt }
    }

    /// Settles the delivery.
    ///
    /// # Errors
    /// Where the queue can't be told; it will then deliver the message again.
    pub async fn settle(self, settlement: Settlement) -> Result<(), QueueError> {
        self.receipt.settle(settlement).await
    }
}

#[cfg(test)]
mod conformance;
