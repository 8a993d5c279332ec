//! The coordinator of fovflow, and the command-line interface around it.
//!
//! - [`scheduler`]: the pure state machine that says which task is next.
//! - [`service`]: what's around it: plans a run, publishes tasks, listens to events, and runs it all in one process.
//! - [`cli`]: the commands.

pub mod cli;
pub mod scheduler;
pub mod service;
