//! Before a run: is the output fit for it, what has been done, what is there to do?

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fovflow_common::commit::Commit;
use fovflow_common::config::{ConfigError, ResolvedConfig, document, read_document};
use fovflow_common::ids::RunId;
use fovflow_common::layout;
use fovflow_common::location::Location;
use fovflow_common::plan::{FovPlan, Stage};
use fovflow_common::run_spec::{self, RunSpec};
use fovflow_common::source::SourceInfo;
use fovflow_common::store::{Store, StoreError, commits};
use thiserror::Error;

use crate::scheduler::{FovRequest, RunRequest, StageState};

/// Why a run can't begin.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output holds another dataset.
    #[error(
        "{output} holds the results of another dataset: {found}, but the source is {expected}; choose another output folder"
    )]
    OtherDataset {
        /// The output.
        output: String,
        /// The dataset that's there.
        found: String,
        /// The dataset that was to be processed.
        expected: String,
    },
    /// The output's own record of what it holds can't be read.
    #[error("{output}/{file} cannot be read, so it is unknown what the folder holds; choose another output folder ({reason})",
        file = layout::PROCESSING_CONFIG)]
    Unreadable {
        /// The output.
        output: String,
        /// What's wrong with it.
        reason: ConfigError,
    },
    /// The processing configuration can't be written down.
    #[error("cannot write {file}: {0}", file = layout::PROCESSING_CONFIG)]
    Document(ConfigError),
    /// There are results without a record.
    #[error("{output} holds {found} but no {file}, so it is unknown which dataset it belongs to; choose another output folder",
        file = layout::PROCESSING_CONFIG)]
    Unknown {
        /// The output.
        output: String,
        /// What was found.
        found: String,
    },
}

/// What is known about one stage of one FOV before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// The configuration skips it.
    Skipped,
    /// Its commit is current.
    Current,
    /// It has never been done.
    New,
    /// It was done with other parameters, or from something that has changed.
    Changed,
    /// Some of its parts are current, others are new.
    Partly,
}

/// A run that's ready to begin.
#[derive(Debug)]
pub struct Prepared {
    /// What is computed.
    pub spec: RunSpec,
    /// Where it's written.
    pub output: Location,
    /// For each FOV, in the order of processing, what is known of each stage.
    pub fovs: Vec<(u32, [Outlook; Stage::ALL.len()])>,
    /// The commits of what is current, by FOV and stage, with the parts that are planned.
    pub current: BTreeMap<(u32, Stage), Commit>,
}

/// Looks at an output and says what a run would do there. Writes nothing.
///
/// # Errors
/// A [`PrepareError`] where the output can't be read or isn't fit for the source.
pub async fn prepare(
    output: &Location,
    source_location: &Location,
    source: &SourceInfo,
    config: &ResolvedConfig,
) -> Result<Prepared, PrepareError> {
    let is_there = match output {
        Location::Local(folder) => folder.exists(),
        Location::Remote(_) => true,
    };
    let mut fovs = Vec::with_capacity(config.fovs.len());
    let mut current = BTreeMap::new();
    if is_there {
        let store = Store::open(output)?;
        check_output(&store, source).await?;
        let commits = commits::read_all(&store, &config.fovs).await?;
        for (&fov, commits) in config.fovs.iter().zip(commits) {
            let plan = FovPlan::new(config, source, fov);
            let mut outlooks = [Outlook::Skipped; Stage::ALL.len()];
            let mut remade = BTreeSet::new();
            for (stage, mut commit) in Stage::ALL.into_iter().zip(commits) {
                let outlook = outlook(&plan, stage, &commit, &mut remade);
                outlooks[stage.index()] = outlook;
                if let (Outlook::Current, Some(parts)) = (outlook, plan.stage(stage).parts()) {
                    commit.parts.retain(|name, _| parts.contains_key(name));
                    current.insert((fov, stage), commit);
                }
            }
            fovs.push((fov, outlooks));
        }
    } else {
        for &fov in &config.fovs {
            let plan = FovPlan::new(config, source, fov);
            let mut remade = BTreeSet::new();
            let outlooks = Stage::ALL.map(|stage| outlook(&plan, stage, &Commit::empty(fov, stage), &mut remade));
            fovs.push((fov, outlooks));
        }
    }
    let spec = RunSpec {
        format: run_spec::FORMAT,
        run: RunId::generate(),
        source_location: source_location.to_string(),
        source: source.clone(),
        config: config.clone(),
    };
    Ok(Prepared { spec, output: output.clone(), fovs, current })
}

