//! The queue within one process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{Channel, Consumer, DELIVERY_LIMIT, Delivery, Queue, QueueError, Receipt, Settlement};

/// Channels in memory. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryQueue {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    channels: Mutex<HashMap<Channel, Arc<Line>>>,
}

/// The messages of one channel that wait.
#[derive(Default)]
struct Line {
    waiting: Mutex<VecDeque<Waiting>>,
    arrived: Notify,
}

struct Waiting {
    payload: Bytes,
    deliveries: u32,
}

impl MemoryQueue {
    /// Messages that wait in a channel, those that are out with a consumer not counted.
    pub fn waiting(&self, channel: Channel) -> usize {
        self.line(channel).lock().len()
    }

    fn line(&self, channel: Channel) -> Arc<Line> {
        let mut channels = self.shared.channels.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(channels.entry(channel).or_default())
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push_back(&self, message: Waiting) {
        self.lock().push_back(message);
        self.arrived.notify_one();
    }

    fn push_front(&self, message: Waiting) {
        self.lock().push_front(message);
        self.arrived.notify_one();
    }

    async fn pop(&self) -> Waiting {
        loop {
            let message = self.lock().pop_front();
            if let Some(message) = message {
                return message;
            }
            self.arrived.notified().await;
        }
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn publish(&self, channel: Channel, payload: Bytes) -> Result<(), QueueError> {
        self.line(channel).push_back(Waiting { payload, deliveries: 0 });
        Ok(())
    }

    async fn consume(&self, channel: Channel, prefetch: usize) -> Result<Box<dyn Consumer>, QueueError> {
        let unsettled = Arc::new(Semaphore::new(prefetch.max(1)));
        Ok(Box::new(MemoryConsumer { line: self.line(channel), dead: self.line(Channel::Dead), channel, unsettled }))
    }
}

struct MemoryConsumer {
    line: Arc<Line>,
    dead: Arc<Line>,
    channel: Channel,
    unsettled: Arc<Semaphore>,
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn next(&mut self) -> Result<Delivery, QueueError> {
        let permit = Arc::clone(&self.unsettled).acquire_owned().await;
        let permit = permit.map_err(|_| QueueError::Closed(self.channel.name()))?;
        let message = self.line.pop().await;
        let deliveries = message.deliveries + 1;
        let held = Some(Waiting { payload: message.payload.clone(), deliveries });
        let receipt =
            MemoryReceipt { held, line: Arc::clone(&self.line), dead: Arc::clone(&self.dead), _permit: permit };
        Ok(Delivery::new(message.payload, deliveries, Box::new(receipt)))
    }
}

struct MemoryReceipt {
    held: Option<Waiting>,
    line: Arc<Line>,
    dead: Arc<Line>,
    _permit: OwnedSemaphorePermit,
}

#[async_trait]
impl Receipt for MemoryReceipt {
    async fn settle(mut self: Box<Self>, settlement: Settlement) -> Result<(), QueueError> {
        match settlement {
            Settlement::Acknowledge => drop(self.held.take()),
            Settlement::Reject => {
                if let Some(message) = self.held.take() {
                    self.dead.push_back(Waiting { deliveries: 0, ..message });
                }
            }
            Settlement::GiveBack => {}
        }
        Ok(())
    }
}

/// A receipt that ends without an acknowledgement gives its message back.
impl Drop for MemoryReceipt {
    fn drop(&mut self) {
        let Some(message) = self.held.take() else { return };
        if message.deliveries >= DELIVERY_LIMIT {
            self.dead.push_back(Waiting { deliveries: 0, ..message });
        } else {
            self.line.push_front(message);
        }
    }
}
