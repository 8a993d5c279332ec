//! The configuration: what a user may set, and what a run makes of it.
//!
//! ```text
//! file, environment, flags ──layers──▶ Config ──resolve──▶ ResolvedConfig ──document──▶ processing_config.yaml
//!                                                ▲                                              │
//!                                            SourceInfo                        --config ◀───────┘
//! ```
//!
//! - `model`: the types of a configuration file, with the defaults. `resolved`: the same for one source.
//! - `schema`: every key with its meaning and bounds, in one table.
//! - `yaml` reads text into `node`s, trees that know their place in the text; `emit` writes them.
//! - `layers` merges flag over environment over file over default. `check` holds each value against the table, with
//!   `suggest` for what's mistyped; `validate` holds values against each other; `resolve` holds them against a source.
//! - `selection` reads `0-5,7`, `channel_flag` reads `--pc` and `--fl`.
//! - `document` writes and reads `processing_config.yaml`, `template` writes what `fovflow config init` prints.
//! - `error`: what may be wrong. All problems are told at once, each with its place.

mod channel_flag;
mod check;
mod document;
mod emit;
mod error;
mod layers;
mod model;
mod node;
mod resolve;
mod resolved;
mod schema;
mod selection;
mod suggest;
mod template;
mod validate;
mod yaml;

pub use channel_flag::{ChannelFlagError, parse_fl_flag, parse_pc_flag};
pub use document::{DOCUMENT_FORMAT, document, read_document};
pub use error::{ConfigError, Origin, Position, Problem};
pub use layers::{ENVIRONMENT_PREFIX, Layers};
pub use model::{
    Background, ChannelRef, Channels, CleanupStep, Config, Extraction, FlChannel, FlFeature, MorphShape, Params,
    PcChannel, PcFeature, Segmentation, SegmentationMethod, Threshold, Tracking, TrackingMethod,
};
pub use resolve::{DEFAULT_FRAME_INTERVAL_MIN, resolve};
pub use resolved::{ResolvedConfig, ResolvedFl, ResolvedPc};
pub use selection::{Selection, SelectionError};
pub use template::template;
