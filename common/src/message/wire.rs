//! The wire format: a magic, a version and a kind, then the body in bincode.
//!
//! ```text
//! offset  bytes  what
//! 0       4      magic "FFLW"
//! 4       1      version of the format, 1
//! 5       1      kind: 1 task, 2 event
//! 6       …      body: bincode 2, standard configuration (little-endian, variable-length integers)
//! ```
//! This is the only module that knows bincode.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::{Event, Task};

const MAGIC: [u8; 4] = *b"FFLW";
const VERSION: u8 = 1;
const HEADER: usize = MAGIC.len() + 2;

/// The largest message, header included. Tasks and events hold no pixels; a larger one isn't ours.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// The longest cause of a failure, in bytes; what's longer is cut.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// Why a message can't be sent or understood.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// Larger than [`MAX_MESSAGE_BYTES`].
    #[error("message of {0} bytes, at most {MAX_MESSAGE_BYTES} are allowed")]
    TooLarge(usize),
    /// Doesn't begin as our messages do.
    #[error("not a fovflow message: it starts with {0}, expected {expected}", expected = hex::encode(MAGIC))]
    Foreign(String),
    /// From another version of fovflow.
    #[error(
        "message of format version {0}, this program understands version {VERSION}: run the same release everywhere"
    )]
    Version(u8),
    /// A message of another kind.
    #[error("message of kind {found}, expected kind {expected}")]
    Kind {
        /// The kind that the queue carries.
        expected: u8,
        /// The kind that came.
        found: u8,
    },
    /// The body can't be read.
    #[error("damaged message body: {0}")]
    Body(String),
}

/// A message that can go over a queue.
pub trait Message: Serialize + DeserializeOwned {
    /// The kind byte.
    const KIND: u8;
}

impl Message for Task {
    const KIND: u8 = 1;
}

impl Message for Event {
    const KIND: u8 = 2;
}

/// Encodes a message.
///
/// # Errors
/// [`WireError::TooLarge`] where the message would exceed [`MAX_MESSAGE_BYTES`].
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, WireError> {
    let body = bincode::serde::encode_to_vec(message, bincode::config::standard())
        .map_err(|error| WireError::Body(error.to_string()))?;
    let size = HEADER + body.len();
    if size > MAX_MESSAGE_BYTES {
        return Err(WireError::TooLarge(size));
    }
    let mut bytes = Vec::with_capacity(size);
    bytes.extend_from_slice(&MAGIC);
    bytes.push(VERSION);
    bytes.push(M::KIND);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Decodes a message, whatever the bytes are.
///
/// # Errors
/// A [`WireError`] that says what's wrong with the bytes.
pub fn decode<M: Message>(bytes: &[u8]) -> Result<M, WireError> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(WireError::TooLarge(bytes.len()));
    }
    let (Some(magic), Some(&[version, kind])) = (bytes.get(..MAGIC.len()), bytes.get(MAGIC.len()..HEADER)) else {
        return Err(WireError::Foreign(hex::encode(bytes)));
    };
    if magic != MAGIC {
        return Err(WireError::Foreign(hex::encode(magic)));
    }
    if version != VERSION {
        return Err(WireError::Version(version));
    }
    if kind != M::KIND {
        return Err(WireError::Kind { expected: M::KIND, found: kind });
    }
    let config = bincode::config::standard().with_limit::<MAX_MESSAGE_BYTES>();
    let body = &bytes[HEADER..];
    let (message, used) =
        bincode::serde::decode_from_slice(body, config).map_err(|error| WireError::Body(error.to_string()))?;
    if used != body.len() {
        return Err(WireError::Body(format!("{} bytes follow its end", body.len() - used)));
    }
    Ok(message)
}

/// Cuts a text so that a message that carries it stays within the limit.
pub fn shorten(text: &str) -> String {
    if text.len() <= MAX_TEXT_BYTES {
        return text.to_owned();
    }
    let end = (0..=MAX_TEXT_BYTES).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{} … ({} bytes in all)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::RunId;
    use crate::message::{EventKind, FailureKind};
    use crate::plan::Stage;

    fn task() -> Task {
        let run = RunId::parse("run-1").unwrap();
        Task { run, output: "file:///data/out".to_owned(), fov: 7, stage: Stage::Track, attempt: 2 }
    }

    #[test]
    fn a_task_survives_the_wire() {
        assert_eq!(decode::<Task>(&encode(&task()).unwrap()), Ok(task()));
    }

    #[test]
    fn the_header_is_checked() {
        let bytes = encode(&task()).unwrap();
        let with = |at: usize, value: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            decode::<Task>(&bytes).unwrap_err()
        };
        assert!(matches!(with(0, b'X'), WireError::Foreign(_)));
        assert_eq!(with(4, 9), WireError::Version(9));
        assert_eq!(with(5, 2), WireError::Kind { expected: 1, found: 2 });
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(decode::<Task>(&longer), Err(WireError::Body("1 bytes follow its end".to_owned())));
        assert!(matches!(decode::<Task>(b""), Err(WireError::Foreign(_))));
    }

    #[test]
    fn a_message_that_is_too_large_is_not_sent() {
        let kind = EventKind::Failed { kind: FailureKind::Permanent, cause: "x".repeat(MAX_MESSAGE_BYTES) };
        let Task { run, fov, stage, attempt, .. } = task();
        let event = Event { run, fov, stage, attempt, worker: "w".to_owned(), kind };
        assert!(matches!(encode(&event), Err(WireError::TooLarge(_))));
        assert!(shorten(&"é".repeat(MAX_MESSAGE_BYTES)).len() < MAX_TEXT_BYTES + 64);
    }

    proptest! {
        #[test]
        fn random_bodies_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode::<Task>(&body).is_err(), "without a header nothing is a task");
            let header = encode(&task()).unwrap()[..HEADER].to_vec();
            if let Ok(task) = decode::<Task>(&[&header[..], &body].concat()) {
                prop_assert_eq!(decode::<Task>(&encode(&task).unwrap()), Ok(task));
            }
        }

        #[test]
        fn mutated_messages_never_panic(at in 0usize..40, value: u8, cut in 0usize..60) {
            let mut bytes = encode(&task()).unwrap();
            let at = at % bytes.len();
            bytes[at] = value;
            bytes.truncate(bytes.len().saturating_sub(cut));
            let _ = decode::<Task>(&bytes);
            let _ = decode::<Event>(&bytes);
        }
    }
}
