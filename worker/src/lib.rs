//! What a fovflow worker does.
//!
//! - [`runtime`]: pulls tasks, runs them in slots, commits what they made, reports.
//! - [`stages`]: the seven stages; each reads like its paragraph in SPEC.md. Data flows here: store → kernel → store.
//! - [`imaging`]: the kernels, pure functions on arrays.

pub mod imaging;
pub mod runtime;
pub mod stages;
