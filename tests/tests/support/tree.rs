//! An output folder: its files, their contents, and which of them were written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// Every result of a run: the digests of all files by their paths, without the bookkeeping in `.fovflow`.
#[derive(Clone, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads a folder.
    pub fn of(root: &Path) -> Self {
        let is_result = |path: &String| !path.starts_with(".fovflow/");
        let digest = |path: String| {
            let bytes = fs::read(root.join(&path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
            (path, hex::encode(Sha256::digest(bytes)))
        };
        let files: BTreeMap<_, _> = paths(root).into_iter().filter(is_result).map(digest).collect();
        assert!(!files.is_empty(), "{} holds no results", root.display());
        Self { files }
    }

    /// One digest for all: SHA-256 over the sorted paths and contents.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for (path, digest) in &self.files {
            hasher.update(format!("{path}\0{digest}\n"));
        }
        hex::encode(hasher.finalize())
    }

    /// The files for which a condition holds.
    pub fn filter(&self, mut condition: impl FnMut(&str) -> bool) -> Self {
        let files = self.files.iter().filter(|(path, _)| condition(path));
        Self { files: files.map(|(path, digest)| (path.clone(), digest.clone())).collect() }
    }

    /// The files below `fov_…`.
    pub fn fov(&self, fov: u32) -> Self {
        self.filter(|path| path.starts_with(&format!("fov_{fov:03}/")))
    }

    /// All files but the record of what was configured.
    pub fn results(&self) -> Self {
        self.filter(|path| path != "processing_config.yaml")
    }

    /// The paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Fails, naming the first differences, unless both trees are the same to the byte.
    #[track_caller]
    pub fn assert_same(&self, expected: &Self, what: &str) {
        if self.sha256() == expected.sha256() {
            return;
        }
        let paths: BTreeSet<_> = self.files.keys().chain(expected.files.keys()).collect();
        let difference = |path: &&String| match (self.files.get(*path), expected.files.get(*path)) {
            (Some(_), None) => Some(format!("unexpected  {path}")),
            (None, Some(_)) => Some(format!("missing     {path}")),
            (found, expected) if found != expected => Some(format!("differs     {path}")),
            _ => None,
        };
        let all: Vec<_> = paths.iter().filter_map(difference).collect();
        let shown = all.iter().take(12).cloned().collect::<Vec<_>>().join("\n  ");
        panic!("{what}: {} files are not as expected\n  {shown}", all.len());
    }
}

/// When each file of a folder was written, bookkeeping included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamps {
    files: BTreeMap<String, (SystemTime, u64)>,
}

impl Stamps {
    /// Looks at a folder.
    pub fn of(root: &Path) -> Self {
        let stamp = |path: String| {
            let metadata = fs::metadata(root.join(&path)).expect("a listed file is there");
            (path, (metadata.modified().expect("the file system knows times"), metadata.len()))
        };
        Self { files: paths(root).into_iter().map(stamp).collect() }
    }

    /// The results that were written, replaced or removed since an earlier look.
    pub fn touched_since(&self, earlier: &Self) -> BTreeSet<String> {
        let all = self.files.keys().chain(earlier.files.keys());
        let is_touched = |path: &&String| self.files.get(*path) != earlier.files.get(*path);
        all.filter(is_touched).filter(|path| !path.starts_with(".fovflow/")).cloned().collect()
    }
}

/// The paths of all files below a folder, with `/`, sorted. Files that vanish meanwhile are passed over.
pub fn paths(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(root).expect("what is found in a folder lies below it");
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
    found.sort();
    found
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    for path in paths(from) {
        let target = to.join(&path);
        fs::create_dir_all(target.parent().expect("a file lies in a folder")).expect("a folder can be made");
        fs::copy(from.join(&path), target).expect("a file can be copied");
    }
}

/// The tables of traces, by FOV.
pub fn traces(output: &Path) -> BTreeMap<u32, String> {
    let is_table = |path: &String| path.ends_with("_traces.csv");
    let read = |path: String| {
        let fov = path.strip_prefix("fov_").and_then(|rest| rest.split('/').next()).and_then(|fov| fov.parse().ok());
        let text = fs::read_to_string(output.join(&path)).expect("a table is text");
        (fov.unwrap_or_else(|| panic!("{path} is not in the folder of a FOV")), text)
    };
    paths(output).into_iter().filter(is_table).map(read).collect()
}

/// Fails unless there are tables, and each has rows.
#[track_caller]
pub fn assert_has_traces(output: &Path) {
    let tables = traces(output);
    assert!(!tables.is_empty(), "{} holds no traces", output.display());
    for (fov, text) in tables {
        assert!(text.lines().count() > 1, "FOV {fov} has no rows; the test needs a movie with traces:\n{text}");
    }
}
