//! What a worker keeps open between tasks: stores, run specifications, sources.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fovflow_common::ids::RunId;
use fovflow_common::location::{Location, open_source};
use fovflow_common::run_spec::RunSpec;
use fovflow_common::source::Source;
use fovflow_common::store::{Store, StoreError};
use tokio::runtime::Handle;

use crate::stages::StageError;

/// Run specifications kept at a time.
const MAX_SPECS: usize = 64;

/// Sources kept open at a time.
const MAX_IDLE_SOURCES: usize = 8;

/// See the module.
#[derive(Default)]
pub(super) struct Resources {
    stores: Mutex<HashMap<String, Store>>,
    specs: Mutex<HashMap<RunId, Arc<RunSpec>>>,
    idle_sources: Mutex<Vec<IdleSource>>,
    withdrawals: Mutex<()>,
}

struct IdleSource {
    location: String,
    source: Box<dyn Source>,
}

impl Resources {
    /// The store of an output.
    pub(super) fn store(&self, output: &str) -> Result<Store, StageError> {
        let mut stores = lock(&self.stores);
        if let Some(store) = stores.get(output) {
            return Ok(store.clone());
        }
        let location = Location::parse(output).map_err(|error| StageError::Impossible(error.to_string()))?;
        let store = Store::open(&location)?;
        stores.insert(output.to_owned(), store.clone());
        Ok(store)
    }

    /// Two stages of a FOV that run at the same time both change the commit of `cache`: one after the other, please.
    pub(super) fn lock_withdrawals(&self) -> MutexGuard<'_, ()> {
        lock(&self.withdrawals)
    }

    /// The specification of a run.
    pub(super) fn spec(&self, runtime: &Handle, store: &Store, run: &RunId) -> Result<Arc<RunSpec>, StoreError> {
        if let Some(spec) = lock(&self.specs).get(run) {
            return Ok(Arc::clone(spec));
        }
        let spec = Arc::new(runtime.block_on(RunSpec::read(store, run))?);
        let mut specs = lock(&self.specs);
        if specs.len() >= MAX_SPECS {
            specs.clear();
        }
        specs.insert(run.clone(), Arc::clone(&spec));
        Ok(spec)
    }

    /// The source of a run, opened if there's none at hand. It must be the file that the run was planned for.
    pub(super) fn checkout_source(&self, runtime: &Handle, spec: &RunSpec) -> Result<Box<dyn Source>, StageError> {
        let idle = {
            let mut idle = lock(&self.idle_sources);
            let position = idle.iter().position(|idle| idle.location == spec.source_location);
            position.map(|position| idle.swap_remove(position).source)
        };
        let source = match idle {
            Some(source) => source,
            None => {
                let location = Location::parse(&spec.source_location)
                    .map_err(|error| StageError::Impossible(error.to_string()))?;
                open_source(&location, runtime)?
            }
        };
        if source.info().identity != spec.source.identity {
            let reason =
                format!("{} is no longer the file that this run was started with; run it again", spec.source_location);
            return Err(StageError::Impossible(reason));
        }
        Ok(source)
    }

    /// Keeps a source open for the next task.
    pub(super) fn return_source(&self, spec: &RunSpec, source: Box<dyn Source>) {
        let mut idle = lock(&self.idle_sources);
        if idle.len() >= MAX_IDLE_SOURCES {
            idle.remove(0);
        }
        idle.push(IdleSource { location: spec.source_location.clone(), source });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
