//! The seven stages of a FOV. A stage is a blocking function that streams frames from the store (or, for `copy`, from the
//! source) through the kernels of [`crate::imaging`] back into the store, and declares each part of its output done.

mod background;
mod cache;
mod cell_list;
pub mod context;
mod copy;
mod crop;
pub mod error;
mod extract;
mod frames;
mod images;
mod segment;
mod track;

pub use context::{PartWriter, StageContext};
pub use error::StageError;

use fovflow_common::plan::Stage;

/// Runs a stage: makes the parts that the context asks for.
///
/// # Errors
/// A [`StageError`]; parts that were declared done before it stay done.
pub fn run(stage: Stage, context: &StageContext<'_>) -> Result<(), StageError> {
    match stage {
        Stage::Copy => copy::run(context),
        Stage::Segment => segment::run(context),
        Stage::Track => track::run(context),
        Stage::Background => background::run(context),
        Stage::Crop => crop::run(context),
        Stage::Extract => extract::run(context),
        Stage::Cache => cache::run(context),
    }
}