/// What a run will find of a stage. `remade` gathers the parts that the stages before it make again: their display levels go
/// with them, however current `cache` is.
fn outlook(plan: &FovPlan, stage: Stage, commit: &Commit, remade: &mut BTreeSet<String>) -> Outlook {
    let Some(parts) = plan.stage(stage).parts() else { return Outlook::Skipped };
    let mut stale: BTreeSet<String> = commit.stale(parts).into_iter().collect();
    if stage == Stage::Cache {
        stale.extend(remade.iter().map(|part| layout::level(part, 1)).filter(|level| parts.contains_key(level)));
    }
    remade.extend(stale.iter().cloned());
    if stale.is_empty() {
        Outlook::Current
    } else if stale.iter().any(|name| commit.parts.contains_key(name)) {
        Outlook::Changed
    } else if stale.len() == parts.len() {
        Outlook::New
    } else {
        Outlook::Partly
    }
}

/// Refuses an output that holds something else.
async fn check_output(store: &Store, source: &SourceInfo) -> Result<(), PrepareError> {
    let output = store.location().to_string();
    if let Some(text) = store.get(layout::PROCESSING_CONFIG).await? {
        let text = String::from_utf8_lossy(&text);
        let (_, found) =
            read_document(&text).map_err(|reason| PrepareError::Unreadable { output: output.clone(), reason })?;
        if found.identity != source.identity {
            let describe = |info: &SourceInfo| format!("{} ({} bytes)", info.name, info.size_bytes);
            let (found, expected) = (describe(&found), describe(source));
            return Err(PrepareError::OtherDataset { output, found, expected });
        }
        return Ok(());
    }
    match store.folders().await?.into_iter().find(|name| layout::is_fov(name)) {
        Some(found) => Err(PrepareError::Unknown { output, found }),
        None => Ok(()),
    }
}

impl Prepared {
    /// Writes what must be there before the first task: the processing configuration and the run's specification.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub async fn write(&self, store: &Store) -> Result<(), PrepareError> {
        let text = document(&self.spec.config, &self.spec.source).map_err(PrepareError::Document)?;
        store.put(layout::PROCESSING_CONFIG, Bytes::from(text)).await?;
        self.spec.write(store).await?;
        // The commits to come rest on both.
        let written = vec![layout::PROCESSING_CONFIG.to_owned(), layout::run_spec(&self.spec.run)];
        Ok(store.sync(written).await?)
    }

    /// What the scheduler is asked for.
    pub fn request(&self) -> RunRequest {
        let state = |outlook: Outlook| match outlook {
            Outlook::Skipped => StageState::Skipped,
            Outlook::Current => StageState::Done,
            Outlook::New | Outlook::Changed | Outlook::Partly => StageState::Todo,
        };
        RunRequest {
            run: self.spec.run.clone(),
            output: self.output.to_string(),
            batch_size: self.spec.config.params.batch_size,
            max_attempts: RunRequest::DEFAULT_MAX_ATTEMPTS,
            fovs: self
                .fovs
                .iter()
                .map(|(fov, outlooks)| FovRequest { fov: *fov, stages: outlooks.map(state) })
                .collect(),
        }
    }

    /// How many FOVs have a stage in a certain state.
    pub fn count(&self, stage: Stage, outlook: Outlook) -> usize {
        self.fovs.iter().filter(|(_, outlooks)| outlooks[stage.index()] == outlook).count()
    }

    /// Whether nothing is left to do.
    pub fn is_complete(&self) -> bool {
        self.fovs.iter().all(|(_, outlooks)| outlooks.iter().all(|o| matches!(o, Outlook::Current | Outlook::Skipped)))
    }
}
