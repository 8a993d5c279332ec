//! The plan of one FOV: the table "which stages run" of SPEC.md section 2, and the fingerprints of their parts.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Stage;
use crate::config::ResolvedConfig;
use crate::fingerprint::Fingerprint;
use crate::layout;
use crate::source::SourceInfo;

/// The part of `crop`: all of `cells.zarr`.
pub const CELLS: &str = "cells";
/// The part of `extract`: the CSV.
pub const TRACES: &str = "traces";
/// The part of `copy` that's the group `images.zarr` itself.
pub const IMAGES: &str = "images";

/// What a FOV goes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FovPlan {
    /// The FOV's ID in the file.
    pub fov: u32,
    /// One entry per stage, in the order of [`Stage::ALL`].
    pub stages: Vec<StagePlan>,
}

/// What happens in one stage of a FOV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagePlan {
    /// Which stage.
    pub stage: Stage,
    /// Whether it runs.
    pub action: Action,
}

/// Whether a stage runs, and what it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It runs, and makes these parts.
    Run(PartPlan),
    /// It has nothing to do.
    Skip(SkipReason),
}

/// The parts that a stage makes, by name, with what they depend on.
pub type PartPlan = BTreeMap<String, Fingerprint>;

/// Why a stage doesn't run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// `copy_only` is set.
    CopyOnly,
    /// No channel is configured.
    NoChannel,
    /// It needs a phase-contrast channel.
    NoPhaseContrast,
    /// It needs a fluorescence channel.
    NoFluorescence,
}

impl SkipReason {
    /// Whether the user should be told: results that one might expect are missing.
    pub fn is_warning(self) -> bool {
        self == Self::NoPhaseContrast
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CopyOnly => "copy_only is set",
            Self::NoChannel => "no channel is configured",
            Self::NoPhaseContrast => "no phase-contrast channel is configured",
            Self::NoFluorescence => "no fluorescence channel is configured",
        })
    }
}

/// The name of the part that's an image channel's OME-NGFF metadata. It stands apart from the pixels so that a new frame
/// interval doesn't compute any pixel again.
pub fn ome_part(array: &str) -> String {
    format!("{array}.ome")
}

/// Warnings about stages that won't run, once for a whole run.
pub fn config_warnings(config: &ResolvedConfig) -> Vec<String> {
    let plan = |stage| decide(config, stage).err().filter(|reason| reason.is_warning()).map(|reason| (stage, reason));
    let skipped: Vec<_> = Stage::ALL.into_iter().filter_map(plan).collect();
    let Some((_, reason)) = skipped.first() else { return Vec::new() };
    let names: Vec<_> = skipped.iter().map(|(stage, _)| stage.name()).collect();
    vec![format!("{} will be skipped: {reason}", names.join(", "))]
}

/// Whether a stage runs under a configuration.
fn decide(config: &ResolvedConfig, stage: Stage) -> Result<(), SkipReason> {
    let has_pc = config.pc.is_some();
    let has_fl = !config.fl.is_empty();
    if stage != Stage::Copy && config.params.copy_only {
        return Err(SkipReason::CopyOnly);
    }
    if !has_pc && !has_fl {
        return if stage == Stage::Extract { Ok(()) } else { Err(SkipReason::NoChannel) };
    }
    match stage {
        Stage::Copy | Stage::Cache => Ok(()),
        Stage::Segment | Stage::Track | Stage::Crop | Stage::Extract if !has_pc => Err(SkipReason::NoPhaseContrast),
        Stage::Segment | Stage::Track | Stage::Crop | Stage::Extract => Ok(()),
        Stage::Background if !has_fl => Err(SkipReason::NoFluorescence),
        Stage::Background => Ok(()),
    }
}

impl FovPlan {
    /// Plans one FOV. `config` has been checked against `source`.
    pub fn new(config: &ResolvedConfig, source: &SourceInfo, fov: u32) -> Self {
        let builder = Builder { config, source, fov };
        let mut all_parts = PartPlan::new();
        let stages = Stage::ALL
            .into_iter()
            .map(|stage| {
                let action = match decide(config, stage) {
                    Err(reason) => Action::Skip(reason),
                    Ok(()) => {
                        let parts = builder.parts(stage, &all_parts);
                        all_parts.extend(parts.clone());
                        Action::Run(parts)
                    }
                };
                StagePlan { stage, action }
            })
            .collect();
        Self { fov, stages }
    }

    /// The plan of one stage.
    pub fn stage(&self, stage: Stage) -> &StagePlan {
        &self.stages[stage.index()]
    }
}

impl StagePlan {
    /// The parts to make; `None` where the stage is skipped.
    pub fn parts(&self) -> Option<&PartPlan> {
        match &self.action {
            Action::Run(parts) => Some(parts),
            Action::Skip(_) => None,
        }
    }
}

/// All that a part may depend on.
struct Builder<'a> {
    config: &'a ResolvedConfig,
    source: &'a SourceInfo,
    fov: u32,
}

