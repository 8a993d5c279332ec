//! The commits of an output: which parts are done, and which were made anew since an earlier look.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fovflow_common::commit::{Commit, PartCommit};
use fovflow_common::plan::Stage;

use super::tree::{self, Stamps};

/// Every committed part, by FOV, stage and name.
#[derive(Clone, PartialEq, Debug)]
pub struct Parts {
    parts: BTreeMap<(u32, Stage, String), PartCommit>,
}

impl Parts {
    /// Reads all commits of an output.
    pub fn of(output: &Path) -> Self {
        let mut parts = BTreeMap::new();
        for path in commit_paths(output) {
            let text = std::fs::read(output.join(&path)).expect("a commit can be read");
            let commit: Commit =
                serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{path} is not whole: {error}"));
            for (name, part) in commit.parts {
                parts.insert((commit.fov, commit.stage, name), part);
            }
        }
        Self { parts }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// `stage/part` of everything that's committed for a FOV.
    pub fn names(&self, fov: u32) -> BTreeSet<String> {
        self.parts.keys().filter(|key| key.0 == fov).map(|(_, stage, part)| format!("{stage}/{part}")).collect()
    }

    /// The FOVs.
    pub fn fovs(&self) -> BTreeSet<u32> {
        self.parts.keys().map(|key| key.0).collect()
    }

    /// `stage/part` of everything of a FOV that's new, or was made anew, since an earlier look. A part that's made anew has
    /// other timings and another process as its maker.
    pub fn made_since(&self, earlier: &Self, fov: u32) -> BTreeSet<String> {
        let is_made = |(key, part): &(&(u32, Stage, String), &PartCommit)| earlier.parts.get(*key) != Some(*part);
        let of_fov = self.parts.iter().filter(|(key, _)| key.0 == fov);
        of_fov.filter(is_made).map(|((_, stage, part), _)| format!("{stage}/{part}")).collect()
    }

    /// Fails unless all that was committed earlier still is, untouched.
    #[track_caller]
    pub fn assert_keep(&self, earlier: &Self, what: &str) {
        for (key, part) in &earlier.parts {
            let (fov, stage, name) = key;
            assert_eq!(
                self.parts.get(key),
                Some(part),
                "{what}: {name} of FOV {fov} was committed by {stage}, and yet it was made again"
            );
        }
    }
}

/// The commits' paths, which exist once there's one.
pub fn commit_paths(output: &Path) -> Vec<String> {
    let root = output.join(".fovflow/commits");
    tree::paths(&root).into_iter().map(|path| format!(".fovflow/commits/{path}")).collect()
}

/// When commits were written: changes with every part that's committed.
pub fn stamps(output: &Path) -> Vec<(String, Option<std::time::SystemTime>)> {
    let modified = |path: &str| std::fs::metadata(output.join(path)).and_then(|metadata| metadata.modified()).ok();
    commit_paths(output).into_iter().map(|path| (path.clone(), modified(&path))).collect()
}

/// An output at one moment.
pub struct Moment {
    parts: Parts,
    stamps: Stamps,
}

impl Moment {
    /// Looks at an output.
    pub fn of(output: &Path) -> Self {
        Self { parts: Parts::of(output), stamps: Stamps::of(output) }
    }

    /// Fails unless just these parts (`stage/part`, separated by blanks) were made since, in every FOV; and unless the files
    /// that were written are the files of these parts.
    #[track_caller]
    pub fn assert_made_since(&self, output: &Path, expected: &str) {
        let expected: BTreeSet<String> = expected.split_whitespace().map(str::to_owned).collect();
        let now = Self::of(output);
        for fov in now.parts.fovs() {
            let made = now.parts.made_since(&self.parts, fov);
            assert_eq!(made, expected, "parts made in FOV {fov} (left) are not those that the change reaches (right)");
        }
        let mut written: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
        for path in now.stamps.touched_since(&self.stamps) {
            let Some((fov, part)) = owner(&path) else { continue };
            let parts: BTreeSet<&str> = expected.iter().filter_map(|name| Some(name.split_once('/')?.1)).collect();
            let is_document = path.ends_with(&format!("{part}/zarr.json"));
            let owner = if is_document && !parts.contains(part.as_str()) { format!("{part}.ome") } else { part };
            assert!(parts.contains(owner.as_str()), "{path} was written, although {owner} is not among {parts:?}");
            written.entry(fov).or_default().insert(owner);
        }
        for fov in now.parts.fovs() {
            let written = written.remove(&fov).unwrap_or_default();
            for name in &expected {
                let part = name.split_once('/').expect("a name is stage/part").1;
                let is_document_of_written = part.strip_suffix(".ome").is_some_and(|array| written.contains(array));
                assert!(written.contains(part) || is_document_of_written, "no file of {part} was written in FOV {fov}");
            }
        }
    }
}

/// The FOV and part that a file belongs to; `None` for the processing configuration.
fn owner(path: &str) -> Option<(u32, String)> {
    let (fov, rest) = path.strip_prefix("fov_")?.split_once('/')?;
    let fov = fov.parse().ok()?;
    let steps: Vec<&str> = rest.split('/').collect();
    let part = match *steps.as_slice() {
        ["images.zarr", "zarr.json"] => "images".to_owned(),
        ["images.zarr", array, "1", ..] => format!("{array}/1"),
        ["images.zarr", array, ..] => array.to_owned(),
        ["cells.zarr", channel, _, "1", ..] if channel != "metadata" => "cells/1".to_owned(),
        ["cells.zarr", ..] => "cells".to_owned(),
        [table] if table.ends_with("_traces.csv") => "traces".to_owned(),
        _ => panic!("{path} belongs to no part"),
    };
    Some((fov, part))
}
