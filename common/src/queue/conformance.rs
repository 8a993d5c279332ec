//! What every queue must do. A queue passes by calling [`check`] with itself, empty.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::memory::MemoryQueue;
use super::{Channel, Consumer, DELIVERY_LIMIT, Delivery, Queue, Settlement};
use crate::plan::Pool;

const IO: Channel = Channel::Tasks(Pool::Io);
const CPU: Channel = Channel::Tasks(Pool::Cpu);
/// How long a message may take to arrive.
const SOON: Duration = Duration::from_secs(5);
/// How long nothing must arrive for it to count as nothing.
const QUIET: Duration = Duration::from_millis(100);

async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    timeout(SOON, consumer.next()).await.expect("a message arrives in time").unwrap()
}

async fn assert_quiet(consumer: &mut Box<dyn Consumer>) {
    assert!(timeout(QUIET, consumer.next()).await.is_err(), "nothing should arrive");
}

async fn check(queue: &dyn Queue) {
    keeps_order_and_channels_apart(queue).await;
    delivers_again_what_is_given_back_or_dropped(queue).await;
    respects_prefetch(queue).await;
    shares_work_among_consumers(queue).await;
    buries_what_is_rejected_or_never_acknowledged(queue).await;
}

async fn keeps_order_and_channels_apart(queue: &dyn Queue) {
    for payload in ["a", "b", "c"] {
        queue.publish(IO, Bytes::from(payload)).await.unwrap();
    }
    queue.publish(CPU, Bytes::from("x")).await.unwrap();
    let mut io = queue.consume(IO, 3).await.unwrap();
    for expected in ["a", "b", "c"] {
        let delivery = next(&mut io).await;
        assert_eq!((&delivery.payload[..], delivery.count), (expected.as_bytes(), 1));
        delivery.settle(Settlement::Acknowledge).await.unwrap();
    }
    assert_quiet(&mut io).await;
    let mut cpu = queue.consume(CPU, 1).await.unwrap();
    let delivery = next(&mut cpu).await;
    assert_eq!(&delivery.payload[..], b"x");
    delivery.settle(Settlement::Acknowledge).await.unwrap();
}

async fn delivers_again_what_is_given_back_or_dropped(queue: &dyn Queue) {
    queue.publish(IO, Bytes::from("again")).await.unwrap();
    let mut consumer = queue.consume(IO, 1).await.unwrap();
    next(&mut consumer).await.settle(Settlement::GiveBack).await.unwrap();
    drop(next(&mut consumer).await);
    let delivery = next(&mut consumer).await;
    assert_eq!((&delivery.payload[..], delivery.count), (&b"again"[..], 3));
    delivery.settle(Settlement::Acknowledge).await.unwrap();
    assert_quiet(&mut consumer).await;
}

async fn respects_prefetch(queue: &dyn Queue) {
    for payload in ["1", "2", "3"] {
        queue.publish(IO, Bytes::from(payload)).await.unwrap();
    }
    let mut consumer = queue.consume(IO, 2).await.unwrap();
    let first = next(&mut consumer).await;
    let second = next(&mut consumer).await;
    assert_quiet(&mut consumer).await;
    first.settle(Settlement::Acknowledge).await.unwrap();
    let third = next(&mut consumer).await;
    assert_eq!(&third.payload[..], b"3");
    second.settle(Settlement::Acknowledge).await.unwrap();
    third.settle(Settlement::Acknowledge).await.unwrap();
}

async fn shares_work_among_consumers(queue: &dyn Queue) {
    let mut one = queue.consume(IO, 1).await.unwrap();
    let mut other = queue.consume(IO, 1).await.unwrap();
    queue.publish(IO, Bytes::from("p")).await.unwrap();
    let held = next(&mut one).await;
    queue.publish(IO, Bytes::from("q")).await.unwrap();
    let delivery = next(&mut other).await;
    assert_eq!(&delivery.payload[..], b"q");
    delivery.settle(Settlement::Acknowledge).await.unwrap();
    held.settle(Settlement::Acknowledge).await.unwrap();
}

async fn buries_what_is_rejected_or_never_acknowledged(queue: &dyn Queue) {
    let mut consumer = queue.consume(IO, 1).await.unwrap();
    queue.publish(IO, Bytes::from("foreign")).await.unwrap();
    next(&mut consumer).await.settle(Settlement::Reject).await.unwrap();
    queue.publish(IO, Bytes::from("deadly")).await.unwrap();
    for count in 1..=DELIVERY_LIMIT {
        let delivery = next(&mut consumer).await;
        assert_eq!((&delivery.payload[..], delivery.count), (&b"deadly"[..], count));
    }
    assert_quiet(&mut consumer).await;
    let mut dead = queue.consume(Channel::Dead, 2).await.unwrap();
    for expected in ["foreign", "deadly"] {
        let delivery = next(&mut dead).await;
        assert_eq!(&delivery.payload[..], expected.as_bytes());
        delivery.settle(Settlement::Acknowledge).await.unwrap();
    }
}

#[tokio::test]
async fn the_queue_in_memory_conforms() {
    check(&MemoryQueue::default()).await;
}