impl Builder<'_> {
    /// The parts of a stage that runs. `upstream` holds the parts of all stages before it.
    fn parts(&self, stage: Stage, upstream: &PartPlan) -> PartPlan {
        match stage {
            Stage::Copy => self.copy(),
            Stage::Segment => self.segment(upstream),
            Stage::Track => self.track(upstream),
            Stage::Background => self.background(upstream),
            Stage::Crop => self.crop(upstream),
            Stage::Extract => self.extract(upstream),
            Stage::Cache => self.cache(upstream),
        }
    }

    fn copy(&self) -> PartPlan {
        let pc = self.config.pc.iter().map(|pc| (layout::pc(pc.channel), pc.channel));
        let fl = self.config.fl.iter().map(|fl| (layout::fl(fl.channel), fl.channel));
        let mut parts = PartPlan::new();
        for (array, channel) in pc.chain(fl) {
            let inputs = (&self.source.identity, self.fov, channel, self.config.z, &self.config.frames);
            self.insert_image(&mut parts, Stage::Copy, &array, &inputs);
        }
        parts.insert(IMAGES.to_owned(), self.part(Stage::Copy, IMAGES, &()));
        parts
    }

    fn segment(&self, upstream: &PartPlan) -> PartPlan {
        let mut parts = PartPlan::new();
        if let Some(pc) = &self.config.pc {
            let inputs = (upstream.get(&layout::pc(pc.channel)), &self.config.params.segmentation);
            self.insert_image(&mut parts, Stage::Segment, &layout::seg_labeled(pc.channel), &inputs);
        }
        parts
    }

    fn track(&self, upstream: &PartPlan) -> PartPlan {
        let mut parts = PartPlan::new();
        if let Some(pc) = &self.config.pc {
            let inputs = (upstream.get(&layout::seg_labeled(pc.channel)), &self.config.params.tracking);
            self.insert_image(&mut parts, Stage::Track, &layout::seg_tracked(pc.channel), &inputs);
        }
        parts
    }

    fn background(&self, upstream: &PartPlan) -> PartPlan {
        let labels = self.config.pc.as_ref().and_then(|pc| upstream.get(&layout::seg_labeled(pc.channel)));
        let mut parts = PartPlan::new();
        for fl in &self.config.fl {
            let inputs = (upstream.get(&layout::fl(fl.channel)), labels, &self.config.params.background);
            self.insert_image(&mut parts, Stage::Background, &layout::fl_background(fl.channel), &inputs);
        }
        parts
    }

    fn crop(&self, upstream: &PartPlan) -> PartPlan {
        let pc = self.config.pc.iter().flat_map(|pc| [layout::seg_tracked(pc.channel), layout::pc(pc.channel)]);
        let fl = self.config.fl.iter().flat_map(|fl| [layout::fl(fl.channel), layout::fl_background(fl.channel)]);
        // Only columns have an order.
        let inputs: BTreeMap<_, _> = pc.chain(fl).map(|array| (array.clone(), upstream.get(&array).copied())).collect();
        PartPlan::from([(CELLS.to_owned(), self.part(Stage::Crop, CELLS, &inputs))])
    }

    fn extract(&self, upstream: &PartPlan) -> PartPlan {
        let extraction = &self.config.params.extraction;
        let filters = (extraction.background_weight, extraction.min_frames, extraction.border_margin);
        let inputs = (
            upstream.get(CELLS),
            (&self.config.pc, &self.config.fl, filters),
            (layout::basename(&self.source.name), self.fov, &self.config.frames),
        );
        PartPlan::from([(TRACES.to_owned(), self.part(Stage::Extract, TRACES, &inputs))])
    }

    /// One part for each array of `images.zarr`, and one for all crops.
    fn cache(&self, upstream: &PartPlan) -> PartPlan {
        let is_cached = |name: &str| name != TRACES && name != IMAGES && !name.ends_with(".ome");
        let levels = upstream.iter().filter(|(name, _)| is_cached(name));
        let part = |(name, fingerprint): (&String, &Fingerprint)| {
            let name = layout::level(name, 1);
            let fingerprint = self.part(Stage::Cache, &name, fingerprint);
            (name, fingerprint)
        };
        levels.map(part).collect()
    }

    /// An image array and its OME-NGFF metadata.
    fn insert_image<T: Serialize>(&self, parts: &mut PartPlan, stage: Stage, array: &str, inputs: &T) {
        parts.insert(array.to_owned(), self.part(stage, array, inputs));
        let ome = ome_part(array);
        let scale = (self.source.pixel_size_um, self.config.frame_interval_min);
        let fingerprint = self.part(stage, &ome, &scale);
        parts.insert(ome, fingerprint);
    }

    fn part<T: Serialize>(&self, stage: Stage, name: &str, inputs: &T) -> Fingerprint {
        Fingerprint::of(&(stage, stage.version(), name, inputs))
    }
}
