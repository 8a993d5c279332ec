//! How a run goes: bars on a terminal, log lines elsewhere.

use std::collections::HashMap;

use fovflow_common::plan::Stage;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing::{info, warn};

use crate::scheduler::{FovOutcome, Verdict};
use crate::service::Notice;
use crate::service::Prepared;
use crate::service::prepare::Outlook;

/// Shows notices as they come.
pub(super) struct Progress {
    bars: Vec<Option<StageBar>>,
    frames: u64,
    has_terminal: bool,
    tasks_done: usize,
    tasks: usize,
}

/// The bar of a stage counts frames.
struct StageBar {
    bar: ProgressBar,
    fovs_done: usize,
    fovs: usize,
    /// Frames done of the FOVs that are at work.
    at_work: HashMap<u32, u64>,
    frames_done: u64,
}

impl Progress {
    pub(super) fn new(prepared: &Prepared, area: &MultiProgress) -> Self {
        let frames = prepared.spec.config.frames.len() as u64;
        let to_do = |stage: Stage| {
            prepared.count(stage, Outlook::New)
                + prepared.count(stage, Outlook::Changed)
                + prepared.count(stage, Outlook::Partly)
        };
        let has_terminal = !area.is_hidden();
        let bars = Stage::ALL.map(|stage| {
            let fovs = to_do(stage);
            (has_terminal && fovs > 0).then(|| StageBar::new(area, stage, fovs, frames))
        });
        let tasks = Stage::ALL.into_iter().map(to_do).sum();
        Self { bars: bars.into(), frames, has_terminal, tasks_done: 0, tasks }
    }

    pub(super) fn show(&mut self, notice: &Notice) {
        match notice {
            Notice::Progress { fov, stage, done, total } => {
                let frames = self.frames * done / (*total).max(1);
                if let Some(bar) = &mut self.bars[stage.index()] {
                    bar.advance(*fov, frames);
                }
            }
            Notice::StageDone { fov, stage, completion } => {
                self.tasks_done += 1;
                if let Some(bar) = &mut self.bars[stage.index()] {
                    bar.finish_fov(*fov, self.frames);
                }
                if !self.has_terminal {
                    let (done, of) = (self.tasks_done, self.tasks);
                    info!(fov, %stage, seconds = format!("{:.2}", completion.seconds), "task {done} of {of} done");
                }
                for warning in &completion.warnings {
                    warn!("FOV {fov}, {stage}: {warning}");
                }
            }
            Notice::StageFailed { fov, stage, attempt, cause, verdict } => match verdict {
                Verdict::Retry { .. } => {
                    warn!("FOV {fov}, {stage}, attempt {attempt} failed and will be tried again: {cause}")
                }
                Verdict::Warning => {
                    warn!("FOV {fov}, {stage} failed, the FOV's results are complete without it: {cause}")
                }
                Verdict::FovFails => warn!("FOV {fov} failed in {stage}: {cause}"),
            },
            Notice::FovFinished { fov, outcome: FovOutcome::Done } if !self.has_terminal => info!(fov, "FOV done"),
            Notice::FovFinished { .. } => {}
            Notice::RunFinished { .. } => {
                for bar in self.bars.iter().flatten() {
                    bar.bar.abandon();
                }
            }
        }
    }
}

impl StageBar {
    fn new(area: &MultiProgress, stage: Stage, fovs: usize, frames: u64) -> Self {
        let style = ProgressStyle::with_template("{prefix:>10} {bar:30} {msg}  {per_sec}  ETA {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("per_sec", |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                // Writing to the line being drawn cannot fail.
                let _ = write!(out, "{:.1} frames/s", state.per_sec());
            });
        let bar = area.add(ProgressBar::new(fovs as u64 * frames).with_style(style).with_prefix(stage.name()));
        let this = Self { bar, fovs_done: 0, fovs, at_work: HashMap::new(), frames_done: 0 };
        this.draw();
        this
    }

    fn advance(&mut self, fov: u32, frames: u64) {
        self.at_work.insert(fov, frames);
        self.draw();
    }

    fn finish_fov(&mut self, fov: u32, frames: u64) {
        self.at_work.remove(&fov);
        self.fovs_done += 1;
        self.frames_done += frames;
        self.draw();
        if self.fovs_done == self.fovs {
            // Its rate and time stand still from here.
            self.bar.abandon();
        }
    }

    fn draw(&self) {
        self.bar.set_position(self.frames_done + self.at_work.values().sum::<u64>());
        self.bar.set_message(format!("{}/{} FOVs", self.fovs_done, self.fovs));
    }
}
