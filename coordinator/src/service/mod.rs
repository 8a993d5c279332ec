//! From a source and a configuration to a finished run.
//!
//! - [`mod@prepare`]: checks the output, plans every FOV, reads the commits, and tells what there is to do ([`Prepared`]).
//! - [`coordinator`]: drives the scheduler: tasks out, events in.
//! - [`embedded`]: coordinator, queue and worker in one process.
//! - [`lock`]: one process at a time on a local output.

pub mod coordinator;
pub mod embedded;
pub mod lock;
pub mod notice;
pub mod prepare;

pub use coordinator::Coordinator;
pub use notice::Notice;
pub use prepare::{Prepared, prepare};
