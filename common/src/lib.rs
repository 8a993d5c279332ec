//! What fovflow's coordinator and workers agree on.
//!
//! Reading order, from what's computed to how it gets about:
//!
//! - [`source`]: ND2 and CZI files, from a disk or an object store, behind one trait.
//! - [`config`]: what a user may configure, how the layers merge, and the [resolved](config::ResolvedConfig) result.
//! - [`plan`]: the stage graph, and for each FOV which stages run and what their outputs depend on
//!   ([`fingerprint`]).
//! - [`layout`]: every key of the output tree. [`commit`]: the objects that say what's done.
//! - [`run_spec`]: all that a worker must know about a run, stored beside the output.
//! - [`message`]: tasks and events. [`queue`]: how they travel. [`store`]: where outputs live; [`location`]: how a place
//!   is written.
//! - [`simulate`]: movies with known truth, for demonstrations, tests and load.
//! - [`ids`]: names of runs and workers.

pub mod commit;
pub mod config;
pub mod fingerprint;
pub mod ids;
pub mod layout;
pub mod location;
pub mod message;
pub mod plan;
pub mod queue;
pub mod run_spec;
pub mod simulate;
pub mod source;
pub mod store;
